/* step.c: one training step, in the order of the design: forward, loss, backward, observers, optimiser,
 * average.
 *
 * Gradients are summed, not averaged, over the batches of one update (spec training 4.3): the loss is
 * multiplied by the number of images already.
 */
#include "train/training.h"
#include "yt/kernels.h"

#include <string.h>

static const char *const branch_names[2] = {"one-to-many", "one-to-one"};

/* ---- what went wrong, in words ---- */

/* The images of a batch, as many as fit. */
static void list_images(const yt_training *t, const yt_batch *batch, char *text, size_t room) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < batch->n; i++) {
        const char *path = t->train.samples[batch->samples[i]].image_path;
        size_t need = strlen(path) + 32;
        if (used + need > room) {
            snprintf(text + used, room - used, " and %d more", batch->n - i);
            return;
        }
        used += (size_t)snprintf(text + used, room - used, "%s%s", i ? ", " : "", path);
    }
}

static yt_status not_finite(const yt_training *t, const yt_batch *batch, const yt_train_batch *report,
                            const char *what, yt_err *err) {
    char images[512];
    list_images(t, batch, images, sizeof images);
    return yt_fail(err, YT_NON_FINITE,
                   "epoch %d, batch %d of %d: %s; no update was made and %s; a smaller --lr0 often helps. "
                   "Images of the batch: %s",
                   report->epoch + 1, report->batch + 1, report->batches, what,
                   t->progress.epochs_done ? "the checkpoint of the last epoch is kept"
                                           : "there is no checkpoint yet",
                   images);
}

static yt_status loss_not_finite(const yt_training *t, const yt_batch *batch, const yt_train_batch *report,
                                 const yti_step_loss *loss, yt_err *err) {
    char what[256] = "the loss is not finite";
    for (int b = 0; b < t->model->n_branches; b++) {
        for (int i = 0; i < YT_LOSS_TERMS; i++) {
            double value = loss->branch[b].terms[i];
            if (isfinite(value)) continue;
            snprintf(what, sizeof what, "%s%s%s%s is %g", t->info.loss_names[i],
                     t->model->n_branches > 1 ? " of the " : "",
                     t->model->n_branches > 1 ? branch_names[b] : "",
                     t->model->n_branches > 1 ? " branch" : "", value);
            return not_finite(t, batch, report, what, err);
        }
    }
    return not_finite(t, batch, report, what, err);
}

static yt_status gradient_not_finite(const yt_training *t, const yt_batch *batch,
                                     const yt_train_batch *report, yt_err *err) {
    char what[256] = "the norm of the gradient is not finite";
    for (int i = 0; i < t->model->n_params; i++) {
        const yt_param_info *info = &t->model->params[i];
        if (info->kind >= YT_PARAM_FROZEN) continue;
        const float *grads = t->model->state.grads + info->offset;
        if (isfinite(yt_kernels_get()->sum_squares(grads, info->count, 1))) continue;
        snprintf(what, sizeof what, "the gradient of %.128s is not finite", info->name);
        return not_finite(t, batch, report, what, err);
    }
    return not_finite(t, batch, report, what, err);
}

/* ---- the parts of a step ---- */

yt_loss_gains yti_loss_gains(const yt_train_config *config) {
    return (yt_loss_gains){(float)config->box, (float)config->cls, (float)config->dfl};
}

yt_status yti_compute_loss(yt_training *t, const yt_batch *batch, int epoch, yt_loss_gains gains,
                           yti_step_loss *out, yt_err *err) {
    double weight[2] = {1, 0};
    if (t->model->n_branches == 2) yt_loss_branch_weights(epoch, t->epochs, &weight[0], &weight[1]);
    out->total = 0;
    for (int b = 0; b < t->model->n_branches; b++) {
        yt_head head = yt_model_head(t->model, b);
        YT_TRY(yt_loss_branch(t->loss, &head, &batch->targets, gains, yt_assigner_of(b == 1), weight[b],
                              t->config.threads, &out->branch[b], err));
        out->total += weight[b] * out->branch[b].total;
    }
    return YT_OK;
}

/* Running mean of the reported terms: those of the branch that detects, unweighted (spec training 3.6). */
static void report_loss(const yt_training *t, const yti_step_loss *loss, yt_train_batch *report) {
    const double *terms = loss->branch[yt_model_eval_branch(t->model)].terms;
    for (int i = 0; i < YT_LOSS_TERMS; i++)
        report->loss[i] += (terms[i] - report->loss[i]) / (report->batch + 1);
}

static void average(float *to, const float *from, const yti_stretches *which, float decay, int threads) {
    for (size_t i = 0; i < which->count; i++) {
        const yti_stretch *s = &which->at[i];
        yt_kernels_get()->ema_step(to + s->offset, from + s->offset, s->count, decay, threads);
    }
}

static void update_weights(yt_training *t, const yt_schedule_step *schedule, double norm) {
    yt_state *live = &t->model->state;
    int threads = t->config.threads;
    yt_optimizer_step(t->optimizer, live->params, live->grads, yt_clip_scale(norm, t->config.clip),
                      schedule->lr, schedule->momentum);
    memset(live->grads, 0, t->model->param_count * sizeof *live->grads);

    float decay = yt_ema_decay(++t->progress.updates);
    average(t->average.params, live->params, &t->averaged_params, decay, threads);
    average(t->average.buffers, live->buffers, &t->averaged_buffers, decay, threads);
}

yt_status yti_train_step(yt_training *t, const yt_batch *batch, yt_train_batch *report, yt_watchers *watchers,
                         yt_err *err) {
    yt_model *model = t->model;
    yt_progress *progress = &t->progress;
    yt_schedule_step schedule = yt_schedule_at(&t->schedule, report->epoch, report->batch);

    report->step = progress->iterations;
    const unsigned wanted = yti_watch_begin(watchers, report);
    const yt_graph_observer maps = yti_watch_maps(watchers), *graph = wanted & YT_SEE_MAPS ? &maps : NULL;

    yt_model_set_input(model, batch->rgb);
    yt_model_forward(model, &model->state, graph);

    yti_step_loss loss = {0};
    YT_TRY(yti_compute_loss(t, batch, report->epoch, yti_loss_gains(&t->config), &loss, err));
    report_loss(t, &loss, report);
    if (!isfinite(loss.total)) return loss_not_finite(t, batch, report, &loss, err);

    yt_model_backward(model, &model->state, graph);

    report->updates = progress->iterations - progress->last_step >= schedule.accumulate;
    if (report->updates) {
        report->gradient_norm =
            sqrt(yt_kernels_get()->sum_squares(model->state.grads, model->param_count, t->config.threads));
        if (!isfinite(report->gradient_norm)) return gradient_not_finite(t, batch, report, err);
    }
    yti_watch_batch(watchers, report);
    if (wanted & YT_SEE_PARTS) YT_TRY(yti_show_parts(t, batch, report->epoch, watchers, err));

    if (report->updates) {
        YT_TRY(yti_finish_saving(t, err));
        update_weights(t, &schedule, report->gradient_norm);
        progress->last_step = progress->iterations;
        yti_watch_update(watchers, report);
    }
    progress->iterations++;
    for (int g = 0; g < YT_GROUP_COUNT; g++) progress->last.lr[g] = (double)schedule.lr[g];
    return YT_OK;
}
