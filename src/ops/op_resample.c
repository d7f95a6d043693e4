/* op_resample.c: max-pooling and nearest-neighbour upsampling.
 *
 * Pooling keeps the position of each maximum (one byte) in saved, so neither pass needs the map itself again.
 */
#include "yt/ops.h"

enum { MAX_POOL_KERNEL = 15 }; /* 15*15 positions fit a byte */

static yt_status maxpool2d_shape(const void *attr, yt_ports *io, yt_err *err) {
    const yt_pool_attr *pool = attr;
    const yt_shape *src = &io->src[0];
    if (pool->kernel < 1 || pool->kernel > MAX_POOL_KERNEL || pool->pad >= pool->kernel)
        return yt_fail(err, YT_MISMATCH,
                       "a pooling window of %d with padding %d; 1 to %d, padding below it, work",
                       pool->kernel, pool->pad, MAX_POOL_KERNEL);
    io->dst = (yt_shape){.n = src->n,
                         .h = yt_conv_out(src->h, pool->kernel, pool->stride, pool->pad, 1),
                         .w = yt_conv_out(src->w, pool->kernel, pool->stride, pool->pad, 1),
                         .c = src->c};
    if (io->dst.h < 1 || io->dst.w < 1)
        return yt_fail(err, YT_MISMATCH, "a %dx%d map is too small for a window of %d", src->h, src->w,
                       pool->kernel);
    if (io->mode == YT_MODE_TRAIN)
        io->saved_bytes = (size_t)io->dst.n * (size_t)io->dst.h * (size_t)io->dst.w * (size_t)io->dst.c;
    return YT_OK;
}

static void maxpool2d_forward(const void *attr, const yt_run *run) {
    const yt_pool_attr *pool = attr;
    yt_kernels_get()->maxpool_forward(pool->kernel, pool->stride, pool->pad, &run->src[0], &run->dst,
                                      run->saved, run->scratch.threads);
}

static void maxpool2d_backward(const void *attr, const yt_run *run) {
    const yt_pool_attr *pool = attr;
    if (run->d_src[0].data)
        yt_kernels_get()->maxpool_backward(pool->kernel, pool->stride, pool->pad, run->saved, &run->d_dst,
                                           &run->d_src[0], run->accumulate[0], run->scratch.threads);
}

const yt_op yt_op_maxpool2d = {.name = "maxpool2d",
                               .attr_size = sizeof(yt_pool_attr),
                               .shape = maxpool2d_shape,
                               .forward = maxpool2d_forward,
                               .backward = maxpool2d_backward};

static yt_status upsample_shape(const void *attr, yt_ports *io, yt_err *err) {
    const int factor = ((const yt_upsample_attr *)attr)->factor;
    if (io->src[0].h > INT16_MAX / factor || io->src[0].w > INT16_MAX / factor)
        return yt_fail(err, YT_MISMATCH, "a %dx%d map cannot grow %d times", io->src[0].h, io->src[0].w,
                       factor);
    io->dst = io->src[0];
    io->dst.h *= factor;
    io->dst.w *= factor;
    return YT_OK;
}

static void upsample_forward(const void *attr, const yt_run *run) {
    yt_kernels_get()->upsample_forward(((const yt_upsample_attr *)attr)->factor, &run->src[0], &run->dst,
                                       run->scratch.threads);
}

static void upsample_backward(const void *attr, const yt_run *run) {
    if (run->d_src[0].data)
        yt_kernels_get()->upsample_backward(((const yt_upsample_attr *)attr)->factor, &run->d_dst,
                                            &run->d_src[0], run->accumulate[0], run->scratch.threads);
}

/* The convention counts one multiplication and addition per output, though nearest-neighbour needs none. */
static double upsample_flops(const void *attr, const yt_ports *io) {
    (void)attr;
    return 2.0 * io->dst.h * io->dst.w * io->dst.c;
}

const yt_op yt_op_upsample = {.name = "upsample",
                              .attr_size = sizeof(yt_upsample_attr),
                              .shape = upsample_shape,
                              .forward = upsample_forward,
                              .backward = upsample_backward,
                              .flops = upsample_flops};
