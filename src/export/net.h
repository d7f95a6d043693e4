/* net.h: a network for inference as standard tensor operations in NCHW, between the graph that the engine runs and the
 * files that other programs run. It knows no file format: the writers translate it, each with its own names and orders.
 *
 *     yti_net net;
 *     yti_net_init(&net);
 *     yti_net_value x = yti_net_input(&net, "images", YTI_NET_FLOAT, 4, (int64_t[]){1, 3, 64, 64});
 *     yti_net_value y = yti_net_unary(&net, YTI_NET_SIGMOID, x, "/act");
 *     yti_net_output(&net, y, "output0");
 *     if (net.status == YT_OK) printf("%d nodes\n", net.n_nodes);
 *     yti_net_free(&net);
 *
 * A function that builds returns a value; after a first failure (net.status: NO_MEMORY) they all do nothing, so that
 * building reads without tests. Nodes are kept in the order in which they were added, in which they can be run. Values
 * are named as PyTorch's exporter names them, by the path of the module that computes them: node "/model.0/conv/Conv",
 * value "/model.0/conv/Conv_output_0". One thread at a time.
 */
#ifndef YT_EXPORT_NET_H
#define YT_EXPORT_NET_H

#include "export/quantize.h"
#include "model/model.h"

enum {
    YTI_NET_DIMS = 5,
    YTI_NET_INPUTS = YT_MAX_SOURCES + 1,
    YTI_NET_OUTPUTS = 2,
    YTI_NET_OPEN = -1 /* a dimension */
};

/* Codes of maps are UINT8, those of weights INT8 and of biases INT32. */
typedef enum yti_net_type {
    YTI_NET_FLOAT,
    YTI_NET_HALF,
    YTI_NET_INT64,
    YTI_NET_UINT8,
    YTI_NET_INT8,
    YTI_NET_INT32
} yti_net_type;

/* code, name of the operation in ONNX (onnx.ai, "Operators") */
#define YTI_NET_OP_MAP(X)                                                                                              \
    X(CONV, "Conv")                                                                                                    \
    X(CONV_TRANSPOSE, "ConvTranspose")                                                                                 \
    X(MAX_POOL, "MaxPool")                                                                                             \
    X(AVERAGE_POOL, "AveragePool") /* padding counts */                                                                \
    X(PAD, "Pad")                  /* with zeros */                                                                    \
    X(RESIZE, "Resize")            /* nearest, of whole factors */                                                     \
    X(CONCAT, "Concat")                                                                                                \
    X(SLICE, "Slice")                                                                                                  \
    X(RESHAPE, "Reshape")                                                                                              \
    X(TRANSPOSE, "Transpose")                                                                                          \
    X(UNSQUEEZE, "Unsqueeze")                                                                                          \
    X(EXPAND, "Expand")                                                                                                \
    X(SHAPE, "Shape")                                                                                                  \
    X(RANGE, "Range")                                                                                                  \
    X(CAST, "Cast")                                                                                                    \
    X(ADD, "Add")                                                                                                      \
    X(SUB, "Sub")                                                                                                      \
    X(MUL, "Mul")                                                                                                      \
    X(DIV, "Div")                                                                                                      \
    X(MATMUL, "MatMul")                                                                                                \
    X(SOFTMAX, "Softmax") /* over the last axis */                                                                     \
    X(SIGMOID, "Sigmoid")                                                                                              \
    X(TANH, "Tanh")                                                                                                    \
    X(RELU, "Relu")                                                                                                    \
    X(LEAKY_RELU, "LeakyRelu")                                                                                         \
    X(HARD_SIGMOID, "HardSigmoid") /* max(0, min(1, x / 6 + 1 / 2)) */                                                 \
    X(ERF, "Erf")                                                                                                      \
    X(REDUCE_SUM, "ReduceSum") /* of one axis, which is dropped */                                                     \
    X(REDUCE_MAX, "ReduceMax") /* as above */                                                                          \
    X(TOP_K, "TopK")           /* largest first */                                                                     \
    X(GATHER, "Gather")                                                                                                \
    X(GATHER_ELEMENTS, "GatherElements")                                                                               \
    X(GATHER_ND, "GatherND")                                                                                           \
    X(NON_MAX_SUPPRESSION, "NonMaxSuppression")                                                                        \
    X(QUANTIZE, "QuantizeLinear")                                                                                      \
    X(DEQUANTIZE, "DequantizeLinear") /* of weights along axis 0 */

typedef enum yti_net_op {
#define YTI_NET_OP_ENUM(code, name) YTI_NET_##code,
    YTI_NET_OP_MAP(YTI_NET_OP_ENUM)
#undef YTI_NET_OP_ENUM
        YTI_NET_OPS
} yti_net_op;

const char *yti_net_op_name(yti_net_op op);

typedef int yti_net_value; /* a tensor of the net; -1: an input that is left out */

typedef struct yti_net_tensor {
    char *name;
    yti_net_type type;
    int n_dims;
    int64_t dims[YTI_NET_DIMS]; /* YTI_NET_OPEN: known only when it runs */
    bool is_constant;
    const yti_param_info *info; /* of a weight, whose values the net's source has; NULL: it is none */
    float *scales;              /* by output channel, of a weight of type INT8 or INT32: owned; NULL: it is none */
    void *data;                 /* of any other constant: owned */
} yti_net_tensor;

/* What an operation is told beside its inputs; which fields count is said by the functions below. */
typedef struct yti_net_attr {
    int axis, group, factor;
    int kernel, stride, pad, dilation;
    int perm[YTI_NET_DIMS], n_perm;
    yti_net_type to;
    float slope;
    bool per_channel;
} yti_net_attr;

typedef struct yti_net_node {
    yti_net_op op;
    char *name;
    int n_inputs, n_outputs;
    yti_net_value inputs[YTI_NET_INPUTS], outputs[YTI_NET_OUTPUTS];
    yti_net_attr attr;
} yti_net_node;

/* Where the values of weights come from, one tensor at a time, in the order of memory. */
typedef struct yti_net_source {
    yt_status (*values)(const void *context, const yti_param_info *info, float *to, yt_err *err);
    const void *context;
} yti_net_source;

enum { YTI_NET_MAX_RESULTS = 2 * YT_MAX_LEVELS };

typedef struct yti_net {
    yt_status status;
    yti_net_tensor *tensors;
    yti_net_node *nodes;
    int n_tensors, tensors_capacity, n_nodes, nodes_capacity;
    yti_net_value input, outputs[YTI_NET_MAX_RESULTS];
    int n_outputs;
    yti_net_source source;
    yti_net_type body; /* of the maps and weights that are not said to be others */
} yti_net;

void yti_net_init(yti_net *net);
void yti_net_free(yti_net *net);

/* ---- values ---- */
yti_net_value yti_net_input(yti_net *net, const char *name, yti_net_type type, int n_dims, const int64_t *dims);

/* A weight of the model in the order of files, whose values are asked for when it is written. info is lent. dims NULL:
 * those of info. */
yti_net_value yti_net_weight(yti_net *net, const yti_param_info *info, int n_dims, const int64_t *dims);

/* Copied constants of any shape, of type FLOAT and INT64. The name of a constant that exists stands for that. */
yti_net_value yti_net_floats(yti_net *net, const char *name, int n_dims, const int64_t *dims, const float *values);
yti_net_value yti_net_ints(yti_net *net, const char *name, int n_dims, const int64_t *dims, const int64_t *values);
yti_net_value yti_net_float(yti_net *net, const char *name, float value);   /* a scalar of the body's type */
yti_net_value yti_net_int_list(yti_net *net, int n, const int64_t *values); /* of one dimension; named by its values */

/* Gives a value the name of a result, and the node that computes it: some runtimes answer by the node's name. */
void yti_net_output(yti_net *net, yti_net_value value, const char *name);

static inline const yti_net_tensor *yti_net_of(const yti_net *net, yti_net_value value) {
    return &net->tensors[value];
}
size_t yti_net_count(const yti_net_tensor *tensor);

/* A tensor of a convolution as codes (quantize.h) with a node that makes floats of them. scales: [dims[0]], copied. */
yti_net_value yti_net_coded_weight(yti_net *net, const yti_param_info *info, int n_dims, const int64_t *dims,
                                   yti_net_type type, const float *scales);

/* A map rounded to its codes and back. */
yti_net_value yti_net_coded_map(yti_net *net, yti_net_value x, yti_codes codes);

/* The values of a constant of floats in the order of files, malloc'd. NON_FINITE: NaN or infinity, for which engines
 * answer with anything; NO_MEMORY and what the net's source says. */
yt_status yti_net_values(const yti_net *net, yti_net_value value, float **out, yt_err *err);
int64_t yti_net_dim(const yti_net *net, yti_net_value value, int axis); /* 0 after a failure */

/* ---- operations; scope: the module, "/model.0/conv" ---- */
yti_net_value yti_net_conv(yti_net *net, yti_net_value x, yti_net_value weight, yti_net_value bias,
                           const yti_conv_geometry *conv, const char *scope);
/* `adjoint` as of yti_transpose_attr. */
yti_net_value yti_net_conv_transpose(yti_net *net, yti_net_value x, yti_net_value weight, yti_net_value bias,
                                     const yti_conv_geometry *adjoint, const char *scope);
yti_net_value yti_net_pool(yti_net *net, yti_net_op op, yti_net_value x, int kernel, int stride, int pad,
                           const char *scope);
yti_net_value yti_net_pad(yti_net *net, yti_net_value x, int left, int right, int top, int bottom, const char *scope);
yti_net_value yti_net_resize(yti_net *net, yti_net_value x, int factor, const char *scope);
yti_net_value yti_net_unary(yti_net *net, yti_net_op op, yti_net_value x,
                            const char *scope); /* SIGMOID to ERF, SOFTMAX */
yti_net_value yti_net_leaky_relu(yti_net *net, yti_net_value x, float slope, const char *scope);
yti_net_value yti_net_binary(yti_net *net, yti_net_op op, yti_net_value a, yti_net_value b, const char *scope);
yti_net_value yti_net_matmul(yti_net *net, yti_net_value a, yti_net_value b, const char *scope);
yti_net_value yti_net_concat(yti_net *net, const yti_net_value *x, int n, int axis, const char *scope);
yti_net_value yti_net_slice(yti_net *net, yti_net_value x, int axis, int64_t first, int64_t count, const char *scope);
/* A dimension of 0 stays what it is, one of YTI_NET_OPEN follows from the others. */
yti_net_value yti_net_reshape(yti_net *net, yti_net_value x, int n_dims, const int64_t *dims, const char *scope);
/* To the shape that another value holds; dims: what is known of it. */
yti_net_value yti_net_reshape_to(yti_net *net, yti_net_value x, yti_net_value shape, int n_dims, const int64_t *dims,
                                 const char *scope);
yti_net_value yti_net_transpose(yti_net *net, yti_net_value x, const int *perm, const char *scope);
yti_net_value yti_net_unsqueeze(yti_net *net, yti_net_value x, int axis, const char *scope);
yti_net_value yti_net_cast(yti_net *net, yti_net_value x, yti_net_type to, const char *scope);
yti_net_value yti_net_reduce(yti_net *net, yti_net_op op, yti_net_value x, int axis, const char *scope);
yti_net_value yti_net_top_k(yti_net *net, yti_net_value x, int64_t k, int axis, yti_net_value *index,
                            const char *scope);
/* GATHER (index of one dimension), GATHER_ELEMENTS, GATHER_ND. */
yti_net_value yti_net_gather(yti_net *net, yti_net_op op, yti_net_value x, yti_net_value index, int axis,
                             const char *scope);
/* Any operation whose result has these dimensions. */
yti_net_value yti_net_node_of(yti_net *net, yti_net_op op, const yti_net_value *inputs, int n_inputs, yti_net_type type,
                              int n_dims, const int64_t *dims, const char *scope);

#endif
