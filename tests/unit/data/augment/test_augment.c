/* Tests of src/data/augment/augment.c: worked geometry of tiles, boxes, drawn maps and flips. */
#include "data/augment/augment.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- flips ---- */

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
