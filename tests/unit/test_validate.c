/* Tests of src/train/validate.c: which detections are judged, and what is written of many classes. */
#include "graph/graph_internal.h"
#include "yt/validate.h"
#include "yt/file.h"
#include "support/folder.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_VAL = 3, MANY = YT_CONFUSION_CLASSES + 1 };

static void init(void) {
    yt_folder_make();
    yt_tiny_write_data(1, N_VAL);
    yt_tiny_write_models();
    cr_assert_eq(chdir(yt_folder_path(".")), 0);
}

static void fini(void) {
    cr_assert_eq(chdir("/"), 0);
    yt_folder_remove();
}

TestSuite(validate, .init = init, .fini = fini);

/* What an untrained network finds in the tiny pictures. */
typedef struct bench {
    yt_dataset dataset;
    yt_split split;
    yt_loader *loader;
    yt_model *model;
    int found[TINY_CLASSES]; /* by class */
} bench;

static yt_status count_found(void *context, const yt_validated_image *image, yt_err *err) {
    bench *b = context;
    (void)err;
    for (int i = 0; i < image->n_detections; i++) b->found[image->detections[i].class_id]++;
    return YT_OK;
}

static void open_bench(const char *model, int n_classes, bench *b) {
    *b = (bench){0};
    cr_assert_eq(yt_dataset_open("data.yaml", &b->dataset, NULL), YT_OK);
    yt_scan_options scan = {.fraction = 1, .threads = 1};
    cr_assert_eq(yt_dataset_scan(&b->dataset, "val", &scan, &b->split, NULL), YT_OK);
    yt_loader_config config = {.batch = N_VAL, .imgsz = TINY_SIDE, .workers = 1, .stride = 32};
    cr_assert_eq(yt_loader_create(&b->split, &config, &b->loader, NULL), YT_OK);
    yt_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = n_classes;
    cr_assert_eq(yt_model_load(model, &options, &b->model, NULL), YT_OK);
    yt_model_init(b->model, 1, &b->model->state);
}

static void close_bench(bench *b) {
    yt_model_destroy(b->model);
    yt_loader_destroy(b->loader);
    yt_split_free(&b->split);
    yt_dataset_close(&b->dataset);
}

static void count_with(bench *b, const bool *classes, bool single_class) {
    yt_validate_options options = {.conf = 1e-4f,
                                   .iou = 0.7f,
                                   .max_det = 300,
                                   .single_class = single_class,
                                   .classes = classes,
                                   .threads = 1,
                                   .image = count_found,
                                   .image_context = b};
    yt_validator *validator;
    yt_validation result;
    memset(b->found, 0, sizeof b->found);
    cr_assert_eq(yt_validator_create(b->model, b->loader, &options, &validator, NULL), YT_OK);
    cr_assert_eq(yt_validator_run(validator, &b->model->state, &result, NULL), YT_OK);
    cr_assert(b->model->graph->prepared, "every batch laid the weights out anew");
    yt_validator_destroy(validator);
}

static void expect_only_wanted(const char *model) {
    bench b;
    open_bench(model, 0, &b);
    count_with(&b, NULL, false);
    cr_assert(b.found[0] > 0 && b.found[1] > 0, "%s: %d and %d", model, b.found[0], b.found[1]);
    count_with(&b, (const bool[]){false, true}, false);
    cr_assert(b.found[0] == 0 && b.found[1] > 0, "%s: %d and %d", model, b.found[0], b.found[1]);
    count_with(&b, (const bool[]){false, false}, false);
    cr_assert(b.found[0] == 0 && b.found[1] == 0, "%s: %d and %d", model, b.found[0], b.found[1]);
    for (int i = 0; i < N_VAL; i++) b.split.samples[i].labels[0].class_id = 0;
    count_with(&b, (const bool[]){false, true}, true); /* chosen by the classes of the model */
    cr_assert(b.found[0] > 0 && b.found[1] == 0, "%s: %d and %d", model, b.found[0], b.found[1]);
    close_bench(&b);
}

Test(validate, detections_of_classes_that_are_not_wanted_are_left_out) {
    expect_only_wanted("tiny8.yaml");
    expect_only_wanted("tiny26.yaml");
}

Test(validate, of_too_many_classes_there_is_no_confusion_matrix) {
    static char names[MANY][8];
    static const char *list[MANY];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "c%d", i);
        list[i] = names[i];
    }
    bench b;
    open_bench("tiny8.yaml", MANY, &b);
    yt_validate_options options = {.conf = 0.5f, .iou = 0.7f, .max_det = 300, .threads = 1};
    yt_validator *validator;
    yt_validation result;
    cr_assert_eq(yt_validator_create(b.model, b.loader, &options, &validator, NULL), YT_OK);
    cr_assert_eq(yt_validator_run(validator, &b.model->state, &result, NULL), YT_OK);
    cr_assert_eq(yt_validator_save(validator, list, ".", NULL), YT_OK);
    cr_assert(yt_path_exists("pr_curve.csv") && !yt_path_exists("confusion_matrix.csv"));
    yt_validator_destroy(validator);
    close_bench(&b);
    cr_assert_eq(strncmp(yt_validator_files(MANY), "pr_curve.csv, ", 14), 0);
    cr_assert_eq(strncmp(yt_validator_files(MANY - 1), "confusion_matrix.csv, ", 22), 0);
}
