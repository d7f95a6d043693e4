/* Tests of src/graph: where gradients flow, are added, and are not; memory that is planned once.
 *
 * The nets here are linear in each convolution's weights, so Euler's rule gives an exact truth for every weight
 * gradient: sum(w * dL/dw) = L(w) - L(0), L being the product of the outputs with fixed seeds. */
#include "base/rng.h"
#include "graph/graph.h"
#include "ops/ops.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONVS = 8, CHANNELS = 8, BLOCK = 4096, SIDE = 6, BATCH = 2 };

typedef struct net {
    yti_graph *graph;
    yti_value input;
    int n_convs;
    size_t offset[MAX_CONVS], count[MAX_CONVS];
    int n_outputs;
    yti_value outputs[4];
    float params[BLOCK], grads[BLOCK];
    yti_state state;
} net;

static yti_value add(net *t, const yti_op *op, const void *attr, const yti_value *src, int n, yti_params params) {
    yti_value value;
    yt_err err = {.text = ""};
    const yti_node_spec spec = {op, attr, src, n, params, op->name};
    cr_assert_eq(yti_graph_add(t->graph, &spec, &value, &err), YT_OK, "%s", err.text);
    return value;
}

static void begin(net *t) {
    const yti_input_attr attr = {.channels = 3};
    memset(t, 0, sizeof *t);
    cr_assert_eq(yti_graph_create(&t->graph, NULL), YT_OK);
    t->state = (yti_state){.params = t->params, .grads = t->grads};
    t->input = add(t, &yti_op_input, &attr, NULL, 0, YT_NO_PARAMS);
}

static yti_value conv(net *t, yti_value x, int cin, int cout, int kernel, int stride) {
    const yti_conv_attr attr = {.conv = {.cin = cin,
                                         .cout = cout,
                                         .kernel = kernel,
                                         .stride = stride,
                                         .pad = kernel / 2,
                                         .dilation = 1,
                                         .groups = 1}};
    const int i = t->n_convs++;
    yti_params params = YT_NO_PARAMS;
    t->offset[i] = i ? t->offset[i - 1] + t->count[i - 1] : 0;
    t->count[i] = (size_t)(cin * cout * kernel * kernel);
    cr_assert(t->offset[i] + t->count[i] <= BLOCK);
    params.param[0] = (ptrdiff_t)t->offset[i];
    return add(t, &yti_op_conv2d, &attr, &x, 1, params);
}

static yti_value concat(net *t, yti_value a, yti_value b) {
    const yti_value src[2] = {a, b};
    return add(t, &yti_op_concat, NULL, src, 2, YT_NO_PARAMS);
}

static yti_value slice(net *t, yti_value x, int first, int count) {
    const yti_slice_attr attr = {first, count};
    return add(t, &yti_op_slice, &attr, &x, 1, YT_NO_PARAMS);
}

static yti_value detach(net *t, yti_value x) {
    return add(t, &yti_op_detach, NULL, &x, 1, YT_NO_PARAMS);
}

static void output(net *t, yti_value x) {
    yti_graph_output(t->graph, x, false);
    t->outputs[t->n_outputs++] = x;
}

static float seed_at(int output_index, size_t i) {
    yti_rng rng = yti_rng_make(5, (uint64_t)output_index, i, YT_RNG_TEST);
    return (float)yti_rng_uniform(&rng, -1, 1);
}

/* Calls visit for every element of a view with a running index. */
static double dot_with_seeds(yti_tensor map, int output_index, yti_tensor write_to) {
    double sum = 0;
    size_t i = 0;
    for (size_t p = 0; p < yti_tensor_pixels(map); p++)
        for (int c = 0; c < map.c; c++, i++) {
            const float seed = seed_at(output_index, i);
            sum += (double)seed * (double)map.data[(ptrdiff_t)p * map.ld + c];
            if (write_to.data) write_to.data[(ptrdiff_t)p * write_to.ld + c] = seed;
        }
    return sum;
}

static void fill_random(float *values, size_t count, uint64_t item) {
    yti_rng rng = yti_rng_make(9, 0, item, YT_RNG_TEST);
    for (size_t i = 0; i < count; i++) values[i] = (float)yti_rng_uniform(&rng, -1, 1);
}

/* Forward only (backward = false), or both; returns L. */
static double run(net *t, bool backward) {
    yti_tensor input = yti_graph_map(t->graph, t->input);
    fill_random(input.data, yti_tensor_elements(input), 77);
    yti_graph_forward(t->graph, &t->state, NULL);
    double loss = 0;
    for (int o = 0; o < t->n_outputs; o++)
        loss += dot_with_seeds(yti_graph_map(t->graph, t->outputs[o]), o,
                               backward ? yti_graph_gradient(t->graph, t->outputs[o]) : (yti_tensor){0});
    memset(t->grads, 0, sizeof t->grads);
    if (backward) yti_graph_backward(t->graph, &t->state, NULL);
    return loss;
}

static void plan(net *t) {
    yt_err err = {.text = ""};
    cr_assert_eq(yti_graph_plan(t->graph, YT_MODE_TRAIN, BATCH, SIDE, SIDE, 2, &err), YT_OK, "%s", err.text);
}

/* Euler's rule for every convolution of the net. */
static void expect_exact_gradients(net *t) {
    plan(t);
    fill_random(t->params, BLOCK, 1);
    float grads[BLOCK];
    const double loss = run(t, true);
    memcpy(grads, t->grads, sizeof grads);
    for (int i = 0; i < t->n_convs; i++) {
        double product = 0, saved_sum = 0;
        float saved[BLOCK];
        float *w = t->params + t->offset[i];
        memcpy(saved, w, t->count[i] * sizeof *w);
        for (size_t k = 0; k < t->count[i]; k++) {
            product += (double)w[k] * (double)grads[t->offset[i] + k];
            saved_sum += (double)(w[k] * w[k]);
        }
        memset(w, 0, t->count[i] * sizeof *w);
        const double without = run(t, false);
        memcpy(w, saved, t->count[i] * sizeof *w);
        cr_expect(test_near(product, loss - without, 1e-4 * (1 + saved_sum)), "conv %d: %g, expected %g", i, product,
                  loss - without);
    }
    yti_graph_destroy(t->graph);
}

Test(graph, a_map_read_twice_gets_the_sum_of_its_gradients) {
    static net t;
    begin(&t);
    yti_value a = conv(&t, t.input, 3, CHANNELS, 3, 1);
    output(&t, conv(&t, a, CHANNELS, 4, 1, 1));
    output(&t, conv(&t, a, CHANNELS, 5, 3, 2));
    expect_exact_gradients(&t);
}

Test(graph, a_map_in_two_concatenations_is_placed_once_and_copied_once) {
    static net t;
    begin(&t);
    yti_value a = conv(&t, t.input, 3, CHANNELS, 1, 1), b = conv(&t, a, CHANNELS, CHANNELS, 3, 1);
    output(&t, conv(&t, concat(&t, a, b), 2 * CHANNELS, 4, 1, 1));
    output(&t, conv(&t, concat(&t, b, a), 2 * CHANNELS, 4, 3, 1));
    expect_exact_gradients(&t);
}

Test(graph, concatenations_nest) {
    static net t;
    begin(&t);
    yti_value a = conv(&t, t.input, 3, CHANNELS, 1, 1), b = conv(&t, a, CHANNELS, 4, 3, 1);
    yti_value inner = concat(&t, a, b), c = conv(&t, inner, CHANNELS + 4, 4, 1, 1);
    output(&t, conv(&t, concat(&t, inner, c), CHANNELS + 8, 4, 1, 1));
    expect_exact_gradients(&t);
}

Test(graph, a_slice_passes_its_gradient_to_its_channels_only) {
    static net t;
    begin(&t);
    yti_value a = conv(&t, t.input, 3, CHANNELS, 1, 1);
    output(&t, conv(&t, slice(&t, a, 3, 4), 4, 4, 1, 1)); /* channels 0-2 and 7 get no gradient: gaps */
    expect_exact_gradients(&t);
}

Test(graph, a_slice_and_the_whole_add_up) {
    static net t;
    begin(&t);
    yti_value a = conv(&t, t.input, 3, CHANNELS, 1, 1);
    yti_value whole = conv(&t, a, CHANNELS, 4, 1, 1);
    output(&t, whole);
    output(&t, conv(&t, slice(&t, a, 2, 3), 3, 4, 1, 1)); /* runs backward first: covers a part only */
    expect_exact_gradients(&t);
}

Test(graph, no_gradient_passes_a_detached_map) {
    static net t;
    begin(&t);
    yti_value a = conv(&t, t.input, 3, CHANNELS, 1, 1);
    output(&t, conv(&t, detach(&t, a), CHANNELS, 4, 1, 1));
    plan(&t);
    fill_random(t.params, BLOCK, 1);
    run(&t, true);
    for (size_t i = 0; i < t.count[0]; i++) cr_assert_eq(t.grads[t.offset[0] + i], 0.0f);
    double square = 0;
    for (size_t i = 0; i < t.count[1]; i++) square += (double)(t.grads[t.offset[1] + i] * t.grads[t.offset[1] + i]);
    cr_assert(square > 1e-3);
    yti_graph_destroy(t.graph);
}

Test(graph, a_node_without_readers_is_not_run) {
    static net t;
    begin(&t);
    yti_value a = conv(&t, t.input, 3, CHANNELS, 1, 1), unused = conv(&t, a, CHANNELS, CHANNELS, 3, 1);
    output(&t, conv(&t, a, CHANNELS, 4, 1, 1));
    plan(&t);
    cr_assert_null(yti_graph_map(t.graph, unused).data);
    yti_graph_destroy(t.graph);
    begin(&t);
    a = conv(&t, t.input, 3, CHANNELS, 1, 1);
    conv(&t, a, CHANNELS, CHANNELS, 3, 1);
    output(&t, conv(&t, a, CHANNELS, 4, 1, 1));
    plan(&t);
    fill_random(t.params, BLOCK, 1);
    run(&t, true);
    for (size_t i = 0; i < t.count[1]; i++) cr_assert_eq(t.grads[t.offset[1] + i], 0.0f);
    yti_graph_destroy(t.graph);
}

Test(graph, shapes_that_do_not_fit_are_named) {
    static net t;
    yt_err err = {.text = ""};
    begin(&t);
    yti_value a = conv(&t, t.input, 3, CHANNELS, 3, 1), half = conv(&t, a, CHANNELS, CHANNELS, 3, 2);
    output(&t, concat(&t, a, half));
    cr_assert_eq(yti_graph_plan(t.graph, YT_MODE_EVAL, 1, SIDE, SIDE, 1, &err), YT_ERR_MISMATCH);
    cr_assert_not_null(strstr(err.text, "concat: "), "%s", err.text);
    cr_assert_eq(yti_graph_plan(t.graph, YT_MODE_EVAL, 1, 1 << 20, 1 << 20, 1, &err), YT_ERR_MISMATCH);
    cr_assert_not_null(strstr(err.text, "too large"), "%s", err.text);
    yti_graph_destroy(t.graph);
}

Test(graph, planning_again_keeps_results_and_memory) {
    static net t;
    begin(&t);
    yti_value x = t.input;
    for (int i = 0; i < 6; i++) x = conv(&t, x, i ? CHANNELS : 3, CHANNELS, 3, 1);
    output(&t, x);
    fill_random(t.params, BLOCK, 1);
    plan(&t);
    const double first = run(&t, true);
    const size_t train_bytes = yti_graph_planned_bytes(t.graph);
    cr_assert_eq(yti_graph_plan(t.graph, YT_MODE_EVAL, 1, 4, 4, 1, NULL), YT_OK);
    cr_assert_lt(yti_graph_planned_bytes(t.graph), train_bytes);
    size_t heap = 0;
    for (int i = 0; i < 20; i++) {
        if (i == 3) heap = mallinfo2().uordblks + mallinfo2().hblkhd; /* the allocator has its own stock by then */
        cr_assert_eq(yti_graph_plan(t.graph, YT_MODE_EVAL, 1, 4 + i % 3, 4, 1, NULL), YT_OK);
        plan(&t);
        cr_assert_eq(run(&t, true), first);
    }
    cr_assert_eq(mallinfo2().uordblks + mallinfo2().hblkhd, heap);
    yti_graph_destroy(t.graph);
}

Test(graph, evaluation_reuses_the_memory_of_maps) {
    static net t;
    begin(&t);
    yti_value x = conv(&t, t.input, 3, CHANNELS, 1, 1);
    for (int i = 1; i < 8; i++) x = conv(&t, x, CHANNELS, CHANNELS, 1, 1);
    output(&t, x);
    size_t train = 0, eval = 0;
    cr_assert_eq(yti_graph_measure(t.graph, YT_MODE_TRAIN, 1, 64, 64, 1, &train, NULL), YT_OK);
    cr_assert_eq(yti_graph_measure(t.graph, YT_MODE_EVAL, 1, 64, 64, 1, &eval, NULL), YT_OK);
    const size_t map = 64 * 64 * CHANNELS * sizeof(float);
    cr_assert(train >= 8 * map, "eight maps are kept for the backward pass");
    cr_assert(eval < train - 4 * map, "evaluation needs %zu bytes, training %zu", eval, train);
    yti_graph_destroy(t.graph);
}
