/* coco_validate.c: hands every validated image to COCO's evaluation and to the results file.
 *
 * The truth comes from the split and not from the batch: it is in original pixels there, and it
 * has what is in no batch.
 */
#include "yt/coco_validate.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

struct yt_coco_validation {
    const yt_split *split;
    yt_coco_eval *eval;
    yt_coco_results *results; /* NULL: no file */
    int64_t dropped;          /* by the results */
    int64_t *ranks;           /* [n_samples] place of the image among all, by its id */
    yt_detection *detections; /* of one image, in original pixels */
    yt_coco_found *found;
    yt_coco_truth *truth;
    size_t detection_capacity, found_capacity, truth_capacity;
};

/* ---- images in the order of their ids ---- */

typedef struct {
    const yt_sample *sample;
    int index;
} ranked;

static int compare_ids(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    int order = yt_coco_compare_images(x->sample->image_path, x->sample->image_id, y->sample->image_path,
                                       y->sample->image_id);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static yt_status rank_images(yt_coco_validation *v, yt_err *err) {
    size_t n = (size_t)v->split->n_samples;
    ranked *list = malloc((n + 1) * sizeof *list);
    v->ranks = malloc((n + 1) * sizeof *v->ranks);
    if (!list || !v->ranks) {
        free(list);
        return yt_fail(err, YT_NO_MEMORY, "no memory to sort %zu images", n);
    }
    for (size_t i = 0; i < n; i++) list[i] = (ranked){&v->split->samples[i], (int)i};
    qsort(list, n, sizeof *list, compare_ids);
    for (size_t i = 0; i < n; i++) v->ranks[list[i].index] = (int64_t)i;
    free(list);
    return YT_OK;
}

yt_status yt_coco_validation_create(const yt_split *split, int n_classes, const char *results_path,
                                    const int64_t *category_ids, yt_coco_validation **out, yt_err *err) {
    yt_coco_validation *v = calloc(1, sizeof *v);
    if (!v) return yt_fail(err, YT_NO_MEMORY, "no memory for COCO's evaluation");
    v->split = split;
    yt_status status = yt_coco_eval_create(n_classes, &v->eval, err);
    if (status == YT_OK) status = rank_images(v, err);
    if (status == YT_OK && results_path)
        status = yt_coco_results_open(results_path, category_ids, &v->results, err);
    if (status != YT_OK) {
        yt_coco_validation_destroy(v);
        return status;
    }
    *out = v;
    return YT_OK;
}

void yt_coco_validation_destroy(yt_coco_validation *v) {
    if (!v) return;
    yt_coco_eval_destroy(v->eval);
    yt_coco_results_discard(v->results);
    free(v->ranks);
    free(v->detections);
    free(v->found);
    free(v->truth);
    free(v);
}

/* ---- one image ---- */

static yt_status make_room(yt_coco_validation *v, int n_found, int n_truth, yt_err *err) {
    size_t n = (size_t)n_found + 1, m = (size_t)n_truth + 1;
    yt_detection *detections = yti_grow(v->detections, &v->detection_capacity, n, sizeof *detections);
    if (detections) v->detections = detections;
    yt_coco_found *found = yti_grow(v->found, &v->found_capacity, n, sizeof *found);
    if (found) v->found = found;
    yt_coco_truth *truth = yti_grow(v->truth, &v->truth_capacity, m, sizeof *truth);
    if (truth) v->truth = truth;
    if (detections && found && truth) return YT_OK;
    return yt_fail(err, YT_NO_MEMORY, "no memory for %d detections and %d truth boxes", n_found, n_truth);
}

static yt_coco_truth truth_of(const yt_sample *sample, int i) {
    const yt_label *label = &sample->labels[i];
    const yt_coco_object *object = label->object;
    if (object)
        return (yt_coco_truth){{object->x, object->y, object->w, object->h},
                               object->area >= 0 ? object->area : object->w * object->h,
                               label->class_id,
                               label->crowd};
    double w = (double)label->box.w * sample->w, h = (double)label->box.h * sample->h;
    double x = (double)label->box.cx * sample->w - w / 2, y = (double)label->box.cy * sample->h - h / 2;
    return (yt_coco_truth){{x, y, w, h}, w * h, label->class_id, label->crowd};
}

yt_status yt_coco_validation_image(void *context, const yt_validated_image *image, yt_err *err) {
    yt_coco_validation *v = context;
    const yt_sample *sample = &v->split->samples[image->sample];
    int n = image->n_detections;
    YT_TRY(make_room(v, n, sample->n_labels, err));
    if (n > 0) memcpy(v->detections, image->detections, (size_t)n * sizeof *v->detections);
    yt_detection_unfit(v->detections, n, &image->fit);
    for (int i = 0; i < n; i++) v->found[i] = yt_coco_rounded(&v->detections[i]);
    for (int i = 0; i < sample->n_labels; i++) v->truth[i] = truth_of(sample, i);
    if (v->results)
        YT_TRY(yt_coco_results_add(v->results, sample->image_path, sample->image_id, v->found, n, err));
    return yt_coco_eval_add(v->eval, v->ranks[image->sample], v->found, n, v->truth, sample->n_labels, err);
}

yt_status yt_coco_validation_finish(yt_coco_validation *v, double numbers[YT_COCO_NUMBERS], yt_err *err) {
    YT_TRY(yt_coco_eval_compute(v->eval, numbers, err));
    yt_coco_results *results = v->results;
    v->results = NULL;
    if (!results) return YT_OK;
    v->dropped = yt_coco_results_dropped(results);
    return yt_coco_results_commit(results, err);
}

int64_t yt_coco_validation_dropped(const yt_coco_validation *v) {
    return v->dropped;
}
