/* results_csv.c: results.csv, a row for every epoch: the reference trainer's table (spec training 6.3), with ours after
 * it. Written by an observer of the run, read back by a study.
 *
 *   epoch,time,train/TERM...,metrics/METRIC(B)...,val/TERM...,lr/pgN...,BRANCH/METRIC(B)...
 *
 * The last ones are of a head with two branches: what the other one finds.
 */
#include "train/observe/results_csv.h"
#include "base/array.h"
#include "base/csv.h"
#include "base/csv_log.h"
#include "base/file.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the columns ---- */

#define EPOCH   "epoch"
#define TRAIN   "train/"
#define VAL     "val/"
#define METRICS "metrics/"
#define BOX     "(B)"

enum { PRECISION, RECALL, AP50, AP, N_METRICS };
static const char *const metrics[N_METRICS] = {"precision", "recall", "mAP50", "mAP50-95"};

/* ---- writing ---- */

typedef struct results {
    FILE *file;
    char *path;
    yti_group rates[YT_MAX_LR_COLUMNS];
    int n_rates;
    bool has_other; /* the head has two branches */
} results;

static void add_terms(char *header, size_t room, const char *prefix, const char *const *names) {
    for (int i = 0; i < YT_LOSS_TERMS; i++) yti_text_append(header, room, ",%s%s", prefix, names[i]);
}

static void add_metrics(char *header, size_t room, const char *prefix) {
    for (int i = 0; i < N_METRICS; i++) yti_text_append(header, room, ",%s%s" BOX, prefix, metrics[i]);
}

static yt_status start(void *context, const yti_train_info *info, yt_err *err) {
    results *r = context;
    r->path = yti_path_join(info->folder, "results.csv");
    if (!r->path) return yti_no_memory(err, "the name of results.csv");
    r->n_rates = yti_optimizer_columns((yti_optimizer_kind)info->config->optimizer, r->rates);
    r->has_other = info->other_head != NULL;
    char header[1024] = EPOCH ",time", branch[64];
    add_terms(header, sizeof header, TRAIN, info->loss_names);
    add_metrics(header, sizeof header, METRICS);
    add_terms(header, sizeof header, VAL, info->loss_names);
    for (int i = 0; i < r->n_rates; i++) yti_text_append(header, sizeof header, ",lr/pg%d", i);
    snprintf(branch, sizeof branch, "%s/", r->has_other ? info->other_head : "");
    if (r->has_other) add_metrics(header, sizeof header, branch);
    return yti_csv_log_open(r->path, header, info->first_epoch + 1, &r->file, err);
}

static void put(FILE *file, const double *values, int count) {
    for (int i = 0; i < count; i++) {
        fputc(',', file);
        yti_csv_number(file, values[i]);
    }
}

static yt_status epoch(void *context, const yti_train_epoch *row, yt_err *err) {
    results *r = context;
    fprintf(r->file, "%d", row->epoch);
    put(r->file, &row->seconds, 1);
    put(r->file, row->train_loss, YT_LOSS_TERMS);
    put(r->file, (double[N_METRICS]){row->precision, row->recall, row->ap50, row->ap}, N_METRICS);
    put(r->file, row->val_loss, YT_LOSS_TERMS);
    for (int i = 0; i < r->n_rates; i++) put(r->file, &row->lr[r->rates[i]], 1);
    if (r->has_other)
        put(r->file, (double[N_METRICS]){row->other.precision, row->other.recall, row->other.ap50, row->other.ap},
            N_METRICS);
    fputc('\n', r->file);
    return yti_csv_log_flush(r->file, r->path, err);
}

yt_status yti_results_csv_create(yti_train_observer *out, yt_err *err) {
    results *r = calloc(1, sizeof *r);
    if (!r) return yti_no_memory(err, "results.csv");
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

/* ---- reading ---- */

static bool begins(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Adds up the columns whose names begin with prefix. */
static bool sum(const yti_csv *csv, const char *prefix, double *out) {
    *out = 0;
    for (int c = 0; c < csv->n_columns; c++) {
        double value;
        if (!begins(csv->columns[c], prefix)) continue;
        if (!yti_csv_real(csv->fields[c], &value)) return false;
        *out += value;
    }
    return true;
}

/* A metric of the branch that chooses the best weights; 0 where the table lacks its column. */
static bool metric(const yti_csv *csv, int which, double *out) {
    char name[64];
    snprintf(name, sizeof name, METRICS "%s" BOX, metrics[which]);
    const int column = yti_csv_column(csv, name);
    *out = 0;
    return column < 0 || (yti_csv_real(csv->fields[column], out) && isfinite(*out));
}

static bool read_row(const yti_csv *csv, yti_results_row *out) {
    const int column = yti_csv_column(csv, EPOCH);
    long number;
    if (csv->n_fields < csv->n_columns || column < 0 || !yti_csv_whole(csv->fields[column], 1, INT32_MAX, &number))
        return false;
    out->epoch = (int)number;
    return sum(csv, TRAIN, &out->train_loss) && sum(csv, VAL, &out->val_loss) && metric(csv, AP50, &out->ap50) &&
           metric(csv, AP, &out->ap);
}

static yt_status read_rows(yti_csv *csv, yti_results_row **rows, int *count, yt_err *err) {
    size_t capacity = 0;
    while (yti_csv_next(csv)) {
        yti_results_row *grown = yti_grow(*rows, &capacity, (size_t)*count + 1, sizeof *grown);
        if (!grown) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for %d epochs", csv->path, *count + 1);
        *rows = grown;
        if (!read_row(csv, &grown[*count]))
            return yti_fail_at(err, YT_ERR_SYNTAX, csv->path, csv->line, "is no row of numbers under the header");
        ++*count;
    }
    return YT_OK;
}

yt_status yti_results_load(const char *path, yti_results_row **out, int *count, yt_err *err) {
    enum { MAX_BYTES = 1 << 28 };
    yti_csv csv;
    yti_results_row *rows = NULL;
    int n = 0;
    YT_TRY(yti_csv_load(path, MAX_BYTES, &csv, err));
    yt_status status = read_rows(&csv, &rows, &n, err);
    yti_csv_free(&csv);
    if (status != YT_OK) {
        free(rows);
        return status;
    }
    *out = rows;
    *count = n;
    return YT_OK;
}
