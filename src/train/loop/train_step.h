/* train_step.h: one training step. Internal to src/train/loop. */
#ifndef YT_TRAIN_STEP_H
#define YT_TRAIN_STEP_H

#include "tensor/batch.h"
#include "train/loop/train.h"
#include "train/observe/watchers.h"

/* What became of a step. */
typedef enum yti_step_result {
    YTI_STEP_UPDATED,   /* the weights moved */
    YTI_STEP_WAITING,   /* its gradients wait for those of the next batches */
    YTI_STEP_SKIPPED,   /* something was not finite: the batch is left out */
    YTI_STEP_ROLLS_BACK /* something was not finite: the run is to go back to its last checkpoint */
} yti_step_result;

/* One batch: forward, loss, backward, observers, and where enough images were summed optimizer and average. NON_FINITE
 * where the run ends by it. report: its epoch and batch on entry. */
yt_status yti_train_step(yti_training *training, const yti_batch *batch, yti_train_batch *report,
                         yti_watchers *watchers, yti_step_result *result, yt_err *err);

#endif
