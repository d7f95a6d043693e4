/* training.c: the training of the public API: a run of train/, with the callbacks of a program as its one observer.
 *
 * The structs that callbacks and results show are copies in the public form: what a run keeps may change with every
 * release, they may not.
 */
#include "train/loop/train.h"
#include "api/call.h"
#include "api/search.h"
#include "base/file.h"
#include "yolotrain/advanced.h"
#include "yolotrain/train.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(YT_LOSS_TERMS == 3, "train.h says so");

/* ---- options ---- */

struct yt_train_options {
    yti_train_config config;
    char text[YT_TRAIN_TEXT]; /* that yt_train_options_get lends */
};

const yt_option *yt_train_option(size_t index) {
    return index < YT_TRAIN_KEYS ? &yti_train_option_rows()[index] : NULL;
}

yt_status yt_train_options_create(yt_train_options **out, yt_err *err) {
    yt_train_options *options = calloc(1, sizeof *options);
    if (!options) return yti_no_memory(err, "options");
    YTI_IN_C_LOCALE(yti_train_config_defaults(&options->config));
    *out = options;
    return YT_OK;
}

void yt_train_options_destroy(yt_train_options *options) {
    free(options);
}

/* The key of a name with dashes or underscores; -1: there is none. */
static int find_key(const char *name) {
    for (int i = 0; i < YT_TRAIN_KEYS; i++)
        if (yti_option_is_named(&yti_train_option_rows()[i], name, strlen(name))) return i;
    return -1;
}

static yt_status unknown_name(const char *name, yt_err *err) {
    const char *names[YT_TRAIN_KEYS];
    for (int i = 0; i < YT_TRAIN_KEYS; i++) names[i] = yti_train_option_rows()[i].name;
    const char *near = yti_nearest_word(name, names, YT_TRAIN_KEYS);
    return near ? yt_fail(err, YT_ERR_ARGUMENT, "there is no option \"%s\"; did you mean %s?", name, near)
                : yt_fail(err, YT_ERR_ARGUMENT, "there is no option \"%s\"", name);
}

yt_status yt_train_options_set(yt_train_options *options, const char *name, const char *value, yt_err *err) {
    const int key = find_key(name);
    yt_status status;
    YTI_IN_C_LOCALE(status = key < 0 ? unknown_name(name, err)
                                     : yti_train_config_set(&options->config, yti_train_option_rows()[key].name, value,
                                                            YT_SOURCE_TYPED, err));
    return status;
}

const char *yt_train_options_get(yt_train_options *options, const char *name) {
    const int key = find_key(name);
    if (key < 0) return NULL;
    YTI_IN_C_LOCALE(yti_train_config_text(&options->config, (yti_train_key)key, options->text, sizeof options->text));
    return options->text;
}

/* ---- a run ---- */

struct yt_training {
    yti_train_config config;
    yti_search search;
    yti_training *run; /* NULL: not prepared */
    yti_stop stop;
    bool has_run;

    yt_train_batch_fn on_batch;
    yt_train_epoch_fn on_epoch;
    yt_train_message_fn on_message;
    yt_train_map_fn on_map;
    void *batch_context, *epoch_context, *message_context, *map_context;
    int map_every;
    int64_t map_step; /* of the batch whose maps are shown */

    yt_train_plan plan;
    yt_train_result result;
    bool has_result;
    char *best_weights, *last_weights;
};

yt_status yt_training_create(const yt_train_options *options, yt_training **out, yt_err *err) {
    yt_training *t = calloc(1, sizeof *t);
    if (!t) return yti_no_memory(err, "a training");
    t->config = options->config;
    yti_search_init(&t->search);
    *out = t;
    return YT_OK;
}

void yt_training_destroy(yt_training *training) {
    if (!training) return;
    yti_train_destroy(training->run);
    free(training->best_weights);
    free(training->last_weights);
    free(training);
}

void yt_training_on_batch(yt_training *training, yt_train_batch_fn fn, void *context) {
    training->on_batch = fn;
    training->batch_context = context;
}

void yt_training_on_epoch(yt_training *training, yt_train_epoch_fn fn, void *context) {
    training->on_epoch = fn;
    training->epoch_context = context;
}

void yt_training_on_message(yt_training *training, yt_train_message_fn fn, void *context) {
    training->on_message = fn;
    training->message_context = context;
}

void yt_training_on_map(yt_training *training, int every, yt_train_map_fn fn, void *context) {
    training->on_map = fn;
    training->map_context = context;
    training->map_every = every < 1 ? 1 : every;
}

void yt_training_stop(yt_training *training) {
    training->stop = 1;
}

/* ---- what the program is shown ---- */

static void show_message(void *context, const char *text) {
    yt_training *t = context;
    if (t->on_message) YTI_IN_PROGRAM_LOCALE(t->on_message(t->message_context, text));
}

static void fill_plan(yt_training *t) {
    const yti_train_info *info = yti_train_describe(t->run);
    t->plan = (yt_train_plan){.model = info->model->name,
                              .classes = info->names->count,
                              .names = (const char *const *)info->names->names,
                              .parameters = yti_model_parameters(info->model),
                              .train_images = info->train->n_samples,
                              .val_images = info->val->n_samples,
                              .epochs = info->epochs,
                              .first_epoch = info->first_epoch,
                              .batches = info->batches,
                              .memory = info->planned_bytes,
                              .folder = info->folder,
                              .base_license = info->model->base_license};
}

static yt_status show_start(void *context, const yti_train_info *info, yt_err *err) {
    yt_training *t = context;
    fill_plan(t); /* the folder is known now */
    t->best_weights = yti_path_join(info->folder, "weights/best.safetensors");
    t->last_weights = yti_path_join(info->folder, "weights/last.safetensors");
    return t->best_weights && t->last_weights ? YT_OK : yti_no_memory(err, "the paths of the run");
}

static unsigned begin_batch(void *context, const yti_train_batch *batch) {
    yt_training *t = context;
    t->map_step = batch->step;
    return t->on_map && batch->step % t->map_every == 0 ? YT_WATCH_MAPS : 0;
}

static void show_map(yt_training *t, yti_value value, const yti_tensor *tensor, bool is_gradient) {
    if (!t->on_map || !tensor->data) return;
    const yt_map map = {.layer = yti_graph_label(yti_train_describe(t->run)->model->graph, value),
                        .is_gradient = is_gradient,
                        .step = t->map_step,
                        .data = tensor->data,
                        .n = tensor->n,
                        .h = tensor->h,
                        .w = tensor->w,
                        .c = tensor->c,
                        .stride = tensor->ld};
    YTI_IN_PROGRAM_LOCALE(t->on_map(t->map_context, &map));
}

static void show_activation(void *context, yti_value value, yti_tensor map) {
    show_map(context, value, &map, false);
}

static void show_gradient(void *context, yti_value value, yti_tensor gradient) {
    show_map(context, value, &gradient, true);
}

static void show_batch(void *context, const yti_train_batch *batch) {
    yt_training *t = context;
    if (!t->on_batch) return;
    yt_train_batch shown = {.epoch = batch->epoch + 1,
                            .batch = batch->batch + 1,
                            .batches = batch->batches,
                            .images = batch->images,
                            .images_per_second = batch->images_per_second,
                            .skipped = batch->skipped};
    memcpy(shown.loss, batch->loss, sizeof shown.loss);
    YTI_IN_PROGRAM_LOCALE(t->on_batch(t->batch_context, &shown));
}

static yt_status show_epoch(void *context, const yti_train_epoch *epoch, yt_err *err) {
    (void)err;
    yt_training *t = context;
    if (!t->on_epoch) return YT_OK;
    yt_train_epoch shown = {.epoch = epoch->epoch,
                            .epochs = yti_train_describe(t->run)->epochs,
                            .seconds = epoch->seconds,
                            .precision = epoch->precision,
                            .recall = epoch->recall,
                            .map50 = epoch->ap50,
                            .map50_95 = epoch->ap,
                            .validated = epoch->validated,
                            .is_best = epoch->is_best,
                            .images_per_second = epoch->images_per_second,
                            .skipped_batches = epoch->skips};
    memcpy(shown.train_loss, epoch->train_loss, sizeof shown.train_loss);
    memcpy(shown.val_loss, epoch->val_loss, sizeof shown.val_loss);
    YTI_IN_PROGRAM_LOCALE(t->on_epoch(t->epoch_context, &shown));
    return YT_OK;
}

static void show_rollback(void *context, int64_t step) {
    yt_training *t = context;
    char text[128];
    snprintf(text, sizeof text, "something was not finite: the run is back at step %lld, with half the learning rates",
             (long long)step);
    show_message(t, text);
}

static void keep_result(void *context, const yti_train_summary *summary) {
    yt_training *t = context;
    t->result = (yt_train_result){.status = summary->status,
                                  .epochs = summary->epochs,
                                  .best_epoch = summary->best_epoch,
                                  .best_map50_95 = summary->best_fitness,
                                  .stopped_early = summary->stopped_early,
                                  .seconds = summary->seconds,
                                  .weights_hash = summary->weights_hash,
                                  .folder = t->plan.folder,
                                  .best_weights = t->best_weights,
                                  .last_weights = t->last_weights};
    t->has_result = true;
}

/* ---- running ---- */

static yt_status prepare(yt_training *t, yt_err *err) {
    if (t->run) return yt_fail(err, YT_ERR_ARGUMENT, "this training is prepared already");
    if (!t->config.data[0] && !t->config.resume[0])
        return yt_fail(err, YT_ERR_ARGUMENT, "name a dataset YAML to train on: the option data");
    YT_TRY(yti_train_config_check(&t->config, err));
    YT_TRY(yti_train_prepare(&t->config, t->search.dirs, show_message, t, &t->run, err));
    fill_plan(t);
    return YT_OK;
}

yt_status yt_training_prepare(yt_training *training, yt_err *err) {
    yt_status status;
    YTI_IN_C_LOCALE(status = prepare(training, err));
    return status;
}

const yt_train_plan *yt_training_plan(const yt_training *training) {
    return training->run ? &training->plan : NULL;
}

static yt_status run(yt_training *t, yt_err *err) {
    if (t->has_run) return yt_fail(err, YT_ERR_ARGUMENT, "this training has run already; make another one");
    if (!t->run) YT_TRY(prepare(t, err));
    const yti_train_observer observer = {.start = show_start,
                                         .begin_batch = begin_batch,
                                         .forward = show_activation,
                                         .backward = show_gradient,
                                         .batch = show_batch,
                                         .rolled_back = show_rollback,
                                         .epoch = show_epoch,
                                         .alarm = show_message,
                                         .finish = keep_result,
                                         .context = t};
    t->has_run = true;
    return yti_train_run(t->run, &observer, 1, &t->stop, err);
}

yt_status yt_training_run(yt_training *training, yt_err *err) {
    yt_status status;
    YTI_IN_C_LOCALE(status = run(training, err));
    return status;
}

const yt_train_result *yt_training_result(const yt_training *training) {
    return training->has_result ? &training->result : NULL;
}
