/* rng.h: counter-based random numbers.
 *
 * A stream is named by (seed, epoch, item, purpose) and nothing else, so what a sample draws does not depend on which
 * thread drew it or on what was drawn before it. The generator is Philox4x32-10 (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", 2011). The state is a value: copying it forks the stream.
 */
#ifndef YT_RNG_H
#define YT_RNG_H

#include <stdint.h>

/* What a stream is for; a new use takes a new row, so that it disturbs no other. */
typedef enum yti_rng_purpose {
    YT_RNG_INIT,    /* item = hash of the parameter's name */
    YT_RNG_SHUFFLE, /* item = 0 */
    YT_RNG_MOSAIC,  /* item = position of the sample in the epoch, here and below */
    YT_RNG_AFFINE,
    YT_RNG_COLOUR,
    YT_RNG_FLIP,
    YT_RNG_RENDER, /* tools: made pictures */
    YT_RNG_TEST,
    YT_RNG_MIXUP,
    YT_RNG_CUTMIX,
    YT_RNG_SCALE /* of the input; item = batch in the epoch */
} yti_rng_purpose;

typedef struct yti_rng {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4]; /* the last four words made */
    uint32_t used;     /* how many of them are used up */
} yti_rng;

yti_rng yti_rng_make(uint64_t seed, uint64_t epoch, uint64_t item, yti_rng_purpose purpose);
uint32_t yti_rng_u32(yti_rng *rng);
double yti_rng_unit(yti_rng *rng);                          /* [0, 1), 53 bits */
double yti_rng_uniform(yti_rng *rng, double lo, double hi); /* [lo, hi) */
uint32_t yti_rng_below(yti_rng *rng, uint32_t n);           /* 0 .. n-1, unbiased; n > 0 */
double yti_rng_normal(yti_rng *rng);                        /* mean 0, variance 1 (Box-Muller) */
double yti_rng_beta(yti_rng *rng, int a, int b);            /* Beta(a, b); a, b >= 1, a + b <= 65 */
uint64_t yti_hash64(const void *data, uint64_t n_bytes);    /* FNV-1a, for stream items named by a string */

/* FNV-1a over the 32-bit patterns of floats instead of bytes. */
uint64_t yti_hash64_floats(const float *values, uint64_t n);

#endif
