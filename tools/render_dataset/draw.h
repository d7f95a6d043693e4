/* draw.h: anti-aliased shapes on a canvas, by signed distance.
 *
 * A shape is a distance function in the object's own units (x right, y down, the object about -1..1); a pen
 * puts those units on the canvas (place, size, turn, mirror). A pixel is covered by clamp(1/2 - distance in
 * pixels), which is exact for straight edges and close for curved ones. Everything is a value; nothing is
 * allocated but the canvas.
 */
#ifndef YT_RENDER_DRAW_H
#define YT_RENDER_DRAW_H

#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct yt_rgb {
    double r, g, b; /* sRGB, 0..1 */
} yt_rgb;

yt_rgb yt_rgb_hex(unsigned hex);                               /* 0xrrggbb */
yt_rgb yt_rgb_mix(yt_rgb a, yt_rgb b, double share);           /* share of b */
yt_rgb yt_rgb_vary(yt_rgb colour, double amount, yt_rng *rng); /* every channel by up to +-amount */

/* One of n colours, varied a little. */
yt_rgb yt_rgb_pick(yt_rng *rng, const unsigned *colours, uint32_t n);

/* [h][w][4]: red, green, blue multiplied by alpha, then alpha. */
typedef struct yt_canvas {
    int w, h;
    double *rgba;
} yt_canvas;

typedef enum yt_shape_kind {
    YT_SHAPE_ELLIPSE,  /* radii a, b */
    YT_SHAPE_BOX,      /* half sides a, b, corner radius r */
    YT_SHAPE_POLYGON,  /* n points, rounded outwards by r */
    YT_SHAPE_LINE,     /* from (x, y) to (a, b), half width r, round ends */
    YT_SHAPE_ARC,      /* circle of radius a from angle b over angle c, half width r, round ends */
    YT_SHAPE_CRESCENT, /* disc of radius r at (x, y) without the disc of radius c at (a, b) */
    YT_SHAPE_CUT_DISC  /* disc of radius r, only what is above the line y = a */
} yt_shape_kind;

typedef struct yt_shape {
    yt_shape_kind kind;
    double x, y, a, b, c, r;
    double turn; /* ellipse and box: radians */
    int n;
    const double (*points)[2]; /* borrowed */
} yt_shape;

yt_shape yt_ellipse(double x, double y, double rx, double ry, double turn);
yt_shape yt_disc(double x, double y, double r);
yt_shape yt_box(double x0, double y0, double x1, double y1, double corner); /* by its edges */
yt_shape yt_polygon(int n, const double (*points)[2], double rounding);
yt_shape yt_line(double x0, double y0, double x1, double y1, double width);
yt_shape yt_arc(double x, double y, double radius, double from, double sweep, double width);
yt_shape yt_crescent(double x, double y, double r, double cut_x, double cut_y, double cut_r);
yt_shape yt_cut_disc(double x, double y, double r, double below);

/* Colour as a function of the place in the object's units. */
typedef yt_rgb (*yt_shade)(const void *context, double x, double y);

/* What a shape is filled with: a vertical run from top to bottom over the shape's height, or a shade. */
typedef struct yt_ink {
    yt_rgb top, bottom;
    double alpha;
    double soft; /* width of the blurred edge in the object's units; 0: sharp */
    yt_shade shade;
    const void *context;
} yt_ink;

yt_ink yt_ink_flat(yt_rgb colour);
yt_ink yt_ink_run(yt_rgb top, yt_rgb bottom);
yt_ink yt_ink_hex(unsigned colour);
yt_ink yt_ink_hex_run(unsigned top, unsigned bottom);
yt_ink yt_ink_lit(yt_rgb colour); /* lit from above: lighter at the top, darker at the bottom */
yt_ink yt_ink_glaze(yt_rgb colour, double alpha, double soft); /* see-through, soft-edged */

typedef struct yt_pen {
    yt_canvas *canvas;
    double x, y;  /* the origin of the object, pixels */
    double scale; /* pixels per unit */
    double cosine, sine;
    double mirror;        /* 1, or -1: left and right swapped */
    const yt_shape *clip; /* borrowed; NULL: paint everywhere */
} yt_pen;

yt_pen yt_pen_make(yt_canvas *canvas, double x, double y, double scale, double turn, bool mirrored);

void yt_fill(const yt_pen *pen, yt_shape shape, yt_ink ink);
void yt_stroke(const yt_pen *pen, yt_shape shape, double width, yt_ink ink); /* along the shape's edge */

/* Fills the shape, after an edge of `width` around it. */
void yt_fill_edged(const yt_pen *pen, yt_shape shape, yt_ink ink, double width, yt_rgb edge);

#endif
