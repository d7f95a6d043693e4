/* jpeg_check.h: the structure of a JPEG, checked before a decoder sees it. */
#ifndef YT_DATA_JPEG_CHECK_H
#define YT_DATA_JPEG_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct yti_jpeg {
    int w, h;        /* as stored */
    int components;  /* 1: grey, 3: colour, 4: printing colours */
    int orientation; /* EXIF, 1..8 */
    bool progressive, arithmetic;
    bool has_scan; /* some image data is there */
    bool complete; /* the end marker was reached */
    size_t usable; /* bytes up to there, or up to the last whole segment */
} yti_jpeg;

/* Whether data begins like a JPEG. */
bool yti_is_jpeg(const uint8_t *data, size_t bytes);

/* Walks the segments. False: not a JPEG that can be decoded, and *reason says why (static text). The beginning of a
 * file is enough for size and orientation; has_scan and complete then speak of that beginning. */
bool yti_jpeg_check(const uint8_t *data, size_t bytes, yti_jpeg *out, const char **reason);

#endif
