/* cli_palette.h: a colour for every class. */
#ifndef YT_CLI_PALETTE_H
#define YT_CLI_PALETTE_H

#include "base/status.h"

#include <stdint.h>

typedef struct yt_cli_colour {
    uint8_t r, g, b;
} yt_cli_colour;

/* One colour per class, each as unlike those before it as possible, also to eyes that confuse red and green. A
 * class has the same colour however many there are; past YT_CLI_MAX_COLOURS they begin again. The caller frees
 * `out`. */
enum { YT_CLI_MAX_COLOURS = 1024 };
yt_status yt_cli_palette_create(int classes, yt_cli_colour **out, yt_err *err);

/* Black or white, whichever has the higher contrast (WCAG 2) with what it is written on: at least 4.5 : 1. */
yt_cli_colour yt_cli_readable_on(yt_cli_colour back);

#endif
