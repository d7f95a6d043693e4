/* run_schedule.h: the rates of a run, from its settings. Internal to src/train. */
#ifndef YT_RUN_SCHEDULE_H
#define YT_RUN_SCHEDULE_H

#include "optim/optim.h"
#include "train/settings/config.h"

/* Of a run of that many epochs of that many batches. */
yti_schedule yti_run_schedule(const yti_train_config *config, int epochs, int batches_per_epoch);

/* The rates of the settings times a factor, into the schedule. */
void yti_apply_rate_factor(yti_schedule *schedule, const yti_train_config *config, double factor);

#endif
