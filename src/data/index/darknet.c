/* darknet.c: lines `key = value`: classes, train, valid, names, backup. CVAT's "YOLO 1.1" and datumaro write such sets:
 *
 *     obj.data  obj.names  train.txt  obj_train_data/a.jpg  obj_train_data/a.txt
 *
 * with paths that count from the folder above one called data, whatever it is called here (sources.c finds them).
 */
#include "data/index/darknet.h"

#include "base/array.h"
#include "base/file.h"
#include "base/number.h"
#include "base/text.h"
#include "data/index/lines.h"
#include "data/index/sources.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_BYTES = 1 << 20, MAX_CLASSES = 100000 };

bool yti_is_darknet(const char *path) {
    const char *dot = strrchr(yti_path_base(path), '.');
    return dot && strcasecmp(dot, ".data") == 0;
}

/* Takes a key, its value and its line into the sources; "names" and "classes" as splits that are none. */
static yt_status read_keys(const char *path, char *text, yti_dataset_sources *sources, yt_err *err) {
    static const struct {
        const char *key, *split;
    } keys[] = {{"train", "train"}, {"valid", "val"},   {"val", "val"},
                {"test", "test"},   {"names", "names"}, {"classes", "classes"}};
    size_t number = 0;
    for (char *line; (line = yti_next_line(&text));) {
        number++;
        char *equals = strchr(line, '=');
        if (!*line || *line == '#') continue;
        if (!equals)
            return yti_fail_at(err, YT_ERR_SYNTAX, path, number,
                               "a line is: key = value (classes, train, valid, names)");
        char *value = equals + 1 + strspn(equals + 1, " \t"), *key = yti_trim(line, (size_t)(equals - line));
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (strcmp(key, keys[i].key) == 0 && *value)
                YT_TRY(yti_sources_add(sources, keys[i].split, value, number, err));
    }
    return YT_OK;
}

static yt_status add_name(yti_dataset *dataset, size_t *capacity, const char *line, yt_err *err) {
    size_t count = (size_t)dataset->n_classes;
    char **names = yti_grow(dataset->names, capacity, count + 1, sizeof *names);
    if (names) dataset->names = names;
    char *copy = strdup(line);
    if (!names || !copy) {
        free(copy);
        return yti_no_memory(err, "the class names");
    }
    names[count] = copy;
    dataset->n_classes++;
    return YT_OK;
}

/* One name a line. */
static yt_status read_names(const char *path, yti_dataset *dataset, yt_err *err) {
    char *text;
    size_t bytes, capacity = 0;
    YT_TRY(yti_read_text(path, MAX_BYTES, &text, &bytes, err));
    yt_status status = YT_OK;
    char *rest = text;
    for (char *line; status == YT_OK && (line = yti_next_line(&rest));) {
        if (!*line) continue;
        if (!yti_text_is_utf8(line, strlen(line)))
            status = yt_fail(err, YT_ERR_DATA, "%s: the name of class %d is not UTF-8 text", path, dataset->n_classes);
        else if (dataset->n_classes == MAX_CLASSES)
            status = yt_fail(err, YT_ERR_DATA, "%s: more than %d names", path, MAX_CLASSES);
        else
            status = add_name(dataset, &capacity, line, err);
    }
    free(text);
    if (status == YT_OK && dataset->n_classes == 0)
        status = yt_fail(err, YT_ERR_DATA, "%s: holds no class names; it has one a line", path);
    return status;
}

static yt_status check_count(const char *path, const yti_dataset *dataset, yt_err *err) {
    const yti_source *classes = yti_sources_find(dataset->sources, "classes");
    double count;
    if (!classes) return YT_OK;
    if (yti_parse_decimal(classes->text, strlen(classes->text), &count) && count == dataset->n_classes) return YT_OK;
    return yti_fail_at(err, YT_ERR_DATA, path, classes->line, "classes = %s, but there are %d names", classes->text,
                       dataset->n_classes);
}

static yt_status read_all(const char *path, char *text, yti_dataset *dataset, yt_err *err) {
    dataset->path = strdup(path);
    dataset->sources = calloc(1, sizeof *dataset->sources);
    if (!dataset->path || !dataset->sources) return yti_no_memory(err, "the dataset");
    YT_TRY(yti_sources_begin(path, dataset->sources, err));
    YT_TRY(read_keys(path, text, dataset->sources, err));
    if (!yti_sources_find(dataset->sources, "names"))
        return yt_fail(err, YT_ERR_DATA, "%s: has no line names = FILE, the file of the class names", path);
    char *file;
    YT_TRY(yti_sources_file(dataset->sources, "names", &file, err));
    yt_status status = read_names(file, dataset, err);
    free(file);
    return status == YT_OK ? check_count(path, dataset, err) : status;
}

yt_status yti_darknet_open(const char *path, yti_dataset *out, yt_err *err) {
    char *text;
    size_t bytes;
    *out = (yti_dataset){0};
    YT_TRY(yti_read_text(path, MAX_BYTES, &text, &bytes, err));
    yt_status status = read_all(path, text, out, err);
    free(text);
    return status;
}
