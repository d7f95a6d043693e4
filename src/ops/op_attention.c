/* op_attention.c: the softmax core of multi-head self-attention (spec architecture 3.9); its projections are
 * convolutions.
 *
 * In training the probabilities [n][heads][N][N] are kept in saved, N = h*w.
 */
#include "yt/ops.h"

static yt_status attention_shape(const void *attr, yt_ports *io, yt_err *err) {
    const yt_attention_attr *a = attr;
    const yt_shape *src = &io->src[0];
    const int channels = a->heads * (2 * a->key_dim + a->head_dim);
    if (src->c != channels)
        return yt_fail(err, YT_MISMATCH, "reads %d channels but is given %d", channels, src->c);
    const size_t pixels = (size_t)src->h * (size_t)src->w;
    if (pixels > 1u << 16)
        return yt_fail(err, YT_MISMATCH, "attention over a %dx%d map; at most 256x256 works", src->h, src->w);
    io->dst = *src;
    io->dst.c = a->heads * a->head_dim;
    if (io->mode == YT_MODE_TRAIN)
        io->saved_bytes = (size_t)src->n * (size_t)a->heads * pixels * pixels * sizeof(float);
    io->scratch_bytes = yt_kernels_get()->attention_scratch(a->heads, a->key_dim, a->head_dim, src->n,
                                                            (int)pixels, io->threads);
    return YT_OK;
}

static void attention_forward(const void *attr, const yt_run *run) {
    const yt_attention_attr *a = attr;
    yt_kernels_get()->attention_forward(a->heads, a->key_dim, a->head_dim, &run->src[0], &run->dst,
                                        run->mode == YT_MODE_TRAIN ? run->saved : NULL, &run->scratch);
}

static void attention_backward(const void *attr, const yt_run *run) {
    const yt_attention_attr *a = attr;
    if (run->d_src[0].data)
        yt_kernels_get()->attention_backward(a->heads, a->key_dim, a->head_dim, &run->src[0], run->saved,
                                             &run->d_dst, &run->d_src[0], run->accumulate[0], &run->scratch);
}

const yt_op yt_op_attention = {.name = "attention",
                               .attr_size = sizeof(yt_attention_attr),
                               .needs_src = 1u << 0,
                               .shape = attention_shape,
                               .forward = attention_forward,
                               .backward = attention_backward};
