/* image_cache.h: the images of a split, decoded and resized, some of them kept. */
#ifndef YT_DATA_IMAGE_CACHE_H
#define YT_DATA_IMAGE_CACHE_H

#include "data/index/dataset.h"

#include <stddef.h>
#include <stdint.h>

typedef struct yti_image_cache yti_image_cache;

/* An image with its long side at the cache's size. */
typedef struct yti_picture {
    const uint8_t *rgb; /* [h][w][3] */
    int w, h;
    int original_w, original_h;
    uint8_t *owned; /* rgb when the cache did not keep it, else NULL */
} yti_picture;

/* Keeps up to max_bytes of pixels, first come, until destroyed. Borrows the split. as_predicted: the short side is
 * rounded as prediction does, else up (yti_long_side_plan). */
yt_status yti_image_cache_create(const yti_split *split, int side, bool as_predicted, size_t max_bytes,
                                 yti_image_cache **out, yt_err *err);
void yti_image_cache_destroy(yti_image_cache *cache);

/* The image of a sample, to be given back with release. May be called from any thread. The pixels are the same
 * whether they were kept or not. */
yt_status yti_image_cache_get(yti_image_cache *cache, int sample, yti_picture *out, yt_err *err);
void yti_picture_release(yti_picture *picture);

#endif
