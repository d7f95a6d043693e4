/* sources.c: where the images of a split are.
 *
 * An entry is looked for next to the YAML file first (below its `path:` when it has one), then from the working
 * directory; no setting outside the YAML has a say. Habits of exported datasets are understood: a `../` in front that
 * counts from a folder that is not there, backslashes, `~`, and absolute paths of another machine, of which the last
 * folders are looked for beside the YAML; that is said where it is not the same folder by its name.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "data/index/sources.h"

#include "base/array.h"
#include "base/file.h"
#include "base/text.h"
#include "data/index/listing.h"
#include "data/index/paths.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char needed_for[] = "the paths of the dataset";

yt_status yti_sources_note(yti_dataset_sources *sources, yt_err *err, const char *format, ...) {
    if (!sources->notes) sources->notes = calloc(1, sizeof *sources->notes);
    if (!sources->notes) return yti_no_memory(err, needed_for);
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    yti_report_note(sources->notes, "%s", line);
    return sources->notes->out_of_memory ? yti_no_memory(err, needed_for) : YT_OK;
}

/* Takes root; one that is there already, or that would be the fifth, is dropped. */
static yt_status add_root(yti_dataset_sources *sources, char *root, yt_err *err) {
    if (!root) return yti_no_memory(err, needed_for);
    for (size_t i = 0; i < sizeof sources->roots / sizeof *sources->roots; i++) {
        if (!sources->roots[i]) {
            sources->roots[i] = root;
            return YT_OK;
        }
        if (strcmp(sources->roots[i], root) == 0) break;
    }
    free(root);
    return YT_OK;
}

/* Whether the last folder of `path` has the name of the folder `dir`, which may be written as ".". */
static bool same_last_folder(const char *path, const char *dir) {
    char *real = realpath(*dir ? dir : ".", NULL), *trimmed = strdup(path);
    bool same = false;
    if (real && trimmed) {
        for (size_t n = strlen(trimmed); n > 1 && trimmed[n - 1] == '/'; n--) trimmed[n - 1] = '\0';
        same = strcmp(yti_path_base(trimmed), yti_path_base(real)) == 0;
    }
    free(real);
    free(trimmed);
    return same;
}

/* `dir` is the YAML's folder, "" when that is the working directory. */
static yt_status make_roots(yti_dataset_sources *sources, const char *dir, const char *path, yt_err *err) {
    if (!path) {
        YT_TRY(add_root(sources, strdup(dir), err));
        return add_root(sources, strdup(""), err);
    }
    YT_TRY(add_root(sources, yti_path_join(dir, path), err));
    YT_TRY(add_root(sources, strdup(path), err));
    if (yti_path_exists(sources->roots[0]) || yti_path_exists(path))
        return same_last_folder(path, dir) ? add_root(sources, strdup(dir), err) : YT_OK;
    /* a path of another machine, or a slip: the set may still lie beside the YAML */
    char *near;
    YT_TRY(yti_find_tail(dir, path, &near, err));
    if (near) YT_TRY(add_root(sources, near, err));
    YT_TRY(add_root(sources, strdup(dir), err));
    if (same_last_folder(path, dir)) return YT_OK;
    return yti_sources_note(sources, err,
                            "%s: path: '%s' does not exist here; the folder of the YAML is used in its place",
                            sources->yaml_path, path);
}

static yt_status read_path(const yti_yaml *yaml, yti_dataset_sources *sources, yt_err *err) {
    const yti_yaml_node *node = yti_yaml_find(yaml->root, "path");
    if (node && node->kind != YT_YAML_SCALAR)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, node->line, "path: must be one folder");
    bool given = node && !yti_yaml_is_null(node) && *node->text;
    char *dir = yti_path_dir(yaml->path), *path = given ? yti_path_turned(node->text) : NULL;
    yt_status status = dir && (path || !given) ? make_roots(sources, strcmp(dir, ".") == 0 ? "" : dir, path, err)
                                               : yti_no_memory(err, needed_for);
    free(path);
    free(dir);
    return status;
}

yt_status yti_sources_begin(const char *path, yti_dataset_sources *out, yt_err *err) {
    *out = (yti_dataset_sources){.yaml_path = strdup(path), .from_above = true};
    char *dir = yti_path_dir(path);
    yt_status status = out->yaml_path && dir ? add_root(out, strdup(dir), err) : yti_no_memory(err, needed_for);
    if (status == YT_OK) status = add_root(out, strdup(""), err);
    if (status == YT_OK) status = add_root(out, yti_path_join(dir, ".."), err);
    free(dir);
    return status;
}

yt_status yti_sources_add(yti_dataset_sources *sources, const char *split, const char *text, size_t line, yt_err *err) {
    yti_source *items = yti_grow(sources->items, &sources->capacity, sources->count + 1, sizeof *items);
    if (!items) return yti_no_memory(err, needed_for);
    sources->items = items;
    yti_source source = {strdup(split), strdup(text), line};
    items[sources->count++] = source;
    return source.split && source.text ? YT_OK : yti_no_memory(err, needed_for);
}

const yti_source *yti_sources_find(const yti_dataset_sources *sources, const char *split) {
    for (size_t i = 0; i < sources->count; i++)
        if (strcmp(sources->items[i].split, split) == 0) return &sources->items[i];
    return NULL;
}

static yt_status add_source(const yti_yaml *yaml, yti_dataset_sources *sources, const char *split,
                            const yti_yaml_node *node, yt_err *err) {
    if (node->kind != YT_YAML_SCALAR || !*node->text)
        return yti_fail_at(err, YT_ERR_DATA, yaml->path, node->line,
                           "%s: must be a folder, a .txt list, a COCO .json file, or a list of folders and .txt lists",
                           split);
    return yti_sources_add(sources, split, node->text, node->line, err);
}

static bool is_truth(const char *text) {
    const char *dot = strrchr(text, '.');
    return dot && strcmp(dot, ".json") == 0;
}

/* Image ids are those of one file, so a split cannot have two. */
static yt_status check_split(const yti_yaml *yaml, const char *split, const yti_yaml_node *node, yt_err *err) {
    for (size_t i = 0; node->kind == YT_YAML_LIST && node->count > 1 && i < node->count; i++)
        if (node->items[i]->kind == YT_YAML_SCALAR && is_truth(node->items[i]->text))
            return yti_fail_at(err, YT_ERR_DATA, yaml->path, node->items[i]->line,
                               "%s: a .json file must be the only entry", split);
    return YT_OK;
}

static yt_status read_split(const yti_yaml *yaml, yti_dataset_sources *sources, const char *split,
                            const yti_yaml_node *node, yt_err *err) {
    if (!node || yti_yaml_is_null(node)) return YT_OK;
    if (node->kind == YT_YAML_SCALAR && !*node->text) return YT_OK; /* sahi writes val: '' where there is none */
    YT_TRY(check_split(yaml, split, node, err));
    if (node->kind != YT_YAML_LIST) return add_source(yaml, sources, split, node, err);
    for (size_t i = 0; i < node->count; i++) YT_TRY(add_source(yaml, sources, split, node->items[i], err));
    return YT_OK;
}

yt_status yti_sources_read(const yti_yaml *yaml, yti_dataset_sources *out, yt_err *err) {
    static const char *const keys[] = {"train", "test", "train_images", "val_images", "test_images"};
    *out = (yti_dataset_sources){.yaml_path = strdup(yaml->path)};
    if (!out->yaml_path) return yti_no_memory(err, needed_for);
    out->is_model = yti_yaml_find(yaml->root, "backbone") && yti_yaml_find(yaml->root, "head");
    YT_TRY(read_path(yaml, out, err));
    const yti_yaml_node *val = yti_yaml_find(yaml->root, "val");
    if (!val) val = yti_yaml_find(yaml->root, "validation");
    if (!val) val = yti_yaml_find(yaml->root, "valid");
    YT_TRY(read_split(yaml, out, "val", val, err));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        YT_TRY(read_split(yaml, out, keys[i], yti_yaml_find(yaml->root, keys[i]), err));
    return YT_OK;
}

void yti_sources_free(yti_dataset_sources *sources) {
    for (size_t i = 0; i < sources->count; i++) {
        free(sources->items[i].split);
        free(sources->items[i].text);
    }
    free(sources->items);
    for (size_t i = 0; i < sizeof sources->roots / sizeof *sources->roots; i++) free(sources->roots[i]);
    if (sources->notes) yti_report_free(sources->notes);
    free(sources->notes);
    free(sources->yaml_path);
    *sources = (yti_dataset_sources){0};
}

/* The places to look for an entry, in order. */
static yt_status candidates(const yti_dataset_sources *sources, const char *text, yti_paths *out, yt_err *err) {
    for (size_t i = 0; i < sizeof sources->roots / sizeof *sources->roots && sources->roots[i]; i++) {
        YT_TRY(yti_paths_add(out, yti_path_join(sources->roots[i], text), err));
        if (text[0] == '/') return YT_OK; /* the root plays no part */
        if (strncmp(text, "../", 3) == 0) YT_TRY(yti_paths_add(out, yti_path_join(sources->roots[i], text + 3), err));
    }
    return YT_OK;
}

static bool has_control(const char *text) {
    while (*text && !yti_text_is_control(*text)) text++;
    return *text != '\0';
}

static yt_status fail_missing(const yti_dataset_sources *sources, const yti_source *source, const yti_paths *tried,
                              yt_err *err) {
    char list[700] = "";
    for (size_t i = 0; i < tried->count; i++)
        yti_text_append(list, sizeof list, "%s%s", i ? ", " : "", tried->items[i]);
    return yti_fail_at(err, YT_ERR_DATA, sources->yaml_path, source->line,
                       "%s: '%s' does not exist%s; tried, from the working directory: %s", source->split, source->text,
                       has_control(source->text)
                           ? " (in double quotes a backslash begins an escape: write / or use single quotes)"
                           : "",
                       list);
}

/* Beside the YAML by the last folders of a path that begins elsewhere. *out NULL: not there. */
static yt_status find_elsewhere(const yti_dataset_sources *sources, const char *text, char **out, yt_err *err) {
    *out = NULL;
    if (!sources->from_above && !yti_path_is_rooted(text)) return YT_OK;
    for (size_t i = 0; i < sizeof sources->roots / sizeof *sources->roots && sources->roots[i] && !*out; i++)
        YT_TRY(yti_find_tail(sources->roots[i], text, out, err));
    return YT_OK;
}

/* Of the paths from number *next on the first that exists, malloc'd; NULL: none does. */
static char *take_existing(yti_paths *tried, size_t *next) {
    for (; *next < tried->count; ++*next) {
        char *path = tried->items[*next];
        if (!yti_path_exists(path)) continue;
        tried->items[*next] = NULL;
        return path;
    }
    return NULL;
}

/* Where an entry is: as it is written, with backslashes turned, or elsewhere, which is noted. Malloc'd. */
static yt_status find_source(const yti_dataset_sources *sources, const yti_source *source, yti_report *notes,
                             char **out, yt_err *err) {
    yti_paths tried = {0};
    size_t next = 0;
    char *turned = yti_path_turned(source->text), *found = NULL;
    yt_status status = turned ? candidates(sources, source->text, &tried, err) : yti_no_memory(err, needed_for);
    if (status == YT_OK) found = take_existing(&tried, &next);
    if (status == YT_OK && !found && strcmp(turned, source->text) != 0) {
        status = candidates(sources, turned, &tried, err);
        if (status == YT_OK) found = take_existing(&tried, &next);
    }
    if (status == YT_OK && !found) {
        status = find_elsewhere(sources, turned, &found, err);
        if (found && notes && !sources->from_above)
            yti_report_note(notes, "%s:%zu: %s: '%s' does not exist here; %s is used in its place", sources->yaml_path,
                            source->line, source->split, source->text, found);
    }
    if (status == YT_OK && !found) status = fail_missing(sources, source, &tried, err);
    free(turned);
    yti_paths_free(&tried);
    if (status == YT_OK) *out = found;
    return status;
}

yt_status yti_sources_file(const yti_dataset_sources *sources, const char *split, char **out, yt_err *err) {
    return find_source(sources, yti_sources_find(sources, split), NULL, out, err);
}

static yt_status list_source(const yti_dataset_sources *sources, const yti_source *source, yti_paths *out,
                             yti_report *report, yt_err *err) {
    char *found;
    YT_TRY(find_source(sources, source, report, &found, err));
    yt_status status = yti_list_images(found, out, report, err);
    free(found);
    return status;
}

static yt_status fail_no_split(const yti_dataset_sources *sources, const char *split, yt_err *err) {
    if (sources->is_model)
        return yt_fail(err, YT_ERR_DATA,
                       "%s: describes a model; it is named with --model, and the data set has a YAML of its own",
                       sources->yaml_path);
    if (strcmp(split, "test") == 0)
        return yt_fail(err, YT_ERR_DATA, "%s: has no 'test:'; add `test: FOLDER` to the YAML, or use --split val",
                       sources->yaml_path);
    return yt_fail(err, YT_ERR_DATA,
                   "%s: has no '%s:'; a dataset names its images under train: and val:", sources->yaml_path, split);
}

yt_status yti_sources_list(const yti_dataset_sources *sources, const char *split, yti_paths *out, yti_report *report,
                           yt_err *err) {
    *out = (yti_paths){0};
    bool named = false;
    for (size_t i = 0; i < sources->count; i++) {
        if (strcmp(sources->items[i].split, split) != 0) continue;
        named = true;
        YT_TRY(list_source(sources, &sources->items[i], out, report, err));
    }
    if (!named) return fail_no_split(sources, split, err);
    yti_paths_sort(out);
    return YT_OK;
}

/* ---- a COCO file ---- */

static const yti_source *find_truth(const yti_dataset_sources *sources, const char *split) {
    for (size_t i = 0; i < sources->count; i++)
        if (strcmp(sources->items[i].split, split) == 0 && is_truth(sources->items[i].text)) return &sources->items[i];
    return NULL;
}

bool yti_sources_has_truth(const yti_dataset_sources *sources, const char *split) {
    return find_truth(sources, split) != NULL;
}

/* Adds `folder` and the folder `images` in it. Takes folder; NULL: it found no memory. */
static yt_status add_folder_and_images(char *folder, yti_paths *out, yt_err *err) {
    char *images = folder ? yti_path_join(folder, "images") : NULL;
    yt_status status = yti_paths_add(out, folder, err);
    if (status != YT_OK) {
        free(images);
        return status;
    }
    return yti_paths_add(out, images, err);
}

static yt_status usual_folders(const yti_dataset_sources *sources, const char *file, yti_paths *out, yt_err *err) {
    char *dir = yti_path_dir(file);
    if (dir && strcmp(dir, ".") == 0) *dir = '\0';
    YT_TRY(add_folder_and_images(dir, out, err));
    for (size_t i = 0; i < sizeof sources->roots / sizeof *sources->roots && sources->roots[i]; i++)
        YT_TRY(add_folder_and_images(strdup(sources->roots[i]), out, err));
    return YT_OK;
}

/* Those of `SPLIT_images:`; none: the key is not there. */
static yt_status named_folders(const yti_dataset_sources *sources, const char *split, yti_paths *out, yt_err *err) {
    size_t length = strlen(split);
    for (size_t i = 0; i < sources->count; i++) {
        const yti_source *source = &sources->items[i];
        char *found;
        if (strncmp(source->split, split, length) != 0 || strcmp(source->split + length, "_images") != 0) continue;
        YT_TRY(find_source(sources, source, NULL, &found, err));
        YT_TRY(yti_paths_add(out, found, err));
    }
    return YT_OK;
}

yt_status yti_sources_truth(const yti_dataset_sources *sources, const char *split, char **path, yti_paths *folders,
                            yt_err *err) {
    const yti_source *source = find_truth(sources, split);
    *folders = (yti_paths){0};
    if (!source) return fail_no_split(sources, split, err);
    char *file;
    YT_TRY(find_source(sources, source, NULL, &file, err));
    yt_status status = named_folders(sources, split, folders, err);
    if (status == YT_OK && folders->count == 0) status = usual_folders(sources, file, folders, err);
    if (status == YT_OK)
        *path = file;
    else
        free(file);
    return status;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* The reference trainer's rule (spec training 5.6): ".../val2017.txt" or ".../test-dev2017.txt" with "coco" in the
 * path. */
bool yti_sources_is_coco(const yti_dataset_sources *sources, const char *split) {
    const yti_source *only = NULL;
    for (size_t i = 0; i < sources->count; i++) {
        if (strcmp(sources->items[i].split, split) != 0) continue;
        if (only) return false;
        only = &sources->items[i];
    }
    char *found;
    if (!only || find_source(sources, only, NULL, &found, NULL) != YT_OK) return false;
    char *real = realpath(found, NULL);
    bool is = real && strstr(real, "coco") && (ends_with(real, "/val2017.txt") || ends_with(real, "/test-dev2017.txt"));
    free(real);
    free(found);
    return is;
}
