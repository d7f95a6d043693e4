/* loader.h: batches, decoded and augmented ahead of the compute by worker threads.
 *
 * What a batch holds depends on (seed, epoch, position) only, never on the number of workers or on timing.
 */
#ifndef YT_LOADER_H
#define YT_LOADER_H

#include "data/augment/augment.h"
#include "data/index/dataset.h"
#include "tensor/batch.h"

#include <stdint.h>

typedef struct yti_loader_config {
    int batch, imgsz;
    int workers; /* threads, >= 1 */
    uint64_t seed;
    bool train; /* shuffle and augment; else the validation transform in order */

    /* Rectangular batches, samples sorted by aspect ratio (spec training 2.11). In training they come without
     * mosaics and mixing, and are shuffled only where all batches have one shape. */
    bool rect;
    int stride;         /* 32 */
    double rect_pad;    /* in strides: 0.5 for validation; training has none */
    double multi_scale; /* training: every batch has its own size, imgsz * (1 +- up to this) */
    bool as_predicted; /* validation: the short side is rounded as prediction does with square padding, so that both see
                            the same pixels; else up, as the reference's validation */
    size_t cache_bytes; /* decoded and resized images are kept up to this size */
} yti_loader_config;

typedef struct yti_loader yti_loader;

/* Borrows the split until destroyed. */
yt_status yti_loader_create(const yti_split *split, const yti_loader_config *config, yti_loader **out, yt_err *err);
void yti_loader_destroy(yti_loader *loader);

int yti_loader_batches(const yti_loader *loader); /* per epoch; the last may be smaller */

/* The largest input any batch will have (for planning memory). */
void yti_loader_max_shape(const yti_loader *loader, int *n, int *h, int *w);

/* Starts an epoch at batch `first` (0, or where a resumed run stopped) and lets the workers begin. A running epoch
 * is abandoned. The sizes of multi_scale are those of (seed, epoch, batch). `augment` is copied; NULL for
 * validation. */
yt_status yti_loader_begin(yti_loader *loader, int epoch, int first, const yti_augment *augment, yt_err *err);

/* The next batch, or *batch = NULL at the end. Lent until the next call. An image that can no longer be read is an
 * error that names it. */
yt_status yti_loader_next(yti_loader *loader, const yti_batch **batch, yt_err *err);

#endif
