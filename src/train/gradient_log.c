/* gradient_log.c: gradients.csv: how large gradients are along the network, epoch by epoch.
 *
 *   epoch,kind,row,name,rms
 *
 * kind "activation": dL/dx of the feature map that leaves a row of the model YAML, where a gradient flows.
 * kind "weight": the gradient of each convolution's weights as the optimiser gets it, summed over the batches
 * of an update and before clipping. rms is sqrt(mean over the epoch's batches, or updates, of the mean
 * square).
 */
#include "train/csv_log.h"
#include "train/observers.h"
#include "yt/file.h"
#include "yt/kernels.h"

#include <stdlib.h>
#include <string.h>

typedef struct mean_square {
    double sum;
    int count;
} mean_square;

typedef struct gradient_log {
    FILE *file;
    char *path;
    const yt_model *model;
    int threads;
    mean_square *rows;    /* [n_rows] */
    mean_square *weights; /* [n_params] */
} gradient_log;

static yt_status start(void *context, const yt_train_info *info, yt_err *err) {
    gradient_log *log = context;
    log->model = info->model;
    log->threads = info->config->threads;
    log->path = yt_path_join(info->folder, "gradients.csv");
    log->rows = calloc((size_t)log->model->n_rows + 1, sizeof *log->rows);
    log->weights = calloc((size_t)log->model->n_params + 1, sizeof *log->weights);
    if (!log->path || !log->rows || !log->weights)
        return yt_fail(err, YT_NO_MEMORY, "no memory for gradients.csv");
    return yt_csv_open(log->path, "epoch,kind,row,name,rms", info->first_epoch, &log->file, err);
}

static double mean_square_of(yt_tensor t) {
    double sum = 0;
    size_t pixels = yt_tensor_pixels(t);
    for (size_t p = 0; p < pixels; p++) {
        const float *x = t.data + (ptrdiff_t)p * t.ld;
        for (int c = 0; c < t.c; c++) sum += (double)x[c] * (double)x[c];
    }
    return sum / ((double)pixels * t.c);
}

static void backward(void *context, yt_value value, yt_tensor gradient) {
    gradient_log *log = context;
    if (!gradient.data) return;
    for (int i = 0; i < log->model->n_rows; i++) {
        if (log->model->rows[i].output != value) continue;
        log->rows[i].sum += mean_square_of(gradient);
        log->rows[i].count++;
    }
}

static void batch(void *context, const yt_train_batch *report) {
    gradient_log *log = context;
    if (!report->updates) return;
    for (int i = 0; i < log->model->n_params; i++) {
        const yt_param_info *info = &log->model->params[i];
        if (info->kind != YT_PARAM_WEIGHT || info->frozen) continue;
        const float *grads = log->model->state.grads + info->offset;
        log->weights[i].sum +=
            yt_kernels_get()->sum_squares(grads, info->count, log->threads) / (double)info->count;
        log->weights[i].count++;
    }
}

static void write_row(const gradient_log *log, int epoch_number, const char *kind, int row, const char *name,
                      mean_square *value) {
    if (value->count)
        fprintf(log->file, "%d,%s,%d,%s,%.6g\n", epoch_number, kind, row, name,
                sqrt(value->sum / value->count));
    *value = (mean_square){0};
}

static yt_status epoch(void *context, const yt_train_epoch *report, yt_err *err) {
    gradient_log *log = context;
    for (int i = 0; i < log->model->n_rows; i++)
        write_row(log, report->epoch, "activation", i, log->model->rows[i].module, &log->rows[i]);
    for (int i = 0; i < log->model->n_params; i++) {
        const yt_param_info *info = &log->model->params[i];
        write_row(log, report->epoch, "weight", info->row, info->name, &log->weights[i]);
    }
    return yt_csv_flush(log->file, log->path, err);
}

yt_status yt_gradient_log_create(yt_train_observer *out, yt_err *err) {
    gradient_log *log = calloc(1, sizeof *log);
    if (!log) return yt_fail(err, YT_NO_MEMORY, "no memory for gradients.csv");
    *out = (yt_train_observer){
        .start = start, .backward = backward, .batch = batch, .epoch = epoch, .context = log};
    return YT_OK;
}

void yt_gradient_log_destroy(yt_train_observer *observer) {
    gradient_log *log = observer->context;
    if (!log) return;
    if (log->file) fclose(log->file); /* every epoch was flushed and checked */
    free(log->path);
    free(log->rows);
    free(log->weights);
    free(log);
    observer->context = NULL;
}
