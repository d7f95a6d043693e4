/* labels.c: one row per box, `class cx cy w h` normalised to the image, or `class x1 y1 x2 y2 x3 y3 ...`, a polygon:
 * its bounding box, and the points for the map of the augmentation (spec training 1.5). Where the data set has
 * keypoints (kpt_shape:), they follow the box and are passed over.
 *
 * The number of columns says what a row is, whatever the other rows are: some tools write boxes and outlines into one
 * file. What makes a row bad is in the table of rules (rules.h); unlike in the reference it costs that row only.
 */
#include "data/index/labels.h"

#include "base/array.h"
#include "base/number.h"
#include "base/text.h"
#include "data/index/rules.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOX_COLUMNS = 5, MIN_POLYGON_COLUMNS = 7 };
static const double LARGEST = 1e6; /* a coordinate that is none of any image, and surely a float */

/* A piece of the text. */
typedef struct span {
    const char *data;
    size_t length;
} span;

typedef struct parser {
    const char *name;
    yti_label_format format;
    yti_labels *out;
    size_t capacity, point_capacity;
    size_t *lines; /* of the kept rows, parallel to out->items */
    size_t lines_capacity;
    size_t box_line, outline_line; /* the first of each kind; 0: none */
    yti_report *report;
    yt_err *err;
} parser;

/* How many bytes of a blank the text begins with: the spaces of ASCII and of Unicode, among them the no-break space
 * that comes with text from web pages and word processors. */
static size_t blank_at(const char *text, size_t length) {
    static const char *const wide[] = {"\xC2\xA0", "\xE3\x80\x80", "\xE2\x80\xAF", "\xEF\xBB\xBF"};
    if (length == 0) return 0;
    if (*text == ' ' || *text == '\t' || *text == '\v' || *text == '\f') return 1;
    if ((unsigned char)*text < 0x80) return 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        size_t bytes = strlen(wide[i]);
        if (length >= bytes && memcmp(text, wide[i], bytes) == 0) return bytes;
    }
    bool is_quad = length >= 3 && memcmp(text, "\xE2\x80", 2) == 0 && (unsigned char)text[2] <= 0x8B;
    return is_quad ? 3 : 0; /* U+2000 to U+200B */
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
    for (size_t step; (step = blank_at(line->data + start, line->length - start));) start += step;
    size_t end = start;
    while (end < line->length && !blank_at(line->data + end, line->length - end)) end++;
    *token = (span){line->data + start, end - start};
    *line = (span){line->data + end, line->length - end};
    return token->length > 0;
}

static size_t count_tokens(span line) {
    size_t count = 0;
    for (span token; next_token(&line, &token);) count++;
    return count;
}

/* A token as it can be shown: short and printable. */
typedef struct shown {
    char text[32];
} shown;

static shown show(span token) {
    shown s;
    size_t length = token.length < sizeof s.text - 1 ? token.length : sizeof s.text - 1;
    for (size_t i = 0; i < length; i++) s.text[i] = (char)(isprint((unsigned char)token.data[i]) ? token.data[i] : '?');
    s.text[length] = '\0';
    return s;
}

/* Counts the row as bad and says why. Gives false. */
#define BAD_ROW(p, rule, line, ...) (bad_row(p, rule, line, __VA_ARGS__), false)

static void bad_row(parser *p, yti_label_rule rule, size_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void bad_row(parser *p, yti_label_rule rule, size_t line, const char *format, ...) {
    char reason[256];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    yti_tally_row(&p->out->tally, p->report, rule, "%s:%zu: %s", p->name, line, reason);
}

static bool parse_class(parser *p, size_t line, span token, int *class_id) {
    double value;
    const int n_classes = p->format.n_classes;
    if (!yti_parse_decimal(token.data, token.length, &value))
        return BAD_ROW(p, YT_LABEL_CLASS, line, "the class '%s' is not a number", show(token).text);
    if (value < 0 || value > 1e9 || value != floor(value))
        return BAD_ROW(p, YT_LABEL_CLASS, line, "the class '%s' is not a whole number from 0", show(token).text);
    if (value == n_classes) p->out->tally.past_the_end = true;
    if (value >= n_classes)
        return BAD_ROW(p, YT_LABEL_CLASS, line, "class %.0f, but there are %d classes (0 to %d)", value, n_classes,
                       n_classes - 1);
    *class_id = (int)value;
    return true;
}

static bool parse_coordinate(parser *p, size_t line, span token, float *out) {
    double value;
    if (!yti_parse_decimal(token.data, token.length, &value))
        return BAD_ROW(p, YT_LABEL_NUMBER, line, "'%s' is not a number", show(token).text);
    if (fabs(value) > LARGEST)
        return BAD_ROW(p, YT_LABEL_OUTSIDE, line,
                       "'%s' is outside the image; coordinates are fractions of "
                       "its size, 0 to 1",
                       show(token).text);
    *out = (float)value;
    return true;
}

static bool parse_box(parser *p, size_t line, span row, yti_label *label) {
    float *fields[4] = {&label->box.cx, &label->box.cy, &label->box.w, &label->box.h};
    for (int i = 0; i < 4; i++) {
        span token;
        next_token(&row, &token); /* the columns were counted */
        if (!parse_coordinate(p, line, token, fields[i])) return false;
    }
    return true;
}

/* There is room for the points. Those of a bad row stay unused. */
static bool parse_polygon(parser *p, size_t line, span row, yti_label *label) {
    float low[2] = {FLT_MAX, FLT_MAX}, high[2] = {-FLT_MAX, -FLT_MAX}, value[2];
    int axis = 0;
    label->first_point = (int)p->out->n_points;
    for (span token; next_token(&row, &token); axis ^= 1) {
        if (!parse_coordinate(p, line, token, &value[axis])) return false;
        low[axis] = fminf(low[axis], value[axis]);
        high[axis] = fmaxf(high[axis], value[axis]);
        if (axis) p->out->points[p->out->n_points++] = (yti_point){value[0], value[1]};
    }
    label->n_points = (int)p->out->n_points - label->first_point;
    label->box = (yti_cxcywh){(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, high[0] - low[0], high[1] - low[1]};
    return true;
}

static float clamp_unit(float x) {
    return fminf(fmaxf(x, 0), 1);
}

/* False: a bad row, which was reported. */
static bool judge(parser *p, size_t line, yti_label *label) {
    const yti_cxcywh box = label->box;
    double judged[4] = {(double)box.cx, (double)box.cy, (double)box.w, (double)box.h};
    yti_label_rule rule = yti_judge_box(judged);
    if (rule == YT_LABEL_RULES) return true;
    if (rule == YT_LABEL_SIZE)
        return BAD_ROW(p, rule, line, "the box has no size: width %g, height %g", judged[2], judged[3]);
    if (rule == YT_LABEL_OUTSIDE)
        return BAD_ROW(p, rule, line,
                       "the box (cx %g, cy %g, w %g, h %g) is outside the image; coordinates are "
                       "fractions of its size, 0 to 1",
                       judged[0], judged[1], judged[2], judged[3]);
    bad_row(p, rule, line,
            "the box (cx %g, cy %g, w %g, h %g) reaches too far beyond the image; the part inside is used",
            (double)box.cx, (double)box.cy, (double)box.w, (double)box.h);
    label->box = (yti_cxcywh){(float)judged[0], (float)judged[1], (float)judged[2], (float)judged[3]};
    for (int i = 0; i < label->n_points; i++) {
        yti_point *point = &p->out->points[label->first_point + i];
        *point = (yti_point){clamp_unit(point->x), clamp_unit(point->y)};
    }
    return true;
}

/* Whether a row of no known kpt_shape: is a box and keypoints `x y visibility`: each visibility is 0, 1 or 2, and
 * what is visible lies in the box. A polygon would have to meet the border at every third number. Where one is 2,
 * which no polygon reaches, the points may lie anywhere. */
static bool looks_like_keypoints(span row, size_t columns) {
    enum { AT_LEAST = 2, VALUES = 3 };
    if (columns < BOX_COLUMNS + AT_LEAST * VALUES || (columns - BOX_COLUMNS) % VALUES) return false;
    double box[4], point[VALUES];
    bool has_two = false, strays = false;
    span token;
    next_token(&row, &token);
    for (size_t i = 0; next_token(&row, &token); i++) {
        double *place = i < 4 ? &box[i] : &point[(i - 4) % VALUES];
        if (!yti_parse_decimal(token.data, token.length, place)) return false;
        if (i < 4 || (i - 4) % VALUES < VALUES - 1) continue;
        if (point[2] != 0 && point[2] != 1 && point[2] != 2) return false;
        has_two |= point[2] == 2;
        for (int axis = 0; axis < 2 && point[2] > 0; axis++)
            strays |= !(fabs(point[axis] - box[axis]) <= box[2 + axis] / 2 + 0.01);
    }
    return box[2] > 0 && box[3] > 0 && (has_two || !strays);
}

static bool has_separators(span row) {
    return memchr(row.data, ',', row.length) || memchr(row.data, ';', row.length);
}

/* What the columns of a row are; KIND_NONE: nothing, which was reported. */
typedef enum row_kind { KIND_NONE, KIND_BOX, KIND_POSE, KIND_OUTLINE } row_kind;

static row_kind kind_of_row(parser *p, size_t line, span row, size_t columns) {
    const int keypoints = p->format.keypoint_columns;
    if (has_separators(row))
        bad_row(p, YT_LABEL_SEPARATOR, line,
                "'%s': commas; a row is: class cx cy w h, with blanks between and decimal points", show(row).text);
    else if (columns == BOX_COLUMNS)
        return KIND_BOX;
    else if (keypoints && columns == BOX_COLUMNS + (size_t)keypoints)
        return KIND_POSE;
    else if (keypoints)
        bad_row(p, YT_LABEL_COLUMNS, line, "%zu columns; by kpt_shape: a row has %d, or 5 without keypoints", columns,
                BOX_COLUMNS + keypoints);
    else if (columns < BOX_COLUMNS)
        bad_row(p, YT_LABEL_COLUMNS, line, "%zu columns; a row is: class cx cy w h", columns);
    else if (columns < MIN_POLYGON_COLUMNS)
        bad_row(p, YT_LABEL_CONFIDENCE, line,
                "%zu columns; a row is: class cx cy w h, without a detector's confidence after it", columns);
    else if (looks_like_keypoints(row, columns))
        bad_row(p, YT_LABEL_KEYPOINTS, line,
                "%zu columns: a box and %zu keypoints of a pose data set? kpt_shape: [%zu, 3] in the YAML "
                "says so, "
                "and the boxes are used",
                columns, (columns - BOX_COLUMNS) / 3, (columns - BOX_COLUMNS) / 3);
    else if (columns % 2 == 0)
        bad_row(p, YT_LABEL_COLUMNS, line,
                "%zu columns; a polygon is: class x1 y1 x2 y2 x3 y3 ... (a box with keypoints needs "
                "kpt_shape: in the "
                "YAML)",
                columns);
    else
        return KIND_OUTLINE;
    return KIND_NONE;
}

/* False: a bad row, which was reported. */
static bool parse_row(parser *p, size_t line, span row, size_t columns, yti_label *label) {
    row_kind kind = kind_of_row(p, line, row, columns);
    span token;
    if (kind == KIND_NONE) return false;
    next_token(&row, &token);
    if (!parse_class(p, line, token, &label->class_id)) return false;
    bool good = kind == KIND_OUTLINE ? parse_polygon(p, line, row, label) : parse_box(p, line, row, label);
    if (!good || !judge(p, line, label)) return false;
    size_t *first = kind == KIND_OUTLINE ? &p->outline_line : &p->box_line;
    if (!*first) *first = line;
    p->out->tally.rules[YT_LABEL_OUTLINE] += kind == KIND_OUTLINE;
    p->out->tally.rules[YT_LABEL_POSE] += kind == KIND_POSE;
    return true;
}

/* A label file is below 2^26 bytes, so an int counts its points. */
static yt_status reserve_points(parser *p, size_t columns) {
    if (columns < MIN_POLYGON_COLUMNS) return YT_OK;
    yti_point *points = yti_grow(p->out->points, &p->point_capacity, p->out->n_points + columns / 2 + 1,
                                 sizeof *points);
    if (!points) return yt_fail(p->err, YT_ERR_NO_MEMORY, "%s: no memory for its outlines", p->name);
    p->out->points = points;
    return YT_OK;
}

static yt_status keep(parser *p, size_t line, const yti_label *label) {
    size_t count = (size_t)p->out->count;
    yti_label *items = yti_grow(p->out->items, &p->capacity, count + 1, sizeof *items);
    if (items) p->out->items = items;
    size_t *lines = yti_grow(p->lines, &p->lines_capacity, count + 1, sizeof *lines);
    if (lines) p->lines = lines;
    if (!items || !lines) return yt_fail(p->err, YT_ERR_NO_MEMORY, "%s: no memory for its boxes", p->name);
    items[count] = *label;
    lines[count] = line;
    p->out->count++;
    return YT_OK;
}

static yt_status remove_duplicates(parser *p) {
    yti_labels *out = p->out;
    if (out->count < 2) return YT_OK;
    int *first_of = malloc((size_t)out->count * sizeof *first_of), kept = 0;
    yt_status status = first_of ? yti_find_duplicates(out->items, out->count, out->points, first_of) : YT_ERR_NO_MEMORY;
    if (status != YT_OK) yt_fail(p->err, status, "%s: no memory to compare its boxes", p->name);
    for (int i = 0; status == YT_OK && i < out->count; i++) {
        if (first_of[i] < 0)
            out->items[kept++] = out->items[i];
        else
            bad_row(p, YT_LABEL_DUPLICATE, p->lines[i], "the same box as in line %zu", p->lines[first_of[i]]);
    }
    if (status == YT_OK) out->count = kept;
    free(first_of);
    return status;
}

/* Once per file: it is no mistake of a row. */
static void tell_mixture(parser *p) {
    if (!p->box_line || !p->outline_line) return;
    bad_row(p, YT_LABEL_MIXED, p->box_line > p->outline_line ? p->box_line : p->outline_line,
            "boxes and outlines in one file; its rows of 5 columns are taken as boxes");
}

static yt_status parse_rows(parser *p, span text) {
    size_t number = 0;
    for (span line; next_line(&text, &line);) {
        number++;
        yti_label label = {0};
        size_t columns = count_tokens(line);
        if (columns == 0) continue;
        YT_TRY(reserve_points(p, columns));
        if (parse_row(p, number, line, columns, &label)) YT_TRY(keep(p, number, &label));
    }
    YT_TRY(remove_duplicates(p));
    tell_mixture(p);
    yti_tally_finish(&p->out->tally, p->report, p->name);
    return YT_OK;
}

/* Whether Windows wrote the text in two bytes a character, as its shell does into files. */
static bool is_utf16(const char *text, size_t bytes) {
    return bytes >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0);
}

void yti_labels_free(yti_labels *labels) {
    free(labels->items);
    free(labels->points);
    *labels = (yti_labels){0};
}

yt_status yti_labels_parse(const char *name, const char *text, size_t bytes, yti_label_format format, yti_labels *out,
                           yti_report *report, yt_err *err) {
    const size_t mark = yti_text_mark(text, bytes);
    const span rest = {text + mark, bytes - mark};
    *out = (yti_labels){0};
    parser p = {.name = name, .format = format, .out = out, .report = report, .err = err};
    if (is_utf16(text, bytes)) {
        bad_row(&p, YT_LABEL_ENCODING, 1, "the file is UTF-16 text; save it as UTF-8");
        return YT_OK;
    }
    yt_status status = parse_rows(&p, rest);
    free(p.lines);
    if (status != YT_OK) yti_labels_free(out);
    if (out->n_points == 0) {
        free(out->points);
        out->points = NULL;
    } else { /* they stay for the whole run; a failure to shrink leaves them as they are */
        yti_point *exact = realloc(out->points, out->n_points * sizeof *exact);
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
