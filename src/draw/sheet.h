/* sheet.h: several images on one, in rows of equal cells.
 *
 *     yti_sheet sheet;
 *     YT_TRY(yti_sheet_create(16, 640, 640, 1920, &sheet, err));
 *     yti_sheet_boxes none = {0};
 *     YT_TRY(yti_sheet_place(&sheet, 0, batch->rgb, batch->w, batch->h, &none, err));
 *     YT_TRY(yt_image_save("sheet.jpg", &sheet.image, err));
 *     yt_image_free(&sheet.image);
 */
#ifndef YT_DRAW_SHEET_H
#define YT_DRAW_SHEET_H

#include "draw/boxes.h"

typedef struct yti_sheet {
    yt_image image; /* owned; white where nothing was placed */
    int columns, rows;
    int cell_w, cell_h;
} yti_sheet;

/* For n images of w x h, as near to a square as it gets; cells are scaled down where the long side would be over
 * `side`. */
yt_status yti_sheet_create(int n, int w, int h, int side, yti_sheet *out, yt_err *err);

/* What is drawn on an image of a sheet: as of yti_draw_boxes, in pixels of the image. */
typedef struct yti_sheet_boxes {
    const yt_detection *list;
    int n;
    const char *const *names;
    const yti_colour *colours;
} yti_sheet_boxes;

/* Scales an image into its cell, keeps its shape, and draws its boxes. */
yt_status yti_sheet_place(yti_sheet *sheet, int cell, const uint8_t *rgb, int w, int h, const yti_sheet_boxes *boxes,
                          yt_err *err);

#endif
