/* op_case.c: see op_case.h. */
#include "support/op_case.h"

#include "support/guarded.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int thread_counts[] = {1, 2, 3, 5};
enum { THREAD_COUNTS = sizeof thread_counts / sizeof thread_counts[0], SCRATCH_GUARD = 64 };

static yti_scratch make_scratch(size_t bytes, int threads) {
    unsigned char *memory = aligned_alloc(64, (bytes + SCRATCH_GUARD + 63) / 64 * 64);
    cr_assert_not_null(memory);
    memset(memory, 0xA5, bytes + SCRATCH_GUARD);
    return (yti_scratch){.data = memory, .bytes = bytes, .threads = threads};
}

static void free_scratch(yti_scratch *scratch) {
    const unsigned char *memory = scratch->data;
    for (size_t i = 0; i < SCRATCH_GUARD; i++)
        cr_assert_eq(memory[scratch->bytes + i], 0xA5, "the scratch was overrun");
    free(scratch->data);
}

/* ---- normalisation ---- */

typedef struct norm_case {
    yti_activation_kind kind;
    int n, h, w, c;
    bool normed, fixed, shortcut, accumulate;
} norm_case;

typedef struct norm_maps {
    guarded y, out, shortcut, d, d_shortcut, parameters, d_parameters;
} norm_maps;

static norm_maps make_norm_maps(const norm_case *q) {
    yti_rng rng = yti_rng_make(3, 0, (uint64_t)q->c, YT_RNG_TEST);
    norm_maps m;
    m.y = guarded_make(q->n, q->h, q->w, q->c, 1, 2);
    m.out = guarded_make(q->n, q->h, q->w, q->c, 0, 0);
    m.shortcut = guarded_make(q->n, q->h, q->w, q->c, 3, 0);
    m.d = guarded_make(q->n, q->h, q->w, q->c, 2, 3);
    m.d_shortcut = guarded_make(q->n, q->h, q->w, q->c, 0, 1);
    m.parameters = guarded_make(1, 1, 4, q->c, 0, 0); /* mean, inv_std, gamma, beta */
    m.d_parameters = guarded_make(1, 1, 2, q->c, 0, 0);
    guarded *filled[] = {&m.y, &m.shortcut, &m.d, &m.d_shortcut, &m.parameters, &m.d_parameters};
    for (int i = 0; i < 6; i++) guarded_fill_bell(filled[i], &rng);
    float *inv_std = m.parameters.view.data + q->c;
    for (int i = 0; i < q->c; i++) inv_std[i] = 0.5f + fabsf(inv_std[i]);
    return m;
}

static void free_norm_maps(norm_maps *m) {
    guarded *all[] = {&m->y, &m->out, &m->shortcut, &m->d, &m->d_shortcut, &m->parameters, &m->d_parameters};
    for (int i = 0; i < 7; i++) {
        cr_assert(guarded_intact(all[i]), "norm_act wrote outside the channels of map %d", i);
        guarded_free(all[i]);
    }
}

/* left: the gradient's last step is left to norm_tail, where there is one. */
static void run_norm(const yti_kernels *k, const norm_case *q, norm_maps *m, bool left, int threads) {
    const float *p = m->parameters.view.data;
    int c = q->c;
    yti_norm norm = {p, p + c, p + 2 * c, p + 3 * c, q->fixed};
    if (!q->normed) norm = (yti_norm){0};
    yti_activation act = {.kind = q->kind, .slope = 0.1f};
    yti_tensor none = {0};
    k->norm_act_forward(act, &norm, &m->y.view, q->shortcut ? &m->shortcut.view : &none, &m->out.view, threads);
    yti_scratch scratch = make_scratch(k->norm_act_scratch(c, yti_tensor_pixels(m->y.view), threads), threads);
    float *d = m->d_parameters.view.data;
    guarded tail = guarded_make(1, 1, 4, c, 0, 0);
    if (!q->normed || q->fixed) left = false;
    k->norm_act_backward(act, &norm, &m->y.view, &m->d.view, q->shortcut ? &m->d_shortcut.view : &none, q->accumulate,
                         q->normed ? d : NULL, q->normed ? d + c : NULL, left ? tail.view.data : NULL, &scratch);
    const yti_norm_tail end = yti_norm_tail_of(tail.view.data, m->y.view);
    if (left) k->norm_tail(&end, &m->d.view, threads);
    cr_assert(guarded_intact(&tail), "%s: the tail's memory was left", k->name);
    guarded_free(&tail);
    free_scratch(&scratch);
}

/* Errors. z has three roundings and |z| stays below 30 here: 30 * 3 * 6e-8 = 5e-6, which the activation's
 * slope (at most 1.13) and its 3 ulp carry on; gradients likewise, times |d_out| < 5 over the scale 1 +
 * |value|. Sums over m pixels in float within an item of 512: a random walk, well under sqrt(m) * 5 * 6e-8
 * * 10. */
static void check_norm(const yti_kernels *k, const norm_case *q) {
    char where[160];
    snprintf(where, sizeof where, "%s: activation %d, %dx%dx%dx%d, normed %d fixed %d shortcut %d accumulate %d",
             k->name, (int)q->kind, q->n, q->h, q->w, q->c, q->normed, q->fixed, q->shortcut, q->accumulate);
    norm_maps want = make_norm_maps(q), first = make_norm_maps(q);
    run_norm(yti_kernels_of(YT_ISA_REF), q, &want, false, 1);
    run_norm(k, q, &first, false, 1);
    double m = (double)yti_tensor_pixels(want.y.view);
    cr_assert(guarded_error(&first.out, &want.out, 1) <= 1e-5, "%s: out", where);
    cr_assert(guarded_error(&first.d, &want.d, 1) <= 3e-5, "%s: d_y differs by %g", where,
              guarded_error(&first.d, &want.d, 1));
    cr_assert(guarded_equal(&first.d_shortcut, &want.d_shortcut), "%s: d_shortcut", where);
    cr_assert(guarded_error(&first.d_parameters, &want.d_parameters, sqrt(m)) <= 1e-5, "%s: parameters", where);
    for (size_t t = 1; t < THREAD_COUNTS; t++) {
        norm_maps again = make_norm_maps(q);
        run_norm(k, q, &again, t % 2 != 0, thread_counts[t]);
        cr_assert(guarded_equal(&again.out, &first.out) && guarded_equal(&again.d, &first.d) &&
                      guarded_equal(&again.d_parameters, &first.d_parameters),
                  "%s: other bits with %d threads, or with the tail apart", where, thread_counts[t]);
        free_norm_maps(&again);
    }
    free_norm_maps(&want);
    free_norm_maps(&first);
}

static void check_norm_in_place(const yti_kernels *k) {
    norm_case q = {.kind = YT_ACT_SILU, .n = 1, .h = 9, .w = 7, .c = 13, .normed = true};
    norm_maps apart = make_norm_maps(&q), place = make_norm_maps(&q);
    const float *p = apart.parameters.view.data;
    yti_norm norm = {p, p + 13, p + 26, p + 39, false};
    yti_tensor none = {0};
    k->norm_act_forward((yti_activation){.kind = YT_ACT_SILU}, &norm, &apart.y.view, &none, &apart.out.view, 2);
    k->norm_act_forward((yti_activation){.kind = YT_ACT_SILU}, &norm, &place.y.view, &none, &place.y.view, 2);
    cr_assert(guarded_equal(&apart.out, &place.y), "%s: in place differs", k->name);
    free_norm_maps(&apart);
    free_norm_maps(&place);
}

/* As after a frozen row: the gradient passes through, and none is taken of gamma and beta. */
static void check_norm_passing_on(const yti_kernels *k) {
    norm_case q = {.kind = YT_ACT_SILU, .n = 1, .h = 9, .w = 7, .c = 13, .normed = true, .fixed = true};
    norm_maps with = make_norm_maps(&q), without = make_norm_maps(&q);
    run_norm(k, &q, &with, false, 2);
    const float *p = without.parameters.view.data;
    yti_norm norm = {p, p + 13, p + 26, p + 39, true};
    yti_tensor none = {0};
    yti_scratch scratch = make_scratch(k->norm_act_scratch(13, 63, 2), 2);
    k->norm_act_backward((yti_activation){.kind = YT_ACT_SILU}, &norm, &without.y.view, &without.d.view, &none, false,
                         NULL, NULL, NULL, &scratch);
    cr_assert(guarded_equal(&with.d, &without.d), "%s: the gradient passed on differs", k->name);
    free_scratch(&scratch);
    free_norm_maps(&with);
    free_norm_maps(&without);
}

void op_case_norm_act(const yti_kernels *k) {
    static const int channels[] = {1, 7, 8, 16, 17, 40, 270}, sides[][3] = {{1, 1, 1}, {1, 5, 7}, {2, 23, 17}};
    for (int kind = 0; kind < YT_ACT_COUNT; kind++)
        for (int i = 0; i < 7; i++)
            for (int s = 0; s < (channels[i] > 40 ? 2 : 3); s++) { /* many channels or many pixels */
                int variant = (kind + i + s) % 6;
                norm_case q = {(yti_activation_kind)kind,
                               sides[s][0],
                               sides[s][1],
                               sides[s][2],
                               channels[i],
                               variant != 0,
                               variant == 1,
                               variant > 1,
                               variant > 3};
                check_norm(k, &q);
            }
    check_norm_in_place(k);
    check_norm_passing_on(k);
}

/* ---- pooling ---- */

/* Exact: ties are frequent among the few integers, so the first maximum must be the one chosen. */
static void check_pool(const yti_kernels *k, int w, int kernel, int stride, int pad, int c, bool accumulate) {
    const yti_kernels *ref = yti_kernels_of(YT_ISA_REF);
    int h = 11, oh = yti_conv_out(h, kernel, stride, pad, 1), ow = yti_conv_out(w, kernel, stride, pad, 1);
    yti_rng rng = yti_rng_make(5, 0, (uint64_t)c, YT_RNG_TEST);
    guarded x = guarded_make(2, h, w, c, 1, 1), d_y = guarded_make(2, oh, ow, c, 0, 3);
    guarded_fill_integers(&x, &rng, 3);
    guarded_fill_integers(&d_y, &rng, 9);
    guarded y[2] = {guarded_make(2, oh, ow, c, 2, 0), guarded_make(2, oh, ow, c, 2, 0)};
    guarded d_x[2] = {guarded_make(2, h, w, c, 0, 1), guarded_make(2, h, w, c, 0, 1)};
    guarded_fill_integers(&d_x[0], &rng, 9);
    size_t count = yti_tensor_elements(y[0].view);
    uint8_t *index[2] = {calloc(count + 1, 1), calloc(count + 1, 1)};
    cr_assert(index[0] && index[1]);
    index[1][count] = 0xA5;
    guarded before = guarded_make(2, h, w, c, 0, 0);
    guarded_copy(&d_x[0], &before);
    ref->maxpool_forward(kernel, stride, pad, &x.view, &y[0].view, index[0], 1);
    ref->maxpool_backward(kernel, stride, pad, index[0], &d_y.view, &d_x[0].view, accumulate, 1);
    for (size_t t = 0; t < THREAD_COUNTS; t++) {
        guarded_copy(&before, &d_x[1]);
        k->maxpool_forward(kernel, stride, pad, &x.view, &y[1].view, index[1], thread_counts[t]);
        k->maxpool_backward(kernel, stride, pad, index[1], &d_y.view, &d_x[1].view, accumulate, thread_counts[t]);
        cr_assert(guarded_equal(&y[0], &y[1]), "%s: kernel %d stride %d channels %d", k->name, kernel, stride, c);
        cr_assert_eq(memcmp(index[0], index[1], count), 0, "%s: index", k->name);
        cr_assert(guarded_equal(&d_x[0], &d_x[1]), "%s: d_x", k->name);
    }
    cr_assert_eq(index[1][count], 0xA5, "%s: wrote past the index", k->name);
    guarded *all[] = {&x, &d_y, &y[0], &y[1], &d_x[0], &d_x[1], &before};
    for (int i = 0; i < 7; i++) {
        cr_assert(guarded_intact(all[i]), "%s: pooling wrote outside map %d", k->name, i);
        guarded_free(all[i]);
    }
    free(index[0]);
    free(index[1]);
}

static void check_pool_of_nan(const yti_kernels *k) {
    guarded x = guarded_make(1, 3, 3, 9, 0, 0), y = guarded_make(1, 3, 3, 9, 0, 0);
    for (int i = 0; i < 81; i++) x.view.data[i] = -INFINITY;
    x.view.data[4 * 9 + 8] = NAN; /* channel 8 of the middle pixel: in every 3x3 window */
    k->maxpool_forward(3, 1, 1, &x.view, &y.view, NULL, 1);
    for (int i = 0; i < 81; i++)
        cr_assert(i % 9 == 8 ? isnan(y.view.data[i]) : y.view.data[i] == -INFINITY, "%s: element %d", k->name, i);
    guarded_free(&x);
    guarded_free(&y);
}

void op_case_pooling(const yti_kernels *k) {
    static const int channels[] = {1, 5, 8, 16, 19};
    for (int i = 0; i < 5; i++) {
        check_pool(k, 8, 5, 1, 2, channels[i], false);
        check_pool(k, 8, 3, 2, 1, channels[i], true);
        check_pool(k, 8, 2, 2, 0, channels[i], false);
        check_pool(k, 8, 15, 1, 7, channels[i], true);
    }
    check_pool(k, 70, 5, 1, 2, 8, false); /* rows of several strips */
    check_pool(k, 131, 3, 2, 1, 5, true);
    check_pool_of_nan(k);
}

/* ---- upsampling, copies ---- */

static void check_upsample(const yti_kernels *k, int factor, int c, bool accumulate) {
    const yti_kernels *ref = yti_kernels_of(YT_ISA_REF);
    yti_rng rng = yti_rng_make(6, 0, (uint64_t)c, YT_RNG_TEST);
    guarded small[3], large[2];
    for (int i = 0; i < 3; i++) small[i] = guarded_make(2, 5, 3, c, i, 1);
    for (int i = 0; i < 2; i++) large[i] = guarded_make(2, 5 * factor, 3 * factor, c, 1, i);
    guarded_fill_integers(&small[0], &rng, 9);
    ref->upsample_forward(factor, &small[0].view, &large[0].view, 1);
    k->upsample_forward(factor, &small[0].view, &large[1].view, 3);
    cr_assert(guarded_equal(&large[0], &large[1]), "%s: upsample", k->name);
    guarded_fill_integers(&large[0], &rng, 9);
    guarded_copy(&small[0], &small[1]);
    guarded_copy(&small[0], &small[2]);
    ref->upsample_backward(factor, &large[0].view, &small[1].view, accumulate, 1);
    k->upsample_backward(factor, &large[0].view, &small[2].view, accumulate, 3);
    cr_assert(guarded_equal(&small[1], &small[2]), "%s: upsample backward", k->name);
    for (int i = 0; i < 3; i++) {
        cr_assert(guarded_intact(&small[i]), "%s: upsampling wrote outside", k->name);
        guarded_free(&small[i]);
    }
    for (int i = 0; i < 2; i++) {
        cr_assert(guarded_intact(&large[i]), "%s: upsampling wrote outside", k->name);
        guarded_free(&large[i]);
    }
}

static void check_copy(const yti_kernels *k, int c, int after, bool accumulate) {
    const yti_kernels *ref = yti_kernels_of(YT_ISA_REF);
    yti_rng rng = yti_rng_make(8, 0, (uint64_t)c, YT_RNG_TEST);
    guarded src = guarded_make(1, 13, 17, c, 0, after), a = guarded_make(1, 13, 17, c, 0, after);
    guarded b = guarded_make(1, 13, 17, c, 0, after);
    guarded_fill_integers(&src, &rng, 9);
    guarded_fill_integers(&a, &rng, 9);
    guarded_copy(&a, &b);
    ref->copy(&src.view, &a.view, accumulate, 1);
    k->copy(&src.view, &b.view, accumulate, 3);
    cr_assert(guarded_equal(&a, &b) && guarded_intact(&b), "%s: copy", k->name);
    ref->fill(&a.view, 2.5f, 1);
    k->fill(&b.view, 2.5f, 3);
    cr_assert(guarded_equal(&a, &b) && guarded_intact(&b), "%s: fill", k->name);
    uint8_t bytes[13 * 17 * 32];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)yti_rng_below(&rng, 256);
    ref->from_bytes(bytes, &a.view, 1);
    k->from_bytes(bytes, &b.view, 3);
    cr_assert(guarded_equal(&a, &b) && guarded_intact(&b), "%s: from_bytes", k->name);
    guarded_free(&src);
    guarded_free(&a);
    guarded_free(&b);
}

void op_case_upsampling_and_copies(const yti_kernels *k) {
    static const int channels[] = {1, 3, 8, 16, 21};
    for (int i = 0; i < 5; i++)
        for (int accumulate = 0; accumulate < 2; accumulate++) {
            check_upsample(k, 2, channels[i], accumulate);
            check_upsample(k, 3, channels[i], accumulate);
            check_copy(k, channels[i], 0, accumulate);
            check_copy(k, channels[i], 3, accumulate);
        }
}

/* ---- attention ---- */

typedef struct attention_case {
    int heads, key_dim, head_dim, n, h, w;
    bool accumulate;
} attention_case;

typedef struct attention_maps {
    guarded qkv, out, probs, d_out, d_qkv;
} attention_maps;

static attention_maps run_attention(const yti_kernels *k, const attention_case *q, int threads) {
    yti_rng rng = yti_rng_make(9, 0, (uint64_t)q->w, YT_RNG_TEST);
    int pixels = q->h * q->w, per_head = 2 * q->key_dim + q->head_dim;
    attention_maps m;
    m.qkv = guarded_make(q->n, q->h, q->w, q->heads * per_head, 1, 2);
    m.d_qkv = guarded_make(q->n, q->h, q->w, q->heads * per_head, 0, 3);
    m.out = guarded_make(q->n, q->h, q->w, q->heads * q->head_dim, 2, 0);
    m.d_out = guarded_make(q->n, q->h, q->w, q->heads * q->head_dim, 0, 1);
    m.probs = guarded_make(q->n, q->heads, pixels, pixels, 0, 0);
    guarded_fill_bell(&m.qkv, &rng);
    guarded_fill_bell(&m.d_out, &rng);
    guarded_fill_bell(&m.d_qkv, &rng);
    size_t bytes = k->attention_scratch(q->heads, q->key_dim, q->head_dim, q->n, pixels, threads);
    yti_scratch scratch = make_scratch(bytes, threads);
    k->attention_forward(q->heads, q->key_dim, q->head_dim, &m.qkv.view, &m.out.view, m.probs.view.data, &scratch);
    k->attention_backward(q->heads, q->key_dim, q->head_dim, &m.qkv.view, m.probs.view.data, &m.d_out.view,
                          &m.d_qkv.view, q->accumulate, &scratch);
    free_scratch(&scratch);
    return m;
}

static void free_attention(attention_maps *m) {
    guarded *all[] = {&m->qkv, &m->out, &m->probs, &m->d_out, &m->d_qkv};
    for (int i = 0; i < 5; i++) {
        cr_assert(guarded_intact(all[i]), "attention wrote outside map %d", i);
        guarded_free(all[i]);
    }
}

/* A logit is a sum of key_dim products of numbers of variance 1 over sqrt(key_dim): error about 6e-8 * 5
 * * 4; the probabilities carry it as a relative error, outputs are means of |v| < 5. Gradients sum N
 * terms that are P-weighted or random in sign, of the size of 10. 2e-5 relative to 1 + |value| leaves a
 * factor of five. */
static void check_attention(const yti_kernels *k, const attention_case *q) {
    attention_maps want = run_attention(yti_kernels_of(YT_ISA_REF), q, 1), first = run_attention(k, q, 1);
    cr_assert(guarded_error(&first.probs, &want.probs, 1) <= 2e-6, "%s: probabilities, %d pixels", k->name,
              q->h * q->w);
    cr_assert(guarded_error(&first.out, &want.out, 1) <= 1e-5, "%s: out, %d pixels", k->name, q->h * q->w);
    cr_assert(guarded_error(&first.d_qkv, &want.d_qkv, 1) <= 2e-5, "%s: d_qkv, %d pixels: %g", k->name, q->h * q->w,
              guarded_error(&first.d_qkv, &want.d_qkv, 1));
    for (size_t t = 1; t < THREAD_COUNTS; t++) {
        attention_maps again = run_attention(k, q, thread_counts[t]);
        cr_assert(guarded_equal(&again.out, &first.out) && guarded_equal(&again.d_qkv, &first.d_qkv),
                  "%s: other bits with %d threads", k->name, thread_counts[t]);
        free_attention(&again);
    }
    free_attention(&want);
    free_attention(&first);
}

/* Without room for P the result is the same, and large logits do not overflow. */
static void check_attention_alone(const yti_kernels *k) {
    attention_case q = {2, 8, 16, 1, 5, 11, false};
    attention_maps m = run_attention(k, &q, 1);
    guarded out = guarded_make(1, 5, 11, 32, 0, 0);
    yti_scratch scratch = make_scratch(k->attention_scratch(2, 8, 16, 1, 55, 2), 2);
    k->attention_forward(2, 8, 16, &m.qkv.view, &out.view, NULL, &scratch);
    cr_assert(guarded_equal(&out, &m.out), "%s: differs without probabilities", k->name);
    for (size_t i = 0; i < 55; i++)
        for (int c = 0; c < 64; c++) m.qkv.view.data[(ptrdiff_t)i * m.qkv.view.ld + c] *= 1000;
    k->attention_forward(2, 8, 16, &m.qkv.view, &out.view, NULL, &scratch);
    for (int i = 0; i < 55 * 32; i++) cr_assert(isfinite(out.view.data[i]), "%s: overflow", k->name);
    free_scratch(&scratch);
    guarded_free(&out);
    free_attention(&m);
}

void op_case_attention(const yti_kernels *k) {
    static const attention_case cases[] = {{1, 4, 8, 1, 1, 1, false},  {2, 32, 64, 2, 7, 7, false},
                                           {3, 5, 7, 1, 3, 5, true},   {1, 16, 33, 2, 10, 13, true},
                                           {2, 8, 16, 1, 6, 8, false}, {1, 1, 1, 1, 2, 8, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) check_attention(k, &cases[i]);
    check_attention_alone(k);
}

/* ---- matrices ---- */

typedef struct matrix_case {
    int rows, depth, cols;
} matrix_case;

typedef struct matrix_maps {
    guarded x, b, s, t; /* s and t = s + 3 I are symmetric and commute */
    guarded gram, y, st;
} matrix_maps;

static void make_symmetric(guarded *s, guarded *t, int side) {
    float *a = s->view.data, *b = t->view.data;
    for (int i = 0; i < side; i++)
        for (int j = 0; j < i; j++) a[i * side + j] = a[j * side + i];
    memcpy(b, a, (size_t)side * (size_t)side * sizeof *b);
    for (int i = 0; i < side; i++) b[i * side + i] += 3;
}

static matrix_maps run_matrices(const yti_kernels *k, const matrix_case *q) {
    yti_rng rng = yti_rng_make(13, 0, (uint64_t)q->rows, YT_RNG_TEST);
    matrix_maps m = {.x = guarded_make(1, 1, q->rows, q->depth, 0, 0),
                     .b = guarded_make(1, 1, q->depth, q->cols, 0, 0),
                     .s = guarded_make(1, 1, q->depth, q->depth, 0, 0),
                     .t = guarded_make(1, 1, q->depth, q->depth, 0, 0),
                     .gram = guarded_make(1, 1, q->depth, q->depth, 0, 0),
                     .y = guarded_make(1, 1, q->rows, q->cols, 0, 0),
                     .st = guarded_make(1, 1, q->depth, q->depth, 0, 0)};
    guarded_fill_integers(&m.x, &rng, 9);
    guarded_fill_integers(&m.b, &rng, 9);
    guarded_fill_integers(&m.s, &rng, 9);
    make_symmetric(&m.s, &m.t, q->depth);
    yti_scratch scratch = make_scratch(k->matrix_scratch(q->rows, q->depth), 1);
    k->gram(m.x.view.data, q->rows, q->depth, m.gram.view.data, scratch.data);
    free_scratch(&scratch);
    scratch = make_scratch(k->matrix_scratch(q->depth, q->cols), 1);
    k->matmul(m.x.view.data, q->rows, q->depth, m.b.view.data, q->cols, m.y.view.data, scratch.data);
    free_scratch(&scratch);
    scratch = make_scratch(k->matrix_scratch(q->depth, q->depth), 1);
    k->symmetric_product(m.s.view.data, m.t.view.data, q->depth, m.st.view.data, scratch.data);
    free_scratch(&scratch);
    return m;
}

static void free_matrices(matrix_maps *m) {
    guarded *all[] = {&m->x, &m->b, &m->s, &m->t, &m->gram, &m->y, &m->st};
    for (int i = 0; i < 7; i++) {
        cr_assert(guarded_intact(all[i]), "a product wrote outside matrix %d", i);
        guarded_free(all[i]);
    }
}

/* Sides around the tiles (4 to 27), the vectors and panels (4 to 48) and the stretch (256) of
 * src/kernels/simd/matrix.inl. */
void op_case_matrices(const yti_kernels *k) {
    static const matrix_case cases[] = {{1, 1, 1},    {7, 3, 5},     {5, 7, 3},    {16, 16, 16},   {9, 4, 80},
                                        {33, 15, 31}, {127, 33, 32}, {257, 57, 8}, {300, 113, 65}, {40, 129, 17}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const matrix_case *q = &cases[i];
        matrix_maps want = run_matrices(yti_kernels_of(YT_ISA_REF), q), got = run_matrices(k, q);
        cr_assert(guarded_equal(&got.gram, &want.gram), "%s: gram of %d x %d", k->name, q->rows, q->depth);
        cr_assert(guarded_equal(&got.y, &want.y), "%s: product of %d x %d x %d", k->name, q->rows, q->depth, q->cols);
        cr_assert(guarded_equal(&got.st, &want.st), "%s: symmetric product of %d", k->name, q->depth);
        free_matrices(&got);
        free_matrices(&want);
    }
}

/* ---- loss and optimizer ---- */

/* Logits from -60 to 60: the sum's terms are positive, so 3 ulp each and the float sums of 64 pixels stay under 1e-6
 * of it; the gradient's relative error is that of the sigmoid. */
static void check_bce(const yti_kernels *k, int c, double spread, bool weighted) {
    const yti_kernels *ref = yti_kernels_of(YT_ISA_REF);
    yti_rng rng = yti_rng_make(11, 0, (uint64_t)c, YT_RNG_TEST);
    guarded x = guarded_make(2, 19, 23, c, 1, 1), a = guarded_make(2, 19, 23, c, 0, 1);
    guarded b = guarded_make(2, 19, 23, c, 0, 1);
    yti_tensor none = {0};
    for (int p = 0; p < 2 * 19 * 23; p++)
        for (int i = 0; i < c; i++)
            x.view.data[p * x.view.ld + i] = (float)(yti_rng_uniform(&rng, -spread, spread) - spread / 2);
    guarded classes = guarded_make(1, 1, 1, c, 0, YT_READ_SLACK);
    for (int i = 0; i < c; i++) classes.view.data[i] = (float)yti_rng_uniform(&rng, 0, 2);
    const float *w = weighted ? classes.view.data : NULL;
    double want = ref->bce_background(&x.view, 0.25f, w, &a.view, 1),
           first = k->bce_background(&x.view, 0.25f, w, &b.view, 1);
    cr_assert(test_near(first, want, 1e-6 * want), "%s: %g, not %g", k->name, first, want);
    cr_assert(guarded_error(&b, &a, 1e-30) <= 1e-6, "%s: sigmoid off by %g", k->name, guarded_error(&b, &a, 1e-30));
    for (size_t t = 0; t < THREAD_COUNTS; t++)
        cr_assert(k->bce_background(&x.view, 0.25f, w, &none, thread_counts[t]) == first, "%s: other bits", k->name);
    cr_assert(guarded_intact(&b));
    guarded_free(&classes);
    guarded_free(&x);
    guarded_free(&a);
    guarded_free(&b);
}

void op_case_background_loss(const yti_kernels *k) {
    static const int channels[] = {1, 5, 8, 20, 80};
    for (int i = 0; i < 5; i++) {
        check_bce(k, channels[i], 4, false);
        check_bce(k, channels[i], 40, true);
    }
}

typedef struct vectors {
    guarded p, g, m, v; /* one row each */
} vectors;

static vectors make_vectors(int count) {
    yti_rng rng = yti_rng_make(12, 0, (uint64_t)count, YT_RNG_TEST);
    vectors s = {guarded_make(1, 1, 1, count, 1, 0), guarded_make(1, 1, 1, count, 2, 0),
                 guarded_make(1, 1, 1, count, 3, 0), guarded_make(1, 1, 1, count, 0, 0)};
    guarded_fill_bell(&s.p, &rng);
    guarded_fill_bell(&s.g, &rng);
    guarded_fill_bell(&s.m, &rng);
    guarded_fill_bell(&s.v, &rng);
    for (int i = 0; i < count; i++) s.v.view.data[i] = fabsf(s.v.view.data[i]);
    return s;
}

static void free_vectors(vectors *s) {
    guarded *all[] = {&s->p, &s->g, &s->m, &s->v};
    for (int i = 0; i < 4; i++) {
        cr_assert(guarded_intact(all[i]), "an optimizer step wrote past array %d", i);
        guarded_free(all[i]);
    }
}

static vectors run_step(const yti_kernels *k, int which, int count, int threads) {
    vectors s = make_vectors(count);
    float *p = s.p.view.data, *m = s.m.view.data, *v = s.v.view.data;
    const float *g = s.g.view.data;
    size_t n = (size_t)count;
    if (which == 0) k->sgd_step(p, g, m, n, 0.5f, 0.01f, 0.9f, 0.0005f, threads);
    const yti_adam adam = {0.01, 0.9, 0.999, 1e-8, .decay = 0.05, .l2 = 0.01, .scale = 0.5, .t = 3};
    if (which == 1) k->adam_step(p, g, m, v, n, &adam, threads);
    if (which == 2) k->ema_step(p, g, n, 0.999f, threads);
    return s;
}

/* Each element takes about ten roundings of numbers below 10: 1e-6 relative to 1 + |value|. */
void op_case_optimiser(const yti_kernels *k) {
    static const int counts[] = {1, 7, 16, 33, 20011};
    const yti_kernels *ref = yti_kernels_of(YT_ISA_REF);
    for (int i = 0; i < 5; i++)
        for (int which = 0; which < 3; which++) {
            vectors want = run_step(ref, which, counts[i], 1), first = run_step(k, which, counts[i], 1);
            cr_assert(guarded_error(&first.p, &want.p, 1) <= 1e-6 && guarded_error(&first.m, &want.m, 1) <= 1e-6 &&
                          guarded_error(&first.v, &want.v, 1) <= 1e-6,
                      "%s: step %d, %d values", k->name, which, counts[i]);
            double sum = k->sum_squares(want.p.view.data, (size_t)counts[i], 1);
            double exact = ref->sum_squares(want.p.view.data, (size_t)counts[i], 1);
            cr_assert(test_near(sum, exact, 1e-6 * exact), "%s: sum of squares", k->name);
            for (size_t t = 1; t < THREAD_COUNTS; t++) {
                vectors again = run_step(k, which, counts[i], thread_counts[t]);
                cr_assert(guarded_equal(&again.p, &first.p), "%s: other bits", k->name);
                cr_assert(k->sum_squares(want.p.view.data, (size_t)counts[i], thread_counts[t]) == sum);
                free_vectors(&again);
            }
            free_vectors(&want);
            free_vectors(&first);
        }
}
