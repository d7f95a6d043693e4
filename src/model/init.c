/* init.c: initial values. Every tensor draws from its own stream, named by (seed, its name).
 *
 * Kaiming (He et al. 2015, arXiv 1502.01852) keeps the size of the signal from layer to layer: with inputs f(z), z
 * normal of variance 1, a layer of n inputs gives variance 1 again when its weights have variance 1 / (n E[f(z)^2]); E
 * is 1/2 for ReLU, which is their factor 2. Xavier is Glorot & Bengio 2010, orthogonal Saxe et al. 2013 (arXiv
 * 1312.6120). Fans and matrices are those of one group of a grouped convolution: other groups are other maps.
 *
 * Only weights of convolutions are concerned. Their biases start at 0 with kaiming, xavier and orthogonal, as their
 * derivations suppose; biases of the head and the parameters of normalisations start as always.
 */
#include "model/init.h"

#include "base/file.h"
#include "base/rng.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- their words ---- */

static const char *const words[YT_INIT_COUNT] = {
#define WORD(code, word, text) word,
    YT_INIT_MAP(WORD)
#undef WORD
};

static const double MAX_GAIN = 1e6;

yt_status yti_init_parse(const char *text, yti_init *out, yt_err *err) {
    const size_t length = strcspn(text, ":");
    for (int i = 0; i < YT_INIT_COUNT; i++) {
        if (strlen(words[i]) != length || strncmp(words[i], text, length) != 0) continue;
        yti_init found = {.kind = (yti_init_kind)i, .gain = 1};
        if (i == YT_INIT_SCALED) {
            const char *number = text + length + (text[length] == ':');
            char *end;
            found.gain = strtod(number, &end);
            if (end == number || *end || !(found.gain > 0 && found.gain <= MAX_GAIN))
                return yt_fail(err, YT_ERR_ARGUMENT,
                               "--init: \"%s\" needs a gain above 0 and up to %g, like scaled:2.5", text, MAX_GAIN);
        } else if (text[length]) {
            return yt_fail(err, YT_ERR_ARGUMENT, "--init: %s takes no number", words[i]);
        }
        *out = found;
        return YT_OK;
    }
    const char *nearest = yti_nearest_word(text, words, YT_INIT_COUNT);
    if (nearest) return yt_fail(err, YT_ERR_ARGUMENT, "--init: unknown \"%s\"; did you mean %s?", text, nearest);
    return yt_fail(err, YT_ERR_ARGUMENT,
                   "--init: unknown \"%s\"; it is default, kaiming, xavier, orthogonal or scaled:G", text);
}

/* ---- values ---- */

/* The one-to-one branch starts as a copy of the one-to-many branch: it draws from that branch's streams. */
static uint64_t stream_of(const char *name) {
    static const char mark[] = "one2one_";
    char shared[160];
    const char *at = strstr(name, mark);
    if (!at || strlen(name) >= sizeof shared) return yti_hash64(name, strlen(name));
    const size_t head = (size_t)(at - name);
    memcpy(shared, name, head);
    strcpy(shared + head, at + sizeof mark - 1);
    return yti_hash64(shared, strlen(shared));
}

static void fill_uniform(yti_rng *rng, double centre, double bound, const yti_param_info *info, float *values) {
    for (size_t i = 0; i < info->count; i++) values[i] = (float)(centre + yti_rng_uniform(rng, -bound, bound));
}

void yti_param_fill_constant(const yti_param_info *info, float *values) {
    for (size_t i = 0; i < info->count; i++) values[i] = (float)i;
}

static void fill_default(yti_rng *rng, double gain, const yti_param_info *info, float *values) {
    if (info->init_deviation > 0) {
        const double deviation = gain * (double)info->init_deviation;
        for (size_t i = 0; i < info->count; i++)
            values[i] = (float)((double)info->init_value + deviation * yti_rng_normal(rng));
        return;
    }
    if (info->init_bound > 0) {
        fill_uniform(rng, (double)info->init_value, (double)info->init_bound, info, values);
        for (size_t i = 0; gain != 1 && i < info->count; i++) values[i] = (float)(gain * (double)values[i]);
        return;
    }
    if (info->kind == YT_PARAM_CONSTANT)
        yti_param_fill_constant(info, values);
    else
        for (size_t i = 0; i < info->count; i++) values[i] = info->init_value;
}

static double fan_in(const yti_param_info *info) {
    return (double)info->dims[1] * info->dims[2] * info->dims[3];
}

static double fan_out(const yti_param_info *info) {
    return (double)info->dims[0] / info->groups * info->dims[2] * info->dims[3];
}

/* E[f(z)^2] for z normal with variance 1. */
static double second_moment(yti_activation act) {
    static const double moments[YT_ACT_COUNT] = {
        [YT_ACT_IDENTITY] = 1,
        [YT_ACT_SILU] = 0.355775520,
        [YT_ACT_RELU] = 0.5,
        [YT_ACT_TANH] = 0.394294490,
        [YT_ACT_SIGMOID] = 0.293379036,
        [YT_ACT_GELU] = 0.425221482,
        [YT_ACT_HARDSWISH] = 0.331567375,
    };
    const double slope = (double)act.slope;
    return act.kind == YT_ACT_LEAKY_RELU ? (1 + slope * slope) / 2 : moments[act.kind];
}

/* In LANES sums side by side, which the compiler may compute at once; the order does not depend on the machine. */
static double dot(const double *a, const double *b, size_t n) {
    enum { LANES = 8 };
    double sums[LANES] = {0}, rest = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) sums[lane] += a[i + lane] * b[i + lane];
    for (; i < n; i++) rest += a[i] * b[i];
    for (size_t lane = 0; lane < LANES; lane++) rest += sums[lane];
    return rest;
}

/* Makes the rows of a matrix of n_rows <= n_columns orthonormal: Gram-Schmidt, each row twice, which leaves no more
 * than rounding. */
static void orthonormalise(double *matrix, size_t n_rows, size_t n_columns) {
    for (size_t r = 0; r < n_rows; r++) {
        double *row = matrix + r * n_columns;
        for (size_t i = 0; i < 2 * r; i++) {
            const double *other = matrix + i % r * n_columns, along = dot(row, other, n_columns);
            for (size_t c = 0; c < n_columns; c++) row[c] -= along * other[c];
        }
        const double length = sqrt(dot(row, row, n_columns));
        for (size_t c = 0; c < n_columns; c++) row[c] /= length;
    }
}

/* One matrix [out][in kh kw] per group; the shorter side becomes orthonormal. */
static yt_status fill_orthogonal(yti_rng *rng, const yti_param_info *info, float *values, yt_err *err) {
    const size_t out = (size_t)(info->dims[0] / info->groups), in = (size_t)fan_in(info);
    const size_t n_rows = out < in ? out : in, n_columns = out < in ? in : out;
    double *matrix = malloc(sizeof *matrix * out * in);
    float *file = malloc(sizeof *file * info->count);
    for (size_t g = 0; matrix && file && g < (size_t)info->groups; g++) {
        for (size_t i = 0; i < out * in; i++) matrix[i] = yti_rng_normal(rng);
        orthonormalise(matrix, n_rows, n_columns);
        for (size_t o = 0; o < out; o++)
            for (size_t i = 0; i < in; i++)
                file[(g * out + o) * in + i] = (float)(out < in ? matrix[o * in + i] : matrix[i * out + o]);
    }
    if (matrix && file) yti_param_from_file_order(info, file, values);
    const bool good = matrix && file;
    free(matrix);
    free(file);
    return good ? YT_OK : yti_no_memory(err, "the initial values of %s", info->name);
}

static yt_status fill_weight(yti_rng *rng, const yti_init *init, yti_activation act, const yti_param_info *info,
                             float *values, yt_err *err) {
    const double deviation = sqrt(1 / (fan_in(info) * second_moment(act)));
    switch (init->kind) {
    case YT_INIT_KAIMING:
        for (size_t i = 0; i < info->count; i++) values[i] = (float)(deviation * yti_rng_normal(rng));
        return YT_OK;
    case YT_INIT_XAVIER:
        fill_uniform(rng, 0, sqrt(6 / (fan_in(info) + fan_out(info))), info, values);
        return YT_OK;
    case YT_INIT_ORTHOGONAL:
        return fill_orthogonal(rng, info, values, err);
    case YT_INIT_DEFAULT:
    case YT_INIT_SCALED:
    case YT_INIT_COUNT:
        break;
    }
    fill_default(rng, init->gain, info, values);
    return YT_OK;
}

static yt_status fill(const yti_init *init, yti_activation act, uint64_t seed, const yti_param_info *info,
                      float *values, yt_err *err) {
    yti_rng rng = yti_rng_make(seed, 0, stream_of(info->name), YT_RNG_INIT);
    if (info->kind == YT_PARAM_WEIGHT && info->n_dims == 4) return fill_weight(&rng, init, act, info, values, err);
    const bool derived = init->kind != YT_INIT_DEFAULT && init->kind != YT_INIT_SCALED;
    if (info->kind == YT_PARAM_BIAS && info->init_bound > 0 && derived)
        memset(values, 0, info->count * sizeof *values);
    else
        fill_default(&rng, 1, info, values);
    return YT_OK;
}

yt_status yti_model_init_as(const yti_model *model, const yti_init *init, uint64_t seed, const yti_state *state,
                            yt_err *err) {
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        float *block = yti_param_is_trainable(info) ? state->params : state->buffers;
        YT_TRY(fill(init, model->activation, seed, info, block + info->offset, err));
    }
    return YT_OK;
}

void yti_model_init_weights(const yti_model *model, uint64_t seed, const yti_state *state) {
    const yti_init init = {.kind = YT_INIT_DEFAULT, .gain = 1};
    (void)yti_model_init_as(model, &init, seed, state, NULL); /* takes no memory, so it cannot fail */
}
