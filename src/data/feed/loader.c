/* loader.c: worker threads that fill a ring of batches ahead of the compute.
 *
 * The unit of work is one image. Workers take positions of the epoch in order, so batches fill in order too, and any
 * number of workers shares a batch evenly. Batch b lives in slot b % RING; a position may be taken when its batch is
 * within RING of the oldest one that is still lent, so a slot is never written while somebody reads it. One lock guards
 * the counters; images are made outside it. An image's place in the batch, and what is drawn for it, follow from its
 * position alone, so the content does not depend on the workers.
 */
#include "data/feed/loader.h"

#include "base/array.h"
#include "base/locale.h"
#include "data/feed/order.h"
#include "data/feed/sample.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { RING = 3 /* two ready, one in use */, MAX_WORKERS = 256 };

/* A batch being made, ready or lent. Buffers are kept from batch to batch. */
typedef struct slot {
    uint8_t *rgb; /* [batch][max_h][max_w][3] */
    int *samples;
    yti_fit *fits;
    yti_label_list *labels;         /* per image; only their maker touches them */
    yti_parts *parts;               /* per image */
    int64_t (*fates)[YT_BOX_FATES]; /* per image */
    yt_status *status;              /* per image */
    yt_err *errors;                 /* per image */
    yti_input_shape made, shape;    /* of what the augmentation makes, and of the batch */
    int index;                      /* of the batch it holds, -1: none */
    int count, done;                /* images in the batch, images finished */

    yti_batch batch;  /* as handed out */
    int *batch_parts; /* [batch * YTI_MAX_PARTS] */
    int *target_image, *target_class;
    yti_cxcywh *target_boxes;
    size_t image_capacity, class_capacity, box_capacity;
} slot;

struct yti_loader {
    yti_loader_config config;
    yti_augment augment;
    yti_sample_source source;
    int n_samples, batch, n_batches;
    yti_input_shape max_shape;
    yti_input_shape *shapes; /* [n_batches] of rectangular batches, before multi_scale; NULL: all square */
    bool shuffles;           /* training, unless rectangular batches differ */
    int *order;              /* [n_samples] position -> sample, of the running epoch */
    slot slots[RING];

    pthread_mutex_t lock;
    pthread_cond_t work, progress; /* something to do; something was done */
    bool running, stop, lent;      /* lent: the caller holds batch next_batch - 1 */
    int epoch, next_position, next_batch, busy;
    int n_threads;
    pthread_t threads[MAX_WORKERS];
};

/* ---- making ---- */

/* Whether the next position may be made now. Under the lock. */
static bool has_work(const yti_loader *loader) {
    if (!loader->running || loader->next_position >= loader->n_samples) return false;
    return loader->next_position / loader->batch < loader->next_batch - loader->lent + RING;
}

static int batch_count(const yti_loader *loader, int b) {
    int left = loader->n_samples - b * loader->batch;
    return left < loader->batch ? left : loader->batch;
}

/* The shape of the images of batch b, before multi_scale. */
static yti_input_shape base_shape(const yti_loader *loader, int b) {
    return loader->shapes ? loader->shapes[b] : (yti_input_shape){loader->config.imgsz, loader->config.imgsz};
}

/* Takes the next position; its first image readies the slot. Under the lock. */
static int take_position(yti_loader *loader) {
    int position = loader->next_position++, b = position / loader->batch;
    if (position % loader->batch == 0) {
        slot *s = &loader->slots[b % RING];
        s->index = b;
        s->count = batch_count(loader, b);
        s->done = 0;
        s->made = base_shape(loader, b);
        s->shape = yti_scaled_shape(s->made, &loader->config, loader->epoch, b);
    }
    loader->busy++;
    return position;
}

static yti_sample_place place_of(int epoch, int position, int sample, yti_input_shape made, yti_input_shape shape) {
    return (yti_sample_place){epoch, position, sample, made.w, made.h, shape.w, shape.h};
}

static void make_image(yti_loader *loader, yti_workspace *workspace, int position) {
    slot *s = &loader->slots[position / loader->batch % RING];
    int i = position % loader->batch;
    uint8_t *rgb = s->rgb + (size_t)i * (size_t)s->shape.h * (size_t)s->shape.w * 3;
    int sample = loader->order[position];
    yti_sample_place place = place_of(loader->epoch, position, sample, s->made, s->shape);
    s->samples[i] = sample;
    s->labels[i].count = 0;
    s->status[i] = loader->config.train ? yti_sample_train(&loader->source, workspace, &loader->augment, &place, rgb,
                                                           &s->labels[i], &s->errors[i])
                                        : yti_sample_validate(&loader->source, sample, s->shape.w, s->shape.h, rgb,
                                                              &s->fits[i], &s->labels[i], &s->errors[i]);
    s->parts[i] = loader->config.train ? workspace->parts : (yti_parts){1, {sample}};
    if (loader->config.train) memcpy(s->fates[i], workspace->fates, sizeof s->fates[i]);
}

static void *worker(void *context) {
    yti_loader *loader = context;
    yti_workspace workspace = {0};
    yti_locale_enter();
    pthread_mutex_lock(&loader->lock);
    while (!loader->stop) {
        if (!has_work(loader)) {
            pthread_cond_wait(&loader->work, &loader->lock);
            continue;
        }
        int position = take_position(loader);
        pthread_mutex_unlock(&loader->lock);
        make_image(loader, &workspace, position);
        pthread_mutex_lock(&loader->lock);
        loader->busy--;
        loader->slots[position / loader->batch % RING].done++;
        pthread_cond_broadcast(&loader->progress);
    }
    pthread_mutex_unlock(&loader->lock);
    yti_workspace_free(&workspace);
    return NULL;
}

/* ---- creating ---- */

static yt_status check_config(const yti_split *split, const yti_loader_config *config, yt_err *err) {
    if (split->n_samples < 1)
        return yt_fail(err, YT_ERR_DATA, "the split '%s' has no images", split->name ? split->name : "");
    if (config->batch < 1 || config->batch > 65536)
        return yt_fail(err, YT_ERR_ARGUMENT, "a batch of %d images; 1 to 65536 are possible", config->batch);
    if (config->workers < 1 || config->workers > MAX_WORKERS)
        return yt_fail(err, YT_ERR_ARGUMENT, "%d workers; 1 to %d are possible", config->workers, MAX_WORKERS);
    if (config->stride < 1 || config->imgsz < 1 || config->imgsz > 8192 || config->imgsz % config->stride != 0)
        return yt_fail(err, YT_ERR_ARGUMENT, "an image size of %d; it must be a multiple of %d, up to 8192",
                       config->imgsz, config->stride);
    if (!(config->rect_pad >= 0 && config->rect_pad <= (config->train ? 0 : 4)))
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "the padding of rectangular batches must be 0 to 4 strides, and 0 in training");
    if (!(config->multi_scale >= 0 && config->multi_scale <= (config->train ? 1 : 0)))
        return yt_fail(err, YT_ERR_ARGUMENT, "multi_scale must be 0 to 1, and 0 in validation");
    return YT_OK;
}

/* Sorts by aspect ratio, which never changes, and gives every batch the shape of its samples. */
static yt_status plan_rectangles(yti_loader *loader, yt_err *err) {
    const yti_split *split = loader->source.split;
    YT_TRY(yti_order_by_aspect(split, loader->order, err));
    loader->shapes = malloc((size_t)loader->n_batches * sizeof *loader->shapes);
    if (!loader->shapes) return yti_no_memory(err, "%d batches", loader->n_batches);
    bool all_equal = true;
    for (int b = 0; b < loader->n_batches; b++) {
        yti_input_shape shape = yti_rect_shape(split, loader->order + (size_t)b * (size_t)loader->batch,
                                               batch_count(loader, b), &loader->config);
        loader->shapes[b] = shape;
        all_equal = all_equal && shape.h == loader->shapes[0].h && shape.w == loader->shapes[0].w;
    }
    loader->shuffles = loader->config.train && all_equal;
    return YT_OK;
}

/* The largest height and width that a batch of any epoch may have. */
static void find_max_shape(yti_loader *loader) {
    int smallest, largest;
    yti_scale_limits(&loader->config, &smallest, &largest);
    loader->max_shape = (yti_input_shape){0, 0};
    for (int b = 0; b < loader->n_batches; b++) {
        yti_input_shape shape = base_shape(loader, b);
        if (loader->config.multi_scale > 0) shape = yti_shape_of_side(shape, largest, loader->config.stride);
        if (shape.h > loader->max_shape.h) loader->max_shape.h = shape.h;
        if (shape.w > loader->max_shape.w) loader->max_shape.w = shape.w;
    }
}

static yt_status create_slot(const yti_loader *loader, slot *s, yt_err *err) {
    size_t n = (size_t)loader->batch; /* <= 65536 images of at most (2 * 8192 + 4 strides)^2: no overflow */
    size_t image_bytes = (size_t)loader->max_shape.h * (size_t)loader->max_shape.w * 3;
    s->rgb = image_bytes <= SIZE_MAX / n ? malloc(n * image_bytes) : NULL;
    s->samples = calloc(n, sizeof *s->samples);
    s->fits = calloc(n, sizeof *s->fits);
    s->labels = calloc(n, sizeof *s->labels);
    s->parts = calloc(n, sizeof *s->parts);
    s->fates = calloc(n, sizeof *s->fates);
    s->batch_parts = calloc(n * YTI_MAX_PARTS, sizeof *s->batch_parts);
    s->status = calloc(n, sizeof *s->status);
    s->errors = calloc(n, sizeof *s->errors);
    if (!s->rgb || !s->samples || !s->fits || !s->labels || !s->parts || !s->fates || !s->batch_parts || !s->status ||
        !s->errors)
        return yti_no_memory(err, "batches of %d images of %d x %d; try a smaller batch", loader->batch,
                             loader->max_shape.w, loader->max_shape.h);
    return YT_OK;
}

static void free_slot(const yti_loader *loader, slot *s) {
    for (int i = 0; s->labels && i < loader->batch; i++) free(s->labels[i].items);
    free(s->rgb);
    free(s->samples);
    free(s->fits);
    free(s->labels);
    free(s->parts);
    free(s->fates);
    free(s->batch_parts);
    free(s->status);
    free(s->errors);
    free(s->target_image);
    free(s->target_class);
    free(s->target_boxes);
}

static yt_status allocate(yti_loader *loader, const yti_split *split, yt_err *err) {
    const yti_loader_config *config = &loader->config;
    loader->n_samples = split->n_samples;
    loader->batch = config->batch < split->n_samples ? config->batch : split->n_samples;
    loader->n_batches = (loader->n_samples - 1) / loader->batch + 1;
    loader->shuffles = config->train;
    loader->source = (yti_sample_source){.split = split, .side = config->imgsz, .seed = config->seed};
    loader->order = calloc((size_t)loader->n_samples, sizeof *loader->order);
    if (!loader->order) return yti_no_memory(err, "%d samples", loader->n_samples);
    YT_TRY(yti_image_cache_create(split, config->imgsz, config->as_predicted, config->cache_bytes,
                                  &loader->source.cache, err));
    for (int i = 0; i < loader->n_samples; i++) loader->order[i] = i;
    if (config->rect) YT_TRY(plan_rectangles(loader, err));
    find_max_shape(loader);
    for (int i = 0; i < RING; i++) YT_TRY(create_slot(loader, &loader->slots[i], err));
    return YT_OK;
}

/* One thread is enough to work with. */
static yt_status start_threads(yti_loader *loader, yt_err *err) {
    while (loader->n_threads < loader->config.workers &&
           pthread_create(&loader->threads[loader->n_threads], NULL, worker, loader) == 0)
        loader->n_threads++;
    if (loader->n_threads == 0) return yt_fail(err, YT_ERR_NO_MEMORY, "no thread could be started to load images");
    return YT_OK;
}

static bool create_locks(yti_loader *loader) {
    if (pthread_mutex_init(&loader->lock, NULL) != 0) return false;
    if (pthread_cond_init(&loader->work, NULL) == 0) {
        if (pthread_cond_init(&loader->progress, NULL) == 0) return true;
        pthread_cond_destroy(&loader->work);
    }
    pthread_mutex_destroy(&loader->lock);
    return false;
}

yt_status yti_loader_create(const yti_split *split, const yti_loader_config *config, yti_loader **out, yt_err *err) {
    YT_TRY(check_config(split, config, err));
    yti_loader *loader = calloc(1, sizeof *loader);
    if (!loader || !create_locks(loader)) {
        free(loader);
        return yti_no_memory(err, "the loader");
    }
    loader->config = *config;
    yt_status status = allocate(loader, split, err);
    if (status == YT_OK) status = start_threads(loader, err);
    if (status != YT_OK) {
        yti_loader_destroy(loader);
        return status;
    }
    *out = loader;
    return YT_OK;
}

void yti_loader_destroy(yti_loader *loader) {
    if (!loader) return;
    pthread_mutex_lock(&loader->lock);
    loader->stop = true;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    for (int i = 0; i < loader->n_threads; i++) pthread_join(loader->threads[i], NULL);
    for (int i = 0; i < RING; i++) free_slot(loader, &loader->slots[i]);
    yti_image_cache_destroy(loader->source.cache);
    free(loader->order);
    free(loader->shapes);
    pthread_cond_destroy(&loader->progress);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->lock);
    free(loader);
}

int yti_loader_batches(const yti_loader *loader) {
    return loader->n_batches;
}

void yti_loader_max_shape(const yti_loader *loader, int *n, int *h, int *w) {
    *n = loader->batch;
    *h = loader->max_shape.h;
    *w = loader->max_shape.w;
}

/* ---- running ---- */

/* A mosaic or a mix has no shape of its own, so rectangular batches do without (spec training 2.2). */
static yti_augment possible_augment(const yti_loader *loader, const yti_augment *wanted) {
    yti_augment augment = wanted ? *wanted : (yti_augment){0};
    if (loader->config.rect) augment.mosaic = augment.mixup = augment.cutmix = 0;
    return augment;
}

yt_status yti_loader_begin(yti_loader *loader, int epoch, int first, const yti_augment *augment, yt_err *err) {
    if (first < 0 || first > loader->n_batches || epoch < 0)
        return yt_fail(err, YT_ERR_ARGUMENT, "batch %d of epoch %d; an epoch has %d batches", first, epoch,
                       loader->n_batches);
    pthread_mutex_lock(&loader->lock);
    loader->running = false;
    while (loader->busy > 0) pthread_cond_wait(&loader->progress, &loader->lock);
    loader->augment = possible_augment(loader, augment);
    if (loader->shuffles) yti_order_shuffle(loader->order, loader->n_samples, loader->config.seed, epoch);
    loader->epoch = epoch;
    loader->next_batch = first;
    loader->next_position = first < loader->n_batches ? first * loader->batch : loader->n_samples;
    loader->lent = false;
    for (int i = 0; i < RING; i++) loader->slots[i].index = -1;
    loader->running = true;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    return YT_OK;
}

/* Makes room for all boxes of a batch. */
static yt_status reserve_targets(slot *s, size_t count, yt_err *err) {
    if (count == 0) return YT_OK;
    int *image = yti_grow(s->target_image, &s->image_capacity, count, sizeof *image);
    if (image) s->target_image = image;
    int *class_id = yti_grow(s->target_class, &s->class_capacity, count, sizeof *class_id);
    if (class_id) s->target_class = class_id;
    yti_cxcywh *boxes = yti_grow(s->target_boxes, &s->box_capacity, count, sizeof *boxes);
    if (boxes) s->target_boxes = boxes;
    if (!image || !class_id || !boxes) return yti_no_memory(err, "%zu boxes", count);
    return YT_OK;
}

static int collate_parts(slot *s) {
    int n = 0;
    for (int i = 0; i < s->count; i++)
        for (int k = 0; k < s->parts[i].count; k++) s->batch_parts[n++] = s->parts[i].samples[k];
    return n;
}

/* Puts the boxes of all images one after the other. The slot is ready, so no worker touches it. */
static yt_status collate(const yti_loader *loader, slot *s, yt_err *err) {
    size_t total = 0;
    for (int i = 0; i < s->count; i++) {
        if (s->status[i] != YT_OK) {
            if (err) *err = s->errors[i];
            return s->status[i];
        }
        total += (size_t)s->labels[i].count;
    }
    YT_TRY(reserve_targets(s, total, err));
    size_t at = 0;
    for (int i = 0; i < s->count; i++)
        for (int j = 0; j < s->labels[i].count; j++, at++) {
            s->target_image[at] = i;
            s->target_class[at] = s->labels[i].items[j].class_id;
            s->target_boxes[at] = s->labels[i].items[j].box;
        }
    s->batch = (yti_batch){.n = s->count,
                           .h = s->shape.h,
                           .w = s->shape.w,
                           .rgb = s->rgb,
                           .targets = {(int)total, s->target_image, s->target_class, s->target_boxes},
                           .samples = s->samples,
                           .fits = loader->config.train ? NULL : s->fits,
                           .n_parts = collate_parts(s),
                           .parts = s->batch_parts};
    for (int i = 0; i < s->count; i++)
        for (int fate = 0; fate < YT_BOX_FATES; fate++) s->batch.fates[fate] += s->fates[i][fate];
    return YT_OK;
}

yt_status yti_loader_next(yti_loader *loader, const yti_batch **batch, yt_err *err) {
    *batch = NULL;
    pthread_mutex_lock(&loader->lock);
    bool running = loader->running;
    loader->lent = false; /* gives the former batch's slot back */
    pthread_cond_broadcast(&loader->work);
    bool more = running && loader->next_batch < loader->n_batches;
    slot *s = &loader->slots[loader->next_batch % RING];
    if (more) {
        while (!(s->index == loader->next_batch && s->done == s->count))
            pthread_cond_wait(&loader->progress, &loader->lock);
        loader->next_batch++;
        loader->lent = true;
    }
    pthread_mutex_unlock(&loader->lock);
    if (!running) return yt_fail(err, YT_ERR_ARGUMENT, "no epoch was begun");
    if (!more) return YT_OK;
    YT_TRY(collate(loader, s, err));
    *batch = &s->batch;
    return YT_OK;
}
