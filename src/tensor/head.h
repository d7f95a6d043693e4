/* head.h: the raw outputs of a detection head, as the loss and the decoder see them. */
#ifndef YT_HEAD_H
#define YT_HEAD_H

#include "tensor/tensor.h"

enum { YT_MAX_LEVELS = 8 };

/* One pyramid level. NHWC, so pixel (y, x) in row-major order is the anchor order of the reference trainer. The anchor
 * point of a cell is (x + 0.5, y + 0.5) * stride in pixels of the network input. */
typedef struct yti_head_level {
    yti_tensor box;   /* 4*reg_max channels, side-major (left, top, right, bottom): bin logits, or distances if
                        reg_max = 1 */
    yti_tensor cls;   /* class logits */
    yti_tensor d_box; /* gradients of the same shapes; data NULL outside training */
    yti_tensor d_cls;
    int stride;
} yti_head_level;

/* One branch of the head; a YOLO26 head has two (one-to-many and one-to-one). */
typedef struct yti_head {
    int n_levels, n_classes, reg_max;
    yti_head_level level[YT_MAX_LEVELS];
} yti_head;

#endif
