/* batch.h: what the loader hands to training and validation. */
#ifndef YT_BATCH_H
#define YT_BATCH_H

#include "tensor/box.h"

#include <stdint.h>

/* Ground-truth boxes of a batch, grouped by image in ascending order. Owned by the batch. */
typedef struct yti_targets {
    int count;
    const int *image;        /* [count] index in the batch */
    const int *class_id;     /* [count] */
    const yti_cxcywh *boxes; /* [count] normalised to the network input's width and height */
} yti_targets;

/* How an image was fitted into the network input: input = original * gain + (left, top). */
typedef struct yti_fit {
    float gain_x, gain_y;
    int left, top;
    int original_w, original_h;
} yti_fit;

/* What happens to a box of an image from which a training batch is made. All but SEEN are dropped. */
typedef enum yti_box_fate {
    YT_BOX_SEEN,
    YT_BOX_OUTSIDE, /* none of it is in view */
    YT_BOX_SMALL,   /* at most two pixels wide or high, cut or not */
    YT_BOX_CUT,     /* too little of it is in view */
    YT_BOX_THIN,    /* a hundred times as long as wide, or more */
    YT_BOX_FATES
} yti_box_fate;

typedef struct yti_batch {
    int n, h, w;
    const uint8_t *rgb; /* [n][h][w][3] */
    yti_targets targets;
    const int *samples;          /* [n] index into the split */
    const yti_fit *fits;         /* [n] validation only, else NULL */
    int64_t fates[YT_BOX_FATES]; /* training: by what became of them */
    int n_parts;
    const int *parts; /* [n_parts] samples of every image in it, with those of mosaics and mixes; some may repeat */
} yti_batch;

#endif
