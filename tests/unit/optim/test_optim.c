/* Tests of src/optim: update rules against steps worked by hand in double, schedules against spec training 4.
 */
#include "kernels/kernels.h"
#include "optim/optim.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 4, ROOM = N + YT_READ_SLACK };

/* ---- optimizers ---- */

/* Parameter 0: weight, a matrix of one element, 1: norm, 2: bias, 3: in no span. */
static const yti_param_span SPANS[] = {{0, 1, YT_GROUP_WEIGHT, 1}, {1, 1, YT_GROUP_NORM, 0}, {2, 1, YT_GROUP_BIAS, 0}};
static const float LR[YT_GROUP_COUNT] = {0.1f, 0.2f, 0.4f};

static yti_optimizer *make(yti_optimizer_kind kind, float decay) {
    yti_optimizer *o = NULL;
    yt_err err;
    cr_assert_eq(yti_optimizer_create(kind, N, SPANS, 3, decay, 1, &o, &err), YT_OK);
    return o;
}

static void step_plain_sgd(double *p, double g, double *buf, double lr, double mu, double wd) {
    g += wd * *p;
    *buf = mu * *buf + g;
    *p -= lr * (g + mu * *buf);
}

static void step_plain_adamw(double *p, double g, double *m, double *v, double lr, double b1, double wd, int t) {
    *p *= 1 - lr * wd;
    *m = b1 * *m + (1 - b1) * g;
    *v = 0.999 * *v + 0.001 * g * g;
    *p -= lr / (1 - pow(b1, t)) * *m / (sqrt(*v) / sqrt(1 - pow(0.999, t)) + 1e-8);
}

/* First step by hand for the weight: g = 0.5 + 0.01*1 = 0.51, buf = 0.51, p = 1 - 0.1*(0.51 + 0.9*0.51). */
Test(optim, sgd_takes_nesterov_steps_and_decays_weights_only) {
    yti_optimizer *o = make(YT_OPTIM_SGD, 0.01f);
    float p[ROOM] = {1, -2, 3, 7}, g[ROOM] = {0.5f, 0.25f, -1, 9};
    double q[3] = {1, -2, 3}, buf[3] = {0};
    yti_optimizer_step(o, p, g, 1, LR, 0.9f);
    cr_assert(test_near((double)p[0], 1 - 0.1 * (0.51 + 0.9 * 0.51), 1e-6));
    for (int t = 1; t <= 4; t++) {
        for (int i = 0; i < 3; i++) {
            step_plain_sgd(&q[i], (double)g[i], &buf[i], (double)LR[i], 0.9, i == 0 ? 0.01 : 0);
            cr_assert(test_near((double)p[i], q[i], 1e-6 * (1 + fabs(q[i]))), "step %d of %d", t, i);
        }
        cr_assert(p[3] == 7, "outside of all spans: frozen");
        g[0] -= 0.3f, g[2] += 0.7f;
        yti_optimizer_step(o, p, g, 1, LR, 0.9f);
    }
    cr_assert_eq(yti_optimizer_steps(o), 5);
    yti_optimizer_destroy(o);
}

Test(optim, adamw_takes_bias_corrected_steps_with_decoupled_decay) {
    yti_optimizer *o = make(YT_OPTIM_ADAMW, 0.05f);
    float p[ROOM] = {1, -2, 3, 7}, g[ROOM] = {0.5f, 0.25f, -1, 9};
    double q[3] = {1, -2, 3}, m[3] = {0}, v[3] = {0};
    yti_optimizer_step(o, p, g, 1, LR, 0.5f);
    /* By hand, whatever the gradient's size: 1 * (1 - 0.1*0.05) - 0.1 * sign(g). */
    cr_assert(test_near((double)p[0], 0.995 - 0.1, 1e-6));
    for (int t = 1; t <= 4; t++) {
        for (int i = 0; i < 3; i++) {
            step_plain_adamw(&q[i], (double)g[i], &m[i], &v[i], (double)LR[i], 0.9, i == 0 ? 0.05 : 0, t);
            cr_assert(test_near((double)p[i], q[i], 2e-6 * (1 + fabs(q[i]))), "step %d of %d", t, i);
        }
        cr_assert(p[3] == 7);
        g[0] -= 0.3f, g[2] += 0.7f;
        yti_optimizer_step(o, p, g, 1, LR, 0.5f);
    }
    yti_optimizer_destroy(o);
}

/* As AdamW without decay, of the gradient g + wd * p. */
Test(optim, adam_decays_through_the_gradient) {
    yti_optimizer *o = make(YT_OPTIM_ADAM, 0.05f);
    float p[ROOM] = {1, -2, 3, 7}, g[ROOM] = {0.5f, 0.25f, -1, 9};
    double q[3] = {1, -2, 3}, m[3] = {0}, v[3] = {0};
    for (int t = 1; t <= 4; t++) {
        yti_optimizer_step(o, p, g, 1, LR, 0.5f);
        for (int i = 0; i < 3; i++) {
            double decayed = (double)g[i] + (i == 0 ? 0.05 * q[i] : 0);
            step_plain_adamw(&q[i], decayed, &m[i], &v[i], (double)LR[i], 0.9, 0, t);
            cr_assert(test_near((double)p[i], q[i], 2e-6 * (1 + fabs(q[i]))), "step %d of %d", t, i);
        }
        cr_assert(p[3] == 7);
        g[0] -= 0.3f, g[2] += 0.7f;
    }
    yti_optimizer_destroy(o);
}

Test(optim, adamw_takes_the_beta1_it_is_given) {
    yti_optimizer *o = make(YT_OPTIM_ADAMW, 0);
    float p[ROOM] = {1, 1, 1, 1}, g[ROOM] = {1, 1, 1, 1};
    double q = 1, m = 0, v = 0;
    yti_optimizer_set_beta1(o, 0.5);
    step_plain_adamw(&q, 1, &m, &v, 0.1, 0.5, 0, 1);
    yti_optimizer_step(o, p, g, 1, LR, 0.9f);
    g[0] = -1;
    step_plain_adamw(&q, -1, &m, &v, 0.1, 0.5, 0, 2);
    yti_optimizer_step(o, p, g, 1, LR, 0.9f);
    cr_assert(test_near((double)p[0], q, 1e-6));
    yti_optimizer_destroy(o);
}

Test(optim, a_gradient_scale_is_the_same_as_scaled_gradients) {
    for (int kind = 0; kind < YT_OPTIM_COUNT; kind++) {
        yti_optimizer *a = make((yti_optimizer_kind)kind, 0.01f), *b = make((yti_optimizer_kind)kind, 0.01f);
        float p[ROOM] = {1, -2, 3, 7}, q[ROOM] = {1, -2, 3, 7};
        float g[ROOM] = {0.5f, 0.25f, -1, 9}, quarter[ROOM] = {0.125f, 0.0625f, -0.25f, 2.25f};
        for (int t = 0; t < 3; t++) {
            yti_optimizer_step(a, p, g, 0.25f, LR, 0.9f);
            yti_optimizer_step(b, q, quarter, 1, LR, 0.9f);
        }
        cr_assert(memcmp(p, q, N * sizeof *p) == 0 && p[0] != 1);
        yti_optimizer_destroy(a);
        yti_optimizer_destroy(b);
    }
}

Test(optim, state_carries_a_run_over_to_another_optimiser) {
    for (int kind = 0; kind < YT_OPTIM_COUNT; kind++) {
        yti_optimizer *a = make((yti_optimizer_kind)kind, 0.01f), *b = make((yti_optimizer_kind)kind, 0.01f);
        float p[ROOM] = {1, -2, 3, 7}, q[ROOM], g[ROOM] = {0.5f, 0.25f, -1, 9};
        for (int t = 0; t < 3; t++) yti_optimizer_step(a, p, g, 1, LR, 0.9f);
        memcpy(q, p, sizeof q);
        const char *name_a, *name_b;
        float *from, *to;
        int states = 0;
        while (yti_optimizer_state(a, states, &name_a, &from)) {
            cr_assert(yti_optimizer_state(b, states, &name_b, &to));
            cr_assert_str_eq(name_a, name_b);
            cr_assert(from[0] != 0);
            memcpy(to, from, N * sizeof *to);
            states++;
        }
        cr_assert_eq(states, kind == YT_OPTIM_SGD ? 1 : 2);
        yti_optimizer_set_steps(b, yti_optimizer_steps(a));
        yti_optimizer_step(a, p, g, 1, LR, 0.9f);
        yti_optimizer_step(b, q, g, 1, LR, 0.9f);
        cr_assert(memcmp(p, q, N * sizeof *p) == 0);
        yti_optimizer_destroy(a);
        yti_optimizer_destroy(b);
    }
}

/* Long enough to be split between threads, with neighbouring spans that are joined. */
Test(optim, a_step_is_the_same_for_any_number_of_threads) {
    enum { LONG = 100003 };
    static float one[LONG + YT_READ_SLACK], many[LONG + YT_READ_SLACK], g[LONG + YT_READ_SLACK];
    const yti_param_span spans[] = {{0, 10000, YT_GROUP_WEIGHT, 200},
                                    {10000, 24000, YT_GROUP_WEIGHT, 48},
                                    {34000, 6000, YT_GROUP_WEIGHT, 600},
                                    {40000, 50001, YT_GROUP_WEIGHT, 21},
                                    {90002, 10000, YT_GROUP_BIAS, 0}};
    for (int kind = 0; kind < YT_OPTIM_COUNT; kind++) {
        yti_optimizer *a, *b;
        cr_assert_eq(yti_optimizer_create((yti_optimizer_kind)kind, LONG, spans, 5, 0.01f, 1, &a, NULL), YT_OK);
        cr_assert_eq(yti_optimizer_create((yti_optimizer_kind)kind, LONG, spans, 5, 0.01f, 3, &b, NULL), YT_OK);
        for (int i = 0; i < LONG; i++) {
            one[i] = many[i] = (float)sin(i);
            g[i] = (float)cos(3 * i);
        }
        for (int t = 0; t < 2; t++) {
            yti_optimizer_step(a, one, g, 0.5f, LR, 0.9f);
            yti_optimizer_step(b, many, g, 0.5f, LR, 0.9f);
        }
        cr_assert(memcmp(one, many, LONG * sizeof *one) == 0);
        cr_assert(one[90001] == (float)sin(90001) && one[100002] == (float)sin(100002), "the gaps are frozen");
        cr_assert(one[90000] != (float)sin(90000) && one[100001] != (float)sin(100001));
        yti_optimizer_destroy(a);
        yti_optimizer_destroy(b);
    }
}

Test(optim, refuses_spans_that_overlap_or_leave_the_parameters) {
    yti_optimizer *o = NULL;
    yt_err err;
    const yti_param_span beyond[] = {{2, 3, YT_GROUP_WEIGHT, 0}}, huge[] = {{SIZE_MAX, 2, YT_GROUP_WEIGHT, 0}};
    const yti_param_span twice[] = {{0, 2, YT_GROUP_WEIGHT, 0}, {1, 2, YT_GROUP_BIAS, 0}};
    const yti_param_span group[] = {{0, 2, YT_GROUP_COUNT, 0}}, ragged[] = {{0, 3, YT_GROUP_WEIGHT, 2}};
    cr_assert_eq(yti_optimizer_create(YT_OPTIM_SGD, N, beyond, 1, 0, 1, &o, &err), YT_ERR_ARGUMENT);
    cr_assert_str_eq(err.text, "span 0 (3 floats at 2) is not within the 4 parameters");
    cr_assert_eq(yti_optimizer_create(YT_OPTIM_SGD, N, huge, 1, 0, 1, &o, &err), YT_ERR_ARGUMENT);
    cr_assert_eq(yti_optimizer_create(YT_OPTIM_SGD, N, group, 1, 0, 1, &o, &err), YT_ERR_ARGUMENT);
    cr_assert_eq(yti_optimizer_create(YT_OPTIM_SGD, N, twice, 2, 0, 1, &o, &err), YT_ERR_ARGUMENT);
    cr_assert_str_eq(err.text, "spans 0 and 1 of the optimizer overlap");
    cr_assert_eq(yti_optimizer_create(YT_OPTIM_MUSGD, N, ragged, 1, 0, 1, &o, &err), YT_ERR_ARGUMENT);
    cr_assert_str_eq(err.text, "span 0 of 3 floats is no matrix of 2 columns");
    cr_assert_eq(yti_optimizer_create(YT_OPTIM_SGD, SIZE_MAX / 2, SPANS, 3, 0, 1, &o, &err), YT_ERR_NO_MEMORY);
    cr_assert(o == NULL);
}

Test(optim, names_are_found_in_any_case) {
    cr_assert_eq(yti_optimizer_find("sgd"), YT_OPTIM_SGD);
    cr_assert_eq(yti_optimizer_find("ADAMW"), YT_OPTIM_ADAMW);
    cr_assert_eq(yti_optimizer_find("Adam"), YT_OPTIM_ADAM);
    cr_assert_eq(yti_optimizer_find("Adamax"), -1);
    cr_assert_str_eq(yti_optimizer_name(YT_OPTIM_ADAMW), "AdamW");
}

Test(optim, learning_rates_are_logged_by_the_groups_of_the_family) {
    static const yti_group split[] = {YT_GROUP_FAST_WEIGHT, YT_GROUP_WEIGHT, YT_GROUP_FAST_NORM,   YT_GROUP_NORM,
                                      YT_GROUP_FAST_BIAS,   YT_GROUP_BIAS,   YT_GROUP_FAST_WEIGHT, YT_GROUP_WEIGHT};
    yti_group columns[YT_MAX_LR_COLUMNS];
    cr_assert_eq(yti_optimizer_columns(YT_OPTIM_ADAMW, columns), 3);
    cr_assert(columns[0] == YT_GROUP_WEIGHT && columns[1] == YT_GROUP_NORM && columns[2] == YT_GROUP_BIAS);
    cr_assert_eq(yti_optimizer_columns(YT_OPTIM_MUSGD, columns), 8);
    cr_assert_eq(memcmp(columns, split, sizeof split), 0);
}

Test(optim, its_bytes_are_those_of_its_moments_and_matrices) {
    const yti_param_span matrix = {0, 4096, YT_GROUP_WEIGHT, 64};
    yti_optimizer *sgd, *musgd;
    cr_assert_eq(yti_optimizer_create(YT_OPTIM_SGD, 5000, &matrix, 1, 0, 1, &sgd, NULL), YT_OK);
    cr_assert_eq(yti_optimizer_create(YT_OPTIM_MUSGD, 5000, &matrix, 1, 0, 1, &musgd, NULL), YT_OK);
    cr_assert_eq(yti_optimizer_bytes(sgd), 5000 * sizeof(float));
    cr_assert_geq(yti_optimizer_bytes(musgd), (2 * 5000 + 5 * 4096) * sizeof(float), "x and four squares");
    yti_optimizer_destroy(sgd);
    yti_optimizer_destroy(musgd);
}

/* ---- factors ---- */

Test(optim, clipping_scales_only_what_is_too_long) {
    cr_assert(yti_clip_scale(5, 10) == 1);
    cr_assert(test_near((double)yti_clip_scale(40, 10), 0.25, 1e-7));
    cr_assert(yti_clip_scale(1e9, 0) == 1 && yti_clip_scale(1e9, -1) == 1, "switched off");
    cr_assert(isnan(yti_clip_scale((double)NAN, 10)), "a NaN is not hidden");
    cr_assert(yti_clip_scale(0, 10) == 1);
}

Test(optim, ema_decay_grows_from_nothing) {
    cr_assert(test_near((double)yti_ema_decay(1), 0.9999 * (1 - exp(-0.0005)), 1e-9));
    cr_assert(test_near((double)yti_ema_decay(2000), 0.9999 * 0.63212055883, 1e-7));
    cr_assert(test_near((double)yti_ema_decay(10000000), 0.9999, 1e-7));
}

Test(optim, weight_decay_follows_the_batch) {
    cr_assert(test_near(yti_scaled_weight_decay(5e-4, 16, 64), 5e-4, 1e-15)); /* 4 batches make 64 */
    cr_assert(test_near(yti_scaled_weight_decay(5e-4, 128, 64), 1e-3, 1e-15));
    /* 64/40 = 1.6: 2 batches make 80; 64/25.6 does not exist, 64/24 = 2.67: 3 make 72 */
    cr_assert(test_near(yti_scaled_weight_decay(5e-4, 40, 64), 5e-4 * 80 / 64, 1e-15));
    cr_assert(test_near(yti_scaled_weight_decay(5e-4, 24, 64), 5e-4 * 72 / 64, 1e-15));
    /* 10/4 = 2.5 and 14/4 = 3.5: halves go to the even number, 2 and 4 */
    cr_assert(test_near(yti_scaled_weight_decay(1, 4, 10), 0.8, 1e-15));
    cr_assert(test_near(yti_scaled_weight_decay(1, 4, 14), 16.0 / 14, 1e-15));
}

/* ---- schedules ---- */

Test(optim, factor_falls_from_one_towards_lrf) {
    cr_assert(test_near(yti_schedule_factor(0, 100, 0.01, false), 1, 1e-15));
    cr_assert(test_near(yti_schedule_factor(50, 100, 0.01, false), 0.505, 1e-15));
    cr_assert(test_near(yti_schedule_factor(99, 100, 0.01, false), 0.0199, 1e-15), "the last epoch is above lrf");
    cr_assert(test_near(yti_schedule_factor(120, 100, 0.01, false), 0.01, 1e-15));
    cr_assert(test_near(yti_schedule_factor(0, 100, 0.01, true), 1, 1e-15));
    cr_assert(test_near(yti_schedule_factor(25, 100, 0.2, true), 1 - 0.8 * (1 - sqrt(0.5)) / 2, 1e-12));
    cr_assert(test_near(yti_schedule_factor(50, 100, 0.01, true), 0.505, 1e-12));
}

static yti_schedule family(void) {
    return (yti_schedule){.lr0 = 0.01,
                          .lrf = 0.01,
                          .momentum = 0.937,
                          .warmup_epochs = 3,
                          .warmup_momentum = 0.8,
                          .warmup_bias_lr = 0.1,
                          .epochs = 100,
                          .batches_per_epoch = 10,
                          .batch = 16,
                          .nominal_batch = 64};
}

static void expect(const yti_schedule *s, int epoch, int iteration, double lr, double bias_lr, double momentum,
                   int accumulate) {
    yti_schedule_step got = yti_schedule_at(s, epoch, iteration);
    cr_assert(test_near((double)got.lr[YT_GROUP_WEIGHT], lr, 1e-8), "%d.%d: lr %.9g", epoch, iteration,
              (double)got.lr[YT_GROUP_WEIGHT]);
    cr_assert(got.lr[YT_GROUP_NORM] == got.lr[YT_GROUP_WEIGHT]);
    cr_assert(test_near((double)got.lr[YT_GROUP_BIAS], bias_lr, 1e-8), "%d.%d: bias lr %.9g", epoch, iteration,
              (double)got.lr[YT_GROUP_BIAS]);
    cr_assert(test_near((double)got.momentum, momentum, 1e-7), "%d.%d: momentum %.9g", epoch, iteration,
              (double)got.momentum);
    cr_assert_eq(got.accumulate, accumulate, "%d.%d: %d", epoch, iteration, got.accumulate);
}

/* nw = 30; lf(1) = 1 - 0.99/100 = 0.9901. */
Test(optim, warm_up_interpolates_every_iteration) {
    yti_schedule s = family();
    expect(&s, 0, 0, 0, 0.1, 0.8, 1);
    expect(&s, 0, 5, 0.01 / 6, 0.1 - 0.09 / 6, 0.8 + 0.137 / 6, 2);  /* 1 + 3/6 = 1.5 -> 2 */
    expect(&s, 1, 5, 0.009901 / 2, (0.1 + 0.009901) / 2, 0.8685, 2); /* 1 + 3/2 = 2.5 -> 2 */
    expect(&s, 2, 9, 0.009802 * 29 / 30, 0.1 + (0.009802 - 0.1) * 29 / 30, 0.8 + 0.137 * 29 / 30, 4);
}

/* Threefold before the warm-up interpolates: 0.1 + (0.03 - 0.1) / 6 for biases. */
Test(optim, fast_groups_warm_up_to_three_times_the_rate) {
    yti_schedule s = family();
    yti_schedule_step got = yti_schedule_at(&s, 0, 5);
    cr_assert(test_near((double)got.lr[YT_GROUP_FAST_WEIGHT], 0.03 / 6, 1e-8));
    cr_assert(got.lr[YT_GROUP_FAST_NORM] == got.lr[YT_GROUP_FAST_WEIGHT]);
    cr_assert(test_near((double)got.lr[YT_GROUP_FAST_BIAS], 0.1 - 0.07 / 6, 1e-8));
    got = yti_schedule_at(&s, 3, 0);
    for (int g = YT_GROUP_FAST_WEIGHT; g < YT_GROUP_COUNT; g++)
        cr_assert(test_near((double)got.lr[g], 0.03 * 0.9703, 1e-8), "group %d", g);
}

/* The last warm-up iteration is the 30th of 30. */
Test(optim, after_the_warm_up_rates_follow_the_epoch) {
    yti_schedule s = family();
    expect(&s, 3, 0, 0.01 * 0.9703, 0.01 * 0.9703, 0.937, 4);
    expect(&s, 99, 9, 0.01 * 0.0199, 0.01 * 0.0199, 0.937, 4);
}

/* Momentum is not touched after iteration 29 of 30. */
Test(optim, until_8_4_104_the_warm_up_ended_one_iteration_early) {
    yti_schedule s = family();
    s.old_warmup = true;
    expect(&s, 3, 0, 0.01 * 0.9703, 0.01 * 0.9703, 0.8 + 0.137 * 29 / 30, 4);
    expect(&s, 99, 9, 0.01 * 0.0199, 0.01 * 0.0199, 0.8 + 0.137 * 29 / 30, 4);
}

/* The iterations at which a run of n batches updates: where as many passed since the last as are to be summed. */
static int updates_of(const yti_schedule *s, int n, int *at) {
    int updates = 0, last = -1;
    for (int i = 0; i < n; i++) {
        yti_schedule_step step = yti_schedule_at(s, i / s->batches_per_epoch, i % s->batches_per_epoch);
        if (i - last < step.accumulate) continue;
        at[updates++] = last = i;
    }
    return updates;
}

/* COCO8 as the reference trainer has it by default: ten epochs of one batch, nbs 64 over batch 16. 8.4.190 was seen
 * to take 1 2 3 4 4 ... batches per update and to update at iterations 0, 4 and 8, the first time with rate 0;
 * 8.4.104 to update four times. */
Test(optim, ten_batches_of_the_reference_trainer_are_three_updates) {
    yti_schedule s = family();
    int at[10];
    s.epochs = 10, s.batches_per_epoch = 1, s.lr0 = 0.000119, s.warmup_bias_lr = 0;
    for (int i = 0; i < 10; i++) cr_assert_eq(yti_schedule_at(&s, i, 0).accumulate, i < 4 ? i + 1 : 4);
    cr_assert(yti_schedule_at(&s, 0, 0).lr[YT_GROUP_WEIGHT] == 0 && yti_schedule_at(&s, 0, 0).lr[YT_GROUP_BIAS] == 0);
    cr_assert_eq(updates_of(&s, 10, at), 3);
    cr_assert(at[0] == 0 && at[1] == 4 && at[2] == 8);
    s.old_warmup = true;
    cr_assert_eq(updates_of(&s, 10, at), 4);
    cr_assert(at[0] == 0 && at[1] == 3 && at[2] == 6 && at[3] == 9);
}

/* Three epochs of one batch, nw = 2: 1, 2 and 3 batches per update, so the one update is that of iteration 0, at
 * rate 0. So it is with two and four epochs: 1, 2 and 1, 2, 3, 4. The fifth has one, as ten have; a single one has
 * no warm-up. */
Test(optim, a_run_may_be_too_short_to_move_its_weights) {
    yti_schedule s = family();
    s.batches_per_epoch = 1, s.warmup_bias_lr = 0;
    static const int first[] = {[1] = 0, [2] = -1, [3] = -1, [4] = -1, [5] = 4, [10] = 4};
    for (int epochs = 1; epochs <= 10; epochs++) {
        s.epochs = epochs;
        if (epochs <= 5 || epochs == 10)
            cr_assert_eq(yti_schedule_first_move(&s), first[epochs], "%d epochs: %d", epochs,
                         (int)yti_schedule_first_move(&s));
    }
    s.warmup_bias_lr = 0.1; /* biases move at once */
    s.epochs = 3;
    cr_assert_eq(yti_schedule_first_move(&s), 0);
    s.warmup_epochs = 0, s.warmup_bias_lr = 0;
    cr_assert_eq(yti_schedule_first_move(&s), 2);
    s.lr0 = 0;
    cr_assert_eq(yti_schedule_first_move(&s), -1);
}

/* Four batches would be summed for an update, but the run has three. */
Test(optim, no_more_batches_are_summed_than_the_run_has) {
    yti_schedule s = family();
    s.epochs = 1, s.batches_per_epoch = 3;
    for (int i = 0; i < 3; i++) cr_assert_eq(yti_schedule_at(&s, 0, i).accumulate, 3);
    s.old_warmup = true;
    cr_assert_eq(yti_schedule_at(&s, 0, 2).accumulate, 4);
}

/* 64 / 40 = 1.6, rounded 2: half way 1.5, which is 2 (half to even); of the quotient 1.3, which is 1. */
Test(optim, the_warm_up_rises_to_the_whole_number_of_batches) {
    yti_schedule s = family();
    s.batch = 40;
    cr_assert_eq(yti_schedule_at(&s, 1, 5).accumulate, 2);
    s.old_warmup = true;
    cr_assert_eq(yti_schedule_at(&s, 1, 5).accumulate, 1);
}

/* nw = round(0.25 * 10) = 2 (half to even): iteration 2 of the first epoch has the full values. */
Test(optim, a_warm_up_may_end_within_an_epoch) {
    yti_schedule s = family();
    s.warmup_epochs = 0.25;
    expect(&s, 0, 1, 0.005, 0.055, 0.8685, 2);
    expect(&s, 0, 2, 0.01, 0.01, 0.937, 4);
    expect(&s, 0, 9, 0.01, 0.01, 0.937, 4);
    expect(&s, 1, 0, 0.009901, 0.009901, 0.937, 4);
}

/* After iteration 1 of the first epoch everything stood still until the second. */
Test(optim, until_8_4_104_a_warm_up_that_ended_within_an_epoch_left_its_rates_until_the_next) {
    yti_schedule s = family();
    s.warmup_epochs = 0.25;
    s.old_warmup = true;
    expect(&s, 0, 1, 0.005, 0.055, 0.8685, 2);
    expect(&s, 0, 2, 0.005, 0.055, 0.8685, 2);
    expect(&s, 0, 9, 0.005, 0.055, 0.8685, 2);
    expect(&s, 1, 0, 0.009901, 0.009901, 0.8685, 2);
}

Test(optim, a_short_run_warms_up_in_all_but_its_last_epoch) {
    yti_schedule s = family();
    s.epochs = 2; /* nw = 10; lf(1) = 0.505 */
    expect(&s, 0, 5, 0.005, 0.055, 0.8685, 2);
    expect(&s, 1, 0, 0.00505, 0.00505, 0.937, 4);
    s.epochs = 1;
    expect(&s, 0, 0, 0.01, 0.01, 0.937, 4);
}

Test(optim, without_warm_up_the_settings_hold_from_the_start) {
    yti_schedule s = family();
    s.warmup_epochs = 0;
    expect(&s, 0, 0, 0.01, 0.01, 0.937, 4);
    s.batch = 200;
    expect(&s, 0, 0, 0.01, 0.01, 0.937, 1);
    s.batch = 4, s.nominal_batch = 14; /* 3.5 -> 4 */
    expect(&s, 0, 0, 0.01, 0.01, 0.937, 4);
    s.cosine = true;
    expect(&s, 50, 3, 0.00505, 0.00505, 0.937, 4);
}
