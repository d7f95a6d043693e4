/* onnx_run.h: an ONNX file read and run by plain loops in double, straight from the standard (onnx.ai, "Operators"):
 * what the exporter writes is judged by it, without a runtime. Knows the operations that detectors have.
 *
 * Opening asserts what the standard demands of a file: every input of a node is an initialiser, the graph's input or
 * the output of a node before it; names are used once; an initialiser has as many bytes as its shape says; the inputs
 * and attributes of an operator are those of the file's operator set.
 */
#ifndef YT_TEST_ONNX_RUN_H
#define YT_TEST_ONNX_RUN_H

#include <stddef.h>
#include <stdint.h>

typedef struct test_onnx test_onnx;

test_onnx *test_onnx_open(const char *path);
void test_onnx_close(test_onnx *file);

int test_onnx_opset(const test_onnx *file);
int test_onnx_ir(const test_onnx *file);
const char *test_onnx_metadata(const test_onnx *file, const char *key); /* NULL: there is no such pair */
size_t test_onnx_count(const test_onnx *file, const char *op);          /* nodes of a kind */
int test_onnx_has_node(const test_onnx *file, const char *name);

/* Runs the graph on images [n][h][w][3] of bytes, divided by 255. */
void test_onnx_run(test_onnx *file, const uint8_t *images, int n, int h, int w);

/* A value after a run: the number of its elements, and its shape where dims is not NULL ([8], 0 after the last). */
const double *test_onnx_value(const test_onnx *file, const char *name, size_t *count, int64_t *dims);

#endif
