/* Tests of src/train: whole runs on a tiny problem; the files they leave, and that they can be stopped and resumed. */
#include "base/container.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/run_folder.h"
#include "support/run_config.h"
#include "support/files.h"
#include "support/folder.h"
#include "support/models.h"
#include "support/tiny.h"
#include "train/loop/train.h"
#include "train/loop/training.h"
#include "train/parts/memory.h"
#include "validate/validate.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_TRAIN = 5, N_VAL = 3 };

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    test_tiny_write_data(N_TRAIN, N_VAL);
    cr_assert_eq(chdir(test_folder_path("")), 0);
}
TestSuite(train, .init = init, .fini = test_folder_remove);

static yti_train_config tiny_config(const char *epochs) {
    yti_train_config config = test_run_config("tiny26.yaml", epochs);
    return config;
}

static yti_train_config resume_config(const char *path) {
    yti_train_config config;
    yti_train_config_defaults(&config);
    test_set(&config, "resume", path);
    test_set(&config, "threads", "1");
    return config;
}

/* What a run showed to its observer. */
typedef struct record {
    int starts, batches, updates, epochs, validations, finishes;
    int first_epoch, stop_in_epoch; /* stop_in_epoch: after its first batch; 0: never */
    const yti_train_info *info;
    int all_epochs; /* as known when it was stopped */
    yti_train_summary summary;
    yti_stop stop;
} record;

static yt_status on_start(void *context, const yti_train_info *info, yt_err *err) {
    (void)err;
    record *r = context;
    r->starts++;
    r->first_epoch = info->first_epoch;
    r->info = info;
    return YT_OK;
}

static void on_batch(void *context, const yti_train_batch *batch) {
    record *r = context;
    r->batches++;
    r->updates += batch->updates;
    if (batch->epoch + 1 == r->stop_in_epoch) {
        r->all_epochs = r->info->epochs;
        r->stop = 1;
    }
}

static yt_status on_epoch(void *context, const yti_train_epoch *epoch, yt_err *err) {
    (void)err;
    record *r = context;
    r->epochs++;
    double loss = epoch->train_loss[0] + epoch->train_loss[1] + epoch->train_loss[2];
    cr_assert(isfinite(loss) && loss > 0, "epoch %d", epoch->epoch);
    r->validations += epoch->validated;
    return YT_OK;
}

static void on_finish(void *context, const yti_train_summary *summary) {
    record *r = context;
    r->finishes++;
    r->summary = *summary;
    r->summary.classes = NULL; /* not lent beyond the training */
}

static yt_status run(const yti_train_config *config, record *r, yt_err *err) {
    yti_training *training;
    YT_TRY(yti_train_prepare(config, NULL, NULL, NULL, &training, err));
    yti_train_observer observer = {
        .start = on_start, .batch = on_batch, .epoch = on_epoch, .finish = on_finish, .context = r};
    yt_status status = yti_train_run(training, &observer, 1, &r->stop, err);
    yti_train_destroy(training);
    return status;
}

static void expect_run(const yti_train_config *config, record *r) {
    yt_err err = {.text = ""};
    cr_assert_eq(run(config, r, &err), YT_OK, "%s", err.text);
}

static int count_lines(const char *text) {
    int lines = 0;
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

/* Rows of two results.csv without the column of seconds. */
static void expect_same_results(const char *a_path, const char *b_path) {
    char *a = test_read_text(a_path), *b = test_read_text(b_path), *a_rest, *b_rest;
    char *a_line = strtok_r(a, "\n", &a_rest), *b_line = strtok_r(b, "\n", &b_rest);
    for (int row = 0; a_line || b_line; row++) {
        cr_assert(a_line && b_line, "%s and %s have different numbers of rows", a_path, b_path);
        cr_assert_eq(atoi(a_line), atoi(b_line));
        const char *a_values = strchr(strchr(a_line, ',') + 1, ','), *b_values = strchr(strchr(b_line, ',') + 1, ',');
        cr_assert_str_eq(a_values, b_values);
        a_line = strtok_r(NULL, "\n", &a_rest);
        b_line = strtok_r(NULL, "\n", &b_rest);
    }
    free(a);
    free(b);
}

Test(train, a_run_leaves_settings_results_and_weights) {
    yti_train_config config = tiny_config("2");
    record r = {0};
    expect_run(&config, &r);
    cr_assert(r.starts == 1 && r.epochs == 2 && r.finishes == 1);
    cr_assert_eq(r.batches, 6, "5 images in batches of 2, 2 epochs");
    cr_assert_eq(r.updates, 6);
    cr_assert(r.summary.status == YT_OK && r.summary.epochs == 2 && r.summary.weights_hash != 0);
    cr_assert_geq(r.summary.best_epoch, 1);
    cr_assert(yti_path_exists("runs/detect/train/weights/best.safetensors"));
    cr_assert(yti_path_exists("runs/detect/train/weights/last.safetensors"));
    cr_assert(yti_path_exists("runs/detect/train/args.yaml"));
    char *text = test_read_text("runs/detect/train/results.csv");
    cr_assert_eq(strncmp(text,
                         "epoch,time,train/box_loss,train/cls_loss,train/l1_loss,metrics/precision(B),"
                         "metrics/recall(B),metrics/mAP50(B),metrics/mAP50-95(B),val/box_loss,val/cls_loss,"
                         "val/l1_loss,lr/pg0,lr/pg1,lr/pg2,one2one/precision(B),one2one/recall(B),one2one/mAP50(B),"
                         "one2one/mAP50-95(B)\n1,",
                         strlen("epoch,time,train/box_loss,train/cls_loss,train/l1_loss,metrics/precision(B),"
                                "metrics/recall(B),metrics/mAP50(B),metrics/mAP50-95(B),val/box_loss,val/cls_loss,"
                                "val/l1_loss,lr/pg0,lr/pg1,lr/pg2,one2one/precision(B),one2one/recall(B),"
                                "one2one/mAP50(B),one2one/mAP50-95(B)\n1,")),
                 0, "%s", text);
    cr_assert_eq(count_lines(text), 3);
    free(text);
    cr_assert_not(yti_path_exists("runs/detect/train/gradients.csv"));
}

Test(train, best_weights_describe_themselves) {
    yti_train_config config = tiny_config("1");
    record r = {0};
    expect_run(&config, &r);
    yti_model *model = NULL;
    yti_class_names names = {0};
    int imgsz = 0;
    yt_err err = {.text = ""};
    cr_assert_eq(
        yti_weights_open("runs/detect/train/weights/best.safetensors", NULL, NULL, &model, &names, &imgsz, &err), YT_OK,
        "%s", err.text);
    cr_assert_eq(imgsz, 64);
    cr_assert_str_eq(names.names[0], "red");
    yti_class_names_free(&names);
    yti_model_destroy(model);
}

Test(train, folders_of_runs_are_counted_and_a_project_may_be_absolute) {
    yti_train_config config = tiny_config("1");
    record r = {0};
    expect_run(&config, &r);
    expect_run(&config, &r);
    cr_assert(yti_path_exists("runs/detect/train-2/results.csv"));
    test_set(&config, "exist_ok", "true");
    expect_run(&config, &r);
    cr_assert_not(yti_path_exists("runs/detect/train-3"));
    test_set(&config, "project", test_folder_path("elsewhere"));
    test_set(&config, "name", "mine");
    expect_run(&config, &r);
    cr_assert(yti_path_exists("elsewhere/mine/args.yaml"));
}

Test(train, a_tiny_problem_is_learnt) {
    yti_train_config config = tiny_config("60");
    test_set(&config, "model", test_folder_path("tiny8.yaml"));
    test_set(&config, "mosaic", "0");
    test_set(&config, "val", "false"); /* validates after the last epoch only */
    test_set(&config, "lr0", "0.003");
    record r = {0};
    expect_run(&config, &r);
    cr_assert_eq(r.validations, 1);
    cr_assert_gt(r.summary.best.ap50, 0.5);
}

/* The files that show the work of the best weights are those of a validation of best.safetensors, whether the best
 * epoch was the last one or not. */
static void expect_files_of_best(const char *best, const char *folder) {
    yti_model *model;
    yti_class_names names;
    int imgsz;
    yti_dataset dataset;
    yti_split split;
    yti_loader *loader;
    yti_validator *validator;
    yti_validation result;
    cr_assert_eq(yti_weights_open(best, NULL, NULL, &model, &names, &imgsz, NULL), YT_OK);
    cr_assert_eq(yti_dataset_open("data.yaml", &dataset, NULL), YT_OK);
    yti_scan_options scan = {.fraction = 1, .threads = 1};
    cr_assert_eq(yti_dataset_scan(&dataset, "val", &scan, &split, NULL), YT_OK);
    yti_loader_config config = {.batch = 4, .imgsz = imgsz, .workers = 1, .rect = true, .stride = 32, .rect_pad = 0.5};
    cr_assert_eq(yti_loader_create(&split, &config, &loader, NULL), YT_OK);
    yti_validate_options options = {
        .conf = 0.001f, .iou = 0.7f, .max_det = 300, .confusion_conf = YT_CONFUSION_CONF, .threads = 1};
    cr_assert_eq(yti_validator_create(model, loader, &options, &validator, NULL), YT_OK);
    cr_assert_eq(yti_validator_run(validator, &model->state, &result, NULL), YT_OK);
    cr_assert_eq(yti_validator_save(validator, (const char *const *)names.names, ".", NULL), YT_OK);
    yti_validator_destroy(validator);
    yti_loader_destroy(loader);
    yti_split_free(&split);
    yti_dataset_close(&dataset);
    yti_class_names_free(&names);
    yti_model_destroy(model);
    static const char *const files[] = {"confusion_matrix.csv", "pr_curve.csv", "confidence_curves.csv"};
    for (int i = 0; i < 3; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        char *theirs = test_read_text(path), *ours = test_read_text(files[i]);
        cr_assert_str_eq(theirs, ours, "%s", path);
        free(theirs);
        free(ours);
    }
}

static int best_epoch_of(const char *name, const char *lr0) {
    yti_train_config config = tiny_config("12");
    test_set(&config, "model", test_folder_path("tiny8.yaml"));
    test_set(&config, "mosaic", "0");
    test_set(&config, "optimizer", "SGD");
    test_set(&config, "lr0", lr0);
    test_set(&config, "name", name);
    record r = {0};
    expect_run(&config, &r);
    return r.summary.best_epoch;
}

/* Of a column of results.csv, the last of the highest. */
static int best_row_of(const char *folder, const char *column) {
    yti_csv table;
    char path[256];
    double best = -1, value;
    int epoch = 0;
    snprintf(path, sizeof path, "%s/results.csv", folder);
    cr_assert_eq(yti_csv_load(path, 1 << 20, &table, NULL), YT_OK);
    const int field = yti_csv_column(&table, column);
    for (int i = 1; yti_csv_next(&table); i++) {
        cr_assert(field >= 0 && yti_csv_real(table.fields[field], &value));
        if (value >= best) best = value, epoch = i;
    }
    yti_csv_free(&table);
    return epoch;
}

Test(train, the_best_epoch_is_the_one_with_the_highest_fitness) {
    static const char *const cases[][2] = {{"map50-95", "metrics/mAP50-95(B)"},
                                           {"map50", "metrics/mAP50(B)"},
                                           {"precision", "metrics/precision(B)"},
                                           {"recall", "metrics/recall(B)"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yti_train_config config = tiny_config("8");
        char folder[64];
        record r = {0};
        test_set(&config, "fitness", cases[i][0]);
        test_set(&config, "conf", "0");
        test_set(&config, "name", cases[i][0]);
        expect_run(&config, &r);
        snprintf(folder, sizeof folder, "runs/detect/%s", cases[i][0]);
        cr_expect_eq(r.summary.best_epoch, best_row_of(folder, cases[i][1]), "%s: %d", cases[i][0],
                     r.summary.best_epoch);
    }
}

Test(train, the_best_weights_show_their_work_at_the_end) {
    cr_assert_eq(best_epoch_of("learns", "0.003"), 12);
    expect_files_of_best("runs/detect/learns/weights/best.safetensors", "runs/detect/learns");
    cr_assert_lt(best_epoch_of("wrecked", "0.5"), 12); /* a rate that ruins what was learnt */
    expect_files_of_best("runs/detect/wrecked/weights/best.safetensors", "runs/detect/wrecked");
}

Test(train, one_and_two_threads_give_the_same_bits) {
    yti_train_config config = tiny_config("2");
    record one = {0}, two = {0};
    expect_run(&config, &one);
    test_set(&config, "threads", "2");
    test_set(&config, "workers", "3");
    expect_run(&config, &two);
    cr_assert_eq(one.summary.weights_hash, two.summary.weights_hash);
    test_expect_same_tensors("runs/detect/train/weights/last.safetensors",
                             "runs/detect/train-2/weights/last.safetensors");
    expect_same_results("runs/detect/train/results.csv", "runs/detect/train-2/results.csv");
}

Test(train, another_seed_gives_other_weights) {
    yti_train_config config = tiny_config("1");
    record a = {0}, b = {0};
    expect_run(&config, &a);
    test_set(&config, "seed", "1");
    expect_run(&config, &b);
    cr_assert_neq(a.summary.weights_hash, b.summary.weights_hash);
}

/* Stops a run in its third epoch and resumes it. */
static void stop_and_resume(yti_train_config *config) {
    record whole = {0}, half = {.stop_in_epoch = 3}, rest = {0};
    expect_run(config, &whole);
    yt_err err = {.text = ""};
    cr_assert_eq(run(config, &half, &err), YT_ERR_STOPPED);
    cr_assert(half.epochs == 2 && half.summary.epochs == 2);
    char *newest;
    cr_assert_eq(yti_newest_checkpoint(&newest, &err), YT_OK);
    cr_assert_str_eq(newest, "runs/detect/train-2/weights/last.safetensors");
    yti_train_config resumed = resume_config(newest);
    free(newest);
    expect_run(&resumed, &rest);
    cr_assert(rest.first_epoch == 2 && rest.epochs == 2);
    cr_assert_eq(rest.summary.weights_hash, whole.summary.weights_hash);
    cr_assert_eq(rest.summary.best_epoch, whole.summary.best_epoch);
    test_expect_same_tensors("runs/detect/train/weights/last.safetensors",
                             "runs/detect/train-2/weights/last.safetensors");
    test_expect_same_tensors("runs/detect/train/weights/best.safetensors",
                             "runs/detect/train-2/weights/best.safetensors");
    expect_same_results("runs/detect/train/results.csv", "runs/detect/train-2/results.csv");
}

Test(train, a_resumed_run_equals_one_that_never_stopped) {
    yti_train_config config = tiny_config("4");
    stop_and_resume(&config);
}

Test(train, a_resumed_run_keeps_gradients_that_wait_for_their_update) {
    yti_train_config config = tiny_config("4");
    test_set(&config, "model", test_folder_path("tiny8.yaml"));
    test_set(&config, "optimizer", "SGD");
    test_set(&config, "lr0", "0.001");
    test_set(&config, "nbs", "8"); /* an update every 4 of 3 batches per epoch */
    test_set(&config, "val", "false");
    stop_and_resume(&config);
}

/* Batches of 64 to 192 pixels, mixed: the same after a resume and for any number of threads. */
Test(train, batches_of_changing_size_are_the_same_after_a_resume) {
    yti_train_config config = tiny_config("4");
    test_set(&config, "imgsz", "128");
    test_set(&config, "multi_scale", "0.5");
    test_set(&config, "mixup", "0.5");
    test_set(&config, "cutmix", "0.5");
    stop_and_resume(&config);
    record two = {0};
    test_set(&config, "threads", "2");
    test_set(&config, "workers", "3");
    expect_run(&config, &two);
    test_expect_same_tensors("runs/detect/train/weights/last.safetensors",
                             "runs/detect/train-3/weights/last.safetensors");
}

Test(train, rectangular_batches_train_and_resume) {
    yti_train_config config = tiny_config("4");
    test_set(&config, "rect", "true");
    stop_and_resume(&config);
}

Test(train, boxes_of_classes_that_are_not_wanted_are_left_out) {
    yti_train_config config = tiny_config("1");
    yti_training *training;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    const yti_train_info *info = yti_train_describe(training);
    int all = info->train->summary.boxes, of_first = 0;
    for (int i = 0; i < info->train->n_samples; i++)
        for (int k = 0; k < info->train->samples[i].n_labels; k++)
            of_first += info->train->samples[i].labels[k].class_id == 0;
    cr_assert(of_first > 0 && of_first < all);
    yti_train_destroy(training);
    test_set(&config, "classes", "0");
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    info = yti_train_describe(training);
    cr_assert(info->train->summary.boxes == of_first && info->train->n_samples == N_TRAIN);
    yti_train_destroy(training);
    test_set(&config, "classes", "0,nothing");
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_ERR_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "classes: 'nothing' is neither"), "%s", err.text);
}

/* The detections in a confusion matrix, a row per class that was found and one of what was not. */
static int detections_in(const char *path) {
    char *matrix = test_read_text(path);
    int sum = 0;
    for (char *line = strchr(matrix, '\n'); line && line[1] && strncmp(line, "\nbackground", 11) != 0;
         line = strchr(line + 1, '\n'))
        for (char *comma = line + 1; (comma = strpbrk(comma, ",\n")) && *comma == ','; comma++) sum += atoi(comma + 1);
    free(matrix);
    return sum;
}

/* With every score counted a cell is found as either class, of which the better one suppresses the other. */
Test(train, agnostic_nms_changes_what_is_found_and_not_what_is_learnt) {
    record plain = {0}, agnostic = {0};
    yti_train_config config = tiny_config("1");
    test_set(&config, "conf", "0");
    test_set(&config, "name", "plain");
    expect_run(&config, &plain);
    test_set(&config, "name", "agnostic");
    test_set(&config, "agnostic_nms", "true");
    expect_run(&config, &agnostic);
    const int all = detections_in("runs/detect/plain/confusion_matrix.csv"),
              fewer = detections_in("runs/detect/agnostic/confusion_matrix.csv");
    cr_assert(fewer > 0 && fewer < all, "%d detections, %d with classes ignored", all, fewer);
    cr_assert_eq(plain.summary.weights_hash, agnostic.summary.weights_hash);
}

/* Neither in the truth nor among what was found. */
Test(train, classes_that_are_not_wanted_are_not_validated) {
    for (int only_red = 0; only_red < 2; only_red++) {
        yti_train_config config = tiny_config("1");
        test_set(&config, "name", only_red ? "red" : "both");
        test_set(&config, "conf", "0.0001");
        if (only_red) test_set(&config, "classes", "red");
        record r = {0};
        expect_run(&config, &r);
        char *matrix = test_read_text(only_red ? "runs/detect/red/confusion_matrix.csv"
                                               : "runs/detect/both/confusion_matrix.csv");
        cr_assert_eq(strstr(matrix, "\nblue,0,0,0\n") != NULL, only_red, "%s", matrix);
        free(matrix);
    }
}

Test(train, rows_of_results_behind_the_checkpoint_are_dropped) {
    yti_train_config config = tiny_config("3");
    record half = {.stop_in_epoch = 3}, rest = {0};
    yt_err err;
    cr_assert_eq(run(&config, &half, &err), YT_ERR_STOPPED);
    FILE *file = fopen("runs/detect/train/results.csv", "a");
    fputs("3,99,a row of an epoch that was not saved\n4,", file);
    cr_assert_eq(fclose(file), 0);
    yti_train_config resumed = resume_config("runs/detect/train/weights/last.safetensors");
    expect_run(&resumed, &rest);
    char *text = test_read_text("runs/detect/train/results.csv");
    cr_assert_eq(count_lines(text), 4);
    cr_assert_null(strstr(text, "not saved"));
    free(text);
}

Test(train, a_finished_run_goes_on_only_with_more_epochs) {
    yti_train_config config = tiny_config("2");
    record r = {0}, more = {0};
    expect_run(&config, &r);
    yti_train_config resumed = resume_config("runs/detect/train/weights/last.safetensors");
    yt_err err;
    cr_assert_eq(run(&resumed, &r, &err), YT_ERR_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "finished its 2 epochs; a larger --epochs"), "%s", err.text);
    test_set(&resumed, "epochs", "3");
    expect_run(&resumed, &more);
    cr_assert(more.first_epoch == 2 && more.epochs == 1);
    char *text = test_read_text("runs/detect/train/args.yaml");
    cr_assert_not_null(strstr(text, "epochs: 3  # cli\n"));
    cr_assert_not_null(strstr(text, "batch: 2  # checkpoint\n"));
    free(text);
}

Test(train, what_a_resumed_run_cannot_change_is_refused) {
    yti_train_config config = tiny_config("3");
    record half = {.stop_in_epoch = 3}, r = {0};
    yt_err err;
    cr_assert_eq(run(&config, &half, &err), YT_ERR_STOPPED);
    yti_train_config resumed = resume_config("runs/detect/train/weights/last.safetensors");
    test_set(&resumed, "batch", "2"); /* as it was: fine */
    test_set(&resumed, "lr0", "0.5");
    cr_assert_eq(run(&resumed, &r, &err), YT_ERR_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "lr0: cannot be 0.5 in a resumed run"), "%s", err.text);
    resumed = resume_config("runs/detect/train/weights/best.safetensors");
    cr_assert_eq(run(&resumed, &r, &err), YT_ERR_MISMATCH);
    cr_assert_not_null(strstr(err.text, "is not a checkpoint"), "%s", err.text);
}

/* Nothing improves at rate 0, and initial weights find nothing. */
Test(train, patience_ends_a_run_that_finds_nothing) {
    yti_train_config config = tiny_config("30");
    test_set(&config, "patience", "3");
    test_set(&config, "lr0", "0");
    record r = {0};
    expect_run(&config, &r);
    cr_assert_eq(r.summary.best_fitness, 0);
    cr_assert(r.summary.stopped_early && r.epochs == 4, "%d epochs", r.epochs);
}

/* The reference trainer does not begin to count before something is found. */
Test(train, patience_of_the_family_waits_for_the_first_find) {
    yti_train_config config = tiny_config("8");
    test_set(&config, "recipe", "family");
    test_set(&config, "patience", "3");
    test_set(&config, "lr0", "0");
    record r = {0};
    expect_run(&config, &r);
    cr_assert_eq(r.summary.best_fitness, 0);
    cr_assert(!r.summary.stopped_early && r.epochs == 8, "%d epochs", r.epochs);
}

Test(train, a_loss_that_is_not_finite_stops_the_run_and_names_it) {
    yti_train_config config = tiny_config("2");
    yti_model_options options = YT_MODEL_DEFAULTS;
    yti_model *model;
    cr_assert_eq(yti_model_load(config.model, &options, &model, NULL), YT_OK);
    yti_model_init_weights(model, 0, &model->state);
    for (size_t i = 0; i < model->param_count; i++) model->state.params[i] = (float)NAN;
    char *list[] = {(char[]){"a"}, (char[]){"b"}};
    yti_class_names names = {2, list};
    cr_assert_eq(test_weights_save("nan.safetensors", model, &model->state, 0, &names, 64, NULL), YT_OK);
    yti_model_destroy(model);
    test_set(&config, "weights", "nan.safetensors");
    record r = {0};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert_not_null(strstr(err.text, "epoch 1, batch 1 of 3: "), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "_loss of the one-to-many branch is "), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "data/images/train/"), "%s", err.text);
    cr_assert(r.updates == 0 && r.epochs == 0 && r.finishes == 1 && r.summary.status == YT_ERR_NON_FINITE);
    cr_assert_not(yti_path_exists("runs/detect/train/weights/last.safetensors"));
}

Test(train, a_gradient_that_is_not_finite_stops_the_run_and_names_it) {
    yti_train_config config = tiny_config("2");
    test_set(&config, "box", "3.4e38"); /* finite in the loss, a double, but not in the gradient */
    test_set(&config, "dfl", "3.4e38");
    record r = {0};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert_not_null(strstr(err.text, ": the gradient of model."), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "inf in the gradient of the "), "%s", err.text);
    cr_assert_eq(r.updates, r.batches, "every batch that was shown was used");
}

Test(train, nothing_is_written_when_the_setup_fails) {
    record r = {0};
    yt_err err;
    yti_train_config config = tiny_config("2");
    test_set(&config, "data", test_folder_path("none.yaml"));
    cr_assert_neq(run(&config, &r, &err), YT_OK);
    config = tiny_config("2");
    test_set(&config, "model", test_folder_path("none.yaml"));
    cr_assert_neq(run(&config, &r, &err), YT_OK);
    config = tiny_config("2");
    test_set(&config, "weights", test_folder_path("none.safetensors"));
    cr_assert_eq(run(&config, &r, &err), YT_ERR_IO);
    config = tiny_config("2");
    config.data[0] = '\0';
    cr_assert_eq(run(&config, &r, &err), YT_ERR_ARGUMENT);
    config = tiny_config("2");
    config.epochs = 0;
    cr_assert_eq(run(&config, &r, &err), YT_ERR_ARGUMENT);
    cr_assert_eq(r.starts, 0);
    cr_assert_not(yti_path_exists("runs"));
}

Test(train, a_run_that_does_not_fit_is_refused_with_a_batch_that_does) {
    yti_train_config config = tiny_config("1");
    yti_training *training;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    size_t planned = yti_train_describe(training)->planned_bytes;
    cr_assert_gt(planned, 4 * yti_train_describe(training)->model->param_count * sizeof(float));
    const yti_run_view view = yti_view(training);
    size_t again;
    cr_assert_eq(yti_memory_check(&view, planned, &again, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_memory_check(&view, 0, &again, &err), YT_OK, "unknown memory refuses nothing");
    cr_assert_eq(yti_memory_check(&view, planned - 1, &again, &err), YT_ERR_NO_MEMORY);
    cr_assert_not_null(strstr(err.text, "the largest batch that fits is --batch 1"), "%s", err.text);
    cr_assert_eq(yti_memory_check(&view, 1000, &again, &err), YT_ERR_NO_MEMORY);
    cr_assert_not_null(strstr(err.text, "not even --batch 1"), "%s", err.text);
    cr_assert_gt(yti_memory_available(), (size_t)1 << 20);
    yti_train_destroy(training);
}

Test(train, a_last_batch_of_one_value_per_channel_is_refused) {
    yti_train_config config = tiny_config("1");
    test_set(&config, "imgsz", "32"); /* 5 images in batches of 2: the last has one, of 1 x 1 at the end */
    record r = {0};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_ERR_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "choose another --batch"), "%s", err.text);
}

Test(train, save_period_keeps_checkpoints) {
    yti_train_config config = tiny_config("3");
    test_set(&config, "save_period", "2");
    record r = {0};
    expect_run(&config, &r);
    cr_assert(yti_path_exists("runs/detect/train/weights/epoch0.safetensors"));
    cr_assert_not(yti_path_exists("runs/detect/train/weights/epoch1.safetensors"));
    cr_assert(yti_path_exists("runs/detect/train/weights/epoch2.safetensors"));
}

/* In the second epoch, a folder of the checkpoint's name: it cannot be replaced. */
static yt_status put_folder_in_the_way(void *context, const yti_train_epoch *epoch, yt_err *err) {
    static const char last[] = "runs/detect/train/weights/last.safetensors";
    *(int *)context = epoch->epoch;
    if (epoch->epoch != 2) return YT_OK;
    cr_assert_eq(remove(last), 0, "the first epoch's checkpoint is there by now");
    return yti_path_make_dirs("runs/detect/train/weights/last.safetensors/x", err);
}

typedef struct stopper {
    int shown;
    yti_stop stop;
} stopper;

static yt_status stop_after_the_way_is_blocked(void *context, const yti_train_epoch *epoch, yt_err *err) {
    stopper *s = context;
    s->stop = epoch->epoch == 2;
    return put_folder_in_the_way(&s->shown, epoch, err);
}

/* Why an epoch is missing is said, not only that somebody stopped the run. */
Test(train, a_checkpoint_that_cannot_be_written_is_told_when_the_run_is_stopped) {
    yti_train_config config = tiny_config("3");
    yti_training *training;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    stopper s = {0};
    yti_train_observer observer = {.epoch = stop_after_the_way_is_blocked, .context = &s};
    cr_assert_eq(yti_train_run(training, &observer, 1, &s.stop, &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "last.safetensors"), "%s", err.text);
    yti_train_destroy(training);
}

/* Without and with a third epoch, in whose first step the failure shows. */
Test(train, an_epoch_whose_checkpoint_cannot_be_written_is_not_done) {
    for (int epochs = 2; epochs <= 3; epochs++) {
        yti_train_config config = tiny_config(epochs == 2 ? "2" : "3");
        test_set(&config, "exist_ok", "true");
        yti_training *training;
        yt_err err = {.text = ""};
        cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
        record r = {0};
        int shown = 0;
        yti_train_observer observers[] = {{.epoch = put_folder_in_the_way, .context = &shown},
                                          {.finish = on_finish, .context = &r}};
        cr_assert_eq(yti_train_run(training, observers, 2, NULL, &err), YT_ERR_IO);
        cr_assert_not_null(strstr(err.text, "last.safetensors"), "%s", err.text);
        cr_assert(shown == 2 && r.finishes == 1 && r.summary.status == YT_ERR_IO && r.summary.epochs == 1,
                  "%d epochs shown, %d done", shown, r.summary.epochs);
        yti_train_destroy(training);
        cr_assert_eq(remove("runs/detect/train/weights/last.safetensors/x"), 0);
        cr_assert_eq(remove("runs/detect/train/weights/last.safetensors"), 0);
    }
}

Test(train, the_plain_network_trains_too) {
    yti_train_config config = tiny_config("2");
    test_set(&config, "no_residual", "true");
    test_set(&config, "no_batchnorm", "true");
    test_set(&config, "activation", "tanh");
    record r = {0};
    expect_run(&config, &r);
    yti_train_config resumed = resume_config("runs/detect/train/weights/last.safetensors");
    test_set(&resumed, "epochs", "3");
    expect_run(&resumed, &r);
    cr_assert_eq(r.epochs, 3);
}

/* ---- the branches of the head ---- */

/* What a column holds in the last row of results.csv. */
static double last_of_column(const char *path, const char *column) {
    char *text = test_read_text(path), *end = strchr(text, '\n'), *row = end + 1;
    cr_assert_not_null(end);
    *end = '\0';
    int at = 0;
    char *found = strstr(text, column);
    cr_assert_not_null(found, "%s: no %s", path, column);
    for (char *c = text; c < found; c++) at += *c == ',';
    for (char *next = strchr(row, '\n'); next && next[1]; next = strchr(row, '\n')) row = next + 1;
    while (at--) row = strchr(row, ',') + 1;
    double value = atof(row);
    free(text);
    return value;
}

/* The same weights, judged by either branch: what is logged first is logged second there. Training does not see it. */
Test(train, either_branch_may_judge_and_both_are_logged) {
    yti_train_config config = tiny_config("40");
    test_set(&config, "mosaic", "0");
    test_set(&config, "optimizer", "SGD");
    test_set(&config, "lr0", "0.01");
    record many = {0}, one = {0};
    expect_run(&config, &many);
    test_set(&config, "nms", "false");
    test_set(&config, "name", "one");
    expect_run(&config, &one);
    cr_assert_eq(many.summary.weights_hash, one.summary.weights_hash);
    static const char *const names[] = {"precision(B)", "recall(B)", "mAP50(B)", "mAP50-95(B)"};
    for (int i = 0; i < 4; i++) {
        char first[64], beside[64];
        snprintf(first, sizeof first, "metrics/%s", names[i]);
        snprintf(beside, sizeof beside, "one2one/%s", names[i]);
        const double of_many = last_of_column("runs/detect/train/results.csv", first),
                     of_one = last_of_column("runs/detect/train/results.csv", beside);
        cr_assert_eq(last_of_column("runs/detect/one/results.csv", first), of_one, "%s", names[i]);
        snprintf(beside, sizeof beside, "one2many/%s", names[i]);
        cr_assert_eq(last_of_column("runs/detect/one/results.csv", beside), of_many, "%s", names[i]);
        if (i == 3) cr_assert(of_many > 0 && of_one > 0 && of_many != of_one, "%g, %g", of_many, of_one);
    }
    cr_assert_neq(many.summary.best_fitness, one.summary.best_fitness);
}

Test(train, a_branch_that_the_head_does_not_have_cannot_judge) {
    yti_train_config config = tiny_config("1");
    test_set(&config, "model", test_folder_path("tiny8.yaml"));
    test_set(&config, "nms", "false");
    yti_training *training;
    yt_err err;
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_ERR_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "no one-to-one branch"), "%s", err.text);
}

/* ---- more objects than detections ---- */

static void keep_text(void *context, const char *text) {
    snprintf(context, 256, "%s", text);
}

static int prepared_max_det(const char *typed, char said[256]) {
    yti_train_config config = tiny_config("1");
    if (typed) test_set(&config, "max_det", typed);
    yti_training *training;
    yt_err err;
    said[0] = '\0';
    cr_assert_eq(yti_train_prepare(&config, NULL, keep_text, said, &training, &err), YT_OK, "%s", err.text);
    const int max_det = yti_train_describe(training)->config->max_det;
    yti_train_destroy(training);
    return max_det;
}

/* A limit below the number of objects caps the recall: it is raised, but not where somebody typed it. */
Test(train, max_det_follows_the_most_crowded_image) {
    char said[256];
    cr_assert_eq(prepared_max_det(NULL, said), 300);
    cr_assert_str_eq(said, "");
    yti_file_writer writer;
    cr_assert_eq(yti_file_writer_open(test_folder_path("data/labels/val/100.txt"), &writer, NULL), YT_OK);
    for (int i = 0; i < 301; i++)
        fprintf(writer.stream, "0 %.4f %.4f 0.05 0.05\n", 0.05 + i % 20 * 0.045, 0.05 + i / 20 * 0.05);
    cr_assert_eq(yti_file_writer_commit(&writer, NULL), YT_OK);
    cr_assert_eq(prepared_max_det(NULL, said), 301);
    cr_assert_str_eq(said, "an image has 301 objects: max_det is 301 instead of 300");
    cr_assert_eq(prepared_max_det("300", said), 300);
    cr_assert_str_eq(said, "an image has 301 objects, and max_det 300 caps the recall");
}

/* ---- optimizers ---- */

Test(train, a_resumed_run_of_musgd_equals_one_that_never_stopped) {
    yti_train_config config = tiny_config("4");
    test_set(&config, "optimizer", "MuSGD");
    test_set(&config, "lr0", "0.001");
    stop_and_resume(&config);
    char *text = test_read_text("runs/detect/train/results.csv");
    cr_assert_not_null(strstr(text, ",lr/pg6,lr/pg7,one2one/precision(B),"), "%s", text);
    free(text);
}

/* The rates of the eight groups at the end of an epoch without warm-up: the fast ones are threefold. */
Test(train, rates_of_musgd_are_logged_group_by_group) {
    yti_train_config config = tiny_config("1");
    test_set(&config, "optimizer", "MuSGD");
    test_set(&config, "lr0", "0.001");
    record r = {0};
    expect_run(&config, &r);
    char *text = test_read_text("runs/detect/train/results.csv");
    cr_assert_not_null(strstr(text, ",0.003,0.001,0.003,0.001,0.003,0.001,0.003,0.001,"), "%s", text);
    free(text);
}

Test(train, musgd_learns_a_tiny_problem) {
    yti_train_config config = tiny_config("60");
    test_set(&config, "model", test_folder_path("tiny8.yaml"));
    test_set(&config, "mosaic", "0");
    test_set(&config, "val", "false");
    test_set(&config, "optimizer", "MuSGD");
    test_set(&config, "lr0", "0.01");
    record r = {0};
    expect_run(&config, &r);
    cr_assert_gt(r.summary.best.ap50, 0.5);
}

/* ---- frozen rows ---- */

/* Checks in a checkpoint, or in its average, that rows below n_frozen are as they were initialised, statistics too,
 * and that other weights and statistics moved. */
static void expect_frozen(const char *path, const char *prefix, int n_frozen) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    yti_model *model, *begin;
    yti_st_file file;
    yt_err err = {.text = ""};
    options.n_classes = 2;
    cr_assert_eq(yti_model_load("tiny26.yaml", &options, &model, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_model_load("tiny26.yaml", &options, &begin, &err), YT_OK, "%s", err.text);
    yti_model_init_weights(begin, 0, &begin->state);
    cr_assert_eq(yti_st_load(path, &file, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_weights_read(&file, prefix, model, &model->state, &err), YT_OK, "%s", err.text);
    yti_st_free(&file);
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        bool statistic = info->kind == YT_PARAM_BUFFER;
        const float *a = (statistic ? model->state.buffers : model->state.params) + info->offset;
        const float *b = (statistic ? begin->state.buffers : begin->state.params) + info->offset;
        bool same = memcmp(a, b, info->count * sizeof *a) == 0;
        if (info->row < n_frozen)
            cr_assert(same, "%s%s moved", prefix, info->name);
        else if (statistic || info->kind == YT_PARAM_WEIGHT)
            cr_assert(!same, "%s%s did not move", prefix, info->name);
    }
    yti_model_destroy(model);
    yti_model_destroy(begin);
}

Test(train, frozen_rows_and_their_statistics_do_not_move) {
    yti_train_config config = tiny_config("4");
    test_set(&config, "freeze", "3");
    stop_and_resume(&config);
    expect_frozen("runs/detect/train-2/weights/last.safetensors", "", 3);
    expect_frozen("runs/detect/train-2/weights/last.safetensors", "ema.", 3);
}

Test(train, rows_that_cannot_be_frozen_are_refused) {
    yti_train_config config = tiny_config("1");
    record r = {0};
    yt_err err;
    test_set(&config, "freeze", "7");
    cr_assert_eq(run(&config, &r, &err), YT_ERR_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "leave one to train"), "%s", err.text);
    test_set(&config, "freeze", "0,9");
    cr_assert_eq(run(&config, &r, &err), YT_ERR_ARGUMENT);
    cr_assert_not(yti_path_exists("runs"));
}

/* ---- class weights ---- */

/* Three red and two blue boxes: 1/3 and 1/2 over their mean 5/12. */
Test(train, rare_classes_may_weigh_more) {
    yti_train_config config = tiny_config("1");
    test_set(&config, "cls_pw", "1");
    const int64_t counts[2] = {3, 2};
    float weights[2];
    yti_loss_class_weights(counts, 2, 1, false, weights);
    cr_assert(fabs((double)weights[0] - 0.8) < 1e-6);
    cr_assert(fabs((double)weights[1] - 1.2) < 1e-6);
    record weighed = {0}, plain = {0};
    expect_run(&config, &weighed);
    test_set(&config, "cls_pw", "0");
    expect_run(&config, &plain);
    cr_assert_neq(weighed.summary.weights_hash, plain.summary.weights_hash);
}

/* ---- time limit ---- */

/* The time is over after the first update, which ends the first epoch: validated and saved as the last. */
Test(train, a_run_ends_when_its_time_is_over) {
    yti_train_config config = tiny_config("50");
    test_set(&config, "time", "1e-9");
    test_set(&config, "val", "false");
    record r = {0}, rest = {.stop_in_epoch = 2};
    expect_run(&config, &r);
    cr_assert(r.batches == 1 && r.updates == 1 && r.epochs == 1 && r.validations == 1);
    cr_assert(r.summary.out_of_time && !r.summary.stopped_early && r.summary.epochs == 1);
    yti_train_config resumed = resume_config("runs/detect/train/weights/last.safetensors");
    yt_err err;
    cr_assert_eq(run(&resumed, &rest, &err), YT_ERR_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "has used its 1e-09 hours; a larger --time continues it"), "%s", err.text);
    test_set(&resumed, "time", "1");
    cr_assert_eq(run(&resumed, &rest, &err), YT_ERR_STOPPED, "%s", err.text);
    cr_assert_eq(rest.first_epoch, 1);
}

/* With an hour for epochs of milliseconds there are many more of them than --epochs says. */
Test(train, a_time_limit_sets_the_number_of_epochs) {
    yti_train_config config = tiny_config("1");
    test_set(&config, "time", "1");
    record r = {.stop_in_epoch = 3};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_ERR_STOPPED);
    cr_assert(r.epochs == 2 && r.all_epochs > 100, "%d epochs", r.all_epochs);
}
