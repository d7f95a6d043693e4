/* int8.h: a trained network brought into integers of 8 bits, its scales chosen by images of a dataset, and what that
 * costs in average precision.
 *
 *     yti_int8_job job = {.data = "coco8.yaml", .images = 100, .kept = 0.9999, .width = 640, .height = 640};
 *     yti_quantization quantization;
 *     yti_int8_report report;
 *     job.threads = 2;
 *     YT_TRY(yti_int8_make(trained, &job, &quantization, &report, err));
 *     printf("mAP50-95 %.3f, in floats %.3f\n", report.ap, report.float_ap);
 *     yti_quantization_free(&quantization);
 */
#ifndef YT_EXPORT_INT8_H
#define YT_EXPORT_INT8_H

#include "data/index/dataset.h"
#include "export/quantize.h"
#include "infer/trained.h"

typedef struct yti_int8_job {
    const char *data;  /* YAML: the scales are of its training images, AP of its validation images */
    int images;        /* at most this many, evenly spread over the split */
    double kept;       /* of yti_calibration_range */
    int width, height; /* of the input */
    int threads;
    yti_problem_sink message; /* what is wrong with the dataset, and what is worth knowing; NULL: nobody listens */
    void (*progress)(void *context, const char *what, int done, int total); /* NULL: nobody listens */
    void *context;
} yti_int8_job;

typedef struct yti_int8_report {
    int images;             /* by which the scales were chosen */
    int judged;             /* images on which AP was measured */
    int convs, float_convs; /* convolutions in integers, and those that stay in floats */
    double float_ap50, float_ap, ap50, ap;
} yti_int8_report;

/* Rounds the weights of `trained`, whose model is of one branch and split (yti_model_fuse_split). DATA: no image to
 * choose scales by; MISMATCH: other classes than the dataset's; NON_FINITE, and what yti_dataset_scan and
 * yti_evaluation_open say. */
yt_status yti_int8_make(yti_trained *trained, const yti_int8_job *job, yti_quantization *out, yti_int8_report *report,
                        yt_err *err);

#endif
