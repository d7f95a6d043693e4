/* op_norm_act.c: batch normalisation, activation and shortcut in one pass:  out = act(gamma * xhat + beta) +
 * shortcut.
 *
 * params: gamma, beta; buffers: running mean, running variance. In training the statistics come from the side of the
 * convolution before it (moments [2][c]: mean, biased variance) and the running ones move by `momentum`, the variance
 * with Bessel's correction (Ioffe & Szegedy 2015; spec architecture 3.1); where frozen it normalises by the running
 * ones, which stay. saved: [2][c] mean and 1/sqrt(var + eps), used again by the backward pass. The gradient replaces
 * d_dst in place; its last step is left to the convolution where nobody looks at it in between.
 */
#include "ops/norm_handover.h"
#include "ops/ops.h"
#include "ops/shortcut.h"

#include <math.h>

static yt_status norm_act_shape(const void *attr, yti_ports *io, yt_err *err) {
    const yti_norm_act_attr *a = attr;
    io->dst = io->src[0];
    YT_TRY(yti_check_shortcut(io, err));
    size_t pixels = (size_t)io->dst.n * (size_t)io->dst.h * (size_t)io->dst.w;
    if (io->mode == YT_MODE_TRAIN && a->normalise && pixels < 2)
        return yt_fail(err, YT_ERR_MISMATCH,
                       "batch statistics need more than one value per channel; use a larger batch or image");
    io->saved_bytes = a->normalise ? 2 * (size_t)io->dst.c * sizeof(float) : 0;
    io->scratch_bytes = yti_kernels_get()->norm_act_scratch(io->dst.c, pixels, io->threads);
    return YT_OK;
}

/* Fills saved with the statistics this run normalises by, and moves the running ones in training. */
static void choose_statistics(const yti_norm_act_attr *a, const yti_run *run) {
    const int c = run->dst.c;
    float *mean = run->saved, *inv_std = mean + c;
    float *running_mean = run->buffer[0], *running_var = run->buffer[1];
    if (run->mode == YT_MODE_EVAL || run->frozen) {
        for (int i = 0; i < c; i++) {
            mean[i] = running_mean[i];
            inv_std[i] = 1.0f / sqrtf(running_var[i] + a->eps);
        }
        return;
    }
    const float *moments = yti_norm_handover_in(run->src_side[0], c).moments;
    const double m = (double)yti_tensor_pixels(run->dst);
    const float unbias = (float)(m / (m - 1));
    for (int i = 0; i < c; i++) {
        mean[i] = moments[i];
        inv_std[i] = 1.0f / sqrtf(moments[c + i] + a->eps);
        running_mean[i] += a->momentum * (moments[i] - running_mean[i]);
        running_var[i] += a->momentum * (moments[c + i] * unbias - running_var[i]);
    }
}

static yti_norm norm_view(const yti_norm_act_attr *a, const yti_run *run) {
    const float *saved = run->saved;
    if (!a->normalise) return (yti_norm){0};
    return (yti_norm){.mean = saved,
                      .inv_std = saved + run->dst.c,
                      .gamma = run->param[0],
                      .beta = run->param[1],
                      .fixed_stats = run->frozen};
}

static void norm_act_forward(const void *attr, const yti_run *run) {
    const yti_norm_act_attr *a = attr;
    if (a->normalise) choose_statistics(a, run);
    yti_norm norm = norm_view(a, run);
    yti_tensor shortcut = run->n_src == 2 ? run->src[1] : (yti_tensor){0};
    yti_kernels_get()->norm_act_forward(a->act, &norm, &run->src[0], &shortcut, &run->dst, run->scratch.threads);
}

static void norm_act_backward(const void *attr, const yti_run *run) {
    const yti_norm_act_attr *a = attr;
    yti_norm norm = norm_view(a, run);
    yti_tensor d_shortcut = run->n_src == 2 ? run->d_src[1] : (yti_tensor){0};
    float *tail = NULL;
    if (run->src_side[0]) {
        yti_norm_handover side = yti_norm_handover_in(run->src_side[0], run->dst.c);
        if (a->normalise && !run->frozen && !run->observed) tail = side.tail;
        *side.tail_is_due = tail ? 1 : 0;
    }
    yti_kernels_get()->norm_act_backward(a->act, &norm, &run->src[0], &run->d_dst, &d_shortcut,
                                         run->n_src == 2 && run->accumulate[1], run->grad[0], run->grad[1], tail,
                                         &run->scratch);
}

static double norm_act_flops(const void *attr, const yti_ports *io) {
    const yti_norm_act_attr *a = attr;
    return a->normalise ? 8.0 * io->dst.h * io->dst.w * io->dst.c : 0; /* the convention: 2 x 4 per output */
}

const yti_op yti_op_norm_act = {.name = "norm_act",
                                .attr_size = sizeof(yti_norm_act_attr),
                                .needs_src = 1u << 0,
                                .in_place = true,
                                .shape = norm_act_shape,
                                .forward = norm_act_forward,
                                .backward = norm_act_backward,
                                .flops = norm_act_flops};
