/* status.c: filling in an error value. What a message quotes may come from a file, so no control character gets into
 * one.
 */
#include "base/status.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

const char *yt_status_text(yt_status code) {
    static const char *const texts[] = {
#define YT_STATUS_TEXT(name, text) [YT_##name] = text,
        YT_STATUS_MAP(YT_STATUS_TEXT)
#undef YT_STATUS_TEXT
    };
    return code < YT_STATUS_COUNT ? texts[code] : "unknown status";
}

static void finish(yt_err *err, yt_status code) {
    for (char *c = err->text; *c; c++)
        if (yti_text_is_control(*c)) *c = '?';
    err->code = code;
}

yt_status yt_fail(yt_err *err, yt_status code, const char *format, ...) {
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        finish(err, code);
    }
    return code;
}

yt_status yti_no_memory(yt_err *err, const char *what, ...) {
    if (err) {
        const int used = snprintf(err->text, sizeof err->text, "no memory for ");
        va_list args;
        va_start(args, what);
        vsnprintf(err->text + used, sizeof err->text - (size_t)used, what, args);
        va_end(args);
        finish(err, YT_ERR_NO_MEMORY);
    }
    return YT_ERR_NO_MEMORY;
}

yt_status yti_fail_at(yt_err *err, yt_status code, const char *file, size_t line, const char *format, ...) {
    if (err) {
        int used = line ? snprintf(err->text, sizeof err->text, "%s:%zu: ", file, line)
                        : snprintf(err->text, sizeof err->text, "%s: ", file);
        if (used < 0) used = 0;
        if ((size_t)used < sizeof err->text) {
            va_list args;
            va_start(args, format);
            vsnprintf(err->text + used, sizeof err->text - (size_t)used, format, args);
            va_end(args);
        }
        finish(err, code);
    }
    return code;
}
