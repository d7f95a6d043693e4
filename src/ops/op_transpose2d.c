/* op_transpose2d.c: transposed convolution with a bias (Zeiler et al. 2010): the adjoint of a convolution, so its
 * forward pass is that one's backward pass and the other way round.
 *
 * The attribute describes the convolution whose adjoint this is: cin are the channels of the result here and cout those
 * of the source. params: weight [kh][kw][result][source], bias [result]. Files hold the weight as
 * [source][result][kh][kw], which is how they hold that of the convolution.
 */
#include "base/carve.h"
#include "ops/ops.h"

/* In whole cache lines. */
static size_t conv_scratch(const yti_conv_geometry *conv, int n, int h, int w, int threads) {
    return yti_whole_lines(yti_kernels_get()->conv2d_scratch(conv, n, h, w, threads));
}

static yt_status transpose2d_shape(const void *attr, yti_ports *io, yt_err *err) {
    const yti_conv_geometry *conv = &((const yti_transpose_attr *)attr)->adjoint;
    const yti_shape *src = &io->src[0];
    if (src->c != conv->cout)
        return yt_fail(err, YT_ERR_MISMATCH, "reads %d channels but is given %d", conv->cout, src->c);
    const int h = (src->h - 1) * conv->stride - 2 * conv->pad + conv->kernel,
              w = (src->w - 1) * conv->stride - 2 * conv->pad + conv->kernel;
    if (h < 1 || w < 1)
        return yt_fail(err, YT_ERR_MISMATCH, "a %dx%d map is too small for a padding of %d", src->h, src->w, conv->pad);
    io->dst = (yti_shape){.n = src->n, .h = h, .w = w, .c = conv->cin};
    io->scratch_bytes = conv_scratch(conv, src->n, h, w, io->threads);
    if (io->mode == YT_MODE_TRAIN) /* a gradient on its way to a map that has one already */
        io->scratch_bytes += sizeof(float) * (size_t)src->n * (size_t)src->h * (size_t)src->w * (size_t)src->c;
    return YT_OK;
}

/* Every pixel starts as the bias. */
static void spread_bias(const float *bias, const yti_tensor *map, int threads) {
    const ptrdiff_t pixels = (ptrdiff_t)yti_tensor_pixels(*map);
    (void)threads; /* without OpenMP */
#pragma omp parallel for schedule(static) num_threads(threads)
    for (ptrdiff_t p = 0; p < pixels; p++)
        for (int c = 0; c < map->c; c++) map->data[p * map->ld + c] = bias[c];
}

static void transpose2d_forward(const void *attr, const yti_run *run) {
    const yti_conv_geometry *conv = &((const yti_transpose_attr *)attr)->adjoint;
    spread_bias(run->param[1], &run->dst, run->scratch.threads);
    yti_kernels_get()->conv2d_backward_data(conv, &run->src[0], run->param[0], &run->dst, true, &run->scratch);
}

/* One channel's sum, over the pixels in their order. */
static void add_bias_gradient(const yti_tensor *d, float *grad, int threads) {
    const ptrdiff_t pixels = (ptrdiff_t)yti_tensor_pixels(*d);
    (void)threads; /* without OpenMP */
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int c = 0; c < d->c; c++) {
        double sum = 0;
        for (ptrdiff_t p = 0; p < pixels; p++) sum += (double)d->data[p * d->ld + c];
        grad[c] += (float)sum;
    }
}

static void transpose2d_backward(const void *attr, const yti_run *run) {
    const yti_conv_geometry *conv = &((const yti_transpose_attr *)attr)->adjoint;
    const yti_kernels *kernels = yti_kernels_get();
    if (run->grad[0])
        kernels->conv2d_backward_weights(conv, &run->d_dst, &run->src[0], NULL, run->grad[0], NULL, &run->scratch);
    if (run->grad[1]) add_bias_gradient(&run->d_dst, run->grad[1], run->scratch.threads);
    if (!run->d_src[0].data) return;
    yti_tensor to = run->d_src[0];
    if (run->accumulate[0]) {
        const yti_tensor *big = &run->d_dst;
        const size_t used = conv_scratch(conv, big->n, big->h, big->w, run->scratch.threads);
        to = yti_tensor_of((float *)((char *)run->scratch.data + used), to.n, to.h, to.w, to.c);
    }
    kernels->conv2d_forward(conv, &run->d_dst, run->param[0], NULL, &to, NULL, &run->scratch);
    if (run->accumulate[0]) kernels->copy(&to, &run->d_src[0], true, run->scratch.threads);
}

/* The convention counts as if every result read a whole window of the source, as a convolution's does. */
static double transpose2d_flops(const void *attr, const yti_ports *io) {
    const yti_conv_geometry *conv = &((const yti_transpose_attr *)attr)->adjoint;
    return 2.0 * io->dst.h * io->dst.w * io->dst.c * conv->cout * conv->kernel * conv->kernel;
}

const yti_op yti_op_transpose2d = {.name = "transpose2d",
                                   .attr_size = sizeof(yti_transpose_attr),
                                   .needs_src = 1u << 0,
                                   .shape = transpose2d_shape,
                                   .forward = transpose2d_forward,
                                   .backward = transpose2d_backward,
                                   .flops = transpose2d_flops};
