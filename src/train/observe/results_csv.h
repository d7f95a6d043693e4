/* results_csv.h: the table of a run, one row per epoch, as an observer. Internal to src/train. */
#ifndef YT_RESULTS_CSV_H
#define YT_RESULTS_CSV_H

#include "train/observe/observer.h"

/* results.csv of spec training 6.3. */
yt_status yti_results_csv_create(yti_train_observer *out, yt_err *err);
void yti_results_csv_destroy(yti_train_observer *observer);

#endif
