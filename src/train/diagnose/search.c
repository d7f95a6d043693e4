/* search.c: the search for the first value of a step that is not finite, in the order in which values are made.
 *
 * The step is run with an observer after every node, which counts each map and each gradient when it is complete and
 * before its memory serves another. What was counted is kept, so that a finding can say what it was made from: a map
 * from the maps its node reads and from its parameters, a gradient of a map from those of the nodes that read the map,
 * a gradient of a weight from the maps its node reads and from the gradient of the map it makes, and where gradients of
 * earlier batches waited for the same update from those, to which it is added. Nothing here is fast; it runs once.
 */
#include "train/diagnose/search.h"
#include "base/finite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The step and what was seen of it so far. */
typedef struct search {
    const yti_step *step;
    const yti_model *model;
    yti_value_range *maps, *gradients; /* by value; values 0: not seen */
    yti_value ran;                     /* node whose backward step has just been made; -1: none */
    yti_finding *found;
} search;

static bool is_over(const search *s) {
    return s->found->tensor.kind != YT_FINDING_NOTHING;
}

/* ---- counting ---- */

typedef struct tally {
    size_t values, nan, infinite, first; /* first: index of the first bad one */
    float bad;
    double min, max, squares;
} tally;

static void count(tally *t, float x) {
    const size_t index = t->values++;
    if (yti_is_finite(x)) {
        const size_t before = index - t->nan - t->infinite;
        const double value = (double)x;
        if (before == 0 || value < t->min) t->min = value;
        if (before == 0 || value > t->max) t->max = value;
        t->squares += value * value;
        return;
    }
    if (t->nan + t->infinite == 0) t->first = index, t->bad = x;
    if (isnan(x))
        t->nan++;
    else
        t->infinite++;
}

static tally tally_tensor(yti_tensor x) {
    tally t = {0};
    for (size_t p = 0; p < yti_tensor_pixels(x); p++)
        for (int c = 0; c < x.c; c++) count(&t, x.data[(ptrdiff_t)p * x.ld + c]);
    return t;
}

static tally tally_array(const float *values, size_t n) {
    tally t = {0};
    for (size_t i = 0; i < n; i++) count(&t, values[i]);
    return t;
}

static yti_value_range range_of(yti_finding_kind kind, const char *name, const tally *t) {
    const size_t finite = t->values - t->nan - t->infinite;
    yti_value_range range = {.kind = kind,
                             .values = t->values,
                             .nan = t->nan,
                             .infinite = t->infinite,
                             .min = t->min,
                             .max = t->max,
                             .rms = finite ? sqrt(t->squares / (double)finite) : 0};
    snprintf(range.name, sizeof range.name, "%.*s", YT_FINDING_NAME - 1, name);
    return range;
}

/* ---- what was found ---- */

static void found(search *s, yti_value_range tensor, int row, double value, uint64_t bits) {
    yti_finding *f = s->found;
    f->tensor = tensor;
    f->row = row;
    f->value = value;
    f->bits = bits;
    const char *module = row >= 0 ? s->model->rows[row].module : "";
    snprintf(f->module, sizeof f->module, "%.*s", (int)sizeof f->module - 1, module);
}

static void found_float(search *s, yti_value_range tensor, int row, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    found(s, tensor, row, (double)value, bits);
}

static void add_input(search *s, const yti_value_range *range) {
    yti_finding *f = s->found;
    if (range->values && f->n_inputs < YT_FINDING_INPUTS) f->inputs[f->n_inputs++] = *range;
}

/* The row that a node belongs to; -1: the input. */
static int row_of(const yti_model *model, yti_value value) {
    int row = -1;
    for (int i = 0; i < model->n_rows && model->rows[i].first_node <= value; i++) row = i;
    return value == model->input ? -1 : row;
}

static void place_in_map(yti_finding *f, yti_tensor x, size_t index) {
    const size_t pixel = index / (size_t)x.c, row = pixel / (size_t)x.w;
    snprintf(f->place, sizeof f->place, "image %zu, y %zu, x %zu, channel %zu", row / (size_t)x.h, row % (size_t)x.h,
             pixel % (size_t)x.w, index % (size_t)x.c);
}

/* Four dimensions lie in memory as [kh][kw][in][out]. */
static void place_in_param(yti_finding *f, const yti_param_info *info, size_t index) {
    if (info->n_dims != 4 || info->kind == YT_PARAM_CONSTANT) {
        snprintf(f->place, sizeof f->place, "channel %zu", index);
        return;
    }
    const size_t out = (size_t)info->dims[0], in = (size_t)info->dims[1], width = (size_t)info->dims[3];
    const size_t tap = index / (in * out);
    snprintf(f->place, sizeof f->place, "output %zu, input %zu, y %zu, x %zu", index % out, index / out % in,
             tap / width, tap % width);
}

/* ---- parameters ---- */

/* The parameter that begins there, in yti_state.params or .buffers; NULL: none. */
static const yti_param_info *param_at(const yti_model *model, ptrdiff_t offset, bool buffers) {
    for (int i = 0; offset >= 0 && i < model->n_params; i++)
        if (model->params[i].offset == (size_t)offset && yti_param_is_trainable(&model->params[i]) != buffers)
            return &model->params[i];
    return NULL;
}

static yti_finding_kind kind_of(const yti_param_info *info) {
    return yti_param_is_trainable(info) ? YT_FINDING_WEIGHT : YT_FINDING_STATISTIC;
}

static const float *values_of(const yti_model *model, const yti_param_info *info) {
    return (yti_param_is_trainable(info) ? model->state.params : model->state.buffers) + info->offset;
}

/* Counts one; true where it is the finding. */
static bool look_at_param(search *s, const yti_param_info *info, yti_finding_kind kind, const float *values) {
    tally t = tally_array(values, info->count);
    if (t.nan + t.infinite == 0) return false;
    found_float(s, range_of(kind, info->name, &t), info->row, t.bad);
    place_in_param(s->found, info, t.first);
    return true;
}

static void look_at_state(search *s) {
    for (int i = 0; i < s->model->n_params && !is_over(s); i++) {
        const yti_param_info *info = &s->model->params[i];
        look_at_param(s, info, kind_of(info), values_of(s->model, info));
    }
}

/* ---- forwards ---- */

static void add_sources(search *s, yti_value value) {
    const yti_value *sources = yti_graph_sources(s->model->graph, value);
    int n;
    yti_graph_op(s->model->graph, value, NULL, &n);
    for (int i = 0; i < n; i++) add_input(s, &s->maps[sources[i]]);
}

static void add_params(search *s, yti_value value) {
    const yti_params params = yti_graph_params(s->model->graph, value);
    for (int p = 0; p < YT_MAX_PARAMS; p++) {
        const yti_param_info *info = param_at(s->model, params.param[p], false);
        if (!info) continue;
        tally t = tally_array(values_of(s->model, info), info->count);
        yti_value_range range = range_of(YT_FINDING_WEIGHT, info->name, &t);
        add_input(s, &range);
    }
}

/* The variance of finite values may be too large for a float, and the map made with it all zeros. */
static bool look_at_statistics(search *s, yti_value value) {
    const yti_params params = yti_graph_params(s->model->graph, value);
    for (int p = 0; p < YT_MAX_PARAMS; p++) {
        const yti_param_info *info = param_at(s->model, params.buffer[p], true);
        if (info && look_at_param(s, info, YT_FINDING_STATISTIC, values_of(s->model, info))) return true;
    }
    return false;
}

static void see_map(void *context, yti_value value, yti_tensor map) {
    search *s = context;
    if (is_over(s) || !map.data) return;
    tally t = tally_tensor(map);
    s->maps[value] = range_of(YT_FINDING_MAP, yti_graph_label(s->model->graph, value), &t);
    if (!look_at_statistics(s, value)) {
        if (t.nan + t.infinite == 0) return;
        found_float(s, s->maps[value], row_of(s->model, value), t.bad);
        place_in_map(s->found, map, t.first);
    }
    add_sources(s, value);
    add_params(s, value);
}

/* ---- the loss ---- */

static void look_at_loss_term(search *s, int branch, int term, double value) {
    char name[YT_FINDING_NAME];
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    snprintf(name, sizeof name, "%s%s", yti_loss_name(s->model, term), yti_branch_text(s->model, branch));
    yti_value_range range = {.kind = YT_FINDING_LOSS, .values = 1};
    const bool is_nan = isnan(value);
    range.nan = is_nan;
    range.infinite = !is_nan;
    memcpy(range.name, name, sizeof name);
    found(s, range, s->model->n_rows - 1, value, bits);
    const yti_value *maps = term == YT_LOSS_CLS ? s->model->head_cls[branch] : s->model->head_box[branch];
    for (int l = 0; l < s->model->n_levels; l++) add_input(s, &s->maps[maps[l]]);
}

static yt_status see_loss(search *s, yt_err *err) {
    yti_step_loss loss = {0};
    YT_TRY(yti_step_loss_of(s->step, &loss, err));
    yti_finding *f = s->found;
    f->n_branches = s->model->n_branches;
    f->total = loss.total;
    for (int b = 0; b < f->n_branches; b++)
        for (int i = 0; i < YT_LOSS_TERMS; i++) {
            f->loss[b][i] = loss.branch[b].terms[i];
            if (!is_over(s) && !isfinite(f->loss[b][i])) look_at_loss_term(s, b, i, f->loss[b][i]);
        }
    return YT_OK;
}

/* ---- backwards ---- */

static void add_gradient(search *s, yti_value value) {
    add_input(s, &s->gradients[value]);
}

static void add_waiting(search *s, const yti_param_info *info) {
    tally t = tally_array(s->step->waiting + info->offset, info->count);
    yti_value_range range = range_of(YT_FINDING_WAITING_GRADIENT, info->name, &t);
    add_input(s, &range);
}

static void see_weight_gradients(search *s) {
    if (s->ran < 0 || is_over(s)) return;
    const yti_params params = yti_graph_params(s->model->graph, s->ran);
    const float *waiting = s->step->waiting;
    const yti_finding_kind kind = waiting ? YT_FINDING_SUMMED_GRADIENT : YT_FINDING_WEIGHT_GRADIENT;
    for (int p = 0; p < YT_MAX_PARAMS; p++) {
        const yti_param_info *info = param_at(s->model, params.param[p], false);
        if (!info || info->frozen) continue;
        if (!look_at_param(s, info, kind, s->model->state.grads + info->offset)) continue;
        if (waiting) add_waiting(s, info);
        add_gradient(s, s->ran);
        add_sources(s, s->ran);
        return;
    }
}

static void add_readers(search *s, yti_value value) {
    for (yti_value reader = value + 1; reader < yti_graph_nodes(s->model->graph); reader++) {
        const yti_value *sources = yti_graph_sources(s->model->graph, reader);
        int n;
        yti_graph_op(s->model->graph, reader, NULL, &n);
        for (int i = 0; i < n; i++)
            if (sources[i] == value) {
                add_gradient(s, reader);
                add_params(s, reader);
            }
    }
    add_input(s, &s->maps[value]);
}

static void see_gradient(void *context, yti_value value, yti_tensor gradient) {
    search *s = context;
    see_weight_gradients(s);
    s->ran = value;
    if (is_over(s) || !gradient.data) return;
    tally t = tally_tensor(gradient);
    s->gradients[value] = range_of(YT_FINDING_MAP_GRADIENT, yti_graph_label(s->model->graph, value), &t);
    if (t.nan + t.infinite == 0) return;
    found_float(s, s->gradients[value], row_of(s->model, value), t.bad);
    place_in_map(s->found, gradient, t.first);
    add_readers(s, value);
}

/* ---- all of it ---- */

static yt_status look(search *s, yt_err *err) {
    yti_model *model = s->step->model;
    const yti_graph_observer observer = {.forward = see_map, .backward = see_gradient, .context = s};
    look_at_state(s);
    yti_model_set_input(model, s->step->batch->rgb);
    yti_model_forward(model, &model->state, &observer);
    YT_TRY(see_loss(s, err));
    if (is_over(s)) return YT_OK;
    const size_t bytes = model->param_count * sizeof *model->state.grads;
    if (s->step->waiting)
        memcpy(model->state.grads, s->step->waiting, bytes);
    else
        memset(model->state.grads, 0, bytes);
    yti_model_backward(model, &model->state, &observer);
    see_weight_gradients(s);
    return YT_OK;
}

yt_status yti_find_non_finite(const yti_step *step, yti_finding *out, yt_err *err) {
    const size_t nodes = (size_t)yti_graph_nodes(step->model->graph);
    yti_finding finding = {.row = -1};
    search s = {.step = step,
                .model = step->model,
                .maps = calloc(nodes + 1, sizeof *s.maps),
                .gradients = calloc(nodes + 1, sizeof *s.gradients),
                .ran = -1,
                .found = &finding};
    yt_status status = s.maps && s.gradients ? look(&s, err)
                                             : yt_fail(err, YT_ERR_NO_MEMORY, "no memory to look at %zu maps", nodes);
    free(s.maps);
    free(s.gradients);
    if (status == YT_OK) *out = finding;
    return status;
}
