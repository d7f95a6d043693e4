/* guard.h: what is kept of a step until it turned out well: the state to which it can be undone, and the steps before
 * it to explain it by. Internal to src/train.
 */
#ifndef YT_GUARD_H
#define YT_GUARD_H

#include "train/step/step_loss.h"

/* One of the last steps. */
enum { YTI_PAST_STEPS = 8 };
typedef struct yti_past_step {
    int64_t step;
    double loss[YT_LOSS_TERMS]; /* of the branch that detects */
    double gradient_norm;       /* of the gradients summed for the update so far */
} yti_past_step;

typedef struct yti_guard {
    float *buffers_before; /* running statistics before the step, [model->buffer_count] */
    float *grads_before;   /* gradients that waited before it, [model->param_count]; NULL: none ever wait */
    yti_past_step past[YTI_PAST_STEPS];
    int64_t n_past; /* step i is past[i % YTI_PAST_STEPS] */
    bool has_dump;  /* this process has tried to write a step into a file */
} yti_guard;

/* may_wait: gradients of one batch may wait for those of the next. *guard starts as {0}; after a failure too
 * yti_guard_deinit is called. NO_MEMORY. */
yt_status yti_guard_init(yti_guard *guard, const yti_model *model, bool may_wait, yt_err *err);
void yti_guard_deinit(yti_guard *guard);

/* Copies what a step moves. */
void yti_guard_before_step(yti_guard *guard, const yti_step *step);

/* Statistics as before the step. */
void yti_guard_restore_statistics(const yti_guard *guard, yti_model *model);

/* After a step that was made. */
void yti_guard_remember(yti_guard *guard, int64_t step, const double loss[YT_LOSS_TERMS], double gradient_norm);

/* The steps before in lines, malloc'd; NULL: no memory. */
char *yti_guard_history(const yti_guard *guard, const yti_model *model);

#endif
