/* epochs.h: the epochs of a run. Internal to src/train/loop. */
#ifndef YT_EPOCHS_H
#define YT_EPOCHS_H

#include "train/loop/train.h"
#include "train/observe/watchers.h"

/* Epochs until the end, patience or stop. */
yt_status yti_train_epochs(yti_training *training, yti_watchers *watchers, const yti_stop *stop,
                           yti_train_summary *summary, yt_err *err);

#endif
