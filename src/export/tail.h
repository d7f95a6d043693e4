/* tail.h: from the maps of the head to the result that users of the file read. */
#ifndef YT_EXPORT_TAIL_H
#define YT_EXPORT_TAIL_H

#include "export/lower.h"

/* code, word on the command line, what it is */
#define YTI_EXPORT_HEAD_MAP(X)                                                                                         \
    X(O2M, "o2m") /* output0 (n, 4 + classes, anchors): cx cy w h in pixels of the input, then scores; needs NMS */    \
    X(O2O, "o2o") /* output0 (n, k, 6): x1 y1 x2 y2 score class of the k best of the one-to-one branch */              \
    X(RAW, "raw") /* the maps before decoding, by level: box0 box1 ... cls0 cls1 ... */

typedef enum yti_export_head {
#define YTI_EXPORT_HEAD_ENUM(code, word) YTI_HEAD_##code,
    YTI_EXPORT_HEAD_MAP(YTI_EXPORT_HEAD_ENUM)
#undef YTI_EXPORT_HEAD_ENUM
        YTI_HEADS
} yti_export_head;

typedef struct yti_tail {
    yti_export_head head;
    bool nms; /* of O2M: with NonMaxSuppression, output0 (1, max_det, 6) as of O2O, whose last rows are 0 */
    float conf, iou;
    int max_det;
} yti_tail;

/* Adds the tail and the outputs to a net. Computes in FLOAT, whatever the body is: sizes in pixels are too large for
 * 16 bits. */
void yti_add_tail(yti_net *net, const yti_model *model, yti_net_size size, const yti_net_maps *maps,
                  const yti_tail *tail);

/* Cells of all levels; size is not open. */
int64_t yti_net_anchors(const yti_model *model, yti_net_size size);

#endif
