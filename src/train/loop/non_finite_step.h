/* non_finite_step.h: what a run does about a step with a value that is not finite. Internal to src/train/loop. */
#ifndef YT_NON_FINITE_STEP_H
#define YT_NON_FINITE_STEP_H

#include "train/loop/train.h"
#include "train/observe/watchers.h"
#include "train/step/step_loss.h"

/* The step of the report has something that is not finite; noticed: by what, in words. *action: YT_ON_NAN_SKIP, the
 * batch is to be left out, or YT_ON_NAN_ROLLBACK; where the run stops NON_FINITE is returned. Gradients are cleared and
 * statistics as before the step. */
yt_status yti_handle_non_finite(yti_training *training, const yti_step *step, const yti_train_batch *report,
                                const char *noticed, const yti_watchers *watchers, yti_on_nan *action, yt_err *err);

#endif
