/* float_statistics.h: batch statistics as the reference took them, for comparing several steps.
 *
 * The reference added a channel's values one after the other in float; over the 102,400 pixels of the first map that is
 * off by some 4e-4 of a standard deviation, far more than everything else the two implementations do differently, and
 * within a few steps it can move a prediction across the assigner's threshold. Ours adds in double. To see that nothing
 * else differs, a test may have the same error.
 *
 * For programs linked with --wrap=yti_kernels_get.
 */
#ifndef YT_TEST_FLOAT_STATISTICS_H
#define YT_TEST_FLOAT_STATISTICS_H

#include <stdbool.h>

/* From now on convolutions report sums in float (true), or what the kernels make (false). */
void test_float_statistics(bool on);

#endif
