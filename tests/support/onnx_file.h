/* onnx_file.h: an ONNX file in memory, as onnx_file.c reads it and onnx_run.c runs it. */
#ifndef YT_TEST_ONNX_FILE_H
#define YT_TEST_ONNX_FILE_H

#include "support/onnx_run.h"

#include <stdbool.h>

enum { MAX_VALUES = 4096, MAX_NODES = 2048, MAX_DIMS = 6, MAX_ENDS = 96, MAX_ATTRIBUTES = 8 };

typedef struct tensor {
    char name[200];
    int n_dims;
    int64_t dims[MAX_DIMS];
    double *data;
    bool constant;
} tensor;

typedef struct attribute {
    char name[48], text[48];
    double number;
    int64_t ints[8];
    int n_ints;
} attribute;

typedef struct node {
    char name[200], op[48];
    int in[MAX_ENDS], n_in, out[2], n_out; /* -1: left out */
    attribute attributes[MAX_ATTRIBUTES];
    int n_attributes;
} node;

typedef struct pair {
    char key[64], *value;
} pair;

struct test_onnx {
    char *bytes;
    tensor values[MAX_VALUES];
    node nodes[MAX_NODES];
    pair pairs[32];
    int n_values, n_nodes, n_pairs, opset, ir, input;
};

/* NULL: the node has no such attribute. */
const attribute *test_onnx_attribute(const node *n, const char *name);
size_t test_onnx_elements(const tensor *t);

/* Memory for a value of these dimensions, zeros. */
double *test_onnx_make(tensor *t, int n_dims, const int64_t *dims);

#endif
