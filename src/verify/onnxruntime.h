/* onnxruntime.h: ONNX Runtime (onnxruntime.ai), where its C library is on the machine: it is looked for when it is
 * asked for, and nothing here is built with it.
 *
 *     static float image[3 * 640 * 640]; // planes of red, green and blue from 0 to 1
 *     yti_ort *session;
 *     yti_ort_output outputs[YTI_ORT_OUTPUTS];
 *     int n;
 *     YT_TRY(yti_ort_open("best.onnx", threads, &session, err));
 *     YT_TRY(yti_ort_run(session, image, (const int64_t[]){1, 3, 640, 640}, outputs, &n, err));
 *     printf("%s: %g\n", outputs[0].name, (double)outputs[0].values[0]);
 *     yti_ort_close(session);
 */
#ifndef YT_VERIFY_ONNXRUNTIME_H
#define YT_VERIFY_ONNXRUNTIME_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { YTI_ORT_OUTPUTS = 16, YTI_ORT_DIMS = 8 };

typedef struct yti_ort yti_ort;

/* Lent until the next run. */
typedef struct yti_ort_output {
    const char *name;
    const float *values;
    int n_dims;
    int64_t dims[YTI_ORT_DIMS];
} yti_ort_output;

/* The library is YT_ONNXRUNTIME (environment) or libonnxruntime.so where the system looks for libraries. ARGUMENT:
 * there is none; otherwise what it says about the file: SYNTAX. One thread at a time. */
yt_status yti_ort_open(const char *path, int threads, yti_ort **out, yt_err *err);
const char *yti_ort_version(const yti_ort *session); /* "1.32.0" */

/* The input "images" of floats, and all outputs, which must be floats, in the order of the file. */
yt_status yti_ort_run(yti_ort *session, const float *input, const int64_t dims[4],
                      yti_ort_output outputs[YTI_ORT_OUTPUTS], int *n_outputs, yt_err *err);
void yti_ort_close(yti_ort *session); /* NULL is fine */

#endif
