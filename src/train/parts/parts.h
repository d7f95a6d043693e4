/* parts.h: what a run trains, and what trains it. Internal to src/train.
 *
 * model->state.grads holds the sum of the gradients since the last update, from one step to the next: a step adds to
 * it, and only an update, a batch that is left out and a rollback clear it.
 */
#ifndef YT_RUN_PARTS_H
#define YT_RUN_PARTS_H

#include "loss/loss.h"
#include "model/model.h"
#include "optim/optim.h"
#include "train/parts/average.h"
#include "validate/validate.h"

typedef struct yti_run_parts {
    yti_model *model;
    yti_loss *loss;
    float *class_weights; /* [classes]; NULL: all 1 */
    yti_optimizer *optimizer;
    yti_schedule schedule;
    yti_average average;
    yti_validator *validator; /* NULL: there is nothing to validate on */
} yti_run_parts;

#endif
