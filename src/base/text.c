/* text.c: UTF-8, control characters and names; and streams into memory.
 *
 * In UTF-8 the first byte tells how many follow, each of them 10xxxxxx. Four first bytes narrow the range of the second
 * one: E0 and F0 against overlong forms, ED against surrogates, F4 against what is above U+10FFFF.
 */
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bytes of the sequence at s, of which `rest` are there; 0: it is none. */
static size_t sequence_length(const unsigned char *s, size_t rest) {
    size_t length = s[0] < 0x80                    ? 1
                    : s[0] >= 0xC2 && s[0] <= 0xDF ? 2
                    : s[0] >= 0xE0 && s[0] <= 0xEF ? 3
                    : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                                   : 0;
    if (length > rest) return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    bool outside = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) ||
                   (s[0] == 0xF4 && s[1] > 0x8F);
    return outside ? 0 : length;
}

bool yti_text_is_utf8(const char *text, size_t length) {
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t at = 0, step; at < length; at += step) {
        step = sequence_length(bytes + at, length - at);
        if (!step) return false;
    }
    return true;
}

size_t yti_text_mark(const char *text, size_t length) {
    static const char mark[] = "\xEF\xBB\xBF";
    return length >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
}

char *yti_text_to_utf8(const char *text) {
    static const char replacement[] = "\xEF\xBF\xBD";
    const size_t length = strlen(text), most = sizeof replacement - 1;
    char *copy = length < SIZE_MAX / most ? malloc(length * most + 1) : NULL;
    if (!copy) return NULL;
    char *to = copy;
    for (size_t at = 0; at < length;) {
        const size_t step = sequence_length((const unsigned char *)text + at, length - at);
        memcpy(to, step ? text + at : replacement, step ? step : most);
        to += step ? step : most;
        at += step ? step : 1;
    }
    *to = '\0';
    return copy;
}

bool yti_text_is_control(char c) {
    return (unsigned char)c < 32 || c == 127;
}

static const char *trimmed(const char *name, size_t *length) {
    while (isspace((unsigned char)*name)) name++;
    *length = strlen(name);
    while (*length && isspace((unsigned char)name[*length - 1])) (*length)--;
    return name;
}

int yti_text_compare_names(const char *a, const char *b) {
    size_t n, m;
    a = trimmed(a, &n);
    b = trimmed(b, &m);
    const int order = strncasecmp(a, b, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

yti_class_text yti_text_class(int number) {
    yti_class_text name;
    snprintf(name.text, sizeof name.text, "class_%d", number);
    return name;
}

void yti_text_append(char *text, size_t room, const char *format, ...) {
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, room - used, format, args);
    va_end(args);
}

bool yti_text_open(yti_text_stream *stream) {
    *stream = (yti_text_stream){0};
    stream->out = open_memstream(&stream->text, &stream->length);
    return stream->out != NULL;
}

char *yti_text_close(yti_text_stream *stream) {
    const bool good = !ferror(stream->out);
    if (fclose(stream->out) == 0 && good) return stream->text;
    free(stream->text);
    return NULL;
}
