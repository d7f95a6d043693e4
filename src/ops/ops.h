/* ops.h: the primitive operations and their attributes. Each is defined in src/ops. */
#ifndef YT_OPS_H
#define YT_OPS_H

#include "ops/op.h"

extern const yt_op yt_op_input;  /* yt_input_attr; no source */
extern const yt_op yt_op_conv2d; /* yt_conv_attr; src: x [, shortcut]; params: weight, bias */
extern const yt_op
    yt_op_norm_act; /* yt_norm_act_attr; src: y [, shortcut]; params: gamma, beta; buffers: mean, variance */
extern const yt_op yt_op_transpose2d; /* yt_transpose_attr; params: weight, bias */
extern const yt_op yt_op_maxpool2d;   /* yt_pool_attr */
extern const yt_op yt_op_avgpool2d;   /* yt_pool_attr; padding counts as zeros of the window */
extern const yt_op yt_op_pad;         /* yt_pad_attr */
extern const yt_op yt_op_upsample;    /* yt_upsample_attr */
extern const yt_op yt_op_concat;      /* no attributes */
extern const yt_op yt_op_slice;       /* yt_slice_attr */
extern const yt_op yt_op_detach;      /* no attributes */
extern const yt_op yt_op_attention;   /* yt_attention_attr; src: qkv */

typedef struct yt_input_attr {
    int channels;
} yt_input_attr;

typedef struct yt_conv_attr {
    yt_conv conv;
    bool moments;      /* publish mean and variance of the output for the norm_act that follows (training) */
    yt_activation act; /* other than identity, as a shortcut: in evaluation only */
    bool uncounted;    /* among the operations of a network, by the convention */
} yt_conv_attr;

typedef struct yt_norm_act_attr {
    yt_activation act;
    bool normalise;      /* false: activation and shortcut only */
    float eps, momentum; /* running = (1 - momentum)*running + momentum*batch */
} yt_norm_act_attr;

typedef struct yt_pool_attr {
    int kernel, stride, pad;
} yt_pool_attr;

typedef struct yt_transpose_attr {
    yt_conv adjoint; /* the convolution from the result back to the source */
} yt_transpose_attr;

typedef struct yt_pad_attr {
    int left, right, top, bottom; /* zeros around a map */
} yt_pad_attr;

typedef struct yt_upsample_attr {
    int factor;
    bool uncounted; /* as above */
} yt_upsample_attr;

typedef struct yt_slice_attr {
    int first, count; /* channels */
} yt_slice_attr;

typedef struct yt_attention_attr {
    int heads, key_dim, head_dim;
    int areas; /* equal parts of each image, in row-major order, inside which pixels attend to each other; 1: the whole */
} yt_attention_attr;

#endif
