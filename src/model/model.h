/* model.h: a detection network from a model YAML (spec architecture 1 to 5): its graph, its parameters and their names.
 *
 *     yti_model_options options = YT_MODEL_DEFAULTS;
 *     yti_model *model;
 *     YT_TRY(yti_model_load("yolo26n.yaml", &options, &model, err));
 *     yti_model_init_weights(model, seed, &model->state);
 *     YT_TRY(yti_model_plan(model, YT_MODE_TRAIN, 4, 640, 640, threads, err));
 *     yti_model_set_input(model, batch->rgb);
 *     yti_model_forward(model, &model->state, NULL);
 */
#ifndef YT_MODEL_H
#define YT_MODEL_H

#include "base/activation.h"
#include "graph/graph.h"
#include "model/ablation.h"
#include "model/init.h"
#include "tensor/head.h"

#include <stdint.h>
#include <stdio.h>

/* A network for inference only: normalisation folded into the convolutions, and what is kept of a head with two
 * branches. */
typedef enum yti_fusion {
    YT_NOT_FUSED,
    YT_FUSED_ONE_TO_MANY, /* detections need NMS */
    YT_FUSED_ONE_TO_ONE,  /* they need none */
    YT_FUSED_BOTH
} yti_fusion;

/* Hidden layers of the head by level, where they are not as wide as the YAML and the number of classes make them
 * (spec architecture 3.12): a network that is fine-tuned to other classes keeps the layers it had. 0: as wide as
 * that. */
typedef struct yti_head_widths {
    int box[YT_MAX_LEVELS], cls[YT_MAX_LEVELS];
} yti_head_widths;

typedef struct yti_model_options {
    int n_classes;               /* 0: the number in the YAML */
    char scale;                  /* 0: from the file's name, else the YAML's first scale */
    yti_no_residual no_residual; /* which shortcuts are left out */
    bool no_batchnorm;           /* convolutions with a bias instead of batch normalisation */
    int activation;              /* yti_activation_kind that replaces all those of the YAML, or -1 */
    int sppf_activation;         /* after cv1 of SPPF: 1 one, 0 none, -1: as the row's form says (modules.c) */
    yti_head_widths head;
    yti_fusion fusion;        /* set by yti_model_fuse */
    bool split_activations;   /* fused, yet activations and shortcuts are nodes of their own: values before them can be
                                 watched */
    const char *described_in; /* yti_model_parse: the weights file that the text is from, for messages; NULL: none */
    const char *const *search_dirs; /* folders where a name without a file is looked for, NULL-terminated; NULL: none */
} yti_model_options;

#define YT_MODEL_DEFAULTS ((yti_model_options){.activation = -1, .sppf_activation = -1})

/* What a tensor of the state is; decides weight decay (the first three are the groups of optim.h). The last two lie
 * in yti_state.buffers and are not trained: constants of the architecture, and running statistics. */
typedef enum yti_param_kind {
    YT_PARAM_WEIGHT,
    YT_PARAM_NORM,
    YT_PARAM_BIAS,
    YT_PARAM_CONSTANT,
    YT_PARAM_BUFFER,
    YT_PARAM_KINDS
} yti_param_kind;

/* One named tensor of the state, under its name in Ultralytics files ("model.0.conv.weight"). */
typedef struct yti_param_info {
    char *name;
    yti_param_kind kind;
    int n_dims;
    int dims[4];   /* as in files: [out][in/groups][kh][kw] for weights */
    size_t offset; /* floats into yti_state.params, or .buffers; one kind after the other */
    size_t count;
    int row;                      /* of the model YAML */
    int groups;                   /* of the convolution that a weight belongs to */
    bool frozen;                  /* by yti_model_freeze: not trained, statistics not moved */
    float init_bound, init_value; /* uniform in +-init_bound around init_value */
    float init_deviation;         /* above 0: normal around init_value instead */
} yti_param_info;

/* Whether a tensor lies in yti_state.params, and so has a gradient unless it is frozen; else in yti_state.buffers. */
static inline bool yti_param_is_trainable(const yti_param_info *info) {
    return info->kind < YT_PARAM_CONSTANT;
}

/* One row of the YAML. */
typedef struct yti_model_row {
    char *module;         /* "C3k2" */
    char *from, *args;    /* as text: "-1", "[-1, 6]"; "[32, 64, 1]" */
    int repeats;          /* after the depth gain */
    yti_value output;     /* its feature map; -1 for Detect */
    yti_value first_node; /* of the graph; the row's nodes end where the next row's begin */
    size_t params;        /* number of parameters */
    size_t line;          /* in the YAML */
} yti_model_row;

/* A block inside a row (a bottleneck, a C3k, an attention block) by the path of its parameters: "model.4.m.0". */
typedef struct yti_model_block {
    char *name;
    int row;
    yti_value output;
} yti_model_block;

typedef struct yti_model {
    char *name;                /* "yolo26n" */
    char *yaml_path;           /* the file that was read */
    char *yaml_text;           /* its content, for checkpoints */
    yti_model_options options; /* search_dirs and described_in NULL */
    char scale;                /* 0: the YAML has no scales */
    bool scale_guessed;        /* the name has no letter, so it is the first of several */
    int n_classes, reg_max;
    yti_activation activation; /* of every convolution that names no other */
    bool end2end;              /* the last branch of the head is one-to-one: its detections need no NMS */
    int max_stride;
    int n_rows;
    int n_backbone_rows; /* the first of them: the YAML's `backbone` */
    yti_model_row *rows;
    int n_blocks;
    yti_model_block *blocks;          /* in the order they run; the last may be its row's output */
    int n_params;                     /* entries of params */
    yti_param_info *params;           /* in the order they were built */
    size_t param_count, buffer_count; /* floats in the two blocks */
    yti_state state;                  /* live weights, gradients, running statistics; owned */
    char *base_license;               /* of the weights that the state began with, as their file says; NULL: none */
    yti_graph *graph;
    int threads; /* of the current plan */
    yti_value input;
    int n_branches; /* 2: one-to-many and one-to-one, with end2end unless fused to one of them */
    int n_levels;
    yti_value head_box[2][YT_MAX_LEVELS], head_cls[2][YT_MAX_LEVELS];
    int strides[YT_MAX_LEVELS];
} yti_model;

/* Reads a model YAML by name ("yolo26n.yaml": the letter selects the scale of yolo26.yaml). Errors: "file:line:
 * what". */
yt_status yti_model_load(const char *path, const yti_model_options *options, yti_model **out, yt_err *err);

/* The same from text (a checkpoint's copy of its YAML). `name` as the file would be called. */
yt_status yti_model_parse(const char *name, const char *text, size_t length, const yti_model_options *options,
                          yti_model **out, yt_err *err);
void yti_model_destroy(yti_model *model);

/* The same network over the same weights, with a graph of its own, so that it can be planned and run while another
 * thread runs the first. Borrows everything else of `model`, whose weights nobody may change meanwhile. Release with
 * yti_model_destroy_view. */
yt_status yti_model_view(const yti_model *model, yti_model **out, yt_err *err);
void yti_model_destroy_view(yti_model *view); /* NULL is fine */

/* Initial values (spec architecture 5) into a state's params and buffers. Each tensor draws from its own stream,
 * named by (seed, its name), so variants of a network share the values of the tensors they share. */
void yti_model_init_weights(const yti_model *model, uint64_t seed, const yti_state *state);

/* The same with the weights of convolutions from another distribution (init.h). NO_MEMORY: orthogonal only. */
yt_status yti_model_init_as(const yti_model *model, const yti_init *init, uint64_t seed, const yti_state *state,
                            yt_err *err);

/* Excludes rows of the YAML from training: "10" the first ten, "0,3" or "[3]" those of the list, "" none. Their
 * parameters get no gradients and their statistics do not move. Before planning. ARGUMENT: another text, a row that
 * does not exist, or nothing is left to train. */
yt_status yti_model_freeze(yti_model *model, const char *rows, yt_err *err);

/* Whether a text is right for yti_model_freeze as far as that shows without a model. */
yt_status yti_freeze_check(const char *rows, yt_err *err);

/* The values of a tensor of the kind CONSTANT: 0, 1, 2, ..., of which the expectation of a distribution is made (spec
 * architecture 3.11). */
void yti_param_fill_constant(const yti_param_info *info, float *values);

/* Converts between the order of files ([out][in][kh][kw]) and that in memory ([kh][kw][in][out]); a copy for other
 * tensors. */
void yti_param_to_file_order(const yti_param_info *info, const float *memory, float *file);
void yti_param_from_file_order(const yti_param_info *info, const float *file, float *memory);

/* A new model for inference from `model` and the weights in `state` (spec architecture 7): each convolution has its
 * normalisation folded into weights and bias, and computes its activation itself. With end2end detections come from
 * the one-to-one branch, else from the one-to-many branch and NMS; the other branch is dropped. end2end for a model
 * without a one-to-one branch is an error. The result has no gradients and cannot be planned for training. */
yt_status yti_model_fuse(const yti_model *model, const yti_state *state, bool end2end, yti_model **out, yt_err *err);

/* The same with activations and shortcuts as nodes of their own (split_activations). */
yt_status yti_model_fuse_split(const yti_model *model, const yti_state *state, bool end2end, yti_model **out,
                               yt_err *err);

/* The same without values, for whoever wants them one tensor after another: the memory for them is not touched. `info`
 * is of the fused model, values has room for its count, in the order of memory; model and state are those that it was
 * made from. MISMATCH: the model has other tensors. */
yt_status yti_model_fuse_shape(const yti_model *model, bool end2end, yti_model **out, yt_err *err);
yt_status yti_fused_values(const yti_param_info *info, const yti_model *model, const yti_state *state, float *values,
                           yt_err *err);

/* The same with every branch that the head has. */
yt_status yti_model_fuse_all(const yti_model *model, const yti_state *state, yti_model **out, yt_err *err);

/* Parameters of all rows, running statistics not counted. */
size_t yti_model_parameters(const yti_model *model);

yt_status yti_model_plan(yti_model *model, yti_mode mode, int n, int h, int w, int threads, yt_err *err);

/* yti_graph_prepare: after a plan for evaluation, when state stays as it is for several forward runs. */
void yti_model_prepare(yti_model *model, const yti_state *state);

/* Fills the input map from [n][h][w][3] bytes, divided by 255. */
void yti_model_set_input(yti_model *model, const uint8_t *rgb);

void yti_model_forward(yti_model *model, const yti_state *state, const yti_graph_observer *observer);
void yti_model_backward(yti_model *model, const yti_state *state, const yti_graph_observer *observer);

/* Head outputs in the current plan. branch 0: one-to-many, or the only one; branch 1: one-to-one. Evaluation runs
 * yti_model_eval_branch alone, the last one, until yti_model_evaluate says otherwise. */
yti_head yti_model_head(const yti_model *model, int branch);
int yti_model_eval_branch(const yti_model *model);

/* The branch of a kind; -1: the head has none. A head with one branch may have it of either kind. */
int yti_model_branch(const yti_model *model, bool one_to_one);

/* Which branches evaluation runs, bit b: branch b; from the next plan on. What they share is computed once. */
void yti_model_evaluate(yti_model *model, unsigned branches);

/* Billions of operations for imgsz x imgsz by the reference trainer's convention (spec architecture 2.4). */
yt_status yti_model_gflops(yti_model *model, int imgsz, double *gflops, yt_err *err);

/* The same of each row of the YAML, [n_rows]. */
yt_status yti_model_row_gflops(yti_model *model, int imgsz, double *gflops, yt_err *err);

/* What one build option changes in a model. Counts as of yti_model_parameters and yti_model_gflops. */
typedef struct yti_model_counts {
    size_t params;
    double gflops;
} yti_model_counts;

typedef struct yti_ablation {
    char name[48]; /* "no_residual csp" */
    yti_model_counts before, after;
} yti_ablation;

enum { YT_MAX_ABLATIONS = 3 }; /* shortcuts, normalisation, activation */

/* The options by which a model differs from its YAML, *n of them, each applied on top of those before it. */
yt_status yti_model_ablations(const yti_model *model, int imgsz, yti_ablation out[YT_MAX_ABLATIONS], int *n,
                              yt_err *err);

/* Writes the layer table (index, from, module, output shape, parameters, GFLOPs) and the totals. */
yt_status yti_model_print(yti_model *model, int imgsz, FILE *out, yt_err *err);

#endif
