/* cli_detector.c: finding, opening and fusing trained weights; see cli_detector.h. */
#include "cli/cli_detector.h"
#include "cli/cli_common.h"
#include "cli/cli_search.h"
#include "infer/predict.h"
#include "base/run_folder.h"

#include <stdio.h>
#include <stdlib.h>

/* Puts the model for inference in the place of the one that was read. */
static yt_status fuse(const cli_line *cli, bool both_branches, cli_trained *trained, yt_err *err) {
    yti_model *model = trained->model, *fused;
    bool one_to_one = false;
    YT_TRY(yti_choose_branch(model, cli_nms(cli), &one_to_one, err));
    YT_TRY(both_branches ? yti_model_fuse_all(model, &model->state, &fused, err)
                         : yti_model_fuse(model, &model->state, one_to_one, &fused, err));
    yti_model_destroy(model);
    trained->model = fused;
    return YT_OK;
}

static yt_status open_file(const cli_line *cli, const char *weights, bool both_branches, cli_trained *trained,
                           yt_err *err) {
    cli_search search;
    cli_search_init(&search);
    YT_TRY(yti_weights_open(weights, cli_text(cli, "model"), search.dirs, &trained->model, &trained->names,
                            &trained->imgsz, err));
    if (trained->names.count != trained->model->n_classes)
        return yt_fail(err, YT_ERR_MISMATCH, "%s: names %d classes for a model of %d", weights, trained->names.count,
                       trained->model->n_classes);
    if (trained->model->base_license) cli_print_license(cli->program, ": ", weights, trained->model->base_license);
    if (!cli_get(cli, "imgsz")->is_auto) trained->imgsz = cli_int(cli, "imgsz");
    return fuse(cli, both_branches, trained, err);
}

yt_status cli_open_weights(const cli_line *cli, const char *runs, bool both_branches, cli_trained *out, yt_err *err) {
    const char *weights = cli_text(cli, "weights");
    char *newest = NULL;
    if (!weights) {
        YT_TRY(yti_newest_weights(runs, "best.safetensors", &newest, err));
        if (!newest)
            return yt_fail(err, YT_ERR_IO,
                           "no trained weights under %s; train first (yolotrain DATA.yaml) or name a file with "
                           "--weights",
                           runs);
        fprintf(stderr, "%s: weights %s\n", cli->program, newest);
        weights = newest;
    }
    cli_trained trained = {0};
    yt_status status = open_file(cli, weights, both_branches, &trained, err);
    free(newest);
    if (status == YT_OK)
        *out = trained;
    else
        cli_close_weights(&trained);
    return status;
}

void cli_close_weights(cli_trained *trained) {
    yti_model_destroy(trained->model);
    yti_class_names_free(&trained->names);
    *trained = (cli_trained){0};
}
