/* sample.h: one network input with its boxes, for training or for validation. */
#ifndef YT_DATA_SAMPLE_H
#define YT_DATA_SAMPLE_H

#include "data/augment/augment.h"
#include "data/feed/image_cache.h"

/* What samples are made from. All is lent. */
typedef struct yti_sample_source {
    const yti_split *split;
    yti_image_cache *cache;
    int side; /* of the training input, and the long side of every image */
    uint64_t seed;
} yti_sample_source;

/* The boxes of an image in the making, in its pixels. Zero-initialised. */
typedef struct yti_boxes {
    yti_box *items;
    int count;
    size_t capacity;
    yti_point *points; /* of their outlines; until the map */
    size_t n_points, point_capacity;
} yti_boxes;

enum { YTI_TILES = 4 /* of a mosaic */, YTI_MAX_PARTS = 3 * YTI_TILES /* of an image and two partners */ };

/* The samples that a network input was made from. */
typedef struct yti_parts {
    int count, samples[YTI_MAX_PARTS];
} yti_parts;

/* Memory of one thread, kept between samples. Zero-initialised. */
typedef struct yti_workspace {
    uint8_t *canvas;  /* of a mosaic, 2 side x 2 side */
    uint8_t *partner; /* the other image of a mix */
    uint8_t *picture; /* before it is brought to the size of its batch */
    yti_boxes boxes, partner_boxes;
    yti_parts parts;             /* of the training image made last */
    int64_t fates[YT_BOX_FATES]; /* of the boxes of its parts */
} yti_workspace;

void yti_workspace_free(yti_workspace *workspace);

/* The boxes of a finished sample; grows and is kept by the caller. Zero-initialised. */
typedef struct yti_label_list {
    yti_label *items; /* normalised to the network input */
    int count;
    size_t capacity;
} yti_label_list;

/* Which training image to make. */
typedef struct yti_sample_place {
    int epoch, position; /* in the epoch: with the seed all that the draws depend on */
    int sample;          /* that the order has there */
    int made_w, made_h;  /* what the augmentation makes, up to side x side */
    int w, h;            /* what that is resized to */
} yti_sample_place;

/* rgb has w * h * 3 bytes. */
yt_status yti_sample_train(const yti_sample_source *source, yti_workspace *workspace, const yti_augment *augment,
                           const yti_sample_place *place, uint8_t *rgb, yti_label_list *labels, yt_err *err);

/* A validation image in w x h (spec training 2.11). */
yt_status yti_sample_validate(const yti_sample_source *source, int sample, int w, int h, uint8_t *rgb, yti_fit *fit,
                              yti_label_list *labels, yt_err *err);

#endif
