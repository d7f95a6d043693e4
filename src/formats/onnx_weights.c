/* onnx_weights.c: initialisers with their bytes first, then the convolutions, whose paths name what exporters have
 * renamed; see onnx_weights.h. Field numbers are those of onnx.proto.
 */
#include "formats/onnx_weights.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/protobuf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t MAX_FILE_BYTES = (size_t)16 << 30;
enum { MAX_TENSORS = 10000, MAX_OUTSIDE = 64, MAX_NAME = 256, MIN_FILE_BYTES = 8 };

/* message.field = number */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_GRAPH = 7,
    MODEL_METADATA = 14,
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    NODE_INPUT = 1,
    NODE_NAME = 3,
    NODE_OP = 4,
    TENSOR_DIM = 1,
    TENSOR_TYPE = 2,
    TENSOR_FLOATS = 4,
    TENSOR_INTS = 5, /* 16-bit floats, one each */
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_EXTERNAL = 13,
    PAIR_KEY = 1,
    PAIR_VALUE = 2
};

/* A file of values beside the ONNX file. */
typedef struct outside {
    const char *name;
    char *data;
    size_t bytes;
} outside;

struct yti_onnx_storage {
    char *bytes; /* of the file; NULL: it was given in memory, and what is needed of it copied */
    yti_arena arena;
    outside files[MAX_OUTSIDE];
    int n_files;
};

typedef struct parser {
    const char *path;
    yti_onnx_weights *out;
    size_t room; /* of out->tensors */
    bool quantized;
    yt_err *err;
} parser;

static yt_status damaged(const parser *p, const char *what) {
    return yt_fail(p->err, YT_ERR_SYNTAX, "%s: is damaged: %s", p->path, what);
}

static yt_status no_memory(const parser *p) {
    return yt_fail(p->err, YT_ERR_NO_MEMORY, "%s: no memory to read it", p->path);
}

static yti_protobuf_reader inside(const yti_protobuf_field *f) {
    return (yti_protobuf_reader){.at = f->data, .end = f->data + f->bytes};
}

static bool is(const yti_protobuf_field *f, int number, yti_wire type) {
    return f->number == number && f->type == type;
}

static void *take(const parser *p, size_t bytes) {
    return yti_arena_take(&p->out->storage->arena, bytes);
}

/* A text of the file with a NUL at its end; NULL: no memory. */
static char *copy_text(const parser *p, const uint8_t *data, size_t bytes) {
    char *text = take(p, bytes + 1);
    if (!text) return NULL;
    if (bytes) memcpy(text, data, bytes);
    text[bytes] = '\0';
    return text;
}

/* ---- values ---- */

/* An initialiser as it lies in the file. */
typedef struct initializer {
    char name[MAX_NAME];
    int n_dims;
    int64_t dims[YT_ST_MAX_DIMS];
    int type; /* TensorProto.DataType */
    const uint8_t *data;
    size_t bytes;
    char location[MAX_NAME];    /* "": in the file */
    uint64_t offset, length;    /* there; length UINT64_MAX: to its end */
    yti_protobuf_field numbers; /* the first of float_data or int32_data; number 0: none */
} initializer;

static bool fits_text(const yti_protobuf_field *f, char to[MAX_NAME]) {
    if (f->bytes >= MAX_NAME || (f->bytes && memchr(f->data, 0, f->bytes))) return false;
    if (f->bytes) memcpy(to, f->data, f->bytes);
    to[f->bytes] = '\0';
    return true;
}

/* A pair of texts, "" where one is missing or too long. */
static void read_pair(const yti_protobuf_field *field, char key[MAX_NAME], char value[MAX_NAME]) {
    yti_protobuf_reader r = inside(field);
    yti_protobuf_field f;
    key[0] = value[0] = '\0';
    while (yti_protobuf_next(&r, &f)) {
        if (is(&f, PAIR_KEY, YTI_WIRE_BYTES) && !fits_text(&f, key)) key[0] = '\0';
        if (is(&f, PAIR_VALUE, YTI_WIRE_BYTES) && !fits_text(&f, value)) value[0] = '\0';
    }
}

static void read_external(const yti_protobuf_field *field, initializer *t) {
    char key[MAX_NAME], value[MAX_NAME];
    read_pair(field, key, value);
    if (strcmp(key, "location") == 0) memcpy(t->location, value, sizeof value);
    if (strcmp(key, "offset") == 0) t->offset = strtoull(value, NULL, 10);
    if (strcmp(key, "length") == 0) t->length = strtoull(value, NULL, 10);
}

/* Dimensions come one by one, or packed in one field. */
static bool read_dims(const yti_protobuf_field *field, initializer *t) {
    if (field->type == YTI_WIRE_VARINT) {
        if (t->n_dims == YT_ST_MAX_DIMS) return false;
        t->dims[t->n_dims++] = (int64_t)field->value;
        return true;
    }
    if (field->type != YTI_WIRE_BYTES) return false;
    yti_protobuf_reader r = inside(field);
    for (uint64_t value; r.at < r.end; t->dims[t->n_dims++] = (int64_t)value)
        if (t->n_dims == YT_ST_MAX_DIMS || !yti_protobuf_take_varint(&r, &value)) return false;
    return true;
}

/* false: it is no tensor. */
static bool read_initializer(const yti_protobuf_field *field, initializer *t) {
    yti_protobuf_reader r = inside(field);
    yti_protobuf_field f;
    *t = (initializer){.length = UINT64_MAX};
    while (yti_protobuf_next(&r, &f)) {
        if (f.number == TENSOR_DIM && !read_dims(&f, t)) return false;
        if (is(&f, TENSOR_TYPE, YTI_WIRE_VARINT)) t->type = (int)f.value;
        if (is(&f, TENSOR_NAME, YTI_WIRE_BYTES) && !fits_text(&f, t->name)) return false;
        if (is(&f, TENSOR_RAW, YTI_WIRE_BYTES)) t->data = f.data, t->bytes = f.bytes;
        if (is(&f, TENSOR_EXTERNAL, YTI_WIRE_BYTES)) read_external(&f, t);
        if ((f.number == TENSOR_FLOATS || f.number == TENSOR_INTS) && t->numbers.number == 0) t->numbers = f;
    }
    return !r.bad;
}

static const struct {
    int code; /* TensorProto.DataType */
    yti_st_type type;
    size_t bytes;
} types[] = {{1, YT_ST_F32, 4}, {10, YT_ST_F16, 2}, {16, YT_ST_BF16, 2}, {11, YT_ST_F64, 8}};

/* Whole files, each once. A name with a folder in it leads out of the file's own. */
static yt_status find_outside(parser *p, const char *name, const outside **out) {
    struct yti_onnx_storage *s = p->out->storage;
    for (int i = 0; i < s->n_files; i++)
        if (strcmp(s->files[i].name, name) == 0) {
            *out = &s->files[i];
            return YT_OK;
        }
    if (strchr(name, '/') || strchr(name, '\\') || strcmp(name, "..") == 0)
        return yt_fail(p->err, YT_ERR_SYNTAX, "%s: its values are in %s, which is not beside it", p->path, name);
    if (s->n_files == MAX_OUTSIDE) return damaged(p, "its values lie in too many files");
    const size_t folder = (size_t)(yti_path_base(p->path) - p->path), room = folder + strlen(name) + 1;
    char *path = take(p, room);
    outside *file = &s->files[s->n_files];
    if (!path) return no_memory(p);
    snprintf(path, room, "%.*s%s", (int)folder, p->path, name);
    *file = (outside){.name = path + folder};
    YT_TRY(yti_file_read(path, MAX_FILE_BYTES, &file->data, &file->bytes, p->err));
    s->n_files++;
    *out = file;
    return YT_OK;
}

static yt_status place_outside(parser *p, initializer *t) {
    const outside *file = NULL;
    YT_TRY(find_outside(p, t->location, &file));
    if (t->offset > file->bytes) return damaged(p, "a tensor lies behind the end of its file");
    const uint64_t left = file->bytes - t->offset;
    t->bytes = (size_t)(t->length < left ? t->length : left);
    t->data = (const uint8_t *)file->data + t->offset;
    return YT_OK;
}

/* Values as a list of numbers: packed, their bytes are those of the tensor; 16-bit floats are the low halves of
 * varints. */
static yt_status place_numbers(parser *p, initializer *t, size_t count, size_t size) {
    if (t->numbers.type != YTI_WIRE_BYTES) return damaged(p, "a tensor's values are not packed");
    if (t->numbers.number == TENSOR_FLOATS && size == 4) {
        t->data = t->numbers.data;
        t->bytes = t->numbers.bytes;
        return YT_OK;
    }
    if (t->numbers.number != TENSOR_INTS || size != 2) return damaged(p, "a tensor's values are of another type");
    if (count > t->numbers.bytes) return damaged(p, "a tensor has fewer values than its shape says");
    uint16_t *values = take(p, count * sizeof *values);
    if (!values) return no_memory(p);
    yti_protobuf_reader r = inside(&t->numbers);
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        if (!yti_protobuf_take_varint(&r, &value)) return damaged(p, "a tensor has fewer values than its shape says");
        values[i] = (uint16_t)value;
    }
    t->data = (const uint8_t *)values;
    t->bytes = count * sizeof *values;
    return YT_OK;
}

/* Adds a tensor of floats; others, the shapes and indices of the decoding, are passed over. */
static yt_status add_tensor(parser *p, initializer *t) {
    size_t k = 0, count = 1, bytes;
    while (k < sizeof types / sizeof *types && types[k].code != t->type) k++;
    if (k == sizeof types / sizeof *types || t->name[0] == '\0') return YT_OK;
    for (int i = 0; i < t->n_dims; i++)
        if (t->dims[i] < 0 || __builtin_mul_overflow(count, (size_t)t->dims[i], &count))
            return damaged(p, "a tensor's shape is impossible");
    if (__builtin_mul_overflow(count, types[k].bytes, &bytes)) return damaged(p, "a tensor's shape is impossible");
    if (t->location[0])
        YT_TRY(place_outside(p, t));
    else if (!t->data && t->numbers.number)
        YT_TRY(place_numbers(p, t, count, types[k].bytes));
    if (t->bytes != bytes) return damaged(p, "a tensor has more or fewer values than its shape says");
    yti_onnx_weights *out = p->out;
    if (out->n_tensors == MAX_TENSORS) return damaged(p, "it has too many tensors");
    if (out->n_tensors == p->room) {
        const size_t room = p->room ? 2 * p->room : 256;
        yti_st_entry *grown = realloc(out->tensors, room * sizeof *grown);
        if (!grown) return no_memory(p);
        out->tensors = grown;
        p->room = room;
    }
    char *name = copy_text(p, (const uint8_t *)t->name, strlen(t->name));
    if (!name) return no_memory(p);
    yti_st_entry *entry = &out->tensors[out->n_tensors++];
    *entry = (yti_st_entry){
        .name = name, .type = types[k].type, .n_dims = t->n_dims, .count = count, .data = t->data, .bytes = bytes};
    memcpy(entry->dims, t->dims, sizeof entry->dims);
    return YT_OK;
}

/* ---- names ---- */

/* "model.0.conv.weight" */
static bool is_canonical(const char *name) {
    return strncmp(name, "model.", 6) == 0 && isdigit((unsigned char)name[6]);
}

/* The module of a node: "/model.2/m.0/cv1/conv/Conv" is "model.2.m.0.cv1.conv". A part that begins with the one before
 * it stands in its place: "/model.23/cv2.0/cv2.0.2/Conv" is "model.23.cv2.0.2". false: it is none of a network. */
static bool module_of_node(const char *node, char to[MAX_NAME]) {
    size_t used = 0, before = 0, before_length = 0; /* where the part before begins */
    if (*node == '/') node++;
    for (const char *slash; (slash = strchr(node, '/')); node = slash + 1) {
        const size_t length = (size_t)(slash - node);
        const bool replaces = before_length && length > before_length && node[before_length] == '.' &&
                              strncmp(node, to + before, before_length) == 0;
        if (replaces)
            used = before;
        else if (used)
            to[used++] = '.';
        if (used + length + 16 >= MAX_NAME) return false;
        before = used;
        before_length = length;
        memcpy(to + used, node, length);
        used += length;
    }
    to[used] = '\0';
    return is_canonical(to);
}

static yti_st_entry *find_tensor(const parser *p, const char *name) {
    for (size_t i = 0; i < p->out->n_tensors; i++)
        if (strcmp(p->out->tensors[i].name, name) == 0) return &p->out->tensors[i];
    return NULL;
}

/* A convolution gives its path to weights that an exporter has renamed ("onnx::Conv_1034"). */
static yt_status name_tensors(parser *p, const char *node, char inputs[3][MAX_NAME]) {
    static const char *const suffixes[] = {NULL, ".weight", ".bias"};
    char name[MAX_NAME];
    if (!module_of_node(node, name)) return YT_OK;
    const size_t stem = strlen(name);
    for (int i = 1; i < 3; i++) {
        yti_st_entry *entry = inputs[i][0] && !is_canonical(inputs[i]) ? find_tensor(p, inputs[i]) : NULL;
        if (!entry) continue;
        snprintf(name + stem, sizeof name - stem, "%s", suffixes[i]);
        if (find_tensor(p, name)) continue;
        entry->name = copy_text(p, (const uint8_t *)name, strlen(name));
        if (!entry->name) return no_memory(p);
    }
    return YT_OK;
}

static yt_status read_node(parser *p, const yti_protobuf_field *field) {
    yti_protobuf_reader r = inside(field);
    yti_protobuf_field f;
    char name[MAX_NAME] = "", op[MAX_NAME] = "", inputs[3][MAX_NAME] = {"", "", ""};
    int n_inputs = 0;
    while (yti_protobuf_next(&r, &f)) {
        if (is(&f, NODE_INPUT, YTI_WIRE_BYTES) && n_inputs < 3 && !fits_text(&f, inputs[n_inputs++]))
            inputs[n_inputs - 1][0] = '\0';
        if (is(&f, NODE_NAME, YTI_WIRE_BYTES) && !fits_text(&f, name)) name[0] = '\0';
        if (is(&f, NODE_OP, YTI_WIRE_BYTES) && !fits_text(&f, op)) op[0] = '\0';
    }
    if (r.bad) return damaged(p, "a node cannot be read");
    p->quantized |= strcmp(op, "DequantizeLinear") == 0 || strcmp(op, "QLinearConv") == 0 ||
                    strcmp(op, "ConvInteger") == 0;
    const bool conv = strcmp(op, "Conv") == 0 || strcmp(op, "ConvTranspose") == 0;
    return conv ? name_tensors(p, name, inputs) : YT_OK;
}

/* What is not of a network's modules is of the decoding. A factor per channel is a vector in training, whatever it is
 * multiplied as here. */
static yt_status keep_weights(parser *p) {
    yti_onnx_weights *out = p->out;
    size_t kept = 0;
    for (size_t i = 0; i < out->n_tensors; i++) {
        yti_st_entry entry = out->tensors[i];
        const char *dot = strrchr(entry.name, '.');
        if (!is_canonical(entry.name)) continue;
        if (strcmp(dot, ".weight") != 0 && strcmp(dot, ".bias") != 0) {
            entry.n_dims = 1;
            entry.dims[0] = (int64_t)entry.count;
        }
        for (size_t k = 0; k < kept; k++)
            if (strcmp(out->tensors[k].name, entry.name) == 0) return damaged(p, "a name stands for two tensors");
        out->tensors[kept++] = entry;
    }
    out->n_tensors = kept;
    if (p->quantized)
        return yt_fail(
            p->err, YT_ERR_SYNTAX,
            "%s: computes in integers, and its weights are rounded; name the file in floats that it was made "
            "from",
            p->path);
    if (kept) return YT_OK;
    return yt_fail(p->err, YT_ERR_SYNTAX,
                   "%s: has no weights under the names of a YOLO network (model.0.conv.weight), nor nodes that would "
                   "give them; name the weights it was made from",
                   p->path);
}

/* ---- the file ---- */

static yt_status read_metadata(parser *p, const yti_protobuf_field *field) {
    enum { MAX_PAIRS = 256 };
    yti_onnx_weights *out = p->out;
    yti_protobuf_reader r = inside(field);
    yti_protobuf_field f;
    char *key = NULL, *value = NULL;
    bool whole = true;
    while (yti_protobuf_next(&r, &f)) {
        if (is(&f, PAIR_KEY, YTI_WIRE_BYTES)) whole &= (key = copy_text(p, f.data, f.bytes)) != NULL;
        if (is(&f, PAIR_VALUE, YTI_WIRE_BYTES)) whole &= (value = copy_text(p, f.data, f.bytes)) != NULL;
    }
    if (!whole) return no_memory(p);
    if (!out->keys) {
        out->keys = take(p, MAX_PAIRS * sizeof *out->keys);
        out->values = take(p, MAX_PAIRS * sizeof *out->values);
        if (!out->keys || !out->values) return no_memory(p);
    }
    if (!key || !value || out->n_metadata == MAX_PAIRS) return YT_OK;
    out->keys[out->n_metadata] = key;
    out->values[out->n_metadata++] = value;
    if (strcmp(key, "task") == 0 && strcmp(value, "detect") != 0)
        return yt_fail(p->err, YT_ERR_SYNTAX, "%s: is a network for \"%.40s\", and not for detection", p->path, value);
    return YT_OK;
}

/* Tensors of the graph, or its nodes. */
static yt_status read_graph(parser *p, const yti_protobuf_field *field, int wanted) {
    yti_protobuf_reader r = inside(field);
    yti_protobuf_field f;
    initializer t;
    while (yti_protobuf_next(&r, &f)) {
        if (!is(&f, wanted, YTI_WIRE_BYTES)) continue;
        if (wanted == GRAPH_NODE) {
            YT_TRY(read_node(p, &f));
            continue;
        }
        if (!read_initializer(&f, &t)) return damaged(p, "a tensor cannot be read");
        YT_TRY(add_tensor(p, &t));
    }
    return r.bad ? damaged(p, "it is cut off") : YT_OK;
}

static yt_status read_model(parser *p, const void *data, size_t size) {
    yti_protobuf_reader r = {.at = data, .end = (const uint8_t *)data + size};
    yti_protobuf_field f, graph = {0};
    while (yti_protobuf_next(&r, &f)) {
        if (is(&f, MODEL_GRAPH, YTI_WIRE_BYTES)) graph = f;
        if (is(&f, MODEL_METADATA, YTI_WIRE_BYTES)) YT_TRY(read_metadata(p, &f));
    }
    if (r.bad || !graph.number) return damaged(p, r.bad ? "it is cut off" : "it has no graph");
    YT_TRY(read_graph(p, &graph, GRAPH_INITIALIZER));
    YT_TRY(read_graph(p, &graph, GRAPH_NODE));
    return keep_weights(p);
}

/* Takes the bytes, if there are any of its own. */
static yt_status parse(char *bytes, const void *data, size_t size, const char *path, yti_onnx_weights *out,
                       yt_err *err) {
    yti_onnx_weights file = {.storage = calloc(1, sizeof *file.storage)};
    parser p = {.path = path, .out = &file, .err = err};
    if (!file.storage) {
        free(bytes);
        return no_memory(&p);
    }
    file.storage->bytes = bytes;
    const yt_status status = read_model(&p, data, size);
    if (status == YT_OK)
        *out = file;
    else
        yti_onnx_weights_free(&file);
    return status;
}

yt_status yti_onnx_weights_parse(const void *data, size_t size, const char *path, yti_onnx_weights *out, yt_err *err) {
    char *copy = malloc(size + 1);
    *out = (yti_onnx_weights){0};
    if (!copy) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read it", path);
    if (size) memcpy(copy, data, size);
    return parse(copy, copy, size, path, out, err);
}

yt_status yti_onnx_weights_open(const char *path, yti_onnx_weights *out, yt_err *err) {
    char *bytes;
    size_t size;
    *out = (yti_onnx_weights){0};
    YT_TRY(yti_file_read(path, MAX_FILE_BYTES, &bytes, &size, err));
    return parse(bytes, bytes, size, path, out, err);
}

void yti_onnx_weights_free(yti_onnx_weights *file) {
    struct yti_onnx_storage *s = file->storage;
    free(file->tensors);
    for (int i = 0; s && i < s->n_files; i++) free(s->files[i].data);
    if (s) {
        yti_arena_free(&s->arena);
        free(s->bytes);
        free(s);
    }
    *file = (yti_onnx_weights){0};
}

/* The version of the format, a small number, and then a field that may follow it. */
bool yti_onnx_probe(const char *path) {
    static const unsigned char next[] = {2 << 3 | 2, 3 << 3 | 2, 7 << 3 | 2, 8 << 3 | 2, 4 << 3 | 2, 5 << 3};
    unsigned char head[MIN_FILE_BYTES];
    FILE *file = fopen(path, "rb");
    const size_t n = file ? fread(head, 1, sizeof head, file) : 0;
    if (file) fclose(file);
    return n == sizeof head && head[0] == (MODEL_IR_VERSION << 3) && head[1] > 0 && head[1] < 64 &&
           memchr(next, head[2], sizeof next);
}
