/* augment.h: the parts of the training augmentation, each a pure function of pixels, boxes and numbers. */
#ifndef YT_DATA_AUGMENT_H
#define YT_DATA_AUGMENT_H

#include "base/rng.h"
#include "data/index/dataset.h"
#include "tensor/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Probabilities and ranges of spec training 2 and 4.10. */
typedef struct yti_augment {
    float mosaic, mixup, cutmix; /* probabilities */
    float degrees, translate, scale, shear, perspective;
    float hsv_h, hsv_s, hsv_v;
    float flipud, fliplr;
    float bgr; /* probability of leaving the channels swapped */
} yti_augment;

enum { YTI_GREY = 114 /* what lies outside an image */ };

/* A box in pixels, and its outline among the points that come with the boxes, in pixels too. */
typedef struct yti_box {
    int class_id;
    yt_xyxy box;
    int first_point, n_points; /* n_points 0: a box only */
} yti_box;

/* ---- mosaic ---- */
/* Where a tile goes: w x h pixels from (src_x, src_y) of the tile to (dst_x, dst_y) of the canvas. */
typedef struct yti_tile {
    int dst_x, dst_y, src_x, src_y, w, h;
} yti_tile;

/* Tile `index` (0 top left, 1 top right, 2 bottom left, 3 bottom right), w x h pixels, with a corner at the centre
 * (xc, yc) of a canvas of canvas x canvas pixels. */
yti_tile yti_mosaic_tile(int index, int xc, int yc, int w, int h, int canvas);
void yti_mosaic_paste(uint8_t *canvas_rgb, int canvas, yti_tile tile, const uint8_t *rgb, int w);

/* Clips boxes to w x h and drops those without area; returns how many are left. */
int yti_boxes_clip(yti_box *boxes, int count, int w, int h);

/* ---- affine (or projective) map ---- */
typedef struct yti_affine {
    double m[9]; /* row-major; output = m * input, homogeneous */
    double gain; /* the scale that was drawn */
} yti_affine;

/* Draws a map from an image of w x h to one of out_w x out_h (spec training 2.4). */
yti_affine yti_affine_draw(const yti_augment *augment, int w, int h, int out_w, int out_h, yti_rng *rng);

/* dst(p) = src(inverse of m at p), bilinear, grey outside. Coordinates are those of pixel corners' grid as in
 * OpenCV: pixel (x, y) is at (x, y). Positions and weights are rounded to 1/256. */
void yti_affine_warp(const yti_affine *affine, const uint8_t *src, int w, int h, uint8_t *dst, int out_w, int out_h);

/* Maps boxes, clips them, drops those that became too small, thin or too little of themselves. A box with an outline
 * becomes the one around what is seen of the outline; the points stay as they are and are of no use afterwards.
 * Returns how many are left. `points` may be NULL when no box has any. Adds to fates what became of each box; NULL:
 * not counted. */
int yti_affine_boxes(const yti_affine *affine, const yti_point *points, yti_box *boxes, int count, int out_w, int out_h,
                     int64_t fates[YT_BOX_FATES]);

/* The box around the part of a closed polygon that is seen in w x h; all zero where nothing is. The points are
 * mapped by the 3 x 3 matrix m first. */
yt_xyxy yti_outline_box(const double m[9], const yti_point *points, int count, int w, int h);

/* The part of a box's area that must be left of it: an outline says what is seen, a box guesses. */
double yti_least_visible(const yti_box *box);

/* ---- mixing two images (spec training 2.5) ---- */

/* rgb = rgb * share + other * (1 - share), truncated. */
void yti_mixup_pixels(uint8_t *rgb, const uint8_t *other, size_t bytes, double share);

/* Columns [x1, x2) of rows [y1, y2). */
typedef struct yti_rect {
    int x1, y1, x2, y2;
} yti_rect;

/* Draws where a part of another image may go in one of w x h: one of three rectangles, of those that touch no box.
 * False: all three do. */
bool yti_cutmix_draw(const yti_box *boxes, int count, int w, int h, yti_rng *rng, yti_rect *out);

/* Keeps the boxes of the other image of which enough lies in the rectangle, clipped to it. Returns how many. */
int yti_cutmix_boxes(yti_rect rect, yti_box *boxes, int count);

/* Copies the rectangle's pixels from an image of the same width. */
void yti_cutmix_pixels(uint8_t *rgb, const uint8_t *other, int w, yti_rect rect);

/* ---- colour and flips ---- */
/* Shifts hue by 180 * gains[0] half degrees and scales saturation and value by 1 + gains[1], 1 + gains[2], in 8-bit
 * HSV (spec training 2.6). */
void yti_hsv_shift(uint8_t *rgb, size_t pixels, const double gains[3]);

void yti_swap_red_blue(uint8_t *rgb, size_t pixels);
void yti_flip_vertical(uint8_t *rgb, int w, int h);
void yti_flip_horizontal(uint8_t *rgb, int w, int h);
void yti_boxes_flip_vertical(yti_box *boxes, int count, int h);
void yti_boxes_flip_horizontal(yti_box *boxes, int count, int w);

#endif
