/* labels.c: one row per box, `class cx cy w h` normalised to the image, or `class x1 y1 x2 y2 x3 y3 ...`, a
 * polygon: its bounding box, and the points for the map of the augmentation (spec training 1.5).
 *
 * As in the family, one row of more than six columns makes the whole file one of polygons. Unlike the family
 * a bad row costs itself only. Coordinates up to 0.01 outside the image are kept as they are: labelling tools
 * round.
 */
#include "data/labels.h"

#include "base/array.h"
#include "base/number.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_REPORTED = 20 /* rows per file that are reported one by one */, BOX_COLUMNS = 5 };
static const double LOWEST = -0.01, HIGHEST = 1.01;

/* A piece of the text. */
typedef struct span {
    const char *data;
    size_t length;
} span;

typedef struct parser {
    const char *name;
    int n_classes;
    bool polygons;
    yti_labels *out;
    size_t capacity, point_capacity;
    size_t *lines; /* of the kept rows, parallel to out->items */
    size_t lines_capacity;
    yti_report *report;
    int reported;
    yt_err *err;
} parser;

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

/* Cuts the next line off *rest; lines end with \n, \r\n or \r. False at the end of the text. */
static bool next_line(span *rest, span *line) {
    if (rest->length == 0) return false;
    size_t length = 0;
    while (length < rest->length && rest->data[length] != '\n' && rest->data[length] != '\r') length++;
    *line = (span){rest->data, length};
    bool crlf = length + 1 < rest->length && rest->data[length] == '\r' && rest->data[length + 1] == '\n';
    size_t step = length < rest->length ? length + 1 + crlf : length;
    *rest = (span){rest->data + step, rest->length - step};
    return true;
}

static bool next_token(span *line, span *token) {
    size_t start = 0;
    while (start < line->length && is_blank(line->data[start])) start++;
    size_t end = start;
    while (end < line->length && !is_blank(line->data[end])) end++;
    *token = (span){line->data + start, end - start};
    *line = (span){line->data + end, line->length - end};
    return token->length > 0;
}

static size_t count_tokens(span line) {
    size_t count = 0;
    for (span token; next_token(&line, &token);) count++;
    return count;
}

static bool has_polygons(span text) {
    for (span line; next_line(&text, &line);)
        if (count_tokens(line) > 6) return true;
    return false;
}

/* A token as it can be shown: short and printable. */
typedef struct shown {
    char text[32];
} shown;

static shown show(span token) {
    shown s;
    size_t length = token.length < sizeof s.text - 1 ? token.length : sizeof s.text - 1;
    for (size_t i = 0; i < length; i++)
        s.text[i] = (char)(isprint((unsigned char)token.data[i]) ? token.data[i] : '?');
    s.text[length] = '\0';
    return s;
}

/* Counts the row as bad and says why, unless this file has said enough. Gives false. */
static bool bad_row(parser *p, size_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool bad_row(parser *p, size_t line, const char *format, ...) {
    p->out->bad_rows++;
    if (++p->reported > MAX_REPORTED) return false;
    char reason[256];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    yti_report_add(p->report, "%s:%zu: %s", p->name, line, reason);
    return false;
}

static bool parse_class(parser *p, size_t line, span token, int *class_id) {
    double value;
    if (!yti_parse_decimal(token.data, token.length, &value))
        return bad_row(p, line, "the class '%s' is not a number", show(token).text);
    if (value < 0 || value > 1e9 || value != floor(value))
        return bad_row(p, line, "the class '%s' is not a whole number from 0", show(token).text);
    if (value >= p->n_classes)
        return bad_row(p, line, "class %.0f, but there are %d classes (0 to %d)", value, p->n_classes,
                       p->n_classes - 1);
    *class_id = (int)value;
    return true;
}

static bool parse_coordinate(parser *p, size_t line, span token, float *out) {
    double value;
    if (!yti_parse_decimal(token.data, token.length, &value))
        return bad_row(p, line, "'%s' is not a number", show(token).text);
    if (!(value >= LOWEST && value <= HIGHEST))
        return bad_row(p, line, "'%s' is outside the image; coordinates are fractions of its size, 0 to 1",
                       show(token).text);
    *out = (float)value;
    return true;
}

static bool parse_box(parser *p, size_t line, span row, yt_cxcywh *box) {
    float *fields[4] = {&box->cx, &box->cy, &box->w, &box->h};
    for (int i = 0; i < 4; i++) {
        span token;
        next_token(&row, &token); /* the columns were counted */
        if (!parse_coordinate(p, line, token, fields[i])) return false;
    }
    return true;
}

/* There is room for the points. Those of a bad row stay unused. */
static bool parse_polygon(parser *p, size_t line, span row, yt_label *label) {
    float low[2] = {FLT_MAX, FLT_MAX}, high[2] = {-FLT_MAX, -FLT_MAX}, value[2];
    int axis = 0;
    label->first_point = (int)p->out->n_points;
    for (span token; next_token(&row, &token); axis ^= 1) {
        if (!parse_coordinate(p, line, token, &value[axis])) return false;
        low[axis] = fminf(low[axis], value[axis]);
        high[axis] = fmaxf(high[axis], value[axis]);
        if (axis) p->out->points[p->out->n_points++] = (yt_point){value[0], value[1]};
    }
    label->n_points = (int)p->out->n_points - label->first_point;
    label->box =
        (yt_cxcywh){(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, high[0] - low[0], high[1] - low[1]};
    return true;
}

/* False: a bad row, told. */
static bool parse_row(parser *p, size_t line, span row, size_t columns, yt_label *label) {
    if (!p->polygons && columns != BOX_COLUMNS)
        return bad_row(p, line, "%zu columns; a row is: class cx cy w h", columns);
    if (p->polygons && (columns < BOX_COLUMNS || columns % 2 == 0))
        return bad_row(p, line, "%zu columns; a polygon is: class x1 y1 x2 y2 x3 y3 ...", columns);
    span token;
    next_token(&row, &token);
    if (!parse_class(p, line, token, &label->class_id)) return false;
    return p->polygons ? parse_polygon(p, line, row, label) : parse_box(p, line, row, &label->box);
}

/* A label file is below 2^26 bytes, so an int counts its points. */
static yt_status reserve_points(parser *p, size_t columns) {
    if (!p->polygons) return YT_OK;
    yt_point *points =
        yti_grow(p->out->points, &p->point_capacity, p->out->n_points + columns / 2 + 1, sizeof *points);
    if (!points) return yt_fail(p->err, YT_NO_MEMORY, "%s: no memory for its outlines", p->name);
    p->out->points = points;
    return YT_OK;
}

static yt_status keep(parser *p, size_t line, const yt_label *label) {
    size_t count = (size_t)p->out->count;
    yt_label *items = yti_grow(p->out->items, &p->capacity, count + 1, sizeof *items);
    if (items) p->out->items = items;
    size_t *lines = yti_grow(p->lines, &p->lines_capacity, count + 1, sizeof *lines);
    if (lines) p->lines = lines;
    if (!items || !lines) return yt_fail(p->err, YT_NO_MEMORY, "%s: no memory for its boxes", p->name);
    items[count] = *label;
    lines[count] = line;
    p->out->count++;
    return YT_OK;
}

/* For finding equal rows by sorting. */
typedef struct ranked {
    yt_label label;
    int index;
} ranked;

static int compare_floats(float a, float b) {
    return (a > b) - (a < b);
}

static int compare_labels(const yt_label *a, const yt_label *b) {
    int order = (a->class_id > b->class_id) - (a->class_id < b->class_id);
    if (!order) order = compare_floats(a->box.cx, b->box.cx);
    if (!order) order = compare_floats(a->box.cy, b->box.cy);
    if (!order) order = compare_floats(a->box.w, b->box.w);
    if (!order) order = compare_floats(a->box.h, b->box.h);
    return order;
}

static int compare_ranked(const void *a, const void *b) {
    const ranked *left = a, *right = b;
    int order = compare_labels(&left->label, &right->label);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

static yt_status remove_duplicates(parser *p) {
    enum { GONE = -1 };
    int count = p->out->count;
    if (count < 2) return YT_OK;
    ranked *sorted = malloc((size_t)count * sizeof *sorted);
    if (!sorted) return yt_fail(p->err, YT_NO_MEMORY, "%s: no memory to compare its boxes", p->name);
    for (int i = 0; i < count; i++) sorted[i] = (ranked){p->out->items[i], i};
    qsort(sorted, (size_t)count, sizeof *sorted, compare_ranked);
    for (int i = 1, first = 0; i < count; i++) {
        if (compare_labels(&sorted[first].label, &sorted[i].label) != 0) {
            first = i;
            continue;
        }
        p->out->items[sorted[i].index].class_id = GONE;
        p->out->duplicates++;
        if (++p->reported <= MAX_REPORTED)
            yti_report_add(p->report, "%s:%zu: the same box as in line %zu", p->name,
                           p->lines[sorted[i].index], p->lines[sorted[first].index]);
    }
    free(sorted);
    int kept = 0;
    for (int i = 0; i < count; i++)
        if (p->out->items[i].class_id != GONE) p->out->items[kept++] = p->out->items[i];
    p->out->count = kept;
    return YT_OK;
}

static yt_status parse_rows(parser *p, span text) {
    size_t number = 0;
    for (span line; next_line(&text, &line);) {
        number++;
        yt_label label = {0};
        size_t columns = count_tokens(line);
        if (columns == 0) continue;
        YT_TRY(reserve_points(p, columns));
        if (parse_row(p, number, line, columns, &label)) YT_TRY(keep(p, number, &label));
    }
    YT_TRY(remove_duplicates(p));
    if (p->reported > MAX_REPORTED)
        yti_report_add(p->report, "%s: and %d more such rows", p->name, p->reported - MAX_REPORTED);
    return YT_OK;
}

void yti_labels_free(yti_labels *labels) {
    free(labels->items);
    free(labels->points);
    *labels = (yti_labels){0};
}

yt_status yti_labels_parse(const char *name, const char *text, size_t bytes, int n_classes, yti_labels *out,
                           yti_report *report, yt_err *err) {
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    span rest = {text, bytes};
    if (bytes >= 3 && memcmp(text, byte_order_mark, 3) == 0) rest = (span){text + 3, bytes - 3};
    *out = (yti_labels){0};
    parser p = {.name = name,
                .n_classes = n_classes,
                .polygons = has_polygons(rest),
                .out = out,
                .report = report,
                .err = err};
    yt_status status = parse_rows(&p, rest);
    free(p.lines);
    if (status != YT_OK) yti_labels_free(out);
    if (out->n_points == 0) {
        free(out->points);
        out->points = NULL;
    } else { /* they stay for the whole run; a failure to shrink leaves them as they are */
        yt_point *exact = realloc(out->points, out->n_points * sizeof *exact);
        if (exact) out->points = exact;
    }
    return status;
}

/* The start of the last folder called "images" in a path, or NULL. */
static const char *last_images_folder(const char *path) {
    static const char folder[] = "images/";
    size_t length = sizeof folder - 1;
    for (const char *at = path + strlen(path); at-- > path;)
        if (strncmp(at, folder, length) == 0 && (at == path || at[-1] == '/')) return at;
    return NULL;
}

char *yti_label_path(const char *image_path) {
    static const char labels[] = "labels", ending[] = "txt";
    const char *dot = strrchr(image_path, '.');
    size_t stem = dot ? (size_t)(dot - image_path) + 1 : strlen(image_path);
    char *path = malloc(stem + sizeof ending);
    if (!path) return NULL;
    memcpy(path, image_path, stem);
    memcpy(path + stem, ending, sizeof ending);
    const char *images = last_images_folder(image_path);
    if (images) memcpy(path + (images - image_path), labels, sizeof labels - 1); /* as long as "images" */
    return path;
}
