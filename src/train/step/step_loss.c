/* step_loss.c: the loss of a training step: that of each branch of the head, times its weight in that epoch. */
#include "train/step/step_loss.h"

void yti_shape_loss(yti_step *step, const yti_train_config *config, int epoch, int epochs) {
    step->gains = (yti_loss_gains){(float)config->box, (float)config->cls, (float)config->dfl};
    step->widen_below_first = yti_follows_old(config);
    step->weight[0] = 1;
    step->weight[1] = 0;
    if (step->model->n_branches == 2) yti_loss_branch_weights(epoch, epochs, &step->weight[0], &step->weight[1]);
}

yt_status yti_step_loss_of(const yti_step *step, yti_step_loss *out, yt_err *err) {
    out->total = 0;
    for (int b = 0; b < step->model->n_branches; b++) {
        yti_head head = yti_model_head(step->model, b);
        yti_loss_rule rule = {step->gains, yti_assigner_of(b == 1), step->weight[b]};
        rule.assigner.widen_below_first = step->widen_below_first;
        YT_TRY(yti_loss_branch(step->loss, &head, &step->batch->targets, &rule, step->threads, &out->branch[b], err));
        out->total += step->weight[b] * out->branch[b].total;
    }
    return YT_OK;
}

const char *yti_loss_name(const yti_model *model, int term) {
    return term == YT_LOSS_BOX   ? "box_loss"
           : term == YT_LOSS_CLS ? "cls_loss"
           : model->reg_max == 1 ? "l1_loss"
                                 : "dfl_loss";
}

const char *yti_branch_text(const yti_model *model, int branch) {
    if (model->n_branches < 2) return "";
    return branch ? " of the one-to-one branch" : " of the one-to-many branch";
}
