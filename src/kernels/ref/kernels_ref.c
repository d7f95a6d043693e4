/* kernels_ref.c: the reference table: plain loops in float, one thread. Every other table is checked against this
 * one, and this one against worked numbers and central differences (tests/unit/kernels/test_kernels_ref.c). */
#define _GNU_SOURCE /* M_SQRT1_2 */
#include "kernels/kernels_internal.h"

#include <math.h>

#define YT_REAL float
#define YT_MAP  yti_tensor
#define YT_NORM yti_norm
#include "kernels/ref/conv_ref.inl"
#include "kernels/ref/pool_ref.inl"
#include "kernels/ref/norm_ref.inl"
#include "kernels/ref/attention_ref.inl"
#include "kernels/ref/matrix_ref.inl"
#include "kernels/ref/sweep_ref.inl"

static size_t nothing_packed(const yti_conv_geometry *conv) {
    (void)conv;
    return 0;
}

static void pack_nothing(const yti_conv_geometry *conv, const float *w, float *packed) {
    (void)conv, (void)w, (void)packed;
}

static void conv2d_act_forward(const yti_conv_geometry *conv, const yti_tensor *x, const float *w, const float *packed,
                               const float *bias, yti_activation act, const yti_tensor *shortcut, const yti_tensor *y,
                               const yti_scratch *scratch) {
    const yti_norm none = {0};
    (void)packed;
    ref_conv2d_forward(conv, x, w, bias, y, NULL, scratch);
    ref_norm_act_forward(act, &none, y, shortcut, y, 1);
}

static void norm_tail(const yti_norm_tail *tail, const yti_tensor *d, int threads) {
    (void)threads;
    for (int c = 0; c < d->c; c++) {
        const float values[4] = {tail->scale[c], tail->mean_g[c], tail->mean_y[c], tail->slope[c]};
        norm_finish(values, &tail->y, d, c);
    }
}

static void conv2d_backward_weights(const yti_conv_geometry *conv, const yti_tensor *x, const yti_tensor *d_y,
                                    const yti_norm_tail *tail, float *d_w, float *d_bias, const yti_scratch *scratch) {
    if (tail) norm_tail(tail, d_y, 1);
    ref_conv2d_backward_weights(conv, x, d_y, d_w, d_bias, scratch);
}

static size_t no_conv_scratch(const yti_conv_geometry *conv, int n, int h, int w, int threads) {
    (void)conv, (void)n, (void)h, (void)w, (void)threads;
    return 0;
}

static size_t no_norm_scratch(int c, size_t pixels, int threads) {
    (void)c, (void)pixels, (void)threads;
    return 0;
}

static size_t no_matrix_scratch(int rows, int cols) {
    (void)rows, (void)cols;
    return 0;
}

static void from_bytes(const uint8_t *src, const yti_tensor *dst, int threads) {
    (void)threads;
    size_t pixels = yti_tensor_pixels(*dst);
    for (size_t p = 0; p < pixels; p++)
        for (int c = 0; c < dst->c; c++) dst->data[(ptrdiff_t)p * dst->ld + c] = (float)*src++ / 255.0f;
}

static double sum_squares(const float *x, size_t count, int threads) {
    (void)threads;
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

static void sgd_step(float *p, const float *g, float *buf, size_t count, float scale, float lr, float momentum,
                     float decay, int threads) {
    (void)threads;
    for (size_t i = 0; i < count; i++) {
        float gradient = scale * g[i] + decay * p[i];
        buf[i] = momentum * buf[i] + gradient;
        p[i] -= lr * (gradient + momentum * buf[i]);
    }
}

static void adam_step(float *p, const float *g, float *m, float *v, size_t count, const yti_adam *adam, int threads) {
    (void)threads;
    double b1 = adam->beta1, b2 = adam->beta2, t = (double)adam->t;
    double correct1 = 1 - pow(b1, t), correct2 = 1 - pow(b2, t);
    for (size_t i = 0; i < count; i++) {
        double gradient = adam->scale * (double)g[i] + adam->l2 * (double)p[i];
        m[i] = (float)(b1 * (double)m[i] + (1 - b1) * gradient);
        v[i] = (float)(b2 * (double)v[i] + (1 - b2) * gradient * gradient);
        p[i] = (float)((double)p[i] * (1 - adam->lr * adam->decay) -
                       adam->lr / correct1 * (double)m[i] / (sqrt((double)v[i]) / sqrt(correct2) + adam->eps));
    }
}

static void ema_step(float *dst, const float *src, size_t count, float decay, int threads) {
    (void)threads;
    for (size_t i = 0; i < count; i++) dst[i] = decay * dst[i] + (1 - decay) * src[i];
}

static const yti_kernels table = {
    .name = "ref",
    .vector_floats = 1,
    .conv2d_scratch = no_conv_scratch,
    .conv2d_forward = ref_conv2d_forward,
    .conv2d_packed_bytes = nothing_packed,
    .conv2d_pack = pack_nothing,
    .conv2d_act_forward = conv2d_act_forward,
    .conv2d_backward_data = ref_conv2d_backward_data,
    .conv2d_backward_weights = conv2d_backward_weights,
    .norm_act_forward = ref_norm_act_forward,
    .norm_act_scratch = no_norm_scratch,
    .norm_act_backward = ref_norm_act_backward,
    .norm_tail = norm_tail,
    .maxpool_forward = ref_maxpool_forward,
    .maxpool_backward = ref_maxpool_backward,
    .upsample_forward = ref_upsample_forward,
    .upsample_backward = ref_upsample_backward,
    .copy = ref_copy,
    .fill = ref_fill,
    .from_bytes = from_bytes,
    .attention_scratch = ref_attention_scratch,
    .attention_forward = ref_attention_forward,
    .attention_backward = ref_attention_backward,
    .matrix_scratch = no_matrix_scratch,
    .gram = ref_gram,
    .matmul = ref_matmul,
    .symmetric_product = ref_symmetric_product,
    .bce_background = ref_bce_background,
    .sum_squares = sum_squares,
    .sgd_step = sgd_step,
    .adam_step = adam_step,
    .ema_step = ema_step,
};

const yti_kernels *yti_kernels_ref(void) {
    return &table;
}
