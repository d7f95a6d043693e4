/* rollback.h: back to the last checkpoint with half the learning rates. Internal to src/train/loop. */
#ifndef YT_ROLLBACK_H
#define YT_ROLLBACK_H

#include "train/loop/train.h"
#include "train/observe/watchers.h"

/* Where a rollback leads, and how often it did. */
typedef struct yti_rollback {
    int in_row;                 /* to the same checkpoint */
    int64_t checkpoint_updates; /* of the state that it leads to */
} yti_rollback;

/* Whether all that a checkpoint would hold is finite; shows the watchers where it is not. NON_FINITE, or YT_OK with
 * *rolls_back where the run is to go back then. */
yt_status yti_check_state(yti_training *training, const yti_watchers *watchers, bool *rolls_back, yt_err *err);

/* Whether there is no checkpoint yet, so that a rollback leads to the initial weights. */
bool yti_rolls_back_to_initial(const yti_training *training);

/* Back to the last checkpoint, or to the beginning, with half the rates; tells the watchers. */
yt_status yti_roll_back(yti_training *training, const yti_watchers *watchers, yt_err *err);

#endif
