/* models.c: see models.h. */
#include "support/models.h"

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
