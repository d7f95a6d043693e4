/* norm_statistics.c: every map that is normalised is shown to an observer, which adds up its values; see
 * norm_statistics.h. */
#include "train/parts/norm_statistics.h"
#include "data/feed/loader.h"
#include "model/builder.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_IMAGES = 128, BATCH = 8 };

/* Of a map that is normalised: sums over pixels per channel, and how many pixels. */
typedef struct sums {
    double *sum, *square; /* [channels]; NULL: the node is not of that kind */
    yti_params params;    /* of the normalisation */
    double pixels;
    int channels;
} sums;

typedef struct measuring {
    yti_model *model;
    sums *nodes; /* by node whose map is normalised */
    int n_nodes;
} measuring;

static void free_measuring(measuring *m) {
    for (int i = 0; i < m->n_nodes && m->nodes; i++) free(m->nodes[i].sum);
    free(m->nodes);
}

/* Whether a normalisation is as weights_unfold.h makes it: others, as they were drawn, begin with gain 1. */
static bool was_folded(const yti_state *state, const yti_params *params, int channels) {
    bool same = true;
    for (int c = 0; c < channels && same; c++)
        same = state->params[params->param[0] + c] == sqrtf(1 + YTI_BN_EPS) &&
               state->buffers[params->buffer[0] + c] == 0 && state->buffers[params->buffer[1] + c] == 1;
    return same;
}

static yt_status prepare(measuring *m, yt_err *err) {
    const yti_graph *graph = m->model->graph;
    m->nodes = calloc((size_t)m->n_nodes + 1, sizeof *m->nodes);
    for (yti_value v = 0; m->nodes && v < m->n_nodes; v++) {
        const void *attr;
        int n;
        if (yti_graph_op(graph, v, &attr, &n) != &yti_op_norm_act || !((const yti_norm_act_attr *)attr)->normalise)
            continue;
        const yti_value from = yti_graph_sources(graph, v)[0];
        const int channels = yti_graph_shape(graph, from).c;
        const yti_params params = yti_graph_params(graph, v);
        if (!was_folded(&m->model->state, &params, channels)) continue;
        double *sum = calloc(2 * (size_t)channels + 1, sizeof *sum);
        if (!sum) return yti_no_memory(err, "statistics");
        m->nodes[from] = (sums){.sum = sum, .square = sum + channels, .params = params, .channels = channels};
    }
    return m->nodes ? YT_OK : yti_no_memory(err, "statistics");
}

static void add_map(void *context, yti_value value, yti_tensor map) {
    const measuring *m = context;
    sums *s = &m->nodes[value];
    if (!s->sum || !map.data) return;
    const size_t pixels = yti_tensor_pixels(map);
    for (size_t p = 0; p < pixels; p++) {
        const float *at = map.data + (ptrdiff_t)p * map.ld;
        for (int c = 0; c < s->channels; c++) {
            s->sum[c] += (double)at[c];
            s->square[c] += (double)at[c] * (double)at[c];
        }
    }
    s->pixels += (double)pixels;
}

static void settle(const yti_state *state, const sums *s) {
    float *gain = state->params + s->params.param[0], *bias = state->params + s->params.param[1];
    float *mean = state->buffers + s->params.buffer[0], *variance = state->buffers + s->params.buffer[1];
    for (int c = 0; c < s->channels; c++) {
        const double m = s->sum[c] / s->pixels, v = fmax(0, s->square[c] / s->pixels - m * m);
        const double scale = (double)gain[c] / sqrt((double)variance[c] + (double)YTI_BN_EPS);
        bias[c] = (float)((double)bias[c] + scale * (m - (double)mean[c]));
        gain[c] = (float)(scale * sqrt(v + (double)YTI_BN_EPS));
        mean[c] = (float)m;
        variance[c] = (float)v;
    }
}

static yt_status show(measuring *m, yti_loader *loader, int threads, yt_err *err) {
    const yti_graph_observer observer = {.forward = add_map, .context = m};
    const yti_batch *batch;
    int planned = 0;
    YT_TRY(yti_loader_begin(loader, 0, 0, NULL, err));
    for (;;) {
        YT_TRY(yti_loader_next(loader, &batch, err));
        if (!batch) return YT_OK;
        if (batch->n != planned)
            YT_TRY(yti_model_plan(m->model, YT_MODE_EVAL, planned = batch->n, batch->h, batch->w, threads, err));
        yti_model_set_input(m->model, batch->rgb);
        yti_model_forward(m->model, &m->model->state, &observer);
    }
}

/* Some samples of a split, lent by it. */
static yt_status pick(const yti_split *split, yti_split *out, yt_err *err) {
    const int n = split->n_samples < MAX_IMAGES ? split->n_samples : MAX_IMAGES;
    *out = *split;
    out->samples = malloc(((size_t)n + 1) * sizeof *out->samples);
    if (!out->samples) return yti_no_memory(err, "%d images", n);
    for (int i = 0; i < n; i++) out->samples[i] = split->samples[(int64_t)i * split->n_samples / n];
    out->n_samples = n;
    return YT_OK;
}

yt_status yti_measure_statistics(yti_model *model, const yti_split *split, int imgsz, int threads, int *images,
                                 yt_err *err) {
    measuring m = {.model = model, .n_nodes = yti_graph_nodes(model->graph)};
    yti_split some;
    yti_loader *loader = NULL;
    YT_TRY(pick(split, &some, err));
    const yti_loader_config config = {
        .batch = BATCH, .imgsz = imgsz, .workers = threads > 2 ? threads / 2 : 1, .stride = model->max_stride};
    yti_model_evaluate(model, (1u << model->n_branches) - 1);
    yt_status status = yti_graph_shapes(model->graph, YT_MODE_EVAL, 1, imgsz, imgsz, NULL, err);
    if (status == YT_OK) status = prepare(&m, err);
    if (status == YT_OK) status = yti_loader_create(&some, &config, &loader, err);
    if (status == YT_OK) status = show(&m, loader, threads, err);
    for (int i = 0; i < m.n_nodes && status == YT_OK; i++)
        if (m.nodes[i].sum && m.nodes[i].pixels > 0) settle(&model->state, &m.nodes[i]);
    *images = some.n_samples;
    yti_loader_destroy(loader);
    free(some.samples);
    free_measuring(&m);
    return status;
}
