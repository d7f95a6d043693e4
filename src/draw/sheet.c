/* sheet.c: cells by their number, row by row; see sheet.h. */
#include "draw/sheet.h"
#include "image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

yt_status yti_sheet_create(int n, int w, int h, int side, yti_sheet *out, yt_err *err) {
    yti_sheet s = {.columns = (int)ceil(sqrt(n))};
    s.rows = (n + s.columns - 1) / s.columns;
    const double whole_w = (double)s.columns * w, whole_h = (double)s.rows * h;
    const double scale = fmin(1, side / fmax(whole_w, whole_h));
    s.cell_w = (int)fmax(1, floor(w * scale));
    s.cell_h = (int)fmax(1, floor(h * scale));
    YT_TRY(yt_image_create(s.columns * s.cell_w, s.rows * s.cell_h, &s.image, err));
    memset(s.image.rgb, 255, (size_t)s.image.w * (size_t)s.image.h * 3);
    *out = s;
    return YT_OK;
}

static const yti_draw_style of_cells = {2, 13}; /* pixels: what can be read on a sheet of many */

static yt_status draw_boxes(yt_image *small, float scale, const yti_sheet_boxes *boxes, yt_err *err) {
    yt_detection *scaled = malloc(((size_t)boxes->n + 1) * sizeof *scaled);
    if (!scaled) return yti_no_memory(err, "%d boxes", boxes->n);
    for (int i = 0; i < boxes->n; i++) {
        const yt_xyxy b = boxes->list[i].box;
        scaled[i] = boxes->list[i];
        scaled[i].box = (yt_xyxy){b.x1 * scale, b.y1 * scale, b.x2 * scale, b.y2 * scale};
    }
    const yt_status status = yti_draw_boxes(small, scaled, boxes->n, boxes->names, boxes->colours, of_cells, err);
    free(scaled);
    return status;
}

static void copy_into(yti_sheet *sheet, int cell, const yt_image *small) {
    const int left = cell % sheet->columns * sheet->cell_w + (sheet->cell_w - small->w) / 2,
              top = cell / sheet->columns * sheet->cell_h + (sheet->cell_h - small->h) / 2;
    for (int y = 0; y < small->h; y++)
        memcpy(sheet->image.rgb + ((size_t)(top + y) * (size_t)sheet->image.w + (size_t)left) * 3,
               small->rgb + (size_t)y * (size_t)small->w * 3, (size_t)small->w * 3);
}

yt_status yti_sheet_place(yti_sheet *sheet, int cell, const uint8_t *rgb, int w, int h, const yti_sheet_boxes *boxes,
                          yt_err *err) {
    const float by_w = (float)sheet->cell_w / (float)w, by_h = (float)sheet->cell_h / (float)h;
    const float scale = by_w < by_h ? by_w : by_h;
    const long small_w = lrintf((float)w * scale), small_h = lrintf((float)h * scale);
    yt_image small;
    YT_TRY(yt_image_create(small_w > 1 ? (int)small_w : 1, small_h > 1 ? (int)small_h : 1, &small, err));
    yt_status status = yti_resize(rgb, w, h, small.rgb, (size_t)small.w * 3, small.w, small.h, err);
    if (status == YT_OK) status = draw_boxes(&small, scale, boxes, err);
    if (status == YT_OK) copy_into(sheet, cell, &small);
    yt_image_free(&small);
    return status;
}
