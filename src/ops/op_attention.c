/* op_attention.c: the softmax core of multi-head self-attention (spec architecture 3.9); its projections are
 * convolutions.
 *
 * Area attention (Tian et al. 2025, arXiv 2502.12524): an image of h*w pixels is `areas` images of N = h*w/areas
 * pixels, which follow each other in memory. In training the probabilities [n*areas][heads][N][N] are kept in saved.
 */
#include "ops/ops.h"

static yt_status attention_shape(const void *attr, yti_ports *io, yt_err *err) {
    const yti_attention_attr *a = attr;
    const yti_shape *src = &io->src[0];
    const int channels = a->heads * (2 * a->key_dim + a->head_dim);
    if (src->c != channels) return yt_fail(err, YT_ERR_MISMATCH, "reads %d channels but is given %d", channels, src->c);
    const size_t whole = (size_t)src->h * (size_t)src->w, areas = (size_t)a->areas, pixels = whole / areas;
    if (whole % areas)
        return yt_fail(err, YT_ERR_MISMATCH,
                       "attention in %d areas of a %dx%d map, whose %zu pixels are no multiple of it; use an "
                       "image size that is a multiple of 32",
                       a->areas, src->h, src->w, whole);
    if (pixels > 1u << 16)
        return yt_fail(err, YT_ERR_MISMATCH, "attention over %zu pixels of a %dx%d map; the limit is %u", pixels,
                       src->h, src->w, 1u << 16);
    io->dst = *src;
    io->dst.c = a->heads * a->head_dim;
    if (io->mode == YT_MODE_TRAIN)
        io->saved_bytes = (size_t)src->n * areas * (size_t)a->heads * pixels * pixels * sizeof(float);
    io->scratch_bytes = yti_kernels_get()->attention_scratch(a->heads, a->key_dim, a->head_dim, src->n * a->areas,
                                                             (int)pixels, io->threads);
    return YT_OK;
}

/* A map of n images as one of n * areas. */
static yti_tensor in_areas(yti_tensor map, int areas) {
    map.w = map.h * map.w / areas;
    map.h = 1;
    map.n *= areas;
    return map;
}

static void attention_forward(const void *attr, const yti_run *run) {
    const yti_attention_attr *a = attr;
    const yti_tensor qkv = in_areas(run->src[0], a->areas), out = in_areas(run->dst, a->areas);
    yti_kernels_get()->attention_forward(a->heads, a->key_dim, a->head_dim, &qkv, &out,
                                         run->mode == YT_MODE_TRAIN ? run->saved : NULL, &run->scratch);
}

static void attention_backward(const void *attr, const yti_run *run) {
    const yti_attention_attr *a = attr;
    if (!run->d_src[0].data) return;
    const yti_tensor qkv = in_areas(run->src[0], a->areas), d_out = in_areas(run->d_dst, a->areas),
                     d_qkv = in_areas(run->d_src[0], a->areas);
    yti_kernels_get()->attention_backward(a->heads, a->key_dim, a->head_dim, &qkv, run->saved, &d_out, &d_qkv,
                                          run->accumulate[0], &run->scratch);
}

const yti_op yti_op_attention = {.name = "attention",
                                 .attr_size = sizeof(yti_attention_attr),
                                 .needs_src = 1u << 0,
                                 .shape = attention_shape,
                                 .forward = attention_forward,
                                 .backward = attention_backward};
