/* results_csv.c: the reference trainer's table of a run, one row per epoch (spec training 6.3). */
#include "train/observe/results_csv.h"
#include "base/csv_log.h"
#include "base/file.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct results {
    FILE *file;
    char *path;
    yti_group rates[YT_MAX_LR_COLUMNS];
    int n_rates;
    bool has_other; /* the head has two branches: what the other one finds comes last */
} results;

static yt_status start(void *context, const yti_train_info *info, yt_err *err) {
    results *r = context;
    r->path = yti_path_join(info->folder, "results.csv");
    if (!r->path) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for the name of results.csv");
    const char *const *names = info->loss_names;
    char header[1024];
    snprintf(header, sizeof header,
             "epoch,time,train/%s,train/%s,train/%s,metrics/precision(B),metrics/recall(B),metrics/mAP50(B),"
             "metrics/mAP50-95(B),val/%s,val/%s,val/%s",
             names[0], names[1], names[2], names[0], names[1], names[2]);
    r->n_rates = yti_optimizer_columns((yti_optimizer_kind)info->config->optimizer, r->rates);
    for (int i = 0; i < r->n_rates; i++) yti_text_append(header, sizeof header, ",lr/pg%d", i);
    static const char *const metrics[] = {"precision", "recall", "mAP50", "mAP50-95"};
    r->has_other = info->other_head != NULL;
    for (size_t i = 0; r->has_other && i < sizeof metrics / sizeof *metrics; i++)
        yti_text_append(header, sizeof header, ",%s/%s(B)", info->other_head, metrics[i]);
    return yti_csv_open(r->path, header, info->first_epoch + 1, &r->file, err);
}

static void put(FILE *file, const double *values, int count) {
    for (int i = 0; i < count; i++)
        if (isnan(values[i]))
            fputs(",nan", file); /* printf may write -nan */
        else
            fprintf(file, ",%.6g", values[i]);
}

static yt_status epoch(void *context, const yti_train_epoch *row, yt_err *err) {
    results *r = context;
    fprintf(r->file, "%d,%.6g", row->epoch, row->seconds);
    put(r->file, row->train_loss, YT_LOSS_TERMS);
    put(r->file, (double[]){row->precision, row->recall, row->ap50, row->ap}, 4);
    put(r->file, row->val_loss, YT_LOSS_TERMS);
    for (int i = 0; i < r->n_rates; i++) put(r->file, &row->lr[r->rates[i]], 1);
    if (r->has_other)
        put(r->file, (double[]){row->other.precision, row->other.recall, row->other.ap50, row->other.ap}, 4);
    fputc('\n', r->file);
    return yti_csv_flush(r->file, r->path, err);
}

yt_status yti_results_csv_create(yti_train_observer *out, yt_err *err) {
    results *r = calloc(1, sizeof *r);
    if (!r) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for results.csv");
    *out = (yti_train_observer){.start = start, .epoch = epoch, .context = r};
    return YT_OK;
}

void yti_results_csv_destroy(yti_train_observer *observer) {
    results *r = observer->context;
    if (!r) return;
    if (r->file) fclose(r->file); /* every epoch was flushed and checked */
    free(r->path);
    free(r);
    observer->context = NULL;
}
