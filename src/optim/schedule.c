/* schedule.c: learning rate, momentum and accumulation as functions of the iteration; clipping and EMA factors.
 *
 * Nothing here has a state: the values of iteration i of epoch e follow from the settings alone, so a resumed run
 * continues as if it had never stopped. What the reference trainer merely leaves standing after the last warm-up
 * iteration (momentum and accumulation for good, learning rates until the epoch ends) is therefore computed as of that
 * iteration. That is iteration nw, which has the full values; until 8.4.104 it was nw - 1, so that a run of few batches
 * kept a part of them.
 *
 * Batches per update: nbs / B, but no more than the run has batches, for else it would end without an update. The
 * warm-up rises to that whole number; until 8.4.104 to the quotient, whatever the run's length.
 *
 * Rounding is to nearest, halves to even (rint in the default rounding mode).
 */
#include "optim/optim.h"

#include <math.h>

static const double PI = 3.14159265358979323846;
static const double FAST = 3; /* times the rate of other groups; spec training 4.1 */

float yti_clip_scale(double norm, double max_norm) {
    if (max_norm <= 0) return 1;
    double scale = max_norm / (norm + 1e-6);
    return scale > 1 ? 1 : (float)scale; /* keeps a NaN */
}

float yti_ema_decay(int64_t n_updates) {
    return (float)(0.9999 * -expm1(-(double)n_updates / 2000));
}

double yti_schedule_factor(int epoch, int n_epochs, double lrf, bool cosine) {
    double done = (double)epoch / n_epochs;
    if (cosine) return fmax((1 - cos(PI * done)) / 2, 0) * (lrf - 1) + 1;
    return fmax(1 - done, 0) * (1 - lrf) + lrf;
}

static double nominal_batches(const yti_schedule *s) {
    return (double)s->nominal_batch / s->batch;
}

static int at_least_one(double batches) {
    return batches > 1 ? (int)rint(batches) : 1;
}

/* Batches per update once the warm-up is over. */
static double full_accumulation(const yti_schedule *s) {
    if (s->old_warmup) return nominal_batches(s);
    const int wanted = at_least_one(nominal_batches(s));
    const int64_t all = (int64_t)s->batches_per_epoch * s->epochs;
    return wanted < all ? wanted : (double)all;
}

/* nw: shortened for runs of few epochs. */
static int64_t warmup_iterations(const yti_schedule *s) {
    double epochs = fmin(s->warmup_epochs, s->epochs > 1 ? s->epochs - 1 : 0);
    return epochs > 0 ? (int64_t)rint(epochs * s->batches_per_epoch) : 0;
}

/* The rate of a group whose rate without warm-up is lr: from `from` to it while the warm-up is part done. */
static double warm(double from, double lr, double part) {
    return (1 - part) * from + part * lr; /* exactly lr at the end */
}

yti_schedule_step yti_schedule_at(const yti_schedule *schedule, int epoch, int iteration) {
    const yti_schedule *s = schedule;
    int64_t nw = warmup_iterations(s), i = iteration + (int64_t)s->batches_per_epoch * epoch;
    double base = s->lr0 * yti_schedule_factor(epoch, s->epochs, s->lrf, s->cosine), lr_part = 1;
    double momentum = s->momentum, batches = full_accumulation(s);
    if (nw > 0) {
        const int64_t end = s->old_warmup ? nw - 1 : nw;
        int64_t last = i < end ? i : end; /* the latest iteration that set something */
        double part = (double)last / (double)nw;
        momentum = warm(s->warmup_momentum, s->momentum, part);
        batches = warm(1, batches, part);
        if (last / s->batches_per_epoch == epoch) lr_part = part;
    }
    yti_schedule_step step = {.momentum = (float)momentum, .accumulate = at_least_one(batches), .warms_up = i < nw};
    for (int g = 0; g < YT_GROUP_COUNT; g++) {
        double lr = g == (int)yti_group_base((yti_group)g) ? base : FAST * base;
        double from = yti_group_base((yti_group)g) == YT_GROUP_BIAS ? s->warmup_bias_lr : 0;
        step.lr[g] = (float)warm(from, lr, lr_part);
    }
    return step;
}

/* By an update's length after the warm-up there is one at the full rate, or none at all. */
int64_t yti_schedule_first_move(const yti_schedule *s) {
    const int64_t all = (int64_t)s->batches_per_epoch * s->epochs;
    const int64_t enough = warmup_iterations(s) + (int64_t)ceil(full_accumulation(s)) + 1;
    int64_t last = -1;
    for (int64_t i = 0; i < all && i < enough; i++) {
        const yti_schedule_step step = yti_schedule_at(s, (int)(i / s->batches_per_epoch),
                                                       (int)(i % s->batches_per_epoch));
        if (i - last < step.accumulate) continue;
        last = i;
        for (int g = 0; g < YT_GROUP_COUNT; g++)
            if (step.lr[g] > 0) return i;
    }
    return -1;
}

double yti_scaled_weight_decay(double weight_decay, int batch, int nominal_batch) {
    double accumulate = at_least_one((double)nominal_batch / batch);
    return weight_decay * batch * accumulate / nominal_batch;
}
