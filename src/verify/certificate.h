/* certificate.h: an exported file judged by the runtime that will run it: on every image of a split, what it answers
 * beside what the network answers here; average precision of both, and time.
 *
 *     yti_verify_job job = {.weights = "best.safetensors", .file = "best.onnx", .data = "coco8.yaml"};
 *     yti_certificate certificate;
 *     job.width = job.height = 640;
 *     job.batch = 1;
 *     job.iou = 0.7f;
 *     job.threads = threads;
 *     YT_TRY(yti_verify(&job, &certificate, err));
 *     YT_TRY(yti_certificate_save(&certificate, &job, "best.verify.json", err));
 */
#ifndef YT_VERIFY_CERTIFICATE_H
#define YT_VERIFY_CERTIFICATE_H

#include "data/index/dataset.h"
#include "export/tail.h"

#define YTI_VERIFY_CONF  0.25f /* detections above it are compared one by one */
#define YTI_VERIFY_SCORE 1e-3f /* what differs by more than these differs */
#define YTI_VERIFY_PX    0.5f

typedef struct yti_verify_job {
    const char *weights, *model; /* as of yti_trained_open */
    const char *const *search_dirs;
    const char *file; /* ONNX, made of them */
    const char *data; /* YAML: on its validation images */
    yti_export_head head;
    bool nms;
    float conf, iou;          /* of NMS: with nms those in the file */
    int max_det;              /* rows of a file that chooses itself */
    int width, height, batch; /* of the file's input */
    int threads;
    yti_problem_sink message; /* about the dataset; NULL: nobody listens */
    void (*progress)(void *context, const char *what, int done, int total); /* NULL: nobody listens */
    void *context;
} yti_verify_job;

typedef struct yti_certificate {
    char runtime[32], version[32];
    int images;
    bool has_raw;              /* every anchor could be compared: not where the file chooses itself */
    double score, box_px;      /* largest differences: over all anchors, or over detections that have a counterpart */
    int detections, differing; /* above YTI_VERIFY_CONF, here or there; without a counterpart of their class */
    bool has_ap;               /* the input is square */
    double ap50, ap, own_ap50, own_ap;
    double ms, own_ms; /* per image, the median */
} yti_certificate;

/* ARGUMENT: no runtime is there; what yti_ort_open, yti_trained_open and yti_evaluation_open say. */
yt_status yti_verify(const yti_verify_job *job, yti_certificate *out, yt_err *err);

/* As JSON, atomically. */
yt_status yti_certificate_save(const yti_certificate *certificate, const yti_verify_job *job, const char *path,
                               yt_err *err);

#endif
