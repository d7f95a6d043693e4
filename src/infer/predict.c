/* predict.c: letterbox, forward, detect, and back to the image's own pixels.
 *
 * A plan of the graph belongs to one input size, so images of the same shape in a row cost no planning.
 */
#include "infer/predict.h"

#include <stdlib.h>

struct yti_predictor {
    yti_model *model; /* a view */
    yti_predict_options options;
    int branch; /* of the head */
    bool one_to_one;
    int stride, side;
    int planned_h, planned_w; /* 0: no plan yet */
    uint8_t *input;           /* [planned_h][planned_w][3] */
    size_t input_bytes;
};

enum { MIN_STRIDE = 32, MAX_SIDE = 1 << 15 };

yt_status yti_predictor_create(const yti_model *model, const yti_predict_options *options, yti_predictor **out,
                               yt_err *err) {
    if (options->imgsz < 1 || options->imgsz > MAX_SIDE)
        return yt_fail(err, YT_ERR_ARGUMENT, "an image size of %d is not possible; it must be 1 to %d", options->imgsz,
                       MAX_SIDE);
    if (options->max_det < 1 || options->threads < 1)
        return yt_fail(err, YT_ERR_ARGUMENT, "max_det is %d and threads %d; both must be at least 1", options->max_det,
                       options->threads);
    bool one_to_one = false;
    YT_TRY(yti_choose_branch(model, options->nms, &one_to_one, err));
    yti_predictor *predictor = calloc(1, sizeof *predictor);
    if (!predictor) return yti_no_memory(err, "a predictor");
    const yt_status status = yti_model_view(model, &predictor->model, err);
    if (status != YT_OK) {
        free(predictor);
        return status;
    }
    int stride = model->max_stride > MIN_STRIDE ? model->max_stride : MIN_STRIDE;
    predictor->options = *options;
    predictor->one_to_one = one_to_one;
    predictor->branch = yti_model_branch(model, one_to_one);
    yti_model_evaluate(predictor->model, 1u << predictor->branch);
    predictor->stride = stride;
    predictor->side = (options->imgsz + stride - 1) / stride * stride;
    *out = predictor;
    return YT_OK;
}

void yti_predictor_destroy(yti_predictor *predictor) {
    if (!predictor) return;
    yti_model_destroy_view(predictor->model);
    free(predictor->input);
    free(predictor);
}

/* Makes input memory and a plan for h x w, where the present ones are for another shape. */
static yt_status plan_for(yti_predictor *predictor, int h, int w, yt_err *err) {
    if (predictor->planned_h == h && predictor->planned_w == w) return YT_OK;
    predictor->planned_h = predictor->planned_w = 0;
    size_t bytes = (size_t)h * (size_t)w * 3;
    if (bytes > predictor->input_bytes) {
        uint8_t *grown = realloc(predictor->input, bytes);
        if (!grown) return yti_no_memory(err, "an input of %d x %d pixels", w, h);
        predictor->input = grown;
        predictor->input_bytes = bytes;
    }
    YT_TRY(yti_model_plan(predictor->model, YT_MODE_EVAL, 1, h, w, predictor->options.threads, err));
    yti_model_prepare(predictor->model, &predictor->model->state);
    predictor->planned_h = h;
    predictor->planned_w = w;
    return YT_OK;
}

/* The inverse of the letterbox. Each axis has its own gain, since its side was rounded to whole pixels by itself: so
 * the image's border comes back to the image's border. */
static yti_fit fit_of(const yti_letterbox *letterbox, int w, int h) {
    return (yti_fit){.gain_x = (float)((double)letterbox->resized_w / w),
                     .gain_y = (float)((double)letterbox->resized_h / h),
                     .left = letterbox->left,
                     .top = letterbox->top,
                     .original_w = w,
                     .original_h = h};
}

yt_status yti_predictor_run(yti_predictor *predictor, const uint8_t *rgb, int image_w, int image_h, yt_detection *out,
                            int *n_out, yt_err *err) {
    const yti_predict_options *options = &predictor->options;
    yti_model *model = predictor->model;
    int side = predictor->side;
    yti_letterbox letterbox = yti_letterbox_plan(image_w, image_h, side, side, options->rect, true, predictor->stride);
    int w = letterbox.left + letterbox.resized_w + letterbox.right;
    int h = letterbox.top + letterbox.resized_h + letterbox.bottom;
    YT_TRY(plan_for(predictor, h, w, err));
    YT_TRY(yti_letterbox_apply(&letterbox, rgb, image_w, image_h, predictor->input, err));
    yti_model_set_input(model, predictor->input);
    yti_model_forward(model, &model->state, NULL);

    yti_head head = yti_model_head(model, predictor->branch);
    if (!yti_head_is_finite(&head, 0))
        return yt_fail(err, YT_ERR_NON_FINITE,
                       "%s gives values that are not finite (NaN or infinity) for this image: its weights are damaged",
                       model->name);
    yti_detect_options detect = {.conf = options->conf,
                                 .iou = options->iou,
                                 .max_det = options->max_det,
                                 .end2end = predictor->one_to_one,
                                 .agnostic = options->agnostic,
                                 .classes = options->classes};
    int n;
    YT_TRY(yti_detect(&head, 0, &detect, out, &n, err));
    yti_fit fit = fit_of(&letterbox, image_w, image_h);
    yti_detections_to_image(out, n, &fit);
    *n_out = n;
    return YT_OK;
}

int yti_predictor_side(const yti_predictor *predictor) {
    return predictor->side;
}

size_t yti_predictor_bytes(const yti_predictor *predictor) {
    return predictor->input_bytes + yti_graph_arena_bytes(predictor->model->graph);
}

void yti_predictor_input(const yti_predictor *predictor, int *w, int *h) {
    *w = predictor->planned_w;
    *h = predictor->planned_h;
}
