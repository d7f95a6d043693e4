/* top.c: the k best of a stream, kept in a binary heap whose root is the worst entry kept.
 *
 * One comparison rejects an entry that is not among the best so far, which is the common case, so n offers cost about n
 * comparisons. Taking the root off to the end, again and again, leaves the entries best first.
 */
#include "eval/top.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static bool better(yti_ranked a, yti_ranked b) {
    return a.score > b.score || (a.score == b.score && a.index < b.index);
}

static void sift_up(yti_ranked *heap, size_t at) {
    yti_ranked item = heap[at];
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!better(heap[parent], item)) break;
        heap[at] = heap[parent];
        at = parent;
    }
    heap[at] = item;
}

static void sift_down(yti_ranked *heap, size_t count, size_t at) {
    yti_ranked item = heap[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && better(heap[child], heap[child + 1])) child++;
        if (!better(item, heap[child])) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

yt_status yti_top_create(size_t capacity, yti_top *out, yt_err *err) {
    if (capacity > SIZE_MAX / sizeof(yti_ranked))
        return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to rank %zu candidates", capacity);
    yti_ranked *items = malloc((capacity ? capacity : 1) * sizeof *items);
    if (!items) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to rank %zu candidates", capacity);
    *out = (yti_top){items, 0, capacity};
    return YT_OK;
}

void yti_top_free(yti_top *top) {
    free(top->items);
    *top = (yti_top){0};
}

void yti_top_offer(yti_top *top, float score, size_t index) {
    yti_ranked item = {score, index};
    if (top->count < top->capacity) {
        top->items[top->count] = item;
        sift_up(top->items, top->count++);
    } else if (top->capacity > 0 && better(item, top->items[0])) {
        top->items[0] = item;
        sift_down(top->items, top->count, 0);
    }
}

void yti_top_sort(yti_top *top) {
    for (size_t left = top->count; left > 1; left--) {
        yti_ranked worst = top->items[0];
        top->items[0] = top->items[left - 1];
        sift_down(top->items, left - 1, 0);
        top->items[left - 1] = worst;
    }
}
