/* on_nan.c: what a run does about a value that is not finite: find the first one, keep the step, show it, and stop,
 * leave the batch out, or go back (yt/non_finite.h says the rules).
 *
 * Nothing that is not finite gets into a checkpoint: a step is looked at before it moves anything, and what a
 * checkpoint would hold once more before it is written, for an update of finite values may overflow.
 */
#include "train/capsule.h"
#include "train/training.h"
#include "yt/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the steps before ---- */

void yti_remember_step(yt_training *t, const yti_step_loss *loss, double gradient_norm) {
    yti_past_step *past = &t->past[t->n_past++ % YTI_PAST_STEPS];
    const double *terms = loss->branch[yt_model_eval_branch(t->model)].terms;
    *past = (yti_past_step){.step = t->progress.iterations, .gradient_norm = gradient_norm};
    memcpy(past->loss, terms, sizeof past->loss);
}

static void print_past(const yt_training *t, FILE *out) {
    int64_t first = t->n_past > YTI_PAST_STEPS ? t->n_past - YTI_PAST_STEPS : 0;
    double least = HUGE_VAL, most = 0;
    for (int64_t i = first; i < t->n_past; i++) {
        least = fmin(least, t->past[i % YTI_PAST_STEPS].gradient_norm);
        most = fmax(most, t->past[i % YTI_PAST_STEPS].gradient_norm);
    }
    if (t->n_past == 0) {
        fputs("  before    no step of this process\n", out);
        return;
    }
    fprintf(out, "  before    gradient norm %.4g to %.4g in the last %" PRId64 " steps\n", least, most,
            t->n_past - first);
    for (int64_t i = first; i < t->n_past; i++) {
        const yti_past_step *past = &t->past[i % YTI_PAST_STEPS];
        fprintf(out, "            step %" PRId64 ":", past->step);
        for (int k = 0; k < YT_LOSS_TERMS; k++)
            fprintf(out, " %s %.4g,", yti_loss_name(t->model, k), past->loss[k]);
        fprintf(out, " gradient norm %.4g\n", past->gradient_norm);
    }
}

static char *past_text(const yt_training *t) {
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out) return NULL;
    print_past(t, out);
    bool good = !ferror(out);
    if (fclose(out) == 0 && good) return text;
    free(text);
    return NULL;
}

/* ---- one event ---- */

typedef struct event {
    yt_training *t;
    const yt_batch *batch;
    const yt_train_batch *report;
    const char *what; /* by which it was noticed */
    yti_step step;
    yti_step_place at;
    yt_finding finding;
    const char **images; /* [batch->n] */
    char *history, *report_text, *capsule_path;
    bool capsule_written;
    yt_err capsule_err;
} event;

static void free_event(event *e) {
    free(e->images);
    free(e->history);
    free(e->report_text);
    free(e->capsule_path);
}

static void restore(const yt_training *t) {
    memcpy(t->model->state.buffers, t->buffers_before, t->model->buffer_count * sizeof(float));
}

/* Leaves statistics as before the step and no gradients. */
static yt_status find(event *e, yt_err *err) {
    yt_training *t = e->t;
    restore(t);
    yt_status status = yti_find_non_finite(&e->step, &e->finding, err);
    restore(t);
    memset(t->model->state.grads, 0, t->model->param_count * sizeof(float));
    return status;
}

static yt_status write_report(event *e, yt_err *err) {
    const yt_training *t = e->t;
    e->images = calloc((size_t)e->batch->n + 1, sizeof *e->images);
    e->history = past_text(t);
    e->capsule_path = yt_path_join(t->folder, YTI_CAPSULE_NAME);
    for (int i = 0; e->images && i < e->batch->n; i++)
        e->images[i] = t->train.samples[e->batch->samples[i]].image_path;
    if (e->images && e->history)
        e->report_text = yti_report(&e->at, &e->finding, t->model, e->history, e->images, e->batch->n);
    if (e->report_text && e->capsule_path) return YT_OK;
    return yt_fail(err, YT_NO_MEMORY, "no memory for the report of a step");
}

/* The first one of a process: what comes later has it for a cause, or is alike. */
static void keep_step(event *e) {
    yt_training *t = e->t;
    if (t->has_capsule) return;
    const yti_capsule capsule = {.at = e->at,
                                 .config = &t->config,
                                 .names = &t->names,
                                 .step = &e->step,
                                 .buffers = t->buffers_before,
                                 .class_weights = t->class_weights,
                                 .finding = &e->finding,
                                 .history = e->history,
                                 .images = e->images};
    t->has_capsule = true;
    e->capsule_written = yti_capsule_save(e->capsule_path, &capsule, &e->capsule_err) == YT_OK;
}

/* How many batches in a row are left out: never all of an epoch. */
static int most_skips(const event *e) {
    return e->report->batches - 1 < YT_MAX_SKIPS ? e->report->batches - 1 : YT_MAX_SKIPS;
}

static bool is_first_step(const yt_training *t) {
    return t->progress.iterations == t->checkpoint_iterations;
}

static yt_on_nan choose_action(const event *e) {
    const yt_training *t = e->t;
    if (t->config.on_nan == YT_ON_NAN_SKIP && t->progress.skips_in_row < most_skips(e)) return YT_ON_NAN_SKIP;
    if (t->config.on_nan == YT_ON_NAN_ROLLBACK && t->rollbacks_in_row < YT_MAX_ROLLBACKS && !is_first_step(t))
        return YT_ON_NAN_ROLLBACK;
    return YT_ON_NAN_STOP;
}

/* Why a run stops that need not have. */
static void say_why(const event *e, char *text, size_t room) {
    const yt_training *t = e->t;
    text[0] = '\0';
    if (t->config.on_nan == YT_ON_NAN_SKIP)
        snprintf(text, room, "; skipped in a row before it: %d", t->progress.skips_in_row);
    if (t->config.on_nan == YT_ON_NAN_ROLLBACK && is_first_step(t))
        snprintf(text, room, "; it is the first step from there, which no learning rate changes");
    else if (t->config.on_nan == YT_ON_NAN_ROLLBACK)
        snprintf(text, room, "; the run went back there %d times", t->rollbacks_in_row);
}

static void show(const event *e, yt_on_nan action, const yt_watchers *watchers) {
    const yt_non_finite shown = {.epoch = e->report->epoch,
                                 .batch = e->report->batch,
                                 .action = action,
                                 .finding = &e->finding,
                                 .report = e->report_text,
                                 .capsule = e->capsule_written ? e->capsule_path : NULL};
    yti_watch_non_finite(watchers, &shown);
}

/* ---- in a sentence ---- */

/* The images of a batch, as many as fit. */
static void list_images(const event *e, char *text, size_t room) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < e->batch->n; i++) {
        const char *path = e->t->train.samples[e->batch->samples[i]].image_path;
        size_t need = strlen(path) + 32;
        if (used + need > room) {
            snprintf(text + used, room - used, " and %d more", e->batch->n - i);
            return;
        }
        used += (size_t)snprintf(text + used, room - used, "%s%s", i ? ", " : "", path);
    }
}

static yt_status fail(const event *e, const char *first, yt_err *err) {
    const yt_training *t = e->t;
    char images[256], why[128], kept[256] = "";
    list_images(e, images, sizeof images);
    say_why(e, why, sizeof why);
    if (e->capsule_written)
        snprintf(kept, sizeof kept, "; yolotrain --replay %.180s makes the step again", e->capsule_path);
    else if (e->capsule_err.code != YT_OK)
        snprintf(kept, sizeof kept, "; the step could not be kept: %.180s", e->capsule_err.text);
    return yt_fail(err, YT_NON_FINITE,
                   "epoch %d, batch %d of %d: %s; first %s; no update was made and %s%s; a smaller --lr0 or "
                   "--clip often "
                   "helps%s. Images of the batch: %s",
                   e->report->epoch + 1, e->report->batch + 1, e->report->batches, e->what, first,
                   t->progress.epochs_done ? "the checkpoint of the last epoch is kept"
                                           : "there is no checkpoint yet",
                   why, kept, images);
}

static yt_status meet(event *e, const yt_watchers *watchers, yt_err *err) {
    yt_training *t = e->t;
    char first[512];
    YT_TRY(find(e, err));
    YT_TRY(write_report(e, err));
    keep_step(e);
    const yt_on_nan action = choose_action(e);
    t->goes_back = action == YT_ON_NAN_ROLLBACK;
    show(e, action, watchers);
    if (action == YT_ON_NAN_SKIP) {
        t->progress.skips_in_row++;
        t->progress.skips++;
        return YT_OK;
    }
    if (e->finding.tensor.kind == YT_FINDING_NOTHING)
        snprintf(
            first, sizeof first,
            "values are finite in a second run of the batch alone: the sum of the gradients of an update "
            "overflowed, or the memory of this machine is faulty");
    else
        yti_finding_sentence(&e->finding, first, sizeof first);
    return fail(e, first, err);
}

yt_status yti_meet_non_finite(yt_training *t, const yti_step *step, const yt_train_batch *report,
                              const char *what, const yt_watchers *watchers, yt_err *err) {
    event e = {.t = t,
               .batch = step->batch,
               .report = report,
               .what = what,
               .step = *step,
               .at = {.epoch = report->epoch,
                      .epochs = t->epochs,
                      .batch = report->batch,
                      .batches = report->batches,
                      .step = t->progress.iterations}};
    yt_status status = meet(&e, watchers, err);
    free_event(&e);
    return status;
}
