/* create.c: a study from its words and settings to its variants and runs. Everything that can be wrong with words,
 * dataset or networks is found here, before the first run.
 */
#include "base/file.h"
#include "base/rng.h"
#include "base/run_folder.h"
#include "study/comparison.h"
#include "study/record/study_record.h"

#include <stdlib.h>
#include <string.h>

static const char needed_for[] = "a comparison";

static yt_status choose_folder(study_comparison *study, yt_err *err) {
    return yti_run_folder_name(study->base.project, study_name(study), &study->folder, err);
}

/* Runs lie below the study's folder and log their gradients. */
static yt_status settle_base(study_comparison *study, yt_err *err) {
    yti_train_config *c = &study->base;
    if (!c->data[0]) return yt_fail(err, YT_ERR_ARGUMENT, "data: name a dataset YAML to train on");
    if (c->fitness != YT_FITNESS_AP)
        return yt_fail(err, YT_ERR_ARGUMENT, "fitness: a comparison judges every run by its best %s; leave it out",
                       yti_fitness_name(YT_FITNESS_AP));
    if (c->resume[0])
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "--compare: continues by itself where it was interrupted; leave out --resume");
    if (c->source[YT_TRAIN_KEY_log_gradients] != YT_SOURCE_TYPED)
        YT_TRY(yti_train_config_set(c, "log_gradients", STUDY_LOG_INTERVAL, YT_SOURCE_TYPED, err));
    if (c->log_gradients == 0)
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "log_gradients: 0 leaves no gradients to compare; choose 1 or more, or leave it out "
                       "for " STUDY_LOG_INTERVAL);
    return yti_train_config_set(c, "exist_ok", "true", YT_SOURCE_TYPED, err);
}

static yt_status make_variant(study_comparison *study, int index, yt_err *err) {
    study_variant *v = &study->variants[index];
    YT_TRY(study_variant_apply(&v->words, &study->base, &v->config, err));
    yti_model *model;
    YT_TRY(study_model(study, index, &model, err));
    v->parameters = yti_model_parameters(model);
    snprintf(v->model_hash, sizeof v->model_hash, "%016llx",
             (unsigned long long)yti_hash64(model->yaml_text, strlen(model->yaml_text)));
    yt_status status = yti_model_gflops(model, v->config.imgsz, &v->gflops, err);
    yti_model_destroy(model);
    return status;
}

static yt_status make_run(study_comparison *study, int variant, int seed_index, yt_err *err) {
    study_run *run = &study->runs[seed_index * study->n_variants + variant];
    char file[STUDY_TEXT], name[STUDY_TEXT + 32];
    study_variant_file_name(&study->variants[variant].words, file, sizeof file);
    *run = (study_run){.variant = variant, .seed = study->base.seed + seed_index};
    snprintf(name, sizeof name, "%s-seed%d", file, run->seed);
    run->folder = yti_path_join(study->folder, name);
    return run->folder ? YT_OK : yti_no_memory(err, needed_for);
}

static yt_status make(study_comparison *study, const char *variants, yt_err *err) {
    study_words *words = calloc(STUDY_MAX_VARIANTS, sizeof *words);
    if (!words) return yti_no_memory(err, needed_for);
    yt_status status = study_variants_parse(variants, words, &study->n_variants, err);
    size_t n = status == YT_OK ? (size_t)study->n_variants : 0;
    study->variants = calloc(n + 1, sizeof *study->variants);
    study->runs = calloc(n * (size_t)study->n_seeds + 1, sizeof *study->runs);
    if (status == YT_OK && (!study->variants || !study->runs)) status = yti_no_memory(err, needed_for);
    for (size_t i = 0; status == YT_OK && i < n; i++) study->variants[i].words = words[i];
    free(words);
    if (status == YT_OK) status = settle_base(study, err);
    if (status == YT_OK) status = choose_folder(study, err);
    for (int i = 0; status == YT_OK && i < study->n_variants; i++) status = make_variant(study, i, err);
    for (int s = 0; status == YT_OK && s < study->n_seeds; s++)
        for (int i = 0; status == YT_OK && i < study->n_variants; i++) status = make_run(study, i, s, err);
    return status == YT_OK ? study_record_check(study, err) : status;
}

yt_status study_create(const yti_train_config *config, const char *variants, int seeds, const char *const *search_dirs,
                       study_comparison **out, yt_err *err) {
    if (seeds < 1 || seeds > STUDY_MAX_SEEDS)
        return yt_fail(err, YT_ERR_ARGUMENT, "--seeds: %d; 1 to %d work", seeds, STUDY_MAX_SEEDS);
    if (config->seed > INT32_MAX - (seeds - 1))
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "--seeds: %d from --seed %d on leave the range of seeds; the last one is %d", seeds,
                       config->seed, INT32_MAX);
    study_comparison *study = calloc(1, sizeof *study);
    if (!study) return yti_no_memory(err, needed_for);
    study->base = *config;
    study->lock = YTI_UNLOCKED;
    study->n_seeds = seeds;
    study->search_dirs = search_dirs;
    yt_status status = make(study, variants, err);
    if (status == YT_OK)
        *out = study;
    else
        study_destroy(study);
    return status;
}

void study_destroy(study_comparison *study) {
    if (!study) return;
    yti_folder_unlock(&study->lock);
    for (int i = 0; study->variants && i < study->n_variants; i++) {
        study_variant *v = &study->variants[i];
        study_points_free(&v->points);
        for (int m = 0; m < STUDY_MOMENTS; m++) {
            free(v->moments[m].profile);
            free(v->moments[m].ratio);
        }
    }
    for (int i = 0; study->runs && i < study_runs(study); i++) {
        study_run *run = &study->runs[i];
        free(run->folder);
        free(run->end.epochs);
        free(run->seen.steps);
        free(run->seen.rms);
        free(run->seen.mean_abs);
        free(run->seen.update);
        free(run->seen.norm);
        free(run->seen.bad);
    }
    free(study->variants);
    free(study->runs);
    free(study->folder);
    free(study);
}
