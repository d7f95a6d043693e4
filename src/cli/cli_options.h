/* cli_options.h: a command line described by a table.
 *
 * One row per option gives its name, type, default, range and help; parsing, range errors, the suggestion for a
 * misspelt name and --help all come from the rows. Every value remembers whether it was typed. Texts are lent from argv
 * and the table.
 *
 *     static const cli_option options[] = {
 *         {"imgsz", 's', YT_OPTION_INT, "640", 32, 8192, NULL, "PX", "Model", "side of the network input"},
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

#include "base/option.h"

#include <stdbool.h>
#include <stddef.h>

/* On a command line: FLAG --x, --x=false, --x false, --no-x; INT and DOUBLE with metavar "[N]" may be left out, then
 * the value is the word true, and --no-x is the word false; TEXT with metavar "[X]" left out is "". CHOICE with "[X]",
 * left out or true, is the first one; the next word is the value only where it can be one. */
typedef yt_option cli_option;
typedef yti_option_value cli_value;

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

/* Returns -1 to continue, or the exit code: 0 after --help or --version (printed to stdout), 2 after a usage error (one
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

#endif
