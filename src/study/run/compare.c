/* compare.c: a study from its words and settings to its variants and runs. Everything that can be wrong with words,
 * dataset or networks is found here, before the first run.
 */
#include "base/file.h"
#include "base/rng.h"
#include "study/record/run_record.h"
#include "study/study.h"
#include "train/parts/build_model.h"
#include "base/run_folder.h"

#include <stdlib.h>
#include <string.h>

static yt_status no_memory(yt_err *err) {
    return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for a comparison");
}

const study_run *yti_study_run(const yti_compare *study, int variant, int seed_index) {
    return &study->runs[seed_index * study->n_variants + variant];
}

const char *yti_compare_folder(const yti_compare *study) {
    return study->folder;
}

int yti_compare_runs(const yti_compare *study) {
    return study->n_variants * study->n_seeds;
}

yt_status yti_study_model(const yti_compare *study, int variant, yti_model **out, yt_err *err) {
    yti_train_config config = study->variants[variant].config;
    yti_dataset dataset;
    YT_TRY(yti_dataset_open(config.data, &dataset, err));
    int n_classes = config.single_cls ? 1 : dataset.n_classes;
    yti_dataset_close(&dataset);
    return yti_train_build_model(&config, n_classes, study->search_dirs, out, err);
}

/* ---- making ---- */

/* Of the study's folder, below the project. */
static const char *study_name(const yti_compare *study) {
    const yti_train_config *c = &study->base;
    return c->source[YT_TRAIN_KEY_name] == YT_SOURCE_TYPED && c->name[0] ? c->name : "compare";
}

static yt_status choose_folder(yti_compare *study, yt_err *err) {
    return yti_run_folder_name(study->base.project, study_name(study), &study->folder, err);
}

/* Runs lie below the study's folder and log their gradients. */
static yt_status settle_base(yti_compare *study, yt_err *err) {
    yti_train_config *c = &study->base;
    if (!c->data[0]) return yt_fail(err, YT_ERR_ARGUMENT, "data: name a dataset YAML to train on");
    if (c->resume[0])
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "--compare: continues by itself where it was interrupted; leave out --resume");
    if (c->source[YT_TRAIN_KEY_log_gradients] != YT_SOURCE_TYPED)
        YT_TRY(yti_train_config_set(c, "log_gradients", YT_COMPARE_LOG_INTERVAL, YT_SOURCE_TYPED, err));
    if (c->log_gradients == 0)
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "log_gradients: 0 leaves no gradients to compare; choose 1 or more, or leave it out "
                       "for " YT_COMPARE_LOG_INTERVAL);
    return yti_train_config_set(c, "exist_ok", "true", YT_SOURCE_TYPED, err);
}

static yt_status make_variant(yti_compare *study, int index, yt_err *err) {
    study_variant *v = &study->variants[index];
    YT_TRY(yti_variant_apply(&v->words, &study->base, &v->config, err));
    yti_model *model;
    YT_TRY(yti_study_model(study, index, &model, err));
    v->parameters = yti_model_parameters(model);
    snprintf(v->model_hash, sizeof v->model_hash, "%016llx",
             (unsigned long long)yti_hash64(model->yaml_text, strlen(model->yaml_text)));
    yt_status status = yti_model_gflops(model, v->config.imgsz, &v->gflops, err);
    yti_model_destroy(model);
    return status;
}

static yt_status make_run(yti_compare *study, int variant, int seed_index, yt_err *err) {
    study_run *run = &study->runs[seed_index * study->n_variants + variant];
    char file[STUDY_TEXT], name[STUDY_TEXT + 32];
    yti_variant_file_name(&study->variants[variant].words, file, sizeof file);
    *run = (study_run){.variant = variant, .seed = study->base.seed + seed_index};
    snprintf(name, sizeof name, "%s-seed%d", file, run->seed);
    run->folder = yti_path_join(study->folder, name);
    return run->folder ? YT_OK : no_memory(err);
}

static yt_status make(yti_compare *study, const char *variants, yt_err *err) {
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
    return status == YT_OK ? yti_study_record_check(study, err) : status;
}

yt_status yti_compare_create(const yti_train_config *config, const char *variants, int seeds,
                             const char *const *search_dirs, yti_compare **out, yt_err *err) {
    if (seeds < 1 || seeds > YT_MAX_SEEDS)
        return yt_fail(err, YT_ERR_ARGUMENT, "--seeds: %d; 1 to %d work", seeds, YT_MAX_SEEDS);
    if (config->seed > INT32_MAX - (seeds - 1))
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "--seeds: %d from --seed %d on leave the range of seeds; the last one is %d", seeds,
                       config->seed, INT32_MAX);
    yti_compare *study = calloc(1, sizeof *study);
    if (!study) return no_memory(err);
    study->base = *config;
    study->lock = YTI_UNLOCKED;
    study->n_seeds = seeds;
    study->search_dirs = search_dirs;
    yt_status status = make(study, variants, err);
    if (status == YT_OK)
        *out = study;
    else
        yti_compare_destroy(study);
    return status;
}

void yti_compare_destroy(yti_compare *study) {
    if (!study) return;
    yti_folder_unlock(&study->lock);
    for (int i = 0; study->variants && i < study->n_variants; i++) {
        study_variant *v = &study->variants[i];
        yti_points_free(&v->points);
        for (int m = 0; m < STUDY_MOMENTS; m++) {
            free(v->moments[m].profile);
            free(v->moments[m].ratio);
        }
    }
    for (int i = 0; study->runs && i < yti_compare_runs(study); i++) {
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

yt_status yti_study_run_config(const yti_compare *study, const study_run *run, yti_train_config *config, yt_err *err) {
    *config = study->variants[run->variant].config;
    config->seed = run->seed;
    config->source[YT_TRAIN_KEY_seed] = YT_SOURCE_TYPED;
    YT_TRY(yti_train_config_set(config, "name", yti_path_base(run->folder), YT_SOURCE_TYPED, err));
    /* a relative project lies below the root of all runs, which the study's folder names already */
    const char *parent = study->base.project, *name = study_name(study);
    char *project = parent[0] ? yti_path_join(parent, name) : strdup(name);
    if (!project) return no_memory(err);
    yt_status status = yti_train_config_set(config, "project", project, YT_SOURCE_TYPED, err);
    free(project);
    return status;
}
