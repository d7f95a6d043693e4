/* guarded.h: maps of floats with guard values before, after and between their channels. */
#ifndef YT_TEST_GUARDED_H
#define YT_TEST_GUARDED_H

#include "base/rng.h"
#include "tensor/tensor.h"

#include <stdbool.h>

typedef struct guarded {
    float *memory;
    size_t count;
    yti_tensor view;
} guarded;

/* A map whose pixels are `before + c + after` floats apart, the channels starting after `before`. */
guarded guarded_make(int n, int h, int w, int c, int before, int after);
void guarded_free(guarded *map);

/* Integers in [-most, most]: sums of their products are exact, so any order of summation gives the same bits. */
void guarded_fill_integers(guarded *map, yti_rng *rng, int most);
/* Sums of four uniform numbers: variance 1, |value| < 3.5. */
void guarded_fill_bell(guarded *map, yti_rng *rng);
void guarded_copy(const guarded *from, guarded *to);

/* Whether everything that is not a channel of the map still holds the guard value. */
bool guarded_intact(const guarded *map);

/* Whether the channels hold the same bits (0 and -0 alike). */
bool guarded_equal(const guarded *a, const guarded *b);

/* max |a - b| / (scale + |b|); NaN where either is. */
double guarded_error(const guarded *a, const guarded *b, double scale);

#endif
