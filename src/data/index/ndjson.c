/* ndjson.c: see ndjson.h.
 *
 * The first line describes the set, each other one an image:
 *
 *     {"type": "dataset", "task": "detect", "class_names": {"0": "cat", "1": "dog"}}
 *     {"type": "image", "file": "a.jpg", "split": "train", "annotations": {"boxes": [[0, 0.5, 0.5, 0.2, 0.4]]}}
 *
 * A list of numbers is the row of a label file, so it is judged as one. A line without a split is of train. What is
 * none of this is reported with its line and never passed over in silence. The images themselves are at addresses in
 * the net, which are not visited: they are looked for beside the file, where a download puts them.
 */
#include "data/index/ndjson.h"

#include "base/array.h"
#include "base/file.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "data/index/lines.h"
#include "data/index/sources.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_REPORTED = 20, MAX_CLASSES = 100000 };
static const size_t MAX_BYTES = (size_t)1 << 31;

bool yti_is_ndjson(const char *path) {
    const char *dot = strrchr(yti_path_base(path), '.');
    return dot && (strcasecmp(dot, ".ndjson") == 0 || strcasecmp(dot, ".jsonl") == 0);
}

/* A file being read line by line. */
typedef struct reader {
    const char *path;
    char *text, *rest;
    size_t line;
    yt_err *err;
} reader;

static yt_status open_reader(const char *path, reader *r, yt_err *err) {
    size_t bytes;
    *r = (reader){.path = path, .err = err};
    YT_TRY(yti_read_text(path, MAX_BYTES, &r->text, &bytes, err));
    r->rest = r->text;
    return YT_OK;
}

/* The record of the next line that is not empty; NULL: there is none. */
static yt_status next_record(reader *r, yti_json **out) {
    *out = NULL;
    for (char *line; (line = yti_next_line(&r->rest));) {
        r->line++;
        if (!*line) continue;
        *out = yti_json_parse_all(line);
        if (yti_json_is_object(*out)) return YT_OK;
        yti_json_free(*out);
        *out = NULL;
        return yti_fail_at(r->err, YT_ERR_SYNTAX, r->path, r->line,
                           "this is not one JSON object; the file has one a line");
    }
    return YT_OK;
}

static const char *text_of(const yti_json *record, const char *key) {
    return yti_json_as_text(yti_json_get(record, key));
}

static bool is_image(const yti_json *record) {
    const char *type = text_of(record, "type");
    return type ? strcmp(type, "image") == 0 : text_of(record, "file") != NULL;
}

/* The splits, and the words that they go by. */
enum { TRAIN, VAL, TEST, SPLITS, NO_SPLIT = SPLITS };
static const char *const splits[SPLITS] = {"train", "val", "test"};

static int split_of(const yti_json *record) {
    static const struct {
        const char *word;
        int split;
    } words[] = {{"", TRAIN}, {"train", TRAIN}, {"val", VAL}, {"validation", VAL}, {"valid", VAL}, {"test", TEST}};
    const yti_json *item = yti_json_get(record, "split");
    if (!item || yti_json_is_null(item)) return TRAIN;
    const char *word = yti_json_as_text(item);
    for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
        if (strcasecmp(word, words[i].word) == 0) return words[i].split;
    return NO_SPLIT;
}

/* ---- the first line ---- */

static yt_status set_name(const reader *r, const yti_json *item, int i, yti_dataset *dataset) {
    const char *key = yti_json_key(item), *text = yti_json_as_text(item);
    double index = i;
    if (key && !yti_parse_decimal(key, strlen(key), &index)) index = -1;
    if (!text || index != floor(index) || index < 0 || index >= dataset->n_classes)
        return yti_fail_at(r->err, YT_ERR_DATA, r->path, r->line, "class_names: must be names numbered from 0 to %d",
                           dataset->n_classes - 1);
    char **name = &dataset->names[(int)index];
    if (*name || !yti_text_is_utf8(text, strlen(text)))
        return yti_fail_at(r->err, YT_ERR_DATA, r->path, r->line,
                           "class_names: class %.0f has two names, or one that is not UTF-8", index);
    *name = strdup(text);
    return *name ? YT_OK : yti_no_memory(r->err, "the class names");
}

static yt_status read_names(const reader *r, const yti_json *record, yti_dataset *dataset) {
    const yti_json *names = yti_json_get(record, "class_names"), *item;
    int count = yti_json_count(names), i = 0;
    if (!(yti_json_is_object(names) || yti_json_is_array(names)) || count < 1 || count > MAX_CLASSES)
        return yti_fail_at(r->err, YT_ERR_DATA, r->path, r->line,
                           "the first line must describe the set, with class_names");
    dataset->names = calloc((size_t)count, sizeof *dataset->names);
    if (!dataset->names) return yti_no_memory(r->err, "the class names");
    dataset->n_classes = count;
    for (item = yti_json_first(names); item; item = yti_json_next(item)) YT_TRY(set_name(r, item, i++, dataset));
    return YT_OK;
}

static yt_status read_keypoints(const reader *r, const yti_json *record, yti_dataset *dataset) {
    const yti_json *shape = yti_json_get(record, "kpt_shape");
    const yti_json *first = yti_json_first(shape), *second = yti_json_next(first);
    enum { MAX_KEYPOINTS = 10000 };
    int64_t points, values;
    if (!shape || yti_json_is_null(shape)) return YT_OK;
    bool good = yti_json_is_array(shape) && yti_json_as_whole(first, 1, MAX_KEYPOINTS, &points) &&
                yti_json_as_whole(second, 2, 3, &values) && !yti_json_next(second);
    if (!good)
        return yti_fail_at(r->err, YT_ERR_DATA, r->path, r->line,
                           "kpt_shape: must be [number of keypoints, 2 or 3 values of each]");
    dataset->keypoint_columns = (int)(points * values);
    return YT_OK;
}

/* A line that is of no split: the first scan reports it, as a problem, whichever split that is of. */
static yt_status note_stray(const reader *r, const yti_json *record, yti_dataset_sources *sources) {
    const char *split = text_of(record, "split");
    if (sources->notes && sources->notes->count >= MAX_REPORTED) {
        sources->notes->count++;
        return YT_OK;
    }
    if (is_image(record))
        YT_TRY(yti_sources_note(sources, r->err,
                                "%s:%zu: the image is left out: its split is '%.100s'; there are train, val and test",
                                r->path, r->line, split ? split : "not a text"));
    else
        YT_TRY(yti_sources_note(
            sources, r->err,
            "%s:%zu: the line is left out: it is no image, which has \"type\": \"image\" and a \"file\"", r->path,
            r->line));
    sources->notes->count++;
    return YT_OK;
}

/* Names the file as the source of each split that it has images of. */
static yt_status find_splits(reader *r, yti_dataset *dataset) {
    yti_dataset_sources *sources = dataset->sources;
    bool found[SPLITS] = {false};
    for (yti_json *record;;) {
        YT_TRY(next_record(r, &record));
        if (!record) break;
        int split = is_image(record) ? split_of(record) : NO_SPLIT;
        yt_status status = YT_OK;
        if (split == NO_SPLIT)
            status = note_stray(r, record, sources);
        else
            found[split] = true;
        yti_json_free(record);
        YT_TRY(status);
    }
    if (sources->notes && sources->notes->count > MAX_REPORTED)
        YT_TRY(yti_sources_note(sources, r->err, "%s: and %zu more such lines", r->path,
                                sources->notes->count - MAX_REPORTED));
    for (int i = 0; i < SPLITS; i++)
        if (found[i]) YT_TRY(yti_sources_add(sources, splits[i], yti_path_base(r->path), 1, r->err));
    return YT_OK;
}

static yt_status read_set(reader *r, yti_dataset *dataset) {
    dataset->path = strdup(r->path);
    dataset->sources = calloc(1, sizeof *dataset->sources);
    if (!dataset->path || !dataset->sources) return yti_no_memory(r->err, "the dataset");
    YT_TRY(yti_sources_begin(r->path, dataset->sources, r->err));
    yti_json *first;
    YT_TRY(next_record(r, &first));
    if (!first) return yt_fail(r->err, YT_ERR_DATA, "%s: the file is empty", r->path);
    yt_status status = read_names(r, first, dataset);
    if (status == YT_OK) status = read_keypoints(r, first, dataset);
    yti_json_free(first);
    return status == YT_OK ? find_splits(r, dataset) : status;
}

yt_status yti_ndjson_open(const char *path, yti_dataset *out, yt_err *err) {
    reader r;
    *out = (yti_dataset){0};
    YT_TRY(open_reader(path, &r, err));
    yt_status status = read_set(&r, out);
    free(r.text);
    return status;
}

/* ---- the images ---- */

/* A text that grows. */
typedef struct text {
    char *data;
    size_t used, capacity;
} text;

static bool append(text *t, const char *part) {
    size_t length = strlen(part);
    char *data = yti_grow(t->data, &t->capacity, t->used + length + 1, 1);
    if (!data) return false;
    t->data = data;
    memcpy(data + t->used, part, length + 1);
    t->used += length;
    return true;
}

/* One object: a list of numbers. What is no number becomes a column that none can be read from. */
static bool append_row(text *rows, const yti_json *object) {
    const yti_json *item;
    bool good = true;
    for (item = yti_json_first(object); item; item = yti_json_next(item)) {
        char number[YTI_DECIMAL + 1], digits[YTI_DECIMAL];
        double value;
        if (yti_json_as_number(item, &value))
            snprintf(number, sizeof number, "%s ", yti_decimal(value, 9, digits));
        else
            snprintf(number, sizeof number, "? ");
        good = good && append(rows, number);
    }
    return good && append(rows, "\n");
}

/* Whether it holds nothing: null, or a list or object without members. */
static bool is_nothing(const yti_json *item) {
    return yti_json_is_null(item) || ((yti_json_is_array(item) || yti_json_is_object(item)) && !yti_json_first(item));
}

/* The objects of one kind; those that are no list of numbers are counted. */
static bool append_kind(text *rows, const yti_json *kind, int *shapeless) {
    const yti_json *object;
    if (!yti_json_is_array(kind)) {
        *shapeless += !is_nothing(kind);
        return true;
    }
    for (object = yti_json_first(kind); object; object = yti_json_next(object)) {
        if (!yti_json_is_array(object) || !yti_json_first(object))
            ++*shapeless;
        else if (!append_row(rows, object))
            return false;
    }
    return true;
}

/* The lists of every kind of annotation: boxes, segments, pose, obb. The rows are malloc'd. */
static yt_status make_rows(const reader *r, const yti_json *record, yti_record *out) {
    const yti_json *annotations = yti_json_get(record, "annotations"), *kind;
    text rows = {0};
    bool good = append(&rows, "");
    if (annotations && !yti_json_is_object(annotations)) out->shapeless = !is_nothing(annotations);
    if (yti_json_is_object(annotations))
        for (kind = yti_json_first(annotations); kind; kind = yti_json_next(kind))
            good = good && append_kind(&rows, kind, &out->shapeless);
    out->rows = rows.data;
    if (good) return YT_OK;
    free(rows.data);
    return yt_fail(r->err, YT_ERR_NO_MEMORY, "%s: no memory for its labels", r->path);
}

/* The places where a download puts an image, in order; false: there are no more, or the name is too long. */
static bool name_place(int k, const char *split, const char *name, char *file, size_t room) {
    int length = 0;
    if (k == 0) length = snprintf(file, room, "images/%s/%s", split, name);
    if (k == 1) length = snprintf(file, room, "images/%s", name);
    if (k == 2) length = snprintf(file, room, "%s/images/%s", split, name);
    if (k == 3) length = snprintf(file, room, "%s/%s", split, name);
    if (k == 4) length = snprintf(file, room, "%s", name);
    return length > 0 && (size_t)length < room;
}

static yt_status find_below(const reader *r, const char *folder, const char *split, const char *name, char **out) {
    char file[1024];
    for (int k = 0; name_place(k, split, name, file, sizeof file); k++) {
        char *path = yti_path_join(folder, file);
        if (!path) return yt_fail(r->err, YT_ERR_NO_MEMORY, "%s: no memory for the path of an image", r->path);
        if (yti_path_exists(path) && !yti_path_is_dir(path)) {
            *out = path;
            return YT_OK;
        }
        free(path);
    }
    return YT_OK;
}

/* Beside the file, or in a folder of its name. *out malloc'd, NULL: nowhere. */
static yt_status find_image(const reader *r, const char *split, const char *name, char **out) {
    char *dir = yti_path_dir(r->path), *below = strdup(r->path);
    yt_status status = dir && below
                           ? YT_OK
                           : yt_fail(r->err, YT_ERR_NO_MEMORY, "%s: no memory for the path of an image", r->path);
    *out = NULL;
    if (status == YT_OK) status = find_below(r, dir, split, name, out);
    if (status == YT_OK && !*out) {
        const char *dot = strrchr(yti_path_base(below), '.');
        if (dot) below[dot - below] = '\0';
        status = find_below(r, below, split, name, out);
    }
    free(below);
    free(dir);
    return status;
}

static yt_status take_image(reader *r, const yti_json *record, yti_records *out, yti_report *report, int *missing) {
    const char *name = text_of(record, "file"), *written = text_of(record, "split");
    const char *split = splits[split_of(record)], *folder = written && *written ? written : split;
    yti_record made = {.line = r->line};
    if (!name || !*name) {
        yti_report_add(report, "%s:%zu: the image has no \"file\"", r->path, r->line);
        return YT_OK;
    }
    YT_TRY(find_image(r, folder, name, &made.image));
    if (!made.image && strcmp(folder, split) != 0) YT_TRY(find_image(r, split, name, &made.image));
    if (!made.image) {
        const char *url = text_of(record, "url");
        if (++*missing <= MAX_REPORTED)
            yti_report_add(report,
                           "%s:%zu: the image '%s' is not here; it is looked for beside the file, in "
                           "images/%s/ first%s%s",
                           r->path, r->line, name, folder, url ? "; download it from " : "", url ? url : "");
        else
            report->count++;
        return YT_OK;
    }
    yt_status status = make_rows(r, record, &made);
    yti_record *items = yti_grow(out->items, &out->capacity, out->count + 1, sizeof *items);
    if (items) out->items = items;
    if (status == YT_OK && items) {
        items[out->count++] = made;
        return YT_OK;
    }
    if (status == YT_OK) free(made.rows);
    free(made.image);
    return status != YT_OK ? status : yt_fail(r->err, YT_ERR_NO_MEMORY, "%s: no memory for its images", r->path);
}

static int compare_records(const void *a, const void *b) {
    const yti_record *left = a, *right = b;
    int order = strcmp(left->image, right->image);
    return order ? order : (left->line > right->line) - (left->line < right->line);
}

/* Two lines of one file would train it twice, each time without the objects of the other. */
static void report_doubles(const reader *r, const yti_records *records, yti_report *report) {
    size_t count = 0, first = 0;
    for (size_t i = records->count; i-- > 1;)
        if (strcmp(records->items[i - 1].image, records->items[i].image) == 0) count++, first = i;
    if (count)
        yti_report_note(report, "%s:%zu: the image is the file of line %zu, too, %s%s", r->path,
                        records->items[first].line, records->items[first - 1].line, records->items[first].image,
                        count > 1 ? "; so are others" : "");
}

static yt_status take_images(reader *r, const char *split, yti_records *out, yti_report *report) {
    int missing = 0;
    for (yti_json *record;;) {
        YT_TRY(next_record(r, &record));
        if (!record) break;
        yt_status status = YT_OK;
        if (is_image(record) && split_of(record) != NO_SPLIT && strcmp(splits[split_of(record)], split) == 0)
            status = take_image(r, record, out, report, &missing);
        yti_json_free(record);
        if (status != YT_OK) return status;
    }
    if (missing > MAX_REPORTED)
        yti_report_note(report, "%s: and %d more images that are not here", r->path, missing - MAX_REPORTED);
    if (out->count) qsort(out->items, out->count, sizeof *out->items, compare_records);
    report_doubles(r, out, report);
    return YT_OK;
}

yt_status yti_ndjson_load(const char *path, const char *split, yti_records *out, yti_report *report, yt_err *err) {
    reader r;
    *out = (yti_records){.path = strdup(path)};
    if (!out->path) return yti_no_memory(err, "the path of the dataset");
    YT_TRY(open_reader(path, &r, err));
    yt_status status = take_images(&r, split, out, report);
    free(r.text);
    return status;
}

void yti_records_free(yti_records *records) {
    for (size_t i = 0; i < records->count; i++) {
        free(records->items[i].image);
        free(records->items[i].rows);
    }
    free(records->items);
    free(records->path);
    *records = (yti_records){0};
}
