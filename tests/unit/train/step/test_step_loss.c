/* Tests of src/train/step/step_loss.c: how settings and epoch weigh the loss of a step, and what its branches sum to.
 */
#include "train/step/step_loss.h"
#include "support/folder.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { SIDE = 64 };

typedef struct fixture {
    yti_model *model;
    yti_loss *loss;
    uint8_t rgb[SIDE * SIDE * 3];
    int image[1], class_id[1];
    yti_cxcywh box[1];
    yti_batch batch;
} fixture;

static fixture f;
static yti_train_config config;

/* A network of initial weights that has run forwards on one image with one box. */
static void open_network(const char *file) {
    yt_err err = {.text = ""};
    const yti_model_options options = YT_MODEL_DEFAULTS;
    cr_assert_eq(yti_model_load(test_folder_path(file), &options, &f.model, &err), YT_OK, "%s", err.text);
    yti_model_init_weights(f.model, 1, &f.model->state);
    cr_assert_eq(yti_loss_create(&f.loss, &err), YT_OK);
    for (int i = 0; i < SIDE * SIDE * 3; i++) f.rgb[i] = (uint8_t)(i * 7 % 256);
    f.box[0] = (yti_cxcywh){0.5f, 0.5f, 0.5f, 0.4f};
    f.batch = (yti_batch){.n = 1, .h = SIDE, .w = SIDE, .rgb = f.rgb, .targets = {1, f.image, f.class_id, f.box}};
    cr_assert_eq(yti_model_plan(f.model, YT_MODE_TRAIN, 1, SIDE, SIDE, 1, &err), YT_OK, "%s", err.text);
    yti_model_set_input(f.model, f.rgb);
    yti_model_forward(f.model, &f.model->state, NULL);
}

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    memset(&f, 0, sizeof f);
    yti_train_config_defaults(&config);
}

static void fini(void) {
    yti_loss_destroy(f.loss);
    yti_model_destroy(f.model);
    test_folder_remove();
}
TestSuite(step_loss, .init = init, .fini = fini);

static yti_step_loss loss_in_epoch(int epoch, int epochs) {
    yti_step step = {.model = f.model, .loss = f.loss, .batch = &f.batch, .threads = 1};
    yti_step_loss loss;
    yt_err err = {.text = ""};
    yti_shape_loss(&step, &config, epoch, epochs);
    cr_assert_eq(yti_step_loss_of(&step, &loss, &err), YT_OK, "%s", err.text);
    return loss;
}

Test(step_loss, of_one_branch_it_is_that_of_the_branch) {
    open_network("tiny8.yaml");
    const yti_step_loss loss = loss_in_epoch(0, 10);
    cr_assert(isfinite(loss.total) && loss.total > 0);
    cr_assert(loss.total == loss.branch[0].total, "%g and %g", loss.total, loss.branch[0].total);
}

/* From 0.8 to 0.1 for the one-to-many branch, the rest for the other. */
Test(step_loss, two_branches_are_weighed_by_the_epoch) {
    open_network("tiny26.yaml");
    const yti_step_loss first = loss_in_epoch(0, 10), last = loss_in_epoch(9, 10);
    cr_assert(fabs(first.total - (0.8 * first.branch[0].total + 0.2 * first.branch[1].total)) <= 1e-9 * first.total);
    cr_assert(first.branch[0].total == last.branch[0].total, "the branches themselves do not change");
    cr_assert(first.total != last.total);
}

Test(step_loss, a_gain_scales_its_term_alone) {
    open_network("tiny8.yaml");
    const yti_step_loss plain = loss_in_epoch(0, 1);
    config.cls *= 4;
    const yti_step_loss more = loss_in_epoch(0, 1);
    const double *a = plain.branch[0].terms, *b = more.branch[0].terms;
    cr_assert(fabs(b[YT_LOSS_CLS] - 4 * a[YT_LOSS_CLS]) <= 1e-5 * b[YT_LOSS_CLS], "%g and %g", a[YT_LOSS_CLS],
              b[YT_LOSS_CLS]);
    cr_assert(a[YT_LOSS_BOX] == b[YT_LOSS_BOX]);
}

Test(step_loss, terms_and_branches_have_the_names_of_the_head) {
    open_network("tiny26.yaml");
    cr_assert_str_eq(yti_loss_name(f.model, YT_LOSS_BOX), "box_loss");
    cr_assert_str_eq(yti_loss_name(f.model, YT_LOSS_DFL), "l1_loss", "reg_max is 1");
    cr_assert_str_eq(yti_branch_text(f.model, 1), " of the one-to-one branch");
}

Test(step_loss, a_head_with_one_branch_does_not_name_it) {
    open_network("tiny8.yaml");
    cr_assert_str_eq(yti_loss_name(f.model, YT_LOSS_DFL), "dfl_loss");
    cr_assert_str_eq(yti_branch_text(f.model, 0), "");
}
