/* The public training and validation: the same numbers as the run inside, what is shown on the way, and how it stops.
 */
#include "train/loop/train.h"
#include "support/folder.h"
#include "support/tiny.h"
#include "yolotrain.h"
#include "yolotrain/advanced.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    cr_assert_eq(chdir(test_folder_path("")), 0);
    test_tiny_write_data(6, 3);
}
TestSuite(training, .init = init, .fini = test_folder_remove);

static const char *const settings[][2] = {
    {"data", "data.yaml"}, {"model", "tiny26.yaml"}, {"imgsz", "64"},  {"epochs", "3"},
    {"batch", "2"},        {"threads", "1"},         {"workers", "1"}, {"seed", "7"}};

static yt_train_options *options_of(const char *name, const char *value) {
    yt_train_options *options;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_train_options_create(&options, &err), YT_OK);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        cr_assert_eq(yt_train_options_set(options, settings[i][0], settings[i][1], &err), YT_OK, "%s", err.text);
    if (name) cr_assert_eq(yt_train_options_set(options, name, value, &err), YT_OK, "%s", err.text);
    return options;
}

static yt_training *training_of(const char *name, const char *value) {
    yt_train_options *options = options_of(name, value);
    yt_training *training;
    cr_assert_eq(yt_training_create(options, &training, NULL), YT_OK);
    yt_train_options_destroy(options);
    return training;
}

static void keep_hash(void *context, const yti_train_summary *summary) {
    *(uint64_t *)context = summary->weights_hash;
}

/* The same run without the public API. */
static uint64_t run_inside(void) {
    yti_train_config config;
    yti_training *training;
    uint64_t hash = 0;
    yt_err err = {.text = ""};
    yti_train_config_defaults(&config);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        cr_assert_eq(yti_train_config_set(&config, settings[i][0], settings[i][1], YT_SOURCE_TYPED, &err), YT_OK);
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    const yti_train_observer observer = {.finish = keep_hash, .context = &hash};
    cr_assert_eq(yti_train_run(training, &observer, 1, NULL, &err), YT_OK, "%s", err.text);
    yti_train_destroy(training);
    return hash;
}

typedef struct seen {
    yt_training *training;
    int batches, epochs, activations, gradients, best;
    int stop_at; /* epoch; 0: never */
    bool sound;
} seen;

static void see_batch(void *context, const yt_train_batch *batch) {
    seen *s = context;
    s->batches++;
    s->sound &= batch->epoch == s->epochs + 1 && batch->batch >= 1 && batch->batch <= batch->batches &&
                batch->images == 2 && isfinite(batch->loss[0]) && !batch->skipped;
}

static void see_epoch(void *context, const yt_train_epoch *epoch) {
    seen *s = context;
    s->epochs++;
    s->best = epoch->is_best ? epoch->epoch : s->best;
    s->sound &= epoch->epoch == s->epochs && epoch->epochs == 3 && epoch->train_loss[1] > 0 && epoch->val_loss[1] > 0 &&
                epoch->validated && epoch->map50_95 >= 0 && epoch->map50_95 <= 1;
    if (epoch->epoch == s->stop_at) yt_training_stop(s->training);
}

static void see_map(void *context, const yt_map *map) {
    seen *s = context;
    s->activations += !map->is_gradient;
    s->gradients += map->is_gradient;
    s->sound &= map->n == 2 && map->h > 0 && map->stride >= map->c && map->layer[0] && map->step % 2 == 0 &&
                isfinite(map->data[(ptrdiff_t)(map->h * map->w - 1) * map->stride]);
}

static void see_message(void *context, const char *text) {
    char *last = context;
    snprintf(last, 1024, "%s", text);
}

Test(training, gives_the_weights_of_the_run_inside_to_the_last_bit_and_shows_every_step) {
    const uint64_t expected = run_inside();
    yt_training *training = training_of(NULL, NULL);
    seen s = {.training = training, .sound = true};
    yt_err err = {.text = ""};
    yt_training_on_batch(training, see_batch, &s);
    yt_training_on_epoch(training, see_epoch, &s);
    cr_expect_null(yt_training_plan(training));
    cr_expect_null(yt_training_result(training));
    cr_assert_eq(yt_training_prepare(training, &err), YT_OK, "%s", err.text);
    const yt_train_plan *plan = yt_training_plan(training);
    cr_expect_str_eq(plan->model, "tiny26");
    cr_expect(plan->classes == 2 && plan->train_images == 6 && plan->val_images == 3 && plan->epochs == 3);
    cr_expect(plan->batches == 3 && plan->first_epoch == 0 && plan->parameters > 1000 && plan->memory > 1000);
    cr_expect_str_eq(plan->names[1], "blue");
    cr_expect_null(plan->folder, "nothing is written yet");
    cr_expect_null(plan->base_license);
    cr_assert_eq(yt_training_run(training, &err), YT_OK, "%s", err.text);
    const yt_train_result *result = yt_training_result(training);
    cr_assert_not_null(result);
    cr_expect_eq(result->weights_hash, expected);
    cr_expect(result->status == YT_OK && result->epochs == 3 && result->best_epoch == s.best && !result->stopped_early);
    cr_expect(s.sound && s.batches == 9 && s.epochs == 3, "%d batches, %d epochs", s.batches, s.epochs);
    cr_expect_str_eq(result->folder, plan->folder);
    cr_expect_eq(access(result->best_weights, R_OK), 0, "%s", result->best_weights);
    cr_expect_eq(access(result->last_weights, R_OK), 0, "%s", result->last_weights);
    cr_expect_eq(yt_training_run(training, &err), YT_ERR_ARGUMENT, "a training runs once");
    yt_training_destroy(training);
}

Test(training, showing_maps_changes_no_weight) {
    const uint64_t expected = run_inside();
    yt_training *training = training_of(NULL, NULL);
    seen s = {.sound = true};
    yt_training_on_map(training, 2, see_map, &s);
    cr_assert_eq(yt_training_run(training, NULL), YT_OK);
    cr_expect_eq(yt_training_result(training)->weights_hash, expected);
    cr_expect(s.sound && s.activations > 5 * 10 && s.gradients > 5 * 10, "%d and %d", s.activations, s.gradients);
    yt_training_destroy(training);
}

Test(training, stopped_from_a_callback_and_resumed_it_ends_with_the_same_weights) {
    const uint64_t expected = run_inside();
    yt_training *training = training_of(NULL, NULL);
    seen s = {.training = training, .stop_at = 1, .sound = true};
    yt_err err = {.text = ""};
    yt_training_on_epoch(training, see_epoch, &s);
    cr_assert_eq(yt_training_run(training, &err), YT_ERR_STOPPED);
    cr_expect(err.text[0], "a sentence");
    const yt_train_result *result = yt_training_result(training);
    cr_expect(result->status == YT_ERR_STOPPED && result->epochs == 1);
    char folder[512];
    snprintf(folder, sizeof folder, "%s", result->folder);
    yt_training_destroy(training);

    yt_train_options *options;
    cr_assert_eq(yt_train_options_create(&options, NULL), YT_OK);
    cr_assert_eq(yt_train_options_set(options, "resume", folder, NULL), YT_OK);
    cr_assert_eq(yt_training_create(options, &training, NULL), YT_OK);
    yt_train_options_destroy(options);
    cr_assert_eq(yt_training_prepare(training, &err), YT_OK, "%s", err.text);
    cr_expect_eq(yt_training_plan(training)->first_epoch, 1);
    cr_assert_eq(yt_training_run(training, &err), YT_OK, "%s", err.text);
    cr_expect_eq(yt_training_result(training)->weights_hash, expected);
    yt_training_destroy(training);
}

static void *stop_it(void *context) {
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    yt_training_stop(context);
    return NULL;
}

/* Under -fsanitize=thread, too. */
Test(training, stops_for_another_thread) {
    yt_training *training = training_of("epochs", "100000");
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, stop_it, training), 0);
    cr_expect_eq(yt_training_run(training, NULL), YT_ERR_STOPPED);
    pthread_join(thread, NULL);
    yt_training_destroy(training);
}

Test(training, what_is_wrong_is_a_sentence_before_a_file_is_written) {
    static const struct {
        const char *name, *value, *says;
        yt_status status;
    } bad[] = {{"data", "absent.yaml", "absent.yaml", YT_ERR_IO},
               {"model", "absent.yaml", "absent.yaml", YT_ERR_IO},
               {"data", "", "name a dataset YAML", YT_ERR_ARGUMENT},
               {"resume", "absent", "absent", YT_ERR_IO}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        yt_training *training = training_of(bad[i].name, bad[i].value);
        yt_err err = {.text = ""};
        cr_expect_eq(yt_training_run(training, &err), bad[i].status, "%s: %s", bad[i].name, err.text);
        cr_expect(strstr(err.text, bad[i].says), "%s", err.text);
        cr_expect_null(yt_training_result(training));
        cr_expect_neq(access("runs", F_OK), 0);
        yt_training_destroy(training);
    }
}

Test(training, options_are_the_table_of_the_program) {
    yt_train_options *options;
    yt_err err = {.text = ""};
    size_t n = 0;
    cr_assert_eq(yt_train_options_create(&options, &err), YT_OK);
    for (const yt_option *row; (row = yt_train_option(n)); n++) {
        cr_expect(row->help[0] && row->group[0] && row->fallback, "%s", row->name);
        cr_expect_not_null(yt_train_options_get(options, row->name), "%s", row->name);
        cr_expect_eq(yt_train_options_set(options, row->name, row->fallback, &err), YT_OK, "%s: %s", row->name,
                     err.text);
    }
    cr_expect_eq(n, YT_TRAIN_KEYS);
    cr_assert_eq(yt_train_options_set(options, "close-mosaic", "3", &err), YT_OK, "%s", err.text);
    cr_expect_str_eq(yt_train_options_get(options, "close_mosaic"), "3");
    cr_expect_str_eq(yt_train_options_get(options, "batch"), "auto");
    cr_expect_null(yt_train_options_get(options, "absent"));
    cr_expect_eq(yt_train_options_set(options, "epochs", "0", &err), YT_ERR_ARGUMENT);
    cr_expect(strstr(err.text, "epochs: 0 is below 1"), "%s", err.text);
    cr_expect_str_eq(yt_train_options_get(options, "epochs"), "100");
    cr_expect_eq(yt_train_options_set(options, "epohcs", "5", &err), YT_ERR_ARGUMENT);
    cr_expect(strstr(err.text, "did you mean epochs"), "%s", err.text);
    yt_train_options_destroy(options);
    yt_training_destroy(NULL);
}

/* ---- what comes out is used ---- */

Test(training, its_weights_are_validated_and_detect) {
    yt_training *training = training_of(NULL, NULL);
    yt_err err = {.text = ""};
    cr_assert_eq(yt_training_run(training, &err), YT_OK, "%s", err.text);
    const char *weights = yt_training_result(training)->best_weights;
    yt_validate_options *options;
    yt_validation *validation;
    char message[1024] = "";
    cr_assert_eq(yt_validate_options_create(&options, NULL), YT_OK);
    cr_assert_eq(yt_validate_options_set(options, "threads", "1", NULL), YT_OK);
    yt_validate_options_on_message(options, see_message, message);
    cr_assert_eq(yt_validation_run(weights, "data.yaml", options, &validation, &err), YT_OK, "%s", err.text);
    cr_expect_str_eq(message, "val: 3 images, 3 boxes, 0 backgrounds");
    const yt_metrics *all = yt_validation_all(validation);
    cr_expect(all->images == 3 && all->objects == 3 && all->map50_95 >= 0 && all->map50_95 <= all->map50);
    cr_expect_eq(yt_validation_classes(validation), 2);
    cr_expect_str_eq(yt_validation_class_name(validation, 0), "red");
    cr_expect_null(yt_validation_class_name(validation, 2));
    cr_expect_null(yt_validation_class(validation, -1));
    cr_expect_eq(yt_validation_class(validation, 0)->objects + yt_validation_class(validation, 1)->objects, 3);
    for (int i = 0; i < 12; i++)
        cr_expect(yt_validation_coco(validation)[i] >= -1 && yt_validation_coco(validation)[i] <= 1);
    cr_expect(yt_validation_seconds(validation) > 0);
    yt_validation_destroy(validation);
    cr_expect_eq(yt_validate_options_set(options, "split", "absent", &err), YT_ERR_ARGUMENT);
    cr_assert_eq(yt_validate_options_set(options, "split", "test", &err), YT_OK);
    cr_expect_neq(yt_validation_run(weights, "data.yaml", options, &validation, &err), YT_OK);
    cr_expect(strstr(err.text, "test"), "%s", err.text);
    yt_validate_options_destroy(options);
    yt_detector *detector;
    cr_assert_eq(yt_detector_open(weights, NULL, &detector, &err), YT_OK, "%s", err.text);
    cr_expect_str_eq(yt_detector_class_name(detector, 1), "blue");
    yt_detector_close(detector);
    yt_training_destroy(training);
}
