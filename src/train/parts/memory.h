/* memory.h: what a run needs, against what the machine has, before anything is trained. Internal to src/train. */
#ifndef YT_RUN_MEMORY_H
#define YT_RUN_MEMORY_H

#include "train/parts/run_view.h"

/* The bytes of network, optimizer, average and loaders into *planned; NO_MEMORY, with the largest batch that fits, when
 * that is more than is available (0: unknown). */
yt_status yti_memory_check(const yti_run_view *run, size_t available, size_t *planned, yt_err *err);

#endif
