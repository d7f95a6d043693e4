/* hsv.c: random colour in 8-bit HSV: hue in half degrees 0..179, saturation and value 0..255.
 *
 * Smith (1978): V = max, S = (V - min) / V, H by the sector of the largest channel; these are rounded, divisions being
 * multiplications with 12-bit reciprocals. Back, each channel is V * (1 - S * t) with a factor t in 0..1 that depends
 * on hue and channel only and comes from a table; this is truncated. Both as OpenCV does it: of all 11.8 million 8-bit
 * HSV colours 0.005 % come back one level off.
 */
#include "data/augment/augment.h"

#include <math.h>

enum { HUES = 180, SHIFT = 12 };

typedef struct hsv_tables {
    int saturation[256]; /* 255 / v in 1/4096 */
    int hue[256];        /* 30 / range in 1/4096 */
    uint8_t to_saturation[256], to_value[256];
    float fade[HUES][4]; /* t of red, green, blue after the hue's shift; [3] is unused */
} hsv_tables;

/* How much of the saturation a channel loses: nothing in the two sectors around its own colour, all in the two
 * opposite ones, linear between. */
static float fade_of(int hue, int channel) {
    static const enum {
        NONE,
        ALL,
        FALLING,
        RISING
    } kinds[6][3] = {{NONE, RISING, ALL},  {FALLING, NONE, ALL}, {ALL, NONE, RISING},
                     {ALL, FALLING, NONE}, {RISING, ALL, NONE},  {NONE, ALL, FALLING}};
    float position = (float)hue * (6.0f / HUES), fraction = position - floorf(position);
    switch (kinds[(int)position][channel]) {
    case NONE:
        return 0;
    case ALL:
        return 1;
    case FALLING:
        return fraction;
    default:
        return 1 - fraction;
    }
}

static uint8_t scaled(int x, double factor) {
    double value = x * factor;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); /* truncated, as the reference trainer does */
}

static void make_tables(hsv_tables *t, const double gains[3]) {
    t->saturation[0] = t->hue[0] = 0;
    for (int i = 1; i < 256; i++) {
        t->saturation[i] = (int)lrint((255 << SHIFT) / (double)i);
        t->hue[i] = (int)lrint((HUES << SHIFT) / (6.0 * i));
    }
    for (int i = 0; i < HUES; i++) {
        double shifted = fmod(i + HUES * gains[0], HUES);
        if (shifted < 0) shifted += HUES;
        int hue = shifted >= HUES ? 0 : (int)shifted;
        for (int c = 0; c < 3; c++) t->fade[i][c] = fade_of(hue, c);
        t->fade[i][3] = 0;
    }
    for (int i = 0; i < 256; i++) {
        t->to_saturation[i] = scaled(i, 1 + gains[1]);
        t->to_value[i] = scaled(i, 1 + gains[2]);
    }
    t->to_saturation[0] = 0; /* grey stays grey */
}

static inline int max_int(int a, int b) {
    return a > b ? a : b;
}

static inline int min_int(int a, int b) {
    return a < b ? a : b;
}

static inline void shift_pixel(const hsv_tables *t, uint8_t *rgb) {
    const int half = 1 << (SHIFT - 1);
    int r = rgb[0], g = rgb[1], b = rgb[2];
    int value = max_int(max_int(r, g), b), range = value - min_int(min_int(r, g), b);
    int turn = r - g + 4 * range; /* in sixths of the circle times range */
    turn = value == g ? b - r + 2 * range : turn;
    turn = value == r ? g - b : turn;
    int hue = (turn * t->hue[range] + half) >> SHIFT;
    hue += hue < 0 ? HUES : 0;
    int saturation = (range * t->saturation[value] + half) >> SHIFT;

    const float *fade = t->fade[hue];
    float s = (float)t->to_saturation[saturation] * (1.0f / 255), v = (float)t->to_value[value] * (1.0f / 255);
    float channels[4];
    for (int c = 0; c < 4; c++) channels[c] = v * (1 - s * fade[c]) * 255;
    for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)channels[c];
}

void yti_hsv_shift(uint8_t *rgb, size_t pixels, const double gains[3]) {
    hsv_tables tables;
    make_tables(&tables, gains);
    for (size_t i = 0; i < pixels; i++) shift_pixel(&tables, rgb + 3 * i);
}
