/* image_cache.c: decode and resize once, keep while there is room.
 *
 * Nothing is ever thrown out: a training epoch visits all images in a new order, so what was used longest ago is no
 * worse than any other, and a kept image can be lent without counting its borrowers. Decoding happens outside the
 * lock; where two threads decode the same image the second one's is dropped after use.
 */
#include "data/feed/image_cache.h"

#include "image/decode_gate.h"
#include "image/image.h"

#include <pthread.h>
#include <stdlib.h>

struct yti_image_cache {
    const yti_split *split;
    int side;
    bool as_predicted;
    size_t max_bytes, used_bytes;
    yti_picture *kept; /* [n_samples]; rgb NULL: not kept */
    pthread_mutex_t lock;
    yti_decode_gate gate;
};

yt_status yti_image_cache_create(const yti_split *split, int side, bool as_predicted, size_t max_bytes,
                                 yti_image_cache **out, yt_err *err) {
    yti_image_cache *cache = calloc(1, sizeof *cache);
    yti_picture *kept = calloc((size_t)split->n_samples + 1, sizeof *kept);
    bool gated = cache && yti_decode_gate_init(&cache->gate, err) == YT_OK;
    if (!gated || !kept || pthread_mutex_init(&cache->lock, NULL) != 0) {
        if (gated) yti_decode_gate_deinit(&cache->gate);
        free(cache);
        free(kept);
        return yti_no_memory(err, "the images of %d samples", split->n_samples);
    }
    cache->split = split;
    cache->side = side;
    cache->as_predicted = as_predicted;
    cache->max_bytes = max_bytes;
    cache->kept = kept;
    *out = cache;
    return YT_OK;
}

void yti_image_cache_destroy(yti_image_cache *cache) {
    if (!cache) return;
    for (int i = 0; i < cache->split->n_samples; i++) free(cache->kept[i].owned);
    free(cache->kept);
    pthread_mutex_destroy(&cache->lock);
    yti_decode_gate_deinit(&cache->gate);
    free(cache);
}

static yt_status decode(yti_image_cache *cache, int sample, yti_picture *out, yt_err *err) {
    const char *path = cache->split->samples[sample].image_path;
    yt_image image;
    yti_image_info info;
    YT_TRY(yti_image_load_through(&cache->gate, path, &image, &info, err));
    int w, h;
    yti_long_side_plan(image.w, image.h, cache->side, &w, &h);
    if (cache->as_predicted) {
        const yti_letterbox plan = yti_letterbox_plan(image.w, image.h, cache->side, cache->side, false, true, 1);
        w = plan.resized_w, h = plan.resized_h;
    }
    yt_status status = YT_OK;
    yt_image fitted = image;
    if (w != image.w || h != image.h) {
        status = yt_image_create(w, h, &fitted, err);
        if (status == YT_OK) status = yti_image_resize(image.rgb, image.w, image.h, fitted.rgb, w, h, err);
        if (status != YT_OK && fitted.rgb != image.rgb) yt_image_free(&fitted);
    }
    if (status == YT_OK) *out = (yti_picture){fitted.rgb, w, h, image.w, image.h, fitted.rgb};
    if (status != YT_OK || fitted.rgb != image.rgb) yt_image_free(&image);
    return status;
}

/* Moves a fresh image into the cache where there is room, leaving `picture` a loan. */
static void keep(yti_image_cache *cache, int sample, yti_picture *picture) {
    size_t bytes = (size_t)picture->w * (size_t)picture->h * 3;
    pthread_mutex_lock(&cache->lock);
    if (!cache->kept[sample].rgb && bytes <= cache->max_bytes - cache->used_bytes) {
        cache->used_bytes += bytes;
        cache->kept[sample] = *picture;
        picture->owned = NULL;
    }
    pthread_mutex_unlock(&cache->lock);
}

yt_status yti_image_cache_get(yti_image_cache *cache, int sample, yti_picture *out, yt_err *err) {
    pthread_mutex_lock(&cache->lock);
    yti_picture found = cache->kept[sample];
    pthread_mutex_unlock(&cache->lock);
    if (found.rgb) {
        found.owned = NULL;
        *out = found;
        return YT_OK;
    }
    YT_TRY(decode(cache, sample, out, err));
    keep(cache, sample, out);
    return YT_OK;
}

void yti_picture_release(yti_picture *picture) {
    free(picture->owned);
    *picture = (yti_picture){0};
}
