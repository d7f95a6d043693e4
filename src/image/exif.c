/* exif.c: the orientation tag of EXIF notes (JEITA CP-3451, tag 0x0112 of IFD 0) and the eight ways it can turn an
 * image. The notes are a TIFF structure: in a JPEG after a signature in the APP1 segment, in PNG and WebP bare.
 *
 * Every read is bounded by the segment it is in: this text comes from strangers.
 */
#include "image/exif.h"

#include <stdbool.h>
#include <string.h>

/* The bytes of the TIFF structure, with its byte order. */
typedef struct tiff {
    const uint8_t *data;
    size_t bytes;
    bool little;
} tiff;

static uint32_t get16(const tiff *t, size_t at) {
    uint32_t a = t->data[at], b = t->data[at + 1];
    return t->little ? a | b << 8 : a << 8 | b;
}

static uint32_t get32(const tiff *t, size_t at) {
    return t->little ? get16(t, at) | get16(t, at + 2) << 16 : get16(t, at) << 16 | get16(t, at + 2);
}

int yti_exif_tiff_orientation(const uint8_t *data, size_t bytes) {
    enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_BYTES = 12 };
    if (bytes < 8) return 1;
    tiff t = {data, bytes, data[0] == 'I'};
    if (memcmp(data, t.little ? "II" : "MM", 2) != 0 || get16(&t, 2) != 42) return 1;
    size_t ifd = get32(&t, 4);
    if (ifd > bytes - 2) return 1;
    size_t count = get16(&t, ifd);
    for (size_t i = 0; i < count; i++) {
        size_t entry = ifd + 2 + i * ENTRY_BYTES;
        if (entry > bytes || bytes - entry < ENTRY_BYTES) return 1;
        if (get16(&t, entry) != TAG_ORIENTATION) continue;
        uint32_t value = get16(&t, entry + 8);
        bool valid = get16(&t, entry + 2) == TYPE_SHORT && value >= 1 && value <= 8;
        return valid ? (int)value : 1;
    }
    return 1;
}

int yti_exif_orientation(const uint8_t *app1, size_t bytes) {
    static const uint8_t signature[6] = {'E', 'x', 'i', 'f', 0, 0};
    if (bytes < sizeof signature || memcmp(app1, signature, sizeof signature) != 0) return 0;
    return yti_exif_tiff_orientation(app1 + sizeof signature, bytes - sizeof signature);
}

int yti_exif_swaps(int orientation) {
    return orientation >= 5;
}

void yti_exif_apply(int orientation, const uint8_t *src, int w, int h, uint8_t *dst) {
    /* Where the upright image's first pixel is stored, and the steps (in pixels) to the one right of it and the
     * one below. */
    ptrdiff_t row = w, right = w - 1, bottom = (ptrdiff_t)(h - 1) * w;
    const struct {
        ptrdiff_t start, step_x, step_y;
    } walks[8] = {
        {0, 1, row},                /* 1: upright */
        {right, -1, row},           /* 2: mirrored */
        {bottom + right, -1, -row}, /* 3: upside down */
        {bottom, 1, -row},          /* 4: mirrored, upside down */
        {0, row, 1},                /* 5: transposed */
        {bottom, -row, 1},          /* 6: needs a quarter turn clockwise */
        {bottom + right, -row, -1}, /* 7: transposed about the other diagonal */
        {right, row, -1},           /* 8: needs a quarter turn anticlockwise */
    };
    int out_w = yti_exif_swaps(orientation) ? h : w, out_h = yti_exif_swaps(orientation) ? w : h;
    for (int y = 0; y < out_h; y++) {
        ptrdiff_t from = walks[orientation - 1].start + y * walks[orientation - 1].step_y;
        for (int x = 0; x < out_w; x++, from += walks[orientation - 1].step_x, dst += 3) {
            dst[0] = src[3 * from];
            dst[1] = src[3 * from + 1];
            dst[2] = src[3 * from + 2];
        }
    }
}
