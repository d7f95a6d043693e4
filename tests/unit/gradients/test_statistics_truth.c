/* Tests of src/gradients with real networks: the slope that the engine's gradients show against the product of the
 * layers' Jacobians, computed here from the weights with plain loops in double; and the verdicts that the theory
 * foretells for deep tanh and sigmoid networks with and without shortcuts.
 */
#include "base/rng.h"
#include "gradients/limits.h"
#include "gradients/verdict.h"
#include "model/model.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, STEM_STRIDE = 4, MAP = SIDE / STEM_STRIDE, CHANNELS = 8, DEPTH = 20, CELLS = MAP * MAP * CHANNELS };
static const double LEARNING_RATE = 0.01;

/* ---- the engine ---- */

typedef struct net {
    yti_model *model;
    double rms[DEPTH];       /* of dL/dx at the output of row i; 0: not seen */
    double gradient[CELLS];  /* at the last of the measured rows */
    double mean_abs, update; /* of the first layer's weights */
    int last_row;
} net;

static void watch(void *context, yti_value value, yti_tensor gradient) {
    net *n = context;
    for (int row = 0; row <= n->last_row; row++) {
        if (n->model->rows[row].output != value) continue;
        cr_assert(gradient.data && gradient.c == CHANNELS && gradient.h == MAP && gradient.n == 1);
        double sum = 0;
        for (int p = 0; p < MAP * MAP; p++)
            for (int c = 0; c < CHANNELS; c++) {
                double x = (double)gradient.data[p * gradient.ld + c];
                sum += x * x;
                if (row == n->last_row) n->gradient[p * CHANNELS + c] = x;
            }
        n->rms[row] = sqrt(sum / CELLS);
    }
}

static void fill(yti_tensor t, yti_rng *rng) {
    for (size_t p = 0; p < yti_tensor_pixels(t); p++)
        for (int c = 0; c < t.c; c++) t.data[(ptrdiff_t)p * t.ld + c] = (float)yti_rng_uniform(rng, -0.01, 0.01);
}

static const yti_param_info *parameter(const yti_model *model, const char *name) {
    const yti_param_info *found = NULL;
    for (int i = 0; i < model->n_params; i++)
        if (strcmp(model->params[i].name, name) == 0) found = &model->params[i];
    cr_assert(found, "no parameter %s", name);
    return found;
}

/* Builds the network, runs it once on a drawn image, and sends a drawn gradient back from its head. */
static void run_net(net *n, const char *yaml, int rows, bool no_residual, uint64_t seed) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.no_residual = no_residual;
    options.no_batchnorm = true;
    yt_err err = {.text = ""};
    *n = (net){.last_row = rows - 1};
    cr_assert_eq(yti_model_parse("deep.yaml", yaml, strlen(yaml), &options, &n->model, &err), YT_OK, "%s", err.text);
    yti_model_init_weights(n->model, seed, &n->model->state);
    yti_graph_keep(n->model->graph, n->model->rows[0].output); /* read again below */
    cr_assert_eq(yti_model_plan(n->model, YT_MODE_TRAIN, 1, SIDE, SIDE, 2, &err), YT_OK, "%s", err.text);
    uint8_t image[SIDE * SIDE * 3];
    yti_rng rng = yti_rng_make(seed, 0, 0, YT_RNG_TEST);
    for (size_t i = 0; i < sizeof image; i++) image[i] = (uint8_t)yti_rng_uniform(&rng, 0, 255.9);
    yti_model_set_input(n->model, image);
    yti_model_forward(n->model, &n->model->state, NULL);
    yti_head head = yti_model_head(n->model, 0);
    fill(head.level[0].d_box, &rng);
    fill(head.level[0].d_cls, &rng);
    yti_graph_observer observer = {.backward = watch, .context = n};
    yti_model_backward(n->model, &n->model->state, &observer);

    const yti_param_info *first = &n->model->params[0];
    double sum_g = 0, sum_w = 0, sum_abs = 0;
    for (size_t i = 0; i < first->count; i++) {
        double g = (double)n->model->state.grads[first->offset + i],
               w = (double)n->model->state.params[first->offset + i];
        sum_g += g * g;
        sum_w += w * w;
        sum_abs += fabs(g);
    }
    n->update = LEARNING_RATE * sqrt(sum_g / sum_w);
    n->mean_abs = sum_abs / (double)first->count;
}

static void deep_yaml(char *text, size_t room, const char *activation, int rows, const char *row) {
    int used = snprintf(text, room, "nc: 2\nactivation: %s\nbackbone:\n  - [-1, 1, Conv, [%d, 3, %d]]\n", activation,
                        CHANNELS, STEM_STRIDE);
    for (int i = 1; i < rows; i++) used += snprintf(text + used, room - (size_t)used, "  - %s\n", row);
    snprintf(text + used, room - (size_t)used, "head:\n  - [[%d], 1, Detect, [nc]]\n", rows - 1);
}

/* ---- the same from the definition ---- */

typedef double (*function)(double);

static double logistic(double x) {
    return 1 / (1 + exp(-x));
}

static double tanh_slope(double y) {
    return 1 - y * y;
}

static double logistic_slope(double y) {
    return y * (1 - y);
}

static void layer_weights(const yti_model *model, int row, float *weight, float *bias) {
    char name[64];
    snprintf(name, sizeof name, "model.%d.conv.weight", row);
    const yti_param_info *w = parameter(model, name);
    yti_param_to_file_order(w, model->state.params + w->offset, weight);
    snprintf(name, sizeof name, "model.%d.conv.bias", row);
    const yti_param_info *b = parameter(model, name);
    memcpy(bias, model->state.params + b->offset, CHANNELS * sizeof *bias);
}

/* What one 3x3 convolution multiplies at a tap; the index of the input pixel, or -1 in the border. */
static int neighbour(int p, int tap) {
    int y = p / MAP + tap / 3 - 1, x = p % MAP + tap % 3 - 1;
    return y < 0 || x < 0 || y >= MAP || x >= MAP ? -1 : y * MAP + x;
}

/* y = f(W x + b) over the map. */
static void forward(const float *w, const float *b, const double *x, double *y, function f) {
    for (int p = 0; p < MAP * MAP; p++)
        for (int o = 0; o < CHANNELS; o++) {
            double sum = (double)b[o];
            for (int tap = 0; tap < 9; tap++)
                for (int i = 0, from = neighbour(p, tap); from >= 0 && i < CHANNELS; i++)
                    sum += (double)w[(o * CHANNELS + i) * 9 + tap] * x[from * CHANNELS + i];
            y[p * CHANNELS + o] = f(sum);
        }
}

/* dx = J^T dy, where J = diag(f'(z)) W. */
static void transpose(const float *w, const double *y, const double *dy, double *dx, function slope) {
    memset(dx, 0, CELLS * sizeof *dx);
    for (int p = 0; p < MAP * MAP; p++)
        for (int o = 0; o < CHANNELS; o++) {
            double dz = dy[p * CHANNELS + o] * slope(y[p * CHANNELS + o]);
            for (int tap = 0; tap < 9; tap++)
                for (int i = 0, from = neighbour(p, tap); from >= 0 && i < CHANNELS; i++)
                    dx[from * CHANNELS + i] += (double)w[(o * CHANNELS + i) * 9 + tap] * dz;
        }
}

static double rms_of(const double *x) {
    double sum = 0;
    for (int i = 0; i < CELLS; i++) sum += x[i] * x[i];
    return sqrt(sum / CELLS);
}

/* rms(dL/dx) at every row by the product of the Jacobians, from the gradient at the last. */
static void jacobian_product(const net *n, function f, function slope, double rms[DEPTH]) {
    static double y[DEPTH][CELLS], dx[CELLS], dy[CELLS];
    float weight[CHANNELS * CHANNELS * 9], bias[CHANNELS];
    yti_tensor first = yti_graph_map(n->model->graph, n->model->rows[0].output);
    for (int p = 0; p < MAP * MAP; p++)
        for (int c = 0; c < CHANNELS; c++) y[0][p * CHANNELS + c] = (double)first.data[p * first.ld + c];
    for (int row = 1; row < DEPTH; row++) {
        layer_weights(n->model, row, weight, bias);
        forward(weight, bias, y[row - 1], y[row], f);
    }
    memcpy(dy, n->gradient, sizeof dy);
    rms[DEPTH - 1] = rms_of(dy);
    for (int row = DEPTH - 1; row > 0; row--) {
        layer_weights(n->model, row, weight, bias);
        transpose(weight, y[row], dy, dx, slope);
        rms[row - 1] = rms_of(dx);
        memcpy(dy, dx, sizeof dy);
    }
}

/* ---- the tests ---- */

static yti_interval slope_of(const double *rms, int count, double step) {
    double depth[DEPTH];
    int zeros;
    for (int i = 0; i < count; i++) depth[i] = 1 + step * i;
    yti_interval slope = yti_slope_fit(depth, rms, count, &zeros);
    cr_assert_eq(zeros, 0);
    return slope;
}

static yti_verdict verdict_of(const net *n, int rows, double step) {
    yti_flow_facts facts = {.first_to_last = n->rms[0] / n->rms[rows - 1],
                            .update = n->update,
                            .mean_abs = n->mean_abs,
                            .norm = (double)NAN};
    char text[512];
    yti_verdict verdict = yti_verdict_of(&facts, text, sizeof text);
    cr_log_info("%s; slope %.4f", text, slope_of(n->rms, rows, step).value);
    return verdict;
}

static void expect_truth(const char *activation, function f, function slope) {
    char yaml[2048];
    deep_yaml(yaml, sizeof yaml, activation, DEPTH, "[-1, 1, Conv, [8, 3, 1]]");
    for (uint64_t seed = 0; seed < 3; seed++) {
        net n;
        double rms[DEPTH];
        run_net(&n, yaml, DEPTH, false, seed);
        jacobian_product(&n, f, slope, rms);
        double measured = slope_of(n.rms, DEPTH, 1).value, truth = slope_of(rms, DEPTH, 1).value;
        cr_assert(truth > 0.1, "%s: %.4f per layer does not vanish", activation, truth);
        cr_assert(fabs(measured - truth) <= 0.01 * truth, "%s: %.6f per layer instead of %.6f", activation, measured,
                  truth);
        cr_assert_eq(verdict_of(&n, DEPTH, 1), YT_VERDICT_VANISHING);
        yti_model_destroy(n.model);
    }
}

Test(flow_truth, plain_tanh_of_depth_20_vanishes_as_the_product_of_its_jacobians) {
    expect_truth("nn.Tanh()", tanh, tanh_slope);
}

Test(flow_truth, plain_sigmoid_of_depth_20_vanishes_as_the_product_of_its_jacobians) {
    expect_truth("nn.Sigmoid()", logistic, logistic_slope);
}

/* Ten blocks of two convolutions, with and without x +. */
Test(flow_truth, the_adds_of_a_residual_network_make_it_flat) {
    enum { ROWS = 11 };
    char yaml[2048];
    deep_yaml(yaml, sizeof yaml, "nn.Tanh()", ROWS, "[-1, 1, Bottleneck, [8, True, 1, 3, 1.0]]");
    for (uint64_t seed = 0; seed < 3; seed++) {
        net residual, plain;
        run_net(&residual, yaml, ROWS, false, seed);
        run_net(&plain, yaml, ROWS, true, seed);
        cr_assert_eq(verdict_of(&residual, ROWS, 2), YT_VERDICT_FLAT);
        cr_assert_eq(verdict_of(&plain, ROWS, 2), YT_VERDICT_VANISHING);
        yti_model_destroy(residual.model);
        yti_model_destroy(plain.model);
    }
}
