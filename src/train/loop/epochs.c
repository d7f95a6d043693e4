/* epochs.c: the epochs of a run: train, validate, judge, show, save.
 *
 * Validation and best.safetensors use the moving average. An interrupted or failed epoch leaves no trace: the last
 * checkpoint is that of the last finished one. It is written while the next epoch is trained to its first update, and
 * the weights do not change before it is.
 */
#include "base/cpu.h"
#include "base/file.h"
#include "base/rng.h"
#include "train/loop/epochs.h"
#include "train/loop/train_step.h"
#include "train/loop/training.h"

#include <stdlib.h>
#include <string.h>

static bool wants_stop(const yti_stop *stop) {
    return stop && *stop;
}

static bool time_is_over(const yti_training *t) {
    return t->config.time > 0 && yti_seconds() - t->end.begin > t->config.time * YTI_SECONDS_PER_HOUR;
}

/* At the first of the last close_mosaic epochs, which in a shorter run is its first one; until 8.4.104 the reference
 * trainer closed none in a shorter run. What is closed stays closed, also when a time limit then leaves room for
 * more epochs. */
static bool mosaics_are_closed(yti_training *t) {
    const yti_train_config *c = &t->config;
    int epoch = t->progress.epochs_done;
    bool fitted = c->time > 0 && c->source[YT_TRAIN_KEY_close_mosaic] == YT_SOURCE_AUTO;
    int last = fitted ? yti_auto_close_mosaic(c, t->data.train.n_samples, t->end.epochs) : c->close_mosaic;
    bool closes = last > 0 && (last <= t->end.epochs || !yti_follows_old(c));
    if (t->progress.closed_epoch == 0 && closes && epoch >= t->end.epochs - last) t->progress.closed_epoch = epoch + 1;
    return t->progress.closed_epoch > 0 && epoch + 1 >= t->progress.closed_epoch;
}

static yti_augment augment_of(const yti_train_config *c, bool closed) {
    return (yti_augment){.mosaic = closed ? 0 : (float)c->mosaic,
                         .mixup = closed ? 0 : (float)c->mixup,
                         .cutmix = closed ? 0 : (float)c->cutmix,
                         .degrees = (float)c->degrees,
                         .translate = (float)c->translate,
                         .scale = (float)c->scale,
                         .shear = (float)c->shear,
                         .perspective = (float)c->perspective,
                         .hsv_h = (float)c->hsv_h,
                         .hsv_s = (float)c->hsv_s,
                         .hsv_v = (float)c->hsv_v,
                         .flipud = (float)c->flipud,
                         .fliplr = (float)c->fliplr,
                         .bgr = (float)c->bgr};
}

/* An input that is planned for. */
typedef struct planned_input {
    int n, h, w;
} planned_input;

static yt_status plan_for(yti_training *t, planned_input input, planned_input *planned, yt_err *err) {
    if (input.n == planned->n && input.h == planned->h && input.w == planned->w) return YT_OK;
    *planned = input;
    return yti_model_plan(t->parts.model, YT_MODE_TRAIN, input.n, input.h, input.w, t->config.threads, err);
}

/* The plan is validation's. The largest batch comes first, so that memory is taken once. */
static yt_status plan_epoch(yti_training *t, planned_input *planned, yt_err *err) {
    planned_input largest;
    yti_loader_max_shape(t->data.train_loader, &largest.n, &largest.h, &largest.w);
    *planned = (planned_input){0};
    return plan_for(t, largest, planned, err);
}

/* What became of an epoch. */
typedef enum epoch_result { EPOCH_DONE, EPOCH_ROLLS_BACK } epoch_result;

static yt_status train_epoch(yti_training *t, yti_watchers *watchers, const yti_stop *stop, yti_train_batch *report,
                             epoch_result *result, yt_err *err) {
    yti_loader *loader = t->data.train_loader;
    int epoch = t->progress.epochs_done, images = 0;
    planned_input planned;
    double begin = yti_seconds();
    yti_augment augment = augment_of(&t->config, mosaics_are_closed(t));
    YT_TRY(yti_loader_begin(loader, epoch, 0, &augment, err));
    YT_TRY(plan_epoch(t, &planned, err));
    *report = (yti_train_batch){.epoch = epoch, .batches = yti_loader_batches(loader)};
    for (;;) {
        const yti_batch *batch;
        yti_step_result step;
        YT_TRY(yti_loader_next(loader, &batch, err));
        if (!batch) return YT_OK;
        YT_TRY(plan_for(t, (planned_input){batch->n, batch->h, batch->w}, &planned, err));
        report->images = batch->n;
        report->data = batch;
        YT_TRY(yti_train_step(t, batch, report, watchers, &step, err));
        if (step == YTI_STEP_ROLLS_BACK) {
            *result = EPOCH_ROLLS_BACK;
            return YT_OK;
        }
        images += batch->n;
        report->images_per_second = images / fmax(yti_seconds() - begin, 1e-9);
        t->end.out_of_time = step == YTI_STEP_UPDATED && time_is_over(t);
        if (t->end.out_of_time) return YT_OK;
        if (wants_stop(stop)) return yt_fail(err, YT_ERR_STOPPED, "stopped in epoch %d", epoch + 1);
        report->batch++;
    }
}

/* Metrics and losses are kept with five decimals, so that ties are ties (spec training 5.7). */
static double five_decimals(double value) {
    return isfinite(value) ? rint(value * 1e5) / 1e5 : 0;
}

/* A loss that is not finite is none: 0 would be the best there is. */
static double loss_of(double value) {
    return isfinite(value) ? five_decimals(value) : (double)NAN;
}

/* Keeps the per-class table of the best epoch for the end of the run. */
static yt_status keep_best(yti_training *t, const yti_metrics_result *metrics, yt_err *err) {
    size_t bytes = (size_t)metrics->n_classes * sizeof *metrics->classes;
    yti_class_metrics *copy = realloc(t->best.classes, bytes + 1);
    if (!copy) return yti_no_memory(err, "the metrics of %d classes", metrics->n_classes);
    memcpy(copy, metrics->classes, bytes);
    t->best = (yti_run_best){.metrics = *metrics, .classes = copy};
    t->best.metrics.classes = copy;
    return YT_OK;
}

/* Whether the network computes anything at all: where its maps are not finite, no box is found and the mAP is a 0. */
static bool has_finite_losses(const yti_train_epoch *row) {
    for (int i = 0; i < YT_LOSS_TERMS; i++)
        if (!isfinite(row->val_loss[i])) return false;
    return true;
}

static double fitness_of(const yti_train_epoch *row, yti_fitness fitness) {
    const double sum = row->precision + row->recall;
    switch (fitness) {
    case YT_FITNESS_AP50:
        return row->ap50;
    case YT_FITNESS_F1:
        return sum > 0 ? 2 * row->precision * row->recall / sum : 0;
    case YT_FITNESS_PRECISION:
        return row->precision;
    case YT_FITNESS_RECALL:
        return row->recall;
    case YT_FITNESS_AP:
        break;
    }
    return row->ap;
}

/* Best: by --fitness, where a tie counts as the newer, of an epoch in which there was something to learn. Patience:
 * from the last real improvement. The reference trainer lets it begin only once there is one above 0 (spec
 * training 4.9), so that a run that finds nothing never ends early. */
static yt_status judge(yti_training *t, const yti_metrics_result *metrics, yti_train_epoch *row, yt_err *err) {
    yti_progress *progress = &t->progress;
    const double fitness = fitness_of(row, (yti_fitness)t->config.fitness);
    const bool waits = t->config.recipe == YT_RECIPE_FAMILY && progress->best_fitness <= 0;
    row->is_best = fitness >= progress->best_fitness && row->boxes.assigned > 0 && has_finite_losses(row);
    if (waits || (row->is_best && fitness > progress->best_fitness)) progress->improved_epoch = row->epoch;
    if (!row->is_best) return YT_OK;
    progress->best_fitness = fitness;
    progress->best_epoch = row->epoch;
    return keep_best(t, metrics, err);
}

static yt_status validate_epoch(yti_training *t, yti_watchers *watchers, yti_train_epoch *row, yt_err *err) {
    yti_validation result;
    YT_TRY(yti_validator_run(t->parts.validator, &t->parts.average.state, &result, err));
    for (int i = 0; i < YT_LOSS_TERMS; i++) row->val_loss[i] = loss_of(result.loss[i]);
    row->precision = five_decimals(result.metrics.precision);
    row->recall = five_decimals(result.metrics.recall);
    row->ap50 = five_decimals(result.metrics.ap50);
    row->ap = five_decimals(result.metrics.ap);
    if (result.has_other)
        row->other = (yti_train_other){five_decimals(result.other.precision), five_decimals(result.other.recall),
                                       five_decimals(result.other.ap50), five_decimals(result.other.ap)};
    row->validated = true;
    row->classes = result.metrics.classes;
    if (!has_finite_losses(row))
        yti_watch_alarm(watchers, "validation: the loss is not finite, so the moving average of the weights finds "
                                  "nothing; this epoch is not judged. A smaller --lr0 often helps");
    return judge(t, &result.metrics, row, err);
}

/* Without anything to measure on, the newest weights are the best that are known. */
static void take_as_best(yti_training *t, yti_train_epoch *row) {
    row->is_best = true;
    t->progress.best_epoch = row->epoch;
}

/* What a checkpoint of the run holds from now on is where a rollback leads. */
static yt_status save_epoch(yti_training *t, yt_err *err) {
    const yti_run_view run = yti_view(t);
    YT_TRY(yti_output_finish(&t->output, &t->progress, err)); /* of an epoch before that had no update */
    t->rollback = (yti_rollback){.checkpoint_updates = t->progress.updates};
    return yti_output_save(&t->output, &run, err);
}

/* The number of epochs that everything goes by which depends on it: rates, branch weights, mosaics. */
static void set_epochs(yti_training *t, int epochs) {
    t->end.epochs = t->info.epochs = t->parts.schedule.epochs = epochs;
}

/* Trains one, checks it, validates it, shows it and writes it down. */
static yt_status one_epoch(yti_training *t, yti_watchers *watchers, const yti_stop *stop, epoch_result *result,
                           yt_err *err) {
    yti_progress *progress = &t->progress;
    yti_train_batch trained;
    bool rolls_back = false;
    const double begin = yti_seconds();
    const yt_status finished = train_epoch(t, watchers, stop, &trained, result, err);
    t->train_seconds += yti_seconds() - begin;
    if (finished != YT_OK || *result == EPOCH_ROLLS_BACK) return finished;
    YT_TRY(yti_check_state(t, watchers, &rolls_back, err));
    if (rolls_back) *result = EPOCH_ROLLS_BACK;
    if (rolls_back) return YT_OK;

    yti_train_epoch row = progress->last; /* metrics of an epoch without validation are the former ones */
    row.epoch = progress->epochs_done + 1;
    if (t->end.out_of_time) set_epochs(t, row.epoch);
    row.validated = row.is_best = false;
    row.images_per_second = trained.images_per_second;
    row.skips = trained.skips;
    row.boxes = trained.boxes;
    row.weights_hash = yti_hash64_floats(t->parts.model->state.params, t->parts.model->param_count);
    for (int i = 0; i < YT_LOSS_TERMS; i++) row.train_loss[i] = loss_of(trained.loss[i]);
    YT_TRY(yti_report_boxes(&t->boxes, &row, watchers, err));
    if (!yti_can_validate(&t->data))
        take_as_best(t, &row);
    else if (t->config.val || row.epoch == t->end.epochs)
        YT_TRY(validate_epoch(t, watchers, &row, err));

    row.seconds = yti_seconds() - t->end.begin;
    progress->last = row;
    const yt_status watched = yti_watch_epoch(watchers, &progress->last, err);
    progress->last.classes = NULL; /* was lent */
    YT_TRY(watched);
    progress->epochs_done = row.epoch;
    yt_status status = save_epoch(t, err);
    if (status != YT_OK) progress->epochs_done--; /* it is not saved */
    if (t->config.time > 0 && !t->end.out_of_time)
        set_epochs(t, yti_epochs_in_time(t->config.time, row.seconds, row.epoch));
    return status;
}

/* Whether the validator still holds what it found with the best weights. */
static bool best_is_last(const yti_training *t) {
    return t->best.classes && t->progress.last.is_best;
}

/* Else they are measured once more, for the files that show their work, and because a resumed run that found nothing
 * better has no table of classes. */
static yt_status measure_best(yti_training *t, yt_err *err) {
    if (t->progress.best_epoch == 0 || !yti_can_validate(&t->data)) return YT_OK;
    if (!best_is_last(t)) {
        if (!yti_path_exists(t->output.best_path)) return YT_OK; /* it was removed: the program says so */
        yti_st_file file;
        YT_TRY(yti_st_load(t->output.best_path, &file, err));
        yt_status status = yti_weights_read(&file, "", t->parts.model, &t->parts.average.state, err);
        yti_st_free(&file);
        yti_validation result;
        if (status == YT_OK) status = yti_validator_run(t->parts.validator, &t->parts.average.state, &result, err);
        if (status == YT_OK) status = keep_best(t, &result.metrics, err);
        if (status != YT_OK) return status;
    }
    return yti_validator_save(t->parts.validator, (const char *const *)t->data.names.names, t->output.folder, err);
}

/* An update takes more batches than there are after the first ones, whose rate is 0. */
static void warn_of_no_move(const yti_training *t, yti_watchers *watchers) {
    if (t->progress.iterations > 0 || t->config.time > 0 || yti_schedule_first_move(&t->parts.schedule) >= 0) return;
    char text[256];
    snprintf(text, sizeof text,
             "nothing will be learned: no update of the %lld batches of this run has a learning rate above 0; %s",
             (long long)t->parts.schedule.epochs * t->parts.schedule.batches_per_epoch,
             t->config.lr0 > 0 ? "more --epochs, a smaller --nbs or a shorter --warmup-epochs would help"
                               : "--lr0 is 0");
    yti_watch_alarm(watchers, text);
}

yt_status yti_train_epochs(yti_training *t, yti_watchers *watchers, const yti_stop *stop, yti_train_summary *summary,
                           yt_err *err) {
    t->end.begin = yti_seconds() - t->progress.last.seconds;
    warn_of_no_move(t, watchers);
    if (t->parts.validator) yti_validator_watch(t->parts.validator, yti_watch_validated, watchers);
    yt_status status = YT_OK;
    bool early = false;
    while (status == YT_OK && t->progress.epochs_done < t->end.epochs && !early) {
        epoch_result result = EPOCH_DONE;
        status = one_epoch(t, watchers, stop, &result, err);
        if (status == YT_OK && result == EPOCH_ROLLS_BACK) status = yti_roll_back(t, watchers, err);
        early = status == YT_OK && yti_patience_is_over(&t->progress, &t->config) &&
                t->progress.epochs_done < t->end.epochs;
    }
    yt_err late; /* a checkpoint that could not be written matters more than that somebody stopped the run */
    yt_status saved = yti_output_finish(&t->output, &t->progress, &late);
    if (saved != YT_OK && (status == YT_OK || status == YT_ERR_STOPPED)) {
        status = saved;
        if (err) *err = late;
    }
    if (status == YT_OK) status = measure_best(t, err);
    *summary = (yti_train_summary){.status = status,
                                   .epochs = t->progress.epochs_done,
                                   .stopped_early = early,
                                   .out_of_time = t->end.out_of_time,
                                   .best_epoch = t->progress.best_epoch,
                                   .best_fitness = t->progress.best_fitness,
                                   .seconds = yti_seconds() - t->end.begin,
                                   .weights_hash = t->progress.last.weights_hash,
                                   .skips = t->progress.skips,
                                   .rollbacks = t->progress.rollbacks,
                                   .rate_factor = t->progress.rate_factor,
                                   .train_seconds = t->train_seconds,
                                   .watch_seconds = watchers->seconds,
                                   .classes = t->best.classes,
                                   .best = t->best.metrics};
    return status;
}
