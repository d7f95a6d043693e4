/* graph_internal.h: the graph as its three files see it: graph.c builds, plan.c places, exec.c runs. */
#ifndef YT_GRAPH_INTERNAL_H
#define YT_GRAPH_INTERNAL_H

#include "graph/graph.h"

/* Where a map or a gradient lies: channels [first, first + c) of the buffer of node `root`. */
typedef struct yti_map_place {
    int root; /* -1: nowhere */
    int first;
} yti_map_place;

/* Channels of a gradient buffer to be zeroed before a node's backward step, because nobody has written them yet. */
typedef struct yti_gap {
    int root, first, count;
} yti_gap;

typedef struct yti_node {
    const yti_op *op;
    void *attr;
    char *label;
    int n_src;
    yti_value *src;
    yti_params params;
    bool output, train_only, keep, frozen;

    yti_ports ports; /* of the last shape inference */

    /* Decided by the current plan. */
    bool live;          /* some result depends on it */
    bool needs_grad;    /* it or something before it has parameters to train */
    bool runs_backward; /* a gradient reaches it */
    bool *accumulate;   /* [n_src] */
    yti_map_place map, grad;
    yti_gap *gaps; /* [n_gaps] */
    int n_gaps, gaps_capacity;
    size_t map_at, grad_at; /* of a root: bytes into the arena */
    size_t saved_at, side_at, prepared_at;
} yti_node;

struct yti_graph {
    yti_node *nodes;
    int n_nodes, capacity;
    bool planned, prepared;
    yti_mode mode;
    int threads;
    size_t plan_bytes; /* of the whole arena, with scratch */
    size_t scratch_at, scratch_bytes;
    unsigned char *arena; /* 64-byte aligned */
    size_t arena_bytes;
};

/* Floats from pixel to pixel of a buffer with c channels: whole 32-byte vectors, except for the few-channel maps at
 * the ends. */
int yti_row_stride(int c);

/* Decides everything in the plan part of the nodes and graph->plan_bytes. Shapes are known. */
yt_status yti_plan(yti_graph *graph, yt_err *err);

#endif
