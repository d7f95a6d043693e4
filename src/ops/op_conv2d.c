/* op_conv2d.c: convolution, dense, grouped or depth-wise, with an optional bias; in a network fused for inference with
 * the activation and shortcut of the norm_act it has absorbed.
 *
 * params: weight [kh][kw][cin/groups][cout], bias [cout]. Side, in training when the attribute asks for it: moments of
 * the output for the normalisation after it (a frozen one does not read them), and in the backward run what that one
 * leaves to be done to its gradient (ops/norm_handover.h).
 */
#include "ops/norm_handover.h"
#include "ops/ops.h"
#include "ops/shortcut.h"

#include <assert.h>

static bool fused(const yti_conv_attr *a, int n_src) {
    return n_src == 2 || a->act.kind != YT_ACT_IDENTITY;
}

static yt_status conv2d_shape(const void *attr, yti_ports *io, yt_err *err) {
    const yti_conv_attr *a = attr;
    const yti_conv_geometry *conv = &a->conv;
    const yti_shape *src = &io->src[0];
    if (src->c != conv->cin)
        return yt_fail(err, YT_ERR_MISMATCH, "reads %d channels but is given %d", conv->cin, src->c);
    if (io->mode == YT_MODE_TRAIN && fused(a, io->n_src))
        return yt_fail(err, YT_ERR_MISMATCH, "is fused for inference and cannot be trained");
    io->dst = (yti_shape){.n = src->n,
                          .h = yti_conv_out(src->h, conv->kernel, conv->stride, conv->pad, conv->dilation),
                          .w = yti_conv_out(src->w, conv->kernel, conv->stride, conv->pad, conv->dilation),
                          .c = conv->cout};
    if (io->dst.h < 1 || io->dst.w < 1)
        return yt_fail(err, YT_ERR_MISMATCH, "a %dx%d map is too small for a kernel of %d", src->h, src->w,
                       conv->kernel);
    YT_TRY(yti_check_shortcut(io, err));
    io->side_bytes = a->moments && io->mode == YT_MODE_TRAIN ? yti_norm_handover_bytes(conv->cout) : 0;
    io->scratch_bytes = yti_kernels_get()->conv2d_scratch(conv, src->n, src->h, src->w, io->threads);
    if (io->mode == YT_MODE_EVAL) io->prepared_bytes = yti_kernels_get()->conv2d_packed_bytes(conv);
    return YT_OK;
}

static void conv2d_prepare(const void *attr, const yti_run *run) {
    const yti_conv_attr *a = attr;
    yti_kernels_get()->conv2d_pack(&a->conv, run->param[0], run->prepared);
}

static void conv2d_forward(const void *attr, const yti_run *run) {
    const yti_conv_attr *a = attr;
    const yti_kernels *kernels = yti_kernels_get();
    if (run->mode == YT_MODE_TRAIN) {
        kernels->conv2d_forward(
            &a->conv, &run->src[0], run->param[0], run->param[1], &run->dst,
            run->frozen || !run->side ? NULL : yti_norm_handover_in(run->side, a->conv.cout).moments, &run->scratch);
        return;
    }
    const yti_tensor shortcut = run->n_src == 2 ? run->src[1] : (yti_tensor){0};
    kernels->conv2d_act_forward(&a->conv, &run->src[0], run->param[0], run->prepared, run->param[1], a->act, &shortcut,
                                &run->dst, &run->scratch);
}

static void conv2d_backward(const void *attr, const yti_run *run) {
    const yti_conv_attr *a = attr;
    const yti_kernels *kernels = yti_kernels_get();
    yti_norm_tail tail;
    bool tail_is_due = false;
    if (run->side) {
        yti_norm_handover side = yti_norm_handover_in(run->side, a->conv.cout);
        tail_is_due = *side.tail_is_due != 0;
        tail = yti_norm_tail_of(side.tail, run->dst);
    }
    assert(run->grad[0] || !tail_is_due); /* a convolution and its normalisation are frozen together */
    if (run->grad[0])
        kernels->conv2d_backward_weights(&a->conv, &run->src[0], &run->d_dst, tail_is_due ? &tail : NULL, run->grad[0],
                                         run->grad[1], &run->scratch);
    if (run->d_src[0].data)
        kernels->conv2d_backward_data(&a->conv, &run->d_dst, run->param[0], &run->d_src[0], run->accumulate[0],
                                      &run->scratch);
}

static double conv2d_flops(const void *attr, const yti_ports *io) {
    if (((const yti_conv_attr *)attr)->uncounted) return 0;
    const yti_conv_geometry *conv = &((const yti_conv_attr *)attr)->conv;
    double outputs = (double)io->dst.h * io->dst.w * io->dst.c;
    return 2.0 * outputs * (conv->cin / conv->groups) * conv->kernel * conv->kernel;
}

const yti_op yti_op_conv2d = {.name = "conv2d",
                              .attr_size = sizeof(yti_conv_attr),
                              .needs_src = 1u << 0,
                              .needs_dst = true,
                              .shape = conv2d_shape,
                              .prepare = conv2d_prepare,
                              .forward = conv2d_forward,
                              .backward = conv2d_backward,
                              .flops = conv2d_flops};
