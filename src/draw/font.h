/* font.h: UTF-8 text drawn into an image, in a font that is part of the program (font.ttf): letters of Latin, Greek,
 * Cyrillic, Armenian, Georgian, Hebrew and Arabic; others show as an empty frame. One letter follows the other from
 * left to right, also where they are written otherwise.
 *
 *     yt_image image;
 *     YT_TRY(yt_image_load("photo.jpg", &image, err));
 *     YT_TRY(yti_draw_text(&image, 10, 10, 24, "boat 0.87", (yti_colour){0, 0, 0}, err));
 */
#ifndef YT_DRAW_FONT_H
#define YT_DRAW_FONT_H

#include "draw/palette.h"
#include "image/image.h"

/* Pixels that a text of letters `height` pixels high (from the lowest to the highest line of letters) is wide. */
int yti_text_width(const char *text, int height);

/* With its upper left corner at (x, y); what lies outside the image is cut off. Smoothed at its edges. NO_MEMORY. */
yt_status yti_draw_text(yt_image *image, int x, int y, int height, const char *text, yti_colour colour, yt_err *err);

/* The byte after the letter that begins at text, whose number goes to *code; U+FFFD where it is no UTF-8. */
const char *yti_next_letter(const char *text, uint32_t *code);

#endif
