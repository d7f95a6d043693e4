/* cli_options.h: a command line described by a table.
 *
 * One row per option gives its name, type, default, range and help; parsing, range errors, the suggestion for
 * a misspelt name and --help all come from the rows. Every value remembers whether it was typed. Texts are
 * lent from argv and the table.
 *
 *     static const yt_cli_option options[] = {
 *         {"imgsz", 's', YT_CLI_INT, "640", 32, 8192, NULL, "PX", "Model", "side of the network input"},
 *     };
 *     yt_cli cli = {.program = "yoloval", .usage = "yoloval WEIGHTS DATA.yaml [options]", .options = options,
 *                   .n_options = 1, .min_words = 2, .max_words = 2};
 *     int code = yt_cli_parse(&cli, argc, argv);
 *     if (code >= 0) return code;
 *     int imgsz = yt_cli_int(&cli, "imgsz");
 *     yt_cli_free(&cli);
 */
#ifndef YT_CLI_OPTIONS_H
#define YT_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum yt_cli_type {
    YT_CLI_FLAG, /* --x, --x=false, --x false, --no-x */
    YT_CLI_INT, /* a whole number; the word auto too where that is the default. metavar "[N]": it may be left out,
                      then it is the word true; --no-x is the word false */
    YT_CLI_DOUBLE, /* the same for any finite number */
    YT_CLI_STRING, /* metavar "[X]": the value may be left out, then it is "" */
    YT_CLI_CHOICE /* one of choices, or the default word; case does not matter. metavar "[X]": left out, or true,
                      it is the first one; the next word is the value only where it can be one */
} yt_cli_type;

typedef struct yt_cli_option {
    const char *name; /* with dashes; underscores are accepted for them */
    char letter;      /* 0: none */
    yt_cli_type type;
    const char *fallback;       /* the value when it is not typed; NULL: none (flag: false) */
    double min, max;            /* numbers only; -HUGE_VAL and HUGE_VAL: no limit */
    const char *const *choices; /* CHOICE only, NULL-terminated */
    const char *metavar;        /* "N"; NULL: from the type */
    const char *group;          /* heading in --help; rows of a group are neighbours */
    const char *help;
} yt_cli_option;

typedef struct yt_cli_value {
    bool typed;
    bool is_auto;     /* a number whose value is the word auto */
    const char *text; /* as typed, or the default; NULL: none. Flags: "true" or "false" */
    double number;    /* numbers; flags: 0 or 1; choices: the index, or -1 for a default that is no choice */
} yt_cli_value;

typedef struct yt_cli {
    /* Set by the caller. */
    const char *program, *usage; /* usage: after "usage: ", may have several lines */
    const char *about;           /* a paragraph below it, or NULL */
    const char *version;
    const yt_cli_option *options;
    size_t n_options;
    size_t min_words, max_words; /* how many words that are no options there may be */

    /* Filled by yt_cli_parse. */
    yt_cli_value *values; /* [n_options] */
    const char **words;
    size_t n_words;
} yt_cli;

/* Returns -1 to go on, or the exit code: 0 after --help or --version (printed to stdout), 2 after a usage
 * error (one sentence to stderr), 1 without memory. */
int yt_cli_parse(yt_cli *cli, int argc, char *const *argv);
void yt_cli_free(yt_cli *cli);

/* Values by option name, which must exist. */
const yt_cli_value *yt_cli_get(const yt_cli *cli, const char *name);
bool yt_cli_typed(const yt_cli *cli, const char *name);
bool yt_cli_flag(const yt_cli *cli, const char *name);
int yt_cli_int(const yt_cli *cli, const char *name); /* its row's range must fit an int */
double yt_cli_double(const yt_cli *cli, const char *name);
const char *yt_cli_text(const yt_cli *cli, const char *name);

/* Prints "program: <sentence>" and where help is, to stderr. Returns 2, the exit code of a usage error. */
int yt_cli_usage_error(const yt_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
