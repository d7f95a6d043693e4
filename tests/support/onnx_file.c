/* onnx_file.c: reads an ONNX file and asserts what the standard demands of it (onnx_run.h). Field numbers are those of
 * onnx.proto.
 */
#include "support/onnx_file.h"

#include "base/file.h"
#include "base/half.h"
#include "base/protobuf.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static yti_protobuf_reader inside(const yti_protobuf_field *f) {
    return (yti_protobuf_reader){.at = f->data, .end = f->data + f->bytes};
}

static void copy_text(const yti_protobuf_field *f, char *to, size_t room) {
    cr_assert(f->bytes < room, "a name of %zu bytes", f->bytes);
    memcpy(to, f->data, f->bytes);
    to[f->bytes] = '\0';
}

static int find_value(const test_onnx *o, const char *name) {
    for (int i = 0; i < o->n_values; i++)
        if (strcmp(o->values[i].name, name) == 0) return i;
    return -1;
}

static int add_value(test_onnx *o, const char *name) {
    cr_assert(find_value(o, name) < 0, "%s is there twice", name);
    cr_assert(o->n_values < MAX_VALUES);
    tensor *t = &o->values[o->n_values];
    *t = (tensor){0};
    snprintf(t->name, sizeof t->name, "%s", name);
    return o->n_values++;
}

size_t test_onnx_elements(const tensor *t) {
    size_t count = 1;
    for (int i = 0; i < t->n_dims; i++) count *= (size_t)t->dims[i];
    return count;
}

double *test_onnx_make(tensor *t, int n_dims, const int64_t *dims) {
    free(t->data);
    t->n_dims = n_dims;
    for (int i = 0; i < n_dims; i++) t->dims[i] = dims[i];
    t->data = calloc(test_onnx_elements(t) + 1, sizeof *t->data);
    cr_assert(t->data);
    return t->data;
}

static void read_initializer(test_onnx *o, yti_protobuf_reader r) {
    yti_protobuf_field f;
    int64_t dims[MAX_DIMS];
    int n_dims = 0, type = 0;
    const uint8_t *raw = NULL;
    size_t bytes = 0;
    char name[200] = "";
    while (yti_protobuf_next(&r, &f)) {
        if (f.number == 1) dims[n_dims++] = (int64_t)f.value;
        if (f.number == 2) type = (int)f.value;
        if (f.number == 8) copy_text(&f, name, sizeof name);
        if (f.number == 9) raw = f.data, bytes = f.bytes;
    }
    cr_assert(!r.bad && name[0]);
    tensor *t = &o->values[add_value(o, name)];
    double *to = test_onnx_make(t, n_dims, dims);
    const size_t count = test_onnx_elements(t), size = type == 1 || type == 6   ? 4
                                                       : type == 7              ? 8
                                                       : type == 10             ? 2
                                                       : type == 2 || type == 3 ? 1
                                                                                : 0;
    t->constant = true;
    cr_assert(size && bytes == count * size, "%s: %zu bytes of type %d for %zu values", name, bytes, type, count);
    for (size_t i = 0; i < count; i++) {
        float real;
        int64_t whole;
        uint16_t half;
        int32_t word;
        if (type == 2) to[i] = raw[i];
        if (type == 3) to[i] = (int8_t)raw[i];
        if (type == 6) memcpy(&word, raw + 4 * i, 4), to[i] = word;
        if (type == 1) memcpy(&real, raw + 4 * i, 4), to[i] = (double)real;
        if (type == 7) memcpy(&whole, raw + 8 * i, 8), to[i] = (double)whole;
        if (type == 10) memcpy(&half, raw + 2 * i, 2), to[i] = (double)yti_float_from_half(half);
    }
}

static void read_attribute(node *n, yti_protobuf_reader r) {
    yti_protobuf_field f;
    cr_assert(n->n_attributes < MAX_ATTRIBUTES);
    attribute *a = &n->attributes[n->n_attributes++];
    int type = 0;
    while (yti_protobuf_next(&r, &f)) {
        const uint32_t bits = (uint32_t)f.value;
        float real;
        memcpy(&real, &bits, 4);
        if (f.number == 1) copy_text(&f, a->name, sizeof a->name);
        if (f.number == 2) a->number = (double)real;
        if (f.number == 3) a->number = (double)(int64_t)f.value;
        if (f.number == 4) copy_text(&f, a->text, sizeof a->text);
        if (f.number == 8) a->ints[a->n_ints++] = (int64_t)f.value;
        if (f.number == 20) type = (int)f.value;
    }
    cr_assert(!r.bad && type);
    cr_assert(n->n_attributes < 2 || strcmp(n->attributes[n->n_attributes - 2].name, a->name) < 0, "%s: order",
              n->name);
}

/* Names of inputs are looked up when all initialisers are known. */
typedef struct waiting {
    yti_protobuf_field field[MAX_NODES];
    int count;
} waiting;

static void read_node(test_onnx *o, yti_protobuf_reader r) {
    yti_protobuf_field f;
    char name[200];
    cr_assert(o->n_nodes < MAX_NODES);
    node *n = &o->nodes[o->n_nodes++];
    *n = (node){0};
    while (yti_protobuf_next(&r, &f)) {
        if (f.number == 1) {
            copy_text(&f, name, sizeof name);
            const int value = name[0] ? find_value(o, name) : -1;
            cr_assert(!name[0] || value >= 0, "%s is read before it is there", name);
            n->in[n->n_in++] = value;
        }
        if (f.number == 2) {
            copy_text(&f, name, sizeof name);
            n->out[n->n_out++] = add_value(o, name);
        }
        if (f.number == 3) copy_text(&f, n->name, sizeof n->name);
        if (f.number == 4) copy_text(&f, n->op, sizeof n->op);
        if (f.number == 5) read_attribute(n, inside(&f));
    }
    cr_assert(!r.bad && n->op[0] && n->name[0]);
    for (int i = 0; i < o->n_nodes - 1; i++) cr_assert(strcmp(o->nodes[i].name, n->name) != 0, "%s twice", n->name);
}

const attribute *test_onnx_attribute(const node *n, const char *name) {
    for (int i = 0; i < n->n_attributes; i++)
        if (strcmp(n->attributes[i].name, name) == 0) return &n->attributes[i];
    return NULL;
}

/* Where an operator set decides between input and attribute. */
static void check_node(const test_onnx *o, const node *n) {
    const bool unsqueeze = strcmp(n->op, "Unsqueeze") == 0, sum = strcmp(n->op, "ReduceSum") == 0,
               largest = strcmp(n->op, "ReduceMax") == 0;
    if (unsqueeze || sum || largest) {
        const bool as_input = o->opset >= (largest ? 18 : 13);
        cr_assert_eq(n->n_in, as_input ? 2 : 1, "%s in operator set %d", n->name, o->opset);
        cr_assert_eq(test_onnx_attribute(n, "axes") == NULL, as_input, "%s in operator set %d", n->name, o->opset);
    }
    if (strcmp(n->op, "Resize") == 0) cr_assert(n->n_in == 3 && (o->opset >= 13 || n->in[1] >= 0));
    if (strcmp(n->op, "Conv") == 0)
        cr_assert(test_onnx_attribute(n, "dilations") && test_onnx_attribute(n, "group") &&
                  test_onnx_attribute(n, "kernel_shape") && test_onnx_attribute(n, "pads") &&
                  test_onnx_attribute(n, "strides"));
}

test_onnx *test_onnx_open(const char *path) {
    test_onnx *o = calloc(1, sizeof *o);
    waiting *nodes = calloc(1, sizeof *nodes);
    size_t bytes;
    yt_err err;
    cr_assert(o && nodes);
    cr_assert_eq(yti_file_read(path, 256u << 20, &o->bytes, &bytes, &err), YT_OK, "%s", err.text);
    yti_protobuf_reader r = {.at = (const uint8_t *)o->bytes, .end = (const uint8_t *)o->bytes + bytes};
    yti_protobuf_field f, g;
    while (yti_protobuf_next(&r, &f)) {
        yti_protobuf_reader part = inside(&f);
        if (f.number == 1) o->ir = (int)f.value;
        if (f.number == 8)
            while (yti_protobuf_next(&part, &g))
                if (g.number == 2) o->opset = (int)g.value;
        if (f.number == 14) {
            pair *p = &o->pairs[o->n_pairs++];
            while (yti_protobuf_next(&part, &g)) {
                if (g.number == 1) copy_text(&g, p->key, sizeof p->key);
                if (g.number == 2) p->value = strndup((const char *)g.data, g.bytes);
            }
        }
        while (f.number == 7 && yti_protobuf_next(&part, &g)) {
            yti_protobuf_reader inner = inside(&g);
            yti_protobuf_field h;
            if (g.number == 1) nodes->field[nodes->count++] = g;
            if (g.number == 5) read_initializer(o, inner);
            if (g.number == 11)
                while (yti_protobuf_next(&inner, &h))
                    if (h.number == 1) {
                        char name[200];
                        copy_text(&h, name, sizeof name);
                        o->input = add_value(o, name);
                    }
        }
        cr_assert(!part.bad || f.type != YTI_WIRE_BYTES || f.number != 7);
    }
    cr_assert(!r.bad && o->opset && o->ir);
    for (int i = 0; i < nodes->count; i++) {
        read_node(o, inside(&nodes->field[i]));
        check_node(o, &o->nodes[o->n_nodes - 1]);
    }
    free(nodes);
    return o;
}

void test_onnx_close(test_onnx *o) {
    for (int i = 0; i < o->n_values; i++) free(o->values[i].data);
    for (int i = 0; i < o->n_pairs; i++) free(o->pairs[i].value);
    free(o->bytes);
    free(o);
}

int test_onnx_opset(const test_onnx *o) {
    return o->opset;
}

int test_onnx_ir(const test_onnx *o) {
    return o->ir;
}

const char *test_onnx_metadata(const test_onnx *o, const char *key) {
    for (int i = 0; i < o->n_pairs; i++)
        if (strcmp(o->pairs[i].key, key) == 0) return o->pairs[i].value;
    return NULL;
}

size_t test_onnx_count(const test_onnx *o, const char *op) {
    size_t count = 0;
    for (int i = 0; i < o->n_nodes; i++) count += strcmp(o->nodes[i].op, op) == 0;
    return count;
}

int test_onnx_has_node(const test_onnx *o, const char *name) {
    for (int i = 0; i < o->n_nodes; i++)
        if (strcmp(o->nodes[i].name, name) == 0) return 1;
    return 0;
}

const double *test_onnx_value(const test_onnx *o, const char *name, size_t *count, int64_t *dims) {
    const int i = find_value(o, name);
    cr_assert(i >= 0 && o->values[i].data, "%s was not computed", name);
    *count = test_onnx_elements(&o->values[i]);
    for (int d = 0; dims && d < 8; d++) dims[d] = d < o->values[i].n_dims ? o->values[i].dims[d] : 0;
    return o->values[i].data;
}
