/* guard.c: a step's way back, and the last steps in lines. */
#include "train/diagnose/guard.h"

#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

yt_status yti_guard_init(yti_guard *guard, const yti_model *model, bool may_wait, yt_err *err) {
    guard->buffers_before = calloc(model->buffer_count + YT_READ_SLACK, sizeof(float));
    if (!guard->buffers_before) return yti_no_memory(err, "the running statistics");
    if (!may_wait) return YT_OK;
    guard->grads_before = calloc(model->param_count + YT_READ_SLACK, sizeof(float));
    return guard->grads_before ? YT_OK : yti_no_memory(err, "the waiting gradients");
}

void yti_guard_deinit(yti_guard *guard) {
    free(guard->buffers_before);
    free(guard->grads_before);
    *guard = (yti_guard){0};
}

void yti_guard_before_step(yti_guard *guard, const yti_step *step) {
    const yti_model *model = step->model;
    memcpy(guard->buffers_before, model->state.buffers, model->buffer_count * sizeof(float));
    if (step->waiting) memcpy(guard->grads_before, model->state.grads, model->param_count * sizeof(float));
}

void yti_guard_restore_statistics(const yti_guard *guard, yti_model *model) {
    memcpy(model->state.buffers, guard->buffers_before, model->buffer_count * sizeof(float));
}

void yti_guard_remember(yti_guard *guard, int64_t step, const double loss[YT_LOSS_TERMS], double gradient_norm) {
    yti_past_step *past = &guard->past[guard->n_past++ % YTI_PAST_STEPS];
    *past = (yti_past_step){.step = step, .gradient_norm = gradient_norm};
    memcpy(past->loss, loss, sizeof past->loss);
}

static void print_past(const yti_guard *g, const yti_model *model, FILE *out) {
    int64_t first = g->n_past > YTI_PAST_STEPS ? g->n_past - YTI_PAST_STEPS : 0;
    double least = HUGE_VAL, most = 0;
    for (int64_t i = first; i < g->n_past; i++) {
        least = fmin(least, g->past[i % YTI_PAST_STEPS].gradient_norm);
        most = fmax(most, g->past[i % YTI_PAST_STEPS].gradient_norm);
    }
    if (g->n_past == 0) {
        fputs("  before    no step of this process\n", out);
        return;
    }
    fprintf(out, "  before    gradient norm %.4g to %.4g in the last %" PRId64 " steps\n", least, most,
            g->n_past - first);
    for (int64_t i = first; i < g->n_past; i++) {
        const yti_past_step *past = &g->past[i % YTI_PAST_STEPS];
        fprintf(out, "            step %" PRId64 ":", past->step);
        for (int k = 0; k < YT_LOSS_TERMS; k++) fprintf(out, " %s %.4g,", yti_loss_name(model, k), past->loss[k]);
        fprintf(out, " gradient norm %.4g\n", past->gradient_norm);
    }
}

char *yti_guard_history(const yti_guard *g, const yti_model *model) {
    yti_text_stream stream;
    if (!yti_text_open(&stream)) return NULL;
    FILE *out = stream.out;
    print_past(g, model, out);
    return yti_text_close(&stream);
}
