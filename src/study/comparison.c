/* comparison.c: what all of a study asks of it: its runs, their settings, the networks of its variants. */
#include "study/comparison.h"
#include "base/file.h"
#include "train/parts/build_model.h"

#include <stdlib.h>
#include <string.h>

const study_run *study_run_of(const study_comparison *study, int variant, int seed_index) {
    return &study->runs[seed_index * study->n_variants + variant];
}

const char *study_folder(const study_comparison *study) {
    return study->folder;
}

int study_runs(const study_comparison *study) {
    return study->n_variants * study->n_seeds;
}

yt_status study_model(const study_comparison *study, int variant, yti_model **out, yt_err *err) {
    yti_train_config config = study->variants[variant].config;
    yti_dataset dataset;
    YT_TRY(yti_dataset_open(config.data, &dataset, err));
    int n_classes = config.single_cls ? 1 : dataset.n_classes;
    yti_dataset_close(&dataset);
    return yti_train_build_model(&config, n_classes, study->search_dirs, out, err);
}

void study_moment_name(const study_comparison *study, int moment, char *out, size_t room) {
    if (study->moment_steps[moment] == 0)
        snprintf(out, room, "at initialisation");
    else
        snprintf(out, room, "after step %ld", study->moment_steps[moment]);
}

const char *study_name(const study_comparison *study) {
    const yti_train_config *c = &study->base;
    return c->source[YT_TRAIN_KEY_name] == YT_SOURCE_TYPED && c->name[0] ? c->name : "compare";
}

yt_status study_run_config(const study_comparison *study, const study_run *run, yti_train_config *config, yt_err *err) {
    *config = study->variants[run->variant].config;
    config->seed = run->seed;
    config->source[YT_TRAIN_KEY_seed] = YT_SOURCE_TYPED;
    YT_TRY(yti_train_config_set(config, "name", yti_path_base(run->folder), YT_SOURCE_TYPED, err));
    /* a relative project lies below the root of all runs, which the study's folder names already */
    const char *parent = study->base.project, *name = study_name(study);
    char *project = parent[0] ? yti_path_join(parent, name) : strdup(name);
    if (!project) return yti_no_memory(err, "a comparison");
    yt_status status = yti_train_config_set(config, "project", project, YT_SOURCE_TYPED, err);
    free(project);
    return status;
}
