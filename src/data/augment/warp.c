/* warp.c: the pixels of an affine or projective map; bilinear, grey outside.
 *
 * Along an output row the source position of an affine map moves by a constant step, so each row has three kinds of
 * pixels in this order: outside (filled), at the border (careful), inside (fast), border, outside. The fast ones take
 * positions in 32.32 fixed point, weights in 1/256 that sum to 256, and blend the three channels at once in 16-bit
 * lanes of one 64-bit word: 255 * 256 + 128 still fits a lane, so no lane spills into the next.
 */
#include "data/augment/augment.h"

#include <math.h>
#include <string.h>

/* An image to sample from. */
typedef struct source {
    const uint8_t *rgb;
    int w, h;
} source;

/* Output columns [first, last). */
typedef struct columns {
    int first, last;
} columns;

typedef struct weights {
    uint32_t w00, w01, w10, w11;
} weights;

/* The four bilinear weights for fractions in 1/256; they sum to 256 and none is negative. */
static inline weights bilinear_weights(uint32_t fx, uint32_t fy) {
    uint32_t w11 = (fx * fy + 128) >> 8;
    return (weights){256 - fx - fy + w11, fx - w11, fy - w11, w11};
}

/* A channel of a pixel, or grey where there is none. */
static uint32_t channel_at(const source *src, int64_t x, int64_t y, int c) {
    if (x < 0 || y < 0 || x >= src->w || y >= src->h) return YTI_GREY;
    return src->rgb[3 * (y * src->w + x) + c];
}

/* Any position, for the border of the image and for projective maps. NaN gives grey. */
static void sample_carefully(const source *src, double x, double y, uint8_t *dst) {
    if (!(x > -2 && y > -2 && x < src->w + 1 && y < src->h + 1)) {
        memset(dst, YTI_GREY, 3);
        return;
    }
    int64_t fixed_x = (int64_t)floor(x * 256 + 0.5), fixed_y = (int64_t)floor(y * 256 + 0.5);
    int64_t ix = fixed_x >> 8, iy = fixed_y >> 8;
    weights k = bilinear_weights((uint32_t)(fixed_x & 255), (uint32_t)(fixed_y & 255));
    for (int c = 0; c < 3; c++)
        dst[c] = (uint8_t)((channel_at(src, ix, iy, c) * k.w00 + channel_at(src, ix + 1, iy, c) * k.w01 +
                            channel_at(src, ix, iy + 1, c) * k.w10 + channel_at(src, ix + 1, iy + 1, c) * k.w11 +
                            128) >>
                           8);
}

/* The low three bytes of v in 16-bit lanes. */
static inline uint64_t spread(uint32_t v) {
    return (uint64_t)(v & 0xFF0000) << 16 | (v & 0xFF00) << 8 | (v & 0xFF);
}

static inline uint32_t load32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A source coordinate along a row: value(i) = start + i * step, 32 bits of fraction, half of 1/256 included for
 * rounding. */
typedef struct ramp {
    int64_t start, step;
} ramp;

static ramp make_ramp(double start, double step) {
    const double one = 4294967296.0;   /* 2^32 */
    if (!(fabs(step) < 1e6)) step = 0; /* such a row has one pixel inside, which needs no step */
    return (ramp){(int64_t)floor(start * one) + (1 << 23), (int64_t)floor(step * one + 0.5)};
}

/* Pixels whose four neighbours are all inside the image. */
static void sample_inside(const source *src, ramp x, ramp y, int count, uint8_t *dst) {
    size_t row = (size_t)src->w * 3;
    for (int i = 0; i < count; i++, x.start += x.step, y.start += y.step, dst += 3) {
        const uint8_t *top = src->rgb + (size_t)(y.start >> 32) * row + (size_t)(x.start >> 32) * 3;
        const uint8_t *bottom = top + row;
        weights k = bilinear_weights((uint32_t)(x.start >> 24) & 255, (uint32_t)(y.start >> 24) & 255);
        /* The right neighbour is read from one byte before it, so that no read passes its last byte. */
        uint64_t sum = 0x0000008000800080u + spread(load32(top)) * k.w00 + spread(load32(top + 2) >> 8) * k.w01 +
                       spread(load32(bottom)) * k.w10 + spread(load32(bottom + 2) >> 8) * k.w11;
        dst[0] = (uint8_t)(sum >> 8);
        dst[1] = (uint8_t)(sum >> 24);
        dst[2] = (uint8_t)(sum >> 40);
    }
}

/* Narrows `span` to the columns x with low <= start + x * step <= high. */
static columns narrow(columns span, double start, double step, double low, double high) {
    if (fabs(step) < 1e-12) return start >= low && start <= high ? span : (columns){0, 0};
    double a = (low - start) / step, b = (high - start) / step;
    double first = ceil(fmin(a, b)), last = floor(fmax(a, b)) + 1;
    if (!(first < span.last && last > span.first)) return (columns){0, 0};
    if (first > span.first) span.first = (int)first;
    if (last < span.last) span.last = (int)last;
    return span;
}

static bool ramp_inside(ramp r, int64_t i, int size) {
    int64_t at = (r.start + i * r.step) >> 32;
    return at >= 0 && at + 1 < size;
}

/* Shortens the span at its ends until the fixed-point positions are inside; rounding may have moved them. */
static columns trim(columns span, ramp x, ramp y, const source *src) {
    int64_t first = 0, last = span.last - span.first;
    while (first < last && !(ramp_inside(x, first, src->w) && ramp_inside(y, first, src->h))) first++;
    while (first < last && !(ramp_inside(x, last - 1, src->w) && ramp_inside(y, last - 1, src->h))) last--;
    return (columns){span.first + (int)first, span.first + (int)last};
}

static void fill_grey(uint8_t *row, int first, int last) {
    if (last > first) memset(row + 3 * (size_t)first, YTI_GREY, (size_t)(last - first) * 3);
}

/* One output row of the affine map x = start[0] + i*step[0], y = start[1] + i*step[1]. */
static void warp_row(const source *src, const double start[2], const double step[2], int out_w, uint8_t *dst) {
    columns all = {0, out_w};
    columns touched = narrow(narrow(all, start[0], step[0], -2, src->w + 1), start[1], step[1], -2, src->h + 1);
    columns inside = narrow(narrow(touched, start[0], step[0], 0, src->w - 1), start[1], step[1], 0, src->h - 1);
    if (inside.last <= inside.first) inside = (columns){touched.last, touched.last};
    ramp x = {0}, y = {0};
    if (inside.last > inside.first) {
        x = make_ramp(start[0] + inside.first * step[0], step[0]);
        y = make_ramp(start[1] + inside.first * step[1], step[1]);
        columns safe = trim(inside, x, y, src);
        x.start += (safe.first - inside.first) * x.step;
        y.start += (safe.first - inside.first) * y.step;
        inside = safe;
    }
    fill_grey(dst, 0, touched.first);
    for (int i = touched.first; i < inside.first; i++)
        sample_carefully(src, start[0] + i * step[0], start[1] + i * step[1], dst + 3 * i);
    sample_inside(src, x, y, inside.last - inside.first, dst + 3 * (size_t)inside.first);
    for (int i = inside.last; i < touched.last; i++)
        sample_carefully(src, start[0] + i * step[0], start[1] + i * step[1], dst + 3 * i);
    fill_grey(dst, touched.last, out_w);
}

static void warp_row_projective(const source *src, const double inverse[9], int y, int out_w, uint8_t *dst) {
    for (int x = 0; x < out_w; x++) {
        double depth = inverse[6] * x + inverse[7] * y + inverse[8];
        double u = (inverse[0] * x + inverse[1] * y + inverse[2]) / depth;
        double v = (inverse[3] * x + inverse[4] * y + inverse[5]) / depth;
        sample_carefully(src, u, v, dst + 3 * x);
    }
}

/* By cofactors. False: singular. */
static bool invert(const double m[9], double out[9]) {
    double c0 = m[4] * m[8] - m[5] * m[7], c1 = m[5] * m[6] - m[3] * m[8], c2 = m[3] * m[7] - m[4] * m[6];
    double determinant = m[0] * c0 + m[1] * c1 + m[2] * c2;
    if (!(fabs(determinant) > 1e-12)) return false;
    const double adjugate[9] = {c0, m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
                                c1, m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
                                c2, m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
    for (int i = 0; i < 9; i++) out[i] = adjugate[i] / determinant;
    return true;
}

void yti_affine_warp(const yti_affine *affine, const uint8_t *src, int w, int h, uint8_t *dst, int out_w, int out_h) {
    const double *m = affine->m;
    double inverse[9];
    size_t row = (size_t)out_w * 3;
    if (!invert(m, inverse)) { /* everything has shrunk to a line or a point */
        memset(dst, YTI_GREY, row * (size_t)out_h);
        return;
    }
    source picture = {src, w, h};
    bool projective = m[6] != 0 || m[7] != 0;
    const double step[2] = {inverse[0], inverse[3]};
    for (int y = 0; y < out_h; y++, dst += row) {
        const double start[2] = {inverse[1] * y + inverse[2], inverse[4] * y + inverse[5]};
        if (projective)
            warp_row_projective(&picture, inverse, y, out_w, dst);
        else
            warp_row(&picture, start, step, out_w, dst);
    }
}
