/* export.h: trained weights as a file that other programs run: opened, fused, lowered, given the tail that was asked
 * for, described and written.
 *
 *     yti_options options;
 *     yti_export_report report;
 *     YT_TRY(yti_options_init(yti_export_rows, yti_export_row_count, &options, err));
 *     YT_TRY(yti_options_set(&options, "head", "o2o", err));
 *     yti_export_job job = {.weights = "best.pt", .output = "best.onnx", .options = &options};
 *     YT_TRY(yti_export_network(&job, &report, err));
 *     puts(report.outputs);
 *     yti_options_free(&options);
 */
#ifndef YT_EXPORT_EXPORT_H
#define YT_EXPORT_EXPORT_H

#include "base/option.h"
#include "export/int8.h"
#include "export/onnx.h"
#include "export/tail.h"
#include "infer/detect_options.h"

/* The options of an exported network, one row each: of yoloexport's command line and of the public API. */
extern const char *const yti_export_heads[], *const yti_export_ranges[];

/* clang-format off */
#define YTI_EXPORT_ROWS                                                                                                \
    {"head", 0, YT_OPTION_CHOICE, "o2m", 0, 0, yti_export_heads, "NAME", "Network",                                    \
     "what the network answers. o2m: output0, 4 + classes rows per anchor: cx cy w h in pixels of the input, then "    \
     "scores; the reader applies NMS; o2o: output0, the best boxes of the one-to-one branch as x1 y1 x2 y2 score "     \
     "class, which needs no NMS; raw: the maps of every level before decoding, box0 ... and cls0 ..., for compilers "  \
     "that want those"},                                                                                               \
    {"nms", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Network",                                                      \
     "with --head o2m: apply NMS inside the network, whose output0 is then as with o2o; unused rows are zeros"},       \
    {"conf", 0, YT_OPTION_DOUBLE, "0.25", 0, 1, NULL, NULL, "Network", "with --nms: keep boxes with a confidence above this"}, \
    {"iou", 0, YT_OPTION_DOUBLE, "0.7", 0, 1, NULL, NULL, "Network",                                                   \
     "with --nms: drop a box whose IoU with a better one of its class is above this"},                                 \
    {"max-det", 0, YT_OPTION_INT, "300", 1, 8400, NULL, NULL, "Network", "rows of output0 with --head o2o or --nms"},  \
    {"imgsz", 's', YT_OPTION_TEXT, "auto", 0, 0, NULL, "PX", "Network",                                                \
     "input size: one number, or HEIGHTxWIDTH, rounded up to multiples of the largest stride; auto: what the "         \
     "weights were trained at"},                                                                                       \
    {"batch", 'b', YT_OPTION_TEXT, "1", 0, 0, NULL, "N", "Network", "images per run: a number, or open: any number"},  \
    {"dynamic", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Network",                                                  \
     "leave batch, height and width open; some runtimes refuse that"},                                                 \
    {"opset", 0, YT_OPTION_INT, "17", YTI_ONNX_MIN_OPSET, YTI_ONNX_MAX_OPSET, NULL, NULL, "Network",                   \
     "version of ONNX's operator set"},                                                                                \
    {"int8", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Integers",                                                    \
     "compute convolutions in integers of 8 bits (ONNX, QuantizeLinear and DequantizeLinear); the last ones of the "   \
     "head stay in floats. Needs --calib; says what it costs in AP"},                                                  \
    {"calib", 0, YT_OPTION_TEXT, NULL, 0, 0, NULL, "DATA", "Integers",                                                 \
     "with --int8: dataset YAML. Its training images show which values the maps take; AP is measured on its "          \
     "validation images, in floats and in integers"},                                                                  \
    {"calib-images", 0, YT_OPTION_INT, "100", 1, 1000000, NULL, NULL, "Integers",                                      \
     "with --calib: training images to look at, evenly spread over the split"},                                        \
    {"calib-range", 0, YT_OPTION_CHOICE, "percentile", 0, 0, yti_export_ranges, "NAME", "Integers",                    \
     "with --calib: the values that codes are for. percentile: all but 0.001 % at either end of a map; minmax: all"},   \
    YTI_THREADS_ROW
/* clang-format on */

extern const yt_option yti_export_rows[];
extern const size_t yti_export_row_count;

typedef enum yti_export_format { YTI_EXPORT_ONNX, YTI_EXPORT_NCNN } yti_export_format;

typedef struct yti_export_job {
    yti_export_format format;
    const char *weights, *output;   /* of NCNN a folder */
    const char *const *search_dirs; /* of yti_weights_open */
    const char *model;              /* model YAML, for weights that carry none; NULL: none */
    const yti_options *options;     /* of yti_export_rows */
    uint64_t external_above;        /* of yti_onnx_file; 0: YTI_ONNX_LARGEST */
    yti_problem_sink message;       /* about the dataset of --calib; NULL: nobody listens */
    void (*progress)(void *context, const char *what, int done, int total); /* NULL: nobody listens */
    void *context;
} yti_export_job;

/* A message of protobuf has to stay below 2 GiB. */
#define YTI_ONNX_LARGEST ((uint64_t)2000 << 20)

typedef struct yti_export_report {
    yti_onnx_report written;
    int nodes, opset;
    char base_license[513];   /* of the weights that it was made from; "": they name none */
    char outputs[256];        /* "output0 (1, 84, 8400)" */
    int width, height, batch; /* of the input; where it is open, what it is likely to be run at */
    yti_int8_report int8;     /* all 0 without it */
} yti_export_report;

/* Writes weights as an ONNX file, or as a folder that ncnn reads. ARGUMENT: options that do not fit together or to the
 * network; MODEL: an operation that cannot be exported; NON_FINITE, IO and those of yti_weights_open. Nothing is
 * written then. */
yt_status yti_export_network(const yti_export_job *job, yti_export_report *report, yt_err *err);

#endif
