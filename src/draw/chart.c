/* chart.c: axes and what is between them; see chart.h. */
#include "draw/chart.h"
#include "draw/canvas.h"
#include "draw/font.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TICKS = 6 };

static const yti_colour ink = {30, 30, 30}, grid = {225, 225, 225}, white = {255, 255, 255};

/* ---- axes ---- */

static double x_of(const yti_chart *c, double value) {
    return c->plot_left + (value - c->x[0]) / (c->x[1] - c->x[0]) * c->plot_w;
}

static double y_of(const yti_chart *c, double value) {
    return c->plot_top + c->plot_h - (value - c->y[0]) / (c->y[1] - c->y[0]) * c->plot_h;
}

/* 1, 2 or 5 times a power of ten, so that there are at most MAX_TICKS steps. */
static double step_of(const double range[2]) {
    const double rough = (range[1] - range[0]) / MAX_TICKS, power = pow(10, floor(log10(rough)));
    const double times = rough / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static yt_status text_at(const yti_chart *c, int x, int y, double align, int letters, const char *text, yt_err *err) {
    return yti_draw_text(c->image, x - (int)lrint(align * yti_text_width(text, letters)), y, letters, text, ink, err);
}

static yt_status draw_ticks(const yti_chart *c, bool across, yt_err *err) {
    const double *range = across ? c->x : c->y, fitting = step_of(range);
    const double step = across && c->x_whole ? fmax(1, fitting) : fitting;
    for (double v = ceil(range[0] / step - 1e-9) * step; v <= range[1] + step * 1e-9; v += step) {
        char text[32];
        snprintf(text, sizeof text, "%.4g", fabs(v) < step * 1e-9 ? 0 : v);
        if (across) {
            const int x = (int)lrint(x_of(c, v));
            yti_fill_rectangle(c->image, x, c->plot_top, x + 1, c->plot_top + c->plot_h, grid);
            YT_TRY(text_at(c, x, c->plot_top + c->plot_h + c->letters / 3, 0.5, c->letters, text, err));
        } else {
            const int y = (int)lrint(y_of(c, v));
            yti_fill_rectangle(c->image, c->plot_left, y, c->plot_left + c->plot_w, y + 1, grid);
            YT_TRY(text_at(c, c->plot_left - c->letters / 3, y - c->letters / 2, 1, c->letters, text, err));
        }
    }
    return YT_OK;
}

static void draw_frame(const yti_chart *c) {
    const int x1 = c->plot_left, y1 = c->plot_top, x2 = x1 + c->plot_w, y2 = y1 + c->plot_h;
    yti_fill_rectangle(c->image, x1, y2, x2 + 1, y2 + 1, ink);
    yti_fill_rectangle(c->image, x1, y1, x1 + 1, y2, ink);
}

static void lay_out(yti_chart *c, int room_left, int room_below) {
    const int above = c->title ? 2 * c->letters : c->letters;
    c->plot_left = c->left + room_left;
    c->plot_top = c->top + above;
    c->plot_w = c->w - room_left - c->letters - c->key_room;
    c->plot_h = c->h - above - room_below;
    c->keys = 0;
    yti_fill_rectangle(c->image, c->left, c->top, c->left + c->w, c->top + c->h, white);
}

static yt_status draw_titles(const yti_chart *c, yt_err *err) {
    const int middle = c->plot_left + c->plot_w / 2;
    if (c->title) YT_TRY(text_at(c, middle, c->top + c->letters / 3, 0.5, c->letters * 5 / 4, c->title, err));
    if (c->x_label)
        YT_TRY(text_at(c, middle, c->top + c->h - c->letters - c->letters / 3, 0.5, c->letters, c->x_label, err));
    /* Upright, above its axis: it reads without a turn of the head. */
    return c->y_label ? text_at(c, c->left + c->letters / 3, c->top + c->letters / 3, 0, c->letters, c->y_label, err)
                      : YT_OK;
}

yt_status yti_chart_begin(yti_chart *c, yt_err *err) {
    if (!c->letters) c->letters = c->h / 26 > 12 ? c->h / 26 : 12;
    if (!(c->x[1] > c->x[0])) c->x[1] = c->x[0] + 1;
    if (!(c->y[1] > c->y[0])) c->y[1] = c->y[0] + 1;
    lay_out(c, 4 * c->letters, c->x_label ? 3 * c->letters : 2 * c->letters);
    YT_TRY(draw_ticks(c, true, err));
    YT_TRY(draw_ticks(c, false, err));
    draw_frame(c);
    return draw_titles(c, err);
}

/* ---- what is plotted ---- */

/* Coverage of a pixel by its distance from the segment: a line of round ends. */
static void segment(yti_chart *c, double x1, double y1, double x2, double y2, yti_colour colour, double width) {
    const double reach = width / 2 + 1, dx = x2 - x1, dy = y2 - y1, length = dx * dx + dy * dy;
    const int left = c->plot_left, right = left + c->plot_w, top = c->plot_top, bottom = top + c->plot_h;
    const int from_x = (int)fmax(left, floor(fmin(x1, x2) - reach)),
              to_x = (int)fmin(right, ceil(fmax(x1, x2) + reach)), from_y = (int)fmax(top, floor(fmin(y1, y2) - reach)),
              to_y = (int)fmin(bottom, ceil(fmax(y1, y2) + reach));
    for (int y = from_y; y <= to_y; y++)
        for (int x = from_x; x <= to_x; x++) {
            double t = length > 0 ? ((x - x1) * dx + (y - y1) * dy) / length : 0;
            t = fmin(1, fmax(0, t));
            const double distance = hypot(x - x1 - t * dx, y - y1 - t * dy);
            yti_blend_pixel(c->image, x, y, colour, (float)fmin(1, width / 2 + 0.5 - distance));
        }
}

void yti_chart_line(yti_chart *c, const double *x, const double *y, int n, yti_colour colour, double width) {
    for (int i = 1; i < n; i++)
        if (isfinite(x[i - 1]) && isfinite(y[i - 1]) && isfinite(x[i]) && isfinite(y[i]))
            segment(c, x_of(c, x[i - 1]), y_of(c, y[i - 1]), x_of(c, x[i]), y_of(c, y[i]), colour, width);
    if (n == 1 && isfinite(x[0]) && isfinite(y[0])) /* a point */
        segment(c, x_of(c, x[0]), y_of(c, y[0]), x_of(c, x[0]), y_of(c, y[0]), colour, 2 * width);
}

yt_status yti_chart_key(yti_chart *c, yti_colour colour, const char *text, yt_err *err) {
    const int row = c->letters * 4 / 3, line = c->keys++;
    const int x = c->key_room ? c->plot_left + c->plot_w + c->letters : c->plot_left + c->letters / 2,
              y = c->key_room ? c->plot_top + line * row : c->plot_top + c->plot_h - (line + 1) * row;
    yti_fill_rectangle(c->image, x, y + c->letters / 3, x + c->letters * 3 / 2, y + c->letters * 2 / 3, colour);
    return yti_draw_text(c->image, x + 2 * c->letters, y, c->letters, text, ink, err);
}

yti_colour yti_line_colour(yti_colour c) {
    if (yti_readable_on(c).r == 255) return c;
    return (yti_colour){(uint8_t)(c.r * 0.65f), (uint8_t)(c.g * 0.65f), (uint8_t)(c.b * 0.65f)};
}

void yti_chart_bar(yti_chart *c, double x1, double y1, double x2, double y2, yti_colour colour) {
    yti_fill_rectangle(c->image, (int)lrint(x_of(c, x1)), (int)lrint(y_of(c, fmax(y1, y2))), (int)lrint(x_of(c, x2)),
                       (int)lrint(y_of(c, fmin(y1, y2))), colour);
}

/* ---- matrices ---- */

static int widest(const char *const *names, int n, int letters) {
    int most = 0;
    for (int i = 0; i < n; i++) {
        const int width = yti_text_width(names[i], letters);
        most = width > most ? width : most;
    }
    return most;
}

/* White to a dark blue, of even steps of lightness. */
static yti_colour shade(double value) {
    const double v = fmin(1, fmax(0, value));
    return (yti_colour){(uint8_t)lrint(255 - 247 * v), (uint8_t)lrint(255 - 207 * v), (uint8_t)lrint(255 - 148 * v)};
}

static yt_status draw_cells(const yti_chart *c, const yti_matrix *m, yt_err *err) {
    const double cell_w = (double)c->plot_w / m->columns, cell_h = (double)c->plot_h / m->rows;
    for (int r = 0; r < m->rows; r++)
        for (int k = 0; k < m->columns; k++) {
            const double value = m->values[r * m->columns + k];
            const int x1 = c->plot_left + (int)(k * cell_w), x2 = c->plot_left + (int)((k + 1) * cell_w),
                      y1 = c->plot_top + (int)(r * cell_h), y2 = c->plot_top + (int)((r + 1) * cell_h);
            const yti_colour back = shade(value);
            yti_fill_rectangle(c->image, x1, y1, x2 - 1, y2 - 1, back);
            const char *text = m->texts ? m->texts[r * m->columns + k] : "";
            if (!*text || yti_text_width(text, c->letters) > cell_w - 2 || c->letters > cell_h) continue;
            YT_TRY(yti_draw_text(c->image, (x1 + x2 - yti_text_width(text, c->letters)) / 2, (y1 + y2 - c->letters) / 2,
                                 c->letters, text, yti_readable_on(back), err));
        }
    return YT_OK;
}

/* Every so many names, where there is no room for all. */
static yt_status draw_names(const yti_chart *c, const yti_matrix *m, yt_err *err) {
    const double cell_w = (double)c->plot_w / m->columns, cell_h = (double)c->plot_h / m->rows;
    const int every_row = 1 + (int)((c->letters + 1) / cell_h);
    const int every_column = 1 + (int)(widest(m->column_names, m->columns, c->letters) / cell_w / 2);
    for (int r = 0; r < m->rows; r += every_row)
        YT_TRY(text_at(c, c->plot_left - c->letters / 3, c->plot_top + (int)((r + 0.5) * cell_h) - c->letters / 2, 1,
                       c->letters, m->row_names[r], err));
    for (int k = 0, i = 0; k < m->columns; k += every_column, i++) /* in two lines, by turns */
        YT_TRY(text_at(c, c->plot_left + (int)((k + 0.5) * cell_w),
                       c->plot_top + c->plot_h + c->letters / 3 + i % 2 * (c->letters + 2), 0.5, c->letters,
                       m->column_names[k], err));
    return YT_OK;
}

yt_status yti_chart_matrix(yti_chart *c, const yti_matrix *m, yt_err *err) {
    if (!c->letters) c->letters = c->h / 40 > 12 ? c->h / 40 : 12;
    const int names = widest(m->row_names, m->rows, c->letters) + c->letters, most = c->w / 3;
    lay_out(c, names < most ? names : most, 5 * c->letters);
    YT_TRY(draw_cells(c, m, err));
    YT_TRY(draw_names(c, m, err));
    return draw_titles(c, err);
}
