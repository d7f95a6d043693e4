/* average.h: the exponential moving average of a model's state, which is validated and kept as the best. Internal to
 * src/train.
 *
 * Constants and frozen rows are copied once and then left alone: averaging even a constant would move its last bit.
 */
#ifndef YT_AVERAGE_H
#define YT_AVERAGE_H

#include "model/model.h"

/* Floats of a block, from offset. */
typedef struct yti_stretch {
    size_t offset, count;
} yti_stretch;

typedef struct yti_stretches {
    yti_stretch *at;
    size_t count;
} yti_stretches;

typedef struct yti_average {
    yti_state state;               /* params and buffers, owned; no grads */
    yti_stretches params, buffers; /* that are averaged */
} yti_average;

/* Begins at the model's state. *average starts as {0}; after a failure too yti_average_deinit is called. NO_MEMORY. */
yt_status yti_average_init(yti_average *average, const yti_model *model, yt_err *err);
void yti_average_deinit(yti_average *average);

/* Back to the model's state. */
void yti_average_begin(yti_average *average, const yti_model *model);

/* Moves it towards the model's state, for that update of the run, from 1. */
void yti_average_step(yti_average *average, const yti_model *model, int64_t update, int threads);

#endif
