/* cli_options.h: a command line described by a table.
 *
 * One row per option gives its name, type, default, range and help; parsing, range errors, the suggestion for a
 * misspelt name and --help all come from the rows. Every value remembers whether it was typed. Texts are lent from argv
 * and the table.
 *
 *     static const cli_option options[] = {
 *         {"imgsz", 's', CLI_INT, "640", 32, 8192, NULL, "PX", "Model", "side of the network input"},
 *     };
 *     cli_line cli = {.program = "yoloval", .usage = "yoloval WEIGHTS DATA.yaml [options]", .options = options,
 *                   .n_options = 1, .min_words = 2, .max_words = 2};
 *     int code = cli_parse(&cli, argc, argv);
 *     if (code >= 0) return code;
 *     int imgsz = cli_int(&cli, "imgsz");
 *     cli_free(&cli);
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum cli_type {
    CLI_FLAG,   /* --x, --x=false, --x false, --no-x */
    CLI_INT,    /* a whole number; the word auto too where that is the default. metavar "[N]": it may be left out,
                         then it is the word true; --no-x is the word false */
    CLI_DOUBLE, /* the same for any finite number */
    CLI_STRING, /* metavar "[X]": the value may be left out, then it is "" */
    CLI_CHOICE  /* one of choices, or the default word; case does not matter. metavar "[X]": left out, or true,
                       it is the first one; the next word is the value only where it can be one */
} cli_type;

typedef struct cli_option {
    const char *name; /* with dashes; underscores are accepted for them */
    char letter;      /* 0: none */
    cli_type type;
    const char *fallback;       /* the value when it is not typed; NULL: none (flag: false) */
    double min, max;            /* numbers only; -HUGE_VAL and HUGE_VAL: no limit */
    const char *const *choices; /* CHOICE only, NULL-terminated */
    const char *metavar;        /* "N"; NULL: from the type */
    const char *group;          /* heading in --help; rows of a group are neighbours */
    const char *help;
} cli_option;

typedef struct cli_value {
    bool typed;
    bool is_auto;     /* a number whose value is the word auto */
    const char *text; /* as typed, or the default; NULL: none. Flags: "true" or "false" */
    double number;    /* numbers; flags: 0 or 1; choices: the index, or -1 for a default that is no choice */
} cli_value;

typedef struct cli_line {
    /* Set by the caller. */
    const char *program, *usage; /* usage: after "usage: ", may have several lines */
    const char *about;           /* a paragraph below it, or NULL */
    const char *version;
    const cli_option *options;
    size_t n_options;
    size_t min_words, max_words; /* how many words that are no options there may be */

    /* Filled by cli_parse. */
    cli_value *values; /* [n_options] */
    const char **words;
    size_t n_words;
} cli_line;

/* Returns -1 to go on, or the exit code: 0 after --help or --version (printed to stdout), 2 after a usage error (one
 * sentence to stderr), 1 without memory. */
int cli_parse(cli_line *cli, int argc, char *const *argv);
void cli_free(cli_line *cli);

/* Values by option name, which must exist. */
const cli_value *cli_get(const cli_line *cli, const char *name);
bool cli_typed(const cli_line *cli, const char *name);
bool cli_flag(const cli_line *cli, const char *name);
int cli_int(const cli_line *cli, const char *name); /* its row's range must fit an int */
double cli_double(const cli_line *cli, const char *name);
const char *cli_text(const cli_line *cli, const char *name);

/* Prints "program: <sentence>" and where help is, to stderr. Returns 2, the exit code of a usage error. */
int cli_usage_error(const cli_line *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
