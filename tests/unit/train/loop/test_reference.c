/* The rules of training that the reference trainer changed between its releases 8.4.104 and 8.4.190, in whole runs:
 * which of the two a run follows, and what that does to it. The rules one by one are tested where they are made. */
#include "base/file.h"
#include "kernels/kernels.h"
#include "support/run_config.h"
#include "support/files.h"
#include "support/folder.h"
#include "support/tiny.h"
#include "support/watched_run.h"
#include "train/loop/train.h"
#include "train/parts/optimizer_groups.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRAIN = 4, VAL = 2, MOST_UPDATES = 64 };

static void init(void) {
    test_folder_make();
    test_tiny_write_data(TRAIN, VAL);
    test_tiny_write_models();
    cr_assert_eq(chdir(test_folder_path(".")), 0);
}

TestSuite(reference, .init = init, .fini = test_folder_remove, .timeout = 60);

static yti_train_config tiny_config(const char *epochs, const char *reference) {
    yti_train_config config;
    yti_train_config_defaults(&config);
    test_set(&config, "data", test_folder_path("data.yaml"));
    test_set(&config, "model", test_folder_path("tiny26.yaml"));
    test_set(&config, "imgsz", "64");
    test_set(&config, "epochs", epochs);
    test_set(&config, "threads", "1");
    test_set(&config, "recipe", "family");
    if (reference) test_set(&config, "reference", reference);
    return config;
}

/* ---- updates ---- */

typedef struct updates {
    int count;
    int64_t at[MOST_UPDATES];
} updates;

static void note_update(void *context, const yti_train_batch *batch) {
    updates *u = context;
    if (u->count < MOST_UPDATES) u->at[u->count++] = batch->step;
}

static updates updates_of_run(const yti_train_config *config) {
    updates u = {0};
    yt_err err = {.text = ""};
    yti_training *training;
    cr_assert_eq(yti_train_prepare(config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    yti_train_observer observer = {.update = note_update, .context = &u};
    cr_assert_eq(yti_train_run(training, &observer, 1, NULL, &err), YT_OK, "%s", err.text);
    yti_train_destroy(training);
    return u;
}

/* Seen of the reference trainer on the four images of COCO8 with its defaults: 8.4.190 updates at iterations 0, 4
 * and 8 of ten epochs, 8.4.104 four times. */
Test(reference, ten_epochs_of_four_images_are_three_updates) {
    yti_train_config config = tiny_config("10", NULL);
    updates now = updates_of_run(&config);
    cr_assert_eq(now.count, 3);
    cr_assert(now.at[0] == 0 && now.at[1] == 4 && now.at[2] == 8);
    config = tiny_config("10", "8.4.104");
    cr_assert_eq(updates_of_run(&config).count, 4);
}

/* An update would take four batches, of which there are two. */
Test(reference, a_run_of_fewer_batches_than_an_update_takes_still_updates) {
    yti_train_config config = tiny_config("2", NULL);
    test_set(&config, "warmup_epochs", "0");
    updates now = updates_of_run(&config);
    cr_assert(now.count == 1 && now.at[0] == 1);
    test_set(&config, "reference", "8.4.104");
    cr_assert_eq(updates_of_run(&config).count, 0);
}

/* ---- mosaics ---- */

#define LAST "runs/detect/train/weights/last.safetensors"

/* The first epoch without mosaics, from 1; 0: none. */
static int closed_epoch(const char *epochs, const char *close_mosaic, const char *reference) {
    yti_train_config config = tiny_config(epochs, reference);
    yt_err err = {.text = ""};
    yti_training *training;
    test_set(&config, "exist_ok", "true");
    if (close_mosaic) test_set(&config, "close_mosaic", close_mosaic);
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_train_run(training, NULL, 0, NULL, &err), YT_OK, "%s", err.text);
    yti_train_destroy(training);
    yti_st_file file;
    cr_assert_eq(yti_st_load(LAST, &file, NULL), YT_OK);
    const char *closed = strstr(yti_st_metadata(&file, "progress"), "\"closed_epoch\":");
    cr_assert_not_null(closed);
    const int epoch = atoi(closed + strlen("\"closed_epoch\":"));
    yti_st_free(&file);
    return epoch;
}

Test(reference, a_run_shorter_than_close_mosaic_has_no_mosaics) {
    cr_assert_eq(closed_epoch("3", "4", NULL), 1);
    cr_assert_eq(closed_epoch("3", "1000", NULL), 1);
    cr_assert_eq(closed_epoch("3", NULL, NULL), 1, "the ten of the reference trainer");
    cr_assert_eq(closed_epoch("3", "3", NULL), 1);
    cr_assert_eq(closed_epoch("3", "2", NULL), 2);
    cr_assert_eq(closed_epoch("3", "0", NULL), 0);
}

Test(reference, until_8_4_104_it_had_them_to_its_end) {
    cr_assert_eq(closed_epoch("3", "4", "8.4.104"), 0);
    cr_assert_eq(closed_epoch("3", NULL, "8.4.104"), 0);
    cr_assert_eq(closed_epoch("3", "3", "8.4.104"), 1);
    cr_assert_eq(closed_epoch("3", "2", "8.4.104"), 2);
}

/* ---- groups of MuSGD ---- */

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

/* Steps with a rate for the fast groups alone: what moves is in them. head: "model.22." */
static void expect_fast(const char *name, bool old, const char *head, int expected) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    yti_model *model;
    yti_optimizer *optimizer;
    yt_err err = {.text = ""};
    float rates[YT_GROUP_COUNT] = {0};
    int moved = 0;
    for (int g = YT_GROUP_FAST_WEIGHT; g < YT_GROUP_COUNT; g++) rates[g] = 0.5f;
    cr_assert_eq(yti_model_load(name, &options, &model, &err), YT_OK, "%s", err.text);
    const yti_optimizer_plan plan = {.kind = YT_OPTIM_MUSGD, .fast_by_name = old, .threads = 1};
    cr_assert_eq(yti_run_optimizer_create(model, &plan, &optimizer, &err), YT_OK, "%s", err.text);
    for (size_t i = 0; i < model->param_count; i++) model->state.grads[i] = 1, model->state.params[i] = 0;
    yti_optimizer_step(optimizer, model->state.params, model->state.grads, 1, rates, 0);
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (!yti_param_is_trainable(info)) continue;
        const char *part = info->name + strlen(head);
        const bool is_class = starts_with(info->name, head) &&
                              (starts_with(part, "cv3.") || starts_with(part, "one2one_cv3."));
        bool moves = false;
        for (size_t k = 0; k < info->count; k++) moves |= model->state.params[info->offset + k] != 0;
        cr_assert_eq(moves, is_class && expected, "%s", info->name);
        moved += moves;
    }
    cr_assert_eq(moved, expected, "%d tensors", moved);
    yti_optimizer_destroy(optimizer);
    yti_model_destroy(model);
}

/* A class branch of v8 is two convolutions with normalisation (3 tensors each) and one with a bias: 8 tensors on
 * each of three levels. Those of 11 and 26 are four convolutions with normalisation and one with a bias: 14; in two
 * branches with 26. */
Test(reference, musgd_trains_the_class_branches_of_every_head_faster) {
    expect_fast(YT_SOURCE_DIR "/models/yolov8n.yaml", false, "model.22.", 3 * 8);
    expect_fast(YT_SOURCE_DIR "/models/yolo11n.yaml", false, "model.23.", 3 * 14);
    expect_fast(YT_SOURCE_DIR "/models/yolo26n.yaml", false, "model.23.", 2 * 3 * 14);
}

Test(reference, until_8_4_104_musgd_passed_over_those_of_v8) {
    expect_fast(YT_SOURCE_DIR "/models/yolov8n.yaml", true, "model.22.", 0);
    expect_fast(YT_SOURCE_DIR "/models/yolo26n.yaml", true, "model.23.", 2 * 3 * 14);
}

/* ---- which release a run follows ---- */

/* Takes a line out of a text file. */
static void forget_line(const char *path, const char *start) {
    char *text = test_read_text(path), *line = strstr(text, start);
    cr_assert_not_null(line);
    char *end = strchr(line, '\n') + 1;
    memmove(line, end, strlen(end) + 1);
    FILE *out = fopen(path, "w");
    cr_assert(out && fputs(text, out) >= 0 && fclose(out) == 0);
    free(text);
}

/* Makes the run one of a program that did not know the setting. */
static void forget_setting(const char *key) {
    char line[64];
    snprintf(line, sizeof line, "%s: ", key);
    forget_line("runs/detect/train/args.yaml", line);
    yti_st_file file;
    cr_assert_eq(rename(LAST, "good.safetensors"), 0);
    cr_assert_eq(yti_st_load("good.safetensors", &file, NULL), YT_OK);
    cJSON *settings = cJSON_Parse(yti_st_metadata(&file, "settings"));
    cr_assert_not_null(cJSON_GetObjectItemCaseSensitive(settings, key));
    cJSON_DeleteItemFromObjectCaseSensitive(settings, key);
    char *text = cJSON_PrintUnformatted(settings);
    test_watched_rewrite("settings", text);
    cr_assert_eq(rename("bad.safetensors", LAST), 0);
    cJSON_free(text);
    cJSON_Delete(settings);
    yti_st_free(&file);
}

static int reference_of_resumed(void) {
    yti_train_config config;
    yt_err err = {.text = ""};
    yti_training *training;
    yti_train_config_defaults(&config);
    test_set(&config, "resume", LAST);
    test_set(&config, "epochs", "3");
    test_set(&config, "threads", "1");
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    const yti_train_config *c = yti_train_describe(training)->config;
    const int reference = c->reference;
    cr_assert(c->source[YT_TRAIN_KEY_optimizer] == YT_SOURCE_CHECKPOINT && c->optimizer == (int)YT_OPTIM_ADAMW);
    cr_assert(c->source[YT_TRAIN_KEY_lr0] == YT_SOURCE_CHECKPOINT && c->lr0 == 0.001667, "0.002 * 5 / (4 + 2)");
    yti_train_destroy(training);
    return reference;
}

/* Optimizer and rate too are those that `auto` chose at the beginning. A run that was begun before the setting was
 * there followed the rules of that time. */
Test(reference, a_run_goes_on_by_the_rules_it_began_with) {
    yti_train_config config = tiny_config("1", NULL);
    updates_of_run(&config);
    cr_assert_eq(reference_of_resumed(), (int)YT_REFERENCE_NOW);
    forget_setting("reference");
    cr_assert_eq(reference_of_resumed(), (int)YT_REFERENCE_OLD);
}

Test(reference, another_release_is_refused_by_name) {
    yti_train_config config = tiny_config("1", NULL);
    yt_err err;
    cr_assert_eq(yti_train_config_set(&config, "reference", "8.3.0", YT_SOURCE_TYPED, &err), YT_ERR_ARGUMENT);
    cr_assert_str_eq(err.text, "reference: unknown \"8.3.0\"; it is one of 8.4.190, 8.4.104");
    cr_assert_eq(yti_train_config_set(&config, "optimizer", "RMSProp", YT_SOURCE_TYPED, &err), YT_ERR_ARGUMENT);
    cr_assert_str_eq(err.text, "optimizer: unknown \"RMSProp\"; it is one of SGD, Adam, AdamW, MuSGD, auto");
}
