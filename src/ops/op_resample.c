/* op_resample.c: pooling, nearest-neighbour upsampling and padding.
 *
 * Max-pooling keeps the position of each maximum (one byte) in saved, so neither pass needs the map itself again. The
 * mean of a window is a depth-wise convolution with equal weights, written into scratch.
 */
#include "base/carve.h"
#include "ops/ops.h"

enum { MAX_POOL_KERNEL = 15 }; /* 15*15 positions fit a byte */

/* The shape after pooling of either kind. */
static yt_status pooled_shape(const yti_pool_attr *pool, const yti_shape *src, yti_shape *dst, yt_err *err) {
    if (pool->kernel < 1 || pool->kernel > MAX_POOL_KERNEL || pool->pad >= pool->kernel)
        return yt_fail(err, YT_ERR_MISMATCH,
                       "pooling window %d with padding %d is out of range (1 to %d, padding below it)", pool->kernel,
                       pool->pad, MAX_POOL_KERNEL);
    *dst = (yti_shape){.n = src->n,
                       .h = yti_conv_out(src->h, pool->kernel, pool->stride, pool->pad, 1),
                       .w = yti_conv_out(src->w, pool->kernel, pool->stride, pool->pad, 1),
                       .c = src->c};
    if (dst->h < 1 || dst->w < 1)
        return yt_fail(err, YT_ERR_MISMATCH, "a %dx%d map is too small for a window of %d", src->h, src->w,
                       pool->kernel);
    return YT_OK;
}

static yt_status maxpool2d_shape(const void *attr, yti_ports *io, yt_err *err) {
    YT_TRY(pooled_shape(attr, &io->src[0], &io->dst, err));
    if (io->mode == YT_MODE_TRAIN)
        io->saved_bytes = (size_t)io->dst.n * (size_t)io->dst.h * (size_t)io->dst.w * (size_t)io->dst.c;
    return YT_OK;
}

static void maxpool2d_forward(const void *attr, const yti_run *run) {
    const yti_pool_attr *pool = attr;
    yti_kernels_get()->maxpool_forward(pool->kernel, pool->stride, pool->pad, &run->src[0], &run->dst, run->saved,
                                       run->scratch.threads);
}

static void maxpool2d_backward(const void *attr, const yti_run *run) {
    const yti_pool_attr *pool = attr;
    if (run->d_src[0].data)
        yti_kernels_get()->maxpool_backward(pool->kernel, pool->stride, pool->pad, run->saved, &run->d_dst,
                                            &run->d_src[0], run->accumulate[0], run->scratch.threads);
}

const yti_op yti_op_maxpool2d = {.name = "maxpool2d",
                                 .attr_size = sizeof(yti_pool_attr),
                                 .shape = maxpool2d_shape,
                                 .forward = maxpool2d_forward,
                                 .backward = maxpool2d_backward};

static yti_conv_geometry mean_conv(const yti_pool_attr *pool, int channels) {
    return (yti_conv_geometry){.cin = channels,
                               .cout = channels,
                               .kernel = pool->kernel,
                               .stride = pool->stride,
                               .pad = pool->pad,
                               .dilation = 1,
                               .groups = channels};
}

/* Scratch bytes of the convolution alone, in whole cache lines; its weights follow. */
static size_t mean_scratch(const yti_conv_geometry *conv, int n, int h, int w, int threads) {
    return yti_whole_lines(yti_kernels_get()->conv2d_scratch(conv, n, h, w, threads));
}

static size_t mean_weights(const yti_conv_geometry *conv) {
    return (size_t)conv->kernel * (size_t)conv->kernel * (size_t)conv->cout;
}

static yt_status avgpool2d_shape(const void *attr, yti_ports *io, yt_err *err) {
    const yti_shape *src = &io->src[0];
    const yti_conv_geometry conv = mean_conv(attr, src->c);
    YT_TRY(pooled_shape(attr, src, &io->dst, err));
    io->scratch_bytes = mean_scratch(&conv, src->n, src->h, src->w, io->threads) +
                        (mean_weights(&conv) + YT_READ_SLACK) * sizeof(float);
    return YT_OK;
}

/* Writes the weights after the part of the scratch that the convolution itself takes. map: the one that is averaged. */
static const float *equal_weights(const yti_conv_geometry *conv, const yti_tensor *map, const yti_scratch *scratch) {
    float *weights = (float *)((char *)scratch->data + mean_scratch(conv, map->n, map->h, map->w, scratch->threads));
    const float share = 1.0f / (float)(conv->kernel * conv->kernel);
    for (size_t i = 0; i < mean_weights(conv) + YT_READ_SLACK; i++) weights[i] = share;
    return weights;
}

static void avgpool2d_forward(const void *attr, const yti_run *run) {
    const yti_conv_geometry conv = mean_conv(attr, run->dst.c);
    yti_kernels_get()->conv2d_forward(&conv, &run->src[0], equal_weights(&conv, &run->src[0], &run->scratch), NULL,
                                      &run->dst, NULL, &run->scratch);
}

static void avgpool2d_backward(const void *attr, const yti_run *run) {
    const yti_conv_geometry conv = mean_conv(attr, run->dst.c);
    if (run->d_src[0].data)
        yti_kernels_get()->conv2d_backward_data(&conv, &run->d_dst, equal_weights(&conv, &run->d_src[0], &run->scratch),
                                                &run->d_src[0], run->accumulate[0], &run->scratch);
}

const yti_op yti_op_avgpool2d = {.name = "avgpool2d",
                                 .attr_size = sizeof(yti_pool_attr),
                                 .shape = avgpool2d_shape,
                                 .forward = avgpool2d_forward,
                                 .backward = avgpool2d_backward};

static yt_status upsample_shape(const void *attr, yti_ports *io, yt_err *err) {
    const int factor = ((const yti_upsample_attr *)attr)->factor;
    if (io->src[0].h > INT16_MAX / factor || io->src[0].w > INT16_MAX / factor)
        return yt_fail(err, YT_ERR_MISMATCH, "a %dx%d map cannot grow %d times", io->src[0].h, io->src[0].w, factor);
    io->dst = io->src[0];
    io->dst.h *= factor;
    io->dst.w *= factor;
    return YT_OK;
}

static void upsample_forward(const void *attr, const yti_run *run) {
    yti_kernels_get()->upsample_forward(((const yti_upsample_attr *)attr)->factor, &run->src[0], &run->dst,
                                        run->scratch.threads);
}

static void upsample_backward(const void *attr, const yti_run *run) {
    if (run->d_src[0].data)
        yti_kernels_get()->upsample_backward(((const yti_upsample_attr *)attr)->factor, &run->d_dst, &run->d_src[0],
                                             run->accumulate[0], run->scratch.threads);
}

/* The convention counts one multiplication and addition per output, though nearest-neighbour needs none. */
static double upsample_flops(const void *attr, const yti_ports *io) {
    if (((const yti_upsample_attr *)attr)->uncounted) return 0;
    return 2.0 * io->dst.h * io->dst.w * io->dst.c;
}

const yti_op yti_op_upsample = {.name = "upsample",
                                .attr_size = sizeof(yti_upsample_attr),
                                .shape = upsample_shape,
                                .forward = upsample_forward,
                                .backward = upsample_backward,
                                .flops = upsample_flops};

static yt_status pad_shape(const void *attr, yti_ports *io, yt_err *err) {
    const yti_pad_attr *pad = attr;
    (void)err; /* the graph refuses maps that become too large */
    io->dst = io->src[0];
    io->dst.h += pad->top + pad->bottom;
    io->dst.w += pad->left + pad->right;
    return YT_OK;
}

/* Row y of an image of the inner map, as it lies in the padded one. */
static yti_tensor inner_row(const yti_pad_attr *pad, const yti_tensor *padded, const yti_tensor *inner, int n, int y) {
    yti_tensor row = *padded;
    row.data += (((ptrdiff_t)n * padded->h + y + pad->top) * padded->w + pad->left) * padded->ld;
    row.n = row.h = 1;
    row.w = inner->w;
    return row;
}

static yti_tensor map_row(const yti_tensor *map, int n, int y) {
    yti_tensor row = *map;
    row.data += ((ptrdiff_t)n * map->h + y) * map->w * map->ld;
    row.n = row.h = 1;
    return row;
}

static void pad_forward(const void *attr, const yti_run *run) {
    const yti_tensor *src = &run->src[0];
    yti_kernels_get()->fill(&run->dst, 0, run->scratch.threads);
    for (int i = 0; i < src->n * src->h; i++) {
        const yti_tensor from = map_row(src, i / src->h, i % src->h),
                         to = inner_row(attr, &run->dst, src, i / src->h, i % src->h);
        yti_kernels_get()->copy(&from, &to, false, 1);
    }
}

static void pad_backward(const void *attr, const yti_run *run) {
    const yti_tensor *d_src = &run->d_src[0];
    for (int i = 0; d_src->data && i < d_src->n * d_src->h; i++) {
        const yti_tensor from = inner_row(attr, &run->d_dst, d_src, i / d_src->h, i % d_src->h),
                         to = map_row(d_src, i / d_src->h, i % d_src->h);
        yti_kernels_get()->copy(&from, &to, run->accumulate[0], 1);
    }
}

const yti_op yti_op_pad = {.name = "pad",
                           .attr_size = sizeof(yti_pad_attr),
                           .shape = pad_shape,
                           .forward = pad_forward,
                           .backward = pad_backward};
