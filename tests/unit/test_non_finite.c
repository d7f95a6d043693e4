/* Tests of src/train/finite.c, capsule.c, replay.c, on_nan.c and rollback.c: networks that explode, values that are
 * planted, capsules that are damaged. */
#include "support/files.h"
#include "support/folder.h"
#include "support/tiny.h"
#include "train/training.h"
#include "yt/file.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_TRAIN = 8, N_VAL = 2, BATCHES = 4 };

#define RUN "runs/detect/train/"

static void init(void) {
    yt_folder_make();
    yt_tiny_write_models();
    yt_tiny_write_data(N_TRAIN, N_VAL);
    cr_assert_eq(chdir(yt_folder_path("")), 0);
}
TestSuite(non_finite, .init = init, .fini = yt_folder_remove, .timeout = 60);

static void set(yt_train_config *config, const char *key, const char *text) {
    yt_err err = {.text = ""};
    cr_assert_eq(yt_train_config_set(config, key, text, YT_SOURCE_TYPED, &err), YT_OK, "%s", err.text);
}

static yt_train_config tiny_config(const char *model, const char *epochs) {
    yt_train_config config;
    yt_train_config_defaults(&config);
    set(&config, "data", "data.yaml");
    set(&config, "model", model);
    set(&config, "imgsz", "64");
    set(&config, "batch", "2");
    set(&config, "epochs", epochs);
    set(&config, "threads", "1");
    set(&config, "warmup_epochs", "0");
    set(&config, "optimizer", "SGD");
    set(&config, "lr0", "0.01");
    return config;
}

/* Writes initial weights with every weight multiplied, and where `name` is not NULL its first value replaced. */
static void write_weights(const char *model_path, bool plain, float factor, const char *name, float value) {
    yt_model_options options = YT_MODEL_DEFAULTS;
    yt_model *model;
    options.no_batchnorm = plain;
    cr_assert_eq(yt_model_load(model_path, &options, &model, NULL), YT_OK);
    yt_model_init(model, 0, &model->state);
    bool planted = name == NULL;
    for (int i = 0; i < model->n_params; i++) {
        const yt_param_info *info = &model->params[i];
        float *values = model->state.params + info->offset;
        if (info->kind != YT_PARAM_WEIGHT) continue;
        for (size_t k = 0; k < info->count; k++) values[k] *= factor;
        if (!name || strcmp(info->name, name) != 0) continue;
        values[0] = value;
        planted = true;
    }
    cr_assert(planted);
    char *list[] = {(char[]){"red"}, (char[]){"blue"}};
    yt_class_names names = {2, list};
    cr_assert_eq(
        yt_weights_save("planted.safetensors", model, &model->state, 0, &names, 64, NULL, NULL, 0, NULL),
        YT_OK);
    yt_model_destroy(model);
}

/* A linear network whose weights are too large, at a rate that is too high, without clipping. */
static yt_train_config exploding_config(const char *epochs) {
    write_weights("tiny8.yaml", true, 2, NULL, 0);
    yt_train_config config = tiny_config("tiny8.yaml", epochs);
    set(&config, "weights", "planted.safetensors");
    set(&config, "no_batchnorm", "true");
    set(&config, "activation", "identity");
    set(&config, "lr0", "0.3");
    set(&config, "clip", "0");
    return config;
}

/* What a run showed. */
typedef struct record {
    int events, epochs, skips,
        poison_at; /* poison_at: a gradient of that batch of the run, from 1, becomes NaN; 0: none */
    int batches;
    yt_on_nan action;
    char first[YT_FINDING_NAME]; /* of the first event */
    yt_finding_kind kind;
    yt_model *model;
    bool poison_again; /* in every later batch too */
    volatile sig_atomic_t stop;
    int stop_in_epoch;
    bool normalised;
    float *buffers; /* after the batch before */
    yt_train_summary summary;
    double lr;
} record;

static yt_status on_start(void *context, const yt_train_info *info, yt_err *err) {
    (void)err;
    record *r = context;
    r->model = info->model;
    r->normalised = !info->config->no_batchnorm;
    r->buffers = calloc(info->model->buffer_count + 1, sizeof(float));
    cr_assert_not_null(r->buffers);
    memcpy(r->buffers, r->model->state.buffers, r->model->buffer_count * sizeof(float));
    return YT_OK;
}

static unsigned on_wants(void *context, const yt_train_batch *batch) {
    (void)context;
    (void)batch;
    return YT_SEE_MAPS;
}

static void on_backward(void *context, yt_value value, yt_tensor gradient) {
    (void)value;
    record *r = context;
    const int batch = r->batches + 1;
    const bool poison = batch == r->poison_at || (r->poison_again && r->poison_at && batch > r->poison_at);
    if (poison && gradient.data) gradient.data[0] = (float)NAN;
}

static void on_batch(void *context, const yt_train_batch *batch) {
    record *r = context;
    const yt_state *state = &r->model->state;
    r->batches++;
    const size_t bytes = r->model->buffer_count * sizeof(float);
    if (batch->skipped) {
        r->skips++;
        cr_assert_eq(memcmp(state->buffers, r->buffers, bytes), 0, "statistics are as before the batch");
        for (size_t i = 0; i < r->model->param_count; i++) cr_assert_eq(state->grads[i], 0.0f);
        cr_assert_not(batch->updates);
    } else {
        cr_assert(isfinite(batch->gradient_norm));
        if (r->normalised && r->events == 0)
            cr_assert_neq(memcmp(state->buffers, r->buffers, bytes), 0, "statistics move");
    }
    memcpy(r->buffers, state->buffers, bytes);
    if (r->stop_in_epoch && batch->epoch + 1 == r->stop_in_epoch) r->stop = 1;
}

static void on_non_finite(void *context, const yt_non_finite *event) {
    record *r = context;
    if (r->events++ == 0) {
        snprintf(r->first, sizeof r->first, "%s", event->finding->tensor.name);
        r->kind = event->finding->tensor.kind;
    }
    r->action = event->action;
    cr_assert(event->report && event->report[0]);
    if (event->action == YT_ON_NAN_ROLLBACK) r->batches = event->epoch * BATCHES;
    if (!r->poison_again) r->poison_at = 0;
}

static yt_status on_epoch(void *context, const yt_train_epoch *epoch, yt_err *err) {
    (void)err;
    record *r = context;
    r->epochs++;
    r->lr = epoch->lr[YT_GROUP_WEIGHT];
    for (int i = 0; i < YT_LOSS_TERMS; i++) cr_assert(isfinite(epoch->train_loss[i]));
    return YT_OK;
}

static void on_finish(void *context, const yt_train_summary *summary) {
    ((record *)context)->summary = *summary;
}

static yt_status run_training(yt_training *training, record *r, yt_err *err) {
    yt_train_observer observer = {.start = on_start,
                                  .wants = r->poison_at ? on_wants : NULL,
                                  .backward = on_backward,
                                  .batch = on_batch,
                                  .non_finite = on_non_finite,
                                  .epoch = on_epoch,
                                  .finish = on_finish,
                                  .context = r};
    yt_status status = yt_train_run(training, &observer, 1, &r->stop, err);
    yt_train_destroy(training);
    free(r->buffers);
    r->buffers = NULL;
    return status;
}

static yt_status run(const yt_train_config *config, record *r, yt_err *err) {
    yt_training *training;
    cr_assert_eq(yt_train_prepare(config, NULL, NULL, NULL, &training, err), YT_OK, "%s", err->text);
    return run_training(training, r, err);
}

static void expect_finite_file(const char *path, bool exists) {
    cr_assert_eq(yt_path_exists(path), exists, "%s", path);
    if (!exists) return;
    yt_st_file file;
    cr_assert_eq(yt_st_load(path, &file, NULL), YT_OK);
    cr_assert_gt(file.n_entries, 20u);
    for (size_t i = 0; i < file.n_entries; i++) {
        float *values = malloc(file.entries[i].count * sizeof *values + 1);
        cr_assert_not_null(values);
        if (yt_st_to_float(&file.entries[i], values))
            cr_assert(yti_all_finite(values, file.entries[i].count), "%s", file.entries[i].name);
        free(values);
    }
    yt_st_free(&file);
}

static yt_status resume(const char *path, record *r, yt_err *err) {
    yt_train_config config;
    yt_training *training;
    yt_train_config_defaults(&config);
    set(&config, "resume", path);
    YT_TRY(yt_train_prepare(&config, NULL, NULL, NULL, &training, err));
    return run_training(training, r, err);
}

/* ---- what is found ---- */

/* The finding must be the same for any number of threads, and the one of the run. Returns it. */
static yt_finding replay_all(const char *path) {
    yt_replay_result first = {0};
    for (int threads = 1; threads <= 3; threads++) {
        yt_replay_result result;
        yt_err err = {.text = ""};
        cr_assert_eq(yt_replay(path, threads, &result, &err), YT_OK, "%s", err.text);
        cr_assert(result.same, "%d threads: %s instead of %s", threads, result.sentence, result.expected);
        cr_assert_str_eq(result.sentence, result.expected);
        if (threads == 1) {
            first = result;
            continue;
        }
        cr_assert_str_eq(result.report, first.report);
        yt_replay_free(&result);
    }
    yt_replay_free(&first);
    return first.finding;
}

Test(non_finite, a_network_that_explodes_is_caught_before_a_checkpoint_holds_it_and_replayed) {
    yt_train_config config = exploding_config("4");
    record r = {0};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_NON_FINITE);
    cr_assert(r.events == 1 && r.action == YT_ON_NAN_STOP);
    cr_assert_not_null(strstr(err.text, r.first), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "--replay runs/detect/train/non-finite.safetensors"), "%s", err.text);
    expect_finite_file(RUN "weights/last.safetensors", r.epochs > 0);
    yt_finding found = replay_all(RUN "non-finite.safetensors");
    cr_assert_str_eq(found.tensor.name, r.first);
    cr_assert_not(isfinite(found.value));
    cr_assert_gt(found.n_inputs, 0);
    for (int i = 0; i < found.n_inputs; i++)
        cr_assert(found.inputs[i].nan + found.inputs[i].infinite == 0, "%s is earlier", found.inputs[i].name);
}

Test(non_finite, with_clipping_the_same_network_trains_on) {
    yt_train_config config = exploding_config("4");
    set(&config, "clip", "0.1");
    record r = {0};
    yt_err err = {.text = ""};
    cr_assert_eq(run(&config, &r, &err), YT_OK, "%s", err.text);
    cr_assert(r.events == 0 && r.epochs == 4);
    cr_assert_not(yt_path_exists(RUN "non-finite.safetensors"));
    expect_finite_file(RUN "weights/last.safetensors", true);
}

Test(non_finite, a_step_that_cannot_be_kept_is_still_told) {
    yt_train_config config = exploding_config("4");
    set(&config, "exist_ok", "true");
    record r = {0};
    yt_err err;
    cr_assert_eq(yt_path_make_dirs(RUN "non-finite.safetensors/in_the_way", &err), YT_OK);
    cr_assert_eq(run(&config, &r, &err), YT_NON_FINITE);
    cr_assert_not_null(strstr(err.text, "; the step could not be kept: "), "%s", err.text);
    cr_assert_not_null(strstr(err.text, r.first), "%s", err.text);
}

/* A norm of 1e37 has a square that no float holds. */
Test(non_finite, gradients_whose_squares_overflow_are_clipped) {
    yt_train_config config = tiny_config("tiny8.yaml", "1");
    set(&config, "box", "1e36");
    record r = {0};
    yt_err err = {.text = ""};
    cr_assert_eq(run(&config, &r, &err), YT_OK, "%s", err.text);
    cr_assert_eq(r.events, 0);
}

/* A value planted in the weights of a tensor must be found in the tensor that it reaches first. */
static yt_finding plant(const char *name, float value) {
    write_weights("tiny26.yaml", false, 1, name, value);
    yt_train_config config = tiny_config("tiny26.yaml", "1");
    set(&config, "weights", "planted.safetensors");
    set(&config, "exist_ok", "true");
    record r = {0};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_NON_FINITE);
    cr_assert(r.events == 1 && r.epochs == 0);
    return replay_all(RUN "non-finite.safetensors");
}

Test(non_finite, what_is_planted_is_found_where_it_shows_first) {
    yt_finding found = plant("model.1.conv.weight", (float)NAN);
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

Test(non_finite, a_gradient_that_overflows_is_found_behind_the_one_it_was_made_from) {
    yt_train_config config = tiny_config("tiny26.yaml", "4");
    set(&config, "box", "3e38");
    record r = {0};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_NON_FINITE);
    yt_finding found = replay_all(RUN "non-finite.safetensors");
    cr_assert(found.tensor.kind == YT_FINDING_MAP_GRADIENT ||
              found.tensor.kind == YT_FINDING_WEIGHT_GRADIENT);
    for (int i = 0; i < found.n_inputs; i++)
        cr_assert_eq(found.inputs[i].nan + found.inputs[i].infinite, 0u, "%s", found.inputs[i].name);
}

/* ---- skip ---- */

/* The gradient log of a run of so many steps has all but one. */
static void expect_steps(const char *path, int missing, int steps) {
    char *text, start[32];
    size_t bytes;
    cr_assert_eq(yt_file_read(path, 1 << 26, &text, &bytes, NULL), YT_OK, "%s", path);
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
    yt_train_config config = tiny_config("tiny26.yaml", "3");
    set(&config, "on_nan", "skip");
    set(&config, "nbs", "4");
    set(&config, "log_gradients", "1");
    record r = {.poison_at = BATCHES + 2}, two = {.poison_at = BATCHES + 2};
    yt_err err = {.text = ""};
    cr_assert_eq(run(&config, &r, &err), YT_OK, "%s", err.text);
    cr_assert(r.events == 1 && r.skips == 1 && r.epochs == 3 && r.batches == 3 * BATCHES);
    cr_assert(r.action == YT_ON_NAN_SKIP && r.kind == YT_FINDING_NOTHING);
    expect_steps(RUN "gradients.jsonl", BATCHES + 1, 3 * BATCHES);
    expect_finite_file(RUN "weights/last.safetensors", true);
    cr_assert(yt_path_exists(RUN "non-finite.safetensors"));
    set(&config, "threads", "2");
    cr_assert_eq(run(&config, &two, &err), YT_OK, "%s", err.text);
    yt_expect_same_tensors(RUN "weights/last.safetensors", "runs/detect/train-2/weights/last.safetensors");
}

Test(non_finite, a_run_with_a_skipped_batch_resumes_as_if_it_had_never_stopped) {
    yt_train_config config = tiny_config("tiny26.yaml", "3");
    set(&config, "on_nan", "skip");
    set(&config, "nbs", "6"); /* so that gradients wait at the end of an epoch */
    record whole = {.poison_at = BATCHES + 3}, half = {.poison_at = BATCHES + 3, .stop_in_epoch = 3};
    record rest = {.poison_at = -1}; /* all are watched */
    yt_err err = {.text = ""};
    cr_assert_eq(run(&config, &whole, &err), YT_OK, "%s", err.text);
    cr_assert_eq(run(&config, &half, &err), YT_STOPPED);
    cr_assert_eq(resume("runs/detect/train-2/weights/last.safetensors", &rest, &err), YT_OK, "%s", err.text);
    cr_assert(whole.skips == 1 && half.skips == 1 && rest.skips == 0 && rest.epochs == 1);
    yt_expect_same_tensors(RUN "weights/last.safetensors", "runs/detect/train-2/weights/last.safetensors");
    yt_st_file file;
    cr_assert_eq(yt_st_load("runs/detect/train-2/weights/last.safetensors", &file, NULL), YT_OK);
    cr_assert_not_null(strstr(yt_st_metadata(&file, "progress"), "\"skips\":1,"));
    yt_st_free(&file);
}

Test(non_finite, a_run_that_would_skip_a_whole_epoch_stops) {
    yt_train_config config = tiny_config("tiny26.yaml", "3");
    set(&config, "on_nan", "skip");
    record r = {.poison_at = BATCHES + 1, .poison_again = true};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_NON_FINITE);
    cr_assert(r.skips == BATCHES - 1 && r.events == BATCHES && r.epochs == 1);
    cr_assert_not_null(strstr(err.text, "; skipped in a row before it: 3;"), "%s", err.text);
}

/* ---- rollback ---- */

Test(non_finite, a_run_that_went_back_is_one_that_was_resumed_with_half_the_rates) {
    yt_train_config config = tiny_config("tiny26.yaml", "3");
    set(&config, "on_nan", "rollback");
    set(&config, "save_period", "1");
    set(&config, "log_gradients", "3"); /* the checkpoint's step is no sample, the one that fails is */
    record back = {.poison_at = BATCHES + 3}, half = {.poison_at = -1}; /* both watched, one never poisoned */
    yt_err err = {.text = ""};
    cr_assert_eq(run(&config, &back, &err), YT_OK, "%s", err.text);
    cr_assert(back.events == 1 && back.epochs == 3 && back.action == YT_ON_NAN_ROLLBACK);

    yt_train_config resumed;
    yt_training *training;
    yt_train_config_defaults(&resumed);
    cr_assert_eq(rename("runs/detect/train", "runs/detect/other"), 0);
    set(&resumed, "resume", "runs/detect/other/weights/epoch0.safetensors");
    cr_assert_eq(yt_train_prepare(&resumed, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    training->progress.rate_factor = 0.5;
    yti_apply_rate_factor(training);
    cr_assert_eq(rename("runs/detect/other/weights/last.safetensors", "back.safetensors"), 0);
    static const char *const logs[] = {"gradients.csv", "gradients.jsonl"};
    char path[64];
    for (int i = 0; i < 2;
         i++) { /* the resumed run drops what lies behind its checkpoint and writes it anew */
        snprintf(path, sizeof path, "runs/detect/other/%s", logs[i]);
        yt_copy_file(path, logs[i]);
    }
    cr_assert_eq(run_training(training, &half, &err), YT_OK, "%s", err.text);
    cr_assert(half.epochs == 2 && half.lr == back.lr);
    yt_expect_same_tensors("back.safetensors", "runs/detect/other/weights/last.safetensors");
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "runs/detect/other/%s", logs[i]);
        yt_expect_same_bytes(path, logs[i]);
    }
}

/* What explodes in twelve steps at a rate does not at a fraction of it. Interrupted and resumed it ends the same. */
Test(non_finite, a_network_that_explodes_goes_back_until_it_trains) {
    yt_tiny_write_data(24, N_VAL);
    yt_train_config config = exploding_config("3");
    set(&config, "on_nan", "rollback");
    set(&config, "lr0", "0.1");
    set(&config, "momentum", "0");
    record r = {0}, stopped = {.stop_in_epoch = 2}, rest = {0};
    yt_err err = {.text = ""};
    cr_assert_eq(run(&config, &r, &err), YT_OK, "%s", err.text);
    cr_assert(r.events >= 1 && r.epochs == 3 && r.action == YT_ON_NAN_ROLLBACK, "%d events", r.events);
    expect_finite_file(RUN "weights/last.safetensors", true);
    replay_all(RUN "non-finite.safetensors");

    cr_assert_eq(run(&config, &stopped, &err), YT_STOPPED);
    yt_train_config resumed;
    yt_train_config_defaults(&resumed);
    set(&resumed, "resume", "runs/detect/train-2/weights/last.safetensors");
    cr_assert_eq(run(&resumed, &rest, &err), YT_OK, "%s", err.text);
    yt_expect_same_tensors(RUN "weights/last.safetensors", "runs/detect/train-2/weights/last.safetensors");
}

Test(non_finite, a_run_does_not_go_back_for_ever) {
    yt_train_config config = tiny_config("tiny26.yaml", "3");
    set(&config, "on_nan", "rollback");
    record r = {.poison_at = BATCHES + 2, .poison_again = true};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_NON_FINITE);
    cr_assert(r.epochs == 1 && r.events == YT_MAX_ROLLBACKS + 1 && r.action == YT_ON_NAN_STOP);
    cr_assert_not_null(strstr(err.text, "the run went back there 5 times"), "%s", err.text);
    record first = {.poison_at = BATCHES + 1};
    cr_assert_eq(run(&config, &first, &err), YT_NON_FINITE);
    cr_assert(first.epochs == 1 && first.events == 1);
    cr_assert_not_null(strstr(err.text, "it is the first step from there, which no learning rate changes"),
                       "%s", err.text);
}

/* ---- what a checkpoint would hold ---- */

Test(non_finite, nothing_that_is_not_finite_is_saved) {
    yt_train_config config = tiny_config("tiny26.yaml", "1");
    set(&config, "optimizer", "AdamW");
    yt_training *t;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_train_prepare(&config, NULL, NULL, NULL, &t, &err), YT_OK, "%s", err.text);
    const yt_watchers nobody = {0};
    cr_assert_eq(yti_check_state(t, &nobody, &err), YT_OK);
    const char *name;
    float *moments;
    cr_assert(yt_optimizer_state(t->optimizer, 1, &name, &moments));
    float *places[] = {t->model->state.params, t->model->state.buffers, t->average.params, t->average.buffers,
                       moments};
    const char *const texts[] = {
        ": model.0.conv.weight is", "running_mean is", "the average of model.0.conv.weight",
        "the average of model.0.bn.running_mean", "the optimiser's exp_avg_sq of model.0"};
    for (int i = 0; i < 5; i++) {
        const float before = places[i][0];
        places[i][0] = (float)INFINITY;
        cr_assert_eq(yti_check_state(t, &nobody, &err), YT_NON_FINITE);
        cr_assert_not_null(strstr(err.text, texts[i]), "%s", err.text);
        places[i][0] = before;
    }
    cr_assert_eq(yti_check_state(t, &nobody, &err), YT_OK);
    yt_train_destroy(t);
}

/* Gradients of 1e29 move no weight far with Adam, but their squares are infinite for ever after. */
Test(non_finite, moments_that_overflow_end_an_epoch_without_a_checkpoint) {
    yt_train_config config = tiny_config("tiny26.yaml", "2");
    set(&config, "optimizer", "AdamW");
    set(&config, "clip", "0");
    set(&config, "box", "1e30");
    record r = {0}, back = {0};
    yt_err err;
    cr_assert_eq(run(&config, &r, &err), YT_NON_FINITE);
    cr_assert_not_null(strstr(err.text, "epoch 1: the optimiser's exp_avg_sq of model."), "%s", err.text);
    cr_assert(r.events == 1 && r.epochs == 0 && r.action == YT_ON_NAN_STOP);
    cr_assert_not(yt_path_exists(RUN "weights/last.safetensors"));
    set(&config, "on_nan", "rollback"); /* which no rate changes */
    cr_assert_eq(run(&config, &back, &err), YT_NON_FINITE);
    cr_assert(back.events == YT_MAX_ROLLBACKS + 1 && back.epochs == 0 && back.action == YT_ON_NAN_STOP);
}

/* ---- damaged capsules ---- */

/* Rewrites the capsule without one metadata entry, or with another value for it. */
static void rewrite(const char *key, const char *value) {
    yt_st_file file;
    cr_assert_eq(yt_st_load("good.safetensors", &file, NULL), YT_OK);
    const char *keys[64], *values[64];
    size_t count = 0;
    for (size_t i = 0; i < file.n_metadata; i++) {
        if (strcmp(file.metadata_keys[i], key) == 0 && !value) continue;
        keys[count] = file.metadata_keys[i];
        values[count++] = strcmp(file.metadata_keys[i], key) == 0 ? value : file.metadata_values[i];
    }
    cr_assert_eq(yt_st_save("bad.safetensors", file.entries, file.n_entries, keys, values, count, NULL),
                 YT_OK);
    yt_st_free(&file);
}

/* Rewrites it with other first bytes of a tensor. */
static void overwrite(const char *name, const void *bytes, size_t count) {
    yt_st_file file;
    cr_assert_eq(yt_st_load("good.safetensors", &file, NULL), YT_OK);
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
    cr_assert_eq(yt_st_save("bad.safetensors", file.entries, file.n_entries,
                            (const char *const *)file.metadata_keys,
                            (const char *const *)file.metadata_values, file.n_metadata, NULL),
                 YT_OK);
    yt_st_free(&file);
    free(copy);
}

static void expect_refused(const char *why) {
    yt_replay_result result;
    yt_err err = {.text = ""};
    yt_status status = yt_replay("bad.safetensors", 1, &result, &err);
    cr_assert(status == YT_SYNTAX || status == YT_MISMATCH, "%s: %d %s", why, (int)status, err.text);
    cr_assert_not_null(strstr(err.text, "bad.safetensors"), "%s", err.text);
    cr_assert_not_null(strstr(err.text, why), "%s lacks %s", err.text, why);
}

Test(non_finite, a_damaged_capsule_is_refused) {
    plant("model.1.conv.weight", (float)NAN);
    cr_assert_eq(rename(RUN "non-finite.safetensors", "good.safetensors"), 0);
    static const char *const keys[] = {"step", "finding", "sentence", "history", "images", "settings"};
    for (int i = 0; i < 6; i++) {
        rewrite(keys[i], NULL);
        expect_refused(keys[i]);
    }
    rewrite("step", "{\"epoch\":3,\"epochs\":3,\"batch\":0,\"batches\":4,\"step\":0}");
    expect_refused("step");
    rewrite("step", "{\"epoch\":0.5,\"epochs\":3,\"batch\":0,\"batches\":4,\"step\":0}");
    expect_refused("step");
    rewrite("images", "[\"a\"]");
    expect_refused("images");
    rewrite("images", "[1,2]");
    expect_refused("images");
    rewrite("settings", "{\"batch\":\"many\"}");
    expect_refused("settings");
    rewrite("settings", "{\"freeze\":\"99\"}");
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
    yt_replay_result result;
    cr_assert_eq(yt_replay("bad.safetensors", 1, &result, NULL), YT_OK);
    cr_assert(!result.same && result.finding.tensor.kind == YT_FINDING_NOTHING);
    yt_replay_free(&result);

    char *bytes;
    size_t count;
    cr_assert_eq(yt_file_read("good.safetensors", 1 << 24, &bytes, &count, NULL), YT_OK);
    FILE *cut = fopen("bad.safetensors", "wb");
    cr_assert(cut && fwrite(bytes, 1, count / 2, cut) == count / 2 && fclose(cut) == 0);
    free(bytes);
    expect_refused("bad.safetensors");
    yt_err err;
    cr_assert_eq(yt_replay("none.safetensors", 1, &result, &err), YT_IO);
}

/* ---- progress in checkpoints ---- */

/* Without the fields about what was not finite; with wrong ones. */
Test(non_finite, an_older_checkpoint_resumes_and_a_damaged_one_does_not) {
    yt_train_config config = tiny_config("tiny26.yaml", "2");
    record r = {.stop_in_epoch = 2}, rest = {0};
    yt_err err = {.text = ""};
    cr_assert_eq(run(&config, &r, &err), YT_STOPPED);
    cr_assert_eq(rename(RUN "weights/last.safetensors", "good.safetensors"), 0);
    yt_st_file file;
    cr_assert_eq(yt_st_load("good.safetensors", &file, NULL), YT_OK);
    char progress[2048], changed[2200];
    snprintf(progress, sizeof progress, "%s", yt_st_metadata(&file, "progress"));
    yt_st_free(&file);
    char *younger = strstr(progress, ",\"skips\"");
    cr_assert_not_null(younger, "%s", progress);
    *younger = '\0';
    static const char *const wrong[] = {",\"rate_factor\":0", ",\"rate_factor\":2", ",\"rate_factor\":\"1\"",
                                        ",\"skips_in_row\":-1", ",\"rollbacks\":0.5"};
    for (int i = 0; i < 5; i++) {
        snprintf(changed, sizeof changed, "%s%s}", progress, wrong[i]);
        rewrite("progress", changed);
        cr_assert_eq(resume("bad.safetensors", &rest, &err), YT_SYNTAX, "%s", wrong[i]);
    }
    snprintf(changed, sizeof changed, "%s}", progress);
    rewrite("progress", changed);
    cr_assert_eq(rename("bad.safetensors", RUN "weights/last.safetensors"), 0);
    cr_assert_eq(resume(RUN "weights/last.safetensors", &rest, &err), YT_OK, "%s", err.text);
    cr_assert_eq(rest.epochs, 1);
}

Test(non_finite, weights_are_no_capsule) {
    write_weights("tiny26.yaml", false, 1, NULL, 0);
    cr_assert_eq(rename("planted.safetensors", "bad.safetensors"), 0);
    expect_refused("is not a step to replay");
}
