/* norm_handover.h: what a convolution and the normalisation after it hand to each other besides the map: the layout of
 * the convolution's side buffer.
 *
 * Forward: the moments [2][c] of the map (mean, biased variance). Backward: the normalisation may leave the last term
 * of its gradient, the tail [4][c] (yti_norm_tail in kernels.h), to the convolution, which reads the gradient anyway:
 * tail_is_due is then 1, else 0.
 */
#ifndef YT_OPS_NORM_HANDOVER_H
#define YT_OPS_NORM_HANDOVER_H

#include <stddef.h>

typedef struct yti_norm_handover {
    float *moments, *tail, *tail_is_due;
} yti_norm_handover;

static inline size_t yti_norm_handover_bytes(int c) {
    return (6 * (size_t)c + 1) * sizeof(float);
}

static inline yti_norm_handover yti_norm_handover_in(void *side, int c) {
    float *values = side;
    return (yti_norm_handover){values, values + 2 * c, values + 6 * c};
}

#endif
