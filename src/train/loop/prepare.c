/* prepare.c: from settings to a training that can begin: data, network, memory, loaders, optimiser. Everything that can
 * be wrong is found here, before a file is written.
 */
#include "base/container.h"
#include "base/file.h"
#include "base/run_folder.h"
#include "kernels/kernels.h"
#include "train/loop/training.h"
#include "train/parts/build_model.h"
#include "train/settings/settings_json.h"
#include "weights/weights_network.h"

#include <stdlib.h>
#include <string.h>

enum { MIN_STRIDE = 32 };             /* spec training 2.9 */
static const double MAX_EPOCHS = 1e6; /* of any run: train_options.inc */

/* What is only needed while preparing. */
typedef struct setup {
    const char *const *search_dirs;
    yti_problem_sink problem;
    void *context;
    bool resumes;
    yti_st_file file; /* of the checkpoint */
} setup;

yt_status yti_run_paths(yti_training *t, char *folder, yt_err *err) {
    t->folder = folder;
    t->last_path = yti_path_join(folder, "weights/last.safetensors");
    t->best_path = yti_path_join(folder, "weights/best.safetensors");
    if (!t->last_path || !t->best_path) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for the paths of the run");
    return YT_OK;
}

void yti_apply_rate_factor(yti_training *t) {
    t->schedule.lr0 = t->config.lr0 * t->progress.rate_factor;
    t->schedule.warmup_bias_lr = t->config.warmup_bias_lr * t->progress.rate_factor;
}

int yti_epochs_in_time(double hours, double seconds, int epochs_done) {
    double epochs = ceil(hours * SECONDS_PER_HOUR / seconds * epochs_done);
    if (!(epochs < MAX_EPOCHS)) epochs = MAX_EPOCHS; /* also where no time has passed */
    return epochs > epochs_done ? (int)epochs : epochs_done + 1;
}

/* ---- settings and data ---- */

/* How many epochs the last checkpoint of the run has; 0: it is not there, or cannot be read. */
static int epochs_of_last(const yti_training *t) {
    yti_st_file last;
    yti_progress progress = {.epochs_done = 0};
    if (!yti_path_exists(t->last_path) || yti_st_load(t->last_path, &last, NULL) != YT_OK) return 0;
    if (yti_checkpoint_progress(&last, t->last_path, &progress, NULL) != YT_OK) progress.epochs_done = 0;
    yti_st_free(&last);
    return progress.epochs_done;
}

/* From an older checkpoint the run goes back, and what came after it is lost epoch by epoch. */
static void report_going_back(const yti_training *t, const setup *s) {
    const int from = t->progress.epochs_done;
    const int last = strcmp(t->config.resume, t->last_path) == 0 ? from : epochs_of_last(t);
    if (last <= from || !s->problem) return;
    char text[1024];
    snprintf(text, sizeof text,
             "%.300s: goes back to epoch %d of %d: the rows of later epochs leave results.csv, and "
             "weights/last.safetensors of epoch %d is replaced after epoch %d; best.safetensors stays until an "
             "epoch is better than the best up to epoch %d",
             t->config.resume, from, last, last, from + 1, from);
    s->problem(s->context, text);
}

static yt_status read_checkpoint(yti_training *t, setup *s, yt_err *err) {
    char *checkpoint, *folder;
    YT_TRY(yti_run_of(t->config.resume, &checkpoint, &folder, err));
    yt_status status = yti_train_config_set(&t->config, "resume", checkpoint, YT_SOURCE_TYPED, err);
    free(checkpoint);
    if (status != YT_OK) {
        free(folder);
        return status;
    }
    YT_TRY(yti_run_paths(t, folder, err));
    YT_TRY(yti_folder_lock(folder, &t->lock, err)); /* before another process writes the next checkpoint */
    const char *path = t->config.resume;
    YT_TRY(yti_st_load(path, &s->file, err));
    s->resumes = true;
    YT_TRY(yti_settings_read(&s->file, path, &t->config, err));
    YT_TRY(yti_checkpoint_progress(&s->file, path, &t->progress, err));
    YT_TRY(yti_config_same_run(&t->config, folder, path, err));
    report_going_back(t, s);
    return YT_OK;
}

/* Whether a run that is over was ended before its last files were written: the table of its best weights. */
static bool lacks_last_files(const yti_training *t) {
    if (t->progress.best_fitness < 0 || !yti_path_exists(t->best_path)) return false;
    bool lacks = false;
    for (const char *const *file = yti_validator_file_names(YT_CONFUSION_CLASSES + 1); *file && !lacks; file++) {
        char *path = yti_path_join(t->folder, *file);
        lacks = path && !yti_path_exists(path);
        free(path);
    }
    return lacks;
}

/* Of a run that was resumed: nothing is left to train, so the last epoch is the last one. */
static yt_status is_over(yti_training *t, const char *why, yt_err *err) {
    if (!lacks_last_files(t)) return yt_fail(err, YT_ERR_ARGUMENT, "%s: this run %s", t->config.resume, why);
    t->epochs = t->progress.epochs_done;
    return YT_OK;
}

/* Where the run ends, and whether it has. */
static yt_status settle_end(yti_training *t, yt_err *err) {
    const yti_progress *progress = &t->progress;
    char why[160];
    t->epochs = t->config.epochs;
    if (yti_patience_is_over(progress, &t->config)) {
        snprintf(why, sizeof why,
                 "has ended early, after %d epochs without a better mAP50-95; a larger --patience "
                 "continues it",
                 t->config.patience);
        return is_over(t, why, err);
    }
    if (t->config.time > 0 && progress->epochs_done > 0) {
        t->epochs = yti_epochs_in_time(t->config.time, progress->last.seconds, progress->epochs_done);
        if (progress->last.seconds < t->config.time * SECONDS_PER_HOUR) return YT_OK;
        snprintf(why, sizeof why, "has used its %g hours; a larger --time continues it", t->config.time);
        return is_over(t, why, err);
    }
    if (progress->epochs_done < t->epochs) return YT_OK;
    snprintf(why, sizeof why, "has finished its %d epochs; a larger --epochs continues it", progress->epochs_done);
    return is_over(t, why, err);
}

static yt_status scan(yti_training *t, const setup *s, const char *split, double fraction, yti_split *out,
                      yt_err *err) {
    bool *classes = NULL;
    if (t->config.classes[0]) YT_TRY(yti_dataset_classes(&t->dataset, t->config.classes, &classes, err));
    yti_scan_options options = {.strict = t->config.strict,
                                .classes = classes,
                                .single_class = t->config.single_cls,
                                .fraction = fraction,
                                .problem = s->problem,
                                .context = s->context,
                                .threads = t->config.threads > 0 ? t->config.threads : 1};
    yt_status status = yti_dataset_scan(&t->dataset, split, &options, out, err);
    free(classes);
    return status;
}

static yt_status copy_names(yti_training *t, yt_err *err) {
    int count = t->config.single_cls ? 1 : t->dataset.n_classes;
    t->names.names = calloc((size_t)count + 1, sizeof *t->names.names);
    for (int i = 0; t->names.names && i < count; i++) {
        t->names.names[i] = strdup(t->config.single_cls ? "item" : t->dataset.names[i]);
        if (!t->names.names[i]) break;
        t->names.count = i + 1;
    }
    return t->names.count == count ? YT_OK : yt_fail(err, YT_ERR_NO_MEMORY, "no memory for %d class names", count);
}

/* A run may do without: where the data set names no images for it, or where it is switched off and they are not there.
 */
static yt_status open_validation(yti_training *t, const setup *s, yt_err *err) {
    yt_err reason;
    yt_status status = YT_OK;
    if (yti_dataset_has_split(&t->dataset, "val")) {
        status = scan(t, s, "val", 1, &t->val, &reason);
        if (status == YT_OK) return YT_OK;
        const bool of_machine = status == YT_ERR_IO || status == YT_ERR_NO_MEMORY;
        if (t->config.val || of_machine) return yt_fail(err, status, "%s", reason.text);
        char text[sizeof reason.text + 64];
        snprintf(text, sizeof text, "%s; there is no validation, not even at the end", reason.text);
        if (s->problem) s->problem(s->context, text);
    }
    t->config.val = false;
    t->config.source[YT_TRAIN_KEY_val] = YT_SOURCE_DATASET;
    return YT_OK;
}

static yt_status open_data(yti_training *t, const setup *s, yt_err *err) {
    if (!t->config.data[0]) return yt_fail(err, YT_ERR_ARGUMENT, "data: name a dataset YAML to train on");
    YT_TRY(yti_dataset_open(t->config.data, &t->dataset, err));
    YT_TRY(copy_names(t, err));
    YT_TRY(scan(t, s, "train", t->config.fraction, &t->train, err));
    return open_validation(t, s, err);
}

/* What a resumed run was trained on may have moved since. */
static yt_status open_data_or_advise(yti_training *t, const setup *s, yt_err *err) {
    yt_err reason;
    yt_status status = open_data(t, s, &reason);
    if (status == YT_OK) return YT_OK;
    const bool typed = t->config.source[YT_TRAIN_KEY_data] == YT_SOURCE_TYPED;
    const bool may_have_moved = s->resumes && !typed && status != YT_ERR_NO_MEMORY && status != YT_ERR_STOPPED;
    return yt_fail(err, status, "%s%s%s", reason.text,
                   may_have_moved ? "; where the data of this run has moved: yolotrain DATA.yaml --resume " : "",
                   may_have_moved ? t->config.resume : "");
}

/* ---- network ---- */

static yt_status build_model(yti_training *t, const setup *s, yt_err *err) {
    const yti_train_config *c = &t->config;
    if (s->resumes) {
        YT_TRY(yti_network_build(&s->file, c->resume, NULL, s->search_dirs, &t->model, err));
        if (t->model->n_classes == t->names.count) return yti_data_check(&s->file, t, s->problem, s->context, err);
        return yt_fail(err, YT_ERR_MISMATCH, "%s: was trained on %d classes, %s has %d", c->resume, t->model->n_classes,
                       c->data, t->names.count);
    }
    YT_TRY(yti_train_build_model(&t->config, t->names.count, s->search_dirs, &t->model, err));
    return yti_initial_weights(t, err);
}

yt_status yti_initial_weights(yti_training *t, yt_err *err) {
    const yti_train_config *c = &t->config;
    yti_init init;
    YT_TRY(yti_init_parse(c->init, &init, err));
    YT_TRY(yti_model_init_as(t->model, &init, (uint64_t)c->seed, &t->model->state, err));
    if (!c->weights[0]) return YT_OK;
    t->info.transferred = true;
    YT_TRY(yti_weights_transfer(c->weights, t->model, c->cls_remap ? &t->names : NULL, &t->info.transfer, err));
    if (t->info.transfer.matched + t->info.transfer.partial) return YT_OK;
    return yt_fail(err, YT_ERR_MISMATCH, "%s: none of its tensors fits this model; %s", c->weights,
                   t->info.transfer.first_miss);
}

/* A frozen row that the weights do not have would stay as it was drawn. */
static yt_status check_frozen(const yti_training *t, yt_err *err) {
    for (int i = 0; t->info.transferred && i < t->model->n_params; i++) {
        const yti_param_info *info = &t->model->params[i];
        if (!info->frozen || !yti_transfer_missed(&t->info.transfer, info->row)) continue;
        return yt_fail(err, YT_ERR_MISMATCH,
                       "freeze: row %d (%s) would stay as it was drawn, for %s has not all of its tensors: %s",
                       info->row, t->model->rows[info->row].module, t->config.weights, t->info.transfer.first_miss);
    }
    return YT_OK;
}

/* The grid of input sizes. */
static int stride_of(const yti_training *t) {
    return t->model->max_stride > MIN_STRIDE ? t->model->max_stride : MIN_STRIDE;
}

/* Sizes that follow from the network, and the one batch that batch normalisation cannot do. */
static yt_status settle_sizes(yti_training *t, yt_err *err) {
    yti_train_config *c = &t->config;
    int stride = stride_of(t);
    c->imgsz = (c->imgsz + stride - 1) / stride * stride;
    bool last_is_single = t->train.n_samples % c->batch == 1 || c->batch == 1;
    int smallest = (int)(c->imgsz * (1 - c->multi_scale));
    if (smallest < stride) smallest = stride;
    if (smallest < 2 * stride && last_is_single && !c->no_batchnorm)
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "batch: %d images in batches of %d end with a batch of one, which at %d pixels leaves batch "
                       "normalisation a single value; choose another --batch%s or a larger --imgsz",
                       t->train.n_samples, c->batch, smallest, c->multi_scale > 0 ? ", a smaller --multi-scale" : "");
    return YT_OK;
}

/* ---- what moves the weights ---- */

static float *floats(size_t count) {
    size_t bytes = ((count + YT_READ_SLACK) * sizeof(float) + 63) / 64 * 64;
    float *block = aligned_alloc(64, bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

void yti_begin_average(yti_training *t) {
    const yti_model *model = t->model;
    memcpy(t->average.params, model->state.params, model->param_count * sizeof(float));
    memcpy(t->average.buffers, model->state.buffers, model->buffer_count * sizeof(float));
}

static yt_status make_average(yti_training *t, yt_err *err) {
    const yti_model *model = t->model;
    t->average.params = floats(model->param_count);
    t->average.buffers = floats(model->buffer_count);
    if (!t->average.params || !t->average.buffers)
        return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for the moving average of the weights");
    yti_begin_average(t);
    return yti_find_averaged(t, err);
}

/* Room for the running statistics and the waiting gradients as they are before a step. */
static yt_status make_room_before(yti_training *t, yt_err *err) {
    t->buffers_before = floats(t->model->buffer_count);
    if (!t->buffers_before) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for the running statistics");
    if (!yti_may_wait(t, t->config.batch)) return YT_OK;
    t->grads_before = floats(t->model->param_count);
    return t->grads_before ? YT_OK : yt_fail(err, YT_ERR_NO_MEMORY, "no memory for the waiting gradients");
}

static yt_status make_optimizer(yti_training *t, yt_err *err) {
    const yti_train_config *c = &t->config;
    const yti_optimizer_plan plan = {.kind = (yti_optimizer_kind)c->optimizer,
                                     .weight_decay = yti_scaled_weight_decay(c->weight_decay, c->batch, c->nbs),
                                     .momentum = c->momentum,
                                     .fast_by_name = yti_follows_old(c),
                                     .threads = c->threads};
    return yti_run_optimizer_create(t->model, &plan, &t->optimizer, err);
}

/* The cache is shared between the two loaders by their numbers of images. */
static yt_status make_loaders(yti_training *t, yt_err *err) {
    const yti_train_config *c = &t->config;
    size_t cache = (size_t)c->cache << 20, images = (size_t)t->train.n_samples + (size_t)t->val.n_samples;
    size_t train_cache = cache / images * (size_t)t->train.n_samples;
    yti_loader_config config = {.batch = c->batch,
                                .imgsz = c->imgsz,
                                .workers = c->workers,
                                .seed = (uint64_t)c->seed,
                                .train = true,
                                .rect = c->rect,
                                .stride = stride_of(t),
                                .multi_scale = c->multi_scale,
                                .cache_bytes = train_cache};
    YT_TRY(yti_loader_create(&t->train, &config, &t->train_loader, err));
    if (!yti_can_validate(t)) return YT_OK;
    config.train = false;
    config.rect = true;
    config.rect_pad = 0.5;
    config.multi_scale = 0;
    config.batch = 2 * c->batch; /* spec training 2.9 */
    config.cache_bytes = cache - train_cache;
    return t->val.n_samples ? yti_loader_create(&t->val, &config, &t->val_loader, err) : YT_OK;
}

/* From the boxes that are trained on. */
static yt_status weigh_classes(yti_training *t, yt_err *err) {
    if (t->config.cls_pw == 0) return YT_OK;
    size_t n = (size_t)t->names.count;
    int64_t *counts = calloc(n + 1, sizeof *counts);
    t->class_weights = calloc(n + 1, sizeof *t->class_weights);
    bool ok = counts && t->class_weights;
    for (int i = 0; ok && i < t->train.n_samples; i++) {
        const yti_sample *sample = &t->train.samples[i];
        for (int k = 0; k < sample->n_labels; k++)
            if (!sample->labels[k].coco_only) counts[sample->labels[k].class_id]++;
    }
    if (ok)
        yti_loss_class_weights(counts, t->names.count, t->config.cls_pw, yti_follows_old(&t->config), t->class_weights);
    free(counts);
    return ok ? YT_OK : yt_fail(err, YT_ERR_NO_MEMORY, "no memory for %zu class weights", n);
}

static yt_status make_validator(yti_training *t, yt_err *err) {
    const yti_train_config *c = &t->config;
    bool *classes = NULL; /* the one class of single_cls is always wanted */
    if (!yti_can_validate(t)) return YT_OK;
    if (c->classes[0] && !c->single_cls) YT_TRY(yti_dataset_classes(&t->dataset, c->classes, &classes, err));
    /* 0.001, the default, is for AP: a matrix of what nobody would act on says nothing. */
    const float confusion_conf = c->conf == 0.001 ? YT_CONFUSION_CONF : (float)c->conf;
    yti_validate_options options = {.conf = (float)c->conf,
                                    .iou = (float)c->iou,
                                    .max_det = c->max_det,
                                    .nms = (yti_nms)c->nms,
                                    .agnostic = c->agnostic_nms,
                                    .confusion_conf = confusion_conf,
                                    .classes = classes,
                                    .gains = {(float)c->box, (float)c->cls, (float)c->dfl},
                                    .class_weights = t->class_weights,
                                    .widen_below_first = yti_follows_old(c),
                                    .threads = c->threads};
    yt_status status = yti_validator_create(t->model, t->val_loader, &options, &t->validator, err);
    free(classes);
    return status;
}

static void make_schedule(yti_training *t) {
    const yti_train_config *c = &t->config;
    t->schedule = (yti_schedule){.lrf = c->lrf,
                                 .momentum = c->momentum,
                                 .warmup_epochs = c->warmup_epochs,
                                 .warmup_momentum = c->warmup_momentum,
                                 .cosine = c->cos_lr,
                                 .epochs = t->epochs,
                                 .batches_per_epoch = yti_loader_batches(t->train_loader),
                                 .batch = c->batch,
                                 .nominal_batch = c->nbs,
                                 .old_warmup = yti_follows_old(c)};
    yti_apply_rate_factor(t);
}

static void describe(yti_training *t) {
    t->info.config = &t->config;
    t->info.model = t->model;
    t->info.dataset = &t->dataset;
    t->info.names = &t->names;
    t->info.train = &t->train;
    t->info.val = &t->val;
    t->info.batches = yti_loader_batches(t->train_loader);
    t->info.epochs = t->epochs;
    t->info.first_epoch = t->progress.epochs_done;
    t->info.first_step = t->progress.iterations;
    for (int i = 0; i < YT_LOSS_TERMS; i++) t->info.loss_names[i] = yti_loss_name(t->model, i);
    if (t->model->n_branches > 1) t->info.other_head = t->config.nms == YT_NMS_FALSE ? "one2many" : "one2one";
}

/* As many detections as an image has objects must be possible, or recall is capped; a typed limit holds. */
static void settle_max_det(yti_training *t, const setup *s) {
    yti_train_config *c = &t->config;
    const int train = yti_split_most_boxes(&t->train), val = yti_split_most_boxes(&t->val);
    const int most = train > val ? train : val, limit = (int)yti_train_options()[YT_TRAIN_KEY_max_det].max;
    if (most <= c->max_det) return;
    char text[256];
    if (c->source[YT_TRAIN_KEY_max_det] == YT_SOURCE_DEFAULT && most <= limit) {
        snprintf(text, sizeof text, "an image has %d objects: max_det is %d instead of %d", most, most, c->max_det);
        c->max_det = most;
        c->source[YT_TRAIN_KEY_max_det] = YT_SOURCE_DATASET;
    } else {
        snprintf(text, sizeof text, "an image has %d objects, and max_det %d caps the recall", most, c->max_det);
    }
    if (s->problem) s->problem(s->context, text);
}

static yt_status prepare(yti_training *t, setup *s, yt_err *err) {
    YT_TRY(yti_train_config_check(&t->config, err));
    if (t->config.resume[0]) YT_TRY(read_checkpoint(t, s, err));
    YT_TRY(settle_end(t, err));
    YT_TRY(open_data_or_advise(t, s, err));
    settle_max_det(t, s);
    YT_TRY(build_model(t, s, err));
    yti_train_config_resolve(&t->config, t->train.n_samples, t->names.count, t->config.weights[0] != '\0');
    YT_TRY(yti_train_config_check(&t->config, err));
    YT_TRY(yti_model_freeze(t->model, t->config.freeze, err));
    YT_TRY(check_frozen(t, err));
    YT_TRY(settle_sizes(t, err));
    YT_TRY(make_optimizer(t, err));
    YT_TRY(make_average(t, err));
    YT_TRY(make_room_before(t, err));
    if (s->resumes) YT_TRY(yti_checkpoint_arrays(&s->file, t->config.resume, t, err));
    YT_TRY(make_loaders(t, err));
    YT_TRY(weigh_classes(t, err));
    YT_TRY(make_validator(t, err)); /* which says what evaluation runs */
    YT_TRY(yti_memory_check(t, yti_memory_available(), err));
    YT_TRY(yti_loss_create(&t->loss, err));
    YT_TRY(yti_loss_weigh_classes(t->loss, t->class_weights, t->names.count, err));
    make_schedule(t);
    t->checkpoint_updates = t->progress.updates;
    describe(t);
    return YT_OK;
}

void yti_begin_progress(yti_progress *progress) {
    *progress = (yti_progress){.last_step = -1, .best_fitness = -1, .rate_factor = 1};
    for (int i = 0; i < YT_LOSS_TERMS; i++) progress->last.val_loss[i] = (double)NAN; /* not known */
}

yt_status yti_train_prepare(const yti_train_config *config, const char *const *search_dirs, yti_problem_sink problem,
                            void *context, yti_training **out, yt_err *err) {
    yti_training *t = calloc(1, sizeof *t);
    if (!t) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for a training");
    t->config = *config;
    t->lock = YTI_UNLOCKED;
    yti_begin_progress(&t->progress);
    setup s = {.search_dirs = search_dirs, .problem = problem, .context = context};
    yt_status status = prepare(t, &s, err);
    yti_st_free(&s.file);
    if (status == YT_OK)
        *out = t;
    else
        yti_train_destroy(t);
    return status;
}

const yti_train_info *yti_train_describe(const yti_training *training) {
    return &training->info;
}

void yti_train_destroy(yti_training *t) {
    if (!t) return;
    yti_validator_destroy(t->validator);
    yti_loader_destroy(t->val_loader);
    yti_loader_destroy(t->train_loader);
    yti_loss_destroy(t->loss);
    yti_optimizer_destroy(t->optimizer);
    yti_model_destroy(t->model);
    yti_split_free(&t->train);
    yti_split_free(&t->val);
    yti_dataset_close(&t->dataset);
    yti_class_names_free(&t->names);
    free(t->average.params);
    free(t->average.buffers);
    free(t->buffers_before);
    free(t->grads_before);
    free(t->averaged_params.at);
    free(t->averaged_buffers.at);
    free(t->class_weights);
    free(t->best_classes);
    yti_folder_unlock(&t->lock);
    free(t->folder);
    free(t->last_path);
    free(t->best_path);
    free(t);
}
