/* text.h: what may stand in a text that comes from a file, before it is passed on or shown; and texts that grow. */
#ifndef YT_TEXT_H
#define YT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Whether bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
bool yti_text_is_utf8(const char *text, size_t length);

/* Bytes of the byte order mark that a text begins with: 3 or 0. */
size_t yti_text_mark(const char *text, size_t length);

/* A malloc'd copy that is UTF-8: every byte that is none becomes U+FFFD. JSON must be; file names need not. NULL: no
 * memory. */
char *yti_text_to_utf8(const char *text);

/* Whether a terminal would act on a character instead of showing it: below 32, and 127. */
bool yti_text_is_control(char c);

/* The order of two names of classes; 0: they are one, for names are compared without case and the spaces around them.
 */
int yti_text_compare_names(const char *a, const char *b);

/* The name of a class that has none: "class_3". */
typedef struct yti_class_text {
    char text[24];
} yti_class_text;
yti_class_text yti_text_class(int number);

/* Appends to what text holds; what does not fit into room bytes is cut off. */
void yti_text_append(char *text, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A text of any length, printed into: open, print to `out`, close. */
typedef struct yti_text_stream {
    FILE *out;
    char *text;
    size_t length;
} yti_text_stream;

bool yti_text_open(yti_text_stream *stream);   /* false: no memory, and there is nothing to close */
char *yti_text_close(yti_text_stream *stream); /* malloc'd; NULL: no memory */

#endif
