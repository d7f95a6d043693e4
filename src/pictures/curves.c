/* curves.c: from the columns of tables to charts; see curves.h. A name in a table may hold commas, so numbers are
 * counted from the end of a row, and names come from the caller.
 */
#include "pictures/curves.h"
#include "base/csv.h"
#include "base/file.h"
#include "draw/chart.h"
#include "eval/confusion.h"
#include "eval/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1200, HEIGHT = 900, MAX_KEYS = 20, MAX_BYTES = 64 << 20, LABEL_BINS = 40 };

static const yti_colour blue = {0, 120, 225}, orange = {230, 120, 0}, grey = {150, 150, 150}, dark = {20, 20, 20};

/* ---- files ---- */

/* *there false: the folder has no such table. */
static yt_status load(const char *folder, const char *name, yti_csv *out, bool *there, yt_err *err) {
    char *path = yti_path_join(folder, name);
    if (!path) return yti_no_memory(err, "the name of %s", name);
    *there = yti_path_exists(path);
    const yt_status status = *there ? yti_csv_load(path, MAX_BYTES, out, err) : YT_OK;
    out->path = name; /* path is not kept */
    free(path);
    return status;
}

static yt_status save(const char *folder, const char *name, const yt_image *image, yt_err *err) {
    char *path = yti_path_join(folder, name);
    if (!path) return yti_no_memory(err, "the name of %s", name);
    const yt_status status = yt_image_save(path, image, err);
    free(path);
    return status;
}

/* A field counted from the end, 0 the last; NaN: it is no number. */
static double from_end(const yti_csv *table, int place) {
    double value;
    const int field = table->n_fields - 1 - place;
    return field >= 0 && yti_csv_real(table->fields[field], &value) ? value : (double)NAN;
}

/* ---- curves by class ---- */

/* Of one class: a point per row. class_id -1: the mean of all. */
typedef struct curve {
    int class_id, n;
    double *x, *y;
} curve;

typedef struct curves {
    curve *list;
    int n, room;
    double *values; /* of all of them */
} curves;

static void free_curves(curves *c) {
    free(c->list);
    free(c->values);
}

/* Rows of a class follow each other. y: the field of the values, counted from the end as x is. */
static yt_status read_curves(const char *folder, const char *name, int x, int y, int points, curves *out, yt_err *err) {
    yti_csv table;
    bool there;
    long rows = 0;
    YT_TRY(load(folder, name, &table, &there, err));
    if (!there) return YT_OK;
    for (const char *c = table.rest; c && *c; c++) rows += *c == '\n';
    const int most = (int)(rows / points) + 2;
    curves made = {.list = calloc((size_t)most, sizeof *made.list),
                   .values = malloc(2 * (size_t)(rows + 1) * sizeof *made.values),
                   .room = most};
    yt_status status = made.list && made.values ? YT_OK : yti_no_memory(err, "%ld points", rows);
    double *xs = made.values, *ys = made.values + rows + 1;
    for (long i = 0; status == YT_OK && i < rows && yti_csv_next(&table); i++) {
        long class_id;
        if (!yti_csv_whole(table.fields[0], -1, 1e6, &class_id)) continue;
        curve *c = made.n ? &made.list[made.n - 1] : NULL;
        if (!c || c->class_id != (int)class_id) {
            if (made.n == made.room) break;
            c = &made.list[made.n++];
            *c = (curve){.class_id = (int)class_id, .x = xs + i, .y = ys + i};
        }
        xs[i] = from_end(&table, x);
        ys[i] = from_end(&table, y);
        c->n++;
    }
    yti_csv_free(&table);
    if (status == YT_OK)
        *out = made;
    else
        free_curves(&made);
    return status;
}

/* What the key says of the mean: the area of a precision-recall curve, the place of the highest value of others. */
static void say_mean(const curve *c, bool is_pr, char *text, size_t room) {
    double sum = 0;
    int best = 0;
    for (int i = 0; i < c->n; i++) {
        sum += c->y[i];
        if (c->y[i] > c->y[best]) best = i;
    }
    if (is_pr)
        snprintf(text, room, "all: mAP50 %.3f", sum / c->n);
    else
        snprintf(text, room, "all: %.2f at %.3f", c->y[best], c->x[best]);
}

typedef struct classes {
    const char *const *names;
    int n;
    const yti_colour *colours;
} classes;

static yt_status draw_curves(const char *folder, const char *file, const curves *c, const char *const labels[3],
                             const classes *of, yt_err *err) {
    const bool is_pr = strcmp(labels[1], "recall") == 0;
    yt_image image;
    YT_TRY(yt_image_create(WIDTH, HEIGHT, &image, err));
    yti_chart chart = {.image = &image,
                       .w = WIDTH,
                       .h = HEIGHT,
                       .title = labels[0],
                       .x_label = labels[1],
                       .y_label = labels[2],
                       .x = {0, 1},
                       .y = {0, 1},
                       .key_room = WIDTH / 3};
    yt_status status = yti_chart_begin(&chart, err);
    for (int i = 0; i < c->n; i++) {
        const curve *k = &c->list[i];
        const bool named = c->n <= MAX_KEYS + 1 && k->class_id >= 0 && k->class_id < of->n;
        if (k->class_id >= 0)
            yti_chart_line(&chart, k->x, k->y, k->n, named ? yti_line_colour(of->colours[k->class_id]) : grey, 3);
    }
    for (int i = 0; i < c->n && status == YT_OK; i++) {
        const curve *k = &c->list[i];
        char text[128];
        if (k->class_id >= 0 || k->n == 0) continue;
        yti_chart_line(&chart, k->x, k->y, k->n, dark, 6);
        say_mean(k, is_pr, text, sizeof text);
        status = yti_chart_key(&chart, dark, text, err);
    }
    for (int i = 0; i < c->n && status == YT_OK && c->n <= MAX_KEYS + 1; i++) {
        const curve *k = &c->list[i];
        char text[128];
        double sum = 0;
        if (k->class_id < 0 || k->class_id >= of->n) continue;
        for (int p = 0; p < k->n; p++) sum += k->y[p];
        if (is_pr)
            snprintf(text, sizeof text, "%.40s %.3f", of->names[k->class_id], sum / (k->n ? k->n : 1));
        else
            snprintf(text, sizeof text, "%.40s", of->names[k->class_id]);
        status = yti_chart_key(&chart, yti_line_colour(of->colours[k->class_id]), text, err);
    }
    if (status == YT_OK) status = save(folder, file, &image, err);
    yt_image_free(&image);
    return status;
}

static yt_status draw_all_curves(const char *folder, const classes *of, yt_err *err) {
    static const struct {
        const char *table, *file, *labels[3];
        int x, y, points;
    } rows[] = {
        {"pr_curve.csv", "BoxPR_curve.png", {"Precision and recall", "recall", "precision"}, 1, 0, YT_PR_POINTS},
        {"confidence_curves.csv",
         "BoxP_curve.png",
         {"Precision by confidence", "confidence", "precision"},
         3,
         2,
         YT_CONFIDENCE_POINTS},
        {"confidence_curves.csv",
         "BoxR_curve.png",
         {"Recall by confidence", "confidence", "recall"},
         3,
         1,
         YT_CONFIDENCE_POINTS},
        {"confidence_curves.csv",
         "BoxF1_curve.png",
         {"F1 by confidence", "confidence", "F1"},
         3,
         0,
         YT_CONFIDENCE_POINTS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        curves c = {0};
        YT_TRY(read_curves(folder, rows[i].table, rows[i].x, rows[i].y, rows[i].points, &c, err));
        const yt_status status = c.n ? draw_curves(folder, rows[i].file, &c, rows[i].labels, of, err) : YT_OK;
        free_curves(&c);
        YT_TRY(status);
    }
    return YT_OK;
}

/* ---- the confusion matrix ---- */

/* Counts as rows predicted x columns true, the background last; *n its side, 0: there is no table. */
static yt_status read_matrix(const char *folder, double **out, int *n, yt_err *err) {
    yti_csv table;
    bool there;
    *n = 0;
    YT_TRY(load(folder, "confusion_matrix.csv", &table, &there, err));
    if (!there) return YT_OK;
    int side = 0;
    for (const char *c = table.rest; c && *c; c++) side += *c == '\n';
    double *values = calloc((size_t)side * (size_t)side + 1, sizeof *values);
    for (int r = 0; values && r < side && yti_csv_next(&table); r++)
        for (int k = 0; k < side; k++) values[r * side + k] = from_end(&table, side - 1 - k);
    yti_csv_free(&table);
    if (!values) return yti_no_memory(err, "a matrix of %d classes", side);
    *out = values;
    *n = side;
    return YT_OK;
}

static yt_status draw_matrix(const char *folder, const char *file, const double *counts, int n, bool normalized,
                             const char *const *names, yt_err *err) {
    const size_t cells = (size_t)n * (size_t)n;
    double *shares = calloc(cells, sizeof *shares);
    char(*texts)[16] = calloc(cells, sizeof *texts);
    const char **lent = calloc(cells, sizeof *lent);
    yt_image image;
    yt_status status = shares && texts && lent ? yt_image_create(WIDTH, HEIGHT, &image, err)
                                               : yti_no_memory(err, "a matrix of %d classes", n);
    if (status == YT_OK) {
        double most = 1;
        for (size_t i = 0; i < cells; i++) most = fmax(most, counts[i]);
        for (int k = 0; k < n; k++) {
            double column = 0;
            for (int r = 0; r < n; r++) column += counts[r * n + k];
            for (int r = 0; r < n; r++) {
                const double count = counts[r * n + k], share = column > 0 ? count / column : 0;
                shares[r * n + k] = normalized ? share : count / most;
                if (count > 0)
                    snprintf(texts[r * n + k], sizeof *texts, normalized ? "%.2f" : "%.0f", normalized ? share : count);
                lent[r * n + k] = texts[r * n + k];
            }
        }
        yti_chart chart = {.image = &image,
                           .w = WIDTH,
                           .h = HEIGHT,
                           .title = normalized ? "Confusion matrix, shares of each true class" : "Confusion matrix",
                           .x_label = "true",
                           .y_label = "predicted"};
        const yti_matrix matrix = {n, n, shares, lent, names, names};
        status = yti_chart_matrix(&chart, &matrix, err);
        if (status == YT_OK) status = save(folder, file, &image, err);
        yt_image_free(&image);
    }
    free(shares);
    free(texts);
    free(lent);
    return status;
}

static yt_status draw_confusion(const char *folder, const classes *of, yt_err *err) {
    double *counts = NULL;
    int n;
    YT_TRY(read_matrix(folder, &counts, &n, err));
    if (n != of->n + 1) {
        free(counts);
        return YT_OK; /* none, or of other classes */
    }
    const char **names = calloc((size_t)n, sizeof *names);
    yt_status status = names ? YT_OK : yti_no_memory(err, "%d names", n);
    for (int i = 0; i < n && names; i++) names[i] = i < of->n ? of->names[i] : "background";
    if (status == YT_OK) status = draw_matrix(folder, "confusion_matrix.png", counts, n, false, names, err);
    if (status == YT_OK) status = draw_matrix(folder, "confusion_matrix_normalized.png", counts, n, true, names, err);
    free(names);
    free(counts);
    return status;
}

/* ---- results.png ---- */

enum { MAX_EPOCHS = 100000, PANELS = 8 };

typedef struct results {
    int n, n_columns;
    char names[YTI_CSV_COLUMNS][48];
    double *values; /* [n_columns][n] */
} results;

static yt_status read_results(const char *folder, results *r, yt_err *err) {
    yti_csv table;
    bool there;
    YT_TRY(load(folder, "results.csv", &table, &there, err));
    if (!there) return YT_OK;
    for (const char *c = table.rest; c && *c; c++) r->n += *c == '\n';
    r->n_columns = table.n_columns;
    for (int k = 0; k < r->n_columns; k++) snprintf(r->names[k], sizeof r->names[k], "%s", table.columns[k]);
    r->values = malloc(((size_t)r->n * (size_t)r->n_columns + 1) * sizeof *r->values);
    for (int i = 0; r->values && i < r->n; i++) {
        const bool row = yti_csv_next(&table);
        for (int k = 0; k < r->n_columns; k++)
            if (!row || k >= table.n_fields || !yti_csv_real(table.fields[k], &r->values[k * r->n + i]))
                r->values[k * r->n + i] = (double)NAN;
    }
    yti_csv_free(&table);
    return r->values ? YT_OK : yti_no_memory(err, "results.csv");
}

static const double *column(const results *r, const char *name) {
    for (int k = 0; k < r->n_columns; k++)
        if (strcmp(r->names[k], name) == 0) return r->values + (size_t)k * (size_t)r->n;
    return NULL;
}

static void widen(double range[2], const double *values, int n) {
    for (int i = 0; values && i < n; i++)
        if (isfinite(values[i])) {
            range[0] = fmin(range[0], values[i]);
            range[1] = fmax(range[1], values[i]);
        }
}

/* One small chart: training in blue, validation or the metric in orange. */
static yt_status draw_panel(yt_image *image, int place, const results *r, const char *title, const double *first,
                            const double *second, yt_err *err) {
    const double *epochs = column(r, "epoch");
    double range[2] = {0, 0};
    widen(range, first, r->n);
    widen(range, second, r->n);
    const int w = image->w / (PANELS / 2), h = image->h / 2;
    yti_chart chart = {.image = image,
                       .left = place % (PANELS / 2) * w,
                       .top = place / (PANELS / 2) * h,
                       .w = w,
                       .h = h,
                       .letters = 18,
                       .title = title,
                       .x_label = "epoch",
                       .x_whole = true,
                       .x = {epochs[0], epochs[r->n - 1]},
                       .y = {range[0], range[1] > 0 ? range[1] * 1.05 : 1}};
    YT_TRY(yti_chart_begin(&chart, err));
    if (first) yti_chart_line(&chart, epochs, first, r->n, blue, 3);
    if (second) yti_chart_line(&chart, epochs, second, r->n, orange, 3);
    if (!first || !second) return YT_OK;
    YT_TRY(yti_chart_key(&chart, blue, "training", err));
    return yti_chart_key(&chart, orange, "validation", err);
}

static yt_status draw_results(const char *folder, yt_err *err) {
    static const char *const metrics[][2] = {{"metrics/precision(B)", "Precision"},
                                             {"metrics/recall(B)", "Recall"},
                                             {"metrics/mAP50(B)", "mAP50"},
                                             {"metrics/mAP50-95(B)", "mAP50-95"}};
    results r = {0};
    yt_image image;
    int place = 0;
    yt_status status = read_results(folder, &r, err);
    if (status != YT_OK || r.n == 0 || !column(&r, "epoch")) {
        free(r.values);
        return status;
    }
    status = yt_image_create(1920, 960, &image, err);
    if (status == YT_OK) memset(image.rgb, 255, (size_t)image.w * (size_t)image.h * 3);
    for (int k = 0; k < r.n_columns && status == YT_OK && place < PANELS / 2; k++) {
        if (strncmp(r.names[k], "train/", 6) != 0) continue;
        char val[64];
        snprintf(val, sizeof val, "val/%s", r.names[k] + 6);
        status = draw_panel(&image, place++, &r, r.names[k] + 6, r.values + (size_t)k * (size_t)r.n, column(&r, val),
                            err);
    }
    for (int k = 0; k < 4 && status == YT_OK; k++)
        status = draw_panel(&image, PANELS / 2 + k, &r, metrics[k][1], NULL, column(&r, metrics[k][0]), err);
    if (status == YT_OK) status = save(folder, "results.png", &image, err);
    yt_image_free(&image);
    free(r.values);
    return status;
}

yt_status yti_draw_tables(const char *folder, const char *const *names, int n_classes, yt_err *err) {
    yti_colour *colours;
    YT_TRY(yti_palette_create(n_classes, &colours, err));
    const classes of = {names, n_classes, colours};
    yt_status status = draw_results(folder, err);
    if (status == YT_OK) status = draw_all_curves(folder, &of, err);
    if (status == YT_OK) status = draw_confusion(folder, &of, err);
    free(colours);
    return status;
}

/* ---- labels.jpg ---- */

/* How often values from 0 to 1 fall into each cell, as shares of the fullest. */
typedef struct density {
    double cells[LABEL_BINS * LABEL_BINS];
} density;

static void count(density *d, float x, float y) {
    const int column = (int)(fminf(0.9999f, fmaxf(0, x)) * LABEL_BINS),
              row = (int)(fminf(0.9999f, fmaxf(0, y)) * LABEL_BINS);
    d->cells[row * LABEL_BINS + column]++;
}

static yt_status draw_density(yt_image *image, int left, int w, int h, const density *d, const char *const labels[3],
                              bool y_down, yt_err *err) {
    yti_chart chart = {.image = image,
                       .left = left,
                       .w = w,
                       .h = h,
                       .letters = 18,
                       .title = labels[0],
                       .x_label = labels[1],
                       .y_label = labels[2],
                       .x = {0, 1},
                       .y = {0, 1}};
    double most = 1;
    YT_TRY(yti_chart_begin(&chart, err));
    for (int i = 0; i < LABEL_BINS * LABEL_BINS; i++) most = fmax(most, d->cells[i]);
    for (int r = 0; r < LABEL_BINS; r++)
        for (int k = 0; k < LABEL_BINS; k++) {
            const double share = sqrt(d->cells[r * LABEL_BINS + k] / most); /* so that few show beside many */
            const double low = (double)(y_down ? LABEL_BINS - 1 - r : r) / LABEL_BINS;
            if (share <= 0) continue;
            const yti_colour c = {(uint8_t)(255 - 247 * share), (uint8_t)(255 - 207 * share),
                                  (uint8_t)(255 - 148 * share)};
            yti_chart_bar(&chart, (double)k / LABEL_BINS, low, (k + 1.0) / LABEL_BINS, low + 1.0 / LABEL_BINS, c);
        }
    return YT_OK;
}

static yt_status draw_counts(yt_image *image, int w, int h, const int64_t *counts, const char *const *names,
                             int n_classes, yt_err *err) {
    double most = 1;
    int present = 0;
    for (int i = 0; i < n_classes; i++) {
        most = fmax(most, (double)counts[i]);
        present += counts[i] > 0;
    }
    yti_chart chart = {.image = image,
                       .w = w,
                       .h = h,
                       .letters = 18,
                       .title = "Boxes per class",
                       .x_label = "class",
                       .x_whole = true,
                       .key_room = present <= MAX_KEYS ? w / 3 : 0,
                       .x = {-0.5, n_classes - 0.5},
                       .y = {0, most * 1.05}};
    YT_TRY(yti_chart_begin(&chart, err));
    for (int i = 0; i < n_classes; i++) yti_chart_bar(&chart, i - 0.4, 0, i + 0.4, (double)counts[i], blue);
    for (int i = 0; i < n_classes && present <= MAX_KEYS; i++) {
        char text[96];
        if (counts[i] == 0) continue;
        snprintf(text, sizeof text, "%d %.40s: %lld", i, names[i], (long long)counts[i]);
        YT_TRY(yti_chart_key(&chart, blue, text, err));
    }
    return YT_OK;
}

yt_status yti_draw_labels(const char *folder, const yti_split *split, const char *const *names, int n_classes,
                          yt_err *err) {
    static const char *const places[] = {"Where boxes lie", "centre, share of the width", "of the height, from below"},
                             *const sizes[] = {"How large they are", "width, share of the image", "height"};
    enum { W = 700, H = 600 };
    density *d = calloc(2, sizeof *d);
    int64_t *counts = calloc((size_t)n_classes + 1, sizeof *counts);
    yt_image image;
    yt_status status = d && counts ? yt_image_create(3 * W, H, &image, err) : yti_no_memory(err, "labels.jpg");
    for (int i = 0; status == YT_OK && i < split->n_samples; i++)
        for (int k = 0; k < split->samples[i].n_labels; k++) {
            const yti_label *label = &split->samples[i].labels[k];
            if (label->coco_only || label->class_id >= n_classes) continue;
            counts[label->class_id]++;
            count(&d[0], label->box.cx, label->box.cy);
            count(&d[1], label->box.w, label->box.h);
        }
    if (status == YT_OK) {
        status = draw_counts(&image, W, H, counts, names, n_classes, err);
        if (status == YT_OK) status = draw_density(&image, W, W, H, &d[0], places, true, err);
        if (status == YT_OK) status = draw_density(&image, 2 * W, W, H, &d[1], sizes, false, err);
        if (status == YT_OK) status = save(folder, "labels.jpg", &image, err);
        yt_image_free(&image);
    }
    free(counts);
    free(d);
    return status;
}
