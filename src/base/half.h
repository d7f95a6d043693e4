/* half.h: IEEE binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
#ifndef YT_BASE_HALF_H
#define YT_BASE_HALF_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

static inline float yti_float_from_half(uint16_t half) {
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double value;
    if (exponent == 31)
        value = fraction ? (double)NAN : HUGE_VAL;
    else if (exponent == 0)
        value = ldexp(fraction, -24);
    else
        value = ldexp(fraction + 1024, exponent - 25);
    return (float)(half & 0x8000 ? -value : value);
}

/* To the nearest, ties to even. What is too large becomes the largest finite value, +-65504, as the reference trainer
 * writes it: an infinite weight is of no use to anybody. NaN stays NaN. */
static inline uint16_t yti_half_from_float(float value) {
    const double magnitude = fabs((double)value);
    const unsigned sign = signbit(value) ? 0x8000u : 0;
    if (isnan(value)) return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 65504) return (uint16_t)(sign | 0x7bffu);
    if (magnitude == 0) return (uint16_t)sign;
    int exponent = ilogb(magnitude);
    if (exponent < -14) exponent = -14; /* below, the steps are those of the smallest normal number */
    const unsigned steps = (unsigned)nearbyint(ldexp(magnitude, 10 - exponent)); /* at most 2048 */
    /* Normal numbers have 1024 or more steps; the carry of 2048 is the next exponent. */
    return (uint16_t)(sign | ((unsigned)(exponent + 14) * 1024 + steps));
}

/* What 16 bits could not hold of the tensors that were converted. All 0 at first. */
typedef struct yti_half_loss {
    size_t n_clamped;        /* values beyond 65504, which is what they became */
    size_t n_vanished;       /* values that became 0 and were not */
    char first_clamped[128]; /* the tensor of the first that was clamped */
} yti_half_loss;

/* Converts n values of a tensor and adds what was lost. */
void yti_half_convert(const char *name, const float *values, size_t n, uint16_t *half, yti_half_loss *loss);

#endif
