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
    yt_folder_make();
    yt_tiny_write_models();
    cr_assert_eq(chdir(yt_folder_path("")), 0);
}
TestSuite(cli_detector, .init = init, .fini = yt_folder_remove);

static const yt_cli_option options[] = {YT_CLI_MODEL_ROWS, YT_CLI_DETECTION_ROWS("0.25")};

static yt_status open_weights(yt_err *err) {
    char program[] = "p", option[] = "--weights", path[] = "w.safetensors";
    char *argv[] = {program, option, path, NULL};
    yt_cli cli = {
        .program = "p", .usage = "p", .options = options, .n_options = sizeof options / sizeof *options};
    cr_assert_eq(yt_cli_parse(&cli, 3, argv), -1);
    yt_cli_trained trained;
    yt_status status = yt_cli_open_weights(&cli, "runs", false, &trained, err);
    if (status == YT_OK) yt_cli_close_weights(&trained);
    yt_cli_free(&cli);
    return status;
}

static void save(const yt_model *model) {
    char red[] = "red", blue[] = "blue", *list[] = {red, blue};
    const yt_class_names names = {2, list};
    cr_assert_eq(yt_weights_save("w.safetensors", model, &model->state, 1, &names, 64, NULL, NULL, 0, NULL),
                 YT_OK);
}

Test(cli_detector, weights_that_are_not_finite_are_refused) {
    yt_model_options build = YT_MODEL_DEFAULTS;
    yt_model *model;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_model_load("tiny26.yaml", &build, &model, &err), YT_OK, "%s", err.text);
    yt_model_init(model, 1, &model->state);
    save(model);
    cr_assert_eq(open_weights(&err), YT_OK, "%s", err.text);
    const yt_param_info *info = &model->params[0];
    model->state.params[info->offset + info->count - 1] = NAN;
    save(model);
    cr_assert_eq(open_weights(&err), YT_NON_FINITE);
    cr_assert(strstr(err.text, "w.safetensors: ") && strstr(err.text, info->name), "%s", err.text);
    model->state.params[info->offset + info->count - 1] = 0;
    model->state.buffers[model->buffer_count - 1] = INFINITY;
    save(model);
    cr_assert_eq(open_weights(&err), YT_NON_FINITE);
    yt_model_destroy(model);
}
