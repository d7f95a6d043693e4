/* letterbox.c: fitting an image into a rectangle without distortion; the rest is grey (spec architecture 6.6).
 *
 * Rounding is half to even, and the 0.1 puts the odd pixel of an uneven margin to the right and the bottom.
 */
#include "image/image.h"
#include "image/resize.h"

#include <math.h>
#include <string.h>

enum { GREY = 114 };

static int scaled_up_to(int length, double ratio, int side) {
    double scaled = ceil(length * ratio);
    return scaled < side ? (int)scaled : side;
}

void yti_long_side_plan(int w0, int h0, int side, int *w, int *h) {
    double ratio = (double)side / (w0 > h0 ? w0 : h0);
    *w = scaled_up_to(w0, ratio, side);
    *h = scaled_up_to(h0, ratio, side);
}

static void split_margin(int total, int *before, int *after) {
    double half = total / 2.0;
    *before = (int)lrint(half - 0.1);
    *after = (int)lrint(half + 0.1);
}

yti_letterbox yti_letterbox_plan(int w0, int h0, int w, int h, bool minimal, bool scale_up, int stride) {
    double ratio = fmin((double)h / h0, (double)w / w0);
    if (!scale_up && ratio > 1) ratio = 1;
    yti_letterbox plan = {.resized_w = (int)lrint(w0 * ratio), .resized_h = (int)lrint(h0 * ratio)};
    if (plan.resized_w < 1) plan.resized_w = 1; /* a very long, thin image */
    if (plan.resized_h < 1) plan.resized_h = 1;
    int margin_x = w - plan.resized_w, margin_y = h - plan.resized_h;
    if (minimal) {
        margin_x %= stride;
        margin_y %= stride;
    }
    split_margin(margin_x, &plan.left, &plan.right);
    split_margin(margin_y, &plan.top, &plan.bottom);
    return plan;
}

static void copy_rows(const uint8_t *src, uint8_t *dst, size_t dst_stride, int w, int h) {
    for (int y = 0; y < h; y++) memcpy(dst + (size_t)y * dst_stride, src + (size_t)y * (size_t)w * 3, (size_t)w * 3);
}

yt_status yti_letterbox_apply(const yti_letterbox *plan, const uint8_t *src, int src_w, int src_h, uint8_t *dst,
                              yt_err *err) {
    size_t stride = (size_t)(plan->left + plan->resized_w + plan->right) * 3;
    size_t left = (size_t)plan->left * 3, right = (size_t)plan->right * 3;
    uint8_t *inside = dst + (size_t)plan->top * stride + left;
    if (src_w == plan->resized_w && src_h == plan->resized_h)
        copy_rows(src, inside, stride, src_w, src_h);
    else
        YT_TRY(yti_resize(src, src_w, src_h, inside, stride, plan->resized_w, plan->resized_h, err));
    memset(dst, GREY, (size_t)plan->top * stride);
    for (int y = 0; y < plan->resized_h; y++) {
        uint8_t *row = dst + (size_t)(plan->top + y) * stride;
        memset(row, GREY, left);
        memset(row + stride - right, GREY, right);
    }
    memset(dst + (size_t)(plan->top + plan->resized_h) * stride, GREY, (size_t)plan->bottom * stride);
    return YT_OK;
}

yt_status yti_letterbox_load(const char *path, int w, int h, uint8_t *dst, yt_err *err) {
    yt_image image;
    YT_TRY(yt_image_load(path, &image, err));
    const yti_letterbox plan = yti_letterbox_plan(image.w, image.h, w, h, false, true, 1);
    const yt_status status = yti_letterbox_apply(&plan, image.rgb, image.w, image.h, dst, err);
    yt_image_free(&image);
    return status;
}
