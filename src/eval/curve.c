/* curve.c: the precision-recall curve of one class, by recall and by confidence; see curve.h.
 *
 * The curve runs from a point (recall 0, precision 1) through those after each detection to (last recall, 0) and (1,
 * 0). Each precision is raised to the largest at its recall or beyond; AP is the area below, by the trapezoid rule over
 * YT_PR_POINTS samples.
 */
#include "eval/curve.h"

#include "eval/metrics.h"

static const double TINY = 1e-16; /* keeps quotients of zero defined */

static void fill(const yti_curve *curve, unsigned t, double *recall, double *precision) {
    double hits = 0;
    for (size_t i = 0; i < curve->count; i++) {
        hits += (curve->records[i].hits >> t) & 1;
        recall[i] = hits / (curve->n_truth + TINY);
        precision[i] = hits / (double)(i + 1);
    }
}

void yti_curve_fill(yti_curve *curve, unsigned t) {
    fill(curve, t, curve->recall, curve->precision);
}

void yti_curve_fill_envelope(yti_curve *curve, unsigned t) {
    double *recall = curve->recall, *precision = curve->precision;
    size_t n = curve->count;
    fill(curve, t, recall + 1, precision + 1);
    recall[0] = 0;
    precision[0] = 1;
    recall[n + 1] = recall[n];
    recall[n + 2] = 1;
    precision[n + 1] = precision[n + 2] = 0;
    for (size_t i = n + 2; i-- > 0;)
        if (precision[i] < precision[i + 1]) precision[i] = precision[i + 1];
}

/* Linear between points. Where several points share a recall the last one counts; past the end the last y. */
double yti_curve_at_recall(const yti_curve *curve, double recall) {
    const double *xs = curve->recall, *ys = curve->precision;
    size_t low = 0, count = curve->count + 3, high = count; /* xs[low] <= recall < xs[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (xs[middle] <= recall)
            low = middle;
        else
            high = middle;
    }
    if (high == count || xs[low] == recall) return ys[low];
    return ys[low] + (ys[high] - ys[low]) / (xs[high] - xs[low]) * (recall - xs[low]);
}

double yti_curve_area(const yti_curve *curve) {
    double area = 0, before = yti_curve_at_recall(curve, 0);
    for (int i = 1; i < YT_PR_POINTS; i++) {
        double now = yti_curve_at_recall(curve, (double)i / (YT_PR_POINTS - 1));
        area += (before + now) / 2 / (YT_PR_POINTS - 1);
        before = now;
    }
    return area;
}

/* Linear between detections, the last one's below all of them. Above the most confident one nothing is claimed:
 * recall 0, precision 1. */
yti_curve_point yti_curve_at_confidence(const yti_curve *curve, double confidence) {
    const yti_record *r = curve->records;
    size_t n = curve->count;
    if (n == 0) return (yti_curve_point){0, 0};
    if (confidence > (double)r[0].score) return (yti_curve_point){1, 0};
    size_t low = 0, high = n; /* score[low] >= confidence > score[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if ((double)r[middle].score >= confidence)
            low = middle;
        else
            high = middle;
    }
    yti_curve_point point = {curve->precision[low], curve->recall[low]};
    if (high == n || (double)r[low].score == confidence) return point;
    double way = ((double)r[low].score - confidence) / ((double)r[low].score - (double)r[high].score);
    point.precision += way * (curve->precision[high] - curve->precision[low]);
    point.recall += way * (curve->recall[high] - curve->recall[low]);
    return point;
}

double yti_point_f1(yti_curve_point point) {
    return 2 * point.precision * point.recall / (point.precision + point.recall + TINY);
}
