/* onnx_weights.h: the weights in an ONNX file (onnx.ai, "Open Neural Network Exchange Intermediate Representation"):
 * the initialisers of a detector's convolutions under the names that they have in training, and what the file says
 * about itself. What its nodes compute is not looked at: which network that is, names and shapes say.
 *
 *     yti_onnx_weights file;
 *     YT_TRY(yti_onnx_weights_open("best.onnx", &file, err));
 *     for (size_t i = 0; i < file.n_tensors; i++) puts(file.tensors[i].name);
 *     yti_onnx_weights_free(&file);
 */
#ifndef YT_ONNX_WEIGHTS_H
#define YT_ONNX_WEIGHTS_H

#include "formats/safetensors.h"

/* Owns everything. */
typedef struct yti_onnx_weights {
    size_t n_tensors;
    yti_st_entry *tensors; /* "model.0.conv.weight", in the order of the file; values in memory */
    size_t n_metadata;
    char **keys, **values; /* metadata_props */
    struct yti_onnx_storage *storage;
} yti_onnx_weights;

/* Whether a file begins as a ModelProto does. False too where it cannot be read. */
bool yti_onnx_probe(const char *path);

/* Values that lie in a file of their own are looked for beside it and nowhere else. SYNTAX: damaged, no weights under
 * such names, a network in integers (QuantizeLinear), or one that does not detect; IO, NO_MEMORY. On failure *out is
 * empty. */
yt_status yti_onnx_weights_open(const char *path, yti_onnx_weights *out, yt_err *err);

/* The same from memory, which is not needed afterwards; `path` as messages shall call it, and in whose folder other
 * files are looked for. */
yt_status yti_onnx_weights_parse(const void *data, size_t size, const char *path, yti_onnx_weights *out, yt_err *err);
void yti_onnx_weights_free(yti_onnx_weights *file);

#endif
