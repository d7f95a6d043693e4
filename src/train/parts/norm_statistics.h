/* norm_statistics.h: the statistics of normalisations that were folded into their convolutions, measured on images.
 * Internal to src/train.
 */
#ifndef YT_TRAIN_NORM_STATISTICS_H
#define YT_TRAIN_NORM_STATISTICS_H

#include "data/index/dataset.h"
#include "model/model.h"

/* With mean m and variance v of what a convolution gives, per channel, gain and bias become
 *
 *   g' = g sqrt(v + eps) / sqrt(v_old + eps),   b' = b + g (m - m_old) / sqrt(v_old + eps),
 *
 * so that the network computes the same as before, and batches in training, too, are normalised to about what they were
 * when the weights were trained. On at most 128 images, evenly spread over the split, as validation sees them; their
 * number goes to *images. The graph is planned anew. */
yt_status yti_measure_statistics(yti_model *model, const yti_split *split, int imgsz, int threads, int *images,
                                 yt_err *err);

#endif
