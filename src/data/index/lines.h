/* lines.h: text files, whole and then line by line. */
#ifndef YT_DATA_LINES_H
#define YT_DATA_LINES_H

#include "base/status.h"

#include <stddef.h>

/* yti_read_file of UTF-8 text. Its byte order mark is taken off; UTF-16 and a NUL byte, which would end the text for
 * whoever reads it on, are refused. *text malloc'd, NUL-terminated. */
yt_status yti_read_text(const char *path, size_t max_bytes, char **text, size_t *bytes, yt_err *err);

/* Cuts blanks at both ends of text[0..length), which may be written to. */
char *yti_trim(char *text, size_t length);

/* Cuts the next line off *rest, without blanks at its ends; NULL: there is none. Lines end with \n, \r\n or \r. */
char *yti_next_line(char **rest);

#endif
