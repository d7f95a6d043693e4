/* Tests of src/train/diagnose/guard.c: a step's way back, and the last steps in lines. */
#include "train/diagnose/guard.h"
#include "support/folder.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static yti_model *model;
static yti_guard guard;

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    model = test_tiny_model(3);
}

static void fini(void) {
    yti_guard_deinit(&guard);
    yti_model_destroy(model);
    test_folder_remove();
}
TestSuite(guard, .init = init, .fini = fini);

Test(guard, statistics_are_as_before_the_step) {
    const yti_step step = {.model = model};
    cr_assert_eq(yti_guard_init(&guard, model, false, NULL), YT_OK);
    yti_guard_before_step(&guard, &step);
    const float before = model->state.buffers[0];
    model->state.buffers[0] = before + 1;
    yti_guard_restore_statistics(&guard, model);
    cr_assert_eq(model->state.buffers[0], before);
}

Test(guard, gradients_that_wait_are_kept_as_they_were) {
    cr_assert_eq(yti_guard_init(&guard, model, true, NULL), YT_OK);
    const yti_step step = {.model = model, .waiting = guard.grads_before};
    model->state.grads[1] = 0.25f;
    yti_guard_before_step(&guard, &step);
    model->state.grads[1] = 4;
    cr_assert_eq(step.waiting[1], 0.25f);
}

Test(guard, a_run_without_steps_says_so) {
    char *text = yti_guard_history(&guard, model);
    cr_assert_str_eq(text, "  before    no step of this process\n");
    free(text);
}

/* Of ten steps the last eight. */
Test(guard, the_last_steps_are_listed_with_the_range_of_their_norms) {
    for (int i = 0; i < 10; i++) {
        const double loss[YT_LOSS_TERMS] = {i, 0.5, 2};
        yti_guard_remember(&guard, 100 + i, loss, 10 - i);
    }
    char *text = yti_guard_history(&guard, model);
    cr_assert_not_null(text);
    const char first[] = "  before    gradient norm 1 to 8 in the last 8 steps\n"
                         "            step 102: box_loss 2, cls_loss 0.5, dfl_loss 2, gradient norm 8\n";
    cr_assert_eq(strncmp(text, first, strlen(first)), 0, "%s", text);
    cr_assert_not_null(strstr(text, "            step 109: box_loss 9, cls_loss 0.5, dfl_loss 2, gradient norm 1\n"));
    cr_assert_null(strstr(text, "step 101"), "%s", text);
    free(text);
}
