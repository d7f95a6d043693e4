/* canvas.c: see canvas.h. */
#include "draw/canvas.h"

#include <math.h>

static uint8_t *pixel_at(yt_image *image, int x, int y) {
    return image->rgb + ((size_t)y * (size_t)image->w + (size_t)x) * 3;
}

void yti_fill_rectangle(yt_image *image, int x1, int y1, int x2, int y2, yti_colour c) {
    if (x1 < 0) x1 = 0;
    if (y1 < 0) y1 = 0;
    if (x2 > image->w) x2 = image->w;
    if (y2 > image->h) y2 = image->h;
    for (int y = y1; y < y2; y++)
        for (int x = x1; x < x2; x++) {
            uint8_t *pixel = pixel_at(image, x, y);
            pixel[0] = c.r;
            pixel[1] = c.g;
            pixel[2] = c.b;
        }
}

void yti_blend_pixel(yt_image *image, int x, int y, yti_colour c, float share) {
    if (x < 0 || y < 0 || x >= image->w || y >= image->h || !(share > 0)) return;
    const float ink[3] = {c.r, c.g, c.b};
    uint8_t *pixel = pixel_at(image, x, y);
    for (int k = 0; k < 3; k++) pixel[k] = (uint8_t)lrintf(pixel[k] + share * (ink[k] - pixel[k]));
}
