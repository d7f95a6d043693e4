/* models.c: see models.h. */
#include "support/models.h"

#include "weights/weights_metadata.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

yti_model *test_model_load(const char *name, yti_model_options options) {
    static const char *const search_dirs[] = {YT_SOURCE_DIR "/models", NULL};
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    char file[64];
    snprintf(file, sizeof file, "%s%s", name, strstr(name, ".yaml") ? "" : ".yaml");
    options.search_dirs = search_dirs;
    cr_assert_eq(yti_model_load(file, &options, &model, &err), YT_OK, "%s", err.text);
    return model;
}

const yti_param_info *test_model_find(const yti_model *model, const char *name) {
    for (int i = 0; i < model->n_params; i++)
        if (strcmp(model->params[i].name, name) == 0) return &model->params[i];
    return NULL;
}

yt_status test_weights_save(const char *path, const yti_model *model, const yti_state *state, int64_t steps,
                            const yti_class_names *names, int imgsz, yt_err *err) {
    yti_entry_list list = {0};
    yti_metadata metadata = {0};
    yt_status status = yti_entries_add_state(&list, "", model, state, steps, err);
    if (status == YT_OK) status = yti_metadata_describe(&metadata, model, names, imgsz, err);
    if (status == YT_OK)
        status = yti_st_save(path, list.entries, list.count, (const char *const *)metadata.keys,
                             (const char *const *)metadata.values, metadata.count, err);
    yti_metadata_free(&metadata);
    yti_entries_free(&list);
    return status;
}
