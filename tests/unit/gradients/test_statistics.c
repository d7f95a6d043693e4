/* Tests of src/gradients: the statistics of a tensor against plain loops, and the tables they are named by. */
#include "base/rng.h"
#include "gradients/gradients.h"
#include "gradients/limits.h"
#include "gradients/verdict.h"
#include "support/files.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the pass ---- */

/* Values from denormal to huge, with zeros of both signs; the gap between pixels is poison. */
static yti_tensor make(int n, int h, int w, int c, int ld, int seed) {
    const size_t pixels = (size_t)n * (size_t)h * (size_t)w;
    yti_tensor t = {malloc(pixels * (size_t)ld * sizeof(float)), n, h, w, c, ld};
    cr_assert_not_null(t.data);
    yti_rng rng = yti_rng_make((uint64_t)seed, 0, 0, YT_RNG_TEST);
    for (size_t p = 0; p < pixels; p++)
        for (int i = 0; i < ld; i++) {
            float value = (float)(yti_rng_normal(&rng) * exp2(rint(yti_rng_uniform(&rng, -145, 60))));
            if (yti_rng_below(&rng, 7) == 0) value = yti_rng_below(&rng, 2) ? 0.0f : -0.0f;
            t.data[p * (size_t)ld + (size_t)i] = i < c ? value : NAN;
        }
    return t;
}

/* By the definitions, one value after the other. */
static yti_flow_stats plain(yti_tensor t) {
    yti_flow_stats s = {0};
    for (size_t p = 0; p < yti_tensor_pixels(t); p++)
        for (int c = 0; c < t.c; c++) {
            const double x = (double)t.data[(ptrdiff_t)p * t.ld + c];
            s.count++;
            if (!isfinite(x)) {
                s.non_finite++;
                continue;
            }
            s.sum += x, s.sum_abs += fabs(x), s.sum_squares += x * x;
            s.max_abs = fmax(s.max_abs, fabs(x));
            if (x == 0) {
                s.zeros++;
                continue;
            }
            const double power = floor(log2(fabs(x)));
            s.histogram[power < YT_FLOW_LOWEST    ? 0
                        : power < YT_FLOW_HIGHEST ? (int)power - YT_FLOW_LOWEST + 1
                                                  : YT_FLOW_BINS - 1]++;
        }
    return s;
}

static void expect_equal(const yti_flow_stats *found, const yti_flow_stats *expected, const char *what) {
    cr_expect_eq(found->count, expected->count, "%s", what);
    cr_expect_eq(found->zeros, expected->zeros, "%s", what);
    cr_expect_eq(found->non_finite, expected->non_finite, "%s", what);
    cr_expect_eq(found->max_abs, expected->max_abs, "%s", what);
    cr_expect_arr_eq(found->histogram, expected->histogram, sizeof found->histogram, "%s", what);
    cr_expect(test_near(found->sum, expected->sum, 1e-12 * expected->sum_abs), "%s", what);
    cr_expect(test_near(found->sum_abs, expected->sum_abs, 1e-12 * expected->sum_abs), "%s", what);
    cr_expect(test_near(found->sum_squares, expected->sum_squares, 1e-12 * expected->sum_squares), "%s", what);
}

Test(flow, statistics_are_those_of_plain_loops_for_any_shape_and_stride) {
    static const int shapes[][5] = {{1, 1, 1, 1, 1},   {1, 1, 1, 7, 7},     {2, 3, 5, 3, 3},    {1, 4, 4, 8, 24},
                                    {3, 5, 7, 13, 16}, {2, 40, 40, 16, 16}, {2, 61, 67, 9, 11}, {1, 1, 70001, 1, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const int *s = shapes[i];
        yti_tensor t = make(s[0], s[1], s[2], s[3], s[4], (int)i);
        char what[64];
        snprintf(what, sizeof what, "%d x %d x %d x %d of %d", s[0], s[1], s[2], s[3], s[4]);
        const yti_flow_stats found = yti_flow_measure(t, 2), expected = plain(t);
        expect_equal(&found, &expected, what);
        free(t.data);
    }
}

Test(flow, statistics_are_the_same_bits_for_any_number_of_threads) {
    yti_tensor t = make(2, 61, 67, 29, 32, 5);
    const yti_flow_stats one = yti_flow_measure(t, 1);
    for (int threads = 2; threads <= 5; threads++) {
        const yti_flow_stats many = yti_flow_measure(t, threads);
        cr_assert(one.sum == many.sum && one.sum_abs == many.sum_abs && one.sum_squares == many.sum_squares);
        cr_assert_arr_eq(one.histogram, many.histogram, sizeof one.histogram);
    }
    free(t.data);
}

Test(flow, values_that_are_not_finite_are_counted_and_left_out) {
    float x[19] = {3, -4, INFINITY, NAN, 0, -INFINITY, -NAN};
    const yti_flow_stats s = yti_flow_measure(yti_tensor_of(x, 1, 1, 19, 1), 1);
    cr_expect_eq(s.non_finite, 4);
    cr_expect_eq(s.zeros, 13);
    cr_expect(s.sum == -1 && s.sum_abs == 7 && s.sum_squares == 25 && s.max_abs == 4);
    cr_expect(test_near(yti_flow_value(&s, YT_FLOW_STAT_RMS), sqrt(25.0 / 15), 1e-15));
    cr_expect(test_near(yti_flow_value(&s, YT_FLOW_STAT_ZEROS), 13.0 / 19, 1e-15));
    float none[2] = {NAN, INFINITY};
    const yti_flow_stats bad = yti_flow_measure(yti_tensor_of(none, 1, 1, 2, 1), 1);
    for (int stat = 0; stat < YT_FLOW_STAT_NON_FINITE; stat++)
        cr_expect_eq(yti_flow_value(&bad, (yti_flow_stat)stat), 0, "%s", yti_flow_stat_word((yti_flow_stat)stat));
    cr_expect_eq(yti_flow_value(&bad, YT_FLOW_STAT_NON_FINITE), 2);
}

Test(flow, extreme_magnitudes_fall_into_the_outer_bins) {
    float x[6] = {0x1p-149f, -0x1p-49f, 0x1p-48f, -0x1.fffffep15f, 0x1p16f, 3.4e38f};
    const yti_flow_stats s = yti_flow_measure(yti_tensor_of(x, 1, 1, 6, 1), 1);
    cr_expect_eq(s.histogram[0], 2);
    cr_expect_eq(s.histogram[1], 1);
    cr_expect_eq(s.histogram[YT_FLOW_BINS - 2], 1);
    cr_expect_eq(s.histogram[YT_FLOW_BINS - 1], 2);
    cr_expect_eq(s.zeros, 0);
    cr_expect(isfinite(s.sum_squares) && s.sum_squares > 1e77);
}

Test(flow, values_by_hand) {
    float x[4] = {1, -2, 3, -6};
    const yti_flow_stats s = yti_flow_measure(yti_tensor_of(x, 1, 2, 2, 1), 1);
    static const struct {
        yti_flow_stat stat;
        double value;
    } expected[] = {{YT_FLOW_STAT_L2, 7.0710678118654755},
                    {YT_FLOW_STAT_RMS, 3.5355339059327378},
                    {YT_FLOW_STAT_MEAN_ABS, 3},
                    {YT_FLOW_STAT_MEAN, -1},
                    {YT_FLOW_STAT_MAX_ABS, 6},
                    {YT_FLOW_STAT_SPREAD, 3.3911649915626342},
                    {YT_FLOW_STAT_ZEROS, 0},
                    {YT_FLOW_STAT_NON_FINITE, 0}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        cr_expect(test_near(yti_flow_value(&s, expected[i].stat), expected[i].value, 1e-14), "%s",
                  yti_flow_stat_word(expected[i].stat));
    cr_expect(isnan(yti_flow_value(&s, YT_FLOW_STAT_SATURATED)), "unknown from the values alone");
}

Test(flow, update_ratio_is_the_norm_of_the_change_over_that_of_the_weights) {
    enum { COUNT = 40001 };
    float *before = malloc(COUNT * sizeof *before), *after = malloc(COUNT * sizeof *after);
    cr_assert(before && after);
    for (int i = 0; i < COUNT; i++) before[i] = 2, after[i] = i % 2 ? 2.5f : 2;
    const double half = 20000.0 / 40001;
    cr_expect(test_near(yti_flow_update_ratio(before, after, COUNT, 1), sqrt(half) * 0.25, 1e-12));
    cr_expect_eq(yti_flow_update_ratio(before, after, COUNT, 1), yti_flow_update_ratio(before, after, COUNT, 3));
    memset(before, 0, COUNT * sizeof *before);
    cr_expect(isnan(yti_flow_update_ratio(before, after, COUNT, 2)));
    free(before);
    free(after);
}

/* ---- saturated units ---- */

/* Two channels of 200 pixels: the first holds `value` at all but `others` of them, where it is 0.5; the second holds
 * 0.5. */
static double share(yti_activation_kind act, float value, int others) {
    float y[200][3];
    for (int p = 0; p < 200; p++) {
        y[p][0] = p < others ? 0.5f : value;
        y[p][1] = 0.5f;
        y[p][2] = value; /* not part of the map */
    }
    return yti_flow_saturated(act, (yti_tensor){y[0], 2, 10, 10, 2, 3}, 2);
}

Test(flow, a_unit_is_saturated_when_it_is_flat_at_over_99_percent_of_the_pixels) {
    static const struct {
        yti_activation_kind act;
        float flat, live;
    } cases[] = {{YT_ACT_RELU, 0, 1e-6f},       {YT_ACT_LEAKY_RELU, -0.3f, 1e-6f}, {YT_ACT_SILU, -1e-4f, -0.2f},
                 {YT_ACT_GELU, -1e-5f, 0.01f},  {YT_ACT_TANH, 1, 0.9999f},         {YT_ACT_TANH, -1, -0.9999f},
                 {YT_ACT_SIGMOID, 1, 0.99999f}, {YT_ACT_SIGMOID, 1e-11f, 1e-9f},   {YT_ACT_HARDSWISH, -0.0f, -1e-6f}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *name = yti_activation_name(cases[i].act);
        cr_expect_eq(share(cases[i].act, cases[i].flat, 0), 0.5, "%s", name);
        cr_expect_eq(share(cases[i].act, cases[i].flat, 1), 0.5, "%s", name);
        cr_expect_eq(share(cases[i].act, cases[i].flat, 2), 0, "%s: 99 %% is not more than 99 %%", name);
        cr_expect_eq(share(cases[i].act, cases[i].live, 0), 0, "%s", name);
        cr_expect_eq(share(cases[i].act, NAN, 0), 0, "%s", name);
    }
    cr_expect(isnan(share(YT_ACT_IDENTITY, 0, 0)));
}

Test(flow, saturated_units_are_counted_across_blocks_of_channels) {
    enum { CHANNELS = 150 };
    float y[5][CHANNELS];
    for (int p = 0; p < 5; p++)
        for (int c = 0; c < CHANNELS; c++) y[p][c] = c % 3 ? 1 : 0;
    cr_expect(test_near(yti_flow_saturated(YT_ACT_RELU, yti_tensor_of(y[0], 1, 1, 5, CHANNELS), 2), 1.0 / 3, 1e-15));
}

/* ---- the tables ---- */

Test(flow, words_are_unlike_each_other_and_fit_a_csv) {
    for (int i = 0; i < YT_FLOW_KINDS; i++) {
        const char *word = yti_flow_kind_word((yti_flow_kind)i);
        cr_expect(word[0] && strcspn(word, ",\"\n ") == strlen(word), "%s", word);
        for (int j = 0; j < i; j++) cr_expect_str_neq(word, yti_flow_kind_word((yti_flow_kind)j));
        int stats = 0;
        for (int s = 0; s < YT_FLOW_STATS; s++) stats += yti_flow_has((yti_flow_kind)i, (yti_flow_stat)s);
        cr_expect_gt(stats, 0, "%s has no statistics", word);
    }
    for (int i = 0; i < YT_FLOW_STATS; i++)
        for (int j = 0; j < i; j++)
            cr_expect_str_neq(yti_flow_stat_word((yti_flow_stat)i), yti_flow_stat_word((yti_flow_stat)j));
    cr_expect(yti_flow_has(YT_FLOW_WEIGHT, YT_FLOW_STAT_RMS) && !yti_flow_has(YT_FLOW_WEIGHT, YT_FLOW_STAT_RATIO));
    cr_expect(yti_flow_has(YT_FLOW_ACTIVATION, YT_FLOW_STAT_SATURATED));
    cr_expect(yti_flow_has(YT_FLOW_UPDATE, YT_FLOW_STAT_RATIO) && !yti_flow_has(YT_FLOW_UPDATE, YT_FLOW_STAT_RMS));
}

Test(flow, levels_are_named_by_the_power_of_their_stride) {
    cr_expect_eq(yti_flow_level_kind(8), YT_FLOW_P3);
    cr_expect_eq(yti_flow_level_kind(32), YT_FLOW_P5);
    cr_expect_eq(yti_flow_level_kind(128), YT_FLOW_P7);
    cr_expect_eq(yti_flow_level_kind(256), YT_FLOW_KINDS);
    cr_expect_eq(yti_flow_level_kind(12), YT_FLOW_KINDS);
    cr_expect_eq(yti_flow_level_kind(1), YT_FLOW_KINDS);
}

/* docs/gradients.md explains every word of the files and every limit with its value. */
Test(flow, every_word_and_limit_is_explained_in_the_docs) {
    char *page = test_read_text(YT_SOURCE_DIR "/docs/gradients.md"), wanted[128];
    for (int i = 0; i < YT_FLOW_STATS; i++) {
        snprintf(wanted, sizeof wanted, "`%s`", yti_flow_stat_word((yti_flow_stat)i));
        cr_expect_not_null(strstr(page, wanted), "statistic %s", wanted);
    }
    for (int i = 0; i < YT_FLOW_KINDS; i++) {
        if (i > YT_FLOW_P1 && i < YT_FLOW_P7) continue; /* "P1 to P7" */
        snprintf(wanted, sizeof wanted, "`%s`", yti_flow_kind_word((yti_flow_kind)i));
        cr_expect_not_null(strstr(page, wanted), "kind %s", wanted);
    }
    for (int i = 0; i < YT_FLOW_LIMITS; i++) {
        char name[64];
        const yti_flow_limit *limit = &yti_flow_limits()[i];
        size_t n = 0;
        for (const char *c = limit->name; *c && n + 2 < sizeof name; c++) { /* a table cell escapes it */
            if (*c == '|') name[n++] = '\\';
            name[n++] = *c;
        }
        name[n] = '\0';
        snprintf(wanted, sizeof wanted, "| %s | %g |", name, limit->value);
        cr_expect_not_null(strstr(page, wanted), "limit %s", wanted);
    }
    free(page);
}
