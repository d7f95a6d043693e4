/* listing.c: walking folders and reading lists of images (spec training 1.3). */
#include "data/index/listing.h"

#include "base/array.h"
#include "base/file.h"
#include "data/index/lines.h"
#include "data/index/paths.h"

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
        return yti_no_memory(err, "the list of images");
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
    const char *dot = strrchr(yti_path_base(path), '.');
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
    if (!path) return yti_no_memory(err, "the list of images");
    bool known = stat(path, &info) == 0;
    if (has_image_ending(path) && !(known && S_ISDIR(info.st_mode))) return yti_paths_add(out, path, err);
    yt_status status = YT_OK;
    if (!known && errno != ENOENT && errno != ELOOP) /* a link to nothing may lie about */
        status = yt_fail(err, YT_ERR_IO, "%s: cannot be looked at: %s", path, strerror(errno));
    else if (known && S_ISDIR(info.st_mode) && !is_above(above, &info))
        status = walk(path, above, out, err);
    free(path);
    return status;
}

static yt_status walk(const char *path, const folder *above, yti_paths *out, yt_err *err) {
    struct stat info;
    DIR *dir = opendir(path);
    if (!dir || stat(path, &info) != 0) {
        yt_status status = yt_fail(err, YT_ERR_IO, "%s: the folder cannot be read: %s", path, strerror(errno));
        if (dir) closedir(dir);
        return status;
    }
    folder here = {above, info.st_dev, info.st_ino, above ? above->depth + 1 : 0};
    yt_status status = YT_OK;
    if (here.depth > MAX_DEPTH)
        status = yt_fail(err, YT_ERR_DATA, "%s: folders are nested deeper than %d", path, MAX_DEPTH);
    const char *name;
    if (status == YT_OK) status = yti_folder_next(dir, path, &name, err);
    while (status == YT_OK && name) {
        status = visit(yti_path_join(path, name), &here, out, err);
        if (status == YT_OK) status = yti_folder_next(dir, path, &name, err);
    }
    closedir(dir);
    return status;
}

/* A list being read. */
typedef struct image_list {
    const char *path, *dir; /* dir: "" for the working directory */
    yti_paths *out;
    yti_report *report;
    size_t found_elsewhere; /* lines whose image lies by the end of its path only */
    yt_err *err;
} image_list;

static const char needed_for[] = "the list of images";

/* `name` below `dir` if that exists, malloc'd; *out NULL: it does not. */
static yt_status try_below(const char *dir, const char *name, char **out, yt_err *err) {
    *out = yti_path_join(dir, name);
    if (!*out) return yti_no_memory(err, needed_for);
    if (yti_path_exists(*out)) return YT_OK;
    free(*out);
    *out = NULL;
    return YT_OK;
}

/* The image of a line: beside the list, or from the working directory. */
static yt_status find_as_written(const image_list *list, const char *line, char **out) {
    YT_TRY(try_below(list->dir, strncmp(line, "./", 2) == 0 ? line + 2 : line, out, list->err));
    return *out ? YT_OK : try_below("", line, out, list->err);
}

/* darknet's lists count from the folder above the one they lie in, whatever that is called here, and others name a
 * folder of the machine they were written on: the end of the path says which image it is. */
static yt_status find_elsewhere(image_list *list, size_t number, const char *written, const char *line, char **out) {
    char *above = yti_path_join(list->dir, "..");
    if (!above) return yti_no_memory(list->err, needed_for);
    yt_status status = try_below(above, line, out, list->err);
    const bool said = *out != NULL; /* exactly there: darknet's own place */
    if (status == YT_OK && !*out) status = yti_find_tail(*list->dir ? list->dir : ".", line, out, list->err);
    if (status == YT_OK && !*out) status = yti_find_tail(above, line, out, list->err);
    free(above);
    if (*out && !said && list->found_elsewhere++ == 0)
        yti_report_note(list->report, "%s:%zu: '%s' does not exist here; %s is used in its place", list->path, number,
                        written, *out);
    return status;
}

static yt_status find_image(image_list *list, size_t number, const char *line, char **out) {
    char *turned = yti_path_turned(line);
    if (!turned) return yti_no_memory(list->err, needed_for);
    yt_status status = find_as_written(list, line, out);
    if (status == YT_OK && !*out && strcmp(turned, line) != 0) status = find_as_written(list, turned, out);
    if (status == YT_OK && !*out) status = find_elsewhere(list, number, line, turned, out);
    free(turned);
    return status;
}

/* Adds the image that one line names. */
static yt_status add_line(image_list *list, size_t number, const char *line) {
    char *path;
    YT_TRY(find_image(list, number, line, &path));
    if (path && has_image_ending(path)) return yti_paths_add(list->out, path, list->err);
    if (path)
        yti_report_add(list->report, "%s:%zu: '%s' has no ending of an image file", list->path, number, line);
    else
        yti_report_add(list->report,
                       "%s:%zu: '%s' does not exist, neither beside the list nor in the working directory", list->path,
                       number, line);
    free(path);
    return YT_OK;
}

static yt_status read_lines(image_list *list, char *text) {
    size_t number = 0;
    for (char *line; (line = yti_next_line(&text));) {
        number++;
        if (*line) YT_TRY(add_line(list, number, line));
    }
    return YT_OK;
}

static yt_status read_list(const char *path, yti_paths *out, yti_report *report, yt_err *err) {
    char *text, *dir = yti_path_dir(path);
    size_t bytes;
    if (!dir) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read it", path);
    yt_status status = yti_read_text(path, MAX_LIST_BYTES, &text, &bytes, err);
    if (status == YT_OK) {
        image_list list = {path, strcmp(dir, ".") == 0 ? "" : dir, out, report, 0, err};
        status = read_lines(&list, text);
        free(text);
    }
    free(dir);
    return status;
}

yt_status yti_list_images(const char *path, yti_paths *out, yti_report *report, yt_err *err) {
    if (yti_path_is_dir(path)) return walk(path, NULL, out, err);
    const char *dot = strrchr(yti_path_base(path), '.');
    if (dot && strcasecmp(dot, ".txt") == 0) return read_list(path, out, report, err);
    if (has_image_ending(path)) return yti_paths_add(out, yti_path_join("", path), err);
    return yt_fail(err, YT_ERR_DATA, "%s: is neither a folder, nor a .txt list, nor an image", path);
}
