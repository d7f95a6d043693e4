/* norm_side.h: what a convolution and the normalisation behind it tell each other beside the map.
 *
 * Forward: the moments [2][c] of the map (mean, biased variance). Backward: whether the gradient of the map is still g
 * (unfinished), and the tail [4][c] that finishes it (yti_norm_tail in kernels.h).
 */
#ifndef YT_OPS_NORM_SIDE_H
#define YT_OPS_NORM_SIDE_H

#include <stddef.h>

typedef struct yti_norm_side_view {
    float *moments, *tail, *unfinished;
} yti_norm_side_view;

static inline size_t yti_norm_side_bytes(int c) {
    return (6 * (size_t)c + 1) * sizeof(float);
}

static inline yti_norm_side_view yti_norm_side(void *side, int c) {
    float *values = side;
    return (yti_norm_side_view){values, values + 2 * c, values + 6 * c};
}

#endif
