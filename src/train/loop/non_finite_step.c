/* non_finite_step.c: what a run does about a value that is not finite: find the first one, keep the step, show it, and
 * stop, leave the batch out, or go back (yti_on_nan says the rules).
 *
 * Nothing that is not finite gets into a checkpoint: a step is looked at before it moves anything, and what a
 * checkpoint would hold once more before it is written, for an update of finite values may overflow.
 */
#include "base/file.h"
#include "train/diagnose/search.h"
#include "train/diagnose/step_dump.h"
#include "train/loop/training.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the steps before ---- */

void yti_remember_step(yti_training *t, const yti_step_loss *loss, double gradient_norm) {
    yti_past_step *past = &t->past[t->n_past++ % YTI_PAST_STEPS];
    const double *terms = loss->branch[yti_model_eval_branch(t->model)].terms;
    *past = (yti_past_step){.step = t->progress.iterations, .gradient_norm = gradient_norm};
    memcpy(past->loss, terms, sizeof past->loss);
}

static void print_past(const yti_training *t, FILE *out) {
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
        for (int k = 0; k < YT_LOSS_TERMS; k++) fprintf(out, " %s %.4g,", yti_loss_name(t->model, k), past->loss[k]);
        fprintf(out, " gradient norm %.4g\n", past->gradient_norm);
    }
}

static char *past_text(const yti_training *t) {
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
    yti_training *t;
    const yti_train_batch *report;
    yti_step step;
    yti_step_story story;
    yti_finding finding;
    const char **images; /* of the story */
    char *history, *report_text, *dump_path;
    bool dump_written;
    yt_err dump_err;
} event;

static void free_event(event *e) {
    free(e->images);
    free(e->history);
    free(e->report_text);
    free(e->dump_path);
}

static void restore(const yti_training *t) {
    memcpy(t->model->state.buffers, t->buffers_before, t->model->buffer_count * sizeof(float));
}

/* Leaves statistics as before the step and no gradients. */
static yt_status find(event *e, yt_err *err) {
    yti_training *t = e->t;
    restore(t);
    yt_status status = yti_find_non_finite(&e->step, &e->finding, err);
    restore(t);
    memset(t->model->state.grads, 0, t->model->param_count * sizeof(float));
    return status;
}

/* Every picture of the batch once, with those of mosaics and mixes. */
static bool name_images(event *e) {
    const yti_split *split = &e->t->train;
    const yti_batch *batch = e->step.batch;
    bool *seen = calloc((size_t)split->n_samples + 1, sizeof *seen);
    e->images = calloc((size_t)batch->n_parts + 1, sizeof *e->images);
    for (int i = 0; seen && e->images && i < batch->n_parts; i++) {
        const int sample = batch->parts[i];
        if (!seen[sample]) e->images[e->story.n_images++] = split->samples[sample].image_path;
        seen[sample] = true;
    }
    const bool good = seen && e->images;
    free(seen);
    return good;
}

static yt_status write_report(event *e, yt_err *err) {
    const yti_training *t = e->t;
    e->history = past_text(t);
    e->dump_path = yti_path_join(t->folder, YTI_STEP_DUMP_NAME);
    if (name_images(e) && e->history) {
        e->story.history = e->history;
        e->story.images = e->images;
        e->report_text = yti_step_report(&e->story, &e->finding, t->model);
    }
    if (e->report_text && e->dump_path) return YT_OK;
    return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for the report of a step");
}

/* The first one of a process, which what comes later has for a cause or is like; and the one that ends the run. */
static void keep_step(event *e, yti_on_nan action) {
    yti_training *t = e->t;
    if (t->has_dump && action != YT_ON_NAN_STOP) return;
    const yti_step_dump dump = {.story = &e->story,
                                .config = &t->config,
                                .names = &t->names,
                                .step = &e->step,
                                .buffers = t->buffers_before,
                                .class_weights = t->class_weights,
                                .finding = &e->finding};
    t->has_dump = true;
    e->dump_written = yti_step_dump_save(e->dump_path, &dump, &e->dump_err) == YT_OK;
}

static bool leaves_out_epoch(const event *e) {
    return e->report->skips >= e->report->batches - 1;
}

static bool no_update_yet(const yti_training *t) {
    return t->progress.updates == t->checkpoint_updates;
}

static yti_on_nan choose_action(const event *e) {
    const yti_training *t = e->t;
    if (t->config.on_nan == YT_ON_NAN_SKIP && t->progress.skips_in_row < YT_MAX_SKIPS && !leaves_out_epoch(e))
        return YT_ON_NAN_SKIP;
    if (t->config.on_nan == YT_ON_NAN_ROLLBACK && t->rollbacks_in_row < YT_MAX_ROLLBACKS && !no_update_yet(t))
        return YT_ON_NAN_ROLLBACK;
    return YT_ON_NAN_STOP;
}

/* Why a run stops that need not have. */
static void say_why(const event *e, char *text, size_t room) {
    const yti_training *t = e->t;
    text[0] = '\0';
    if (t->config.on_nan == YT_ON_NAN_SKIP && leaves_out_epoch(e))
        snprintf(text, room, "; without it the epoch would have no batch");
    else if (t->config.on_nan == YT_ON_NAN_SKIP)
        snprintf(text, room, "; skipped in a row before it: %d", t->progress.skips_in_row);
    if (t->config.on_nan == YT_ON_NAN_ROLLBACK && no_update_yet(t))
        snprintf(text, room, "; it comes before the first update from there, which no learning rate changes");
    else if (t->config.on_nan == YT_ON_NAN_ROLLBACK)
        snprintf(text, room, "; the run went back there %d times", t->rollbacks_in_row);
}

static void show(const event *e, yti_on_nan action, const yti_watchers *watchers) {
    const yti_non_finite shown = {.epoch = e->report->epoch,
                                  .batch = e->report->batch,
                                  .action = action,
                                  .to_initial = yti_rolls_back_to_initial(e->t),
                                  .finding = &e->finding,
                                  .report = e->report_text,
                                  .dump = e->dump_written ? e->dump_path : NULL};
    yti_watch_non_finite(watchers, &shown);
}

/* ---- in a sentence ---- */

/* The images of a batch, as many as fit. */
static void list_images(const yti_step_story *story, char *text, size_t room) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < story->n_images; i++) {
        const char *path = story->images[i];
        if (used + strlen(path) + 32 > room) {
            snprintf(text + used, room - used, " and %d more", story->n_images - i);
            return;
        }
        used += (size_t)snprintf(text + used, room - used, "%s%s", i ? ", " : "", path);
    }
}

static yt_status fail(const event *e, const char *first, yt_err *err) {
    const yti_training *t = e->t;
    char images[256], why[128], kept[256] = "";
    list_images(&e->story, images, sizeof images);
    say_why(e, why, sizeof why);
    if (e->dump_written)
        snprintf(kept, sizeof kept, "; yolotrain --replay %.180s makes the step again", e->dump_path);
    else if (e->dump_err.code != YT_OK)
        snprintf(kept, sizeof kept, "; the step could not be kept: %.180s", e->dump_err.text);
    return yt_fail(err, YT_ERR_NON_FINITE,
                   "epoch %d, batch %d of %d: %s; first %s; no update was made and %s%s; a smaller --lr0 or "
                   "--clip often "
                   "helps%s. Images of the batch: %s",
                   e->report->epoch + 1, e->report->batch + 1, e->report->batches, e->story.noticed, first,
                   t->progress.epochs_done ? "the checkpoint of the last epoch is kept" : "there is no checkpoint yet",
                   why, kept, images);
}

static yt_status meet(event *e, const yti_watchers *watchers, yt_err *err) {
    yti_training *t = e->t;
    char first[512];
    YT_TRY(find(e, err));
    YT_TRY(write_report(e, err));
    const yti_on_nan action = choose_action(e);
    keep_step(e, action);
    t->goes_back = action == YT_ON_NAN_ROLLBACK;
    show(e, action, watchers);
    if (action == YT_ON_NAN_SKIP) {
        t->progress.skips_in_row++;
        t->progress.skips++;
        return YT_OK;
    }
    if (e->finding.tensor.kind == YT_FINDING_NOTHING)
        snprintf(first, sizeof first,
                 "values are finite when the step is made again: the memory of this machine may be faulty");
    else
        yti_finding_sentence(&e->finding, first, sizeof first);
    return fail(e, first, err);
}

yt_status yti_meet_non_finite(yti_training *t, const yti_step *step, const yti_train_batch *report, const char *what,
                              const yti_watchers *watchers, yt_err *err) {
    event e = {.t = t,
               .report = report,
               .step = *step,
               .story = {.at = {.epoch = report->epoch,
                                .epochs = t->epochs,
                                .batch = report->batch,
                                .batches = report->batches,
                                .step = t->progress.iterations},
                         .noticed = what}};
    yt_status status = meet(&e, watchers, err);
    free_event(&e);
    return status;
}
