/* memory.c: what a run will need, against what the machine has, before anything is trained. */
#include "train/parts/memory.h"
#include "image/image.h"
#include "train/step/step_memory.h"

enum {
    PREFETCHED_BATCHES = 3, /* one in use, one waiting, one in the making */
    MOSAIC_IMAGES = 4
};

/* Maps, gradients, saved values and scratch of the largest training step. */
static yt_status step_bytes(const yti_run_view *run, int batch, size_t *bytes, yt_err *err) {
    int n, h, w;
    yti_loader_max_shape(run->data->train_loader, &n, &h, &w);
    return yti_graph_measure(run->parts->model->graph, YT_MODE_TRAIN, batch, h, w, run->config->threads, bytes, err);
}

/* Validation takes twice the training batch (spec training 2.9). */
static int val_images(const yti_run_view *run, int batch) {
    return 2 * batch < run->data->val.n_samples ? 2 * batch : run->data->val.n_samples;
}

static void val_shape(const yti_run_view *run, int *n, int *h, int *w) {
    *n = *h = *w = 0;
    if (run->data->val_loader) yti_loader_max_shape(run->data->val_loader, n, h, w);
}

/* The largest images of a split, one to a worker, as far as they are let in together. */
static size_t decoding_bytes(const yti_split *split, int workers) {
    size_t largest = 0, most = YT_MAX_DECODE_BYTES;
    for (int i = 0; i < split->n_samples; i++)
        if (split->samples[i].decode_bytes > largest) largest = split->samples[i].decode_bytes;
    return largest > most / (size_t)workers ? most : largest * (size_t)workers;
}

/* What is decoded ahead and kept, and the canvas, partner and image that a worker makes one from. */
static size_t loader_bytes(const yti_run_view *run, int batch) {
    int n, h, w;
    yti_loader_max_shape(run->data->train_loader, &n, &h, &w);
    size_t image = (size_t)run->config->imgsz * (size_t)run->config->imgsz * 3;
    size_t images = (size_t)run->data->train.n_samples + (size_t)run->data->val.n_samples;
    size_t cache = (size_t)run->config->cache << 20, all = images * image;
    size_t worker = (size_t)(MOSAIC_IMAGES + (run->config->mixup + run->config->cutmix > 0) + 1) * image;
    size_t held = PREFETCHED_BATCHES * (size_t)h * (size_t)w * 3 * (size_t)batch;
    val_shape(run, &n, &h, &w);
    held += PREFETCHED_BATCHES * (size_t)h * (size_t)w * 3 * (size_t)val_images(run, batch);
    size_t train = decoding_bytes(&run->data->train, run->config->workers),
           val = decoding_bytes(&run->data->val, run->config->workers);
    return (cache < all ? cache : all) + held + (size_t)run->config->workers * worker + (train > val ? train : val);
}

/* Parameters, gradients, average, statistics and waiting gradients before a step, moments; to log gradients, a copy
 * of the weights and one of the statistics. */
static size_t state_bytes(const yti_run_view *run, int batch) {
    const yti_model *model = run->parts->model;
    const size_t logged = run->config->log_gradients ? model->param_count + model->buffer_count : 0;
    const size_t waiting = yti_gradients_may_wait(run->progress, run->config, batch) ? model->param_count : 0;
    return (logged + waiting) * sizeof(float) + (3 * model->param_count + 3 * model->buffer_count) * sizeof(float) +
           yti_optimizer_bytes(run->parts->optimizer);
}

/* Everything, for a batch size. The graph has one arena for training and validation. */
static yt_status run_bytes(const yti_run_view *run, int batch, size_t *bytes, yt_err *err) {
    size_t train, val;
    int n, h, w;
    val_shape(run, &n, &h, &w);
    YT_TRY(step_bytes(run, batch, &train, err));
    n = val_images(run, batch);
    if (n == 0)
        val = 0;
    else
        YT_TRY(yti_graph_measure(run->parts->model->graph, YT_MODE_EVAL, n, h, w, run->config->threads, &val, err));
    *bytes = (train > val ? train : val) + state_bytes(run, batch) + loader_bytes(run, batch);
    return YT_OK;
}

static yt_status refuse(const yti_run_view *run, size_t available, size_t planned, yt_err *err) {
    int fits = 0;
    for (int low = 1, high = run->config->batch - 1; low <= high;) {
        int middle = low + (high - low) / 2;
        size_t bytes;
        YT_TRY(run_bytes(run, middle, &bytes, err));
        if (bytes <= available) {
            fits = middle;
            low = middle + 1;
        } else {
            high = middle - 1;
        }
    }
    char advice[96] = "not even --batch 1 would; use a smaller --imgsz or model";
    if (fits) snprintf(advice, sizeof advice, "the largest batch that fits is --batch %d", fits);
    return yti_fail_memory(run->config->batch, run->config->imgsz, planned, available, advice, err);
}

yt_status yti_memory_check(const yti_run_view *run, size_t available, size_t *planned, yt_err *err) {
    YT_TRY(run_bytes(run, run->config->batch, planned, err));
    const bool fits = available == 0 || *planned <= available;
    return fits ? YT_OK : refuse(run, available, *planned, err);
}
