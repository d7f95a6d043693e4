/* ops.h: the primitive operations and their attributes. Each is defined in src/ops. */
#ifndef YT_OPS_H
#define YT_OPS_H

#include "ops/op.h"

extern const yti_op yti_op_input;  /* yti_input_attr; no source */
extern const yti_op yti_op_conv2d; /* yti_conv_attr; src: x [, shortcut]; params: weight, bias */
extern const yti_op
    yti_op_norm_act; /* yti_norm_act_attr; src: y [, shortcut]; params: gamma, beta; buffers: mean, variance */
extern const yti_op yti_op_transpose2d; /* yti_transpose_attr; params: weight, bias */
extern const yti_op yti_op_maxpool2d;   /* yti_pool_attr */
extern const yti_op yti_op_avgpool2d;   /* yti_pool_attr; padding counts as zeros of the window */
extern const yti_op yti_op_pad;         /* yti_pad_attr */
extern const yti_op yti_op_upsample;    /* yti_upsample_attr */
extern const yti_op yti_op_concat;      /* no attributes */
extern const yti_op yti_op_slice;       /* yti_slice_attr */
extern const yti_op yti_op_detach;      /* no attributes */
extern const yti_op yti_op_attention;   /* yti_attention_attr; src: qkv */

typedef struct yti_input_attr {
    int channels;
} yti_input_attr;

typedef struct yti_conv_attr {
    yti_conv_geometry conv;
    bool moments;       /* publish mean and variance of the output for the norm_act that follows (training) */
    yti_activation act; /* other than identity, as a shortcut: in evaluation only */
    bool uncounted;     /* among the operations of a network, by the convention */
} yti_conv_attr;

typedef struct yti_norm_act_attr {
    yti_activation act;
    bool normalise;      /* false: activation and shortcut only */
    float eps, momentum; /* running = (1 - momentum)*running + momentum*batch */
} yti_norm_act_attr;

typedef struct yti_pool_attr {
    int kernel, stride, pad;
} yti_pool_attr;

typedef struct yti_transpose_attr {
    yti_conv_geometry adjoint; /* the convolution from the result back to the source */
} yti_transpose_attr;

typedef struct yti_pad_attr {
    int left, right, top, bottom; /* zeros around a map */
} yti_pad_attr;

typedef struct yti_upsample_attr {
    int factor;
    bool uncounted; /* as above */
} yti_upsample_attr;

typedef struct yti_slice_attr {
    int first, count; /* channels */
} yti_slice_attr;

typedef struct yti_attention_attr {
    int heads, key_dim, head_dim;
    int areas; /* equal parts of each image, in row-major order, inside which pixels attend to each other; 1: the whole
                */
} yti_attention_attr;

#endif
