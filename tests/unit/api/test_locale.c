/* A program with a decimal comma gets the files, and reads the files, of one with a decimal point. */
#include "support/folder.h"
#include "support/tiny.h"
#include "yolotrain.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    cr_assert_eq(chdir(test_folder_path("")), 0);
    test_tiny_write_data(6, 3);
}
TestSuite(locale, .init = init, .fini = test_folder_remove);

static void check_comma(void) {
    char text[16];
    snprintf(text, sizeof text, "%.1f", 0.5);
    cr_assert_str_eq(text, "0,5");
}

/* A German locale, made here where the system has none; the test is skipped where it cannot be made. */
static void set_comma(void) {
    if (setlocale(LC_ALL, "de_DE.UTF-8")) return;
    if (system("mkdir locales && localedef -i de_DE -f UTF-8 ./locales/de_DE.UTF-8 >localedef.log 2>&1") != 0)
        cr_skip_test("no locale with a decimal comma: the package locales is not installed");
    setenv("LOCPATH", test_folder_path("locales"), 1);
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) cr_skip_test("a locale that localedef made is not taken");
}

static void see_epoch(void *context, const yt_train_epoch *epoch) {
    (void)epoch;
    check_comma(); /* the program's own locale, in its callback */
    ++*(int *)context;
}

static void see_message(void *context, const char *text) {
    (void)context, (void)text;
    check_comma();
}

static yt_training *training_of(const char *name, const char *resume, const char *epochs) {
    const char *const settings[][2] = {{"data", "data.yaml"}, {"model", "tiny26.yaml"}, {"imgsz", "64"},
                                       {"batch", "2"},        {"threads", "1"},         {"lr0", "0.0125"},
                                       {"log_gradients", "2"}};
    yt_train_options *options;
    yt_training *training;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_train_options_create(&options, &err), YT_OK);
    for (size_t i = 0; !resume && i < sizeof settings / sizeof *settings; i++)
        cr_assert_eq(yt_train_options_set(options, settings[i][0], settings[i][1], &err), YT_OK, "%s", err.text);
    if (resume) cr_assert_eq(yt_train_options_set(options, "resume", resume, &err), YT_OK);
    if (!resume) cr_assert_eq(yt_train_options_set(options, "name", name, &err), YT_OK);
    cr_assert_eq(yt_train_options_set(options, "epochs", epochs, &err), YT_OK);
    cr_assert_eq(yt_training_create(options, &training, &err), YT_OK);
    yt_train_options_destroy(options);
    return training;
}

typedef struct outcome {
    uint64_t hash;
    double map, score;
    size_t n_found;
} outcome;

/* Trains, resumes, validates, detects: each saves or reads numbers. */
static outcome go_through(const char *name, bool comma) {
    outcome o = {0};
    char folder[64];
    int epochs = 0;
    yt_err err = {.text = ""};
    snprintf(folder, sizeof folder, "runs/detect/%s", name);
    yt_training *training = training_of(name, NULL, "1");
    if (comma) yt_training_on_epoch(training, see_epoch, &epochs);
    if (comma) yt_training_on_message(training, see_message, NULL);
    cr_assert_eq(yt_training_run(training, &err), YT_OK, "%s", err.text);
    if (comma) cr_expect_eq(epochs, 1);
    yt_training_destroy(training);
    training = training_of(name, folder, "2");
    cr_assert_eq(yt_training_run(training, &err), YT_OK, "%s", err.text);
    const yt_train_result *result = yt_training_result(training);
    o.hash = result->weights_hash;

    yt_validate_options *options;
    yt_validation *validation;
    cr_assert_eq(yt_validate_options_create(&options, NULL), YT_OK);
    cr_assert_eq(yt_validate_options_set(options, "conf", "0.0005", &err), YT_OK, "%s", err.text);
    cr_expect_eq(yt_validate_options_set(options, "conf", "0,0005", &err), YT_ERR_ARGUMENT, "a comma is none here");
    cr_assert_eq(yt_validation_run(result->last_weights, "data.yaml", options, &validation, &err), YT_OK, "%s",
                 err.text);
    o.map = yt_validation_all(validation)->map50_95;
    yt_validation_destroy(validation);
    yt_validate_options_destroy(options);

    yt_detector_options *detect;
    yt_detector *detector;
    yt_image image;
    yt_detection found[1];
    cr_assert_eq(yt_detector_options_create(&detect, NULL), YT_OK);
    cr_assert_eq(yt_detector_options_set(detect, "conf", "0.00001", &err), YT_OK, "%s", err.text);
    cr_assert_eq(yt_detector_open(result->last_weights, detect, &detector, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yt_image_load("data/images/val/100.png", &image, &err), YT_OK, "%s", err.text);
    const yt_pixels pixels = yt_image_pixels(&image);
    cr_assert_eq(yt_detector_run(detector, &pixels, found, 1, &o.n_found, &err), YT_OK, "%s", err.text);
    if (o.n_found) o.score = (double)found[0].score;
    yt_image_free(&image);
    yt_detector_close(detector);
    yt_detector_options_destroy(detect);
    yt_training_destroy(training);
    return o;
}

static char *read_text(const char *folder, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "runs/detect/%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *text = calloc(1, 1 << 20);
    const size_t n = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    cr_assert(n > 20, "%s", path);
    return text;
}

/* The number of fields of each line of a CSV file, which a decimal comma would raise. */
static void expect_same_columns(const char *name) {
    char *point = read_text("point", name), *comma = read_text("comma", name);
    const char *a = point, *b = comma;
    int lines = 0;
    while (*a && *b) {
        int fields[2] = {0};
        lines++;
        for (; *a && *a != '\n'; a++) fields[0] += *a == ',';
        for (; *b && *b != '\n'; b++) fields[1] += *b == ',';
        cr_expect_eq(fields[0], fields[1], "%s, line %d", name, lines);
        a += *a == '\n';
        b += *b == '\n';
    }
    cr_expect(*a == *b && lines > 1);
    free(point);
    free(comma);
}

Test(locale, a_decimal_comma_of_the_program_changes_neither_files_nor_numbers) {
    const outcome expected = go_through("point", false);
    set_comma();
    check_comma();
    const outcome got = go_through("comma", true);
    check_comma(); /* and it has it back */
    cr_expect_eq(got.hash, expected.hash);
    cr_expect_eq(got.map, expected.map);
    cr_expect(got.n_found == expected.n_found && got.n_found > 0 && got.score == expected.score);
    expect_same_columns("results.csv");
    expect_same_columns("gradients.csv");
    char *args = read_text("comma", "args.yaml");
    cr_expect(strstr(args, "lr0: 0.0125"), "%s", args);
    free(args);
}
