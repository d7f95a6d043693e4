/* optim.h: parameter groups, update rules, schedules, moving average (spec training 4). */
#ifndef YT_OPTIM_H
#define YT_OPTIM_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Which treatment a parameter gets: weight decay or none, its own warm-up, and with MuSGD three times the rate for
 * the class branches of the head (FAST). */
typedef enum yti_group {
    YT_GROUP_WEIGHT,
    YT_GROUP_NORM,
    YT_GROUP_BIAS,
    YT_GROUP_FAST_WEIGHT,
    YT_GROUP_FAST_NORM,
    YT_GROUP_FAST_BIAS,
    YT_GROUP_COUNT
} yti_group;

/* The same treatment at the usual rate, and whether it is the fast one. */
static inline yti_group yti_group_base(yti_group group) {
    return (yti_group)(group % YT_GROUP_FAST_WEIGHT);
}
static inline yti_group yti_group_fast(yti_group base) {
    return (yti_group)(base + YT_GROUP_FAST_WEIGHT);
}

/* code, name on the command line */
#define YT_OPTIMIZER_MAP(X)                                                                                            \
    X(SGD, "SGD")                                                                                                      \
    X(ADAM, "Adam")                                                                                                    \
    X(ADAMW, "AdamW")                                                                                                  \
    X(MUSGD, "MuSGD")

typedef enum yti_optimizer_kind {
#define YT_OPTIMIZER_ENUM(code, name) YT_OPTIM_##code,
    YT_OPTIMIZER_MAP(YT_OPTIMIZER_ENUM)
#undef YT_OPTIMIZER_ENUM
        YT_OPTIM_COUNT
} yti_optimizer_kind;

const char *yti_optimizer_name(yti_optimizer_kind kind);
int yti_optimizer_find(const char *name); /* case-insensitive; -1: unknown */

/* The groups whose rates are logged as lr/pg0, lr/pg1, ... (spec training 4.1); returns how many. MuSGD
 * logs matrices apart from other weights, though their rates are equal. */
enum { YT_MAX_LR_COLUMNS = 8 };
int yti_optimizer_columns(yti_optimizer_kind kind, yti_group columns[YT_MAX_LR_COLUMNS]);

/* A run of consecutive parameters of one group, in floats from the start of the parameter block. */
typedef struct yti_param_span {
    size_t offset, count;
    yti_group group;
    size_t columns; /* of the row-major matrix that the span is, which MuSGD orthogonalises; 0: it is none */
} yti_param_span;

typedef struct yti_optimizer yti_optimizer;

/* Moments for `count` floats, zero, and working memory for as many threads: a step allocates nothing. The spans
 * (copied) must cover what is to be trained; parameters outside every span are frozen. weight_decay applies to
 * weights only. */
yt_status yti_optimizer_create(yti_optimizer_kind kind, size_t count, const yti_param_span *spans, size_t n_spans,
                               float weight_decay, int threads, yti_optimizer **out, yt_err *err);
void yti_optimizer_destroy(yti_optimizer *optimizer);

/* Bytes of its moments and working memory. */
size_t yti_optimizer_bytes(const yti_optimizer *optimizer);

/* beta1 of Adam and AdamW, 0.9 until set: the momentum setting of the run, which warm-up does not vary. */
void yti_optimizer_set_beta1(yti_optimizer *optimizer, double beta1);

/* One update with per-group learning rates. gradient_scale multiplies the gradient first (clipping). momentum is
 * that of SGD and MuSGD in this step. */
void yti_optimizer_step(yti_optimizer *optimizer, float *params, const float *grads, float gradient_scale,
                        const float lr[YT_GROUP_COUNT], float momentum);

/* The state that a checkpoint keeps: arrays of `count` floats by name ("momentum", "exp_avg", ...), and the number
 * of steps taken. `index` from 0; returns false past the last. The array may be written to. */
bool yti_optimizer_state(yti_optimizer *optimizer, int index, const char **name, float **array);
int64_t yti_optimizer_steps(const yti_optimizer *optimizer);
void yti_optimizer_set_steps(yti_optimizer *optimizer, int64_t steps);

/* min(1, max_norm / (norm + 1e-6)); max_norm <= 0: no clipping, 1. */
float yti_clip_scale(double norm, double max_norm);

/* EMA decay after n updates (n counts this one, from 1): 0.9999 * (1 - exp(-n/2000)). */
float yti_ema_decay(int64_t n_updates);

/* The learning-rate factor of an epoch: linear or cosine from 1 to lrf (spec training 4.5). */
double yti_schedule_factor(int epoch, int n_epochs, double lrf, bool cosine);

/* Everything that the schedule decides for one iteration. */
typedef struct yti_schedule {
    double lr0, lrf, momentum;
    double warmup_epochs, warmup_momentum, warmup_bias_lr;
    bool cosine;
    int epochs, batches_per_epoch; /* E, nb */
    int batch, nominal_batch;      /* B, nbs */
    bool old_warmup;               /* of the reference trainer until 8.4.104, see schedule.c */
} yti_schedule;

typedef struct yti_schedule_step {
    float lr[YT_GROUP_COUNT];
    float momentum;
    int accumulate; /* batches per update */
    bool warms_up;  /* rates and momentum are not yet those of the run */
} yti_schedule_step;

/* Iteration i of epoch e (both from 0). */
yti_schedule_step yti_schedule_at(const yti_schedule *schedule, int epoch, int iteration);

/* The first iteration of the run whose update moves weights, having a rate above 0; -1: none does. */
int64_t yti_schedule_first_move(const yti_schedule *schedule);

/* Weight decay after scaling by the batch: wd * B * max(round(nbs/B), 1) / nbs. */
double yti_scaled_weight_decay(double weight_decay, int batch, int nominal_batch);

#endif
