/* net.c: values and nodes with their names and dimensions; see net.h. */
#include "export/net.h"
#include "base/finite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *yti_net_op_name(yti_net_op op) {
    static const char *const names[] = {
#define YTI_NET_OP_NAME(code, name) name,
        YTI_NET_OP_MAP(YTI_NET_OP_NAME)
#undef YTI_NET_OP_NAME
    };
    return names[op];
}

void yti_net_init(yti_net *net) {
    *net = (yti_net){.status = YT_OK, .input = -1, .body = YTI_NET_FLOAT};
}

void yti_net_free(yti_net *net) {
    for (int i = 0; i < net->n_tensors; i++) {
        free(net->tensors[i].name);
        free(net->tensors[i].data);
        free(net->tensors[i].scales);
    }
    for (int i = 0; i < net->n_nodes; i++) free(net->nodes[i].name);
    free(net->tensors);
    free(net->nodes);
    yti_net_init(net);
}

/* ---- values ---- */

static void fail(yti_net *net) {
    net->status = YT_ERR_NO_MEMORY;
}

/* Room for one more entry of an array; NULL: no memory. */
static void *grow(void *array, int count, int *capacity, size_t size) {
    if (count < *capacity) return array;
    const int more = *capacity ? 2 * *capacity : 256;
    void *grown = realloc(array, (size_t)more * size);
    if (grown) *capacity = more;
    return grown;
}

static yti_net_value find(const yti_net *net, const char *name) {
    for (int i = 0; i < net->n_tensors; i++)
        if (strcmp(net->tensors[i].name, name) == 0) return i;
    return -1;
}

static yti_net_value add_tensor(yti_net *net, const char *name, yti_net_type type, int n_dims, const int64_t *dims) {
    if (net->status != YT_OK) return -1;
    yti_net_tensor *grown = grow(net->tensors, net->n_tensors, &net->tensors_capacity, sizeof *grown);
    char *copy = strdup(name);
    if (grown) net->tensors = grown;
    if (!grown || !copy) {
        free(copy);
        fail(net);
        return -1;
    }
    yti_net_tensor *t = &net->tensors[net->n_tensors];
    *t = (yti_net_tensor){.name = copy, .type = type, .n_dims = n_dims};
    for (int i = 0; i < n_dims; i++) t->dims[i] = dims[i];
    return net->n_tensors++;
}

yti_net_value yti_net_input(yti_net *net, const char *name, yti_net_type type, int n_dims, const int64_t *dims) {
    return net->input = add_tensor(net, name, type, n_dims, dims);
}

yti_net_value yti_net_weight(yti_net *net, const yti_param_info *info, int n_dims, const int64_t *dims) {
    int64_t own[4];
    for (int i = 0; i < info->n_dims; i++) own[i] = info->dims[i];
    const yti_net_value value = add_tensor(net, info->name, net->body, dims ? n_dims : info->n_dims, dims ? dims : own);
    if (value < 0) return value;
    net->tensors[value].is_constant = true;
    net->tensors[value].info = info;
    return value;
}

static yti_net_value constant(yti_net *net, const char *name, yti_net_type type, int n_dims, const int64_t *dims,
                              const void *values, size_t size) {
    if (net->status != YT_OK) return -1;
    const yti_net_value same = find(net, name);
    if (same >= 0) return same;
    size_t bytes = size;
    for (int i = 0; i < n_dims; i++) bytes *= (size_t)dims[i];
    void *copy = malloc(bytes + 1);
    const yti_net_value value = copy ? add_tensor(net, name, type, n_dims, dims) : -1;
    if (value < 0) {
        free(copy);
        fail(net);
        return -1;
    }
    memcpy(copy, values, bytes);
    net->tensors[value].is_constant = true;
    net->tensors[value].data = copy;
    return value;
}

yti_net_value yti_net_floats(yti_net *net, const char *name, int n_dims, const int64_t *dims, const float *values) {
    return constant(net, name, YTI_NET_FLOAT, n_dims, dims, values, sizeof *values);
}

yti_net_value yti_net_ints(yti_net *net, const char *name, int n_dims, const int64_t *dims, const int64_t *values) {
    return constant(net, name, YTI_NET_INT64, n_dims, dims, values, sizeof *values);
}

/* A constant that is all `value`, of a type of one or four bytes. */
static yti_net_value filled(yti_net *net, const char *name, yti_net_type type, int n_dims, int64_t count, int value) {
    const size_t size = type == YTI_NET_INT32 ? sizeof(int32_t) : 1;
    unsigned char *values = calloc((size_t)count, size);
    if (!values) fail(net);
    for (int64_t i = 0; i < count && values && size == 1; i++) values[i] = (unsigned char)value;
    const yti_net_value made = values ? constant(net, name, type, n_dims, &count, values, size) : -1;
    free(values);
    return made;
}

yti_net_value yti_net_float(yti_net *net, const char *name, float value) {
    const yti_net_value made = yti_net_floats(net, name, 0, NULL, &value);
    if (made >= 0) net->tensors[made].type = net->body;
    return made;
}

yti_net_value yti_net_int_list(yti_net *net, int n, const int64_t *values) {
    char name[128] = "ints";
    for (int i = 0; i < n; i++) {
        const size_t used = strlen(name);
        snprintf(name + used, sizeof name - used, "_%lld", (long long)values[i]);
    }
    return yti_net_ints(net, name, 1, (int64_t[]){n}, values);
}

int64_t yti_net_dim(const yti_net *net, yti_net_value value, int axis) {
    return net->status == YT_OK ? net->tensors[value].dims[axis] : 0;
}

size_t yti_net_count(const yti_net_tensor *tensor) {
    size_t count = 1;
    for (int i = 0; i < tensor->n_dims; i++) count *= (size_t)tensor->dims[i];
    return count;
}

static yt_status fill_values(const yti_net *net, const yti_net_tensor *t, float *values, yt_err *err) {
    const size_t count = yti_net_count(t);
    if (!t->info) {
        memcpy(values, t->data, count * sizeof *values);
        return YT_OK;
    }
    float *memory = malloc(count * sizeof *memory + 1);
    if (!memory) return yti_no_memory(err, "tensor %s", t->name);
    const yt_status status = net->source.values(net->source.context, t->info, memory, err);
    if (status == YT_OK) yti_param_to_file_order(t->info, memory, values);
    free(memory);
    YT_TRY(status);
    if (yti_all_finite(values, count)) return YT_OK;
    return yt_fail(err, YT_ERR_NON_FINITE, "tensor %s holds NaN or infinity: no runtime detects with it", t->name);
}

yt_status yti_net_values(const yti_net *net, yti_net_value value, float **out, yt_err *err) {
    const yti_net_tensor *t = &net->tensors[value];
    float *values = malloc(yti_net_count(t) * sizeof *values + 1);
    if (!values) return yti_no_memory(err, "tensor %s", t->name);
    const yt_status status = fill_values(net, t, values, err);
    if (status == YT_OK)
        *out = values;
    else
        free(values);
    return status;
}

/* ---- nodes ---- */

static bool is_node(const yti_net *net, const char *name) {
    for (int i = 0; i < net->n_nodes; i++)
        if (strcmp(net->nodes[i].name, name) == 0) return true;
    return false;
}

/* "/scope/Op", and "/scope/Op_1" for the second of its kind there. */
static void name_node(const yti_net *net, yti_net_op op, const char *scope, char *name, size_t room) {
    snprintf(name, room, "%s/%s", scope, yti_net_op_name(op));
    const size_t stem = strlen(name);
    for (int i = 1; is_node(net, name); i++) snprintf(name + stem, room - stem, "_%d", i);
}

static yti_net_node *add_node(yti_net *net, yti_net_op op, const yti_net_value *inputs, int n_inputs,
                              const char *scope) {
    if (net->status != YT_OK) return NULL;
    char name[256];
    name_node(net, op, scope, name, sizeof name - 16);
    yti_net_node *grown = grow(net->nodes, net->n_nodes, &net->nodes_capacity, sizeof *grown);
    char *copy = strdup(name);
    if (grown) net->nodes = grown;
    if (!grown || !copy) {
        free(copy);
        fail(net);
        return NULL;
    }
    yti_net_node *node = &net->nodes[net->n_nodes++];
    *node = (yti_net_node){.op = op, .name = copy, .n_inputs = n_inputs};
    for (int i = 0; i < n_inputs; i++) node->inputs[i] = inputs[i];
    return node;
}

static yti_net_value add_result(yti_net *net, yti_net_node *node, yti_net_type type, int n_dims, const int64_t *dims) {
    if (!node) return -1;
    char name[300];
    snprintf(name, sizeof name, "%s_output_%d", node->name, node->n_outputs);
    const yti_net_value value = add_tensor(net, name, type, n_dims, dims);
    if (value >= 0) node->outputs[node->n_outputs++] = value;
    return value;
}

void yti_net_output(yti_net *net, yti_net_value value, const char *name) {
    if (net->status != YT_OK) return;
    char *of_tensor = strdup(name), *of_node = strdup(name);
    yti_net_node *node = net->nodes;
    while (node->outputs[0] != value && node->outputs[1] != value) node++;
    if (!of_tensor || !of_node) {
        free(of_tensor);
        free(of_node);
        fail(net);
        return;
    }
    free(net->tensors[value].name);
    free(node->name);
    net->tensors[value].name = of_tensor;
    node->name = of_node;
    net->outputs[net->n_outputs++] = value;
}

yti_net_value yti_net_node_of(yti_net *net, yti_net_op op, const yti_net_value *inputs, int n_inputs, yti_net_type type,
                              int n_dims, const int64_t *dims, const char *scope) {
    return add_result(net, add_node(net, op, inputs, n_inputs, scope), type, n_dims, dims);
}

/* A node with attributes whose result is of the type of its first input. */
static yti_net_value with_attr(yti_net *net, yti_net_op op, const yti_net_value *inputs, int n_inputs,
                               yti_net_attr attr, int n_dims, const int64_t *dims, const char *scope) {
    yti_net_node *node = add_node(net, op, inputs, n_inputs, scope);
    if (!node) return -1;
    node->attr = attr;
    return add_result(net, node, net->tensors[inputs[0]].type, n_dims, dims);
}

/* ---- codes ---- */

yti_net_value yti_net_coded_weight(yti_net *net, const yti_param_info *info, int n_dims, const int64_t *dims,
                                   yti_net_type type, const float *scales) {
    const yti_net_value codes = yti_net_weight(net, info, n_dims, dims);
    if (codes < 0) return -1;
    const int64_t channels = net->tensors[codes].dims[0];
    const size_t bytes = (size_t)channels * sizeof *scales;
    float *copy = malloc(bytes + 1);
    if (!copy) {
        fail(net);
        return -1;
    }
    memcpy(copy, scales, bytes);
    net->tensors[codes].type = type;
    net->tensors[codes].scales = copy;
    char name[300];
    snprintf(name, sizeof name, "%s_scale", info->name);
    const yti_net_value scale = yti_net_floats(net, name, 1, &channels, scales);
    snprintf(name, sizeof name, "zeros_%s_%lld", type == YTI_NET_INT8 ? "int8" : "int32", (long long)channels);
    const yti_net_value zero = filled(net, name, type, 1, channels, 0);
    if (net->status != YT_OK) return -1;
    const yti_net_tensor of = net->tensors[codes];
    const yti_net_value floats = yti_net_node_of(net, YTI_NET_DEQUANTIZE, (const yti_net_value[]){codes, scale, zero},
                                                 3, YTI_NET_FLOAT, of.n_dims, of.dims, info->name);
    if (floats >= 0) net->nodes[net->n_nodes - 1].attr.per_channel = true;
    return floats;
}

yti_net_value yti_net_coded_map(yti_net *net, yti_net_value x, yti_codes codes) {
    if (net->status != YT_OK) return -1;
    const yti_net_tensor of = net->tensors[x]; /* its name moves with the array, not itself */
    char name[300];
    snprintf(name, sizeof name, "%.280s_scale", of.name);
    const yti_net_value scale = yti_net_floats(net, name, 0, NULL, &codes.scale);
    snprintf(name, sizeof name, "zero_%d", codes.zero);
    const yti_net_value zero = filled(net, name, YTI_NET_UINT8, 0, 1, codes.zero);
    const yti_net_value coded = yti_net_node_of(net, YTI_NET_QUANTIZE, (const yti_net_value[]){x, scale, zero}, 3,
                                                YTI_NET_UINT8, of.n_dims, of.dims, of.name);
    return yti_net_node_of(net, YTI_NET_DEQUANTIZE, (const yti_net_value[]){coded, scale, zero}, 3, YTI_NET_FLOAT,
                           of.n_dims, of.dims, of.name);
}

/* ---- operations ---- */

static int64_t window_out(int64_t side, int kernel, int stride, int pad, int dilation) {
    return side == YTI_NET_OPEN ? YTI_NET_OPEN : (side + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
}

yti_net_value yti_net_conv(yti_net *net, yti_net_value x, yti_net_value weight, yti_net_value bias,
                           const yti_conv_geometry *c, const char *scope) {
    if (net->status != YT_OK) return -1;
    const int64_t *of = net->tensors[x].dims;
    const int64_t dims[4] = {of[0], c->cout, window_out(of[2], c->kernel, c->stride, c->pad, c->dilation),
                             window_out(of[3], c->kernel, c->stride, c->pad, c->dilation)};
    const yti_net_attr attr = {
        .group = c->groups, .kernel = c->kernel, .stride = c->stride, .pad = c->pad, .dilation = c->dilation};
    return with_attr(net, YTI_NET_CONV, (const yti_net_value[]){x, weight, bias}, bias < 0 ? 2 : 3, attr, 4, dims,
                     scope);
}

static int64_t transposed_out(int64_t side, const yti_conv_geometry *c) {
    return side == YTI_NET_OPEN ? YTI_NET_OPEN : (side - 1) * c->stride - 2 * c->pad + c->kernel;
}

yti_net_value yti_net_conv_transpose(yti_net *net, yti_net_value x, yti_net_value weight, yti_net_value bias,
                                     const yti_conv_geometry *c, const char *scope) {
    if (net->status != YT_OK) return -1;
    const int64_t *of = net->tensors[x].dims;
    const int64_t dims[4] = {of[0], c->cin, transposed_out(of[2], c), transposed_out(of[3], c)};
    const yti_net_attr attr = {
        .group = c->groups, .kernel = c->kernel, .stride = c->stride, .pad = c->pad, .dilation = c->dilation};
    return with_attr(net, YTI_NET_CONV_TRANSPOSE, (const yti_net_value[]){x, weight, bias}, 3, attr, 4, dims, scope);
}

yti_net_value yti_net_pool(yti_net *net, yti_net_op op, yti_net_value x, int kernel, int stride, int pad,
                           const char *scope) {
    if (net->status != YT_OK) return -1;
    const int64_t *of = net->tensors[x].dims;
    const int64_t dims[4] = {of[0], of[1], window_out(of[2], kernel, stride, pad, 1),
                             window_out(of[3], kernel, stride, pad, 1)};
    return with_attr(net, op, &x, 1, (yti_net_attr){.kernel = kernel, .stride = stride, .pad = pad}, 4, dims, scope);
}

static int64_t plus(int64_t side, int64_t more) {
    return side == YTI_NET_OPEN ? side : side + more;
}

yti_net_value yti_net_pad(yti_net *net, yti_net_value x, int left, int right, int top, int bottom, const char *scope) {
    if (net->status != YT_OK) return -1;
    const yti_net_value sides = yti_net_int_list(net, 8, (const int64_t[]){0, 0, top, left, 0, 0, bottom, right});
    const int64_t *of = net->tensors[x].dims;
    const int64_t dims[4] = {of[0], of[1], plus(of[2], top + bottom), plus(of[3], left + right)};
    return with_attr(net, YTI_NET_PAD, (const yti_net_value[]){x, sides}, 2, (yti_net_attr){0}, 4, dims, scope);
}

static int64_t times(int64_t side, int64_t factor) {
    return side == YTI_NET_OPEN ? side : side * factor;
}

yti_net_value yti_net_resize(yti_net *net, yti_net_value x, int factor, const char *scope) {
    if (net->status != YT_OK) return -1;
    char name[32];
    snprintf(name, sizeof name, "scales_%d", factor);
    const float by = (float)factor;
    const yti_net_value scales = yti_net_floats(net, name, 1, (int64_t[]){4}, (const float[]){1, 1, by, by});
    if (net->status != YT_OK) return -1;
    const int64_t *of = net->tensors[x].dims;
    const int64_t dims[4] = {of[0], of[1], times(of[2], factor), times(of[3], factor)};
    return with_attr(net, YTI_NET_RESIZE, (const yti_net_value[]){x, -1, scales}, 3, (yti_net_attr){.factor = factor},
                     4, dims, scope);
}

yti_net_value yti_net_unary(yti_net *net, yti_net_op op, yti_net_value x, const char *scope) {
    if (net->status != YT_OK) return -1;
    const yti_net_tensor of = net->tensors[x];
    return with_attr(net, op, &x, 1, (yti_net_attr){.axis = of.n_dims - 1}, of.n_dims, of.dims, scope);
}

yti_net_value yti_net_leaky_relu(yti_net *net, yti_net_value x, float slope, const char *scope) {
    if (net->status != YT_OK) return -1;
    const yti_net_tensor of = net->tensors[x];
    return with_attr(net, YTI_NET_LEAKY_RELU, &x, 1, (yti_net_attr){.slope = slope}, of.n_dims, of.dims, scope);
}

/* Dimensions as NumPy broadcasts: aligned at the last one, where a 1 gives way. */
yti_net_value yti_net_binary(yti_net *net, yti_net_op op, yti_net_value a, yti_net_value b, const char *scope) {
    if (net->status != YT_OK) return -1;
    const yti_net_tensor *ta = &net->tensors[a], *tb = &net->tensors[b];
    const int n = ta->n_dims > tb->n_dims ? ta->n_dims : tb->n_dims;
    int64_t dims[YTI_NET_DIMS];
    for (int i = 0; i < n; i++) {
        const int ia = i - (n - ta->n_dims), ib = i - (n - tb->n_dims);
        const int64_t da = ia < 0 ? 1 : ta->dims[ia], db = ib < 0 ? 1 : tb->dims[ib];
        dims[i] = da == 1 ? db : da;
    }
    return with_attr(net, op, (const yti_net_value[]){a, b}, 2, (yti_net_attr){0}, n, dims, scope);
}

yti_net_value yti_net_matmul(yti_net *net, yti_net_value a, yti_net_value b, const char *scope) {
    if (net->status != YT_OK) return -1;
    yti_net_tensor of = net->tensors[a];
    of.dims[of.n_dims - 1] = net->tensors[b].dims[of.n_dims - 1];
    return with_attr(net, YTI_NET_MATMUL, (const yti_net_value[]){a, b}, 2, (yti_net_attr){0}, of.n_dims, of.dims,
                     scope);
}

yti_net_value yti_net_concat(yti_net *net, const yti_net_value *x, int n, int axis, const char *scope) {
    if (net->status != YT_OK) return -1;
    yti_net_tensor of = net->tensors[x[0]];
    for (int i = 1; i < n; i++) {
        const int64_t more = net->tensors[x[i]].dims[axis];
        of.dims[axis] = more == YTI_NET_OPEN || of.dims[axis] == YTI_NET_OPEN ? YTI_NET_OPEN : of.dims[axis] + more;
    }
    return with_attr(net, YTI_NET_CONCAT, x, n, (yti_net_attr){.axis = axis}, of.n_dims, of.dims, scope);
}

yti_net_value yti_net_slice(yti_net *net, yti_net_value x, int axis, int64_t first, int64_t count, const char *scope) {
    const yti_net_value from = yti_net_int_list(net, 1, &first),
                        to = yti_net_int_list(net, 1, &(int64_t){first + count}),
                        along = yti_net_int_list(net, 1, &(int64_t){axis});
    if (net->status != YT_OK) return -1;
    yti_net_tensor of = net->tensors[x];
    of.dims[axis] = count;
    return with_attr(net, YTI_NET_SLICE, (const yti_net_value[]){x, from, to, along}, 4, (yti_net_attr){.axis = axis},
                     of.n_dims, of.dims, scope);
}

yti_net_value yti_net_reshape_to(yti_net *net, yti_net_value x, yti_net_value shape, int n_dims, const int64_t *dims,
                                 const char *scope) {
    if (net->status != YT_OK) return -1;
    return with_attr(net, YTI_NET_RESHAPE, (const yti_net_value[]){x, shape}, 2, (yti_net_attr){0}, n_dims, dims,
                     scope);
}

yti_net_value yti_net_reshape(yti_net *net, yti_net_value x, int n_dims, const int64_t *dims, const char *scope) {
    const yti_net_value shape = yti_net_int_list(net, n_dims, dims);
    if (net->status != YT_OK) return -1;
    int64_t known[YTI_NET_DIMS];
    for (int i = 0; i < n_dims; i++) known[i] = dims[i] ? dims[i] : net->tensors[x].dims[i];
    return yti_net_reshape_to(net, x, shape, n_dims, known, scope);
}

yti_net_value yti_net_transpose(yti_net *net, yti_net_value x, const int *perm, const char *scope) {
    if (net->status != YT_OK) return -1;
    const yti_net_tensor *of = &net->tensors[x];
    yti_net_attr attr = {.n_perm = of->n_dims};
    int64_t dims[YTI_NET_DIMS];
    for (int i = 0; i < of->n_dims; i++) {
        attr.perm[i] = perm[i];
        dims[i] = of->dims[perm[i]];
    }
    return with_attr(net, YTI_NET_TRANSPOSE, &x, 1, attr, of->n_dims, dims, scope);
}

yti_net_value yti_net_unsqueeze(yti_net *net, yti_net_value x, int axis, const char *scope) {
    const yti_net_value axes = yti_net_int_list(net, 1, &(int64_t){axis});
    if (net->status != YT_OK) return -1;
    const yti_net_tensor *of = &net->tensors[x];
    int64_t dims[YTI_NET_DIMS];
    for (int i = 0; i <= of->n_dims; i++) dims[i] = i < axis ? of->dims[i] : i == axis ? 1 : of->dims[i - 1];
    return with_attr(net, YTI_NET_UNSQUEEZE, (const yti_net_value[]){x, axes}, 2, (yti_net_attr){.axis = axis},
                     of->n_dims + 1, dims, scope);
}

yti_net_value yti_net_cast(yti_net *net, yti_net_value x, yti_net_type to, const char *scope) {
    yti_net_node *node = add_node(net, YTI_NET_CAST, &x, 1, scope);
    if (!node) return -1;
    node->attr.to = to;
    const yti_net_tensor of = net->tensors[x];
    return add_result(net, node, to, of.n_dims, of.dims);
}

yti_net_value yti_net_reduce(yti_net *net, yti_net_op op, yti_net_value x, int axis, const char *scope) {
    const yti_net_value axes = yti_net_int_list(net, 1, &(int64_t){axis});
    if (net->status != YT_OK) return -1;
    const yti_net_tensor *of = &net->tensors[x];
    int64_t dims[YTI_NET_DIMS];
    for (int i = 0; i < of->n_dims - 1; i++) dims[i] = of->dims[i < axis ? i : i + 1];
    return with_attr(net, op, (const yti_net_value[]){x, axes}, 2, (yti_net_attr){.axis = axis}, of->n_dims - 1, dims,
                     scope);
}

yti_net_value yti_net_top_k(yti_net *net, yti_net_value x, int64_t k, int axis, yti_net_value *index,
                            const char *scope) {
    const yti_net_value count = yti_net_int_list(net, 1, &k);
    yti_net_node *node = add_node(net, YTI_NET_TOP_K, (const yti_net_value[]){x, count}, 2, scope);
    if (!node) return -1;
    node->attr.axis = axis;
    yti_net_tensor of = net->tensors[x];
    of.dims[axis] = k;
    const yti_net_value values = add_result(net, node, of.type, of.n_dims, of.dims);
    *index = add_result(net, node, YTI_NET_INT64, of.n_dims, of.dims);
    return values;
}

yti_net_value yti_net_gather(yti_net *net, yti_net_op op, yti_net_value x, yti_net_value index, int axis,
                             const char *scope) {
    if (net->status != YT_OK) return -1;
    const yti_net_tensor *of = &net->tensors[x], *at = &net->tensors[index];
    int64_t dims[YTI_NET_DIMS];
    int n_dims = of->n_dims;
    for (int i = 0; i < n_dims; i++) dims[i] = op == YTI_NET_GATHER_ELEMENTS ? at->dims[i] : of->dims[i];
    if (op == YTI_NET_GATHER) dims[axis] = at->dims[0];
    if (op == YTI_NET_GATHER_ND) { /* rows of index name the first dimensions of x */
        const int named = (int)at->dims[1];
        dims[0] = at->dims[0];
        n_dims = 1 + of->n_dims - named;
        for (int i = 1; i < n_dims; i++) dims[i] = of->dims[named + i - 1];
    }
    return with_attr(net, op, (const yti_net_value[]){x, index}, 2, (yti_net_attr){.axis = axis}, n_dims, dims, scope);
}
