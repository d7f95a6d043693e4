/* Tests of src/cli/cli_detector.c: which weights a program takes. */
#include "cli/cli_detector.h"
#include "cli/cli_nms.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void init(void) {
    test_folder_make();
    cr_assert_eq(chdir(test_folder_path("")), 0);
}
TestSuite(cli_detector, .init = init, .fini = test_folder_remove);

static const cli_option options[] = {CLI_MODEL_ROWS};

/* argc: 1 nothing is typed, 3 --weights w.safetensors. */
static yt_status find(int argc, char **out, yt_err *err) {
    char program[] = "p", option[] = "--weights", path[] = "w.safetensors";
    char *argv[] = {program, option, path, NULL};
    cli_line cli = {.program = "p", .usage = "p", .options = options, .n_options = sizeof options / sizeof *options};
    cr_assert_eq(cli_parse(&cli, argc, argv), -1);
    yt_status status = cli_find_weights(&cli, "runs", out, err);
    cli_free(&cli);
    return status;
}

Test(cli_detector, a_typed_file_is_taken_whether_it_exists_or_not) {
    char *found = NULL;
    test_folder_write_text("runs/train/weights/best.safetensors", "");
    cr_assert_eq(find(3, &found, NULL), YT_OK);
    cr_expect_str_eq(found, "w.safetensors");
    free(found);
}

Test(cli_detector, else_the_best_of_the_newest_run_is_taken) {
    char *found = NULL;
    yt_err err = {.text = ""};
    test_folder_write_text("runs/train/weights/best.safetensors", "");
    cr_assert_eq(find(1, &found, &err), YT_OK, "%s", err.text);
    cr_expect_str_eq(found, "runs/train/weights/best.safetensors");
    free(found);
}

Test(cli_detector, without_any_the_sentence_says_what_to_do) {
    char *found = NULL;
    yt_err err = {.text = ""};
    cr_assert_eq(find(1, &found, &err), YT_ERR_IO);
    cr_expect(strstr(err.text, "no trained weights under runs; train first"), "%s", err.text);
    cr_expect_null(found);
}
