/* trained.c: load, choose, fuse; see trained.h. */
#include "infer/trained.h"

#include <stdlib.h>

yt_status yti_choose_branch(const yti_model *model, yti_nms nms, bool *one_to_one, yt_err *err) {
    if (nms == YT_NMS_FALSE && yti_model_branch(model, true) < 0)
        return yt_fail(err, YT_ERR_ARGUMENT, "%s has no one-to-one branch: its detections need NMS", model->name);
    *one_to_one = nms == YT_NMS_FALSE || yti_model_branch(model, false) < 0;
    return YT_OK;
}

/* Puts the network for inference in the place of the one that was read. */
static yt_status fuse(yti_trained *trained, const yti_open_options *options, yt_err *err) {
    yti_model *read = trained->model, *fused;
    YT_TRY(yti_choose_branch(read, options->nms, &trained->one_to_one, err));
    YT_TRY(options->both_branches ? yti_model_fuse_all(read, &read->state, &fused, err)
                                  : yti_model_fuse(read, &read->state, trained->one_to_one, &fused, err));
    yti_model_destroy(read);
    trained->model = fused;
    return YT_OK;
}

static yt_status open_file(const char *path, const yti_open_options *options, yti_trained *out, yt_err *err) {
    YT_TRY(yti_weights_open(path, options->model, options->search_dirs, &out->model, &out->names, &out->imgsz, err));
    if (out->names.count != out->model->n_classes)
        return yt_fail(err, YT_ERR_MISMATCH, "%s: names %d classes for a model of %d", path, out->names.count,
                       out->model->n_classes);
    return fuse(out, options, err);
}

yt_status yti_trained_open(const char *path, const yti_open_options *options, yti_trained **out, yt_err *err) {
    yti_trained *trained = calloc(1, sizeof *trained);
    if (!trained) return yti_no_memory(err, "a model");
    trained->owners = 1;
    const yt_status status = open_file(path, options, trained, err);
    if (status == YT_OK)
        *out = trained;
    else
        yti_trained_close(trained);
    return status;
}

yt_status yti_trained_of(yti_model *fused, yti_class_names *names, int imgsz, bool one_to_one, yti_trained **out,
                         yt_err *err) {
    yti_trained *trained = calloc(1, sizeof *trained);
    if (!trained) return yti_no_memory(err, "a model");
    *trained = (yti_trained){.owners = 1, .model = fused, .names = *names, .imgsz = imgsz, .one_to_one = one_to_one};
    *names = (yti_class_names){0};
    *out = trained;
    return YT_OK;
}

yti_trained *yti_trained_share(yti_trained *trained) {
    atomic_fetch_add(&trained->owners, 1);
    return trained;
}

void yti_trained_close(yti_trained *trained) {
    if (!trained || atomic_fetch_sub(&trained->owners, 1) > 1) return;
    yti_model_destroy(trained->model);
    yti_class_names_free(&trained->names);
    free(trained);
}
