/* run_folder.c: where a run writes: runs/detect/train, train-2, ... (spec training 6.1), and which one was
 * last.
 */
#include "train/run_folder.h"
#include "yt/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char ROOT[] = "runs/detect";
enum { MAX_RUNS = 100000, MAX_DEPTH = 4 };

static yt_status no_memory(yt_err *err) {
    return yt_fail(err, YT_NO_MEMORY, "no memory for the name of the run folder");
}

/* base, base-2, base-3, ...: the first that does not exist. */
static yt_status first_free(const char *base, char **out, yt_err *err) {
    size_t room = strlen(base) + 16;
    char *path = malloc(room);
    if (!path) return no_memory(err);
    snprintf(path, room, "%s", base);
    for (int i = 2; yt_path_exists(path); i++) {
        if (i > MAX_RUNS) {
            free(path);
            return yt_fail(err, YT_IO, "%s: there are %d runs of this name already; choose another --name",
                           base, MAX_RUNS);
        }
        snprintf(path, room, "%s-%d", base, i);
    }
    *out = path;
    return YT_OK;
}

yt_status yt_run_folder_choose(const char *project, const char *name, bool exist_ok, char **out,
                               yt_err *err) {
    char *parent = project[0] ? yt_path_join(ROOT, project) : strdup(ROOT);
    char *base = parent ? yt_path_join(parent, name[0] ? name : "train") : NULL;
    free(parent);
    if (!base) return no_memory(err);
    if (exist_ok) {
        *out = base;
        return YT_OK;
    }
    yt_status status = first_free(base, out, err);
    free(base);
    return status;
}

yt_status yt_run_folder_create(const char *folder, yt_err *err) {
    char *weights = yt_path_join(folder, "weights");
    if (!weights) return no_memory(err);
    yt_status status = yt_path_make_dirs(weights, err);
    free(weights);
    return status;
}

yt_status yt_run_folder_of(const char *checkpoint, char **out, yt_err *err) {
    char *weights = yt_path_dir(checkpoint);
    char *folder = weights ? yt_path_join(weights, "..") : NULL;
    if (weights && strcmp(yt_path_base(weights), "weights") == 0) {
        free(folder);
        folder = yt_path_dir(weights);
    }
    free(weights);
    if (!folder) return no_memory(err);
    *out = folder;
    return YT_OK;
}

typedef struct newest {
    char *path; /* NULL: none yet */
    struct timespec time;
} newest;

/* Takes the checkpoint of one folder if it has one and it is newer. */
static bool look_at(const char *folder, newest *best) {
    char *path = yt_path_join(folder, "weights/last.safetensors");
    struct stat info;
    if (!path) return false;
    bool newer = stat(path, &info) == 0 && S_ISREG(info.st_mode) &&
                 (!best->path || info.st_mtim.tv_sec > best->time.tv_sec ||
                  (info.st_mtim.tv_sec == best->time.tv_sec && info.st_mtim.tv_nsec > best->time.tv_nsec));
    if (newer) {
        free(best->path);
        best->path = path;
        best->time = info.st_mtim;
    } else {
        free(path);
    }
    return true;
}

/* Runs may lie below project folders, so a few levels are searched. */
static bool search(const char *folder, int depth, newest *best) {
    DIR *dir = opendir(folder);
    bool good = true;
    if (!dir) return true;
    for (struct dirent *item = readdir(dir); good && item; item = readdir(dir)) {
        if (item->d_name[0] == '.' || strcmp(item->d_name, "weights") == 0) continue;
        char *path = yt_path_join(folder, item->d_name);
        good = path != NULL;
        if (good && yt_path_is_dir(path)) {
            good = look_at(path, best);
            if (good && depth > 1) good = search(path, depth - 1, best);
        }
        free(path);
    }
    closedir(dir);
    return good;
}

yt_status yt_train_newest_checkpoint(char **path, yt_err *err) {
    newest best = {0};
    if (!search(ROOT, MAX_DEPTH, &best)) {
        free(best.path);
        return no_memory(err);
    }
    if (!best.path)
        return yt_fail(err, YT_IO,
                       "%s: there is no weights/last.safetensors below it to resume from; name the file",
                       ROOT);
    *path = best.path;
    return YT_OK;
}
