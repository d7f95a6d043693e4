/* decode_gate.h: threads decode at the same time only what fits into one amount of memory. */
#ifndef YT_DATA_DECODE_GATE_H
#define YT_DATA_DECODE_GATE_H

#include "image/image.h"

#include <pthread.h>

/* Images are let in while their memory adds up to at most what a single image may take (data/README.md). */
typedef struct yti_decode_gate {
    pthread_mutex_t lock;
    pthread_cond_t left;
    size_t used;
} yti_decode_gate;

yt_status yti_decode_gate_init(yti_decode_gate *gate, yt_err *err);
void yti_decode_gate_deinit(yti_decode_gate *gate);

/* Waits until that much memory is free, and gives it back. */
void yti_decode_gate_enter(yti_decode_gate *gate, size_t memory);
void yti_decode_gate_leave(yti_decode_gate *gate, size_t memory);

/* yti_image_load_with_info through a gate (image_io.c). */
yt_status yti_image_load_through(yti_decode_gate *gate, const char *path, yt_image *out, yti_image_info *info,
                                 yt_err *err);

#endif
