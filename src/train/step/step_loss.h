/* step_loss.h: a training step as its batch and how that is trained on, and the loss of it: the weighted sum over the
 * branches of the head. Internal to src/train.
 */
#ifndef YT_STEP_LOSS_H
#define YT_STEP_LOSS_H

#include "loss/loss.h"
#include "model/model.h"
#include "tensor/batch.h"
#include "train/settings/config.h"

/* A batch and how it is trained on: all that a step's numbers depend on besides the state of the model. */
typedef struct yti_step {
    yti_model *model; /* planned for the batch */
    yti_loss *loss;
    const yti_batch *batch;
    yti_loss_gains gains;
    double weight[2];       /* of the branches in the loss */
    bool widen_below_first; /* of yti_assigner */
    const float *waiting;   /* [model->param_count] gradients of earlier batches that it adds to; NULL: none */
    int threads;
} yti_step;

/* How the terms and branches of a step's loss are weighed in that epoch of that many, and how boxes are assigned; of
 * the step's model. */
void yti_shape_loss(yti_step *step, const yti_train_config *config, int epoch, int epochs);

typedef struct yti_step_loss {
    yti_loss_result branch[2];
    double total;
} yti_step_loss;

/* Of the maps that the model holds; fills the gradients of the head's maps. */
yt_status yti_step_loss_of(const yti_step *step, yti_step_loss *out, yt_err *err);

/* "box_loss", "cls_loss", "dfl_loss" or "l1_loss". */
const char *yti_loss_name(const yti_model *model, int term);

/* " of the one-to-many branch", or "" where there is one branch only. */
const char *yti_branch_text(const yti_model *model, int branch);

#endif
