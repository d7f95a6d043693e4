/* step_memory.h: whether a training step fits into memory. Internal to src/train. */
#ifndef YT_STEP_MEMORY_H
#define YT_STEP_MEMORY_H

#include "model/model.h"

/* NO_MEMORY where a training step of a model on n images of w x h needs more bytes than are available; 0: unknown. */
yt_status yti_step_memory_check(const yti_model *model, int n, int h, int w, int threads, size_t available,
                                yt_err *err);

/* The sentence about a batch of that many images with that side: needed and available in bytes, and what would help. */
yt_status yti_fail_memory(int batch, int side, size_t needed, size_t available, const char *advice, yt_err *err);

#endif
