/* box.h: axis-aligned boxes. The format is in every name: xyxy = corners, cxcywh = centre and size. */
#ifndef YT_BOX_H
#define YT_BOX_H

#include "yolotrain/detection.h"

typedef struct yti_cxcywh {
    float cx, cy, w, h;
} yti_cxcywh;

yt_xyxy yti_xyxy_from_cxcywh(yti_cxcywh b);
yti_cxcywh yti_cxcywh_from_xyxy(yt_xyxy b);

/* Intersection over union, I / (A1 + A2 - I + eps), in float32 (spec training 5.1 uses eps 1e-7, NMS eps 0). */
float yti_box_iou(yt_xyxy a, yt_xyxy b, float eps);

/* Complete IoU (Zheng et al. 2020) of a and b (xyxy) in double, with the reference trainer's epsilons: 1e-7 on heights,
 * union and diagonal, so that the value depends a little on the unit of length; it is symmetric in a and b. `grad`,
 * when not NULL, receives d CIoU / d a, alpha being a constant. */
double yti_box_ciou(const double a[4], const double b[4], double grad[4]);

/* A cheap upper bound of yti_box_ciou(a, b): their plain IoU. NaN for boxes that are not
 * finite. */
double yti_box_ciou_limit(const double a[4], const double b[4]);

#endif
