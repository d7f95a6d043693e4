/* observers.h: the observers that every run has. Internal to src/train; the trainer knows them as observers only. */
#ifndef YT_OBSERVERS_H
#define YT_OBSERVERS_H

#include "train/loop/train.h"

/* results.csv of spec training 6.3. */
yt_status yti_results_csv_create(yti_train_observer *out, yt_err *err);
void yti_results_csv_destroy(yti_train_observer *observer);

/* gradients.csv and its companions; see gradient_log.c. alarm receives what is not sound. */
yt_status yti_gradient_log_create(yti_problem_sink alarm, void *alarm_context, yti_train_observer *out, yt_err *err);
void yti_gradient_log_destroy(yti_train_observer *observer);

#endif
