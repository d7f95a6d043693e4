/* chart.h: curves and matrices of numbers, drawn into a part of an image.
 *
 *     yt_image image;
 *     const yti_colour blue = {0, 120, 225};
 *     const double x[] = {0, 1}, y[] = {1, 0};
 *     yti_chart chart = {.image = &image, .w = 800, .h = 600, .title = "PR curve", .x_label = "recall"};
 *     YT_TRY(yt_image_create(800, 600, &image, err));
 *     YT_TRY(yti_chart_begin(&chart, err)); // axes from 0 to 1 where no range is said
 *     yti_chart_line(&chart, x, y, 2, blue, 3);
 *     YT_TRY(yti_chart_key(&chart, blue, "all classes", err));
 */
#ifndef YT_DRAW_CHART_H
#define YT_DRAW_CHART_H

#include "draw/palette.h"
#include "image/image.h"

#include <stdbool.h>

typedef struct yti_chart {
    yt_image *image;
    int left, top, w, h; /* the part of the image that it fills */
    int letters;         /* pixels; 0: what fits */
    const char *title, *x_label, *y_label;
    double x[2], y[2]; /* values at the ends of the axes */
    bool x_whole;      /* ticks of x are whole numbers */
    int key_room;      /* pixels right of the plot for the key; 0: it stands in the plot's lower left corner */
    /* Of yti_chart_begin: the plot inside, in pixels; lines of the key so far. */
    int plot_left, plot_top, plot_w, plot_h, keys;
} yti_chart;

/* Draws frame, grid, ticks and texts on white. NO_MEMORY. */
yt_status yti_chart_begin(yti_chart *chart, yt_err *err);

/* A line through points, smoothed, width in pixels. Points that are not finite part it. */
void yti_chart_line(yti_chart *chart, const double *x, const double *y, int n, yti_colour colour, double width);

/* One more line of the key. */
yt_status yti_chart_key(yti_chart *chart, yti_colour colour, const char *text, yt_err *err);

/* A full rectangle from one corner to the other, in values of the axes. */
void yti_chart_bar(yti_chart *chart, double x1, double y1, double x2, double y2, yti_colour colour);

/* rows x columns values from 0 to 1, light to dark, each with its text where texts is not NULL and it fits. Names of
 * rows stand at the left, of columns below, one above the other. */
typedef struct yti_matrix {
    int rows, columns;
    const double *values;
    const char *const *texts; /* [rows * columns] */
    const char *const *row_names, *const *column_names;
} yti_matrix;
yt_status yti_chart_matrix(yti_chart *chart, const yti_matrix *matrix, yt_err *err);

/* As dark as a line on white has to be. */
yti_colour yti_line_colour(yti_colour colour);

#endif
