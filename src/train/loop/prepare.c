/* prepare.c: from settings to a training that can begin: data, network, memory, loaders, optimizer. Everything that can
 * be wrong is found here, before a file is written.
 */
#include "base/container.h"
#include "base/file.h"
#include "train/checkpoint/data_print.h"
#include "train/loop/resume.h"
#include "train/loop/training.h"
#include "train/parts/build_model.h"
#include "train/parts/memory.h"
#include "train/parts/optimizer_groups.h"
#include "train/parts/run_schedule.h"
#include "train/parts/norm_statistics.h"
#include "weights/weights_network.h"

#include <stdlib.h>
#include <string.h>

enum { MIN_STRIDE = 32 }; /* spec training 2.9 */

/* What is only needed while preparing. */
typedef struct setup {
    const char *const *search_dirs;
    yti_problem_sink problem;
    void *context;
    bool resumes;
    yti_st_file file; /* of the checkpoint */
} setup;

/* ---- data ---- */

static yt_status scan(yti_training *t, const setup *s, const char *split, double fraction, yti_split *out,
                      yt_err *err) {
    bool *classes = NULL;
    if (t->config.classes[0]) YT_TRY(yti_dataset_classes(&t->data.dataset, t->config.classes, &classes, err));
    yti_scan_options options = {.strict = t->config.strict,
                                .classes = classes,
                                .single_class = t->config.single_cls,
                                .fraction = fraction,
                                .problem = s->problem,
                                .context = s->context,
                                .threads = t->config.threads > 0 ? t->config.threads : 1};
    yt_status status = yti_dataset_scan(&t->data.dataset, split, &options, out, err);
    free(classes);
    return status;
}

static yt_status copy_names(yti_training *t, yt_err *err) {
    int count = t->config.single_cls ? 1 : t->data.dataset.n_classes;
    t->data.names.names = calloc((size_t)count + 1, sizeof *t->data.names.names);
    for (int i = 0; t->data.names.names && i < count; i++) {
        t->data.names.names[i] = strdup(t->config.single_cls ? "item" : t->data.dataset.names[i]);
        if (!t->data.names.names[i]) break;
        t->data.names.count = i + 1;
    }
    return t->data.names.count == count ? YT_OK : yti_no_memory(err, "%d class names", count);
}

/* A run may do without: where the data set names no images for it, or where it is switched off and they are not there.
 */
static yt_status open_validation(yti_training *t, const setup *s, yt_err *err) {
    yt_err reason;
    yt_status status = YT_OK;
    if (yti_dataset_has_split(&t->data.dataset, "val")) {
        status = scan(t, s, "val", 1, &t->data.val, &reason);
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
    YT_TRY(yti_dataset_open(t->config.data, &t->data.dataset, err));
    YT_TRY(copy_names(t, err));
    YT_TRY(scan(t, s, "train", t->config.fraction, &t->data.train, err));
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
        YT_TRY(yti_network_build(&s->file, c->resume, NULL, s->search_dirs, &t->parts.model, err));
        if (t->parts.model->n_classes == t->data.names.count)
            return yti_data_check(&s->file, c, &t->data, s->problem, s->context, err);
        return yt_fail(err, YT_ERR_MISMATCH, "%s: was trained on %d classes, %s has %d", c->resume,
                       t->parts.model->n_classes, c->data, t->data.names.count);
    }
    YT_TRY(yti_train_build_model(&t->config, t->data.names.count, s->search_dirs, &t->parts.model, err));
    t->info.transferred = t->config.weights[0] != '\0';
    return yti_initial_weights(c, &t->data.names, t->parts.model, &t->info.transfer, err);
}

/* A frozen row that the weights do not have would stay as it was drawn. */
static yt_status check_frozen(const yti_training *t, yt_err *err) {
    for (int i = 0; t->info.transferred && i < t->parts.model->n_params; i++) {
        const yti_param_info *info = &t->parts.model->params[i];
        if (!info->frozen || !yti_transfer_missed(&t->info.transfer, info->row)) continue;
        return yt_fail(err, YT_ERR_MISMATCH,
                       "freeze: row %d (%s) would stay as it was drawn, for %s has not all of its tensors: %s",
                       info->row, t->parts.model->rows[info->row].module, t->config.weights,
                       t->info.transfer.first_miss);
    }
    return YT_OK;
}

yt_status yti_settle_statistics(yti_training *t, yt_err *err) {
    yti_transfer_report *transfer = &t->info.transfer;
    if (!t->info.transferred || !transfer->folded) return YT_OK;
    const int threads = t->config.threads > 0 ? t->config.threads : 1;
    return yti_measure_statistics(t->parts.model, &t->data.train, t->config.imgsz, threads, &transfer->measured, err);
}

/* The grid of input sizes. */
static int stride_of(const yti_training *t) {
    return t->parts.model->max_stride > MIN_STRIDE ? t->parts.model->max_stride : MIN_STRIDE;
}

/* Sizes that follow from the network, and the one batch that batch normalisation cannot do. */
static yt_status settle_sizes(yti_training *t, yt_err *err) {
    yti_train_config *c = &t->config;
    int stride = stride_of(t);
    c->imgsz = (c->imgsz + stride - 1) / stride * stride;
    bool last_is_single = t->data.train.n_samples % c->batch == 1 || c->batch == 1;
    int smallest = (int)(c->imgsz * (1 - c->multi_scale));
    if (smallest < stride) smallest = stride;
    if (smallest < 2 * stride && last_is_single && !c->no_batchnorm)
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "batch: %d images in batches of %d end with a batch of one, which at %d pixels leaves batch "
                       "normalisation a single value; choose another --batch%s or a larger --imgsz",
                       t->data.train.n_samples, c->batch, smallest,
                       c->multi_scale > 0 ? ", a smaller --multi-scale" : "");
    return YT_OK;
}

/* ---- what moves the weights ---- */

static yt_status make_optimizer(yti_training *t, yt_err *err) {
    const yti_train_config *c = &t->config;
    const yti_optimizer_plan plan = {.kind = (yti_optimizer_kind)c->optimizer,
                                     .weight_decay = yti_scaled_weight_decay(c->weight_decay, c->batch, c->nbs),
                                     .momentum = c->momentum,
                                     .fast_by_name = yti_follows_old(c),
                                     .threads = c->threads};
    return yti_run_optimizer_create(t->parts.model, &plan, &t->parts.optimizer, err);
}

/* The cache is shared between the two loaders by their numbers of images. */
static yt_status make_loaders(yti_training *t, yt_err *err) {
    const yti_train_config *c = &t->config;
    size_t cache = (size_t)c->cache << 20, images = (size_t)t->data.train.n_samples + (size_t)t->data.val.n_samples;
    size_t train_cache = cache / images * (size_t)t->data.train.n_samples;
    yti_loader_config config = {.batch = c->batch,
                                .imgsz = c->imgsz,
                                .workers = c->workers,
                                .seed = (uint64_t)c->seed,
                                .train = true,
                                .rect = c->rect,
                                .stride = stride_of(t),
                                .multi_scale = c->multi_scale,
                                .cache_bytes = train_cache};
    YT_TRY(yti_loader_create(&t->data.train, &config, &t->data.train_loader, err));
    if (!yti_can_validate(&t->data)) return YT_OK;
    config.train = false;
    config.rect = true;
    config.rect_pad = 0.5;
    config.multi_scale = 0;
    config.batch = 2 * c->batch; /* spec training 2.9 */
    config.cache_bytes = cache - train_cache;
    return t->data.val.n_samples ? yti_loader_create(&t->data.val, &config, &t->data.val_loader, err) : YT_OK;
}

/* From the boxes that are trained on. */
static yt_status weigh_classes(yti_training *t, yt_err *err) {
    if (t->config.cls_pw == 0) return YT_OK;
    size_t n = (size_t)t->data.names.count;
    int64_t *counts = calloc(n + 1, sizeof *counts);
    t->parts.class_weights = calloc(n + 1, sizeof *t->parts.class_weights);
    bool ok = counts && t->parts.class_weights;
    for (int i = 0; ok && i < t->data.train.n_samples; i++) {
        const yti_sample *sample = &t->data.train.samples[i];
        for (int k = 0; k < sample->n_labels; k++)
            if (!sample->labels[k].coco_only) counts[sample->labels[k].class_id]++;
    }
    if (ok)
        yti_loss_class_weights(counts, t->data.names.count, t->config.cls_pw, yti_follows_old(&t->config),
                               t->parts.class_weights);
    free(counts);
    return ok ? YT_OK : yti_no_memory(err, "%zu class weights", n);
}

static yt_status make_validator(yti_training *t, yt_err *err) {
    const yti_train_config *c = &t->config;
    bool *classes = NULL; /* the one class of single_cls is always wanted */
    if (!yti_can_validate(&t->data)) return YT_OK;
    if (c->classes[0] && !c->single_cls) YT_TRY(yti_dataset_classes(&t->data.dataset, c->classes, &classes, err));
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
                                    .class_weights = t->parts.class_weights,
                                    .widen_below_first = yti_follows_old(c),
                                    .threads = c->threads};
    yt_status status = yti_validator_create(t->parts.model, t->data.val_loader, &options, &t->parts.validator, err);
    free(classes);
    return status;
}

static void describe(yti_training *t) {
    t->info.config = &t->config;
    t->info.model = t->parts.model;
    t->info.dataset = &t->data.dataset;
    t->info.names = &t->data.names;
    t->info.train = &t->data.train;
    t->info.val = &t->data.val;
    t->info.batches = yti_loader_batches(t->data.train_loader);
    t->info.epochs = t->end.epochs;
    t->info.first_epoch = t->progress.epochs_done;
    t->info.first_step = t->progress.iterations;
    for (int i = 0; i < YT_LOSS_TERMS; i++) t->info.loss_names[i] = yti_loss_name(t->parts.model, i);
    if (t->parts.model->n_branches > 1) t->info.other_head = t->config.nms == YT_NMS_FALSE ? "one2many" : "one2one";
}

/* As many detections as an image has objects must be possible, or recall is capped; a typed limit holds. */
static void settle_max_det(yti_training *t, const setup *s) {
    yti_train_config *c = &t->config;
    const int train = yti_split_most_boxes(&t->data.train), val = yti_split_most_boxes(&t->data.val);
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

static yt_status check_memory(yti_training *t, yt_err *err) {
    const yti_run_view run = yti_view(t);
    t->info.available_bytes = yti_memory_available();
    return yti_memory_check(&run, t->info.available_bytes, &t->info.planned_bytes, err);
}

static yt_status prepare(yti_training *t, setup *s, yt_err *err) {
    YT_TRY(yti_train_config_check(&t->config, err));
    if (s->resumes) YT_TRY(yti_resume_read(t, &s->file, s->problem, s->context, err));
    YT_TRY(yti_resume_settle_end(t, err));
    YT_TRY(open_data_or_advise(t, s, err));
    settle_max_det(t, s);
    YT_TRY(build_model(t, s, err));
    yti_train_config_resolve(&t->config, t->data.train.n_samples, t->data.names.count, t->config.weights[0] != '\0');
    YT_TRY(yti_train_config_check(&t->config, err));
    YT_TRY(yti_model_freeze(t->parts.model, t->config.freeze, err));
    YT_TRY(check_frozen(t, err));
    YT_TRY(settle_sizes(t, err));
    YT_TRY(yti_settle_statistics(t, err));
    YT_TRY(make_optimizer(t, err));
    YT_TRY(yti_average_init(&t->parts.average, t->parts.model, err));
    const bool may_wait = yti_gradients_may_wait(&t->progress, &t->config, t->config.batch);
    YT_TRY(yti_guard_init(&t->guard, t->parts.model, may_wait, err));
    if (s->resumes) YT_TRY(yti_checkpoint_arrays(&s->file, t->config.resume, &t->parts, &t->progress, err));
    YT_TRY(make_loaders(t, err));
    YT_TRY(weigh_classes(t, err));
    YT_TRY(make_validator(t, err)); /* which says what evaluation runs */
    YT_TRY(check_memory(t, err));
    YT_TRY(yti_loss_create(&t->parts.loss, err));
    YT_TRY(yti_loss_weigh_classes(t->parts.loss, t->parts.class_weights, t->data.names.count, err));
    t->parts.schedule = yti_run_schedule(&t->config, t->end.epochs, yti_loader_batches(t->data.train_loader));
    yti_apply_rate_factor(&t->parts.schedule, &t->config, t->progress.rate_factor);
    t->rollback.checkpoint_updates = t->progress.updates;
    t->boxes = (yti_box_report){
        .config = &t->config, .split = &t->data.train, .schedule = &t->parts.schedule, .stride = stride_of(t)};
    describe(t);
    return YT_OK;
}

yt_status yti_train_prepare(const yti_train_config *config, const char *const *search_dirs, yti_problem_sink problem,
                            void *context, yti_training **out, yt_err *err) {
    yti_training *t = calloc(1, sizeof *t);
    if (!t) return yti_no_memory(err, "a training");
    t->config = *config;
    yti_output_init(&t->output);
    yti_begin_progress(&t->progress);
    setup s = {
        .search_dirs = search_dirs, .problem = problem, .context = context, .resumes = config->resume[0] != '\0'};
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
    yti_run_data *data = &t->data;
    yti_run_parts *parts = &t->parts;
    yti_validator_destroy(parts->validator);
    yti_loader_destroy(data->val_loader);
    yti_loader_destroy(data->train_loader);
    yti_loss_destroy(parts->loss);
    yti_optimizer_destroy(parts->optimizer);
    yti_model_destroy(parts->model);
    yti_split_free(&data->train);
    yti_split_free(&data->val);
    yti_dataset_close(&data->dataset);
    yti_class_names_free(&data->names);
    yti_average_deinit(&parts->average);
    free(parts->class_weights);
    yti_guard_deinit(&t->guard);
    yti_output_deinit(&t->output);
    free(t->best.classes);
    free(t);
}
