/* Tests of src/gradients/slope.c: lines and intervals against worked numbers. */
#include "gradients/slope.h"

#include <criterion/criterion.h>
#include <math.h>

static void near(double got, double want, double bound) {
    cr_assert(fabs(got - want) <= bound, "%.9g is not %.9g", got, want);
}

Test(slope, a_constant_factor_per_layer_is_its_logarithm) {
    double depth[20], rms[20];
    for (int i = 0; i < 20; i++) {
        depth[i] = i + 1;
        rms[i] = 3e-7 * pow(1 / 0.25, i); /* each layer back takes a quarter */
    }
    int zeros = -1;
    yti_interval slope = yti_slope_fit(depth, rms, 20, &zeros);
    near(slope.value, log10(4), 1e-12);
    near(slope.low, slope.value, 1e-9);
    near(slope.high, slope.value, 1e-9);
    cr_assert_eq(slope.count, 20);
    cr_assert_eq(zeros, 0);
}

Test(slope, the_interval_is_that_of_the_worked_example) {
    /* log10 rms = 1, 2, 2, 3 at 0, 1, 2, 3: b = 0.6, residuals 0.1, 0.3 .. sum 0.2, s^2 = 0.1, s_b = sqrt(0.1 / 5),
     * t(2) = 4.3027 */
    const double depth[] = {0, 1, 2, 3}, rms[] = {10, 100, 100, 1000};
    int zeros;
    yti_interval slope = yti_slope_fit(depth, rms, 4, &zeros);
    near(slope.value, 0.6, 1e-12);
    near(slope.low, 0.6 - 4.3027 * sqrt(0.02), 1e-9);
    near(slope.high, 0.6 + 4.3027 * sqrt(0.02), 1e-9);
}

Test(slope, zeros_are_left_out_and_counted) {
    const double depth[] = {0, 1, 2, 3, 4}, rms[] = {0, 1, 10, 0, 1000};
    int zeros;
    yti_interval slope = yti_slope_fit(depth, rms, 5, &zeros);
    near(slope.value, 1, 1e-12);
    cr_assert_eq(zeros, 2);
    cr_assert_eq(slope.count, 3);
}

Test(slope, what_has_no_line_has_no_value) {
    const double same[] = {2, 2, 2}, depth[] = {0, 1, 2}, rms[] = {1, 2, 3};
    const double infinite[] = {1, (double)INFINITY, 3}, nan[] = {1, (double)NAN, 3}, zero[] = {0, 0, 1};
    int zeros;
    cr_assert(isnan(yti_slope_fit(same, rms, 3, &zeros).value));
    cr_assert(isnan(yti_slope_fit(depth, infinite, 3, &zeros).value));
    cr_assert(isnan(yti_slope_fit(depth, nan, 3, &zeros).value));
    cr_assert(isnan(yti_slope_fit(depth, zero, 3, &zeros).value));
    cr_assert(isnan(yti_slope_fit(depth, rms, 0, &zeros).value));
    yti_interval two = yti_slope_fit(depth, rms, 2, &zeros);
    near(two.value, log10(2), 1e-12);
    cr_assert(!yti_interval_known(two));
}

Test(slope, quantiles_are_those_of_the_tables) {
    static const struct {
        int freedom;
        double t;
    } table[] = {{1, 12.706},  {2, 4.303},   {4, 2.776},   {10, 2.228},   {30, 2.042},
                 {31, 2.0395}, {40, 2.0211}, {60, 2.0003}, {120, 1.9799}, {1000000, 1.95997}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        near(yti_student_95(table[i].freedom), table[i].t, 6e-4);
    cr_assert(isnan(yti_student_95(0)));
}

Test(slope, the_mean_of_seeds_has_their_interval) {
    const double values[] = {1, 2, 3, 4, 5}; /* s = sqrt 2.5, s / sqrt 5 = sqrt 0.5 */
    yti_interval mean = yti_interval_mean(values, 5);
    near(mean.value, 3, 1e-12);
    near(mean.high - mean.value, 2.7764 * sqrt(0.5), 1e-9);
    near(mean.value - mean.low, 2.7764 * sqrt(0.5), 1e-9);
    yti_interval one = yti_interval_mean(values, 1);
    near(one.value, 1, 0);
    cr_assert(!yti_interval_known(one));
    const double bad[] = {1, (double)NAN};
    cr_assert(isnan(yti_interval_mean(bad, 2).value));
    cr_assert(isnan(yti_interval_mean(bad, 0).value));
}

Test(slope, seeds_without_a_slope_are_left_out) {
    const double none = (double)NAN;
    const yti_interval slopes[] = {{0.1, 0, 0.2, 9}, {none, none, none, 0}, {0.3, 0.2, 0.4, 9}};
    yti_interval both = yti_slope_over_seeds(slopes, 3);
    near(both.value, 0.2, 1e-12);
    near(both.high, 0.2 + 12.7062 * 0.1, 1e-9); /* s = 0.1 sqrt 2, over sqrt 2 */
    cr_assert_eq(both.count, 2);
    yti_interval only = yti_slope_over_seeds(slopes, 1);
    near(only.low, 0, 0);
    near(only.high, 0.2, 0);
    cr_assert(isnan(yti_slope_over_seeds(slopes + 1, 1).value));
}

Test(slope, intervals_overlap_where_they_share_a_point) {
    const yti_interval a = {1, 0, 2, 5}, b = {3, 2, 4, 5}, c = {5, 4.5, 6, 5}, none = {1, (double)NAN, (double)NAN, 1};
    cr_assert(yti_intervals_overlap(a, b) && yti_intervals_overlap(b, a));
    cr_assert(!yti_intervals_overlap(a, c) && !yti_intervals_overlap(c, b));
    cr_assert(!yti_intervals_overlap(a, none));
}

Test(slope, a_difference_is_taken_seed_by_seed) {
    const double a[] = {1.5, 2.7, (double)NAN, 3.6}, b[] = {1, 2, 3, 3};
    const yti_interval d = yti_interval_difference(a, b, 4); /* 0.5, 0.7, 0.6 */
    cr_assert_eq(d.count, 3);
    cr_assert(fabs(d.value - 0.6) < 1e-12);
    cr_assert(fabs(d.high - (0.6 + 4.3027 * 0.1 / sqrt(3))) < 1e-6);
    cr_assert(!yti_interval_known(yti_interval_difference(a, b, 1)));
    cr_assert(isnan(yti_interval_difference(a, b, 0).value));
}

Test(slope, one_seed_of_several_that_is_left_has_no_interval) {
    const yti_interval alone = {0.3, 0.2, 0.4, 20}, none = {(double)NAN, (double)NAN, (double)NAN, 0};
    const yti_interval both[] = {none, alone};
    cr_assert(yti_interval_known(yti_slope_over_seeds(&alone, 1)));
    const yti_interval left = yti_slope_over_seeds(both, 2);
    cr_assert(left.value == 0.3 && left.count == 1 && !yti_interval_known(left));
}

Test(slope, the_median_is_one_of_the_sizes_or_between_two_decades) {
    const double none = (double)NAN;
    double odd[] = {4, none, 0, 1e9}, even[] = {100, 0.01, 1e-30, 1e30}, nothing[] = {none};
    cr_assert_eq(yti_median(odd, 4), 4);
    near(yti_median(even, 4), 1, 1e-12);
    cr_assert(isnan(yti_median(nothing, 1)) && isnan(yti_median(nothing, 0)));
}
