/* op.h: what a primitive operation is: one constant row of functions, defined in its own file in src/ops.
 *
 * The graph knows operations only through this row. docs/adding.md lists the places that a new one touches.
 */
#ifndef YT_OP_H
#define YT_OP_H

#include "base/status.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

#include <stdbool.h>

enum { YT_MAX_SOURCES = 32, YT_MAX_PARAMS = 2 };

typedef enum yti_mode {
    YT_MODE_EVAL, /* running statistics; nothing is kept for a backward pass */
    YT_MODE_TRAIN /* batch statistics, except where frozen; activations are kept */
} yti_mode;

typedef struct yti_shape {
    int n, h, w, c;
} yti_shape;

/* Where a node's parameters and buffers lie in the model's flat blocks, in floats; -1: it has none. What each slot
 * means is described in the op's file (convolution: weight, bias). */
typedef struct yti_params {
    ptrdiff_t param[YT_MAX_PARAMS];
    ptrdiff_t buffer[YT_MAX_PARAMS];
} yti_params;

#define YT_NO_PARAMS ((yti_params){{-1, -1}, {-1, -1}})

/* The blocks that offsets of yti_params point into. Owned by the caller. */
typedef struct yti_state {
    float *params;
    float *grads;   /* same layout as params; NULL in evaluation */
    float *buffers; /* running means and variances; updated in training mode */
} yti_state;

/* What `shape` reads (mode, threads, sources) and fills in (the rest). */
typedef struct yti_ports {
    yti_mode mode;
    int threads;
    int n_src;
    yti_shape src[YT_MAX_SOURCES];
    yti_shape dst;
    size_t saved_bytes;    /* kept from the forward to the backward step */
    size_t scratch_bytes;  /* during a step */
    size_t side_bytes;     /* small array published beside the output (moments of a convolution) */
    size_t prepared_bytes; /* in evaluation: what prepare makes of the parameters */
    int alias_offset;      /* YT_ALIAS_DST_IN_SRC: channel at which dst begins in src[0] */
} yti_ports;

/* What one step of a run gets. Gradient views have data NULL where no gradient flows. */
typedef struct yti_run {
    yti_mode mode;
    bool frozen;   /* parameters and statistics stay as they are */
    bool observed; /* somebody looks at gradients between the steps: none is left to be finished later */
    int n_src;
    yti_tensor src[YT_MAX_SOURCES];
    void *src_side[YT_MAX_SOURCES];
    yti_tensor dst;
    void *side;
    yti_tensor d_dst;
    yti_tensor d_src[YT_MAX_SOURCES];
    bool accumulate[YT_MAX_SOURCES]; /* add to d_src instead of storing */
    const float *param[YT_MAX_PARAMS];
    float *grad[YT_MAX_PARAMS]; /* NULL: absent or frozen */
    float *buffer[YT_MAX_PARAMS];
    void *saved;
    void *prepared; /* NULL: not made */
    yti_scratch scratch;
} yti_run;

/* How an op shares memory, so that concatenation and splitting cost nothing. */
typedef enum yti_alias {
    YT_ALIAS_NONE,
    YT_ALIAS_DST_IN_SRC, /* dst is channels of src[0]: nothing to compute */
    YT_ALIAS_SRC_IN_DST  /* sources are laid side by side into dst; the op copies those that could not be
                            placed there  (their view differs from the slice of dst) */
} yti_alias;

typedef struct yti_op {
    const char *name;
    size_t attr_size; /* bytes of the op's own attribute struct (ops.h) */
    yti_alias alias;
    unsigned needs_src;  /* bit i: backward reads src[i] (else its memory may be reused) */
    bool needs_dst;      /* backward reads dst */
    bool in_place;       /* backward leaves d_src[0] in d_dst's memory; in evaluation dst may be src[0]'s memory.
                            src[0] must have no other reader */
    bool stops_gradient; /* nothing flows back */
    yt_status (*shape)(const void *attr, yti_ports *io, yt_err *err);
    void (*prepare)(const void *attr, const yti_run *run);  /* fills prepared; NULL: nothing to do */
    void (*forward)(const void *attr, const yti_run *run);  /* NULL: nothing to do */
    void (*backward)(const void *attr, const yti_run *run); /* NULL: nothing to do */
    double (*flops)(const void *attr,
                    const yti_ports *io); /* by the reference trainer's convention; NULL: not counted */
} yti_op;

#endif
