/* exec.c: running the plan: nodes upwards, then downwards. Nothing here allocates. */
#include "graph/graph_internal.h"

static yt_tensor view(const yt_graph *graph, yt_place place, yt_shape shape, bool gradient) {
    const yt_node *root = &graph->nodes[place.root];
    float *base = (float *)(void *)(graph->arena + (gradient ? root->grad_at : root->map_at));
    return (yt_tensor){.data = base + place.first,
                       .n = shape.n,
                       .h = shape.h,
                       .w = shape.w,
                       .c = shape.c,
                       .ld = yti_row_stride(root->ports.dst.c)};
}

yt_tensor yt_graph_map(const yt_graph *graph, yt_value value) {
    const yt_node *node = &graph->nodes[value];
    if (!graph->planned || !node->live) return (yt_tensor){0};
    return view(graph, node->map, node->ports.dst, false);
}

yt_tensor yt_graph_gradient(const yt_graph *graph, yt_value value) {
    const yt_node *node = &graph->nodes[value];
    if (!graph->planned || !node->needs_grad || !(node->runs_backward || node->output)) return (yt_tensor){0};
    return view(graph, node->grad, node->ports.dst, true);
}

/* The gradient memory of a source, also of one whose own backward step is yet to come. */
static yt_tensor source_gradient(const yt_graph *graph, const yt_node *node, int s) {
    const yt_node *source = &graph->nodes[node->src[s]];
    if (!source->needs_grad || node->op->stops_gradient) return (yt_tensor){0};
    return view(graph, source->grad, source->ports.dst, true);
}

static void make_run(const yt_graph *graph, const yt_node *node, const yt_state *state, yt_run *run) {
    run->mode = graph->mode;
    run->frozen = node->frozen;
    run->observed = false;
    run->n_src = node->n_src;
    for (int s = 0; s < node->n_src; s++) {
        const yt_node *source = &graph->nodes[node->src[s]];
        run->src[s] = view(graph, source->map, source->ports.dst, false);
        run->src_side[s] = source->ports.side_bytes ? graph->arena + source->side_at : NULL;
        run->d_src[s] = (yt_tensor){0};
        run->accumulate[s] = node->accumulate[s];
    }
    run->dst = view(graph, node->map, node->ports.dst, false);
    run->d_dst = (yt_tensor){0};
    run->side = node->ports.side_bytes ? graph->arena + node->side_at : NULL;
    run->saved = node->ports.saved_bytes ? graph->arena + node->saved_at : NULL;
    run->prepared = graph->prepared && node->ports.prepared_bytes ? graph->arena + node->prepared_at : NULL;
    run->scratch = (yt_scratch){graph->arena + graph->scratch_at, graph->scratch_bytes, graph->threads};
    for (int p = 0; p < YT_MAX_PARAMS; p++) {
        const ptrdiff_t param = node->params.param[p], buffer = node->params.buffer[p];
        run->param[p] = param >= 0 ? state->params + param : NULL;
        run->grad[p] = param >= 0 && state->grads && !node->frozen ? state->grads + param : NULL;
        run->buffer[p] = buffer >= 0 ? state->buffers + buffer : NULL;
    }
}

void yt_graph_prepare(yt_graph *graph, const yt_state *state) {
    graph->prepared = graph->mode == YT_MODE_EVAL;
    yt_run run;
    for (int i = 0; i < graph->n_nodes; i++) {
        const yt_node *node = &graph->nodes[i];
        if (!node->live || !node->op->prepare || !node->ports.prepared_bytes) continue;
        make_run(graph, node, state, &run);
        node->op->prepare(node->attr, &run);
    }
}

void yt_graph_forward(yt_graph *graph, const yt_state *state, const yt_graph_observer *observer) {
    yt_run run;
    for (int i = 0; i < graph->n_nodes; i++) {
        const yt_node *node = &graph->nodes[i];
        if (!node->live) continue;
        if (node->op->forward) {
            make_run(graph, node, state, &run);
            node->op->forward(node->attr, &run);
        }
        if (observer && observer->forward) observer->forward(observer->context, i, yt_graph_map(graph, i));
    }
}

static void zero_gaps(const yt_graph *graph, const yt_node *node) {
    for (int g = 0; g < node->n_gaps; g++) {
        const yt_gap *gap = &node->gaps[g];
        yt_shape shape = graph->nodes[gap->root].ports.dst;
        shape.c = gap->count;
        yt_tensor part = view(graph, (yt_place){gap->root, gap->first}, shape, true);
        yt_kernels_get()->fill(&part, 0, graph->threads);
    }
}

void yt_graph_backward(yt_graph *graph, const yt_state *state, const yt_graph_observer *observer) {
    yt_run run;
    const bool observed = observer && observer->backward;
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        const yt_node *node = &graph->nodes[i];
        if (!node->live || node->n_src == 0) continue;
        if (node->runs_backward) zero_gaps(graph, node);
        if (observed) observer->backward(observer->context, i, yt_graph_gradient(graph, i));
        if (!node->runs_backward || !node->op->backward) continue;
        make_run(graph, node, state, &run);
        run.d_dst = view(graph, node->grad, node->ports.dst, true);
        run.observed = observed;
        for (int s = 0; s < node->n_src; s++) run.d_src[s] = source_gradient(graph, node, s);
        node->op->backward(node->attr, &run);
    }
}
