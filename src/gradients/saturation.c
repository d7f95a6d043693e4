/* saturation.c: which units of a layer pass (almost) no gradient, from the values after the activation function.
 *
 * A value is in a flat part of its function by the table below. A unit is a channel; it is saturated (of ReLU: dead)
 * when it is flat at more than 99 % of the pixels of a batch: "active < 1 %", the rule of SageMaker's DeadRelu. SiLU
 * and GELU come back to 0 from below, so a small negative value may also lie beside z = 0, where the slope is a half;
 * of values spread over a range of 1 that are two in a thousand, which never make 99 %.
 */
#include "gradients/gradients.h"

#include <math.h>

static const double MOST_PIXELS = 0.99;
enum { BLOCK = 64 }; /* channels counted together */

/* Flat: from low to low_end, or from high on. */
static const struct flat {
    yti_activation_kind act;
    float low, low_end, high;
} flats[] = {
    {YT_ACT_RELU, -HUGE_VALF, 0, HUGE_VALF},
    {YT_ACT_LEAKY_RELU, -HUGE_VALF, 0, HUGE_VALF},                /* a slope of `slope` only */
    {YT_ACT_SILU, -1e-3f, 0, HUGE_VALF},                          /* z < -9.1: |slope| < 1e-3 */
    {YT_ACT_GELU, -1e-3f, 0, HUGE_VALF},                          /* z < -3.4: |slope| < 4e-3 */
    {YT_ACT_HARDSWISH, 0, 0, HUGE_VALF},                          /* z <= -3, where the slope is 0; and z = 0 */
    {YT_ACT_TANH, -HUGE_VALF, -(1 - 1e-7f), 1 - 1e-7f},           /* |z| > 8.4; SageMaker: 9.4999, where float is 1 */
    {YT_ACT_SIGMOID, -HUGE_VALF, 1.026188e-10f, 1 - 4.139938e-8f} /* z < -23 or > 16.99999: SageMaker */
};

static const struct flat *find(yti_activation_kind act) {
    for (size_t i = 0; i < sizeof flats / sizeof flats[0]; i++)
        if (flats[i].act == act) return &flats[i];
    return NULL;
}

bool yti_flow_is_bounded(yti_activation_kind act) {
    const struct flat *f = find(act);
    return f && f->high < HUGE_VALF;
}

/* How many of up to BLOCK channels from c0 on are saturated. */
static int count_units(const struct flat *f, yti_tensor y, int c0) {
    const int n = y.c - c0 < BLOCK ? y.c - c0 : BLOCK;
    const size_t pixels = yti_tensor_pixels(y);
    uint32_t flat[BLOCK] = {0};
    int units = 0;
    for (size_t p = 0; p < pixels; p++) {
        const float *x = y.data + (ptrdiff_t)p * y.ld + c0;
        for (int c = 0; c < n; c++) flat[c] += ((x[c] >= f->low) & (x[c] <= f->low_end)) | (x[c] >= f->high);
    }
    for (int c = 0; c < n; c++) units += (double)flat[c] > MOST_PIXELS * (double)pixels;
    return units;
}

double yti_flow_saturated(yti_activation_kind act, yti_tensor y, int threads) {
    const struct flat *f = find(act);
    if (!f || y.c < 1) return (double)NAN;
    int units = 0;
    (void)threads; /* without OpenMP */
#pragma omp parallel for schedule(static) num_threads(threads) reduction(+ : units)
    for (int c0 = 0; c0 < y.c; c0 += BLOCK) units += count_units(f, y, c0);
    return (double)units / y.c;
}
