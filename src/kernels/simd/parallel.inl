/* parallel.inl: how work is cut into items, and where their temporary memory lies.
 *
 * Cuts depend on the shape only, never on the number of threads, so every partial sum is the same sum whoever computes
 * it. Counts are multiples of ITEMS where there is enough work, because 16 divides evenly among 2, 4, 8 and 16 threads
 * (7 items on 2 threads cost a fifth of the time of a 1x1 convolution).
 */

enum { ITEMS = 16 };

YT_INLINE int thread_id(void) {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

/* Parts for `total` things, at most `most` in each and not under `least`. */
static int items_for(size_t total, size_t most, size_t least) {
    size_t items = (total + most - 1) / most;
    items = (items + ITEMS - 1) / ITEMS * ITEMS;
    if (total / items < least) items = total / least;
    return items < 1 ? 1 : (int)items;
}

/* First of the things of part i; the part ends where i + 1 begins. */
static ptrdiff_t item_begin(size_t total, int items, int i) {
    return (ptrdiff_t)(total * (size_t)i / (size_t)items);
}

/* Sizes in floats and bytes are rounded up to whole cache lines, so that no two areas share one. */
static size_t whole_lines(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

/* Hands out consecutive areas of a scratch block. With data NULL it only counts. */
typedef struct carver {
    char *data;
    size_t used;
} carver;

static void *carve(carver *from, size_t bytes) {
    void *area = from->data ? from->data + from->used : NULL;
    from->used += whole_lines(bytes);
    return area;
}
