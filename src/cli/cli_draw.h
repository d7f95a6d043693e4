/* cli_draw.h: detections drawn into an image. */
#ifndef CLI_DRAW_H
#define CLI_DRAW_H

#include "cli/cli_palette.h"
#include "eval/metrics.h"
#include "image/image.h"

/* Draws a frame and a label "name 0.87" per detection, the most confident on top. Line and letters grow with the
 * image. colours[class_id] is from cli_palette_create; names[class_id] is UTF-8, and letters outside ASCII show as
 * '?'. Boxes are in pixels of the image; what lies outside is cut off. */
void cli_draw_detections(yt_image *image, const yt_detection *detections, int n, const char *const *names,
                         const cli_colour *colours);

/* Pixels of the lines that cli_draw_detections draws in an image of this size. */
int cli_line_width(int w, int h);

#endif
