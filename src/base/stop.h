/* stop.h: the wish that a long task end, which another thread or a signal handler makes known. */
#ifndef YT_BASE_STOP_H
#define YT_BASE_STOP_H

#include <stdatomic.h>

/* 0: continue; anything else, as the number of a signal: stop. Lock-free, so a signal handler may store into it. */
typedef atomic_int yti_stop;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler stores into it");

#endif
