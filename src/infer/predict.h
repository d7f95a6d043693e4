/* predict.h: a model on single images: image in, boxes in its own pixels out.
 *
 *     yti_predict_options options = YT_PREDICT_DEFAULTS;
 *     yti_model *model, *fused;
 *     yti_class_names names;
 *     bool one_to_one;
 *     YT_TRY(yti_weights_open("best.safetensors", NULL, NULL, &model, &names, &options.imgsz, err));
 *     YT_TRY(yti_choose_branch(model, options.nms, &one_to_one, err));
 *     YT_TRY(yti_model_fuse(model, &model->state, one_to_one, &fused, err));
 *
 *     yti_predictor *predictor;
 *     yt_detection found[300]; // options.max_det
 *     int n;
 *     yt_image image;
 *     YT_TRY(yti_predictor_create(fused, &options, &predictor, err));
 *     YT_TRY(yt_image_load("photo.jpg", &image, err));
 *     YT_TRY(yti_predictor_run(predictor, &image, found, &n, err));
 *     for (int i = 0; i < n; i++) printf("%s %.2f\n", names.names[found[i].class_id], (double)found[i].score);
 *
 * (Where YT_TRY leaves, what was made before is still to be freed: example code.)
 */
#ifndef YT_PREDICT_H
#define YT_PREDICT_H

#include "eval/metrics.h"
#include "image/image.h"
#include "model/model.h"

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

/* Whether detections come from the one-to-one branch. ARGUMENT: nms is false and the head has no such branch. */
yt_status yti_choose_branch(const yti_model *model, yti_nms nms, bool *one_to_one, yt_err *err);

typedef struct yti_predictor yti_predictor;

/* Borrows the model, whose graph nobody else may plan or run until the predictor is destroyed. */
yt_status yti_predictor_create(yti_model *model, const yti_predict_options *options, yti_predictor **out, yt_err *err);
void yti_predictor_destroy(yti_predictor *predictor); /* NULL is fine */

/* Detections by descending score, in pixels of the image and clipped to it. out has room for max_det. */
yt_status yti_predictor_run(yti_predictor *predictor, const yt_image *image, yt_detection *out, int *n_out,
                            yt_err *err);

#endif
