/* onnx.h: a net as an ONNX file (onnx.ai, "Open Neural Network Exchange Intermediate Representation"). */
#ifndef YT_EXPORT_ONNX_H
#define YT_EXPORT_ONNX_H

#include "export/net.h"
#include "weights/weights_metadata.h"

enum { YTI_ONNX_MIN_OPSET = 11, YTI_ONNX_MAX_OPSET = 22 };

typedef struct yti_onnx_file {
    const char *path;
    const char *name; /* of the graph */
    int opset;        /* YTI_ONNX_MIN_OPSET to YTI_ONNX_MAX_OPSET; the IR version follows from it */
    const yti_metadata *metadata;
    const char *const *input_dims; /* names of the dimensions of the input that are open; NULL: without a name */
    const char *const *output_dims[YTI_NET_MAX_RESULTS]; /* by output; NULL: without names */
    uint64_t external_above; /* bytes of weights from which on they go to a file of their own, path.data */
} yti_onnx_file;

/* What writing noticed. */
typedef struct yti_onnx_report {
    uint64_t weight_bytes;
    yti_half_loss loss;
    bool external;
} yti_onnx_report;

/* Writes the file, atomically, with one tensor's values in memory at a time. The same net gives the same bytes.
 * NON_FINITE: a weight is NaN or infinite, for which engines answer with anything; IO, NO_MEMORY. */
yt_status yti_onnx_write(const yti_net *net, const yti_onnx_file *file, yti_onnx_report *report, yt_err *err);

#endif
