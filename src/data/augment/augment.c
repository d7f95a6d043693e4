/* augment.c: the geometry of mosaic, affine map and flips, and what becomes of the boxes (spec training 2.3, 2.4, 2.7).
 * The pixels of the map are in warp.c, outlines in outline.c, mixing in mix.c, colours in hsv.c.
 */
#include "data/augment/augment.h"

#include <math.h>
#include <string.h>

static int min_int(int a, int b) {
    return a < b ? a : b;
}

yti_tile yti_mosaic_tile(int index, int xc, int yc, int w, int h, int canvas) {
    bool right = index & 1, below = index & 2;
    yti_tile tile;
    tile.w = min_int(w, right ? canvas - xc : xc);
    tile.h = min_int(h, below ? canvas - yc : yc);
    tile.dst_x = right ? xc : xc - tile.w;
    tile.dst_y = below ? yc : yc - tile.h;
    tile.src_x = right ? 0 : w - tile.w; /* the part next to the centre is shown */
    tile.src_y = below ? 0 : h - tile.h;
    return tile;
}

void yti_mosaic_paste(uint8_t *canvas_rgb, int canvas, yti_tile tile, const uint8_t *rgb, int w) {
    for (int y = 0; y < tile.h; y++) {
        size_t to = ((size_t)(tile.dst_y + y) * (size_t)canvas + (size_t)tile.dst_x) * 3;
        size_t from = ((size_t)(tile.src_y + y) * (size_t)w + (size_t)tile.src_x) * 3;
        memcpy(canvas_rgb + to, rgb + from, (size_t)tile.w * 3);
    }
}

static float clamp(float value, float hi) {
    return value < 0 ? 0 : value > hi ? hi : value;
}

static yt_xyxy clip(yt_xyxy box, int w, int h) {
    float right = (float)w, bottom = (float)h;
    return (yt_xyxy){clamp(box.x1, right), clamp(box.y1, bottom), clamp(box.x2, right), clamp(box.y2, bottom)};
}

int yti_boxes_clip(yti_box *boxes, int count, int w, int h) {
    int kept = 0;
    for (int i = 0; i < count; i++) {
        yti_box b = boxes[i];
        b.box = clip(b.box, w, h);
        if ((b.box.x2 - b.box.x1) * (b.box.y2 - b.box.y1) > 0) boxes[kept++] = b;
    }
    return kept;
}

/* out = a * b, 3 x 3. */
static void multiply(const double a[9], const double b[9], double out[9]) {
    double product[9];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            product[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
    memcpy(out, product, sizeof product);
}

yti_affine yti_affine_draw(const yti_augment *augment, int w, int h, int out_w, int out_h, yti_rng *rng) {
    const double degree = 3.14159265358979323846 / 180;
    double perspective = (double)augment->perspective, shear = (double)augment->shear * degree;
    double scale = (double)augment->scale, translate = (double)augment->translate;
    double p0 = yti_rng_uniform(rng, -perspective, perspective);
    double p1 = yti_rng_uniform(rng, -perspective, perspective);
    double angle = yti_rng_uniform(rng, -(double)augment->degrees, (double)augment->degrees) * degree;
    double gain = yti_rng_uniform(rng, 1 - scale, 1 + scale);
    double shear_x = tan(yti_rng_uniform(rng, -shear, shear));
    double shear_y = tan(yti_rng_uniform(rng, -shear, shear));
    double shift_x = yti_rng_uniform(rng, 0.5 - translate, 0.5 + translate) * out_w;
    double shift_y = yti_rng_uniform(rng, 0.5 - translate, 0.5 + translate) * out_h;

    const double centre[9] = {1, 0, -w / 2.0, 0, 1, -h / 2.0, 0, 0, 1};
    const double project[9] = {1, 0, 0, 0, 1, 0, p0, p1, 1};
    double c = gain * cos(angle), s = gain * sin(angle);
    const double rotate[9] = {c, s, 0, -s, c, 0, 0, 0, 1};
    const double shear_by[9] = {1, shear_x, 0, shear_y, 1, 0, 0, 0, 1};
    const double move[9] = {1, 0, shift_x, 0, 1, shift_y, 0, 0, 1};
    yti_affine affine = {.gain = gain};
    multiply(project, centre, affine.m);
    multiply(rotate, affine.m, affine.m);
    multiply(shear_by, affine.m, affine.m);
    multiply(move, affine.m, affine.m);
    return affine;
}

/* The box around the four mapped corners. */
static yt_xyxy map_box(const double m[9], yt_xyxy box) {
    const double corners[4][2] = {{(double)box.x1, (double)box.y1},
                                  {(double)box.x2, (double)box.y2},
                                  {(double)box.x1, (double)box.y2},
                                  {(double)box.x2, (double)box.y1}};
    double low_x = HUGE_VAL, low_y = HUGE_VAL, high_x = -HUGE_VAL, high_y = -HUGE_VAL;
    for (int i = 0; i < 4; i++) {
        double x = corners[i][0], y = corners[i][1], depth = m[6] * x + m[7] * y + m[8];
        double u = (m[0] * x + m[1] * y + m[2]) / depth, v = (m[3] * x + m[4] * y + m[5]) / depth;
        low_x = fmin(low_x, u), high_x = fmax(high_x, u);
        low_y = fmin(low_y, v), high_y = fmax(high_y, v);
    }
    return (yt_xyxy){(float)low_x, (float)low_y, (float)high_x, (float)high_y};
}

/* The intersection of two boxes; of area 0 where they do not overlap. */
static yt_xyxy intersect(yt_xyxy a, yt_xyxy b) {
    yt_xyxy both = {fmaxf(a.x1, b.x1), fmaxf(a.y1, b.y1), fminf(a.x2, b.x2), fminf(a.y2, b.y2)};
    bool empty = !(both.x2 > both.x1 && both.y2 > both.y1);
    return empty ? (yt_xyxy){0} : both;
}

double yti_least_visible(const yti_box *box) {
    return box->n_points > 0 ? 0.01 : 0.10;
}

static const double SMALLEST = 2, THINNEST = 100; /* side in pixels, and long side by short side: spec training 2.4 */

/* Whether enough of a box is left to learn from; the area of `before` is scaled by the gain. NaN is not. */
static bool is_worth_keeping(const yti_box *before, double gain, yt_xyxy after) {
    yt_xyxy b = before->box;
    double w1 = (double)(b.x2 - b.x1) * gain, h1 = (double)(b.y2 - b.y1) * gain;
    double w2 = (double)(after.x2 - after.x1), h2 = (double)(after.y2 - after.y1);
    double aspect = fmax(w2 / (h2 + 1e-16), h2 / (w2 + 1e-16));
    return w2 > SMALLEST && h2 > SMALLEST && w2 * h2 / (w1 * h1 + 1e-16) > yti_least_visible(before) &&
           aspect < THINNEST;
}

/* Why a box is dropped. after: what is seen of it. One that is small as a whole is small wherever it lies, unless it
 * is out of view. */
static yti_box_fate fate_of_dropped(const yti_affine *affine, const yti_box *before, yt_xyxy after) {
    const double w2 = (double)(after.x2 - after.x1), h2 = (double)(after.y2 - after.y1);
    const yt_xyxy whole = map_box(affine->m, before->box);
    const double w = (double)(whole.x2 - whole.x1), h = (double)(whole.y2 - whole.y1);
    if (!(w2 * h2 > 0)) return YT_BOX_OUTSIDE;
    if (w <= SMALLEST || h <= SMALLEST) return YT_BOX_SMALL;
    if (w2 > SMALLEST && h2 > SMALLEST && fmax(w2 / h2, h2 / w2) >= THINNEST) return YT_BOX_THIN;
    return YT_BOX_CUT;
}

/* The box has been clipped to the canvas and the outline has not, so what is seen lies in both. */
static yt_xyxy map_one(const yti_affine *affine, const yti_point *points, const yti_box *box, int out_w, int out_h) {
    yt_xyxy mapped = clip(map_box(affine->m, box->box), out_w, out_h);
    if (box->n_points == 0) return mapped;
    return intersect(mapped, yti_outline_box(affine->m, points + box->first_point, box->n_points, out_w, out_h));
}

int yti_affine_boxes(const yti_affine *affine, const yti_point *points, yti_box *boxes, int count, int out_w, int out_h,
                     int64_t fates[YT_BOX_FATES]) {
    int kept = 0;
    for (int i = 0; i < count; i++) {
        yti_box b = boxes[i];
        b.box = map_one(affine, points, &boxes[i], out_w, out_h);
        const bool stays = is_worth_keeping(&boxes[i], affine->gain, b.box);
        if (fates) fates[stays ? YT_BOX_SEEN : fate_of_dropped(affine, &boxes[i], b.box)]++;
        if (stays) boxes[kept++] = b;
    }
    return kept;
}

void yti_swap_red_blue(uint8_t *rgb, size_t pixels) {
    for (size_t i = 0; i < pixels; i++) {
        uint8_t red = rgb[3 * i];
        rgb[3 * i] = rgb[3 * i + 2];
        rgb[3 * i + 2] = red;
    }
}

static void swap_bytes(uint8_t *restrict a, uint8_t *restrict b, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        uint8_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

void yti_flip_vertical(uint8_t *rgb, int w, int h) {
    size_t row = (size_t)w * 3;
    for (int y = 0; y < h / 2; y++) swap_bytes(rgb + (size_t)y * row, rgb + (size_t)(h - 1 - y) * row, row);
}

void yti_flip_horizontal(uint8_t *rgb, int w, int h) {
    for (int y = 0; y < h; y++) {
        uint8_t *left = rgb + (size_t)y * (size_t)w * 3, *right = left + (size_t)(w - 1) * 3;
        for (; left < right; left += 3, right -= 3) swap_bytes(left, right, 3);
    }
}

void yti_boxes_flip_vertical(yti_box *boxes, int count, int h) {
    for (int i = 0; i < count; i++) {
        yt_xyxy b = boxes[i].box;
        boxes[i].box.y1 = (float)h - b.y2;
        boxes[i].box.y2 = (float)h - b.y1;
    }
}

void yti_boxes_flip_horizontal(yti_box *boxes, int count, int w) {
    for (int i = 0; i < count; i++) {
        yt_xyxy b = boxes[i].box;
        boxes[i].box.x1 = (float)w - b.x2;
        boxes[i].box.x2 = (float)w - b.x1;
    }
}
