/* curve_files.c: the curves of a validation as tables, one row per class and point, so that any tool can select and
 * plot them.
 */
#include "base/file.h"
#include "base/csv.h"
#include "eval/metrics.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    yti_file_writer pr, confidence;
} writers;

static void put_class(FILE *file, int class_id, const char *name) {
    fprintf(file, "%d,", class_id);
    yti_csv_text(file, name);
}

static void put_curves(const writers *to, int class_id, const char *name, const yti_class_curves *curves) {
    for (int i = 0; i < YT_PR_POINTS; i++) {
        put_class(to->pr.stream, class_id, name);
        fprintf(to->pr.stream, ",%d.%02d,", i / 100, i % 100);
        yti_csv_number(to->pr.stream, curves->pr[i]);
        fputc('\n', to->pr.stream);
    }
    for (int i = 0; i < YT_CONFIDENCE_POINTS; i++) {
        put_class(to->confidence.stream, class_id, name);
        const int millionths = (int)lround(1e6 * i / (YT_CONFIDENCE_POINTS - 1));
        const double *numbers[] = {curves->precision, curves->recall, curves->f1};
        fprintf(to->confidence.stream, ",%d.%06d", millionths / 1000000, millionths % 1000000);
        for (int k = 0; k < 3; k++) {
            fputc(',', to->confidence.stream);
            yti_csv_number(to->confidence.stream, numbers[k][i]);
        }
        fputc('\n', to->confidence.stream);
    }
}

/* all += each: `all` counts in n_truth how many classes it sums up. */
static void add_curves(yti_class_curves *all, const yti_class_curves *each) {
    all->n_truth++;
    for (int i = 0; i < YT_PR_POINTS; i++) all->pr[i] += each->pr[i];
    for (int i = 0; i < YT_CONFIDENCE_POINTS; i++) {
        all->precision[i] += each->precision[i];
        all->recall[i] += each->recall[i];
        all->f1[i] += each->f1[i];
    }
}

static void divide_curves(yti_class_curves *all) {
    for (int i = 0; i < YT_PR_POINTS; i++) all->pr[i] /= all->n_truth;
    for (int i = 0; i < YT_CONFIDENCE_POINTS; i++) {
        all->precision[i] /= all->n_truth;
        all->recall[i] /= all->n_truth;
        all->f1[i] /= all->n_truth;
    }
}

static yt_status write_all(const yti_metrics *metrics, const char *const *names, const writers *to, yt_err *err) {
    fputs("class_id,class,recall,precision\n", to->pr.stream);
    fputs("class_id,class,confidence,precision,recall,f1\n", to->confidence.stream);
    yti_class_curves all = {0};
    for (int c = 0; c < yti_metrics_classes(metrics); c++) {
        yti_class_curves curves;
        YT_TRY(yti_metrics_curves(metrics, c, &curves, err));
        if (curves.n_truth == 0) continue;
        put_curves(to, c, names[c], &curves);
        add_curves(&all, &curves);
    }
    if (all.n_truth == 0) return YT_OK;
    divide_curves(&all);
    put_curves(to, -1, "all", &all);
    return YT_OK;
}

static yt_status open_in(const char *folder, const char *name, yti_file_writer *out, yt_err *err) {
    char *path = yti_path_join(folder, name);
    if (!path) return yti_no_memory(err, "the name of %s", name);
    yt_status status = yti_file_writer_open(path, out, err);
    free(path);
    return status;
}

yt_status yti_metrics_save_curves(const yti_metrics *metrics, const char *const *names, const char *folder,
                                  yt_err *err) {
    writers to = {0};
    yt_status status = open_in(folder, "pr_curve.csv", &to.pr, err);
    if (status == YT_OK) status = open_in(folder, "confidence_curves.csv", &to.confidence, err);
    if (status == YT_OK) status = write_all(metrics, names, &to, err);
    if (status == YT_OK) status = yti_file_writer_commit(&to.pr, err);
    if (status == YT_OK) status = yti_file_writer_commit(&to.confidence, err);
    yti_file_writer_discard(&to.pr);
    yti_file_writer_discard(&to.confidence);
    return status;
}
