/* Tests of src/train/loop: non_finite_step.c and rollback.c: when a run stops, leaves a batch out or goes back, and
 * what is saved. */
#include "base/file.h"
#include "support/files.h"
#include "support/folder.h"
#include "support/tiny.h"
#include "support/watched_run.h"
#include "train/loop/training.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(non_finite, .init = test_watched_begin, .fini = test_folder_remove, .timeout = 60);

/* A norm of 1e37 has a square that no float holds. */
Test(non_finite, gradients_whose_squares_overflow_are_clipped) {
    yti_train_config config = test_watched_config("tiny8.yaml", "1");
    test_set(&config, "box", "1e36");
    test_watched r = {0};
    yt_err err = {.text = ""};
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_OK, "%s", err.text);
    cr_assert_eq(r.events, 0);
}

/* ---- skip ---- */

/* The gradient log of a run of so many steps has all but one. */
static void expect_steps(const char *path, int missing, int steps) {
    char *text, start[32];
    size_t bytes;
    cr_assert_eq(yti_file_read(path, 1 << 26, &text, &bytes, NULL), YT_OK, "%s", path);
    const char *line = text;
    for (int i = 0; i < steps; i++) {
        if (i == missing) continue;
        snprintf(start, sizeof start, "{\"step\":%d,", i);
        cr_assert(line && strncmp(line, start, strlen(start)) == 0, "step %d", i);
        line = strchr(line, '\n');
        if (line) line++;
    }
    cr_assert(line && *line == '\0');
    free(text);
}

/* The second batch of the second epoch, at which two of four batches wait for one update. */
Test(non_finite, a_skipped_batch_leaves_no_trace) {
    yti_train_config config = test_watched_config("tiny26.yaml", "3");
    test_set(&config, "on_nan", "skip");
    test_set(&config, "nbs", "4");
    test_set(&config, "log_gradients", "1");
    test_watched r = {.poison_at = WATCHED_BATCHES + 2}, two = {.poison_at = WATCHED_BATCHES + 2};
    yt_err err = {.text = ""};
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_OK, "%s", err.text);
    cr_assert(r.events == 1 && r.skips == 1 && r.epochs == 3 && r.batches == 3 * WATCHED_BATCHES);
    cr_assert(r.action == YT_ON_NAN_SKIP && r.kind == YT_FINDING_NOTHING);
    expect_steps(WATCHED_RUN "gradients.jsonl", WATCHED_BATCHES + 1, 3 * WATCHED_BATCHES);
    test_watched_expect_finite(WATCHED_RUN "weights/last.safetensors", true);
    cr_assert(yti_path_exists(WATCHED_RUN "non-finite.safetensors"));
    test_set(&config, "threads", "2");
    cr_assert_eq(test_watched_train(&config, &two, &err), YT_OK, "%s", err.text);
    test_expect_same_tensors(WATCHED_RUN "weights/last.safetensors", "runs/detect/train-2/weights/last.safetensors");
}

Test(non_finite, a_run_with_a_skipped_batch_resumes_as_if_it_had_never_stopped) {
    yti_train_config config = test_watched_config("tiny26.yaml", "3");
    test_set(&config, "on_nan", "skip");
    test_set(&config, "nbs", "6"); /* so that gradients wait at the end of an epoch */
    test_watched whole = {.poison_at = WATCHED_BATCHES + 3},
                 half = {.poison_at = WATCHED_BATCHES + 3, .stop_in_epoch = 3};
    test_watched rest = {.poison_at = -1}; /* all are watched */
    yt_err err = {.text = ""};
    cr_assert_eq(test_watched_train(&config, &whole, &err), YT_OK, "%s", err.text);
    cr_assert_eq(test_watched_train(&config, &half, &err), YT_ERR_STOPPED);
    cr_assert_eq(test_watched_resume("runs/detect/train-2/weights/last.safetensors", &rest, &err), YT_OK, "%s",
                 err.text);
    cr_assert(whole.skips == 1 && half.skips == 1 && rest.skips == 0 && rest.epochs == 1);
    test_expect_same_tensors(WATCHED_RUN "weights/last.safetensors", "runs/detect/train-2/weights/last.safetensors");
    yti_st_file file;
    cr_assert_eq(yti_st_load("runs/detect/train-2/weights/last.safetensors", &file, NULL), YT_OK);
    cr_assert_not_null(strstr(yti_st_metadata(&file, "progress"), "\"skips\":1,"));
    yti_st_free(&file);
}

Test(non_finite, a_run_that_would_skip_a_whole_epoch_stops) {
    yti_train_config config = test_watched_config("tiny26.yaml", "3");
    test_set(&config, "on_nan", "skip");
    test_watched r = {.poison_at = WATCHED_BATCHES + 1, .poison_to = 2 * WATCHED_BATCHES};
    yt_err err;
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert(r.skips == WATCHED_BATCHES - 1 && r.events == WATCHED_BATCHES && r.epochs == 1);
    cr_assert_not_null(strstr(err.text, "; without it the epoch would have no batch;"), "%s", err.text);
}

/* The last two batches of an epoch and the first two of the next are four in a row, but neither epoch is lost. */
Test(non_finite, skips_across_an_epoch_boundary_are_no_whole_epoch) {
    yti_train_config config = test_watched_config("tiny26.yaml", "2");
    test_set(&config, "on_nan", "skip");
    test_watched r = {.poison_at = WATCHED_BATCHES - 1, .poison_to = WATCHED_BATCHES + 2};
    yt_err err = {.text = ""};
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_OK, "%s", err.text);
    cr_assert(r.skips == 4 && r.events == 4 && r.epochs == 2);
    cr_assert(r.summary.skips == 4 && r.summary.rollbacks == 0);
}

Test(non_finite, more_than_ten_skips_in_a_row_end_the_run) {
    test_tiny_write_data(24, WATCHED_VAL);
    yti_train_config config = test_watched_config("tiny26.yaml", "3");
    test_set(&config, "on_nan", "skip");
    test_watched r = {.poison_at = 8, .poison_to = 36}; /* of 12 batches an epoch */
    yt_err err;
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert(r.skips == YT_MAX_SKIPS && r.events == YT_MAX_SKIPS + 1 && r.epochs == 1, "%d skips", r.skips);
    cr_assert_not_null(strstr(err.text, "; skipped in a row before it: 10;"), "%s", err.text);
}

/* The report of an event that does not end the run says by what it was noticed, too. */
Test(non_finite, the_step_that_ends_a_run_is_kept_in_place_of_the_first) {
    yti_train_config config = test_watched_config("tiny26.yaml", "3");
    test_set(&config, "on_nan", "skip");
    test_watched once = {.poison_at = 2}, r = {.poison_at = 2, .poison_to = WATCHED_BATCHES};
    yt_err err = {.text = ""};
    cr_assert_eq(test_watched_train(&config, &once, &err), YT_OK, "%s", err.text);
    cr_assert(once.events == 1 && once.dumps == 1);
    cr_assert_not_null(strstr(once.report, "\n  noticed   the gradient of model."), "%s", once.report);
    r.poison_at = 1;
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert(r.events == WATCHED_BATCHES && r.dumps == 2 && r.action == YT_ON_NAN_STOP);
    yti_replay_result result;
    cr_assert_eq(yti_replay("runs/detect/train-2/non-finite.safetensors", 1, &result, &err), YT_OK, "%s", err.text);
    cr_assert_str_eq(result.report, r.report);
    cr_assert_not_null(strstr(result.report, "epoch 1, batch 4 of 4, step 3:"), "%s", result.report);
    yti_replay_free(&result);
}

Test(non_finite, the_step_of_a_former_run_does_not_stay) {
    yti_train_config config = test_watched_config("tiny26.yaml", "2");
    test_set(&config, "exist_ok", "true");
    test_watched failed = {.poison_at = WATCHED_BATCHES + 1}, rest = {0}, again = {.poison_at = 1}, good = {0};
    yt_err err = {.text = ""};
    static const char dump[] = WATCHED_RUN "non-finite.safetensors";
    cr_assert_eq(test_watched_train(&config, &failed, &err), YT_ERR_NON_FINITE);
    cr_assert(yti_path_exists(dump));
    cr_assert_eq(test_watched_resume(WATCHED_RUN "weights/last.safetensors", &rest, &err), YT_OK, "%s", err.text);
    cr_assert_not(yti_path_exists(dump));
    cr_assert_eq(test_watched_train(&config, &again, &err), YT_ERR_NON_FINITE);
    cr_assert(yti_path_exists(dump));
    cr_assert_eq(test_watched_train(&config, &good, &err), YT_OK, "%s", err.text);
    cr_assert_not(yti_path_exists(dump));
}

/* ---- rollback ---- */

/* In the checkpoint, as a rollback leaves them. */
static void halve_rates(const char *path) {
    yti_st_file file;
    char progress[2048], changed[2048];
    cr_assert_eq(rename(path, "good.safetensors"), 0);
    cr_assert_eq(yti_st_load("good.safetensors", &file, NULL), YT_OK);
    snprintf(progress, sizeof progress, "%s", yti_st_metadata(&file, "progress"));
    yti_st_free(&file);
    const char *factor = strstr(progress, "\"rate_factor\":1,");
    cr_assert_not_null(factor, "%s", progress);
    snprintf(changed, sizeof changed, "%.*s\"rate_factor\":0.5,%s", (int)(factor - progress), progress,
             factor + strlen("\"rate_factor\":1,"));
    test_watched_rewrite("progress", changed);
    cr_assert_eq(rename("bad.safetensors", path), 0);
}

Test(non_finite, a_run_that_went_back_is_one_that_was_resumed_with_half_the_rates) {
    yti_train_config config = test_watched_config("tiny26.yaml", "3");
    test_set(&config, "on_nan", "rollback");
    test_set(&config, "save_period", "1");
    test_set(&config, "log_gradients", "3"); /* the checkpoint's step is no sample, the one that fails is */
    test_watched back = {.poison_at = WATCHED_BATCHES + 3},
                 half = {.poison_at = -1}; /* both watched, one never poisoned */
    yt_err err = {.text = ""};
    cr_assert_eq(test_watched_train(&config, &back, &err), YT_OK, "%s", err.text);
    cr_assert(back.events == 1 && back.rollbacks == 1 && back.epochs == 3 && !back.to_initial);

    yti_train_config resumed;
    yti_training *training;
    yti_train_config_defaults(&resumed);
    cr_assert_eq(rename("runs/detect/train", "runs/detect/other"), 0);
    test_set(&resumed, "resume", "runs/detect/other/weights/epoch0.safetensors");
    halve_rates("runs/detect/other/weights/epoch0.safetensors");
    cr_assert_eq(yti_train_prepare(&resumed, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    cr_assert_eq(rename("runs/detect/other/weights/last.safetensors", "back.safetensors"), 0);
    static const char *const logs[] = {"gradients.csv", "gradients.jsonl"};
    char path[64];
    for (int i = 0; i < 2; i++) { /* the resumed run drops what lies behind its checkpoint and writes it anew */
        snprintf(path, sizeof path, "runs/detect/other/%s", logs[i]);
        test_copy_file(path, logs[i]);
    }
    cr_assert_eq(test_watched_run(training, &half, &err), YT_OK, "%s", err.text);
    cr_assert(half.epochs == 2 && half.lr == back.lr);
    test_expect_same_tensors("back.safetensors", "runs/detect/other/weights/last.safetensors");
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "runs/detect/other/%s", logs[i]);
        test_expect_same_bytes(path, logs[i]);
    }
}

/* What explodes in twelve steps at a rate does not at a fraction of it. Interrupted and resumed it ends the same. */
Test(non_finite, a_network_that_explodes_goes_back_until_it_trains) {
    test_tiny_write_data(24, WATCHED_VAL);
    yti_train_config config = test_watched_exploding("3");
    test_set(&config, "on_nan", "rollback");
    test_set(&config, "lr0", "0.1");
    test_set(&config, "momentum", "0");
    test_watched r = {0}, stopped = {.stop_in_epoch = 2}, rest = {0};
    yt_err err = {.text = ""};
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_OK, "%s", err.text);
    cr_assert(r.events >= 1 && r.epochs == 3 && r.action == YT_ON_NAN_ROLLBACK, "%d events", r.events);
    test_watched_expect_finite(WATCHED_RUN "weights/last.safetensors", true);
    test_watched_replay(WATCHED_RUN "non-finite.safetensors");

    cr_assert_eq(test_watched_train(&config, &stopped, &err), YT_ERR_STOPPED);
    yti_train_config resumed;
    yti_train_config_defaults(&resumed);
    test_set(&resumed, "resume", "runs/detect/train-2/weights/last.safetensors");
    cr_assert_eq(test_watched_train(&resumed, &rest, &err), YT_OK, "%s", err.text);
    test_expect_same_tensors(WATCHED_RUN "weights/last.safetensors", "runs/detect/train-2/weights/last.safetensors");
}

Test(non_finite, a_run_does_not_go_back_for_ever) {
    yti_train_config config = test_watched_config("tiny26.yaml", "3");
    test_set(&config, "on_nan", "rollback");
    test_watched r = {.poison_at = WATCHED_BATCHES + 2, .poison_to = 3 * WATCHED_BATCHES};
    yt_err err;
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert(r.epochs == 1 && r.events == YT_MAX_ROLLBACKS + 1 && r.action == YT_ON_NAN_STOP);
    cr_assert_not_null(strstr(err.text, "the run went back there 5 times"), "%s", err.text);
    test_watched first = {.poison_at = WATCHED_BATCHES + 1};
    cr_assert_eq(test_watched_train(&config, &first, &err), YT_ERR_NON_FINITE);
    cr_assert(first.epochs == 1 && first.events == 1);
    cr_assert_not_null(strstr(err.text, "it comes before the first update from there, which no learning rate changes"),
                       "%s", err.text);
}

/* Four batches an update: the third one is not the first step, but its weights are still those of the checkpoint. */
Test(non_finite, no_rate_helps_before_the_first_update) {
    yti_train_config config = test_watched_config("tiny26.yaml", "2");
    test_set(&config, "on_nan", "rollback");
    test_set(&config, "nbs", "8");
    test_set(&config, "lr0", "0.02");
    test_watched before = {.poison_at = 3}, after = {.poison_at = WATCHED_BATCHES + 1};
    yt_err err = {.text = ""};
    cr_assert_eq(test_watched_train(&config, &before, &err), YT_ERR_NON_FINITE);
    cr_assert(before.events == 1 && before.action == YT_ON_NAN_STOP);
    cr_assert_not_null(strstr(err.text, "it comes before the first update from there"), "%s", err.text);
    cr_assert_eq(test_watched_train(&config, &after, &err), YT_ERR_NON_FINITE);
    cr_assert(after.events == 1 && after.epochs == 1);
    test_set(&config, "nbs", "4"); /* an update behind the second batch */
    test_watched third = {.poison_at = 3};
    cr_assert_eq(test_watched_train(&config, &third, &err), YT_OK, "%s", err.text);
    cr_assert(third.events == 1 && third.action == YT_ON_NAN_ROLLBACK && third.to_initial);
    cr_assert(third.rollbacks == 1 && third.summary.rollbacks == 1 && third.summary.rate_factor == 0.5 &&
              third.summary.skips == 0);
}

/* ---- what a checkpoint would hold ---- */

Test(non_finite, nothing_that_is_not_finite_is_saved) {
    yti_train_config config = test_watched_config("tiny26.yaml", "1");
    test_set(&config, "optimizer", "AdamW");
    yti_training *t;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &t, &err), YT_OK, "%s", err.text);
    const yti_watchers nobody = {0};
    yti_run_parts *parts = &t->parts;
    yti_state *live = &parts->model->state, *average = &parts->average.state;
    bool rolls_back;
    cr_assert_eq(yti_check_state(t, &nobody, &rolls_back, &err), YT_OK);
    const char *name;
    float *moments;
    cr_assert(yti_optimizer_state(parts->optimizer, 1, &name, &moments));
    float *places[] = {live->params, live->buffers, average->params, average->buffers, moments};
    const char *const texts[] = {": model.0.conv.weight is", "running_mean is", "the average of model.0.conv.weight",
                                 "the average of model.0.bn.running_mean", "the optimizer's exp_avg_sq of model.0"};
    for (int i = 0; i < 5; i++) {
        const float before = places[i][0];
        places[i][0] = (float)INFINITY;
        cr_assert_eq(yti_check_state(t, &nobody, &rolls_back, &err), YT_ERR_NON_FINITE);
        cr_assert_not_null(strstr(err.text, texts[i]), "%s", err.text);
        places[i][0] = before;
    }
    cr_assert_eq(yti_check_state(t, &nobody, &rolls_back, &err), YT_OK);
    yti_train_destroy(t);
}

/* Gradients of 1e29 move no weight far with Adam, but their squares are infinite for ever after. */
Test(non_finite, moments_that_overflow_end_an_epoch_without_a_checkpoint) {
    yti_train_config config = test_watched_config("tiny26.yaml", "2");
    test_set(&config, "optimizer", "AdamW");
    test_set(&config, "clip", "0");
    test_set(&config, "box", "1e30");
    test_watched r = {0}, back = {0};
    yt_err err;
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_NON_FINITE);
    cr_assert_not_null(strstr(err.text, "epoch 1: the optimizer's exp_avg_sq of model."), "%s", err.text);
    cr_assert(r.events == 1 && r.epochs == 0 && r.action == YT_ON_NAN_STOP);
    cr_assert_not(yti_path_exists(WATCHED_RUN "weights/last.safetensors"));
    test_set(&config, "on_nan", "rollback"); /* which no rate changes */
    cr_assert_eq(test_watched_train(&config, &back, &err), YT_ERR_NON_FINITE);
    cr_assert(back.events == YT_MAX_ROLLBACKS + 1 && back.epochs == 0 && back.action == YT_ON_NAN_STOP);
}

/* ---- progress in checkpoints ---- */

/* Without the fields about what was not finite; with wrong ones. */
Test(non_finite, an_older_checkpoint_resumes_and_a_damaged_one_does_not) {
    yti_train_config config = test_watched_config("tiny26.yaml", "2");
    test_watched r = {.stop_in_epoch = 2}, rest = {0};
    yt_err err = {.text = ""};
    cr_assert_eq(test_watched_train(&config, &r, &err), YT_ERR_STOPPED);
    cr_assert_eq(rename(WATCHED_RUN "weights/last.safetensors", "good.safetensors"), 0);
    yti_st_file file;
    cr_assert_eq(yti_st_load("good.safetensors", &file, NULL), YT_OK);
    char progress[2048], changed[2200];
    snprintf(progress, sizeof progress, "%s", yti_st_metadata(&file, "progress"));
    yti_st_free(&file);
    char *younger = strstr(progress, ",\"skips\"");
    cr_assert_not_null(younger, "%s", progress);
    *younger = '\0';
    static const char *const wrong[] = {",\"rate_factor\":0", ",\"rate_factor\":2", ",\"rate_factor\":\"1\"",
                                        ",\"skips_in_row\":-1", ",\"rollbacks\":0.5"};
    for (int i = 0; i < 5; i++) {
        snprintf(changed, sizeof changed, "%s%s}", progress, wrong[i]);
        test_watched_rewrite("progress", changed);
        cr_assert_eq(rename("bad.safetensors", WATCHED_RUN "weights/last.safetensors"), 0);
        cr_assert_eq(test_watched_resume(WATCHED_RUN "weights/last.safetensors", &rest, &err), YT_ERR_SYNTAX, "%s",
                     wrong[i]);
    }
    snprintf(changed, sizeof changed, "%s}", progress);
    test_watched_rewrite("progress", changed);
    cr_assert_eq(rename("bad.safetensors", WATCHED_RUN "weights/last.safetensors"), 0);
    cr_assert_eq(test_watched_resume(WATCHED_RUN "weights/last.safetensors", &rest, &err), YT_OK, "%s", err.text);
    cr_assert_eq(rest.epochs, 1);
}
