/* Tests of src/data/augment/warp.c: shifts by hand, and a plain reference for any map. */
#include "data/augment/augment.h"
#include "support/near.h"
#include "support/noise.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static yti_affine map_of(double a, double b, double c, double d, double e, double f) {
    return (yti_affine){.m = {a, b, c, d, e, f, 0, 0, 1}, .gain = 1};
}

Test(warp, identity_copies) {
    enum { W = 37, H = 23, BYTES = W * H * 3 };
    uint8_t *src = test_noise(BYTES, 5), dst[BYTES + 8];
    memset(dst, 77, sizeof dst);
    yti_affine map = map_of(1, 0, 0, 0, 1, 0);
    yti_affine_warp(&map, src, W, H, dst, W, H);
    cr_assert_arr_eq(src, dst, BYTES);
    for (int i = BYTES; i < BYTES + 8; i++) cr_assert_eq(dst[i], 77);
    free(src);
}

Test(warp, a_whole_shift_moves_pixels_and_fills_with_grey) {
    enum { W = 9, H = 7 };
    uint8_t *src = test_noise(W * H * 3, 6), dst[12 * 8 * 3];
    yti_affine map = map_of(1, 0, 2, 0, 1, -3);
    yti_affine_warp(&map, src, W, H, dst, 12, 8);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 12; x++)
            for (int c = 0; c < 3; c++) {
                int sx = x - 2, sy = y + 3;
                bool inside = sx >= 0 && sx < W && sy < H;
                cr_assert_eq(dst[3 * (12 * y + x) + c], inside ? src[3 * (W * sy + sx) + c] : 114, "%d %d", x, y);
            }
    free(src);
}

/* Half a pixel to the right: the mean of two neighbours, the first of grey and the first pixel. */
Test(warp, half_a_pixel_is_a_mean) {
    const uint8_t src[3 * 3] = {10, 20, 30, 50, 60, 70, 200, 100, 0};
    uint8_t dst[4 * 3];
    yti_affine map = map_of(1, 0, 0.5, 0, 1, 0);
    yti_affine_warp(&map, src, 3, 1, dst, 4, 1);
    const uint8_t expected[12] = {62, 67, 72, 30, 40, 50, 125, 80, 35, 157, 107, 57};
    cr_assert_arr_eq(dst, expected, 12);
}

/* Bilinear in double, straight from the definition. */
static double plain_sample(const uint8_t *src, int w, int h, double x, double y, int c) {
    double ix = floor(x), iy = floor(y), fx = x - ix, fy = y - iy, sum = 0;
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++) {
            double px = ix + i, py = iy + j;
            bool inside = px >= 0 && py >= 0 && px < w && py < h;
            double value = inside ? src[3 * ((int)py * w + (int)px) + c] : 114;
            sum += value * (i ? fx : 1 - fx) * (j ? fy : 1 - fy);
        }
    return sum;
}

/* A smooth image, so that a position rounded to 1/256 changes little. */
static void expect_warp(const yti_affine *map, int w, int h, int ow, int oh, double tolerance) {
    uint8_t *src = malloc((size_t)(3 * w * h)), *dst = malloc((size_t)(3 * ow * oh));
    cr_assert(src && dst);
    for (int i = 0; i < 3 * w * h; i++) {
        int x = i / 3 % w, y = i / 3 / w;
        src[i] = (uint8_t)(128 + 60 * sin(x * 0.3 + i % 3) + 60 * cos(y * 0.2));
    }
    yti_affine_warp(map, src, w, h, dst, ow, oh);
    const double *m = map->m;
    int compared = 0;
    for (int y = 0; y < oh; y++)
        for (int x = 0; x < ow; x++) {
            /* Solve m (u, v, 1) ~ (x, y, 1) by Cramer's rule. */
            double a = m[0] - x * m[6], b = m[1] - x * m[7], e = x * m[8] - m[2];
            double c = m[3] - y * m[6], d = m[4] - y * m[7], f = y * m[8] - m[5];
            double determinant = a * d - b * c, u = (e * d - b * f) / determinant, v = (a * f - e * c) / determinant;
            if (!isfinite(u) || !isfinite(v)) continue;
            for (int k = 0; k < 3; k++, compared++) {
                double expected = plain_sample(src, w, h, u, v, k);
                cr_assert(test_near(dst[3 * (y * ow + x) + k], expected, tolerance), "at %d %d: %d, not %g", x, y,
                          dst[3 * (y * ow + x) + k], expected);
            }
        }
    cr_assert_eq(compared, 3 * ow * oh);
    free(src);
    free(dst);
}

/* Rounding to a whole level (0.5), weights in 1/256 (up to 3 * 255 / 512 worst, far less here) and positions in
 * 1/512 of a pixel times the step to the grey border (at most 134): within 2. */
Test(warp, turned_scaled_and_sheared_pictures_equal_the_plain_formula) {
    yti_augment augment = {.degrees = 180, .translate = 0.5f, .scale = 0.9f, .shear = 20};
    static const int sizes[][4] = {{40, 30, 32, 32}, {64, 64, 32, 32}, {1, 1, 16, 16},
                                   {2, 50, 20, 9},   {50, 2, 9, 20},   {33, 17, 64, 5}};
    for (uint64_t i = 0; i < 60; i++) {
        const int *s = sizes[i % 6];
        yti_rng rng = yti_rng_make(3, 0, i, YT_RNG_TEST);
        yti_affine map = yti_affine_draw(&augment, s[0], s[1], s[2], s[3], &rng);
        expect_warp(&map, s[0], s[1], s[2], s[3], 2);
    }
}

Test(warp, perspective_equals_the_plain_formula) {
    yti_augment augment = {.degrees = 20, .translate = 0.1f, .scale = 0.3f, .perspective = 0.002f};
    for (uint64_t i = 0; i < 10; i++) {
        yti_rng rng = yti_rng_make(4, 0, i, YT_RNG_TEST);
        yti_affine map = yti_affine_draw(&augment, 60, 40, 32, 32, &rng);
        cr_assert(map.m[6] != 0);
        expect_warp(&map, 60, 40, 32, 32, 2);
    }
}

Test(warp, extreme_maps_give_grey_and_stay_in_memory) {
    enum { W = 8, H = 8 };
    uint8_t *src = malloc(W * H * 3), dst[16 * 16 * 3];
    cr_assert_not_null(src);
    memset(src, 1, W * H * 3);
    const yti_affine maps[] = {map_of(0, 0, 4, 0, 0, 4),         map_of(1, 1, 0, 1, 1, 0),
                               map_of(1e-5, 0, -3, 0, 1e-5, -3), map_of(1e9, 0, -1e9, 0, 1e9, -1e9),
                               map_of(1, 0, 1e300, 0, 1, 1e300), map_of((double)NAN, 0, 0, 0, 1, 0),
                               map_of(1, 0, HUGE_VAL, 0, 1, 0),  map_of(1, 0, 100, 0, 1, 0)};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        yti_affine_warp(&maps[i], src, W, H, dst, 16, 16);
        int grey = 0;
        for (int j = 0; j < 16 * 16 * 3; j++) grey += dst[j] == 114;
        cr_assert(grey >= 16 * 16 * 3 - 3 || i == 3, "map %zu leaves %d grey", i, grey);
    }
    free(src);
}
