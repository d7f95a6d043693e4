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

/* Puts a sentence after the first `used` characters. */
static void put(yt_err *err, yt_status code, int used, const char *format, va_list args) {
    if (used < 0) used = 0;
    if ((size_t)used < sizeof err->text) vsnprintf(err->text + used, sizeof err->text - (size_t)used, format, args);
    finish(err, code);
}

yt_status yt_fail(yt_err *err, yt_status code, const char *format, ...) {
    if (!err) return code;
    va_list args;
    va_start(args, format);
    put(err, code, 0, format, args);
    va_end(args);
    return code;
}

yt_status yti_no_memory(yt_err *err, const char *what, ...) {
    if (!err) return YT_ERR_NO_MEMORY;
    va_list args;
    va_start(args, what);
    put(err, YT_ERR_NO_MEMORY, snprintf(err->text, sizeof err->text, "no memory for "), what, args);
    va_end(args);
    return YT_ERR_NO_MEMORY;
}

yt_status yti_fail_at(yt_err *err, yt_status code, const char *file, size_t line, const char *format, ...) {
    if (!err) return code;
    const int used = line ? snprintf(err->text, sizeof err->text, "%s:%zu: ", file, line)
                          : snprintf(err->text, sizeof err->text, "%s: ", file);
    va_list args;
    va_start(args, format);
    put(err, code, used, format, args);
    va_end(args);
    return code;
}
