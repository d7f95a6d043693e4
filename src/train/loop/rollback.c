/* rollback.c: back to the last checkpoint with half the learning rates, and what keeps checkpoints worth going back to.
 *
 * A run is a function of its checkpoint, so going back is what --resume does, in the same process. The factor of the
 * rates is part of the progress: checkpoints hold it, and a run that is resumed meets the same failure in the same
 * batch and goes back as the first one did.
 */
#include "train/loop/rollback.h"
#include "base/finite.h"
#include "train/loop/training.h"
#include "train/parts/build_model.h"
#include "train/parts/run_schedule.h"

#include <stdlib.h>
#include <string.h>

/* ---- what a checkpoint would hold ---- */

/* The first tensor of a block laid out like the parameters, or like the buffers, that is not finite; NULL: none. */
static const yti_param_info *first_bad(const yti_model *model, const float *block, bool buffers) {
    const size_t count = buffers ? model->buffer_count : model->param_count;
    if (yti_all_finite(block, count)) return NULL;
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (yti_param_is_trainable(info) != buffers && !yti_all_finite(block + info->offset, info->count)) return info;
    }
    return NULL;
}

/* What it is of, and which tensor; NULL: all is finite. */
static const yti_param_info *find_bad(const yti_run_parts *parts, char *what, size_t room) {
    const yti_model *model = parts->model;
    const yti_state *live = &model->state, *average = &parts->average.state;
    const yti_param_info *bad = first_bad(model, live->params, false);
    if (!bad) bad = first_bad(model, live->buffers, true);
    snprintf(what, room, "%s", bad ? "" : "the average of ");
    if (!bad) bad = first_bad(model, average->params, false);
    if (!bad) bad = first_bad(model, average->buffers, true);
    const char *name;
    float *array;
    for (int i = 0; !bad && yti_optimizer_state(parts->optimizer, i, &name, &array); i++) {
        snprintf(what, room, "the optimizer's %s of ", name);
        bad = first_bad(model, array, false);
    }
    return bad;
}

static void notify(yti_training *t, const yti_param_info *bad, yti_on_nan action, const char *text,
                   const yti_watchers *watchers) {
    char report[sizeof((yt_err *)0)->text + 1];
    yti_finding finding = {.tensor = {.values = bad->count}, .row = bad->row};
    finding.tensor.kind = yti_param_is_trainable(bad) ? YT_FINDING_WEIGHT : YT_FINDING_STATISTIC;
    snprintf(finding.tensor.name, sizeof finding.tensor.name, "%.*s", YT_FINDING_NAME - 1, bad->name);
    snprintf(report, sizeof report, "%s\n", text);
    const yti_non_finite event = {.epoch = t->progress.epochs_done,
                                  .batch = t->info.batches - 1,
                                  .action = action,
                                  .to_initial = yti_rolls_back_to_initial(t),
                                  .finding = &finding,
                                  .report = report};
    yti_watch_non_finite(watchers, &event);
}

yt_status yti_check_state(yti_training *t, const yti_watchers *watchers, bool *rolls_back, yt_err *err) {
    char what[64];
    const yti_param_info *bad = find_bad(&t->parts, what, sizeof what);
    *rolls_back = bad && t->config.on_nan == YT_ON_NAN_ROLLBACK && t->rollback.in_row < YT_MAX_ROLLBACKS;
    if (!bad) return YT_OK;
    yt_err reason;
    yt_fail(&reason, YT_ERR_NON_FINITE,
            "epoch %d: %s%.128s is not finite after its last update; no checkpoint was written and %s; a "
            "smaller --lr0 or --clip often helps",
            t->progress.epochs_done + 1, what, bad->name,
            t->progress.epochs_done ? "that of the epoch before is kept" : "there is none yet");
    notify(t, bad, *rolls_back ? YT_ON_NAN_ROLLBACK : YT_ON_NAN_STOP, reason.text, watchers);
    return *rolls_back ? YT_OK : yt_fail(err, YT_ERR_NON_FINITE, "%s", reason.text);
}

/* ---- going back ---- */

bool yti_rolls_back_to_initial(const yti_training *t) {
    return !t->output.has_checkpoint && !t->config.resume[0];
}

static yt_status to_checkpoint(yti_training *t, const char *path, yt_err *err) {
    yti_st_file file;
    YT_TRY(yti_st_load(path, &file, err));
    yt_status status = yti_checkpoint_progress(&file, path, &t->progress, err);
    if (status == YT_OK) status = yti_checkpoint_arrays(&file, path, &t->parts, &t->progress, err);
    yti_st_free(&file);
    return status;
}

static yt_status to_beginning(yti_training *t, yt_err *err) {
    yti_run_parts *parts = &t->parts;
    const char *name;
    float *array;
    YT_TRY(yti_initial_weights(&t->config, &t->data.names, parts->model, &t->info.transfer, err));
    YT_TRY(yti_settle_statistics(t, err));
    yti_average_begin(&parts->average, parts->model);
    for (int i = 0; yti_optimizer_state(parts->optimizer, i, &name, &array); i++)
        memset(array, 0, parts->model->param_count * sizeof *array);
    yti_optimizer_set_steps(parts->optimizer, 0);
    yti_begin_progress(&t->progress);
    return YT_OK;
}

yt_status yti_roll_back(yti_training *t, const yti_watchers *watchers, yt_err *err) {
    yti_model *model = t->parts.model;
    const double factor = t->progress.rate_factor / 2;
    const int rollbacks = t->progress.rollbacks + 1;
    YT_TRY(yti_output_finish(&t->output, &t->progress, err));
    memset(model->state.grads, 0, model->param_count * sizeof *model->state.grads);
    if (yti_rolls_back_to_initial(t))
        YT_TRY(to_beginning(t, err));
    else
        YT_TRY(to_checkpoint(t, t->output.has_checkpoint ? t->output.last_path : t->config.resume, err));
    t->rollback.in_row++;
    t->progress.rollbacks = rollbacks;
    t->progress.rate_factor = factor;
    yti_apply_rate_factor(&t->parts.schedule, &t->config, factor);
    yti_watch_rolled_back(watchers, t->progress.iterations);
    return YT_OK;
}
