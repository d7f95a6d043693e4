/* Tests of where runs lie and which run goes on: folders, checkpoints that were copied, runs that are over, data
 * that changed, validations that show nothing. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "base/file.h"
#include "support/run_config.h"
#include "support/files.h"
#include "support/folder.h"
#include "support/tiny.h"
#include "base/run_folder.h"
#include "train/loop/training.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Stands in front of that of the C library: the listing of this folder fails. */
static const char *broken_folder;

struct dirent *readdir(DIR *dir) {
    struct dirent *(*next)(DIR *);
    *(void **)&next = dlsym(RTLD_NEXT, "readdir");
    struct stat here, broken;
    if (broken_folder && fstat(dirfd(dir), &here) == 0 && stat(broken_folder, &broken) == 0 &&
        here.st_ino == broken.st_ino) {
        errno = EIO;
        return NULL;
    }
    return next(dir);
}

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    test_tiny_write_data(5, 3);
    cr_assert_eq(chdir(test_folder_path("")), 0);
}
TestSuite(run_folder, .init = init, .fini = test_folder_remove);

#define RUN  "runs/detect/train"
#define LAST RUN "/weights/last.safetensors"

static yti_train_config tiny_config(const char *epochs) {
    yti_train_config config = test_run_config("tiny26.yaml", epochs);
    return config;
}

static yti_train_config resume_config(const char *what, const char *epochs) {
    yti_train_config config;
    yti_train_config_defaults(&config);
    test_set(&config, "resume", what);
    test_set(&config, "threads", "1");
    if (epochs) test_set(&config, "epochs", epochs);
    return config;
}

/* The texts of all problems, one after another. */
typedef struct texts {
    char all[4096];
} texts;

static void keep_text(void *context, const char *text) {
    texts *t = context;
    const size_t used = strlen(t->all);
    snprintf(t->all + used, sizeof t->all - used, "%s\n", text);
}

static yt_status train(const yti_train_config *config, const yti_train_observer *observer, texts *problems,
                       yt_err *err) {
    yti_training *training;
    YT_TRY(yti_train_prepare(config, NULL, problems ? keep_text : NULL, problems, &training, err));
    yt_status status = yti_train_run(training, observer, observer ? 1 : 0, NULL, err);
    yti_train_destroy(training);
    return status;
}

static void expect_run(const yti_train_config *config) {
    yt_err err = {.text = ""};
    cr_assert_eq(train(config, NULL, NULL, &err), YT_OK, "%s", err.text);
}

static void expect_refused(const yti_train_config *config, const char *why) {
    yt_err err = {.text = ""};
    cr_assert_neq(train(config, NULL, NULL, &err), YT_OK);
    cr_assert_not_null(strstr(err.text, why), "%s", err.text);
}

static int count_lines(const char *path) {
    char *text = test_read_text(path);
    int lines = 0;
    for (const char *c = text; *c; c++) lines += *c == '\n';
    free(text);
    return lines;
}

/* ---- which run ---- */

Test(run_folder, a_checkpoint_that_was_copied_elsewhere_has_no_run) {
    yti_train_config config = tiny_config("1");
    expect_run(&config);
    test_folder_write_text("home/results.csv", "alice,1\n");
    test_folder_write_text("home/backup/x", "");
    test_copy_file(LAST, "home/backup/saved.safetensors");
    config = resume_config("home/backup/saved.safetensors", "2");
    expect_refused(&config, "lies in no run folder");
    test_folder_write_text("home/weights/x", "");
    test_copy_file(LAST, "home/weights/saved.safetensors"); /* there is no args.yaml beside weights/ */
    config = resume_config("home/weights/saved.safetensors", "2");
    expect_refused(&config, "lies in no run folder");
    char *text = test_read_text("home/results.csv");
    cr_assert_str_eq(text, "alice,1\n");
    free(text);
    cr_assert(!yti_path_exists("home/args.yaml"));
}

Test(run_folder, a_run_is_found_by_its_folder_its_weights_and_a_link) {
    yti_train_config config = tiny_config("1");
    expect_run(&config);
    cr_assert_eq(symlink(RUN, "link"), 0);
    cr_assert_eq(symlink(LAST, "last.safetensors"), 0);
    static const char *const names[] = {RUN, RUN "/weights", "link", LAST, "last.safetensors"};
    int epochs = 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char all[16];
        snprintf(all, sizeof all, "%d", ++epochs);
        config = resume_config(names[i], all);
        expect_run(&config);
        cr_assert_eq(count_lines(RUN "/results.csv"), 1 + epochs, "%s", names[i]);
        cr_assert_eq(count_lines(RUN "/results_per_class.csv"), 1 + 2 * epochs, "%s", names[i]);
    }
    cr_assert_eq(chdir(RUN "/weights"), 0);
    config = resume_config("last.safetensors", "20");
    test_set(&config, "data", "../../../../data.yaml");
    expect_run(&config);
    cr_assert_eq(count_lines("../results.csv"), 21);
}

Test(run_folder, a_checkpoint_of_another_run_is_refused) {
    yti_train_config config = tiny_config("1");
    expect_run(&config);
    test_set(&config, "seed", "5");
    expect_run(&config);
    test_copy_file("runs/detect/train-2/weights/last.safetensors", LAST);
    config = resume_config(LAST, "2");
    expect_refused(&config, "was trained with seed 5, and runs/detect/train/args.yaml says 0");
}

/* ---- a run where one was ---- */

static void stop_run(void *context, const yti_train_batch *batch) {
    (void)batch;
    *(yti_stop *)context = 1;
}

Test(run_folder, a_run_over_an_older_one_does_not_leave_its_checkpoint) {
    yti_train_config config = tiny_config("2");
    expect_run(&config);
    cr_assert(yti_path_exists(RUN "/pr_curve.csv"));
    test_set(&config, "exist_ok", "true");
    test_set(&config, "seed", "1");
    yti_stop stop = 0;
    yti_train_observer observer = {.batch = stop_run, .context = (void *)(uintptr_t)&stop};
    yti_training *training;
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, NULL), YT_OK);
    cr_assert_eq(yti_train_run(training, &observer, 1, &stop, NULL), YT_ERR_STOPPED);
    yti_train_destroy(training);
    cr_assert(!yti_path_exists(LAST) && !yti_path_exists(RUN "/weights/best.safetensors"));
    cr_assert(!yti_path_exists(RUN "/pr_curve.csv"));
    cr_assert(yti_path_exists(RUN "/weights/former-last.safetensors") &&
              yti_path_exists(RUN "/weights/former-best.safetensors"));
    config = resume_config(RUN, NULL);
    expect_refused(&config, "there is no weights/last.safetensors");
    config = resume_config(RUN "/weights/former-last.safetensors", "3");
    expect_refused(&config, "was trained with seed 0");
}

/* ---- runs that are over ---- */

/* Nothing to learn: the first mAP is the best. */
static yti_train_config early_config(void) {
    yti_train_config config = tiny_config("30");
    test_set(&config, "patience", "2");
    test_set(&config, "lr0", "0");
    test_set(&config, "conf", "0");
    return config;
}

Test(run_folder, a_run_that_ended_early_gets_no_epoch_more) {
    yti_train_config config = early_config();
    expect_run(&config);
    const int lines = count_lines(RUN "/results.csv");
    cr_assert(lines > 1 && lines < 31, "%d lines", lines);
    config = resume_config(LAST, NULL);
    expect_refused(&config, "has ended early, after 2 epochs without a better mAP50-95; a larger --patience");
    cr_assert_eq(count_lines(RUN "/results.csv"), lines);
    test_set(&config, "patience", "3");
    expect_run(&config);
    cr_assert_eq(count_lines(RUN "/results.csv"), lines + 1);
}

/* As if it had been killed after its last checkpoint. */
Test(run_folder, a_run_that_is_over_writes_the_files_it_lacks) {
    for (int early = 0; early < 2; early++) {
        yti_train_config config = early ? early_config() : tiny_config("2");
        test_set(&config, "name", early ? "early" : "whole");
        expect_run(&config);
        const char *folder = early ? "runs/detect/early" : "runs/detect/whole";
        char path[128], results[128];
        snprintf(path, sizeof path, "%s/pr_curve.csv", folder);
        snprintf(results, sizeof results, "%s/results.csv", folder);
        test_copy_file(path, "pr.csv");
        test_copy_file(results, "results.csv");
        cr_assert_eq(unlink(path), 0);
        config = resume_config(folder, NULL);
        expect_run(&config);
        test_expect_same_bytes(path, "pr.csv");
        test_expect_same_bytes(results, "results.csv");
        expect_refused(&config, early ? "has ended early" : "has finished its 2 epochs");
    }
}

/* ---- data that changed ---- */

static void resume_with_problems(const char *epochs, texts *problems) {
    yti_train_config config = resume_config(LAST, epochs);
    yt_err err = {.text = ""};
    *problems = (texts){.all = ""};
    cr_assert_eq(train(&config, NULL, problems, &err), YT_OK, "%s", err.text);
}

Test(run_folder, other_data_is_reported_on_resume) {
    texts problems;
    yti_train_config config = tiny_config("1");
    expect_run(&config);
    resume_with_problems("2", &problems);
    cr_assert_str_eq(problems.all, "");
    test_folder_write_text("data/labels/train/1.txt", "1 0.5 0.5 0.25 0.25\n"); /* one box moved */
    resume_with_problems("3", &problems);
    cr_assert_not_null(strstr(problems.all, "other train data than this: as many images and boxes, but others"), "%s",
                       problems.all);
    resume_with_problems("4", &problems); /* the run has gone on with these */
    cr_assert_str_eq(problems.all, "");
    cr_assert_eq(unlink("data/images/val/100.png"), 0);
    resume_with_problems("5", &problems);
    cr_assert_not_null(strstr(problems.all, "other val data than this: 3 images with 3 boxes then, 2 with 2 now"), "%s",
                       problems.all);
}

Test(run_folder, a_data_set_that_moved_is_the_same_one) {
    texts problems = {.all = ""};
    yti_train_config config = tiny_config("1");
    expect_run(&config);
    test_folder_write_text("elsewhere/x", "");
    cr_assert(rename("data", "elsewhere/data") == 0 && rename("data.yaml", "elsewhere/data.yaml") == 0);
    config = resume_config(LAST, "2");
    expect_refused(&config, "data.yaml: does not exist");
    expect_refused(&config, "where the data of this run has moved: yolotrain DATA.yaml --resume " LAST);
    test_set(&config, "data", "nowhere.yaml");
    yt_err typed = {.text = ""};
    cr_assert_eq(train(&config, NULL, NULL, &typed), YT_ERR_IO);
    cr_assert_str_eq(typed.text, "nowhere.yaml: does not exist; data sets are not downloaded, each has its own YAML");
    test_set(&config, "data", "elsewhere/data.yaml");
    yt_err err = {.text = ""};
    cr_assert_eq(train(&config, NULL, &problems, &err), YT_OK, "%s", err.text);
    cr_assert_str_eq(problems.all, "");
}

Test(run_folder, other_classes_are_refused_on_resume) {
    yti_train_config config = tiny_config("1");
    expect_run(&config);
    test_folder_write_text("data.yaml", "path: data\ntrain: images/train\nval: images/val\nnames: [blue, red]\n");
    config = resume_config(LAST, "2");
    expect_refused(&config, "class 0 of its run is 'red', in data.yaml it is 'blue'");
    test_folder_write_text("data.yaml", "path: data\ntrain: images/train\nval: images/val\nnames: [Red, BLUE]\n");
    expect_run(&config); /* the same names, as names are compared everywhere */
}

Test(run_folder, an_older_checkpoint_says_what_it_goes_back_to) {
    yti_train_config config = tiny_config("3");
    test_set(&config, "save_period", "1");
    expect_run(&config);
    texts problems = {""};
    config = resume_config(RUN "/weights/epoch0.safetensors", "2");
    cr_assert_eq(train(&config, NULL, &problems, NULL), YT_OK);
    cr_assert_str_eq(problems.all, RUN "/weights/epoch0.safetensors: goes back to epoch 1 of 3: the rows of later "
                                       "epochs leave results.csv, and weights/last.safetensors of epoch 3 is "
                                       "replaced after epoch 2; best.safetensors stays until an epoch is better "
                                       "than the best up to epoch 1\n");
    cr_assert_eq(count_lines(RUN "/results.csv"), 3);
    problems = (texts){""};
    config = resume_config(RUN "/weights/epoch1.safetensors", "3"); /* as new as the last one */
    cr_assert_eq(train(&config, NULL, &problems, NULL), YT_OK);
    config = resume_config(RUN, "4");
    cr_assert_eq(train(&config, NULL, &problems, NULL), YT_OK);
    cr_assert_str_eq(problems.all, "");
}

/* ---- a validation that shows nothing ---- */

typedef struct wrecker {
    yti_training *training;
    int alarms, rows;
} wrecker;

/* The average stays finite, and its maps do not. */
static void wreck_average(void *context, const yti_train_batch *batch) {
    const wrecker *w = context;
    if (batch->epoch != 1) return;
    yti_run_parts *parts = &w->training->parts;
    for (size_t i = 0; i < parts->model->param_count; i++) parts->average.state.params[i] = 1e30f;
}

static void count_alarm(void *context, const char *text) {
    wrecker *w = context;
    w->alarms += strstr(text, "validation: the loss is not finite") != NULL;
}

static yt_status judge_row(void *context, const yti_train_epoch *row, yt_err *err) {
    wrecker *w = context;
    (void)err;
    w->rows++;
    const bool wrecked = row->epoch >= 2;
    cr_assert_eq(isnan(row->val_loss[0] + row->val_loss[1] + row->val_loss[2]), wrecked, "epoch %d", row->epoch);
    cr_assert_eq(row->is_best, !wrecked, "epoch %d", row->epoch);
    return YT_OK;
}

Test(run_folder, a_validation_loss_that_is_not_finite_is_no_zero_and_never_the_best) {
    yti_train_config config = tiny_config("2");
    wrecker w = {0};
    yti_train_observer observer = {.update = wreck_average, .alarm = count_alarm, .epoch = judge_row, .context = &w};
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &w.training, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_train_run(w.training, &observer, 1, NULL, &err), YT_OK, "%s", err.text);
    yti_train_destroy(w.training);
    cr_assert(w.rows == 2 && w.alarms == 1, "%d rows, %d alarms", w.rows, w.alarms);
    char *text = test_read_text(RUN "/results.csv"), *row = strstr(text, "\n2,");
    cr_assert(row && strstr(row, ",nan,") && !strstr(row, "-nan"), "%s", text);
    free(text);
    config = resume_config(LAST, "3"); /* the checkpoint holds it, and goes on */
    expect_run(&config);
}

/* ---- without validation ---- */

static void expect_without_validation(const yti_train_config *config) {
    expect_run(config);
    cr_assert(yti_path_exists(LAST) && !yti_path_exists(RUN "/pr_curve.csv"));
    yti_st_file last, best;
    cr_assert_eq(yti_st_load(LAST, &last, NULL), YT_OK);
    cr_assert_eq(yti_st_load(RUN "/weights/best.safetensors", &best, NULL), YT_OK);
    const yti_st_entry *a = yti_st_find(&last, "ema.model.0.conv.weight"),
                       *b = yti_st_find(&best, "model.0.conv.weight");
    cr_assert(a && b && a->bytes == b->bytes && memcmp(a->data, b->data, a->bytes) == 0);
    yti_st_free(&last);
    yti_st_free(&best);
    char *text = test_read_text(RUN "/results.csv");
    cr_assert(strstr(text, ",nan,nan,nan,"), "%s", text); /* no loss, and not one of 0 */
    free(text);
}

Test(run_folder, a_data_set_without_validation_trains_and_its_last_weights_are_the_best) {
    test_folder_write_text("data.yaml", "path: data\ntrain: images/train\nnames: [red, blue]\n");
    yti_train_config config = tiny_config("2");
    test_set(&config, "patience", "1");
    expect_without_validation(&config);
    char *args = test_read_text(RUN "/args.yaml");
    cr_assert_not_null(strstr(args, "\nval: false  # dataset\n"), "%s", args);
    free(args);
    config = resume_config(LAST, NULL);
    expect_refused(&config, "has finished its 2 epochs");
    config = resume_config(LAST, "4");
    expect_without_validation(&config);
    cr_assert_eq(count_lines(RUN "/results.csv"), 5);
}

Test(run_folder, images_for_validation_that_are_not_there_are_no_hindrance_with_no_val) {
    test_folder_write_text("data.yaml", "path: data\ntrain: images/train\nval: images/valid\nnames: [red, blue]\n");
    yti_train_config config = tiny_config("2");
    expect_refused(&config, "images/valid");
    test_set(&config, "val", "false");
    texts problems = {.all = ""};
    yt_err err = {.text = ""};
    cr_assert_eq(train(&config, NULL, &problems, &err), YT_OK, "%s", err.text);
    cr_assert_not_null(strstr(problems.all, "there is no validation, not even at the end"), "%s", problems.all);
    cr_assert(yti_path_exists(RUN "/weights/best.safetensors"));
}

/* Images that are not there are the data's matter; a disk that cannot be read is the machine's, and ends the run. */
Test(run_folder, a_fault_of_the_machine_in_the_validation_ends_the_run_with_no_val_too) {
    yti_train_config config = tiny_config("1");
    test_set(&config, "val", "false");
    broken_folder = "data/images/val";
    yt_err err = {.text = ""};
    cr_assert_eq(train(&config, NULL, NULL, &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "images/val: the folder cannot be read to its end"), "%s", err.text);
    broken_folder = NULL;
}

Test(run_folder, a_truth_file_that_is_not_there_is_no_hindrance_with_no_val) {
    test_folder_write_text("data.yaml", "path: data\ntrain: images/train\nval: val.json\nnames: [red, blue]\n");
    yti_train_config config = tiny_config("1");
    expect_refused(&config, "val.json");
    test_set(&config, "val", "false");
    texts problems = {.all = ""};
    yt_err err = {.text = ""};
    cr_assert_eq(train(&config, NULL, &problems, &err), YT_OK, "%s", err.text);
    cr_assert_not_null(strstr(problems.all, "val.json"), "%s", problems.all);
}
