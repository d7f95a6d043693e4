/* builder.c: the primitives of the builder: a node, a parameter, a convolution with its normalisation.
 *
 * Parameters of one kind lie together in memory (all weights, then all normalisation gains, then all biases), so that
 * the optimizer runs over three spans; where each kind begins is known from a first, counting pass over the same rows.
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
    MAX_STRIDE = 16,
    MAX_SIDE = 64 * YT_PROBE_SIDE /* what any operation makes of it fits an int */
};                                /* of sound models: hundreds; 7; 3; 2; YT_PROBE_SIDE */

static const float BN_MOMENTUM = 0.03f; /* spec architecture 3.1 */

bool yti_fail(yti_builder *b, const char *format, ...) {
    if (b->status != YT_OK) return false;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *weights = b->model->options.described_in;
    if (!weights)
        b->status = yti_fail_at(b->err, YT_ERR_MODEL, b->file, b->line, "%s", text);
    else if (b->model->rows) /* the text has lines that nobody has written */
        b->status = yt_fail(b->err, YT_ERR_MODEL, "%s: row %d of its network: %s", weights, b->row, text);
    else
        b->status = yt_fail(b->err, YT_ERR_MODEL, "%s: its network: %s", weights, text);
    return false;
}

static bool out_of_memory(yti_builder *b) {
    b->status = yti_no_memory(b->err, "the model");
    return false;
}

yti_path yti_sub(yti_path parent, const char *format, ...) {
    size_t used = strlen(parent.text);
    if (used + 1 < sizeof parent.text) parent.text[used++] = '.';
    va_list args;
    va_start(args, format);
    vsnprintf(parent.text + used, sizeof parent.text - used, format, args);
    va_end(args);
    return parent;
}

int yti_channels(const yti_builder *b, yti_value x) {
    return b->status == YT_OK ? b->built[x].channels : 0;
}

/* `built` is what the node makes of a probe image. */
static yti_value add_node(yti_builder *b, const yti_node_spec *spec, yti_built built) {
    if (b->status != YT_OK) return 0;
    if (yti_graph_nodes(b->graph) >= MAX_NODES) return yti_fail(b, "the model has over %d operations", MAX_NODES);
    if (spec->n_sources > YT_MAX_SOURCES)
        return yti_fail(b, "reads %d maps; the limit is %d", spec->n_sources, YT_MAX_SOURCES);
    if (built.side < 1)
        return yti_fail(b, "the map becomes smaller than one pixel for a %d-pixel image", YT_PROBE_SIDE);
    if (built.side > MAX_SIDE) return yti_fail(b, "the map grows to %d times the image", built.side / YT_PROBE_SIDE);
    if (built.channels > 1 << 16) return yti_fail(b, "%d channels; the limit is %d", built.channels, 1 << 16);
    yti_value value = 0;
    b->status = yti_graph_add(b->graph, spec, &value, b->err);
    if (b->status != YT_OK) return 0;
    if (value >= b->built_capacity) {
        int capacity = b->built_capacity ? 2 * b->built_capacity : 256;
        yti_built *grown = realloc(b->built, sizeof *grown * (size_t)capacity);
        if (!grown) return out_of_memory(b);
        b->built = grown;
        b->built_capacity = capacity;
    }
    b->built[value] = built;
    return value;
}

ptrdiff_t yti_param(yti_builder *b, yti_param_kind kind, yti_path name, int n_dims, const int dims[4], float init_bound,
                    float init_value) {
    if (b->status != YT_OK) return -1;
    yti_model *model = b->model;
    if (model->n_params == b->params_capacity) {
        int capacity = b->params_capacity ? 2 * b->params_capacity : 256;
        yti_param_info *grown = realloc(model->params, sizeof *grown * (size_t)capacity);
        if (!grown) return out_of_memory(b) - 1;
        model->params = grown;
        b->params_capacity = capacity;
    }
    yti_param_info *info = &model->params[model->n_params];
    *info = (yti_param_info){.name = strdup(name.text),
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
    if (b->used[kind] > (size_t)1 << 31) return yti_fail(b, "the model has over two billion parameters") - 1;
    return (ptrdiff_t)info->offset;
}

yti_value yti_block(yti_builder *b, yti_path name, yti_value output) {
    if (b->status != YT_OK) return 0;
    yti_model *model = b->model;
    if (model->n_blocks == b->blocks_capacity) {
        int capacity = b->blocks_capacity ? 2 * b->blocks_capacity : 32;
        yti_model_block *grown = realloc(model->blocks, sizeof *grown * (size_t)capacity);
        if (!grown) return out_of_memory(b);
        model->blocks = grown;
        b->blocks_capacity = capacity;
    }
    yti_model_block *block = &model->blocks[model->n_blocks];
    *block = (yti_model_block){.name = strdup(name.text), .row = b->row, .output = output};
    if (!block->name) return out_of_memory(b);
    model->n_blocks++;
    return output;
}

yti_value yti_input(yti_builder *b, int channels) {
    const yti_input_attr attr = {.channels = channels};
    const yti_node_spec spec = {&yti_op_input, &attr, NULL, 0, YT_NO_PARAMS, "input"};
    return add_node(b, &spec, (yti_built){.channels = channels, .side = YT_PROBE_SIDE});
}

/* The convolution alone, with a bias or not; moments are wanted by a batch norm after it. shortcut NULL: none. */
static yti_value bare_conv(yti_builder *b, yti_value x, yti_path weights_at, yti_path at, const yti_conv_attr *attr,
                           bool bias, const yti_value *shortcut) {
    if (b->status != YT_OK) return 0;
    const yti_conv_geometry *conv = &attr->conv;
    const int in_per_group = conv->cin / conv->groups;
    const int weight_dims[4] = {conv->cout, in_per_group, conv->kernel, conv->kernel}, bias_dims[4] = {conv->cout};
    const float bound = (float)(1.0 / sqrt((double)in_per_group * conv->kernel * conv->kernel));
    yti_params params = YT_NO_PARAMS;
    params.param[0] = yti_param(b, YT_PARAM_WEIGHT, yti_sub(weights_at, "weight"), 4, weight_dims, bound, 0);
    if (b->status == YT_OK) b->model->params[b->model->n_params - 1].groups = conv->groups;
    if (bias) params.param[1] = yti_param(b, YT_PARAM_BIAS, yti_sub(weights_at, "bias"), 1, bias_dims, bound, 0);
    const int side = yti_conv_out(b->built[x].side, conv->kernel, conv->stride, conv->pad, conv->dilation);
    const yti_value src[2] = {x, shortcut ? *shortcut : 0};
    const yti_node_spec spec = {&yti_op_conv2d, attr, src, shortcut ? 2 : 1, params, at.text};
    return add_node(b, &spec, (yti_built){.channels = conv->cout, .side = side});
}

/* Before anything is computed from them. dilation 0: the default. */
static bool check_window(yti_builder *b, int kernel, int dilation) {
    if (kernel < 1 || kernel > MAX_KERNEL)
        return yti_fail(b, "kernel size %d is out of range (1 to %d)", kernel, MAX_KERNEL);
    if (dilation < 0 || dilation > MAX_DILATION)
        return yti_fail(b, "dilation %d is out of range (1 to %d)", dilation, MAX_DILATION);
    return true;
}

static bool check_conv(yti_builder *b, const yti_conv_geometry *c) {
    if (c->cout < 1 || c->cout > 1 << 16)
        return yti_fail(b, "%d output channels are out of range (1 to %d)", c->cout, 1 << 16);
    if (c->stride < 1 || c->stride > MAX_STRIDE)
        return yti_fail(b, "stride %d is out of range (1 to %d)", c->stride, MAX_STRIDE);
    if (!check_window(b, c->kernel, c->dilation)) return false;
    if (c->dilation < 1) return yti_fail(b, "dilation %d is out of range (1 to %d)", c->dilation, MAX_DILATION);
    if (c->pad < 0 || c->pad > c->dilation * (c->kernel - 1))
        return yti_fail(b, "padding %d is out of range for a kernel of %d (0 to %d)", c->pad, c->kernel,
                        c->dilation * (c->kernel - 1));
    if (c->groups < 1 || c->cin % c->groups || c->cout % c->groups)
        return yti_fail(b, "%d groups; the number must divide the %d input and %d output channels", c->groups, c->cin,
                        c->cout);
    return true;
}

static yti_value norm_act(yti_builder *b, yti_value y, yti_path at, yti_activation act, bool normalise,
                          const yti_value *shortcut) {
    if (b->status != YT_OK) return 0;
    const yti_norm_act_attr attr = {.act = act, .normalise = normalise, .eps = YTI_BN_EPS, .momentum = BN_MOMENTUM};
    const int dims[4] = {b->built[y].channels};
    yti_params params = YT_NO_PARAMS;
    if (normalise) {
        const yti_path bn = yti_sub(at, "bn");
        params.param[0] = yti_param(b, YT_PARAM_NORM, yti_sub(bn, "weight"), 1, dims, 0, 1);
        params.param[1] = yti_param(b, YT_PARAM_BIAS, yti_sub(bn, "bias"), 1, dims, 0, 0);
        params.buffer[0] = yti_param(b, YT_PARAM_BUFFER, yti_sub(bn, "running_mean"), 1, dims, 0, 0);
        params.buffer[1] = yti_param(b, YT_PARAM_BUFFER, yti_sub(bn, "running_var"), 1, dims, 0, 1);
    }
    const yti_value src[2] = {y, shortcut ? *shortcut : 0};
    const yti_node_spec spec = {&yti_op_norm_act, &attr, src, shortcut ? 2 : 1, params, at.text};
    return add_node(b, &spec, b->built[y]);
}

/* The geometry that the options ask for; false after an error. */
static bool describe_conv(yti_builder *b, yti_value x, int cout, int kernel, const yti_conv_opts *opts,
                          yti_conv_geometry *conv) {
    if (!check_window(b, kernel, opts->dilation)) return false;
    *conv = (yti_conv_geometry){.cin = b->built[x].channels,
                                .cout = cout,
                                .kernel = kernel,
                                .stride = opts->stride ? opts->stride : 1,
                                .groups = opts->groups ? opts->groups : 1,
                                .dilation = opts->dilation ? opts->dilation : 1};
    conv->pad = opts->has_pad ? opts->pad : (conv->dilation * (kernel - 1) + 1) / 2;
    return check_conv(b, conv);
}

static const yti_activation identity = {.kind = YT_ACT_IDENTITY};

static yti_activation activation_of(const yti_builder *b, const yti_conv_opts *opts) {
    const bool replaced = b->model->options.activation >= 0; /* also where a row names its own */
    return opts->no_act ? identity : opts->act && !replaced ? *opts->act : b->act;
}

static bool is_fused(const yti_builder *b) {
    return b->model->options.fusion != YT_NOT_FUSED;
}

yti_value yti_conv(yti_builder *b, yti_value x, yti_path at, int cout, int kernel, yti_conv_opts opts) {
    yti_conv_geometry conv;
    if (b->status != YT_OK || !describe_conv(b, x, cout, kernel, &opts, &conv)) return 0;
    const bool fused = is_fused(b), normalise = !b->model->options.no_batchnorm && !fused;
    const yti_activation act = activation_of(b, &opts);
    const yti_path conv_at = yti_sub(at, "conv");
    const bool joint = fused && !b->model->options.split_activations;
    const yti_conv_attr attr = {.conv = conv, .moments = normalise, .act = joint ? act : identity};
    if (joint) return bare_conv(b, x, conv_at, at, &attr, true, opts.shortcut);
    yti_value y = bare_conv(b, x, conv_at, conv_at, &attr, !normalise, NULL);
    if (fused && act.kind == YT_ACT_IDENTITY && !opts.shortcut) return y;
    return norm_act(b, y, at, act, normalise, opts.shortcut);
}

yti_value yti_conv_pair(yti_builder *b, yti_value x, yti_path at, int cout, const yti_branch branches[2],
                        yti_conv_opts opts) {
    const yti_activation act = activation_of(b, &opts);
    if (b->status != YT_OK) return 0;
    if (is_fused(b)) return yti_conv(b, x, at, cout, branches[0].kernel, opts);
    opts.no_act = true;
    const yti_value first = yti_conv(b, x, yti_sub(at, "%s", branches[0].name), cout, branches[0].kernel, opts);
    opts.shortcut = &first;
    const yti_value sum = yti_conv(b, x, yti_sub(at, "%s", branches[1].name), cout, branches[1].kernel, opts);
    return norm_act(b, sum, at, act, false, NULL);
}

yti_value yti_conv_bias(yti_builder *b, yti_value x, yti_path at, int cout) {
    if (b->status != YT_OK) return 0;
    const yti_conv_attr attr = {
        .conv = {.cin = b->built[x].channels, .cout = cout, .kernel = 1, .stride = 1, .dilation = 1, .groups = 1}};
    return check_conv(b, &attr.conv) ? bare_conv(b, x, at, at, &attr, true, NULL) : 0;
}

yti_value yti_transpose(yti_builder *b, yti_value x, yti_path at, int cout, int kernel, int stride, int pad) {
    if (b->status != YT_OK || !check_window(b, kernel, 1)) return 0;
    const int cin = b->built[x].channels;
    const yti_transpose_attr attr = {
        .adjoint = {
            .cin = cout, .cout = cin, .kernel = kernel, .stride = stride, .pad = pad, .dilation = 1, .groups = 1}};
    if (cout < 1 || cout > 1 << 16) return yti_fail(b, "%d output channels are out of range (1 to %d)", cout, 1 << 16);
    if (!check_conv(b, &attr.adjoint)) return 0;
    const int weight_dims[4] = {cin, cout, kernel, kernel}, bias_dims[4] = {cout};
    const float bound = (float)(1.0 / sqrt((double)cout * kernel * kernel)); /* by the fan that files show */
    yti_params params = YT_NO_PARAMS;
    params.param[0] = yti_param(b, YT_PARAM_WEIGHT, yti_sub(at, "weight"), 4, weight_dims, bound, 0);
    params.param[1] = yti_param(b, YT_PARAM_BIAS, yti_sub(at, "bias"), 1, bias_dims, bound, 0);
    if (b->status != YT_OK) return 0;
    const int side = (b->built[x].side - 1) * stride - 2 * pad + kernel;
    const yti_node_spec spec = {&yti_op_transpose2d, &attr, &x, 1, params, at.text};
    return add_node(b, &spec, (yti_built){.channels = cout, .side = side});
}

yti_value yti_add(yti_builder *b, yti_value x, yti_value other, yti_path at) {
    if (b->status != YT_OK) return 0;
    if (b->built[x].channels != b->built[other].channels || b->built[x].side != b->built[other].side)
        return yti_fail(b, "adds %d channels at 1/%d of the image to %d at 1/%d; they must be equal",
                        b->built[x].channels, YT_PROBE_SIDE / b->built[x].side, b->built[other].channels,
                        YT_PROBE_SIDE / b->built[other].side);
    return norm_act(b, x, at, identity, false, &other);
}

yti_value yti_gain(yti_builder *b, yti_value x, yti_path at, float initial) {
    if (b->status != YT_OK) return 0;
    const int c = b->built[x].channels, dims[4] = {c};
    const yti_conv_attr attr = {.conv = {.cin = c, .cout = c, .kernel = 1, .stride = 1, .dilation = 1, .groups = c},
                                .uncounted = true};
    yti_params params = YT_NO_PARAMS;
    params.param[0] = yti_param(b, YT_PARAM_WEIGHT, at, 1, dims, 0, initial);
    const yti_node_spec spec = {&yti_op_conv2d, &attr, &x, 1, params, at.text};
    return add_node(b, &spec, b->built[x]);
}

yti_value yti_pool(yti_builder *b, yti_value x, yti_path at, const yti_op *op, int kernel, int stride, int pad) {
    if (b->status != YT_OK) return 0;
    if (kernel < 1 || kernel > 15) return yti_fail(b, "pooling window %d is out of range (1 to 15)", kernel);
    if (stride < 1 || stride > 16) return yti_fail(b, "stride %d is out of range (1 to 16)", stride);
    if (pad < 0 || pad > kernel / 2)
        return yti_fail(b, "padding %d is out of range for a window of %d (0 to %d)", pad, kernel, kernel / 2);
    const yti_pool_attr attr = {.kernel = kernel, .stride = stride, .pad = pad};
    const yti_built built = {.channels = b->built[x].channels,
                             .side = yti_conv_out(b->built[x].side, kernel, stride, pad, 1)};
    const yti_node_spec spec = {op, &attr, &x, 1, YT_NO_PARAMS, at.text};
    return add_node(b, &spec, built);
}

yti_value yti_maxpool(yti_builder *b, yti_value x, yti_path at, int kernel) {
    if (kernel % 2 == 0) return yti_fail(b, "pooling window %d must be odd and at most 15", kernel);
    return yti_pool(b, x, at, &yti_op_maxpool2d, kernel, 1, kernel / 2);
}

yti_value yti_pad(yti_builder *b, yti_value x, yti_path at, const int sides[4]) {
    if (b->status != YT_OK) return 0;
    for (int i = 0; i < 4; i++)
        if (sides[i] < 0 || sides[i] > 64) return yti_fail(b, "padding %d is out of range (0 to 64)", sides[i]);
    if (sides[0] + sides[1] != sides[2] + sides[3])
        return yti_fail(b, "pads %d columns and %d rows; a map stays square here", sides[0] + sides[1],
                        sides[2] + sides[3]);
    const yti_pad_attr attr = {.left = sides[0], .right = sides[1], .top = sides[2], .bottom = sides[3]};
    yti_built built = b->built[x];
    built.side += sides[0] + sides[1];
    const yti_node_spec spec = {&yti_op_pad, &attr, &x, 1, YT_NO_PARAMS, at.text};
    return add_node(b, &spec, built);
}

yti_value yti_upsample(yti_builder *b, yti_value x, yti_path at, int factor, bool inner) {
    if (b->status != YT_OK) return 0;
    const yti_upsample_attr attr = {.factor = factor, .uncounted = inner};
    yti_built built = b->built[x];
    built.side *= factor;
    const yti_node_spec spec = {&yti_op_upsample, &attr, &x, 1, YT_NO_PARAMS, at.text};
    return add_node(b, &spec, built);
}

yti_value yti_concat(yti_builder *b, const yti_value *src, int n_src, yti_path at) {
    if (b->status != YT_OK) return 0;
    yti_built built = b->built[src[0]];
    for (int i = 1; i < n_src; i++) {
        if (b->built[src[i]].side != built.side)
            return yti_fail(b, "joins maps of different sides (1/%d and 1/%d of the image)", YT_PROBE_SIDE / built.side,
                            YT_PROBE_SIDE / b->built[src[i]].side);
        built.channels += b->built[src[i]].channels;
    }
    const yti_node_spec spec = {&yti_op_concat, NULL, src, n_src, YT_NO_PARAMS, at.text};
    return add_node(b, &spec, built);
}

yti_value yti_slice(yti_builder *b, yti_value x, yti_path at, int first, int count) {
    if (b->status != YT_OK) return 0;
    const yti_slice_attr attr = {.first = first, .count = count};
    const yti_node_spec spec = {&yti_op_slice, &attr, &x, 1, YT_NO_PARAMS, at.text};
    return add_node(b, &spec, (yti_built){.channels = count, .side = b->built[x].side});
}

yti_value yti_detach(yti_builder *b, yti_value x, yti_path at) {
    if (b->status != YT_OK) return 0;
    const yti_node_spec spec = {&yti_op_detach, NULL, &x, 1, YT_NO_PARAMS, at.text};
    return add_node(b, &spec, b->built[x]);
}

yti_value yti_attention(yti_builder *b, yti_value qkv, yti_path at, const yti_attention_attr *attr) {
    if (b->status != YT_OK) return 0;
    const yti_node_spec spec = {&yti_op_attention, attr, &qkv, 1, YT_NO_PARAMS, at.text};
    return add_node(b, &spec, (yti_built){.channels = attr->heads * attr->head_dim, .side = b->built[qkv].side});
}
