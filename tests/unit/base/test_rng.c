/* Tests of src/base/rng.c: the distributions that are not uniform. */
#include "base/rng.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>

/* Beta(a, b) has the mean a / (a + b) and the variance a b / ((a + b)^2 (a + b + 1)). With N draws the mean misses
 * by sqrt(variance / N) and the variance by less than twice itself / sqrt(N); five of these are allowed. */
static void expect_beta(int a, int b) {
    enum { N = 20000 };
    yti_rng rng = yti_rng_make(8, 0, (uint64_t)(100 * a + b), YT_RNG_TEST);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        double x = yti_rng_beta(&rng, a, b);
        cr_assert(x >= 0 && x < 1);
        sum += x;
        squares += x * x;
    }
    double n = a + b, mean = sum / N, variance = squares / N - mean * mean;
    double expected_mean = a / n, expected = a * b / (n * n * (n + 1));
    cr_assert(test_near(mean, expected_mean, 5 * sqrt(expected / N)), "Beta(%d, %d): mean %g", a, b, mean);
    cr_assert(test_near(variance, expected, 5 * 2 * expected / sqrt(N)), "Beta(%d, %d): variance %g, not %g", a, b,
              variance, expected);
}

Test(beta, mean_and_variance_are_those_of_the_distribution) {
    expect_beta(32, 32);
    expect_beta(1, 1);
    expect_beta(2, 5);
    expect_beta(1, 3);
}

/* Beta(32, 32) within one standard deviation of the mean: 68 % of a normal distribution, nearly. */
Test(beta, shares_are_near_a_half) {
    yti_rng rng = yti_rng_make(8, 1, 0, YT_RNG_TEST);
    int near = 0;
    for (int i = 0; i < 10000; i++) near += fabs(yti_rng_beta(&rng, 32, 32) - 0.5) < 0.0620;
    cr_assert(near > 6600 && near < 7100, "%d", near);
}
