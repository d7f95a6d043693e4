/* op_views.c: the ops that name memory instead of computing: input, slice, detach, concat.
 *
 * input has no source; its map is filled by the caller. slice and detach are windows into their source; detach lets no
 * gradient back. concat lays its sources side by side: the graph places them there when it can, and this file copies
 * those that it could not (a source that is itself a slice, or that stands in two concatenations).
 */
#include "ops/ops.h"

static yt_status input_shape(const void *attr, yti_ports *io, yt_err *err) {
    const yti_input_attr *input = attr;
    (void)err;
    io->dst.c = input->channels; /* n, h, w: set by the graph, which knows the image */
    return YT_OK;
}

const yti_op yti_op_input = {.name = "input", .attr_size = sizeof(yti_input_attr), .shape = input_shape};

static yt_status slice_shape(const void *attr, yti_ports *io, yt_err *err) {
    const yti_slice_attr *slice = attr;
    if (slice->first < 0 || slice->count < 1 || slice->first + slice->count > io->src[0].c)
        return yt_fail(err, YT_ERR_MISMATCH, "channels %d to %d of %d", slice->first, slice->first + slice->count - 1,
                       io->src[0].c);
    io->dst = io->src[0];
    io->dst.c = slice->count;
    io->alias_offset = slice->first;
    return YT_OK;
}

const yti_op yti_op_slice = {
    .name = "slice", .attr_size = sizeof(yti_slice_attr), .alias = YT_ALIAS_DST_IN_SRC, .shape = slice_shape};

static yt_status detach_shape(const void *attr, yti_ports *io, yt_err *err) {
    (void)attr, (void)err;
    io->dst = io->src[0];
    return YT_OK;
}

const yti_op yti_op_detach = {
    .name = "detach", .alias = YT_ALIAS_DST_IN_SRC, .stops_gradient = true, .shape = detach_shape};

static yt_status concat_shape(const void *attr, yti_ports *io, yt_err *err) {
    (void)attr;
    io->dst = io->src[0];
    for (int i = 1; i < io->n_src; i++) {
        const yti_shape *s = &io->src[i];
        if (s->n != io->dst.n || s->h != io->dst.h || s->w != io->dst.w)
            return yt_fail(err, YT_ERR_MISMATCH, "concatenates maps of %dx%d and %dx%d; their sides must be equal",
                           io->src[0].h, io->src[0].w, s->h, s->w);
        io->dst.c += s->c;
    }
    return YT_OK;
}

static void concat_forward(const void *attr, const yti_run *run) {
    (void)attr;
    for (int i = 0, first = 0; i < run->n_src; first += run->src[i].c, i++) {
        yti_tensor part = yti_tensor_slice(run->dst, first, run->src[i].c);
        if (part.data != run->src[i].data) yti_kernels_get()->copy(&run->src[i], &part, false, run->scratch.threads);
    }
}

static void concat_backward(const void *attr, const yti_run *run) {
    (void)attr;
    for (int i = 0, first = 0; i < run->n_src; first += run->src[i].c, i++) {
        yti_tensor part = yti_tensor_slice(run->d_dst, first, run->src[i].c);
        if (run->d_src[i].data && part.data != run->d_src[i].data)
            yti_kernels_get()->copy(&part, &run->d_src[i], run->accumulate[i], run->scratch.threads);
    }
}

const yti_op yti_op_concat = {.name = "concat",
                              .alias = YT_ALIAS_SRC_IN_DST,
                              .shape = concat_shape,
                              .forward = concat_forward,
                              .backward = concat_backward};
