/* carve.h: one block of memory cut into arrays, each on cache lines of its own, so that no two threads share one.
 *
 * One function makes the arrays, n of them one after another (t->first = yti_carve(c, n, m, sizeof *t->first)), and
 * runs twice: first without a block, which only counts, then with one of carver.used bytes. loss/assign.c shows it.
 */
#ifndef YT_BASE_CARVE_H
#define YT_BASE_CARVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { YTI_LINE = 64 /* bytes of a cache line, and of the widest vector */ };

/* Starts as zeros, or with the block as base. */
typedef struct yti_carver {
    void *base;     /* NULL: only counts */
    size_t used;    /* bytes so far, in whole lines */
    bool too_large; /* a size that no memory has: used is not to be trusted */
} yti_carver;

/* Rounds up. bytes <= SIZE_MAX - YTI_LINE. */
static inline size_t yti_whole_lines(size_t bytes) {
    return (bytes + YTI_LINE - 1) / YTI_LINE * YTI_LINE;
}

/* An array of count * each elements; NULL while it only counts. */
static inline void *yti_carve(yti_carver *carver, size_t count, size_t each, size_t size) {
    size_t bytes;
    void *array = carver->base ? (char *)carver->base + carver->used : NULL;
    if (__builtin_mul_overflow(count, each, &bytes) || __builtin_mul_overflow(bytes, size, &bytes) ||
        bytes > SIZE_MAX - YTI_LINE || __builtin_add_overflow(carver->used, yti_whole_lines(bytes), &carver->used))
        carver->too_large = true;
    return array;
}

/* A block of count floats and `slack` more, all zero, for free; NULL: no memory. */
static inline float *yti_zeros(size_t count, size_t slack) {
    if (count > SIZE_MAX / sizeof(float) - slack - YTI_LINE) return NULL;
    const size_t bytes = yti_whole_lines((count + slack) * sizeof(float));
    float *block = aligned_alloc(YTI_LINE, bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

#endif
