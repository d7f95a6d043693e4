/* Tests of src/draw/chart.c: values stand where the axes say. */
#include "draw/chart.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const yti_colour red = {200, 0, 0};

static yti_chart chart_on(yt_image *image) {
    cr_assert_eq(yt_image_create(800, 600, image, NULL), YT_OK);
    return (yti_chart){
        .image = image, .w = 800, .h = 600, .title = "t", .x_label = "x", .y_label = "y", .x = {0, 10}, .y = {0, 1}};
}

static bool is_red(const yt_image *image, int x, int y) {
    const uint8_t *p = image->rgb + (y * image->w + x) * 3;
    return p[0] > 150 && p[1] < 60 && p[2] < 60;
}

Test(chart, a_line_goes_through_its_points_and_stays_in_the_plot) {
    yt_image image;
    yti_chart c = chart_on(&image);
    const double x[] = {0, 5, 10}, y[] = {0, 0.5, 2}; /* the last one lies above */
    cr_assert_eq(yti_chart_begin(&c, NULL), YT_OK);
    yti_chart_line(&c, x, y, 3, red, 4);
    cr_expect(is_red(&image, c.plot_left + c.plot_w / 2, c.plot_top + c.plot_h / 2));
    cr_expect(is_red(&image, c.plot_left + 1, c.plot_top + c.plot_h - 1));
    for (int i = 0; i < image.w * image.h; i++) {
        const int px = i % image.w, py = i / image.w;
        const bool inside = px >= c.plot_left && px <= c.plot_left + c.plot_w && py >= c.plot_top &&
                            py <= c.plot_top + c.plot_h;
        cr_assert(inside || !is_red(&image, px, py), "%d %d", px, py);
    }
    yt_image_free(&image);
}

Test(chart, what_is_not_finite_parts_a_line) {
    yt_image image;
    yti_chart c = chart_on(&image);
    const double x[] = {0, 4, 5, 6, 10}, y[] = {0.5, 0.5, (double)NAN, 0.5, (double)INFINITY};
    cr_assert_eq(yti_chart_begin(&c, NULL), YT_OK);
    yti_chart_line(&c, x, y, 5, red, 4);
    const int middle = c.plot_top + c.plot_h / 2;
    cr_expect(is_red(&image, c.plot_left + c.plot_w / 5, middle));
    cr_expect_not(is_red(&image, c.plot_left + c.plot_w / 2, middle));
    cr_expect_not(is_red(&image, c.plot_left + c.plot_w * 4 / 5, middle));
    yt_image_free(&image);
}

Test(chart, axes_of_one_value_and_small_charts_are_no_trouble) {
    yt_image image;
    const double x[] = {3}, y[] = {7};
    cr_assert_eq(yt_image_create(60, 40, &image, NULL), YT_OK);
    yti_chart c = {.image = &image, .w = 60, .h = 40, .x = {3, 3}, .y = {7, 7}};
    cr_assert_eq(yti_chart_begin(&c, NULL), YT_OK);
    yti_chart_line(&c, x, y, 1, red, 3);
    yt_image_free(&image);
}

Test(chart, cells_of_a_matrix_are_the_darker_the_more) {
    yt_image image;
    yti_chart c = chart_on(&image);
    const double values[] = {0, 0.5, 1, 0};
    const char *names[] = {"a", "b"};
    const yti_matrix m = {2, 2, values, NULL, names, names};
    cr_assert_eq(yti_chart_matrix(&c, &m, NULL), YT_OK);
    int light[4];
    for (int i = 0; i < 4; i++) {
        const int x = c.plot_left + c.plot_w / 4 + i % 2 * c.plot_w / 2,
                  y = c.plot_top + c.plot_h / 4 + i / 2 * c.plot_h / 2;
        light[i] = image.rgb[(y * image.w + x) * 3];
    }
    cr_expect(light[0] == 255 && light[3] == 255 && light[1] < 200 && light[2] < light[1]);
    yt_image_free(&image);
}
