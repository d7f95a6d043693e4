/* predict.h: a model on single images: image in, boxes in its own pixels out.
 *
 *     yti_open_options open = YT_OPEN_DEFAULTS;
 *     yti_predict_options options = YT_PREDICT_DEFAULTS;
 *     yti_trained *trained;
 *     YT_TRY(yti_trained_open("best.safetensors", &open, &trained, err));
 *
 *     yti_predictor *predictor;
 *     yt_detection found[300]; // options.max_det
 *     int n;
 *     yt_image image;
 *     YT_TRY(yti_predictor_create(trained->model, &options, &predictor, err));
 *     YT_TRY(yt_image_load("photo.jpg", &image, err));
 *     YT_TRY(yti_predictor_run(predictor, image.rgb, image.w, image.h, found, &n, err));
 *     for (int i = 0; i < n; i++) printf("%s %.2f\n", trained->names.names[found[i].class_id],
 *                                       (double)found[i].score);
 *
 * (Where YT_TRY leaves, what was made before is still to be freed: example code.)
 */
#ifndef YT_PREDICT_H
#define YT_PREDICT_H

#include "eval/metrics.h"
#include "image/image.h"
#include "infer/trained.h"

typedef struct yti_predict_options {
    int imgsz;       /* long side of the network input; rounded up to a multiple of the model's stride */
    bool rect;       /* pad to the next multiple of the stride only; else to imgsz x imgsz */
    float conf, iou; /* as in yti_detect_options */
    int max_det;
    yti_nms nms;         /* which branch of a head with two; one that the head does not have is an error */
    bool agnostic;       /* NMS ignores classes */
    const bool *classes; /* [n_classes] which to keep, borrowed; NULL: all */
    int threads;
} yti_predict_options;

#define YT_PREDICT_DEFAULTS                                                                                            \
    ((yti_predict_options){                                                                                            \
        .imgsz = 640, .rect = true, .conf = 0.25f, .iou = 0.7f, .max_det = 300, .nms = YT_NMS_AUTO, .threads = 1})

typedef struct yti_predictor yti_predictor;

/* Borrows the model, whose weights nobody may change until the predictor is destroyed; plan and maps are its own. So
 * each of several threads has its predictor over one model. */
yt_status yti_predictor_create(const yti_model *model, const yti_predict_options *options, yti_predictor **out,
                               yt_err *err);
void yti_predictor_destroy(yti_predictor *predictor); /* NULL is fine */

/* Detections in an image of [h][w][3] bytes by descending score, in pixels of it and clipped to it. out has room for
 * max_det. */
yt_status yti_predictor_run(yti_predictor *predictor, const uint8_t *rgb, int w, int h, yt_detection *out, int *n_out,
                            yt_err *err);

/* Long side of the network input, in pixels; and its size for the last image. */
int yti_predictor_side(const yti_predictor *predictor);
void yti_predictor_input(const yti_predictor *predictor, int *w, int *h);

/* What it holds beside the model, in bytes: plan and maps for the largest image so far. */
size_t yti_predictor_bytes(const yti_predictor *predictor);

#endif
