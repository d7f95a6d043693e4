/* Tests of src/data/augment/mix.c: the pixels and boxes of MixUp and CutMix. */
#include "data/augment/augment.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
