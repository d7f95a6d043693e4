/* noise.c: a linear congruential generator (Numerical Recipes 7.1), so that tests do not lean on the streams they test.
 */
#include "support/noise.h"

#include <criterion/criterion.h>
#include <stdlib.h>

uint8_t *test_noise(size_t bytes, uint32_t state) {
    uint8_t *data = malloc(bytes);
    cr_assert_not_null(data);
    for (size_t i = 0; i < bytes; i++) {
        state = state * 1664525u + 1013904223u;
        data[i] = (uint8_t)(state >> 24);
    }
    return data;
}
