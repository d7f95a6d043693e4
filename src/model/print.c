/* print.c: the layer table and the operation count of a model. */
#include "model/model.h"

#include <stdlib.h>

/* Counted on the smallest image that every level divides, and scaled by area: 32 pixels for the published models,
 * as their figures are (spec architecture 2.4). */
static int count_side(const yti_model *model) {
    return model->max_stride > 32 ? model->max_stride : 32;
}

/* The expectation over distance bins is a convolution by that convention: anchors x 4 sides x reg_max. */
static double dfl_flops(const yti_model *model) {
    double anchors = 0;
    if (model->reg_max == 1) return 0;
    for (int l = 0; l < model->n_levels; l++) {
        const yti_shape s = yti_graph_shape(model->graph, model->head_box[0][l]);
        anchors += (double)s.h * s.w;
    }
    return 2.0 * anchors * 4 * model->reg_max;
}

/* Operations per node for imgsz x imgsz, malloc'd; the head's DFL is in its last node. */
static yt_status count_flops(yti_model *model, int imgsz, double **out, yt_err *err) {
    const int n = yti_graph_nodes(model->graph);
    double *flops = malloc(sizeof *flops * (size_t)n);
    if (!flops) return yti_no_memory(err, "the layer table");
    const int side = count_side(model);
    yt_status status = yti_graph_shapes(model->graph, YT_MODE_EVAL, 1, side, side, flops, err);
    if (status != YT_OK) {
        free(flops);
        return status;
    }
    flops[n - 1] += dfl_flops(model);
    const double area = (double)imgsz / side * ((double)imgsz / side);
    for (int i = 0; i < n; i++) flops[i] *= area;
    *out = flops;
    return YT_OK;
}

static double sum(const double *values, int first, int end) {
    double total = 0;
    for (int i = first; i < end; i++) total += values[i];
    return total;
}

yt_status yti_model_gflops(yti_model *model, int imgsz, double *gflops, yt_err *err) {
    double *flops;
    YT_TRY(count_flops(model, imgsz, &flops, err));
    *gflops = sum(flops, 0, yti_graph_nodes(model->graph)) * 1e-9;
    free(flops);
    return YT_OK;
}

/* Of one row, from those of the nodes. */
static double row_gflops(const yti_model *model, int i, const double *flops) {
    const int end = i + 1 < model->n_rows ? model->rows[i + 1].first_node : yti_graph_nodes(model->graph);
    return sum(flops, model->rows[i].first_node, end) * 1e-9;
}

yt_status yti_model_row_gflops(yti_model *model, int imgsz, double *gflops, yt_err *err) {
    double *flops;
    YT_TRY(count_flops(model, imgsz, &flops, err));
    for (int i = 0; i < model->n_rows; i++) gflops[i] = row_gflops(model, i, flops);
    free(flops);
    return YT_OK;
}

static void print_row(const yti_model *model, int i, const double *flops, FILE *out) {
    const yti_model_row *row = &model->rows[i];
    char shape[40] = "-";
    if (row->output >= 0) {
        const yti_shape s = yti_graph_shape(model->graph, row->output);
        snprintf(shape, sizeof shape, "%dx%dx%d", s.h, s.w, s.c);
    }
    fprintf(out, "%3d %14s %3d %10zu %8.3f  %-12s %-14s %s\n", i, row->from, row->repeats, row->params,
            row_gflops(model, i, flops), row->module, shape, row->args);
}

yt_status yti_model_print(yti_model *model, int imgsz, FILE *out, yt_err *err) {
    double *flops;
    const int side = count_side(model);
    imgsz = (imgsz + side - 1) / side * side; /* as training rounds it */
    YT_TRY(count_flops(model, imgsz, &flops, err));
    yt_status status = yti_graph_shapes(model->graph, YT_MODE_EVAL, 1, imgsz, imgsz, NULL, err);
    if (status == YT_OK) {
        fprintf(out, "%3s %14s %3s %10s %8s  %-12s %-14s %s\n", "row", "from", "n", "params", "GFLOPs", "module",
                "output h,w,c", "arguments");
        for (int i = 0; i < model->n_rows; i++) print_row(model, i, flops, out);
        fprintf(out, "%s: %d rows, %zu parameters, %.1f GFLOPs at %dx%d, %d classes\n", model->name, model->n_rows,
                yti_model_parameters(model), sum(flops, 0, yti_graph_nodes(model->graph)) * 1e-9, imgsz, imgsz,
                model->n_classes);
    }
    free(flops);
    return status;
}
