/* metrics.c: matching of detections with truth, and average precision over a whole set (spec training 5).
 *
 * Matching, per image and IoU threshold t: a detection looks only at the truth of its class that it overlaps
 * most, and claims it when IoU >= t; a truth box goes to its first claimant, that is the most confident one
 * and not the one that overlaps most. All other detections are false positives; there is no second choice.
 *
 * Per class, detections in descending order of confidence (in the order they came among equals) give recall
 * and precision after each of them. AP is the area under the precision envelope, sampled at 101 recalls.
 * Precision and recall are quoted at the confidence where the mean F1 over classes, smoothed, is largest.
 */
#include "yt/metrics.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    AP_POINTS = 101,     /* recalls 0, 0.01, ... 1, as COCO does */
    GRID = 1000,         /* confidences 0 ... 1 at which P, R and F1 are looked at */
    SMOOTHING_REACH = 50 /* the box filter over the grid has 2 * 50 + 1 samples, a tenth of it */
};
static const double TINY = 1e-16; /* keeps quotients of zero defined */

static const float iou_thresholds[YT_N_IOU] = {0.50f, 0.55f, 0.60f, 0.65f, 0.70f,
                                               0.75f, 0.80f, 0.85f, 0.90f, 0.95f};

/* One detection of the set. */
typedef struct {
    float score;
    int class_id;
    size_t order;  /* of arrival */
    unsigned hits; /* bit t: true positive at threshold t */
} record;

struct yt_metrics {
    int n_classes, n_images;
    size_t n_truth;
    size_t count, capacity;
    record *records;
    yt_class_metrics *classes;
    int *last_image; /* [n_classes] number of the last image with a truth of the class, from 1 */
    size_t taken_capacity;
    unsigned *taken; /* [truth of one image] bit t: claimed at threshold t */
};

/* ---- matching ---- */

yt_status yt_metrics_create(int n_classes, yt_metrics **out, yt_err *err) {
    if (n_classes < 1)
        return yt_fail(err, YT_ARGUMENT, "metrics of %d classes; there must be one", n_classes);
    yt_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics) {
        metrics->n_classes = n_classes;
        metrics->classes = calloc((size_t)n_classes, sizeof *metrics->classes);
        metrics->last_image = calloc((size_t)n_classes, sizeof *metrics->last_image);
    }
    if (!metrics || !metrics->classes || !metrics->last_image) {
        yt_metrics_destroy(metrics);
        return yt_fail(err, YT_NO_MEMORY, "no memory for the metrics of %d classes", n_classes);
    }
    *out = metrics;
    return YT_OK;
}

void yt_metrics_destroy(yt_metrics *metrics) {
    if (!metrics) return;
    free(metrics->records);
    free(metrics->classes);
    free(metrics->last_image);
    free(metrics->taken);
    free(metrics);
}

void yt_metrics_reset(yt_metrics *metrics) {
    size_t n = (size_t)metrics->n_classes;
    metrics->n_images = 0;
    metrics->n_truth = metrics->count = 0;
    memset(metrics->classes, 0, n * sizeof *metrics->classes);
    memset(metrics->last_image, 0, n * sizeof *metrics->last_image);
}

static yt_status check_classes(const yt_metrics *metrics, const yt_detection *detections, int n_detections,
                               const int *truth_class, int n_truth, yt_err *err) {
    for (int i = 0; i < n_detections; i++) {
        int c = detections[i].class_id;
        if (c < 0 || c >= metrics->n_classes || isnan(detections[i].score))
            return yt_fail(err, YT_ARGUMENT, "detection %d has class %d and score %g; classes are 0 to %d", i,
                           c, (double)detections[i].score, metrics->n_classes - 1);
    }
    for (int i = 0; i < n_truth; i++)
        if (truth_class[i] < 0 || truth_class[i] >= metrics->n_classes)
            return yt_fail(err, YT_ARGUMENT, "truth box %d has class %d; classes are 0 to %d", i,
                           truth_class[i], metrics->n_classes - 1);
    return YT_OK;
}

/* Makes room for one image more; all that can fail in yt_metrics_add happens here. */
static yt_status reserve(yt_metrics *metrics, size_t n_detections, size_t n_truth, yt_err *err) {
    size_t need = metrics->count + n_detections;
    if (need > metrics->capacity) {
        size_t capacity = metrics->capacity * 2 > need ? metrics->capacity * 2 : need + 256;
        record *grown =
            capacity <= SIZE_MAX / sizeof *grown ? realloc(metrics->records, capacity * sizeof *grown) : NULL;
        if (!grown) return yt_fail(err, YT_NO_MEMORY, "no memory for %zu detections", capacity);
        metrics->records = grown;
        metrics->capacity = capacity;
    }
    if (n_truth > metrics->taken_capacity) {
        unsigned *grown = realloc(metrics->taken, n_truth * sizeof *grown);
        if (!grown) return yt_fail(err, YT_NO_MEMORY, "no memory for %zu truth boxes", n_truth);
        metrics->taken = grown;
        metrics->taken_capacity = n_truth;
    }
    return YT_OK;
}

/* The truth box of the detection's class that it overlaps most (the first of equals), or -1. */
static int best_truth(const yt_detection *detection, const yt_xyxy *truth, const int *truth_class,
                      int n_truth, float *iou) {
    int best = -1;
    *iou = 0;
    for (int g = 0; g < n_truth; g++) {
        if (truth_class[g] != detection->class_id) continue;
        float overlap = yt_box_iou(truth[g], detection->box, 1e-7f);
        if (overlap > *iou) {
            *iou = overlap;
            best = g;
        }
    }
    return best;
}

static unsigned claim(float iou, unsigned *taken) {
    unsigned hits = 0;
    for (unsigned t = 0; t < YT_N_IOU; t++)
        if (iou >= iou_thresholds[t]) hits |= 1u << t;
    hits &= ~*taken;
    *taken |= hits;
    return hits;
}

yt_status yt_metrics_add(yt_metrics *metrics, const yt_detection *detections, int n_detections,
                         const yt_xyxy *truth, const int *truth_class, int n_truth, yt_err *err) {
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
        float iou;
        int g = best_truth(&detections[i], truth, truth_class, n_truth, &iou);
        unsigned hits = g >= 0 ? claim(iou, &metrics->taken[g]) : 0;
        metrics->records[metrics->count] =
            (record){detections[i].score, detections[i].class_id, metrics->count, hits};
        metrics->count++;
    }
    return YT_OK;
}

/* ---- curves ---- */

/* By class; within it by descending score, then by arrival: a total order, so any sort gives the same. */
static int compare_records(const void *a, const void *b) {
    const record *x = a, *y = b;
    if (x->class_id != y->class_id) return x->class_id < y->class_id ? -1 : 1;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* Detections of one class in order, and scratch of count + 3 each for the curves. */
typedef struct {
    const record *records;
    size_t count;
    double *recall, *precision;
} class_run;

static void fill_curve(const class_run *run, unsigned threshold, int n_truth, double *recall,
                       double *precision) {
    double hits = 0;
    for (size_t i = 0; i < run->count; i++) {
        hits += (run->records[i].hits >> threshold) & 1;
        recall[i] = hits / (n_truth + TINY);
        precision[i] = hits / (double)(i + 1);
    }
}

/* Linear interpolation at x between points of ascending xs; x >= xs[0]. Where several points share an x the
 * last one counts; past the end the last y. */
static double interpolate(const double *xs, const double *ys, size_t count, double x) {
    size_t low = 0, high = count; /* xs[low] <= x < xs[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (xs[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    if (high == count || xs[low] == x) return ys[low];
    return ys[low] + (ys[high] - ys[low]) / (xs[high] - xs[low]) * (x - xs[low]);
}

/* The curve with a point (0, 1) in front and (last recall, 0), (1, 0) behind; each precision raised to the
 * largest at its recall or beyond; then the area by the trapezoid rule over AP_POINTS samples. */
static double average_precision(const class_run *run, unsigned threshold, int n_truth) {
    double *recall = run->recall, *precision = run->precision;
    size_t n = run->count;
    fill_curve(run, threshold, n_truth, recall + 1, precision + 1);
    recall[0] = 0;
    precision[0] = 1;
    recall[n + 1] = recall[n];
    recall[n + 2] = 1;
    precision[n + 1] = precision[n + 2] = 0;
    for (size_t i = n + 2; i-- > 0;)
        if (precision[i] < precision[i + 1]) precision[i] = precision[i + 1];
    double area = 0, before = interpolate(recall, precision, n + 3, 0);
    for (int i = 1; i < AP_POINTS; i++) {
        double now = interpolate(recall, precision, n + 3, (double)i / (AP_POINTS - 1));
        area += (before + now) / 2 / (AP_POINTS - 1);
        before = now;
    }
    return area;
}

typedef struct {
    double precision, recall;
} operating_point;

/* P and R at a confidence, linear between detections; run->precision and ->recall hold the curves at IoU 0.5.
 * Above the most confident detection nothing is claimed: recall 0, precision 1. */
static operating_point point_at(const class_run *run, double confidence) {
    const record *r = run->records;
    size_t n = run->count;
    if (n == 0) return (operating_point){0, 0};
    if (confidence > (double)r[0].score) return (operating_point){1, 0};
    size_t low = 0, high = n; /* score[low] >= confidence > score[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if ((double)r[middle].score >= confidence)
            low = middle;
        else
            high = middle;
    }
    operating_point point = {run->precision[low], run->recall[low]};
    if (high == n || (double)r[low].score == confidence) return point;
    double way = ((double)r[low].score - confidence) / ((double)r[low].score - (double)r[high].score);
    point.precision += way * (run->precision[high] - run->precision[low]);
    point.recall += way * (run->recall[high] - run->recall[low]);
    return point;
}

static double f1_of(operating_point point) {
    return 2 * point.precision * point.recall / (point.precision + point.recall + TINY);
}

static double grid_confidence(int i) {
    return (double)i / (GRID - 1);
}

/* Index of the first maximum of the curve after a box filter whose ends repeat the edge values. Each window
 * is summed afresh, in order, so that a flat curve stays exactly flat. */
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

/* The run of a class, found from where the one before it ended. */
static class_run next_run(const yt_metrics *metrics, int class_id, size_t *at, double *recall,
                          double *precision) {
    while (*at < metrics->count && metrics->records[*at].class_id < class_id) ++*at;
    size_t first = *at;
    while (*at < metrics->count && metrics->records[*at].class_id == class_id) ++*at;
    return (class_run){metrics->records + first, *at - first, recall, precision};
}

/* Pass 1: AP of each class, and the sum over classes of F1 over the grid. Returns the classes with truth. */
static int measure_ap(yt_metrics *metrics, double *recall, double *precision, double f1[GRID]) {
    int with_truth = 0;
    size_t at = 0;
    for (int c = 0; c < metrics->n_classes; c++) {
        yt_class_metrics *result = &metrics->classes[c];
        class_run run = next_run(metrics, c, &at, recall, precision);
        result->ap50 = result->ap = 0;
        if (result->n_truth == 0) continue;
        with_truth++;
        if (run.count == 0) continue;
        for (unsigned t = 0; t < YT_N_IOU; t++) {
            double ap = average_precision(&run, t, result->n_truth);
            if (t == 0) result->ap50 = ap;
            result->ap += ap / YT_N_IOU;
        }
        fill_curve(&run, 0, result->n_truth, recall, precision);
        for (int i = 0; i < GRID; i++) f1[i] += f1_of(point_at(&run, grid_confidence(i)));
    }
    return with_truth;
}

/* Pass 2: precision and recall of each class at the chosen confidence. */
static void measure_points(yt_metrics *metrics, double *recall, double *precision, double confidence) {
    size_t at = 0;
    for (int c = 0; c < metrics->n_classes; c++) {
        yt_class_metrics *result = &metrics->classes[c];
        class_run run = next_run(metrics, c, &at, recall, precision);
        operating_point point = {0, 0};
        if (result->n_truth > 0) {
            fill_curve(&run, 0, result->n_truth, recall, precision);
            point = point_at(&run, confidence);
        }
        result->precision = point.precision;
        result->recall = point.recall;
    }
}

static void average_classes(const yt_metrics *metrics, int with_truth, yt_metrics_result *out) {
    if (with_truth == 0) return;
    for (int c = 0; c < metrics->n_classes; c++) {
        const yt_class_metrics *result = &metrics->classes[c];
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

yt_status yt_metrics_compute(yt_metrics *metrics, yt_metrics_result *out, yt_err *err) {
    size_t room = metrics->count + 3;
    double *curves = room <= SIZE_MAX / (2 * sizeof *curves) ? malloc(2 * room * sizeof *curves) : NULL;
    if (!curves) return yt_fail(err, YT_NO_MEMORY, "no memory for the curves of %zu detections", room);
    if (metrics->count > 1)
        qsort(metrics->records, metrics->count, sizeof *metrics->records, compare_records);

    double f1[GRID] = {0};
    int with_truth = measure_ap(metrics, curves, curves + room, f1);
    double confidence = grid_confidence(smoothed_maximum(f1));
    measure_points(metrics, curves, curves + room, confidence);
    yt_metrics_result result = {.n_images = metrics->n_images,
                                .n_truth = (int)metrics->n_truth,
                                .best_confidence = confidence,
                                .n_classes = metrics->n_classes,
                                .classes = metrics->classes};
    average_classes(metrics, with_truth, &result);
    result.fitness = result.ap;
    *out = result;
    free(curves);
    return YT_OK;
}
