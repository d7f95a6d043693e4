/* fuse.c: a model for inference: every batch normalisation folded into the convolution before it (spec architecture 7).
 * With running mean m, variance v, gain g and bias b, per output channel
 *
 *   t = g / sqrt(v + eps),   W' = W t,   bias' = b - m t.
 *
 * The fused model is built anew from the same YAML; its tensors are named like those they come from, so that filling it
 * is a matter of names.
 */
#include "model/builder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The tensor stem.suffix of a model, NULL: there is none. */
static const yti_param_info *find(const yti_model *model, const char *stem, size_t length, const char *suffix) {
    for (int i = 0; i < model->n_params; i++) {
        const char *name = model->params[i].name;
        if (strncmp(name, stem, length) == 0 && strcmp(name + length, suffix) == 0) return &model->params[i];
    }
    return NULL;
}

static const float *values(const yti_state *state, const yti_param_info *info) {
    return (yti_param_is_trainable(info) ? state->params : state->buffers) + info->offset;
}

/* Scale t and bias of the normalisation after a convolution, one float per channel each. */
typedef struct folded {
    const float *gain, *bias, *mean, *variance; /* gain NULL: there is no normalisation */
} folded;

/* stem: the tensor's name up to "conv." */
static folded normalisation_of(const yti_model *model, const yti_state *state, const char *stem, size_t length) {
    const yti_param_info *gain = find(model, stem, length, "bn.weight"), *bias = find(model, stem, length, "bn.bias"),
                         *mean = find(model, stem, length, "bn.running_mean"),
                         *variance = find(model, stem, length, "bn.running_var");
    if (!gain || !bias || !mean || !variance) return (folded){0};
    return (folded){values(state, gain), values(state, bias), values(state, mean), values(state, variance)};
}

static float scale_of(const folded *norm, size_t channel) {
    return norm->gain[channel] / sqrtf(norm->variance[channel] + YTI_BN_EPS);
}

/* Length of a name without its ending, or 0 when it does not end so. */
static size_t stem_length(const char *name, const char *ending) {
    const size_t length = strlen(name), end = strlen(ending);
    return length > end && strcmp(name + length - end, ending) == 0 ? length - end : 0;
}

/* Convolutions that become one: what their names have before "conv.", the larger kernel first (build.h). */
static const char *const pairs[][2] = {{"conv1.", "conv2."}, {"conv.", "conv1."}};
enum { N_PAIRS = sizeof pairs / sizeof pairs[0] };

/* One of the two that become `info`, or its bias where `weight` is NULL. */
typedef struct branch {
    const yti_param_info *weight;
    folded norm;       /* gain NULL: there is none */
    const float *bias; /* NULL: there is none */
} branch;

static bool find_branch(const yti_model *model, const yti_state *state, const char *stem, size_t length,
                        const char *part, branch *out) {
    char name[160];
    if (snprintf(name, sizeof name, "%.*s%s", (int)length, stem, part) >= (int)sizeof name) return false;
    const yti_param_info *bias = find(model, name, strlen(name), "conv.bias");
    *out = (branch){.weight = find(model, name, strlen(name), "conv.weight"),
                    .norm = normalisation_of(model, state, name, strlen(name)),
                    .bias = bias ? values(state, bias) : NULL};
    return out->weight && (out->norm.gain || out->bias);
}

/* Adds a branch's weights, in the middle of a kernel that may be larger. Memory: [kh][kw][in / groups][out]. */
static void add_weights(const branch *from, const yti_state *state, const yti_param_info *info, float *to) {
    const size_t channels = (size_t)info->dims[0], tap = channels * (size_t)info->dims[1];
    const int kernel = from->weight->dims[2], margin = (info->dims[2] - kernel) / 2;
    const float *weights = values(state, from->weight);
    for (int t = 0; t < kernel * kernel; t++) {
        const int row = margin + t / kernel, column = margin + t % kernel;
        float *place = to + (size_t)(row * info->dims[2] + column) * tap;
        for (size_t i = 0; i < tap; i++, weights++)
            place[i] += from->norm.gain ? *weights * scale_of(&from->norm, i % channels) : *weights;
    }
}

static void add_bias(const branch *from, const yti_param_info *info, float *to) {
    for (size_t i = 0; i < info->count; i++)
        to[i] += from->norm.gain ? from->norm.bias[i] - from->norm.mean[i] * scale_of(&from->norm, i) : from->bias[i];
}

/* A tensor of a convolution that was two; false: it was not. */
static bool fill_from_pair(const yti_param_info *info, float *to, const yti_model *model, const yti_state *state,
                           size_t stem, bool weight) {
    branch found[2];
    int p = 0;
    while (p < N_PAIRS && !(find_branch(model, state, info->name, stem, pairs[p][0], &found[0]) &&
                            find_branch(model, state, info->name, stem, pairs[p][1], &found[1])))
        p++;
    if (p == N_PAIRS) return false;
    for (size_t i = 0; i < info->count; i++) to[i] = 0;
    for (int i = 0; i < 2; i++) {
        if (weight)
            add_weights(&found[i], state, info, to);
        else
            add_bias(&found[i], info, to);
    }
    return true;
}

/* One tensor of the fused model. In memory output channels come last, so channel = index % channels. */
static yt_status fill(const yti_param_info *info, float *to, const yti_model *model, const yti_state *state,
                      yt_err *err) {
    const size_t length = strlen(info->name), of_weight = stem_length(info->name, "conv.weight"),
                 of_bias = stem_length(info->name, "conv.bias"), channels = (size_t)info->dims[0];
    const size_t stem = of_weight ? of_weight : of_bias;
    const yti_param_info *from = find(model, info->name, length, "");
    folded norm = {0};
    if (stem) norm = normalisation_of(model, state, info->name, stem);
    if (!from && !norm.gain && stem && fill_from_pair(info, to, model, state, stem, of_weight > 0)) return YT_OK;
    if ((from && from->count != info->count) || (!from && !norm.gain))
        return yt_fail(err, YT_ERR_MISMATCH, "%s cannot be fused: its model has other tensors", info->name);
    if (from)
        memcpy(to, values(state, from), info->count * sizeof *to);
    else
        for (size_t i = 0; i < channels; i++) to[i] = norm.bias[i] - norm.mean[i] * scale_of(&norm, i);
    for (size_t i = 0; from && norm.gain && i < info->count; i++) to[i] *= scale_of(&norm, i % channels);
    return YT_OK;
}

yt_status yti_fused_values(const yti_param_info *info, const yti_model *model, const yti_state *state, float *values,
                           yt_err *err) {
    return fill(info, values, model, state, err);
}

static yt_status fill_all(yti_model *fused, const yti_model *model, const yti_state *state, yt_err *err) {
    for (int i = 0; i < fused->n_params; i++) {
        const yti_param_info *info = &fused->params[i];
        float *block = yti_param_is_trainable(info) ? fused->state.params : fused->state.buffers;
        YT_TRY(fill(info, block + info->offset, model, state, err));
    }
    return YT_OK;
}

static yt_status name_fused(yti_model *fused, const yti_model *model, yt_err *err) {
    free(fused->name);
    fused->name = strdup(model->name);
    if (model->base_license) fused->base_license = strdup(model->base_license);
    return fused->name && (fused->base_license || !model->base_license) ? YT_OK : yti_no_memory(err, "the model");
}

/* state NULL: without values */
static yt_status fuse(const yti_model *model, const yti_state *state, yti_fusion fusion, bool split, yti_model **out,
                      yt_err *err) {
    if (model->options.fusion == YT_FUSED_ONE_TO_ONE && fusion != YT_FUSED_ONE_TO_ONE)
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "%s was fused for inference before, which kept the one-to-one branch of its head only: its "
                       "detections come without NMS",
                       model->name);
    yti_model_options options = model->options;
    options.n_classes = model->n_classes;
    options.scale = model->scale;
    options.fusion = fusion;
    options.split_activations = split;
    yti_model *fused = NULL;
    YT_TRY(yti_model_parse(model->yaml_path, model->yaml_text, strlen(model->yaml_text), &options, &fused, err));
    yt_status status = name_fused(fused, model, err);
    if (status == YT_OK && state) status = fill_all(fused, model, state, err);
    if (status == YT_OK)
        *out = fused;
    else
        yti_model_destroy(fused);
    return status;
}

static yt_status fuse_branch(const yti_model *model, const yti_state *state, bool end2end, bool split, yti_model **out,
                             yt_err *err) {
    if (end2end && !model->end2end)
        return yt_fail(err, YT_ERR_ARGUMENT, "%s has no one-to-one branch: its detections need NMS", model->name);
    return fuse(model, state, end2end ? YT_FUSED_ONE_TO_ONE : YT_FUSED_ONE_TO_MANY, split, out, err);
}

yt_status yti_model_fuse(const yti_model *model, const yti_state *state, bool end2end, yti_model **out, yt_err *err) {
    return fuse_branch(model, state, end2end, false, out, err);
}

yt_status yti_model_fuse_split(const yti_model *model, const yti_state *state, bool end2end, yti_model **out,
                               yt_err *err) {
    return fuse_branch(model, state, end2end, true, out, err);
}

yt_status yti_model_fuse_shape(const yti_model *model, bool end2end, yti_model **out, yt_err *err) {
    return yti_model_fuse(model, NULL, end2end, out, err);
}

yt_status yti_model_fuse_all(const yti_model *model, const yti_state *state, yti_model **out, yt_err *err) {
    const bool one_only = model->options.fusion == YT_FUSED_ONE_TO_ONE; /* in a file that is fused */
    return fuse(model, state,
                one_only         ? YT_FUSED_ONE_TO_ONE
                : model->end2end ? YT_FUSED_BOTH
                                 : YT_FUSED_ONE_TO_MANY,
                false, out, err);
}
