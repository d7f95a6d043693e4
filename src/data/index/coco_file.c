/* coco_file.c: {"images": [...], "annotations": [...], "categories": [...]}, read record by record.
 *
 * The annotations of COCO itself are half a gigabyte of text; as a tree of nodes, outlines included, they would
 * be many times that. So the parser is given one record of a list after the other, and what lies between them, a few
 * brackets and commas, is read here.
 */
#include "data/index/coco_file.h"

#include "base/array.h"
#include "base/file.h"
#include "base/json.h"
#include "base/number.h"
#include "data/index/lines.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_REPORTED = 20, /* images that are reported one by one */
    MAX_SIDE = 1 << 20,
    MAX_SHOWN = 16 /* characters of what is not JSON */
};
static const size_t MAX_BYTES = (size_t)1 << 31;
static const double LARGEST_ID = 9007199254740992.0; /* 2^53: above it a double skips whole numbers */

typedef struct reader {
    const char *path, *text;
    size_t bytes, at;
    yti_coco_file *out;
    yti_report *report;
    yt_err *err;
} reader;

/* Keeps or reports record number `index` of a list. */
typedef yt_status (*taker)(reader *r, const yti_json *record, size_t index);

/* ---- records ---- */

/* A whole number, which may be written as a text: "id": "7". */
static bool whole_number(const yti_json *record, const char *key, int64_t *out) {
    const yti_json *item = yti_json_get(record, key);
    const char *text = yti_json_as_text(item);
    double value = 0;
    if (!yti_json_as_number(item, &value) && !(text && yti_parse_decimal(text, strlen(text), &value))) return false;
    if (!(fabs(value) <= LARGEST_ID) || value != floor(value)) return false;
    *out = (int64_t)value;
    return true;
}

/* A side in pixels, 0 where it is missing or is none. */
static int side_of(const yti_json *record, const char *key) {
    int64_t value;
    bool good = whole_number(record, key, &value) && value > 0 && value <= MAX_SIDE;
    return good ? (int)value : 0;
}

static const char *text_of(const yti_json *record, const char *key) {
    return yti_json_as_text(yti_json_get(record, key));
}

static yt_status no_memory(const reader *r) {
    return yt_fail(r->err, YT_ERR_NO_MEMORY, "%s: no memory for its records", r->path);
}

static yt_status take_image(reader *r, const yti_json *record, size_t index) {
    yti_coco_file *file = r->out;
    yti_coco_image image = {.w = side_of(record, "width"), .h = side_of(record, "height")};
    const char *name = text_of(record, "file_name");
    if (!whole_number(record, "id", &image.id) || image.id < 0 || !name || !*name) {
        if (++file->bad_images <= MAX_REPORTED)
            yti_report_add(r->report, "%s: image %zu of the list: needs a whole number from 0 as id and a file_name",
                           r->path, index + 1);
        return YT_OK;
    }
    yti_coco_image *images = yti_grow(file->images, &file->image_capacity, file->n_images + 1, sizeof *images);
    if (images) file->images = images;
    image.file_name = strdup(name);
    if (!images || !image.file_name) {
        free(image.file_name);
        return no_memory(r);
    }
    images[file->n_images++] = image;
    return YT_OK;
}

/* Why bbox is none, YT_LABEL_RULES: it is one. */
static yti_label_rule read_box(const yti_json *record, double box[4]) {
    const yti_json *list = yti_json_get(record, "bbox"), *item;
    int count = 0;
    if (!yti_json_is_array(list)) return YT_LABEL_COLUMNS;
    for (item = yti_json_first(list); item; item = yti_json_next(item)) {
        if (count == 4) return YT_LABEL_COLUMNS;
        if (!yti_json_as_number(item, &box[count]) || !isfinite(box[count])) return YT_LABEL_NUMBER;
        count++;
    }
    return count == 4 ? YT_LABEL_RULES : YT_LABEL_COLUMNS;
}

static bool read_crowd(const yti_json *record) {
    const yti_json *crowd = yti_json_get(record, "iscrowd");
    double number;
    return yti_json_is_true(crowd) || (yti_json_as_number(crowd, &number) && number != 0);
}

/* By which rule an annotation is left out, and the reason; YT_LABEL_RULES: it is not. */
static yti_label_rule read_annotation(const yti_json *record, yti_coco_annotation *out, const char **reason) {
    *reason = "image_id must be a whole number";
    if (!whole_number(record, "image_id", &out->image_id)) return YT_LABEL_IMAGE;
    *reason = "category_id must be a whole number";
    if (!whole_number(record, "category_id", &out->category_id)) return YT_LABEL_CLASS;
    *reason = "bbox must be [x, y, width, height] in pixels";
    double area;
    bool said = yti_json_as_number(yti_json_get(record, "area"), &area) && area >= 0 && isfinite(area);
    out->area = said ? area : -1;
    out->crowd = read_crowd(record);
    return read_box(record, out->box);
}

static yt_status take_annotation(reader *r, const yti_json *record, size_t index) {
    yti_coco_file *file = r->out;
    yti_coco_annotation annotation = {0};
    const char *reason;
    if (!whole_number(record, "id", &annotation.id)) annotation.id = (int64_t)index + 1;
    yti_label_rule rule = read_annotation(record, &annotation, &reason);
    if (rule != YT_LABEL_RULES) {
        yti_tally_row(&file->tally, r->report, rule, "%s: annotation %lld: %s", r->path, (long long)annotation.id,
                      reason);
        return YT_OK;
    }
    yti_coco_annotation *annotations = yti_grow(file->annotations, &file->annotation_capacity, file->n_annotations + 1,
                                                sizeof *annotations);
    if (!annotations) return no_memory(r);
    file->annotations = annotations;
    annotations[file->n_annotations++] = annotation;
    return YT_OK;
}

static yt_status take_category(reader *r, const yti_json *record, size_t index) {
    yti_coco_file *file = r->out;
    yti_coco_category category = {0};
    const char *name = text_of(record, "name"), *group = text_of(record, "supercategory");
    if (!whole_number(record, "id", &category.id) || category.id < 0 || !name)
        return yt_fail(r->err, YT_ERR_DATA,
                       "%s: category %zu of the list: needs a whole number from 0 as id and a name", r->path,
                       index + 1);
    yti_coco_category *categories = yti_grow(file->categories, &file->category_capacity, file->n_categories + 1,
                                             sizeof *categories);
    if (categories) file->categories = categories;
    category.name = strdup(name);
    category.group = group ? strdup(group) : NULL;
    if (!categories || !category.name || (group && !category.group)) {
        free(category.name);
        free(category.group);
        return no_memory(r);
    }
    categories[file->n_categories++] = category;
    return YT_OK;
}

static yt_status pass_over(reader *r, const yti_json *record, size_t index) {
    (void)r, (void)record, (void)index;
    return YT_OK;
}

/* ---- between the records ---- */

/* The column counts bytes from 1. */
static yt_status broken(const reader *r, size_t at) {
    size_t line = 1, begin = 0;
    if (at > r->bytes) at = r->bytes;
    for (size_t i = 0; i < at; i++)
        if (r->text[i] == '\n') line++, begin = i + 1;
    char found[MAX_SHOWN + 1];
    size_t shown = 0;
    for (; shown < MAX_SHOWN && at + shown < r->bytes && r->text[at + shown] != '\n'; shown++) {
        char c = r->text[at + shown];
        found[shown] = (char)(isprint((unsigned char)c) ? c : '?');
    }
    found[shown] = '\0';
    return yti_fail_at(r->err, YT_ERR_SYNTAX, r->path, line, "this is not JSON at column %zu: %s%s%s", at - begin + 1,
                       shown ? "'" : "", shown ? found : "it ends there", shown ? "'" : "");
}

/* The next character that is no space; NUL at the end. */
static char peek(reader *r) {
    while (r->at < r->bytes && strchr(" \t\r\n", r->text[r->at]) && r->text[r->at]) r->at++;
    return r->at < r->bytes ? r->text[r->at] : '\0';
}

/* Whether the next character is c, which is then read. */
static bool accept(reader *r, char c) {
    bool is = peek(r) == c;
    r->at += is;
    return is;
}

static yt_status parse_value(reader *r, yti_json **out) {
    const char *end = NULL;
    peek(r);
    *out = yti_json_parse(r->text + r->at, r->bytes - r->at, &end);
    size_t stopped = end ? (size_t)(end - r->text) : r->at;
    if (!*out) return broken(r, stopped);
    r->at = stopped;
    return YT_OK;
}

static yt_status read_list(reader *r, taker take) {
    if (!accept(r, '[')) return broken(r, r->at);
    if (accept(r, ']')) return YT_OK;
    for (size_t index = 0;; index++) {
        yti_json *record;
        YT_TRY(parse_value(r, &record));
        yt_status status = take(r, record, index);
        yti_json_free(record);
        if (status != YT_OK) return status;
        if (accept(r, ']')) return YT_OK;
        if (!accept(r, ',')) return broken(r, r->at);
    }
}

static yt_status skip_value(reader *r) {
    yti_json *value;
    if (peek(r) == '[') return read_list(r, pass_over);
    YT_TRY(parse_value(r, &value));
    yti_json_free(value);
    return YT_OK;
}

/* The lists of a COCO file; found[] says which were there. */
enum { IMAGES, ANNOTATIONS, CATEGORIES, LISTS };
static const char *const list_names[LISTS] = {"images", "annotations", "categories"};

static yt_status read_member(reader *r, bool only_categories, bool found[LISTS]) {
    static const taker takers[LISTS] = {take_image, take_annotation, take_category};
    yti_json *key;
    if (peek(r) != '"') return broken(r, r->at);
    YT_TRY(parse_value(r, &key));
    int list = 0;
    while (list < LISTS && strcmp(yti_json_as_text(key), list_names[list]) != 0) list++;
    yti_json_free(key);
    if (!accept(r, ':')) return broken(r, r->at);
    if (list == LISTS || (only_categories && list != CATEGORIES)) return skip_value(r);
    if (found[list]) return yt_fail(r->err, YT_ERR_DATA, "%s: has two lists of \"%s\"", r->path, list_names[list]);
    if (peek(r) != '[') return yt_fail(r->err, YT_ERR_DATA, "%s: \"%s\" must be a list", r->path, list_names[list]);
    found[list] = true;
    return read_list(r, takers[list]);
}

static yt_status read_all(reader *r, bool only_categories) {
    bool found[LISTS] = {false};
    const char *path = r->path;
    if (peek(r) == '[')
        return yt_fail(r->err, YT_ERR_DATA,
                       "%s: is a list; a COCO file is a map with images, annotations and categories", path);
    if (!accept(r, '{')) return broken(r, r->at);
    if (!accept(r, '}')) {
        do {
            YT_TRY(read_member(r, only_categories, found));
        } while (accept(r, ','));
        if (!accept(r, '}')) return broken(r, r->at);
    }
    if (peek(r) != '\0' || r->at < r->bytes) return broken(r, r->at);
    for (int i = 0; i < LISTS; i++)
        if (!found[i] && !(only_categories && i != CATEGORIES))
            return yt_fail(r->err, YT_ERR_DATA, "%s: is no COCO ground truth: it has no \"%s\"", path, list_names[i]);
    return YT_OK;
}

yt_status yti_coco_file_load(const char *path, bool only_categories, yti_coco_file *out, yti_report *report,
                             yt_err *err) {
    char *text;
    size_t bytes;
    *out = (yti_coco_file){0};
    YT_TRY(yti_read_text(path, MAX_BYTES, &text, &bytes, err));
    reader r = {.path = path, .text = text, .bytes = bytes, .out = out, .report = report, .err = err};
    yt_status status = read_all(&r, only_categories);
    if (out->bad_images > MAX_REPORTED)
        yti_report_note(report, "%s: and %d more such images", path, out->bad_images - MAX_REPORTED);
    yti_tally_finish(&out->tally, report, path);
    free(text);
    return status;
}

void yti_coco_file_free(yti_coco_file *file) {
    for (size_t i = 0; i < file->n_images; i++) free(file->images[i].file_name);
    for (size_t i = 0; i < file->n_categories; i++) {
        free(file->categories[i].name);
        free(file->categories[i].group);
    }
    free(file->images);
    free(file->annotations);
    free(file->categories);
    *file = (yti_coco_file){0};
}
