/* observers.h: the observers that every run has. Internal to src/train; the trainer knows them as observers
 * only. */
#ifndef YT_OBSERVERS_H
#define YT_OBSERVERS_H

#include "train/loop/train.h"

/* results.csv of spec training 6.3. */
yt_status yt_results_csv_create(yt_train_observer *out, yt_err *err);
void yt_results_csv_destroy(yt_train_observer *observer);

/* gradients.csv and its companions; see gradient_log.c. alarm receives what is not sound. */
yt_status yt_gradient_log_create(yt_problem_sink alarm, void *alarm_context, yt_train_observer *out,
                                 yt_err *err);
void yt_gradient_log_destroy(yt_train_observer *observer);

#endif
