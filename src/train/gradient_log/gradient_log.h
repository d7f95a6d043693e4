/* gradient_log.h: how gradients flow, sampled along a run, as an observer. Internal to src/train. */
#ifndef YT_GRADIENT_LOG_H
#define YT_GRADIENT_LOG_H

#include "train/observe/observer.h"

/* gradients.csv and its companions; see gradient_log.c. alarm receives what is not sound. */
yt_status yti_gradient_log_create(yti_problem_sink alarm, void *alarm_context, yti_train_observer *out, yt_err *err);
void yti_gradient_log_destroy(yti_train_observer *observer);

#endif
