/* points.c: where in a network dL/dx is looked at, and how deep that is.
 *
 * The depth of a map is the number of convolutions on the longest way from the input to it, so that it counts layers
 * as papers do and is the same with and without shortcuts. A row without parameters (Concat, Upsample) is no place of
 * its own: its map is that of other rows, copied.
 */
#include "study/study.h"
#include "yt/ops.h"

#include <stdlib.h>
#include <string.h>

static void find_depths(const yt_graph *graph, int *depth) {
    for (yt_value v = 0; v < yt_graph_nodes(graph); v++) {
        const yt_value *sources = yt_graph_sources(graph, v);
        int n;
        depth[v] = yt_graph_op(graph, v, NULL, &n) == &yt_op_conv2d;
        int deepest = 0;
        for (int i = 0; i < n; i++)
            if (depth[sources[i]] > deepest) deepest = depth[sources[i]];
        depth[v] += deepest;
    }
}

/* The last node of a block: labels of a block's parts begin with its name and a dot. -1: there is none. */
static yt_value block_output(const yt_graph *graph, const char *name) {
    size_t length = strlen(name);
    for (yt_value v = yt_graph_nodes(graph) - 1; v >= 0; v--) {
        const char *label = yt_graph_label(graph, v);
        if (strncmp(label, name, length) == 0 && (label[length] == '\0' || label[length] == '.')) return v;
    }
    return -1;
}

static int row_of(const yt_model *model, yt_value value) {
    int row = 0;
    for (int i = 0; i < model->n_rows; i++)
        if (model->rows[i].first_node <= value) row = i;
    return row;
}

static void add(study_points *points, const int *depth, int layer, bool is_block, const char *name,
                yt_value value) {
    for (int i = 0; i < points->count; i++)
        if (points->at[i].value == value) return;
    study_point *p = &points->at[points->count++];
    *p = (study_point){
        .layer = layer, .is_block = is_block, .value = value, .depth = depth[value], .before = -1};
    snprintf(p->name, sizeof p->name, "%s", name);
}

static int by_depth(const void *a, const void *b) {
    const study_point *p = a, *q = b;
    return p->depth != q->depth ? p->depth - q->depth : p->value - q->value;
}

/* Marks what a point depends on, back to the first points on every way; the deepest of these is the one before. */
static void find_before(const yt_graph *graph, study_points *points, int which, bool *reached) {
    memset(reached, 0, (size_t)yt_graph_nodes(graph) * sizeof *reached);
    reached[points->at[which].value] = true;
    for (yt_value v = points->at[which].value; v >= 0; v--) {
        if (!reached[v]) continue;
        int found = -1;
        for (int i = 0; i < points->count; i++)
            if (points->at[i].value == v && i != which) found = i;
        if (found > points->at[which].before) points->at[which].before = found;
        if (found >= 0) continue;
        const yt_value *sources = yt_graph_sources(graph, v);
        int n;
        yt_graph_op(graph, v, NULL, &n);
        for (int i = 0; i < n; i++) reached[sources[i]] = true;
    }
}

static void find(const yt_model *model, const char *const *block_names, int n_blocks, int *depth,
                 bool *reached, study_points *out) {
    find_depths(model->graph, depth);
    for (int i = 0; i < model->n_rows; i++) {
        const yt_model_row *row = &model->rows[i];
        if (row->output < 0 || row->params == 0) continue;
        char name[STUDY_TEXT];
        snprintf(name, sizeof name, "%d %.200s", i, row->module);
        add(out, depth, i, false, name, row->output);
    }
    for (int i = 0; i < n_blocks; i++) {
        yt_value value = block_output(model->graph, block_names[i]);
        if (value >= 0) add(out, depth, row_of(model, value), true, block_names[i], value);
    }
    qsort(out->at, (size_t)out->count, sizeof *out->at, by_depth);
    for (int i = 0; i < out->count; i++) find_before(model->graph, out, i, reached);
}

yt_status yti_points_find(const yt_model *model, const char *const *block_names, int n_blocks,
                          study_points *out, yt_err *err) {
    size_t nodes = (size_t)yt_graph_nodes(model->graph) + 1;
    int *depth = calloc(nodes, sizeof *depth);
    bool *reached = calloc(nodes, sizeof *reached);
    study_points points = {.at = calloc((size_t)(model->n_rows + n_blocks) + 1, sizeof *points.at)};
    bool good = depth && reached && points.at;
    if (good) {
        find(model, block_names, n_blocks, depth, reached, &points);
        *out = points;
    } else {
        free(points.at);
    }
    free(depth);
    free(reached);
    return good ? YT_OK : yt_fail(err, YT_NO_MEMORY, "no memory for the places in %zu nodes", nodes);
}

void yti_points_free(study_points *points) {
    free(points->at);
    *points = (study_points){0};
}
