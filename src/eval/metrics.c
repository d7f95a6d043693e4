/* metrics.c: matching of detections with ground truth, and what it says over a whole set (spec training 5).
 *
 * Matching, per image and IoU threshold t: in order of score a detection takes, of the truth of its class that is still
 * free at t and that it overlaps by IoU >= t, the one it overlaps most (the first of equals); else it is a false
 * positive. That is COCO's rule, and the reference trainer's since 8.4.176. Before, a detection looked only at the
 * truth it overlaps most, free or not (yti_metrics_match_single).
 *
 * Per class, detections in descending order of confidence (in the order they came among equals) give a curve (curve.c),
 * and this the class's AP. Precision and recall are quoted at the confidence where the mean F1 over classes, smoothed,
 * is largest.
 */
#include "eval/metrics.h"

#include "eval/curve.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    GRID = YT_CONFIDENCE_POINTS,
    SMOOTHING_REACH = 50 /* the box filter over the grid has 2 * 50 + 1 samples, a tenth of it */
};

static const float iou_thresholds[YT_N_IOU] = {0.50f, 0.55f, 0.60f, 0.65f, 0.70f, 0.75f, 0.80f, 0.85f, 0.90f, 0.95f};

struct yti_metrics {
    int n_classes, n_images;
    bool single; /* the former rule of matching */
    size_t n_truth;
    size_t count, capacity;
    yti_record *records;
    yti_class_metrics *classes;
    int *last_image; /* [n_classes] number of the last image with a truth of the class, from 1 */
    size_t taken_capacity;
    unsigned *taken; /* [truth of one image] bit t: claimed at threshold t */
};

/* ---- matching ---- */

yt_status yti_metrics_create(int n_classes, yti_metrics **out, yt_err *err) {
    if (n_classes < 1) return yt_fail(err, YT_ERR_ARGUMENT, "metrics of %d classes; there must be one", n_classes);
    yti_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics) {
        metrics->n_classes = n_classes;
        metrics->classes = calloc((size_t)n_classes, sizeof *metrics->classes);
        metrics->last_image = calloc((size_t)n_classes, sizeof *metrics->last_image);
    }
    if (!metrics || !metrics->classes || !metrics->last_image) {
        yti_metrics_destroy(metrics);
        return yti_no_memory(err, "the metrics of %d classes", n_classes);
    }
    *out = metrics;
    return YT_OK;
}

void yti_metrics_destroy(yti_metrics *metrics) {
    if (!metrics) return;
    free(metrics->records);
    free(metrics->classes);
    free(metrics->last_image);
    free(metrics->taken);
    free(metrics);
}

void yti_metrics_reset(yti_metrics *metrics) {
    size_t n = (size_t)metrics->n_classes;
    metrics->n_images = 0;
    metrics->n_truth = metrics->count = 0;
    memset(metrics->classes, 0, n * sizeof *metrics->classes);
    memset(metrics->last_image, 0, n * sizeof *metrics->last_image);
}

int yti_metrics_classes(const yti_metrics *metrics) {
    return metrics->n_classes;
}

void yti_metrics_match_single(yti_metrics *metrics, bool single) {
    metrics->single = single;
}

static yt_status check_classes(const yti_metrics *metrics, const yt_detection *detections, int n_detections,
                               const int *truth_class, int n_truth, yt_err *err) {
    for (int i = 0; i < n_detections; i++) {
        int c = detections[i].class_id;
        if (c < 0 || c >= metrics->n_classes || isnan(detections[i].score))
            return yt_fail(err, YT_ERR_ARGUMENT, "detection %d has class %d and score %g; classes are 0 to %d", i, c,
                           (double)detections[i].score, metrics->n_classes - 1);
    }
    for (int i = 0; i < n_truth; i++)
        if (truth_class[i] < 0 || truth_class[i] >= metrics->n_classes)
            return yt_fail(err, YT_ERR_ARGUMENT, "ground-truth box %d has class %d; classes are 0 to %d", i,
                           truth_class[i], metrics->n_classes - 1);
    return YT_OK;
}

/* Makes room for one image more; all that can fail in yti_metrics_add happens here. */
static yt_status reserve(yti_metrics *metrics, size_t n_detections, size_t n_truth, yt_err *err) {
    size_t need = metrics->count + n_detections;
    if (need > metrics->capacity) {
        size_t capacity = metrics->capacity * 2 > need ? metrics->capacity * 2 : need + 256;
        yti_record *grown = capacity <= SIZE_MAX / sizeof *grown ? realloc(metrics->records, capacity * sizeof *grown)
                                                                 : NULL;
        if (!grown) return yti_no_memory(err, "%zu detections", capacity);
        metrics->records = grown;
        metrics->capacity = capacity;
    }
    if (n_truth > metrics->taken_capacity) {
        unsigned *grown = realloc(metrics->taken, n_truth * sizeof *grown);
        if (!grown) return yti_no_memory(err, "%zu ground-truth boxes", n_truth);
        metrics->taken = grown;
        metrics->taken_capacity = n_truth;
    }
    return YT_OK;
}

/* Takes a ground-truth box for the detection at every threshold where there is one for it; returns these, bit t each.
 */
static unsigned claim(yti_metrics *metrics, const yt_detection *detection, const yt_xyxy *truth, const int *truth_class,
                      int n_truth) {
    float iou[YT_N_IOU] = {0};
    int best[YT_N_IOU];
    for (int t = 0; t < YT_N_IOU; t++) best[t] = -1;
    for (int g = 0; g < n_truth; g++) {
        if (truth_class[g] != detection->class_id) continue;
        const float overlap = yti_box_iou(truth[g], detection->box, 1e-7f);
        for (unsigned t = 0; t < YT_N_IOU; t++) {
            const bool free = metrics->single || !(metrics->taken[g] >> t & 1);
            if (!free || !(overlap > iou[t]) || overlap < iou_thresholds[t]) continue;
            iou[t] = overlap;
            best[t] = g;
        }
    }
    unsigned hits = 0;
    for (unsigned t = 0; t < YT_N_IOU; t++) {
        if (best[t] < 0 || metrics->taken[best[t]] >> t & 1) continue;
        metrics->taken[best[t]] |= 1u << t;
        hits |= 1u << t;
    }
    return hits;
}

yt_status yti_metrics_add(yti_metrics *metrics, const yt_detection *detections, int n_detections, const yt_xyxy *truth,
                          const int *truth_class, int n_truth, yt_err *err) {
    YT_TRY(check_classes(metrics, detections, n_detections, truth_class, n_truth, err));
    YT_TRY(reserve(metrics, (size_t)n_detections, (size_t)n_truth, err));
    metrics->n_images++;
    for (int g = 0; g < n_truth; g++) {
        int c = truth_class[g];
        metrics->taken[g] = 0;
        metrics->n_truth++;
        metrics->classes[c].n_truth++;
        if (metrics->last_image[c] != metrics->n_images) metrics->classes[c].n_images++;
        metrics->last_image[c] = metrics->n_images;
    }
    for (int i = 0; i < n_detections; i++) {
        const unsigned hits = claim(metrics, &detections[i], truth, truth_class, n_truth);
        metrics->records[metrics->count] = (yti_record){detections[i].score, detections[i].class_id, metrics->count,
                                                        hits};
        metrics->count++;
    }
    return YT_OK;
}

/* ---- curves ---- */

/* By class; within it by descending score, then by arrival: a total order, so any sort gives the same. */
static int compare_records(const void *a, const void *b) {
    const yti_record *x = a, *y = b;
    if (x->class_id != y->class_id) return x->class_id < y->class_id ? -1 : 1;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static double grid_confidence(int i) {
    return (double)i / (GRID - 1);
}

/* Index of the first maximum of the curve after a box filter whose ends repeat the edge values. Each window is
 * summed afresh, in order, so that a flat curve stays exactly flat. */
static int smoothed_maximum(const double f1[GRID]) {
    int best = 0;
    double largest = -1;
    for (int i = 0; i < GRID; i++) {
        double sum = 0;
        for (int j = i - SMOOTHING_REACH; j <= i + SMOOTHING_REACH; j++)
            sum += f1[j < 0 ? 0 : j >= GRID ? GRID - 1 : j];
        if (sum > largest) {
            largest = sum;
            best = i;
        }
    }
    return best;
}

/* ---- results ---- */

/* Scratch for curves over all detections. */
static yt_status make_scratch(const yti_metrics *metrics, yti_curve *out, yt_err *err) {
    size_t room = metrics->count + 3;
    double *both = room <= SIZE_MAX / (2 * sizeof *both) ? malloc(2 * room * sizeof *both) : NULL;
    if (!both) return yti_no_memory(err, "the curves of %zu detections", room);
    *out = (yti_curve){.recall = both, .precision = both + room};
    return YT_OK;
}

/* Points the curve at the detections of a class, which follow those of the classes before it. */
static void select_class(const yti_metrics *metrics, int class_id, size_t *at, yti_curve *curve) {
    while (*at < metrics->count && metrics->records[*at].class_id < class_id) ++*at;
    size_t first = *at;
    while (*at < metrics->count && metrics->records[*at].class_id == class_id) ++*at;
    curve->count = *at - first;
    curve->records = curve->count > 0 ? metrics->records + first : NULL;
    curve->n_truth = metrics->classes[class_id].n_truth;
}

/* Pass 1: AP of each class, and the sum over classes of F1 over the grid. Returns the classes with truth. */
static int measure_ap(yti_metrics *metrics, yti_curve *curve, double f1[GRID]) {
    int with_truth = 0;
    size_t at = 0;
    for (int c = 0; c < metrics->n_classes; c++) {
        yti_class_metrics *result = &metrics->classes[c];
        select_class(metrics, c, &at, curve);
        result->ap50 = result->ap = 0;
        if (result->n_truth == 0) continue;
        with_truth++;
        if (curve->count == 0) continue;
        for (unsigned t = 0; t < YT_N_IOU; t++) {
            yti_curve_fill_envelope(curve, t);
            double ap = yti_curve_area(curve);
            if (t == 0) result->ap50 = ap;
            result->ap += ap / YT_N_IOU;
        }
        yti_curve_fill(curve, 0);
        for (int i = 0; i < GRID; i++) f1[i] += yti_point_f1(yti_curve_at_confidence(curve, grid_confidence(i)));
    }
    return with_truth;
}

/* Pass 2: precision and recall of each class at the chosen confidence. */
static void measure_points(yti_metrics *metrics, yti_curve *curve, double confidence) {
    size_t at = 0;
    for (int c = 0; c < metrics->n_classes; c++) {
        yti_class_metrics *result = &metrics->classes[c];
        select_class(metrics, c, &at, curve);
        yti_curve_point point = {0, 0};
        if (result->n_truth > 0) {
            yti_curve_fill(curve, 0);
            point = yti_curve_at_confidence(curve, confidence);
        }
        result->precision = point.precision;
        result->recall = point.recall;
    }
}

static void average_classes(const yti_metrics *metrics, int with_truth, yti_metrics_result *out) {
    if (with_truth == 0) return;
    for (int c = 0; c < metrics->n_classes; c++) {
        const yti_class_metrics *result = &metrics->classes[c];
        if (result->n_truth == 0) continue;
        out->precision += result->precision;
        out->recall += result->recall;
        out->ap50 += result->ap50;
        out->ap += result->ap;
    }
    out->precision /= with_truth;
    out->recall /= with_truth;
    out->ap50 /= with_truth;
    out->ap /= with_truth;
}

yt_status yti_metrics_compute(yti_metrics *metrics, yti_metrics_result *out, yt_err *err) {
    yti_curve curve;
    YT_TRY(make_scratch(metrics, &curve, err));
    if (metrics->count > 1) qsort(metrics->records, metrics->count, sizeof *metrics->records, compare_records);

    double f1[GRID] = {0};
    int with_truth = measure_ap(metrics, &curve, f1);
    double confidence = grid_confidence(smoothed_maximum(f1));
    measure_points(metrics, &curve, confidence);
    yti_metrics_result result = {.n_images = metrics->n_images,
                                 .n_truth = (int)metrics->n_truth,
                                 .best_confidence = confidence,
                                 .n_classes = metrics->n_classes,
                                 .classes = metrics->classes};
    average_classes(metrics, with_truth, &result);
    result.fitness = result.ap;
    *out = result;
    free(curve.recall);
    return YT_OK;
}

static void sample_curves(yti_curve *curve, yti_class_curves *out) {
    yti_curve_fill_envelope(curve, 0);
    for (int i = 0; i < YT_PR_POINTS; i++) out->pr[i] = yti_curve_at_recall(curve, (double)i / (YT_PR_POINTS - 1));
    yti_curve_fill(curve, 0);
    for (int i = 0; i < GRID; i++) {
        yti_curve_point point = yti_curve_at_confidence(curve, grid_confidence(i));
        out->precision[i] = point.precision;
        out->recall[i] = point.recall;
        out->f1[i] = yti_point_f1(point);
    }
}

yt_status yti_metrics_curves(const yti_metrics *metrics, int class_id, yti_class_curves *out, yt_err *err) {
    if (class_id < 0 || class_id >= metrics->n_classes)
        return yt_fail(err, YT_ERR_ARGUMENT, "there is no class %d; classes are 0 to %d", class_id,
                       metrics->n_classes - 1);
    yti_curve curve;
    YT_TRY(make_scratch(metrics, &curve, err));
    size_t at = 0;
    select_class(metrics, class_id, &at, &curve);
    *out = (yti_class_curves){.n_truth = curve.n_truth};
    if (curve.n_truth > 0 && curve.count > 0) sample_curves(&curve, out);
    free(curve.recall);
    return YT_OK;
}
