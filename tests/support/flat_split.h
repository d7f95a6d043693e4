/* flat_split.h: a split of seven flat pictures, and loaders over it. */
#ifndef YT_TEST_FLAT_SPLIT_H
#define YT_TEST_FLAT_SPLIT_H

#include "data/feed/loader.h"

enum { YT_FLAT_SAMPLES = 7 };

/* Sample i: a picture of 30 i + 7, 30 i + 17, 30 i + 27 with i % 3 boxes of class i. */
extern yt_split yt_flat_split;
extern const int yt_flat_sizes[YT_FLAT_SAMPLES][2]; /* w, h */

/* For .init and .fini of a suite. */
void yt_flat_make(void);
void yt_flat_free(void);

/* Every augmentation a little. */
extern const yt_augment yt_flat_augment;

/* 64 x 64, seed 11. */
yt_loader_config yt_flat_training(int batch, int workers, size_t cache_bytes);
yt_loader_config yt_flat_validation(int batch, bool rect);

/* These must succeed. */
yt_loader *yt_flat_create(const yt_loader_config *config);
void yt_flat_begin(yt_loader *loader, int epoch, int first, const yt_augment *augment);
const yt_batch *yt_flat_next(yt_loader *loader);

/* Of pixels, samples and boxes of a batch. */
uint64_t yt_flat_hash(const yt_batch *batch);

#endif
