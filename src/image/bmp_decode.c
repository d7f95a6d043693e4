/* bmp_decode.c: BMP of 1, 4, 8, 16, 24 and 32 bits, packed in runs, from the bottom up or from the top down.
 *
 * As the reference trainer reads it (OpenCV): 5 and 6 bits of a channel are its upper bits, the lower ones being 0, so
 * that white is 248 there; the alpha of 32 bits is dropped; pixels that runs leave out have the first colour.
 */
#include "image/image_format.h"

#include <stdlib.h>
#include <string.h>

enum { RGB = 0, RLE8 = 1, RLE4 = 2, BIT_FIELDS = 3, ALPHA_BIT_FIELDS = 6 };
enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40, MAX_COLOURS = 256 };

typedef struct bmp {
    const uint8_t *data;
    size_t bytes, pixels; /* where the pixels begin */
    int w, h, bits, compression;
    bool top_down;
    uint8_t palette[MAX_COLOURS][3]; /* RGB; black where the file has fewer */
    uint32_t masks[3];               /* of red, green and blue */
} bmp;

static uint32_t get16(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p) {
    return get16(p) | get16(p + 2) << 16;
}

/* The entries after the header, of three or four bytes. */
static void read_palette(bmp *b, size_t at, size_t count, size_t entry) {
    for (size_t i = 0; i < count && i < MAX_COLOURS && at + 3 <= b->bytes; i++, at += entry)
        for (int c = 0; c < 3; c++) b->palette[i][c] = b->data[at + 2 - (size_t)c];
}

/* Where each channel of 16 or 32 bits is. */
static bool read_masks(bmp *b, bool named) {
    static const uint32_t in16[3] = {0x7C00, 0x3E0, 0x1F}, in32[3] = {0xFF0000, 0xFF00, 0xFF};
    memcpy(b->masks, b->bits == 16 ? in16 : in32, sizeof b->masks);
    if (!named) return true;
    enum { AT = FILE_HEADER + INFO_HEADER }; /* in a longer header and after a short one */
    if (b->bytes < AT + 12) return false;
    for (size_t c = 0; c < 3; c++) b->masks[c] = get32(b->data + AT + 4 * c);
    return true;
}

static const char *unsupported(const bmp *b) {
    switch (b->bits) {
    case 1:
    case 24:
        return b->compression == RGB ? NULL : "a compression that is not supported";
    case 4:
        return b->compression == RGB || b->compression == RLE4 ? NULL : "a compression that is not supported";
    case 8:
        return b->compression == RGB || b->compression == RLE8 ? NULL : "a compression that is not supported";
    case 16:
    case 32:
        return b->compression == RGB || b->compression == BIT_FIELDS || b->compression == ALPHA_BIT_FIELDS
                   ? NULL
                   : "a compression that is not supported";
    default:
        return "a number of bits per pixel that is not supported";
    }
}

/* NULL, or the reason why it is not readable. */
static const char *read_header(const yti_source *source, bmp *b) {
    *b = (bmp){.data = source->data, .bytes = source->bytes};
    if (b->bytes < FILE_HEADER + CORE_HEADER) return "the file is cut off";
    const uint8_t *info = b->data + FILE_HEADER;
    size_t header = get32(info);
    bool core = header == CORE_HEADER;
    if (!core && header < INFO_HEADER) return "an unknown header";
    if (b->bytes < FILE_HEADER + header) return "the file is cut off";
    b->pixels = get32(b->data + 10);
    int32_t h = core ? (int32_t)get16(info + 6) : (int32_t)get32(info + 8);
    if (h == INT32_MIN) return "an impossible height";
    b->w = core ? (int)get16(info + 4) : (int)get32(info + 4);
    b->h = h < 0 ? -h : h;
    b->top_down = h < 0;
    b->bits = (int)get16(info + (core ? 10 : 14));
    b->compression = core ? RGB : (int)get32(info + 16);
    const char *reason = unsupported(b);
    if (reason) return reason;
    if (b->bits <= 8) {
        size_t named = core ? 0 : get32(info + 32), all = (size_t)1 << b->bits;
        read_palette(b, FILE_HEADER + header, named > 0 && named < all ? named : all, core ? 3 : 4);
    }
    return read_masks(b, b->compression == BIT_FIELDS || b->compression == ALPHA_BIT_FIELDS) ? NULL
                                                                                             : "the file is cut off";
}

yt_status yti_bmp_measure(const yti_source *source, yti_facts *facts, yt_err *err) {
    bmp b;
    const char *reason = read_header(source, &b);
    if (reason) return yt_fail(err, YT_ERR_DATA, "%s: not a readable BMP: %s", source->path, reason);
    *facts = (yti_facts){.w = b.w, .h = b.h, .orientation = 1, .bits = 8};
    return YT_OK;
}

/* The bits under a mask as the upper ones of eight. */
static uint8_t channel(uint32_t value, uint32_t mask) {
    if (mask == 0) return 0;
    value &= mask;
    int width = 32 - __builtin_clz(mask); /* up to the mask's highest bit */
    return (uint8_t)(width >= 8 ? value >> (width - 8) : value << (8 - width));
}

static void spread_row(const bmp *b, const uint8_t *from, uint8_t *rgb) {
    for (int x = 0; x < b->w; x++, rgb += 3) {
        if (b->bits <= 8) {
            int per_byte = 8 / b->bits, shift = 8 - b->bits * (x % per_byte + 1);
            memcpy(rgb, b->palette[from[x / per_byte] >> shift & ((1 << b->bits) - 1)], 3);
        } else if (b->bits == 24) {
            const uint8_t *bgr = from + 3 * (size_t)x;
            rgb[0] = bgr[2], rgb[1] = bgr[1], rgb[2] = bgr[0];
        } else {
            uint32_t value = b->bits == 16 ? get16(from + 2 * (size_t)x) : get32(from + 4 * (size_t)x);
            for (int c = 0; c < 3; c++) rgb[c] = channel(value, b->masks[c]);
        }
    }
}

/* The row of the image that the file has at place y. */
static uint8_t *row_at(const bmp *b, const yt_image *image, int y) {
    size_t row = (size_t)(b->top_down ? y : b->h - 1 - y);
    return image->rgb + row * (size_t)b->w * 3;
}

typedef struct place {
    int x, y;
} place;

/* One pixel of a run, if it lies in the image. */
static void put(const bmp *b, const yt_image *image, place *at, int colour) {
    if (at->x < b->w && at->y < b->h) memcpy(row_at(b, image, at->y) + 3 * (size_t)at->x, b->palette[colour], 3);
    if (at->x < b->w) at->x++;
}

/* Pixel i of bytes that hold one or two each. */
static int colour_of(const bmp *b, const uint8_t *from, int i) {
    if (b->compression == RLE8) return from[i];
    return i % 2 ? from[i / 2] & 15 : from[i / 2] >> 4;
}

/* Pairs of bytes: a length and a colour, or 0 and 0 (end of row), 1 (end of image), 2 (a jump), n (n pixels as they
 * are, padded to a pair). False: the file is cut off. */
static bool unpack_runs(const bmp *b, const yt_image *image) {
    const uint8_t *p = b->data + b->pixels, *end = b->data + b->bytes;
    for (place at = {0}; end - p >= 2;) {
        int length = p[0], code = p[1];
        p += 2;
        if (length > 0) {
            const uint8_t both[2] = {(uint8_t)code, (uint8_t)code};
            for (int i = 0; i < length; i++) put(b, image, &at, colour_of(b, both, i % 2));
        } else if (code == 0) {
            at = (place){0, at.y < b->h ? at.y + 1 : at.y};
        } else if (code == 1) {
            return true;
        } else if (code == 2) {
            if (end - p < 2) return false;
            at.x = at.x + p[0] < b->w ? at.x + p[0] : b->w;
            at.y = at.y + p[1] < b->h ? at.y + p[1] : b->h;
            p += 2;
        } else {
            int bytes = b->compression == RLE8 ? code : (code + 1) / 2;
            if (end - p < bytes + bytes % 2) return false;
            for (int i = 0; i < code; i++) put(b, image, &at, colour_of(b, p, i));
            p += bytes + bytes % 2;
        }
    }
    return false;
}

yt_status yti_bmp_decode(const yti_source *source, const yti_facts *facts, yt_image *out, yt_err *err) {
    bmp b;
    (void)facts;
    (void)read_header(source, &b); /* measured before */
    bool runs = b.compression == RLE8 || b.compression == RLE4;
    size_t stride = ((size_t)b.w * (size_t)b.bits + 31) / 32 * 4;
    if (b.pixels > b.bytes || (!runs && stride * (size_t)b.h > b.bytes - b.pixels))
        return yt_fail(err, YT_ERR_DATA, "%s: the file is cut off", source->path);
    YT_TRY(yt_image_create(b.w, b.h, out, err));
    if (!runs) {
        for (int y = 0; y < b.h; y++) spread_row(&b, b.data + b.pixels + (size_t)y * stride, row_at(&b, out, y));
        return YT_OK;
    }
    for (size_t i = 0; i < (size_t)b.w * (size_t)b.h; i++) memcpy(out->rgb + 3 * i, b.palette[0], 3);
    if (unpack_runs(&b, out)) return YT_OK;
    yt_image_free(out);
    return yt_fail(err, YT_ERR_DATA, "%s: the file is cut off", source->path);
}
