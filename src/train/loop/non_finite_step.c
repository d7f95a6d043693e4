/* non_finite_step.c: what a run does about a step with a value that is not finite: find the first one, keep the step in
 * a file, show it, and stop, leave the batch out, or go back (yti_on_nan says the rules).
 *
 * Nothing that is not finite gets into a checkpoint: a step is looked at before it moves anything, and what a
 * checkpoint would hold once more before it is written (rollback.c), for an update of finite values may overflow.
 */
#include "train/loop/non_finite_step.h"
#include "base/file.h"
#include "train/diagnose/search.h"
#include "train/diagnose/step_dump.h"
#include "train/loop/training.h"

#include <stdlib.h>
#include <string.h>

/* What is known of the step. */
typedef struct incident {
    yti_training *t;
    const yti_train_batch *report;
    const yti_step *step;
    yti_step_story story;
    yti_finding finding;
    const char **images; /* of the story */
    char *history, *report_text, *dump_path;
    bool dump_written;
    yt_err dump_err;
} incident;

static void free_incident(incident *e) {
    free(e->images);
    free(e->history);
    free(e->report_text);
    free(e->dump_path);
}

/* ---- what it is ---- */

/* Leaves statistics as before the step and no gradients. */
static yt_status find_first(incident *e, yt_err *err) {
    yti_model *model = e->step->model;
    yti_guard_restore_statistics(&e->t->guard, model);
    yt_status status = yti_find_non_finite(e->step, &e->finding, err);
    yti_guard_restore_statistics(&e->t->guard, model);
    memset(model->state.grads, 0, model->param_count * sizeof(float));
    return status;
}

/* Every image of the batch once, with those of mosaics and mixes. */
static bool name_images(incident *e) {
    const yti_split *split = &e->t->data.train;
    const yti_batch *batch = e->step->batch;
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

static yt_status write_report(incident *e, yt_err *err) {
    const yti_training *t = e->t;
    e->history = yti_guard_history(&t->guard, t->parts.model);
    e->dump_path = yti_path_join(t->output.folder, YTI_STEP_DUMP_NAME);
    if (name_images(e) && e->history) {
        e->story.history = e->history;
        e->story.images = e->images;
        e->report_text = yti_step_report(&e->story, &e->finding, t->parts.model);
    }
    if (e->report_text && e->dump_path) return YT_OK;
    return yti_no_memory(err, "the report of a step");
}

/* ---- what follows ---- */

static bool leaves_out_epoch(const incident *e) {
    return e->report->skips >= e->report->batches - 1;
}

static bool no_update_yet(const yti_training *t) {
    return t->progress.updates == t->rollback.checkpoint_updates;
}

static yti_on_nan choose_action(const incident *e) {
    const yti_training *t = e->t;
    if (t->config.on_nan == YT_ON_NAN_SKIP && t->progress.skips_in_row < YT_MAX_SKIPS && !leaves_out_epoch(e))
        return YT_ON_NAN_SKIP;
    if (t->config.on_nan == YT_ON_NAN_ROLLBACK && t->rollback.in_row < YT_MAX_ROLLBACKS && !no_update_yet(t))
        return YT_ON_NAN_ROLLBACK;
    return YT_ON_NAN_STOP;
}

/* The first one of a process, which what comes later has for a cause or is like; and the one that ends the run. */
static void dump_step(incident *e, yti_on_nan action) {
    yti_training *t = e->t;
    if (t->guard.has_dump && action != YT_ON_NAN_STOP) return;
    const yti_step_dump dump = {.story = &e->story,
                                .config = &t->config,
                                .names = &t->data.names,
                                .step = e->step,
                                .buffers = t->guard.buffers_before,
                                .class_weights = t->parts.class_weights,
                                .finding = &e->finding};
    t->guard.has_dump = true;
    e->dump_written = yti_step_dump_save(e->dump_path, &dump, &e->dump_err) == YT_OK;
}

static void notify(const incident *e, yti_on_nan action, const yti_watchers *watchers) {
    const yti_non_finite shown = {.epoch = e->report->epoch,
                                  .batch = e->report->batch,
                                  .action = action,
                                  .to_initial = yti_rolls_back_to_initial(e->t),
                                  .finding = &e->finding,
                                  .report = e->report_text,
                                  .dump = e->dump_written ? e->dump_path : NULL};
    yti_watch_non_finite(watchers, &shown);
}

/* ---- why a run stops, in a sentence ---- */

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

static void name_first(const yti_finding *finding, char *text, size_t room) {
    if (finding->tensor.kind == YT_FINDING_NOTHING)
        snprintf(text, room, "values are finite when the step is made again: the memory of this machine may be faulty");
    else
        yti_finding_sentence(finding, text, room);
}

/* Why it stops although it need not have. */
static void say_why(const incident *e, char *text, size_t room) {
    const yti_training *t = e->t;
    text[0] = '\0';
    if (t->config.on_nan == YT_ON_NAN_SKIP && leaves_out_epoch(e))
        snprintf(text, room, "; without it the epoch would have no batch");
    else if (t->config.on_nan == YT_ON_NAN_SKIP)
        snprintf(text, room, "; skipped in a row before it: %d", t->progress.skips_in_row);
    if (t->config.on_nan == YT_ON_NAN_ROLLBACK && no_update_yet(t))
        snprintf(text, room, "; it comes before the first update from there, which no learning rate changes");
    else if (t->config.on_nan == YT_ON_NAN_ROLLBACK)
        snprintf(text, room, "; the run went back there %d times", t->rollback.in_row);
}

static yt_status stop(const incident *e, yt_err *err) {
    char first[512], images[256], why[128], kept[256] = "";
    name_first(&e->finding, first, sizeof first);
    list_images(&e->story, images, sizeof images);
    say_why(e, why, sizeof why);
    if (e->dump_written)
        snprintf(kept, sizeof kept, "; yolotrain --replay %.180s makes the step again", e->dump_path);
    else if (e->dump_err.code != YT_OK)
        snprintf(kept, sizeof kept, "; the step could not be kept: %.180s", e->dump_err.text);
    const bool has_checkpoint = e->t->progress.epochs_done > 0;
    return yt_fail(
        err, YT_ERR_NON_FINITE,
        "epoch %d, batch %d of %d: %s; first %s; no update was made and %s%s; a smaller --lr0 or --clip often "
        "helps%s. Images of the batch: %s",
        e->report->epoch + 1, e->report->batch + 1, e->report->batches, e->story.noticed, first,
        has_checkpoint ? "the checkpoint of the last epoch is kept" : "there is no checkpoint yet", why, kept, images);
}

static yt_status handle(incident *e, const yti_watchers *watchers, yti_on_nan *action, yt_err *err) {
    yti_progress *progress = &e->t->progress;
    YT_TRY(find_first(e, err));
    YT_TRY(write_report(e, err));
    *action = choose_action(e);
    dump_step(e, *action);
    notify(e, *action, watchers);
    switch (*action) {
    case YT_ON_NAN_SKIP:
        progress->skips_in_row++;
        progress->skips++;
        return YT_OK;
    case YT_ON_NAN_ROLLBACK:
        return YT_OK;
    case YT_ON_NAN_STOP:
        break;
    }
    return stop(e, err);
}

yt_status yti_handle_non_finite(yti_training *t, const yti_step *step, const yti_train_batch *report,
                                const char *noticed, const yti_watchers *watchers, yti_on_nan *action, yt_err *err) {
    incident e = {.t = t,
                  .report = report,
                  .step = step,
                  .story = {.at = {.epoch = report->epoch,
                                   .epochs = t->end.epochs,
                                   .batch = report->batch,
                                   .batches = report->batches,
                                   .step = t->progress.iterations},
                            .noticed = noticed}};
    yt_status status = handle(&e, watchers, action, err);
    free_incident(&e);
    return status;
}
