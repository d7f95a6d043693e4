/* class_results.c: epoch,class_id,class,images,boxes and four metrics; see class_results.h. */
#include "train/observe/class_results.h"
#include "base/csv.h"
#include "base/csv_log.h"
#include "base/file.h"

#include <stdlib.h>

static const char header[] = "epoch,class_id,class,images,boxes,precision,recall,mAP50,mAP50-95";

typedef struct table {
    FILE *file;
    char *path;
    const yti_class_names *names;
} table;

static yt_status start(void *context, const yti_train_info *info, yt_err *err) {
    table *t = context;
    t->names = info->names;
    t->path = yti_path_join(info->folder, "results_per_class.csv");
    if (!t->path) return yti_no_memory(err, "the name of results_per_class.csv");
    return yti_csv_log_open(t->path, header, info->first_epoch + 1, &t->file, err);
}

static void put_row(const table *t, int epoch, int class_id, const yti_class_metrics *m) {
    const double values[] = {m->precision, m->recall, m->ap50, m->ap};
    fprintf(t->file, "%d,%d,", epoch, class_id);
    yti_csv_text(t->file, t->names->names[class_id]);
    fprintf(t->file, ",%d,%d", m->n_images, m->n_truth);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        fputc(',', t->file);
        yti_csv_number(t->file, values[i]);
    }
    fputc('\n', t->file);
}

static yt_status epoch(void *context, const yti_train_epoch *row, yt_err *err) {
    const table *t = context;
    if (!row->classes) return YT_OK;
    for (int i = 0; i < t->names->count; i++)
        if (row->classes[i].n_truth > 0) put_row(t, row->epoch, i, &row->classes[i]);
    return yti_csv_log_flush(t->file, t->path, err);
}

yt_status yti_class_results_create(yti_train_observer *out, yt_err *err) {
    table *t = calloc(1, sizeof *t);
    if (!t) return yti_no_memory(err, "results_per_class.csv");
    *out = (yti_train_observer){.start = start, .epoch = epoch, .context = t};
    return YT_OK;
}

void yti_class_results_destroy(yti_train_observer *observer) {
    table *t = observer->context;
    if (!t) return;
    if (t->file) fclose(t->file); /* every epoch was flushed and checked */
    free(t->path);
    free(t);
    observer->context = NULL;
}
