/* quantize.c: which maps have codes, which share a scale, and on which scales; see quantize.h. */
#include "export/quantize.h"
#include "ops/ops.h"

#include <math.h>
#include <stdlib.h>

/* ---- codes ---- */

int yti_weight_code(float value, float scale) {
    const float code = rintf(value / scale), most = YTI_WEIGHT_CODE_MAX;
    return (int)(code < -most ? -most : code > most ? most : code);
}

int32_t yti_bias_code(float value, float scale) {
    return (int32_t)rint((double)value / (double)scale); /* scales are such that it fits: see scales_of_weights */
}

static yti_codes codes_of_range(yti_range range) {
    const float low = range.low < 0 ? range.low : 0, high = range.high > 0 ? range.high : 0; /* 0 has a code */
    const float scale = (high - low) / YTI_CODE_MAX;
    if (!(scale > 1e-20f)) return (yti_codes){.scale = 1}; /* all 0 */
    return (yti_codes){.scale = scale, .zero = (int)rintf(-low / scale)};
}

/* ---- which maps ---- */

typedef struct planner {
    const yti_model *model;
    int n_nodes;
    bool *coded;     /* by node */
    bool *in_floats; /* by node: a convolution that stays so */
    yti_value *root; /* by node: the one whose scale it has, directly or through others */
} planner;

static const yti_op *op_of(const yti_model *model, yti_value node, int *n_sources) {
    const void *attr;
    return yti_graph_op(model->graph, node, &attr, n_sources);
}

/* Operations that only select values of their source. */
static bool selects(const yti_op *op) {
    return op == &yti_op_slice || op == &yti_op_detach || op == &yti_op_maxpool2d || op == &yti_op_upsample ||
           op == &yti_op_pad;
}

static yti_value root_of(const planner *p, yti_value node) {
    while (p->root[node] != node) node = p->root[node];
    return node;
}

/* A map that is read by convolutions in floats only stays in floats. */
static void mark_coded(planner *p) {
    const yti_model *m = p->model;
    for (int l = 0; l < m->n_levels; l++) p->in_floats[m->head_box[0][l]] = p->in_floats[m->head_cls[0][l]] = true;
    for (yti_value v = 0; v < p->n_nodes; v++) {
        int n;
        op_of(m, v, &n);
        for (int i = 0; i < n && !p->in_floats[v]; i++) p->coded[yti_graph_sources(m->graph, v)[i]] = true;
    }
}

/* A source of a concatenation lies in its memory. One that is read again after it must not change by the rounding to
 * the scale of the whole, and so has that scale. */
static bool is_read_after(const planner *p, yti_value source, yti_value node) {
    for (yti_value v = node + 1; v < p->n_nodes; v++) {
        int n;
        op_of(p->model, v, &n);
        for (int i = 0; i < n; i++)
            if (yti_graph_sources(p->model->graph, v)[i] == source) return true;
    }
    return false;
}

static void share_scales(planner *p) {
    for (yti_value v = 0; v < p->n_nodes; v++) {
        int n;
        const yti_op *op = op_of(p->model, v, &n);
        const yti_value *from = yti_graph_sources(p->model->graph, v);
        if (selects(op)) p->root[root_of(p, v)] = root_of(p, from[0]);
        for (int i = 0; i < n && op == &yti_op_concat; i++)
            if (n == 1 || is_read_after(p, from[i], v)) p->root[root_of(p, from[i])] = root_of(p, v);
    }
}

static void choose_scales(planner *p, const yti_calibration *calibration, double kept, yti_quantization *q) {
    yti_range *ranges = malloc(((size_t)p->n_nodes + 1) * sizeof *ranges);
    if (!ranges) return;
    for (yti_value v = 0; v < p->n_nodes; v++) ranges[v] = (yti_range){INFINITY, -INFINITY};
    for (yti_value v = 0; v < p->n_nodes; v++) {
        const yti_range own = yti_calibration_range(calibration, v, kept);
        yti_range *shared = &ranges[root_of(p, v)];
        if (own.low < shared->low) shared->low = own.low;
        if (own.high > shared->high) shared->high = own.high;
    }
    for (yti_value v = 0; v < p->n_nodes; v++) {
        const yti_range range = ranges[root_of(p, v)];
        if (p->coded[v] && range.low <= range.high) q->maps[v] = codes_of_range(range);
    }
    q->maps[p->model->input] = (yti_codes){.scale = 1.f / 255}; /* the bytes of the image themselves */
    free(ranges);
}

/* ---- weights ---- */

/* By the largest weight of each output channel; where the bias would not fit 32 bits on that scale, by the bias. */
static void scales_of_weights(const float *w, size_t count, int channels, const float *bias, float source_scale,
                              float *scales) {
    for (int c = 0; c < channels; c++) scales[c] = 0;
    for (size_t i = 0; i < count; i++) scales[i % (size_t)channels] = fmaxf(scales[i % (size_t)channels], fabsf(w[i]));
    for (int c = 0; c < channels; c++) {
        scales[c] /= YTI_WEIGHT_CODE_MAX;
        const float least = bias ? fabsf(bias[c]) / source_scale / (float)(1 << 30) : 0;
        scales[c] = fmaxf(scales[c], fmaxf(least, 1e-20f));
    }
}

/* Rounds what the node has to its codes. Memory: [kh][kw][in / groups][out]. */
static yt_status quantize_conv(yti_model *model, yti_value node, float source_scale, float **scales, yt_err *err) {
    const void *attr;
    int n;
    yti_graph_op(model->graph, node, &attr, &n);
    const yti_conv_geometry *c = &((const yti_conv_attr *)attr)->conv;
    const yti_params params = yti_graph_params(model->graph, node);
    const size_t channels = (size_t)c->cout,
                 count = (size_t)(c->kernel * c->kernel) * (size_t)(c->cin / c->groups) * channels;
    float *w = model->state.params + params.param[0];
    float *bias = params.param[1] >= 0 ? model->state.params + params.param[1] : NULL;
    *scales = malloc(channels * sizeof **scales + 1);
    if (!*scales) return yti_no_memory(err, "%zu scales", channels);
    scales_of_weights(w, count, c->cout, bias, source_scale, *scales);
    for (size_t i = 0; i < count; i++) {
        const float scale = (*scales)[i % channels];
        w[i] = scale * (float)yti_weight_code(w[i], scale);
    }
    for (size_t i = 0; bias && i < channels; i++) {
        const float scale = source_scale * (*scales)[i];
        bias[i] = (float)((double)scale * yti_bias_code(bias[i], scale));
    }
    return YT_OK;
}

static yt_status quantize_convs(const planner *p, yti_model *model, yti_quantization *q, yt_err *err) {
    for (yti_value v = 0; v < p->n_nodes; v++) {
        int n;
        if (op_of(model, v, &n) != &yti_op_conv2d) continue;
        const yti_codes source = q->maps[yti_graph_sources(model->graph, v)[0]];
        if (p->in_floats[v] || source.scale == 0) {
            q->n_float++;
            continue;
        }
        q->n_convs++;
        YT_TRY(quantize_conv(model, v, source.scale, &q->weights[v], err));
    }
    return YT_OK;
}

yt_status yti_quantize(yti_model *model, const yti_calibration *calibration, double kept, yti_quantization *out,
                       yt_err *err) {
    const int n = yti_graph_nodes(model->graph);
    const size_t room = (size_t)n + 1;
    YT_TRY(yti_calibration_status(calibration, err));
    yti_quantization q = {
        .n_nodes = n, .maps = calloc(room, sizeof *q.maps), .weights = calloc(room, sizeof *q.weights), .model = model};
    planner p = {.model = model,
                 .n_nodes = n,
                 .coded = calloc(room, sizeof *p.coded),
                 .in_floats = calloc(room, sizeof *p.in_floats),
                 .root = malloc(room * sizeof *p.root)};
    yt_status status = q.maps && q.weights && p.coded && p.in_floats && p.root ? YT_OK
                                                                               : yti_no_memory(err, "%d scales", n);
    if (status == YT_OK) {
        for (yti_value v = 0; v < n; v++) p.root[v] = v;
        mark_coded(&p);
        share_scales(&p);
        choose_scales(&p, calibration, kept, &q);
        status = q.maps[model->input].scale > 0 ? quantize_convs(&p, model, &q, err)
                                                : yti_no_memory(err, "%d ranges", n);
    }
    free(p.coded);
    free(p.in_floats);
    free(p.root);
    if (status == YT_OK)
        *out = q;
    else
        yti_quantization_free(&q);
    return status;
}

void yti_quantization_free(yti_quantization *q) {
    for (int i = 0; i < q->n_nodes && q->weights; i++) free(q->weights[i]);
    free(q->weights);
    free(q->maps);
    *q = (yti_quantization){0};
}

/* ---- the simulation ---- */

/* Limits are whole, so it is all the same whether rounding or they come first. */
static void round_row(float *at, int n, yti_codes codes) {
    const float low = (float)-codes.zero, high = (float)(YTI_CODE_MAX - codes.zero);
    const float whole = 12582912; /* 1.5 * 2^23: a sum with it has no room for a fraction; ties to even */
    for (int i = 0; i < n; i++) {
        float code = at[i] / codes.scale;
        code = code < low ? low : code;
        code = code > high ? high : code;
        at[i] = ((code + whole) - whole) * codes.scale;
    }
}

static void round_map(void *context, yti_value value, yti_tensor map) {
    const yti_quantization *q = context;
    const yti_codes codes = q->maps[value];
    int n;
    if (codes.scale == 0 || !map.data || value == q->model->input || selects(op_of(q->model, value, &n))) return;
    const ptrdiff_t pixels = (ptrdiff_t)yti_tensor_pixels(map);
#pragma omp parallel for schedule(static) num_threads(q->model->threads)
    for (ptrdiff_t p = 0; p < pixels; p++) round_row(map.data + p * map.ld, map.c, codes);
}

yti_graph_observer yti_quantization_observer(const yti_quantization *quantization) {
    return (yti_graph_observer){.forward = round_map, .context = (void *)(uintptr_t)quantization};
}
