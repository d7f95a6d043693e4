/* eval/curve.h: recall and precision of the detections of one class (spec training 5.3 and 5.4). */
#ifndef YT_EVAL_CURVE_H
#define YT_EVAL_CURVE_H

#include <stddef.h>

/* One detection of the set. */
typedef struct yti_record {
    float score;
    int class_id;
    size_t order;  /* of arrival */
    unsigned hits; /* bit t: true positive at IoU threshold t */
} yti_record;

/* The detections of one class by descending score, and room for count + 3 numbers each for a curve. */
typedef struct yti_curve {
    const yti_record *records;
    size_t count;
    int n_truth;
    double *recall, *precision;
} yti_curve;

/* Recall and precision after each detection, at IoU threshold t. */
void yti_curve_fill(yti_curve *curve, unsigned t);

/* The same raised to its envelope and closed at both ends: count + 3 points. */
void yti_curve_fill_envelope(yti_curve *curve, unsigned t);

/* Precision of the envelope at a recall in [0, 1]. */
double yti_curve_at_recall(const yti_curve *curve, double recall);

/* Area under the envelope. */
double yti_curve_area(const yti_curve *curve);

typedef struct yti_curve_point {
    double precision, recall;
} yti_curve_point;

/* P and R at a confidence, of a curve from yti_curve_fill. */
yti_curve_point yti_curve_at_confidence(const yti_curve *curve, double confidence);
double yti_point_f1(yti_curve_point point);

#endif
