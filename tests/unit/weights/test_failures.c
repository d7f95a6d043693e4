/* Tests of the library while memory ends or the disk does: every allocation of saving and of opening weights fails
 * once, alone and with all later ones, and so does every call that touches files. What the programs do:
 * tests/failing/walk.py. */
#include "failing/failing.h"
#include "support/folder.h"
#include "support/models.h"
#include "support/tiny.h"
#include "weights/weights.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static yti_model *model;
static char path[512], temporary[576];

static void make(void) {
    test_folder_make();
    test_tiny_write_models();
    model = test_model_load(test_folder_path("tiny26.yaml"), (yti_model_options)YT_MODEL_DEFAULTS);
    yti_model_init_weights(model, 1, &model->state);
    snprintf(path, sizeof path, "%s", test_folder_path("w.safetensors"));
    snprintf(temporary, sizeof temporary, "%s.tmp-%ld", path, (long)getpid());
}

static void unmake(void) {
    yti_model_destroy(model);
    test_folder_remove();
}

TestSuite(failures, .init = make, .fini = unmake, .timeout = 900);

static yt_status save(yt_err *err) {
    char *list[] = {(char[]){"red"}, (char[]){"blue"}};
    const yti_class_names names = {2, list};
    return test_weights_save(path, model, &model->state, 1, &names, 64, err);
}

static yt_status open_again(yt_err *err) {
    yti_model *opened = NULL;
    yti_class_names names = {0};
    int imgsz = 0;
    yt_status status = yti_weights_open(path, NULL, NULL, &opened, &names, &imgsz, err);
    if (status == YT_OK) {
        cr_assert(imgsz == 64 && names.count == 2 && strcmp(names.names[1], "blue") == 0);
        cr_assert_arr_eq(opened->state.params, model->state.params, model->param_count * sizeof(float));
        yti_model_destroy(opened);
        yti_class_names_free(&names);
    } else {
        cr_assert(opened == NULL && names.names == NULL, "a failure left something behind");
    }
    return status;
}

/* Returns how many of the runs ended with a sentence. */
static int walk(yt_status (*operation)(yt_err *err), failing_kind kind, bool lasting) {
    int sentences = 0;
    for (long n = 1;; n += n < 40 || kind == FAILING_IO ? 1 : 17) {
        yt_err err = {0};
        failing_begin(kind, n, lasting);
        yt_status status = operation(&err);
        const bool failed = failing_end();
        if (status != YT_OK) {
            cr_assert(failed, "call %ld: %s", n, err.text);
            cr_assert(err.code == status && err.text[0], "call %ld: status %d without a sentence", n, (int)status);
            sentences++;
        }
        if (kind == FAILING_ALLOC) cr_assert_neq(access(temporary, F_OK), 0, "call %ld leaves half a file", n);
        remove(temporary); /* where the call that removes it failed */
        if (operation == save)
            cr_assert_eq(open_again(&err), YT_OK, "after call %ld of the operation: %s", n, err.text);
        if (!failed) return sentences;
    }
}

static void walk_both(yt_status (*operation)(yt_err *err), int least_allocations, int least_calls) {
    cr_assert_eq(save(NULL), YT_OK);
    for (int lasting = 0; lasting < 2; lasting++) {
        const int allocations = walk(operation, FAILING_ALLOC, lasting), calls = walk(operation, FAILING_IO, lasting);
        cr_assert_geq(allocations, least_allocations);
        cr_assert_geq(calls, least_calls);
    }
}

Test(failures, saving_weights_ends_with_a_sentence_and_the_former_file_or_the_new_one) {
    walk_both(save, 20, 10);
}

Test(failures, opening_weights_ends_with_a_sentence_and_leaves_nothing) {
    walk_both(open_again, 50, 3);
}
