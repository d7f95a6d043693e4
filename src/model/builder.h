/* builder.h: the builder that turns rows of a model YAML into nodes of the graph.
 *
 * Errors are sticky: after the first one every function does nothing and returns 0, so that the modules below
 * read like the network and not like error handling; the caller looks at `status` once per row.
 */
#ifndef YT_MODEL_BUILD_H
#define YT_MODEL_BUILD_H

#include "model/model.h"
#include "ops/ops.h"
#include "base/yaml.h"

/* The side of the picture by which maps are compared while building: spec architecture 1.6. */
enum { YT_PROBE_SIDE = 256 };

/* What is added to a variance before its root is taken: spec architecture 3.1. */
#define YTI_BN_EPS 1e-3f

/* A parameter path, "model.2.m.0.cv1". */
typedef struct yt_path {
    char text[128];
} yt_path;

/* What is known of a value while building. */
typedef struct yt_built {
    int channels, side;        /* side: of the map for a picture of YT_PROBE_SIDE */
    const yt_yaml_node *parts; /* CBLinear: the widths of the maps that lie side by side in it; else NULL */
} yt_built;

typedef struct yt_builder {
    yt_model *model; /* receives params and rows */
    yt_graph *graph;
    const char *file;
    int row;
    size_t line; /* of the row being built */
    double depth, width, max_channels;
    char scale;
    yt_activation act;
    yt_cut cut;                  /* of the list that the row stands in */
    bool legacy_head;            /* no module newer than YOLOv8's so far: its class branch */
    size_t base[YT_PARAM_KINDS]; /* where each kind of parameter begins in its block */
    size_t used[YT_PARAM_KINDS]; /* floats of each kind so far */
    yt_built *built;             /* by value */
    int built_capacity;
    int params_capacity;
    int blocks_capacity;
    yt_status status;
    yt_err *err;
} yt_builder;

/* Convolution settings beyond the channels; zeros mean the family's defaults. */
typedef struct yt_conv_opts {
    int stride;   /* 0: 1 */
    int groups;   /* 0: 1 */
    int dilation; /* 0: 1 */
    int pad;      /* with has_pad; else "same": dilation*(k-1)/2 */
    bool has_pad;
    bool no_act;              /* identity after the normalisation */
    const yt_activation *act; /* that the row names, used unless an option replaces it; NULL: the model's */
    const yt_value *shortcut; /* added after the activation; NULL: none */
} yt_conv_opts;

/* ---- build.c: the primitives ---- */
bool yti_fail(yt_builder *b, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* false always */
yt_path yti_sub(yt_path parent, const char *format, ...) __attribute__((format(printf, 2, 3)));
yt_value yti_node(yt_builder *b, const yt_op *op, const void *attr, const yt_value *src, int n_src,
                  yt_params params, yt_path at, yt_built built);
ptrdiff_t yti_param(yt_builder *b, yt_param_kind kind, yt_path name, int n_dims, const int dims[4],
                    float init_bound, float init_value);
/* Notes the output of a block inside a row; returns it. */
yt_value yti_block(yt_builder *b, yt_path name, yt_value output);
yt_value yti_input(yt_builder *b, int channels);
/* Convolution + batch norm + activation (spec architecture 3.1), or plain with a bias. */
yt_value yti_conv(yt_builder *b, yt_value x, yt_path at, int cout, int kernel, yt_conv_opts opts);
yt_value yti_conv_bias(yt_builder *b, yt_value x, yt_path at, int cout);

/* A convolution that trains as two of different kernels on the same map, each normalised, whose sum is activated, and
 * is fused into one (Ding et al. 2021, arXiv 2101.03697). The larger kernel comes first. */
typedef struct yt_branch {
    const char *name;
    int kernel;
} yt_branch;

yt_value yti_conv_pair(yt_builder *b, yt_value x, yt_path at, int cout, const yt_branch branches[2],
                       yt_conv_opts opts);
/* Transposed convolution with a bias, and nothing after it. */
yt_value yti_transpose(yt_builder *b, yt_value x, yt_path at, int cout, int kernel, int stride, int pad);
/* x + other, in x's memory: nothing else may read x. */
yt_value yti_add(yt_builder *b, yt_value x, yt_value other, yt_path at);
/* x times a trained factor per channel, named `at`, which starts at `initial`. */
yt_value yti_gain(yt_builder *b, yt_value x, yt_path at, float initial);
yt_value yti_pool(yt_builder *b, yt_value x, yt_path at, const yt_op *op, int kernel, int stride, int pad);
yt_value yti_maxpool(yt_builder *b, yt_value x, yt_path at, int kernel); /* keeps the side */
/* left, right, top, bottom */
yt_value yti_pad(yt_builder *b, yt_value x, yt_path at, const int sides[4]);
/* inner: a step of a module and no row of its own. */
yt_value yti_upsample(yt_builder *b, yt_value x, yt_path at, int factor, bool inner);
yt_value yti_concat(yt_builder *b, const yt_value *src, int n_src, yt_path at);
yt_value yti_slice(yt_builder *b, yt_value x, yt_path at, int first, int count);
yt_value yti_detach(yt_builder *b, yt_value x, yt_path at);
yt_value yti_attention(yt_builder *b, yt_value qkv, yt_path at, const yt_attention_attr *attr);
int yti_channels(const yt_builder *b, yt_value x);

/* ---- forms.c: how modules stand in a YAML ---- */
/* Builds one row; *out is its output, or -1 for a head. from: the rows' outputs it reads. */
void yti_build_row(yt_builder *b, const char *module, const yt_value *from, int n_from, int repeats,
                   const yt_yaml_node *args, yt_value *out);

/* ---- detect.c ---- */
void yti_build_detect(yt_builder *b, yt_path at, const yt_value *maps, int n_maps);

#endif
