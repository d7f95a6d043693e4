/* loss_parts.h: which part of the loss a gradient comes from. Internal to src/train. */
#ifndef YT_LOSS_PARTS_H
#define YT_LOSS_PARTS_H

#include "train/observe/watchers.h"
#include "train/step/step_loss.h"

/* Shows the watchers dL/dx of each term of the loss alone and of each level of the head alone: a forward and
 * backward run of the batch for each, from which neither gradients nor statistics of the run change. */
yt_status yti_show_parts(const yti_step *step, yti_watchers *watchers, yt_err *err);

#endif
