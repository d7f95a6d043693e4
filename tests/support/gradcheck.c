/* gradcheck.c: see gradcheck.h. */
#include "support/gradcheck.h"

#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum { DIRECTIONS = 6 };

static double derivative(loss_fn *loss, const void *self, double *input, size_t count, const double *direction) {
    const double step = 1e-5;
    double *kept = malloc(count * sizeof *kept);
    cr_assert_not_null(kept);
    double values[2];
    for (size_t i = 0; i < count; i++) kept[i] = input[i];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < count; i++) input[i] = kept[i] + (side ? step : -step) * direction[i];
        values[side] = loss(self);
    }
    for (size_t i = 0; i < count; i++) input[i] = kept[i];
    free(kept);
    return (values[1] - values[0]) / (2 * step);
}

void gradcheck(const char *name, loss_fn *loss, const void *self, double *input, size_t count, const double *gradient) {
    cr_assert(count > 0, "%s: nothing to check", name);
    double *direction = calloc(count, sizeof *direction);
    cr_assert_not_null(direction);
    yti_rng rng = yti_rng_make(1, 0, count, YT_RNG_TEST);
    for (size_t round = 0; round < count + DIRECTIONS; round++) {
        double expected = 0;
        for (size_t i = 0; i < count; i++) {
            direction[i] = round < count ? (double)(i == round) : yti_rng_normal(&rng) / sqrt((double)count);
            expected += direction[i] * gradient[i];
        }
        double measured = derivative(loss, self, input, count, direction);
        cr_assert(fabs(measured - expected) <= 1e-7 * (1 + fabs(measured)), "%s, direction %zu: %.10g, measured %.10g",
                  name, round, expected, measured);
    }
    free(direction);
}
