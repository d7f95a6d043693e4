/* ncnn.c: see ncnn.h. Blobs there have no batch, so dimensions and axes lose their first; a blob is read once, so what
 * has several readers is copied by a Split layer; x * sigmoid(x) is one layer, Swish.
 */
#include "export/ncnn.h"
#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAGIC = 7767517, HALF_FLAG = 0x01306B47 /* before weights of 16 bits; 0: of 32 */ };

typedef struct writer {
    const yti_net *net;
    FILE *param, *bin;
    bool half;
    yti_half_loss *loss;
    int *readers;  /* by value: how many layers read it */
    int *given;    /* by value: how many of these have been given their copy */
    bool *written; /* by value: a constant that is a blob already */
    int layers, blobs;
    yt_status status;
    yt_err *err;
} writer;

/* ---- names and shapes ---- */

static const yti_net_tensor *of(const writer *w, yti_net_value value) {
    return &w->net->tensors[value];
}

/* out0, out1, ... for results, in0 for the input. */
static void blob_name(const writer *w, yti_net_value value, char *name, size_t room) {
    if (value == w->net->input) {
        snprintf(name, room, "in0");
        return;
    }
    for (int i = 0; i < w->net->n_outputs; i++)
        if (w->net->outputs[i] == value) {
            snprintf(name, room, "out%d", i);
            return;
        }
    snprintf(name, room, "b%d", value);
}

/* The name under which the next reader gets a value. */
static void read_name(writer *w, yti_net_value value, char *name, size_t room) {
    blob_name(w, value, name, room);
    if (w->readers[value] < 2) return;
    const size_t used = strlen(name);
    snprintf(name + used, room - used, "_%d", w->given[value]++);
}

static bool is_scalar(const writer *w, yti_net_value value) {
    return of(w, value)->is_constant && of(w, value)->n_dims == 0;
}

/* ---- lines ---- */

/* "Type name inputs outputs in... out" without its parameters, which follow on the same line. */
static void begin_layer(writer *w, const char *type, const char *name, const yti_net_value *inputs, int n,
                        yti_net_value output) {
    char blob[64];
    fprintf(w->param, "%s %s %d 1", type, name, n);
    for (int i = 0; i < n; i++) {
        read_name(w, inputs[i], blob, sizeof blob);
        fprintf(w->param, " %s", blob);
    }
    blob_name(w, output, blob, sizeof blob);
    fprintf(w->param, " %s", blob);
    w->layers++;
    w->blobs++;
}

/* Ends a layer; where its output has several readers, a copy for each follows. */
static void end_layer(writer *w, yti_net_value output) {
    fputc('\n', w->param);
    const int readers = w->readers[output];
    if (readers < 2) return;
    char blob[64];
    blob_name(w, output, blob, sizeof blob);
    fprintf(w->param, "Split split_%s 1 %d %s", blob, readers, blob);
    for (int i = 0; i < readers; i++) fprintf(w->param, " %s_%d", blob, i);
    fputc('\n', w->param);
    w->layers++;
    w->blobs += readers;
}

/* Parameters "0=w 1=h 2=c" of a shape without its batch. */
static void put_shape(writer *w, const int64_t *dims, int n) {
    static const int ids[3] = {0, 1, 2};
    for (int i = 0; i < n; i++) fprintf(w->param, " %d=%lld", ids[i], (long long)dims[n - 1 - i]);
}

/* ---- weights ---- */

static void fail(writer *w, yt_status status) {
    if (w->status == YT_OK) w->status = status;
}

/* Deconvolution wants [output][input], where the file order of a transposed convolution is [input][output]. */
static void put_floats(const writer *w, const yti_net_tensor *t, const float *values, bool swapped) {
    if (!swapped) {
        fwrite(values, sizeof *values, yti_net_count(t), w->bin); /* commit asks ferror */
        return;
    }
    const int64_t in = t->dims[0], out = t->dims[1], taps = t->dims[2] * t->dims[3];
    for (int64_t o = 0; o < out; o++)
        for (int64_t i = 0; i < in; i++) fwrite(values + (i * out + o) * taps, sizeof *values, (size_t)taps, w->bin);
}

static void put_halves(writer *w, const yti_net_tensor *t, const float *values) {
    static const uint16_t padding;
    const size_t count = yti_net_count(t);
    uint16_t *half = malloc(count * sizeof *half + 1);
    if (!half) {
        fail(w, yti_no_memory(w->err, "tensor %s", t->name));
        return;
    }
    yti_half_convert(t->name, values, count, half, w->loss);
    fwrite(half, sizeof *half, count, w->bin);
    if (count % 2) fwrite(&padding, sizeof padding, 1, w->bin);
    free(half);
}

/* flagged: a number before the weights says whether they are of 16 bits. Those of a transposed convolution stay in 32.
 */
static void put_weight(writer *w, yti_net_value value, bool flagged, bool swapped) {
    const yti_net_tensor *t = of(w, value);
    const bool half = w->half && flagged && !swapped;
    const uint32_t flag = half ? HALF_FLAG : 0;
    float *values = NULL;
    if (w->status == YT_OK) fail(w, yti_net_values(w->net, value, &values, w->err));
    if (w->status != YT_OK) return;
    if (flagged) fwrite(&flag, sizeof flag, 1, w->bin);
    if (half)
        put_halves(w, t, values);
    else
        put_floats(w, t, values, swapped);
    free(values);
}

/* A constant that a layer reads as a blob, with as many dimensions as the other side of the operation. */
static void put_memory(writer *w, yti_net_value value, int n_dims) {
    const yti_net_tensor *t = of(w, value);
    int64_t dims[YTI_NET_DIMS];
    const int missing = n_dims - (t->n_dims > n_dims ? n_dims : t->n_dims), over = t->n_dims - (n_dims - missing);
    for (int i = 0; i < n_dims; i++) dims[i] = i < missing ? 1 : t->dims[over + i - missing];
    begin_layer(w, "MemoryData", t->name, NULL, 0, value);
    put_shape(w, dims, n_dims);
    end_layer(w, value);
    fwrite(t->data, sizeof(float), yti_net_count(t), w->bin);
}

/* ---- layers ---- */

static void put_window(writer *w, const yti_net_attr *a) {
    fprintf(w->param, " 1=%d 2=%d 3=%d 4=%d", a->kernel, a->dilation, a->stride, a->pad);
}

static void put_conv(writer *w, const yti_net_node *n) {
    const yti_net_tensor *weight = of(w, n->inputs[1]);
    const bool bias = n->n_inputs > 2, transposed = n->op == YTI_NET_CONV_TRANSPOSE, grouped = n->attr.group > 1;
    const char *type = transposed ? "Deconvolution" : grouped ? "ConvolutionDepthWise" : "Convolution";
    begin_layer(w, type, n->name, n->inputs, 1, n->outputs[0]);
    fprintf(w->param, " 0=%lld", (long long)of(w, n->outputs[0])->dims[1]);
    put_window(w, &n->attr);
    fprintf(w->param, " 5=%d 6=%zu", bias, yti_net_count(weight));
    if (grouped) fprintf(w->param, " 7=%d", n->attr.group);
    end_layer(w, n->outputs[0]);
    put_weight(w, n->inputs[1], true, transposed);
    if (bias) put_weight(w, n->inputs[2], false, false);
}

/* The letters of the new order, innermost first, as an index into ncnn's list: WHC HWC WCH CWH HCW CHW. */
static int order_of(const yti_net_attr *a) {
    static const char *const orders[] = {"WHC", "HWC", "WCH", "CWH", "HCW", "CHW"};
    static const char letters[] = "CHW";
    if (a->n_perm == 3) return a->perm[1] == 2; /* WH or HW */
    const char wanted[4] = {letters[a->perm[3] - 1], letters[a->perm[2] - 1], letters[a->perm[1] - 1], '\0'};
    for (int i = 0; i < 6; i++)
        if (strcmp(orders[i], wanted) == 0) return i;
    return 0;
}

static void put_binary(writer *w, const yti_net_node *n) {
    const int op = n->op == YTI_NET_ADD ? 0 : n->op == YTI_NET_SUB ? 1 : n->op == YTI_NET_MUL ? 2 : 3;
    const int n_dims = of(w, n->outputs[0])->n_dims - 1;
    if (is_scalar(w, n->inputs[1])) {
        begin_layer(w, "BinaryOp", n->name, n->inputs, 1, n->outputs[0]);
        fprintf(w->param, " 0=%d 1=1 2=%.9e", op, (double)*(const float *)of(w, n->inputs[1])->data);
    } else {
        for (int i = 0; i < 2; i++)
            if (of(w, n->inputs[i])->is_constant && !w->written[n->inputs[i]]) {
                w->written[n->inputs[i]] = true;
                put_memory(w, n->inputs[i], n_dims);
            }
        begin_layer(w, "BinaryOp", n->name, n->inputs, 2, n->outputs[0]);
        fprintf(w->param, " 0=%d", op);
    }
    end_layer(w, n->outputs[0]);
}

/* Whether a node is x * sigmoid(x), of which sigmoid(x) has no other reader. */
static bool is_swish(const writer *w, const yti_net_node *n) {
    if (n->op != YTI_NET_MUL || w->readers[n->inputs[1]] != 1) return false;
    for (int i = 0; i < w->net->n_nodes; i++) {
        const yti_net_node *s = &w->net->nodes[i];
        if (s->outputs[0] == n->inputs[1]) return s->op == YTI_NET_SIGMOID && s->inputs[0] == n->inputs[0];
    }
    return false;
}

static bool feeds_swish(const writer *w, const yti_net_node *sigmoid) {
    for (int i = 0; i < w->net->n_nodes; i++) {
        const yti_net_node *n = &w->net->nodes[i];
        if (n->n_inputs == 2 && n->inputs[1] == sigmoid->outputs[0]) return is_swish(w, n);
    }
    return false;
}

static void put_plain(writer *w, const yti_net_node *n, const char *type, const char *parameters) {
    begin_layer(w, type, n->name, n->inputs, 1, n->outputs[0]);
    fputs(parameters, w->param);
    end_layer(w, n->outputs[0]);
}

static void put_node(writer *w, const yti_net_node *n) {
    const yti_net_attr *a = &n->attr;
    const yti_net_tensor *out = of(w, n->outputs[0]);
    const int axis = a->axis - 1; /* there is no batch */
    char text[96] = "";
    switch (n->op) {
    case YTI_NET_CONV:
    case YTI_NET_CONV_TRANSPOSE:
        put_conv(w, n);
        break;
    case YTI_NET_MAX_POOL:
    case YTI_NET_AVERAGE_POOL:
        snprintf(text, sizeof text, " 0=%d 1=%d 2=%d 3=%d 5=1 6=1", n->op == YTI_NET_AVERAGE_POOL, a->kernel, a->stride,
                 a->pad);
        put_plain(w, n, "Pooling", text);
        break;
    case YTI_NET_PAD: {
        const int64_t *sides = of(w, n->inputs[1])->data; /* begin and end of each dimension */
        snprintf(text, sizeof text, " 0=%d 1=%d 2=%d 3=%d 4=0", (int)sides[2], (int)sides[6], (int)sides[3],
                 (int)sides[7]);
        put_plain(w, n, "Padding", text);
        break;
    }
    case YTI_NET_RESIZE:
        snprintf(text, sizeof text, " 0=1 1=%d.0 2=%d.0", a->factor, a->factor);
        put_plain(w, n, "Interp", text);
        break;
    case YTI_NET_CONCAT:
        begin_layer(w, "Concat", n->name, n->inputs, n->n_inputs, n->outputs[0]);
        fprintf(w->param, " 0=%d", axis);
        end_layer(w, n->outputs[0]);
        break;
    case YTI_NET_SLICE:
        snprintf(text, sizeof text, " -23309=1,%lld -23310=1,%lld -23311=1,%d",
                 (long long)*(const int64_t *)of(w, n->inputs[1])->data,
                 (long long)*(const int64_t *)of(w, n->inputs[2])->data, axis);
        put_plain(w, n, "Crop", text);
        break;
    case YTI_NET_RESHAPE:
        begin_layer(w, "Reshape", n->name, n->inputs, 1, n->outputs[0]);
        put_shape(w, out->dims + 1, out->n_dims - 1);
        end_layer(w, n->outputs[0]);
        break;
    case YTI_NET_TRANSPOSE:
        snprintf(text, sizeof text, " 0=%d", order_of(a));
        put_plain(w, n, "Permute", text);
        break;
    case YTI_NET_ADD:
    case YTI_NET_SUB:
    case YTI_NET_DIV:
        put_binary(w, n);
        break;
    case YTI_NET_MUL:
        if (is_swish(w, n))
            put_plain(w, n, "Swish", "");
        else
            put_binary(w, n);
        break;
    case YTI_NET_MATMUL:
        begin_layer(w, "MatMul", n->name, n->inputs, 2, n->outputs[0]);
        end_layer(w, n->outputs[0]);
        break;
    case YTI_NET_SOFTMAX:
        snprintf(text, sizeof text, " 0=%d 1=1", axis);
        put_plain(w, n, "Softmax", text);
        break;
    case YTI_NET_SIGMOID:
        if (!feeds_swish(w, n)) put_plain(w, n, "Sigmoid", "");
        break;
    case YTI_NET_TANH:
        put_plain(w, n, "TanH", "");
        break;
    case YTI_NET_RELU:
        put_plain(w, n, "ReLU", "");
        break;
    case YTI_NET_LEAKY_RELU:
        snprintf(text, sizeof text, " 0=%.9e", (double)a->slope);
        put_plain(w, n, "ReLU", text);
        break;
    case YTI_NET_HARD_SIGMOID:
        put_plain(w, n, "HardSigmoid", " 0=1.666666716e-01 1=5.000000000e-01");
        break;
    case YTI_NET_REDUCE_SUM:
        snprintf(text, sizeof text, " 0=0 1=0 -23303=1,%d 4=0 5=1", axis);
        put_plain(w, n, "Reduction", text);
        break;
    default:
        fail(w, yt_fail(w->err, YT_ERR_MODEL, "%s: ncnn has no layer for %s", n->name, yti_net_op_name(n->op)));
    }
}

/* Which inputs of a node are blobs: weights, shapes and numbers are parameters of layers. */
static int blobs_of(const writer *w, const yti_net_node *n) {
    switch (n->op) {
    case YTI_NET_CONCAT:
        return n->n_inputs;
    case YTI_NET_ADD:
    case YTI_NET_SUB:
    case YTI_NET_MUL:
    case YTI_NET_DIV:
        return is_scalar(w, n->inputs[1]) ? 1 : 2;
    case YTI_NET_MATMUL:
        return 2;
    default:
        return 1;
    }
}

static void count_readers(writer *w) {
    for (int i = 0; i < w->net->n_nodes; i++)
        for (int k = 0; k < blobs_of(w, &w->net->nodes[i]); k++) w->readers[w->net->nodes[i].inputs[k]]++;
    for (int i = 0; i < w->net->n_nodes; i++) /* the two readers of x in x * sigmoid(x) are one */
        if (is_swish(w, &w->net->nodes[i])) w->readers[w->net->nodes[i].inputs[0]]--;
}

static yt_status check_batch(const yti_net *net, yt_err *err) {
    for (int i = 0; i < net->n_nodes; i++) {
        const yti_net_tensor *t = &net->tensors[net->nodes[i].outputs[0]];
        if (t->n_dims > 4 || t->dims[0] != 1)
            return yt_fail(err, YT_ERR_MODEL,
                           "%s: ncnn works on one image at a time, and this operation, or --batch, makes more of it",
                           net->nodes[i].name);
        for (int d = 0; d < t->n_dims; d++)
            if (t->dims[d] == YTI_NET_OPEN)
                return yt_fail(err, YT_ERR_MODEL, "%s: ncnn files have a fixed size; leave --dynamic out",
                               net->nodes[i].name);
    }
    return YT_OK;
}

/* The layers go to a text first: how many there are stands above them. */
static yt_status write_layers(const yti_net *net, bool half, yti_half_loss *loss, FILE *param, FILE *bin, int *layers,
                              int *blobs, yt_err *err) {
    writer w = {.net = net, .param = param, .bin = bin, .half = half, .loss = loss, .status = YT_OK, .err = err};
    w.readers = calloc((size_t)net->n_tensors + 1, sizeof *w.readers);
    w.given = calloc((size_t)net->n_tensors + 1, sizeof *w.given);
    w.written = calloc((size_t)net->n_tensors + 1, sizeof *w.written);
    if (!w.readers || !w.given || !w.written) w.status = yti_no_memory(err, "the exported network");
    if (w.status == YT_OK) {
        count_readers(&w);
        begin_layer(&w, "Input", "in0", NULL, 0, net->input);
        put_shape(&w, net->tensors[net->input].dims + 1, 3);
        end_layer(&w, net->input);
        for (int i = 0; i < net->n_nodes && w.status == YT_OK; i++) put_node(&w, &net->nodes[i]);
    }
    *layers = w.layers;
    *blobs = w.blobs;
    free(w.readers);
    free(w.given);
    free(w.written);
    return w.status;
}

static yt_status write_text(const char *folder, const char *name, const char *head, const char *text, yt_err *err) {
    char *path = yti_path_join(folder, name);
    yti_file_writer file;
    yt_status status = path ? yti_file_writer_open(path, &file, err) : yti_no_memory(err, "the name of a file");
    if (status == YT_OK) {
        fprintf(file.stream, "%s%s", head, text);
        status = yti_file_writer_commit(&file, err);
    }
    free(path);
    return status;
}

/* In double quotes, as YAML and JSON have it. */
static void put_quoted(FILE *out, const char *text) {
    putc('"', out);
    for (const char *c = text; *c; c++) {
        if (yti_text_is_control(*c)) {
            fprintf(out, "\\x%02x", (unsigned char)*c);
            continue;
        }
        if (*c == '"' || *c == '\\') putc('\\', out);
        putc(*c, out);
    }
    putc('"', out);
}

/* What means the same in YAML as in Python: lists, maps, numbers, truths. */
static bool is_plain(const char *text) {
    return *text == '[' || *text == '{' || strcmp(text, "True") == 0 || strcmp(text, "False") == 0 ||
           (*text && !text[strspn(text, "0123456789")]);
}

/* The pairs, and the names as a map. */
static yt_status write_metadata(const char *folder, const yti_metadata *metadata, const yti_class_names *names,
                                yt_err *err) {
    yti_text_stream stream;
    if (!yti_text_open(&stream)) return yti_no_memory(err, "the metadata");
    for (size_t i = 0; i < metadata->count; i++) {
        const char *key = metadata->keys[i], *value = metadata->values[i];
        if (strcmp(key, "names") == 0) continue;
        fprintf(stream.out, "%s: ", key);
        if (is_plain(value))
            fputs(value, stream.out);
        else
            put_quoted(stream.out, value);
        putc('\n', stream.out);
    }
    fputs("names:\n", stream.out);
    for (int i = 0; i < names->count; i++) {
        fprintf(stream.out, "  %d: ", i);
        put_quoted(stream.out, names->names[i]);
        putc('\n', stream.out);
    }
    char *text = yti_text_close(&stream);
    const yt_status status = text ? write_text(folder, "metadata.yaml", "", text, err)
                                  : yti_no_memory(err, "the metadata");
    free(text);
    return status;
}

/* bin, then the list of layers, without which a folder is none of ncnn's. */
static yt_status write_folder(const yti_net *net, const yti_ncnn_folder *folder, yti_half_loss *loss, yt_err *err) {
    yti_text_stream stream;
    yti_file_writer bin;
    char *path = yti_path_join(folder->path, "model.ncnn.bin"), head[48];
    int layers = 0, blobs = 0;
    if (!path || !yti_text_open(&stream)) {
        free(path);
        return yti_no_memory(err, "the exported network");
    }
    yt_status status = yti_file_writer_open(path, &bin, err);
    if (status == YT_OK) {
        status = write_layers(net, folder->half, loss, stream.out, bin.stream, &layers, &blobs, err);
        if (status == YT_OK)
            status = yti_file_writer_commit(&bin, err);
        else
            yti_file_writer_discard(&bin);
    }
    char *text = yti_text_close(&stream);
    if (status == YT_OK && !text) status = yti_no_memory(err, "the exported network");
    if (status == YT_OK) status = write_metadata(folder->path, folder->metadata, folder->names, err);
    snprintf(head, sizeof head, "%d\n%d %d\n", MAGIC, layers, blobs);
    if (status == YT_OK) status = write_text(folder->path, "model.ncnn.param", head, text, err);
    free(text);
    free(path);
    return status;
}

yt_status yti_ncnn_write(const yti_net *net, const yti_ncnn_folder *folder, yti_half_loss *loss, yt_err *err) {
    YT_TRY(check_batch(net, err));
    const bool is_new = !yti_path_exists(folder->path);
    YT_TRY(yti_path_make_dirs(folder->path, err));
    const yt_status status = write_folder(net, folder, loss, err);
    if (status != YT_OK && is_new) rmdir(folder->path); /* where it is empty */
    return status;
}
