/* eval/top.h: the k best of a stream of scored indices. */
#ifndef YT_EVAL_TOP_H
#define YT_EVAL_TOP_H

#include "base/status.h"

/* A score and where it came from. Among equal scores the lower index is the better one, so the order is total and
 * what is kept depends on nothing but the stream. */
typedef struct yti_ranked {
    float score;
    size_t index;
} yti_ranked;

/* Owns items. While offering, items is a heap with its worst entry first; after yti_top_sort best first. */
typedef struct yti_top {
    yti_ranked *items;
    size_t count, capacity;
} yti_top;

yt_status yti_top_create(size_t capacity, yti_top *out, yt_err *err);
void yti_top_free(yti_top *top);

/* Takes the entry if it is among the `capacity` best so far. score must not be NaN. */
void yti_top_offer(yti_top *top, float score, size_t index);

/* Puts the entries in order, best first. No offers after it. */
void yti_top_sort(yti_top *top);

#endif
