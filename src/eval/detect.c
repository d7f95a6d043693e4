/* detect.c: detections of one image of a batch, and their way back to the original image. */
#include "eval/decode.h"

#include <stdint.h>
#include <string.h>

yt_status yti_detect(const yti_head *head, int image, const yti_detect_options *options, yt_detection *out, int *n_out,
                     yt_err *err) {
    if (options->max_det < 1)
        return yt_fail(err, YT_ERR_ARGUMENT, "max_det is %d; it must be at least 1", options->max_det);
    if (head->n_classes < 1 || head->n_levels < 1 || image < 0 || image >= head->level[0].cls.n)
        return yt_fail(err, YT_ERR_ARGUMENT, "image %d of a head with %d classes and %d levels does not exist", image,
                       head->n_classes, head->n_levels);
    return (options->end2end ? yti_select_end2end : yti_select_nms)(head, image, options, out, n_out, err);
}

/* The bits of the exponent are all 1 in an infinity and a NaN; an OR of integers is vector code. */
static const uint32_t EXPONENT = 0x7F800000;

static bool is_finite(const yti_tensor *map, int image) {
    const size_t cells = (size_t)map->h * (size_t)map->w;
    for (size_t cell = 0; cell < cells; cell++) {
        const float *x = map->data + (ptrdiff_t)((size_t)image * cells + cell) * map->ld;
        int any = 0;
        for (int c = 0; c < map->c; c++) {
            uint32_t bits;
            memcpy(&bits, &x[c], sizeof bits);
            any |= (bits & EXPONENT) == EXPONENT;
        }
        if (any) return false;
    }
    return true;
}

bool yti_head_is_finite(const yti_head *head, int image) {
    for (int i = 0; i < head->n_levels; i++)
        if (!is_finite(&head->level[i].box, image) || !is_finite(&head->level[i].cls, image)) return false;
    return true;
}

static float clip(float x, int largest) {
    if (!(x > 0)) return 0;
    return x < (float)largest ? x : (float)largest;
}

void yti_detections_to_image(yt_detection *detections, int n, const yti_fit *fit) {
    float left = (float)fit->left, top = (float)fit->top;
    for (int i = 0; i < n; i++) {
        yt_xyxy b = detections[i].box;
        detections[i].box = (yt_xyxy){
            clip((b.x1 - left) / fit->gain_x, fit->original_w), clip((b.y1 - top) / fit->gain_y, fit->original_h),
            clip((b.x2 - left) / fit->gain_x, fit->original_w), clip((b.y2 - top) / fit->gain_y, fit->original_h)};
    }
}
