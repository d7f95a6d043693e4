/* Tests of src/image/letterbox.c and resize.c: worked numbers and the reference batch. */
#include "base/file.h"
#include "image/image.h"
#include "image/resize.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void expect_plan(yti_letterbox got, int w, int h, int left, int top, int right, int bottom) {
    cr_assert_eq(got.resized_w, w);
    cr_assert_eq(got.resized_h, h);
    cr_assert_eq(got.left, left);
    cr_assert_eq(got.top, top);
    cr_assert_eq(got.right, right);
    cr_assert_eq(got.bottom, bottom);
}

/* The examples of spec architecture 6.6. */
Test(letterbox, plan_gives_the_examples_of_the_specification) {
    expect_plan(yti_letterbox_plan(1280, 720, 640, 640, true, true, 32), 640, 360, 0, 12, 0, 12);
    expect_plan(yti_letterbox_plan(1280, 720, 640, 640, false, true, 32), 640, 360, 0, 140, 0, 140);
    expect_plan(yti_letterbox_plan(481, 333, 640, 640, true, true, 32), 640, 443, 0, 2, 0, 3);
    expect_plan(yti_letterbox_plan(481, 333, 640, 640, false, true, 32), 640, 443, 0, 98, 0, 99);
    expect_plan(yti_letterbox_plan(810, 1080, 640, 640, true, true, 32), 480, 640, 0, 0, 0, 0);
    expect_plan(yti_letterbox_plan(810, 1080, 640, 640, false, true, 32), 480, 640, 80, 0, 80, 0);
}

Test(letterbox, plan_enlarges_only_when_asked) {
    expect_plan(yti_letterbox_plan(100, 50, 640, 640, false, false, 32), 100, 50, 270, 295, 270, 295);
    expect_plan(yti_letterbox_plan(100, 50, 640, 640, false, true, 32), 640, 320, 0, 160, 0, 160);
}

Test(letterbox, a_thin_picture_keeps_a_pixel) {
    expect_plan(yti_letterbox_plan(5000, 1, 640, 640, false, true, 32), 640, 1, 0, 319, 0, 320);
}

Test(letterbox, apply_fills_the_margins_with_grey) {
    uint8_t src[2 * 1 * 3] = {10, 20, 30, 40, 50, 60}, dst[4 * 3 * 3 + 1];
    memset(dst, 7, sizeof dst);
    yti_letterbox plan = {.resized_w = 2, .resized_h = 1, .left = 1, .top = 1, .right = 1, .bottom = 1};
    cr_assert_eq(yti_letterbox_apply(&plan, src, 2, 1, dst, NULL), YT_OK);
    for (int i = 0; i < 36; i++) {
        bool inside = i >= 15 && i < 21;
        cr_assert_eq(dst[i], inside ? src[i - 15] : 114, "byte %d is %d", i, dst[i]);
    }
    cr_assert_eq(dst[36], 7);
}

Test(letterbox, the_short_side_is_rounded_up_to_the_long_sides_scale) {
    static const int cases[][5] = {/* w0, h0, side, w, h */
                                   {640, 425, 320, 320, 213}, {425, 640, 320, 213, 320},
                                   {640, 480, 320, 320, 240}, {100, 33, 640, 640, 212}, /* 211.2 */
                                   {10000, 3, 320, 320, 1},   {320, 320, 320, 320, 320}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int w, h;
        yti_long_side_plan(cases[i][0], cases[i][1], cases[i][2], &w, &h);
        cr_assert_eq(w, cases[i][3]);
        cr_assert_eq(h, cases[i][4]);
    }
}

Test(resize, halving_is_the_rounded_mean_of_four) {
    uint8_t src[2 * 4 * 3], dst[2 * 1 * 3];
    for (int i = 0; i < 24; i++) src[i] = (uint8_t)(i * i % 251);
    cr_assert_eq(yti_image_resize(src, 4, 2, dst, 2, 1, NULL), YT_OK);
    for (int x = 0; x < 2; x++)
        for (int c = 0; c < 3; c++) {
            int sum = src[6 * x + c] + src[6 * x + 3 + c] + src[12 + 6 * x + c] + src[15 + 6 * x + c];
            cr_assert_eq(dst[3 * x + c], (sum + 2) / 4);
        }
}

Test(resize, the_same_size_is_a_copy) {
    uint8_t src[5 * 3 * 3], dst[5 * 3 * 3];
    for (int i = 0; i < 45; i++) src[i] = (uint8_t)(37 * i);
    cr_assert_eq(yti_image_resize(src, 5, 3, dst, 5, 3, NULL), YT_OK);
    cr_assert_arr_eq(src, dst, 45);
}

/* One row of two pixels, 0 and 200, to four. scale 0.5: f = -0.25, 0.25, 0.75, 1.25, so the weights are (1, 0),
 * (1536, 512), (512, 1536), (1, 0) of the last pixel: T = 0, 102400, 307200, 409600. One source row: both rows are
 * the same, f = 0, so b = (2048, 0): (2048 * (T >> 4) >> 16) = 0, 200, 600, 800; (+ 2) >> 2 = 0, 50, 150, 200. */
Test(resize, a_row_worked_by_hand) {
    uint8_t src[6] = {0, 0, 0, 200, 200, 200}, dst[12];
    cr_assert_eq(yti_image_resize(src, 2, 1, dst, 4, 1, NULL), YT_OK);
    static const uint8_t expected[4] = {0, 50, 150, 200};
    for (int i = 0; i < 12; i++) cr_assert_eq(dst[i], expected[i / 3]);
}

/* One column of three pixels 10, 20, 250 to two. scale 1.5: f = 0.25, 1.75: rows (0, 1) with b = (1536, 512) and (1,
 * 2) with (512, 1536). T >> 4 = 128 v = 1280, 2560, 32000. First: 1536*1280 >> 16 = 30, 512*2560 >> 16 = 20, (52 >>
 * 2) = 13. Second: 512*2560 >> 16 = 20, 1536*32000 >> 16 = 750, (772 >> 2) = 193. */
Test(resize, a_column_worked_by_hand) {
    uint8_t src[9] = {10, 10, 10, 20, 20, 20, 250, 250, 250}, dst[6];
    cr_assert_eq(yti_image_resize(src, 1, 3, dst, 1, 2, NULL), YT_OK);
    static const uint8_t expected[6] = {13, 13, 13, 193, 193, 193};
    cr_assert_arr_eq(dst, expected, 6);
}

/* Written plainly from the formula: what every fast path must equal. */
static int axis(int i, int src, int dst, bool clamp_fraction, int *k, int weights[2]) {
    double scale = 1.0 / ((double)dst / src);
    volatile double product = (i + 0.5) * scale;
    float f = (float)(product - 0.5);
    *k = (int)floorf(f);
    f -= (float)*k;
    if (clamp_fraction && *k < 0) *k = 0, f = 0;
    if (clamp_fraction && *k >= src - 1) *k = src - 1, f = 0;
    weights[0] = (int)lrintf((1 - f) * 2048);
    weights[1] = (int)lrintf(f * 2048);
    return *k;
}

static int clamp(int v, int hi) {
    return v < 0 ? 0 : v > hi ? hi : v;
}

static uint8_t plain_pixel(const uint8_t *src, int sw, int sh, int dw, int dh, int x, int y, int c) {
    int kx, ky, a[2], b[2];
    axis(x, sw, dw, true, &kx, a);
    axis(y, sh, dh, false, &ky, b);
    int t[2];
    for (int r = 0; r < 2; r++) {
        const uint8_t *row = src + 3 * sw * clamp(ky + r, sh - 1);
        t[r] = row[3 * kx + c] * a[0] + row[3 * clamp(kx + 1, sw - 1) + c] * a[1];
    }
    return (uint8_t)clamp((((b[0] * (t[0] >> 4)) >> 16) + ((b[1] * (t[1] >> 4)) >> 16) + 2) >> 2, 255);
}

Test(resize, any_size_equals_the_plain_formula) {
    static const int sizes[][4] = {{7, 5, 13, 9},   {13, 9, 7, 5},  {1, 1, 4, 3},      {64, 48, 20, 15},
                                   {17, 31, 17, 8}, {40, 3, 20, 2}, {101, 77, 33, 99}, {6, 6, 3, 6}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int sw = sizes[i][0], sh = sizes[i][1], dw = sizes[i][2], dh = sizes[i][3];
        uint8_t *src = malloc((size_t)(3 * sw * sh)), *dst = malloc((size_t)(3 * dw * dh));
        cr_assert(src && dst);
        for (int j = 0; j < 3 * sw * sh; j++) src[j] = (uint8_t)((uint32_t)(j + 1) * 2654435761u >> 24);
        cr_assert_eq(yti_image_resize(src, sw, sh, dst, dw, dh, NULL), YT_OK);
        for (int y = 0; y < dh; y++)
            for (int x = 0; x < dw; x++)
                for (int c = 0; c < 3; c++)
                    cr_assert_eq(dst[3 * (y * dw + x) + c], plain_pixel(src, sw, sh, dw, dh, x, y, c),
                                 "%d x %d to %d x %d at %d, %d", sw, sh, dw, dh, x, y);
        free(src);
        free(dst);
    }
}

Test(resize, a_wider_target_keeps_its_other_bytes) {
    uint8_t src[3 * 3 * 3] = {0}, dst[2 * 20];
    memset(dst, 9, sizeof dst);
    cr_assert_eq(yti_resize(src, 3, 3, dst, 20, 2, 2, NULL), YT_OK);
    for (int i = 0; i < 40; i++) cr_assert_eq(dst[i], i % 20 < 6 ? 0 : 9);
}

/* The four COCO8 training images, long side to 320 and boxed to 320 x 320, as another implementation made them (its
 * JPEG decoder is libjpeg's, ours stb's: the two differ by a grey level here and there). */
Test(letterbox, the_reference_batch_is_reproduced) {
    static const char *const names[] = {"000000000009", "000000000025", "000000000030", "000000000034"};
    enum { SIDE = 320, BYTES = SIDE * SIDE * 3 };
    char *reference;
    size_t bytes;
    if (yti_file_read(YT_SHARED_DIR "/fixtures/batch_images_4x320x320x3_rgb_u8.bin", 1 << 24, &reference, &bytes,
                      NULL) != YT_OK)
        cr_skip_test("no shared fixtures");
    cr_assert_eq(bytes, 4u * BYTES);
    uint8_t *scaled = malloc(BYTES), *boxed = malloc(BYTES);
    cr_assert(scaled && boxed);
    double sum = 0;
    int worst = 0;
    for (int i = 0; i < 4; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/data/coco8/images/train/%s.jpg", YT_SHARED_DIR, names[i]);
        yt_image image;
        yt_err err = {0};
        cr_assert_eq(yt_image_load(path, &image, &err), YT_OK, "%s", err.text);
        int w, h;
        yti_long_side_plan(image.w, image.h, SIDE, &w, &h);
        cr_assert_eq(yti_image_resize(image.rgb, image.w, image.h, scaled, w, h, &err), YT_OK);
        yti_letterbox plan = yti_letterbox_plan(w, h, SIDE, SIDE, false, false, 32);
        cr_assert_eq(yti_letterbox_apply(&plan, scaled, w, h, boxed, &err), YT_OK);
        for (int j = 0; j < BYTES; j++) {
            int difference = abs(boxed[j] - (uint8_t)reference[i * BYTES + j]);
            sum += difference;
            if (difference > worst) worst = difference;
        }
        yt_image_free(&image);
    }
    free(boxed);
    free(scaled);
    free(reference);
    cr_log_info("mean absolute difference %.4f, largest %d", sum / (4.0 * BYTES), worst);
    cr_assert(sum / (4.0 * BYTES) < 0.15);
    cr_assert_leq(worst, 5);
}
