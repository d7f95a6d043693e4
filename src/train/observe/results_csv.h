/* results_csv.h: results.csv, the table of a run with one row per epoch: written by an observer, read back by a study.
 * Internal to the library.
 */
#ifndef YT_RESULTS_CSV_H
#define YT_RESULTS_CSV_H

#include "train/observe/observer.h"

yt_status yti_results_csv_create(yti_train_observer *out, yt_err *err);
void yti_results_csv_destroy(yti_train_observer *observer);

/* One epoch of a run. */
typedef struct yti_results_row {
    int epoch;                   /* from 1 */
    double train_loss, val_loss; /* sums of the terms; NAN: not finite */
    double ap50, ap;
} yti_results_row;

/* The rows in the order of the file, malloc'd; NULL where it has none. IO, NO_MEMORY, SYNTAX. */
yt_status yti_results_load(const char *path, yti_results_row **out, int *count, yt_err *err);

#endif
