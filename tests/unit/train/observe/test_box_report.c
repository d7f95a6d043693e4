/* What a run says when it cannot learn: of objects that it cannot (src/train/loop/box_report.c), of rates that are
 * 0; and that an epoch without an object is not the best one. Images are 64 pixels wide and high, and so is the
 * input, so that sizes can be told by hand. */
#include "base/file.h"
#include "support/run_config.h"
#include "support/folder.h"
#include "support/tiny.h"
#include "train/loop/train.h"
#include "train/observe/box_report.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TRAIN = 4, VAL = 2, MOST = 4 };

static void init(void) {
    test_folder_make();
    test_tiny_write_data(TRAIN, VAL);
    test_tiny_write_models();
    cr_assert_eq(chdir(test_folder_path(".")), 0);
}

TestSuite(box_report, .init = init, .fini = test_folder_remove, .timeout = 60);

/* ---- a run and what it says ---- */

typedef struct heard {
    int alarms, epochs, empty_epochs, empty_bests;
    char text[MOST][512];
    yti_train_summary summary;
} heard;

static void on_alarm(void *context, const char *text) {
    heard *h = context;
    cr_assert_lt(h->alarms, MOST, "%s", text);
    snprintf(h->text[h->alarms++], sizeof h->text[0], "%s", text);
}

static yt_status on_epoch(void *context, const yti_train_epoch *epoch, yt_err *err) {
    (void)err;
    heard *h = context;
    h->epochs++;
    if (epoch->boxes.assigned > 0) return YT_OK;
    h->empty_epochs++;
    h->empty_bests += epoch->is_best;
    cr_assert(epoch->train_loss[YT_LOSS_BOX] == 0 && epoch->train_loss[YT_LOSS_DFL] == 0);
    return YT_OK;
}

static void on_finish(void *context, const yti_train_summary *summary) {
    heard *h = context;
    h->summary = *summary;
}

/* Every box stays in view and keeps its size but for the scale. */
static yti_train_config still_config(const char *epochs) {
    yti_train_config config = test_run_config("tiny26.yaml", epochs);
    test_set(&config, "mosaic", "0");
    test_set(&config, "translate", "0");
    return config;
}

static heard run(const yti_train_config *config) {
    heard h = {0};
    yt_err err = {.text = ""};
    yti_training *training;
    cr_assert_eq(yti_train_prepare(config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    const yti_train_observer observer = {.epoch = on_epoch, .alarm = on_alarm, .finish = on_finish, .context = &h};
    cr_assert_eq(yti_train_run(training, &observer, 1, NULL, &err), YT_OK, "%s", err.text);
    yti_train_destroy(training);
    return h;
}

static void write_labels(const char *text) {
    for (int i = 0; i < TRAIN; i++) {
        char name[64];
        snprintf(name, sizeof name, "data/labels/train/%d.txt", i);
        test_folder_write_text(name, text);
    }
}

/* ---- objects that are too small ---- */

/* One pixel, at most one and a half after scaling: dropped. 16 pixels are 16 times as many. */
Test(box_report, objects_that_are_all_dropped_are_reported_once_and_no_epoch_is_the_best) {
    write_labels("0 0.5 0.5 0.015625 0.015625\n");
    const yti_train_config config = still_config("3");
    const heard h = run(&config);
    cr_assert(h.alarms == 1 && h.epochs == 3 && h.empty_epochs == 3, "%d", h.alarms);
    cr_assert_str_eq(h.text[0],
                     "epoch 1: no object was assigned, only the background was trained; the augmentation dropped "
                     "4 of 4 boxes: 4 at most 2 pixels wide or high; half of the objects are at most 1 pixels wide "
                     "or high at --imgsz 64; from --imgsz 1024 on half of them would be at least 16 pixels wide "
                     "and high");
    cr_assert(h.empty_bests == 0 && h.summary.best_epoch == 0);
    cr_assert_not(yti_path_exists("runs/detect/train/weights/best.safetensors"));
    cr_assert(yti_path_exists("runs/detect/train/weights/last.safetensors"));
}

/* A hundredth of a pixel would take 102400. */
Test(box_report, where_no_input_is_large_enough_tiles_are_named) {
    write_labels("0 0.5 0.5 0.00015625 0.00015625\n");
    const yti_train_config config = still_config("1");
    const heard h = run(&config);
    cr_assert_eq(h.alarms, 1);
    cr_assert_not_null(strstr(h.text[0], "; no --imgsz makes half of them 16 pixels wide and high: cut the images into "
                                         "tiles"),
                       "%s", h.text[0]);
}

/* Of two objects in each image one is of a pixel. At half the size, the smallest scale, it takes 4 pixels to be
 * above 2: four times the input. */
Test(box_report, objects_of_which_many_are_dropped_are_reported_after_the_first_epoch) {
    write_labels("0 0.3 0.3 0.4 0.4\n1 0.7 0.7 0.015625 0.015625\n");
    const yti_train_config config = still_config("2");
    const heard h = run(&config);
    cr_assert(h.alarms == 1 && h.empty_epochs == 0, "%d %s", h.alarms, h.text[0]);
    cr_assert_str_eq(h.text[0], "epoch 1: the augmentation dropped 4 of 8 boxes: 4 at most 2 pixels wide or high; from "
                                "--imgsz 256 on nine in ten objects would be at least 4 pixels wide and high");
    cr_assert_geq(h.summary.best_epoch, 1);
}

Test(box_report, nothing_is_said_of_objects_that_are_large_enough) {
    yti_train_config config = still_config("3");
    test_set(&config, "mosaic", "1"); /* most are out of view then */
    test_set(&config, "close_mosaic", "0");
    const heard h = run(&config);
    cr_assert_eq(h.alarms, 0, "%s", h.text[0]);
}

/* Of 1000 boxes in view 10 are a hundredth. The labels are of 4 pixels, 16 are four times as many. */
Test(box_report, an_epoch_with_hardly_any_assigned_object_is_reported_until_there_are_some) {
    write_labels("0 0.5 0.5 0.0625 0.0625\n");
    const yti_train_config config = still_config("3");
    yti_training *training;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    heard h = {0};
    yti_train_observer observer = {.alarm = on_alarm, .context = &h};
    yti_watchers watchers = {.list = &observer, .count = 1};
    const yti_train_info *info = yti_train_describe(training);
    const yti_schedule schedule = {.lr0 = info->config->lr0};
    yti_box_report report = {.config = info->config, .split = info->train, .schedule = &schedule, .stride = 32};
    static const int assigned[] = {10, 9, 1, 11, 3}, alarms[] = {0, 1, 1, 1, 2};
    for (int i = 0; i < 5; i++) {
        yti_train_epoch row = {.epoch = i + 1, .boxes = {.assigned = assigned[i]}};
        row.boxes.fates[YT_BOX_SEEN] = 1000;
        cr_assert_eq(yti_report_boxes(&report, &row, &watchers, NULL), YT_OK);
        cr_assert_eq(h.alarms, alarms[i], "epoch %d: %d", i + 1, h.alarms);
    }
    cr_assert_str_eq(h.text[0],
                     "epoch 2: hardly any object was assigned (9 predictions for 1000 boxes), little but the "
                     "background was trained; predictions overlap hardly any of the boxes; half of the objects "
                     "are at most 4 pixels wide or high at --imgsz 64; from --imgsz 256 on half of them would be "
                     "at least 16 pixels wide and high; a smaller --lr0 than 0.002 often helps");
    yti_train_destroy(training);
}

/* ---- rates ---- */

/* Three epochs of one batch of the reference recipe: one update, at rate 0. */
Test(box_report, a_run_whose_updates_all_have_rate_zero_is_reported_at_its_start) {
    yti_train_config config = still_config("3");
    test_set(&config, "recipe", "family");
    test_set(&config, "batch", "16");
    const heard h = run(&config);
    cr_assert_eq(h.alarms, 1);
    cr_assert_str_eq(h.text[0], "nothing will be learned: no update of the 3 batches of this run has a learning rate "
                                "above 0; more --epochs, a smaller --nbs or a shorter --warmup-epochs would help");
}

/* ---- predictions that overlap nothing ---- */

Test(box_report, a_rate_at_which_nothing_is_overlapped_is_named) {
    yti_train_config config = still_config("12");
    test_set(&config, "optimizer", "SGD");
    test_set(&config, "lr0", "1");
    test_set(&config, "warmup_epochs", "0");
    const heard h = run(&config);
    cr_assert_gt(h.empty_epochs, 0);
    cr_assert_geq(h.alarms, 1);
    cr_assert_not_null(strstr(h.text[0], "no prediction overlaps any of the boxes that are left (4); a smaller --lr0 "
                                         "than 1 often helps"),
                       "%s", h.text[0]);
    cr_assert_eq(h.empty_bests, 0);
}
