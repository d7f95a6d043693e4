/* dataset.c: the dataset YAML: which file it is, its class names, its sources. Keys it does not know are somebody
 * else's and are passed over. */
#include "data/index/dataset.h"

#include "base/array.h"
#include "base/file.h"
#include "base/number.h"
#include "base/text.h"
#include "data/index/coco_truth.h"
#include "data/index/darknet.h"
#include "data/index/ndjson.h"
#include "data/index/sources.h"

#include <dirent.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 100000, MAX_TYPED_NAME = 200 /* in a message */ };

static bool has_yaml_ending(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

/* The YAML of a folder: the only one in it, or the one called like the folder. */
static yt_status find_in_folder(const char *folder, char **out, yt_err *err) {
    DIR *dir = opendir(folder);
    if (!dir) return yt_fail(err, YT_ERR_IO, "%s: the folder cannot be read", folder);
    char *only = NULL, *namesake = NULL;
    size_t count = 0, stem = strlen(yti_path_base(folder));
    const char *name;
    yt_status status;
    while ((status = yti_folder_next(dir, folder, &name, err)) == YT_OK && name) {
        if (!has_yaml_ending(name)) continue;
        bool same = stem && strncmp(name, yti_path_base(folder), stem) == 0 && name[stem] == '.';
        char **place = same ? &namesake : &only;
        free(*place);
        *place = yti_path_join(folder, name);
        count++;
    }
    closedir(dir);
    if (status != YT_OK) {
        free(only);
        free(namesake);
        return status;
    }
    if (namesake || count == 1) {
        *out = namesake ? namesake : only;
        if (namesake) free(only);
        return *out ? YT_OK : yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for its path", folder);
    }
    free(only);
    if (count == 0)
        return yt_fail(err, YT_ERR_DATA,
                       "%s: holds 0 YAML files; a data set has one with train: FOLDER, val: FOLDER and "
                       "names: [NAME, ...]",
                       folder);
    return yt_fail(err, YT_ERR_DATA, "%s: holds %zu YAML files; name the one to use", folder, count);
}

/* Turns what was typed into the path of a file: itself, with .yaml or .yml after it, or inside a folder. */
static yt_status find_yaml(const char *path, char **out, yt_err *err) {
    static const char *const endings[] = {"", ".yaml", ".yml"};
    size_t room = strlen(path) + sizeof ".yaml";
    char *name = malloc(room);
    if (!name) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for its path", path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(name, room, "%s%s", path, endings[i]);
        if (!yti_path_exists(name) || yti_path_is_dir(name)) continue;
        *out = name;
        return YT_OK;
    }
    free(name);
    if (yti_path_is_dir(path)) return find_in_folder(path, out, err);
    if (strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0)
        return yt_fail(err, YT_ERR_IO, "%s: data sets are not downloaded; fetch it, unpack it, and name its YAML",
                       path);
    if (has_yaml_ending(path))
        return yt_fail(err, YT_ERR_IO, "%s: does not exist; data sets are not downloaded, each has its own YAML", path);
    return yt_fail(err, YT_ERR_IO, "%s: does not exist, nor does %s.yaml", path, path);
}

/* What is often named in place of a YAML, and what to do instead. */
static yt_status refuse_other_kinds(const char *file, yt_err *err) {
    static const struct {
        const char *endings, *advice;
    } kinds[] = {
        {".json ", "is no dataset YAML; a COCO file is named in one: train: %s (and val: ANOTHER.json)"},
        {".zip .tar .gz .tgz .7z .rar ", "is an archive; unpack it and name the YAML in it"},
        {".jpg .jpeg .png .bmp .webp .tif .tiff ", "is an image; a dataset YAML names folders of them"},
        {".mp4 .avi .mov .mkv ", "is a video; a dataset YAML names folders of images"},
        {".txt ", "is a list or a label file; it is named in a YAML: train: %s, and names: [NAME, ...]"},
        {".xml ", "is an annotation in XML; convert it to YOLO or COCO files"},
        {".csv .tsv .xlsx ", "is a table; convert it to YOLO or COCO files"},
        {".pt .pth .onnx .safetensors ", "holds weights; they are named with --weights, and the data set is a YAML"},
        {".names ", "is a list of class names; name the obj.data that belongs to it"},
        {".tfrecord .record .pb ", "holds records of TensorFlow; export the set as YOLO or COCO files"},
    };
    const char *dot = strrchr(yti_path_base(file), '.');
    char ending[16], advice[256];
    if (!dot || strlen(dot) + 2 > sizeof ending) return YT_OK;
    size_t length = strlen(dot);
    for (size_t i = 0; i <= length; i++) ending[i] = (char)tolower((unsigned char)dot[i]);
    strcat(ending, " ");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!strstr(kinds[i].endings, ending)) continue;
        const char *place = strstr(kinds[i].advice, "%s");
        int before = place ? (int)(place - kinds[i].advice) : (int)strlen(kinds[i].advice);
        snprintf(advice, sizeof advice, "%.*s%s%s", before, kinds[i].advice, place ? yti_path_base(file) : "",
                 place ? place + 2 : "");
        return yt_fail(err, YT_ERR_DATA, "%s: %s", file, advice);
    }
    return YT_OK;
}

/* nc: an integer, or a text or float that is one. 0: not given. */
static yt_status read_count(const yti_yaml *yaml, int *count, yt_err *err) {
    const yti_yaml_node *node = yti_yaml_find(yaml->root, "nc");
    *count = 0;
    if (!node || yti_yaml_is_null(node)) return YT_OK;
    double value = 0;
    bool good = node->kind == YT_YAML_SCALAR && yti_parse_decimal(node->text, strlen(node->text), &value);
    if (!good || value != floor(value) || value < 1 || value > MAX_CLASSES)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, node->line,
                           "nc: must be the number of classes, a whole number from 1 to %d", MAX_CLASSES);
    *count = (int)value;
    return YT_OK;
}

/* The index that a map of names gives to its pair i. */
static yt_status name_index(const yti_yaml *yaml, const yti_yaml_node *names, size_t i, size_t *index, yt_err *err) {
    double value;
    const char *key = names->keys[i]->text;
    if (!yti_parse_decimal(key, strlen(key), &value) || value != floor(value) || value < 0)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, names->keys[i]->line,
                           "names: the key '%.60s' must be a class number (0, 1, ...)", key);
    if (value >= (double)names->count)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, names->keys[i]->line,
                           "names: class %.60s, but there are %zu names; they must be numbered 0 to %zu", key,
                           names->count, names->count - 1);
    *index = (size_t)value;
    return YT_OK;
}

static yt_status set_name(const yti_yaml *yaml, yti_dataset *dataset, size_t index, const yti_yaml_node *name,
                          yt_err *err) {
    if (name->kind != YT_YAML_SCALAR)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, name->line, "names: a name must be a text");
    if (dataset->names[index]) /* "1" and "01" are different keys and the same number */
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, name->line, "names: class %zu has two names", index);
    dataset->names[index] = strdup(name->text);
    return dataset->names[index] ? YT_OK : yti_no_memory(err, "the class names");
}

static yt_status allocate_names(yti_dataset *dataset, size_t count, yt_err *err) {
    dataset->names = calloc(count, sizeof *dataset->names);
    if (!dataset->names) return yti_no_memory(err, "the class names");
    dataset->n_classes = (int)count;
    return YT_OK;
}

static yt_status fill_names(const yti_yaml *yaml, const yti_yaml_node *names, yti_dataset *dataset, yt_err *err) {
    for (size_t i = 0; i < names->count; i++) {
        size_t index = i;
        if (names->kind == YT_YAML_MAP) YT_TRY(name_index(yaml, names, i, &index, err));
        YT_TRY(set_name(yaml, dataset, index, names->items[i], err));
    }
    return YT_OK;
}

/* Without names:, class_0, class_1, ... */
static yt_status number_names(yti_dataset *dataset, yt_err *err) {
    for (int i = 0; i < dataset->n_classes; i++) {
        dataset->names[i] = strdup(yti_text_class(i).text);
        if (!dataset->names[i]) return yti_no_memory(err, "the class names");
    }
    return YT_OK;
}

/* A YAML file is UTF-8 as a whole, JSON is only meant to be. */
static yt_status check_names(const yti_dataset *dataset, const char *file, yt_err *err) {
    for (int i = 0; i < dataset->n_classes; i++)
        if (!yti_text_is_utf8(dataset->names[i], strlen(dataset->names[i])))
            return yt_fail(err, YT_ERR_DATA, "%s: the name of class %d is not UTF-8 text", file, i);
    return YT_OK;
}

/* Without names: and with a COCO file, the categories of the first split that has one. */
static yt_status read_categories(const yti_yaml *yaml, const char *split, int count, yti_dataset *dataset,
                                 yt_err *err) {
    char *file, **names, *group = NULL;
    int found;
    yti_paths folders;
    yt_status status = yti_sources_truth(dataset->sources, split, &file, &folders, err);
    yti_paths_free(&folders);
    YT_TRY(status);
    status = yti_truth_names(file, &names, &found, &group, err);
    if (status == YT_OK) {
        dataset->names = names;
        dataset->n_classes = found;
        if (count && count != found)
            status = yt_fail(err, YT_ERR_DATA, "%s: nc: says %d classes, but %s has %d categories", yaml->path, count,
                             file, found);
        if (status == YT_OK) status = check_names(dataset, file, err);
        if (status == YT_OK && group)
            status = yti_sources_note(dataset->sources, err,
                                      "%s: the category '%.100s' groups others and has no box; it is no class", file,
                                      group);
    }
    free(group);
    free(file);
    return status;
}

static yt_status make_names(const yti_yaml *yaml, int count, yti_dataset *dataset, yt_err *err) {
    static const char *const splits[] = {"train", "val", "test"};
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++)
        if (yti_sources_has_truth(dataset->sources, splits[i]))
            return read_categories(yaml, splits[i], count, dataset, err);
    if (count == 0)
        return yt_fail(err, YT_ERR_DATA, "%s: has neither names: (the class names) nor nc: (their number)", yaml->path);
    YT_TRY(allocate_names(dataset, (size_t)count, err));
    return number_names(dataset, err);
}

static yt_status read_names(const yti_yaml *yaml, yti_dataset *dataset, yt_err *err) {
    const yti_yaml_node *names = yti_yaml_find(yaml->root, "names");
    int count;
    YT_TRY(read_count(yaml, &count, err));
    if (!names || yti_yaml_is_null(names)) return make_names(yaml, count, dataset, err);
    if (names->kind == YT_YAML_SCALAR || names->count == 0 || names->count > MAX_CLASSES)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, names->line,
                           "names: must be a list of class names, or a map of numbers to names");
    if (count && (size_t)count != names->count)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, names->line, "names: has %zu names, but nc: says %d",
                           names->count, count);
    YT_TRY(allocate_names(dataset, names->count, err));
    return fill_names(yaml, names, dataset, err);
}

/* Pixels are read as red, green and blue. */
static yt_status read_channels(const yti_yaml *yaml, yti_dataset *dataset, yt_err *err) {
    const yti_yaml_node *node = yti_yaml_find(yaml->root, "channels");
    int64_t channels;
    if (!node || yti_yaml_is_null(node)) return YT_OK;
    if (!yti_yaml_int(node, &channels) || channels < 1)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, node->line, "channels: must be 3, or 1 for grey images");
    if (channels == 1)
        return yti_sources_note(
            dataset->sources, err,
            "%s:%zu: channels: 1: the network has three all the same; grey images are read into each", yaml->path,
            node->line);
    if (channels != 3)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, node->line,
                           "channels: %lld are not read; images have 3, red, green and blue", (long long)channels);
    return YT_OK;
}

typedef struct named_class {
    const char *name;
    int class_id;
} named_class;

static int compare_named(const void *a, const void *b) {
    const named_class *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : (left->class_id > right->class_id) - (left->class_id < right->class_id);
}

/* Nobody who reads the results can tell two classes of one name apart. */
static yt_status note_equal_names(yti_dataset *dataset, yt_err *err) {
    size_t n = (size_t)dataset->n_classes;
    named_class *list = malloc((n + 1) * sizeof *list);
    if (!list) return yti_no_memory(err, "the class names");
    for (size_t i = 0; i < n; i++) list[i] = (named_class){dataset->names[i], (int)i};
    qsort(list, n, sizeof *list, compare_named);
    yt_status status = YT_OK;
    for (size_t i = 1; status == YT_OK && i < n; i++)
        if (strcmp(list[i - 1].name, list[i].name) == 0)
            status = yti_sources_note(dataset->sources, err, "%s: the classes %d and %d are both called '%.100s'",
                                      dataset->path, list[i - 1].class_id, list[i].class_id, list[i].name);
    free(list);
    return status;
}

/* kpt_shape: [keypoints, values of each]: data sets for poses have them after the box of every row. */
static yt_status read_keypoints(const yti_yaml *yaml, yti_dataset *dataset, yt_err *err) {
    enum { MAX_KEYPOINTS = 10000 };
    const yti_yaml_node *node = yti_yaml_find(yaml->root, "kpt_shape");
    int64_t points, values;
    if (!node || yti_yaml_is_null(node)) return YT_OK;
    bool good = node->kind == YT_YAML_LIST && node->count == 2 && yti_yaml_int(node->items[0], &points) &&
                yti_yaml_int(node->items[1], &values) && points > 0 && points <= MAX_KEYPOINTS &&
                (values == 2 || values == 3);
    if (!good)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, node->line,
                           "kpt_shape: must be [number of keypoints, 2 or 3 values of each]");
    dataset->keypoint_columns = (int)(points * values);
    return YT_OK;
}

static yt_status read_dataset(const yti_yaml *yaml, yti_dataset *dataset, yt_err *err) {
    if (yaml->root->kind != YT_YAML_MAP)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, yaml->root->line,
                           "a dataset is a map with train:, val: and names:");
    dataset->path = strdup(yaml->path);
    dataset->sources = calloc(1, sizeof *dataset->sources);
    if (!dataset->path || !dataset->sources) return yti_no_memory(err, "the dataset");
    YT_TRY(yti_sources_read(yaml, dataset->sources, err));
    YT_TRY(read_keypoints(yaml, dataset, err));
    YT_TRY(read_channels(yaml, dataset, err));
    return read_names(yaml, dataset, err);
}

static yt_status read_yaml(const char *file, yti_dataset *dataset, yt_err *err) {
    yti_yaml yaml;
    YT_TRY(yti_yaml_load(file, &yaml, err));
    yt_status status = read_dataset(&yaml, dataset, err);
    yti_yaml_free(&yaml);
    return status;
}

yt_status yti_dataset_open(const char *path, yti_dataset *out, yt_err *err) {
    char *file = NULL;
    YT_TRY(find_yaml(path, &file, err));
    yti_dataset dataset = {0};
    yt_status status = refuse_other_kinds(file, err);
    if (status == YT_OK)
        status = yti_is_darknet(file)  ? yti_darknet_open(file, &dataset, err)
                 : yti_is_ndjson(file) ? yti_ndjson_open(file, &dataset, err)
                                       : read_yaml(file, &dataset, err);
    free(file);
    if (status == YT_OK) status = note_equal_names(&dataset, err);
    if (status == YT_OK)
        *out = dataset;
    else
        yti_dataset_close(&dataset);
    return status;
}

void yti_dataset_close(yti_dataset *dataset) {
    if (!dataset) return;
    for (int i = 0; i < dataset->n_classes; i++) free(dataset->names[i]);
    free(dataset->names);
    if (dataset->sources) yti_sources_free(dataset->sources);
    free(dataset->sources);
    free(dataset->path);
    *dataset = (yti_dataset){0};
}

/* The class that a number or a name stands for, -1: none. Of names that differ in case only, each finds its own. */
static int find_class(const char *const *names, int n_classes, const char *word, size_t length) {
    double number;
    char name[MAX_TYPED_NAME + 1];
    if (yti_parse_decimal(word, length, &number) && number == floor(number) && number >= 0 && number < n_classes)
        return (int)number;
    for (int i = 0; i < n_classes; i++)
        if (strlen(names[i]) == length && memcmp(names[i], word, length) == 0) return i;
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name), word);
    for (int i = 0; length < sizeof name && i < n_classes; i++)
        if (yti_text_compare_names(names[i], name) == 0) return i;
    return -1;
}

/* One entry of a list: from *text to the comma, without the spaces around it. *text moves to the comma, or to the
 * end. */
static const char *take_entry(const char **text, size_t *length) {
    const char *entry = *text + strspn(*text, " ");
    *length = strcspn(entry, ",");
    *text = entry + *length;
    while (*length > 0 && entry[*length - 1] == ' ') --*length;
    return entry;
}

yt_status yti_classes_check(const char *text, yt_err *err) {
    for (const char *at = text;; at++) {
        size_t length;
        take_entry(&at, &length);
        if (!length)
            return yt_fail(err, YT_ERR_ARGUMENT,
                           "--classes: \"%s\" has an empty entry; name classes with commas between, like "
                           "0,2 or person,car",
                           text);
        if (!*at) return YT_OK;
    }
}

static yt_status fail_class(const char *const *names, int n_classes, const char *word, size_t length, const char *whose,
                            yt_err *err) {
    char typed[MAX_TYPED_NAME + 1];
    snprintf(typed, sizeof typed, "%.*s", (int)(length < MAX_TYPED_NAME ? length : MAX_TYPED_NAME), word);
    return yt_fail(err, YT_ERR_ARGUMENT, "--classes: '%s' is neither a number from 0 to %d nor a class of %s%s", typed,
                   n_classes - 1, whose, yti_suggest(typed, names, (size_t)n_classes).text);
}

yt_status yti_classes_parse(const char *text, const char *const *names, int n_classes, const char *whose, bool **out,
                            yt_err *err) {
    YT_TRY(yti_classes_check(text, err));
    bool *wanted = calloc((size_t)n_classes, sizeof *wanted);
    if (!wanted) return yti_no_memory(err, "%d classes", n_classes);
    for (const char *at = text;; at++) {
        size_t length;
        const char *word = take_entry(&at, &length);
        int found = find_class(names, n_classes, word, length);
        if (found < 0) {
            free(wanted);
            return fail_class(names, n_classes, word, length, whose, err);
        }
        wanted[found] = true;
        if (!*at) break;
    }
    *out = wanted;
    return YT_OK;
}

yt_status yti_dataset_classes(const yti_dataset *dataset, const char *text, bool **out, yt_err *err) {
    return yti_classes_parse(text, (const char *const *)dataset->names, dataset->n_classes, dataset->path, out, err);
}

bool yti_dataset_has_split(const yti_dataset *dataset, const char *split) {
    return yti_sources_find(dataset->sources, split) != NULL;
}

bool yti_dataset_is_coco(const yti_dataset *dataset, const char *split) {
    return yti_sources_is_coco(dataset->sources, split);
}
