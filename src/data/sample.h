/* sample.h: one network input with its boxes, for training or for validation. */
#ifndef YT_DATA_SAMPLE_H
#define YT_DATA_SAMPLE_H

#include "data/augment.h"
#include "data/image_cache.h"

/* What samples are made from. All is lent. */
typedef struct yti_sample_source {
    const yt_split *split;
    yti_image_cache *cache;
    int side; /* of the training input, and the long side of every picture */
    uint64_t seed;
} yti_sample_source;

/* Memory of one thread, kept between samples. Zero-initialised. */
typedef struct yti_workspace {
    uint8_t *canvas; /* of a mosaic, 2 side x 2 side */
    yti_box *boxes;  /* of the sample being made */
    size_t capacity;
} yti_workspace;

void yti_workspace_free(yti_workspace *workspace);

/* The boxes of a finished sample; grows and is kept by the caller. Zero-initialised. */
typedef struct yti_label_list {
    yt_label *items; /* normalised to the network input */
    int count;
    size_t capacity;
} yti_label_list;

/* The training picture at `position` of `epoch`, of which `order` names the samples; rgb has side * side * 3
 * bytes. What is drawn depends on (seed, epoch, position) only. */
yt_status yti_sample_train(const yti_sample_source *source, yti_workspace *workspace,
                           const yt_augment *augment, int epoch, int position, const int *order, uint8_t *rgb,
                           yti_label_list *labels, yt_err *err);

/* A validation picture in w x h (spec training 2.11). */
yt_status yti_sample_validate(const yti_sample_source *source, int sample, int w, int h, uint8_t *rgb,
                              yt_fit *fit, yti_label_list *labels, yt_err *err);

#endif
