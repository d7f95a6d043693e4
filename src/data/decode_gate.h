/* decode_gate.h: threads decode at the same time only what fits into one amount of memory. */
#ifndef YT_DATA_DECODE_GATE_H
#define YT_DATA_DECODE_GATE_H

#include "yt/image.h"

#include <pthread.h>

/* Images are let in while their memory adds up to at most what a single image may take (data/README.md). */
typedef struct yti_decode_gate {
    pthread_mutex_t lock;
    pthread_cond_t left;
    size_t used;
} yti_decode_gate;

yt_status yti_decode_gate_init(yti_decode_gate *gate, yt_err *err);
void yti_decode_gate_deinit(yti_decode_gate *gate);

/* yt_image_load of a file that was probed: waits until its memory is free. */
yt_status yti_decode_gate_load(yti_decode_gate *gate, const char *path, size_t memory, yt_image *out,
                               yt_err *err);

#endif
