/* sources.c: where the pictures of a split are.
 *
 * An entry is looked for next to the YAML file first (below its `path:` when it has one), then from the
 * working directory; no setting outside the YAML has a say. Two habits of exported datasets are understood: a
 * `../` in front that counts from a folder that is not there, and a `path:` of another machine whose last
 * folder is the one the YAML lies in.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "data/sources.h"

#include "base/array.h"
#include "data/listing.h"
#include "yt/file.h"

#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

static yt_status no_memory(yt_err *err) {
    return yt_fail(err, YT_NO_MEMORY, "no memory for the paths of the dataset");
}

/* Takes root; one that is there already, or that would be the fifth, is dropped. */
static yt_status add_root(yt_dataset_sources *sources, char *root, yt_err *err) {
    if (!root) return no_memory(err);
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
    char *real = realpath(*dir ? dir : ".", NULL), *trimmed = copy_text(path);
    bool same = false;
    if (real && trimmed) {
        for (size_t n = strlen(trimmed); n > 1 && trimmed[n - 1] == '/'; n--) trimmed[n - 1] = '\0';
        same = strcmp(yt_path_base(trimmed), yt_path_base(real)) == 0;
    }
    free(real);
    free(trimmed);
    return same;
}

/* `dir` is the YAML's folder, "" when that is the working directory. */
static yt_status make_roots(yt_dataset_sources *sources, const char *dir, const char *path, yt_err *err) {
    if (!path) {
        YT_TRY(add_root(sources, copy_text(dir), err));
        return add_root(sources, copy_text(""), err);
    }
    YT_TRY(add_root(sources, yt_path_join(dir, path), err));
    YT_TRY(add_root(sources, copy_text(path), err));
    if (same_last_folder(path, dir)) return add_root(sources, copy_text(dir), err);
    return YT_OK;
}

static yt_status read_path(const yt_yaml *yaml, yt_dataset_sources *sources, yt_err *err) {
    const yt_yaml_node *node = yt_yaml_find(yaml->root, "path");
    if (node && node->kind != YT_YAML_SCALAR)
        return yt_fail_at(err, YT_DATA, yaml->path, node->line, "path: must be one folder");
    bool given = node && !yt_yaml_is_null(node) && *node->text;
    char *dir = yt_path_dir(yaml->path);
    if (!dir) return no_memory(err);
    yt_status status = make_roots(sources, strcmp(dir, ".") == 0 ? "" : dir, given ? node->text : NULL, err);
    free(dir);
    return status;
}

static yt_status add_source(const yt_yaml *yaml, yt_dataset_sources *sources, const char *split,
                            const yt_yaml_node *node, yt_err *err) {
    if (node->kind != YT_YAML_SCALAR || !*node->text)
        return yt_fail_at(err, YT_DATA, yaml->path, node->line,
                          "%s: must be a folder, a .txt list, or a list of those", split);
    yti_source *items = yti_grow(sources->items, &sources->capacity, sources->count + 1, sizeof *items);
    if (!items) return no_memory(err);
    sources->items = items;
    yti_source source = {copy_text(split), copy_text(node->text), node->line};
    items[sources->count++] = source;
    return source.split && source.text ? YT_OK : no_memory(err);
}

static yt_status read_split(const yt_yaml *yaml, yt_dataset_sources *sources, const char *split,
                            const yt_yaml_node *node, yt_err *err) {
    if (!node || yt_yaml_is_null(node)) return YT_OK;
    if (node->kind != YT_YAML_LIST) return add_source(yaml, sources, split, node, err);
    for (size_t i = 0; i < node->count; i++) YT_TRY(add_source(yaml, sources, split, node->items[i], err));
    return YT_OK;
}

yt_status yti_sources_read(const yt_yaml *yaml, yt_dataset_sources *out, yt_err *err) {
    *out = (yt_dataset_sources){.yaml_path = copy_text(yaml->path)};
    if (!out->yaml_path) return no_memory(err);
    YT_TRY(read_path(yaml, out, err));
    const yt_yaml_node *val = yt_yaml_find(yaml->root, "val");
    if (!val) val = yt_yaml_find(yaml->root, "validation");
    if (!val) val = yt_yaml_find(yaml->root, "valid");
    YT_TRY(read_split(yaml, out, "train", yt_yaml_find(yaml->root, "train"), err));
    YT_TRY(read_split(yaml, out, "val", val, err));
    return read_split(yaml, out, "test", yt_yaml_find(yaml->root, "test"), err);
}

void yti_sources_free(yt_dataset_sources *sources) {
    for (size_t i = 0; i < sources->count; i++) {
        free(sources->items[i].split);
        free(sources->items[i].text);
    }
    free(sources->items);
    for (size_t i = 0; i < sizeof sources->roots / sizeof *sources->roots; i++) free(sources->roots[i]);
    free(sources->yaml_path);
    *sources = (yt_dataset_sources){0};
}

/* The places to look for an entry, in order. */
static yt_status candidates(const yt_dataset_sources *sources, const char *text, yti_paths *out,
                            yt_err *err) {
    for (size_t i = 0; i < sizeof sources->roots / sizeof *sources->roots && sources->roots[i]; i++) {
        YT_TRY(yti_paths_add(out, yt_path_join(sources->roots[i], text), err));
        if (text[0] == '/') return YT_OK; /* the root plays no part */
        if (strncmp(text, "../", 3) == 0)
            YT_TRY(yti_paths_add(out, yt_path_join(sources->roots[i], text + 3), err));
    }
    return YT_OK;
}

static yt_status fail_missing(const yt_dataset_sources *sources, const yti_source *source,
                              const yti_paths *tried, yt_err *err) {
    char list[700] = "";
    size_t used = 0;
    for (size_t i = 0; i < tried->count && used < sizeof list - 1; i++) {
        int length = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", tried->items[i]);
        used += length > 0 ? (size_t)length : 0;
    }
    return yt_fail_at(err, YT_DATA, sources->yaml_path, source->line,
                      "%s: '%s' does not exist; tried, from the working directory: %s", source->split,
                      source->text, list);
}

static yt_status list_source(const yt_dataset_sources *sources, const yti_source *source, yti_paths *out,
                             yti_report *report, yt_err *err) {
    yti_paths tried = {0};
    yt_status status = candidates(sources, source->text, &tried, err);
    const char *found = NULL;
    for (size_t i = 0; i < tried.count && !found; i++)
        if (yt_path_exists(tried.items[i])) found = tried.items[i];
    if (status == YT_OK && !found) status = fail_missing(sources, source, &tried, err);
    if (status == YT_OK) status = yti_list_images(found, out, report, err);
    yti_paths_free(&tried);
    return status;
}

static yt_status fail_no_split(const yt_dataset_sources *sources, const char *split, yt_err *err) {
    return yt_fail(err, YT_DATA,
                   "%s: has no '%s:'; a dataset names its pictures under train: and val:", sources->yaml_path,
                   split);
}

yt_status yti_sources_list(const yt_dataset_sources *sources, const char *split, yti_paths *out,
                           yti_report *report, yt_err *err) {
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
