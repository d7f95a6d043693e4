/* cli_inputs.c: the pictures a command line names, and what their results are called; see cli_inputs.h. */
#include "cli/cli_inputs.h"
#include "yt/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <strings.h>

/* What counts as a picture in a folder: the family's list, so that a kind we cannot read is reported and not
 * passed over in silence. The first WRITTEN of them can be written. */
static const char *const endings[] = {"png",  "jpg", "jpeg", "bmp", "avif", "dng", "heic",
                                      "heif", "jp2", "mpo",  "tif", "tiff", "webp"};
enum { ENDINGS = sizeof endings / sizeof *endings, WRITTEN = 4 };

static bool has_ending(const char *name, size_t n_endings) {
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name) return false;
    for (size_t i = 0; i < n_endings; i++)
        if (strcasecmp(dot + 1, endings[i]) == 0) return true;
    return false;
}

/* Takes path, also on failure. NULL is a failure of memory before. */
static yt_status append(yt_cli_inputs *inputs, char *path, yt_err *err) {
    if (path && inputs->count == inputs->capacity) {
        size_t capacity = inputs->capacity ? inputs->capacity * 2 : 64;
        char **grown = realloc(inputs->paths, capacity * sizeof *grown);
        if (grown) {
            inputs->paths = grown;
            inputs->capacity = capacity;
        } else {
            free(path);
            path = NULL;
        }
    }
    if (!path) return yt_fail(err, YT_NO_MEMORY, "no memory for a list of %zu pictures", inputs->count + 1);
    inputs->paths[inputs->count++] = path;
    return YT_OK;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static yt_status add_folder(yt_cli_inputs *inputs, const char *path, yt_err *err) {
    DIR *folder = opendir(path);
    if (!folder) return yt_fail(err, YT_IO, "%s: cannot be opened: %s", path, strerror(errno));
    size_t first = inputs->count;
    yt_status status = YT_OK;
    const char *name;
    while (status == YT_OK && (status = yt_folder_next(folder, path, &name, err)) == YT_OK && name) {
        if (!has_ending(name, ENDINGS)) continue;
        char *file = yt_path_join(path, name);
        if (file && yt_path_is_dir(file))
            free(file);
        else
            status = append(inputs, file, err);
    }
    closedir(folder);
    if (status != YT_OK) return status;
    if (inputs->count == first) return yt_fail(err, YT_IO, "%s: no pictures in this folder", path);
    qsort(inputs->paths + first, inputs->count - first, sizeof *inputs->paths, compare_paths);
    return YT_OK;
}

yt_status yt_cli_inputs_add(yt_cli_inputs *inputs, const char *path, yt_err *err) {
    if (!yt_path_exists(path)) return yt_fail(err, YT_IO, "%s: no such file", path);
    if (yt_path_is_dir(path)) return add_folder(inputs, path, err);
    size_t length = strlen(path);
    char *copy = malloc(length + 1);
    if (copy) memcpy(copy, path, length + 1);
    return append(inputs, copy, err);
}

void yt_cli_inputs_free(yt_cli_inputs *inputs) {
    for (size_t i = 0; i < inputs->count; i++) free(inputs->paths[i]);
    free(inputs->paths);
    *inputs = (yt_cli_inputs){0};
}

char *yt_cli_inputs_result(const yt_cli_inputs *inputs, size_t i, const char *dir) {
    const char *base = yt_path_base(inputs->paths[i]);
    size_t before = 0;
    for (size_t k = 0; k < i; k++) before += strcmp(yt_path_base(inputs->paths[k]), base) == 0;
    const char *dot = strrchr(base, '.');
    int stem = (int)(dot && dot != base ? (size_t)(dot - base) : strlen(base));
    size_t room = strlen(base) + 32;
    char *name = malloc(room);
    if (!name) return NULL;
    char number[24] = "";
    if (before > 0) snprintf(number, sizeof number, "-%zu", before + 1);
    snprintf(name, room, "%.*s%s%s%s", stem, base, number, base + stem,
             has_ending(base, WRITTEN) ? "" : ".png");
    char *path = yt_path_join(dir, name);
    free(name);
    return path;
}

bool yt_cli_inputs_has(const yt_cli_inputs *inputs, const char *path) {
    struct stat target, input;
    if (stat(path, &target) != 0) return false;
    for (size_t i = 0; i < inputs->count; i++)
        if (stat(inputs->paths[i], &input) == 0 && input.st_dev == target.st_dev &&
            input.st_ino == target.st_ino)
            return true;
    return false;
}
