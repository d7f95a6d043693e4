/* distance.h: from the box channels of a head to the distances anchor - side (internal to src/loss). */
#ifndef YT_LOSS_DISTANCE_H
#define YT_LOSS_DISTANCE_H

/* The distribution that one side's bin logits stand for: bin k has p_k = exp(logit_k - top) / sum. */
typedef struct yti_bins {
    double top, sum;
    double mean; /* sum over k of k*p_k: the predicted distance */
} yti_bins;

yti_bins yti_bins_of(const float *logits, int reg_max);

/* Distances (left, top, right, bottom) in grid units from 4*reg_max channels. */
void yti_distances(const float *box, int reg_max, double sides[4]);

/* Cross-entropy of the bins against a target between two of them, in [0, reg_max - 1): the target's weight is shared
 * by its neighbours floor(target) and floor(target) + 1 (distribution focal loss, Li et al. 2020). When d_logits is
 * not NULL it receives d_mean * d mean/d logits + d_loss * d loss/d logits. */
double yti_bins_loss(const yti_bins *bins, const float *logits, int reg_max, double target, double d_mean,
                     double d_loss, float *d_logits);

#endif
