/* canvas.h: the two ways in which everything here reaches pixels. What lies outside the image is cut off. */
#ifndef YT_DRAW_CANVAS_H
#define YT_DRAW_CANVAS_H

#include "draw/palette.h"
#include "image/image.h"

/* Columns x1 to x2 - 1, rows y1 to y2 - 1. */
void yti_fill_rectangle(yt_image *image, int x1, int y1, int x2, int y2, yti_colour colour);

/* One pixel, covered by a share of the colour, 0 to 1. */
void yti_blend_pixel(yt_image *image, int x, int y, yti_colour colour, float share);

#endif
