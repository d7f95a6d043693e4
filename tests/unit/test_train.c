/* Tests of src/train: whole runs on a tiny problem; the files they leave, and that they can be stopped and
 * resumed. */
#include "yt/file.h"
#include "yt/train.h"
#include "support/folder.h"
#include "support/tiny.h"
#include "train/training.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_TRAIN = 5, N_VAL = 3 };

static void init(void) {
    yt_folder_make();
    yt_tiny_write_models();
    yt_tiny_write_data(N_TRAIN, N_VAL);
    cr_assert_eq(chdir(yt_folder_path("")), 0);
}
TestSuite(train, .init = init, .fini = yt_folder_remove);

static void set(yt_train_config *config, const char *key, const char *text) {
    yt_err err = {.text = ""};
    cr_assert_eq(yt_train_config_set(config, key, text, YT_SOURCE_TYPED, &err), YT_OK, "%s", err.text);
}

static yt_train_config tiny_config(const char *epochs) {
    yt_train_config config;
    yt_train_config_defaults(&config);
    set(&config, "data", yt_folder_path("data.yaml"));
    set(&config, "model", yt_folder_path("tiny26.yaml"));
    set(&config, "imgsz", "64");
    set(&config, "batch", "2");
    set(&config, "epochs", epochs);
    set(&config, "threads", "1");
    return config;
}

static yt_train_config resume_config(const char *path) {
    yt_train_config config;
    yt_train_config_defaults(&config);
    set(&config, "resume", path);
    set(&config, "threads", "1");
    return config;
}

/* What a run showed to its observer. */
typedef struct record {
    int starts, batches, updates, epochs, validations, finishes;
    int first_epoch, stop_in_epoch; /* stop_in_epoch: after its first batch; 0: never */
    yt_train_summary summary;
    volatile sig_atomic_t stop;
} record;

static yt_status on_start(void *context, const yt_train_info *info, yt_err *err) {
    (void)err;
    record *r = context;
    r->starts++;
    r->first_epoch = info->first_epoch;
    return YT_OK;
}

static void on_batch(void *context, const yt_train_batch *batch) {
    record *r = context;
    r->batches++;
    r->updates += batch->updates;
    if (batch->epoch + 1 == r->stop_in_epoch) r->stop = 1;
}

static yt_status on_epoch(void *context, const yt_train_epoch *epoch, yt_err *err) {
    (void)err;
    record *r = context;
    r->epochs++;
    double loss = epoch->train_loss[0] + epoch->train_loss[1] + epoch->train_loss[2];
    cr_assert(isfinite(loss) && loss > 0, "epoch %d", epoch->epoch);
    r->validations += epoch->validated;
    return YT_OK;
}

static void on_finish(void *context, const yt_train_summary *summary) {
    record *r = context;
    r->finishes++;
    r->summary = *summary;
    r->summary.classes = NULL; /* not lent beyond the training */
}

static yt_status run(const yt_train_config *config, record *r, yt_err *err) {
    yt_training *training;
    YT_TRY(yt_train_prepare(config, NULL, NULL, NULL, &training, err));
    yt_train_observer observer = {
        .start = on_start, .batch = on_batch, .epoch = on_epoch, .finish = on_finish, .context = r};
    yt_status status = yt_train_run(training, &observer, 1, &r->stop, err);
    yt_train_destroy(training);
    return status;
}

static void expect_run(const yt_train_config *config, record *r) {
    yt_err err = {.text = ""};
    cr_assert_eq(run(config, r, &err), YT_OK, "%s", err.text);
}

static char *read_text(const char *path) {
    char *text = NULL;
    size_t bytes;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_file_read(path, 1 << 24, &text, &bytes, &err), YT_OK, "%s", err.text);
    return text;
}

static int count_lines(const char *text) {
    int lines = 0;
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

static void expect_same_arrays(const char *a_path, const char *b_path) {
    yt_st_file a, b;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_st_load(a_path, &a, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yt_st_load(b_path, &b, &err), YT_OK, "%s", err.text);
    cr_assert_eq(a.n_entries, b.n_entries);
    cr_assert_gt(a.n_entries, 50u);
    for (size_t i = 0; i < a.n_entries; i++) {
        cr_assert_str_eq(a.entries[i].name, b.entries[i].name);
        cr_assert_eq(a.entries[i].bytes, b.entries[i].bytes);
        cr_assert_eq(memcmp(a.entries[i].data, b.entries[i].data, a.entries[i].bytes), 0, "%s differs",
                     a.entries[i].name);
    }
    yt_st_free(&a);
    yt_st_free(&b);
}

/* Rows of two results.csv without the column of seconds. */
static void expect_same_results(const char *a_path, const char *b_path) {
    char *a = read_text(a_path), *b = read_text(b_path), *a_rest, *b_rest;
    char *a_line = strtok_r(a, "\n", &a_rest), *b_line = strtok_r(b, "\n", &b_rest);
    for (int row = 0; a_line || b_line; row++) {
        cr_assert(a_line && b_line, "%s and %s have different numbers of rows", a_path, b_path);
        cr_assert_eq(atoi(a_line), atoi(b_line));
        const char *a_values = strchr(strchr(a_line, ',') + 1, ','),
                   *b_values = strchr(strchr(b_line, ',') + 1, ',');
        cr_assert_str_eq(a_values, b_values);
        a_line = strtok_r(NULL, "\n", &a_rest);
        b_line = strtok_r(NULL, "\n", &b_rest);
    }
    free(a);
    free(b);
}

Test(train, a_run_leaves_settings_results_and_weights) {
    yt_train_config config = tiny_config("2");
    record r = {0};
    expect_run(&config, &r);
    cr_assert(r.starts == 1 && r.epochs == 2 && r.finishes == 1);
    cr_assert_eq(r.batches, 6, "5 images in batches of 2, 2 epochs");
    cr_assert_eq(r.updates, 6);
    cr_assert(r.summary.status == YT_OK && r.summary.epochs == 2 && r.summary.weights_hash != 0);
    cr_assert_geq(r.summary.best_epoch, 1);
    cr_assert(yt_path_exists("runs/detect/train/weights/best.safetensors"));
    cr_assert(yt_path_exists("runs/detect/train/weights/last.safetensors"));
    cr_assert(yt_path_exists("runs/detect/train/args.yaml"));
    char *text = read_text("runs/detect/train/results.csv");
    cr_assert_eq(
        strncmp(text,
                "epoch,time,train/box_loss,train/cls_loss,train/l1_loss,metrics/precision(B),"
                "metrics/recall(B),metrics/mAP50(B),metrics/mAP50-95(B),val/box_loss,val/cls_loss,"
                "val/l1_loss,lr/pg0,lr/pg1,lr/pg2\n1,",
                strlen("epoch,time,train/box_loss,train/cls_loss,train/l1_loss,metrics/precision(B),"
                       "metrics/recall(B),metrics/mAP50(B),metrics/mAP50-95(B),val/box_loss,val/cls_loss,"
                       "val/l1_loss,lr/pg0,lr/pg1,lr/pg2\n1,")),
        0, "%s", text);
    cr_assert_eq(count_lines(text), 3);
    free(text);
    cr_assert_not(yt_path_exists("runs/detect/train/gradients.csv"));
}

Test(train, best_weights_describe_themselves) {
    yt_train_config config = tiny_config("1");
    record r = {0};
    expect_run(&config, &r);
    yt_model *model = NULL;
    yt_class_names names = {0};
    int imgsz = 0;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_weights_open("runs/detect/train/weights/best.safetensors", NULL, NULL, &model, &names,
                                 &imgsz, &err),
                 YT_OK, "%s", err.text);
    cr_assert_eq(imgsz, 64);
    cr_assert_str_eq(names.names[0], "red");
    yt_class_names_free(&names);
    yt_model_destroy(model);
}

Test(train, folders_of_runs_are_counted_and_a_project_may_be_absolute) {
    yt_train_config config = tiny_config("1");
    record r = {0};
    expect_run(&config, &r);
    expect_run(&config, &r);
    cr_assert(yt_path_exists("runs/detect/train-2/results.csv"));
    set(&config, "exist_ok", "true");
    expect_run(&config, &r);
    cr_assert_not(yt_path_exists("runs/detect/train-3"));
    set(&config, "project", yt_folder_path("elsewhere"));
    set(&config, "name", "mine");
    expect_run(&config, &r);
    cr_assert(yt_path_exists("elsewhere/mine/args.yaml"));
}

Test(train, a_tiny_problem_is_learnt) {
    yt_train_config config = tiny_config("60");
    set(&config, "model", yt_folder_path("tiny8.yaml"));
    set(&config, "mosaic", "0");
    set(&config, "val", "false"); /* validates after the last epoch only */
    set(&config, "lr0", "0.003");
    record r = {0};
    expect_run(&config, &r);
    cr_assert_eq(r.validations, 1);
    cr_assert_gt(r.summary.best.ap50, 0.5);
}

Test(train, one_and_two_threads_give_the_same_bits) {
    yt_train_config config = tiny_config("2");
    record one = {0}, two = {0};
    expect_run(&config, &one);
    set(&config, "threads", "2");
    set(&config, "workers", "3");
    expect_run(&config, &two);
    cr_assert_eq(one.summary.weights_hash, two.summary.weights_hash);
    expect_same_arrays("runs/detect/train/weights/last.safetensors",
                       "runs/detect/train-2/weights/last.safetensors");
    expect_same_results("runs/detect/train/results.csv", "runs/detect/train-2/results.csv");
}

Test(train, another_seed_gives_other_weights) {
    yt_train_config config = tiny_config("1");
    record a = {0}, b = {0};
    expect_run(&config, &a);
    set(&config, "seed", "1");
    expect_run(&config, &b);
    cr_assert_neq(a.summary.weights_hash, b.summary.weights_hash);
}

/* Stops a run in its third epoch and resumes it. */
static void stop_and_resume(yt_train_config *config) {
    record whole = {0}, half = {.stop_in_epoch = 3}, rest = {0};
    expect_run(config, &whole);
    yt_err err = {.text = ""};
    cr_assert_eq(run(config, &half, &err), YT_STOPPED);
    cr_assert(half.epochs == 2 && half.summary.epochs == 2);
    char *newest;
    cr_assert_eq(yt_train_newest_checkpoint(&newest, &err), YT_OK);
    cr_assert_str_eq(newest, "runs/detect/train-2/weights/last.safetensors");
    yt_train_config resumed = resume_config(newest);
    free(newest);
    expect_run(&resumed, &rest);
    cr_assert(rest.first_epoch == 2 && rest.epochs == 2);
    cr_assert_eq(rest.summary.weights_hash, whole.summary.weights_hash);
    cr_assert_eq(rest.summary.best_epoch, whole.summary.best_epoch);
    expect_same_arrays("runs/detect/train/weights/last.safetensors",
                       "runs/detect/train-2/weights/last.safetensors");
    expect_same_arrays("runs/detect/train/weights/best.safetensors",
                       "runs/detect/train-2/weights/best.safetensors");
    expect_same_results("runs/detect/train/results.csv", "runs/detect/train-2/results.csv");
}

Test(train, a_resumed_run_equals_one_that_never_stopped) {
    yt_train_config config = tiny_config("4");
    stop_and_resume(&config);
}

Test(train, a_resumed_run_keeps_gradients_that_wait_for_their_update) {
    yt_train_config config = tiny_config("4");
    set(&config, "model", yt_folder_path("tiny8.yaml"));
    set(&config, "optimizer", "SGD");
    set(&config, "lr0", "0.001");
    set(&config, "nbs", "8"); /* an update every 4 of 3 batches per epoch */
    set(&config, "val", "false");
    stop_and_resume(&config);
}

Test(train, rows_of_results_behind_the_checkpoint_are_dropped) {
    yt_train_config config = tiny_config("3");
    record half = {.stop_in_epoch = 3}, rest = {0};
    yt_err err;
    cr_assert_eq(run(&config, &half, &err), YT_STOPPED);
    FILE *file = fopen("runs/detect/train/results.csv", "a");
    fputs("3,99,a row of an epoch that was not saved\n4,", file);
    cr_assert_eq(fclose(file), 0);
    yt_train_config resumed = resume_config("runs/detect/train/weights/last.safetensors");
    expect_run(&resumed, &rest);
    char *text = read_text("runs/detect/train/results.csv");
    cr_assert_eq(count_lines(text), 4);
    cr_assert_null(strstr(text, "not saved"));
    free(text);
}

Test(train, a_finished_run_goes_on_only_with_more_epochs) {
    yt_train_config config = tiny_config("2");
    record r = {0}, more = {0};
    expect_run(&config, &r);
    yt_train_config resumed = resume_config("runs/detect/train/weights/last.safetensors");
    yt_err err;
    cr_assert_eq(run(&resumed, &r, &err), YT_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "finished its 2 epochs; a larger --epochs"), "%s", err.text);
    set(&resumed, "epochs", "3");
    expect_run(&resumed, &more);
    cr_assert(more.first_epoch == 2 && more.epochs == 1);
    char *text = read_text("runs/detect/train/args.yaml");
    cr_assert_not_null(strstr(text, "epochs: 3  # cli\n"));
    cr_assert_not_null(strstr(text, "batch: 2  # checkpoint\n"));
    free(text);
}

Test(train, what_a_resumed_run_cannot_change_is_refused) {
    yt_train_config config = tiny_config("3");
    record half = {.stop_in_epoch = 3}, r = {0};
    yt_err err;
    cr_assert_eq(run(&config, &half, &err), YT_STOPPED);
    yt_train_config resumed = resume_config("runs/detect/train/weights/last.safetensors");
    set(&resumed, "batch", "2"); /* as it was: fine */
    set(&resumed, "lr0", "0.5");
    cr_assert_eq(run(&resumed, &r, &err), YT_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "lr0: cannot be 0.5 in a resumed run"), "%s", err.text);
    resumed = resume_config("runs/detect/train/weights/best.safetensors");
    cr_assert_eq(run(&resumed, &r, &err), YT_MISMATCH);
    cr_assert_not_null(strstr(err.text, "is not a checkpoint"), "%s", err.text);
}

Test(train, patience_ends_a_run) {
    yt_train_config config = tiny_config("30");
    set(&config, "patience", "1");
    set(&config, "lr0", "0"); /* nothing improves */
    set(&config, "iou", "0.5");
    record r = {0};
    expect_run(&config, &r);
    /* With mAP 0 there is no improvement to wait from, so the run goes to its end; else it ends early. */
    if (r.summary.best_fitness > 0)
        cr_assert(r.summary.stopped_early && r.epochs < 30);
    else
        cr_assert(!r.summary.stopped_early && r.epochs == 30);
}

Test(train, a_loss_that_is_not_finite_stops_the_run_and_names_it) {
    yt_train_config config = tiny_config("2");
    yt_model_options options = YT_MODEL_DEFAULTS;
    yt_model *model;
    cr_assert_eq(yt_model_load(config.model, &options, &model, NULL), YT_OK);
    yt_model_init(model, 0, &model->state);
    for (size_t i = 0; i < model->param_count; i++) model->state.params[i] = (float)NAN;
    char *list[] = {(char[]){"a"}, (char[]){"b"}};
    yt_class_names names = {2, list};
    cr_assert_eq(yt_weights_save("nan.safetensors", model, &model->state, 0, &names, 64, NULL, NULL, 0, NULL),
                 YT_OK);
    yt_model_destroy(model);
    set(&config, "weights", "nan.safetensors");
    record r = {0};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_NON_FINITE);
    cr_assert_not_null(strstr(err.text, "epoch 1, batch 1 of 3: "), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "_loss of the one-to-many branch is "), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "data/images/train/"), "%s", err.text);
    cr_assert(r.updates == 0 && r.epochs == 0 && r.finishes == 1 && r.summary.status == YT_NON_FINITE);
    cr_assert_not(yt_path_exists("runs/detect/train/weights/last.safetensors"));
}

Test(train, a_gradient_that_is_not_finite_stops_the_run_and_names_it) {
    yt_train_config config = tiny_config("2");
    set(&config, "box", "1e37"); /* finite in the loss, a double, but not in the norm of the gradient */
    record r = {0};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_NON_FINITE);
    cr_assert_not_null(strstr(err.text, "epoch 1, batch 1 of 3: the gradient of model."), "%s", err.text);
    cr_assert_eq(r.updates, 0);
}

Test(train, gradients_are_logged_for_every_row_and_weight) {
    yt_train_config config = tiny_config("2");
    set(&config, "log_gradients", "true");
    record r = {0};
    expect_run(&config, &r);
    char *text = read_text("runs/detect/train/gradients.csv");
    cr_assert_eq(strncmp(text, "epoch,kind,row,name,rms\n", 24), 0);
    cr_assert_not_null(strstr(text, "\n1,activation,0,Conv,"));
    cr_assert_not_null(strstr(text, "\n2,activation,5,Conv,"));
    cr_assert_not_null(strstr(text, "\n2,weight,0,model.0.conv.weight,"));
    cr_assert_null(strstr(text, "nan"));
    cr_assert_null(strstr(text, "running_mean"));
    free(text);
    record plain = {0};
    set(&config, "log_gradients", "false");
    expect_run(&config, &plain);
    cr_assert_eq(plain.summary.weights_hash, r.summary.weights_hash, "watching changes nothing");
}

Test(train, nothing_is_written_when_the_setup_fails) {
    record r = {0};
    yt_err err;
    yt_train_config config = tiny_config("2");
    set(&config, "data", yt_folder_path("none.yaml"));
    cr_assert_neq(run(&config, &r, &err), YT_OK);
    config = tiny_config("2");
    set(&config, "model", yt_folder_path("none.yaml"));
    cr_assert_neq(run(&config, &r, &err), YT_OK);
    config = tiny_config("2");
    set(&config, "weights", yt_folder_path("none.safetensors"));
    cr_assert_eq(run(&config, &r, &err), YT_IO);
    config = tiny_config("2");
    config.data[0] = '\0';
    cr_assert_eq(run(&config, &r, &err), YT_ARGUMENT);
    config = tiny_config("2");
    config.epochs = 0;
    cr_assert_eq(run(&config, &r, &err), YT_ARGUMENT);
    cr_assert_eq(r.starts, 0);
    cr_assert_not(yt_path_exists("runs"));
}

Test(train, a_run_that_does_not_fit_is_refused_with_a_batch_that_does) {
    yt_train_config config = tiny_config("1");
    yt_training *training;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    size_t planned = yt_train_describe(training)->planned_bytes;
    cr_assert_gt(planned, 4 * training->model->param_count * sizeof(float));
    cr_assert_eq(yti_memory_check(training, planned, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_memory_check(training, 0, &err), YT_OK, "unknown memory refuses nothing");
    cr_assert_eq(yti_memory_check(training, planned - 1, &err), YT_NO_MEMORY);
    cr_assert_not_null(strstr(err.text, "the largest batch that fits is --batch 1"), "%s", err.text);
    cr_assert_eq(yti_memory_check(training, 1000, &err), YT_NO_MEMORY);
    cr_assert_not_null(strstr(err.text, "not even --batch 1"), "%s", err.text);
    cr_assert_gt(yti_memory_available(), (size_t)1 << 20);
    yt_train_destroy(training);
}

Test(train, a_last_batch_of_one_value_per_channel_is_refused) {
    yt_train_config config = tiny_config("1");
    set(&config, "imgsz", "32"); /* 5 images in batches of 2: the last has one, of 1 x 1 at the end */
    record r = {0};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "choose another --batch"), "%s", err.text);
}

Test(train, save_period_keeps_checkpoints) {
    yt_train_config config = tiny_config("3");
    set(&config, "save_period", "2");
    record r = {0};
    expect_run(&config, &r);
    cr_assert(yt_path_exists("runs/detect/train/weights/epoch0.safetensors"));
    cr_assert_not(yt_path_exists("runs/detect/train/weights/epoch1.safetensors"));
    cr_assert(yt_path_exists("runs/detect/train/weights/epoch2.safetensors"));
}

Test(train, the_plain_network_trains_too) {
    yt_train_config config = tiny_config("2");
    set(&config, "no_residual", "true");
    set(&config, "no_batchnorm", "true");
    set(&config, "activation", "tanh");
    record r = {0};
    expect_run(&config, &r);
    yt_train_config resumed = resume_config("runs/detect/train/weights/last.safetensors");
    set(&resumed, "epochs", "3");
    expect_run(&resumed, &r);
    cr_assert_eq(r.epochs, 3);
}
