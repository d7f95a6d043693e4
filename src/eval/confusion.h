/* confusion.h: which classes are taken for which (spec training 5.5). */
#ifndef YT_CONFUSION_H
#define YT_CONFUSION_H

#include "eval/metrics.h"

#include <stdint.h>

/* The most classes of a matrix: its memory and its table grow with their square. */
enum { YT_CONFUSION_CLASSES = 1000 };

/* Detections of a higher confidence count unless another limit is given; the reference trainer's value. */
#define YT_CONFUSION_CONF 0.25f

typedef struct yti_confusion yti_confusion;
/* conf: detections with a higher score count. */
yt_status yti_confusion_create(int n_classes, float conf, yti_confusion **out, yt_err *err);
void yti_confusion_destroy(yti_confusion *confusion); /* NULL is fine */
void yti_confusion_reset(yti_confusion *confusion);

/* One image: detections by descending score and ground-truth boxes in the same pixels. ARGUMENT: a class outside [0,
 * n_classes); then, and for NO_MEMORY, the image is not counted. */
yt_status yti_confusion_add(yti_confusion *confusion, const yt_detection *detections, int n_detections,
                            const yt_xyxy *truth, const int *truth_class, int n_truth, yt_err *err);

/* How often truth of class `truth` was found as class `predicted`. The class after the last is the background: as
 * `predicted` truth that was not found, as `truth` detections of nothing. */
int64_t yti_confusion_count(const yti_confusion *confusion, int predicted, int truth);

/* The matrix as a table: a row per predicted class, a column per true one, background last. */
yt_status yti_confusion_save(const yti_confusion *confusion, const char *const *names, const char *path, yt_err *err);

#endif
