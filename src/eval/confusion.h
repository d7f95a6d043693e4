/* confusion.h: which classes are taken for which (spec training 5.5). */
#ifndef YT_CONFUSION_H
#define YT_CONFUSION_H

#include "eval/metrics.h"

#include <stdint.h>

/* The most classes of a matrix: its memory and its table grow with their square. */
enum { YT_CONFUSION_CLASSES = 1000 };

/* From which confidence on detections are told apart from noise, where nobody says another: the reference trainer's. */
#define YT_CONFUSION_CONF 0.25f

typedef struct yt_confusion yt_confusion;
/* conf: detections with a higher score count. */
yt_status yt_confusion_create(int n_classes, float conf, yt_confusion **out, yt_err *err);
void yt_confusion_destroy(yt_confusion *confusion); /* NULL is fine */
void yt_confusion_reset(yt_confusion *confusion);

/* One image: detections by descending score and ground-truth boxes in the same pixels. */
yt_status yt_confusion_add(yt_confusion *confusion, const yt_detection *detections, int n_detections,
                           const yt_xyxy *truth, const int *truth_class, int n_truth, yt_err *err);

/* How often truth of class `truth` was found as class `predicted`. The class after the last is the
 * background: as `predicted` truth that was not found, as `truth` detections of nothing. */
int64_t yt_confusion_count(const yt_confusion *confusion, int predicted, int truth);

/* The matrix as a table: a row per predicted class, a column per true one, background last. */
yt_status yt_confusion_save(const yt_confusion *confusion, const char *const *names, const char *path,
                            yt_err *err);

#endif
