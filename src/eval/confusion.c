/* confusion.c: the confusion matrix of detections, M[predicted][true] with the background as last class.
 *
 * Boxes are matched without regard to their classes: in order of score a detection takes, of the ground truth that is
 * still free and that it overlaps by more than MIN_IOU, the one it overlaps most (the first of equals). What is left
 * over on either side belongs to the background. Detections that nobody would act on say nothing about confusion, so
 * only those above a confidence count, which the table names.
 */
#include "eval/confusion.h"

#include "base/array.h"
#include "base/file.h"
#include "base/csv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const float MIN_IOU = 0.45f; /* the reference trainer's */

struct yti_confusion {
    int n_classes;
    float conf;
    int64_t *counts; /* [n_classes + 1][n_classes + 1] */
    bool *taken;     /* scratch: which truth of one image */
    size_t capacity;
};

static size_t cells(int n_classes) {
    return ((size_t)n_classes + 1) * ((size_t)n_classes + 1);
}

yt_status yti_confusion_create(int n_classes, float conf, yti_confusion **out, yt_err *err) {
    if (n_classes < 1 || n_classes > YT_CONFUSION_CLASSES)
        return yt_fail(err, YT_ERR_ARGUMENT, "a confusion matrix of %d classes; there must be 1 to %d", n_classes,
                       YT_CONFUSION_CLASSES);
    yti_confusion *confusion = calloc(1, sizeof *confusion);
    if (confusion) {
        confusion->n_classes = n_classes;
        confusion->conf = conf;
        confusion->counts = calloc(cells(n_classes), sizeof *confusion->counts);
    }
    if (!confusion || !confusion->counts) {
        yti_confusion_destroy(confusion);
        return yti_no_memory(err, "a confusion matrix of %d classes", n_classes);
    }
    *out = confusion;
    return YT_OK;
}

void yti_confusion_destroy(yti_confusion *confusion) {
    if (!confusion) return;
    free(confusion->counts);
    free(confusion->taken);
    free(confusion);
}

void yti_confusion_reset(yti_confusion *confusion) {
    memset(confusion->counts, 0, cells(confusion->n_classes) * sizeof *confusion->counts);
}

static int64_t *cell(const yti_confusion *confusion, int predicted, int truth) {
    return &confusion->counts[(size_t)predicted * ((size_t)confusion->n_classes + 1) + (size_t)truth];
}

int64_t yti_confusion_count(const yti_confusion *confusion, int predicted, int truth) {
    return *cell(confusion, predicted, truth);
}

static bool known(const yti_confusion *confusion, int class_id) {
    return class_id >= 0 && class_id < confusion->n_classes;
}

static yt_status check(const yti_confusion *confusion, const yt_detection *detections, int n_detections,
                       const int *truth_class, int n_truth, yt_err *err) {
    for (int i = 0; i < n_detections; i++)
        if (!known(confusion, detections[i].class_id))
            return yt_fail(err, YT_ERR_ARGUMENT, "detection %d has class %d; classes are 0 to %d", i,
                           detections[i].class_id, confusion->n_classes - 1);
    for (int i = 0; i < n_truth; i++)
        if (!known(confusion, truth_class[i]))
            return yt_fail(err, YT_ERR_ARGUMENT, "ground-truth box %d has class %d; classes are 0 to %d", i,
                           truth_class[i], confusion->n_classes - 1);
    return YT_OK;
}

/* The free truth that a box overlaps most; -1: none by more than MIN_IOU. */
static int best_free(yt_xyxy box, const yt_xyxy *truth, const bool *taken, int n_truth) {
    float best = MIN_IOU;
    int at = -1;
    for (int g = 0; g < n_truth; g++) {
        const float iou = taken[g] ? 0 : yti_box_iou(truth[g], box, 1e-7f);
        if (iou > best) {
            best = iou;
            at = g;
        }
    }
    return at;
}

yt_status yti_confusion_add(yti_confusion *confusion, const yt_detection *detections, int n_detections,
                            const yt_xyxy *truth, const int *truth_class, int n_truth, yt_err *err) {
    YT_TRY(check(confusion, detections, n_detections, truth_class, n_truth, err));
    bool *taken = yti_grow(confusion->taken, &confusion->capacity, (size_t)n_truth + 1, sizeof *taken);
    if (!taken) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to match %d ground-truth boxes", n_truth);
    confusion->taken = taken;
    memset(taken, 0, (size_t)n_truth * sizeof *taken);
    const int background = confusion->n_classes;
    for (int i = 0; i < n_detections; i++) {
        if (!(detections[i].score > confusion->conf)) continue;
        const int g = best_free(detections[i].box, truth, taken, n_truth);
        if (g >= 0) taken[g] = true;
        ++*cell(confusion, detections[i].class_id, g >= 0 ? truth_class[g] : background);
    }
    for (int g = 0; g < n_truth; g++)
        if (!taken[g]) ++*cell(confusion, background, truth_class[g]);
    return YT_OK;
}

yt_status yti_confusion_save(const yti_confusion *confusion, const char *const *names, const char *path, yt_err *err) {
    yti_file_writer writer;
    YT_TRY(yti_file_writer_open(path, &writer, err));
    int n = confusion->n_classes;
    fprintf(writer.stream, "predicted at confidence > %g", (double)confusion->conf);
    for (int c = 0; c <= n; c++) {
        fputc(',', writer.stream);
        yti_csv_text(writer.stream, c < n ? names[c] : "background");
    }
    fputc('\n', writer.stream);
    for (int p = 0; p <= n; p++) {
        yti_csv_text(writer.stream, p < n ? names[p] : "background");
        for (int c = 0; c <= n; c++) fprintf(writer.stream, ",%lld", (long long)*cell(confusion, p, c));
        fputc('\n', writer.stream);
    }
    return yti_file_writer_commit(&writer, err);
}
