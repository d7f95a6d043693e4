/* Tests of src/data/augment/outline.c: the box of the visible part of an outline. */
#include "data/augment/augment.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>

static yti_affine map_of(double a, double b, double c, double d, double e, double f) {
    return (yti_affine){.m = {a, b, c, d, e, f, 0, 0, 1}, .gain = 1};
}

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
