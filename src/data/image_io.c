/* image_io.c: picture files in and out. The only user of stb_image and stb_image_write.
 *
 * stb is built for JPEG, PNG and BMP only: these are what datasets hold, and every other decoder would be a
 * door for hostile files (stb's TGA reader, for one, takes almost any bytes for a picture).
 *
 * JPEG pixels come from libjpeg where the build has it (jpeg_decode.c says why), but for printing colours.
 *
 * A JPEG that was cut off is used as far as it goes: with an end-of-image marker put behind the bytes there
 * are, the decoder fills the rest instead of refusing the whole.
 */
#include "yt/image.h"

#include "data/exif.h"
#include "data/jpeg_check.h"
#include "data/jpeg_decode.h"
#include "yt/file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Memory is zeroed, so that what a damaged file leaves out is the same every time; and a compressed
 * picture cannot grow without bound. */
enum { MAX_BLOCK_BYTES = 0x7FFFFFFF };

static void *stb_malloc(size_t bytes) {
    return bytes <= MAX_BLOCK_BYTES ? calloc(1, bytes ? bytes : 1) : NULL;
}

static void *stb_realloc(void *block, size_t bytes) {
    return bytes <= MAX_BLOCK_BYTES ? realloc(block, bytes) : NULL;
}

/* Third-party code is not held to our warnings. These are given where it is inlined or at the end of the file, so they
 * stay off. */
#pragma GCC diagnostic ignored "-Wunused-function"
#ifndef __clang__
#    pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define STBI_MALLOC(bytes)         stb_malloc(bytes)
#define STBI_REALLOC(block, bytes) stb_realloc(block, bytes)
#define STBI_FREE(block)           free(block)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#include <stb/stb_image.h>
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

enum {
    MAX_PIXELS = 1 << 28,
    MAX_FILE_BYTES = 1 << 30,
    HEAD_BYTES = 16384, /* holds the frame header unless a large profile or thumbnail is in front */
    TAIL_BYTES = 1024,  /* cameras append padding and notes behind the end marker */
    JPEG_QUALITY = 92
};

static bool is_png(const uint8_t *data, size_t bytes) {
    return bytes >= 4 && memcmp(data, "\x89PNG", 4) == 0;
}

static yt_status check_size(const char *path, int w, int h, yt_err *err) {
    if (w < 1 || h < 1) return yt_fail(err, YT_DATA, "%s: an image without pixels", path);
    if ((int64_t)w * h > MAX_PIXELS)
        return yt_fail(err, YT_DATA, "%s: %d x %d pixels are more than the %d that are accepted", path, w, h,
                       MAX_PIXELS);
    return YT_OK;
}

/* Size as stored and orientation. For a JPEG `jpeg` is filled besides. */
static yt_status read_header(const char *path, const uint8_t *data, size_t bytes, int *w, int *h,
                             yti_jpeg *jpeg, yt_err *err) {
    int channels;
    const char *reason;
    *jpeg = (yti_jpeg){.orientation = 1};
    if (bytes == 0) return yt_fail(err, YT_DATA, "%s: the file is empty", path);
    if (yti_is_jpeg(data, bytes)) {
        if (!yti_jpeg_check(data, bytes, jpeg, &reason))
            return yt_fail(err, YT_DATA, "%s: not a readable JPEG: %s", path, reason);
        *w = jpeg->w;
        *h = jpeg->h;
    } else if (!stbi_info_from_memory(data, (int)bytes, w, h, &channels)) {
        return yt_fail(err, YT_DATA, "%s: not a readable JPEG, PNG or BMP (%s); convert it to one of these",
                       path, stbi_failure_reason());
    }
    return check_size(path, *w, *h, err);
}

yt_status yt_image_create(int w, int h, yt_image *out, yt_err *err) {
    YT_TRY(check_size("new image", w, h, err));
    uint8_t *rgb = malloc((size_t)w * (size_t)h * 3);
    if (!rgb) return yt_fail(err, YT_NO_MEMORY, "no memory for an image of %d x %d", w, h);
    *out = (yt_image){w, h, rgb};
    return YT_OK;
}

void yt_image_free(yt_image *image) {
    if (!image) return;
    free(image->rgb); /* stb's own memory is malloc's too: STBI_MALLOC is left alone */
    *image = (yt_image){0};
}

/* Turns a decoded picture upright. Takes `stored`, also on failure. */
static yt_status turn_upright(yt_image stored, int orientation, yt_image *out, yt_err *err) {
    if (orientation == 1) {
        *out = stored;
        return YT_OK;
    }
    bool swaps = yti_exif_swaps(orientation);
    yt_image upright;
    yt_status status =
        yt_image_create(swaps ? stored.h : stored.w, swaps ? stored.w : stored.h, &upright, err);
    if (status == YT_OK) {
        yti_exif_apply(orientation, stored.rgb, stored.w, stored.h, upright.rgb);
        *out = upright;
    }
    yt_image_free(&stored);
    return status;
}

static yt_status decode_with_stb(const char *path, const uint8_t *data, size_t bytes, yt_image *out,
                                 yt_err *err) {
    int channels;
    out->rgb = stbi_load_from_memory(data, (int)bytes, &out->w, &out->h, &channels, 3);
    if (!out->rgb)
        return yt_fail(err, YT_DATA, "%s: the image cannot be decoded: %s", path, stbi_failure_reason());
    return YT_OK;
}

#ifdef YT_LIBJPEG
static yt_status decode_jpeg(const char *path, const uint8_t *data, size_t bytes, const yti_jpeg *jpeg,
                             yt_image *out, yt_err *err) {
    char reason[YTI_JPEG_REASON];
    if (jpeg->components > 3) return decode_with_stb(path, data, bytes, out, err);
    YT_TRY(yt_image_create(jpeg->w, jpeg->h, out, err));
    if (yti_jpeg_decode(data, bytes, jpeg->w, jpeg->h, out->rgb, reason)) return YT_OK;
    yt_image_free(out);
    return yt_fail(err, YT_DATA, "%s: the image cannot be decoded: %s", path, reason);
}
#else
static yt_status decode_jpeg(const char *path, const uint8_t *data, size_t bytes, const yti_jpeg *jpeg,
                             yt_image *out, yt_err *err) {
    (void)jpeg;
    return decode_with_stb(path, data, bytes, out, err);
}
#endif

/* Decodes `data`, which is the whole file and has room for two bytes more. */
static yt_status decode(const char *path, uint8_t *data, size_t bytes, yt_image *out, yt_err *err) {
    int w, h;
    yti_jpeg jpeg;
    yt_image stored = {0};
    YT_TRY(read_header(path, data, bytes, &w, &h, &jpeg, err));
    if (yti_is_jpeg(data, bytes)) {
        if (!jpeg.has_scan) return yt_fail(err, YT_DATA, "%s: the JPEG ends before its picture begins", path);
        memcpy(data + jpeg.usable, "\xFF\xD9", 2);
        YT_TRY(decode_jpeg(path, data, jpeg.usable + 2, &jpeg, &stored, err));
    } else {
        YT_TRY(decode_with_stb(path, data, bytes, &stored, err));
    }
    return turn_upright(stored, jpeg.orientation, out, err);
}

yt_status yt_image_load(const char *path, yt_image *out, yt_err *err) {
    char *data;
    size_t bytes;
    YT_TRY(yt_file_read(path, MAX_FILE_BYTES, &data, &bytes, err));
    char *longer = realloc(data, bytes + 2);
    yt_status status = longer ? decode(path, (uint8_t *)longer, bytes, out, err)
                              : yt_fail(err, YT_NO_MEMORY, "%s: no memory to read it", path);
    free(longer ? longer : data);
    return status;
}

static bool contains(const uint8_t *data, size_t bytes, const char *mark, size_t mark_bytes) {
    for (size_t i = 0; i + mark_bytes <= bytes; i++)
        if (memcmp(data + i, mark, mark_bytes) == 0) return true;
    return false;
}

/* Whether the end marker that a whole file has is missing near its end. */
static bool lacks_end(const uint8_t *head, size_t head_bytes, const uint8_t *tail, size_t tail_bytes) {
    if (yti_is_jpeg(head, head_bytes)) return !contains(tail, tail_bytes, "\xFF\xD9", 2);
    if (is_png(head, head_bytes)) return !contains(tail, tail_bytes, "IEND", 4);
    return false;
}

/* Reads up to `room` bytes at an offset from `origin` (0 or the end); fewer at the end of the file. */
static size_t read_part(FILE *file, long offset, int origin, uint8_t *part, size_t room) {
    if (fseek(file, offset, origin) != 0) return 0;
    return fread(part, 1, room, file);
}

/* Judges a file by its first bytes, which must reach into the picture, and its last. A PNG without its end
 * does not decode; a JPEG does. */
static yt_status probe_ends(const char *path, const uint8_t *head, size_t head_bytes, const uint8_t *tail,
                            size_t tail_bytes, yt_image_info *info, yt_err *err) {
    int w, h;
    yti_jpeg jpeg;
    YT_TRY(read_header(path, head, head_bytes, &w, &h, &jpeg, err));
    if (yti_is_jpeg(head, head_bytes) && !jpeg.has_scan)
        return yt_fail(err, YT_DATA, "%s: the JPEG ends before its picture begins", path);
    bool truncated = lacks_end(head, head_bytes, tail, tail_bytes);
    if (truncated && is_png(head, head_bytes)) return yt_fail(err, YT_DATA, "%s: the file is cut off", path);
    bool swaps = yti_exif_swaps(jpeg.orientation);
    *info = (yt_image_info){swaps ? h : w, swaps ? w : h, jpeg.orientation, truncated};
    return YT_OK;
}

/* For short files and those whose header is far from their beginning. */
static yt_status probe_whole(const char *path, yt_image_info *info, yt_err *err) {
    char *data;
    size_t bytes;
    YT_TRY(yt_file_read(path, MAX_FILE_BYTES, &data, &bytes, err));
    size_t tail = bytes < TAIL_BYTES ? bytes : TAIL_BYTES;
    yt_status status =
        probe_ends(path, (uint8_t *)data, bytes, (uint8_t *)data + bytes - tail, tail, info, err);
    free(data);
    return status;
}

yt_status yt_image_probe(const char *path, yt_image_info *info, yt_err *err) {
    FILE *file = fopen(path, "rb");
    if (!file) return yt_fail(err, YT_IO, "%s: cannot be opened: %s", path, strerror(errno));
    uint8_t head[HEAD_BYTES], tail[TAIL_BYTES];
    size_t head_bytes = read_part(file, 0, SEEK_SET, head, sizeof head);
    size_t tail_bytes = read_part(file, -TAIL_BYTES, SEEK_END, tail, sizeof tail); /* 0 in a shorter file */
    fclose(file);
    bool enough = head_bytes > 0 && tail_bytes > 0;
    if (enough && probe_ends(path, head, head_bytes, tail, tail_bytes, info, NULL) == YT_OK) return YT_OK;
    return probe_whole(path, info, err);
}

yt_status yt_image_size(const char *path, int *w, int *h, yt_err *err) {
    yt_image_info info;
    YT_TRY(yt_image_probe(path, &info, err));
    *w = info.w;
    *h = info.h;
    return YT_OK;
}

static void write_to_stream(void *context, void *data, int size) {
    fwrite(data, 1, (size_t)size, context); /* commit asks ferror */
}

/* The part after the last '.', in lower case, cut to what a known ending needs. */
static void ending_of(const char *path, char ending[8]) {
    const char *dot = strrchr(yt_path_base(path), '.');
    size_t i = 0;
    for (; dot && dot[1 + i] && i < 7; i++) ending[i] = (char)tolower((unsigned char)dot[1 + i]);
    ending[i] = '\0';
}

yt_status yt_image_save(const char *path, const yt_image *image, yt_err *err) {
    char ending[8];
    ending_of(path, ending);
    bool png = strcmp(ending, "png") == 0, bmp = strcmp(ending, "bmp") == 0;
    bool jpg = strcmp(ending, "jpg") == 0 || strcmp(ending, "jpeg") == 0;
    if (!png && !bmp && !jpg)
        return yt_fail(err, YT_ARGUMENT, "%s: the name must end in .png, .jpg, .jpeg or .bmp", path);
    yt_file_writer writer;
    YT_TRY(yt_file_writer_open(path, &writer, err));
    int w = image->w, h = image->h, good;
    if (png)
        good = stbi_write_png_to_func(write_to_stream, writer.stream, w, h, 3, image->rgb, 3 * w);
    else if (bmp)
        good = stbi_write_bmp_to_func(write_to_stream, writer.stream, w, h, 3, image->rgb);
    else
        good = stbi_write_jpg_to_func(write_to_stream, writer.stream, w, h, 3, image->rgb, JPEG_QUALITY);
    if (!good) {
        yt_file_writer_discard(&writer);
        return yt_fail(err, YT_NO_MEMORY, "%s: the image could not be encoded", path);
    }
    return yt_file_writer_commit(&writer, err);
}
