/* Tests of src/data/augment/augment.c, outline.c, mix.c, warp.c and hsv.c: worked geometry, a plain reference for
 * the warp, known colours; and of the Beta distribution that mixing draws from. */
#include "data/augment/augment.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *noise(size_t bytes, uint32_t state) {
    uint8_t *data = malloc(bytes);
    cr_assert_not_null(data);
    for (size_t i = 0; i < bytes; i++) {
        state = state * 1664525u + 1013904223u;
        data[i] = (uint8_t)(state >> 24);
    }
    return data;
}

/* ---- mosaic ---- */

static void expect_tile(yti_tile got, int dst_x, int dst_y, int src_x, int src_y, int w, int h) {
    cr_assert(got.dst_x == dst_x && got.dst_y == dst_y && got.src_x == src_x && got.src_y == src_y && got.w == w &&
                  got.h == h,
              "dst %d %d src %d %d size %d %d", got.dst_x, got.dst_y, got.src_x, got.src_y, got.w, got.h);
}

/* Canvas 1280. Images of 640 x 480 around (700, 500): the right ones lose 60 columns, none a row. */
Test(mosaic, tiles_meet_at_the_centre) {
    expect_tile(yti_mosaic_tile(0, 700, 500, 640, 480, 1280), 60, 20, 0, 0, 640, 480);
    expect_tile(yti_mosaic_tile(1, 700, 500, 640, 480, 1280), 700, 20, 0, 0, 580, 480);
    expect_tile(yti_mosaic_tile(2, 700, 500, 640, 480, 1280), 60, 500, 0, 0, 640, 480);
    expect_tile(yti_mosaic_tile(3, 700, 500, 640, 480, 1280), 700, 500, 0, 0, 580, 480);
}

/* Around (320, 400), 640 x 640: the left ones show their right half, the upper ones their lower 400 rows. */
Test(mosaic, tiles_show_the_part_next_to_the_centre) {
    expect_tile(yti_mosaic_tile(0, 320, 400, 640, 640, 1280), 0, 0, 320, 240, 320, 400);
    expect_tile(yti_mosaic_tile(1, 320, 400, 640, 640, 1280), 320, 0, 0, 240, 640, 400);
    expect_tile(yti_mosaic_tile(2, 320, 400, 640, 640, 1280), 0, 400, 320, 0, 320, 640);
    expect_tile(yti_mosaic_tile(3, 320, 400, 640, 640, 1280), 320, 400, 0, 0, 640, 640);
}

/* Four flat tiles of 3 x 2 on a canvas of 8 x 8 around (4, 4); '.' is what was there before. */
Test(mosaic, paste_puts_each_tile_in_its_quadrant) {
    static const char *const expected[8] = {"........", "........", ".aaabbb.", ".aaabbb.",
                                            ".cccddd.", ".cccddd.", "........", "........"};
    uint8_t canvas[8 * 8 * 3], tile[3 * 2 * 3];
    memset(canvas, '.', sizeof canvas);
    for (int i = 0; i < 4; i++) {
        memset(tile, 'a' + i, sizeof tile);
        yti_mosaic_paste(canvas, 8, yti_mosaic_tile(i, 4, 4, 3, 2, 8), tile, 3);
    }
    for (int i = 0; i < 8 * 8 * 3; i++) cr_assert_eq(canvas[i], expected[i / 24][i / 3 % 8]);
}

Test(mosaic, paste_copies_the_right_pixels_of_a_tile) {
    uint8_t canvas[4 * 4 * 3] = {0}, tile[3 * 3 * 3];
    for (int i = 0; i < 27; i++) tile[i] = (uint8_t)(i / 3 + 1);
    yti_mosaic_paste(canvas, 4, yti_mosaic_tile(0, 2, 1, 3, 3, 4), tile, 3); /* its last row, two columns */
    cr_assert_eq(canvas[0], 8);
    cr_assert_eq(canvas[3], 9);
    cr_assert_eq(canvas[6], 0);
    cr_assert_eq(canvas[12], 0);
}

Test(boxes, clip_drops_what_has_no_area) {
    yti_box boxes[] = {{0, {-5, -5, 3, 4}, 0, 0},
                       {1, {12, 1, 15, 5}, 0, 0},
                       {2, {8, 8, 20, 20}, 0, 0},
                       {3, {2, 2, 2, 5}, 0, 0},
                       {4, {1, 1, 2, 2}, 0, 0}};
    cr_assert_eq(yti_boxes_clip(boxes, 5, 10, 10), 3);
    cr_assert(boxes[0].class_id == 0 && boxes[1].class_id == 2 && boxes[2].class_id == 4);
    cr_assert(boxes[0].box.x1 == 0 && boxes[0].box.y2 == 4);
    cr_assert(boxes[1].box.x2 == 10 && boxes[1].box.y2 == 10);
}

/* ---- map ---- */

static yti_affine map_of(double a, double b, double c, double d, double e, double f) {
    return (yti_affine){.m = {a, b, c, d, e, f, 0, 0, 1}, .gain = 1};
}

Test(affine, without_ranges_the_centre_goes_to_the_centre) {
    yti_augment none = {0};
    yti_rng rng = yti_rng_make(0, 0, 0, YT_RNG_TEST);
    yti_affine map = yti_affine_draw(&none, 100, 60, 80, 80, &rng);
    const double expected[9] = {1, 0, -10, 0, 1, 10, 0, 0, 1};
    for (int i = 0; i < 9; i++) cr_assert(test_near(map.m[i], expected[i], 1e-12), "m[%d] = %g", i, map.m[i]);
    cr_assert(test_near(map.gain, 1, 0));
}

/* The linear part of any drawn map: gain * rotation with shear; the centre lands within the translation range. */
Test(affine, draws_stay_in_their_ranges) {
    yti_augment augment = {.degrees = 30, .translate = 0.2f, .scale = 0.4f, .shear = 10};
    double lowest = 2, highest = 0;
    for (uint64_t i = 0; i < 500; i++) {
        yti_rng rng = yti_rng_make(1, 0, i, YT_RNG_TEST);
        yti_affine map = yti_affine_draw(&augment, 64, 64, 32, 32, &rng);
        const double *m = map.m;
        double x = m[0] * 32 + m[1] * 32 + m[2], y = m[3] * 32 + m[4] * 32 + m[5];
        cr_assert(x >= 0.3 * 32 - 1e-9 && x <= 0.7 * 32 + 1e-9 && y >= 0.3 * 32 - 1e-9 && y <= 0.7 * 32 + 1e-9);
        cr_assert(map.gain >= 0.6 && map.gain < 1.4);
        /* det(S R) = gain^2 * (1 - tan shx tan shy) */
        double determinant = m[0] * m[4] - m[1] * m[3], shear = tan(10 * 3.14159265358979 / 180);
        cr_assert(fabs(determinant / (map.gain * map.gain) - 1) <= shear * shear + 1e-9);
        lowest = fmin(lowest, map.gain), highest = fmax(highest, map.gain);
    }
    cr_assert(lowest < 0.63 && highest > 1.37);
}

/* A quarter turn by hand: degrees a = 90 gives R = [0 1; -1 0]: (x, y) -> (y, -x) about the centre. */
Test(affine, the_sense_of_rotation_is_the_familys) {
    yti_augment augment = {.degrees = 90};
    double best = 1e9;
    for (uint64_t i = 0; i < 2000 && best > 0.01; i++) { /* find a draw near +90 degrees */
        yti_rng rng = yti_rng_make(2, 0, i, YT_RNG_TEST);
        yti_affine map = yti_affine_draw(&augment, 10, 10, 10, 10, &rng);
        best = fmin(best, fabs(map.m[1] - 1) + fabs(map.m[3] + 1));
    }
    cr_assert(best <= 0.01, "no draw had m[1] = 1 and m[3] = -1, nearest %g", best);
}

static void expect_warp(const yti_affine *map, int w, int h, int ow, int oh, double tolerance);

Test(warp, identity_copies) {
    enum { W = 37, H = 23, BYTES = W * H * 3 };
    uint8_t *src = noise(BYTES, 5), dst[BYTES + 8];
    memset(dst, 77, sizeof dst);
    yti_affine map = map_of(1, 0, 0, 0, 1, 0);
    yti_affine_warp(&map, src, W, H, dst, W, H);
    cr_assert_arr_eq(src, dst, BYTES);
    for (int i = BYTES; i < BYTES + 8; i++) cr_assert_eq(dst[i], 77);
    free(src);
}

Test(warp, a_whole_shift_moves_pixels_and_fills_with_grey) {
    enum { W = 9, H = 7 };
    uint8_t *src = noise(W * H * 3, 6), dst[12 * 8 * 3];
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

/* ---- boxes ---- */

Test(affine, boxes_are_mapped_and_clipped) {
    yti_affine map = map_of(2, 0, 10, 0, 2, -20);
    map.gain = 2;
    yti_box boxes[] = {{3, {10, 20, 30, 40}, 0, 0}, {4, {30, 5, 60, 45}, 0, 0}};
    cr_assert_eq(yti_affine_boxes(&map, NULL, boxes, 2, 100, 100, NULL), 2);
    cr_assert(boxes[0].box.x1 == 30 && boxes[0].box.y1 == 20 && boxes[0].box.x2 == 70 && boxes[0].box.y2 == 60);
    cr_assert(boxes[1].box.x1 == 70 && boxes[1].box.y1 == 0 && boxes[1].box.x2 == 100 && boxes[1].box.y2 == 70);
    cr_assert(boxes[0].class_id == 3 && boxes[1].class_id == 4);
}

/* A square of side 2 around (5, 5), turned by 45 degrees about the origin: its corners (4, 4), (6, 6), (4, 6), (6,
 * 4) go to (x + y, y - x) / sqrt 2. */
Test(affine, a_turned_box_is_the_one_around_its_corners) {
    double s = sqrt(0.5);
    yti_affine map = map_of(s, s, 0, -s, s, 0);
    yti_box box = {.class_id = 0, .box = {4, 4, 6, 6}};
    yti_affine shifted = map_of(s, s, 0, -s, s, 10);
    cr_assert_eq(yti_affine_boxes(&shifted, NULL, &box, 1, 100, 100, NULL), 1);
    cr_assert(test_near((double)box.box.x1, 8 * s, 1e-5) && test_near((double)box.box.x2, 12 * s, 1e-5));
    cr_assert(test_near((double)box.box.y1, 10 - 2 * s, 1e-5) && test_near((double)box.box.y2, 10 + 2 * s, 1e-5));
    cr_assert(map.gain == 1);
}

/* The strict limits: more than 2 px on a side, more than a tenth of the scaled area, aspect below 100. */
Test(affine, boxes_that_became_useless_are_dropped) {
    static const struct {
        yt_xyxy box;
        int kept;
    } cases[] = {
        {{10, 10, 12, 50}, 0},    /* 2 wide */
        {{10, 10, 12.5f, 50}, 1}, /* 2.5 wide */
        {{-90, 10, 10, 50}, 0},   /* exactly a tenth is inside */
        {{-89, 10, 10, 50}, 1},   /* a little more */
        {{100, 10, 150, 50}, 0},  /* outside */
        {{10, 10, 10, 50}, 0},    /* no width */
        {{NAN, 10, 20, 50}, 0},   /* not a number */
    };
    yti_affine map = map_of(1, 0, 0, 0, 1, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yti_box box = {.class_id = 0, .box = cases[i].box};
        cr_assert_eq(yti_affine_boxes(&map, NULL, &box, 1, 100, 100, NULL), cases[i].kept, "case %zu", i);
    }
    yti_box thin = {.class_id = 0, .box = {0, 10, 1000, 12.5f}};
    cr_assert_eq(yti_affine_boxes(&map, NULL, &thin, 1, 1000, 100, NULL), 0); /* 1000 : 2.5 */
    yti_box less_thin = {.class_id = 0, .box = {0, 10, 240, 12.5f}};
    cr_assert_eq(yti_affine_boxes(&map, NULL, &less_thin, 1, 1000, 100, NULL), 1);
    yti_affine half = map_of(0.5, 0, 0, 0, 0.5, 0);
    half.gain = 0.5; /* the area shrinks with the gain, so nothing is lost */
    yti_box shrunk = {.class_id = 0, .box = {10, 10, 20, 20}};
    cr_assert_eq(yti_affine_boxes(&half, NULL, &shrunk, 1, 100, 100, NULL), 1);
}

/* In 100 x 100 at twice the size: the boxes of the case above that are dropped, each for its reason. */
Test(affine, what_becomes_of_boxes_is_counted) {
    static const struct {
        yt_xyxy box;
        yti_box_fate fate;
    } cases[] = {
        {{10, 10, 20, 20}, YT_BOX_SEEN},        {{10, 10, 11, 40}, YT_BOX_SMALL}, /* 2 wide */
        {{49.5f, 10, 50.5f, 40}, YT_BOX_SMALL},                                   /* 2 wide, half of it in view */
        {{60, 10, 61, 40}, YT_BOX_OUTSIDE},                                       /* 2 wide too */
        {{50, 10, 90, 40}, YT_BOX_OUTSIDE},     {{-38, 10, 2, 40}, YT_BOX_CUT},   /* a twentieth of it is in view */
        {{-9, 10, 0.5f, 40}, YT_BOX_CUT},                                         /* one pixel of it is */
        {{10, 10, 10, 40}, YT_BOX_OUTSIDE},                                       /* there is nothing of it */
    };
    enum { N = sizeof cases / sizeof *cases };
    yti_affine map = map_of(2, 0, 0, 0, 2, 0);
    map.gain = 2;
    int64_t all[YT_BOX_FATES] = {0}, expected[YT_BOX_FATES] = {0};
    yti_box boxes[N];
    for (int i = 0; i < N; i++) {
        int64_t fates[YT_BOX_FATES] = {0};
        yti_box box = {.class_id = 0, .box = cases[i].box};
        boxes[i] = box;
        expected[cases[i].fate]++;
        yti_affine_boxes(&map, NULL, &box, 1, 100, 100, fates);
        for (int f = 0; f < YT_BOX_FATES; f++)
            cr_assert_eq(fates[f], f == (int)cases[i].fate, "case %d, fate %d", i, f);
    }
    cr_assert_eq(yti_affine_boxes(&map, NULL, boxes, N, 100, 100, all), 1);
    cr_assert_arr_eq(all, expected, sizeof all);
    int64_t thin[YT_BOX_FATES] = {0};
    yti_box line = {.class_id = 0, .box = {0, 10, 500, 11.25f}}; /* 1000 : 2.5 */
    cr_assert_eq(yti_affine_boxes(&map, NULL, &line, 1, 1000, 100, thin), 0);
    cr_assert_eq(thin[YT_BOX_THIN], 1);
}

Test(affine, perspective_divides_by_the_depth) {
    yti_affine map = {.m = {1, 0, 0, 0, 1, 0, 0.01, 0, 1}, .gain = 1};
    yti_box box = {.class_id = 0, .box = {0, 10, 100, 50}}; /* depth 1 at x = 0, 2 at x = 100 */
    cr_assert_eq(yti_affine_boxes(&map, NULL, &box, 1, 100, 100, NULL), 1);
    cr_assert(test_near((double)box.box.x2, 50, 1e-5) && test_near((double)box.box.y1, 5, 1e-5));
    cr_assert(test_near((double)box.box.x1, 0, 1e-5) && test_near((double)box.box.y2, 50, 1e-5));
}

/* ---- outlines ---- */

static const double unmoved[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};

static void expect_outline(const double m[9], const yti_point *points, int count, double x1, double y1, double x2,
                           double y2) {
    yt_xyxy box = yti_outline_box(m, points, count, 100, 80);
    cr_assert(test_near((double)box.x1, x1, 1e-4) && test_near((double)box.y1, y1, 1e-4) &&
                  test_near((double)box.x2, x2, 1e-4) && test_near((double)box.y2, y2, 1e-4),
              "%g %g %g %g", (double)box.x1, (double)box.y1, (double)box.x2, (double)box.y2);
}

Test(outline, its_box_is_that_of_the_visible_part) {
    const yti_point inside[] = {{10, 20}, {40, 25}, {30, 60}};
    expect_outline(unmoved, inside, 3, 10, 20, 40, 60);
    /* The tip is inside; at x = 0 the edges from (-20, 10) and (-20, 70) to (20, 40) are at 25 and 55. */
    const yti_point tip[] = {{20, 40}, {-20, 10}, {-20, 70}};
    expect_outline(unmoved, tip, 3, 0, 25, 20, 55);
    /* No vertex is inside: a band across the image, then one that holds it all, then a cut corner. */
    const yti_point band[] = {{-10, 30}, {110, 30}, {110, 50}, {-10, 50}};
    expect_outline(unmoved, band, 4, 0, 30, 100, 50);
    const yti_point around[] = {{-1, -1}, {-1, 300}, {300, 300}, {300, -1}};
    expect_outline(unmoved, around, 4, 0, 0, 100, 80);
    const yti_point corner[] = {{-20, 30}, {30, -20}, {-20, -20}}; /* its long edge is x + y = 10 */
    expect_outline(unmoved, corner, 3, 0, 0, 10, 10);
    const yti_point outside[] = {{-20, 200}, {30, 190}, {70, 90}};
    expect_outline(unmoved, outside, 3, 0, 0, 0, 0);
    const yti_point past_the_corner[] = {{-30, 20}, {20, -30}, {-30, -30}}; /* x + y = -10 */
    expect_outline(unmoved, past_the_corner, 3, 0, 0, 0, 0);
    const yti_point line[] = {{50, -10}, {70, 30}}; /* at y = 0: 55 */
    expect_outline(unmoved, line, 2, 55, 0, 70, 30);
}

Test(outline, it_is_mapped_first) {
    const double turned[9] = {0, -2, 90, 2, 0, 0, 0, 0, 1}; /* (x, y) -> (90 - 2y, 2x) */
    const yti_point points[] = {{10, 20}, {40, 25}, {30, 60}};
    /* (50, 20), (40, 80), (-30, 60): cut at x = 0, where the edge to (50, 20) is at 45, that to (40, 80) at 68.6 */
    expect_outline(turned, points, 3, 0, 20, 50, 80);
    const double projective[9] = {1, 0, 0, 0, 1, 0, 0.01, 0, 1};
    const yti_point square[] = {{0, 10}, {100, 10}, {100, 50}, {0, 50}};
    expect_outline(projective, square, 4, 0, 5, 50, 50);
}

/* Against points of a grid: those seen of a triangle lie in its box, and each side of the box is near one. */
Test(outline, random_triangles_agree_with_a_grid) {
    yti_rng rng = yti_rng_make(6, 0, 0, YT_RNG_TEST);
    int seen = 0;
    for (int round = 0; round < 200; round++) {
        yti_point p[3];
        for (int i = 0; i < 3; i++)
            p[i] = (yti_point){(float)yti_rng_uniform(&rng, -80, 180), (float)yti_rng_uniform(&rng, -80, 160)};
        yt_xyxy box = yti_outline_box(unmoved, p, 3, 100, 80);
        double low_x = 1e9, low_y = 1e9, high_x = -1e9, high_y = -1e9;
        for (int iy = 0; iy <= 320; iy++)
            for (int ix = 0; ix <= 400; ix++) {
                double x = ix * 0.25, y = iy * 0.25, side[3];
                for (int i = 0; i < 3; i++) {
                    yti_point a = p[i], b = p[(i + 1) % 3];
                    side[i] = (double)(b.x - a.x) * (y - (double)a.y) - (double)(b.y - a.y) * (x - (double)a.x);
                }
                bool in = (side[0] > 0 && side[1] > 0 && side[2] > 0) || (side[0] < 0 && side[1] < 0 && side[2] < 0);
                if (!in) continue;
                low_x = fmin(low_x, x), high_x = fmax(high_x, x);
                low_y = fmin(low_y, y), high_y = fmax(high_y, y);
            }
        if (low_x > high_x) continue;
        seen++;
        cr_assert((double)box.x1 <= low_x + 1e-4 && (double)box.x2 >= high_x - 1e-4);
        cr_assert((double)box.y1 <= low_y + 1e-4 && (double)box.y2 >= high_y - 1e-4);
        /* A tip between two lines of the grid may be missed, the sharper the more. */
        double spare = (low_x - (double)box.x1) + ((double)box.x2 - high_x) + (low_y - (double)box.y1) +
                       ((double)box.y2 - high_y);
        cr_assert(spare <= 30);
    }
    cr_assert_gt(seen, 100);
}

/* A twentieth is left of both: too little of a box, enough of an outline, whose box is the tighter. */
Test(outline, a_box_follows_it_through_the_map) {
    const yti_point points[] = {{-190, 10}, {10, 10}, {10, 30}, {-190, 70}};
    yti_box boxes[] = {{.class_id = 1, .box = {-190, 10, 10, 70}},
                       {.class_id = 2, .box = {-190, 10, 10, 70}, .n_points = 4}};
    yti_affine map = map_of(1, 0, 0, 0, 1, 0);
    cr_assert_eq(yti_affine_boxes(&map, points, boxes, 2, 100, 100, NULL), 1);
    cr_assert_eq(boxes[0].class_id, 2);
    cr_assert(boxes[0].box.x1 == 0 && boxes[0].box.y1 == 10 && boxes[0].box.x2 == 10);
    cr_assert(test_near((double)boxes[0].box.y2, 32, 1e-4)); /* 30 + 40 * 10 / 200 */
    /* The canvas has cut the box at y = 20, so the outline below is not seen either. */
    yti_box cut = {.class_id = 3, .box = {-190, 10, 10, 20}, .n_points = 4};
    cr_assert_eq(yti_affine_boxes(&map, points, &cut, 1, 100, 100, NULL), 1);
    cr_assert(cut.box.y1 == 10 && cut.box.y2 == 20);
}

/* ---- mixing ---- */

/* Beta(a, b) has the mean a / (a + b) and the variance a b / ((a + b)^2 (a + b + 1)). With N draws the mean misses
 * by sqrt(variance / N) and the variance by less than twice itself / sqrt(N); five of these are allowed. */
static void expect_beta(int a, int b) {
    enum { N = 20000 };
    yti_rng rng = yti_rng_make(8, 0, (uint64_t)(100 * a + b), YT_RNG_TEST);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        double x = yti_rng_beta(&rng, a, b);
        cr_assert(x >= 0 && x < 1);
        sum += x;
        squares += x * x;
    }
    double n = a + b, mean = sum / N, variance = squares / N - mean * mean;
    double expected_mean = a / n, expected = a * b / (n * n * (n + 1));
    cr_assert(test_near(mean, expected_mean, 5 * sqrt(expected / N)), "Beta(%d, %d): mean %g", a, b, mean);
    cr_assert(test_near(variance, expected, 5 * 2 * expected / sqrt(N)), "Beta(%d, %d): variance %g, not %g", a, b,
              variance, expected);
}

Test(beta, mean_and_variance_are_those_of_the_distribution) {
    expect_beta(32, 32);
    expect_beta(1, 1);
    expect_beta(2, 5);
    expect_beta(1, 3);
}

/* Beta(32, 32) within one standard deviation of the mean: 68 % of a normal distribution, nearly. */
Test(beta, shares_are_near_a_half) {
    yti_rng rng = yti_rng_make(8, 1, 0, YT_RNG_TEST);
    int near = 0;
    for (int i = 0; i < 10000; i++) near += fabs(yti_rng_beta(&rng, 32, 32) - 0.5) < 0.0620;
    cr_assert(near > 6600 && near < 7100, "%d", near);
}

Test(mixup, pixels_are_weighted_and_truncated) {
    uint8_t rgb[6] = {200, 0, 255, 10, 99, 1};
    const uint8_t other[6] = {101, 255, 255, 20, 98, 0};
    yti_mixup_pixels(rgb, other, 6, 0.25);
    const uint8_t expected[6] = {125, 191, 255, 17, 98, 0}; /* 125.75, 191.25, 255, 17.5, 98.25, 0.25 */
    cr_assert_arr_eq(rgb, expected, 6);
}

Test(cutmix, a_rectangle_touches_no_box) {
    const yti_box boxes[] = {{.box = {30, 20, 60, 50}}, {.box = {80, 70, 95, 79}}};
    int large = 0, drawn = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        yti_rng rng = yti_rng_make(9, 0, i, YT_RNG_TEST);
        yti_rect r;
        if (!yti_cutmix_draw(boxes, 2, 100, 80, &rng, &r)) continue;
        drawn++;
        cr_assert(r.x1 >= 0 && r.y1 >= 0 && r.x2 <= 100 && r.y2 <= 80 && r.x1 <= r.x2 && r.y1 <= r.y2);
        for (int b = 0; b < 2; b++) {
            yt_xyxy box = boxes[b].box;
            bool apart = (float)r.x2 <= box.x1 || (float)r.x1 >= box.x2 || (float)r.y2 <= box.y1 ||
                         (float)r.y1 >= box.y2;
            cr_assert(apart || r.x1 == r.x2 || r.y1 == r.y2);
        }
        large += (r.x2 - r.x1) * (r.y2 - r.y1) > 1000;
    }
    cr_assert(drawn > 500 && drawn < 2000 && large > 100, "%d drawn, %d large", drawn, large);
}

/* Without boxes any of the three is taken, so its side is that of one draw: E[sqrt(1 - lam)] = 2/3 of the width
 * before it is cut at the borders; in the middle third of the centres a quarter of that is cut at most. */
Test(cutmix, rectangles_have_the_aspect_of_the_picture) {
    double area = 0;
    for (uint64_t i = 0; i < 4000; i++) {
        yti_rng rng = yti_rng_make(10, 0, i, YT_RNG_TEST);
        yti_rect r;
        cr_assert(yti_cutmix_draw(NULL, 0, 400, 200, &rng, &r));
        int w = r.x2 - r.x1, h = r.y2 - r.y1;
        if (r.x1 > 0 && r.x2 < 400 && r.y1 > 0 && r.y2 < 200) cr_assert_leq(abs(w - 2 * h), 3);
        area += (double)w * h / (400 * 200) / 4000;
    }
    /* Side c, centre uniform: a side keeps c - c^2 / 4 of the width on average; the square of that over c = sqrt(u)
     * is 1/2 - 1/5 + 1/48. Deviation of one draw below 0.3, of the mean below 0.005. */
    cr_assert(test_near(area, 0.5 - 0.2 + 1 / 48.0, 0.025), "mean area %g", area);
}

Test(cutmix, boxes_with_a_tenth_inside_come_along) {
    yti_rect rect = {20, 20, 60, 60};
    yti_box boxes[] = {{.class_id = 0, .box = {25, 25, 35, 35}},
                       {.class_id = 1, .box = {11, 30, 21, 40}},       /* a tenth */
                       {.class_id = 2, .box = {10.5f, 30, 20.5f, 40}}, /* a twentieth */
                       {.class_id = 3, .box = {10.5f, 30, 20.5f, 40}, .n_points = 3},
                       {.class_id = 4, .box = {60, 60, 70, 70}},
                       {.class_id = 5, .box = {0, 0, 100, 100}}};
    cr_assert_eq(yti_cutmix_boxes(rect, boxes, 6), 4);
    static const int kept[4] = {0, 1, 3, 5};
    for (int i = 0; i < 4; i++) cr_assert_eq(boxes[i].class_id, kept[i]);
    cr_assert(boxes[1].box.x1 == 20 && boxes[1].box.x2 == 21);
    cr_assert(boxes[3].box.x1 == 20 && boxes[3].box.y2 == 60);
}

Test(cutmix, pixels_of_the_rectangle_are_copied) {
    uint8_t rgb[5 * 4 * 3] = {0}, other[5 * 4 * 3];
    memset(other, 7, sizeof other);
    yti_cutmix_pixels(rgb, other, 5, (yti_rect){1, 2, 4, 4});
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 5; x++)
            for (int c = 0; c < 3; c++) cr_assert_eq(rgb[3 * (5 * y + x) + c], x >= 1 && x < 4 && y >= 2 ? 7 : 0);
    yti_cutmix_pixels(rgb, other, 5, (yti_rect){5, 0, 5, 4}); /* nothing */
}

/* ---- colour ---- */

static void expect_colour(double h, double s, double v, int r, int g, int b, int er, int eg, int eb) {
    uint8_t rgb[3] = {(uint8_t)r, (uint8_t)g, (uint8_t)b};
    const double gains[3] = {h, s, v};
    yti_hsv_shift(rgb, 1, gains);
    cr_assert(rgb[0] == er && rgb[1] == eg && rgb[2] == eb, "(%d %d %d) became (%d %d %d)", r, g, b, rgb[0], rgb[1],
              rgb[2]);
}

Test(hsv, pure_colours_turn_around_the_circle) {
    expect_colour(1.0 / 3, 0, 0, 255, 0, 0, 0, 255, 0);
    expect_colour(-1.0 / 3, 0, 0, 255, 0, 0, 0, 0, 255);
    expect_colour(1.0 / 3, 0, 0, 0, 0, 200, 200, 0, 0);
    expect_colour(0.5, 0, 0, 255, 255, 0, 0, 0, 255);
}

/* (200, 100, 50): V 200, S 150*255/200 = 191, H (100-50)*30/150 = 10. V halved: red 100, green a third up its
 * sector, 100 * (1 - 191/255 * 2/3) = 50.07, blue 100 * (1 - 191/255) = 25.1; truncated. */
Test(hsv, value_and_saturation_are_scaled) {
    expect_colour(0, 0, -0.5, 200, 100, 50, 100, 50, 25);
    expect_colour(0, -1, 0, 200, 100, 50, 200, 200, 200); /* no saturation: grey of the value */
    expect_colour(0, 0, 1, 200, 100, 50, 255, 127, 63);   /* value 255: 255*(1-.49935)=127.7, 255*(1-.74902)=64-: */
    expect_colour(0, 1, 0, 200, 100, 50, 200, 66, 0);     /* saturation 255: 200/3, 0 */
}

Test(hsv, greys_stay_grey) {
    for (int grey = 0; grey < 256; grey++) expect_colour(0.2, 0.9, 0, grey, grey, grey, grey, grey, grey);
}

Test(hsv, no_shift_changes_a_colour_by_rounding_only) {
    uint8_t *rgb = noise(3 * 20000, 9);
    uint8_t before[3];
    const double none[3] = {0, 0, 0};
    for (int i = 0; i < 20000; i++) {
        memcpy(before, rgb + 3 * i, 3);
        yti_hsv_shift(rgb + 3 * i, 1, none);
        /* Half a hue step is 1/60 of the range, half a saturation step 1/510 of the value. */
        for (int c = 0; c < 3; c++) cr_assert_leq(abs(before[c] - rgb[3 * i + c]), 6);
    }
    free(rgb);
}

Test(flips, pixels_and_boxes_are_mirrored_together) {
    uint8_t rgb[3 * 2 * 3];
    for (int i = 0; i < 18; i++) rgb[i] = (uint8_t)i;
    yti_flip_horizontal(rgb, 3, 2);
    const uint8_t mirrored[18] = {6, 7, 8, 3, 4, 5, 0, 1, 2, 15, 16, 17, 12, 13, 14, 9, 10, 11};
    cr_assert_arr_eq(rgb, mirrored, 18);
    yti_flip_horizontal(rgb, 3, 2);
    yti_flip_vertical(rgb, 3, 2);
    for (int i = 0; i < 18; i++) cr_assert_eq(rgb[i], (i + 9) % 18);
    yti_swap_red_blue(rgb, 6);
    cr_assert(rgb[0] == 11 && rgb[1] == 10 && rgb[2] == 9);
    yti_box box = {.class_id = 1, .box = {1, 2, 4, 8}};
    yti_boxes_flip_horizontal(&box, 1, 10);
    cr_assert(box.box.x1 == 6 && box.box.x2 == 9 && box.box.y1 == 2 && box.box.y2 == 8);
    yti_boxes_flip_vertical(&box, 1, 20);
    cr_assert(box.box.x1 == 6 && box.box.x2 == 9 && box.box.y1 == 12 && box.box.y2 == 18);
}
