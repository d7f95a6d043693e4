/* Tests of src/flow/verdict.c: hand-made facts on either side of every limit. */
#include "yt/verdict.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static yt_flow_facts healthy(double ratio) {
    return (yt_flow_facts){
        .slope = {0.01, 0, 0.02, 5}, .first_to_last = ratio, .update = 1e-3, .mean_abs = 1e-4, .norm = 5};
}

static void expect(yt_flow_facts facts, yt_verdict want, const char *words) {
    char text[512];
    yt_verdict got = yt_verdict_of(&facts, text, sizeof text);
    cr_assert_eq(got, want, "%s instead of %s: %s", yt_verdict_word(got), yt_verdict_word(want), text);
    cr_assert_eq(strncmp(text, yt_verdict_word(want), strlen(yt_verdict_word(want))), 0, "%s", text);
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
    yt_flow_facts facts = healthy(9e-4);
    expect(facts, YT_VERDICT_DECAYING, "is not below 1e-05");
    facts.update = 9e-6;
    expect(facts, YT_VERDICT_VANISHING, "update : weight of the first layer 9e-06 is below 1e-05");
    facts.first_to_last = 2e-3;
    expect(facts, YT_VERDICT_DECAYING, "not below 0.001");
}

Test(verdict, a_mean_below_the_absolute_limit_is_vanishing) {
    yt_flow_facts facts = healthy(1);
    facts.mean_abs = 9e-8;
    expect(facts, YT_VERDICT_VANISHING, "mean |g| of the first layer 9e-08 is below 1e-07");
}

Test(verdict, exploding_needs_the_ratio_and_a_large_update_or_norm) {
    yt_flow_facts facts = healthy(1100);
    expect(facts, YT_VERDICT_GROWING, "above 1000");
    facts.norm = 101;
    expect(facts, YT_VERDICT_EXPLODING, "norm of all gradients 101 is above 100");
    facts.norm = 5;
    facts.update = 0.11;
    expect(facts, YT_VERDICT_EXPLODING, "is above 0.1");
    facts.first_to_last = 900;
    expect(facts, YT_VERDICT_GROWING, "not above 1000");
}

Test(verdict, a_large_norm_alone_is_named_and_decides_nothing) {
    yt_flow_facts facts = healthy(1);
    facts.norm = 300;
    expect(facts, YT_VERDICT_FLAT, "norm of all gradients 300 is above 100");
}

Test(verdict, a_value_that_is_not_finite_is_exploding) {
    yt_flow_facts facts = healthy(1);
    facts.non_finite = true;
    expect(facts, YT_VERDICT_EXPLODING, "NaN or infinite");
}

Test(verdict, what_was_not_measured_is_not_claimed) {
    const double none = (double)NAN;
    yt_flow_facts facts = {.slope = {none, none, none, 0},
                           .first_to_last = none,
                           .update = none,
                           .mean_abs = none,
                           .norm = none};
    expect(facts, YT_VERDICT_UNKNOWN, "unknown");
    facts.first_to_last = 1e-6;
    expect(facts, YT_VERDICT_DECAYING, "below 0.001");
}

Test(verdict, variants_differ_where_their_intervals_are_apart) {
    const yt_interval steep = {0.3, 0.25, 0.35, 5}, flat = {0, -0.02, 0.02, 5},
                      near_flat = {0.01, 0, 0.03, 5}, single = {0.3, (double)NAN, (double)NAN, 1};
    char text[256];
    cr_assert(yt_verdict_compare("plain", steep, "residual", flat, text, sizeof text));
    cr_assert_str_eq(
        text, "different: plain 0.3000 [0.2500, 0.3500], residual 0.0000 [-0.0200, 0.0200]; intervals apart");
    cr_assert(!yt_verdict_compare("a", near_flat, "b", flat, text, sizeof text));
    cr_assert_eq(strncmp(text, "no difference: ", 15), 0, "%s", text);
    cr_assert(!yt_verdict_compare("a", single, "b", flat, text, sizeof text));
    cr_assert_eq(strncmp(text, "unknown: ", 9), 0, "%s", text);
}

Test(verdict, every_limit_has_a_name_a_meaning_and_a_source) {
    for (int i = 0; i < YT_VERDICT_LIMITS; i++) {
        const yt_verdict_limit *row = &yt_verdict_limits()[i];
        cr_assert(row->name[0] && row->meaning[0] && row->source[0] && row->value > 0, "row %d", i);
    }
}
