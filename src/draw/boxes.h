/* boxes.h: detections drawn into an image. */
#ifndef YT_DRAW_BOXES_H
#define YT_DRAW_BOXES_H

#include "draw/palette.h"
#include "image/image.h"
#include "yolotrain/detection.h"

/* Pixels of lines, and of letters from their lowest to their highest. */
typedef struct yti_draw_style {
    int line, letters;
} yti_draw_style;

/* What fits an image of this size. */
yti_draw_style yti_style_of(int w, int h);

/* Draws a frame and a label "name 0.87" per detection, the most confident on top; a score below 0 is not written.
 * colours[class_id] is from yti_palette_create; names[class_id] is UTF-8. Boxes are in pixels of the image; what lies
 * outside is cut off. NO_MEMORY. */
yt_status yti_draw_boxes(yt_image *image, const yt_detection *detections, int n, const char *const *names,
                         const yti_colour *colours, yti_draw_style style, yt_err *err);

#endif
