/* noise.h: bytes without a pattern. */
#ifndef YT_TEST_NOISE_H
#define YT_TEST_NOISE_H

#include <stddef.h>
#include <stdint.h>

/* Released with free. The same state gives the same bytes. */
uint8_t *test_noise(size_t bytes, uint32_t state);

#endif
