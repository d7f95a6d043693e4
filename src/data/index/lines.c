/* lines.c: see lines.h. */
#include "data/index/lines.h"

#include "base/presence.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static yt_status check_text(const char *path, const char *text, size_t bytes, yt_err *err) {
    if (bytes >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0))
        return yt_fail(err, YT_ERR_DATA, "%s: is UTF-16 text; save it as UTF-8", path);
    const char *nul = memchr(text, '\0', bytes);
    if (!nul) return YT_OK;
    size_t line = 1;
    for (const char *at = text; at < nul; at++) line += *at == '\n' || (*at == '\r' && at[1] != '\n');
    return yti_fail_at(err, YT_ERR_SYNTAX, path, line,
                       "holds a NUL byte, which no text has; the file is damaged or none of this kind");
}

yt_status yti_read_text(const char *path, size_t max_bytes, char **text, size_t *bytes, yt_err *err) {
    YT_TRY(yti_read_file(path, max_bytes, text, bytes, err));
    yt_status status = check_text(path, *text, *bytes, err);
    if (status != YT_OK) {
        free(*text);
        return status;
    }
    const size_t mark = yti_text_mark(*text, *bytes);
    *bytes -= mark;
    if (mark) memmove(*text, *text + mark, *bytes + 1);
    return YT_OK;
}

char *yti_trim(char *text, size_t length) {
    while (length > 0 && strchr(" \t\r", text[length - 1])) length--;
    text[length] = '\0';
    return text + strspn(text, " \t\r");
}

char *yti_next_line(char **rest) {
    char *line = *rest;
    if (!line) return NULL;
    size_t length = strcspn(line, "\r\n");
    const char *end = line + length;
    *rest = *end ? line + length + 1 + (end[0] == '\r' && end[1] == '\n') : NULL;
    return yti_trim(line, length);
}
