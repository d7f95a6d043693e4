/* average.c: a[i] = d a[i] + (1 - d) x[i] over all that is trained, d growing with the updates (yti_ema_decay).
 *
 * Parameters of one kind lie together in memory, so that what is averaged are few long stretches.
 */
#include "train/parts/average.h"
#include "kernels/kernels.h"
#include "optim/optim.h"

#include <stdlib.h>
#include <string.h>

/* Appends a stretch, joined to the last one where it follows it. */
static void add_stretch(yti_stretches *list, size_t offset, size_t count) {
    yti_stretch *last = list->count ? &list->at[list->count - 1] : NULL;
    if (last && last->offset + last->count == offset)
        last->count += count;
    else
        list->at[list->count++] = (yti_stretch){offset, count};
}

static const char needed_for[] = "the moving average of the weights";

/* All parameters that are trained, or all statistics that move; params of one kind are in order of offset. */
static yt_status find_stretches(const yti_model *model, yti_param_kind first, yti_param_kind last, yti_stretches *out,
                                yt_err *err) {
    out->at = calloc((size_t)model->n_params + 1, sizeof *out->at);
    if (!out->at) return yti_no_memory(err, needed_for);
    for (int kind = (int)first; kind <= (int)last; kind++)
        for (int i = 0; i < model->n_params; i++) {
            const yti_param_info *info = &model->params[i];
            if ((int)info->kind == kind && !info->frozen) add_stretch(out, info->offset, info->count);
        }
    return YT_OK;
}

static float *floats(size_t count) {
    size_t bytes = ((count + YT_READ_SLACK) * sizeof(float) + 63) / 64 * 64;
    float *block = aligned_alloc(64, bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

yt_status yti_average_init(yti_average *average, const yti_model *model, yt_err *err) {
    average->state.params = floats(model->param_count);
    average->state.buffers = floats(model->buffer_count);
    if (!average->state.params || !average->state.buffers) return yti_no_memory(err, needed_for);
    yti_average_begin(average, model);
    YT_TRY(find_stretches(model, YT_PARAM_WEIGHT, YT_PARAM_BIAS, &average->params, err));
    return find_stretches(model, YT_PARAM_BUFFER, YT_PARAM_BUFFER, &average->buffers, err);
}

void yti_average_deinit(yti_average *average) {
    free(average->state.params);
    free(average->state.buffers);
    free(average->params.at);
    free(average->buffers.at);
    *average = (yti_average){0};
}

void yti_average_begin(yti_average *average, const yti_model *model) {
    memcpy(average->state.params, model->state.params, model->param_count * sizeof(float));
    memcpy(average->state.buffers, model->state.buffers, model->buffer_count * sizeof(float));
}

static void step(float *to, const float *from, const yti_stretches *which, float decay, int threads) {
    for (size_t i = 0; i < which->count; i++) {
        const yti_stretch *s = &which->at[i];
        yti_kernels_get()->ema_step(to + s->offset, from + s->offset, s->count, decay, threads);
    }
}

void yti_average_step(yti_average *average, const yti_model *model, int64_t update, int threads) {
    const float decay = yti_ema_decay(update);
    step(average->state.params, model->state.params, &average->params, decay, threads);
    step(average->state.buffers, model->state.buffers, &average->buffers, decay, threads);
}
