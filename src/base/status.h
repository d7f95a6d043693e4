/* status.h: failing with a place in the user's input, and passing a failure on; beside the public status.h. */
#ifndef YT_BASE_STATUS_H
#define YT_BASE_STATUS_H

#include "yolotrain/status.h"

/* yt_fail with a place in front: "file:line: ". line 0 leaves the line out. */
yt_status yti_fail_at(yt_err *err, yt_status code, const char *file, size_t line, const char *format, ...)
    YT_PRINTF(5, 6);

/* NO_MEMORY: "no memory for " and what it was for. */
yt_status yti_no_memory(yt_err *err, const char *what, ...) YT_PRINTF(2, 3);

/* Passes a failure on. Only where nothing has to be released. */
#define YT_TRY(expression)                                                                                             \
    do {                                                                                                               \
        yt_status yti_try_ = (expression);                                                                             \
        if (yti_try_ != YT_OK) return yti_try_;                                                                        \
    } while (0)

#endif
