/* eval/decode.h: anchors of a head and what their outputs mean; shared by the two ways of choosing detections.
 *
 * An anchor is numbered as in the reference trainer: level by level, row-major within a level.
 */
#ifndef YT_EVAL_DECODE_H
#define YT_EVAL_DECODE_H

#include "eval/metrics.h"

size_t yti_anchor_count(const yti_head *head);

/* The n_classes logits of an anchor. */
const float *yti_anchor_logits(const yti_head *head, int image, size_t anchor);

/* Calls visit for each anchor with a logit above bound, in ascending order. NaN is above nothing. */
typedef void (*yti_anchor_visitor)(void *context, size_t anchor, const float *logits);
void yti_visit_anchors(const yti_head *head, int image, float bound, yti_anchor_visitor visit, void *context);

/* 1 / (1 + exp(-logit)) in float32. */
float yti_sigmoid(float logit);

/* A logit that every x with yti_sigmoid(x) > conf exceeds; comparing with it spares nearly all exponentials. */
float yti_logit_bound(float conf);

/* The class with the largest score (the first of equals) and that score. At least one logit exceeds bound. */
int yti_best_class(const float *logits, int n_classes, float bound, float *score);

/* Box of an anchor in pixels of the network input. via_centre: through (centre, size) and back, as the reference
 * trainer does before NMS; it rounds differently. */
yt_xyxy yti_decode_box(const yti_head *head, int image, size_t anchor, bool via_centre);

/* Appends a detection unless its box is not finite, which only a broken network gives. Returns the new count. */
int yti_append_detection(yt_detection *out, int n, yt_xyxy box, float score, int class_id);

/* The two ways; the contract is that of yti_detect. */
yt_status yti_select_end2end(const yti_head *head, int image, const yti_detect_options *options, yt_detection *out,
                             int *n_out, yt_err *err);
yt_status yti_select_nms(const yti_head *head, int image, const yti_detect_options *options, yt_detection *out,
                         int *n_out, yt_err *err);

#endif
