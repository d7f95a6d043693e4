/* weights_unfold.h: weights that were fused for inference brought back into the form that is trained. Internal to
 * src/weights.
 *
 * A convolution with a bias b becomes one without, and a normalisation of mean 0 and variance 1, gain sqrt(1 + eps) and
 * bias b: the network computes the same. (Its statistics are not those of the maps; train/parts/norm_statistics.h
 * measures them.) A branch of the head that fusing has dropped starts as the other one.
 */
#ifndef YT_WEIGHTS_UNFOLD_H
#define YT_WEIGHTS_UNFOLD_H

#include "weights/weights_file.h"

/* The tensors of a file and those that were made from them. */
typedef struct yti_unfolded {
    yti_st_file file; /* lends from the file that was unfolded, which lives longer; storage NULL */
    void *made;       /* names and values of what is new */
} yti_unfolded;

yt_status yti_weights_unfold(const yti_st_file *fused, yti_unfolded *out, yt_err *err);
void yti_unfolded_free(yti_unfolded *unfolded);

#endif
