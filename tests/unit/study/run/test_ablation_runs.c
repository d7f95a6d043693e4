/* Whole runs of networks with something taken away: they train, are stored, resumed and validated as what they are,
 * and see the same images in the same order. */
#include "base/rng.h"
#include "support/run_config.h"
#include "support/folder.h"
#include "support/tiny.h"
#include "train/loop/train.h"
#include "train/loop/training.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAST "runs/detect/train/weights/last.safetensors"

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    test_tiny_write_data(4, 2);
    cr_assert_eq(chdir(test_folder_path("")), 0);
}
TestSuite(ablation_runs, .init = init, .fini = test_folder_remove);

static yti_train_config tiny_config(void) {
    yti_train_config config = test_run_config("tiny8.yaml", "1");
    return config;
}

static yti_training *prepare(const yti_train_config *config) {
    yti_training *training = NULL;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_prepare(config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    return training;
}

static const yti_model *model_of(const yti_training *training) {
    return yti_train_describe(training)->model;
}

static yt_status on_epoch(void *context, const yti_train_epoch *epoch, yt_err *err) {
    (void)err;
    const double loss = epoch->train_loss[0] + epoch->train_loss[1] + epoch->train_loss[2];
    cr_assert(loss > 0 && loss < 1000, "loss %g", loss);
    *(int *)context += 1;
    return YT_OK;
}

/* Trains an epoch and a second one after resuming, and opens the weights; what they say of their network. */
static yti_model_options train_and_open(const yti_train_config *config) {
    yt_err err = {.text = ""};
    int epochs = 0;
    const yti_train_observer observer = {.epoch = on_epoch, .context = &epochs};
    yti_training *training = prepare(config);
    cr_assert_eq(yti_train_run(training, &observer, 1, NULL, &err), YT_OK, "%s", err.text);
    const size_t count = model_of(training)->param_count;
    yti_train_destroy(training);

    yti_train_config again;
    yti_train_config_defaults(&again);
    test_set(&again, "resume", LAST);
    test_set(&again, "epochs", "2");
    test_set(&again, "threads", "1");
    training = prepare(&again);
    cr_assert_eq(model_of(training)->param_count, count);
    cr_assert_eq(yti_train_run(training, &observer, 1, NULL, &err), YT_OK, "%s", err.text);
    yti_train_destroy(training);
    cr_assert_eq(epochs, 2);

    yti_model *model = NULL;
    yti_class_names names = {0};
    int imgsz;
    cr_assert_eq(yti_weights_open(LAST, NULL, NULL, &model, &names, &imgsz, &err), YT_OK, "%s", err.text);
    cr_assert_eq(model->param_count, count);
    const yti_model_options options = model->options;
    yti_class_names_free(&names);
    yti_model_destroy(model);
    return options;
}

Test(ablation_runs, every_cut_trains_resumes_and_is_stored) {
    for (int kind = 0; kind < YT_NO_RESIDUAL_COUNT; kind++) {
        yti_train_config config = tiny_config();
        test_set(&config, "no_residual", yti_no_residual_word((yti_no_residual)kind));
        test_set(&config, "exist_ok", "true");
        cr_assert_eq(train_and_open(&config).no_residual, (yti_no_residual)kind);
    }
}

Test(ablation_runs, every_activation_trains_resumes_and_is_stored) {
    for (int kind = 0; kind < YT_ACT_COUNT; kind++) {
        yti_train_config config = tiny_config();
        test_set(&config, "activation", yti_activation_name((yti_activation_kind)kind));
        test_set(&config, "exist_ok", "true");
        cr_assert_eq(train_and_open(&config).activation, kind);
    }
}

/* What the checkpoint holds, not other orthogonal values, is where a resumed run begins. */
Test(ablation_runs, a_choice_of_init_starts_elsewhere_and_is_not_repeated_on_resume) {
    yti_train_config plain = tiny_config(), other = tiny_config(), again;
    test_set(&other, "init", "orthogonal");
    yti_training *a = prepare(&plain), *b = prepare(&other);
    const size_t bytes = model_of(b)->param_count * sizeof(float);
    float *first = malloc(bytes), *last = malloc(bytes);
    cr_assert(first && last);
    memcpy(first, model_of(b)->state.params, bytes);
    cr_assert_neq(memcmp(model_of(a)->state.params, first, bytes), 0);
    yti_train_destroy(a);
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_run(b, NULL, 0, NULL, &err), YT_OK, "%s", err.text);
    memcpy(last, model_of(b)->state.params, bytes);
    cr_assert_neq(memcmp(first, last, bytes), 0, "it has trained");
    yti_train_destroy(b);

    yti_train_config_defaults(&again);
    test_set(&again, "resume", LAST);
    test_set(&again, "epochs", "2");
    b = prepare(&again);
    cr_assert_str_eq(yti_train_describe(b)->config->init, "orthogonal");
    cr_assert_eq(model_of(b)->param_count * sizeof(float), bytes);
    cr_assert_eq(memcmp(model_of(b)->state.params, last, bytes), 0);
    yti_train_destroy(b);
    free(first);
    free(last);

    test_set(&other, "init", "orthogonl");
    cr_assert_eq(yti_train_prepare(&other, NULL, NULL, NULL, &a, &err), YT_ERR_ARGUMENT);
    cr_assert(strstr(err.text, "did you mean orthogonal"), "%s", err.text);
}

/* Hash of all images of an epoch in their order. */
static uint64_t hash_of_epoch(yti_training *t, int epoch) {
    yt_err err = {.text = ""};
    const yti_augment augment = {.mosaic = 0.5f, .scale = 0.5f, .hsv_h = 0.1f, .fliplr = 0.5f};
    uint64_t hash = 0;
    const yti_batch *batch;
    cr_assert_eq(yti_loader_begin(t->data.train_loader, epoch, 0, &augment, &err), YT_OK, "%s", err.text);
    while (yti_loader_next(t->data.train_loader, &batch, &err) == YT_OK && batch)
        hash = hash * 31 + yti_hash64(batch->rgb, (uint64_t)batch->n * (uint64_t)batch->h * (uint64_t)batch->w * 3);
    return hash;
}

Test(ablation_runs, variants_see_the_same_images_in_the_same_order) {
    static const char *const variants[][2] = {{"no_residual", "false"},   {"no_residual", "add"},
                                              {"no_residual", "lateral"}, {"no_batchnorm", "true"},
                                              {"activation", "tanh"},     {"init", "kaiming"}};
    uint64_t first[2] = {0};
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
        yti_train_config config = tiny_config();
        test_set(&config, variants[v][0], variants[v][1]);
        yti_training *t = prepare(&config);
        for (int epoch = 0; epoch < 2; epoch++) {
            const uint64_t hash = hash_of_epoch(t, epoch);
            if (v == 0) first[epoch] = hash;
            cr_expect_eq(hash, first[epoch], "%s %s", variants[v][0], variants[v][1]);
        }
        yti_train_destroy(t);
    }
    cr_assert_neq(first[0], first[1]);
}
