/* cli_common.h: what the programs share that are handed trained weights. */
#ifndef YT_CLI_COMMON_H
#define YT_CLI_COMMON_H

#include "cli/cli_options.h"
#include "yt/weights.h"

#define YT_CLI_VERSION "0.1.0"

/* A model with its weights, and what the file says about them. */
typedef struct yt_cli_trained {
    yt_model *model;
    yt_class_names names; /* as many as the model has classes */
    int imgsz;            /* trained at */
} yt_cli_trained;

/* Opens the weights of --weights, or else the newest best.safetensors of the runs under `runs`, saying on
 * stderr which; --model replaces the file's own model description. Release with yt_cli_close_weights. */
yt_status yt_cli_open_weights(const yt_cli *cli, const char *runs, yt_cli_trained *out, yt_err *err);
void yt_cli_close_weights(yt_cli_trained *trained);

/* malloc'd path of the weights/best.safetensors written last below `runs`; NULL: there is none. */
char *yt_cli_newest_weights(const char *runs);

/* Makes a folder that was not there: `path`, else path-2, path-3, ... Returns its malloc'd name through *out.
 */
yt_status yt_cli_fresh_dir(const char *path, char **out, yt_err *err);

/* --threads, where auto means every core this process may use. */
int yt_cli_threads(const yt_cli *cli);

/* Says "program: sentence" on stderr; returns 1, the exit code of a failure. */
int yt_cli_failure(const yt_cli *cli, const yt_err *err);

/* Pushes out what was printed to stdout; a failure to write is one of the program. Returns the exit code. */
int yt_cli_finish_stdout(const yt_cli *cli, int code);

#endif
