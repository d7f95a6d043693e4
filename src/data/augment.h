/* augment.h: the parts of the training augmentation, each a pure function of pixels, boxes and numbers. */
#ifndef YT_DATA_AUGMENT_H
#define YT_DATA_AUGMENT_H

#include "yt/box.h"
#include "yt/loader.h"
#include "yt/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { YTI_GREY = 114 /* what lies outside a picture */ };

/* A box in pixels. */
typedef struct yti_box {
    int class_id;
    yt_xyxy box;
} yti_box;

/* ---- mosaic ---- */
/* Where a tile goes: w x h pixels from (src_x, src_y) of the tile to (dst_x, dst_y) of the canvas. */
typedef struct yti_tile {
    int dst_x, dst_y, src_x, src_y, w, h;
} yti_tile;

/* Tile `index` (0 top left, 1 top right, 2 bottom left, 3 bottom right), w x h pixels, with a corner at the
 * centre (xc, yc) of a canvas of canvas x canvas pixels. */
yti_tile yti_mosaic_tile(int index, int xc, int yc, int w, int h, int canvas);
void yti_mosaic_paste(uint8_t *canvas_rgb, int canvas, yti_tile tile, const uint8_t *rgb, int w);

/* Clips boxes to w x h and drops those without area; returns how many are left. */
int yti_boxes_clip(yti_box *boxes, int count, int w, int h);

/* ---- affine (or projective) map ---- */
typedef struct yti_affine {
    double m[9]; /* row-major; output = m * input, homogeneous */
    double gain; /* the scale that was drawn */
} yti_affine;

/* Draws a map from a picture of w x h to one of out_w x out_h (spec training 2.4). */
yti_affine yti_affine_draw(const yt_augment *augment, int w, int h, int out_w, int out_h, yt_rng *rng);

/* dst(p) = src(inverse of m at p), bilinear, grey outside. Coordinates are those of pixel corners' grid as in
 * OpenCV: pixel (x, y) is at (x, y). Positions and weights are rounded to 1/256. */
void yti_affine_warp(const yti_affine *affine, const uint8_t *src, int w, int h, uint8_t *dst, int out_w,
                     int out_h);

/* Maps boxes, clips them, drops those that became too small, thin or too little of themselves. Returns how
 * many are left. */
int yti_affine_boxes(const yti_affine *affine, yti_box *boxes, int count, int out_w, int out_h);

/* ---- colour and flips ---- */
/* Shifts hue by 180 * gains[0] half degrees and scales saturation and value by 1 + gains[1], 1 + gains[2], in
 * 8-bit HSV (spec training 2.6). */
void yti_hsv_shift(uint8_t *rgb, size_t pixels, const double gains[3]);

void yti_swap_red_blue(uint8_t *rgb, size_t pixels);
void yti_flip_vertical(uint8_t *rgb, int w, int h);
void yti_flip_horizontal(uint8_t *rgb, int w, int h);
void yti_boxes_flip_vertical(yti_box *boxes, int count, int h);
void yti_boxes_flip_horizontal(yti_box *boxes, int count, int w);

#endif
