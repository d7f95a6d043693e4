/* metrics.h: from head outputs to detections, and from detections to average precision. */
#ifndef YT_METRICS_H
#define YT_METRICS_H

#include "base/status.h"
#include "tensor/batch.h"
#include "tensor/head.h"

#include <stdbool.h>

/* Which branch of a two-branch head detections come from, as the reference trainer's `nms` since 8.4.142. auto:
 * one-to-many, then NMS. false: one-to-one, without NMS. true: as auto; a difference in exported graphs only. A head
 * with one branch has no choice. */
#define YT_NMS_MAP(X)                                                                                                  \
    X(TRUE, "true")                                                                                                    \
    X(FALSE, "false")

typedef enum yti_nms {
    YT_NMS_AUTO = -1,
#define YT_NMS_ENUM(code, word) YT_NMS_##code,
    YT_NMS_MAP(YT_NMS_ENUM)
#undef YT_NMS_ENUM
} yti_nms;

typedef struct yti_detect_options {
    float conf;          /* keep score > conf */
    float iou;           /* NMS: suppress when IoU > iou; unused by end-to-end heads */
    int max_det;         /* 300 */
    bool end2end;        /* top-k selection instead of NMS (spec architecture 6.4) */
    bool multi_label;    /* NMS: every class over conf is a candidate (validation) */
    bool agnostic;       /* NMS ignores classes */
    const bool *classes; /* [n_classes] which to keep; NULL: all */
} yti_detect_options;

/* Detections of image `image` of the batch, in pixels of the network input, by descending score. out has room for
 * max_det. Returns their number through *n_out. ARGUMENT: max_det below 1, or no such image; NO_MEMORY. Several threads
 * may call it on one head. */
yt_status yti_detect(const yti_head *head, int image, const yti_detect_options *options, yt_detection *out, int *n_out,
                     yt_err *err);

/* Whether all outputs of the head for an image are finite. Where they are not, nothing is found: a NaN is above no
 * confidence. */
bool yti_head_is_finite(const yti_head *head, int image);

/* Network-input pixels to pixels of the original image, clipped to it. */
void yti_detections_to_image(yt_detection *detections, int n, const yti_fit *fit);

enum { YT_N_IOU = 10 }; /* IoU thresholds 0.50, 0.55, ... 0.95 */

typedef struct yti_class_metrics {
    int n_truth, n_images;              /* boxes of the class, images with one */
    double precision, recall, ap50, ap; /* ap: mean over the ten thresholds */
} yti_class_metrics;

typedef struct yti_metrics_result {
    int n_images, n_truth;
    double precision, recall, ap50, ap; /* means over classes with truth; at the confidence of best mean F1 */
    double best_confidence;
    double fitness; /* ap */
    int n_classes;
    yti_class_metrics *classes; /* [n_classes], owned by the accumulator */
} yti_metrics_result;

/* Accumulates matches over images (spec training 5). */
typedef struct yti_metrics yti_metrics;
yt_status yti_metrics_create(int n_classes, yti_metrics **out, yt_err *err);
void yti_metrics_destroy(yti_metrics *metrics);
void yti_metrics_reset(yti_metrics *metrics);
int yti_metrics_classes(const yti_metrics *metrics);

/* A detection takes the best ground-truth box that is still free, as in COCO's evaluation and in the reference trainer
 * since 8.4.176; single: only the one it overlaps most, free or not, as before. */
void yti_metrics_match_single(yti_metrics *metrics, bool single);

/* One image: detections by descending score and ground-truth boxes in the same pixels. ARGUMENT: a class outside [0,
 * n_classes) or a score that is NaN; then, and for NO_MEMORY, the image is not counted. */
yt_status yti_metrics_add(yti_metrics *metrics, const yt_detection *detections, int n_detections, const yt_xyxy *truth,
                          const int *truth_class, int n_truth, yt_err *err);

/* The result over all images so far; more may follow. out->classes is rewritten by the next call and by
 * yti_metrics_reset. NO_MEMORY. */
yt_status yti_metrics_compute(yti_metrics *metrics, yti_metrics_result *out, yt_err *err);

enum {
    YT_PR_POINTS = 101,         /* recalls 0, 0.01, ... 1, as COCO does */
    YT_CONFIDENCE_POINTS = 1000 /* confidences 0, 1/999, ... 1 */
};

/* The curves of a class at IoU 0.5; zeros where it has no truth or no detections. */
typedef struct yti_class_curves {
    int n_truth;
    double pr[YT_PR_POINTS]; /* interpolated precision over recall */
    double precision[YT_CONFIDENCE_POINTS], recall[YT_CONFIDENCE_POINTS], f1[YT_CONFIDENCE_POINTS];
} yti_class_curves;

/* After yti_metrics_compute, with no image added since. ARGUMENT: no such class; NO_MEMORY. */
yt_status yti_metrics_curves(const yti_metrics *metrics, int class_id, yti_class_curves *out, yt_err *err);

/* After yti_metrics_compute: pr_curve.csv and confidence_curves.csv in an existing folder, in rows of class_id,
 * class and values; classes without truth are left out, the means over the others come last as class_id -1, "all". */
yt_status yti_metrics_save_curves(const yti_metrics *metrics, const char *const *names, const char *folder,
                                  yt_err *err);

#endif
