/* cli_palette.h: a colour for every class. */
#ifndef CLI_PALETTE_H
#define CLI_PALETTE_H

#include "base/status.h"

#include <stdint.h>

typedef struct cli_colour {
    uint8_t r, g, b;
} cli_colour;

/* One colour per class, each as unlike those before it as possible, also to eyes that confuse red and green. A class
 * has the same colour however many there are; past CLI_MAX_COLOURS they begin again. The caller frees `out`. */
enum { CLI_MAX_COLOURS = 1024 };
yt_status cli_palette_create(int classes, cli_colour **out, yt_err *err);

/* Black or white, whichever has the higher contrast (WCAG 2) with what it is written on: at least 4.5 : 1. */
cli_colour cli_readable_on(cli_colour back);

#endif
