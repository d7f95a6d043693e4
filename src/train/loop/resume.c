/* resume.c: where a run continues that was interrupted, and where one ends that is over.
 *
 * A run is a function of its checkpoint: settings and progress are read from it here, the arrays once the model that
 * they belong to is built (checkpoint.c).
 */
#include "train/loop/resume.h"
#include "base/file.h"
#include "base/run_folder.h"
#include "train/loop/training.h"
#include "train/settings/settings_json.h"

#include <stdlib.h>
#include <string.h>

/* How many epochs the last checkpoint of the run has; 0: it is not there, or cannot be read. */
static int epochs_of_last(const yti_training *t) {
    yti_st_file last;
    yti_progress progress = {.epochs_done = 0};
    if (!yti_path_exists(t->output.last_path) || yti_st_load(t->output.last_path, &last, NULL) != YT_OK) return 0;
    if (yti_checkpoint_progress(&last, t->output.last_path, &progress, NULL) != YT_OK) progress.epochs_done = 0;
    yti_st_free(&last);
    return progress.epochs_done;
}

/* From an older checkpoint the run goes back, and what came after it is lost epoch by epoch. */
static void report_going_back(const yti_training *t, yti_problem_sink problem, void *context) {
    const int from = t->progress.epochs_done;
    const int last = strcmp(t->config.resume, t->output.last_path) == 0 ? from : epochs_of_last(t);
    if (last <= from || !problem) return;
    char text[1024];
    snprintf(text, sizeof text,
             "%.300s: goes back to epoch %d of %d: the rows of later epochs leave results.csv, and "
             "weights/last.safetensors of epoch %d is replaced after epoch %d; best.safetensors stays until an "
             "epoch is better than the best up to epoch %d",
             t->config.resume, from, last, last, from + 1, from);
    problem(context, text);
}

yt_status yti_resume_read(yti_training *t, yti_st_file *file, yti_problem_sink problem, void *context, yt_err *err) {
    char *checkpoint, *folder;
    YT_TRY(yti_run_of(t->config.resume, &checkpoint, &folder, err));
    yt_status status = yti_train_config_set(&t->config, "resume", checkpoint, YT_SOURCE_TYPED, err);
    free(checkpoint);
    if (status != YT_OK) {
        free(folder);
        return status;
    }
    YT_TRY(yti_output_open(&t->output, folder, err)); /* before another process writes the next checkpoint */
    const char *path = t->config.resume;
    YT_TRY(yti_st_load(path, file, err));
    YT_TRY(yti_settings_read(file, path, &t->config, err));
    YT_TRY(yti_checkpoint_progress(file, path, &t->progress, err));
    YT_TRY(yti_config_same_run(&t->config, folder, path, err));
    report_going_back(t, problem, context);
    return YT_OK;
}

/* Whether a run that is over was ended before its last files were written: the table of its best weights. */
static bool lacks_last_files(const yti_training *t) {
    if (t->progress.best_fitness < 0 || !yti_path_exists(t->output.best_path)) return false;
    bool lacks = false;
    for (const char *const *file = yti_validator_file_names(YT_CONFUSION_CLASSES + 1); *file && !lacks; file++) {
        char *path = yti_path_join(t->output.folder, *file);
        lacks = path && !yti_path_exists(path);
        free(path);
    }
    return lacks;
}

/* Of a run that was resumed: nothing is left to train, so the last epoch is the last one. */
static yt_status is_over(yti_training *t, const char *why, yt_err *err) {
    if (!lacks_last_files(t)) return yt_fail(err, YT_ERR_ARGUMENT, "%s: this run %s", t->config.resume, why);
    t->end.epochs = t->progress.epochs_done;
    return YT_OK;
}

/* Where the run ends, and whether it has. */
yt_status yti_resume_settle_end(yti_training *t, yt_err *err) {
    const yti_progress *progress = &t->progress;
    char why[160];
    t->end.epochs = t->config.epochs;
    if (yti_patience_is_over(progress, &t->config)) {
        snprintf(why, sizeof why,
                 "has ended early, after %d epochs without a better %s; a larger --patience "
                 "continues it",
                 t->config.patience, yti_fitness_name(t->config.fitness));
        return is_over(t, why, err);
    }
    if (t->config.time > 0 && progress->epochs_done > 0) {
        t->end.epochs = yti_epochs_in_time(t->config.time, progress->last.seconds, progress->epochs_done);
        if (progress->last.seconds < t->config.time * YTI_SECONDS_PER_HOUR) return YT_OK;
        snprintf(why, sizeof why, "has used its %g hours; a larger --time continues it", t->config.time);
        return is_over(t, why, err);
    }
    if (progress->epochs_done < t->end.epochs) return YT_OK;
    snprintf(why, sizeof why, "has finished its %d epochs; a larger --epochs continues it", progress->epochs_done);
    return is_over(t, why, err);
}
