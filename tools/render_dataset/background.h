/* background.h: the places in which objects stand. */
#ifndef YT_RENDER_BACKGROUND_H
#define YT_RENDER_BACKGROUND_H

#include "draw.h"

typedef enum yt_background_kind { YT_BACKGROUND_STREET, YT_BACKGROUND_ROOM } yt_background_kind;

/* Fills the whole canvas. */
void yt_background_draw(yt_background_kind kind, const yt_canvas *canvas, yt_rng *rng);

/* A grey post from a sign at (x, y), pixels, down to the pavement of a street. */
void yt_background_post(const yt_canvas *canvas, double x, double y, double width);

/* Brightens and darkens the canvas by value noise: random values on a lattice of `cell` pixels, smoothly
 * interpolated, times `amount`. */
void yt_background_noise(const yt_canvas *canvas, int cell, double amount, yt_rng *rng);

#endif
