/* lower.c: one function per primitive operation, in a table; see lower.h. An operation without a row cannot be
 * exported.
 */
#include "export/lower.h"
#include "ops/ops.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* Modules whose `m` is a list, which is not called itself; that of others is a sequence, which is. */
static bool has_list(const char *module) {
    static const char *const modules[] = {"C2f", "C3k2", "C2fCIB", "A2C2f"};
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (strcmp(module, modules[i]) == 0) return true;
    return false;
}

static const char *module_of(const yti_model *model, const char *path) {
    const long row = strncmp(path, "model.", 6) == 0 ? strtol(path + 6, NULL, 10) : -1;
    return row >= 0 && row < model->n_rows ? model->rows[row].module : "";
}

void yti_net_scope(const yti_model *model, const char *path, char *scope, size_t room) {
    const char *module = module_of(model, path);
    char local[128] = ""; /* the last name, "cv2.0" */
    size_t used = 0;
    bool after_number = false;
    int depth = 0;
    scope[0] = '\0';
    for (const char *part = path; *part; depth++) {
        const int length = (int)strcspn(part, ".");
        const bool number = isdigit((unsigned char)*part) != 0;
        const size_t stem = strlen(local);
        if (!number) {
            snprintf(local, sizeof local, "%.*s", length, part);
            used += (size_t)snprintf(scope + used, room - used, "/%s", local);
        } else {
            const bool is_list = !after_number && (depth == 1 || strcmp(module, "Detect") == 0 ||
                                                   (depth == 3 && strcmp(local, "m") == 0 && has_list(module)));
            snprintf(local + stem, sizeof local - stem, ".%.*s", length, part);
            used += is_list ? (size_t)snprintf(scope + used, room - used, ".%.*s", length, part)
                            : (size_t)snprintf(scope + used, room - used, "/%s", local);
        }
        if (used >= room) used = room - 1;
        after_number = number;
        part += length + (part[length] == '.');
    }
}

/* ---- the graph ---- */

typedef struct lowering {
    yti_model *model;
    yti_net *net;
    yti_net_size size;
    const yti_quantization *quantization; /* NULL: floats */
    yti_net_value *values;                /* by node of the graph */
} lowering;

/* A node of the graph with what it reads. */
typedef struct source {
    yti_value node;
    const void *attr;
    int n_inputs;
    yti_net_value inputs[YT_MAX_SOURCES];
    yti_params params;
    const char *label;
} source;

typedef struct scope_text {
    char text[256];
} scope_text;

/* The scope of the first `keep` characters of a path. */
static scope_text scope_of(const lowering *l, const char *path, size_t keep) {
    char part[256];
    scope_text scope;
    snprintf(part, sizeof part, "%.*s", (int)keep, path);
    yti_net_scope(l->model, part, scope.text, sizeof scope.text);
    return scope;
}

/* That of the module which a label names a step of: "model.2.cat" is a step of "model.2". */
static scope_text scope_above(const lowering *l, const char *label) {
    const char *dot = strrchr(label, '.');
    const bool is_row = strncmp(label, "model.", 6) == 0 && !strchr(label + 6, '.');
    return scope_of(l, label, is_row || !dot ? strlen(label) : (size_t)(dot - label));
}

static const yti_param_info *info_at(const yti_model *model, ptrdiff_t offset) {
    for (int i = 0; i < model->n_params; i++)
        if (yti_param_is_trainable(&model->params[i]) && (ptrdiff_t)model->params[i].offset == offset)
            return &model->params[i];
    return NULL;
}

/* The parameter in a slot of a node; -1: it has none. dims NULL: as it is in files. */
static yti_net_value weight(const lowering *l, const source *s, int slot, const int64_t dims[4]) {
    const ptrdiff_t offset = s->params.param[slot];
    if (offset < 0) return -1;
    return yti_net_weight(l->net, info_at(l->model, offset), 4, dims);
}

/* Weight and bias of a convolution; of one in integers, its codes. */
static void conv_weights(const lowering *l, const source *s, const yti_conv_geometry *c, yti_net_value *w,
                         yti_net_value *bias) {
    const int64_t dims[4] = {c->cout, c->cin / c->groups, c->kernel, c->kernel}, bias_dims[1] = {c->cout};
    const float *scales = l->quantization ? l->quantization->weights[s->node] : NULL;
    if (!scales) {
        *w = weight(l, s, 0, dims);
        *bias = weight(l, s, 1, NULL);
        return;
    }
    *w = yti_net_coded_weight(l->net, info_at(l->model, s->params.param[0]), 4, dims, YTI_NET_INT8, scales);
    *bias = -1;
    if (s->params.param[1] < 0) return;
    float *product = malloc((size_t)c->cout * sizeof *product);
    if (!product) {
        l->net->status = YT_ERR_NO_MEMORY;
        return;
    }
    const yti_value from = yti_graph_sources(l->model->graph, s->node)[0];
    for (int i = 0; i < c->cout; i++) product[i] = l->quantization->maps[from].scale * scales[i];
    *bias = yti_net_coded_weight(l->net, info_at(l->model, s->params.param[1]), 1, bias_dims, YTI_NET_INT32, product);
    free(product);
}

/* f(x) of an activation function. SiLU as a product: no runtime misses it, and all fuse it. */
static yti_net_value activate(yti_net *net, yti_activation act, yti_net_value x, const char *scope) {
    switch (act.kind) {
    case YT_ACT_IDENTITY:
    case YT_ACT_COUNT:
        return x;
    case YT_ACT_SILU:
        return yti_net_binary(net, YTI_NET_MUL, x, yti_net_unary(net, YTI_NET_SIGMOID, x, scope), scope);
    case YT_ACT_RELU:
        return yti_net_unary(net, YTI_NET_RELU, x, scope);
    case YT_ACT_LEAKY_RELU:
        return yti_net_leaky_relu(net, x, act.slope, scope);
    case YT_ACT_TANH:
        return yti_net_unary(net, YTI_NET_TANH, x, scope);
    case YT_ACT_SIGMOID:
        return yti_net_unary(net, YTI_NET_SIGMOID, x, scope);
    case YT_ACT_HARDSWISH:
        return yti_net_binary(net, YTI_NET_MUL, x, yti_net_unary(net, YTI_NET_HARD_SIGMOID, x, scope), scope);
    case YT_ACT_GELU:
        break;
    }
    const yti_net_value root = yti_net_float(net, "sqrt_2", 1.41421356f), one = yti_net_float(net, "one", 1),
                        half = yti_net_float(net, "half", 0.5f);
    yti_net_value y = yti_net_binary(net, YTI_NET_DIV, x, root, scope);
    y = yti_net_binary(net, YTI_NET_ADD, yti_net_unary(net, YTI_NET_ERF, y, scope), one, scope);
    return yti_net_binary(net, YTI_NET_MUL, yti_net_binary(net, YTI_NET_MUL, x, y, scope), half, scope);
}

/* ---- one function per operation ---- */

static yti_net_value lower_input(lowering *l, const source *s) {
    const int64_t dims[4] = {l->size.batch, ((const yti_input_attr *)s->attr)->channels, l->size.height, l->size.width};
    const yti_net_value images = yti_net_input(l->net, "images", YTI_NET_FLOAT, 4, dims);
    return l->net->body == YTI_NET_FLOAT ? images : yti_net_cast(l->net, images, l->net->body, "");
}

/* What follows the convolution of a module: the activation of "model.0" is "model.0.act"; "model.2.m.0.cv2", which adds
 * a shortcut, does so for "model.2.m.0". */
static yti_net_value finish_conv(lowering *l, const source *s, yti_activation act, yti_net_value y) {
    scope_text scope = scope_of(l, s->label, strlen(s->label));
    strncat(scope.text, "/act", sizeof scope.text - strlen(scope.text) - 1);
    y = activate(l->net, act, y, scope.text);
    if (s->n_inputs < 2) return y;
    return yti_net_binary(l->net, YTI_NET_ADD, s->inputs[1], y, scope_above(l, s->label).text);
}

/* "model.0.conv.weight" is of the convolution "model.0.conv". */
static yti_net_value lower_conv(lowering *l, const source *s) {
    const yti_conv_attr *a = s->attr;
    const yti_conv_geometry *c = &a->conv;
    yti_net_value w, bias;
    conv_weights(l, s, c, &w, &bias);
    const char *name = info_at(l->model, s->params.param[0])->name;
    size_t length = strlen(name);
    if (length > 7 && strcmp(name + length - 7, ".weight") == 0) length -= 7;
    const yti_net_value y = yti_net_conv(l->net, s->inputs[0], w, bias, c, scope_of(l, name, length).text);
    return finish_conv(l, s, a->act, y);
}

static yti_net_value lower_transpose(lowering *l, const source *s) {
    return yti_net_conv_transpose(l->net, s->inputs[0], weight(l, s, 0, NULL), weight(l, s, 1, NULL),
                                  &((const yti_transpose_attr *)s->attr)->adjoint,
                                  scope_of(l, s->label, strlen(s->label)).text);
}

/* "model.9.pool.1" is a step of "model.9.m", which all poolings of a pyramid share. */
static yti_net_value pool(lowering *l, const source *s, yti_net_op op) {
    const yti_pool_attr *a = s->attr;
    const char *step = strstr(s->label, ".pool.");
    scope_text scope = step ? scope_of(l, s->label, (size_t)(step - s->label)) : scope_above(l, s->label);
    if (step) strncat(scope.text, "/m", sizeof scope.text - strlen(scope.text) - 1);
    return yti_net_pool(l->net, op, s->inputs[0], a->kernel, a->stride, a->pad, scope.text);
}

static yti_net_value lower_maxpool(lowering *l, const source *s) {
    return pool(l, s, YTI_NET_MAX_POOL);
}

static yti_net_value lower_avgpool(lowering *l, const source *s) {
    return pool(l, s, YTI_NET_AVERAGE_POOL);
}

static yti_net_value lower_pad(lowering *l, const source *s) {
    const yti_pad_attr *a = s->attr;
    return yti_net_pad(l->net, s->inputs[0], a->left, a->right, a->top, a->bottom, scope_above(l, s->label).text);
}

static yti_net_value lower_upsample(lowering *l, const source *s) {
    return yti_net_resize(l->net, s->inputs[0], ((const yti_upsample_attr *)s->attr)->factor,
                          scope_above(l, s->label).text);
}

static yti_net_value lower_concat(lowering *l, const source *s) {
    if (s->n_inputs == 1) return s->inputs[0];
    return yti_net_concat(l->net, s->inputs, s->n_inputs, 1, scope_above(l, s->label).text);
}

static yti_net_value lower_slice(lowering *l, const source *s) {
    const yti_slice_attr *a = s->attr;
    return yti_net_slice(l->net, s->inputs[0], 1, a->first, a->count, scope_above(l, s->label).text);
}

static yti_net_value lower_detach(lowering *l, const source *s) {
    (void)l;
    return s->inputs[0];
}

/* Without normalisation, which is folded: a sum, or what follows a convolution. */
static yti_net_value lower_norm_act(lowering *l, const source *s) {
    const yti_norm_act_attr *a = s->attr;
    if (s->n_inputs < 2 || a->act.kind != YT_ACT_IDENTITY) return finish_conv(l, s, a->act, s->inputs[0]);
    return yti_net_binary(l->net, YTI_NET_ADD, s->inputs[0], s->inputs[1], scope_above(l, s->label).text);
}

/* Softmax over the last axis of matrices of four dimensions (spec architecture 3.9): the form that every runtime reads.
 * Pixels lie in `areas` groups that attend apart; with one, the steps that separate and join them are left out. */
static yti_net_value lower_attention(lowering *l, const source *s) {
    yti_net *net = l->net;
    const yti_attention_attr *a = s->attr;
    const yti_shape of = yti_graph_shape(l->model->graph, s->node);
    const bool open = l->size.height == YTI_NET_OPEN;
    const int per_head = 2 * a->key_dim + a->head_dim, areas = a->areas;
    const int64_t pixels = open ? YTI_NET_OPEN : (int64_t)of.h * of.w / areas;
    const int64_t batch = l->size.batch, sequences = batch == YTI_NET_OPEN ? YTI_NET_OPEN : batch * areas;
    const scope_text scope = scope_above(l, s->label);
    const char *at = scope.text;
    static const int swap_last[] = {0, 1, 3, 2}, swap_middle[] = {0, 2, 1, 3};
    yti_net_value x = s->inputs[0];
    if (areas > 1) {
        const int64_t apart[4] = {open ? 0 : batch, (int64_t)a->heads * per_head, areas, pixels};
        x = yti_net_transpose(net, yti_net_reshape(net, x, 4, apart, at), swap_middle, at);
    }
    const int64_t heads[4] = {areas > 1 || !open ? sequences : 0, a->heads, per_head, pixels};
    x = yti_net_reshape(net, x, 4, heads, at);
    yti_net_value q = yti_net_slice(net, x, 2, 0, a->key_dim, at);
    const yti_net_value k = yti_net_slice(net, x, 2, a->key_dim, a->key_dim, at),
                        v = yti_net_slice(net, x, 2, 2 * a->key_dim, a->head_dim, at);
    char name[32];
    snprintf(name, sizeof name, "attention_scale_%d", a->key_dim);
    const yti_net_value scale = yti_net_float(net, name, 1 / sqrtf((float)a->key_dim));
    q = yti_net_binary(net, YTI_NET_MUL, yti_net_transpose(net, q, swap_last, at), scale, at);
    yti_net_value p = yti_net_unary(net, YTI_NET_SOFTMAX, yti_net_matmul(net, q, k, at), at);
    yti_net_value y = yti_net_matmul(net, p, yti_net_transpose(net, v, swap_last, at), at);
    y = yti_net_transpose(net, y, swap_last, at);
    if (areas > 1) {
        const int64_t rows[4] = {batch, areas, of.c, pixels}; /* batch OPEN: what is left */
        y = yti_net_transpose(net, yti_net_reshape(net, y, 4, rows, at), swap_middle, at);
    }
    const int64_t dims[4] = {batch, of.c, open ? YTI_NET_OPEN : of.h, open ? YTI_NET_OPEN : of.w};
    if (!open) return yti_net_reshape(net, y, 4, dims, at);
    /* As high and wide as the map that was read. */
    yti_net_value shape = yti_net_node_of(net, YTI_NET_SHAPE, &s->inputs[0], 1, YTI_NET_INT64, 1, (int64_t[]){4}, at);
    const yti_net_value parts[2] = {yti_net_int_list(net, 2, (int64_t[]){0, of.c}),
                                    yti_net_slice(net, shape, 0, 2, 2, at)};
    shape = yti_net_concat(net, parts, 2, 0, at);
    return yti_net_reshape_to(net, y, shape, 4, dims, at);
}

static const struct row {
    const yti_op *op;
    yti_net_value (*lower)(lowering *l, const source *s);
} rows[] = {
    {&yti_op_input, lower_input},       {&yti_op_conv2d, lower_conv},
    {&yti_op_norm_act, lower_norm_act}, {&yti_op_transpose2d, lower_transpose},
    {&yti_op_maxpool2d, lower_maxpool}, {&yti_op_avgpool2d, lower_avgpool},
    {&yti_op_pad, lower_pad},           {&yti_op_upsample, lower_upsample},
    {&yti_op_concat, lower_concat},     {&yti_op_slice, lower_slice},
    {&yti_op_detach, lower_detach},     {&yti_op_attention, lower_attention},
};

static yt_status lower_node(lowering *l, yti_value node, yt_err *err) {
    const yti_graph *graph = l->model->graph;
    source s = {.node = node, .label = yti_graph_label(graph, node), .params = yti_graph_params(graph, node)};
    const yti_op *op = yti_graph_op(graph, node, &s.attr, &s.n_inputs);
    const yti_value *from = yti_graph_sources(graph, node);
    for (int i = 0; i < s.n_inputs; i++) s.inputs[i] = l->values[from[i]];
    if (op == &yti_op_attention && ((const yti_attention_attr *)s.attr)->areas > 1 && l->size.height == YTI_NET_OPEN)
        return yt_fail(err, YT_ERR_MODEL,
                       "%s (%s): attention in areas needs a fixed height and width; leave --dynamic out", s.label,
                       module_of(l->model, s.label));
    const bool normalises = op == &yti_op_norm_act && ((const yti_norm_act_attr *)s.attr)->normalise;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !normalises; i++)
        if (rows[i].op == op) {
            l->values[node] = rows[i].lower(l, &s);
            if (l->quantization && l->quantization->maps[node].scale > 0 && op != &yti_op_detach)
                l->values[node] = yti_net_coded_map(l->net, l->values[node], l->quantization->maps[node]);
            return l->net->status == YT_OK ? YT_OK : yti_no_memory(err, "the exported network");
        }
    return yt_fail(err, YT_ERR_MODEL, "%s (%s): the operation %s%s cannot be exported", s.label,
                   module_of(l->model, s.label), op->name,
                   normalises ? ", which is not folded into a convolution," : "");
}

/* What the maps of the head depend on. */
static void mark_needed(const yti_model *model, bool *needed) {
    for (int i = 0; i < model->n_levels; i++) needed[model->head_box[0][i]] = needed[model->head_cls[0][i]] = true;
    for (yti_value v = yti_graph_nodes(model->graph) - 1; v >= 0; v--) {
        if (!needed[v]) continue;
        const void *attr;
        int n;
        yti_graph_op(model->graph, v, &attr, &n);
        for (int i = 0; i < n; i++) needed[yti_graph_sources(model->graph, v)[i]] = true;
    }
}

yt_status yti_lower(yti_model *model, const yti_quantization *quantization, yti_net_size size, yti_net *net,
                    yti_net_maps *maps, yt_err *err) {
    enum { PROBE = 640 }; /* pixels of an open side, to learn channels */
    const int n_nodes = yti_graph_nodes(model->graph);
    YT_TRY(yti_graph_shapes(model->graph, YT_MODE_EVAL, size.batch > 0 ? (int)size.batch : 1,
                            size.height > 0 ? (int)size.height : PROBE, size.width > 0 ? (int)size.width : PROBE, NULL,
                            err));
    lowering l = {.model = model, .net = net, .size = size, .quantization = quantization};
    l.values = calloc((size_t)n_nodes, sizeof *l.values);
    bool *needed = calloc((size_t)n_nodes, sizeof *needed);
    yt_status status = l.values && needed ? YT_OK : yti_no_memory(err, "%d nodes", n_nodes);
    if (status == YT_OK) mark_needed(model, needed);
    for (yti_value v = 0; v < n_nodes && status == YT_OK; v++)
        if (needed[v]) status = lower_node(&l, v, err);
    if (status == YT_OK) {
        maps->n_levels = model->n_levels;
        for (int i = 0; i < model->n_levels; i++) {
            maps->box[i] = l.values[model->head_box[0][i]];
            maps->cls[i] = l.values[model->head_cls[0][i]];
        }
    }
    free(needed);
    free(l.values);
    return status;
}
