/* watched_run.c: what it writes, runs, records and looks at afterwards. */
#include "support/run_config.h"
#include "support/watched_run.h"

#include "base/file.h"
#include "base/finite.h"
#include "support/files.h"
#include "support/folder.h"
#include "support/models.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void test_watched_begin(void) {
    test_folder_make();
    test_tiny_write_models();
    test_tiny_write_data(WATCHED_TRAIN, WATCHED_VAL);
    cr_assert_eq(chdir(test_folder_path("")), 0);
}
yti_train_config test_watched_config(const char *model, const char *epochs) {
    yti_train_config config = test_run_config(model, epochs);
    test_set(&config, "warmup_epochs", "0");
    test_set(&config, "optimizer", "SGD");
    test_set(&config, "lr0", "0.01");
    return config;
}

void test_watched_plant(const char *model_path, bool plain, float factor, const char *name, float value) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    yti_model *model;
    options.no_batchnorm = plain;
    cr_assert_eq(yti_model_load(model_path, &options, &model, NULL), YT_OK);
    yti_model_init_weights(model, 0, &model->state);
    bool planted = name == NULL;
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        float *values = model->state.params + info->offset;
        if (info->kind != YT_PARAM_WEIGHT) continue;
        for (size_t k = 0; k < info->count; k++) values[k] *= factor;
        if (!name || strcmp(info->name, name) != 0) continue;
        values[0] = value;
        planted = true;
    }
    cr_assert(planted);
    char *list[] = {(char[]){"red"}, (char[]){"blue"}};
    yti_class_names names = {2, list};
    cr_assert_eq(test_weights_save("planted.safetensors", model, &model->state, 0, &names, 64, NULL), YT_OK);
    yti_model_destroy(model);
}

yti_train_config test_watched_exploding(const char *epochs) {
    test_watched_plant("tiny8.yaml", true, 2, NULL, 0);
    yti_train_config config = test_watched_config("tiny8.yaml", epochs);
    test_set(&config, "weights", "planted.safetensors");
    test_set(&config, "no_batchnorm", "true");
    test_set(&config, "activation", "identity");
    test_set(&config, "lr0", "0.3");
    test_set(&config, "clip", "0");
    return config;
}

static yt_status on_start(void *context, const yti_train_info *info, yt_err *err) {
    (void)err;
    test_watched *r = context;
    r->model = info->model;
    r->normalised = !info->config->no_batchnorm;
    r->buffers = calloc(info->model->buffer_count + 1, sizeof(float));
    cr_assert_not_null(r->buffers);
    memcpy(r->buffers, r->model->state.buffers, r->model->buffer_count * sizeof(float));
    return YT_OK;
}

static unsigned on_begin_batch(void *context, const yti_train_batch *batch) {
    (void)context;
    (void)batch;
    return YT_WATCH_MAPS;
}

static void on_backward(void *context, yti_value value, yti_tensor gradient) {
    (void)value;
    test_watched *r = context;
    const int batch = r->batches + 1;
    const bool poison = r->poison_at && batch >= r->poison_at && batch <= (r->poison_to ? r->poison_to : r->poison_at);
    if (poison && gradient.data) gradient.data[0] = (float)NAN;
}

/* Each with the sign it has, so that the next batch adds to most of them. */
static void overflow(const yti_model *model) {
    for (size_t i = 0; i < model->param_count; i++)
        if (model->state.grads[i] != 0) model->state.grads[i] = copysignf(FLT_MAX, model->state.grads[i]);
}

static void on_batch(void *context, const yti_train_batch *batch) {
    test_watched *r = context;
    const yti_state *state = &r->model->state;
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
    if (r->batches == r->overflow_behind) overflow(r->model);
    if (r->stop_in_epoch && batch->epoch + 1 == r->stop_in_epoch) r->stop = 1;
}

static void on_non_finite(void *context, const yti_non_finite *event) {
    test_watched *r = context;
    if (r->events++ == 0) {
        snprintf(r->first, sizeof r->first, "%s", event->finding->tensor.name);
        r->kind = event->finding->tensor.kind;
    }
    r->action = event->action;
    r->to_initial = event->to_initial;
    r->dumps += event->dump != NULL;
    snprintf(r->report, sizeof r->report, "%s", event->report);
    if (!r->poison_to) r->poison_at = 0;
}

static void on_rolled_back(void *context, int64_t step) {
    test_watched *r = context;
    cr_assert_eq(r->action, YT_ON_NAN_ROLLBACK);
    r->batches = (int)step;
    r->rollbacks++;
}

static yt_status on_epoch(void *context, const yti_train_epoch *epoch, yt_err *err) {
    (void)err;
    test_watched *r = context;
    r->epochs++;
    r->lr = epoch->lr[YT_GROUP_WEIGHT];
    for (int i = 0; i < YT_LOSS_TERMS; i++) cr_assert(isfinite(epoch->train_loss[i]));
    return YT_OK;
}

static void on_finish(void *context, const yti_train_summary *summary) {
    ((test_watched *)context)->summary = *summary;
}

yt_status test_watched_run(yti_training *training, test_watched *r, yt_err *err) {
    yti_train_observer observer = {.start = on_start,
                                   .begin_batch = r->poison_at ? on_begin_batch : NULL,
                                   .backward = on_backward,
                                   .batch = on_batch,
                                   .non_finite = on_non_finite,
                                   .rolled_back = on_rolled_back,
                                   .epoch = on_epoch,
                                   .finish = on_finish,
                                   .context = r};
    yt_status status = yti_train_run(training, &observer, 1, &r->stop, err);
    yti_train_destroy(training);
    free(r->buffers);
    r->buffers = NULL;
    return status;
}

yt_status test_watched_train(const yti_train_config *config, test_watched *r, yt_err *err) {
    yti_training *training;
    cr_assert_eq(yti_train_prepare(config, NULL, NULL, NULL, &training, err), YT_OK, "%s", err->text);
    return test_watched_run(training, r, err);
}

void test_watched_expect_finite(const char *path, bool exists) {
    cr_assert_eq(yti_path_exists(path), exists, "%s", path);
    if (!exists) return;
    yti_st_file file;
    cr_assert_eq(yti_st_load(path, &file, NULL), YT_OK);
    cr_assert_gt(file.n_entries, 20u);
    for (size_t i = 0; i < file.n_entries; i++) {
        float *values = malloc(file.entries[i].count * sizeof *values + 1);
        cr_assert_not_null(values);
        if (yti_st_to_float(&file.entries[i], values))
            cr_assert(yti_all_finite(values, file.entries[i].count), "%s", file.entries[i].name);
        free(values);
    }
    yti_st_free(&file);
}

yt_status test_watched_resume(const char *path, test_watched *r, yt_err *err) {
    yti_train_config config;
    yti_training *training;
    yti_train_config_defaults(&config);
    test_set(&config, "resume", path);
    YT_TRY(yti_train_prepare(&config, NULL, NULL, NULL, &training, err));
    return test_watched_run(training, r, err);
}

yti_finding test_watched_replay(const char *path) {
    yti_replay_result first = {0};
    for (int threads = 1; threads <= 3; threads++) {
        yti_replay_result result;
        yt_err err = {.text = ""};
        cr_assert_eq(yti_replay(path, threads, &result, &err), YT_OK, "%s", err.text);
        cr_assert(result.same, "%d threads: %s instead of %s", threads, result.sentence, result.expected);
        cr_assert_str_eq(result.sentence, result.expected);
        if (threads == 1) {
            first = result;
            continue;
        }
        cr_assert_str_eq(result.report, first.report);
        yti_replay_free(&result);
    }
    yti_replay_free(&first);
    return first.finding;
}

void test_watched_rewrite(const char *key, const char *value) {
    yti_st_file file;
    cr_assert_eq(yti_st_load("good.safetensors", &file, NULL), YT_OK);
    const char *keys[64], *values[64];
    size_t count = 0;
    for (size_t i = 0; i < file.n_metadata; i++) {
        if (strcmp(file.metadata_keys[i], key) == 0 && !value) continue;
        keys[count] = file.metadata_keys[i];
        values[count++] = strcmp(file.metadata_keys[i], key) == 0 ? value : file.metadata_values[i];
    }
    cr_assert_eq(yti_st_save("bad.safetensors", file.entries, file.n_entries, keys, values, count, NULL), YT_OK);
    yti_st_free(&file);
}
