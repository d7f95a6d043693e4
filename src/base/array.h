/* array.h: growing a malloc'd array. */
#ifndef YT_BASE_ARRAY_H
#define YT_BASE_ARRAY_H

#include <stdint.h>
#include <stdlib.h>

/* Room for `need` elements of `size` bytes, by doubling. Returns the array, moved or not, and updates
 * *capacity; NULL: out of memory, and the old array is still good. need > 0. */
static inline void *yti_grow(void *array, size_t *capacity, size_t need, size_t size) {
    if (need <= *capacity) return array;
    size_t wanted = *capacity < 8 ? 8 : *capacity > SIZE_MAX / 2 ? need : *capacity * 2;
    if (wanted < need) wanted = need;
    if (wanted > SIZE_MAX / size) return NULL;
    void *grown = realloc(array, wanted * size);
    if (grown) *capacity = wanted;
    return grown;
}

#endif
