/* Tests of src/train/weights.c: a model's state through safetensors files. */
#include "yt/file.h"
#include "yt/weights.h"
#include "support/folder.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void init(void) {
    yt_folder_make();
    yt_tiny_write_models();
}
TestSuite(weights, .init = init, .fini = yt_folder_remove);

static char *names_list[] = {(char[]){"red"}, (char[]){"blue"}};
static const yt_class_names names = {2, names_list};

static yt_model *load(const char *name, yt_model_options options) {
    yt_model *model = NULL;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_model_load(yt_folder_path(name), &options, &model, &err), YT_OK, "%s", err.text);
    yt_model_init(model, 3, &model->state);
    for (size_t i = 0; i < model->buffer_count; i++) model->state.buffers[i] += (float)i * 0.25f;
    return model;
}

static void save(const char *path, const yt_model *model) {
    yt_err err = {.text = ""};
    cr_assert_eq(yt_weights_save(path, model, &model->state, 7, &names, 96, NULL, NULL, 0, &err), YT_OK, "%s",
                 err.text);
}

static void expect_same_state(const yt_model *a, const yt_model *b) {
    cr_assert_eq(a->param_count, b->param_count);
    cr_assert_arr_eq(a->state.params, b->state.params, a->param_count * sizeof(float));
    cr_assert_arr_eq(a->state.buffers, b->state.buffers, a->buffer_count * sizeof(float));
}

Test(weights, a_file_brings_the_model_and_every_bit_back) {
    yt_model_options options = YT_MODEL_DEFAULTS;
    options.no_residual = true;
    options.activation = YT_ACT_TANH;
    yt_model *model = load("tiny26.yaml", options), *read = NULL;
    const char *path = yt_folder_path("w.safetensors");
    save(path, model);
    yt_class_names found = {0};
    int imgsz = 0;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_weights_open(path, NULL, NULL, &read, &found, &imgsz, &err), YT_OK, "%s", err.text);
    expect_same_state(model, read);
    cr_assert_eq(imgsz, 96);
    cr_assert_eq(found.count, 2);
    cr_assert_str_eq(found.names[1], "blue");
    cr_assert(read->options.no_residual);
    cr_assert_eq(read->options.activation, (int)YT_ACT_TANH);
    cr_assert_str_eq(read->name, model->name);
    yt_class_names_free(&found);
    yt_model_destroy(read);
    yt_model_destroy(model);
}

Test(weights, tensors_lie_in_the_order_of_the_family) {
    yt_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS);
    const yt_param_info *info = &model->params[0];
    cr_assert_str_eq(info->name, "model.0.conv.weight");
    const char *path = yt_folder_path("w.safetensors");
    save(path, model);
    yt_st_file file;
    cr_assert_eq(yt_st_load(path, &file, NULL), YT_OK);
    const yt_st_entry *entry = yt_st_find(&file, "model.0.conv.weight");
    cr_assert_not_null(entry);
    cr_assert_eq(entry->n_dims, 4);
    cr_assert(entry->dims[0] == 8 && entry->dims[1] == 3 && entry->dims[2] == 3 && entry->dims[3] == 3);
    float values[8 * 3 * 3 * 3];
    cr_assert(yt_st_to_float(entry, values));
    const float *memory = model->state.params + info->offset;
    for (size_t o = 0; o < 8; o++)
        for (size_t i = 0; i < 3; i++)
            for (size_t tap = 0; tap < 9; tap++)
                cr_assert_eq(values[(o * 3 + i) * 9 + tap], memory[(tap * 3 + i) * 8 + o]);
    int64_t steps = 0;
    const yt_st_entry *counter = yt_st_find(&file, "model.0.bn.num_batches_tracked");
    cr_assert_not_null(counter);
    cr_assert_eq(counter->n_dims, 0);
    cr_assert(yt_st_to_int64(counter, &steps));
    cr_assert_eq(steps, 7);
    yt_st_free(&file);
    yt_model_destroy(model);
}

/* Writes a model's entries with one of them changed by `spoil`. */
static const char *spoilt_file(const yt_model *model, void (*spoil)(yt_entry_list *)) {
    yt_entry_list list = {0};
    cr_assert_eq(yt_entries_add_state(&list, "", model, &model->state, 0, NULL), YT_OK);
    spoil(&list);
    const char *path = yt_folder_path("spoilt.safetensors");
    cr_assert_eq(yt_st_save(path, list.entries, list.count, NULL, NULL, 0, NULL), YT_OK);
    yt_entries_free(&list);
    return path;
}

static void rename_first(yt_entry_list *list) {
    list->entries[0].name[0] = 'x';
}

static void flatten_first(yt_entry_list *list) {
    list->entries[0].n_dims = 1;
    list->entries[0].dims[0] = (int64_t)list->entries[0].count;
}

static void leave(yt_entry_list *list) {
    (void)list;
}

static void expect_refused(const char *path, const char *model_path, const char *reason) {
    yt_model *model = NULL;
    yt_class_names found = {0};
    int imgsz;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_weights_open(path, model_path, NULL, &model, &found, &imgsz, &err), YT_MISMATCH);
    cr_assert_not_null(strstr(err.text, reason), "said %s", err.text);
    cr_assert_not_null(strstr(err.text, path), "said %s", err.text);
    cr_assert_null(model);
}

Test(weights, a_tensor_that_is_missing_or_misshapen_is_named) {
    yt_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS);
    const char *yaml = yt_folder_path("tiny8.yaml");
    expect_refused(spoilt_file(model, rename_first), yaml, "model.0.conv.weight is not in the file");
    expect_refused(spoilt_file(model, flatten_first), yaml,
                   "model.0.conv.weight has shape [216] in the file and [8, 3, 3, 3] in the model");
    yt_model_destroy(model);
}

Test(weights, a_file_without_metadata_needs_a_model) {
    yt_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS), *read = NULL;
    const char *path = spoilt_file(model, leave);
    expect_refused(path, NULL, "--model");
    yt_class_names found = {0};
    int imgsz = 0;
    cr_assert_eq(yt_weights_open(path, yt_folder_path("tiny8.yaml"), NULL, &read, &found, &imgsz, NULL),
                 YT_OK);
    expect_same_state(model, read);
    cr_assert_eq(imgsz, 640);
    cr_assert_str_eq(found.names[1], "class_1");
    yt_class_names_free(&found);
    yt_model_destroy(read);
    yt_model_destroy(model);
}

Test(weights, a_transfer_takes_what_fits_and_counts_it) {
    yt_model_options three = YT_MODEL_DEFAULTS;
    three.n_classes = 3;
    yt_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS), *other = load("tiny8.yaml", three);
    const char *path = yt_folder_path("w.safetensors");
    save(path, model);
    memset(other->state.params, 0, other->param_count * sizeof(float));
    yt_transfer_report report;
    cr_assert_eq(yt_weights_transfer(path, other, &report, NULL), YT_OK);
    cr_assert_eq(report.total, other->n_params);
    cr_assert_eq(report.matched, other->n_params - 6,
                 "weight and bias of the last class layers of three levels");
    cr_assert_not_null(strstr(report.first_miss, "has shape"), "%s", report.first_miss);
    cr_assert_arr_eq(other->state.params + other->params[0].offset,
                     model->state.params + model->params[0].offset, model->params[0].count * sizeof(float));
    yt_model_destroy(other);
    yt_model_destroy(model);
}

Test(weights, the_moving_average_of_a_checkpoint_is_preferred) {
    yt_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS), *read = NULL;
    yt_entry_list list = {0};
    cr_assert_eq(yt_entries_add_state(&list, "ema.", model, &model->state, 0, NULL), YT_OK);
    for (size_t i = 0; i < model->param_count; i++) model->state.params[i] += 1;
    cr_assert_eq(yt_entries_add_state(&list, "", model, &model->state, 0, NULL), YT_OK);
    const char *path = yt_folder_path("c.safetensors");
    cr_assert_eq(yt_st_save(path, list.entries, list.count, NULL, NULL, 0, NULL), YT_OK);
    yt_entries_free(&list);
    yt_class_names found = {0};
    int imgsz;
    cr_assert_eq(yt_weights_open(path, yt_folder_path("tiny8.yaml"), NULL, &read, &found, &imgsz, NULL),
                 YT_OK);
    size_t at = model->params[0].offset;
    cr_assert_eq(read->state.params[at] + 1, model->state.params[at]);
    yt_class_names_free(&found);
    yt_model_destroy(read);
    yt_model_destroy(model);
}

Test(weights, damaged_metadata_is_refused) {
    yt_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS);
    static const char *const bad[][2] = {{"names", "[1, 2]"},      {"names", "[\"a\"]"},
                                         {"names", "{"},           {"model_options", "[]"},
                                         {"model_options", "{}"},  {"model_options", "{\"n_classes\":1e9}"},
                                         {"model_yaml", "nc: [\n"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        yt_entry_list list = {0};
        cr_assert_eq(yt_entries_add_state(&list, "", model, &model->state, 0, NULL), YT_OK);
        const char *keys[] = {"model_yaml", bad[i][0]}, *values[] = {model->yaml_text, bad[i][1]};
        bool replaces = strcmp(bad[i][0], "model_yaml") == 0;
        const char *path = yt_folder_path("bad.safetensors");
        cr_assert_eq(yt_st_save(path, list.entries, list.count, keys + replaces, values + replaces,
                                (size_t)(2 - replaces), NULL),
                     YT_OK);
        yt_entries_free(&list);
        yt_model *read = NULL;
        yt_class_names found = {0};
        int imgsz;
        cr_assert_neq(yt_weights_open(path, NULL, NULL, &read, &found, &imgsz, NULL), YT_OK, "%s", bad[i][1]);
        cr_assert_null(read);
    }
    yt_model_destroy(model);
}
