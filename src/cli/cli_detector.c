/* cli_detector.c: finding trained weights; see cli_detector.h. */
#include "cli/cli_detector.h"
#include "base/run_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

yt_status cli_find_weights(const cli_line *cli, const char *runs, char **out, yt_err *err) {
    const char *typed = cli_text(cli, "weights");
    char *found = NULL;
    if (typed) {
        found = strdup(typed);
        if (!found) return yti_no_memory(err, "the name of a file");
    } else {
        YT_TRY(yti_newest_weights(runs, "best.safetensors", &found, err));
        if (!found)
            return yt_fail(err, YT_ERR_IO,
                           "no trained weights under %s; train first (yolotrain DATA.yaml) or name a file with "
                           "--weights",
                           runs);
        fprintf(stderr, "%s: weights %s\n", cli->program, found);
    }
    *out = found;
    return YT_OK;
}
