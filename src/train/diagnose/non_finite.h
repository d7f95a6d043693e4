/* non_finite.h: the first NaN or infinity of a training step: where it is, what led to it, and how to see it again.
 *
 * A step that would move the weights by something that is not finite is not made. The batch runs once more, with the
 * running statistics as they were, and every tensor is looked at in the order in which it is made: weights and
 * statistics, input, maps forwards, loss terms, gradients of maps backwards with the gradients of weights between them.
 * The first one that is not finite is the finding. What the step was made of, with the gradients of earlier batches
 * that waited for the same update, lies in the run folder as non-finite.safetensors, from which yti_replay makes it
 * again, with the same bits for any number of threads. A run that begins in the folder or goes on there removes it.
 *
 *     yti_replay_result result;
 *     YT_TRY(yti_replay("runs/detect/train/non-finite.safetensors", threads, &result, err));
 *     fputs(result.report, stdout);
 *     yti_replay_free(&result);
 */
#ifndef YT_NON_FINITE_H
#define YT_NON_FINITE_H

#include "base/status.h"
#include "loss/loss.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a run does then: the setting on_nan.
 * stop      ends with YT_ERR_NON_FINITE; the last checkpoint stays.
 * skip      leaves the batch out: its gradients, and those that waited with it for an update, are dropped, and the
 *           statistics are as before it. Ends like stop where it would leave out more than YT_MAX_SKIPS batches in a
 *           row, or all of an epoch: that is no unlucky batch.
 * rollback  goes back to the last checkpoint, or to the initial weights where there is none yet, and repeats from
 *           there with half the learning rates, for good. Ends like stop after YT_MAX_ROLLBACKS to the same place, and
 *           where a step fails before the first update from there, which no rate changes.
 * A resumed run repeats what the run did from that checkpoint on, skips and rollbacks too. */
#define YT_ON_NAN_MAP(X)                                                                                               \
    X(STOP, "stop")                                                                                                    \
    X(SKIP, "skip")                                                                                                    \
    X(ROLLBACK, "rollback")

typedef enum yti_on_nan {
#define YT_ON_NAN_ENUM(code, name) YT_ON_NAN_##code,
    YT_ON_NAN_MAP(YT_ON_NAN_ENUM)
#undef YT_ON_NAN_ENUM
} yti_on_nan;

enum {
    YT_MAX_SKIPS = 10,
    YT_MAX_ROLLBACKS = 5 /* rates of 1/32: what still explodes then has another cause */
};

/* What kind of value was found, in the order in which they are made. */
#define YT_FINDING_MAP(X)                                                                                              \
    X(NOTHING, "nothing")                                                                                              \
    X(WEIGHT, "weight")                                                                                                \
    X(STATISTIC, "running statistic")                                                                                  \
    X(MAP, "activation")                                                                                               \
    X(LOSS, "loss term")                                                                                               \
    X(MAP_GRADIENT, "gradient of the activation")                                                                      \
    X(WEIGHT_GRADIENT, "gradient of the weight")                                                                       \
    X(WAITING_GRADIENT, "gradient from earlier batches of the weight")                                                 \
    X(SUMMED_GRADIENT, "sum of gradients of the weight")

typedef enum yti_finding_kind {
#define YT_FINDING_ENUM(code, text) YT_FINDING_##code,
    YT_FINDING_MAP(YT_FINDING_ENUM)
#undef YT_FINDING_ENUM
} yti_finding_kind;

const char *yti_finding_kind_text(yti_finding_kind kind);

enum { YT_FINDING_NAME = 144, YT_FINDING_INPUTS = 8 };

/* A tensor in numbers. min, max and rms are of its finite values, 0 where it has none. */
typedef struct yti_value_range {
    yti_finding_kind kind;
    char name[YT_FINDING_NAME]; /* of the map ("model.3.cv1.conv"), parameter or loss term */
    size_t values, nan, infinite;
    double min, max, rms;
} yti_value_range;

typedef struct yti_finding {
    yti_value_range tensor; /* kind NOTHING: all is finite */
    int row;                /* of the model YAML; -1: belongs to none */
    char module[64];        /* "C3k2" */
    char place[96];         /* of the first value that is not finite: "image 0, y 3, x 5, channel 7" */
    double value;           /* which it has */
    uint64_t bits;          /* of the float, or of the double that a loss term is */
    int n_inputs;           /* what it was made from, as far as there is room */
    yti_value_range inputs[YT_FINDING_INPUTS];
    int n_branches; /* of the loss below, which is that of the whole batch; 0: not reached */
    double loss[2][YT_LOSS_TERMS], total;
} yti_finding;

/* Shown to observers when it happens. */
typedef struct yti_non_finite {
    int epoch, batch;  /* from 0 */
    yti_on_nan action; /* what the run does now: YT_ON_NAN_STOP where it ends */
    bool to_initial;   /* ROLLBACK: to the initial weights, there being no checkpoint yet */
    const yti_finding *finding;
    const char *report; /* of several lines */
    const char
        *capsule; /* the file with the step; NULL: that of a former event of this process was kept, which only
                            STOP replaces; or it could not be written; or an update, not a step, was not finite */
} yti_non_finite;

typedef struct yti_replay_result {
    yti_finding finding;
    bool same;          /* as in the run, to the last bit */
    char expected[512]; /* what was found in the run, in a sentence */
    char sentence[512]; /* what is found now */
    char *report;       /* owned */
} yti_replay_result;

/* Makes the step of a capsule once more. A finding is no failure of it. */
yt_status yti_replay(const char *path, int threads, yti_replay_result *out, yt_err *err);
void yti_replay_free(yti_replay_result *result);

#endif
