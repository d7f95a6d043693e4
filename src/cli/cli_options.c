/* cli_options.c: parsing a command line by a table of rows. The help text made from the same rows is in cli_help.c.
 */
#include "cli/cli_options.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "cli/cli_common.h"
#include "cli/cli_habits.h"
#include "cli/cli_help.h"
#include "kernels/kernels.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { GO_ON = -1, USAGE = 2, MAX_CHOICES = 64 /* named in a message */ };

int cli_usage_error(const cli_line *cli, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", cli->program);
    vfprintf(stderr, format, args);
    fprintf(stderr, " (%s --help lists the options)\n", cli->program);
    va_end(args);
    return USAGE;
}

/* Compares the first n letters of a typed name with an option's, '_' counting as '-'. */
static bool same_name(const char *typed, size_t n, const char *name) {
    if (strlen(name) != n) return false;
    for (size_t i = 0; i < n; i++)
        if ((typed[i] == '_' ? '-' : typed[i]) != name[i]) return false;
    return true;
}

static const cli_option *find_name(const cli_line *cli, const char *typed, size_t n) {
    for (size_t i = 0; i < cli->n_options; i++)
        if (same_name(typed, n, cli->options[i].name)) return &cli->options[i];
    return NULL;
}

static const cli_option *find_letter(const cli_line *cli, char letter) {
    for (size_t i = 0; i < cli->n_options; i++)
        if (cli->options[i].letter && cli->options[i].letter == letter) return &cli->options[i];
    return NULL;
}

/* 1, 0, or -1 for a text that is no truth value. */
static int truth(const char *text) {
    if (strcasecmp(text, "true") == 0) return 1;
    if (strcasecmp(text, "false") == 0) return 0;
    return -1;
}

/* The same, with other words for it, which a flag takes behind '=' only. */
static int spelled_truth(const char *text) {
    static const char *const words[2][3] = {{"0", "off", "no"}, {"1", "on", "yes"}};
    for (int value = 0; value < 2; value++)
        for (int i = 0; i < 3; i++)
            if (strcasecmp(text, words[value][i]) == 0) return value;
    return truth(text);
}

static int read_flag(const cli_line *cli, const cli_option *row, const char *text, cli_value *out) {
    int value = spelled_truth(text);
    if (value < 0) return cli_usage_error(cli, "--%s: \"%s\" is neither true nor false", row->name, text);
    out->text = value ? "true" : "false";
    out->number = value;
    return GO_ON;
}

/* Whether the value may be left out. */
static bool is_optional(const cli_option *row) {
    return row->metavar && row->metavar[0] == '[';
}

static int read_number(const cli_line *cli, const cli_option *row, const char *text, cli_value *out) {
    out->text = text;
    if (row->fallback && strcmp(row->fallback, "auto") == 0 && strcasecmp(text, "auto") == 0) {
        out->is_auto = true;
        return GO_ON;
    }
    if (is_optional(row) && truth(text) >= 0) { /* the number that stands for it is the program's */
        out->text = truth(text) ? "true" : "false";
        out->number = truth(text);
        return GO_ON;
    }
    double value;
    bool whole = row->type == CLI_INT;
    if (!yti_parse_decimal(text, strlen(text), &value) || (whole && strchr(text, '.')))
        return cli_usage_error(cli, "--%s: \"%s\" is not a %s", row->name, text, whole ? "whole number" : "number");
    if (whole && value != nearbyint(value))
        return cli_usage_error(cli, "--%s: \"%s\" is not a whole number", row->name, text);
    if (value < row->min) return cli_usage_error(cli, "--%s: %s is below %g", row->name, text, row->min);
    if (value > row->max) return cli_usage_error(cli, "--%s: %s is above %.10g", row->name, text, row->max);
    out->number = value;
    return GO_ON;
}

/* Its words, [MAX_CHOICES + 1]; returns how many. The fallback counts as one where it is none of them: auto. */
static size_t list_choices(const cli_option *row, const char **words) {
    size_t n = 0;
    bool listed = !row->fallback;
    for (; n < MAX_CHOICES && row->choices[n]; n++) {
        words[n] = row->choices[n];
        listed |= row->fallback && strcasecmp(row->fallback, words[n]) == 0;
    }
    if (!listed) words[n++] = row->fallback;
    return n;
}

static int unknown_choice(const cli_line *cli, const cli_option *row, const char *text) {
    const char *words[MAX_CHOICES + 1];
    char list[512] = "";
    const size_t n = list_choices(row, words);
    const char *near = yti_nearest_word(text, words, n);
    for (size_t i = 0, used = 0; i < n && used < sizeof list; i++) {
        int wrote = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    if (near) /* and what else there is: NAdam is not a misspelt Adam */
        return cli_usage_error(cli, "--%s: unknown \"%s\"; did you mean %s? It is one of %s", row->name, text, near,
                               list);
    return cli_usage_error(cli, "--%s: unknown \"%s\"; it is one of %s", row->name, text, list);
}

/* The index of a choice, -1 for the default word, NO_CHOICE for neither. */
enum { NO_CHOICE = -2 };
static int find_choice(const cli_option *row, const char *text) {
    for (int n = 0; row->choices[n]; n++)
        if (strcasecmp(row->choices[n], text) == 0) return n;
    if (row->fallback && strcasecmp(row->fallback, text) == 0) return -1;
    if (!is_optional(row)) return NO_CHOICE;
    const int value = spelled_truth(text);
    return value == 1 ? 0 : value == 0 && row->fallback && truth(row->fallback) == 0 ? -1 : NO_CHOICE;
}

static int read_choice(const cli_line *cli, const cli_option *row, const char *text, cli_value *out) {
    const int found = find_choice(row, text);
    if (found == NO_CHOICE) return unknown_choice(cli, row, text);
    out->text = found < 0 ? row->fallback : row->choices[found];
    out->number = found;
    return GO_ON;
}

static int read_value(const cli_line *cli, const cli_option *row, const char *text, cli_value *out) {
    switch (row->type) {
    case CLI_FLAG:
        return read_flag(cli, row, text, out);
    case CLI_INT:
    case CLI_DOUBLE:
        return read_number(cli, row, text, out);
    case CLI_CHOICE:
        return read_choice(cli, row, text, out);
    case CLI_STRING:
        break;
    }
    out->text = text;
    return GO_ON;
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
    if (row->type == CLI_STRING) return word[0] != '-';
    if (row->type == CLI_CHOICE) return find_choice(row, word) != NO_CHOICE;
    double value;
    if (truth(word) >= 0) return true;
    return row->type != CLI_FLAG && yti_parse_decimal(word, strlen(word), &value);
}

/* The value of an option found at argv[*at]: behind '=', the next word, or none for a flag. */
static int take_value(const cli_line *cli, const cli_option *row, const char *attached, int argc, char *const *argv,
                      int *at) {
    const char *next = *at + 1 < argc ? argv[*at + 1] : NULL;
    const char *text = attached;
    if (!text) {
        bool wanted = !is_optional(row) && row->type != CLI_FLAG ? true : next && could_be_value(row, next);
        if (wanted && !next) return cli_usage_error(cli, "--%s needs a value", row->name);
        if (wanted) {
            text = next;
            ++*at;
        } else {
            text = row->type == CLI_STRING ? "" : "true";
        }
    }
    cli_value value = {.typed = true};
    int code = read_value(cli, row, text, &value);
    if (code == GO_ON) cli->values[row - cli->options] = value;
    return code;
}

static int take_long(const cli_line *cli, int argc, char *const *argv, int *at) {
    const char *typed = argv[*at] + 2;
    const char *equals = strchr(typed, '=');
    size_t n = equals ? (size_t)(equals - typed) : strlen(typed);
    const cli_option *row = find_name(cli, typed, n);
    if (row) return take_value(cli, row, equals ? equals + 1 : NULL, argc, argv, at);
    if (same_name(typed, n, "help")) {
        cli_print_help(cli, stdout);
        return cli_finish_stdout(cli, 0);
    }
    if (same_name(typed, n, "version") && cli->version) {
        printf("%s %s\n", cli->program, cli->version);
        return cli_finish_stdout(cli, 0);
    }
    if (n > 3 && !equals && strncmp(typed, "no", 2) == 0 && (typed[2] == '-' || typed[2] == '_')) {
        row = find_name(cli, typed + 3, n - 3);
        if (row && (row->type == CLI_FLAG || (row->type != CLI_STRING && is_optional(row)))) {
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
    return row && row->type != CLI_FLAG && is_optional(row) ? row : NULL;
}

static int unexpected_word(const cli_line *cli, const char *before, const char *word) {
    const cli_option *row = left_alone(cli, before);
    if (!row) return cli_usage_error(cli, "unexpected \"%s\"; usage: %s", word, cli->usage);
    const char *words[MAX_CHOICES + 1];
    const char *near = row->type == CLI_CHOICE ? yti_nearest_word(word, words, list_choices(row, words)) : NULL;
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
        const char *fallback = row->fallback ? row->fallback : row->type == CLI_FLAG ? "false" : NULL;
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
