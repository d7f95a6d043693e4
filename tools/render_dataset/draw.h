/* draw.h: anti-aliased shapes on a canvas, by signed distance.
 *
 * A shape is a distance function in the object's own units (x right, y down, the object about -1..1); a pen puts those
 * units on the canvas (place, size, turn, mirror). A pixel is covered by clamp(1/2 - distance in pixels), which is
 * exact for straight edges and close for curved ones. Everything is a value; nothing is allocated but the canvas.
 */
#ifndef YT_RENDER_DRAW_H
#define YT_RENDER_DRAW_H

#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct draw_rgb {
    double r, g, b; /* sRGB, 0..1 */
} draw_rgb;

draw_rgb draw_rgb_hex(unsigned hex);                                  /* 0xrrggbb */
draw_rgb draw_rgb_mix(draw_rgb a, draw_rgb b, double share);          /* share of b */
draw_rgb draw_rgb_vary(draw_rgb colour, double amount, yti_rng *rng); /* every channel by up to +-amount */

/* One of n colours, varied a little. */
draw_rgb draw_rgb_pick(yti_rng *rng, const unsigned *colours, uint32_t n);

/* [h][w][4]: red, green, blue multiplied by alpha, then alpha. */
typedef struct draw_canvas {
    int w, h;
    double *rgba;
} draw_canvas;

typedef enum draw_shape_kind {
    YT_SHAPE_ELLIPSE,  /* radii a, b */
    YT_SHAPE_BOX,      /* half sides a, b, corner radius r */
    YT_SHAPE_POLYGON,  /* n points, rounded outwards by r */
    YT_SHAPE_LINE,     /* from (x, y) to (a, b), half width r, round ends */
    YT_SHAPE_ARC,      /* circle of radius a from angle b over angle c, half width r, round ends */
    YT_SHAPE_CRESCENT, /* disc of radius r at (x, y) without the disc of radius c at (a, b) */
    YT_SHAPE_CUT_DISC  /* disc of radius r, only what is above the line y = a */
} draw_shape_kind;

typedef struct yti_shape {
    draw_shape_kind kind;
    double x, y, a, b, c, r;
    double turn; /* ellipse and box: radians */
    int n;
    const double (*points)[2]; /* borrowed */
} yti_shape;

yti_shape draw_ellipse(double x, double y, double rx, double ry, double turn);
yti_shape draw_disc(double x, double y, double r);
yti_shape draw_box(double x0, double y0, double x1, double y1, double corner); /* by its edges */
yti_shape draw_polygon(int n, const double (*points)[2], double rounding);
yti_shape draw_line(double x0, double y0, double x1, double y1, double width);
yti_shape draw_arc(double x, double y, double radius, double from, double sweep, double width);
yti_shape draw_crescent(double x, double y, double r, double cut_x, double cut_y, double cut_r);
yti_shape draw_cut_disc(double x, double y, double r, double below);

/* Colour as a function of the place in the object's units. */
typedef draw_rgb (*draw_shade)(const void *context, double x, double y);

/* What a shape is filled with: a vertical run from top to bottom over the shape's height, or a shade. */
typedef struct draw_ink {
    draw_rgb top, bottom;
    double alpha;
    double soft; /* width of the blurred edge in the object's units; 0: sharp */
    draw_shade shade;
    const void *context;
} draw_ink;

draw_ink draw_ink_flat(draw_rgb colour);
draw_ink draw_ink_run(draw_rgb top, draw_rgb bottom);
draw_ink draw_ink_hex(unsigned colour);
draw_ink draw_ink_hex_run(unsigned top, unsigned bottom);
draw_ink draw_ink_lit(draw_rgb colour); /* lit from above: lighter at the top, darker at the bottom */
draw_ink draw_ink_glaze(draw_rgb colour, double alpha, double soft); /* see-through, soft-edged */

typedef struct draw_pen {
    draw_canvas *canvas;
    double x, y;  /* the origin of the object, pixels */
    double scale; /* pixels per unit */
    double cosine, sine;
    double mirror;         /* 1, or -1: left and right swapped */
    const yti_shape *clip; /* borrowed; NULL: paint everywhere */
} draw_pen;

draw_pen draw_pen_make(draw_canvas *canvas, double x, double y, double scale, double turn, bool mirrored);

void draw_fill(const draw_pen *pen, yti_shape shape, draw_ink ink);
void draw_stroke(const draw_pen *pen, yti_shape shape, double width, draw_ink ink); /* along the shape's edge */

/* Fills the shape, after an edge of `width` around it. */
void draw_fill_edged(const draw_pen *pen, yti_shape shape, draw_ink ink, double width, draw_rgb edge);

#endif
