/* Tests of src/model/freeze.c and of what freezing does to a graph: rows that are not trained. */
#include "model/model.h"
#include "support/folder.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 2, ROWS = 7 /* of tiny26.yaml; the last is the head */ };

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
}
TestSuite(freeze, .init = init, .fini = test_folder_remove);

static yti_model *tiny(void) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_load(test_folder_path("tiny26.yaml"), &options, &model, &err), YT_OK, "%s", err.text);
    cr_assert_eq(model->n_rows, ROWS);
    yti_model_init_weights(model, 3, &model->state);
    return model;
}

static yti_model *frozen(const char *rows) {
    yti_model *model = tiny();
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_freeze(model, rows, &err), YT_OK, "%s", err.text);
    return model;
}

/* A letter per row: f where its parameters and statistics are frozen. */
static void expect_rows(const char *rows, const char *letters) {
    yti_model *model = frozen(rows);
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        cr_assert_eq(info->frozen, letters[info->row] == 'f', "freeze \"%s\": %s", rows, info->name);
    }
    yti_model_destroy(model);
}

Test(freeze, a_number_means_the_first_rows_and_a_list_its_own) {
    expect_rows("", "-------");
    expect_rows("0", "-------");
    expect_rows("3", "fff----");
    expect_rows("6", "ffffff-");
    expect_rows("0,1,2", "fff----");
    expect_rows("5,3", "---f-f-");
    expect_rows("[3]", "---f---");
    expect_rows("[0, 6]", "f-----f");
    expect_rows("2,2", "--f----");
}

static void expect_refused(const char *rows, const char *sentence) {
    yti_model *model = tiny();
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_freeze(model, rows, &err), YT_ERR_ARGUMENT, "\"%s\"", rows);
    cr_assert_not_null(strstr(err.text, sentence), "%s", err.text);
    yti_model_destroy(model);
}

Test(freeze, other_texts_are_refused) {
    static const char *const texts[] = {"-1", "1.5", "ten", "1 2",  "[1", "1]", "1,",
                                        ",1", "[]",  "0x1", "[1]]", ",",  "1e0"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_refused(texts[i], "is neither a number of rows nor a list of rows like 0,1,2");
        cr_assert_eq(yti_freeze_check(texts[i], NULL), YT_ERR_ARGUMENT, "without a model: \"%s\"", texts[i]);
    }
}

Test(freeze, rows_that_the_model_lacks_are_refused) {
    expect_refused("8", "--freeze: 8 rows, but tiny26 has 7");
    expect_refused("0,7", "--freeze: row 7, but tiny26 has rows 0 to 6");
    expect_refused("99999999999999999999", "rows, but tiny26 has 7");
    cr_assert_eq(yti_freeze_check("8", NULL), YT_OK, "another model may have so many");
    cr_assert_eq(yti_freeze_check("[0, 7]", NULL), YT_OK);
    cr_assert_eq(yti_freeze_check("", NULL), YT_OK);
}

Test(freeze, a_model_with_nothing_to_train_is_refused) {
    expect_refused("7", "leave one to train");
    expect_refused("0,1,2,3,4,5,6", "leave one to train");
}

/* ---- running ---- */

static void forward(yti_model *model, yti_mode mode) {
    static uint8_t rgb[IMAGES * TINY_SIDE * TINY_SIDE * 3];
    yt_err err = {.text = ""};
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i * i % 251);
    cr_assert_eq(yti_model_plan(model, mode, IMAGES, TINY_SIDE, TINY_SIDE, 2, &err), YT_OK, "%s", err.text);
    yti_model_set_input(model, rgb);
    yti_model_forward(model, &model->state, NULL);
}

/* With every output's gradient 1. */
static void backward(yti_model *model) {
    memset(model->state.grads, 0, model->param_count * sizeof(float));
    for (int b = 0; b < model->n_branches; b++) {
        yti_head head = yti_model_head(model, b);
        for (int i = 0; i < head.n_levels; i++) {
            if (head.level[i].d_box.data) yti_kernels_get()->fill(&head.level[i].d_box, 1, 1);
            if (head.level[i].d_cls.data) yti_kernels_get()->fill(&head.level[i].d_cls, 1, 1);
        }
    }
    yti_model_backward(model, &model->state, NULL);
}

static bool any(const float *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (x[i] != 0) return true;
    return false;
}

/* Gradients of the frozen rows stay zero; every other row's weights get one. */
static void expect_gradients(const yti_model *model) {
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (info->kind != YT_PARAM_WEIGHT) continue;
        cr_assert_eq(any(model->state.grads + info->offset, info->count), !info->frozen, "%s", info->name);
    }
}

Test(freeze, the_backward_run_ends_above_the_frozen_rows) {
    yti_model *model = frozen("3");
    forward(model, YT_MODE_TRAIN);
    backward(model);
    expect_gradients(model);
    for (int row = 0; row < 6; row++)
        cr_assert_eq(yti_graph_gradient(model->graph, model->rows[row].output).data == NULL, row < 3, "row %d", row);
    size_t bytes = yti_graph_planned_bytes(model->graph);
    yti_model *whole = tiny();
    forward(whole, YT_MODE_TRAIN);
    cr_assert_lt(bytes, yti_graph_planned_bytes(whole->graph), "their maps need not be kept");
    yti_model_destroy(whole);
    yti_model_destroy(model);
}

Test(freeze, gradients_pass_through_a_frozen_row_to_one_below) {
    yti_model *model = frozen("1,3");
    forward(model, YT_MODE_TRAIN);
    backward(model);
    expect_gradients(model);
    yti_model_destroy(model);
}

Test(freeze, a_frozen_head_still_trains_what_is_below) {
    yti_model *model = frozen("[6]");
    forward(model, YT_MODE_TRAIN);
    backward(model);
    expect_gradients(model);
    yti_model_destroy(model);
}

static float *copy_floats(const float *x, size_t count) {
    float *copy = malloc((count + 1) * sizeof *copy);
    cr_assert_not_null(copy);
    memcpy(copy, x, count * sizeof *copy);
    return copy;
}

/* In training mode a frozen row gives what it gives in evaluation: it normalises by its running statistics, and
 * leaves them alone. */
Test(freeze, frozen_rows_run_on_their_running_statistics) {
    yti_model *model = frozen("4");
    yti_graph_keep(model->graph, model->rows[3].output);
    forward(model, YT_MODE_TRAIN); /* moves the statistics of the other rows only */
    float *statistics = copy_floats(model->state.buffers, model->buffer_count);
    forward(model, YT_MODE_EVAL);
    yti_tensor map = yti_graph_map(model->graph, model->rows[3].output);
    size_t floats = yti_tensor_pixels(map) * (size_t)map.ld;
    float *expected = copy_floats(map.data, floats);
    forward(model, YT_MODE_TRAIN);
    map = yti_graph_map(model->graph, model->rows[3].output);
    for (size_t p = 0; p < yti_tensor_pixels(map); p++)
        cr_assert_eq(
            memcmp(map.data + p * (size_t)map.ld, expected + p * (size_t)map.ld, (size_t)map.c * sizeof(float)), 0,
            "pixel %zu", p);
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (info->kind != YT_PARAM_BUFFER) continue;
        bool moved = memcmp(statistics + info->offset, model->state.buffers + info->offset,
                            info->count * sizeof(float)) != 0;
        cr_assert_eq(moved, !info->frozen, "%s", info->name);
    }
    free(statistics);
    free(expected);
    yti_model_destroy(model);
}
