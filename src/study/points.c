/* points.c: where in a network dL/dx is looked at, and how deep that is.
 *
 * The depth of a map is the number of convolutions on the longest way from the input to it, so that it counts layers as
 * papers do and is the same with and without shortcuts. A row without parameters (Concat, Upsample) is no place of its
 * own: its map is that of other rows, copied.
 */
#include "study/points.h"
#include "ops/ops.h"

#include <stdlib.h>
#include <string.h>

static void find_depths(const yti_graph *graph, int *depth) {
    for (yti_value v = 0; v < yti_graph_nodes(graph); v++) {
        const yti_value *sources = yti_graph_sources(graph, v);
        int n;
        const yti_op *op = yti_graph_op(graph, v, NULL, &n);
        depth[v] = op == &yti_op_conv2d || op == &yti_op_transpose2d;
        int deepest = 0;
        for (int i = 0; i < n; i++)
            if (depth[sources[i]] > deepest) deepest = depth[sources[i]];
        depth[v] += deepest;
    }
}

static void add(study_points *points, const yti_model *model, const int *depth, study_point point) {
    for (int i = 0; i < points->count; i++)
        if (points->at[i].value == point.value) return;
    point.depth = depth[point.value];
    point.before = -1;
    point.in_backbone = point.layer < model->n_backbone_rows;
    points->at[points->count++] = point;
}

static int by_depth(const void *a, const void *b) {
    const study_point *p = a, *q = b;
    return p->depth != q->depth ? p->depth - q->depth : p->value - q->value;
}

/* Marks what a point depends on, back to the first points on every way; the deepest of these is the one before. */
static void find_before(const yti_graph *graph, study_points *points, int which, bool *reached) {
    memset(reached, 0, (size_t)yti_graph_nodes(graph) * sizeof *reached);
    reached[points->at[which].value] = true;
    for (yti_value v = points->at[which].value; v >= 0; v--) {
        if (!reached[v]) continue;
        int found = -1;
        for (int i = 0; i < points->count; i++)
            if (points->at[i].value == v && i != which) found = i;
        if (found > points->at[which].before) points->at[which].before = found;
        if (found >= 0) continue;
        const yti_value *sources = yti_graph_sources(graph, v);
        int n;
        yti_graph_op(graph, v, NULL, &n);
        for (int i = 0; i < n; i++) reached[sources[i]] = true;
    }
}

static void find(const yti_model *model, int *depth, bool *reached, study_points *out) {
    find_depths(model->graph, depth);
    for (int i = 0; i < model->n_rows; i++) {
        const yti_model_row *row = &model->rows[i];
        if (row->output < 0 || row->params == 0) continue;
        study_point point = {.layer = i, .value = row->output};
        snprintf(point.name, sizeof point.name, "%d %.200s", i, row->module);
        add(out, model, depth, point);
    }
    for (int i = 0; i < model->n_blocks; i++) {
        const yti_model_block *block = &model->blocks[i];
        study_point point = {.layer = block->row, .is_block = true, .value = block->output};
        snprintf(point.name, sizeof point.name, "%s", block->name);
        add(out, model, depth, point);
    }
    qsort(out->at, (size_t)out->count, sizeof *out->at, by_depth);
    for (int i = 0; i < out->count; i++) find_before(model->graph, out, i, reached);
}

yt_status study_points_find(const yti_model *model, study_points *out, yt_err *err) {
    size_t nodes = (size_t)yti_graph_nodes(model->graph) + 1;
    int *depth = calloc(nodes, sizeof *depth);
    bool *reached = calloc(nodes, sizeof *reached);
    size_t most = (size_t)model->n_rows + (size_t)model->n_blocks;
    study_points points = {.at = calloc(most + 1, sizeof *points.at)};
    bool good = depth && reached && points.at;
    if (good) {
        find(model, depth, reached, &points);
        *out = points;
    } else {
        free(points.at);
    }
    free(depth);
    free(reached);
    return good ? YT_OK : yti_no_memory(err, "the places in %zu nodes", nodes);
}

void study_points_free(study_points *points) {
    free(points->at);
    *points = (study_points){0};
}
