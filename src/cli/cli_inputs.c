/* cli_inputs.c: the images a command line names, and what their results are called; see cli_inputs.h. */
#include "cli/cli_inputs.h"
#include "base/file.h"
#include "cli/cli_common.h"
#include "data/index/listing.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <strings.h>

/* The kinds that can be written. */
static const char *const written[] = {"png", "jpg", "jpeg", "bmp", NULL};

static bool has_one_of(const char *name, const char *const *list) {
    const char *dot = strrchr(name, '.');
    for (; dot && dot != name && *list; list++)
        if (strcasecmp(dot + 1, *list) == 0) return true;
    return false;
}

/* Takes path, also on failure. NULL is a failure of memory before. */
static yt_status append(cli_inputs *inputs, char *path, yt_err *err) {
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
    if (!path) return yti_no_memory(err, "a list of %zu images", inputs->count + 1);
    inputs->paths[inputs->count++] = path;
    return YT_OK;
}

/* What the sink of problems needs. */
static void tell(void *context, const char *text) {
    cli_inputs *inputs = context;
    inputs->problems++;
    fprintf(stderr, "%s: ", inputs->program);
    cli_print_text(stderr, 0, text);
    fputc('\n', stderr);
}

/* The images of a folder and those below it, or of a list, by the rules of data sets. */
static yt_status add_many(cli_inputs *inputs, const char *path, yt_err *err) {
    yti_paths found = {0};
    yti_report report = {0};
    yt_status status = yti_list_images(path, &found, &report, err);
    yti_report_tell(&report, tell, inputs);
    yti_report_free(&report);
    if (status == YT_OK && found.count == 0)
        status = yt_fail(err, YT_ERR_IO, "%s: no images in this %s", path, yti_path_is_dir(path) ? "folder" : "list");
    if (status == YT_OK && yti_path_is_dir(path)) yti_paths_sort(&found);
    for (size_t i = 0; status == YT_OK && i < found.count; i++) {
        status = append(inputs, found.items[i], err);
        found.items[i] = NULL;
    }
    yti_paths_free(&found);
    return status;
}

/* One name per line, as `find` and `ls` print them. */
static yt_status add_stdin(cli_inputs *inputs, yt_err *err) {
    char *line = NULL;
    size_t room = 0, before = inputs->count;
    yt_status status = YT_OK;
    for (ssize_t n; status == YT_OK && (n = getline(&line, &room, stdin)) > 0;) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = '\0';
        if (strcmp(line, "-") == 0)
            status = yt_fail(err, YT_ERR_ARGUMENT, "-: a list on standard input cannot name itself");
        else if (n > 0 && strlen(line) != (size_t)n)
            status = yt_fail(
                err, YT_ERR_ARGUMENT,
                "-: standard input is no text; it gives names of images, one per line, and no image itself");
        else if (n > 0)
            status = cli_inputs_add(inputs, line, err);
    }
    free(line);
    if (status == YT_OK && ferror(stdin)) status = yt_fail(err, YT_ERR_IO, "-: reading failed: %s", strerror(errno));
    if (status == YT_OK && inputs->count == before)
        status = yt_fail(err, YT_ERR_IO, "-: standard input names no image; give one name per line");
    return status;
}

/* A pattern that the shell left alone: quoted, or in a list. */
static yt_status add_pattern(cli_inputs *inputs, const char *pattern, yt_err *err) {
    if (strstr(pattern, "**"))
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "%s: ** is not understood; name the folder, folders below it are searched too", pattern);
    glob_t found;
    const int code = glob(pattern, 0, NULL, &found);
    if (code == GLOB_NOMATCH) return yt_fail(err, YT_ERR_IO, "%s: no file matches this pattern", pattern);
    if (code != 0)
        return yt_fail(err, code == GLOB_NOSPACE ? YT_ERR_NO_MEMORY : YT_ERR_IO, "%s: a folder cannot be read",
                       pattern);
    yt_status status = YT_OK;
    for (size_t i = 0; status == YT_OK && i < found.gl_pathc; i++) {
        struct stat info; /* a pattern for files passes over folders, as in the shell's own loops it would not */
        const bool is_file = stat(found.gl_pathv[i], &info) == 0 && !S_ISDIR(info.st_mode);
        if (is_file || found.gl_pathc == 1) status = cli_inputs_add(inputs, found.gl_pathv[i], err);
    }
    globfree(&found);
    return status;
}

/* What people also type, and what would be right. */
static yt_status refuse_other_sources(const char *path, yt_err *err) {
    static const char *const videos[] = {"mp4", "avi",  "mov", "mkv", "webm", "m4v",
                                         "mpg", "mpeg", "wmv", "flv", "3gp",  NULL};
    if (strstr(path, "://"))
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: addresses are not opened; download the image and name the file",
                       path);
    if (has_one_of(path, videos))
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "%s: videos are not read; write its frames as images first (ffmpeg -i VIDEO "
                       "frames/%%06d.png) and "
                       "name the folder",
                       path);
    return YT_OK;
}

yt_status cli_inputs_add(cli_inputs *inputs, const char *path, yt_err *err) {
    static const char *const lists[] = {"txt", NULL};
    if (strcmp(path, "-") == 0) return add_stdin(inputs, err);
    YT_TRY(refuse_other_sources(path, err));
    if (!yti_path_exists(path)) {
        if (strpbrk(path, "*?[")) return add_pattern(inputs, path, err);
        return yt_fail(err, YT_ERR_IO, "%s: no such file", path);
    }
    if (yti_path_is_dir(path) || has_one_of(path, lists)) return add_many(inputs, path, err);
    return append(inputs, strdup(path), err);
}

void cli_inputs_free(cli_inputs *inputs) {
    for (size_t i = 0; i < inputs->count; i++) free(inputs->paths[i]);
    free(inputs->paths);
    *inputs = (cli_inputs){0};
}

char *cli_inputs_result(const cli_inputs *inputs, size_t i, const char *dir) {
    const char *base = yti_path_base(inputs->paths[i]);
    size_t before = 0;
    for (size_t k = 0; k < i; k++) before += strcmp(yti_path_base(inputs->paths[k]), base) == 0;
    const char *dot = strrchr(base, '.');
    int stem = (int)(dot && dot != base ? (size_t)(dot - base) : strlen(base));
    size_t room = strlen(base) + 32;
    char *name = malloc(room);
    if (!name) return NULL;
    char number[24] = "";
    if (before > 0) snprintf(number, sizeof number, "-%zu", before + 1);
    snprintf(name, room, "%.*s%s%s%s", stem, base, number, base + stem, has_one_of(base, written) ? "" : ".png");
    char *path = yti_path_join(dir, name);
    free(name);
    return path;
}

bool cli_inputs_has(const cli_inputs *inputs, const char *path) {
    struct stat target, input;
    if (stat(path, &target) != 0) return false;
    for (size_t i = 0; i < inputs->count; i++)
        if (stat(inputs->paths[i], &input) == 0 && input.st_dev == target.st_dev && input.st_ino == target.st_ino)
            return true;
    return false;
}
