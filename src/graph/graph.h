/* graph.h: a static graph of primitive operations over feature maps.
 *
 * Four steps, in this order: add (build the graph), plan (shapes, lifetimes, one arena), forward, backward. The graph
 * owns its nodes and the arena; parameters are flat blocks owned by the caller (yti_state in op.h) and passed to every
 * run, so that the same graph runs with the live weights or with their moving average.
 */
#ifndef YT_GRAPH_H
#define YT_GRAPH_H

#include "ops/op.h"

typedef struct yti_graph yti_graph;

/* A feature map: the output of the node of the same number. Nodes are numbered in the order they were added. */
typedef int yti_value;

yt_status yti_graph_create(yti_graph **out, yt_err *err);
void yti_graph_destroy(yti_graph *graph);

/* The same nodes again, with neither plan nor arena: what a second thread runs at the same time. */
yt_status yti_graph_clone(const yti_graph *graph, yti_graph **out, yt_err *err);

/* A node to be added. Everything is lent. */
typedef struct yti_node_spec {
    const yti_op *op;
    const void *attr; /* of the op's attribute struct; NULL: it has none */
    const yti_value *sources;
    int n_sources;
    yti_params params;
    const char *label; /* for messages and logs: "model.2.cv1" */
} yti_node_spec;

/* Appends a node whose sources exist already (so there can be no cycle). */
yt_status yti_graph_add(yti_graph *graph, const yti_node_spec *spec, yti_value *out, yt_err *err);

/* Declares a result. Its map stays valid to the end of a run, and in training its gradient is written by the caller
 * between forward and backward. Only what results depend on is run; train_only results are left out in evaluation. */
void yti_graph_output(yti_graph *graph, yti_value value, bool train_only);

/* The node's parameters are not trained: they get no gradients, its statistics are the running ones and do not move,
 * and the backward run does not go below the lowest node that is trained. Before planning. */
void yti_graph_freeze(yti_graph *graph, yti_value value);

/* Keeps a value's map valid to the end of a run, so that it can be read then. Before planning. */
void yti_graph_keep(yti_graph *graph, yti_value value);

int yti_graph_nodes(const yti_graph *graph);
const char *yti_graph_label(const yti_graph *graph, yti_value value);

/* What a node computes, from how many sources; attr (may be NULL) receives its attributes, lent. */
const yti_op *yti_graph_op(const yti_graph *graph, yti_value value, const void **attr, int *n_sources);

/* The maps that a node reads, as many as yti_graph_op says; lent. All were added before it. */
const yti_value *yti_graph_sources(const yti_graph *graph, yti_value value);

/* Infers all shapes for an input of n x h x w without taking memory. flops (may be NULL) receives the operations of
 * each node, [yti_graph_nodes]. A failure names the node. */
yt_status yti_graph_shapes(yti_graph *graph, yti_mode mode, int n, int h, int w, double *flops, yt_err *err);
yti_shape yti_graph_shape(const yti_graph *graph, yti_value value); /* of the last yti_graph_shapes or yti_graph_plan */

/* Infers shapes, assigns memory and takes it (growing the arena only when the new plan needs more). On failure there
 * is no plan any more. */
yt_status yti_graph_plan(yti_graph *graph, yti_mode mode, int n, int h, int w, int threads, yt_err *err);

/* Bytes the current plan uses: maps, gradients, saved values and scratch. yti_graph_measure plans without taking
 * memory. */
size_t yti_graph_planned_bytes(const yti_graph *graph);
size_t yti_graph_arena_bytes(const yti_graph *graph); /* taken: those of the largest plan so far */
yt_status yti_graph_measure(yti_graph *graph, yti_mode mode, int n, int h, int w, int threads, size_t *bytes,
                            yt_err *err);

/* Where a node's parameters and statistics lie. */
yti_params yti_graph_params(const yti_graph *graph, yti_value value);

/* Views into the current plan; data NULL where there is none. */
yti_tensor yti_graph_map(const yti_graph *graph, yti_value value);
yti_tensor yti_graph_gradient(const yti_graph *graph, yti_value value);

/* Watches a run. Called for every node in the order they run; `value` is the node's. forward: the map is complete.
 * backward: the gradient of the map is complete and not yet overwritten (data NULL where none flows); where the map
 * was not kept its memory may hold something else by then. The gradient of a concatenation may
 * include what later readers of its sources added: they share memory. Either may be NULL. */
typedef struct yti_graph_observer {
    void (*forward)(void *context, yti_value value, yti_tensor map);
    void (*backward)(void *context, yti_value value, yti_tensor gradient);
    void *context;
} yti_graph_observer;

/* For runs in evaluation whose parameters stay as they are: brings them into the order in which the kernels read
 * them, once. Valid until the graph is planned again; forward runs until then must be given the same state. */
void yti_graph_prepare(yti_graph *graph, const yti_state *state);
bool yti_graph_is_prepared(const yti_graph *graph);

/* Runs all nodes; the input's map must have been filled. In training mode running statistics in state->buffers move. */
void yti_graph_forward(yti_graph *graph, const yti_state *state, const yti_graph_observer *observer);

/* Runs all nodes backwards; adds parameter gradients to state->grads. */
void yti_graph_backward(yti_graph *graph, const yti_state *state, const yti_graph_observer *observer);

#endif
