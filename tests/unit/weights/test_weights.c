/* Tests of src/train/weights*.c and build_model.c: a model's state through files, and into other models. */
#include "base/file.h"
#include "base/log.h"
#include "support/folder.h"
#include "support/models.h"
#include "support/problems.h"
#include "support/tiny.h"
#include "train/parts/build_model.h"
#include "weights/weights.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
}
TestSuite(weights, .init = init, .fini = test_folder_remove);

static char *names_list[] = {(char[]){"red"}, (char[]){"blue"}};
static const yti_class_names names = {2, names_list};

static yti_model *load(const char *name, yti_model_options options) {
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_load(test_folder_path(name), &options, &model, &err), YT_OK, "%s", err.text);
    yti_model_init_weights(model, 3, &model->state);
    for (size_t i = 0; i < model->buffer_count; i++) model->state.buffers[i] += (float)i * 0.25f;
    return model;
}

static void save(const char *path, const yti_model *model) {
    yt_err err = {.text = ""};
    cr_assert_eq(test_weights_save(path, model, &model->state, 7, &names, 96, &err), YT_OK, "%s", err.text);
}

static void expect_same_state(const yti_model *a, const yti_model *b) {
    cr_assert_eq(a->param_count, b->param_count);
    cr_assert_arr_eq(a->state.params, b->state.params, a->param_count * sizeof(float));
    cr_assert_arr_eq(a->state.buffers, b->state.buffers, a->buffer_count * sizeof(float));
}

Test(weights, a_file_brings_the_model_and_every_bit_back) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.no_residual = YT_NO_RESIDUAL_CSP_BACKBONE;
    options.activation = YT_ACT_TANH;
    yti_model *model = load("tiny26.yaml", options), *read = NULL;
    const char *path = test_folder_path("w.safetensors");
    save(path, model);
    yti_class_names found = {0};
    int imgsz = 0;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_weights_open(path, NULL, NULL, &read, &found, &imgsz, &err), YT_OK, "%s", err.text);
    expect_same_state(model, read);
    cr_assert_eq(imgsz, 96);
    cr_assert_eq(found.count, 2);
    cr_assert_str_eq(found.names[1], "blue");
    cr_assert_eq(read->options.no_residual, YT_NO_RESIDUAL_CSP_BACKBONE);
    cr_assert_eq(read->options.activation, (int)YT_ACT_TANH);
    cr_assert_str_eq(read->name, model->name);
    yti_class_names_free(&found);
    yti_model_destroy(read);
    yti_model_destroy(model);
}

Test(weights, tensors_lie_in_the_order_of_the_family) {
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS);
    const yti_param_info *info = &model->params[0];
    cr_assert_str_eq(info->name, "model.0.conv.weight");
    const char *path = test_folder_path("w.safetensors");
    save(path, model);
    yti_st_file file;
    cr_assert_eq(yti_st_load(path, &file, NULL), YT_OK);
    const yti_st_entry *entry = yti_st_find(&file, "model.0.conv.weight");
    cr_assert_not_null(entry);
    cr_assert_eq(entry->n_dims, 4);
    cr_assert(entry->dims[0] == 8 && entry->dims[1] == 3 && entry->dims[2] == 3 && entry->dims[3] == 3);
    float values[8 * 3 * 3 * 3];
    cr_assert(yti_st_to_float(entry, values));
    const float *memory = model->state.params + info->offset;
    for (size_t o = 0; o < 8; o++)
        for (size_t i = 0; i < 3; i++)
            for (size_t tap = 0; tap < 9; tap++)
                cr_assert_eq(values[(o * 3 + i) * 9 + tap], memory[(tap * 3 + i) * 8 + o]);
    int64_t steps = 0;
    const yti_st_entry *counter = yti_st_find(&file, "model.0.bn.num_batches_tracked");
    cr_assert_not_null(counter);
    cr_assert_eq(counter->n_dims, 0);
    cr_assert(yti_st_to_int64(counter, &steps));
    cr_assert_eq(steps, 7);
    yti_st_free(&file);
    yti_model_destroy(model);
}

/* Writes a model's entries with one of them changed by `spoil`. */
static const char *spoilt_file(const yti_model *model, void (*spoil)(yti_entry_list *)) {
    yti_entry_list list = {0};
    cr_assert_eq(yti_entries_add_state(&list, "", model, &model->state, 0, NULL), YT_OK);
    spoil(&list);
    const char *path = test_folder_path("spoilt.safetensors");
    cr_assert_eq(yti_st_save(path, list.entries, list.count, NULL, NULL, 0, NULL), YT_OK);
    yti_entries_free(&list);
    return path;
}

static void rename_first(yti_entry_list *list) {
    list->entries[0].name[0] = 'x';
}

static void flatten_first(yti_entry_list *list) {
    list->entries[0].n_dims = 1;
    list->entries[0].dims[0] = (int64_t)list->entries[0].count;
}

static void leave(yti_entry_list *list) {
    (void)list;
}

static void expect_refused(const char *path, const char *model_path, const char *reason) {
    yti_model *model = NULL;
    yti_class_names found = {0};
    int imgsz;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_weights_open(path, model_path, NULL, &model, &found, &imgsz, &err), YT_ERR_MISMATCH);
    cr_assert_not_null(strstr(err.text, reason), "said %s", err.text);
    cr_assert_not_null(strstr(err.text, path), "said %s", err.text);
    cr_assert_null(model);
}

Test(weights, a_tensor_that_is_missing_or_misshapen_is_named) {
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS);
    const char *yaml = test_folder_path("tiny8.yaml");
    expect_refused(spoilt_file(model, rename_first), yaml, "model.0.conv.weight is not in the file");
    expect_refused(spoilt_file(model, flatten_first), yaml,
                   "model.0.conv.weight has shape [216] in the file and [8, 3, 3, 3] in the model");
    yti_model_destroy(model);
}

Test(weights, a_file_without_metadata_needs_a_model) {
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS), *read = NULL;
    const char *path = spoilt_file(model, leave);
    expect_refused(path, NULL, "--model");
    yti_class_names found = {0};
    int imgsz = 0;
    cr_assert_eq(yti_weights_open(path, test_folder_path("tiny8.yaml"), NULL, &read, &found, &imgsz, NULL), YT_OK);
    expect_same_state(model, read);
    cr_assert_eq(imgsz, 640);
    cr_assert_str_eq(found.names[1], "class_1");
    yti_class_names_free(&found);
    yti_model_destroy(read);
    yti_model_destroy(model);
}

Test(weights, a_transfer_takes_what_fits_and_counts_it) {
    yti_model_options three = YT_MODEL_DEFAULTS;
    three.n_classes = 3;
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS), *other = load("tiny8.yaml", three);
    const char *path = test_folder_path("w.safetensors");
    save(path, model);
    memset(other->state.params, 0, other->param_count * sizeof(float));
    yti_transfer_report report;
    cr_assert_eq(yti_weights_transfer(path, other, NULL, &report, NULL), YT_OK);
    cr_assert_eq(report.total, other->n_params);
    cr_assert_eq(report.matched, other->n_params - 6, "weight and bias of the last class layers of three levels");
    cr_assert_not_null(strstr(report.first_miss, "has shape"), "%s", report.first_miss);
    cr_assert_arr_eq(other->state.params + other->params[0].offset, model->state.params + model->params[0].offset,
                     model->params[0].count * sizeof(float));
    yti_model_destroy(other);
    yti_model_destroy(model);
}

/* A state as the model's is now: entries lend the values until they are written. */
static yti_state average_of(const yti_model *model) {
    yti_state average = model->state;
    average.params = malloc((model->param_count + 1) * sizeof(float));
    cr_assert_not_null(average.params);
    memcpy(average.params, model->state.params, model->param_count * sizeof(float));
    return average;
}

Test(weights, the_moving_average_of_a_checkpoint_is_preferred) {
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS), *read = NULL;
    yti_entry_list list = {0};
    yti_state average = average_of(model);
    cr_assert_eq(yti_entries_add_state(&list, "ema.", model, &average, 0, NULL), YT_OK);
    for (size_t i = 0; i < model->param_count; i++) model->state.params[i] += 1;
    cr_assert_eq(yti_entries_add_state(&list, "", model, &model->state, 0, NULL), YT_OK);
    const char *path = test_folder_path("c.safetensors");
    cr_assert_eq(yti_st_save(path, list.entries, list.count, NULL, NULL, 0, NULL), YT_OK);
    yti_entries_free(&list);
    yti_class_names found = {0};
    int imgsz;
    cr_assert_eq(yti_weights_open(path, test_folder_path("tiny8.yaml"), NULL, &read, &found, &imgsz, NULL), YT_OK);
    size_t at = model->params[0].offset;
    cr_assert_eq(read->state.params[at] + 1, model->state.params[at]);
    free(average.params);
    yti_class_names_free(&found);
    yti_model_destroy(read);
    yti_model_destroy(model);
}

Test(weights, damaged_metadata_is_refused) {
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS);
    static const char *const bad[][2] = {
        {"names", "[1, 2]"},       {"names", "[\"a\"]"},    {"names", "{"},
        {"model_options", "[]"},   {"model_options", "{}"}, {"model_options", "{\"n_classes\":1e9}"},
        {"model_yaml", "nc: [\n"}, {"model_name", "a\033b"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        yti_entry_list list = {0};
        cr_assert_eq(yti_entries_add_state(&list, "", model, &model->state, 0, NULL), YT_OK);
        const char *keys[] = {"model_yaml", "yt_format", bad[i][0]};
        const char *values[] = {model->yaml_text, "1", bad[i][1]};
        bool replaces = strcmp(bad[i][0], "model_yaml") == 0;
        const char *path = test_folder_path("bad.safetensors");
        cr_assert_eq(yti_st_save(path, list.entries, list.count, keys + replaces, values + replaces,
                                 (size_t)(3 - replaces), NULL),
                     YT_OK);
        yti_entries_free(&list);
        yti_model *read = NULL;
        yti_class_names found = {0};
        int imgsz;
        cr_assert_neq(yti_weights_open(path, NULL, NULL, &read, &found, &imgsz, NULL), YT_OK, "%s", bad[i][1]);
        cr_assert_null(read);
    }
    yti_model_destroy(model);
}

/* ---- .pt files ---- */

Test(weights, a_pt_file_opens_like_the_safetensors_file_beside_it) {
    static const char path[] = YT_SHARED_DIR "/fixtures/yolov8n/yolov8n_coco8_fit.pt";
    static const char beside[] = YT_SHARED_DIR "/fixtures/yolov8n/yolov8n_coco8_fit.safetensors";
    if (!yti_path_exists(path)) cr_skip_test("%s is not here", path);
    yti_model *a = NULL, *b = NULL;
    yti_class_names a_names = {0}, b_names = {0};
    int imgsz = 0, ignored;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_weights_open(path, NULL, NULL, &a, &a_names, &imgsz, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_weights_open(beside, YT_SOURCE_DIR "/models/yolov8n.yaml", NULL, &b, &b_names, &ignored, &err),
                 YT_OK, "%s", err.text);
    expect_same_state(a, b);
    cr_assert_str_eq(a->name, "yolov8n");
    cr_assert(a->scale == 'n' && a->n_classes == 80 && imgsz == 320);
    cr_assert_str_eq(a_names.names[0], "person");
    yti_class_names_free(&a_names);
    yti_class_names_free(&b_names);
    yti_model_destroy(a);
    yti_model_destroy(b);
}

#define SPPF_YAML(args)                                                                                                \
    "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\n  - [-1, 1, SPPF, [" args "]]\n"                                  \
    "head:\n  - [[0, 1], 1, Detect, [nc]]\n"

/* The first output of a model for an image of noise. */
static float first_output(yti_model *model) {
    enum { SIDE = 32 };
    uint8_t picture[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof picture; i++) picture[i] = (uint8_t)(i * 37 % 251);
    cr_assert_eq(yti_model_plan(model, YT_MODE_EVAL, 1, SIDE, SIDE, 1, NULL), YT_OK);
    yti_model_set_input(model, picture);
    yti_model_forward(model, &model->state, NULL);
    return yti_model_head(model, 0).level[1].box.data[0];
}

Test(weights, the_activation_of_sppf_stays_with_the_weights) {
    test_folder_write_text("sppf.yaml", SPPF_YAML("16, 5"));
    test_folder_write_text("long.yaml", SPPF_YAML("16, 5, 3, False"));
    yti_model_options options = YT_MODEL_DEFAULTS;
    yti_model *plain = load("sppf.yaml", options), *read = NULL;
    options.sppf_activation = 0;
    yti_model *bare = load("sppf.yaml", options);
    options.sppf_activation = 1;
    yti_model *active = load("sppf.yaml", options);
    yti_model_init_weights(plain, 3, &plain->state); /* load's statistics hide what comes from below */
    yti_model_init_weights(bare, 3, &bare->state);
    yti_model_init_weights(active, 3, &active->state);
    const char *path = test_folder_path("w.safetensors");
    float with = first_output(active), without = first_output(bare);
    cr_assert_neq(with, without);
    cr_assert_eq(first_output(plain), with, "the short form of the row has an activation");
    yti_model *long_form = load("long.yaml", YT_MODEL_DEFAULTS);
    yti_model_init_weights(long_form, 3, &long_form->state);
    cr_assert_eq(first_output(long_form), without, "the long form has none");
    yti_model_destroy(long_form);
    yti_model *const kinds[] = {plain, bare, active};
    for (int i = 0; i < 3; i++) {
        save(path, kinds[i]);
        yti_class_names found = {0};
        int imgsz;
        cr_assert_eq(yti_weights_open(path, NULL, NULL, &read, &found, &imgsz, NULL), YT_OK);
        cr_assert_eq(read->options.sppf_activation, i - 1);
        cr_assert_eq(first_output(read), first_output(kinds[i]));
        yti_class_names_free(&found);
        yti_model_destroy(read);
        yti_model_destroy(kinds[i]);
    }
}

/* ---- transfer between classes ---- */

/* A tiny8 of `count` classes, every parameter `value`. */
static yti_model *filled(int count, float value) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = count;
    yti_model *model = load("tiny8.yaml", options);
    for (size_t i = 0; i < model->param_count; i++) model->state.params[i] = value;
    return model;
}

static const yti_param_info *find_param(const yti_model *model, const char *name) {
    for (int i = 0; i < model->n_params; i++)
        if (strcmp(model->params[i].name, name) == 0) return &model->params[i];
    cr_assert_fail("no parameter %s", name);
    return NULL;
}

/* Value `input` of row `row` of a class layer, whose memory is [in][out]. */
static float class_value(const yti_model *model, const char *name, int row, int input) {
    const yti_param_info *info = find_param(model, name);
    return model->state.params[info->offset + (size_t)(input * info->dims[0] + row)];
}

#define CLASS_WEIGHT "model.6.cv3.1.2.weight"
#define CLASS_BIAS   "model.6.cv3.1.2.bias"

/* red and blue in the file; the rows of its class layers hold 1 and 2. */
static const char *red_and_blue(void) {
    yti_model *model = filled(2, 7);
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (!strstr(info->name, ".cv3.") || !strstr(info->name, ".2.") || strstr(info->name, "conv")) continue;
        for (size_t k = 0; k < info->count; k++)
            model->state.params[info->offset + k] = (float)(1 + k % (size_t)info->dims[0]);
    }
    cr_assert_eq(class_value(model, CLASS_WEIGHT, 1, 3), 2.0f);
    const char *path = test_folder_path("red_and_blue.safetensors");
    save(path, model);
    yti_model_destroy(model);
    return path;
}

/* Transfers red_and_blue into a model of these classes. */
static yti_model *transferred(int count, char **list, yti_transfer_report *report) {
    yti_class_names wanted = {count, list};
    yti_model *model = filled(count, 5);
    yt_err err = {.text = ""};
    cr_assert_eq(yti_weights_transfer(red_and_blue(), model, &wanted, report, &err), YT_OK, "%s", err.text);
    cr_assert_eq(class_value(model, "model.0.conv.weight", 0, 0), 7.0f);
    return model;
}

static void expect_rows(const yti_model *model, const char *name, int inputs, const float *values) {
    const yti_param_info *info = find_param(model, name);
    for (int row = 0; row < info->dims[0]; row++)
        for (int i = 0; i < inputs; i++)
            cr_assert_eq(class_value(model, name, row, i), values[row], "%s row %d", name, row);
}

Test(weights, class_rows_go_by_name) {
    yti_transfer_report report;
    yti_model *model = transferred(3, (char *[]){(char[]){" Blue "}, (char[]){"green"}, (char[]){"RED"}}, &report);
    expect_rows(model, CLASS_BIAS, 1, (const float[]){2, 5, 1});
    expect_rows(model, CLASS_WEIGHT, find_param(model, CLASS_WEIGHT)->dims[1], (const float[]){2, 5, 1});
    cr_assert_eq(report.total, model->n_params);
    cr_assert_eq(report.matched, model->n_params - 6);
    cr_assert(report.partial == 6 && report.classes == 2);
    cr_assert_str_eq(report.missed, "");
    yti_model_destroy(model);
}

Test(weights, classes_in_another_order_go_by_name) {
    yti_transfer_report report;
    yti_model *model = transferred(2, (char *[]){(char[]){"blue"}, (char[]){"red"}}, &report);
    expect_rows(model, CLASS_BIAS, 1, (const float[]){2, 1});
    cr_assert_eq(report.classes, 2);
    yti_model_destroy(model);
}

Test(weights, classes_go_by_place_where_names_say_nothing) {
    char *const lists[][2] = {{(char[]){"red"}, (char[]){"blue"}},   /* the same */
                              {(char[]){"cat"}, (char[]){"dog"}},    /* no name in common */
                              {(char[]){"1"}, (char[]){"class_0"}}}; /* no names at all */
    for (int i = 0; i < 3; i++) {
        yti_transfer_report report;
        yti_model *model = transferred(2, (char *[]){lists[i][0], lists[i][1]}, &report);
        expect_rows(model, CLASS_BIAS, 1, (const float[]){1, 2});
        cr_assert(report.matched == report.total && report.classes == 0 && report.partial == 0);
        yti_model_destroy(model);
    }
}

Test(weights, what_was_not_taken_is_listed_in_groups) {
    yti_transfer_report report;
    yti_model *model = transferred(3, (char *[]){(char[]){"a"}, (char[]){"b"}, (char[]){"c"}}, &report);
    cr_assert_eq(report.matched, report.total - 6);
    cr_assert_str_eq(report.missed, "model.6.cv3 (6)");
    cr_assert_not_null(strstr(report.first_miss, "model.6.cv3.0.2"), "%s", report.first_miss);
    yti_model_destroy(model);
}

Test(weights, the_first_convolution_takes_the_channels_that_overlap) {
    test_folder_write_text("wide.yaml", "nc: 2\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n"
                                        "head:\n  - [[0], 1, Detect, [nc]]\n");
    yti_model *wide = load("wide.yaml", YT_MODEL_DEFAULTS);
    for (size_t i = 0; i < wide->param_count; i++) wide->state.params[i] = 5;
    yti_transfer_report report;
    cr_assert_eq(yti_weights_transfer(red_and_blue(), wide, NULL, &report, NULL), YT_OK);
    cr_assert_eq(report.partial, 1);
    const float *values = wide->state.params + find_param(wide, "model.0.conv.weight")->offset;
    for (int i = 0; i < 3 * 3 * 3; i++) /* in memory the 16 outputs lie side by side */
        for (int o = 0; o < 16; o++) cr_assert_eq(values[i * 16 + o], o < 8 ? 7.0f : 5.0f);
    yti_model_destroy(wide);
}

/* ---- conversion ---- */

Test(weights, a_conversion_keeps_the_average_and_the_description_only) {
    yti_model *model = filled(2, 0.1f);
    yti_entry_list list = {0};
    yti_state average = average_of(model);
    cr_assert_eq(yti_entries_add_state(&list, "ema.", model, &average, 3, NULL), YT_OK);
    for (size_t i = 0; i < model->param_count; i++) model->state.params[i] = 2;
    cr_assert_eq(yti_entries_add_state(&list, "", model, &model->state, 3, NULL), YT_OK);
    cr_assert_eq(yti_entries_add_params(&list, "optim.m.", model, model->state.params, NULL), YT_OK);
    const char *keys[] = {"settings", "names"}, *values[] = {"{}", "[\"a\",\"b\"]"};
    const char *path = test_folder_path("c.safetensors"), *target = test_folder_path("converted.safetensors");
    cr_assert_eq(yti_st_save(path, list.entries, list.count, keys, values, 2, NULL), YT_OK);
    yti_entries_free(&list);
    for (int half = 0; half < 2; half++) {
        yti_conversion report;
        yti_st_file file;
        cr_assert_eq(yti_weights_convert(path, target, half, &report, NULL), YT_OK);
        cr_assert_eq(yti_st_load(target, &file, NULL), YT_OK);
        cr_assert_eq(file.n_entries, report.n_tensors);
        const yti_st_entry *first = yti_st_find(&file, "model.0.conv.weight");
        cr_assert_not_null(first);
        cr_assert_eq(first->type, half ? YT_ST_F16 : YT_ST_F32);
        float read[8 * 3 * 3 * 3];
        cr_assert(yti_st_to_float(first, read));
        cr_assert_eq(read[5], half ? 0x1.998p-4f : 0.1f, "%a", (double)read[5]);
        cr_assert_eq(yti_st_find(&file, "model.0.bn.num_batches_tracked")->type, YT_ST_I64);
        cr_assert_null(yti_st_find(&file, "optim.m.model.0.conv.weight"));
        cr_assert_null(yti_st_metadata(&file, "settings"));
        cr_assert_str_eq(yti_st_metadata(&file, "names"), "[\"a\",\"b\"]");
        cr_assert_str_eq(yti_st_metadata(&file, "format"), "pt");
        yti_st_free(&file);
    }
    free(average.params);
    yti_model_destroy(model);
}

Test(weights, a_file_without_weights_is_not_converted) {
    const char *path = test_folder_path("none.safetensors"), *target = test_folder_path("t.safetensors");
    cr_assert_eq(yti_st_save(path, NULL, 0, NULL, NULL, 0, NULL), YT_OK);
    cr_assert_eq(yti_weights_convert(path, target, false, NULL, NULL), YT_ERR_MISMATCH);
    cr_assert_not(yti_path_exists(target));
}

/* ---- the network of a run ---- */

static yti_train_config config_with(const char *weights, const char *model) {
    yti_train_config config;
    yti_train_config_defaults(&config);
    cr_assert_eq(yti_train_config_set(&config, "weights", weights, YT_SOURCE_TYPED, NULL), YT_OK);
    if (model) cr_assert_eq(yti_train_config_set(&config, "model", model, YT_SOURCE_TYPED, NULL), YT_OK);
    return config;
}

Test(weights, a_run_builds_the_network_of_its_weights) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.no_residual = YT_NO_RESIDUAL_LATERAL;
    options.activation = YT_ACT_RELU;
    options.sppf_activation = 0;
    yti_model *model = load("tiny8.yaml", options), *built = NULL;
    const char *path = test_folder_path("w.safetensors");
    save(path, model);
    yti_train_config config = config_with(path, NULL);
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_build_model(&config, 5, NULL, &built, &err), YT_OK, "%s", err.text);
    cr_assert_eq(built->n_classes, 5);
    cr_assert_str_eq(built->name, "tiny8");
    cr_assert(built->options.no_residual == YT_NO_RESIDUAL_LATERAL && built->n_levels == 1);
    cr_assert_eq(built->options.activation, (int)YT_ACT_RELU);
    cr_assert_eq(built->options.sppf_activation, 0, "as the weights were trained");
    char word[YT_TRAIN_TEXT];
    yti_train_config_text(&config, YT_TRAIN_KEY_no_residual, word, sizeof word);
    cr_assert_str_eq(word, "lateral");
    cr_assert_eq(config.source[YT_TRAIN_KEY_no_residual], YT_SOURCE_CHECKPOINT);
    cr_assert_str_eq(config.model, "tiny8.yaml");
    yti_model_destroy(built);
    yti_model_destroy(model);
}

/* ---- heads that are another width than their classes make them ---- */

static yti_model *with_classes(const char *yaml, int count) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = count;
    return load(yaml, options);
}

static yti_model *open_ok(const char *path, const char *model_path, const char *const *dirs) {
    yti_model *model = NULL;
    yti_class_names found = {0};
    int imgsz;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_weights_open(path, model_path, dirs, &model, &found, &imgsz, &err), YT_OK, "%s", err.text);
    yti_class_names_free(&found);
    return model;
}

/* Fine-tuned from 30 classes to two, a network keeps hidden layers of 30 where two classes alone would have 16. */
Test(weights, a_run_keeps_the_class_branch_of_its_weights) {
    const char *const yamls[] = {"tiny8.yaml", "tiny26.yaml"};
    for (int i = 0; i < 2; i++) {
        yti_model *source = with_classes(yamls[i], 30), *built = NULL, *fused = NULL;
        const char *path = test_folder_path("thirty.safetensors");
        cr_assert_eq(test_weights_save(path, source, &source->state, 0, &(yti_class_names){0}, 96, NULL), YT_OK);
        for (int typed = 0; typed < 2; typed++) {
            yti_train_config config = config_with(path, typed ? test_folder_path(yamls[i]) : NULL);
            yt_err err = {.text = ""};
            yti_transfer_report report;
            cr_assert_eq(yti_train_build_model(&config, 2, NULL, &built, &err), YT_OK, "%s", err.text);
            cr_expect_eq(find_param(built, "model.6.cv3.0.2.weight")->dims[1], 30);
            cr_expect_eq(find_param(built, "model.6.cv3.2.0.conv.weight")->dims[0], 30);
            cr_assert_eq(yti_weights_transfer(path, built, &names, &report, &err), YT_OK, "%s", err.text);
            cr_expect_eq(report.matched, report.total - 6 * built->n_branches, "all but the last class layers: %s",
                         report.missed);
            if (!typed) yti_model_destroy(built);
        }
        const char *saved = test_folder_path("two.safetensors");
        save(saved, built);
        yti_model *read = open_ok(saved, NULL, NULL);
        expect_same_state(read, built);
        cr_assert_eq(yti_model_fuse(read, &read->state, read->end2end, &fused, NULL), YT_OK);
        cr_expect_eq(fused->options.head.cls[0], 30);
        yti_model_destroy(fused);
        yti_model_destroy(read);
        yti_model_destroy(built);
        yti_model_destroy(source);
    }
}

Test(weights, a_network_from_nothing_has_the_class_branch_of_its_classes) {
    yti_train_config config = config_with("", test_folder_path("tiny8.yaml"));
    yti_model *built = NULL;
    cr_assert_eq(yti_train_build_model(&config, 2, NULL, &built, NULL), YT_OK);
    cr_expect_eq(find_param(built, "model.6.cv3.0.2.weight")->dims[1], 16);
    yti_model_destroy(built);
}

/* Any width at any level, of either branch. */
Test(weights, a_head_is_built_as_its_tensors_are) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.head = (yti_head_widths){.box = {0, 24, 40}, .cls = {8, 16, 19}};
    yti_model *model = load("tiny8.yaml", options);
    cr_assert_eq(model->options.head.box[1], 24);
    cr_assert_eq(model->options.head.cls[1], 0, "as wide as the rule says");
    const char *path = test_folder_path("odd.safetensors");
    save(path, model);
    yti_model *read = open_ok(path, NULL, NULL);
    expect_same_state(read, model);
    cr_assert_eq(memcmp(&read->options.head, &model->options.head, sizeof read->options.head), 0);
    yti_model_destroy(read);
    yti_model_destroy(model);
}

/* ---- files that do not say which network they belong to ---- */

Test(weights, tensors_say_how_many_classes_there_are) {
    yti_model *model = with_classes("tiny8.yaml", 30);
    yti_model *read = open_ok(spoilt_file(model, leave), test_folder_path("tiny8.yaml"), NULL);
    cr_assert_eq(read->n_classes, 30, "where the YAML says 2");
    expect_same_state(read, model);
    yti_model_destroy(read);
    yti_model_destroy(model);
}

static void write_scaled_models(void) {
    test_folder_write_text("other.yaml", "nc: 80\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\n"
                                         "head:\n  - [[0], 1, Detect, [nc]]\n");
    test_folder_write_text("yolo8-x.yaml", "not: [a model\n");
    test_folder_write_text(
        "yolo8.yaml", "nc: 80\nscales:\n  n: [1, 1, 64]\n  s: [1, 2, 64]\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\n"
                      "head:\n  - [[0], 1, Detect, [nc]]\n");
}

Test(weights, a_network_is_found_by_its_tensors) {
    write_scaled_models();
    const char *const dirs[] = {test_folder_path("."), NULL};
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = 5;
    options.scale = 's';
    yti_model *model = load("yolo8.yaml", options), *built = NULL;
    const char *path = spoilt_file(model, leave);
    yti_model *read = open_ok(path, NULL, dirs);
    cr_assert_str_eq(read->name, "yolo8s");
    cr_assert(read->scale == 's' && read->n_classes == 5);
    expect_same_state(read, model);
    yti_train_config config = config_with(path, NULL);
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_build_model(&config, 3, dirs, &built, &err), YT_OK, "%s", err.text);
    cr_assert_str_eq(built->name, "yolo8s");
    cr_assert(built->n_classes == 3 && built->scale == 's');
    cr_assert_str_eq(config.model, "yolo8s.yaml");
    yti_model_destroy(built);
    yti_model_destroy(read);
    yti_model_destroy(model);
}

/* A network of one size has its letter in the name of its file, with scales or without. */
Test(weights, a_network_of_one_size_is_found_by_its_tensors) {
    static const char *const stems[] = {"yolo7b", "yolo7n", "yolo7c"}, *const keys[] = {"scales:\n  b: [1, 1, 64]\n",
                                                                                        "scales:\n  n: [1, 2, 64]\n",
                                                                                        "width_multiple: 3\n"};
    for (int i = 0; i < 3; i++) {
        char file[32], text[256];
        snprintf(file, sizeof file, "%s.yaml", stems[i]);
        snprintf(text, sizeof text,
                 "nc: 80\n%sbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n", keys[i]);
        test_folder_write_text(file, text);
    }
    for (int i = 0; i < 3; i++) {
        char file[32];
        snprintf(file, sizeof file, "%s.yaml", stems[i]);
        yti_model *model = load(file, YT_MODEL_DEFAULTS);
        const char *path = spoilt_file(model, leave);
        const char *const dirs[] = {test_folder_path("."), NULL};
        yti_model *read = open_ok(path, NULL, dirs);
        cr_expect_str_eq(read->name, stems[i]);
        expect_same_state(read, model);
        yti_model_destroy(read);
        yti_model_destroy(model);
    }
}

/* Before, a run took what fitted the default network and said nothing else. */
Test(weights, a_run_does_not_guess_a_network) {
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS), *built = NULL;
    yti_train_config config = config_with(spoilt_file(model, leave), NULL);
    yt_err err = {.text = ""};
    const char *const dirs[] = {YT_SOURCE_DIR "/models", NULL};
    cr_assert_eq(yti_train_build_model(&config, 2, dirs, &built, &err), YT_ERR_MISMATCH);
    cr_assert_not_null(strstr(err.text, "does not say which model it belongs to"), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "--model"), "%s", err.text);
    yti_model_destroy(model);
}

Test(weights, metadata_of_others_is_not_taken_for_ours) {
    static const struct {
        const char *names, *first; /* NULL: the names are of no use */
    } cases[] = {{"{0: 'person', 1: \"don't\"}", "person"},
                 {"{\"0\": \"a\\n\", \"1\": \"b\"}", "a\n"},
                 {"['x', 'y',]", "x"},
                 {"{1: 'a', 2: 'b'}", NULL},
                 {"['only one']", NULL},
                 {"{0: 'a', 1: 'b'", NULL},
                 {"anything", NULL},
                 {"", NULL}};
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        yti_entry_list list = {0};
        cr_assert_eq(yti_entries_add_state(&list, "", model, &model->state, 0, NULL), YT_OK);
        const char *keys[] = {"names", "imgsz", "model_options", "model_yaml", "model_name"};
        const char *values[] = {cases[i].names, "[320, 320]", "none", "somewhere", "\033"};
        const char *path = test_folder_path("foreign.safetensors");
        cr_assert_eq(yti_st_save(path, list.entries, list.count, keys, values, 5, NULL), YT_OK);
        yti_entries_free(&list);
        yti_model *read = NULL;
        yti_class_names found = {0};
        int imgsz = 0;
        yt_err err = {.text = ""};
        cr_assert_eq(yti_weights_open(path, test_folder_path("tiny8.yaml"), NULL, &read, &found, &imgsz, &err), YT_OK,
                     "%s", err.text);
        cr_expect_str_eq(found.names[0], cases[i].first ? cases[i].first : "class_0");
        cr_expect_eq(imgsz, 320);
        yti_class_names_free(&found);
        yti_model_destroy(read);
    }
    yti_model_destroy(model);
}

/* ---- names, licences, values ---- */

static void wrap(yti_entry_list *list, const char *before, const char *taken_off) {
    for (size_t i = 0; i < list->count; i++) {
        char name[200];
        snprintf(name, sizeof name, "%s%s", before, list->entries[i].name + strlen(taken_off));
        char *copy = strdup(name);
        cr_assert_not_null(copy);
        list->entries[i].name = copy;
    }
}

/* Those of wrappers around a network, and of its container alone. */
Test(weights, names_are_read_without_their_wrappers) {
    static const char *const cases[][2] = {{"module.", ""},    {"_orig_mod.", ""},    {"model.", ""},
                                           {"", "model."},     {"module.model.", ""}, {"module.", "model."},
                                           {"ema.module.", ""}};
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        yti_entry_list list = {0};
        cr_assert_eq(yti_entries_add_state(&list, "", model, &model->state, 0, NULL), YT_OK);
        yti_st_entry *as_made = malloc(list.count * sizeof *as_made);
        memcpy(as_made, list.entries, list.count * sizeof *as_made);
        wrap(&list, cases[i][0], cases[i][1]);
        const char *path = test_folder_path("wrapped.safetensors");
        cr_assert_eq(yti_st_save(path, list.entries, list.count, NULL, NULL, 0, NULL), YT_OK);
        for (size_t k = 0; k < list.count; k++) free(list.entries[k].name);
        memcpy(list.entries, as_made, list.count * sizeof *as_made);
        free(as_made);
        yti_entries_free(&list);
        yti_model *read = open_ok(path, test_folder_path("tiny8.yaml"), NULL);
        expect_same_state(read, model);
        yti_model_destroy(read);
    }
    yti_model_destroy(model);
}

/* Whatever key a file has for it, what is made from its weights has "base_license". */
Test(weights, a_licence_goes_with_the_weights) {
    static const char *const keys[] = {"license", "base_license"};
    static const char text[] = "AGPL-3.0 License (https://example.org)";
    for (int i = 0; i < 2; i++) {
        yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS);
        yti_entry_list list = {0};
        cr_assert_eq(yti_entries_add_state(&list, "", model, &model->state, 0, NULL), YT_OK);
        const char *value = text, *path = test_folder_path("licensed.safetensors");
        cr_assert_eq(yti_st_save(path, list.entries, list.count, &keys[i], &value, 1, NULL), YT_OK);
        yti_entries_free(&list);

        yti_transfer_report report;
        cr_assert_null(model->base_license);
        cr_assert_eq(yti_weights_transfer(path, model, NULL, &report, NULL), YT_OK);
        cr_assert_str_eq(model->base_license, text);
        const char *saved = test_folder_path("tuned.safetensors"), *converted = test_folder_path("copy.safetensors");
        save(saved, model);
        yti_model *read = open_ok(saved, NULL, NULL), *fused = NULL;
        cr_assert_str_eq(read->base_license, text);
        cr_assert_eq(yti_model_fuse(read, &read->state, false, &fused, NULL), YT_OK);
        cr_assert_str_eq(fused->base_license, text);
        yti_conversion conversion;
        cr_assert_eq(yti_weights_convert(path, converted, false, &conversion, NULL), YT_OK);
        cr_assert_str_eq(conversion.base_license, text);
        yti_st_file file;
        cr_assert_eq(yti_st_load(converted, &file, NULL), YT_OK);
        cr_assert_str_eq(yti_st_metadata(&file, "base_license"), text);
        yti_st_free(&file);
        yti_model_destroy(fused);
        yti_model_destroy(read);
        yti_model_destroy(model);
    }
}

Test(weights, weights_that_are_not_finite_are_named) {
    static const struct {
        const char *tensor;
        float value;
    } cases[] = {
        {"model.1.conv.weight", NAN}, {"model.2.bn.running_var", INFINITY}, {"model.6.cv3.0.2.bias", -INFINITY}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS), *read = NULL;
        const yti_param_info *info = find_param(model, cases[i].tensor);
        (yti_param_is_trainable(info) ? model->state.params
                                      : model->state.buffers)[info->offset + 3 % info->count] = cases[i].value;
        const char *path = test_folder_path("w.safetensors");
        save(path, model);
        yti_class_names found = {0};
        int imgsz;
        yt_err err = {.text = ""};
        cr_assert_eq(yti_weights_open(path, NULL, NULL, &read, &found, &imgsz, &err), YT_ERR_NON_FINITE);
        cr_assert_not_null(strstr(err.text, cases[i].tensor), "%s", err.text);
        cr_assert_not_null(strstr(err.text, "w.safetensors: "), "%s", err.text);
        yti_conversion report;
        cr_assert_eq(yti_weights_convert(path, test_folder_path("copy.safetensors"), false, &report, NULL), YT_OK);
        cr_expect_eq(report.n_bad, 1u);
        cr_expect_str_eq(report.first_bad, cases[i].tensor);
        yti_model_destroy(model);
    }
}

Test(weights, values_beyond_sixteen_bits_are_counted) {
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS);
    const yti_param_info *info = find_param(model, "model.1.conv.weight");
    const char *path = test_folder_path("w.safetensors"), *target = test_folder_path("half.safetensors");
    float *values = model->state.params + info->offset;
    values[5] = 65504, values[6] = 1e-9f, values[7] = 0, values[8] = -70000;
    save(path, model);
    yti_conversion report;
    cr_assert_eq(yti_weights_convert(path, target, true, &report, NULL), YT_OK);
    cr_assert(report.loss.n_vanished == 1 && report.loss.n_clamped == 1 && report.n_bad == 0);
    cr_assert_str_eq(report.loss.first_clamped, "model.1.conv.weight");
    cr_assert_eq(yti_weights_convert(path, target, false, &report, NULL), YT_OK);
    cr_assert(report.loss.n_vanished == 0 && report.loss.n_clamped == 0);
    values[8] = -INFINITY;
    save(path, model);
    yt_err err = {.text = ""};
    cr_assert_eq(yti_weights_convert(path, test_folder_path("none.safetensors"), true, NULL, &err), YT_ERR_NON_FINITE);
    cr_assert_not_null(strstr(err.text, "1 of the 1152 values of tensor model.1.conv.weight are infinite"), "%s",
                       err.text);
    cr_assert_not(yti_path_exists(test_folder_path("none.safetensors")));
    yti_model_destroy(model);
}

/* Convolutions with a bias and without normalisation, as a network that was fused and saved has them. */
Test(weights, a_fused_file_runs_and_is_unfolded_to_be_trained_on) {
    yti_model *model = load("tiny26.yaml", YT_MODEL_DEFAULTS), *built = NULL;
    for (int kind = 0; kind < 3; kind++) {
        yti_model *fused = NULL, *again = NULL;
        cr_assert_eq(kind == 2 ? yti_model_fuse_all(model, &model->state, &fused, NULL)
                               : yti_model_fuse(model, &model->state, kind == 0, &fused, NULL),
                     YT_OK);
        fused->options.fusion = YT_NOT_FUSED; /* the description does not tell */
        const char *path = test_folder_path("fused.safetensors");
        save(path, fused);
        yti_model *read = open_ok(path, NULL, NULL);
        expect_same_state(read, fused);
        cr_assert_eq(yti_model_fuse(read, &read->state, kind == 0, &again, NULL), YT_OK);
        expect_same_state(again, kind == 2 ? again : fused);
        yt_err err = {.text = ""};
        yti_train_config config = config_with(path, NULL);
        yti_transfer_report report;
        cr_assert_eq(yti_train_build_model(&config, 2, NULL, &built, &err), YT_OK, "%s", err.text);
        cr_assert_eq(yti_weights_transfer(path, built, NULL, &report, &err), YT_OK, "%s", err.text);
        cr_expect(report.folded);
        cr_expect_eq(report.matched, report.total, "%s", report.missed);
        yti_model *folded = NULL;
        cr_assert_eq(kind == 2 ? yti_model_fuse_all(built, &built->state, &folded, NULL)
                               : yti_model_fuse(built, &built->state, kind == 0, &folded, NULL),
                     YT_OK);
        cr_assert_eq(folded->param_count, fused->param_count);
        for (size_t i = 0; i < fused->param_count; i++)
            cr_assert(fabsf(folded->state.params[i] - fused->state.params[i]) <= 1e-6f * fabsf(fused->state.params[i]));
        const yti_param_info *many = find_param(built, "model.6.cv2.0.0.conv.weight"),
                             *one = find_param(built, "model.6.one2one_cv2.0.0.conv.weight");
        cr_expect_eq(kind != 2,
                     memcmp(built->state.params + many->offset, built->state.params + one->offset,
                            many->count * sizeof(float)) == 0,
                     "a branch that was dropped begins as the other one");
        yti_model_destroy(folded);
        yti_model_destroy(built);
        yti_model_destroy(again);
        yti_model_destroy(read);
        yti_model_destroy(fused);
    }
    yti_model_destroy(model);
}

/* Files from before there were several cuts say true or false. */
Test(weights, an_older_file_says_whether_its_shortcuts_are_dropped) {
    static const struct {
        const char *value; /* seven letters in place of \"add\" */
        int kind;          /* -1: refused */
    } cases[] = {{"true   ", YT_NO_RESIDUAL_ADD}, {"false  ", YT_RESIDUAL_KEPT}, {"7      ", -1}, {"\\\"adx\\\"", -1}};
    static const char key[] = "no_residual\\\":";
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.no_residual = YT_NO_RESIDUAL_ADD;
    yti_model *model = load("tiny8.yaml", options);
    const char *path = test_folder_path("w.safetensors");
    save(path, model);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *bytes = NULL;
        size_t length;
        yt_err err = {.text = ""};
        cr_assert_eq(yti_file_read(path, 1u << 24, &bytes, &length, &err), YT_OK, "%s", err.text);
        char *at = strstr(bytes + 8, key); /* the header begins there */
        cr_assert_not_null(at);
        memcpy(at + strlen(key), cases[i].value, 7);
        test_folder_write("old.safetensors", bytes, length);
        free(bytes);
        yti_model *read = NULL;
        yti_class_names found = {0};
        int imgsz;
        const yt_status status = yti_weights_open(test_folder_path("old.safetensors"), NULL, NULL, &read, &found,
                                                  &imgsz, &err);
        cr_expect_eq(status == YT_OK, cases[i].kind >= 0, "case %zu: %s", i, err.text);
        if (read) cr_expect_eq((int)read->options.no_residual, cases[i].kind);
        if (status != YT_OK) cr_expect(strstr(err.text, "model_options is damaged"), "%s", err.text);
        yti_class_names_free(&found);
        yti_model_destroy(read);
    }
    yti_model_destroy(model);
}

Test(weights, a_weights_file_is_no_model_yaml) {
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS), *built = NULL;
    save(test_folder_path("w.safetensors"), model);
    save(test_folder_path("w.yaml"), model); /* known by its beginning */
    test_folder_write("empty.yaml", "", 0);
    static const char *const files[] = {"w.safetensors", "w.yaml", "absent.pt"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        yti_train_config config = config_with("", test_folder_path(files[i]));
        yt_err err = {.text = ""};
        cr_assert_eq(yti_train_build_model(&config, 2, NULL, &built, &err), YT_ERR_ARGUMENT);
        cr_assert_not_null(strstr(err.text, ": is a weights file; name it with --weights"), "%s", err.text);
        yti_class_names found = {0};
        int imgsz;
        cr_assert_eq(yti_weights_open(test_folder_path("w.safetensors"), test_folder_path(files[i]), NULL, &built,
                                      &found, &imgsz, NULL),
                     YT_ERR_ARGUMENT);
    }
    yti_train_config config = config_with("", test_folder_path("empty.yaml"));
    cr_assert_neq(yti_train_build_model(&config, 2, NULL, &built, NULL), YT_ERR_ARGUMENT);
    yti_model_destroy(model);
}

Test(weights, a_file_that_is_no_weights_file_is_told_so) {
    static const char *const texts[] = {"", "# A project\n", "12345678"};
    yti_model *model = NULL;
    yti_class_names found;
    int imgsz;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        yt_err err = {.text = ""};
        test_folder_write_text("README.md", texts[i]);
        cr_assert_eq(yti_weights_open(test_folder_path("README.md"), NULL, NULL, &model, &found, &imgsz, &err),
                     YT_ERR_SYNTAX);
        cr_assert_not_null(strstr(err.text, "README.md: is neither a safetensors, a .pt nor an ONNX file"), "%s",
                           err.text);
    }
    cr_assert_eq(yti_weights_open(test_folder_path("absent"), NULL, NULL, &model, &found, &imgsz, NULL), YT_ERR_IO);
}

Test(weights, other_files_under_the_name_of_weights_are_called_what_they_are) {
    static const struct {
        const char *name, *text, *what;
    } cases[] = {
        {"a.pt", "version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer: run git lfs pull"},
        {"b.pt", "<!DOCTYPE html>", "it is a web page"},
        {"c.pt.gz", "\x1f\x8b\x08", "unpack it with gunzip"},
        {"d.engine", "\x08\x07", "name the .pt it was made from"},
    };
    yti_model *model = NULL;
    yti_class_names found;
    int imgsz;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yt_err err = {.text = ""};
        test_folder_write_text(cases[i].name, cases[i].text);
        cr_assert_eq(yti_weights_open(test_folder_path(cases[i].name), NULL, NULL, &model, &found, &imgsz, &err),
                     YT_ERR_SYNTAX);
        cr_assert_not_null(strstr(err.text, cases[i].what), "%s", err.text);
    }
}

Test(weights, a_typed_model_wins_over_that_of_the_weights) {
    yti_model *model = load("tiny8.yaml", YT_MODEL_DEFAULTS), *built = NULL;
    const char *path = test_folder_path("w.safetensors");
    save(path, model);
    yti_train_config config = config_with(path, test_folder_path("tiny26.yaml"));
    cr_assert_eq(yti_train_build_model(&config, 2, NULL, &built, NULL), YT_OK);
    cr_assert_eq(built->n_branches, 2);
    yti_model_destroy(built);
    yti_model_destroy(model);
}

static void on_log(void *context, yt_log_level level, const char *text) {
    cr_assert_eq(level, YT_LOG_WARNING);
    test_problems_note(context, text);
}

/* Tensors do not show what is computed with them. */
Test(weights, what_a_typed_model_computes_otherwise_than_the_weights_is_reported) {
    test_folder_write_text("sppf.yaml", SPPF_YAML("16, 5"));
    test_folder_write_text("wide.yaml", SPPF_YAML("16, 9"));
    test_folder_write_text("long.yaml", SPPF_YAML("16, 5, 3, False"));
    static const struct {
        const char *typed;
        int sppf, activation;
        const char *activation_typed, *what;
    } cases[] = {{"sppf.yaml", -1, -1, NULL, NULL},
                 {"sppf.yaml", 1, -1, NULL, NULL},
                 {"sppf.yaml", 0, -1, NULL,
                  "sppf.yaml: 1 of its rows computes something else than those of w.safetensors, first row 1 (SPPF): "
                  "the "
                  "activation silu in place of identity; without --model the network of the weights is built\n"},
                 {"long.yaml", -1, -1, NULL, "row 1 (SPPF): the activation identity in place of silu;"},
                 {"long.yaml", 0, -1, NULL, NULL},
                 {"wide.yaml", -1, -1, NULL, "row 1 (SPPF): pooling over other windows;"},
                 {"sppf.yaml", -1, YT_ACT_RELU, NULL,
                  "3 of its rows compute something else than those of w.safetensors, first row 0 (Conv): the "
                  "activation "
                  "silu in place of relu;"},
                 {"sppf.yaml", -1, YT_ACT_RELU, "tanh", NULL}, /* what was typed is meant */
                 {"tiny8.yaml", -1, -1, NULL, "first row 1 (Conv): Conv in place of SPPF;"}};
    cr_assert_eq(chdir(test_folder_path("")), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yti_model_options options = YT_MODEL_DEFAULTS;
        options.sppf_activation = cases[i].sppf;
        options.activation = cases[i].activation;
        yti_model *model = load("sppf.yaml", options), *built = NULL;
        save("w.safetensors", model);
        yti_train_config config = config_with("w.safetensors", cases[i].typed);
        if (cases[i].activation_typed)
            cr_assert_eq(yti_train_config_set(&config, "activation", cases[i].activation_typed, YT_SOURCE_TYPED, NULL),
                         YT_OK);
        test_problems heard = {.count = 0};
        yt_log_set_sink(on_log, &heard);
        cr_assert_eq(yti_train_build_model(&config, 5, NULL, &built, NULL), YT_OK);
        yt_log_set_sink(NULL, NULL);
        cr_assert_eq(heard.count, cases[i].what != NULL, "%zu: %s", i, heard.text);
        if (cases[i].what) cr_assert_not_null(strstr(heard.text, cases[i].what), "%zu: %s", i, heard.text);
        yti_model_destroy(built);
        yti_model_destroy(model);
    }
}
