/* watched_run.c: what it writes, runs, records and looks at afterwards. */
#include "support/watched_run.h"

#include "support/files.h"
#include "support/folder.h"
#include "support/tiny.h"
#include "base/file.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void yt_watched_begin(void) {
    yt_folder_make();
    yt_tiny_write_models();
    yt_tiny_write_data(WATCHED_TRAIN, WATCHED_VAL);
    cr_assert_eq(chdir(yt_folder_path("")), 0);
}
void yt_watched_set(yt_train_config *config, const char *key, const char *text) {
    yt_err err = {.text = ""};
    cr_assert_eq(yt_train_config_set(config, key, text, YT_SOURCE_TYPED, &err), YT_OK, "%s", err.text);
}

yt_train_config yt_watched_config(const char *model, const char *epochs) {
    yt_train_config config;
    yt_train_config_defaults(&config);
    yt_watched_set(&config, "data", "data.yaml");
    yt_watched_set(&config, "model", model);
    yt_watched_set(&config, "imgsz", "64");
    yt_watched_set(&config, "batch", "2");
    yt_watched_set(&config, "epochs", epochs);
    yt_watched_set(&config, "threads", "1");
    yt_watched_set(&config, "warmup_epochs", "0");
    yt_watched_set(&config, "optimizer", "SGD");
    yt_watched_set(&config, "lr0", "0.01");
    return config;
}

void yt_watched_plant(const char *model_path, bool plain, float factor, const char *name, float value) {
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

yt_train_config yt_watched_exploding(const char *epochs) {
    yt_watched_plant("tiny8.yaml", true, 2, NULL, 0);
    yt_train_config config = yt_watched_config("tiny8.yaml", epochs);
    yt_watched_set(&config, "weights", "planted.safetensors");
    yt_watched_set(&config, "no_batchnorm", "true");
    yt_watched_set(&config, "activation", "identity");
    yt_watched_set(&config, "lr0", "0.3");
    yt_watched_set(&config, "clip", "0");
    return config;
}

static yt_status on_start(void *context, const yt_train_info *info, yt_err *err) {
    (void)err;
    yt_watched *r = context;
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
    yt_watched *r = context;
    const int batch = r->batches + 1;
    const bool poison =
        r->poison_at && batch >= r->poison_at && batch <= (r->poison_to ? r->poison_to : r->poison_at);
    if (poison && gradient.data) gradient.data[0] = (float)NAN;
}

/* Each with the sign it has, so that the next batch adds to most of them. */
static void overflow(const yt_model *model) {
    for (size_t i = 0; i < model->param_count; i++)
        if (model->state.grads[i] != 0) model->state.grads[i] = copysignf(FLT_MAX, model->state.grads[i]);
}

static void on_batch(void *context, const yt_train_batch *batch) {
    yt_watched *r = context;
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
    if (r->batches == r->overflow_behind) overflow(r->model);
    if (r->stop_in_epoch && batch->epoch + 1 == r->stop_in_epoch) r->stop = 1;
}

static void on_non_finite(void *context, const yt_non_finite *event) {
    yt_watched *r = context;
    if (r->events++ == 0) {
        snprintf(r->first, sizeof r->first, "%s", event->finding->tensor.name);
        r->kind = event->finding->tensor.kind;
    }
    r->action = event->action;
    r->to_initial = event->to_initial;
    r->capsules += event->capsule != NULL;
    snprintf(r->report, sizeof r->report, "%s", event->report);
    if (event->action == YT_ON_NAN_ROLLBACK) r->batches = event->epoch * WATCHED_BATCHES;
    if (!r->poison_to) r->poison_at = 0;
}

static yt_status on_epoch(void *context, const yt_train_epoch *epoch, yt_err *err) {
    (void)err;
    yt_watched *r = context;
    r->epochs++;
    r->lr = epoch->lr[YT_GROUP_WEIGHT];
    for (int i = 0; i < YT_LOSS_TERMS; i++) cr_assert(isfinite(epoch->train_loss[i]));
    return YT_OK;
}

static void on_finish(void *context, const yt_train_summary *summary) {
    ((yt_watched *)context)->summary = *summary;
}

yt_status yt_watched_run(yt_training *training, yt_watched *r, yt_err *err) {
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

yt_status yt_watched_train(const yt_train_config *config, yt_watched *r, yt_err *err) {
    yt_training *training;
    cr_assert_eq(yt_train_prepare(config, NULL, NULL, NULL, &training, err), YT_OK, "%s", err->text);
    return yt_watched_run(training, r, err);
}

void yt_watched_expect_finite(const char *path, bool exists) {
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

yt_status yt_watched_resume(const char *path, yt_watched *r, yt_err *err) {
    yt_train_config config;
    yt_training *training;
    yt_train_config_defaults(&config);
    yt_watched_set(&config, "resume", path);
    YT_TRY(yt_train_prepare(&config, NULL, NULL, NULL, &training, err));
    return yt_watched_run(training, r, err);
}

yt_finding yt_watched_replay(const char *path) {
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

void yt_watched_rewrite(const char *key, const char *value) {
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
