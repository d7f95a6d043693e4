/* train_step.c: one training step, in the order of the design: forward, loss, backward, observers, optimiser, average.
 *
 * Gradients are summed, not averaged, over the batches of one update (spec training 4.3): the loss is multiplied by the
 * number of images already.
 */
#include "base/finite.h"
#include "kernels/kernels.h"
#include "train/diagnose/finding.h"
#include "train/gradient_log/loss_parts.h"
#include "train/loop/training.h"

#include <string.h>

/* ---- what is not finite, in words ---- */

static void name_loss(const yti_training *t, const yti_step_loss *loss, char *text, size_t room) {
    snprintf(text, room, "the loss is not finite");
    for (int b = t->model->n_branches - 1; b >= 0; b--)
        for (int i = YT_LOSS_TERMS - 1; i >= 0; i--) {
            double value = loss->branch[b].terms[i];
            if (!isfinite(value))
                snprintf(text, room, "%s%s is %s", yti_loss_name(t->model, i), yti_branch_text(t->model, b),
                         yti_value_text(value));
        }
}

static void name_gradient(const yti_training *t, char *text, size_t room) {
    snprintf(text, room, "the norm of the gradient is not finite");
    for (int i = t->model->n_params - 1; i >= 0; i--) {
        const yti_param_info *info = &t->model->params[i];
        if (yti_param_is_trainable(info) && !yti_all_finite(t->model->state.grads + info->offset, info->count))
            snprintf(text, room, "the gradient of %.128s is not finite", info->name);
    }
}

/* ---- the parts of a step ---- */

/* grads_before: filled by run_step. */
static yti_step describe_step(yti_training *t, const yti_batch *batch, int epoch) {
    yti_step step = {.model = t->model,
                     .loss = t->loss,
                     .batch = batch,
                     .waiting = yti_gradients_wait(&t->progress) ? t->grads_before : NULL,
                     .threads = t->config.threads};
    yti_shape_loss(&step, &t->config, epoch, t->epochs);
    return step;
}

/* The kernel squares in float; gradients from 1e19 on overflow there and not in a double. */
static double gradient_norm(const yti_training *t) {
    const float *grads = t->model->state.grads;
    const size_t count = t->model->param_count;
    double sum = yti_kernels_get()->sum_squares(grads, count, t->config.threads);
    if (isfinite(sum) || !yti_all_finite(grads, count)) return sqrt(sum);
    sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)grads[i] * (double)grads[i];
    return sqrt(sum);
}

/* The reported terms and their running mean: those of the branch that detects, unweighted (spec training 3.6). */
static void report_loss(const yti_training *t, const yti_step_loss *loss, yti_train_batch *report) {
    const double *terms = loss->branch[yti_model_eval_branch(t->model)].terms;
    for (int i = 0; i < YT_LOSS_TERMS; i++) {
        report->own_loss[i] = terms[i];
        report->loss[i] += (terms[i] - report->loss[i]) / (report->batch + 1 - report->skips);
    }
}

static void count_boxes(const yti_training *t, const yti_batch *batch, const yti_step_loss *loss,
                        yti_train_boxes *boxes) {
    for (int fate = 0; fate < YT_BOX_FATES; fate++) boxes->fates[fate] += batch->fates[fate];
    for (int b = 0; b < t->model->n_branches; b++) boxes->assigned += loss->branch[b].foreground;
}

static void average(float *to, const float *from, const yti_stretches *which, float decay, int threads) {
    for (size_t i = 0; i < which->count; i++) {
        const yti_stretch *s = &which->at[i];
        yti_kernels_get()->ema_step(to + s->offset, from + s->offset, s->count, decay, threads);
    }
}

static void update_weights(yti_training *t, const yti_schedule_step *schedule, double norm) {
    yti_state *live = &t->model->state;
    int threads = t->config.threads;
    yti_optimizer_step(t->optimizer, live->params, live->grads, yti_clip_scale(norm, t->config.clip), schedule->lr,
                       schedule->momentum);
    memset(live->grads, 0, t->model->param_count * sizeof *live->grads);

    float decay = yti_ema_decay(++t->progress.updates);
    average(t->average.params, live->params, &t->averaged_params, decay, threads);
    average(t->average.buffers, live->buffers, &t->averaged_buffers, decay, threads);
}

/* Forwards and backwards. *what stays empty where all is finite, loss and gradient norm then mean something. maps:
 * NULL: nobody watches them. */
static yt_status run_step(yti_training *t, const yti_step *step, const yti_graph_observer *maps, yti_step_loss *loss,
                          double *norm, char *what, size_t room, yt_err *err) {
    yti_model *model = t->model;
    what[0] = '\0';
    memcpy(t->buffers_before, model->state.buffers, model->buffer_count * sizeof(float));
    if (step->waiting) memcpy(t->grads_before, model->state.grads, model->param_count * sizeof(float));
    yti_model_set_input(model, step->batch->rgb);
    yti_model_forward(model, &model->state, maps);
    YT_TRY(yti_step_loss_of(step, loss, err));
    if (!isfinite(loss->total)) {
        name_loss(t, loss, what, room);
        return YT_OK;
    }
    if (!yti_all_finite(model->state.buffers, model->buffer_count)) {
        snprintf(what, room, "a running statistic is not finite");
        return YT_OK;
    }
    yti_model_backward(model, &model->state, maps);
    *norm = gradient_norm(t);
    if (!isfinite(*norm)) name_gradient(t, what, room);
    return YT_OK;
}

/* Gradients that waited are gone with those of the batch, so the next update begins behind it. */
static void leave_out(yti_training *t, yti_train_batch *report, yti_watchers *watchers) {
    report->skips++;
    report->updates = false;
    yti_watch_batch(watchers, report);
    t->progress.last_step = t->progress.iterations;
}

static yt_status use_gradients(yti_training *t, const yti_schedule_step *schedule, yti_train_batch *report,
                               yti_watchers *watchers, yt_err *err) {
    yti_progress *progress = &t->progress;
    progress->skips_in_row = 0;
    if (!report->updates) return YT_OK;
    YT_TRY(yti_finish_saving(t, err));
    update_weights(t, schedule, report->gradient_norm);
    progress->last_step = progress->iterations;
    yti_watch_update(watchers, report);
    return YT_OK;
}

yt_status yti_train_step(yti_training *t, const yti_batch *batch, yti_train_batch *report, yti_watchers *watchers,
                         yt_err *err) {
    const yti_schedule_step schedule = yti_schedule_at(&t->schedule, report->epoch, report->batch);
    const yti_step step = describe_step(t, batch, report->epoch);
    yti_step_loss loss = {0};
    char what[256];
    report->step = t->progress.iterations;
    report->warms_up = schedule.warms_up;
    const unsigned wanted = yti_watch_begin(watchers, report);
    const yti_graph_observer maps = yti_watch_maps(watchers);
    YT_TRY(run_step(t, &step, wanted & YT_WATCH_MAPS ? &maps : NULL, &loss, &report->gradient_norm, what, sizeof what,
                    err));
    report->skipped = what[0] != '\0';
    if (report->skipped) {
        YT_TRY(yti_meet_non_finite(t, &step, report, what, watchers, err));
        leave_out(t, report, watchers);
    } else {
        report_loss(t, &loss, report);
        count_boxes(t, batch, &loss, &report->boxes);
        yti_remember_step(t, &loss, report->gradient_norm);
        report->updates = t->progress.iterations - t->progress.last_step >= schedule.accumulate;
        yti_watch_batch(watchers, report);
        if (wanted & YT_WATCH_LOSS_PARTS) YT_TRY(yti_show_parts(&step, watchers, err));
        YT_TRY(use_gradients(t, &schedule, report, watchers, err));
    }
    t->progress.iterations++;
    for (int g = 0; g < YT_GROUP_COUNT; g++) t->progress.last.lr[g] = (double)schedule.lr[g];
    return YT_OK;
}
