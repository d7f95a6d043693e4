/* cli_help.h: the text of --help, made from the table of options. */
#ifndef YT_CLI_HELP_H
#define YT_CLI_HELP_H

#include "cli/cli_options.h"

#include <stdio.h>

/* Usage, about, then the options under their groups' headings, each with its range and default. */
void yt_cli_print_help(const yt_cli *cli, FILE *out);

#endif
