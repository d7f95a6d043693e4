/* head.h: the raw outputs of a detection head, as the loss and the decoder see them. */
#ifndef YT_HEAD_H
#define YT_HEAD_H

#include "tensor/tensor.h"

enum { YT_MAX_LEVELS = 8 };

/* One pyramid level. NHWC, so pixel (y, x) in row-major order is the anchor order of the family. The anchor
 * point of a cell is (x + 0.5, y + 0.5) * stride in pixels of the network input. */
typedef struct yt_head_level {
    yt_tensor box;   /* 4*reg_max channels, side-major (left, top, right, bottom): bin logits, or distances if
                        reg_max = 1 */
    yt_tensor cls;   /* class logits */
    yt_tensor d_box; /* gradients of the same shapes; data NULL outside training */
    yt_tensor d_cls;
    int stride;
} yt_head_level;

/* One branch of the head; a YOLO26 head has two (one-to-many and one-to-one). */
typedef struct yt_head {
    int n_levels, n_classes, reg_max;
    yt_head_level level[YT_MAX_LEVELS];
} yt_head;

#endif
