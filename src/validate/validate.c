/* validate.c: losses, average precision and confusion of a model over a validation split. A head with two branches is
 * run once and measured twice.
 *
 * Detections are matched with the truth in pixels of the network input, letterbox included, as the reference trainer
 * does (spec training 5.1). Images of a batch are decoded in parallel and counted in order, so the result does not
 * depend on the number of threads.
 */
#include "validate/validate.h"
#include "base/cpu.h"
#include "base/file.h"
#include "infer/trained.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One branch of the head, and what is counted of it. */
typedef struct judged {
    int branch;
    bool one_to_one;
    yti_metrics *metrics;
    void *context; /* of the hook for images; NULL: it is not called */
} judged;

enum { JUDGED, OTHER, MAX_HEADS };

struct yti_validator {
    yti_model *model;
    yti_loader *loader;
    yti_validate_options options;
    yti_loss *loss;
    judged heads[MAX_HEADS];
    int n_heads;
    yti_confusion *confusion;         /* of the one that is judged; NULL: too many classes */
    bool *classes;                    /* [n_classes of the model] which are kept; NULL: all */
    int *map;                         /* options.class_map; NULL: none */
    int *model_class;                 /* [n_mapped] its inverse, -1: the model does not know the class */
    int *target_image, *target_class; /* [truth_capacity] the truth that the model knows, in its own classes */
    yti_cxcywh *target_boxes;
    yt_detection *detections; /* [max_batch][max_det] */
    int *n_detections;        /* [max_batch] */
    yt_status *statuses;      /* [max_batch] */
    int max_batch;
    yt_xyxy *truth; /* [truth_capacity], of one batch, in pixels */
    size_t truth_capacity;
};

static yt_status allocate(yti_validator *v, yt_err *err) {
    int h, w;
    yti_loader_max_shape(v->loader, &v->max_batch, &h, &w);
    size_t batch = (size_t)v->max_batch, max_det = (size_t)v->options.max_det;
    if (max_det <= SIZE_MAX / sizeof *v->detections / (batch + 1))
        v->detections = malloc((batch + 1) * max_det * sizeof *v->detections);
    v->n_detections = malloc((batch + 1) * sizeof *v->n_detections);
    v->statuses = malloc((batch + 1) * sizeof *v->statuses);
    if (v->detections && v->n_detections && v->statuses) return YT_OK;
    return yti_no_memory(err, "%d detections of %d images", v->options.max_det, v->max_batch);
}

static yt_status copy_map(yti_validator *v, yt_err *err) {
    const size_t n = (size_t)v->model->n_classes, mapped = (size_t)v->options.n_mapped;
    v->map = malloc((n + 1) * sizeof *v->map);
    v->model_class = malloc((mapped + 1) * sizeof *v->model_class);
    v->classes = malloc((n + 1) * sizeof *v->classes);
    if (!v->map || !v->model_class || !v->classes) return yti_no_memory(err, "%d classes", v->model->n_classes);
    for (size_t c = 0; c < mapped; c++) v->model_class[c] = -1;
    for (size_t w = 0; w < n; w++) {
        const int c = v->map[w] = v->options.class_map[w];
        v->classes[w] = c >= 0;
        if (c >= v->options.n_mapped)
            return yt_fail(err, YT_ERR_ARGUMENT, "class %zu of the model is mapped to %d of %d classes", w, c,
                           v->options.n_mapped);
        if (c >= 0) v->model_class[c] = (int)w;
    }
    v->options.classes = v->classes;
    return YT_OK;
}

static yt_status copy_classes(yti_validator *v, yt_err *err) {
    if (v->options.class_map) return copy_map(v, err);
    if (!v->options.classes) return YT_OK;
    size_t bytes = (size_t)v->model->n_classes * sizeof *v->classes;
    v->classes = malloc(bytes + 1);
    if (!v->classes) return yti_no_memory(err, "%d classes", v->model->n_classes);
    memcpy(v->classes, v->options.classes, bytes);
    v->options.classes = v->classes;
    return YT_OK;
}

/* Metrics, and the matrix where it is not too large. */
static yt_status create_counters(yti_validator *v, yt_err *err) {
    int n_classes = v->options.single_class ? 1 : v->map ? v->options.n_mapped : v->model->n_classes;
    for (int i = 0; i < v->n_heads; i++) YT_TRY(yti_metrics_create(n_classes, &v->heads[i].metrics, err));
    for (int i = 0; i < v->n_heads; i++) yti_metrics_match_single(v->heads[i].metrics, v->options.match_single);
    if (n_classes > YT_CONFUSION_CLASSES) return YT_OK;
    return yti_confusion_create(n_classes, v->options.confusion_conf, &v->confusion, err);
}

/* The branch that is judged first, then the other one of a head with two. */
static yt_status choose_heads(yti_validator *v, yt_err *err) {
    bool one_to_one = false;
    YT_TRY(yti_choose_branch(v->model, v->options.nms, &one_to_one, err));
    unsigned branches = 0;
    for (int i = 0; i < MAX_HEADS; i++) {
        const bool kind = i == JUDGED ? one_to_one : !one_to_one;
        const int branch = yti_model_branch(v->model, kind);
        if (branch < 0 || (i == OTHER && v->options.detect)) continue;
        v->heads[v->n_heads++] = (judged){.branch = branch,
                                          .one_to_one = kind,
                                          .context = i == JUDGED ? v->options.image_context : v->options.other_context};
        branches |= 1u << branch;
    }
    yti_model_evaluate(v->model, branches);
    return YT_OK;
}

yt_status yti_validator_create(yti_model *model, yti_loader *loader, const yti_validate_options *options,
                               yti_validator **out, yt_err *err) {
    if (options->max_det < 1 || options->threads < 1)
        return yt_fail(err, YT_ERR_ARGUMENT, "max_det is %d and threads %d; both must be at least 1", options->max_det,
                       options->threads);
    yti_validator *v = calloc(1, sizeof *v);
    if (!v) return yti_no_memory(err, "a validator");
    v->model = model;
    v->loader = loader;
    v->options = *options;
    yt_status status = choose_heads(v, err);
    if (status == YT_OK) status = allocate(v, err);
    if (status == YT_OK) status = copy_classes(v, err);
    if (status == YT_OK) status = yti_loss_create(&v->loss, err);
    if (status == YT_OK) status = yti_loss_weigh_classes(v->loss, options->class_weights, model->n_classes, err);
    if (status == YT_OK) status = create_counters(v, err);
    if (status != YT_OK) {
        yti_validator_destroy(v);
        return status;
    }
    *out = v;
    return YT_OK;
}

void yti_validator_watch(yti_validator *validator,
                         yt_status (*image)(void *context, const yti_validated_image *image, yt_err *err),
                         void *context) {
    validator->options.image = image;
    validator->heads[JUDGED].context = context;
    if (validator->n_heads > OTHER) validator->heads[OTHER].context = NULL;
}

void yti_validator_destroy(yti_validator *validator) {
    if (!validator) return;
    yti_loss_destroy(validator->loss);
    for (int i = 0; i < validator->n_heads; i++) yti_metrics_destroy(validator->heads[i].metrics);
    yti_confusion_destroy(validator->confusion);
    free(validator->classes);
    free(validator->map);
    free(validator->model_class);
    free(validator->target_image);
    free(validator->target_class);
    free(validator->target_boxes);
    free(validator->detections);
    free(validator->n_detections);
    free(validator->statuses);
    free(validator->truth);
    free(validator);
}

static yt_status truth_in_pixels(yti_validator *v, const yti_batch *batch, yt_err *err) {
    size_t count = (size_t)batch->targets.count;
    if (!v->truth || count > v->truth_capacity) {
        yt_xyxy *grown = realloc(v->truth, (count + 1) * sizeof *grown);
        if (!grown) return yti_no_memory(err, "%zu ground-truth boxes", count);
        v->truth = grown;
        v->truth_capacity = count;
    }
    float w = (float)batch->w, h = (float)batch->h;
    for (size_t i = 0; i < count; i++) {
        yti_cxcywh b = batch->targets.boxes[i];
        v->truth[i] = yti_xyxy_from_cxcywh((yti_cxcywh){b.cx * w, b.cy * h, b.w * w, b.h * h});
    }
    return YT_OK;
}

/* The classes of what was found as those that are judged. */
static void map_classes(const yti_validator *v, yt_detection *found, int n) {
    for (int j = 0; j < n; j++) {
        const int own = found[j].class_id;
        found[j].class_id = v->options.single_class ? 0 : v->map ? v->map[own] : own;
    }
}

static bool is_kept(const yti_validator *v, const yt_detection *found) {
    return found->class_id >= 0 && found->class_id < v->model->n_classes &&
           (!v->options.classes || v->options.classes[found->class_id]);
}

static yt_status detect_by_other(yti_validator *v, const yti_batch *batch, yt_err *err) {
    for (int i = 0; i < batch->n; i++) {
        yt_detection *out = v->detections + (size_t)i * (size_t)v->options.max_det;
        int n, kept = 0;
        YT_TRY(v->options.detect(v->options.detect_context, batch, i, out, v->options.max_det, &n, err));
        for (int j = 0; j < n; j++)
            if (is_kept(v, &out[j])) out[kept++] = out[j];
        map_classes(v, out, kept);
        v->n_detections[i] = kept;
    }
    return YT_OK;
}

static yt_status detect_batch(yti_validator *v, const judged *head, int n, yt_err *err) {
    const yti_head maps = yti_model_head(v->model, head->branch);
    yti_detect_options options = {.conf = v->options.conf,
                                  .iou = v->options.iou,
                                  .max_det = v->options.max_det,
                                  .end2end = head->one_to_one,
                                  .multi_label = true,
                                  .agnostic = v->options.agnostic || v->options.single_class,
                                  .classes = v->options.classes};
#pragma omp parallel for schedule(dynamic) num_threads(v->options.threads)
    for (int i = 0; i < n; i++) {
        yt_detection *out = v->detections + (size_t)i * (size_t)options.max_det;
        v->n_detections[i] = 0;
        v->statuses[i] = yti_detect(&maps, i, &options, out, &v->n_detections[i], NULL);
        map_classes(v, out, v->n_detections[i]);
    }
    for (int i = 0; i < n; i++)
        if (v->statuses[i] != YT_OK)
            return yt_fail(err, v->statuses[i], "choosing detections failed: %s", yt_status_text(v->statuses[i]));
    return YT_OK;
}

/* The truth of image i of the batch is [first, next). */
static yt_status count_image(yti_validator *v, const judged *head, const yti_batch *batch, int i, int first, int next,
                             yt_err *err) {
    const yt_detection *found = v->detections + (size_t)i * (size_t)v->options.max_det;
    const int *classes = batch->targets.class_id + first;
    int n = v->n_detections[i];
    YT_TRY(yti_metrics_add(head->metrics, found, n, v->truth + first, classes, next - first, err));
    if (v->confusion && head == &v->heads[JUDGED])
        YT_TRY(yti_confusion_add(v->confusion, found, n, v->truth + first, classes, next - first, err));
    if (!v->options.image || !head->context) return YT_OK;
    yti_validated_image image = {batch->samples[i], found, n, batch->fits[i]};
    return v->options.image(head->context, &image, err);
}

static yt_status count_batch(yti_validator *v, const judged *head, const yti_batch *batch, yt_err *err) {
    const yti_targets *targets = &batch->targets;
    int first = 0;
    for (int i = 0; i < batch->n; i++) {
        int next = first;
        while (next < targets->count && targets->image[next] == i) next++;
        YT_TRY(count_image(v, head, batch, i, first, next, err));
        first = next;
    }
    return YT_OK;
}

/* The truth as the loss of the model wants it: in the model's classes, without those it does not know. */
static yt_status targets_of_model(yti_validator *v, const yti_targets *truth, yti_targets *out, yt_err *err) {
    *out = *truth;
    if (!v->map) return YT_OK;
    const size_t room = v->truth_capacity + 1;
    int *image = realloc(v->target_image, room * sizeof *image);
    if (image) v->target_image = image;
    int *class_id = realloc(v->target_class, room * sizeof *class_id);
    if (class_id) v->target_class = class_id;
    yti_cxcywh *boxes = realloc(v->target_boxes, room * sizeof *boxes);
    if (boxes) v->target_boxes = boxes;
    if (!image || !class_id || !boxes) return yti_no_memory(err, "%zu ground-truth boxes", room);
    *out = (yti_targets){0, image, class_id, boxes};
    for (int i = 0; i < truth->count; i++) {
        const int known = v->model_class[truth->class_id[i]];
        if (known < 0) continue;
        image[out->count] = truth->image[i];
        class_id[out->count] = known;
        boxes[out->count++] = truth->boxes[i];
    }
    return YT_OK;
}

static yt_status validate_batch(yti_validator *v, const yti_batch *batch, const yti_state *state, yti_validation *sum,
                                yt_err *err) {
    yti_model *model = v->model;
    if (v->options.detect) {
        YT_TRY(truth_in_pixels(v, batch, err));
        YT_TRY(detect_by_other(v, batch, err));
        return count_batch(v, &v->heads[JUDGED], batch, err);
    }
    yti_model_set_input(model, batch->rgb);
    yti_model_forward(model, state, v->options.observer);

    /* The one-to-one branch is judged by its own assignment (spec training 3.6). */
    yti_head head = yti_model_head(model, yti_model_eval_branch(model));
    yti_loss_rule rule = {v->options.gains, yti_assigner_of(model->end2end), 1};
    rule.assigner.widen_below_first = v->options.widen_below_first;
    yti_loss_result loss;
    yti_targets targets;
    YT_TRY(truth_in_pixels(v, batch, err));
    YT_TRY(targets_of_model(v, &batch->targets, &targets, err));
    YT_TRY(yti_loss_branch(v->loss, &head, &targets, &rule, v->options.threads, &loss, err));
    for (int i = 0; i < YT_LOSS_TERMS; i++) sum->loss[i] += loss.terms[i];
    const yti_head judged_maps = yti_model_head(model, v->heads[JUDGED].branch);
    for (int i = 0; i < batch->n; i++) sum->non_finite += !yti_head_is_finite(&judged_maps, i);
    for (int i = 0; i < v->n_heads; i++) {
        YT_TRY(detect_batch(v, &v->heads[i], batch->n, err));
        YT_TRY(count_batch(v, &v->heads[i], batch, err));
    }
    return YT_OK;
}

static yt_status plan_batch(yti_validator *v, const yti_state *state, int n, int h, int w, yt_err *err) {
    YT_TRY(yti_model_plan(v->model, YT_MODE_EVAL, n, h, w, v->options.threads, err));
    yti_model_prepare(v->model, state);
    return YT_OK;
}

yt_status yti_validator_run(yti_validator *validator, const yti_state *state, yti_validation *out, yt_err *err) {
    yti_validator *v = validator;
    double start = yti_seconds();
    yti_validation result = {.one_to_one = v->heads[JUDGED].one_to_one, .has_other = v->n_heads > OTHER};
    int n_batches = yti_loader_batches(v->loader), done = 0;
    int n, h, w; /* what is planned */
    for (int i = 0; i < v->n_heads; i++) yti_metrics_reset(v->heads[i].metrics);
    if (v->confusion) yti_confusion_reset(v->confusion);
    YT_TRY(yti_loader_begin(v->loader, 0, 0, NULL, err));
    yti_loader_max_shape(v->loader, &n, &h, &w); /* once, so that memory is taken once */
    YT_TRY(plan_batch(v, state, n, h, w, err));
    for (;;) {
        const yti_batch *batch;
        YT_TRY(yti_loader_next(v->loader, &batch, err));
        if (!batch) break;
        if (batch->n != n || batch->h != h || batch->w != w) {
            n = batch->n, h = batch->h, w = batch->w;
            YT_TRY(plan_batch(v, state, n, h, w, err));
        }
        YT_TRY(validate_batch(v, batch, state, &result, err));
        done++;
        if (v->options.progress) v->options.progress(v->options.context, done, n_batches);
    }
    for (int i = 0; i < YT_LOSS_TERMS; i++) result.loss[i] /= done > 0 ? done : 1;
    YT_TRY(yti_metrics_compute(v->heads[JUDGED].metrics, &result.metrics, err));
    if (result.has_other) YT_TRY(yti_metrics_compute(v->heads[OTHER].metrics, &result.other, err));
    result.seconds = yti_seconds() - start;
    *out = result;
    return YT_OK;
}

static yt_status save_confusion(const yti_confusion *confusion, const char *const *names, const char *folder,
                                yt_err *err) {
    char *path = yti_path_join(folder, "confusion_matrix.csv");
    if (!path) return yti_no_memory(err, "the name of confusion_matrix.csv");
    yt_status status = yti_confusion_save(confusion, names, path, err);
    free(path);
    return status;
}

yt_status yti_validator_save(const yti_validator *validator, const char *const *names, const char *folder,
                             yt_err *err) {
    if (validator->confusion) YT_TRY(save_confusion(validator->confusion, names, folder, err));
    return yti_metrics_save_curves(validator->heads[JUDGED].metrics, names, folder, err);
}

const char *const *yti_validator_file_names(int n_classes) {
    static const char *const names[] = {"confusion_matrix.csv", "pr_curve.csv", "confidence_curves.csv", NULL};
    return n_classes > YT_CONFUSION_CLASSES ? names + 1 : names;
}

const char *yti_validator_files(int n_classes) {
    return n_classes > YT_CONFUSION_CLASSES ? "pr_curve.csv, confidence_curves.csv (no confusion_matrix.csv "
                                              "for that many classes)"
                                            : "confusion_matrix.csv, pr_curve.csv, confidence_curves.csv";
}
