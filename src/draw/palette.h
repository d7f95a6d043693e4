/* palette.h: a colour for every class. */
#ifndef YT_DRAW_PALETTE_H
#define YT_DRAW_PALETTE_H

#include "base/status.h"

#include <stdint.h>

typedef struct yti_colour {
    uint8_t r, g, b;
} yti_colour;

/* One colour per class, each as unlike those before it as possible, also to eyes that confuse red and green. A class
 * has the same colour however many there are; past YTI_MAX_COLOURS they begin again. The caller frees `out`. */
enum { YTI_MAX_COLOURS = 1024 };
yt_status yti_palette_create(int classes, yti_colour **out, yt_err *err);

/* Black or white, whichever has the higher contrast (WCAG 2) with what it is written on: at least 4.5 : 1. */
yti_colour yti_readable_on(yti_colour back);

#endif
