/* detection.h: one found object, as plain data. */
#ifndef YOLOTRAIN_DETECTION_H
#define YOLOTRAIN_DETECTION_H

/* Corners of an axis-aligned box. x goes to the right and y down; the edges of pixel (i, j) are i and i + 1, j and j
 * + 1. */
typedef struct yt_xyxy {
    float x1, y1, x2, y2;
} yt_xyxy;

typedef struct yt_detection {
    yt_xyxy box;  /* pixels; of what, the function says */
    float score;  /* 0 to 1 */
    int class_id; /* from 0 */
} yt_detection;

#endif
