/* Tests of src/gradients/alarms.c: at which measurement an alarm is raised, and how many lines a step is worth. */
#include "gradients/alarms.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct alarm_case {
    yti_flow_kind kind;
    yti_activation_kind act;
    float value; /* of every element */
    double median, update, saturated, norm;
    yti_flow_alarm alarm;
} alarm_case;

/* Each on its side of a limit, and the same not known. */
Test(alarms, they_are_raised_at_their_limits_and_by_nothing_unknown) {
    static const double none = (double)NAN;
    const alarm_case raised[] = {
        {YT_FLOW_WEIGHT, YT_ACT_IDENTITY, INFINITY, none, none, none, none, YT_FLOW_ALARM_NON_FINITE},
        {YT_FLOW_ACTIVATION, YT_ACT_SILU, NAN, none, none, none, none, YT_FLOW_ALARM_NON_FINITE},
        {YT_FLOW_ACTIVATION_GRADIENT, YT_ACT_SILU, 0.9e-7f, none, none, none, none, YT_FLOW_ALARM_VANISHING},
        {YT_FLOW_BLOCK_GRADIENT, YT_ACT_SILU, 0, none, none, none, none, YT_FLOW_ALARM_VANISHING},
        {YT_FLOW_ACTIVATION_GRADIENT, YT_ACT_SILU, 0.9e-3f, 1, 0.9e-5, none, none, YT_FLOW_ALARM_FADING},
        {YT_FLOW_BLOCK_GRADIENT, YT_ACT_SILU, -2100, 2, 0.11, none, none, YT_FLOW_ALARM_EXPLODING},
        {YT_FLOW_BLOCK_GRADIENT, YT_ACT_SILU, -2100, 2, none, none, 101, YT_FLOW_ALARM_EXPLODING},
        {YT_FLOW_ACTIVATION, YT_ACT_RELU, 1, none, none, 0.51, none, YT_FLOW_ALARM_DEAD},
        {YT_FLOW_ACTIVATION, YT_ACT_SIGMOID, 1, none, none, 0.51, none, YT_FLOW_ALARM_SATURATED}};
    const alarm_case quiet[] = {
        {YT_FLOW_ACTIVATION_GRADIENT, YT_ACT_SILU, 1.1e-7f, none, none, none, none, YT_FLOW_ALARMS},
        {YT_FLOW_ACTIVATION_GRADIENT, YT_ACT_SILU, 0.9e-3f, 1, 2e-5, none, none, YT_FLOW_ALARMS},
        {YT_FLOW_ACTIVATION_GRADIENT, YT_ACT_SILU, 0.9e-3f, 1, none, none, none, YT_FLOW_ALARMS},
        {YT_FLOW_ACTIVATION_GRADIENT, YT_ACT_SILU, 900, 1, 1, none, 1e9, YT_FLOW_ALARMS},
        {YT_FLOW_ACTIVATION_GRADIENT, YT_ACT_SILU, 2100, 2, 0.09, none, 99, YT_FLOW_ALARMS},
        {YT_FLOW_WEIGHT, YT_ACT_IDENTITY, 0, 1, 0, none, none, YT_FLOW_ALARMS},
        {YT_FLOW_ACTIVATION, YT_ACT_TANH, 1, 1, none, 0.5, none, YT_FLOW_ALARMS},
        {YT_FLOW_ACTIVATION, YT_ACT_IDENTITY, 0, 1, none, none, none, YT_FLOW_ALARMS}};
    const size_t n_raised = sizeof raised / sizeof raised[0], n = n_raised + sizeof quiet / sizeof quiet[0];
    for (size_t i = 0; i < n; i++) {
        const alarm_case *c = i < n_raised ? &raised[i] : &quiet[i - n_raised];
        float x[3] = {c->value, c->value, c->value};
        yti_flow_stats stats = yti_flow_measure(yti_tensor_of(x, 1, 1, 3, 1), 1);
        stats.saturated = c->saturated;
        const yti_flow_case judged = {c->kind, c->act, &stats, c->median, c->update, c->norm};
        for (int a = 0; a < YT_FLOW_ALARMS; a++) {
            const double excess = yti_flow_alarm_excess((yti_flow_alarm)a, &judged);
            cr_expect(a == (int)c->alarm ? excess >= 1 : excess == 0, "case %zu, alarm %d: %g", i, a, excess);
        }
    }
}

/* ---- a step ---- */

enum { ROWS = 40 };

typedef struct step {
    float values[ROWS];
    yti_flow_record records[ROWS];
    unsigned raised[ROWS];
    double sorted[ROWS];
    yti_alarm_spread spread;
    int lines;
    char last[512];
} step;

static void hear(void *context, const char *line) {
    step *s = context;
    s->lines++;
    snprintf(s->last, sizeof s->last, "%s", line);
}

/* Activation maps of ReLU units, of which a share is dead in the first rows. */
static void sample(step *s, int64_t number, int dead) {
    for (int i = 0; i < ROWS; i++) {
        s->values[i] = 1;
        s->records[i] = (yti_flow_record){.row = i,
                                          .name = "Conv",
                                          .kind = YT_FLOW_ACTIVATION,
                                          .stats = yti_flow_measure(yti_tensor_of(&s->values[i], 1, 1, 1, 1), 1),
                                          .act = YT_ACT_RELU,
                                          .raised = &s->raised[i]};
        s->records[i].stats.saturated = i < dead ? 0.6 + 0.001 * i : 0.1;
    }
    s->spread.sorted = s->sorted;
    const yti_flow_sample all = {.step = number, .norm = (double)NAN, .records = s->records, .count = ROWS};
    yti_raise_alarms(&s->spread, &all, hear, s);
}

Test(alarms, a_line_is_about_the_worst_place_and_comes_again_when_there_are_twice_as_many) {
    static step s;
    sample(&s, 3, 0);
    cr_assert_eq(s.lines, 0);
    sample(&s, 4, 2);
    cr_assert_eq(s.lines, 1);
    cr_assert_eq(strncmp(s.last, "step 4, row 1 Conv: dead, here and in 1 other place: ", 53), 0, "%s", s.last);
    sample(&s, 5, 2); /* the same places again */
    sample(&s, 6, 3);
    cr_assert_eq(s.lines, 1);
    sample(&s, 7, 4);
    cr_assert_eq(s.lines, 2);
    cr_assert_eq(strncmp(s.last, "step 7, row 3 Conv: dead, here and in 3 other places: ", 54), 0, "%s", s.last);
    sample(&s, 8, 7);
    cr_assert_eq(s.lines, 2);
    sample(&s, 9, 8);
    cr_assert_eq(s.lines, 3);
}

/* In the warm-up small updates are what it is for: a small gradient beside one is then no alarm. */
Test(alarms, the_updates_of_a_warm_up_count_for_nothing) {
    for (int warms_up = 0; warms_up < 2; warms_up++) {
        static step s;
        memset(&s, 0, sizeof s);
        for (int i = 0; i < 3; i++) {
            s.values[i] = i ? 1 : 0.5e-3f;
            s.records[i] = (yti_flow_record){.row = i,
                                             .name = "Conv",
                                             .kind = YT_FLOW_ACTIVATION_GRADIENT,
                                             .stats = yti_flow_measure(yti_tensor_of(&s.values[i], 1, 1, 1, 1), 1),
                                             .raised = &s.raised[i]};
        }
        s.records[3] = (yti_flow_record){.name = "w", .kind = YT_FLOW_UPDATE, .raised = &s.raised[3]};
        s.records[3].stats.ratio = 0.5e-5;
        s.spread.sorted = s.sorted;
        const yti_flow_sample all = {.warms_up = warms_up == 1, .norm = (double)NAN, .records = s.records, .count = 4};
        yti_raise_alarms(&s.spread, &all, hear, &s);
        cr_assert_eq(s.lines, warms_up ? 0 : 1, "%s", s.last);
        cr_assert(warms_up || strstr(s.last, "row 0 Conv: vanishing: "), "%s", s.last);
    }
}

Test(alarms, where_nobody_listens_they_are_raised_all_the_same) {
    static step s;
    sample(&s, 0, 3);
    unsigned raised = s.raised[0];
    memset(&s, 0, sizeof s);
    s.values[0] = 1;
    s.records[0] = (yti_flow_record){.name = "Conv",
                                     .kind = YT_FLOW_ACTIVATION,
                                     .stats = yti_flow_measure(yti_tensor_of(s.values, 1, 1, 1, 1), 1),
                                     .act = YT_ACT_RELU,
                                     .raised = s.raised};
    s.records[0].stats.saturated = 0.9;
    s.spread.sorted = s.sorted;
    const yti_flow_sample one = {.norm = (double)NAN, .records = s.records, .count = 1};
    yti_raise_alarms(&s.spread, &one, NULL, NULL);
    cr_assert(raised == 1u << YT_FLOW_ALARM_DEAD && s.raised[0] == raised && s.spread.places[YT_FLOW_ALARM_DEAD] == 1);
    cr_assert_eq(s.spread.reported[YT_FLOW_ALARM_DEAD], 0);
}
