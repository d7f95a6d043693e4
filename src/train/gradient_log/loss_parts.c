/* loss_parts.c: which part of the loss a gradient comes from.
 *
 * The gradient is linear in the loss, so dL/dx is the sum of the gradients of the terms (the other gains set to 0), and
 * the sum of those of the levels (the other levels' gradients at the head set to 0). Each needs a forward run of its
 * own too, because a backward run overwrites the maps. Gradients of parameters are not computed, and the running
 * statistics that a forward run moves are a copy: the run continues as if this had not happened.
 */
#include "train/gradient_log/loss_parts.h"
#include "base/cpu.h"
#include "kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

enum { EVERY_LEVEL = -1 };

typedef struct part {
    yti_flow_kind kind;
    yti_loss_gains gains;
    int level; /* or EVERY_LEVEL */
    yti_watchers *watchers;
} part;

/* A run of the batch whose statistics move here, not in the model. */
typedef struct side_run {
    const yti_step *step;
    float *buffers; /* [model->buffer_count] */
} side_run;

static void pass_part(void *context, yti_value value, yti_tensor gradient) {
    const part *p = context;
    yti_watch_part(p->watchers, p->kind, value, gradient);
}

static void mute_levels(const yti_step *step, int heard) {
    for (int b = 0; b < step->model->n_branches; b++) {
        const yti_head head = yti_model_head(step->model, b);
        for (int l = 0; l < head.n_levels; l++) {
            if (l == heard) continue;
            yti_kernels_get()->fill(&head.level[l].d_box, 0, step->threads);
            yti_kernels_get()->fill(&head.level[l].d_cls, 0, step->threads);
        }
    }
}

static yt_status show_part(const side_run *run, part *p, yt_err *err) {
    yti_model *model = run->step->model;
    const yti_state state = {.params = model->state.params, .buffers = run->buffers};
    const yti_graph_observer observer = {.backward = pass_part, .context = p};
    yti_step step = *run->step;
    yti_step_loss loss;
    step.gains = p->gains;
    memcpy(run->buffers, model->state.buffers, model->buffer_count * sizeof(float));
    yti_model_set_input(model, step.batch->rgb);
    yti_model_forward(model, &state, NULL);
    YT_TRY(yti_step_loss_of(&step, &loss, err));
    if (p->level != EVERY_LEVEL) mute_levels(&step, p->level);
    yti_model_backward(model, &state, &observer);
    return YT_OK;
}

static yt_status show_all(const side_run *run, yti_watchers *watchers, yt_err *err) {
    const yti_model *model = run->step->model;
    const yti_loss_gains gains = run->step->gains;
    part terms[YT_LOSS_TERMS] = {
        {YT_FLOW_BOX, {.box = gains.box}, EVERY_LEVEL, watchers},
        {YT_FLOW_CLS, {.cls = gains.cls}, EVERY_LEVEL, watchers},
        {model->reg_max > 1 ? YT_FLOW_DFL : YT_FLOW_L1, {.dfl = gains.dfl}, EVERY_LEVEL, watchers}};
    for (int i = 0; i < YT_LOSS_TERMS; i++) YT_TRY(show_part(run, &terms[i], err));
    for (int l = 0; l < model->n_levels; l++) {
        part level = {yti_flow_level_kind(model->strides[l]), gains, l, watchers};
        if (level.kind < YT_FLOW_KINDS) YT_TRY(show_part(run, &level, err));
    }
    return YT_OK;
}

yt_status yti_show_parts(const yti_step *step, yti_watchers *watchers, yt_err *err) {
    const double begin = yti_seconds();
    const side_run run = {.step = step, .buffers = calloc(step->model->buffer_count + YT_READ_SLACK, sizeof(float))};
    if (!run.buffers) return yti_no_memory(err, "a copy of the statistics");
    const yt_status status = show_all(&run, watchers, err);
    free(run.buffers);
    watchers->seconds += yti_seconds() - begin;
    return status;
}
