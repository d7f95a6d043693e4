/* run.c: a run from outside: its folder, its settings on paper, its standing observers, and the loop.
 *
 * The folder is made only here, after yt_train_prepare has checked everything that can be checked before.
 */
#include "train/capsule.h"
#include "train/observers.h"
#include "train/run_folder.h"
#include "train/training.h"
#include "yt/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The step of a former run, or of this one before it was resumed, would be taken for one of this process. */
static yt_status remove_capsule(const yt_training *t, yt_err *err) {
    char *path = yt_path_join(t->folder, YTI_CAPSULE_NAME);
    if (!path) return yt_fail(err, YT_NO_MEMORY, "no memory for the paths of the run");
    yt_status status = YT_OK;
    if (unlink(path) != 0 && errno != ENOENT && !yt_path_is_dir(path))
        status = yt_fail(err, YT_IO, "%s: cannot be removed: %s", path, strerror(errno));
    free(path);
    return status;
}

static yt_status make_folder(yt_training *t, yt_err *err) {
    if (!t->folder) {
        char *folder;
        YT_TRY(yt_run_folder_choose(t->config.project, t->config.name, t->config.exist_ok, &folder, err));
        YT_TRY(yti_run_paths(t, folder, err));
    }
    YT_TRY(yt_run_folder_create(t->folder, err));
    t->info.folder = t->folder;
    YT_TRY(remove_capsule(t, err));
    char *args = yt_path_join(t->folder, "args.yaml");
    if (!args) return yt_fail(err, YT_NO_MEMORY, "no memory for the paths of the run");
    yt_status status = yt_train_config_write(&t->config, args, t->folder, t->model->n_classes, err);
    free(args);
    return status;
}

static yt_status watched_loop(yt_training *t, yt_watchers *watchers, const volatile sig_atomic_t *stop,
                              yt_err *err) {
    for (size_t i = 0; i < watchers->count; i++) {
        const yt_train_observer *o = &watchers->list[i];
        if (o->start) YT_TRY(o->start(o->context, &t->info, err));
    }
    yt_train_summary summary;
    yt_status status = yti_train_loop(t, watchers, stop, &summary, err);
    for (size_t i = 0; i < watchers->count; i++) {
        const yt_train_observer *o = &watchers->list[i];
        if (o->finish) o->finish(o->context, &summary);
    }
    return status;
}

yt_status yt_train_run(yt_training *t, const yt_train_observer *observers, size_t n_observers,
                       const volatile sig_atomic_t *stop, yt_err *err) {
    YT_TRY(make_folder(t, err));
    yt_train_observer *list = calloc(n_observers + 2, sizeof *list), results = {0}, gradients = {0};
    yt_watchers watchers = {.list = list, .wanted = calloc(n_observers + 2, sizeof *watchers.wanted)};
    yt_status status = YT_OK;
    if (!list || !watchers.wanted)
        status = yt_fail(err, YT_NO_MEMORY, "no memory for %zu observers", n_observers);
    if (status == YT_OK) status = yt_results_csv_create(&results, err);
    if (status == YT_OK && t->config.log_gradients)
        status = yt_gradient_log_create(yti_watch_alarm, &watchers, &gradients, err);
    if (status == YT_OK) {
        list[watchers.count++] = results;
        if (gradients.context) list[watchers.count++] = gradients;
        for (size_t i = 0; i < n_observers; i++) list[watchers.count++] = observers[i];
        status = watched_loop(t, &watchers, stop, err);
    }
    yt_gradient_log_destroy(&gradients);
    yt_results_csv_destroy(&results);
    free(watchers.wanted);
    free(list);
    return status;
}
