/* Tests of src/draw/palette.c: that colours differ, for every eye. Differences are those of CIELAB (1976) and
 * colour blindness is simulated after Vienot, Brettel and Mollon (1999): neither is what the palette is made with. A
 * difference of 2.3 can just be seen. */
#include "draw/palette.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    double v[3];
} triple;

static triple times(const double m[3][3], triple x) {
    triple out;
    for (int i = 0; i < 3; i++) out.v[i] = m[i][0] * x.v[0] + m[i][1] * x.v[1] + m[i][2] * x.v[2];
    return out;
}

static double linear(uint8_t value) {
    const double v = value / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static triple linear_of(yti_colour c) {
    return (triple){{linear(c.r), linear(c.g), linear(c.b)}};
}

typedef enum { NORMAL, PROTANOPE, DEUTERANOPE, EYES } eye;

static triple seen_by(eye who, triple rgb) {
    static const double to_lms[3][3] = {
        {17.8824, 43.5161, 4.11935}, {3.45565, 27.1554, 3.86714}, {0.0299566, 0.184309, 1.46709}};
    static const double to_rgb[3][3] = {{0.0809444479, -0.130504409, 0.116721066},
                                        {-0.0102485335, 0.0540193266, -0.113614708},
                                        {-0.000365296938, -0.00412161469, 0.693511405}};
    if (who == NORMAL) return rgb;
    triple lms = times(to_lms, rgb);
    if (who == PROTANOPE) lms.v[0] = 2.02344 * lms.v[1] - 2.52581 * lms.v[2];
    if (who == DEUTERANOPE) lms.v[1] = 0.494207 * lms.v[0] + 1.24827 * lms.v[2];
    return times(to_rgb, lms);
}

static double lab_curve(double x) {
    return x > 216.0 / 24389 ? cbrt(x) : (24389.0 / 27 * x + 16) / 116;
}

static triple cielab(triple rgb) {
    static const double to_xyz[3][3] = {
        {0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}};
    for (int i = 0; i < 3; i++) rgb.v[i] = fmin(fmax(rgb.v[i], 0), 1);
    const triple xyz = times(to_xyz, rgb);
    const double x = lab_curve(xyz.v[0] / 0.95047), y = lab_curve(xyz.v[1]), z = lab_curve(xyz.v[2] / 1.08883);
    return (triple){{116 * y - 16, 500 * (x - y), 200 * (y - z)}};
}

static double difference(eye who, yti_colour a, yti_colour b) {
    const triple p = cielab(seen_by(who, linear_of(a))), q = cielab(seen_by(who, linear_of(b)));
    return sqrt(pow(p.v[0] - q.v[0], 2) + pow(p.v[1] - q.v[1], 2) + pow(p.v[2] - q.v[2], 2));
}

static yti_colour *palette(int n) {
    yti_colour *colours = NULL;
    cr_assert_eq(yti_palette_create(n, &colours, NULL), YT_OK);
    return colours;
}

static void expect_differences(int n, double least) {
    yti_colour *c = palette(n);
    for (int who = 0; who < EYES; who++)
        for (int i = 0; i < n; i++)
            for (int k = 0; k < i; k++) {
                const double d = difference((eye)who, c[i], c[k]);
                cr_assert(d >= least, "colours %d and %d of %d differ by %.2f for eye %d", k, i, n, d, who);
            }
    free(c);
}

Test(cli_palette, a_few_classes_are_far_apart_for_every_eye) {
    expect_differences(8, 18);
}

Test(cli_palette, twenty_classes_are_told_apart_by_every_eye) {
    expect_differences(20, 12);
}

Test(cli_palette, the_classes_of_coco_are_told_apart_by_every_eye) {
    expect_differences(80, 4);
}

Test(cli_palette, a_thousand_classes_have_a_thousand_colours) {
    yti_colour *c = palette(1000);
    for (int i = 0; i < 1000; i++)
        for (int k = 0; k < i; k++) cr_assert(memcmp(&c[i], &c[k], sizeof *c) != 0, "%d and %d", k, i);
    free(c);
}

Test(cli_palette, a_class_has_one_colour_however_many_there_are) {
    yti_colour *few = palette(3), *many = palette(3 * YTI_MAX_COLOURS), *none = palette(0);
    cr_assert_arr_eq(few, many, 3 * sizeof *few);
    cr_assert_arr_eq(many, many + YTI_MAX_COLOURS, YTI_MAX_COLOURS * sizeof *many);
    free(few);
    free(many);
    free(none);
}

static double luminance(yti_colour c) {
    const triple x = linear_of(c);
    return 0.2126 * x.v[0] + 0.7152 * x.v[1] + 0.0722 * x.v[2];
}

/* The contrast that WCAG 2.1 asks of small text. */
Test(cli_palette, letters_can_be_read_on_every_colour) {
    yti_colour *c = palette(YTI_MAX_COLOURS);
    int black = 0;
    for (int i = 0; i < YTI_MAX_COLOURS; i++) {
        const yti_colour text = yti_readable_on(c[i]);
        const double x = luminance(text), y = luminance(c[i]);
        cr_assert((fmax(x, y) + 0.05) / (fmin(x, y) + 0.05) >= 4.5, "colour %d", i);
        black += text.r == 0;
    }
    cr_assert(black > 0 && black < YTI_MAX_COLOURS);
    free(c);
}
