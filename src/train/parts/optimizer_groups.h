/* optimizer_groups.h: which parameters are stepped, by which treatment. Internal to src/train. */
#ifndef YT_OPTIMIZER_GROUPS_H
#define YT_OPTIMIZER_GROUPS_H

#include "model/model.h"
#include "optim/optim.h"

/* How an optimizer is made. */
typedef struct yti_optimizer_plan {
    yti_optimizer_kind kind;
    double weight_decay; /* as it is to be applied */
    double momentum;     /* beta1 of Adam and AdamW */
    bool fast_by_name;   /* which branches MuSGD trains faster, by the rule of the reference trainer until 8.4.104 */
    int threads;
} yti_optimizer_plan;

/* The optimizer over all of the model that is trained. */
yt_status yti_run_optimizer_create(const yti_model *model, const yti_optimizer_plan *plan, yti_optimizer **out,
                                   yt_err *err);

#endif
