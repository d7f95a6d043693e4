/* palette.c: colours chosen one after the other from a lattice of RGB values, each the one whose distance to its
 * nearest predecessor is largest.
 *
 * Distance is Euclidean in OKLab (Ottosson 2020), the smallest of three: as seen by normal eyes, and by protanopes and
 * deuteranopes as Machado, Oliveira and Fernandes (2009) simulate them. Greys, and what is nearly black or white, are
 * left out: they are frequent in photographs, and letters on them are black or white.
 */
#include "draw/palette.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { STEP = 15, SIDE = 255 / STEP + 1, LATTICE = SIDE * SIDE * SIDE, EYES = 3 };

static const float MIN_L = 0.4f, MAX_L = 0.95f, MIN_CHROMA = 0.12f;
static const yti_colour FIRST = {0, 120, 225}; /* a blue */

/* What an eye makes of linear RGB: nothing, protanopia, deuteranopia (severity 1 of the paper's tables). */
static const float seen_by[EYES][3][3] = {
    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    {{0.152286f, 1.052583f, -0.204868f}, {0.114503f, 0.786281f, 0.099216f}, {-0.003882f, -0.048116f, 1.051998f}},
    {{0.367322f, 0.860646f, -0.227968f}, {0.280085f, 0.672501f, 0.047413f}, {-0.011820f, 0.042940f, 0.968881f}}};

typedef struct {
    float l, a, b;
} oklab;

typedef struct {
    yti_colour colour;
    oklab seen[EYES];
    float nearest; /* squared distance to the nearest colour that was chosen */
} candidate;

/* The transfer function of sRGB (IEC 61966-2-1), undone. */
static float linear(uint8_t value) {
    const float v = (float)value / 255;
    return v <= 0.04045f ? v / 12.92f : powf((v + 0.055f) / 1.055f, 2.4f);
}

static float row(const float m[3], const float v[3]) {
    return m[0] * v[0] + m[1] * v[1] + m[2] * v[2];
}

static oklab oklab_of(const float rgb[3]) {
    static const float to_lms[3][3] = {{0.4122214708f, 0.5363325363f, 0.0514459929f},
                                       {0.2119034982f, 0.6806995451f, 0.1073969566f},
                                       {0.0883024619f, 0.2817188376f, 0.6299787005f}};
    static const float to_lab[3][3] = {{0.2104542553f, 0.7936177850f, -0.0040720468f},
                                       {1.9779984951f, -2.4285922050f, 0.4505937099f},
                                       {0.0259040371f, 0.7827717662f, -0.8086757660f}};
    float lms[3];
    for (int i = 0; i < 3; i++) lms[i] = cbrtf(row(to_lms[i], rgb));
    return (oklab){row(to_lab[0], lms), row(to_lab[1], lms), row(to_lab[2], lms)};
}

static candidate candidate_of(yti_colour colour) {
    const float rgb[3] = {linear(colour.r), linear(colour.g), linear(colour.b)};
    candidate c = {.colour = colour, .nearest = INFINITY};
    for (int eye = 0; eye < EYES; eye++) {
        float seen[3];
        for (int i = 0; i < 3; i++) seen[i] = fminf(fmaxf(row(seen_by[eye][i], rgb), 0), 1);
        c.seen[eye] = oklab_of(seen);
    }
    return c;
}

static int list_candidates(candidate *out) {
    int n = 0;
    for (int i = 0; i < LATTICE; i++) {
        const candidate c = candidate_of((yti_colour){(uint8_t)(i / SIDE / SIDE * STEP),
                                                      (uint8_t)(i / SIDE % SIDE * STEP), (uint8_t)(i % SIDE * STEP)});
        const oklab *lab = &c.seen[0];
        if (lab->l >= MIN_L && lab->l <= MAX_L && hypotf(lab->a, lab->b) >= MIN_CHROMA) out[n++] = c;
    }
    return n;
}

static float distance(const candidate *a, const candidate *b) {
    float least = INFINITY;
    for (int eye = 0; eye < EYES; eye++) {
        const float l = a->seen[eye].l - b->seen[eye].l, x = a->seen[eye].a - b->seen[eye].a,
                    y = a->seen[eye].b - b->seen[eye].b;
        least = fminf(least, l * l + x * x + y * y);
    }
    return least;
}

yt_status yti_palette_create(int classes, yti_colour **out, yt_err *err) {
    yti_colour *colours = calloc((size_t)(classes > 0 ? classes : 1), sizeof *colours);
    candidate *candidates = calloc(LATTICE, sizeof *candidates);
    if (!colours || !candidates) {
        free(colours);
        free(candidates);
        return yti_no_memory(err, "the colours of %d classes", classes);
    }
    const int n = list_candidates(candidates);
    candidate chosen = candidate_of(FIRST);
    for (int i = 0; i < classes; i++) {
        if (i >= YTI_MAX_COLOURS) {
            colours[i] = colours[i % YTI_MAX_COLOURS];
            continue;
        }
        colours[i] = chosen.colour;
        int farthest = 0;
        for (int k = 0; k < n; k++) {
            candidates[k].nearest = fminf(candidates[k].nearest, distance(&candidates[k], &chosen));
            if (candidates[k].nearest > candidates[farthest].nearest) farthest = k;
        }
        chosen = candidates[farthest];
    }
    free(candidates);
    *out = colours;
    return YT_OK;
}

/* Contrast of the relative luminances x > y is (x + 0.05) / (y + 0.05). */
yti_colour yti_readable_on(yti_colour back) {
    const float luminance = 0.2126f * linear(back.r) + 0.7152f * linear(back.g) + 0.0722f * linear(back.b);
    const bool black = (luminance + 0.05f) / 0.05f > 1.05f / (luminance + 0.05f);
    return black ? (yti_colour){0, 0, 0} : (yti_colour){255, 255, 255};
}
