/* status.h: how functions of the library say that something went wrong.
 *
 * A function that can fail returns a yt_status and takes a `yt_err *` as its last argument; the err receives
 * the code and one sentence for a person: where, what, and what would be right. `err` may be NULL. On failure
 * outputs are untouched unless a function says otherwise. The library never prints and never exits.
 *
 *     yt_err why;
 *     yt_model_options options = YT_MODEL_DEFAULTS;
 *     if (yt_model_load("yolo26n.yaml", &options, &model, &why) != YT_OK)
 *         fprintf(stderr, "%s\n", why.text);
 */
#ifndef YT_STATUS_H
#define YT_STATUS_H

#include <stddef.h>

/* code, meaning */
#define YT_STATUS_MAP(X)                                                                                     \
    X(OK, "ok")                                                                                              \
    X(ARGUMENT, "an argument is out of its range")                                                           \
    X(NO_MEMORY, "out of memory")                                                                            \
    X(IO, "a file could not be read or written")                                                             \
    X(SYNTAX, "a file is not in the format it should be in")                                                 \
    X(MODEL, "a model description does not describe a network")                                              \
    X(DATA, "a dataset, label or image is unusable")                                                         \
    X(MISMATCH, "two things that must fit do not")                                                           \
    X(NON_FINITE, "a value became NaN or infinite")                                                          \
    X(STOPPED, "stopped on request")

typedef enum yt_status {
#define YT_STATUS_ENUM(code, text) YT_##code,
    YT_STATUS_MAP(YT_STATUS_ENUM)
#undef YT_STATUS_ENUM
        YT_STATUS_COUNT
} yt_status;

typedef struct yt_err {
    yt_status code;
    char text[1024]; /* "file:line: what; what would be right", one line, control characters as '?' */
} yt_err;

/* The meaning of a code, from the table above. */
const char *yt_status_text(yt_status code);

/* Fills err (when not NULL) and returns code, so that a failure is one statement. */
yt_status yt_fail(yt_err *err, yt_status code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with a place in the user's input in front: "file:line: ". line 0 leaves the line out. */
yt_status yt_fail_at(yt_err *err, yt_status code, const char *file, size_t line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Passes a failure on. Only where nothing has to be released. */
#define YT_TRY(expression)                                                                                   \
    do {                                                                                                     \
        yt_status yt_try_ = (expression);                                                                    \
        if (yt_try_ != YT_OK) return yt_try_;                                                                \
    } while (0)

#endif
