/* ops.h: the primitive operations and their attributes. Each is defined in src/ops. */
#ifndef YT_OPS_H
#define YT_OPS_H

#include "yt/op.h"

extern const yt_op yt_op_input;  /* yt_input_attr; no source */
extern const yt_op yt_op_conv2d; /* yt_conv_attr; src: x [, shortcut]; params: weight, bias */
extern const yt_op
    yt_op_norm_act; /* yt_norm_act_attr; src: y [, shortcut]; params: gamma, beta; buffers: mean, variance */
extern const yt_op yt_op_maxpool2d; /* yt_pool_attr */
extern const yt_op yt_op_upsample;  /* yt_upsample_attr */
extern const yt_op yt_op_concat;    /* no attributes */
extern const yt_op yt_op_slice;     /* yt_slice_attr */
extern const yt_op yt_op_detach;    /* no attributes */
extern const yt_op yt_op_attention; /* yt_attention_attr; src: qkv */

typedef struct yt_input_attr {
    int channels;
} yt_input_attr;

typedef struct yt_conv_attr {
    yt_conv conv;
    bool moments;      /* publish mean and variance of the output for the norm_act that follows (training) */
    yt_activation act; /* other than identity, as a shortcut: in evaluation only */
} yt_conv_attr;

typedef struct yt_norm_act_attr {
    yt_activation act;
    bool normalise;      /* false: activation and shortcut only */
    float eps, momentum; /* running = (1 - momentum)*running + momentum*batch */
} yt_norm_act_attr;

typedef struct yt_pool_attr {
    int kernel, stride, pad;
} yt_pool_attr;

typedef struct yt_upsample_attr {
    int factor;
} yt_upsample_attr;

typedef struct yt_slice_attr {
    int first, count; /* channels */
} yt_slice_attr;

typedef struct yt_attention_attr {
    int heads, key_dim, head_dim;
} yt_attention_attr;

#endif
