/* distance.c: distances as distributions over bins 0 .. reg_max - 1 (Li et al., "Generalized focal loss", NeurIPS
 * 2020), or as plain numbers when reg_max is 1.
 *
 * With p = softmax(x):   mean = sum_k k p_k,      d mean / d x_k = p_k (k - mean)
 *                        CE_j = -log p_j,         d CE_j / d x_k = p_k - [k = j]
 * p is recomputed from (top, sum) where it is needed, so there is no limit on reg_max and no memory.
 */
#include "loss/distance.h"

#include <math.h>

yti_bins yti_bins_of(const float *logits, int reg_max) {
    yti_bins bins = {.top = (double)logits[0]};
    for (int k = 1; k < reg_max; k++) {
        if ((double)logits[k] > bins.top) bins.top = (double)logits[k];
    }
    for (int k = 0; k < reg_max; k++) {
        double e = exp((double)logits[k] - bins.top);
        bins.sum += e;
        bins.mean += k * e;
    }
    bins.mean /= bins.sum;
    return bins;
}

void yti_distances(const float *box, int reg_max, double sides[4]) {
    for (int i = 0; i < 4; i++) {
        sides[i] = reg_max == 1 ? (double)box[i] : yti_bins_of(box + i * reg_max, reg_max).mean;
    }
}

double yti_bins_loss(const yti_bins *bins, const float *logits, int reg_max, double target, double d_mean,
                     double d_loss, float *d_logits) {
    int low = (int)target;
    double high_share = target - low, low_share = 1 - high_share;
    for (int k = 0; d_logits && k < reg_max; k++) {
        double p = exp((double)logits[k] - bins->top) / bins->sum;
        double wanted = k == low ? low_share : k == low + 1 ? high_share : 0;
        d_logits[k] = (float)(d_mean * p * (k - bins->mean) + d_loss * (p - wanted));
    }
    double picked = low_share * (double)logits[low] + high_share * (double)logits[low + 1];
    return bins->top + log(bins->sum) - picked;
}
