/* tiff_decode.c: the first page of a TIFF, in strips or tiles, through libtiff's RGBA interface. The only user of
 * libtiff.
 *
 * OpenCV, by which the reference trainer reads, goes the same way: 16 bits become 8 by the nearest value (v / 257),
 * colours are multiplied by their alpha, palettes and printing colours become RGB. Pixels are asked for as they are
 * stored and turned by the one reader of orientations, also where OpenCV's imread refuses to (5 to 8).
 */
#include "image/image_format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

/* The file in memory, and the first error that the library reported. */
typedef struct reader {
    const yti_source *source;
    toff_t at;
    char reason[200];
} reader;

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t wanted) {
    reader *r = handle;
    if (wanted < 0 || r->at >= r->source->bytes) return 0;
    size_t left = r->source->bytes - (size_t)r->at, n = (size_t)wanted < left ? (size_t)wanted : left;
    memcpy(to, r->source->data + r->at, n);
    r->at += n;
    return (tmsize_t)n;
}

static tmsize_t write_nothing(thandle_t handle, void *from, tmsize_t bytes) {
    (void)handle, (void)from, (void)bytes;
    return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int origin) {
    reader *r = handle;
    r->at = origin == SEEK_SET ? offset : origin == SEEK_CUR ? r->at + offset : r->source->bytes + offset;
    return r->at;
}

static int close_nothing(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle) {
    return ((reader *)handle)->source->bytes;
}

static int remember(TIFF *tiff, void *context, const char *module, const char *format, va_list args) {
    reader *r = context;
    (void)tiff, (void)module;
    if (r->reason[0] == '\0') vsnprintf(r->reason, sizeof r->reason, format, args);
    return 1; /* not to the global handler, which prints */
}

static int ignore(TIFF *tiff, void *context, const char *module, const char *format, va_list args) {
    (void)tiff, (void)context, (void)module, (void)format, (void)args;
    return 1;
}

/* The bytes themselves: read through the functions above, libtiff's RGBA interface fails on tiles without
 * compression ("Invalid tile byte count", 4.5 to 4.7.1), and it would copy the rest. */
static int map(thandle_t handle, void **base, toff_t *bytes) {
    const yti_source *source = ((reader *)handle)->source;
    *base = source->data;
    *bytes = source->bytes;
    return 1;
}

static void unmap(thandle_t handle, void *base, toff_t bytes) {
    (void)handle, (void)base, (void)bytes;
}

static TIFF *open_tiff(reader *r) {
    static const tmsize_t max_block = (tmsize_t)1 << 30;
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, max_block);
    TIFFOpenOptionsSetErrorHandlerExtR(options, remember, r);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ignore, NULL);
    TIFF *tiff = TIFFClientOpenExt("", "r", r, read_bytes, write_nothing, seek, close_nothing, size_of, map, unmap,
                                   options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static const char unreadable[] = "not a readable TIFF";

/* NULL, or why the first page cannot be read. */
static const char *refusal(TIFF *tiff, char text[1024]) {
    uint16_t format = SAMPLEFORMAT_UINT;
    uint32_t count;
    const void *version;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    if (TIFFGetField(tiff, TIFFTAG_DNGVERSION, &count, &version) || TIFFGetField(tiff, TIFFTAG_DNGVERSION, &version))
        return "a camera's raw file (DNG); develop it to PNG or JPEG";
    if (format == SAMPLEFORMAT_IEEEFP)
        return "its values are floating-point numbers, of which none is known to be white; convert them to 8 "
               "or 16 bits";
    return TIFFRGBAImageOK(tiff, text) ? NULL : text;
}

/* The blocks that a page is stored in: tiles, or strips as wide as the image. */
typedef struct blocks {
    uint32_t w, h;
    bool tiled;
} blocks;

static blocks blocks_of(TIFF *tiff, uint32_t w, uint32_t h) {
    blocks b = {w, h, TIFFIsTiled(tiff)};
    if (b.tiled) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &b.w);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &b.h);
    } else {
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &b.h);
        if (b.h > h) b.h = h;
    }
    return b;
}

static yt_status measure(TIFF *tiff, const yti_source *source, yti_facts *facts, yt_err *err) {
    enum { MAX_SIDE = 1 << 28 };
    char text[1024] = "";
    const char *reason = refusal(tiff, text);
    if (reason) return yt_fail(err, YT_ERR_DATA, "%s: %s: %s", source->path, unreadable, reason);
    uint32_t w = 0, h = 0;
    uint16_t orientation = ORIENTATION_TOPLEFT, bits = 1, samples = 1;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &w);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &h);
    TIFFGetField(tiff, TIFFTAG_ORIENTATION, &orientation);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    blocks b = blocks_of(tiff, w, h);
    YT_TRY(yti_check_size(source, w, h, err));
    if (b.w > MAX_SIDE || b.h > MAX_SIDE || b.w == 0 || b.h == 0)
        return yt_fail(err, YT_ERR_DATA, "%s: %s: tiles or strips of an impossible size", source->path, unreadable);
    /* RGB, and one block as stored and as RGBA; what it is unpacked from is in the file. */
    uint64_t stored = ((uint64_t)bits * samples + 7) / 8;
    uint64_t block = (4 + stored) * b.w, memory; /* 2^30 times 2^28 at most */
    if (__builtin_mul_overflow(block, b.h, &memory) || __builtin_add_overflow(memory, 3 * (uint64_t)w * h, &memory))
        memory = SIZE_MAX;
    *facts = (yti_facts){.w = (int)w,
                         .h = (int)h,
                         .orientation = orientation >= 1 && orientation <= 8 ? orientation : 1,
                         .bits = bits,
                         .memory = memory < SIZE_MAX ? (size_t)memory : SIZE_MAX};
    return YT_OK;
}

/* The library has no codes for what went wrong. What it refuses to allocate (open_tiff) is the fault of the file. */
static yt_status fail(const reader *r, const char *what, yt_err *err) {
    bool lacks = errno == ENOMEM;
    return yt_fail(err, lacks ? YT_ERR_NO_MEMORY : YT_ERR_DATA, "%s: %s: %s", r->source->path, what,
                   lacks          ? "no memory"
                   : r->reason[0] ? r->reason
                                  : "the file is damaged");
}

yt_status yti_tiff_measure(const yti_source *source, yti_facts *facts, yt_err *err) {
    reader r = {.source = source};
    errno = 0;
    TIFF *tiff = open_tiff(&r);
    if (!tiff) return fail(&r, unreadable, err);
    yt_status status = measure(tiff, source, facts, err);
    TIFFClose(tiff);
    return status;
}

/* A block's rows come from the bottom up. */
static void copy_block(const uint32_t *rgba, blocks b, int rows, uint32_t x0, uint32_t y0, yt_image *out) {
    int columns = out->w - (int)x0 < (int)b.w ? out->w - (int)x0 : (int)b.w;
    for (int y = 0; y < rows && (int)y0 + y < out->h; y++) {
        const uint32_t *from = rgba + (size_t)(rows - 1 - y) * b.w;
        uint8_t *to = out->rgb + ((size_t)((int)y0 + y) * (size_t)out->w + x0) * 3;
        for (int x = 0; x < columns; x++, to += 3) {
            to[0] = (uint8_t)TIFFGetR(from[x]);
            to[1] = (uint8_t)TIFFGetG(from[x]);
            to[2] = (uint8_t)TIFFGetB(from[x]);
        }
    }
}

static bool read_blocks(TIFF *tiff, blocks b, uint32_t *rgba, yt_image *out) {
    uint32_t w = (uint32_t)out->w, h = (uint32_t)out->h;
    for (uint32_t y = 0; y < h; y += b.h)
        for (uint32_t x = 0; x < w; x += b.w) {
            bool last = !b.tiled && h - y < b.h; /* a shorter strip; tiles are always whole */
            if (!(b.tiled ? TIFFReadRGBATileExt(tiff, x, y, rgba, 1) : TIFFReadRGBAStripExt(tiff, y, rgba, 1)))
                return false;
            copy_block(rgba, b, last ? (int)(h - y) : (int)b.h, x, y, out);
        }
    return true;
}

yt_status yti_tiff_decode(const yti_source *source, const yti_facts *facts, yt_image *out, yt_err *err) {
    reader r = {.source = source};
    errno = 0;
    TIFF *tiff = open_tiff(&r);
    if (!tiff) return fail(&r, unreadable, err);
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT); /* of this handle: as stored */
    blocks b = blocks_of(tiff, (uint32_t)facts->w, (uint32_t)facts->h);
    uint32_t *rgba = calloc((size_t)b.w * b.h, sizeof *rgba); /* the same every time where data are missing */
    yt_status status = rgba ? yt_image_create(facts->w, facts->h, out, err)
                            : yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to decode it", source->path);
    if (status == YT_OK && !read_blocks(tiff, b, rgba, out)) {
        status = fail(&r, "the image cannot be decoded", err);
        yt_image_free(out);
    }
    free(rgba);
    TIFFClose(tiff);
    return status;
}
