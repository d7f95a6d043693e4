/* heads.h: made head outputs and targets for the tests of the loss. */
#ifndef YT_TEST_HEADS_H
#define YT_TEST_HEADS_H

#include "tensor/batch.h"
#include "tensor/head.h"

#include <stdint.h>

typedef struct made_options {
    int images, width, height; /* of the input: multiples of the coarsest stride */
    int n_levels;              /* strides 8, 16, 32, ... */
    int n_classes, reg_max;
    int boxes;     /* per image */
    int gradients; /* whether d_box and d_cls have data */
    int quantised; /* whether predictions and boxes are on a coarse grid, so that many aligns are equal */
    uint64_t seed;
} made_options;

/* A head whose maps are wider than their channels; the surplus holds `made_guard`. */
typedef struct made_head {
    yti_head head;
    yti_targets targets;
    float *memory;
    size_t floats;
    int *image, *class_id;
    yti_cxcywh *boxes;
} made_head;

extern const float made_guard;

/* Random boxes of all sorts: small, large, beyond the border, without area, twice the same, all zero. */
made_head made_head_create(made_options options);
void made_head_destroy(made_head *made);

/* The number of floats beyond the channels that no longer hold the guard. */
size_t made_head_damage(const made_head *made);

int made_anchors(const yti_head *head);

/* Level and pixel of an anchor counted over all levels. */
void made_place(const yti_head *head, int anchor, int *level, int *pixel);

/* The channels of one pixel. */
float *made_pixel(const yti_tensor *t, int image, int pixel);

#endif
