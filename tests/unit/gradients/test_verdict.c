/* Tests of src/gradients/verdict.c: hand-made facts on either side of every limit. */
#include "gradients/limits.h"
#include "gradients/verdict.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static yti_flow_facts healthy(double ratio) {
    return (yti_flow_facts){.first_to_last = ratio, .update = 1e-3, .mean_abs = 1e-4, .norm = 5};
}

static void expect(yti_flow_facts facts, yti_verdict want, const char *words) {
    char text[512];
    yti_verdict got = yti_verdict_of(&facts, text, sizeof text);
    cr_assert_eq(got, want, "%s instead of %s: %s", yti_verdict_word(got), yti_verdict_word(want), text);
    cr_assert_eq(strncmp(text, yti_verdict_word(want), strlen(yti_verdict_word(want))), 0, "%s", text);
    cr_assert(strstr(text, words), "\"%s\" lacks \"%s\"", text, words);
}

Test(verdict, the_ratio_decides_between_flat_decaying_and_growing) {
    expect(healthy(1), YT_VERDICT_FLAT, "within a factor of 10");
    expect(healthy(0.1), YT_VERDICT_FLAT, "within a factor of 10");
    expect(healthy(10), YT_VERDICT_FLAT, "within a factor of 10");
    expect(healthy(0.099), YT_VERDICT_DECAYING, "below 0.1 but not below 0.001");
    expect(healthy(10.1), YT_VERDICT_GROWING, "above 10 but not above 1000");
}

Test(verdict, vanishing_needs_a_first_layer_that_does_not_learn) {
    yti_flow_facts facts = healthy(9e-4);
    expect(facts, YT_VERDICT_DECAYING, "; its update is 0.001 of its weights, within 1e-05 and 0.1");
    facts.update = 9e-6;
    expect(facts, YT_VERDICT_VANISHING, "; its update is 9e-06 of its weights, below 1e-05");
    facts.first_to_last = 2e-3;
    expect(facts, YT_VERDICT_DECAYING, "not below 0.001");
}

Test(verdict, a_mean_below_the_absolute_limit_is_vanishing) {
    yti_flow_facts facts = healthy(1);
    facts.mean_abs = 9e-8;
    expect(facts, YT_VERDICT_VANISHING, "; its mean |g| is 9e-08, below 1e-07");
}

Test(verdict, exploding_needs_the_ratio_and_a_large_update_or_norm) {
    yti_flow_facts facts = healthy(1100);
    expect(facts, YT_VERDICT_GROWING, "above 1000");
    facts.norm = 101;
    expect(facts, YT_VERDICT_EXPLODING, "; the norm of all gradients is 101, above 100");
    facts.norm = 5;
    facts.update = 0.11;
    expect(facts, YT_VERDICT_EXPLODING, "; its update is 0.11 of its weights, above 0.1");
    facts.first_to_last = 900;
    expect(facts, YT_VERDICT_GROWING, "not above 1000");
}

Test(verdict, a_large_norm_alone_decides_nothing) {
    yti_flow_facts facts = healthy(1);
    facts.norm = 300;
    expect(facts, YT_VERDICT_FLAT, "within a factor of 10");
}

Test(verdict, a_value_that_is_not_finite_is_exploding) {
    yti_flow_facts facts = healthy(1);
    facts.non_finite = true;
    expect(facts, YT_VERDICT_EXPLODING, "NaN or infinite");
}

Test(verdict, what_was_not_measured_is_not_claimed) {
    const double none = (double)NAN;
    yti_flow_facts facts = {.first_to_last = none, .update = none, .mean_abs = none, .norm = none};
    expect(facts, YT_VERDICT_UNKNOWN, "unknown");
    facts.first_to_last = 1e-6; /* an update that is not known cannot speak against it */
    expect(facts, YT_VERDICT_VANISHING, "below 0.001");
}

static bool contrast(yti_interval a, yti_interval b, yti_interval difference, const char *want) {
    char text[256];
    const yti_contrast c = {"plain", "residual", a, b, difference};
    const bool differ = yti_verdict_compare(&c, text, sizeof text);
    cr_assert_str_eq(text, want);
    return differ;
}

Test(verdict, variants_differ_where_the_interval_of_their_difference_excludes_0) {
    const yti_interval steep = {0.3, 0.25, 0.35, 5}, flat = {0, -0.02, 0.02, 5}, wide = {0.3, -1, 1, 5};
    cr_assert(contrast(wide, flat, (yti_interval){0.3, 0.1, 0.5, 5},
                       "different: plain 0.3000 [-1.0000, 1.0000], residual 0.0000 [-0.0200, 0.0200]; "
                       "difference 0.3000 [0.1000, 0.5000]"));
    cr_assert(contrast(flat, steep, (yti_interval){-0.3, -0.5, -0.1, 5},
                       "different: plain 0.0000 [-0.0200, 0.0200], residual 0.3000 [0.2500, 0.3500]; "
                       "difference -0.3000 [-0.5000, -0.1000]"));
    cr_assert(!contrast(steep, flat, (yti_interval){0.3, -0.1, 0.7, 5},
                        "no difference: plain 0.3000 [0.2500, 0.3500], residual 0.0000 [-0.0200, 0.0200]; "
                        "difference 0.3000 [-0.1000, 0.7000]"));
}

Test(verdict, with_one_seed_their_own_intervals_decide) {
    const yti_interval steep = {0.3, 0.25, 0.35, 5}, flat = {0, -0.02, 0.02, 5}, near_flat = {0.01, 0, 0.03, 5},
                       single = {0.3, (double)NAN, (double)NAN, 1}, none = single;
    cr_assert(contrast(steep, flat, none,
                       "different: plain 0.3000 [0.2500, 0.3500], residual 0.0000 [-0.0200, 0.0200]; "
                       "intervals apart"));
    cr_assert(!contrast(near_flat, flat, none,
                        "no difference: plain 0.0100 [0.0000, 0.0300], residual 0.0000 [-0.0200, 0.0200]; "
                        "intervals overlap"));
    cr_assert(!contrast(single, flat, none,
                        "unknown: plain 0.3000, residual 0.0000 [-0.0200, 0.0200]; fewer than two seeds have both"));
    cr_assert(!contrast(single, (yti_interval){(double)NAN, (double)NAN, (double)NAN, 0}, none,
                        "unknown: plain 0.3000, residual not measured; fewer than two seeds have both"));
}

Test(verdict, every_limit_has_a_name_a_meaning_and_a_source) {
    for (int i = 0; i < YT_FLOW_LIMITS; i++) {
        const yti_flow_limit *row = &yti_flow_limits()[i];
        cr_assert(row->name[0] && row->meaning[0] && row->source[0] && row->value > 0, "row %d", i);
    }
}
