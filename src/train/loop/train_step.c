/* train_step.c: one training step: forward, loss, backward, observers, optimizer, average.
 *
 * Gradients are summed, not averaged, over the batches of one update (spec training 4.3): the loss is multiplied by the
 * number of images already.
 */
#include "train/loop/train_step.h"
#include "base/finite.h"
#include "kernels/kernels.h"
#include "train/gradient_log/loss_parts.h"
#include "train/loop/non_finite_step.h"
#include "train/loop/training.h"

#include <math.h>
#include <string.h>

/* Where the first value that is not finite was noticed; the search finds where it came from. */
typedef enum notice { ALL_FINITE, LOSS_IS_NOT_FINITE, STATISTIC_IS_NOT_FINITE, GRADIENT_IS_NOT_FINITE } notice;

/* What forward and backward have given; the norm only where the loss is finite. */
typedef struct outcome {
    yti_step_loss loss;
    double gradient_norm; /* of the gradients summed for the update so far */
} outcome;

static void name_loss(const yti_model *model, const yti_step_loss *loss, char *text, size_t room) {
    snprintf(text, room, "the loss is not finite");
    for (int b = model->n_branches - 1; b >= 0; b--)
        for (int i = YT_LOSS_TERMS - 1; i >= 0; i--) {
            double value = loss->branch[b].terms[i];
            if (!isfinite(value))
                snprintf(text, room, "%s%s is %s", yti_loss_name(model, i), yti_branch_text(model, b),
                         yti_value_text(value));
        }
}

static void name_gradient(const yti_model *model, char *text, size_t room) {
    snprintf(text, room, "the norm of the gradient is not finite");
    for (int i = model->n_params - 1; i >= 0; i--) {
        const yti_param_info *info = &model->params[i];
        if (yti_param_is_trainable(info) && !yti_all_finite(model->state.grads + info->offset, info->count))
            snprintf(text, room, "the gradient of %.128s is not finite", info->name);
    }
}

static void name_notice(notice seen, const yti_model *model, const yti_step_loss *loss, char *text, size_t room) {
    if (seen == LOSS_IS_NOT_FINITE)
        name_loss(model, loss, text, room);
    else if (seen == GRADIENT_IS_NOT_FINITE)
        name_gradient(model, text, room);
    else
        snprintf(text, room, "a running statistic is not finite");
}

/* The kernel squares in float; gradients from 1e19 on overflow there and not in a double. */
static double gradient_norm(const yti_model *model, int threads) {
    const float *grads = model->state.grads;
    const size_t count = model->param_count;
    double sum = yti_kernels_get()->sum_squares(grads, count, threads);
    if (isfinite(sum) || !yti_all_finite(grads, count)) return sqrt(sum);
    sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)grads[i] * (double)grads[i];
    return sqrt(sum);
}

/* maps: NULL: nobody watches them. The first thing that is not finite ends it. */
static yt_status forward_and_backward(const yti_step *step, const yti_graph_observer *maps, outcome *out, notice *seen,
                                      yt_err *err) {
    yti_model *model = step->model;
    yti_model_set_input(model, step->batch->rgb);
    yti_model_forward(model, &model->state, maps);
    YT_TRY(yti_step_loss_of(step, &out->loss, err));
    if (!isfinite(out->loss.total)) {
        *seen = LOSS_IS_NOT_FINITE;
        return YT_OK;
    }
    if (!yti_all_finite(model->state.buffers, model->buffer_count)) {
        *seen = STATISTIC_IS_NOT_FINITE;
        return YT_OK;
    }
    yti_model_backward(model, &model->state, maps);
    out->gradient_norm = gradient_norm(model, step->threads);
    *seen = isfinite(out->gradient_norm) ? ALL_FINITE : GRADIENT_IS_NOT_FINITE;
    return YT_OK;
}

/* guard.grads_before is filled before the step is made. */
static yti_step describe_step(const yti_training *t, const yti_batch *batch, int epoch) {
    yti_step step = {.model = t->parts.model,
                     .loss = t->parts.loss,
                     .batch = batch,
                     .waiting = yti_gradients_wait(&t->progress) ? t->guard.grads_before : NULL,
                     .threads = t->config.threads};
    yti_shape_loss(&step, &t->config, epoch, t->end.epochs);
    return step;
}

/* The loss as it is reported, alone and as a running mean: that of the branch that detects, unweighted (spec training
 * 3.6); and what there was to learn from. */
static void report_step(const yti_model *model, const yti_batch *batch, const outcome *out, yti_train_batch *report) {
    const double *terms = out->loss.branch[yti_model_eval_branch(model)].terms;
    for (int i = 0; i < YT_LOSS_TERMS; i++) {
        report->own_loss[i] = terms[i];
        report->loss[i] += (terms[i] - report->loss[i]) / (report->batch + 1 - report->skips);
    }
    for (int fate = 0; fate < YT_BOX_FATES; fate++) report->boxes.fates[fate] += batch->fates[fate];
    for (int b = 0; b < model->n_branches; b++) report->boxes.assigned += out->loss.branch[b].foreground;
}

static void update_weights(yti_training *t, const yti_schedule_step *schedule, double norm) {
    yti_run_parts *parts = &t->parts;
    yti_state *live = &parts->model->state;
    yti_optimizer_step(parts->optimizer, live->params, live->grads, yti_clip_scale(norm, t->config.clip), schedule->lr,
                       schedule->momentum);
    memset(live->grads, 0, parts->model->param_count * sizeof *live->grads);
    yti_average_step(&parts->average, parts->model, ++t->progress.updates, t->config.threads);
}

yt_status yti_train_step(yti_training *t, const yti_batch *batch, yti_train_batch *report, yti_watchers *watchers,
                         yti_step_result *result, yt_err *err) {
    yti_progress *progress = &t->progress;
    const yti_schedule_step schedule = yti_schedule_at(&t->parts.schedule, report->epoch, report->batch);
    const yti_step step = describe_step(t, batch, report->epoch);
    report->step = progress->iterations;
    report->warms_up = schedule.warms_up;
    const unsigned watched = yti_watch_begin(watchers, report);
    const yti_graph_observer maps = yti_watch_maps(watchers);

    yti_guard_before_step(&t->guard, &step);
    outcome out = {.gradient_norm = report->gradient_norm};
    notice seen = ALL_FINITE;
    YT_TRY(forward_and_backward(&step, watched & YT_WATCH_MAPS ? &maps : NULL, &out, &seen, err));
    report->gradient_norm = out.gradient_norm;
    report->skipped = seen != ALL_FINITE;

    if (report->skipped) {
        char noticed[256];
        yti_on_nan action;
        name_notice(seen, step.model, &out.loss, noticed, sizeof noticed);
        YT_TRY(yti_handle_non_finite(t, &step, report, noticed, watchers, &action, err));
        *result = action == YT_ON_NAN_ROLLBACK ? YTI_STEP_ROLLS_BACK : YTI_STEP_SKIPPED;
        if (*result == YTI_STEP_ROLLS_BACK) return YT_OK;
        report->skips++;
        report->updates = false;
        yti_watch_batch(watchers, report);
        progress->last_step = progress->iterations; /* gradients that waited are gone, too */
    } else {
        report_step(step.model, batch, &out, report);
        yti_guard_remember(&t->guard, progress->iterations, report->own_loss, out.gradient_norm);
        report->updates = progress->iterations - progress->last_step >= schedule.accumulate;
        *result = report->updates ? YTI_STEP_UPDATED : YTI_STEP_WAITING;
        progress->skips_in_row = 0;
        yti_watch_batch(watchers, report);
        if (watched & YT_WATCH_LOSS_PARTS) YT_TRY(yti_show_parts(&step, watchers, err));
        if (*result == YTI_STEP_UPDATED) {
            YT_TRY(yti_output_finish(&t->output, progress, err)); /* which reads the weights */
            update_weights(t, &schedule, out.gradient_norm);
            progress->last_step = progress->iterations;
            yti_watch_update(watchers, report);
        }
    }
    progress->iterations++;
    for (int g = 0; g < YT_GROUP_COUNT; g++) progress->last.lr[g] = (double)schedule.lr[g];
    return YT_OK;
}
