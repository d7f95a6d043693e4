/* graph.c: building the graph, inferring shapes, taking the arena. */
#include "base/carve.h"
#include "graph/graph_internal.h"

#include <stdlib.h>
#include <string.h>

yt_status yti_graph_create(yti_graph **out, yt_err *err) {
    yti_graph *graph = calloc(1, sizeof *graph);
    if (!graph) return yti_no_memory(err, "a graph");
    *out = graph;
    return YT_OK;
}

static void node_release(yti_node *node) {
    free(node->attr);
    free(node->label);
    free(node->src);
    free(node->accumulate);
    free(node->gaps);
}

void yti_graph_destroy(yti_graph *graph) {
    if (!graph) return;
    for (int i = 0; i < graph->n_nodes; i++) node_release(&graph->nodes[i]);
    free(graph->nodes);
    free(graph->arena);
    free(graph);
}

static yt_status node_init(yti_node *node, const yti_node_spec *spec) {
    const size_t attr_size = spec->op->attr_size, n_sources = (size_t)spec->n_sources;
    *node = (yti_node){.op = spec->op, .n_src = spec->n_sources, .params = spec->params};
    node->label = strdup(spec->label);
    node->attr = malloc(attr_size ? attr_size : 1);
    node->src = malloc(sizeof *node->src * (n_sources ? n_sources : 1));
    node->accumulate = calloc(n_sources ? n_sources : 1, sizeof *node->accumulate);
    if (!node->label || !node->attr || !node->src || !node->accumulate) {
        node_release(node);
        return YT_ERR_NO_MEMORY;
    }
    if (attr_size) memcpy(node->attr, spec->attr, attr_size);
    if (n_sources) memcpy(node->src, spec->sources, sizeof *spec->sources * n_sources);
    return YT_OK;
}

yt_status yti_graph_add(yti_graph *graph, const yti_node_spec *spec, yti_value *out, yt_err *err) {
    if (spec->n_sources > YT_MAX_SOURCES)
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: %d sources; the limit is %d", spec->label, spec->n_sources,
                       YT_MAX_SOURCES);
    for (int i = 0; i < spec->n_sources; i++)
        if (spec->sources[i] < 0 || spec->sources[i] >= graph->n_nodes)
            return yt_fail(err, YT_ERR_ARGUMENT, "%s: source %d does not exist yet", spec->label, spec->sources[i]);
    if (graph->n_nodes == graph->capacity) {
        int capacity = graph->capacity ? 2 * graph->capacity : 128;
        yti_node *nodes = realloc(graph->nodes, sizeof *nodes * (size_t)capacity);
        if (!nodes) return yti_no_memory(err, "%d nodes", capacity);
        graph->nodes = nodes;
        graph->capacity = capacity;
    }
    if (node_init(&graph->nodes[graph->n_nodes], spec) != YT_OK)
        return yt_fail(err, YT_ERR_NO_MEMORY, "%s: out of memory", spec->label);
    graph->planned = false;
    *out = graph->n_nodes++;
    return YT_OK;
}

yt_status yti_graph_clone(const yti_graph *graph, yti_graph **out, yt_err *err) {
    yti_graph *clone = NULL;
    YT_TRY(yti_graph_create(&clone, err));
    yt_status status = YT_OK;
    for (int i = 0; i < graph->n_nodes && status == YT_OK; i++) {
        const yti_node *node = &graph->nodes[i];
        yti_value same;
        const yti_node_spec spec = {node->op, node->attr, node->src, node->n_src, node->params, node->label};
        status = yti_graph_add(clone, &spec, &same, err);
        if (status != YT_OK) break;
        yti_node *added = &clone->nodes[same];
        added->output = node->output;
        added->train_only = node->train_only;
        added->keep = node->keep;
        added->frozen = node->frozen;
    }
    if (status == YT_OK)
        *out = clone;
    else
        yti_graph_destroy(clone);
    return status;
}

void yti_graph_output(yti_graph *graph, yti_value value, bool train_only) {
    graph->nodes[value].output = true;
    graph->nodes[value].train_only = train_only;
    graph->planned = false;
}

void yti_graph_freeze(yti_graph *graph, yti_value value) {
    graph->nodes[value].frozen = true;
    graph->planned = false;
}

void yti_graph_keep(yti_graph *graph, yti_value value) {
    graph->nodes[value].keep = true;
    graph->planned = false;
}

int yti_graph_nodes(const yti_graph *graph) {
    return graph->n_nodes;
}

const char *yti_graph_label(const yti_graph *graph, yti_value value) {
    return graph->nodes[value].label;
}

const yti_op *yti_graph_op(const yti_graph *graph, yti_value value, const void **attr, int *n_sources) {
    const yti_node *node = &graph->nodes[value];
    if (attr) *attr = node->attr;
    if (n_sources) *n_sources = node->n_src;
    return node->op;
}

const yti_value *yti_graph_sources(const yti_graph *graph, yti_value value) {
    return graph->nodes[value].src;
}

yti_shape yti_graph_shape(const yti_graph *graph, yti_value value) {
    return graph->nodes[value].ports.dst;
}

yti_params yti_graph_params(const yti_graph *graph, yti_value value) {
    return graph->nodes[value].params;
}

/* Maps are indexed with int; a side of 2^15 and 2^31 elements per map stay clear of every overflow. */
static yt_status check_size(const yti_node *node, yt_err *err) {
    const yti_shape s = node->ports.dst;
    if (s.n > 0 && s.h > 0 && s.w > 0 && s.c > 0 && s.h <= 1 << 15 && s.w <= 1 << 15 &&
        (double)s.n * s.h * s.w * yti_row_stride(s.c) < 2147483647.0)
        return YT_OK;
    return yt_fail(err, YT_ERR_MISMATCH,
                   "%s: a map of %d x %d x %d x %d is too large or empty; use a smaller image or batch", node->label,
                   s.n, s.h, s.w, s.c);
}

static yt_status infer(yti_graph *graph, yti_mode mode, int n, int h, int w, int threads, yt_err *err) {
    for (int i = 0; i < graph->n_nodes; i++) {
        yti_node *node = &graph->nodes[i];
        node->ports = (yti_ports){.mode = mode, .threads = threads, .n_src = node->n_src};
        node->ports.dst = (yti_shape){.n = n, .h = h, .w = w}; /* what an op without sources gives */
        for (int s = 0; s < node->n_src; s++) node->ports.src[s] = graph->nodes[node->src[s]].ports.dst;
        yt_err reason = {.text = ""};
        yt_status status = node->op->shape(node->attr, &node->ports, &reason);
        if (status != YT_OK) return yt_fail(err, status, "%s: %s", node->label, reason.text);
        YT_TRY(check_size(node, err));
    }
    return YT_OK;
}

yt_status yti_graph_shapes(yti_graph *graph, yti_mode mode, int n, int h, int w, double *flops, yt_err *err) {
    graph->planned = false;
    YT_TRY(infer(graph, mode, n, h, w, 1, err));
    for (int i = 0; flops && i < graph->n_nodes; i++) {
        const yti_node *node = &graph->nodes[i];
        flops[i] = node->op->flops ? node->op->flops(node->attr, &node->ports) : 0;
    }
    return YT_OK;
}

yt_status yti_graph_measure(yti_graph *graph, yti_mode mode, int n, int h, int w, int threads, size_t *bytes,
                            yt_err *err) {
    graph->planned = false;
    graph->mode = mode;
    graph->threads = threads;
    YT_TRY(infer(graph, mode, n, h, w, threads, err));
    YT_TRY(yti_plan(graph, err));
    *bytes = graph->plan_bytes;
    return YT_OK;
}

yt_status yti_graph_plan(yti_graph *graph, yti_mode mode, int n, int h, int w, int threads, yt_err *err) {
    size_t bytes;
    YT_TRY(yti_graph_measure(graph, mode, n, h, w, threads, &bytes, err));
    if (bytes > graph->arena_bytes) {
        free(graph->arena); /* first: the old and the new one need not fit together */
        graph->arena_bytes = 0;
        graph->arena = aligned_alloc(YTI_LINE, yti_whole_lines(bytes));
        if (!graph->arena)
            return yt_fail(err, YT_ERR_NO_MEMORY, "cannot allocate %.0f MB for feature maps of %d x %d x %d",
                           (double)bytes / 1e6, n, h, w);
        graph->arena_bytes = bytes;
    }
    graph->planned = true;
    graph->prepared = false;
    return YT_OK;
}

size_t yti_graph_planned_bytes(const yti_graph *graph) {
    return graph->plan_bytes;
}

size_t yti_graph_arena_bytes(const yti_graph *graph) {
    return graph->arena_bytes;
}
