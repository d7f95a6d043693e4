/* order.h: which sample comes when, and the shapes of batches. */
#ifndef YT_DATA_ORDER_H
#define YT_DATA_ORDER_H

#include "data/feed/loader.h"

/* Height and width of a batch. */
typedef struct yti_input_shape {
    int h, w;
} yti_input_shape;

/* order[n] becomes the permutation of 0..n-1 of an epoch (Fisher-Yates). */
void yti_order_shuffle(int *order, int n, uint64_t seed, int epoch);

/* order[n_samples] becomes the samples by ascending height / width, equal ones as they came. */
yt_status yti_order_by_aspect(const yti_split *split, int *order, yt_err *err);

/* The shape of a rectangular batch of `count` samples (spec training 2.11). */
yti_input_shape yti_rect_shape(const yti_split *split, const int *samples, int count, const yti_loader_config *config);

/* The sizes that multi_scale may give the longer side: multiples of the stride (spec training 2.8). */
void yti_scale_limits(const yti_loader_config *config, int *smallest, int *largest);

/* The shape of batch `batch` of an epoch, which would be `base` without multi_scale. */
yti_input_shape yti_scaled_shape(yti_input_shape base, const yti_loader_config *config, int epoch, int batch);

/* `base` with its longer side brought to `longer`, both rounded up to the stride. */
yti_input_shape yti_shape_of_side(yti_input_shape base, int longer, int stride);

#endif
