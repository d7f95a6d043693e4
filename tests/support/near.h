/* near.h: comparing numbers in tests. Every check is written so that a NaN fails. */
#ifndef YT_TEST_NEAR_H
#define YT_TEST_NEAR_H

#include <stddef.h>

/* True iff |a - b| <= tolerance. */
int test_near(double a, double b, double tolerance);

/* ||a - b|| / ||b|| in double; NaN where either holds one; 0/0 is 0. count must not be 0 (returns NaN). */
double test_relative_l2(const float *a, const float *b, size_t count);

#endif
