/* run_folder.c: where a run writes: runs/detect/train, train-2, ... (spec training 6.1), which one a checkpoint belongs
 * to, and which one was last.
 *
 * A run folder is known by its weights/ and its args.yaml. Nothing is ever written into a folder that lacks either,
 * unless it was made for the run: a checkpoint may have been copied beside anybody's files.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "base/run_folder.h"
#include "base/file.h"
#include "base/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ROOT[] = "runs/detect", LAST[] = "last.safetensors";
enum { MAX_DEPTH = 4 };

static const char needed_for[] = "the name of the run folder";

yt_status yti_run_folder_name(const char *project, const char *name, char **out, yt_err *err) {
    char *parent = project[0] ? yti_path_join(ROOT, project) : strdup(ROOT);
    *out = parent ? yti_path_join(parent, name[0] ? name : "train") : NULL;
    free(parent);
    return *out ? YT_OK : yti_no_memory(err, needed_for);
}

/* ---- the run of a checkpoint ---- */

static bool has_file(const char *folder, const char *name) {
    char *path = yti_path_join(folder, name);
    const bool there = path && yti_path_exists(path);
    free(path);
    return there;
}

static bool has_ending(const char *path, const char *ending) {
    const size_t n = strlen(path), m = strlen(ending);
    return n > m && strcasecmp(path + n - m, ending) == 0;
}

/* The file that is meant, malloc'd. */
static yt_status find_checkpoint(const char *resume, char **out, yt_err *err) {
    char *path = strdup(resume);
    if (path && yti_path_is_dir(path)) {
        free(path);
        char *weights = yti_path_join(resume, "weights");
        path = weights ? yti_path_join(yti_path_is_dir(weights) ? weights : resume, LAST) : NULL;
        free(weights);
        if (path && !yti_path_exists(path)) {
            yt_fail(err, YT_ERR_IO, "%s: there is no weights/%s in this folder to resume from", resume, LAST);
            free(path);
            return YT_ERR_IO;
        }
    }
    if (!path) return yti_no_memory(err, needed_for);
    yt_status status = YT_OK;
    if (!yti_path_exists(path))
        status = yt_fail(err, YT_ERR_IO, "%s: cannot be opened: %s; --resume alone takes the newest run below %s", path,
                         strerror(errno), ROOT);
    else if (has_ending(path, ".pt") || has_ending(path, ".yaml") || has_ending(path, ".yml"))
        status = yt_fail(err, YT_ERR_ARGUMENT,
                         has_ending(path, ".pt")
                             ? "%s: is not a checkpoint of this program, so it cannot be resumed; start a new "
                               "run from it: yolotrain DATA.yaml --weights %s"
                             : "%s: is not a checkpoint; a run continues from RUN/weights/last.safetensors, and "
                               "where its data has moved that is yolotrain %s --resume RUN",
                         path, path);
    if (status == YT_OK)
        *out = path;
    else
        free(path);
    return status;
}

/* The folder above `path`, malloc'd, if that is a run's weights/; NULL: it is none. */
static char *run_above(const char *path) {
    char *weights = path ? yti_path_dir(path) : NULL;
    char *folder = weights && strcmp(yti_path_base(weights), "weights") == 0 ? yti_path_dir(weights) : NULL;
    free(weights);
    if (folder && has_file(folder, "args.yaml")) return folder;
    free(folder);
    return NULL;
}

/* By its name as typed; by the true name of the folder it is in; or where it is a link, by what it leads to. */
static char *find_run(const char *checkpoint) {
    char *folder = run_above(checkpoint);
    char *dir = folder ? NULL : yti_path_dir(checkpoint);
    char *real = dir ? realpath(dir, NULL) : NULL, *path = real ? yti_path_join(real, LAST) : NULL;
    if (!folder) folder = run_above(path);
    free(dir);
    free(real);
    free(path);
    if (folder) return folder;
    real = realpath(checkpoint, NULL);
    folder = run_above(real);
    free(real);
    return folder;
}

yt_status yti_run_of(const char *resume, char **checkpoint, char **folder, yt_err *err) {
    char *path = NULL;
    YT_TRY(find_checkpoint(resume, &path, err));
    char *found = find_run(path);
    if (!found) {
        yt_fail(err, YT_ERR_ARGUMENT,
                "%s: lies in no run folder, so there is no run to continue; put it into the weights/ of its "
                "run, beside which args.yaml is, or start a new run from it: yolotrain DATA.yaml --weights %s",
                path, path);
        free(path);
        return YT_ERR_ARGUMENT;
    }
    *checkpoint = path;
    *folder = found;
    return YT_OK;
}

/* ---- the newest ---- */

typedef struct newest {
    const char *folder, *file; /* looked at; looked for */
    int depth;
    char *path; /* NULL: none yet */
    struct timespec time;
    yt_status status;
    yt_err *err;
} newest;

/* Later modification, or the same and the later name, so that the choice is the same each time. */
static bool is_newer(const newest *than, const char *path, struct timespec time) {
    if (!than->path) return true;
    if (time.tv_sec != than->time.tv_sec) return time.tv_sec > than->time.tv_sec;
    if (time.tv_nsec != than->time.tv_nsec) return time.tv_nsec > than->time.tv_nsec;
    return strcmp(path, than->path) > 0;
}

/* Takes the weights of one folder if it has any and they are newer. */
static yt_status look_at(const char *folder, newest *best) {
    char *weights = yti_path_join(folder, "weights"), *path = weights ? yti_path_join(weights, best->file) : NULL;
    free(weights);
    if (!path) return yti_no_memory(best->err, needed_for);
    struct stat info;
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && is_newer(best, path, info.st_mtim)) {
        free(best->path);
        best->path = path;
        best->time = info.st_mtim;
    } else {
        free(path);
    }
    return YT_OK;
}

static bool visit(void *context, const char *name);

/* Runs may lie below project folders, so a few levels are searched. */
static yt_status search(const char *folder, newest *best) {
    const char *former = best->folder;
    best->folder = folder;
    best->depth++;
    yt_status status = yti_folder_list(folder, visit, best, best->err);
    best->depth--;
    best->folder = former;
    return status != YT_OK ? status : best->status;
}

static bool visit(void *context, const char *name) {
    newest *best = context;
    if (name[0] == '.' || strcmp(name, "weights") == 0) return true;
    char *path = yti_path_join(best->folder, name);
    if (!path) best->status = yti_no_memory(best->err, needed_for);
    if (path && yti_path_is_dir(path)) {
        best->status = look_at(path, best);
        if (best->status == YT_OK && best->depth < MAX_DEPTH) best->status = search(path, best);
    }
    free(path);
    return best->status == YT_OK;
}

yt_status yti_newest_weights(const char *root, const char *file, char **out, yt_err *err) {
    newest best = {.file = file, .status = YT_OK, .err = err};
    yt_status status = search(root, &best);
    if (status == YT_OK)
        *out = best.path;
    else
        free(best.path);
    return status;
}

yt_status yti_newest_checkpoint(char **path, yt_err *err) {
    YT_TRY(yti_newest_weights(ROOT, LAST, path, err));
    if (*path) return YT_OK;
    return yt_fail(err, YT_ERR_IO,
                   "%s: there is no weights/%s below it to resume from; name the file or its run folder", ROOT, LAST);
}
