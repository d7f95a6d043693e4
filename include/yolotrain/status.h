/* status.h: how functions of the library say that something went wrong.
 *
 * A function that can fail returns a yt_status and takes a `yt_err *` as its last argument; the err receives the code
 * and one sentence for a person: where, what, and what would be right. `err` may be NULL. On failure outputs are
 * untouched unless a function says otherwise. The library never prints and never exits.
 *
 * Words about memory: what is *owned* is released with the function of its type; what is *lent* stays the owner's and
 * lives as long as the function says; what is *borrowed* by an object must outlive it.
 */
#ifndef YOLOTRAIN_STATUS_H
#define YOLOTRAIN_STATUS_H

#include "yolotrain/version.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* code, meaning */
#define YT_STATUS_MAP(X)                                                                                               \
    X(OK, "ok")                                                                                                        \
    X(ERR_ARGUMENT, "an argument is out of its range")                                                                 \
    X(ERR_NO_MEMORY, "out of memory")                                                                                  \
    X(ERR_IO, "a file could not be read or written")                                                                   \
    X(ERR_SYNTAX, "a file is not in the format it should be in")                                                       \
    X(ERR_MODEL, "a model description does not describe a network")                                                    \
    X(ERR_DATA, "a dataset, label or image is unusable")                                                               \
    X(ERR_MISMATCH, "two things that must fit do not")                                                                 \
    X(ERR_NON_FINITE, "a value became NaN or infinite")                                                                \
    X(ERR_STOPPED, "stopped on request")

typedef enum yt_status {
#define YT_STATUS_ENUM(code, text) YT_##code,
    YT_STATUS_MAP(YT_STATUS_ENUM)
#undef YT_STATUS_ENUM
        YT_STATUS_COUNT
} yt_status;

/* 1 KiB; on the stack of whoever calls. */
typedef struct yt_err {
    yt_status code;
    char text[1024]; /* "file:line: what; what would be right", one line, control characters as '?' */
} yt_err;

/* The meaning of a code, from the table above. Cannot fail. */
YT_API const char *yt_status_text(yt_status code);

/* Fills err (when not NULL) and returns code, so that a failure is one statement; for callbacks of your own. */
YT_API yt_status yt_fail(yt_err *err, yt_status code, const char *format, ...) YT_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif

#endif
