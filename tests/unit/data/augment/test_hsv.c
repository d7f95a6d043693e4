/* Tests of src/data/augment/hsv.c: known colours. */
#include "data/augment/augment.h"
#include "support/noise.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

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
    uint8_t *rgb = test_noise(3 * 20000, 9);
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
