/* Tests of src/cli/cli_detector.c: weights that cannot be used are refused. */
#include "cli/cli_detector.h"
#include "cli/cli_nms.h"
#include "support/folder.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    cr_assert_eq(chdir(test_folder_path("")), 0);
}
TestSuite(cli_detector, .init = init, .fini = test_folder_remove);

static const cli_option options[] = {CLI_MODEL_ROWS, CLI_DETECTION_ROWS("0.25")};

static yt_status open_weights(yt_err *err) {
    char program[] = "p", option[] = "--weights", path[] = "w.safetensors";
    char *argv[] = {program, option, path, NULL};
    cli_line cli = {.program = "p", .usage = "p", .options = options, .n_options = sizeof options / sizeof *options};
    cr_assert_eq(cli_parse(&cli, 3, argv), -1);
    cli_trained trained;
    yt_status status = cli_open_weights(&cli, "runs", false, &trained, err);
    if (status == YT_OK) cli_close_weights(&trained);
    cli_free(&cli);
    return status;
}

static void save(const yti_model *model) {
    char red[] = "red", blue[] = "blue", *list[] = {red, blue};
    const yti_class_names names = {2, list};
    cr_assert_eq(yti_weights_save("w.safetensors", model, &model->state, 1, &names, 64, NULL, NULL, 0, NULL), YT_OK);
}

Test(cli_detector, weights_that_are_not_finite_are_refused) {
    yti_model_options build = YT_MODEL_DEFAULTS;
    yti_model *model;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_load("tiny26.yaml", &build, &model, &err), YT_OK, "%s", err.text);
    yti_model_init_weights(model, 1, &model->state);
    save(model);
    cr_assert_eq(open_weights(&err), YT_OK, "%s", err.text);
    const yti_param_info *info = &model->params[0];
    model->state.params[info->offset + info->count - 1] = NAN;
    save(model);
    cr_assert_eq(open_weights(&err), YT_ERR_NON_FINITE);
    cr_assert(strstr(err.text, "w.safetensors: ") && strstr(err.text, info->name), "%s", err.text);
    model->state.params[info->offset + info->count - 1] = 0;
    model->state.buffers[model->buffer_count - 1] = INFINITY;
    save(model);
    cr_assert_eq(open_weights(&err), YT_ERR_NON_FINITE);
    yti_model_destroy(model);
}
