/* cli_common.c: finding and opening trained weights, fresh folders, threads; see cli_common.h. */
#include "cli/cli_common.h"
#include "cli/cli_search.h"
#include "yt/cpu.h"
#include "yt/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    char *path; /* NULL: none yet */
    struct timespec time;
} newest_file;

/* Later modification, or the same and the later name, so that the choice is the same each time. */
static bool is_newer(const newest_file *than, const char *path, struct timespec time) {
    if (!than->path) return true;
    if (time.tv_sec != than->time.tv_sec) return time.tv_sec > than->time.tv_sec;
    if (time.tv_nsec != than->time.tv_nsec) return time.tv_nsec > than->time.tv_nsec;
    return strcmp(path, than->path) > 0;
}

/* Takes path. */
static void look_at(char *path, newest_file *best) {
    struct stat info;
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && is_newer(best, path, info.st_mtim)) {
        free(best->path);
        *best = (newest_file){path, info.st_mtim};
    } else {
        free(path);
    }
}

/* Runs may lie below the folders of projects, so a few levels are searched. A folder that cannot be read has
 * none. */
static void search_runs(const char *folder, int levels, newest_file *best) {
    DIR *dir = levels > 0 ? opendir(folder) : NULL;
    if (!dir) return;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "weights") == 0) continue;
        char *below = yt_path_join(folder, entry->d_name);
        char *path = below && yt_path_is_dir(below) ? yt_path_join(below, "weights/best.safetensors") : NULL;
        if (path) {
            look_at(path, best);
            search_runs(below, levels - 1, best);
        }
        free(below);
    }
    closedir(dir);
}

char *yt_cli_newest_weights(const char *runs) {
    enum { LEVELS = 4 };
    newest_file best = {0};
    search_runs(runs, LEVELS, &best);
    return best.path;
}

yt_status yt_cli_open_weights(const yt_cli *cli, const char *runs, yt_cli_trained *out, yt_err *err) {
    const char *weights = yt_cli_text(cli, "weights");
    char *newest = NULL;
    if (!weights) {
        newest = yt_cli_newest_weights(runs);
        if (!newest)
            return yt_fail(
                err, YT_IO,
                "no trained weights under %s; train first (yolotrain DATA.yaml) or name a file with "
                "--weights",
                runs);
        fprintf(stderr, "%s: weights %s\n", cli->program, newest);
        weights = newest;
    }
    yt_cli_search search;
    yt_cli_search_init(&search);
    yt_cli_trained trained = {0};
    yt_status status = yt_weights_open(weights, yt_cli_text(cli, "model"), search.dirs, &trained.model,
                                       &trained.names, &trained.imgsz, err);
    if (status == YT_OK && trained.names.count != trained.model->n_classes) {
        status = yt_fail(err, YT_MISMATCH, "%s: names %d classes for a model of %d", weights,
                         trained.names.count, trained.model->n_classes);
        yt_cli_close_weights(&trained);
    }
    if (status == YT_OK) *out = trained;
    free(newest);
    return status;
}

void yt_cli_close_weights(yt_cli_trained *trained) {
    yt_model_destroy(trained->model);
    yt_class_names_free(&trained->names);
    *trained = (yt_cli_trained){0};
}

static yt_status make_parent(const char *path, yt_err *err) {
    char *parent = yt_path_dir(path);
    if (!parent) return yt_fail(err, YT_NO_MEMORY, "%s: no memory to make the folder", path);
    yt_status status = yt_path_make_dirs(parent, err);
    free(parent);
    return status;
}

yt_status yt_cli_fresh_dir(const char *path, char **out, yt_err *err) {
    YT_TRY(make_parent(path, err));
    size_t room = strlen(path) + 16;
    char *name = malloc(room);
    if (!name) return yt_fail(err, YT_NO_MEMORY, "%s: no memory to make the folder", path);
    snprintf(name, room, "%s", path);
    /* mkdir is the test: two programs that start together get two folders. */
    for (int i = 2; mkdir(name, 0777) != 0; i++) {
        if (errno != EEXIST || i > 1000000) {
            yt_status status =
                yt_fail(err, YT_IO, "%s: the folder cannot be made: %s", name, strerror(errno));
            free(name);
            return status;
        }
        snprintf(name, room, "%s-%d", path, i);
    }
    *out = name;
    return YT_OK;
}

int yt_cli_threads(const yt_cli *cli) {
    return yt_cli_get(cli, "threads")->is_auto ? yt_cpu_cores() : yt_cli_int(cli, "threads");
}

int yt_cli_failure(const yt_cli *cli, const yt_err *err) {
    fprintf(stderr, "%s: %s\n", cli->program, err->text);
    return 1;
}

int yt_cli_finish_stdout(const yt_cli *cli, int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    fprintf(stderr, "%s: the results cannot be written: %s\n", cli->program, strerror(errno));
    return 1;
}
