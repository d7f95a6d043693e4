/* plan.c: where every map, gradient and saved value lies in the arena, and when it may be overwritten.
 *
 * Time runs in steps: node i runs forward at step i, results get their gradients at step N, node i runs backward at
 * step 2N - i. Four passes:
 *  1. live      Only what a result depends on is run.
 *  2. roots     A slice is a window into its source; the sources of a concatenation are windows into it; a gradient
 *               that is replaced in place shares its buffer. What is no window is a root: it has a buffer of its own.
 *  3. coverage  The backward steps are played through in order, noting which channels of each gradient buffer have been
 *               written: the first writer of a range stores, later ones add, gaps are zeroed before they are read.
 *  4. offsets   Every buffer has a first and a last step. Largest first, each takes the lowest offset that is free
 *               during its whole life.
 * plan_is_sound() says what must hold afterwards.
 */
#include "base/carve.h"
#include "graph/graph_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int yti_row_stride(int c) {
    return c <= 4 ? c : (c + 7) / 8 * 8;
}

/* ---- 1. live ---- */

static void mark_live(yti_graph *graph) {
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        yti_node *node = &graph->nodes[i];
        node->live = node->output && (graph->mode == YT_MODE_TRAIN || !node->train_only);
    }
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        const yti_node *node = &graph->nodes[i];
        for (int s = 0; node->live && s < node->n_src; s++) graph->nodes[node->src[s]].live = true;
    }
}

static void mark_needs_grad(yti_graph *graph) {
    for (int i = 0; i < graph->n_nodes; i++) {
        yti_node *node = &graph->nodes[i];
        node->needs_grad = false;
        if (graph->mode != YT_MODE_TRAIN || !node->live || node->op->stops_gradient) continue;
        for (int p = 0; p < YT_MAX_PARAMS; p++) node->needs_grad |= node->params.param[p] >= 0 && !node->frozen;
        for (int s = 0; s < node->n_src; s++) node->needs_grad |= graph->nodes[node->src[s]].needs_grad;
    }
}

/* ---- 2. roots ---- */

static int count_readers(const yti_graph *graph, yti_value value) {
    int readers = 0;
    for (int i = value + 1; i < graph->n_nodes; i++)
        for (int s = 0; graph->nodes[i].live && s < graph->nodes[i].n_src; s++)
            readers += graph->nodes[i].src[s] == value;
    return readers;
}

static int times_in_sources(const yti_node *node, yti_value value) {
    int times = 0;
    for (int s = 0; s < node->n_src; s++) times += node->src[s] == value;
    return times;
}

/* A map or gradient as a window into that of another node, the parent, from channel `first` on. */
typedef struct window {
    yti_value parent; /* -1: none, it is a root */
    int first;
} window;

/* Windows that node v makes, of itself into a source or of its sources into it. maps, grads: [n_nodes]. */
static void make_windows(const yti_graph *graph, window *maps, window *grads, yti_value v) {
    const yti_node *node = &graph->nodes[v];
    switch (node->op->alias) {
    case YT_ALIAS_DST_IN_SRC:
        maps[v] = (window){node->src[0], node->ports.alias_offset};
        if (node->needs_grad) grads[v] = maps[v];
        break;
    case YT_ALIAS_SRC_IN_DST:
        for (int s = 0, first = 0; s < node->n_src; first += node->ports.src[s].c, s++) {
            const yti_value source = node->src[s];
            if (times_in_sources(node, source) > 1) continue; /* it cannot lie in two ranges */
            if (maps[source].parent < 0) maps[source] = (window){v, first};
            if (node->needs_grad && graph->nodes[source].needs_grad && grads[source].parent < 0)
                grads[source] = (window){v, first};
        }
        break;
    case YT_ALIAS_NONE:
        break;
    }
    if (node->op->in_place) {
        const yti_value source = node->src[0];
        const yti_node *from = &graph->nodes[source];
        const bool is_read_later = graph->mode == YT_MODE_TRAIN || from->keep || from->output || from->n_src == 0;
        if (!is_read_later && maps[source].parent < 0) maps[source] = (window){v, 0};
        if (node->needs_grad && from->needs_grad) grads[source] = (window){v, 0};
    }
}

static yti_map_place root_of(const window *windows, yti_value value) {
    yti_map_place place = {value, 0};
    for (window w = windows[value]; w.parent >= 0; w = windows[w.parent])
        place = (yti_map_place){w.parent, place.first + w.first};
    return place;
}

/* maps, grads: working memory, [n_nodes] each. */
static yt_status find_roots(yti_graph *graph, window *maps, window *grads, yt_err *err) {
    static const yti_map_place nowhere = {-1, 0};
    for (int i = 0; i < graph->n_nodes; i++) {
        const yti_node *node = &graph->nodes[i];
        maps[i] = grads[i] = (window){-1, 0};
        if (node->live && node->op->in_place && count_readers(graph, node->src[0]) != 1)
            return yt_fail(err, YT_ERR_MISMATCH, "%s: works in place on %s, which has other readers", node->label,
                           graph->nodes[node->src[0]].label);
    }
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].live) make_windows(graph, maps, grads, i);
    for (int i = 0; i < graph->n_nodes; i++) {
        yti_node *node = &graph->nodes[i];
        node->map = node->live ? root_of(maps, i) : nowhere;
        node->grad = node->needs_grad ? root_of(grads, i) : nowhere;
    }
    return YT_OK;
}

/* ---- 3. coverage ---- */

static bool any_written(const bool *written, int first, int count) {
    return memchr(written + first, true, (size_t)count) != NULL;
}

/* Has the channels of [first, first + count) that nobody has written yet zeroed before the node's backward step. */
static yt_status fill_gaps(yti_node *node, int root, bool *written, int first, int count, yt_err *err) {
    for (int i = first; i < first + count;) {
        if (written[i]) {
            i++;
            continue;
        }
        int end = i;
        while (end < first + count && !written[end]) written[end++] = true;
        if (node->n_gaps == node->gaps_capacity) {
            int capacity = node->gaps_capacity ? 2 * node->gaps_capacity : 4;
            yti_gap *gaps = realloc(node->gaps, sizeof *gaps * (size_t)capacity);
            if (!gaps) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: out of memory while planning", node->label);
            node->gaps = gaps;
            node->gaps_capacity = capacity;
        }
        node->gaps[node->n_gaps++] = (yti_gap){root, i, end - i};
        i = end;
    }
    return YT_OK;
}

/* Whether the gradient of source s is written by this node's backward step, or lies already where it belongs. */
static bool writes_gradient(const yti_graph *graph, const yti_node *node, int s) {
    const yti_node *source = &graph->nodes[node->src[s]];
    if (!source->needs_grad || node->op->stops_gradient || node->op->alias == YT_ALIAS_DST_IN_SRC) return false;
    if (node->op->in_place && s == 0) return false;
    if (node->op->alias == YT_ALIAS_SRC_IN_DST) {
        int first = 0;
        for (int i = 0; i < s; i++) first += node->ports.src[i].c;
        return source->grad.root != node->grad.root || source->grad.first != node->grad.first + first;
    }
    return true;
}

/* Results get their gradients from outside. written[root][channel]: that channel of the root's gradient buffer holds
 * something by now. */
static void mark_results(yti_graph *graph, bool *const *written) {
    for (int i = 0; i < graph->n_nodes; i++) {
        yti_node *node = &graph->nodes[i];
        node->n_gaps = 0;
        node->runs_backward = false;
        if (node->needs_grad && node->output)
            memset(written[node->grad.root] + node->grad.first, true, (size_t)node->ports.dst.c);
    }
}

static yt_status play_backward(yti_graph *graph, bool *const *written, yt_err *err) {
    mark_results(graph, written);
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        yti_node *node = &graph->nodes[i];
        if (!node->needs_grad) continue;
        bool *node_written = written[node->grad.root];
        if (!any_written(node_written, node->grad.first, node->ports.dst.c)) continue; /* no gradient comes here */
        node->runs_backward = true;
        YT_TRY(fill_gaps(node, node->grad.root, node_written, node->grad.first, node->ports.dst.c, err));
        for (int s = 0; s < node->n_src; s++) {
            if (!writes_gradient(graph, node, s)) continue;
            const yti_node *source = &graph->nodes[node->src[s]];
            bool *source_written = written[source->grad.root];
            const int first = source->grad.first, count = source->ports.dst.c;
            node->accumulate[s] = any_written(source_written, first, count);
            if (node->accumulate[s]) YT_TRY(fill_gaps(node, source->grad.root, source_written, first, count, err));
            memset(source_written + first, true, (size_t)count);
        }
    }
    return YT_OK;
}

static yt_status cover(yti_graph *graph, yt_err *err) {
    bool **written = calloc((size_t)graph->n_nodes, sizeof *written);
    yt_status status = written ? YT_OK : yti_no_memory(err, "the plan of a graph");
    for (int i = 0; status == YT_OK && i < graph->n_nodes; i++) {
        written[i] = calloc((size_t)graph->nodes[i].ports.dst.c, sizeof **written);
        if (!written[i]) status = yti_no_memory(err, "the plan of a graph");
    }
    if (status == YT_OK) status = play_backward(graph, written, err);
    for (int i = 0; written && i < graph->n_nodes; i++) free(written[i]);
    free(written);
    return status;
}

/* ---- 4. offsets ---- */

typedef struct buffer {
    size_t bytes, at;
    int first_step, last_step; /* first > last: not used */
} buffer;

/* map and grad are used for roots only, saved (from the forward to the backward step) for any node. */
typedef struct node_buffers {
    buffer map, grad, saved;
} node_buffers;

static bool is_used(const buffer *b) {
    return b->first_step <= b->last_step && b->bytes > 0;
}

/* Its life includes the step. */
static void live_at(buffer *b, int step) {
    if (step < b->first_step) b->first_step = step;
    if (step > b->last_step) b->last_step = step;
}

static size_t map_bytes(yti_shape s) {
    return sizeof(float) * (size_t)s.n * (size_t)s.h * (size_t)s.w * (size_t)yti_row_stride(s.c);
}

/* Extends the lives of the buffers that node i's forward step reads and writes. */
static void live_forward(const yti_graph *graph, node_buffers *buffers, int i) {
    const yti_node *node = &graph->nodes[i];
    const int end = graph->mode == YT_MODE_TRAIN ? 2 * graph->n_nodes : graph->n_nodes;
    buffer *map = &buffers[node->map.root].map;
    live_at(map, i);
    if (node->output || node->keep) live_at(map, end); /* may be read by the caller when all is done */
    for (int s = 0; s < node->n_src; s++) live_at(&buffers[graph->nodes[node->src[s]].map.root].map, i);
    if (node->ports.saved_bytes) live_at(&buffers[i].saved, i);
    if (node->output && node->needs_grad) live_at(&buffers[node->grad.root].grad, graph->n_nodes); /* set by the loss */
}

/* The same for its backward step. */
static void live_backward(const yti_graph *graph, node_buffers *buffers, int i) {
    const yti_node *node = &graph->nodes[i];
    const int back = 2 * graph->n_nodes - i;
    live_at(&buffers[node->grad.root].grad, back);
    if (node->op->needs_dst) live_at(&buffers[node->map.root].map, back);
    if (node->ports.saved_bytes) live_at(&buffers[i].saved, back);
    for (int s = 0; s < node->n_src; s++) {
        const yti_node *source = &graph->nodes[node->src[s]];
        if (node->op->needs_src & 1u << s) live_at(&buffers[source->map.root].map, back);
        if (source->needs_grad) live_at(&buffers[source->grad.root].grad, back); /* written, or added to */
    }
    for (int g = 0; g < node->n_gaps; g++) live_at(&buffers[node->gaps[g].root].grad, back);
}

static void find_lifetimes(const yti_graph *graph, node_buffers *buffers) {
    for (int i = 0; i < graph->n_nodes; i++) {
        const yti_ports *ports = &graph->nodes[i].ports;
        const buffer unused = {.first_step = 2 * graph->n_nodes + 1, .last_step = -1};
        buffers[i] = (node_buffers){unused, unused, unused};
        buffers[i].map.bytes = buffers[i].grad.bytes = map_bytes(ports->dst);
        buffers[i].saved.bytes = ports->saved_bytes;
    }
    for (int i = 0; i < graph->n_nodes; i++) {
        if (!graph->nodes[i].live) continue;
        live_forward(graph, buffers, i);
        if (graph->nodes[i].runs_backward) live_backward(graph, buffers, i);
    }
}

static int larger_first(const void *a, const void *b) {
    const buffer *x = *(const buffer *const *)a, *y = *(const buffer *const *)b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return (x > y) - (x < y); /* a total order, so that the plan does not depend on qsort */
}

/* The lowest offset at which b fits among the buffers already placed (sorted by offset) that live at the same time. */
static size_t lowest_free(const buffer *b, buffer *const *placed, int n_placed) {
    size_t at = 0;
    for (int i = 0; i < n_placed; i++) {
        const buffer *other = placed[i];
        if (other->last_step < b->first_step || other->first_step > b->last_step) continue;
        if (at + b->bytes <= other->at) break;
        if (other->at + yti_whole_lines(other->bytes) > at) at = other->at + yti_whole_lines(other->bytes);
    }
    return at;
}

/* Returns the bytes needed. order, placed: working memory for 3 n pointers each; placed ends sorted by offset, and
 * *n_placed is how many. */
static size_t choose_offsets(node_buffers *buffers, int n, buffer **order, buffer **placed, int *n_placed) {
    int used = 0;
    for (int i = 0; i < n; i++) {
        buffer *const all[] = {&buffers[i].map, &buffers[i].grad, &buffers[i].saved};
        for (int k = 0; k < 3; k++)
            if (is_used(all[k])) order[used++] = all[k];
    }
    qsort(order, (size_t)used, sizeof *order, larger_first);
    size_t total = 0;
    for (int i = 0; i < used; i++) {
        buffer *b = order[i];
        b->at = lowest_free(b, placed, i);
        if (b->at + yti_whole_lines(b->bytes) > total) total = b->at + yti_whole_lines(b->bytes);
        int slot = i;
        for (; slot > 0 && placed[slot - 1]->at > b->at; slot--) placed[slot] = placed[slot - 1];
        placed[slot] = b;
    }
    *n_placed = used;
    return total;
}

static void store_offsets(yti_graph *graph, const node_buffers *buffers) {
    for (int i = 0; i < graph->n_nodes; i++) {
        yti_node *node = &graph->nodes[i];
        node->map_at = buffers[i].map.at;
        node->grad_at = buffers[i].grad.at;
        node->saved_at = buffers[i].saved.at;
    }
}

/* ---- what must hold ---- */

/* A window lies inside a root of the same size in pixels. */
static bool window_is_sound(const yti_graph *graph, const yti_node *node, yti_map_place place, bool is_root) {
    const yti_shape inner = node->ports.dst, outer = graph->nodes[place.root].ports.dst;
    return is_root && place.first >= 0 && place.first + inner.c <= outer.c && inner.n == outer.n &&
           inner.h == outer.h && inner.w == outer.w;
}

/* Sources run before their readers, windows lie inside roots, and no two buffers that live at the same step overlap.
 * placed: sorted by offset. */
static bool plan_is_sound(const yti_graph *graph, buffer *const *placed, int n_placed) {
    const yti_node *nodes = graph->nodes;
    for (int i = 0; i < graph->n_nodes; i++) {
        const yti_node *node = &nodes[i];
        if (!node->live) continue;
        for (int s = 0; s < node->n_src; s++)
            if (node->src[s] >= i || !nodes[node->src[s]].live) return false;
        if (!window_is_sound(graph, node, node->map, nodes[node->map.root].map.root == node->map.root)) return false;
        if (node->needs_grad &&
            !window_is_sound(graph, node, node->grad, nodes[node->grad.root].grad.root == node->grad.root))
            return false;
    }
    for (int i = 0; i < n_placed; i++)
        for (int j = i + 1; j < n_placed && placed[j]->at < placed[i]->at + placed[i]->bytes; j++)
            if (placed[i]->first_step <= placed[j]->last_step && placed[j]->first_step <= placed[i]->last_step)
                return false;
    return true;
}

/* ---- the plan ---- */

static void place_fixed_parts(yti_graph *graph) {
    graph->scratch_bytes = 0;
    graph->plan_bytes += yti_whole_lines(YT_READ_SLACK * sizeof(float));
    for (int i = 0; i < graph->n_nodes; i++) {
        yti_node *node = &graph->nodes[i];
        if (!node->live) continue;
        node->side_at = graph->plan_bytes;
        graph->plan_bytes += yti_whole_lines(node->ports.side_bytes);
        node->prepared_at = graph->plan_bytes;
        graph->plan_bytes += yti_whole_lines(node->ports.prepared_bytes);
        if (node->ports.scratch_bytes > graph->scratch_bytes) graph->scratch_bytes = node->ports.scratch_bytes;
    }
    graph->scratch_at = graph->plan_bytes;
    graph->plan_bytes += yti_whole_lines(graph->scratch_bytes) + yti_whole_lines(YT_READ_SLACK * sizeof(float));
}

yt_status yti_plan(yti_graph *graph, yt_err *err) {
    const size_t n = (size_t)graph->n_nodes;
    window *windows = malloc(2 * n * sizeof *windows);
    node_buffers *buffers = malloc(n * sizeof *buffers);
    buffer **pointers = malloc(6 * n * sizeof *pointers);
    yt_status status = windows && buffers && pointers ? YT_OK : YT_ERR_NO_MEMORY;
    if (status != YT_OK) yt_fail(err, status, "out of memory while planning");
    mark_live(graph);
    mark_needs_grad(graph);
    if (status == YT_OK) status = find_roots(graph, windows, windows + n, err);
    if (status == YT_OK) status = cover(graph, err);
    if (status == YT_OK) {
        buffer **order = pointers, **placed = pointers + 3 * n;
        int n_placed;
        find_lifetimes(graph, buffers);
        graph->plan_bytes = choose_offsets(buffers, graph->n_nodes, order, placed, &n_placed);
        store_offsets(graph, buffers);
        assert(plan_is_sound(graph, placed, n_placed));
        place_fixed_parts(graph);
    }
    free(windows);
    free(buffers);
    free(pointers);
    return status;
}
