/* builder.c: the primitives of the builder: a node, a parameter, a convolution with its normalisation.
 *
 * Parameters of one kind lie together in memory (all weights, then all normalisation gains, then all biases),
 * so that the optimiser runs over three spans; where each kind begins is known from a first, counting pass
 * over the same rows.
 */
#include "model/builder.h"

#include "ops/ops.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_NODES = 1 << 14,
    MAX_KERNEL = 31,
    MAX_DILATION = 16,
    MAX_STRIDE = 16
}; /* of sound models: hundreds; 7; 3; 2 */

static const float BN_MOMENTUM = 0.03f; /* spec architecture 3.1 */

bool yti_fail(yt_builder *b, const char *format, ...) {
    if (b->status != YT_OK) return false;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *weights = b->model->options.described_in;
    if (!weights)
        b->status = yt_fail_at(b->err, YT_MODEL, b->file, b->line, "%s", text);
    else if (b->model->rows) /* the text has lines that nobody has written */
        b->status = yt_fail(b->err, YT_MODEL, "%s: row %d of its network: %s", weights, b->row, text);
    else
        b->status = yt_fail(b->err, YT_MODEL, "%s: its network: %s", weights, text);
    return false;
}

static bool out_of_memory(yt_builder *b) {
    b->status = yt_fail(b->err, YT_NO_MEMORY, "out of memory for the model");
    return false;
}

yt_path yti_sub(yt_path parent, const char *format, ...) {
    size_t used = strlen(parent.text);
    if (used + 1 < sizeof parent.text) parent.text[used++] = '.';
    va_list args;
    va_start(args, format);
    vsnprintf(parent.text + used, sizeof parent.text - used, format, args);
    va_end(args);
    return parent;
}

int yti_channels(const yt_builder *b, yt_value x) {
    return b->status == YT_OK ? b->built[x].channels : 0;
}

yt_value yti_node(yt_builder *b, const yt_op *op, const void *attr, const yt_value *src, int n_src,
                  yt_params params, yt_path at, yt_built built) {
    if (b->status != YT_OK) return 0;
    if (yt_graph_nodes(b->graph) >= MAX_NODES)
        return yti_fail(b, "the model has over %d operations", MAX_NODES);
    if (n_src > YT_MAX_SOURCES) return yti_fail(b, "reads %d maps; at most %d work", n_src, YT_MAX_SOURCES);
    if (built.side < 1)
        return yti_fail(b, "the map becomes smaller than one pixel for a %d-pixel image", YT_PROBE_SIDE);
    if (built.channels > 1 << 16) return yti_fail(b, "%d channels; at most %d work", built.channels, 1 << 16);
    yt_value value = 0;
    b->status = yt_graph_add(b->graph, op, attr, src, n_src, params, at.text, &value, b->err);
    if (b->status != YT_OK) return 0;
    if (value >= b->built_capacity) {
        int capacity = b->built_capacity ? 2 * b->built_capacity : 256;
        yt_built *grown = realloc(b->built, sizeof *grown * (size_t)capacity);
        if (!grown) return out_of_memory(b);
        b->built = grown;
        b->built_capacity = capacity;
    }
    b->built[value] = built;
    return value;
}

ptrdiff_t yti_param(yt_builder *b, yt_param_kind kind, yt_path name, int n_dims, const int dims[4],
                    float init_bound, float init_value) {
    if (b->status != YT_OK) return -1;
    yt_model *model = b->model;
    if (model->n_params == b->params_capacity) {
        int capacity = b->params_capacity ? 2 * b->params_capacity : 256;
        yt_param_info *grown = realloc(model->params, sizeof *grown * (size_t)capacity);
        if (!grown) return out_of_memory(b) - 1;
        model->params = grown;
        b->params_capacity = capacity;
    }
    yt_param_info *info = &model->params[model->n_params];
    *info = (yt_param_info){.name = strdup(name.text),
                            .kind = kind,
                            .n_dims = n_dims,
                            .offset = b->base[kind] + b->used[kind],
                            .count = 1,
                            .row = b->row,
                            .groups = 1,
                            .init_bound = init_bound,
                            .init_value = init_value};
    if (!info->name) return out_of_memory(b) - 1;
    model->n_params++;
    for (int i = 0; i < n_dims; i++) {
        info->dims[i] = dims[i];
        info->count *= (size_t)dims[i];
    }
    b->used[kind] += info->count;
    if (b->used[kind] > (size_t)1 << 31)
        return yti_fail(b, "the model has over two thousand million parameters") - 1;
    return (ptrdiff_t)info->offset;
}

yt_value yti_block(yt_builder *b, yt_path name, yt_value output) {
    if (b->status != YT_OK) return 0;
    yt_model *model = b->model;
    if (model->n_blocks == b->blocks_capacity) {
        int capacity = b->blocks_capacity ? 2 * b->blocks_capacity : 32;
        yt_model_block *grown = realloc(model->blocks, sizeof *grown * (size_t)capacity);
        if (!grown) return out_of_memory(b);
        model->blocks = grown;
        b->blocks_capacity = capacity;
    }
    yt_model_block *block = &model->blocks[model->n_blocks];
    *block = (yt_model_block){.name = strdup(name.text), .row = b->row, .output = output};
    if (!block->name) return out_of_memory(b);
    model->n_blocks++;
    return output;
}

yt_value yti_input(yt_builder *b, int channels) {
    const yt_input_attr attr = {.channels = channels};
    return yti_node(b, &yt_op_input, &attr, NULL, 0, YT_NO_PARAMS, (yt_path){"input"},
                    (yt_built){.channels = channels, .side = YT_PROBE_SIDE});
}

/* The convolution alone, with a bias or not; moments are wanted by a batch norm behind it. shortcut NULL:
 * none. */
static yt_value bare_conv(yt_builder *b, yt_value x, yt_path weights_at, yt_path at, const yt_conv_attr *attr,
                          bool bias, const yt_value *shortcut) {
    if (b->status != YT_OK) return 0;
    const yt_conv *conv = &attr->conv;
    const int in_per_group = conv->cin / conv->groups;
    const int weight_dims[4] = {conv->cout, in_per_group, conv->kernel, conv->kernel},
              bias_dims[4] = {conv->cout};
    const float bound = (float)(1.0 / sqrt((double)in_per_group * conv->kernel * conv->kernel));
    yt_params params = YT_NO_PARAMS;
    params.param[0] = yti_param(b, YT_PARAM_WEIGHT, yti_sub(weights_at, "weight"), 4, weight_dims, bound, 0);
    if (b->status == YT_OK) b->model->params[b->model->n_params - 1].groups = conv->groups;
    if (bias)
        params.param[1] = yti_param(b, YT_PARAM_BIAS, yti_sub(weights_at, "bias"), 1, bias_dims, bound, 0);
    const int side = yt_conv_out(b->built[x].side, conv->kernel, conv->stride, conv->pad, conv->dilation);
    const yt_value src[2] = {x, shortcut ? *shortcut : 0};
    return yti_node(b, &yt_op_conv2d, attr, src, shortcut ? 2 : 1, params, at,
                    (yt_built){.channels = conv->cout, .side = side});
}

/* Before anything is computed from them. dilation 0: the default. */
static bool check_window(yt_builder *b, int kernel, int dilation) {
    if (kernel < 1 || kernel > MAX_KERNEL)
        return yti_fail(b, "a kernel of %d; 1 to %d works", kernel, MAX_KERNEL);
    if (dilation < 0 || dilation > MAX_DILATION)
        return yti_fail(b, "a dilation of %d; 1 to %d works", dilation, MAX_DILATION);
    return true;
}

static bool check_conv(yt_builder *b, const yt_conv *c) {
    if (c->cout < 1 || c->cout > 1 << 16)
        return yti_fail(b, "%d output channels; 1 to %d work", c->cout, 1 << 16);
    if (c->stride < 1 || c->stride > MAX_STRIDE)
        return yti_fail(b, "a stride of %d; 1 to %d works", c->stride, MAX_STRIDE);
    if (!check_window(b, c->kernel, c->dilation)) return false;
    if (c->dilation < 1) return yti_fail(b, "a dilation of %d; 1 to %d works", c->dilation, MAX_DILATION);
    if (c->pad < 0 || c->pad > c->dilation * (c->kernel - 1))
        return yti_fail(b, "a padding of %d for a kernel of %d; 0 to %d works", c->pad, c->kernel,
                        c->dilation * (c->kernel - 1));
    if (c->groups < 1 || c->cin % c->groups || c->cout % c->groups)
        return yti_fail(b, "%d groups; the number must divide the %d input and %d output channels", c->groups,
                        c->cin, c->cout);
    return true;
}

static yt_value norm_act(yt_builder *b, yt_value y, yt_path at, yt_activation act, bool normalise,
                         const yt_value *shortcut) {
    if (b->status != YT_OK) return 0;
    const yt_norm_act_attr attr = {
        .act = act, .normalise = normalise, .eps = YTI_BN_EPS, .momentum = BN_MOMENTUM};
    const int dims[4] = {b->built[y].channels};
    yt_params params = YT_NO_PARAMS;
    if (normalise) {
        const yt_path bn = yti_sub(at, "bn");
        params.param[0] = yti_param(b, YT_PARAM_NORM, yti_sub(bn, "weight"), 1, dims, 0, 1);
        params.param[1] = yti_param(b, YT_PARAM_BIAS, yti_sub(bn, "bias"), 1, dims, 0, 0);
        params.buffer[0] = yti_param(b, YT_PARAM_BUFFER, yti_sub(bn, "running_mean"), 1, dims, 0, 0);
        params.buffer[1] = yti_param(b, YT_PARAM_BUFFER, yti_sub(bn, "running_var"), 1, dims, 0, 1);
    }
    const yt_value src[2] = {y, shortcut ? *shortcut : 0};
    return yti_node(b, &yt_op_norm_act, &attr, src, shortcut ? 2 : 1, params, at, b->built[y]);
}

/* The geometry that the options ask for; false after an error. */
static bool describe_conv(yt_builder *b, yt_value x, int cout, int kernel, const yt_conv_opts *opts,
                          yt_conv *conv) {
    if (!check_window(b, kernel, opts->dilation)) return false;
    *conv = (yt_conv){.cin = b->built[x].channels,
                      .cout = cout,
                      .kernel = kernel,
                      .stride = opts->stride ? opts->stride : 1,
                      .groups = opts->groups ? opts->groups : 1,
                      .dilation = opts->dilation ? opts->dilation : 1};
    conv->pad = opts->has_pad ? opts->pad : (conv->dilation * (kernel - 1) + 1) / 2;
    return check_conv(b, conv);
}

static const yt_activation identity = {.kind = YT_ACT_IDENTITY};

static yt_activation activation_of(const yt_builder *b, const yt_conv_opts *opts) {
    const bool replaced = b->model->options.activation >= 0; /* also where a row names its own */
    return opts->no_act ? identity : opts->act && !replaced ? *opts->act : b->act;
}

static bool is_fused(const yt_builder *b) {
    return b->model->options.fusion != YT_NOT_FUSED;
}

yt_value yti_conv(yt_builder *b, yt_value x, yt_path at, int cout, int kernel, yt_conv_opts opts) {
    yt_conv conv;
    if (b->status != YT_OK || !describe_conv(b, x, cout, kernel, &opts, &conv)) return 0;
    const bool fused = is_fused(b), normalise = !b->model->options.no_batchnorm && !fused;
    const yt_activation act = activation_of(b, &opts);
    const yt_path conv_at = yti_sub(at, "conv");
    const yt_conv_attr attr = {.conv = conv, .moments = normalise, .act = fused ? act : identity};
    if (fused) return bare_conv(b, x, conv_at, at, &attr, true, opts.shortcut);
    yt_value y = bare_conv(b, x, conv_at, conv_at, &attr, !normalise, NULL);
    return norm_act(b, y, at, act, normalise, opts.shortcut);
}

yt_value yti_conv_pair(yt_builder *b, yt_value x, yt_path at, int cout, const yt_branch branches[2],
                       yt_conv_opts opts) {
    const yt_activation act = activation_of(b, &opts);
    if (b->status != YT_OK) return 0;
    if (is_fused(b)) return yti_conv(b, x, at, cout, branches[0].kernel, opts);
    opts.no_act = true;
    const yt_value first =
        yti_conv(b, x, yti_sub(at, "%s", branches[0].name), cout, branches[0].kernel, opts);
    opts.shortcut = &first;
    const yt_value sum = yti_conv(b, x, yti_sub(at, "%s", branches[1].name), cout, branches[1].kernel, opts);
    return norm_act(b, sum, at, act, false, NULL);
}

yt_value yti_conv_bias(yt_builder *b, yt_value x, yt_path at, int cout) {
    if (b->status != YT_OK) return 0;
    const yt_conv_attr attr = {
        .conv = {
            .cin = b->built[x].channels, .cout = cout, .kernel = 1, .stride = 1, .dilation = 1, .groups = 1}};
    return check_conv(b, &attr.conv) ? bare_conv(b, x, at, at, &attr, true, NULL) : 0;
}

yt_value yti_transpose(yt_builder *b, yt_value x, yt_path at, int cout, int kernel, int stride, int pad) {
    if (b->status != YT_OK || !check_window(b, kernel, 1)) return 0;
    const int cin = b->built[x].channels;
    const yt_transpose_attr attr = {.adjoint = {.cin = cout,
                                                .cout = cin,
                                                .kernel = kernel,
                                                .stride = stride,
                                                .pad = pad,
                                                .dilation = 1,
                                                .groups = 1}};
    if (cout < 1 || cout > 1 << 16) return yti_fail(b, "%d output channels; 1 to %d work", cout, 1 << 16);
    if (!check_conv(b, &attr.adjoint)) return 0;
    const int weight_dims[4] = {cin, cout, kernel, kernel}, bias_dims[4] = {cout};
    const float bound = (float)(1.0 / sqrt((double)cout * kernel * kernel)); /* by the fan that files show */
    yt_params params = YT_NO_PARAMS;
    params.param[0] = yti_param(b, YT_PARAM_WEIGHT, yti_sub(at, "weight"), 4, weight_dims, bound, 0);
    params.param[1] = yti_param(b, YT_PARAM_BIAS, yti_sub(at, "bias"), 1, bias_dims, bound, 0);
    if (b->status != YT_OK) return 0;
    const int side = (b->built[x].side - 1) * stride - 2 * pad + kernel;
    return yti_node(b, &yt_op_transpose2d, &attr, &x, 1, params, at,
                    (yt_built){.channels = cout, .side = side});
}

yt_value yti_add(yt_builder *b, yt_value x, yt_value other, yt_path at) {
    if (b->status != YT_OK) return 0;
    if (b->built[x].channels != b->built[other].channels || b->built[x].side != b->built[other].side)
        return yti_fail(b, "adds %d channels at 1/%d of the image to %d at 1/%d; they must be equal",
                        b->built[x].channels, YT_PROBE_SIDE / b->built[x].side, b->built[other].channels,
                        YT_PROBE_SIDE / b->built[other].side);
    return norm_act(b, x, at, identity, false, &other);
}

yt_value yti_gain(yt_builder *b, yt_value x, yt_path at, float initial) {
    if (b->status != YT_OK) return 0;
    const int c = b->built[x].channels, dims[4] = {c};
    const yt_conv_attr attr = {
        .conv = {.cin = c, .cout = c, .kernel = 1, .stride = 1, .dilation = 1, .groups = c},
        .uncounted = true};
    yt_params params = YT_NO_PARAMS;
    params.param[0] = yti_param(b, YT_PARAM_WEIGHT, at, 1, dims, 0, initial);
    return yti_node(b, &yt_op_conv2d, &attr, &x, 1, params, at, b->built[x]);
}

yt_value yti_pool(yt_builder *b, yt_value x, yt_path at, const yt_op *op, int kernel, int stride, int pad) {
    if (b->status != YT_OK) return 0;
    if (kernel < 1 || kernel > 15) return yti_fail(b, "a pooling window of %d; 1 to 15 work", kernel);
    if (stride < 1 || stride > 16) return yti_fail(b, "a stride of %d; 1 to 16 works", stride);
    if (pad < 0 || pad > kernel / 2)
        return yti_fail(b, "a padding of %d for a window of %d; 0 to %d works", pad, kernel, kernel / 2);
    const yt_pool_attr attr = {.kernel = kernel, .stride = stride, .pad = pad};
    const yt_built built = {.channels = b->built[x].channels,
                            .side = yt_conv_out(b->built[x].side, kernel, stride, pad, 1)};
    return yti_node(b, op, &attr, &x, 1, YT_NO_PARAMS, at, built);
}

yt_value yti_maxpool(yt_builder *b, yt_value x, yt_path at, int kernel) {
    if (kernel % 2 == 0) return yti_fail(b, "a pooling window of %d; odd, up to 15", kernel);
    return yti_pool(b, x, at, &yt_op_maxpool2d, kernel, 1, kernel / 2);
}

yt_value yti_pad(yt_builder *b, yt_value x, yt_path at, const int sides[4]) {
    if (b->status != YT_OK) return 0;
    for (int i = 0; i < 4; i++)
        if (sides[i] < 0 || sides[i] > 64) return yti_fail(b, "a padding of %d; 0 to 64 works", sides[i]);
    if (sides[0] + sides[1] != sides[2] + sides[3])
        return yti_fail(b, "pads %d columns and %d rows; a map stays square here", sides[0] + sides[1],
                        sides[2] + sides[3]);
    const yt_pad_attr attr = {.left = sides[0], .right = sides[1], .top = sides[2], .bottom = sides[3]};
    yt_built built = b->built[x];
    built.side += sides[0] + sides[1];
    return yti_node(b, &yt_op_pad, &attr, &x, 1, YT_NO_PARAMS, at, built);
}

yt_value yti_upsample(yt_builder *b, yt_value x, yt_path at, int factor, bool inner) {
    if (b->status != YT_OK) return 0;
    const yt_upsample_attr attr = {.factor = factor, .uncounted = inner};
    yt_built built = b->built[x];
    built.side *= factor;
    if (built.side > 1 << 14)
        return yti_fail(b, "the map grows to %d times the image", built.side / YT_PROBE_SIDE);
    return yti_node(b, &yt_op_upsample, &attr, &x, 1, YT_NO_PARAMS, at, built);
}

yt_value yti_concat(yt_builder *b, const yt_value *src, int n_src, yt_path at) {
    if (b->status != YT_OK) return 0;
    yt_built built = b->built[src[0]];
    for (int i = 1; i < n_src; i++) {
        if (b->built[src[i]].side != built.side)
            return yti_fail(b, "joins maps of different sides (1/%d and 1/%d of the image)",
                            YT_PROBE_SIDE / built.side, YT_PROBE_SIDE / b->built[src[i]].side);
        built.channels += b->built[src[i]].channels;
    }
    return yti_node(b, &yt_op_concat, NULL, src, n_src, YT_NO_PARAMS, at, built);
}

yt_value yti_slice(yt_builder *b, yt_value x, yt_path at, int first, int count) {
    if (b->status != YT_OK) return 0;
    const yt_slice_attr attr = {.first = first, .count = count};
    return yti_node(b, &yt_op_slice, &attr, &x, 1, YT_NO_PARAMS, at,
                    (yt_built){.channels = count, .side = b->built[x].side});
}

yt_value yti_detach(yt_builder *b, yt_value x, yt_path at) {
    if (b->status != YT_OK) return 0;
    return yti_node(b, &yt_op_detach, NULL, &x, 1, YT_NO_PARAMS, at, b->built[x]);
}

yt_value yti_attention(yt_builder *b, yt_value qkv, yt_path at, const yt_attention_attr *attr) {
    if (b->status != YT_OK) return 0;
    return yti_node(b, &yt_op_attention, attr, &qkv, 1, YT_NO_PARAMS, at,
                    (yt_built){.channels = attr->heads * attr->head_dim, .side = b->built[qkv].side});
}
