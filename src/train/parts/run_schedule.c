/* run_schedule.c: which settings the learning rates follow from, and by how much rollbacks have lowered them. */
#include "train/parts/run_schedule.h"

yti_schedule yti_run_schedule(const yti_train_config *c, int epochs, int batches_per_epoch) {
    return (yti_schedule){.lr0 = c->lr0,
                          .lrf = c->lrf,
                          .momentum = c->momentum,
                          .warmup_epochs = c->warmup_epochs,
                          .warmup_momentum = c->warmup_momentum,
                          .warmup_bias_lr = c->warmup_bias_lr,
                          .cosine = c->cos_lr,
                          .epochs = epochs,
                          .batches_per_epoch = batches_per_epoch,
                          .batch = c->batch,
                          .nominal_batch = c->nbs,
                          .old_warmup = yti_follows_old(c)};
}

void yti_apply_rate_factor(yti_schedule *schedule, const yti_train_config *config, double factor) {
    schedule->lr0 = config->lr0 * factor;
    schedule->warmup_bias_lr = config->warmup_bias_lr * factor;
}
