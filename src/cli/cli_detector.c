/* cli_detector.c: finding, opening and fusing trained weights; see cli_detector.h. */
#include "cli/cli_common.h"
#include "cli/cli_detector.h"
#include "cli/cli_search.h"
#include "train/loop/run_folder.h"
#include "infer/predict.h"

#include <stdio.h>
#include <stdlib.h>

/* Puts the model for inference in the place of the one that was read. */
static yt_status fuse(const yt_cli *cli, bool both_branches, yt_cli_trained *trained, yt_err *err) {
    yt_model *model = trained->model, *fused;
    bool one_to_one = false;
    YT_TRY(yt_choose_branch(model, yt_cli_nms(cli), &one_to_one, err));
    YT_TRY(both_branches ? yt_model_fuse_all(model, &model->state, &fused, err)
                         : yt_model_fuse(model, &model->state, one_to_one, &fused, err));
    yt_model_destroy(model);
    trained->model = fused;
    return YT_OK;
}

static yt_status open_file(const yt_cli *cli, const char *weights, bool both_branches,
                           yt_cli_trained *trained, yt_err *err) {
    yt_cli_search search;
    yt_cli_search_init(&search);
    YT_TRY(yt_weights_open(weights, yt_cli_text(cli, "model"), search.dirs, &trained->model, &trained->names,
                           &trained->imgsz, err));
    if (trained->names.count != trained->model->n_classes)
        return yt_fail(err, YT_MISMATCH, "%s: names %d classes for a model of %d", weights,
                       trained->names.count, trained->model->n_classes);
    if (trained->model->base_license)
        yt_cli_print_license(cli->program, ": ", weights, trained->model->base_license);
    if (!yt_cli_get(cli, "imgsz")->is_auto) trained->imgsz = yt_cli_int(cli, "imgsz");
    return fuse(cli, both_branches, trained, err);
}

yt_status yt_cli_open_weights(const yt_cli *cli, const char *runs, bool both_branches, yt_cli_trained *out,
                              yt_err *err) {
    const char *weights = yt_cli_text(cli, "weights");
    char *newest = NULL;
    if (!weights) {
        YT_TRY(yti_newest_weights(runs, "best.safetensors", &newest, err));
        if (!newest)
            return yt_fail(
                err, YT_IO,
                "no trained weights under %s; train first (yolotrain DATA.yaml) or name a file with "
                "--weights",
                runs);
        fprintf(stderr, "%s: weights %s\n", cli->program, newest);
        weights = newest;
    }
    yt_cli_trained trained = {0};
    yt_status status = open_file(cli, weights, both_branches, &trained, err);
    free(newest);
    if (status == YT_OK)
        *out = trained;
    else
        yt_cli_close_weights(&trained);
    return status;
}

void yt_cli_close_weights(yt_cli_trained *trained) {
    yt_model_destroy(trained->model);
    yt_class_names_free(&trained->names);
    *trained = (yt_cli_trained){0};
}
