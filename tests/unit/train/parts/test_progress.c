/* Tests of src/train/parts/progress.c: when patience is over, whether gradients wait, how many epochs fit into a time.
 */
#include "train/parts/progress.h"

#include <criterion/criterion.h>
#include <math.h>

static yti_train_config config;

static void init(void) {
    yti_train_config_defaults(&config);
}
TestSuite(progress, .init = init);

Test(progress, a_run_that_begins_knows_nothing) {
    yti_progress progress;
    yti_begin_progress(&progress);
    cr_assert(progress.epochs_done == 0 && progress.last_step == -1 && progress.best_fitness == -1);
    cr_assert_eq(progress.rate_factor, 1);
    for (int i = 0; i < YT_LOSS_TERMS; i++) cr_assert(isnan(progress.last.val_loss[i]));
    cr_assert_not(yti_gradients_wait(&progress));
    cr_assert_not(yti_patience_is_over(&progress, &config));
}

Test(progress, patience_counts_from_the_last_improvement) {
    yti_progress progress = {.epochs_done = 7, .improved_epoch = 4};
    config.patience = 4;
    cr_assert_not(yti_patience_is_over(&progress, &config));
    config.patience = 3;
    cr_assert(yti_patience_is_over(&progress, &config));
    config.patience = 0;
    cr_assert_not(yti_patience_is_over(&progress, &config), "never");
    config.patience = 3;
    config.val = false;
    cr_assert_not(yti_patience_is_over(&progress, &config), "nothing is measured");
}

Test(progress, gradients_wait_after_a_batch_that_made_no_update) {
    yti_progress progress = {.iterations = 5, .last_step = 4};
    cr_assert_not(yti_gradients_wait(&progress));
    progress.last_step = 3;
    cr_assert(yti_gradients_wait(&progress));
    config.nbs = 4;
    cr_assert(yti_gradients_may_wait(&progress, &config, 4), "the checkpoint holds some");
    progress.last_step = 4;
    cr_assert_not(yti_gradients_may_wait(&progress, &config, 4));
    cr_assert(yti_gradients_may_wait(&progress, &config, 2), "two batches to an update");
}

Test(progress, epochs_are_fitted_to_the_time) {
    cr_assert_eq(yti_epochs_in_time(1, 360, 1), 10);
    cr_assert_eq(yti_epochs_in_time(1, 361, 1), 10, "the tenth will be cut short");
    cr_assert_eq(yti_epochs_in_time(0.5, 360, 4), 20);
    cr_assert_eq(yti_epochs_in_time(1, 3601, 3), 4, "there is always one more");
    cr_assert_eq(yti_epochs_in_time(1, 0, 3), 1000000);
}
