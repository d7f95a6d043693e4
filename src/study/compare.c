/* compare.c: a study from its settings to its runs, one after another. Everything that can be wrong with words,
 * dataset or networks is found before the first run.
 */
#include "study/study.h"
#include "study/run_record.h"
#include "train/run_folder.h"
#include "yt/cpu.h"
#include "yt/file.h"

#include <stdlib.h>
#include <string.h>

static yt_status no_memory(yt_err *err) {
    return yt_fail(err, YT_NO_MEMORY, "no memory for a comparison");
}

const study_run *yti_study_run(const yt_compare *study, int variant, int seed_index) {
    return &study->runs[seed_index * study->n_variants + variant];
}

const char *yt_compare_folder(const yt_compare *study) {
    return study->folder;
}

int yt_compare_runs(const yt_compare *study) {
    return study->n_variants * study->n_seeds;
}

yt_status yti_study_model(const yt_compare *study, int variant, yt_model **out, yt_err *err) {
    yt_train_config config = study->variants[variant].config;
    yt_dataset dataset;
    YT_TRY(yt_dataset_open(config.data, &dataset, err));
    int n_classes = config.single_cls ? 1 : dataset.n_classes;
    yt_dataset_close(&dataset);
    return yt_train_build_model(&config, n_classes, study->search_dirs, out, err);
}

/* ---- making ---- */

static yt_status choose_folder(yt_compare *study, yt_err *err) {
    const yt_train_config *c = &study->base;
    bool named = c->source[YT_TRAIN_KEY_name] == YT_SOURCE_TYPED;
    return yt_run_folder_choose(c->project, named ? c->name : "compare", true, &study->folder, err);
}

/* Runs lie below the study's folder and log their gradients. */
static yt_status settle_base(yt_compare *study, yt_err *err) {
    yt_train_config *c = &study->base;
    if (!c->data[0]) return yt_fail(err, YT_ARGUMENT, "data: name a dataset YAML to train on");
    if (c->resume[0])
        return yt_fail(err, YT_ARGUMENT,
                       "--compare: goes on by itself where it was interrupted; leave out --resume");
    if (c->source[YT_TRAIN_KEY_log_gradients] != YT_SOURCE_TYPED)
        YT_TRY(yt_train_config_set(c, "log_gradients", "20", YT_SOURCE_TYPED, err));
    return yt_train_config_set(c, "exist_ok", "true", YT_SOURCE_TYPED, err);
}

static yt_status make_variant(yt_compare *study, int index, yt_err *err) {
    study_variant *v = &study->variants[index];
    YT_TRY(yti_variant_apply(&v->words, &study->base, &v->config, err));
    yt_model *model;
    YT_TRY(yti_study_model(study, index, &model, err));
    v->parameters = yt_model_parameters(model);
    yt_status status = yt_model_gflops(model, v->config.imgsz, &v->gflops, err);
    yt_model_destroy(model);
    return status;
}

static yt_status make_run(yt_compare *study, int variant, int seed_index, yt_err *err) {
    study_run *run = &study->runs[seed_index * study->n_variants + variant];
    char file[STUDY_TEXT], name[STUDY_TEXT + 32];
    yti_variant_file_name(&study->variants[variant].words, file, sizeof file);
    *run = (study_run){.variant = variant, .seed = study->base.seed + seed_index};
    snprintf(name, sizeof name, "%s-seed%d", file, run->seed);
    run->folder = yt_path_join(study->folder, name);
    return run->folder ? YT_OK : no_memory(err);
}

static yt_status make(yt_compare *study, const char *variants, yt_err *err) {
    study_words *words = calloc(YT_MAX_VARIANTS, sizeof *words);
    if (!words) return no_memory(err);
    yt_status status = yti_variants_parse(variants, words, &study->n_variants, err);
    size_t n = status == YT_OK ? (size_t)study->n_variants : 0;
    study->variants = calloc(n + 1, sizeof *study->variants);
    study->runs = calloc(n * (size_t)study->n_seeds + 1, sizeof *study->runs);
    if (status == YT_OK && (!study->variants || !study->runs)) status = no_memory(err);
    for (size_t i = 0; status == YT_OK && i < n; i++) study->variants[i].words = words[i];
    free(words);
    if (status == YT_OK) status = settle_base(study, err);
    if (status == YT_OK) status = choose_folder(study, err);
    for (int i = 0; status == YT_OK && i < study->n_variants; i++) status = make_variant(study, i, err);
    for (int s = 0; status == YT_OK && s < study->n_seeds; s++)
        for (int i = 0; status == YT_OK && i < study->n_variants; i++) status = make_run(study, i, s, err);
    return status;
}

yt_status yt_compare_create(const yt_train_config *config, const char *variants, int seeds,
                            const char *const *search_dirs, yt_compare **out, yt_err *err) {
    if (seeds < 1 || seeds > YT_MAX_SEEDS)
        return yt_fail(err, YT_ARGUMENT, "--seeds: %d; 1 to %d work", seeds, YT_MAX_SEEDS);
    yt_compare *study = calloc(1, sizeof *study);
    if (!study) return no_memory(err);
    study->base = *config;
    study->n_seeds = seeds;
    study->search_dirs = search_dirs;
    yt_status status = make(study, variants, err);
    if (status == YT_OK)
        *out = study;
    else
        yt_compare_destroy(study);
    return status;
}

void yt_compare_destroy(yt_compare *study) {
    if (!study) return;
    for (int i = 0; study->variants && i < study->n_variants; i++) {
        study_variant *v = &study->variants[i];
        yti_points_free(&v->points);
        for (int m = 0; m < STUDY_MOMENTS; m++) {
            free(v->moments[m].profile);
            free(v->moments[m].ratio);
        }
    }
    for (int i = 0; study->runs && i < yt_compare_runs(study); i++) {
        study_run *run = &study->runs[i];
        free(run->folder);
        free(run->epochs);
        free(run->steps);
        free(run->rms);
        free(run->mean_abs);
        free(run->update);
        free(run->norm);
        free(run->bad);
    }
    free(study->variants);
    free(study->runs);
    free(study->folder);
    free(study);
}

/* ---- running ---- */

static void keep_summary(void *context, const yt_train_summary *summary) {
    study_record *record = context;
    record->epochs = summary->epochs;
    record->ap = summary->best_fitness;
    record->seconds = summary->seconds;
    snprintf(record->weights_hash, sizeof record->weights_hash, "%016llx",
             (unsigned long long)summary->weights_hash);
}

yt_status yti_study_run_config(const yt_compare *study, const study_run *run, yt_train_config *config,
                               yt_err *err) {
    *config = study->variants[run->variant].config;
    config->seed = run->seed;
    config->source[YT_TRAIN_KEY_seed] = YT_SOURCE_TYPED;
    YT_TRY(yt_train_config_set(config, "name", yt_path_base(run->folder), YT_SOURCE_TYPED, err));
    /* a relative project lies below the root of all runs, which the study's folder names already */
    const char *parent = study->base.project, *name = yt_path_base(study->folder);
    char *project = parent[0] ? yt_path_join(parent, name) : strdup(name);
    if (!project) return no_memory(err);
    yt_status status = yt_train_config_set(config, "project", project, YT_SOURCE_TYPED, err);
    free(project);
    return status;
}

static yt_status train(const yt_compare *study, const yt_train_config *config, yt_problem_sink problem,
                       void *context, const volatile sig_atomic_t *stop, study_record *record, yt_err *err) {
    yt_training *training;
    YT_TRY(yt_train_prepare(config, study->search_dirs, problem, context, &training, err));
    yt_train_observer observer = {.finish = keep_summary, .context = record};
    yt_err reason = {.text = ""};
    record->status = yt_train_run(training, &observer, 1, stop, &reason);
    yt_train_destroy(training);
    snprintf(record->message, sizeof record->message, "%s", record->status == YT_OK ? "" : reason.text);
    if (record->status == YT_OK || record->status == YT_NON_FINITE) return YT_OK;
    return yt_fail(err, record->status, "%s", reason.text);
}

static void tell(const yt_compare_hooks *hooks, yt_compare_progress *progress, const study_record *record,
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

static yt_status one_run(yt_compare *study, int index, const yt_compare_hooks *hooks,
                         const volatile sig_atomic_t *stop, bool *listened, yt_err *err) {
    study_run *run = &study->runs[index];
    yt_train_config config;
    YT_TRY(yti_study_run_config(study, run, &config, err));
    yt_compare_progress progress = {.run = index + 1,
                                    .runs = yt_compare_runs(study),
                                    .variant = study->variants[run->variant].words.name,
                                    .folder = run->folder,
                                    .seed = run->seed};
    study_record record = {.status = YT_OK};
    bool found;
    YT_TRY(yti_record_load(run->folder, &config, &record, &found, err));
    if (!found) {
        tell(hooks, &progress, NULL, false);
        YT_TRY(train(study, &config, *listened ? NULL : hooks->problem, hooks->context, stop, &record, err));
        *listened = true;
        YT_TRY(yti_record_save(run->folder, &config, &record, err));
    }
    tell(hooks, &progress, &record, found);
    return YT_OK;
}

yt_status yt_compare_run(yt_compare *study, const yt_compare_hooks *hooks, const volatile sig_atomic_t *stop,
                         yt_err *err) {
    bool listened = false;
    for (int i = 0; i < yt_compare_runs(study); i++) {
        if (stop && *stop) return yt_fail(err, YT_STOPPED, "stopped before run %d", i + 1);
        YT_TRY(one_run(study, i, hooks, stop, &listened, err));
    }
    return YT_OK;
}
