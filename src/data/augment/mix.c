/* mix.c: MixUp (Zhang et al. 2018: two images on top of each other) and CutMix (Yun et al. 2019: a part of one in the
 * other), as the reference trainer does them (spec training 2.5).
 *
 * CutMix covers nothing that has a box: a rectangle that touches one is not taken.
 */
#include "data/augment/augment.h"

#include <math.h>
#include <string.h>

void yti_mixup_pixels(uint8_t *rgb, const uint8_t *other, size_t bytes, double share) {
    for (size_t i = 0; i < bytes; i++) rgb[i] = (uint8_t)(rgb[i] * share + other[i] * (1 - share));
}

static int limit(int value, int high) {
    return value < 0 ? 0 : value > high ? high : value;
}

/* A rectangle of 1 - lam of the image's area, lam ~ Beta(1, 1), around a random pixel, clipped to the image. */
static yti_rect draw_rect(int w, int h, yti_rng *rng) {
    double side = sqrt(1 - yti_rng_beta(rng, 1, 1));
    int half_w = (int)(w * side) / 2, half_h = (int)(h * side) / 2;
    int x = (int)yti_rng_below(rng, (uint32_t)w), y = (int)yti_rng_below(rng, (uint32_t)h);
    return (yti_rect){limit(x - half_w, w), limit(y - half_h, h), limit(x + half_w, w), limit(y + half_h, h)};
}

/* The part of a box inside the rectangle; no area: none. */
static yt_xyxy part_inside(yti_rect rect, yt_xyxy box) {
    yt_xyxy part = {fmaxf(box.x1, (float)rect.x1), fmaxf(box.y1, (float)rect.y1), fminf(box.x2, (float)rect.x2),
                    fminf(box.y2, (float)rect.y2)};
    return part.x2 > part.x1 && part.y2 > part.y1 ? part : (yt_xyxy){0};
}

static double area_of(yt_xyxy box) {
    return (double)(box.x2 - box.x1) * (double)(box.y2 - box.y1);
}

static bool touches_none(yti_rect rect, const yti_box *boxes, int count) {
    for (int i = 0; i < count; i++)
        if (area_of(part_inside(rect, boxes[i].box)) > 0) return false;
    return true;
}

bool yti_cutmix_draw(const yti_box *boxes, int count, int w, int h, yti_rng *rng, yti_rect *out) {
    enum { CANDIDATES = 3 };
    yti_rect free_ones[CANDIDATES];
    uint32_t n = 0;
    for (int i = 0; i < CANDIDATES; i++) {
        yti_rect rect = draw_rect(w, h, rng);
        if (touches_none(rect, boxes, count)) free_ones[n++] = rect;
    }
    if (n == 0) return false;
    *out = free_ones[yti_rng_below(rng, n)];
    return true;
}

int yti_cutmix_boxes(yti_rect rect, yti_box *boxes, int count) {
    int kept = 0;
    for (int i = 0; i < count; i++) {
        yti_box b = boxes[i];
        b.box = part_inside(rect, b.box);
        double part = area_of(b.box);
        if (part > 0 && part / area_of(boxes[i].box) >= yti_least_visible(&b)) boxes[kept++] = b;
    }
    return kept;
}

void yti_cutmix_pixels(uint8_t *rgb, const uint8_t *other, int w, yti_rect rect) {
    for (int y = rect.y1; y < rect.y2; y++) {
        size_t at = ((size_t)y * (size_t)w + (size_t)rect.x1) * 3;
        memcpy(rgb + at, other + at, (size_t)(rect.x2 - rect.x1) * 3);
    }
}
