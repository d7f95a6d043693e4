/* run.c: a run from outside: its folder, its settings on paper, its standing observers, and the loop.
 *
 * The folder is made only here, after yti_train_prepare has checked everything that can be checked before.
 */
#include "base/file.h"
#include "base/run_folder.h"
#include "train/diagnose/step_dump.h"
#include "train/gradient_log/gradient_log.h"
#include "train/loop/epochs.h"
#include "train/loop/training.h"
#include "train/observe/class_results.h"
#include "train/observe/results_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The step of a former run, or of this one before it was resumed, would be taken for one of this process. */
static yt_status remove_dump(const yti_training *t, yt_err *err) {
    char *path = yti_path_join(t->output.folder, YTI_STEP_DUMP_NAME);
    if (!path) return yti_no_memory(err, "the paths of the run");
    yt_status status = YT_OK;
    if (unlink(path) != 0 && errno != ENOENT && !yti_path_is_dir(path))
        status = yt_fail(err, YT_ERR_IO, "%s: cannot be removed: %s", path, strerror(errno));
    free(path);
    return status;
}

static yt_status retire_weights(const char *folder, const char *file, yt_err *err) {
    char name[64], *weights = yti_path_join(folder, "weights");
    snprintf(name, sizeof name, "former-%s", file);
    char *from = weights ? yti_path_join(weights, file) : NULL, *to = from ? yti_path_join(weights, name) : NULL;
    yt_status status = to ? YT_OK : yti_no_memory(err, "the name of the run folder");
    if (status == YT_OK && rename(from, to) != 0 && errno != ENOENT)
        status = yt_fail(err, YT_ERR_IO, "%s: these older weights cannot be renamed: %s", from, strerror(errno));
    free(weights);
    free(from);
    free(to);
    return status;
}

/* A run that starts where one was before: its last and best weights get out of the way (weights/former-*), and what
 * shows their work is removed, so that nothing of it is taken for the new run's. */
static yt_status retire_former_run(const char *folder, yt_err *err) {
    YT_TRY(retire_weights(folder, "last.safetensors", err));
    YT_TRY(retire_weights(folder, "best.safetensors", err));
    for (const char *const *file = yti_validator_file_names(1); *file; file++) {
        char *path = yti_path_join(folder, *file);
        if (!path) return yti_no_memory(err, "the name of the run folder");
        yt_status status = YT_OK;
        if (unlink(path) != 0 && errno != ENOENT)
            status = yt_fail(err, YT_ERR_IO, "%s: this file of an older run cannot be removed: %s", path,
                             strerror(errno));
        free(path);
        YT_TRY(status);
    }
    return YT_OK;
}

/* A folder that no other process uses: its own, or with --exist-ok an older one. */
static yt_status choose_folder(yti_training *t, yt_err *err) {
    const yti_train_config *c = &t->config;
    char *name, *folder = NULL;
    YT_TRY(yti_run_folder_name(c->project, c->name, &name, err));
    yt_status status = c->exist_ok ? yti_path_make_dirs(name, err) : yti_folder_fresh(name, &folder, err);
    if (c->exist_ok && status == YT_OK)
        folder = name;
    else
        free(name);
    if (status != YT_OK) return status;
    YT_TRY(yti_output_open(&t->output, folder, err));
    return c->exist_ok ? retire_former_run(folder, err) : YT_OK;
}

static yt_status make_weights_folder(const char *folder, yt_err *err) {
    char *weights = yti_path_join(folder, "weights");
    if (!weights) return yti_no_memory(err, "the paths of the run");
    yt_status status = yti_path_make_dirs(weights, err);
    if (status == YT_OK) status = yti_folder_sweep(folder, err);
    if (status == YT_OK) status = yti_folder_sweep(weights, err);
    free(weights);
    return status;
}

static yt_status make_folder(yti_training *t, yt_err *err) {
    if (!t->output.folder) YT_TRY(choose_folder(t, err));
    YT_TRY(make_weights_folder(t->output.folder, err));
    t->info.folder = t->output.folder;
    YT_TRY(remove_dump(t, err));
    char *args = yti_path_join(t->output.folder, "args.yaml");
    if (!args) return yti_no_memory(err, "the paths of the run");
    yt_status status = yti_train_config_write(&t->config, args, t->output.folder, t->parts.model->n_classes,
                                              t->parts.model->base_license, err);
    free(args);
    return status;
}

static yt_status watched_loop(yti_training *t, yti_watchers *watchers, const yti_stop *stop, yt_err *err) {
    YT_TRY(yti_watch_start(watchers, &t->info, err));
    yti_train_summary summary;
    yt_status status = yti_train_epochs(t, watchers, stop, &summary, err);
    yti_watch_finish(watchers, &summary);
    return status;
}

yt_status yti_train_run(yti_training *t, const yti_train_observer *observers, size_t n_observers, const yti_stop *stop,
                        yt_err *err) {
    YT_TRY(make_folder(t, err));
    enum { OWN = 3 };
    yti_train_observer *list = calloc(n_observers + OWN, sizeof *list), results = {0}, classes = {0}, gradients = {0};
    yti_watchers watchers = {.list = list, .wanted = calloc(n_observers + OWN, sizeof *watchers.wanted)};
    yt_status status = YT_OK;
    if (!list || !watchers.wanted) status = yti_no_memory(err, "%zu observers", n_observers);
    if (status == YT_OK) status = yti_results_csv_create(&results, err);
    if (status == YT_OK && yti_can_validate(&t->data)) status = yti_class_results_create(&classes, err);
    if (status == YT_OK && t->config.log_gradients)
        status = yti_gradient_log_create(yti_watch_alarm, &watchers, &gradients, err);
    if (status == YT_OK) {
        list[watchers.count++] = results;
        if (classes.context) list[watchers.count++] = classes;
        if (gradients.context) list[watchers.count++] = gradients;
        for (size_t i = 0; i < n_observers; i++) list[watchers.count++] = observers[i];
        status = watched_loop(t, &watchers, stop, err);
    }
    yti_gradient_log_destroy(&gradients);
    yti_class_results_destroy(&classes);
    yti_results_csv_destroy(&results);
    free(watchers.wanted);
    free(list);
    return status;
}
