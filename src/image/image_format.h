/* image_format.h: one kind of image file: how it is recognised, measured and decoded. image_format.c holds the table.
 */
#ifndef YT_DATA_IMAGE_FORMAT_H
#define YT_DATA_IMAGE_FORMAT_H

#include "base/status.h"
#include "image/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of a file. `path` is for messages. Two bytes after the end may be written to. */
typedef struct yti_source {
    const char *path;
    uint8_t *data;
    size_t bytes;
} yti_source;

/* What a header says. */
typedef struct yti_facts {
    int w, h;        /* as stored */
    int orientation; /* 1..8, as in EXIF */
    int bits;        /* per channel, as stored */
    size_t memory;   /* bytes that decoding takes at its peak, the pixels included */
    bool truncated;  /* it lacks its end and is used as far as it goes */
} yti_facts;

/* What every format has. Bytes that are no image of the format are YT_ERR_DATA, a lack of memory is YT_ERR_NO_MEMORY;
 * `out` is set on success only. */
typedef bool yti_format_is(const uint8_t *data, size_t bytes);
typedef yt_status yti_format_measure(const yti_source *source, yti_facts *facts, yt_err *err);
typedef yt_status yti_format_decode(const yti_source *source, const yti_facts *facts, yt_image *out, yt_err *err);

typedef struct yti_format {
    const char *name;
    yti_format_is *is;
    yti_format_measure *measure; /* NULL, as decode: the build has no reader, `package` was not installed */
    yti_format_decode *decode;
    const char *package; /* Debian's, NULL: nothing but the C sources here and stb is needed */
} yti_format;

/* The format of a file by its first bytes; its name's ending plays no part. NULL: none that can be read here. */
const yti_format *yti_format_of(const uint8_t *data, size_t bytes);

/* What a file that is none of them is instead ("a PDF document"), as far as its first bytes tell. */
const char *yti_foreign_kind(const uint8_t *data, size_t bytes);

/* Refuses a size or an amount of memory beyond what is accepted (data/README.md). Raises facts->memory to what the
 * pixels take, and the turned ones beside them. */
yt_status yti_check_facts(const yti_source *source, yti_facts *facts, yt_err *err);

/* A size that may come from a file as it is: YT_ERR_DATA for none and for more than 2^28 pixels. */
yt_status yti_check_size(const yti_source *source, uint64_t w, uint64_t h, yt_err *err);

yti_format_is yti_is_png; /* that of JPEG is in jpeg_check.h */
yti_format_measure yti_bmp_measure, yti_gif_measure, yti_heif_measure, yti_jpeg_measure, yti_png_measure,
    yti_tiff_measure, yti_webp_measure;
yti_format_decode yti_bmp_decode, yti_gif_decode, yti_heif_decode, yti_jpeg_load, yti_png_decode, yti_tiff_decode,
    yti_webp_decode;

#endif
