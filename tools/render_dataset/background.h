/* background.h: the places in which objects stand. */
#ifndef YT_RENDER_BACKGROUND_H
#define YT_RENDER_BACKGROUND_H

#include "draw.h"

typedef enum draw_background_kind { YT_BACKGROUND_STREET, YT_BACKGROUND_ROOM } draw_background_kind;

/* Fills the whole canvas. */
void draw_background_draw(draw_background_kind kind, const draw_canvas *canvas, yti_rng *rng);

/* A grey post from a sign at (x, y), pixels, down to the pavement of a street. */
void draw_background_post(const draw_canvas *canvas, double x, double y, double width);

/* Brightens and darkens the canvas by value noise: random values on a lattice of `cell` pixels, smoothly
 * interpolated, times `amount`. */
void draw_background_noise(const draw_canvas *canvas, int cell, double amount, yti_rng *rng);

#endif
