/* gradcheck.h: central differences in double against an analytic gradient. */
#ifndef YT_TEST_GRADCHECK_H
#define YT_TEST_GRADCHECK_H

#include <stddef.h>

/* The loss as a function of everything it reads, among it the input under test. */
typedef double loss_fn(const void *self);

/* Asserts that gradient is d loss / d input: along each of the `count` axes and along several random directions.
 * Signed. The step is 1e-5: with third derivatives below 100 the difference quotient is wrong by less than 1e-5^2 *
 * 100 / 6 = 2e-9, and with |loss| below 1000 rounding adds 1000 * 1e-16 / 1e-5 = 1e-8; the tolerance is 1e-7
 * relative to 1 + |derivative|. The input is restored. */
void gradcheck(const char *name, loss_fn *loss, const void *self, double *input, size_t count, const double *gradient);

#endif
