/* progress.c: how far a run is, and what follows from it: whether it ends, whether gradients wait. */
#include "train/parts/progress.h"

#include <math.h>

static const double MAX_EPOCHS = 1e6; /* of any run: train_options.inc */

void yti_begin_progress(yti_progress *progress) {
    *progress = (yti_progress){.last_step = -1, .best_fitness = -1, .rate_factor = 1};
    for (int i = 0; i < YT_LOSS_TERMS; i++) progress->last.val_loss[i] = (double)NAN; /* not known */
}

bool yti_gradients_wait(const yti_progress *progress) {
    return progress->iterations > 0 && progress->last_step != progress->iterations - 1;
}

bool yti_gradients_may_wait(const yti_progress *progress, const yti_train_config *config, int batch) {
    return config->nbs > batch || yti_gradients_wait(progress);
}

bool yti_patience_is_over(const yti_progress *progress, const yti_train_config *config) {
    return config->val && config->patience > 0 && progress->epochs_done > 0 &&
           progress->epochs_done - progress->improved_epoch >= config->patience;
}

int yti_epochs_in_time(double hours, double seconds, int epochs_done) {
    double epochs = ceil(hours * YTI_SECONDS_PER_HOUR / seconds * epochs_done);
    if (!(epochs < MAX_EPOCHS)) epochs = MAX_EPOCHS; /* also where no time has passed */
    return epochs > epochs_done ? (int)epochs : epochs_done + 1;
}
