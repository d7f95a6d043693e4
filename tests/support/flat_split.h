/* flat_split.h: a split of seven flat images, and loaders over it. */
#ifndef YT_TEST_FLAT_SPLIT_H
#define YT_TEST_FLAT_SPLIT_H

#include "data/feed/loader.h"

enum { YT_FLAT_SAMPLES = 7 };

/* Sample i: an image of 30 i + 7, 30 i + 17, 30 i + 27 with i % 3 boxes of class i. */
extern yti_split test_flat_split;
extern const int test_flat_sizes[YT_FLAT_SAMPLES][2]; /* w, h */

/* For .init and .fini of a suite. */
void test_flat_make(void);
void test_flat_free(void);

/* Every augmentation a little. */
extern const yti_augment test_flat_augment;

/* 64 x 64, seed 11. */
yti_loader_config test_flat_training(int batch, int workers, size_t cache_bytes);
yti_loader_config test_flat_validation(int batch, bool rect);

/* These must succeed. */
yti_loader *test_flat_create(const yti_loader_config *config);
void test_flat_begin(yti_loader *loader, int epoch, int first, const yti_augment *augment);
const yti_batch *test_flat_next(yti_loader *loader);

/* Of pixels, samples and boxes of a batch. */
uint64_t test_flat_hash(const yti_batch *batch);

#endif
