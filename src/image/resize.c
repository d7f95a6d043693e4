/* resize.c: bilinear resize of 8-bit RGB in 11-bit fixed point, bit for bit as OpenCV's INTER_LINEAR.
 *
 * Half-pixel centres, no antialiasing. Each source row that is needed is interpolated along x once into 16-bit (T >> 4:
 * the vertical step needs no more, and 255 * 2048 >> 4 = 32640 fits); two such rows are kept, and an output row is
 * their weighted sum. Halving both sides exactly is a 2 x 2 mean instead.
 */
#include "image/resize.h"

#include "image/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_ONE = 2048 };

/* Output position i takes a[0] * src[at] + a[1] * src[at + next]. */
typedef struct tap {
    int at;
    int16_t next; /* 1, or 0 at the far border */
    int16_t a0, a1;
} tap;

/* The source position of output i: its integer part and its fraction. */
static int source_position(int i, int src, int dst, float *fraction) {
    double scale = 1.0 / ((double)dst / src);
    volatile double product = (i + 0.5) * scale; /* volatile: a fused multiply-subtract would round otherwise */
    float f = (float)(product - 0.5);
    float k = floorf(f);
    *fraction = f - k;
    return (int)k;
}

static int16_t weight(float fraction) {
    volatile float scaled = fraction * WEIGHT_ONE; /* exact: a power of two */
    return (int16_t)lrintf(scaled);                /* half to even, the default rounding */
}

static void make_taps_x(tap *taps, int src, int dst) {
    for (int i = 0; i < dst; i++) {
        float f;
        int k = source_position(i, src, dst, &f);
        if (k < 0) k = 0, f = 0;
        if (k >= src - 1) k = src - 1, f = 0;
        taps[i] = (tap){.at = 3 * k, .next = k < src - 1 ? 3 : 0, .a0 = weight(1 - f), .a1 = weight(f)};
    }
}

static void interpolate_row(const uint8_t *restrict src, const tap *restrict taps, int w, int16_t *restrict dst) {
    for (int x = 0; x < w; x++) {
        const uint8_t *p = src + taps[x].at, *q = p + taps[x].next;
        int a0 = taps[x].a0, a1 = taps[x].a1;
        dst[3 * x] = (int16_t)((p[0] * a0 + q[0] * a1) >> 4);
        dst[3 * x + 1] = (int16_t)((p[1] * a0 + q[1] * a1) >> 4);
        dst[3 * x + 2] = (int16_t)((p[2] * a0 + q[2] * a1) >> 4);
    }
}

static void blend_rows(const int16_t *restrict top, const int16_t *restrict bottom, int16_t b0, int16_t b1, int count,
                       uint8_t *restrict dst) {
    for (int i = 0; i < count; i++) {
        int16_t t = (int16_t)((top[i] * b0) >> 16), b = (int16_t)((bottom[i] * b1) >> 16);
        int16_t value = (int16_t)((t + b + 2) >> 2);
        dst[i] = (uint8_t)(value > 255 ? 255 : value); /* never negative: no weight is */
    }
}

static void halve(const uint8_t *src, int src_w, uint8_t *dst, size_t dst_stride, int w, int h) {
    for (int y = 0; y < h; y++) {
        const uint8_t *a = src + (size_t)y * 2 * (size_t)src_w * 3, *b = a + (size_t)src_w * 3;
        uint8_t *out = dst + (size_t)y * dst_stride;
        for (int x = 0; x < w; x++, a += 6, b += 6, out += 3)
            for (int c = 0; c < 3; c++) out[c] = (uint8_t)((a[c] + a[c + 3] + b[c] + b[c + 3] + 2) >> 2);
    }
}

static int clamp_row(int row, int rows) {
    return row < 0 ? 0 : row >= rows ? rows - 1 : row;
}

/* The two interpolated rows last made, by source row. */
typedef struct row_pair {
    int16_t *rows[2];
    int source[2];
} row_pair;

/* The interpolated form of source row `row`, in the slot that does not hold `keep`. */
static const int16_t *row_of(row_pair *pair, int row, int keep, const uint8_t *src, int src_w, const tap *taps, int w) {
    for (int i = 0; i < 2; i++)
        if (pair->source[i] == row) return pair->rows[i];
    int slot = pair->source[0] == keep;
    interpolate_row(src + (size_t)row * (size_t)src_w * 3, taps, w, pair->rows[slot]);
    pair->source[slot] = row;
    return pair->rows[slot];
}

yt_status yti_resize(const uint8_t *src, int src_w, int src_h, uint8_t *dst, size_t dst_stride, int dst_w, int dst_h,
                     yt_err *err) {
    if (src_w == 2 * (int64_t)dst_w && src_h == 2 * (int64_t)dst_h) {
        halve(src, src_w, dst, dst_stride, dst_w, dst_h);
        return YT_OK;
    }
    size_t width = (size_t)dst_w; /* images are bounded by 2^28 pixels, so these sums cannot overflow */
    tap *taps = malloc(width * sizeof *taps + 2 * 3 * width * sizeof(int16_t));
    if (!taps) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to resize an image to %d x %d", dst_w, dst_h);
    make_taps_x(taps, src_w, dst_w);
    int16_t *rows = (int16_t *)(taps + width);
    row_pair pair = {.rows = {rows, rows + 3 * width}, .source = {-1, -1}};
    for (int y = 0; y < dst_h; y++) {
        float f;
        int k = source_position(y, src_h, dst_h, &f);
        int upper = clamp_row(k, src_h), lower = clamp_row(k + 1, src_h);
        const int16_t *top = row_of(&pair, upper, lower, src, src_w, taps, dst_w);
        const int16_t *bottom = row_of(&pair, lower, upper, src, src_w, taps, dst_w);
        blend_rows(top, bottom, weight(1 - f), weight(f), 3 * dst_w, dst + (size_t)y * dst_stride);
    }
    free(taps);
    return YT_OK;
}

yt_status yti_image_resize(const uint8_t *src, int src_w, int src_h, uint8_t *dst, int dst_w, int dst_h, yt_err *err) {
    return yti_resize(src, src_w, src_h, dst, (size_t)dst_w * 3, dst_w, dst_h, err);
}
