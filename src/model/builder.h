/* builder.h: the builder that turns rows of a model YAML into nodes of the graph.
 *
 * Errors are sticky: after the first one every function does nothing and returns 0, so that the modules below read like
 * the network and not like error handling; the caller looks at `status` once per row.
 */
#ifndef YT_MODEL_BUILD_H
#define YT_MODEL_BUILD_H

#include "base/yaml.h"
#include "model/model.h"
#include "ops/ops.h"

/* The side of the image by which maps are compared while building: spec architecture 1.6. */
enum { YT_PROBE_SIDE = 256 };

/* Added to a variance before its root is taken: spec architecture 3.1. */
#define YTI_BN_EPS 1e-3f

/* A parameter path, "model.2.m.0.cv1". */
typedef struct yti_path {
    char text[128];
} yti_path;

/* What is known about a value while building. */
typedef struct yti_built {
    int channels, side;         /* side: of the map for an image of YT_PROBE_SIDE */
    const yti_yaml_node *parts; /* CBLinear: the widths of the maps that lie side by side in it; else NULL */
} yti_built;

typedef struct yti_builder {
    yti_model *model; /* receives params and rows */
    yti_graph *graph;
    const char *file;
    int row;
    size_t line; /* of the row being built */
    double depth, width, max_channels;
    char scale;
    yti_activation act;
    yti_cut cut;                 /* of the list that the row stands in */
    bool legacy_head;            /* no module newer than YOLOv8's so far: its class branch */
    size_t base[YT_PARAM_KINDS]; /* where each kind of parameter begins in its block */
    size_t used[YT_PARAM_KINDS]; /* floats of each kind so far */
    yti_built *built;            /* by value */
    int built_capacity;
    int params_capacity;
    int blocks_capacity;
    yt_status status;
    yt_err *err;
} yti_builder;

/* Convolution settings beyond the channels; zeros mean the reference trainer's defaults. */
typedef struct yti_conv_opts {
    int stride;   /* 0: 1 */
    int groups;   /* 0: 1 */
    int dilation; /* 0: 1 */
    int pad;      /* with has_pad; else "same": dilation*(k-1)/2 */
    bool has_pad;
    bool no_act;               /* identity after the normalisation */
    const yti_activation *act; /* that the row names, used unless an option replaces it; NULL: the model's */
    const yti_value *shortcut; /* added after the activation; NULL: none */
} yti_conv_opts;

/* ---- build.c: the primitives ---- */
bool yti_fail(yti_builder *b, const char *format, ...) __attribute__((format(printf, 2, 3))); /* false always */
yti_path yti_sub(yti_path parent, const char *format, ...) __attribute__((format(printf, 2, 3)));
ptrdiff_t yti_param(yti_builder *b, yti_param_kind kind, yti_path name, int n_dims, const int dims[4], float init_bound,
                    float init_value);
/* Notes the output of a block inside a row; returns it. */
yti_value yti_block(yti_builder *b, yti_path name, yti_value output);
yti_value yti_input(yti_builder *b, int channels);
/* Convolution + batch norm + activation (spec architecture 3.1), or plain with a bias. */
yti_value yti_conv(yti_builder *b, yti_value x, yti_path at, int cout, int kernel, yti_conv_opts opts);
yti_value yti_conv_bias(yti_builder *b, yti_value x, yti_path at, int cout);

/* A convolution that trains as two of different kernels on the same map, each normalised, whose sum is activated,
 * and is fused into one (Ding et al. 2021, arXiv 2101.03697). The larger kernel comes first. */
typedef struct yti_branch {
    const char *name;
    int kernel;
} yti_branch;

yti_value yti_conv_pair(yti_builder *b, yti_value x, yti_path at, int cout, const yti_branch branches[2],
                        yti_conv_opts opts);
/* Transposed convolution with a bias, and nothing after it. */
yti_value yti_transpose(yti_builder *b, yti_value x, yti_path at, int cout, int kernel, int stride, int pad);
/* x + other, in x's memory: nothing else may read x. */
yti_value yti_add(yti_builder *b, yti_value x, yti_value other, yti_path at);
/* x times a trained factor per channel, named `at`, which starts at `initial`. */
yti_value yti_gain(yti_builder *b, yti_value x, yti_path at, float initial);
yti_value yti_pool(yti_builder *b, yti_value x, yti_path at, const yti_op *op, int kernel, int stride, int pad);
yti_value yti_maxpool(yti_builder *b, yti_value x, yti_path at, int kernel); /* keeps the side */
/* left, right, top, bottom */
yti_value yti_pad(yti_builder *b, yti_value x, yti_path at, const int sides[4]);
/* inner: a step of a module and no row of its own. */
yti_value yti_upsample(yti_builder *b, yti_value x, yti_path at, int factor, bool inner);
yti_value yti_concat(yti_builder *b, const yti_value *src, int n_src, yti_path at);
yti_value yti_slice(yti_builder *b, yti_value x, yti_path at, int first, int count);
yti_value yti_detach(yti_builder *b, yti_value x, yti_path at);
yti_value yti_attention(yti_builder *b, yti_value qkv, yti_path at, const yti_attention_attr *attr);
int yti_channels(const yti_builder *b, yti_value x);

/* ---- forms.c: how modules stand in a YAML ---- */
/* Builds one row; *out is its output, or -1 for a head. from: the rows' outputs it reads. */
void yti_build_row(yti_builder *b, const char *module, const yti_value *from, int n_from, int repeats,
                   const yti_yaml_node *args, yti_value *out);

/* ---- detect.c ---- */
void yti_build_detect(yti_builder *b, yti_path at, const yti_value *maps, int n_maps);

#endif
