/* yaml_file.c: from the name of a model to its file: yolo26n.yaml is scale n of yolo26.yaml (spec
 * architecture 1.2).
 *
 * The letter is looked for in the name without its folder and ending: "yolo", optionally "e-" or "v", digits,
 * then one of n s m l x. The file is the one named, else the one named without the letter; in the working
 * folder, else in the search folders.
 */
#include "model/yaml_file.h"

#include "yt/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Index of the scale letter in a base name, or -1. */
static int letter_index(const char *base) {
    for (const char *at = strstr(base, "yolo"); at; at = strstr(at + 1, "yolo")) {
        const char *p = at + 4;
        if (p[0] == 'e' && p[1] == '-') p += 2;
        if (*p == 'v') p++;
        const char *digits = p;
        while (isdigit((unsigned char)*p)) p++;
        if (p > digits && *p && strchr("nslmx", *p)) return (int)(p - base);
    }
    return -1;
}

char yti_scale_letter(const yt_model *model) {
    if (model->options.scale) return model->options.scale;
    const char *base = yt_path_base(model->yaml_path);
    const int index = letter_index(base);
    return index < 0 ? 0 : base[index];
}

/* path with its scale letter removed, or NULL when it has none or memory ran out. */
static char *without_letter(const char *path) {
    const int index = letter_index(yt_path_base(path));
    char *copy = index < 0 ? NULL : strdup(path);
    if (!copy) return NULL;
    char *letter = copy + (yt_path_base(path) - path) + index;
    memmove(letter, letter + 1, strlen(letter));
    return copy;
}

/* The first of the names that exists under folder ("" for none), malloc'd, or NULL. */
static char *find_in(const char *folder, const char *path, const char *base_path) {
    const char *names[2] = {path, base_path};
    for (int i = 0; i < 2; i++) {
        if (!names[i]) continue;
        char *candidate = folder[0] ? yt_path_join(folder, names[i]) : strdup(names[i]);
        if (candidate && yt_path_exists(candidate) && !yt_path_is_dir(candidate)) return candidate;
        free(candidate);
    }
    return NULL;
}

static char *find_file(const char *path, const char *const *search_dirs) {
    char *base_path = without_letter(path);
    char *found = find_in("", path, base_path);
    for (int i = 0; !found && search_dirs && search_dirs[i]; i++)
        found = find_in(search_dirs[i], path, base_path);
    free(base_path);
    return found;
}

static yt_status not_found(const char *path, const char *const *search_dirs, yt_err *err) {
    char folders[512] = "the working folder";
    for (int i = 0; search_dirs && search_dirs[i]; i++) {
        size_t used = strlen(folders);
        snprintf(folders + used, sizeof folders - used, ", %s", search_dirs[i]);
    }
    return yt_fail(err, YT_IO, "%s: no such model; looked, also without the scale letter, in %s", path,
                   folders);
}

enum { MAX_MODEL_BYTES = 1 << 20 };

yt_status yt_model_load(const char *path, const yt_model_options *options, yt_model **out, yt_err *err) {
    char *file = find_file(path, options->search_dirs);
    if (!file) return not_found(path, options->search_dirs, err);
    char *text = NULL;
    size_t length = 0;
    yt_model_options with_scale = *options;
    const int letter = letter_index(yt_path_base(path));
    if (!with_scale.scale && letter >= 0) with_scale.scale = yt_path_base(path)[letter];
    yt_model *model = NULL;
    yt_status status = yt_file_read(file, MAX_MODEL_BYTES, &text, &length, err);
    if (status == YT_OK) status = yt_model_parse(file, text, length, &with_scale, &model, err);
    free(text);
    free(file);
    if (status != YT_OK) return status;
    char *name = strndup(yt_path_base(path), strcspn(yt_path_base(path), ".")); /* yolo26n, not yolo26 */
    if (!name) {
        yt_model_destroy(model);
        return yt_fail(err, YT_NO_MEMORY, "out of memory for the model");
    }
    free(model->name);
    model->name = name;
    *out = model;
    return YT_OK;
}
