/* Tests of the reference loops: compiled for double, every backward loop against central differences of its forward
 * loop. What the forward loops compute is checked by worked numbers in test_kernels_worked.c. */
#define _GNU_SOURCE /* M_SQRT1_2 */
#include "base/rng.h"
#include "kernels/kernels.h"
#include "support/gradcheck.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

typedef struct map64 {
    double *data;
    int n, h, w, c;
    ptrdiff_t ld;
} map64;

typedef struct norm64 {
    const double *mean, *inv_std, *gamma, *beta;
    bool fixed_stats;
} norm64;

#define YT_REAL double
#define YT_MAP  map64
#define YT_NORM norm64
#include "kernels/ref/conv_ref.inl"
#include "kernels/ref/pool_ref.inl"
#include "kernels/ref/norm_ref.inl"
#include "kernels/ref/attention_ref.inl"
#include "kernels/ref/sweep_ref.inl"

static size_t count_of(const map64 *m) {
    return (size_t)m->n * (size_t)m->h * (size_t)m->w * (size_t)m->c;
}

static map64 make_map(int n, int h, int w, int c, yti_rng *rng) {
    map64 m = {.n = n, .h = h, .w = w, .c = c, .ld = c};
    m.data = malloc(count_of(&m) * sizeof(double));
    cr_assert_not_null(m.data);
    for (size_t i = 0; i < count_of(&m); i++) m.data[i] = yti_rng_normal(rng);
    return m;
}

static map64 copy_of(const map64 *m) {
    map64 copy = *m;
    copy.data = malloc(count_of(m) * sizeof(double));
    cr_assert_not_null(copy.data);
    for (size_t i = 0; i < count_of(m); i++) copy.data[i] = m->data[i];
    return copy;
}

/* The scalar every check differentiates: a fixed random weight on each output. */
static double weighted_sum(const map64 *out, const map64 *weights) {
    double sum = 0;
    for (size_t i = 0; i < count_of(out); i++) sum += out->data[i] * weights->data[i];
    return sum;
}

/* ---- convolution ---- */

typedef struct conv_loss {
    yti_conv_geometry conv;
    map64 x, w, bias, y, weights;
} conv_loss;

static double conv_loss_value(const void *self) {
    const conv_loss *l = self;
    ref_conv2d_forward(&l->conv, &l->x, l->w.data, l->bias.data, &l->y, NULL, NULL);
    return weighted_sum(&l->y, &l->weights);
}

static void check_conv_gradient(yti_conv_geometry conv, int n, int h, int w) {
    yti_rng rng = yti_rng_make(2, 0, (uint64_t)conv.cin, YT_RNG_TEST);
    int oh = yti_conv_out(h, conv.kernel, conv.stride, conv.pad, conv.dilation);
    int ow = yti_conv_out(w, conv.kernel, conv.stride, conv.pad, conv.dilation);
    conv_loss l = {.conv = conv};
    l.x = make_map(n, h, w, conv.cin, &rng);
    l.w = make_map(1, conv.kernel, conv.kernel, conv.cin / conv.groups * conv.cout, &rng);
    l.bias = make_map(1, 1, 1, conv.cout, &rng);
    l.y = make_map(n, oh, ow, conv.cout, &rng), l.weights = make_map(n, oh, ow, conv.cout, &rng);
    map64 d_x = copy_of(&l.x), d_w = copy_of(&l.w), d_bias = copy_of(&l.bias);
    for (size_t i = 0; i < count_of(&d_w); i++) d_w.data[i] = 0;
    for (size_t i = 0; i < count_of(&d_bias); i++) d_bias.data[i] = 0;
    ref_conv2d_backward_data(&conv, &l.weights, l.w.data, &d_x, false, NULL);
    ref_conv2d_backward_weights(&conv, &l.x, &l.weights, d_w.data, d_bias.data, NULL);
    gradcheck("conv d_x", conv_loss_value, &l, l.x.data, count_of(&l.x), d_x.data);
    gradcheck("conv d_w", conv_loss_value, &l, l.w.data, count_of(&l.w), d_w.data);
    gradcheck("conv d_bias", conv_loss_value, &l, l.bias.data, count_of(&l.bias), d_bias.data);
    free(l.x.data), free(l.w.data), free(l.bias.data), free(l.y.data), free(l.weights.data);
    free(d_x.data), free(d_w.data), free(d_bias.data);
}

Test(kernels_ref, gradients_of_a_convolution) {
    check_conv_gradient((yti_conv_geometry){3, 4, 3, 1, 1, 1, 1}, 2, 4, 5);
    check_conv_gradient((yti_conv_geometry){2, 3, 3, 2, 1, 1, 1}, 1, 5, 6);
    check_conv_gradient((yti_conv_geometry){2, 3, 1, 1, 0, 1, 1}, 2, 3, 3);
    check_conv_gradient((yti_conv_geometry){2, 2, 1, 2, 0, 1, 1}, 1, 5, 4);
    check_conv_gradient((yti_conv_geometry){2, 3, 2, 2, 0, 1, 1}, 1, 5, 4);
    check_conv_gradient((yti_conv_geometry){1, 2, 5, 1, 2, 1, 1}, 1, 4, 6);
    check_conv_gradient((yti_conv_geometry){2, 2, 3, 1, 2, 2, 1}, 1, 6, 5);
    check_conv_gradient((yti_conv_geometry){4, 6, 3, 1, 1, 1, 2}, 1, 4, 3);
    check_conv_gradient((yti_conv_geometry){3, 3, 3, 2, 1, 1, 3}, 1, 6, 5);
}

Test(kernels_ref, accumulation_adds_to_the_gradient_of_the_input) {
    yti_rng rng = yti_rng_make(3, 0, 0, YT_RNG_TEST);
    yti_conv_geometry conv = {2, 3, 3, 1, 1, 1, 1};
    map64 d_y = make_map(1, 3, 4, 3, &rng), w = make_map(1, 3, 3, 6, &rng), d_x = make_map(1, 3, 4, 2, &rng);
    map64 before = copy_of(&d_x), alone = copy_of(&d_x);
    ref_conv2d_backward_data(&conv, &d_y, w.data, &alone, false, NULL);
    ref_conv2d_backward_data(&conv, &d_y, w.data, &d_x, true, NULL);
    for (size_t i = 0; i < count_of(&d_x); i++) cr_assert(fabs(d_x.data[i] - before.data[i] - alone.data[i]) <= 1e-12);
    free(d_y.data), free(w.data), free(d_x.data), free(before.data), free(alone.data);
}

/* ---- normalisation and activation ---- */

typedef enum norm_stats { BATCH, FIXED, NO_NORM } norm_stats;

typedef struct norm_loss {
    yti_activation act;
    norm_stats stats;
    map64 y, gamma, beta, mean, inv_std, shortcut, out, weights;
} norm_loss;

/* With batch statistics mean and inv_std are functions of y, and are computed again for each y. */
static norm64 norm_of(const norm_loss *l) {
    norm64 norm = {l->mean.data, l->inv_std.data, l->gamma.data, l->beta.data, l->stats == FIXED};
    if (l->stats == NO_NORM) return (norm64){0};
    if (l->stats == FIXED) return norm;
    double moments[16];
    conv_moments(&l->y, moments);
    for (int c = 0; c < l->y.c; c++) {
        l->mean.data[c] = moments[c];
        l->inv_std.data[c] = 1 / sqrt(moments[l->y.c + c] + 1e-3);
    }
    return norm;
}

static double norm_loss_value(const void *self) {
    const norm_loss *l = self;
    norm64 norm = norm_of(l);
    ref_norm_act_forward(l->act, &norm, &l->y, &l->shortcut, &l->out, 1);
    return weighted_sum(&l->out, &l->weights);
}

/* The |z| at which a function has a kink; negative: nowhere. */
static double kink_of(yti_activation_kind kind) {
    if (kind == YT_ACT_HARDSWISH) return 3;
    return kind == YT_ACT_RELU || kind == YT_ACT_LEAKY_RELU ? 0 : -1;
}

/* A kink within the steps of the differences would be measured, not the gradient: all z must stay off it. */
static bool near_a_kink(const norm_loss *l) {
    norm64 norm = norm_of(l);
    const double kink = kink_of(l->act.kind);
    for (size_t i = 0; kink >= 0 && i < count_of(&l->y); i++)
        if (fabs(fabs(norm_z(&norm, l->y.data[i], (int)(i % (size_t)l->y.c))) - kink) < 1e-3) return true;
    return false;
}

static norm_loss make_norm_loss(yti_activation_kind kind, norm_stats stats, uint64_t seed) {
    yti_rng rng = yti_rng_make(4, 0, seed, YT_RNG_TEST);
    norm_loss l = {.act = {.kind = kind, .slope = 0.2f}, .stats = stats};
    l.y = make_map(2, 3, 4, 3, &rng), l.shortcut = make_map(2, 3, 4, 3, &rng);
    l.out = make_map(2, 3, 4, 3, &rng), l.weights = make_map(2, 3, 4, 3, &rng);
    l.gamma = make_map(1, 1, 1, 3, &rng), l.beta = make_map(1, 1, 1, 3, &rng);
    l.mean = make_map(1, 1, 1, 3, &rng), l.inv_std = make_map(1, 1, 1, 3, &rng);
    return l;
}

static void free_norm_loss(norm_loss *l) {
    free(l->y.data), free(l->shortcut.data), free(l->out.data), free(l->weights.data);
    free(l->gamma.data), free(l->beta.data), free(l->mean.data), free(l->inv_std.data);
}

static void check_norm_gradient(yti_activation_kind kind, norm_stats stats) {
    uint64_t seed = 0;
    norm_loss l = make_norm_loss(kind, stats, seed);
    while (near_a_kink(&l)) {
        free_norm_loss(&l);
        l = make_norm_loss(kind, stats, ++seed);
    }
    norm64 norm = norm_of(&l);
    map64 d = copy_of(&l.weights), d_shortcut = copy_of(&l.weights);
    double d_gamma[3] = {0}, d_beta[3] = {0};
    ref_norm_act_backward(l.act, &norm, &l.y, &d, &d_shortcut, false, d_gamma, d_beta, NULL, NULL);
    gradcheck("norm_act d_y", norm_loss_value, &l, l.y.data, count_of(&l.y), d.data);
    gradcheck("norm_act d_shortcut", norm_loss_value, &l, l.shortcut.data, count_of(&l.y), d_shortcut.data);
    if (stats != NO_NORM) {
        gradcheck("norm_act d_gamma", norm_loss_value, &l, l.gamma.data, 3, d_gamma);
        gradcheck("norm_act d_beta", norm_loss_value, &l, l.beta.data, 3, d_beta);
    }
    free(d.data), free(d_shortcut.data);
    free_norm_loss(&l);
}

Test(kernels_ref, gradients_of_normalisation_and_activation) {
    for (int kind = 0; kind < YT_ACT_COUNT; kind++) {
        check_norm_gradient((yti_activation_kind)kind, BATCH);
        check_norm_gradient((yti_activation_kind)kind, FIXED);
        check_norm_gradient((yti_activation_kind)kind, NO_NORM);
    }
}

/* ---- pooling, upsampling ---- */

typedef struct map_loss {
    int kernel, stride, pad;
    map64 x, y, weights;
} map_loss;

static double pool_loss_value(const void *self) {
    const map_loss *l = self;
    ref_maxpool_forward(l->kernel, l->stride, l->pad, &l->x, &l->y, NULL, 1);
    return weighted_sum(&l->y, &l->weights);
}

static void check_pool_gradient(int kernel, int stride, int pad) {
    yti_rng rng = yti_rng_make(5, 0, 0, YT_RNG_TEST);
    map_loss l = {kernel, stride, pad, .x = make_map(2, 5, 6, 2, &rng)};
    /* Values a tenth apart in a shuffled order: no tie, and no step of the differences changes a maximum. */
    size_t count = count_of(&l.x);
    for (size_t i = 0; i < count; i++) l.x.data[i] = 0.1 * (double)(i * 47 % count); /* 47 is prime to 120 */
    l.y = make_map(2, yti_conv_out(5, kernel, stride, pad, 1), yti_conv_out(6, kernel, stride, pad, 1), 2, &rng);
    l.weights = copy_of(&l.y);
    uint8_t *index = malloc(count_of(&l.y));
    cr_assert_not_null(index);
    map64 d_x = copy_of(&l.x);
    ref_maxpool_forward(kernel, stride, pad, &l.x, &l.y, index, 1);
    ref_maxpool_backward(kernel, stride, pad, index, &l.weights, &d_x, false, 1);
    gradcheck("maxpool d_x", pool_loss_value, &l, l.x.data, count, d_x.data);
    free(l.x.data), free(l.y.data), free(l.weights.data), free(d_x.data), free(index);
}

Test(kernels_ref, gradients_of_max_pooling) {
    check_pool_gradient(5, 1, 2);
    check_pool_gradient(2, 2, 0);
    check_pool_gradient(3, 2, 1);
}

static double upsample_loss_value(const void *self) {
    const map_loss *l = self;
    ref_upsample_forward(l->stride, &l->x, &l->y, 1);
    return weighted_sum(&l->y, &l->weights);
}

Test(kernels_ref, gradients_of_upsampling) {
    yti_rng rng = yti_rng_make(6, 0, 0, YT_RNG_TEST);
    for (int factor = 1; factor < 4; factor++) {
        map_loss l = {.stride = factor, .x = make_map(2, 2, 3, 3, &rng)};
        l.y = make_map(2, 2 * factor, 3 * factor, 3, &rng);
        l.weights = copy_of(&l.y);
        map64 d_x = copy_of(&l.x);
        ref_upsample_backward(factor, &l.weights, &d_x, false, 1);
        gradcheck("upsample d_x", upsample_loss_value, &l, l.x.data, count_of(&l.x), d_x.data);
        free(l.x.data), free(l.y.data), free(l.weights.data), free(d_x.data);
    }
}

/* ---- attention ---- */

typedef struct attention_loss {
    int heads, key_dim, head_dim;
    map64 qkv, out, weights;
    double *rows;
} attention_loss;

static double attention_loss_value(const void *self) {
    const attention_loss *l = self;
    yti_scratch scratch = {.data = l->rows, .threads = 1};
    ref_attention_forward(l->heads, l->key_dim, l->head_dim, &l->qkv, &l->out, NULL, &scratch);
    return weighted_sum(&l->out, &l->weights);
}

Test(kernels_ref, gradients_of_attention) {
    enum { HEADS = 2, KEY = 3, HEAD = 4, N = 6 };
    yti_rng rng = yti_rng_make(7, 0, 0, YT_RNG_TEST);
    double rows[2 * N], probs[2 * HEADS * N * N];
    cr_assert(ref_attention_scratch(HEADS, KEY, HEAD, 2, N, 1) <= sizeof rows);
    attention_loss l = {HEADS, KEY, HEAD, .rows = rows};
    l.qkv = make_map(2, 2, 3, HEADS * (2 * KEY + HEAD), &rng);
    l.out = make_map(2, 2, 3, HEADS * HEAD, &rng), l.weights = make_map(2, 2, 3, HEADS * HEAD, &rng);
    map64 d_qkv = copy_of(&l.qkv), added = copy_of(&l.qkv);
    yti_scratch scratch = {.data = rows, .threads = 1};
    ref_attention_forward(HEADS, KEY, HEAD, &l.qkv, &l.out, probs, &scratch);
    ref_attention_backward(HEADS, KEY, HEAD, &l.qkv, probs, &l.weights, &d_qkv, false, &scratch);
    gradcheck("attention d_qkv", attention_loss_value, &l, l.qkv.data, count_of(&l.qkv), d_qkv.data);
    ref_attention_backward(HEADS, KEY, HEAD, &l.qkv, probs, &l.weights, &added, true, &scratch);
    for (size_t i = 0; i < count_of(&added); i++)
        cr_assert(fabs(added.data[i] - l.qkv.data[i] - d_qkv.data[i]) <= 1e-12);
    free(l.qkv.data), free(l.out.data), free(l.weights.data), free(d_qkv.data), free(added.data);
}

/* ---- loss ---- */

static double bce_loss_value(const void *self) {
    map64 none = {0};
    return ref_bce_background(self, 1, NULL, &none, 1);
}

Test(kernels_ref, gradient_of_the_background_loss) {
    yti_rng rng = yti_rng_make(8, 0, 0, YT_RNG_TEST);
    map64 x = make_map(2, 3, 3, 5, &rng), d_x = copy_of(&x);
    for (size_t i = 0; i < count_of(&x); i++) x.data[i] *= 4;
    ref_bce_background(&x, 1, NULL, &d_x, 1);
    gradcheck("bce d_x", bce_loss_value, &x, x.data, count_of(&x), d_x.data);
    free(x.data), free(d_x.data);
}
