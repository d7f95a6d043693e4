/* arena.h: many small pieces of memory that are released together: a chain of chunks, filled front to back. */
#ifndef YT_BASE_ARENA_H
#define YT_BASE_ARENA_H

#include <stddef.h>
#include <stdlib.h>

enum { YTI_CHUNK_BYTES = 16384 };

typedef struct yti_chunk {
    struct yti_chunk *next;
    size_t used, capacity;
    max_align_t data[];
} yti_chunk;

/* All zeros is an empty one. */
typedef struct yti_arena {
    yti_chunk *chunks;
} yti_arena;

/* `bytes` of memory aligned for any type, not cleared; NULL: none left. */
static inline void *yti_arena_take(yti_arena *arena, size_t bytes) {
    const size_t align = sizeof(max_align_t), limit = (size_t)-1 - sizeof(yti_chunk) - align;
    if (bytes > limit) return NULL;
    bytes = (bytes + align - 1) / align * align;
    if (!arena->chunks || arena->chunks->capacity - arena->chunks->used < bytes) {
        size_t capacity = bytes > YTI_CHUNK_BYTES ? bytes : YTI_CHUNK_BYTES;
        yti_chunk *fresh = malloc(sizeof *fresh + capacity);
        if (!fresh) return NULL;
        *fresh = (yti_chunk){.next = arena->chunks, .capacity = capacity};
        arena->chunks = fresh;
    }
    void *place = (char *)arena->chunks->data + arena->chunks->used;
    arena->chunks->used += bytes;
    return place;
}

static inline void yti_arena_free(yti_arena *arena) {
    while (arena->chunks) {
        yti_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
}

#endif
