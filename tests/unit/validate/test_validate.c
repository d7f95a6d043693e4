/* Tests of src/validate/validate.c: which detections are judged, and what is written of many classes. */
#include "base/file.h"
#include "image/image.h"
#include "support/folder.h"
#include "support/tiny.h"
#include "validate/validate.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_VAL = 3, MANY = YT_CONFUSION_CLASSES + 1 };

static void init(void) {
    test_folder_make();
    test_tiny_write_data(1, N_VAL);
    test_tiny_write_models();
    cr_assert_eq(chdir(test_folder_path(".")), 0);
}

static void fini(void) {
    cr_assert_eq(chdir("/"), 0);
    test_folder_remove();
}

TestSuite(validate, .init = init, .fini = fini);

/* What an untrained network finds in the tiny images. */
typedef struct bench {
    yti_dataset dataset;
    yti_split split;
    yti_loader *loader;
    yti_model *model;
    int found[TINY_CLASSES]; /* by class */
} bench;

static yt_status count_found(void *context, const yti_validated_image *image, yt_err *err) {
    bench *b = context;
    (void)err;
    for (int i = 0; i < image->n_detections; i++) b->found[image->detections[i].class_id]++;
    return YT_OK;
}

static void open_bench(const char *model, int n_classes, bench *b) {
    *b = (bench){0};
    cr_assert_eq(yti_dataset_open("data.yaml", &b->dataset, NULL), YT_OK);
    yti_scan_options scan = {.fraction = 1, .threads = 1};
    cr_assert_eq(yti_dataset_scan(&b->dataset, "val", &scan, &b->split, NULL), YT_OK);
    yti_loader_config config = {.batch = N_VAL, .imgsz = TINY_SIDE, .workers = 1, .stride = 32};
    cr_assert_eq(yti_loader_create(&b->split, &config, &b->loader, NULL), YT_OK);
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = n_classes;
    cr_assert_eq(yti_model_load(model, &options, &b->model, NULL), YT_OK);
    yti_model_init_weights(b->model, 1, &b->model->state);
}

static void close_bench(bench *b) {
    yti_model_destroy(b->model);
    yti_loader_destroy(b->loader);
    yti_split_free(&b->split);
    yti_dataset_close(&b->dataset);
}

static void count_with(bench *b, const bool *classes, bool single_class) {
    yti_validate_options options = {.conf = 1e-4f,
                                    .iou = 0.7f,
                                    .max_det = 300,
                                    .single_class = single_class,
                                    .classes = classes,
                                    .threads = 1,
                                    .image = count_found,
                                    .image_context = b};
    yti_validator *validator;
    yti_validation result;
    memset(b->found, 0, sizeof b->found);
    cr_assert_eq(yti_validator_create(b->model, b->loader, &options, &validator, NULL), YT_OK);
    cr_assert_eq(yti_validator_run(validator, &b->model->state, &result, NULL), YT_OK);
    cr_assert(yti_graph_is_prepared(b->model->graph), "every batch laid the weights out anew");
    yti_validator_destroy(validator);
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

/* A head with two branches is measured by both in one run, whichever is judged; the hook sees each once per image. */
Test(validate, both_branches_are_measured_in_one_run) {
    yti_validation result[2];
    int seen[2][2][TINY_CLASSES];
    for (int one_to_one = 0; one_to_one < 2; one_to_one++) {
        bench b[2];
        open_bench("tiny26.yaml", 0, &b[0]);
        b[1] = (bench){0};
        test_tiny_find_cells(b[0].model);
        yti_validate_options options = {.conf = 0.5f,
                                        .iou = 0.7f,
                                        .max_det = 300,
                                        .nms = one_to_one ? YT_NMS_FALSE : YT_NMS_AUTO,
                                        .threads = 1,
                                        .image = count_found,
                                        .image_context = &b[0],
                                        .other_context = &b[1]};
        yti_validator *validator;
        cr_assert_eq(yti_validator_create(b[0].model, b[0].loader, &options, &validator, NULL), YT_OK);
        cr_assert_eq(yti_validator_run(validator, &b[0].model->state, &result[one_to_one], NULL), YT_OK);
        cr_assert(result[one_to_one].has_other && result[one_to_one].one_to_one == (one_to_one == 1));
        for (int i = 0; i < 2; i++) memcpy(seen[one_to_one][i], b[i].found, sizeof b[i].found);
        yti_validator_destroy(validator);
        close_bench(&b[0]);
    }
    cr_assert(seen[0][0][0] > 0 && seen[0][0][1] == 0 && seen[0][1][0] == 0 && seen[0][1][1] > 0);
    cr_assert(memcmp(seen[0][0], seen[1][1], sizeof seen[0][0]) == 0 &&
              memcmp(seen[0][1], seen[1][0], sizeof seen[0][1]) == 0);
    for (int t = 0; t < YT_LOSS_TERMS; t++) cr_assert_eq(result[0].loss[t], result[1].loss[t]);
}

/* A 481 x 640 image is resized to 241 x 320 for validation: x goes back by 241 / 481, y by 0.5. */
static yt_status keep_left_sides(void *context, const yti_validated_image *image, yt_err *err) {
    int *near = context;
    (void)err;
    for (int i = 0; i < image->n_detections; i++) {
        yt_detection d = image->detections[i];
        yti_detections_to_image(&d, 1, &image->fit);
        near[0] += fabsf(d.box.x1 - (264 - 39) / (241.0f / 481)) < 1e-2f;
        near[1] += fabsf(d.box.x1 - (264 - 39) / 0.5f) < 1e-2f;
    }
    return YT_OK;
}

Test(validate, boxes_go_back_to_the_image_by_the_gain_of_their_axis) {
    for (int i = 100; i < 100 + N_VAL; i++) {
        char name[64];
        yt_image image;
        cr_assert_eq(yt_image_create(481, 640, &image, NULL), YT_OK);
        memset(image.rgb, 90, (size_t)481 * 640 * 3);
        snprintf(name, sizeof name, "data/images/val/%d.png", i);
        cr_assert_eq(yt_image_save(name, &image, NULL), YT_OK);
        yt_image_free(&image);
    }
    bench b;
    open_bench("tiny26.yaml", 0, &b);
    yti_loader_destroy(b.loader);
    yti_loader_config config = {.batch = N_VAL, .imgsz = 320, .workers = 1, .stride = 32};
    cr_assert_eq(yti_loader_create(&b.split, &config, &b.loader, NULL), YT_OK);
    test_tiny_find_cells(b.model);
    int near[2] = {0, 0};
    yti_validate_options options = {
        .conf = 0.5f, .iou = 0.7f, .max_det = 4096, .threads = 1, .image = keep_left_sides, .image_context = near};
    yti_validator *validator;
    yti_validation result;
    cr_assert_eq(yti_validator_create(b.model, b.loader, &options, &validator, NULL), YT_OK);
    cr_assert_eq(yti_validator_run(validator, &b.model->state, &result, NULL), YT_OK);
    cr_assert(near[0] >= 40 && near[1] == 0, "%d by its own gain, %d by that of the other axis", near[0], near[1]);
    yti_validator_destroy(validator);
    close_bench(&b);
}

/* With a map a detection counts as the class that it is mapped to: everything is found when the truth's numbers are
 * those of the model turned round, and the loss is that of the truth in the model's own. */
Test(validate, detections_count_as_the_class_they_are_mapped_to) {
    yti_validation result[3];
    for (int turned = 0; turned < 3; turned++) {
        bench b;
        open_bench("tiny26.yaml", 0, &b);
        test_tiny_find_cells(b.model); /* class 0 */
        for (int i = 0; i < N_VAL; i++) {
            yti_label *label = &b.split.samples[i].labels[0];
            label->class_id = turned == 1;
            label->box = (yti_cxcywh){36.0f / TINY_SIDE, 36.0f / TINY_SIDE, 8.0f / TINY_SIDE, 8.0f / TINY_SIDE};
        }
        yti_validate_options options = {
            .conf = 0.5f, .iou = 0.7f, .max_det = 300, .threads = 1, .gains = {7.5f, 0.5f, 1.5f}};
        static const int turn[] = {1, 0}, unknown[] = {-1, 1};
        if (turned) options.class_map = turned == 1 ? turn : unknown, options.n_mapped = 2;
        yti_validator *validator;
        cr_assert_eq(yti_validator_create(b.model, b.loader, &options, &validator, NULL), YT_OK);
        cr_assert_eq(yti_validator_run(validator, &b.model->state, &result[turned], NULL), YT_OK);
        cr_assert_eq(result[turned].metrics.classes[turned == 1].n_truth, N_VAL);
        result[turned].metrics.classes = NULL;
        yti_validator_destroy(validator);
        close_bench(&b);
    }
    cr_assert(result[0].metrics.ap50 > 0 && result[0].metrics.ap50 == result[1].metrics.ap50);
    for (int t = 0; t < YT_LOSS_TERMS; t++) cr_assert_eq(result[0].loss[t], result[1].loss[t]);
    cr_assert(result[2].metrics.ap50 == 0 && result[2].loss[YT_LOSS_BOX] == 0, "a class that is not mapped is found");
}

Test(validate, images_whose_maps_are_not_finite_are_counted) {
    bench b;
    open_bench("tiny26.yaml", 0, &b);
    yti_validate_options options = {.conf = 0.5f, .iou = 0.7f, .max_det = 300, .threads = 1};
    yti_validator *validator;
    yti_validation result;
    cr_assert_eq(yti_validator_create(b.model, b.loader, &options, &validator, NULL), YT_OK);
    cr_assert_eq(yti_validator_run(validator, &b.model->state, &result, NULL), YT_OK);
    cr_assert_eq(result.non_finite, 0);
    b.model->state.params[0] = NAN;
    cr_assert_eq(yti_validator_run(validator, &b.model->state, &result, NULL), YT_OK);
    cr_assert_eq(result.non_finite, N_VAL);
    yti_validator_destroy(validator);
    close_bench(&b);
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
    yti_validate_options options = {.conf = 0.5f, .iou = 0.7f, .max_det = 300, .threads = 1};
    yti_validator *validator;
    yti_validation result;
    cr_assert_eq(yti_validator_create(b.model, b.loader, &options, &validator, NULL), YT_OK);
    cr_assert_eq(yti_validator_run(validator, &b.model->state, &result, NULL), YT_OK);
    cr_assert_eq(yti_validator_save(validator, list, ".", NULL), YT_OK);
    cr_assert(yti_path_exists("pr_curve.csv") && !yti_path_exists("confusion_matrix.csv"));
    yti_validator_destroy(validator);
    close_bench(&b);
    cr_assert_eq(strncmp(yti_validator_files(MANY), "pr_curve.csv, ", 14), 0);
    cr_assert_eq(strncmp(yti_validator_files(MANY - 1), "confusion_matrix.csv, ", 22), 0);
}
