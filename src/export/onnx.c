/* onnx.c: the wire format of a ModelProto; see onnx.h. The lengths of all parts are known before the values are, so the
 * weights go from the model to the file one by one.
 *
 * Field numbers are those of onnx.proto. What operators want as an attribute in one version of the operator set and as
 * an input in another is decided in write_node alone.
 */
#include "export/onnx.h"
#include "base/file.h"
#include "base/half.h"
#include "base/protobuf.h"
#include "yolotrain/version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* message.field = number */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_VERSION = 5,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OP = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_FLOAT = 2,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_STRING = 4,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_TYPE = 20,
    TENSOR_DIM = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_TYPE_ELEMENT = 1,
    TENSOR_TYPE_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
    DIM_NAME = 2,
    OPSET_DOMAIN = 1,
    OPSET_VERSION = 2,
    PAIR_KEY = 1,
    PAIR_VALUE = 2
};
enum { IS_FLOAT = 1, IS_INT = 2, IS_STRING = 3, IS_INTS = 7 }; /* AttributeProto.AttributeType */

/* TensorProto.DataType, and bytes per value */
static const struct {
    int code;
    size_t bytes;
} types[] = {[YTI_NET_FLOAT] = {1, 4}, [YTI_NET_HALF] = {10, 2}, [YTI_NET_INT64] = {7, 8},
             [YTI_NET_UINT8] = {2, 1}, [YTI_NET_INT8] = {3, 1},  [YTI_NET_INT32] = {6, 4}};

/* The lowest version of the format that goes with an operator set, by set from YTI_ONNX_MIN_OPSET on ("Versioning"). */
static const int ir_versions[] = {6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 10, 10};

static void put_text(yti_bytes *to, int field, const char *text) {
    yti_protobuf_bytes(to, field, text, strlen(text));
}

/* ---- nodes ---- */

/* Attributes are written in the order of their names, as all writers do. */
static void put_attribute(yti_bytes *node, const char *name, const yti_bytes *value, int type) {
    yti_bytes a = {0};
    put_text(&a, ATTRIBUTE_NAME, name);
    yti_bytes_append(&a, value->at, value->used);
    yti_protobuf_varint(&a, ATTRIBUTE_TYPE, (uint64_t)type);
    a.failed |= value->failed;
    yti_protobuf_message(node, NODE_ATTRIBUTE, &a);
    yti_bytes_free(&a);
}

static void put_int(yti_bytes *node, const char *name, int64_t value) {
    yti_bytes v = {0};
    yti_protobuf_varint(&v, ATTRIBUTE_INT, (uint64_t)value);
    put_attribute(node, name, &v, IS_INT);
    yti_bytes_free(&v);
}

static void put_float(yti_bytes *node, const char *name, float value) {
    yti_bytes v = {0};
    yti_protobuf_float(&v, ATTRIBUTE_FLOAT, value);
    put_attribute(node, name, &v, IS_FLOAT);
    yti_bytes_free(&v);
}

static void put_string(yti_bytes *node, const char *name, const char *value) {
    yti_bytes v = {0};
    put_text(&v, ATTRIBUTE_STRING, value);
    put_attribute(node, name, &v, IS_STRING);
    yti_bytes_free(&v);
}

static void put_ints(yti_bytes *node, const char *name, const int *values, int n) {
    yti_bytes v = {0};
    for (int i = 0; i < n; i++) yti_protobuf_varint(&v, ATTRIBUTE_INTS, (uint64_t)(int64_t)values[i]);
    put_attribute(node, name, &v, IS_INTS);
    yti_bytes_free(&v);
}

/* The same number for every side. */
static void put_sides(yti_bytes *node, const char *name, int value, int n) {
    put_ints(node, name, (const int[]){value, value, value, value}, n);
}

static void put_window(yti_bytes *node, const yti_net_attr *a) {
    put_sides(node, "kernel_shape", a->kernel, 2);
    put_sides(node, "pads", a->pad, 4);
    put_sides(node, "strides", a->stride, 2);
}

/* Whether an axis is given as an input, the last one of the node, and no longer as an attribute. */
static bool axis_is_input(yti_net_op op, int opset) {
    return opset >= (op == YTI_NET_REDUCE_MAX ? 18 : 13);
}

static void put_attributes(yti_bytes *to, const yti_net_node *node, int opset) {
    const yti_net_attr *a = &node->attr;
    switch (node->op) {
    case YTI_NET_CONV:
    case YTI_NET_CONV_TRANSPOSE:
        put_sides(to, "dilations", a->dilation, 2);
        put_int(to, "group", a->group);
        put_window(to, a);
        break;
    case YTI_NET_AVERAGE_POOL:
        put_int(to, "count_include_pad", 1);
        put_window(to, a);
        break;
    case YTI_NET_MAX_POOL:
        put_window(to, a);
        break;
    case YTI_NET_RESIZE: /* what every engine computes, those that do not read these attributes too */
        put_string(to, "coordinate_transformation_mode", "asymmetric");
        put_string(to, "mode", "nearest");
        put_string(to, "nearest_mode", "floor");
        break;
    case YTI_NET_CONCAT:
    case YTI_NET_GATHER:
    case YTI_NET_GATHER_ELEMENTS:
        put_int(to, "axis", a->axis);
        break;
    case YTI_NET_SOFTMAX:
        put_int(to, "axis", opset >= 13 ? -1 : a->axis);
        break;
    case YTI_NET_TOP_K:
        put_int(to, "axis", a->axis);
        put_int(to, "largest", 1);
        put_int(to, "sorted", 1);
        break;
    case YTI_NET_TRANSPOSE:
        put_ints(to, "perm", a->perm, a->n_perm);
        break;
    case YTI_NET_CAST:
        put_int(to, "to", types[a->to].code);
        break;
    case YTI_NET_LEAKY_RELU:
        put_float(to, "alpha", a->slope);
        break;
    case YTI_NET_HARD_SIGMOID:
        put_float(to, "alpha", 1.f / 6);
        put_float(to, "beta", 0.5f);
        break;
    case YTI_NET_REDUCE_SUM:
    case YTI_NET_REDUCE_MAX:
        if (!axis_is_input(node->op, opset)) put_ints(to, "axes", &a->axis, 1);
        put_int(to, "keepdims", 0);
        break;
    case YTI_NET_UNSQUEEZE:
        if (!axis_is_input(node->op, opset)) put_ints(to, "axes", &a->axis, 1);
        break;
    case YTI_NET_DEQUANTIZE:
        if (a->per_channel) put_int(to, "axis", 0);
        break;
    case YTI_NET_NON_MAX_SUPPRESSION:
        put_int(to, "center_point_box", 0);
        break;
    default:
        break;
    }
}

/* How many inputs are written: an axis that is an attribute is none. */
static int inputs_of(const yti_net_node *node, int opset) {
    const bool has_axis = node->op == YTI_NET_REDUCE_SUM || node->op == YTI_NET_REDUCE_MAX ||
                          node->op == YTI_NET_UNSQUEEZE;
    return node->n_inputs - (has_axis && !axis_is_input(node->op, opset));
}

static void put_node(yti_bytes *graph, const yti_net *net, const yti_net_node *node, int opset) {
    yti_bytes n = {0};
    for (int i = 0; i < inputs_of(node, opset); i++) {
        const yti_net_value value = node->inputs[i];
        /* Before set 13 Resize wants its region of interest, if only an empty one. */
        const char *left_out = node->op == YTI_NET_RESIZE && opset < 13 ? "no_roi" : "";
        put_text(&n, NODE_INPUT, value < 0 ? left_out : net->tensors[value].name);
    }
    for (int i = 0; i < node->n_outputs; i++) put_text(&n, NODE_OUTPUT, net->tensors[node->outputs[i]].name);
    put_text(&n, NODE_NAME, node->name);
    put_text(&n, NODE_OP, yti_net_op_name(node->op));
    put_attributes(&n, node, opset);
    yti_protobuf_message(graph, GRAPH_NODE, &n);
    yti_bytes_free(&n);
}

/* ---- inputs and outputs ---- */

static void put_value(yti_bytes *graph, int field, const yti_net_tensor *t, const char *const *dim_names) {
    yti_bytes dims = {0}, tensor = {0}, type = {0}, value = {0};
    for (int i = 0; i < t->n_dims; i++) {
        yti_bytes dim = {0};
        if (t->dims[i] != YTI_NET_OPEN)
            yti_protobuf_varint(&dim, DIM_VALUE, (uint64_t)t->dims[i]);
        else if (dim_names && dim_names[i])
            put_text(&dim, DIM_NAME, dim_names[i]);
        yti_protobuf_message(&dims, SHAPE_DIM, &dim);
        yti_bytes_free(&dim);
    }
    yti_protobuf_varint(&tensor, TENSOR_TYPE_ELEMENT, (uint64_t)types[t->type].code);
    yti_protobuf_message(&tensor, TENSOR_TYPE_SHAPE, &dims);
    yti_protobuf_message(&type, TYPE_TENSOR, &tensor);
    put_text(&value, VALUE_NAME, t->name);
    yti_protobuf_message(&value, VALUE_TYPE, &type);
    yti_protobuf_message(graph, field, &value);
    yti_bytes_free(&dims);
    yti_bytes_free(&tensor);
    yti_bytes_free(&type);
    yti_bytes_free(&value);
}

/* ---- constants ---- */

static size_t bytes_of(const yti_net_tensor *t) {
    return yti_net_count(t) * types[t->type].bytes;
}

/* Offsets in the file of weights begin where a cache line does. */
static uint64_t aligned(uint64_t offset) {
    return (offset + 63) & ~(uint64_t)63;
}

static void put_pair(yti_bytes *to, int field, const char *key, const char *value) {
    yti_bytes pair = {0};
    put_text(&pair, PAIR_KEY, key);
    put_text(&pair, PAIR_VALUE, value);
    yti_protobuf_message(to, field, &pair);
    yti_bytes_free(&pair);
}

static void put_number(yti_bytes *to, int field, const char *key, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put_pair(to, field, key, text);
}

/* A constant without its values, which follow as the last field of the message unless `location` names the file that
 * holds them from `offset` on. */
static void put_constant(yti_bytes *graph, const yti_net_tensor *t, const char *location, uint64_t offset) {
    const uint64_t bytes = bytes_of(t);
    yti_bytes tensor = {0}, raw = {0};
    for (int i = 0; i < t->n_dims; i++) yti_protobuf_varint(&tensor, TENSOR_DIM, (uint64_t)t->dims[i]);
    yti_protobuf_varint(&tensor, TENSOR_TYPE, (uint64_t)types[t->type].code);
    put_text(&tensor, TENSOR_NAME, t->name);
    if (location) {
        put_pair(&tensor, TENSOR_EXTERNAL, "location", location);
        put_number(&tensor, TENSOR_EXTERNAL, "offset", offset);
        put_number(&tensor, TENSOR_EXTERNAL, "length", bytes);
        yti_protobuf_varint(&tensor, TENSOR_LOCATION, 1);
    } else {
        yti_protobuf_begin(&raw, TENSOR_RAW, bytes);
    }
    yti_protobuf_begin(graph, GRAPH_INITIALIZER, tensor.used + raw.used + (location ? 0 : bytes));
    yti_bytes_append(graph, tensor.at, tensor.used);
    yti_bytes_append(graph, raw.at, raw.used);
    graph->failed |= tensor.failed || raw.failed;
    yti_bytes_free(&tensor);
    yti_bytes_free(&raw);
}

/* Weights as codes on the scales of their output channels. */
static void put_codes(FILE *to, const yti_net_tensor *t, const float *values, size_t count) {
    const size_t per_channel = count / (size_t)t->dims[0];
    for (size_t i = 0; i < count; i++) {
        const float scale = t->scales[i / per_channel];
        const int8_t weight = (int8_t)yti_weight_code(values[i], scale);
        const int32_t bias = yti_bias_code(values[i], scale);
        if (t->type == YTI_NET_INT8)
            fwrite(&weight, sizeof weight, 1, to);
        else
            fwrite(&bias, sizeof bias, 1, to);
    }
}

/* The values of a constant in the type of the file. Machines here are little-endian, as the format is. */
static yt_status put_values(FILE *to, const yti_net *net, yti_net_value value, yti_onnx_report *report, yt_err *err) {
    const yti_net_tensor *t = &net->tensors[value];
    const size_t count = yti_net_count(t);
    if (!t->info && t->type != YTI_NET_FLOAT && t->type != YTI_NET_HALF) {
        fwrite(t->data, types[t->type].bytes, count, to); /* commit asks ferror */
        return YT_OK;
    }
    float *values;
    YT_TRY(yti_net_values(net, value, &values, err));
    uint16_t *half = t->type == YTI_NET_HALF ? malloc(count * sizeof *half + 1) : NULL;
    yt_status status = YT_OK;
    if (t->scales) {
        put_codes(to, t, values, count);
    } else if (t->type == YTI_NET_FLOAT) {
        fwrite(values, types[t->type].bytes, count, to);
    } else if (half) {
        yti_half_convert(t->name, values, count, half, &report->loss);
        fwrite(half, types[t->type].bytes, count, to);
    } else {
        status = yti_no_memory(err, "tensor %s", t->name);
    }
    free(half);
    free(values);
    return status;
}

/* ---- the file ---- */

/* Everything but the values of constants. */
typedef struct parts {
    yti_bytes head, constants, ends, tail; /* model up to the graph's length is in head */
    size_t *ends_at;                       /* by constant: where in `constants` its values belong */
    uint64_t values;                       /* bytes of all of them */
} parts;

static void free_parts(parts *p) {
    yti_bytes_free(&p->head);
    yti_bytes_free(&p->constants);
    yti_bytes_free(&p->ends);
    yti_bytes_free(&p->tail);
    free(p->ends_at);
}

static bool needs_no_roi(const yti_net *net, int opset) {
    for (int i = 0; i < net->n_nodes && opset < 13; i++)
        if (net->nodes[i].op == YTI_NET_RESIZE) return true;
    return false;
}

/* Constants that some node reads: an axis that became an attribute is none. */
static void mark_used(const yti_net *net, int opset, bool *used) {
    for (int i = 0; i < net->n_nodes; i++)
        for (int k = 0; k < inputs_of(&net->nodes[i], opset); k++)
            if (net->nodes[i].inputs[k] >= 0) used[net->nodes[i].inputs[k]] = true;
}

static yt_status make_parts(const yti_net *net, const yti_onnx_file *file, const bool *used, const char *location,
                            parts *p, yt_err *err) {
    yti_bytes nodes = {0};
    p->ends_at = calloc((size_t)net->n_tensors + 1, sizeof *p->ends_at);
    for (int i = 0; i < net->n_nodes; i++) put_node(&nodes, net, &net->nodes[i], file->opset);
    put_text(&nodes, GRAPH_NAME, file->name);
    uint64_t offset = 0;
    for (int i = 0; i < net->n_tensors && p->ends_at; i++) {
        const yti_net_tensor *t = &net->tensors[i];
        if (!used[i] || !t->is_constant) continue;
        const bool outside = location && t->info;
        put_constant(&p->constants, t, outside ? location : NULL, offset);
        p->ends_at[i] = p->constants.used;
        if (outside)
            offset = aligned(offset + bytes_of(t));
        else
            p->values += bytes_of(t);
    }
    if (needs_no_roi(net, file->opset))
        put_constant(&p->constants, &(yti_net_tensor){.name = (char[]){"no_roi"}, .n_dims = 1, .dims = {0}}, NULL, 0);
    put_value(&p->ends, GRAPH_INPUT, &net->tensors[net->input], file->input_dims);
    for (int i = 0; i < net->n_outputs; i++)
        put_value(&p->ends, GRAPH_OUTPUT, &net->tensors[net->outputs[i]], file->output_dims[i]);
    yti_protobuf_varint(&p->head, MODEL_IR_VERSION, (uint64_t)ir_versions[file->opset - YTI_ONNX_MIN_OPSET]);
    put_text(&p->head, MODEL_PRODUCER, "yolotrain");
    put_text(&p->head, MODEL_PRODUCER_VERSION, yt_version_text());
    yti_protobuf_varint(&p->head, MODEL_VERSION, 1);
    yti_protobuf_begin(&p->head, MODEL_GRAPH, nodes.used + p->constants.used + p->values + p->ends.used);
    yti_bytes_append(&p->head, nodes.at, nodes.used);
    yti_bytes opset = {0};
    put_text(&opset, OPSET_DOMAIN, "");
    yti_protobuf_varint(&opset, OPSET_VERSION, (uint64_t)file->opset);
    yti_protobuf_message(&p->tail, MODEL_OPSET, &opset);
    for (size_t i = 0; i < file->metadata->count; i++)
        put_pair(&p->tail, MODEL_METADATA, file->metadata->keys[i], file->metadata->values[i]);
    const bool failed = !p->ends_at || nodes.failed || opset.failed || p->head.failed || p->constants.failed ||
                        p->ends.failed || p->tail.failed;
    yti_bytes_free(&nodes);
    yti_bytes_free(&opset);
    return failed ? yti_no_memory(err, "the exported network") : YT_OK;
}

static yt_status write_model(const yti_net *net, const parts *p, const bool *used, const char *location, FILE *to,
                             yti_onnx_report *report, yt_err *err) {
    size_t at = 0;
    fwrite(p->head.at, 1, p->head.used, to); /* commit asks ferror */
    for (int i = 0; i < net->n_tensors; i++) {
        const yti_net_tensor *t = &net->tensors[i];
        if (!used[i] || !t->is_constant) continue;
        fwrite(p->constants.at + at, 1, p->ends_at[i] - at, to);
        at = p->ends_at[i];
        if (!location || !t->info) YT_TRY(put_values(to, net, i, report, err));
    }
    fwrite(p->constants.at + at, 1, p->constants.used - at, to);
    fwrite(p->ends.at, 1, p->ends.used, to);
    fwrite(p->tail.at, 1, p->tail.used, to);
    return YT_OK;
}

static yt_status write_weights(const yti_net *net, const bool *used, FILE *to, yti_onnx_report *report, yt_err *err) {
    static const char zeros[64];
    uint64_t offset = 0;
    for (int i = 0; i < net->n_tensors; i++) {
        const yti_net_tensor *t = &net->tensors[i];
        if (!used[i] || !t->info) continue;
        YT_TRY(put_values(to, net, i, report, err));
        const uint64_t end = offset + bytes_of(t);
        offset = aligned(end);
        fwrite(zeros, 1, (size_t)(offset - end), to);
    }
    return YT_OK;
}

/* Commits where status is good, else drops what was written. */
static yt_status finish(yti_file_writer *writer, yt_status status, yt_err *err) {
    if (status == YT_OK) return yti_file_writer_commit(writer, err);
    yti_file_writer_discard(writer);
    return status;
}

static yt_status write_files(const yti_net *net, const yti_onnx_file *file, const bool *used, const char *data_path,
                             yti_onnx_report *report, yt_err *err) {
    const char *location = data_path ? yti_path_base(data_path) : NULL;
    parts p = {0};
    yti_file_writer writer;
    yt_status status = make_parts(net, file, used, location, &p, err);
    if (status == YT_OK && data_path) { /* first, so that a model never lacks its weights */
        status = yti_file_writer_open(data_path, &writer, err);
        if (status == YT_OK) status = finish(&writer, write_weights(net, used, writer.stream, report, err), err);
    }
    if (status == YT_OK) status = yti_file_writer_open(file->path, &writer, err);
    if (status == YT_OK)
        status = finish(&writer, write_model(net, &p, used, location, writer.stream, report, err), err);
    free_parts(&p);
    return status;
}

yt_status yti_onnx_write(const yti_net *net, const yti_onnx_file *file, yti_onnx_report *report, yt_err *err) {
    *report = (yti_onnx_report){0};
    if (net->status != YT_OK) return yti_no_memory(err, "the exported network");
    bool *used = calloc((size_t)net->n_tensors + 1, sizeof *used);
    char *data_path = NULL;
    yt_status status = used ? YT_OK : yti_no_memory(err, "the exported network");
    if (status == YT_OK) {
        mark_used(net, file->opset, used);
        for (int i = 0; i < net->n_tensors; i++)
            if (used[i] && net->tensors[i].info) report->weight_bytes += bytes_of(&net->tensors[i]);
        report->external = report->weight_bytes > file->external_above;
    }
    if (status == YT_OK && report->external) {
        const size_t room = strlen(file->path) + sizeof ".data";
        data_path = malloc(room);
        if (data_path)
            snprintf(data_path, room, "%s.data", file->path);
        else
            status = yti_no_memory(err, "the name of a file");
    }
    if (status == YT_OK) status = write_files(net, file, used, data_path, report, err);
    free(data_path);
    free(used);
    return status;
}
