/* run_view.h: a run as those see it that only read it. Internal to src/train. */
#ifndef YT_RUN_VIEW_H
#define YT_RUN_VIEW_H

#include "train/parts/data.h"
#include "train/parts/parts.h"
#include "train/parts/progress.h"

/* All is lent. */
typedef struct yti_run_view {
    const yti_train_config *config;
    const yti_run_data *data;
    const yti_run_parts *parts;
    const yti_progress *progress;
} yti_run_view;

#endif
