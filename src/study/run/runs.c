/* runs.c: trains the runs of a study, one after another. A run that was interrupted continues from its checkpoint, and
 * one that is complete is kept.
 */
#include "base/file.h"
#include "study/comparison.h"
#include "study/record/run_record.h"
#include "study/record/study_record.h"
#include "train/loop/train.h"

#include <math.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char needed_for[] = "the runs of a comparison";

static void keep_summary(void *context, const yti_train_summary *summary) {
    study_run_record *record = context;
    record->epochs = summary->epochs;
    record->ap = fmax(summary->best_fitness, 0);
    record->seconds = summary->seconds;
    snprintf(record->weights_hash, sizeof record->weights_hash, "%016llx", (unsigned long long)summary->weights_hash);
}

/* The settings of a run that continues: what belongs to the run is taken from its checkpoint, which has it as it was
 * resolved. That they are the same settings is known from the run's record. */
static yt_status settings_to_resume(const yti_train_config *config, const char *checkpoint, yti_train_config *out,
                                    yt_err *err) {
    yti_train_config_defaults(out);
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        const yti_train_option *row = &yti_train_options()[i];
        char text[YT_TRAIN_TEXT];
        if (row->on_resume == YT_RESUME_FIXED || config->source[i] != YT_SOURCE_TYPED) continue;
        yti_train_config_text(config, (yti_train_key)i, text, sizeof text);
        YT_TRY(yti_train_config_set(out, row->key, text, YT_SOURCE_TYPED, err));
    }
    return yti_train_config_set(out, "resume", checkpoint, YT_SOURCE_TYPED, err);
}

/* Whether a failure says that the machine, and not the file, is at fault: then trying again may help, and beginning
 * anew would throw a run away. */
static bool is_passing(yt_status status) {
    return status == YT_ERR_IO || status == YT_ERR_NO_MEMORY;
}

/* From the checkpoint of a run that was interrupted, if there is one; *out NULL: it begins anew. Nothing can
 * continue from a damaged one, nor from that of a run that was over and whose record alone is missing. */
static yt_status resume(const study_comparison *study, const study_run *run, const yti_train_config *config,
                        const study_hooks *hooks, yti_problem_sink problem, yti_training **out, yt_err *err) {
    char *checkpoint = yti_path_join(run->folder, "weights/last.safetensors");
    if (!checkpoint) return yti_no_memory(err, needed_for);
    *out = NULL;
    yti_train_config resumed;
    yt_err reason;
    yt_status status = YT_OK;
    if (yti_path_exists(checkpoint)) {
        status = settings_to_resume(config, checkpoint, &resumed, &reason);
        if (status == YT_OK)
            status = yti_train_prepare(&resumed, study->search_dirs, problem, hooks->context, out, &reason);
    }
    free(checkpoint);
    if (is_passing(status)) return yt_fail(err, status, "%s", reason.text);
    if (status != YT_OK && hooks->problem) {
        char text[sizeof reason.text + 64];
        snprintf(text, sizeof text, "%s; this run of the comparison begins anew", reason.text);
        hooks->problem(hooks->context, text);
    }
    return YT_OK;
}

/* A checkpoint of a run that is not this one must not be resumed later. */
static yt_status forget_checkpoint(const study_run *run, yt_err *err) {
    char *checkpoint = yti_path_join(run->folder, "weights/last.safetensors");
    if (!checkpoint) return yti_no_memory(err, needed_for);
    bool gone = unlink(checkpoint) == 0 || !yti_path_exists(checkpoint);
    yt_status status = gone ? YT_OK : yt_fail(err, YT_ERR_IO, "%s: this old checkpoint cannot be removed", checkpoint);
    free(checkpoint);
    return status;
}

/* Before the first batch: which study and which run lie here. */
static yt_status begin_records(study_comparison *study, const study_run *run, const yti_train_config *config,
                               bool resumed, yt_err *err) {
    study_run_record record = {.running = true, .status = YT_OK, .optimizer = -1};
    memcpy(record.model_hash, study->variants[run->variant].model_hash, sizeof record.model_hash);
    if (!study->recorded) YT_TRY(study_record_save(study, err));
    study->recorded = true;
    YT_TRY(yti_path_make_dirs(run->folder, err));
    if (!resumed) YT_TRY(forget_checkpoint(run, err));
    return study_run_record_save(run->folder, config, &record, err);
}

static yt_status finish_training(yti_training *training, const yti_stop *stop, study_run_record *record, yt_err *err) {
    yti_train_observer observer = {.finish = keep_summary, .context = record};
    yt_err reason = {.text = ""};
    record->running = false;
    record->status = yti_train_run(training, &observer, 1, stop, &reason);
    snprintf(record->message, sizeof record->message, "%s", record->status == YT_OK ? "" : reason.text);
    if (record->status == YT_OK || record->status == YT_ERR_NON_FINITE) return YT_OK;
    return yt_fail(err, record->status, "%s", reason.text);
}

/* record: that of the interrupted run on entry, and that of the complete one. problem: for those of the data, or
 * NULL. first_epoch: the one it continues after. */
static yt_status train(study_comparison *study, const study_run *run, const yti_train_config *config,
                       const study_hooks *hooks, yti_problem_sink problem, const yti_stop *stop,
                       study_run_record *record, int *first_epoch, yt_err *err) {
    yti_training *training = NULL;
    if (record->running) YT_TRY(resume(study, run, config, hooks, problem, &training, err));
    bool resumed = training != NULL;
    if (!training) YT_TRY(yti_train_prepare(config, study->search_dirs, problem, hooks->context, &training, err));
    const yti_train_info *info = yti_train_describe(training);
    *first_epoch = info->first_epoch;
    record->optimizer = info->config->optimizer;
    memcpy(record->model_hash, study->variants[run->variant].model_hash, sizeof record->model_hash);
    yt_status status = begin_records(study, run, config, resumed, err);
    if (status == YT_OK) status = finish_training(training, stop, record, err);
    yti_train_destroy(training);
    return status == YT_OK ? study_run_record_save(run->folder, config, record, err) : status;
}

static void show_progress(const study_hooks *hooks, study_progress *progress, const study_run_record *record,
                          bool kept) {
    progress->finished = record != NULL;
    progress->kept = kept;
    if (record) {
        progress->status = record->status;
        progress->epochs = record->epochs;
        progress->ap = record->ap;
        progress->seconds = record->seconds;
    }
    if (hooks->run) hooks->run(hooks->context, progress);
}

/* What the folder of a run has is of the same network, whatever the model YAML is called. */
static yt_status same_model(const study_comparison *study, const study_run *run, const study_run_record *record,
                            yt_err *err) {
    const study_variant *v = &study->variants[run->variant];
    if (!record->model_hash[0] || strcmp(record->model_hash, v->model_hash) == 0) return YT_OK;
    return yt_fail(err, YT_ERR_MISMATCH,
                   "%s: this run was made before %.200s was changed; choose another --name for the new study, or "
                   "remove the folder",
                   run->folder, v->config.model);
}

static yt_status one_run(study_comparison *study, int index, const study_hooks *hooks, const yti_stop *stop,
                         bool *listened, yt_err *err) {
    study_run *run = &study->runs[index];
    yti_train_config config;
    YT_TRY(study_run_config(study, run, &config, err));
    study_progress progress = {.run = index + 1,
                               .runs = study_runs(study),
                               .variant = study->variants[run->variant].words.name,
                               .folder = run->folder,
                               .seed = run->seed};
    study_run_record record;
    bool found;
    YT_TRY(study_run_record_load(run->folder, &config, &record, &found, err));
    YT_TRY(same_model(study, run, &record, err));
    if (!found) {
        show_progress(hooks, &progress, NULL, false);
        yti_problem_sink problem = *listened ? NULL : hooks->problem;
        YT_TRY(train(study, run, &config, hooks, problem, stop, &record, &progress.first_epoch, err));
        *listened = true;
    }
    show_progress(hooks, &progress, &record, found);
    return YT_OK;
}

/* Two processes would write the rows of both into the same tables. */
static yt_status take_folder(study_comparison *study, yt_err *err) {
    YT_TRY(yti_path_make_dirs(study->folder, err));
    return yti_folder_lock(study->folder, &study->lock, err);
}

yt_status study_train(study_comparison *study, const study_hooks *hooks, const yti_stop *stop, yt_err *err) {
    bool listened = false;
    for (int i = 0; i < study_runs(study); i++) {
        if (stop && *stop) return yt_fail(err, YT_ERR_STOPPED, "stopped before run %d", i + 1);
        YT_TRY(take_folder(study, err));
        YT_TRY(one_run(study, i, hooks, stop, &listened, err));
    }
    return study->recorded ? YT_OK : study_record_save(study, err);
}
