/* conv_case.h: one convolution through all its passes, compared bit for bit with the reference table. */
#ifndef YT_TEST_CONV_CASE_H
#define YT_TEST_CONV_CASE_H

#include "kernels/kernels.h"

typedef struct conv_case {
    yti_conv_geometry conv;
    int n, h, w;
    int before, after; /* foreign floats around the channels of every map */
} conv_case;

/* Fills maps and weights with small integers, runs every pass of each table with every number of threads of a list
 * and asserts: results equal those of the reference, the moments are within 1e-6 of it and have the same bits for
 * any number of threads, the activated output is the activation of the plain one, nothing is written outside the
 * channels or past the scratch. `seed` picks the integers and the activation; odd ones accumulate into d_x and have
 * a bias and a shortcut. */
void conv_case_check(const yti_kernels *const *tables, int count, const conv_case *c, unsigned seed);

/* A case drawn from small shapes around the edges of the tiles; index 0, 1, 2, ... */
conv_case conv_case_random(unsigned index);

#endif
