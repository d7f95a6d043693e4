/* Tests of src/train/diagnose: search.c, step_dump.c and replay.c: what is found first, and that a dump shows it again.
 */
#include "base/file.h"
#include "support/files.h"
#include "support/folder.h"
#include "support/tiny.h"
#include "support/watched_run.h"
#include "train/loop/training.h"
#include "train/step/step_memory.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(step_dump, .init = test_watched_begin, .fini = test_folder_remove, .timeout = 60);

/* ---- what is found ---- */

Test(step_dump, a_network_that_explodes_is_caught_before_a_checkpoint_holds_it_and_replayed) {
    yti_train_config config = test_watched_exploding("4");
    test_watched r = {0};
    yt_err err;
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert(r.events == 1 && r.action == YT_ON_NAN_STOP);
    cr_assert_not_null(strstr(err.text, r.first), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "--replay runs/detect/train/non-finite.safetensors"), "%s", err.text);
    test_watched_expect_finite(WATCHED_RUN "weights/last.safetensors", r.epochs > 0);
    yti_finding found = test_watched_replay(WATCHED_RUN "non-finite.safetensors");
    cr_assert_str_eq(found.tensor.name, r.first);
    cr_assert_not(isfinite(found.value));
    cr_assert_gt(found.n_inputs, 0);
    for (int i = 0; i < found.n_inputs; i++)
        cr_assert(found.inputs[i].nan + found.inputs[i].infinite == 0, "%s is earlier", found.inputs[i].name);
}

Test(step_dump, with_clipping_the_same_network_trains_on) {
    yti_train_config config = test_watched_exploding("4");
    test_set(&config, "clip", "0.1");
    test_watched r = {0};
    yt_err err = {.text = ""};
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_OK, "%s", err.text);
    cr_assert(r.events == 0 && r.epochs == 4);
    cr_assert_not(yti_path_exists(WATCHED_RUN "non-finite.safetensors"));
    test_watched_expect_finite(WATCHED_RUN "weights/last.safetensors", true);
}

Test(step_dump, a_step_that_cannot_be_kept_is_still_told) {
    yti_train_config config = test_watched_exploding("4");
    test_set(&config, "exist_ok", "true");
    test_watched r = {0};
    yt_err err;
    cr_assert_eq(yti_path_make_dirs(WATCHED_RUN "non-finite.safetensors/in_the_way", &err), YT_OK);
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert_not_null(strstr(err.text, "; the step could not be kept: "), "%s", err.text);
    cr_assert_not_null(strstr(err.text, r.first), "%s", err.text);
}

/* A value planted in the weights of a tensor must be found in the tensor that it reaches first. */
static yti_finding plant(const char *name, float value) {
    test_watched_plant("tiny26.yaml", false, 1, name, value);
    yti_train_config config = test_watched_config("tiny26.yaml", "1");
    test_set(&config, "weights", "planted.safetensors");
    test_set(&config, "exist_ok", "true");
    test_watched r = {0};
    yt_err err;
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert(r.events == 1 && r.epochs == 0);
    return test_watched_replay(WATCHED_RUN "non-finite.safetensors");
}

Test(step_dump, what_is_planted_is_found_where_it_shows_first) {
    yti_finding found = plant("model.1.conv.weight", (float)NAN);
    cr_assert_eq(found.tensor.kind, YT_FINDING_WEIGHT);
    cr_assert_str_eq(found.tensor.name, "model.1.conv.weight");
    cr_assert_str_eq(found.place, "output 0, input 0, y 0, x 0");
    cr_assert(found.tensor.nan == 1 && found.tensor.infinite == 0 && found.row == 1);

    /* Finite maps of 1e25, whose variance no float holds: the maps behind them are all zero, not NaN. */
    found = plant("model.2.conv.weight", 1e25f);
    cr_assert_eq(found.tensor.kind, YT_FINDING_STATISTIC);
    cr_assert_str_eq(found.tensor.name, "model.2.bn.running_var");
    cr_assert_eq(found.tensor.infinite, 1u);

    /* Without normalisation behind it the map of the head is too large for the float that its loss needs. */
    found = plant("model.6.cv3.0.2.weight", 3e38f);
    cr_assert_neq(found.tensor.kind, YT_FINDING_NOTHING);
    cr_assert_eq(found.row, 6);
}

Test(step_dump, a_gradient_that_overflows_is_found_behind_the_one_it_was_made_from) {
    yti_train_config config = test_watched_config("tiny26.yaml", "4");
    test_set(&config, "box", "3e38");
    test_watched r = {0};
    yt_err err;
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    yti_finding found = test_watched_replay(WATCHED_RUN "non-finite.safetensors");
    cr_assert(found.tensor.kind == YT_FINDING_MAP_GRADIENT || found.tensor.kind == YT_FINDING_WEIGHT_GRADIENT);
    for (int i = 0; i < found.n_inputs; i++)
        cr_assert_eq(found.inputs[i].nan + found.inputs[i].infinite, 0u, "%s", found.inputs[i].name);
}

/* ---- what the step depends on ---- */

static char *metadata_of(const char *path, const char *key) {
    yti_st_file file;
    cr_assert_eq(yti_st_load(path, &file, NULL), YT_OK);
    const char *text = yti_st_metadata(&file, key);
    char *copy = text ? strdup(text) : NULL;
    cr_assert_not_null(copy, "%s", key);
    yti_st_free(&file);
    return copy;
}

/* Replays good.safetensors with a changed entry: whether it finds the same. */
static bool is_same_with(const char *key, const char *value) {
    yti_replay_result result;
    yt_err err = {.text = ""};
    test_watched_rewrite(key, value);
    cr_assert_eq(yti_replay("bad.safetensors", 1, &result, &err), YT_OK, "%s", err.text);
    const bool same = result.same;
    yti_replay_free(&result);
    return same;
}

/* Gradients of 1e37 on top of those that wait at the end of the range. */
Test(step_dump, gradients_that_overflow_when_they_are_summed_are_found_and_replayed) {
    yti_train_config config = test_watched_config("tiny26.yaml", "1");
    test_set(&config, "nbs", "4");
    test_set(&config, "box", "1e36");
    test_watched r = {.overflow_behind = 1};
    yt_err err;
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert_eq(r.kind, YT_FINDING_SUMMED_GRADIENT);
    cr_assert_not_null(strstr(err.text, "in the sum of gradients of the weight model."), "%s", err.text);
    const yti_finding found = test_watched_replay(WATCHED_RUN "non-finite.safetensors");
    cr_assert_str_eq(found.tensor.name, r.first);
    cr_assert_gt(found.tensor.infinite, 0u);
    cr_assert_eq(found.inputs[0].kind, YT_FINDING_WAITING_GRADIENT);
    cr_assert_str_eq(found.inputs[0].name, r.first);
    for (int i = 0; i < found.n_inputs; i++)
        cr_assert_eq(found.inputs[i].nan + found.inputs[i].infinite, 0u, "%s", found.inputs[i].name);

    cr_assert_eq(rename(WATCHED_RUN "non-finite.safetensors", "good.safetensors"), 0);
    cr_assert(is_same_with("sentence", "any"));
    cr_assert_not(is_same_with("step", "{\"epoch\":0,\"epochs\":1,\"batch\":1,\"batches\":4,\"step\":1,\"waits\":0}"),
                  "alone the gradients of the batch are finite");
}

Test(step_dump, a_step_with_frozen_rows_weighed_classes_another_size_and_waiting_gradients_is_replayed) {
    yti_train_config config = test_watched_config("tiny26.yaml", "1");
    test_set(&config, "freeze", "2");
    test_set(&config, "cls_pw", "0.5");
    test_set(&config, "multi_scale", "0.5");
    test_set(&config, "nbs", "8");
    test_set(&config, "box", "1e36");
    test_watched r = {.overflow_behind = 2};
    yt_err err;
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert_eq(r.kind, YT_FINDING_SUMMED_GRADIENT);
    test_watched_replay(WATCHED_RUN "non-finite.safetensors");

    cr_assert_eq(rename(WATCHED_RUN "non-finite.safetensors", "good.safetensors"), 0);
    yti_st_file file;
    cr_assert_eq(yti_st_load("good.safetensors", &file, NULL), YT_OK);
    cr_assert_not_null(yti_st_find(&file, "class_weights"));
    const yti_st_entry *rgb = yti_st_find(&file, "batch.rgb"),
                       *frozen = yti_st_find(&file, "waiting.model.0.conv.weight");
    cr_assert(rgb && rgb->dims[1] != TINY_SIDE, "seed 0 gives the third batch another size");
    float *values = calloc(frozen->count, sizeof *values);
    cr_assert(values && yti_st_to_float(frozen, values));
    for (size_t i = 0; i < frozen->count; i++) cr_assert_eq(values[i], 0.0f);
    free(values);
    yti_st_free(&file);
    char *settings = metadata_of("good.safetensors", "settings");
    char *freeze = strstr(settings, "\"freeze\":\"2\"");
    cr_assert_not_null(freeze, "%s", settings);
    freeze[strlen("\"freeze\":\"")] = '0'; /* "freeze":"0" is of no rows */
    cr_assert_not(is_same_with("settings", settings), "frozen statistics do not move");
    free(settings);
}

Test(step_dump, every_picture_of_the_batch_is_named_once) {
    yti_train_config config = test_watched_config("tiny26.yaml", "1");
    test_set(&config, "mosaic", "1");
    test_set(&config, "close_mosaic", "0");
    test_watched r = {.poison_at = 1};
    yt_err err;
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    char *images = metadata_of(WATCHED_RUN "non-finite.safetensors", "images");
    int named = 0;
    for (int i = 0; i < WATCHED_TRAIN; i++) {
        char name[32];
        snprintf(name, sizeof name, "train/%d.png\"", i);
        const char *at = strstr(images, name);
        named += at != NULL;
        if (at) cr_assert_null(strstr(at + 1, name), "%s", images);
        snprintf(name, sizeof name, "train/%d.png\n", i);
        cr_assert_eq(at != NULL, strstr(r.report, name) != NULL, "%s", r.report);
    }
    cr_assert(named > 2 && named <= 8, "%s", images); /* 2 mosaics of 4 */
    free(images);
}

Test(step_dump, a_step_that_needs_more_memory_than_there_is_is_refused_before_it_is_made) {
    yti_model *model;
    yt_err err = {.text = ""};
    const yti_model_options options = YT_MODEL_DEFAULTS;
    cr_assert_eq(yti_model_load("tiny26.yaml", &options, &model, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_step_memory_check(model, 2, 64, 64, 1, 1 << 30, &err), YT_OK);
    cr_assert_eq(yti_step_memory_check(model, 2, 64, 64, 1, 0, &err), YT_OK, "unknown");
    cr_assert_eq(yti_step_memory_check(model, 64, 640, 320, 1, 1 << 20, &err), YT_ERR_NO_MEMORY);
    cr_assert_not_null(strstr(err.text, "batch 64 at 640 pixels needs "), "%s", err.text);
    cr_assert_not_null(strstr(err.text, " MiB and 1 MiB are free: "), "%s", err.text);
    yti_model_destroy(model);
}

Test(step_dump, memory_is_planned_for_gradients_that_wait) {
    size_t planned[2], params = 0;
    for (int waits = 0; waits < 2; waits++) {
        yti_train_config config = test_watched_config("tiny26.yaml", "1");
        test_set(&config, "nbs", waits ? "4" : "2");
        yti_training *training;
        yt_err err = {.text = ""};
        cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
        planned[waits] = yti_train_describe(training)->planned_bytes;
        params = yti_train_describe(training)->model->param_count;
        yti_train_destroy(training);
    }
    cr_assert_eq(planned[1] - planned[0], params * sizeof(float));
}

/* ---- damaged dumps ---- */

/* Rewrites it with other first bytes of a tensor. */
static void overwrite(const char *name, const void *bytes, size_t count) {
    yti_st_file file;
    cr_assert_eq(yti_st_load("good.safetensors", &file, NULL), YT_OK);
    char *copy = NULL;
    for (size_t i = 0; i < file.n_entries; i++) {
        if (strcmp(file.entries[i].name, name) != 0) continue;
        copy = malloc(file.entries[i].bytes);
        cr_assert(copy && file.entries[i].bytes >= count);
        memcpy(copy, file.entries[i].data, file.entries[i].bytes);
        memcpy(copy, bytes, count);
        file.entries[i].data = copy;
    }
    cr_assert_not_null(copy, "%s", name);
    cr_assert_eq(yti_st_save("bad.safetensors", file.entries, file.n_entries, (const char *const *)file.metadata_keys,
                             (const char *const *)file.metadata_values, file.n_metadata, NULL),
                 YT_OK);
    yti_st_free(&file);
    free(copy);
}

static void expect_refused(const char *why) {
    yti_replay_result result;
    yt_err err = {.text = ""};
    yt_status status = yti_replay("bad.safetensors", 1, &result, &err);
    cr_assert(status == YT_ERR_SYNTAX || status == YT_ERR_MISMATCH, "%s: %d %s", why, (int)status, err.text);
    cr_assert_not_null(strstr(err.text, "bad.safetensors"), "%s", err.text);
    cr_assert_not_null(strstr(err.text, why), "%s lacks %s", err.text, why);
}

Test(step_dump, a_damaged_step_dump_is_refused) {
    plant("model.1.conv.weight", (float)NAN);
    cr_assert_eq(rename(WATCHED_RUN "non-finite.safetensors", "good.safetensors"), 0);
    static const char *const keys[] = {"step", "finding", "sentence", "noticed", "history", "images", "settings"};
    for (int i = 0; i < 7; i++) {
        test_watched_rewrite(keys[i], NULL);
        expect_refused(keys[i]);
    }
    test_watched_rewrite("step", "{\"epoch\":3,\"epochs\":3,\"batch\":0,\"batches\":4,\"step\":0,\"waits\":0}");
    expect_refused("step");
    test_watched_rewrite("step", "{\"epoch\":0.5,\"epochs\":3,\"batch\":0,\"batches\":4,\"step\":0,\"waits\":0}");
    expect_refused("step");
    test_watched_rewrite("step", "{\"epoch\":0,\"epochs\":3,\"batch\":0,\"batches\":4,\"step\":0}");
    expect_refused("step");
    test_watched_rewrite("step", "{\"epoch\":0,\"epochs\":3,\"batch\":0,\"batches\":4,\"step\":0,\"waits\":1}");
    expect_refused("waiting.model.0.conv.weight");
    test_watched_rewrite("images", "[]");
    expect_refused("images");
    test_watched_rewrite("images", "[1,2]");
    expect_refused("images");
    test_watched_rewrite("settings", "{\"batch\":\"many\"}");
    expect_refused("settings");
    test_watched_rewrite("settings", "{\"freeze\":\"99\"}");
    expect_refused("99");
    overwrite("batch.image", &(int){2}, sizeof(int));
    expect_refused("boxes");
    overwrite("batch.class", &(int){-1}, sizeof(int));
    expect_refused("boxes");
    overwrite("batch.boxes", &(float){(float)NAN}, sizeof(float));
    expect_refused("boxes");
    overwrite("batch.boxes", &(float){1e30f}, sizeof(float));
    expect_refused("boxes");

    /* Damage that leaves it a step: another finding, which is said. */
    overwrite("model.1.conv.weight", &(float){0.5f}, sizeof(float));
    yti_replay_result result;
    cr_assert_eq(yti_replay("bad.safetensors", 1, &result, NULL), YT_OK);
    cr_assert(!result.same && result.finding.tensor.kind == YT_FINDING_NOTHING);
    yti_replay_free(&result);

    char *bytes;
    size_t count;
    cr_assert_eq(yti_file_read("good.safetensors", 1 << 24, &bytes, &count, NULL), YT_OK);
    FILE *cut = fopen("bad.safetensors", "wb");
    cr_assert(cut && fwrite(bytes, 1, count / 2, cut) == count / 2 && fclose(cut) == 0);
    free(bytes);
    expect_refused("bad.safetensors");
    yt_err err;
    cr_assert_eq(yti_replay("none.safetensors", 1, &result, &err), YT_ERR_IO);
}

Test(step_dump, weights_are_no_step_dump) {
    test_watched_plant("tiny26.yaml", false, 1, NULL, 0);
    cr_assert_eq(rename("planted.safetensors", "bad.safetensors"), 0);
    expect_refused("is not a step to replay");
}
