/* run_pictures.c: sheets of a batch while it is trained on, and of validation at the end; see run_pictures.h. */
#include "pictures/run_pictures.h"
#include "base/file.h"
#include "draw/sheet.h"
#include "pictures/curves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PER_SHEET = 16, SHEETS = 3, SIDE = 1920, CELL = 640, MAX_FOUND = 100 };

static const float SHOWN = 0.25f; /* detections above this score */

/* What the last validation has found in one of the first images. */
typedef struct found_in {
    yt_detection *detections; /* in pixels of the image; NULL: none yet */
    int n;
} found_in;

typedef struct pictures {
    yti_problem_sink problem;
    void *context;
    bool complained;
    const yti_train_info *info;
    yti_colour *colours;
    found_in found[PER_SHEET * SHEETS];
    int closed_at; /* epoch from 0 that begins without mosaics */
} pictures;

/* ---- a sheet ---- */

static yt_status save(const pictures *p, const yti_sheet *sheet, const char *name, yt_err *err) {
    char *path = yti_path_join(p->info->folder, name);
    if (!path) return yti_no_memory(err, "the name of %s", name);
    const yt_status status = yt_image_save(path, &sheet->image, err);
    free(path);
    return status;
}

static void complain(pictures *p, const yt_err *err) {
    char text[sizeof err->text + 64];
    if (!p->complained && p->problem) {
        snprintf(text, sizeof text, "an image of the run cannot be written: %s", err->text);
        p->problem(p->context, text);
    }
    p->complained = true;
}

static yt_xyxy in_pixels(yti_cxcywh box, int w, int h) {
    const float fw = (float)w, fh = (float)h;
    return yti_xyxy_from_cxcywh((yti_cxcywh){box.cx * fw, box.cy * fh, box.w * fw, box.h * fh});
}

static yti_sheet_boxes boxes_of(const pictures *p, const yt_detection *list, int n) {
    return (yti_sheet_boxes){list, n, (const char *const *)p->info->names->names, p->colours};
}

/* ---- batches ---- */

/* An image of a batch with the boxes that the network is taught. */
static yt_status place_image(const pictures *p, yti_sheet *sheet, const yti_batch *batch, int i, yt_err *err) {
    const size_t bytes = (size_t)batch->w * (size_t)batch->h * 3;
    const yti_targets *t = &batch->targets;
    yt_detection *list = malloc(((size_t)t->count + 1) * sizeof *list);
    int n = 0;
    if (!list) return yti_no_memory(err, "the boxes of a batch");
    for (int k = 0; k < t->count; k++)
        if (t->image[k] == i)
            list[n++] = (yt_detection){in_pixels(t->boxes[k], batch->w, batch->h), -1, t->class_id[k]};
    const yti_sheet_boxes boxes = boxes_of(p, list, n);
    const yt_status status = yti_sheet_place(sheet, i, batch->rgb + (size_t)i * bytes, batch->w, batch->h, &boxes, err);
    free(list);
    return status;
}

static yt_status draw_batch(const pictures *p, const yti_batch *batch, const char *name, yt_err *err) {
    const int n = batch->n < PER_SHEET ? batch->n : PER_SHEET;
    yti_sheet sheet;
    YT_TRY(yti_sheet_create(n, batch->w, batch->h, SIDE, &sheet, err));
    yt_status status = YT_OK;
    for (int i = 0; i < n && status == YT_OK; i++) status = place_image(p, &sheet, batch, i, err);
    if (status == YT_OK) status = save(p, &sheet, name, err);
    yt_image_free(&sheet.image);
    return status;
}

static bool wants(const pictures *p, const yti_train_batch *batch) {
    const bool begins = batch->step < SHEETS;
    const bool closes = p->closed_at > 0 && batch->epoch == p->closed_at && batch->batch < SHEETS;
    return batch->data && (begins || closes);
}

static void see_batch(void *context, const yti_train_batch *batch) {
    pictures *p = context;
    char name[64];
    yt_err err;
    if (!wants(p, batch)) return;
    snprintf(name, sizeof name, "train_batch%lld.jpg", (long long)batch->step);
    if (draw_batch(p, batch->data, name, &err) != YT_OK) complain(p, &err);
}

/* ---- validation ---- */

static yt_status see_validated(void *context, const yti_validated_image *image, yt_err *err) {
    pictures *p = context;
    if (image->sample >= PER_SHEET * SHEETS) return YT_OK;
    found_in *f = &p->found[image->sample];
    if (!f->detections) f->detections = malloc(MAX_FOUND * sizeof *f->detections);
    if (!f->detections) return yti_no_memory(err, "detections");
    f->n = 0;
    for (int i = 0; i < image->n_detections && f->n < MAX_FOUND; i++)
        if (image->detections[i].score > SHOWN) f->detections[f->n++] = image->detections[i];
    yti_detections_to_image(f->detections, f->n, &image->fit);
    return YT_OK;
}

/* malloc'd: the truth of an image, or what was found in it; NULL: no memory. */
static yt_detection *list_boxes(const yti_sample *sample, const found_in *found, bool truth, int *n) {
    yt_detection *list = malloc(((size_t)(truth ? sample->n_labels : found->n) + 1) * sizeof *list);
    *n = 0;
    for (int i = 0; list && truth && i < sample->n_labels; i++) {
        const yti_label *label = &sample->labels[i];
        if (!label->coco_only)
            list[(*n)++] = (yt_detection){in_pixels(label->box, sample->w, sample->h), -1, label->class_id};
    }
    for (int i = 0; list && !truth && i < found->n; i++) list[(*n)++] = found->detections[i];
    return list;
}

/* An image that was readable when it was validated may be gone: its cell stays white. */
static yt_status place_sample(const pictures *p, yti_sheet *sheet, int cell, int sample, bool truth, yt_err *err) {
    const yti_sample *of = &p->info->val->samples[sample];
    yt_image image;
    int n;
    if (yt_image_load(of->image_path, &image, err) != YT_OK) return YT_OK;
    yt_detection *list = list_boxes(of, &p->found[sample], truth, &n);
    const yti_sheet_boxes boxes = boxes_of(p, list, n);
    const yt_status status = list ? yti_sheet_place(sheet, cell, image.rgb, image.w, image.h, &boxes, err)
                                  : yti_no_memory(err, "the boxes of a sheet");
    free(list);
    yt_image_free(&image);
    return status;
}

static yt_status draw_validated(const pictures *p, int number, bool truth, yt_err *err) {
    const int first = number * PER_SHEET, left = p->info->val->n_samples - first,
              n = left < PER_SHEET ? left : PER_SHEET;
    char name[64];
    yti_sheet sheet;
    YT_TRY(yti_sheet_create(n, CELL, CELL, SIDE, &sheet, err));
    snprintf(name, sizeof name, "val_batch%d_%s.jpg", number, truth ? "labels" : "pred");
    yt_status status = YT_OK;
    for (int i = 0; i < n && status == YT_OK; i++) status = place_sample(p, &sheet, i, first + i, truth, err);
    if (status == YT_OK) status = save(p, &sheet, name, err);
    yt_image_free(&sheet.image);
    return status;
}

/* ---- the run ---- */

static yt_status start(void *context, const yti_train_info *info, yt_err *err) {
    pictures *p = context;
    p->info = info;
    p->closed_at = info->config->close_mosaic > 0 ? info->epochs - (int)info->config->close_mosaic : 0;
    YT_TRY(yti_palette_create(info->names->count, &p->colours, err));
    yt_err reason;
    const char *const *names = (const char *const *)info->names->names;
    if (yti_draw_labels(info->folder, info->train, names, info->names->count, &reason) != YT_OK) complain(p, &reason);
    return YT_OK;
}

static void finish(void *context, const yti_train_summary *summary) {
    pictures *p = context;
    const char *const *names = (const char *const *)p->info->names->names;
    yt_err err;
    if (yti_draw_tables(p->info->folder, names, p->info->names->count, &err) != YT_OK) complain(p, &err);
    for (int i = 0; i < SHEETS && i * PER_SHEET < p->info->val->n_samples && summary->classes; i++)
        if (draw_validated(p, i, true, &err) != YT_OK || draw_validated(p, i, false, &err) != YT_OK) complain(p, &err);
}

yt_status yti_run_pictures_create(yti_problem_sink problem, void *context, yti_train_observer *out, yt_err *err) {
    pictures *p = calloc(1, sizeof *p);
    if (!p) return yti_no_memory(err, "the images of a run");
    p->problem = problem;
    p->context = context;
    *out = (yti_train_observer){
        .start = start, .batch = see_batch, .validated = see_validated, .finish = finish, .context = p};
    return YT_OK;
}

void yti_run_pictures_destroy(yti_train_observer *observer) {
    pictures *p = observer->context;
    if (!p) return;
    for (int i = 0; i < PER_SHEET * SHEETS; i++) free(p->found[i].detections);
    free(p->colours);
    free(p);
    observer->context = NULL;
}
