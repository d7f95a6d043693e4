/* cli_common.c: the options that several programs share, and what they mean; see cli_common.h. */
#include "cli/cli_common.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

yt_status cli_run_dir(const cli_line *cli, const char *runs, char **out, yt_err *err) {
    const char *project = cli_text(cli, "project");
    char *parent = project && *project ? yti_path_join(runs, project) : strdup(runs);
    char *path = parent ? yti_path_join(parent, cli_text(cli, "name")) : NULL;
    free(parent);
    if (!path) return yti_no_memory(err, "the name of a folder");
    if (!cli_flag(cli, "exist-ok")) {
        yt_status status = yti_folder_fresh(path, out, err);
        free(path);
        return status;
    }
    yt_status status = yti_path_make_dirs(path, err);
    if (status == YT_OK)
        *out = path;
    else
        free(path);
    return status;
}

int cli_threads(const cli_line *cli) {
    return cli_get(cli, "threads")->is_auto ? yti_cpu_cores() : cli_int(cli, "threads");
}

void cli_warn_of_scale(const yti_model *model) {
    if (model->scale_guessed)
        fprintf(stderr,
                "warning: %s has several scales, and its name has no letter to choose one: it is built in "
                "scale %c\n",
                yti_path_base(model->yaml_path), model->scale);
}
