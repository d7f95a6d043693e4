/* Tests of the forward formulas by worked numbers, on every table that runs here, the reference among them: what a
 * gradient check cannot see, an error common to both directions, shows here. */
#include "kernels/kernels_internal.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const yti_isa rows[] = {
#define YT_KERNELS_ROW(isa, getter) isa,
#include "kernels/kernel_list.inc"
#undef YT_KERNELS_ROW
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void on_every_table(void (*check)(const yti_kernels *)) {
    for (int i = 0; i < ROWS; i++)
        if (yti_kernels_of(rows[i])) check(yti_kernels_of(rows[i]));
}

/* Room after each array for the reads past the channels that kernels.h allows. */
typedef struct padded {
    float v[128];
} padded;

static void convolve(const yti_kernels *k, yti_conv_geometry conv, int h, int w, const float *x, const float *weights,
                     const float *bias, const float *want, int count, float *moments) {
    padded in = {{0}}, filter = {{0}}, out = {{0}};
    memcpy(in.v, x, (size_t)(h * w * conv.cin) * sizeof(float));
    memcpy(filter.v, weights, (size_t)(conv.kernel * conv.kernel * conv.cin / conv.groups * conv.cout) * sizeof(float));
    yti_tensor tx = yti_tensor_of(in.v, 1, h, w, conv.cin);
    yti_tensor ty = yti_tensor_of(out.v, 1, yti_conv_out(h, conv.kernel, conv.stride, conv.pad, conv.dilation),
                                  yti_conv_out(w, conv.kernel, conv.stride, conv.pad, conv.dilation), conv.cout);
    cr_assert_eq(yti_tensor_elements(ty), (size_t)count);
    yti_scratch scratch = {.bytes = k->conv2d_scratch(&conv, 1, h, w, 1), .threads = 1};
    scratch.data = aligned_alloc(64, scratch.bytes / 64 * 64 + 64);
    cr_assert_not_null(scratch.data);
    k->conv2d_forward(&conv, &tx, filter.v, bias, &ty, moments, &scratch);
    free(scratch.data);
    for (int i = 0; i < count; i++)
        cr_assert(out.v[i] == want[i], "%s: output %d is %g, not %g", k->name, i, (double)out.v[i], (double)want[i]);
}

static const float counting[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const float ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};

static void padding_and_stride(const yti_kernels *k) {
    /* 1 2 3 / 4 5 6 / 7 8 9, sums of 3x3 neighbourhoods: a corner is 1+2+4+5, an edge 1+...+6. */
    static const float same[] = {12, 21, 16, 27, 45, 33, 24, 39, 28};
    convolve(k, (yti_conv_geometry){1, 1, 3, 1, 1, 1, 1}, 3, 3, counting, ones, NULL, same, 9, NULL);
    /* 1..16 in 4x4, stride 2: windows start at -1 and 1: 1+2+5+6, 2+3+4+6+7+8, 5+6+9+10+13+14, the rest. */
    static const float half[] = {14, 30, 57, 99};
    convolve(k, (yti_conv_geometry){1, 1, 3, 2, 1, 1, 1}, 4, 4, counting, ones, NULL, half, 4, NULL);
    /* One row 1..5, stride 2: only the middle row of the kernel, 1 2 3, meets it: 1*2+2*3, 2*1+3*2+4*3, 4*1+5*2. */
    static const float middle[] = {9, 9, 9, 1, 2, 3, 9, 9, 9}, odd[] = {8, 20, 14};
    convolve(k, (yti_conv_geometry){1, 1, 3, 2, 1, 1, 1}, 1, 5, counting, middle, NULL, odd, 3, NULL);
}

Test(worked, padding_and_stride_of_a_convolution) {
    on_every_table(padding_and_stride);
}

static void channels_and_bias(const yti_kernels *k) {
    /* x = (2, 3), w[i][o] = 1 10 / 100 1000: 2 + 300 + 1, 20 + 3000 - 1. */
    static const float x[] = {2, 3}, w[] = {1, 10, 100, 1000}, bias[] = {1, -1}, want[] = {303, 3019};
    convolve(k, (yti_conv_geometry){2, 2, 1, 1, 0, 1, 1}, 1, 1, x, w, bias, want, 2, NULL);
    /* Two groups of one channel in, two out: outputs 0 and 1 see 2, outputs 2 and 3 see 3. */
    static const float grouped[] = {2, 20, 300, 3000};
    convolve(k, (yti_conv_geometry){2, 4, 1, 1, 0, 1, 2}, 1, 1, x, w, NULL, grouped, 4, NULL);
    /* Depthwise, weights [kh][kw][c]: only the centre (0.5, 2) meets a 1x1 map. */
    static const float centre[] = {9, 9, 9, 9, 9, 9, 9, 9, 0.5f, 2, 9, 9, 9, 9, 9, 9, 9, 9}, depthwise[] = {1, 6};
    convolve(k, (yti_conv_geometry){2, 2, 3, 1, 1, 1, 2}, 1, 1, x, centre, NULL, depthwise, 2, NULL);
}

Test(worked, channels_groups_and_bias_of_a_convolution) {
    on_every_table(channels_and_bias);
}

static void even_kernel_and_dilation(const yti_kernels *k) {
    /* 1 2 3 / 4 5 6 under 1 2 / 3 4: 1+4+12+20 and 2+6+15+24; mean 42, variance 25. */
    static const float want[] = {37, 47};
    float moments[2];
    convolve(k, (yti_conv_geometry){1, 1, 2, 1, 0, 1, 1}, 2, 3, counting, counting, NULL, want, 2, moments);
    cr_assert(moments[0] == 42 && moments[1] == 25, "%s: moments", k->name);
    /* 1..5 under taps 1, 10, 100 two apart, two pixels of padding: 10*1+100*3, 10*2+100*4, 1+30+500, 2+40, 3+50. */
    static const float taps[] = {9, 9, 9, 1, 10, 100, 9, 9, 9}, dilated[] = {310, 420, 531, 42, 53};
    convolve(k, (yti_conv_geometry){1, 1, 3, 1, 2, 2, 1}, 1, 5, counting, taps, NULL, dilated, 5, NULL);
}

Test(worked, even_kernels_dilation_and_moments) {
    on_every_table(even_kernel_and_dilation);
}

static float norm_act_of(const yti_kernels *k, yti_activation_kind kind, float y) {
    static const float mean[16] = {1}, inv_std[16] = {0.5f}, gamma[16] = {2}, beta[16] = {1};
    yti_norm norm = {mean, inv_std, gamma, beta, false};
    padded in = {{y}}, shortcut = {{10}}, out = {{0}};
    yti_tensor ty = yti_tensor_of(in.v, 1, 1, 1, 1), ts = yti_tensor_of(shortcut.v, 1, 1, 1, 1);
    yti_tensor to = yti_tensor_of(out.v, 1, 1, 1, 1);
    k->norm_act_forward((yti_activation){.kind = kind, .slope = 0.25f}, &norm, &ty, &ts, &to, 1);
    return out.v[0];
}

/* z = 2 (y - 1) / 2 + 1 = y; the shortcut adds 10. Values of the functions from tables. */
static void activations(const yti_kernels *k) {
    static const struct {
        yti_activation_kind kind;
        float y;
        double want;
    } cases[] = {{YT_ACT_IDENTITY, -3, -3},
                 {YT_ACT_SILU, 3, 2.8577224},
                 {YT_ACT_SILU, -1, -0.26894142},
                 {YT_ACT_RELU, -3, 0},
                 {YT_ACT_RELU, 3, 3},
                 {YT_ACT_LEAKY_RELU, -4, -1},
                 {YT_ACT_LEAKY_RELU, 4, 4},
                 {YT_ACT_TANH, 0.5f, 0.46211716},
                 {YT_ACT_TANH, -2, -0.96402758},
                 {YT_ACT_SIGMOID, 2, 0.88079708},
                 {YT_ACT_GELU, 1, 0.84134475},
                 {YT_ACT_GELU, -2, -0.04550026},
                 {YT_ACT_HARDSWISH, -4, 0},
                 {YT_ACT_HARDSWISH, -1.5f, -0.375},
                 {YT_ACT_HARDSWISH, 1, 2.0 / 3},
                 {YT_ACT_HARDSWISH, 4, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float got = norm_act_of(k, cases[i].kind, cases[i].y);
        cr_assert(test_near((double)got, cases[i].want + 10, 2e-6), "%s: case %zu gives %g", k->name, i, (double)got);
    }
}

Test(worked, activations) {
    on_every_table(activations);
}

/* In its three parts and where they meet; a NaN is in none of them. */
static void slopes_of_hardswish(const yti_kernels *k) {
    static const float z[] = {-7, -3, -2.25f, 0, 1.5f, 3, 7, NAN}, want[] = {0, 0, -0.25f, 0.5f, 1, 1, 1, NAN};
    enum { COUNT = sizeof z / sizeof *z };
    float y[COUNT], d[COUNT];
    for (int i = 0; i < COUNT; i++) y[i] = z[i], d[i] = 2;
    yti_norm none = {0};
    yti_tensor ty = yti_tensor_of(y, 1, 1, 1, COUNT), td = yti_tensor_of(d, 1, 1, 1, COUNT), no_shortcut = {0};
    yti_scratch scratch = {.bytes = k->norm_act_scratch(COUNT, 1, 1), .threads = 1};
    scratch.data = aligned_alloc(64, (scratch.bytes + 64) & ~(size_t)63);
    cr_assert_not_null(scratch.data);
    k->norm_act_backward((yti_activation){.kind = YT_ACT_HARDSWISH}, &none, &ty, &td, &no_shortcut, false, NULL, NULL,
                         NULL, &scratch);
    free(scratch.data);
    for (int i = 0; i < COUNT; i++)
        cr_assert(isnan(want[i]) ? isnan(d[i]) : test_near((double)d[i], 2 * (double)want[i], 1e-6), "%s: z = %g: %g",
                  k->name, (double)z[i], (double)d[i]);
}

Test(worked, hardswish_has_three_slopes) {
    on_every_table(slopes_of_hardswish);
}

static void pooling(const yti_kernels *k) {
    /* 3 3 1 / 0 2 5 / 4 4 1 under 2x2, stride 1: maxima 3 (first of two), 5, 4 (first of two), 5. */
    padded x = {{3, 3, 1, 0, 2, 5, 4, 4, 1}}, y = {{0}}, d_x = {{0}}, d_y = {{1, 10, 100, 1000}};
    uint8_t index[64] = {0};
    yti_tensor tx = yti_tensor_of(x.v, 1, 3, 3, 1), ty = yti_tensor_of(y.v, 1, 2, 2, 1);
    yti_tensor tdx = yti_tensor_of(d_x.v, 1, 3, 3, 1), tdy = yti_tensor_of(d_y.v, 1, 2, 2, 1);
    k->maxpool_forward(2, 1, 0, &tx, &ty, index, 1);
    k->maxpool_backward(2, 1, 0, index, &tdy, &tdx, false, 1);
    static const float want[] = {3, 5, 4, 5}, gradient[] = {1, 0, 0, 0, 0, 1010, 100, 0, 0};
    static const uint8_t chosen[] = {0, 3, 2, 1};
    cr_assert_eq(memcmp(y.v, want, sizeof want), 0, "%s", k->name);
    cr_assert_eq(memcmp(index, chosen, sizeof chosen), 0, "%s", k->name);
    for (int i = 0; i < 9; i++) cr_assert(d_x.v[i] == gradient[i], "%s: d_x %d", k->name, i);
}

Test(worked, max_pooling_takes_the_first_maximum) {
    on_every_table(pooling);
}

static void attention(const yti_kernels *k) {
    /* Two pixels, one channel each of q, k, v: q = (1, 0), k = (0, ln 3), v = (1, 5): the rows of P are (1/4, 3/4)
     * and (1/2, 1/2), the outputs 4 and 3. */
    padded qkv = {{1, 0, 1, 0, 1.0986123f, 5}}, out = {{0}};
    float probs[4];
    yti_tensor tq = yti_tensor_of(qkv.v, 1, 1, 2, 3), to = yti_tensor_of(out.v, 1, 1, 2, 1);
    yti_scratch scratch = {.bytes = k->attention_scratch(1, 1, 1, 1, 2, 1), .threads = 1};
    scratch.data = aligned_alloc(64, scratch.bytes / 64 * 64 + 64);
    cr_assert_not_null(scratch.data);
    k->attention_forward(1, 1, 1, &tq, &to, probs, &scratch);
    free(scratch.data);
    static const double want[] = {0.25, 0.75, 0.5, 0.5};
    for (int i = 0; i < 4; i++) cr_assert(test_near((double)probs[i], want[i], 1e-6), "%s: P %d", k->name, i);
    cr_assert(test_near((double)out.v[0], 4, 1e-5) && test_near((double)out.v[1], 3, 1e-5), "%s", k->name);
}

Test(worked, attention) {
    on_every_table(attention);
}

static void loss_and_steps(const yti_kernels *k) {
    padded x = {{0, -2}}, d = {{0}};
    yti_tensor tx = yti_tensor_of(x.v, 1, 1, 2, 1), td = yti_tensor_of(d.v, 1, 1, 2, 1);
    double loss = k->bce_background(&tx, 2, NULL, &td, 1);
    cr_assert(test_near(loss, 0.69314718 + 0.12692801, 1e-6), "%s: loss %g", k->name, loss);
    cr_assert(test_near((double)d.v[0], 1, 1e-6) && test_near((double)d.v[1], 2 * 0.11920292, 1e-6), "%s", k->name);
    padded classes = {{3, 0.5f}};
    tx = yti_tensor_of(x.v, 1, 1, 1, 2), td = yti_tensor_of(d.v, 1, 1, 1, 2);
    loss = k->bce_background(&tx, 2, classes.v, &td, 1);
    cr_assert(test_near(loss, 3 * 0.69314718 + 0.5 * 0.12692801, 1e-6), "%s: loss %g", k->name, loss);
    cr_assert(test_near((double)d.v[0], 3, 1e-6) && test_near((double)d.v[1], 0.11920292, 1e-6), "%s", k->name);
    /* g = 0.5*2 + 0.2*1 = 1.2; buf = 0.5*1 + 1.2 = 1.7; p = 1 - 0.1 (1.2 + 0.5*1.7) = 0.795. */
    float p = 1, g = 2, buf = 1;
    k->sgd_step(&p, &g, &buf, 1, 0.5f, 0.1f, 0.5f, 0.2f, 1);
    cr_assert(test_near((double)p, 0.795, 1e-6) && test_near((double)buf, 1.7, 1e-6), "%s: sgd", k->name);
    /* First step from zero moments: m and v correct to g and g^2, p = 1 (1 - 0.1*0.5) - 0.1. */
    float q = 1, m = 0, v = 0;
    yti_adam adam = {.lr = 0.1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decay = 0.5, .scale = 0.5, .t = 1};
    k->adam_step(&q, &g, &m, &v, 1, &adam, 1);
    cr_assert(test_near((double)q, 0.85, 1e-6) && test_near((double)m, 0.1, 1e-6) && test_near((double)v, 0.001, 1e-6),
              "%s: adamw", k->name);
    /* Second step, same gradient: m = 0.19, corrected by 1 - 0.81; v = 0.001999 by 1 - 0.998001: again -0.1. */
    adam.decay = 0, adam.t = 2;
    k->adam_step(&q, &g, &m, &v, 1, &adam, 1);
    cr_assert(test_near((double)q, 0.75, 1e-5), "%s: adamw, second step: %g", k->name, (double)q);
    /* Decay in the gradient: 0.5*2 + 3*1 = 4, whose square is 16; p = 1 - 0.1. */
    float r = 1, r_m = 0, r_v = 0;
    adam.l2 = 3, adam.t = 1;
    k->adam_step(&r, &g, &r_m, &r_v, 1, &adam, 1);
    cr_assert(test_near((double)r, 0.9, 1e-6) && test_near((double)r_m, 0.4, 1e-6) &&
                  test_near((double)r_v, 0.016, 1e-6),
              "%s: adam", k->name);
    float average = 1, source = 3;
    k->ema_step(&average, &source, 1, 0.9f, 1);
    cr_assert(test_near((double)average, 1.2, 1e-6), "%s: ema", k->name);
    static const float squares[] = {1, -2, 3};
    cr_assert(k->sum_squares(squares, 3, 1) == 14, "%s: sum of squares", k->name);
}

Test(worked, background_loss_and_optimiser_steps) {
    on_every_table(loss_and_steps);
}

static void matrices(const yti_kernels *k) {
    /* x = 1 2 / 3 4 / 5 6: columns (1 3 5) and (2 4 6), their products 35, 44, 56. x . (1 10 / 100 1000). */
    padded x = {{1, 2, 3, 4, 5, 6}}, b = {{1, 10, 100, 1000}}, a = {{0}}, y = {{0}};
    /* s = 1 2 / 2 5 commutes with t = s + I. */
    padded s = {{1, 2, 2, 5}}, t = {{2, 2, 2, 6}}, st = {{0}};
    void *scratch = aligned_alloc(64, k->matrix_scratch(3, 2) / 64 * 64 + 64);
    cr_assert_not_null(scratch);
    k->gram(x.v, 3, 2, a.v, scratch);
    k->matmul(x.v, 3, 2, b.v, 2, y.v, scratch);
    k->symmetric_product(s.v, t.v, 2, st.v, scratch);
    free(scratch);
    static const float gram[] = {35, 44, 44, 56, 0}, product[] = {201, 2010, 403, 4030, 605, 6050, 0};
    cr_assert_eq(memcmp(a.v, gram, sizeof gram), 0, "%s", k->name);
    cr_assert_eq(memcmp(y.v, product, sizeof product), 0, "%s", k->name);
    static const float symmetric[] = {6, 14, 14, 34, 0};
    cr_assert_eq(memcmp(st.v, symmetric, sizeof symmetric), 0, "%s", k->name);
}

Test(worked, products_of_matrices) {
    on_every_table(matrices);
}
