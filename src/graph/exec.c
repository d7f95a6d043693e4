/* exec.c: running the plan: nodes upwards, then downwards. Nothing here allocates. */
#include "graph/graph_internal.h"

static yti_tensor view(const yti_graph *graph, yti_map_place place, yti_shape shape, bool gradient) {
    const yti_node *root = &graph->nodes[place.root];
    float *base = (float *)(void *)(graph->arena + (gradient ? root->grad_at : root->map_at));
    return (yti_tensor){.data = base + place.first,
                        .n = shape.n,
                        .h = shape.h,
                        .w = shape.w,
                        .c = shape.c,
                        .ld = yti_row_stride(root->ports.dst.c)};
}

yti_tensor yti_graph_map(const yti_graph *graph, yti_value value) {
    const yti_node *node = &graph->nodes[value];
    if (!graph->planned || !node->live) return (yti_tensor){0};
    return view(graph, node->map, node->ports.dst, false);
}

yti_tensor yti_graph_gradient(const yti_graph *graph, yti_value value) {
    const yti_node *node = &graph->nodes[value];
    if (!graph->planned || !node->needs_grad || !(node->runs_backward || node->output)) return (yti_tensor){0};
    return view(graph, node->grad, node->ports.dst, true);
}

/* The gradient memory of a source, also of one whose own backward step is yet to come. */
static yti_tensor source_gradient(const yti_graph *graph, const yti_node *node, int s) {
    const yti_node *source = &graph->nodes[node->src[s]];
    if (!source->needs_grad || node->op->stops_gradient) return (yti_tensor){0};
    return view(graph, source->grad, source->ports.dst, true);
}

static void make_run(const yti_graph *graph, const yti_node *node, const yti_state *state, yti_run *run) {
    run->mode = graph->mode;
    run->frozen = node->frozen;
    run->observed = false;
    run->n_src = node->n_src;
    for (int s = 0; s < node->n_src; s++) {
        const yti_node *source = &graph->nodes[node->src[s]];
        run->src[s] = view(graph, source->map, source->ports.dst, false);
        run->src_side[s] = source->ports.side_bytes ? graph->arena + source->side_at : NULL;
        run->d_src[s] = (yti_tensor){0};
        run->accumulate[s] = node->accumulate[s];
    }
    run->dst = view(graph, node->map, node->ports.dst, false);
    run->d_dst = (yti_tensor){0};
    run->side = node->ports.side_bytes ? graph->arena + node->side_at : NULL;
    run->saved = node->ports.saved_bytes ? graph->arena + node->saved_at : NULL;
    run->prepared = graph->prepared && node->ports.prepared_bytes ? graph->arena + node->prepared_at : NULL;
    run->scratch = (yti_scratch){graph->arena + graph->scratch_at, graph->scratch_bytes, graph->threads};
    for (int p = 0; p < YT_MAX_PARAMS; p++) {
        const ptrdiff_t param = node->params.param[p], buffer = node->params.buffer[p];
        run->param[p] = param >= 0 ? state->params + param : NULL;
        run->grad[p] = param >= 0 && state->grads && !node->frozen ? state->grads + param : NULL;
        run->buffer[p] = buffer >= 0 ? state->buffers + buffer : NULL;
    }
}

void yti_graph_prepare(yti_graph *graph, const yti_state *state) {
    graph->prepared = graph->mode == YT_MODE_EVAL;
    yti_run run;
    for (int i = 0; i < graph->n_nodes; i++) {
        const yti_node *node = &graph->nodes[i];
        if (!node->live || !node->op->prepare || !node->ports.prepared_bytes) continue;
        make_run(graph, node, state, &run);
        node->op->prepare(node->attr, &run);
    }
}

bool yti_graph_is_prepared(const yti_graph *graph) {
    return graph->prepared;
}

void yti_graph_forward(yti_graph *graph, const yti_state *state, const yti_graph_observer *observer) {
    yti_run run;
    for (int i = 0; i < graph->n_nodes; i++) {
        const yti_node *node = &graph->nodes[i];
        if (!node->live) continue;
        if (node->op->forward) {
            make_run(graph, node, state, &run);
            node->op->forward(node->attr, &run);
        }
        if (observer && observer->forward) observer->forward(observer->context, i, yti_graph_map(graph, i));
    }
}

static void zero_gaps(const yti_graph *graph, const yti_node *node) {
    for (int g = 0; g < node->n_gaps; g++) {
        const yti_gap *gap = &node->gaps[g];
        yti_shape shape = graph->nodes[gap->root].ports.dst;
        shape.c = gap->count;
        yti_tensor part = view(graph, (yti_map_place){gap->root, gap->first}, shape, true);
        yti_kernels_get()->fill(&part, 0, graph->threads);
    }
}

void yti_graph_backward(yti_graph *graph, const yti_state *state, const yti_graph_observer *observer) {
    yti_run run;
    const bool observed = observer && observer->backward;
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        const yti_node *node = &graph->nodes[i];
        if (!node->live || node->n_src == 0) continue;
        if (node->runs_backward) zero_gaps(graph, node);
        if (observed) observer->backward(observer->context, i, yti_graph_gradient(graph, i));
        if (!node->runs_backward || !node->op->backward) continue;
        make_run(graph, node, state, &run);
        run.d_dst = view(graph, node->grad, node->ports.dst, true);
        run.observed = observed;
        for (int s = 0; s < node->n_src; s++) run.d_src[s] = source_gradient(graph, node, s);
        node->op->backward(node->attr, &run);
    }
}
