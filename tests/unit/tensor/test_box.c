/* Tests of src/tensor/box.c: formats, IoU, CIoU and its gradient. */
#include "base/rng.h"
#include "support/near.h"
#include "support/plain_ciou.h"
#include "tensor/box.h"

#include <criterion/criterion.h>
#include <math.h>

static const double PI = 3.14159265358979323846;

Test(box, formats_convert_there_and_back) {
    yt_xyxy corners = yti_xyxy_from_cxcywh((yti_cxcywh){5, 7, 4, 6});
    cr_assert(corners.x1 == 3 && corners.y1 == 4 && corners.x2 == 7 && corners.y2 == 10);
    yti_cxcywh centre = yti_cxcywh_from_xyxy(corners);
    cr_assert(centre.cx == 5 && centre.cy == 7 && centre.w == 4 && centre.h == 6);
}

Test(box, iou_is_shared_area_over_joint_area) {
    yt_xyxy a = {0, 0, 2, 2};
    cr_assert(test_near((double)yti_box_iou(a, (yt_xyxy){1, 1, 3, 3}, 0), 1.0 / 7, 1e-7));
    cr_assert(test_near((double)yti_box_iou(a, (yt_xyxy){0, 0, 1, 1}, 0), 0.25, 1e-7));
    cr_assert(yti_box_iou(a, a, 0) == 1);
    cr_assert(yti_box_iou(a, (yt_xyxy){1, 1, 3, 3}, 1) == 0.125f);
}

Test(box, iou_of_boxes_that_do_not_overlap_is_zero) {
    yt_xyxy a = {0, 0, 2, 2}, point = {1, 1, 1, 1};
    cr_assert(yti_box_iou(a, (yt_xyxy){2, 0, 4, 2}, 0) == 0, "touching");
    cr_assert(yti_box_iou(a, (yt_xyxy){3, 3, 4, 4}, 0) == 0, "apart on both axes: no product of negatives");
    cr_assert(yti_box_iou(a, point, 0) == 0);
    cr_assert(yti_box_iou(point, point, 0) == 0, "not 0/0");
    cr_assert(yti_box_iou(point, point, 1e-7f) == 0);
}

Test(box, iou_of_a_nan_is_a_nan) {
    cr_assert(isnan(yti_box_iou((yt_xyxy){0, 0, 2, 2}, (yt_xyxy){0, 0, NAN, 2}, 0)));
}

/* 1/7 - 2/18: squares of side 2, centres (1,1) and (2,2), enclosing square of side 3, equal proportions. 1/3 - 2/32
 * - v^2/(v + 2/3) with v = 4/pi^2 (atan 2 - atan 1/2)^2 = 0.16782604: 4 x 2 over 2 x 4 in a corner. 0 - 16/104
 * apart: unit squares with centres 4 apart, enclosing 5 x 1; 16/26. */
Test(box, ciou_agrees_with_hand_worked_values) {
    const double a[4] = {0, 0, 2, 2}, b[4] = {1, 1, 3, 3}, flat[4] = {0, 0, 4, 2}, tall[4] = {0, 0, 2, 4};
    const double left[4] = {0, 0, 1, 1}, right[4] = {4, 0, 5, 1};
    double v = 4 / (PI * PI) * pow(atan(2) - atan(0.5), 2);
    cr_assert(test_near(yti_box_ciou(a, b, NULL), 2.0 / 63, 1e-6));
    cr_assert(test_near(yti_box_ciou(flat, tall, NULL), 1.0 / 3 - 1.0 / 16 - v * v / (v + 2.0 / 3), 1e-6));
    cr_assert(test_near(yti_box_ciou(flat, tall, NULL), 0.237081, 1e-5));
    cr_assert(test_near(yti_box_ciou(left, right, NULL), -16.0 / 26, 1e-6));
    cr_assert(test_near(yti_box_ciou(a, a, NULL), 1, 1e-6));
}

Test(box, ciou_has_its_epsilons_where_the_family_has_them) {
    /* In boxes of 1e-3 the epsilons are felt: h = 1e-3 + 1e-7, union += 1e-7, diagonal += 1e-7. */
    const double a[4] = {0, 0, 1e-3, 1e-3}, b[4] = {5e-4, 0, 15e-4, 1e-3};
    double h = 1e-3 + 1e-7, inter = 5e-4 * 1e-3, iou = inter / (2 * 1e-3 * h - inter + 1e-7);
    cr_assert(test_near(yti_box_ciou(a, b, NULL), iou - 25e-8 / (15e-4 * 15e-4 + 1e-6 + 1e-7), 1e-12));
}

Test(box, ciou_of_a_nan_is_a_nan) {
    for (int k = 0; k < 4; k++) {
        double a[4] = {0, 0, 2, 2}, g[4];
        const double b[4] = {1, 1, 3, 3};
        a[k] = (double)NAN;
        cr_assert(isnan(yti_box_ciou(a, b, g)));
        cr_assert(isnan(yti_box_ciou(b, a, NULL)));
    }
}

/* Overlapping, apart and inverted boxes. */
Test(box, ciou_does_not_exceed_its_limit) {
    yti_rng rng = yti_rng_make(2, 0, 0, YT_RNG_TEST);
    int close = 0;
    for (int i = 0; i < 5000; i++) {
        double a[4], b[4];
        for (int k = 0; k < 2; k++) {
            a[k] = yti_rng_uniform(&rng, 0, 4), a[k + 2] = a[k] + yti_rng_uniform(&rng, -1, 4);
            b[k] = a[k] + yti_rng_uniform(&rng, -1, 1), b[k + 2] = b[k] + yti_rng_uniform(&rng, 0.5, 4);
        }
        double ciou = yti_box_ciou(a, b, NULL), limit = yti_box_ciou_limit(a, b);
        if (ciou < 0) ciou = 0;
        cr_assert(ciou <= limit || (ciou == 0 && limit < 0), "%.17g over %.17g", ciou, limit);
        close += limit > 0.5 && limit - ciou < 0.1;
    }
    cr_assert(close > 100);
    const double inner[4] = {0, 0, 2, 1}, outer[4] = {0, 0, 2, 4};
    cr_assert(test_near(yti_box_ciou_limit(inner, outer), 0.25, 1e-6));
}

Test(box, ciou_limit_of_what_is_not_finite_is_a_nan) {
    for (int k = 0; k < 4; k++) {
        double a[4] = {0, 0, 2, 2};
        const double b[4] = {1, 1, 3, 3};
        a[k] = (double)NAN;
        cr_assert(isnan(yti_box_ciou_limit(a, b)) && isnan(yti_box_ciou_limit(b, a)));
        a[k] = (double)INFINITY;
        cr_assert(isnan(yti_box_ciou_limit(a, b)) && isnan(yti_box_ciou_limit(b, a)));
    }
}

/* Central differences with alpha held. Step 1e-6 on numbers of order 1: the truncation error is of order 1e-12 times
 * a third derivative, the rounding error 1e-16/1e-6 = 1e-10. */
static void check_gradient(const double a[4], const double b[4]) {
    const double step = 1e-6;
    double alpha = -1, gradient[4];
    double value = test_plain_ciou(a, b, &alpha);
    cr_assert(test_near(yti_box_ciou(a, b, gradient), value, 1e-12));
    for (int k = 0; k < 4; k++) {
        double up[4] = {a[0], a[1], a[2], a[3]}, down[4] = {a[0], a[1], a[2], a[3]};
        up[k] += step, down[k] -= step;
        double slope = (test_plain_ciou(up, b, &alpha) - test_plain_ciou(down, b, &alpha)) / (2 * step);
        cr_assert(test_near(gradient[k], slope, 1e-6 * (1 + fabs(slope))), "coordinate %d: %.9g against %.9g", k,
                  gradient[k], slope);
    }
}

Test(box, ciou_gradient_is_the_slope_of_ciou) {
    yti_rng rng = yti_rng_make(1, 0, 0, YT_RNG_TEST);
    int apart = 0, inside = 0;
    for (int i = 0; i < 2000; i++) {
        double a[4], b[4];
        for (int k = 0; k < 2; k++) {
            a[k] = yti_rng_uniform(&rng, 0, 4), a[k + 2] = a[k] + yti_rng_uniform(&rng, 0.5, 4);
            b[k] = yti_rng_uniform(&rng, 0, 4), b[k + 2] = b[k] + yti_rng_uniform(&rng, 0.5, 4);
        }
        apart += a[0] > b[2] || b[0] > a[2] || a[1] > b[3] || b[1] > a[3];
        inside += a[0] > b[0] && a[1] > b[1] && a[2] < b[2] && a[3] < b[3];
        check_gradient(a, b);
    }
    cr_assert(apart > 20 && inside > 20, "the cases are among those tried: %d, %d", apart, inside);
}

Test(box, ciou_gradient_holds_for_inverted_predictions) {
    const double b[4] = {0, 0, 3, 2}, narrow[4] = {2, 0.5, 1, 2.5}, both[4] = {2, 1.5, 1, 0.25};
    check_gradient(narrow, b);
    check_gradient(both, b);
}

Test(box, ciou_gradient_on_a_kink_is_the_mean_of_both_sides) {
    const double a[4] = {0, 0, 2, 2}, higher[4] = {0, 0, 2, 3};
    check_gradient(a, higher); /* three equal coordinates: central differences average, too */
}
