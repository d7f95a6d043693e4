/* validate.h: a model over a validation split: losses and average precision. Used in training and by yoloval.
 */
#ifndef YT_VALIDATE_H
#define YT_VALIDATE_H

#include "yt/loader.h"
#include "yt/loss.h"
#include "yt/metrics.h"
#include "yt/model.h"

typedef struct yt_validate_options {
    float conf, iou; /* 0.001, 0.7 */
    int max_det;     /* 300 */
    yt_loss_gains gains;
    int threads;
    void (*progress)(void *context, int done, int total); /* batches; may be NULL */
    void *context;
} yt_validate_options;

typedef struct yt_validation {
    double loss[YT_LOSS_TERMS]; /* mean over batches of the reported items */
    yt_metrics_result metrics;  /* its classes live as long as the validator */
    double seconds;
} yt_validation;

typedef struct yt_validator yt_validator;

/* Borrows model and loader (made with train = false). Re-plans the model's graph in evaluation mode for every
 * batch shape; the caller plans again before it goes on training. */
yt_status yt_validator_create(yt_model *model, yt_loader *loader, const yt_validate_options *options,
                              yt_validator **out, yt_err *err);
void yt_validator_destroy(yt_validator *validator);
yt_status yt_validator_run(yt_validator *validator, const yt_state *state, yt_validation *out, yt_err *err);

#endif
