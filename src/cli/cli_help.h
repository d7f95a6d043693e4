/* cli_help.h: what the table of options is shown as: the text of --help, the manual page, completion for shells. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/cli_options.h"

#include <stdio.h>

/* Usage, about, then the options under their groups' headings, each with its range and default. */
void cli_print_help(const cli_line *cli, FILE *out);

/* The manual page, for man(1). The same for every build of a version. */
void cli_print_man(const cli_line *cli, FILE *out);

/* Completion of the program's command line; each file is complete in itself. */
void cli_print_bash(const cli_line *cli, FILE *out);
void cli_print_zsh(const cli_line *cli, FILE *out);
void cli_print_fish(const cli_line *cli, FILE *out);

/* What the forms above share. */

/* "N"; NULL: a flag. */
const char *cli_metavar(const cli_option *row);

/* A flag that --no-NAME turns off. */
bool cli_is_on_by_default(const cli_option *row);

/* "help text (1 to 100; default 16)" */
void cli_explain(char *text, size_t room, const cli_option *row);

/* The option to show after number `at` (SIZE_MAX: the first), so that each group comes in one piece, wherever in the
 * table its rows are. n_options: that was the last. */
size_t cli_next_in_order(const cli_line *cli, size_t at);

/* What no table of a program has: --help, --version, the environment. left is formatted as for the text. */
typedef void (*cli_help_sink)(void *context, const char *group, const char *left, const char *right);
void cli_help_extras(const cli_line *cli, cli_help_sink sink, void *context);

#endif
