/* plan.c: where every map, gradient and saved value lies in the arena, and when it may be overwritten.
 *
 * Time runs in steps: node i goes forward at step i, results get their gradients at step N, node i goes
 * backward at step 2N - i. Four passes:
 *  1. live      only what a result depends on is run.
 *  2. place     a slice is a window into its source; the sources of a concatenation are windows into it; a
 * gradient replaced in place shares its buffer. What is left are the roots: buffers of their own.
 *  3. coverage  the backward steps are played through in order, noting for each gradient buffer which
 * channels have been written: the first writer of a range stores, later ones add, gaps are zeroed before they
 * are read.
 *  4. assign    every buffer has a first and last step; largest first, each takes the lowest offset that is
 * free during its whole life.
 */
#include "graph/graph_internal.h"

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

/* ---- 2. place ---- */

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

/* While placing, map.root and grad.root hold the parent (-1: none) and first the offset in it; resolve() follows the
 * chains. */
static void place_in_parents(yti_graph *graph, yti_value v) {
    yti_node *node = &graph->nodes[v];
    switch (node->op->alias) {
    case YT_ALIAS_DST_IN_SRC:
        node->map = (yti_map_place){node->src[0], node->ports.alias_offset};
        if (node->needs_grad) node->grad = node->map;
        break;
    case YT_ALIAS_SRC_IN_DST:
        for (int s = 0, first = 0; s < node->n_src; first += node->ports.src[s].c, s++) {
            yti_node *source = &graph->nodes[node->src[s]];
            if (times_in_sources(node, node->src[s]) > 1) continue;
            if (source->map.root < 0) source->map = (yti_map_place){v, first};
            if (node->needs_grad && source->needs_grad && source->grad.root < 0)
                source->grad = (yti_map_place){v, first};
        }
        break;
    case YT_ALIAS_NONE:
        break;
    }
    if (node->op->in_place) {
        yti_node *source = &graph->nodes[node->src[0]];
        if (graph->mode == YT_MODE_EVAL && source->map.root < 0 && source->n_src > 0 && !source->keep &&
            !source->output)
            source->map = (yti_map_place){v, 0};
        if (node->needs_grad && source->needs_grad) source->grad = (yti_map_place){v, 0};
    }
}

static yti_map_place resolve(const yti_graph *graph, yti_value value, bool gradient) {
    yti_map_place place = {value, 0};
    for (;;) {
        const yti_node *node = &graph->nodes[place.root];
        const yti_map_place parent = gradient ? node->grad : node->map;
        if (parent.root < 0) return place;
        place.root = parent.root;
        place.first += parent.first;
    }
}

static yt_status place(yti_graph *graph, yti_map_place *scratch, yt_err *err) {
    for (int i = 0; i < graph->n_nodes; i++) {
        yti_node *node = &graph->nodes[i];
        node->map = node->grad = (yti_map_place){-1, 0};
        if (node->live && node->op->in_place && count_readers(graph, node->src[0]) != 1)
            return yt_fail(err, YT_ERR_MISMATCH, "%s: works in place on %s, which has other readers", node->label,
                           graph->nodes[node->src[0]].label);
    }
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].live) place_in_parents(graph, i);
    yti_map_place *maps = scratch, *grads = scratch + graph->n_nodes;
    for (int i = 0; i < graph->n_nodes; i++) {
        maps[i] = resolve(graph, i, false);
        grads[i] = resolve(graph, i, true);
    }
    for (int i = 0; i < graph->n_nodes; i++) {
        yti_node *node = &graph->nodes[i];
        node->map = node->live ? maps[i] : (yti_map_place){-1, 0};
        node->grad = node->needs_grad ? grads[i] : (yti_map_place){-1, 0};
    }
    return YT_OK;
}

/* ---- 3. coverage ---- */

static int count_covered(const bool *covered, int first, int count) {
    int n = 0;
    for (int i = first; i < first + count; i++) n += covered[i];
    return n;
}

static yt_status fill_gaps(yti_node *node, int root, bool *covered, int first, int count, yt_err *err) {
    for (int i = first; i < first + count;) {
        if (covered[i]) {
            i++;
            continue;
        }
        int end = i;
        while (end < first + count && !covered[end]) covered[end++] = true;
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

static yt_status play_backward(yti_graph *graph, bool **covered, yt_err *err) {
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        yti_node *node = &graph->nodes[i];
        node->n_gaps = 0;
        node->runs_backward = false;
        if (!node->needs_grad) continue;
        bool *own = covered[node->grad.root];
        if (node->output) memset(own + node->grad.first, true, (size_t)node->ports.dst.c);
    }
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        yti_node *node = &graph->nodes[i];
        if (!node->needs_grad) continue;
        bool *own = covered[node->grad.root];
        if (count_covered(own, node->grad.first, node->ports.dst.c) == 0) continue; /* no gradient comes here */
        node->runs_backward = true;
        YT_TRY(fill_gaps(node, node->grad.root, own, node->grad.first, node->ports.dst.c, err));
        for (int s = 0; s < node->n_src; s++) {
            if (!writes_gradient(graph, node, s)) continue;
            const yti_node *source = &graph->nodes[node->src[s]];
            bool *theirs = covered[source->grad.root];
            const int first = source->grad.first, count = source->ports.dst.c;
            node->accumulate[s] = count_covered(theirs, first, count) > 0;
            if (node->accumulate[s]) YT_TRY(fill_gaps(node, source->grad.root, theirs, first, count, err));
            memset(theirs + first, true, (size_t)count);
        }
    }
    return YT_OK;
}

static yt_status cover(yti_graph *graph, yt_err *err) {
    bool **covered = calloc((size_t)graph->n_nodes, sizeof *covered);
    yt_status status = covered ? YT_OK : yt_fail(err, YT_ERR_NO_MEMORY, "out of memory while planning");
    for (int i = 0; status == YT_OK && i < graph->n_nodes; i++) {
        covered[i] = calloc((size_t)graph->nodes[i].ports.dst.c, sizeof **covered);
        if (!covered[i]) status = yt_fail(err, YT_ERR_NO_MEMORY, "out of memory while planning");
    }
    if (status == YT_OK) status = play_backward(graph, covered, err);
    for (int i = 0; covered && i < graph->n_nodes; i++) free(covered[i]);
    free(covered);
    return status;
}

/* ---- 4. assign ---- */

typedef struct buffer {
    size_t bytes, at;
    int first_step, last_step; /* first > last: not used */
    size_t *result;            /* receives `at` */
} buffer;

static void lives_at(buffer *b, int step) {
    if (step < b->first_step) b->first_step = step;
    if (step > b->last_step) b->last_step = step;
}

static size_t map_bytes(yti_shape s) {
    return sizeof(float) * (size_t)s.n * (size_t)s.h * (size_t)s.w * (size_t)yti_row_stride(s.c);
}

/* Three buffers per node: [3i] map, [3i + 1] gradient, [3i + 2] saved. */
static void find_lifetimes(yti_graph *graph, buffer *buffers) {
    const int n = graph->n_nodes, end = graph->mode == YT_MODE_TRAIN ? 2 * n : n;
    for (int i = 0; i < n; i++) {
        yti_node *node = &graph->nodes[i];
        const buffer unused = {.first_step = end + 1, .last_step = -1};
        buffers[3 * i] = buffers[3 * i + 1] = buffers[3 * i + 2] = unused;
        buffers[3 * i].bytes = buffers[3 * i + 1].bytes = map_bytes(node->ports.dst);
        buffers[3 * i + 2].bytes = node->ports.saved_bytes;
        buffers[3 * i].result = &node->map_at;
        buffers[3 * i + 1].result = &node->grad_at;
        buffers[3 * i + 2].result = &node->saved_at;
    }
    for (int i = 0; i < n; i++) {
        const yti_node *node = &graph->nodes[i];
        if (!node->live) continue;
        const int back = 2 * n - i;
        buffer *map = &buffers[3 * node->map.root];
        lives_at(map, i);
        if (node->output || node->keep) lives_at(map, end);
        if (node->ports.saved_bytes) lives_at(&buffers[3 * i + 2], i);
        if (node->ports.saved_bytes && node->runs_backward) lives_at(&buffers[3 * i + 2], back);
        if (node->output && node->needs_grad) lives_at(&buffers[3 * node->grad.root + 1], n);
        if (node->runs_backward) lives_at(&buffers[3 * node->grad.root + 1], back);
        for (int s = 0; s < node->n_src; s++) {
            const yti_node *source = &graph->nodes[node->src[s]];
            lives_at(&buffers[3 * source->map.root], i);
            if (!node->runs_backward) continue;
            if (node->op->needs_src & 1u << s) lives_at(&buffers[3 * source->map.root], back);
            if (source->needs_grad) lives_at(&buffers[3 * source->grad.root + 1], back);
        }
        if (node->runs_backward && node->op->needs_dst) lives_at(map, back);
        for (int g = 0; g < node->n_gaps; g++) lives_at(&buffers[3 * node->gaps[g].root + 1], back);
    }
}

static int larger_first(const void *a, const void *b) {
    const buffer *x = *(const buffer *const *)a, *y = *(const buffer *const *)b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return (x > y) - (x < y); /* a total order, so that the plan does not depend on qsort */
}

static size_t round_up(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

/* The lowest offset at which b fits among the buffers already placed (sorted by offset) that live at the same time. */
static size_t lowest_free(const buffer *b, buffer *const *placed, int n_placed) {
    size_t at = 0;
    for (int i = 0; i < n_placed; i++) {
        const buffer *other = placed[i];
        if (other->last_step < b->first_step || other->first_step > b->last_step) continue;
        if (at + b->bytes <= other->at) break;
        if (other->at + round_up(other->bytes) > at) at = other->at + round_up(other->bytes);
    }
    return at;
}

/* Returns the bytes needed. order and placed have room for n pointers. */
static size_t assign(buffer *buffers, int n, buffer **order, buffer **placed) {
    int used = 0;
    for (int i = 0; i < n; i++)
        if (buffers[i].first_step <= buffers[i].last_step && buffers[i].bytes) order[used++] = &buffers[i];
    qsort(order, (size_t)used, sizeof *order, larger_first);
    size_t total = 0;
    for (int i = 0; i < used; i++) {
        buffer *b = order[i];
        b->at = lowest_free(b, placed, i);
        *b->result = b->at;
        if (b->at + round_up(b->bytes) > total) total = b->at + round_up(b->bytes);
        int slot = i;
        for (; slot > 0 && placed[slot - 1]->at > b->at; slot--) placed[slot] = placed[slot - 1];
        placed[slot] = b;
    }
    return total;
}

static void place_fixed_parts(yti_graph *graph) {
    graph->scratch_bytes = 0;
    graph->plan_bytes += round_up(YT_READ_SLACK * sizeof(float));
    for (int i = 0; i < graph->n_nodes; i++) {
        yti_node *node = &graph->nodes[i];
        if (!node->live) continue;
        node->side_at = graph->plan_bytes;
        graph->plan_bytes += round_up(node->ports.side_bytes);
        node->prepared_at = graph->plan_bytes;
        graph->plan_bytes += round_up(node->ports.prepared_bytes);
        if (node->ports.scratch_bytes > graph->scratch_bytes) graph->scratch_bytes = node->ports.scratch_bytes;
    }
    graph->scratch_at = graph->plan_bytes;
    graph->plan_bytes += round_up(graph->scratch_bytes) + round_up(YT_READ_SLACK * sizeof(float));
}

yt_status yti_plan(yti_graph *graph, yt_err *err) {
    const size_t n = (size_t)graph->n_nodes;
    yti_map_place *places = malloc(2 * n * sizeof *places);
    buffer *buffers = malloc(3 * n * sizeof *buffers);
    buffer **pointers = malloc(6 * n * sizeof *pointers);
    yt_status status = places && buffers && pointers ? YT_OK : YT_ERR_NO_MEMORY;
    if (status != YT_OK) yt_fail(err, status, "out of memory while planning");
    mark_live(graph);
    mark_needs_grad(graph);
    if (status == YT_OK) status = place(graph, places, err);
    if (status == YT_OK) status = cover(graph, err);
    if (status == YT_OK) {
        find_lifetimes(graph, buffers);
        graph->plan_bytes = assign(buffers, 3 * graph->n_nodes, pointers, pointers + 3 * n);
        place_fixed_parts(graph);
    }
    free(places);
    free(buffers);
    free(pointers);
    return status;
}
