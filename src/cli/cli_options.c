/* cli_options.c: parsing a command line by a table of rows. The help text made from the same rows is in cli_help.c.
 */
#include "cli/cli_options.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "cli/cli_habits.h"
#include "cli/cli_help.h"
#include "cli/cli_print.h"
#include "kernels/kernels.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { GO_ON = -1 };

static const cli_option *find_name(const cli_line *cli, const char *typed, size_t n) {
    for (size_t i = 0; i < cli->n_options; i++)
        if (yti_option_is_named(&cli->options[i], typed, n)) return &cli->options[i];
    return NULL;
}

static const cli_option *find_letter(const cli_line *cli, char letter) {
    for (size_t i = 0; i < cli->n_options; i++)
        if (cli->options[i].letter && cli->options[i].letter == letter) return &cli->options[i];
    return NULL;
}

static int read_value(const cli_line *cli, const cli_option *row, const char *text, cli_value *out) {
    yt_err err;
    return yti_option_read(row, text, out, &err) == YT_OK ? GO_ON : cli_usage_error(cli, "--%s", err.text);
}

static int unknown_option(const cli_line *cli, const char *typed, size_t n) {
    char name[64], advice[256];
    if (cli_habit(cli, typed, n, advice, sizeof advice))
        return cli_usage_error(cli, "there is no option --%.*s; %s", (int)n, typed, advice);
    const char **names = malloc((cli->n_options + 2) * sizeof *names);
    const char *near = NULL;
    if (names && n < sizeof name) {
        for (size_t i = 0; i < n; i++) name[i] = typed[i] == '_' ? '-' : typed[i];
        name[n] = '\0';
        for (size_t i = 0; i < cli->n_options; i++) names[i] = cli->options[i].name;
        names[cli->n_options] = "help";
        names[cli->n_options + 1] = "version";
        near = yti_nearest_word(name, names, cli->n_options + 2);
    }
    int code = near ? cli_usage_error(cli, "unknown option --%.*s; did you mean --%s?", (int)n, typed, near)
                    : cli_usage_error(cli, "unknown option --%.*s", (int)n, typed);
    free(names);
    return code;
}

/* Whether a word is the value of the option before it that may also stand alone. */
static bool could_be_value(const cli_option *row, const char *word) {
    if (row->type == YT_OPTION_TEXT) return word[0] != '-';
    if (row->type == YT_OPTION_CHOICE) return yti_option_choice(row, word) != YTI_NO_CHOICE;
    double value;
    if (yti_truth(word) >= 0) return true;
    return row->type != YT_OPTION_FLAG && yti_parse_decimal(word, strlen(word), &value);
}

/* The value of an option found at argv[*at]: after '=', the next word, or none for a flag. */
static int take_value(const cli_line *cli, const cli_option *row, const char *attached, int argc, char *const *argv,
                      int *at) {
    const char *next = *at + 1 < argc ? argv[*at + 1] : NULL;
    const char *text = attached;
    if (!text) {
        bool wanted = !yti_option_is_optional(row) && row->type != YT_OPTION_FLAG ? true
                                                                                  : next && could_be_value(row, next);
        if (wanted && !next) return cli_usage_error(cli, "--%s needs a value", row->name);
        if (wanted) {
            text = next;
            ++*at;
        } else {
            text = row->type == YT_OPTION_TEXT ? "" : "true";
        }
    }
    cli_value value = {.typed = true};
    int code = read_value(cli, row, text, &value);
    if (code == GO_ON) cli->values[row - cli->options] = value;
    return code;
}

/* --help, or --help=FORM. */
static int print_help(const cli_line *cli, const char *form) {
    static const struct form {
        const char *name;
        void (*print)(const cli_line *cli, FILE *out);
    } forms[] = {{"text", cli_print_help},
                 {"man", cli_print_man},
                 {"bash", cli_print_bash},
                 {"zsh", cli_print_zsh},
                 {"fish", cli_print_fish}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].name, form) == 0) {
            forms[i].print(cli, stdout);
            return cli_finish_stdout(cli, 0);
        }
    return cli_usage_error(cli, "--help: unknown \"%s\"; it is one of text, man, bash, zsh, fish", form);
}

static int take_long(const cli_line *cli, int argc, char *const *argv, int *at) {
    const char *typed = argv[*at] + 2;
    const char *equals = strchr(typed, '=');
    size_t n = equals ? (size_t)(equals - typed) : strlen(typed);
    const cli_option *row = find_name(cli, typed, n);
    if (row) return take_value(cli, row, equals ? equals + 1 : NULL, argc, argv, at);
    if (n == 4 && strncmp(typed, "help", n) == 0) return print_help(cli, equals ? equals + 1 : "text");
    if (n == 7 && strncmp(typed, "version", n) == 0 && cli->version) {
        printf("%s %s\n", cli->program, cli->version);
        return cli_finish_stdout(cli, 0);
    }
    if (n > 3 && !equals && strncmp(typed, "no", 2) == 0 && (typed[2] == '-' || typed[2] == '_')) {
        row = find_name(cli, typed + 3, n - 3);
        if (row && (row->type == YT_OPTION_FLAG || (row->type != YT_OPTION_TEXT && yti_option_is_optional(row)))) {
            cli->values[row - cli->options] = (cli_value){.typed = true, .text = "false"};
            return GO_ON;
        }
    }
    return unknown_option(cli, typed, n);
}

static int take_short(const cli_line *cli, int argc, char *const *argv, int *at) {
    const char *typed = argv[*at];
    const cli_option *row = typed[2] == '\0' ? find_letter(cli, typed[1]) : NULL;
    if (row) return take_value(cli, row, NULL, argc, argv, at);
    if (strcmp(typed, "-h") == 0) {
        cli_print_help(cli, stdout);
        return cli_finish_stdout(cli, 0);
    }
    char advice[256];
    if (cli_habit(cli, typed + 1, strlen(typed + 1), advice, sizeof advice))
        return cli_usage_error(cli, "there is no option %s; %s", typed, advice);
    return cli_usage_error(cli, "unknown option %s; long options begin with two dashes", typed);
}

/* The option of a word that could have taken the next one for its value and did not; NULL: none. */
static const cli_option *left_alone(const cli_line *cli, const char *word) {
    if (strncmp(word, "--", 2) != 0 || strchr(word, '=')) return NULL;
    const cli_option *row = find_name(cli, word + 2, strlen(word + 2));
    return row && row->type != YT_OPTION_FLAG && yti_option_is_optional(row) ? row : NULL;
}

static int unexpected_word(const cli_line *cli, const char *before, const char *word) {
    const cli_option *row = left_alone(cli, before);
    if (!row) return cli_usage_error(cli, "unexpected \"%s\"; usage: %s", word, cli->usage);
    const char *words[YTI_MAX_CHOICES + 1];
    const char *near = row->type == YT_OPTION_CHOICE ? yti_nearest_word(word, words, yti_option_words(row, words))
                                                     : NULL;
    return cli_usage_error(cli, "unexpected \"%s\"; --%s takes its value with =%s%s%s%s", word, row->name,
                           near ? "; did you mean --" : "", near ? row->name : "", near ? "=" : "", near ? near : "");
}

static int take_words(cli_line *cli, int argc, char *const *argv) {
    bool options_end = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        int code = GO_ON;
        if (options_end || word[0] != '-' || word[1] == '\0') {
            char advice[512];
            if (!options_end && cli_word_habit(cli, word, advice, sizeof advice))
                code = cli_usage_error(cli, "\"%s\" is not how it is typed here; %s", word, advice);
            else if (cli->n_words == cli->max_words)
                code = unexpected_word(cli, options_end ? "" : argv[i - 1], word);
            else
                cli->words[cli->n_words++] = word;
        } else if (strcmp(word, "--") == 0) {
            options_end = true;
        } else {
            code = word[1] == '-' ? take_long(cli, argc, argv, &i) : take_short(cli, argc, argv, &i);
        }
        if (code != GO_ON) return code;
    }
    if (cli->n_words < cli->min_words) return cli_usage_error(cli, "usage: %s", cli->usage);
    return GO_ON;
}

static void set_defaults(cli_line *cli) {
    for (size_t i = 0; i < cli->n_options; i++) {
        const cli_option *row = &cli->options[i];
        const char *fallback = row->fallback ? row->fallback : row->type == YT_OPTION_FLAG ? "false" : NULL;
        if (!fallback) continue;
        int code = read_value(cli, row, fallback, &cli->values[i]);
        assert(code == GO_ON && "the default of a row must satisfy the row");
        (void)code;
    }
}

int cli_parse(cli_line *cli, int argc, char *const *argv) {
    cli->n_words = 0;
    cli->values = calloc(cli->n_options + 1, sizeof *cli->values);
    cli->words = calloc((size_t)(argc > 0 ? argc : 0) + 1, sizeof *cli->words);
    if (!cli->values || !cli->words) {
        fprintf(stderr, "%s: out of memory\n", cli->program);
        cli_free(cli);
        return 1;
    }
    set_defaults(cli);
    yt_err err;
    int code = take_words(cli, argc, argv);
    yt_log_set_sink(cli_print_message, cli);
    if (code == GO_ON && yti_kernels_check(&err) != YT_OK) code = cli_usage_failure(cli, &err);
    if (code != GO_ON) cli_free(cli);
    return code;
}

void cli_free(cli_line *cli) {
    yt_log_set_sink(NULL, NULL);
    free(cli->values);
    free(cli->words);
    cli->values = NULL;
    cli->words = NULL;
    cli->n_words = 0;
}

const cli_value *cli_get(const cli_line *cli, const char *name) {
    const cli_option *row = find_name(cli, name, strlen(name));
    assert(row && "the program asked for an option its table does not have");
    return &cli->values[row - cli->options];
}

bool cli_typed(const cli_line *cli, const char *name) {
    return cli_get(cli, name)->typed;
}

bool cli_flag(const cli_line *cli, const char *name) {
    return cli_get(cli, name)->number != 0;
}

int cli_int(const cli_line *cli, const char *name) {
    double number = cli_get(cli, name)->number;
    assert(number >= INT_MIN && number <= INT_MAX);
    return (int)number;
}

double cli_double(const cli_line *cli, const char *name) {
    return cli_get(cli, name)->number;
}

const char *cli_text(const cli_line *cli, const char *name) {
    return cli_get(cli, name)->text;
}
