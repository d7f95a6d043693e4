/* finite.h: whether floats are finite, asked of their bits: isfinite() of every value of a network keeps loops from
 * being vectorised. */
#ifndef YT_BASE_FINITE_H
#define YT_BASE_FINITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* An exponent of ones is an infinity or a NaN. */
static inline bool yti_is_finite(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x7f800000u) != 0x7f800000u;
}

static inline bool yti_all_finite(const float *values, size_t count) {
    int bad = 0;
    for (size_t i = 0; i < count; i++) bad |= !yti_is_finite(values[i]);
    return !bad;
}

#endif
