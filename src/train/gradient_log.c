/* gradient_log.c: gradients.csv: how large gradients are along the network, at steps 0 and 1 and every tenth.
 *
 *   step,epoch,layer,name,kind,stat,value
 *
 * kind "activation_gradient": dL/dx of the feature map that leaves a row of the model YAML, where a gradient flows;
 * "weight": the gradient of a weight tensor as the optimiser gets it, before clipping. step: batches done before.
 */
#include "train/csv_log.h"
#include "train/observers.h"
#include "yt/file.h"

#include <stdlib.h>
#include <string.h>

enum { EVERY = 10 };

typedef struct gradient_log {
    FILE *file;
    char *path;
    const yt_model *model;
    double *rows; /* [n_rows] of this batch; NaN: none */
    long step;
} gradient_log;

static yt_status start(void *context, const yt_train_info *info, yt_err *err) {
    gradient_log *log = context;
    log->model = info->model;
    log->step = (long)info->first_epoch * info->batches;
    log->path = yt_path_join(info->folder, "gradients.csv");
    log->rows = calloc((size_t)log->model->n_rows + 1, sizeof *log->rows);
    if (!log->path || !log->rows) return yt_fail(err, YT_NO_MEMORY, "no memory for gradients.csv");
    return yt_csv_open(log->path, "step,epoch,layer,name,kind,stat,value", info->first_epoch, &log->file,
                       err);
}

static bool is_sampled(const gradient_log *log) {
    return log->step == 1 || log->step % EVERY == 0;
}

static void backward(void *context, yt_value value, yt_tensor gradient) {
    gradient_log *log = context;
    if (!gradient.data || !is_sampled(log)) return;
    for (int i = 0; i < log->model->n_rows; i++) {
        if (log->model->rows[i].output != value) continue;
        double sum = 0;
        for (size_t p = 0; p < yt_tensor_pixels(gradient); p++)
            for (int c = 0; c < gradient.c; c++) {
                double x = (double)gradient.data[(ptrdiff_t)p * gradient.ld + c];
                sum += x * x;
            }
        log->rows[i] = sqrt(sum / (double)yt_tensor_elements(gradient));
        fprintf(log->file, "%ld,%d,%d,%s,activation_gradient,rms,%.6g\n", log->step, 1, i,
                log->model->rows[i].module, log->rows[i]);
    }
}

static void batch(void *context, const yt_train_batch *report) {
    gradient_log *log = context;
    for (int i = 0; is_sampled(log) && report->updates && i < log->model->n_params; i++) {
        const yt_param_info *info = &log->model->params[i];
        if (info->kind != YT_PARAM_WEIGHT || info->frozen) continue;
        double sum = 0, sum_abs = 0;
        for (size_t k = 0; k < info->count; k++) {
            double x = (double)log->model->state.grads[info->offset + k];
            sum += x * x;
            sum_abs += fabs(x);
        }
        fprintf(log->file, "%ld,%d,%d,%s,weight,l2,%.6g\n", log->step, report->epoch + 1, info->row,
                info->name, sqrt(sum));
        fprintf(log->file, "%ld,%d,%d,%s,weight,mean_abs,%.6g\n", log->step, report->epoch + 1, info->row,
                info->name, sum_abs / (double)info->count);
    }
    log->step++;
}

static yt_status epoch(void *context, const yt_train_epoch *report, yt_err *err) {
    (void)report;
    gradient_log *log = context;
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
    free(log);
    observer->context = NULL;
}
