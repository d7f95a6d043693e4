/* advanced.c: what advanced.h offers beside the trainings' maps (training.c). */
#include "yolotrain/advanced.h"
#include "api/call.h"
#include "api/search.h"
#include "eval/coco_eval.h"
#include "export/export.h"
#include "model/model.h"
#include "weights/weights.h"

#include <limits.h>
#include <stdlib.h>

/* ---- COCO's evaluation ---- */

struct yt_coco {
    yti_coco_eval *eval;
    int n_classes;
};

yt_status yt_coco_create(int n_classes, yt_coco **out, yt_err *err) {
    if (n_classes < 1) return yt_fail(err, YT_ERR_ARGUMENT, "%d classes cannot be judged", n_classes);
    yt_coco *coco = calloc(1, sizeof *coco);
    if (!coco) return yti_no_memory(err, "COCO's evaluation");
    coco->n_classes = n_classes;
    const yt_status status = yti_coco_eval_create(n_classes, &coco->eval, err);
    if (status == YT_OK)
        *out = coco;
    else
        free(coco);
    return status;
}

void yt_coco_destroy(yt_coco *coco) {
    if (!coco) return;
    yti_coco_eval_destroy(coco->eval);
    free(coco);
}

static yt_status check_boxes(const yt_coco *coco, const yt_coco_box *boxes, size_t n, yt_err *err) {
    if (n > INT_MAX) return yt_fail(err, YT_ERR_ARGUMENT, "%zu boxes are too many for an image", n);
    for (size_t i = 0; i < n; i++)
        if (boxes[i].class_id < 0 || boxes[i].class_id >= coco->n_classes)
            return yt_fail(err, YT_ERR_ARGUMENT, "box %zu is of class %d; there are 0 to %d", i, boxes[i].class_id,
                           coco->n_classes - 1);
    return YT_OK;
}

yt_status yt_coco_add(yt_coco *coco, int64_t image, const yt_coco_box *found, size_t n_found, const yt_coco_box *truth,
                      size_t n_truth, yt_err *err) {
    YT_TRY(check_boxes(coco, found, n_found, err));
    YT_TRY(check_boxes(coco, truth, n_truth, err));
    yti_coco_found *f = malloc((n_found + 1) * sizeof *f);
    yti_coco_truth *t = malloc((n_truth + 1) * sizeof *t);
    yt_status status = f && t ? YT_OK : yti_no_memory(err, "the boxes of an image");
    for (size_t i = 0; status == YT_OK && i < n_found; i++)
        f[i] = (yti_coco_found){{found[i].x, found[i].y, found[i].w, found[i].h}, found[i].score, found[i].class_id};
    for (size_t i = 0; status == YT_OK && i < n_truth; i++) {
        const yt_coco_box *b = &truth[i];
        t[i] = (yti_coco_truth){{b->x, b->y, b->w, b->h}, b->area < 0 ? b->w * b->h : b->area, b->class_id, b->crowd};
    }
    if (status == YT_OK) status = yti_coco_eval_add(coco->eval, image, f, (int)n_found, t, (int)n_truth, err);
    free(f);
    free(t);
    return status;
}

yt_status yt_coco_compute(yt_coco *coco, double numbers[12], yt_err *err) {
    return yti_coco_eval_compute(coco->eval, numbers, err);
}

/* ---- networks and weights ---- */

struct yt_layers {
    yti_model *model; /* whose texts the layers lend */
    size_t count;
    yt_layer *layers; /* [count] */
};

static yt_status list_layers(yt_layers *l, int imgsz, yt_err *err) {
    yti_model *model = l->model;
    const size_t n = (size_t)model->n_rows;
    double *gflops = calloc(n + 1, sizeof *gflops);
    l->layers = calloc(n + 1, sizeof *l->layers);
    yt_status status = gflops && l->layers ? yti_model_row_gflops(model, imgsz, gflops, err)
                                           : yti_no_memory(err, "%zu layers", n);
    if (status == YT_OK) status = yti_graph_shapes(model->graph, YT_MODE_EVAL, 1, imgsz, imgsz, NULL, err);
    for (size_t i = 0; status == YT_OK && i < n; i++) {
        const yti_model_row *row = &model->rows[i];
        const yti_shape s = row->output >= 0 ? yti_graph_shape(model->graph, row->output) : (yti_shape){0};
        l->layers[i] = (yt_layer){row->module, row->from, s.h, s.w, s.c, row->params, gflops[i]};
        l->count = n;
    }
    free(gflops);
    return status;
}

static yt_status open_layers(yt_layers *l, const char *model, int n_classes, int imgsz, yt_err *err) {
    yti_search search;
    yti_search_init(&search);
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = n_classes;
    options.search_dirs = search.dirs;
    YT_TRY(yti_model_load(model, &options, &l->model, err));
    return list_layers(l, imgsz, err);
}

yt_status yt_layers_create(const char *model, int n_classes, int imgsz, yt_layers **out, yt_err *err) {
    if (n_classes < 0 || imgsz < 1)
        return yt_fail(err, YT_ERR_ARGUMENT, "a network of %d classes for images of %d pixels is not possible",
                       n_classes, imgsz);
    yt_layers *l = calloc(1, sizeof *l);
    if (!l) return yti_no_memory(err, "the layers of a network");
    yt_status status;
    YTI_IN_C_LOCALE(status = open_layers(l, model, n_classes, imgsz, err));
    if (status == YT_OK)
        *out = l;
    else
        yt_layers_destroy(l);
    return status;
}

void yt_layers_destroy(yt_layers *layers) {
    if (!layers) return;
    free(layers->layers);
    yti_model_destroy(layers->model);
    free(layers);
}

const yt_layer *yt_layers_at(const yt_layers *layers, size_t index) {
    return index < layers->count ? &layers->layers[index] : NULL;
}

yt_status yt_weights_convert(const char *from, const char *to, int half, yt_err *err) {
    yt_status status;
    YTI_IN_C_LOCALE(status = yti_weights_convert(from, to, half != 0, NULL, err));
    return status;
}

static yt_status export_network(const yti_export_job *job, yti_options *options, const char *const *settings,
                                yt_err *err) {
    yti_export_report report;
    for (; settings && settings[0]; settings += 2) {
        if (!settings[1]) return yt_fail(err, YT_ERR_ARGUMENT, "%s: has no value", settings[0]);
        YT_TRY(yti_options_set(options, settings[0], settings[1], err));
    }
    return yti_export_network(job, &report, err);
}

yt_status yt_network_export(const char *from, const char *to, const char *const *settings, yt_err *err) {
    yti_options options;
    yti_search search;
    yt_status status;
    YT_TRY(yti_options_init(yti_export_rows, yti_export_row_count, &options, err));
    yti_search_init(&search);
    const yti_export_job job = {.weights = from, .output = to, .search_dirs = search.dirs, .options = &options};
    YTI_IN_C_LOCALE(status = export_network(&job, &options, settings, err));
    yti_options_free(&options);
    return status;
}
