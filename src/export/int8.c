/* int8.c: calibrate, judge in floats, quantize, judge again; see int8.h. */
#include "export/int8.h"
#include "image/image.h"
#include "validate/evaluation.h"

#include <stdlib.h>

/* ---- calibration ---- */

static yt_status show_images(const yti_int8_job *job, yti_model *model, const yti_split *split,
                             yti_calibration *calibration, int n, yt_err *err) {
    const yti_graph_observer observer = yti_calibration_observer(calibration);
    uint8_t *input = malloc((size_t)job->width * (size_t)job->height * 3);
    if (!input) return yti_no_memory(err, "an input of %d x %d pixels", job->width, job->height);
    yt_status status = yti_model_plan(model, YT_MODE_EVAL, 1, job->height, job->width, job->threads, err);
    for (int i = 0; i < n && status == YT_OK; i++) {
        const int sample = (int)((int64_t)i * split->n_samples / n);
        status = yti_letterbox_load(split->samples[sample].image_path, job->width, job->height, input, err);
        if (status != YT_OK) break;
        yti_model_set_input(model, input);
        yti_model_forward(model, &model->state, &observer);
        if (job->progress) job->progress(job->context, "calibration", i + 1, n);
    }
    free(input);
    return status;
}

static yt_status scan(const yti_int8_job *job, const yti_dataset *dataset, yti_split *split, yt_err *err) {
    const yti_scan_options options = {
        .fraction = 1, .problem = job->message, .context = job->context, .threads = job->threads};
    return yti_dataset_scan(dataset, "train", &options, split, err);
}

static yt_status calibrate(const yti_int8_job *job, yti_model *model, yti_calibration *calibration, int *images,
                           yt_err *err) {
    yti_dataset dataset;
    yti_split split = {0};
    YT_TRY(yti_dataset_open(job->data, &dataset, err));
    yt_status status = scan(job, &dataset, &split, err);
    *images = split.n_samples < job->images ? split.n_samples : job->images;
    if (status == YT_OK && *images == 0)
        status = yt_fail(err, YT_ERR_DATA, "%s: has no training image to choose scales by", job->data);
    if (status == YT_OK) status = show_images(job, model, &split, calibration, *images, err);
    yti_split_free(&split);
    yti_dataset_close(&dataset);
    return status;
}

/* ---- average precision ---- */

typedef struct counted {
    const yti_int8_job *job;
    const char *what;
} counted;

static void count_batches(void *context, int done, int total) {
    const counted *c = context;
    if (c->job->progress) c->job->progress(c->job->context, c->what, done, total);
}

static void pass_message(void *context, const char *text) {
    const counted *c = context;
    if (c->job->message) c->job->message(c->job->context, text);
}

/* Over the validation split, at the longer side of the input. observer NULL: in floats. */
static yt_status judge(const yti_int8_job *job, yti_trained *trained, const yti_graph_observer *observer,
                       yti_int8_report *report, yt_err *err) {
    counted context = {job, observer ? "AP in integers" : "AP in floats"};
    const yti_evaluation_input input = {.trained = trained,
                                        .data = job->data,
                                        .observer = observer,
                                        .message = observer ? NULL : pass_message, /* not everything twice */
                                        .progress = count_batches,
                                        .context = &context};
    yti_square_ap found;
    YT_TRY(
        yti_evaluation_square(&input, job->width > job->height ? job->width : job->height, job->threads, &found, err));
    *(observer ? &report->ap50 : &report->float_ap50) = found.ap50;
    *(observer ? &report->ap : &report->float_ap) = found.ap;
    report->judged = found.images;
    return YT_OK;
}

/* ---- the whole ---- */

/* What the maps take on images, and how good the network is before it is rounded. */
static yt_status look(yti_trained *trained, const yti_int8_job *job, yti_calibration *calibration,
                      yti_int8_report *report, yt_err *err) {
    YT_TRY(calibrate(job, trained->model, calibration, &report->images, err));
    YT_TRY(yti_calibration_status(calibration, err));
    return judge(job, trained, NULL, report, err);
}

yt_status yti_int8_make(yti_trained *trained, const yti_int8_job *job, yti_quantization *out, yti_int8_report *report,
                        yt_err *err) {
    yti_calibration *calibration;
    *report = (yti_int8_report){0};
    YT_TRY(yti_calibration_create(yti_graph_nodes(trained->model->graph), &calibration, err));
    yt_status status = look(trained, job, calibration, report, err);
    if (status == YT_OK) status = yti_quantize(trained->model, calibration, job->kept, out, err);
    yti_calibration_destroy(calibration);
    YT_TRY(status);
    report->convs = out->n_convs;
    report->float_convs = out->n_float;
    const yti_graph_observer observer = yti_quantization_observer(out);
    status = judge(job, trained, &observer, report, err);
    if (status != YT_OK) yti_quantization_free(out);
    return status;
}
