/* cli_common.h: the options that several programs share, and what they mean. */
#ifndef CLI_COMMON_H
#define CLI_COMMON_H

#include "cli/cli_options.h"
#include "cli/cli_print.h"
#include "model/model.h"

/* The folder of a run's files, from --project, --name and --exist-ok: below `runs` unless the project is absolute;
 * made, and with -2, -3, ... after its name where that is taken. malloc'd. */
yt_status cli_run_dir(const cli_line *cli, const char *runs, char **out, yt_err *err);

/* --threads, where auto means every core this process may use. */
int cli_threads(const cli_line *cli);

/* Warns on stderr where a model was named without the letter of its scale. */
void cli_warn_of_scale(const yti_model *model);

#endif
