/* cli_help.h: the text of --help, made from the table of options. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/cli_options.h"

#include <stdio.h>

/* Usage, about, then the options under their groups' headings, each with its range and default. */
void cli_print_help(const cli_line *cli, FILE *out);

#endif
