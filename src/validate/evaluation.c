/* evaluation.c: weights, data, loader, validator and COCO's evaluation put together; see evaluation.h. */
#include "validate/evaluation.h"
#include "base/file.h"
#include "weights/class_names.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const yti_evaluation_splits[] = {"train", "val", "test", NULL};
const char *const yti_evaluation_matchings[] = {"free", "single", NULL};

const yt_option yti_evaluation_rows[] = {YTI_MODEL_ROW,    YTI_NMS_ROW,   YTI_SPLIT_ROWS, YTI_DETECTION_ROWS("0.001"),
                                         YTI_MATCHING_ROW, YTI_BATCH_ROW, YTI_THREADS_ROW};
const size_t yti_evaluation_row_count = sizeof yti_evaluation_rows / sizeof *yti_evaluation_rows;

static void say(const yti_evaluation *e, const char *format, ...) YT_PRINTF(2, 3);
static void say(const yti_evaluation *e, const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (e->message) e->message(e->context, text);
}

static int threads_of(const yti_evaluation *e) {
    return yti_threads_of(yti_options_find(&e->options, "threads"));
}

static bool is_single(const yti_evaluation *e) {
    return yti_options_flag(&e->options, "single-cls");
}

/* ---- weights and data ---- */

/* The classes of the weights among those of the dataset, without those that are not judged. */
static yt_status match_classes(yti_evaluation *e, yt_err *err) {
    const int n = e->trained->model->n_classes;
    char note[512];
    yt_err reason;
    e->class_map = malloc(((size_t)n + 1) * sizeof *e->class_map);
    if (!e->class_map) return yti_no_memory(err, "%d classes", n);
    const yt_status status = yti_match_classes((const char *const *)e->trained->names.names, n,
                                               (const char *const *)e->dataset.names, e->dataset.n_classes,
                                               e->class_map, note, sizeof note, &reason);
    if (status != YT_OK) return yt_fail(err, status, "%s: %.400s", e->data, reason.text);
    if (note[0]) say(e, "%s", note);
    for (int w = 0; w < n; w++)
        if (e->class_map[w] >= 0 && e->classes && !e->classes[e->class_map[w]]) e->class_map[w] = -1;
    return YT_OK;
}

static yt_status open_data(yti_evaluation *e, yt_err *err) {
    static const char *const one_name[] = {"item"};
    const bool single = is_single(e);
    YT_TRY(yti_dataset_open(e->data, &e->dataset, err));
    e->names = single ? one_name : (const char *const *)e->dataset.names;
    e->n_judged = single ? 1 : e->dataset.n_classes;
    const char *listed = yti_options_text(&e->options, "classes");
    if (listed) YT_TRY(yti_dataset_classes(&e->dataset, listed, &e->classes, err));
    if (!single) YT_TRY(match_classes(e, err));
    const yti_scan_options scan = {.strict = yti_options_flag(&e->options, "strict"),
                                   .classes = e->classes,
                                   .single_class = single,
                                   .fraction = 1,
                                   .problem = e->message,
                                   .context = e->context,
                                   .threads = threads_of(e)};
    YT_TRY(yti_dataset_scan(&e->dataset, yti_options_text(&e->options, "split"), &scan, &e->split, err));
    char summary[1024];
    yti_scan_summary_text(&e->split.summary, summary, sizeof summary);
    say(e, "%s: %s", e->split.name, summary);
    if (listed && e->split.summary.boxes == 0)
        return yt_fail(err, YT_ERR_DATA, "%s: %s has no box of the classes %s: there is nothing to measure", e->data,
                       e->split.name, listed);
    return YT_OK;
}

static yt_status open_loader(yti_evaluation *e, yt_err *err) {
    const yti_option_value *imgsz = yti_options_find(&e->options, "imgsz");
    const int threads = threads_of(e), stride = e->trained->model->max_stride;
    const bool rect = yti_options_flag(&e->options, "rect");
    yti_loader_config config = {.batch = yti_options_int(&e->options, "batch"),
                                .imgsz = imgsz->is_auto ? e->trained->imgsz : (int)imgsz->number,
                                .workers = threads > 2 ? threads / 2 : 1,
                                .rect = rect,
                                .stride = stride > 32 ? stride : 32,
                                .rect_pad = 0.5,
                                .as_predicted = !rect};
    config.imgsz = (config.imgsz + config.stride - 1) / config.stride * config.stride;
    return yti_loader_create(&e->split, &config, &e->loader, err);
}

static yt_status open_all(yti_evaluation *e, const yti_evaluation_input *input, yt_err *err) {
    YT_TRY(yti_options_copy(input->options, &e->options, err));
    e->data = strdup(input->data);
    if (!e->data) return yti_no_memory(err, "an evaluation");
    const yti_open_options open = {.model = yti_options_text(&e->options, "model"),
                                   .search_dirs = input->search_dirs,
                                   .nms = yti_nms_of(yti_options_find(&e->options, "nms")),
                                   .both_branches = true};
    if (input->trained)
        e->trained = yti_trained_share(input->trained);
    else
        YT_TRY(yti_trained_open(input->weights, &open, &e->trained, err));
    if (input->opened) input->opened(e->context, e->trained);
    YT_TRY(open_data(e, err));
    return open_loader(e, err);
}

yt_status yti_evaluation_open(const yti_evaluation_input *input, yti_evaluation **out, yt_err *err) {
    yti_evaluation *e = calloc(1, sizeof *e);
    if (!e) return yti_no_memory(err, "an evaluation");
    e->message = input->message;
    e->context = input->context;
    e->progress = input->progress;
    e->observer = input->observer;
    e->detect = input->detect;
    e->detect_context = input->detect_context;
    const yt_status status = open_all(e, input, err);
    if (status == YT_OK)
        *out = e;
    else
        yti_evaluation_close(e);
    return status;
}

void yti_evaluation_close(yti_evaluation *e) {
    if (!e) return;
    yti_validator_destroy(e->validator);
    yti_coco_validation_destroy(e->coco);
    yti_coco_validation_destroy(e->other_coco);
    yti_loader_destroy(e->loader);
    yti_split_free(&e->split);
    yti_dataset_close(&e->dataset);
    free(e->classes);
    free(e->class_map);
    yti_trained_close(e->trained);
    yti_options_free(&e->options);
    free(e->data);
    free(e);
}

/* ---- measuring ---- */

/* The ids of the ground truth's own file, else COCO's where the images are COCO's; NULL: class + 1, and so where all
 * classes are one, which is none of theirs. */
static const int64_t *category_ids(const yti_evaluation *e) {
    if (is_single(e)) return NULL;
    if (e->split.category_ids) return e->split.category_ids;
    const bool is_coco = e->dataset.n_classes == YT_COCO_CLASSES &&
                         yti_dataset_is_coco(&e->dataset, yti_options_text(&e->options, "split"));
    return is_coco ? yti_coco_category_ids() : NULL;
}

static yt_status open_coco(yti_evaluation *e, const char *folder, bool writes_boxes, yt_err *err) {
    char *path = NULL;
    if (writes_boxes && !(path = yti_path_join(folder, "predictions.json")))
        return yti_no_memory(err, "the name of predictions.json");
    yt_status status = yti_coco_validation_create(&e->split, e->n_judged, path, category_ids(e), &e->coco, err);
    free(path);
    if (status == YT_OK && e->trained->model->n_branches > 1)
        status = yti_coco_validation_create(&e->split, e->n_judged, NULL, NULL, &e->other_coco, err);
    return status;
}

/* As many detections as there are objects must be possible, or recall is capped; a limit that was set holds. */
static int max_det(const yti_evaluation *e) {
    const yti_option_value *value = yti_options_find(&e->options, "max-det");
    const int most = yti_split_most_boxes(&e->split), limit = (int)value->number;
    if (most <= limit) return limit;
    if (value->typed) {
        say(e, "warning: an image has %d objects, and --max-det %d caps the recall", most, limit);
        return limit;
    }
    say(e, "warning: an image has %d objects: --max-det is %d instead of %d", most, most, limit);
    return most;
}

static yt_status open_validator(yti_evaluation *e, yt_err *err) {
    const yti_options *o = &e->options;
    const yti_option_value *conf = yti_options_find(o, "conf");
    /* With single-cls the weights may have classes of their own, which those of the dataset do not choose. */
    const bool same_classes = !e->class_map && e->trained->model->n_classes == e->dataset.n_classes;
    const yti_validate_options validate = {.conf = (float)conf->number,
                                           .iou = (float)yti_options_double(o, "iou"),
                                           .max_det = max_det(e),
                                           .nms = yti_nms_of(yti_options_find(o, "nms")),
                                           .confusion_conf = conf->typed ? (float)conf->number : YT_CONFUSION_CONF,
                                           .match_single = yti_options_find(o, "matching")->number == 1,
                                           .agnostic = yti_options_flag(o, "agnostic"),
                                           .single_class = is_single(e),
                                           .classes = same_classes ? e->classes : NULL,
                                           .class_map = e->class_map,
                                           .n_mapped = e->dataset.n_classes,
                                           .gains = {7.5f, 0.5f, 1.5f},
                                           .observer = e->observer,
                                           .detect = e->detect,
                                           .detect_context = e->detect_context,
                                           .threads = threads_of(e),
                                           .progress = e->progress,
                                           .context = e->context,
                                           .image = yti_coco_validation_image,
                                           .image_context = e->coco,
                                           .other_context = e->other_coco};
    return yti_validator_create(e->trained->model, e->loader, &validate, &e->validator, err);
}

bool yti_evaluation_writes_truth(const yti_evaluation *e) {
    return !e->split.category_ids;
}

static yt_status write_truth(const yti_evaluation *e, const char *folder, yt_err *err) {
    char *path = yti_path_join(folder, "ground_truth.json");
    if (!path) return yti_no_memory(err, "the name of ground_truth.json");
    const yt_status status = yti_coco_validation_write_truth(e->coco, e->names, e->n_judged, path, err);
    free(path);
    return status;
}

yt_status yti_evaluation_run(yti_evaluation *e, const char *folder, bool writes_boxes, yt_err *err) {
    YT_TRY(open_coco(e, folder, writes_boxes, err));
    YT_TRY(open_validator(e, err));
    YT_TRY(yti_validator_run(e->validator, &e->trained->model->state, &e->result, err));
    if (e->result.non_finite > 0)
        return yt_fail(err, YT_ERR_NON_FINITE,
                       "%s gives values that are not finite (NaN or infinity) for %d of %d images: its "
                       "weights are damaged",
                       e->trained->model->name, e->result.non_finite, e->result.metrics.n_images);
    YT_TRY(yti_coco_validation_finish(e->coco, e->coco_numbers, err));
    if (writes_boxes && yti_evaluation_writes_truth(e)) YT_TRY(write_truth(e, folder, err));
    if (e->other_coco) YT_TRY(yti_coco_validation_finish(e->other_coco, e->other_numbers, err));
    return folder ? yti_validator_save(e->validator, e->names, folder, err) : YT_OK;
}

static yt_status set_square(yti_options *options, int side, int threads, yt_err *err) {
    char text[16];
    snprintf(text, sizeof text, "%d", side);
    YT_TRY(yti_options_set(options, "imgsz", text, err));
    snprintf(text, sizeof text, "%d", threads);
    YT_TRY(yti_options_set(options, "threads", text, err));
    return yti_options_set(options, "rect", "false", err);
}

yt_status yti_evaluation_square(const yti_evaluation_input *input, int side, int threads, yti_square_ap *out,
                                yt_err *err) {
    yti_options options;
    yti_evaluation_input square = *input;
    yti_evaluation *evaluation = NULL;
    YT_TRY(input->options ? yti_options_copy(input->options, &options, err)
                          : yti_options_init(yti_evaluation_rows, yti_evaluation_row_count, &options, err));
    square.options = &options;
    yt_status status = set_square(&options, side, threads, err);
    if (status == YT_OK) status = yti_evaluation_open(&square, &evaluation, err);
    if (status == YT_OK) status = yti_evaluation_run(evaluation, NULL, false, err);
    if (status == YT_OK) {
        const yti_metrics_result *m = &evaluation->result.metrics;
        *out = (yti_square_ap){m->n_images, m->ap50, m->ap};
    }
    yti_evaluation_close(evaluation);
    yti_options_free(&options);
    return status;
}
