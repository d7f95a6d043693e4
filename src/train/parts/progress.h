/* progress.h: how far a run is. Internal to src/train. */
#ifndef YT_PROGRESS_H
#define YT_PROGRESS_H

#include "train/observe/observer.h"

/* Everything that changes from epoch to epoch besides the arrays; stored in a checkpoint. */
typedef struct yti_progress {
    int epochs_done;
    int64_t iterations;  /* batches so far */
    int64_t last_step;   /* iteration of the last optimizer step; -1: none yet */
    int64_t updates;     /* of the moving average */
    double best_fitness; /* -1: not validated yet */
    int best_epoch;      /* whose weights are in best.safetensors; from 1 */
    int improved_epoch;  /* from which patience counts */
    int closed_epoch;    /* trained without mosaics from this one on; from 1, 0: not yet */
    int64_t skips;       /* batches left out because something was not finite */
    int skips_in_row;    /* up to now */
    int rollbacks;
    double rate_factor; /* of the learning rates: halved by every rollback */
    yti_train_epoch last;
} yti_progress;

/* Nothing is done yet. */
void yti_begin_progress(yti_progress *progress);

/* Whether gradients of the last batches wait for an update, to which the next batch adds. */
bool yti_gradients_wait(const yti_progress *progress);

/* Whether gradients may wait for those of another batch, in batches of that many images. The checkpoint of a resumed
 * run may hold some that do. */
bool yti_gradients_may_wait(const yti_progress *progress, const yti_train_config *config, int batch);

/* Whether there were `patience` epochs without a better fitness; 0: never. It does not begin without validation. */
bool yti_patience_is_over(const yti_progress *progress, const yti_train_config *config);

/* How many epochs fit into the time limit if those to come take as long as those done (spec training 4.9). The last
 * one may be cut short, so it is always one more than are done. */
int yti_epochs_in_time(double hours, double seconds, int epochs_done);

enum { YTI_SECONDS_PER_HOUR = 3600 };

#endif
