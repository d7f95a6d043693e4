/* listing.c: walking folders and reading lists of pictures (spec training 1.3). */
#include "data/listing.h"

#include "base/array.h"
#include "yt/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 64, MAX_LIST_BYTES = 1 << 28 };

yt_status yti_paths_add(yti_paths *paths, char *path, yt_err *err) {
    char **items = path ? yti_grow(paths->items, &paths->capacity, paths->count + 1, sizeof *items) : NULL;
    if (!items) {
        free(path);
        return yt_fail(err, YT_NO_MEMORY, "no memory for the list of images");
    }
    paths->items = items;
    items[paths->count++] = path;
    return YT_OK;
}

static int compare_paths(const void *a, const void *b) {
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

void yti_paths_sort(yti_paths *paths) {
    if (paths->count > 1) qsort(paths->items, paths->count, sizeof *paths->items, compare_paths);
}

void yti_paths_free(yti_paths *paths) {
    for (size_t i = 0; i < paths->count; i++) free(paths->items[i]);
    free(paths->items);
    *paths = (yti_paths){0};
}

/* The endings that the reference trainer takes for images, and GIF, which it passes over. What cannot be decoded is
 * reported when it is opened rather than passed over in silence. */
static bool has_image_ending(const char *path) {
    static const char *const endings[] = {"avif", "bmp", "dng", "gif", "heic", "heif", "jp2",
                                          "jpeg", "jpg", "mpo", "png", "tif",  "tiff", "webp"};
    const char *dot = strrchr(yt_path_base(path), '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot + 1, endings[i]) == 0) return true;
    return false;
}

/* The folders from the first to the one being read: a link to one of them would never end. */
typedef struct folder {
    const struct folder *above;
    dev_t device;
    ino_t inode;
    int depth;
} folder;

static bool is_above(const folder *above, const struct stat *info) {
    for (; above; above = above->above)
        if (above->device == info->st_dev && above->inode == info->st_ino) return true;
    return false;
}

static yt_status walk(const char *path, const folder *above, yti_paths *out, yt_err *err);

/* Takes `path`, the full path of an entry. */
static yt_status visit(char *path, const folder *above, yti_paths *out, yt_err *err) {
    struct stat info;
    if (!path) return yt_fail(err, YT_NO_MEMORY, "no memory for the list of images");
    bool known = stat(path, &info) == 0;
    if (has_image_ending(path) && !(known && S_ISDIR(info.st_mode))) return yti_paths_add(out, path, err);
    yt_status status = YT_OK;
    if (!known && errno != ENOENT && errno != ELOOP) /* a link to nothing may lie about */
        status = yt_fail(err, YT_IO, "%s: cannot be looked at: %s", path, strerror(errno));
    else if (known && S_ISDIR(info.st_mode) && !is_above(above, &info))
        status = walk(path, above, out, err);
    free(path);
    return status;
}

static yt_status walk(const char *path, const folder *above, yti_paths *out, yt_err *err) {
    struct stat info;
    DIR *dir = opendir(path);
    if (!dir || stat(path, &info) != 0) {
        yt_status status = yt_fail(err, YT_IO, "%s: the folder cannot be read: %s", path, strerror(errno));
        if (dir) closedir(dir);
        return status;
    }
    folder here = {above, info.st_dev, info.st_ino, above ? above->depth + 1 : 0};
    yt_status status = YT_OK;
    if (here.depth > MAX_DEPTH)
        status = yt_fail(err, YT_DATA, "%s: folders are nested deeper than %d", path, MAX_DEPTH);
    const char *name;
    if (status == YT_OK) status = yt_folder_next(dir, path, &name, err);
    while (status == YT_OK && name) {
        status = visit(yt_path_join(path, name), &here, out, err);
        if (status == YT_OK) status = yt_folder_next(dir, path, &name, err);
    }
    closedir(dir);
    return status;
}

/* Adds the picture that one line names: beside the list, or from the working directory. */
static yt_status add_line(const char *list, const char *dir, size_t number, const char *line, yti_paths *out,
                          yti_report *report, yt_err *err) {
    const char *name = strncmp(line, "./", 2) == 0 ? line + 2 : line;
    char *path = yt_path_join(dir, name);
    if (!path) return yt_fail(err, YT_NO_MEMORY, "no memory for the list of images");
    if (!yt_path_exists(path) && yt_path_exists(line)) {
        free(path);
        path = yt_path_join("", line);
    }
    bool exists = path && yt_path_exists(path);
    if (exists && has_image_ending(path)) return yti_paths_add(out, path, err);
    if (exists)
        yti_report_add(report, "%s:%zu: '%s' has no ending of an image file", list, number, line);
    else
        yti_report_add(report,
                       "%s:%zu: '%s' does not exist, neither beside the list nor in the working directory",
                       list, number, line);
    free(path);
    return YT_OK;
}

/* Cuts blanks at both ends; the text may be written to. */
static char *trim(char *text, size_t length) {
    while (length > 0 && strchr(" \t\r", text[length - 1])) length--;
    text[length] = '\0';
    return text + strspn(text, " \t\r");
}

static yt_status read_list(const char *path, yti_paths *out, yti_report *report, yt_err *err) {
    char *text, *dir = yt_path_dir(path);
    size_t bytes;
    if (!dir) return yt_fail(err, YT_NO_MEMORY, "%s: no memory to read it", path);
    yt_status status = yt_file_read(path, MAX_LIST_BYTES, &text, &bytes, err);
    if (status != YT_OK) {
        free(dir);
        return status;
    }
    char *line = strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text;
    for (size_t number = 1; line && status == YT_OK; number++) {
        char *newline = strchr(line, '\n'); /* a NUL ends the list: no path has one */
        char *name = trim(line, newline ? (size_t)(newline - line) : strlen(line));
        if (*name) status = add_line(path, strcmp(dir, ".") == 0 ? "" : dir, number, name, out, report, err);
        line = newline ? newline + 1 : NULL;
    }
    free(dir);
    free(text);
    return status;
}

yt_status yti_list_images(const char *path, yti_paths *out, yti_report *report, yt_err *err) {
    if (yt_path_is_dir(path)) return walk(path, NULL, out, err);
    const char *dot = strrchr(yt_path_base(path), '.');
    if (dot && strcasecmp(dot, ".txt") == 0) return read_list(path, out, report, err);
    if (has_image_ending(path)) return yti_paths_add(out, yt_path_join("", path), err);
    return yt_fail(err, YT_DATA, "%s: is neither a folder, nor a .txt list, nor an image", path);
}
