/* conv_case.c: see conv_case.h. */
#include "support/conv_case.h"

#include "support/guarded.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRATCH_GUARD = 64 };
static const int thread_counts[] = {1, 2, 3, 5};
enum { THREAD_COUNTS = sizeof thread_counts / sizeof thread_counts[0] };

typedef struct maps {
    guarded x, w, bias, y, activated, shortcut, d_y, d_x, d_w, d_bias, moments;
    guarded tail, finished, d_w_finished; /* d_y and d_w with the end of a normalisation's gradient */
} maps;

static maps make_maps(const conv_case *c) {
    const yti_conv_geometry *v = &c->conv;
    int oh = yti_conv_out(c->h, v->kernel, v->stride, v->pad, v->dilation);
    int ow = yti_conv_out(c->w, v->kernel, v->stride, v->pad, v->dilation);
    maps m;
    m.x = guarded_make(c->n, c->h, c->w, v->cin, c->before, c->after);
    m.d_x = guarded_make(c->n, c->h, c->w, v->cin, c->after, c->before);
    m.y = guarded_make(c->n, oh, ow, v->cout, c->before, c->after);
    m.activated = guarded_make(c->n, oh, ow, v->cout, c->after, c->before);
    m.shortcut = guarded_make(c->n, oh, ow, v->cout, c->before, c->after + 1);
    m.d_y = guarded_make(c->n, oh, ow, v->cout, c->after, c->before);
    m.w = guarded_make(1, v->kernel, v->kernel, v->cin / v->groups * v->cout, 0, 0);
    m.d_w = guarded_make(1, v->kernel, v->kernel, v->cin / v->groups * v->cout, 0, 0);
    m.bias = guarded_make(1, 1, 1, v->cout, 0, 0);
    m.d_bias = guarded_make(1, 1, 1, v->cout, 0, 0);
    m.moments = guarded_make(1, 1, 2, v->cout, 0, 0);
    m.tail = guarded_make(1, 1, 4, v->cout, 0, 0);
    m.finished = guarded_make(c->n, oh, ow, v->cout, c->before, c->after);
    m.d_w_finished = guarded_make(1, v->kernel, v->kernel, v->cin / v->groups * v->cout, 0, 0);
    return m;
}

static void free_maps(maps *m) {
    guarded *all[] = {&m->x,   &m->w,   &m->bias,   &m->y,       &m->activated, &m->shortcut, &m->d_y,
                      &m->d_x, &m->d_w, &m->d_bias, &m->moments, &m->tail,      &m->finished, &m->d_w_finished};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        cr_assert(guarded_intact(all[i]), "map %zu: a value outside the channels was written", i);
        guarded_free(all[i]);
    }
}

static void fill_maps(maps *m, unsigned seed) {
    yti_rng rng = yti_rng_make(seed, 0, 0, YT_RNG_TEST);
    guarded_fill_integers(&m->x, &rng, 4);
    guarded_fill_integers(&m->w, &rng, 4);
    guarded_fill_integers(&m->bias, &rng, 9);
    guarded_fill_integers(&m->shortcut, &rng, 9);
    guarded_fill_integers(&m->d_y, &rng, 4);
    guarded_fill_integers(&m->d_x, &rng, 9); /* what accumulation adds to */
    guarded_fill_integers(&m->d_w, &rng, 9);
    guarded_fill_integers(&m->d_bias, &rng, 9);
    guarded_fill_integers(&m->tail, &rng, 2);
    guarded_fill_integers(&m->finished, &rng, 4);
    guarded_fill_integers(&m->d_w_finished, &rng, 9);
}

static yti_activation activation_of(unsigned seed) {
    return (yti_activation){.kind = (yti_activation_kind)(seed / 2 % YT_ACT_COUNT), .slope = 0.1f};
}

/* All passes; odd seeds accumulate into d_x and have a bias and a shortcut. */
static void run_passes(const yti_kernels *k, const conv_case *c, maps *m, unsigned seed, int threads) {
    fill_maps(m, seed);
    bool odd = seed % 2 != 0;
    size_t bytes = k->conv2d_scratch(&c->conv, c->n, c->h, c->w, threads);
    unsigned char *memory = aligned_alloc(64, (bytes + SCRATCH_GUARD + 63) / 64 * 64);
    cr_assert_not_null(memory);
    memset(memory, 0xA5, bytes + SCRATCH_GUARD); /* as floats and doubles: wrong, but finite */
    yti_scratch scratch = {.data = memory, .bytes = bytes, .threads = threads};
    k->conv2d_forward(&c->conv, &m->x.view, m->w.view.data, odd ? m->bias.view.data : NULL, &m->y.view,
                      m->moments.view.data, &scratch);
    const yti_tensor none = {0};
    size_t packed_bytes = k->conv2d_packed_bytes(&c->conv);
    float *packed = aligned_alloc(64, (packed_bytes + SCRATCH_GUARD + 63) / 64 * 64);
    cr_assert_not_null(packed);
    memset(packed, 0xA5, packed_bytes + SCRATCH_GUARD);
    k->conv2d_pack(&c->conv, m->w.view.data, packed);
    k->conv2d_act_forward(&c->conv, &m->x.view, m->w.view.data, odd && packed_bytes ? packed : NULL,
                          odd ? m->bias.view.data : NULL, activation_of(seed), odd ? &m->shortcut.view : &none,
                          &m->activated.view, &scratch);
    for (size_t i = 0; i < SCRATCH_GUARD; i++)
        cr_assert_eq(((unsigned char *)packed)[packed_bytes + i], 0xA5, "packed weights overrun");
    free(packed);
    k->conv2d_backward_data(&c->conv, &m->d_y.view, m->w.view.data, &m->d_x.view, odd, &scratch);
    k->conv2d_backward_weights(&c->conv, &m->x.view, &m->d_y.view, NULL, m->d_w.view.data,
                               odd ? m->d_bias.view.data : NULL, &scratch);
    const yti_norm_tail tail = yti_norm_tail_of(m->tail.view.data, m->shortcut.view);
    k->conv2d_backward_weights(&c->conv, &m->x.view, &m->finished.view, &tail, m->d_w_finished.view.data, NULL,
                               &scratch);
    for (size_t i = 0; i < SCRATCH_GUARD; i++) cr_assert_eq(memory[bytes + i], 0xA5, "scratch overrun");
    free(memory);
}

/* The float result of a double sum over n values is within half an ulp; 1e-6 leaves room for the sums of one row in
 * float. The mean is compared on the scale of the standard deviation, as it may be near zero. */
static void compare_moments(const maps *got, const maps *want, const char *where) {
    const float *a = got->moments.view.data, *b = want->moments.view.data;
    int channels = got->y.view.c;
    for (int o = 0; o < channels; o++) {
        double mean = (double)b[o], variance = (double)b[channels + o];
        cr_assert(fabs((double)a[o] - mean) <= 1e-6 * (fabs(mean) + sqrt(variance)), "%s: mean of channel %d", where,
                  o);
        cr_assert(fabs((double)a[channels + o] - variance) <= 1e-6 * variance,
                  "%s: variance of channel %d is %g, not %g", where, o, (double)a[channels + o], variance);
    }
}

/* The activated output against the plain one and a pass over it: the same arithmetic, in which the compiler may have
 * joined the last multiplication with the shortcut's addition or not. */
static void compare_activated(const yti_kernels *k, const maps *got, unsigned seed, const char *where) {
    const yti_norm identity = {0};
    const yti_tensor none = {0};
    guarded want = guarded_make(got->y.view.n, got->y.view.h, got->y.view.w, got->y.view.c, 0, 0);
    k->norm_act_forward(activation_of(seed), &identity, &got->y.view, seed % 2 ? &got->shortcut.view : &none,
                        &want.view, 1);
    cr_assert(guarded_error(&got->activated, &want, 1) <= 1e-6, "%s: activation %d differs by %g", where,
              (int)activation_of(seed).kind, guarded_error(&got->activated, &want, 1));
    guarded_free(&want);
}

static void check_table(const yti_kernels *k, const conv_case *c, unsigned seed, const maps *want) {
    const yti_conv_geometry *v = &c->conv;
    char where[200];
    snprintf(where, sizeof where, "%s: n%d %dx%d, %d>%d kernel %d stride %d pad %d dilation %d groups %d, seed %u",
             k->name, c->n, c->h, c->w, v->cin, v->cout, v->kernel, v->stride, v->pad, v->dilation, v->groups, seed);
    maps got = make_maps(c), first = make_maps(c);
    for (size_t t = 0; t < THREAD_COUNTS; t++) {
        run_passes(k, c, &got, seed, thread_counts[t]);
        cr_assert(guarded_equal(&got.y, &want->y), "%s: y", where);
        cr_assert(guarded_equal(&got.d_x, &want->d_x), "%s: d_x", where);
        cr_assert(guarded_equal(&got.d_w, &want->d_w), "%s: d_w", where);
        cr_assert(guarded_equal(&got.d_bias, &want->d_bias), "%s: d_bias", where);
        cr_assert(guarded_equal(&got.finished, &want->finished), "%s: d_y with a tail", where);
        cr_assert(guarded_equal(&got.d_w_finished, &want->d_w_finished), "%s: d_w with a tail", where);
        compare_moments(&got, want, where);
        compare_activated(k, &got, seed, where);
        if (t == 0)
            guarded_copy(&got.moments, &first.moments);
        else
            cr_assert(guarded_equal(&got.moments, &first.moments), "%s: moments with %d threads", where,
                      thread_counts[t]);
    }
    free_maps(&got);
    free_maps(&first);
}

void conv_case_check(const yti_kernels *const *tables, int count, const conv_case *c, unsigned seed) {
    maps want = make_maps(c);
    run_passes(yti_kernels_of(YT_ISA_REF), c, &want, seed, 1);
    for (int i = 0; i < count; i++) check_table(tables[i], c, seed, &want);
    free_maps(&want);
}

/* Channel counts and widths one below, at and above the tiles of all instruction sets, and primes. */
static int pick(yti_rng *rng, const int *from, int count) {
    return from[yti_rng_below(rng, (uint32_t)count)];
}

conv_case conv_case_random(unsigned index) {
    static const int channels[] = {1, 2, 3, 4, 7, 8, 9, 13, 15, 16, 17, 24, 31, 32, 33, 48};
    static const int sides[] = {1, 2, 3, 5, 6, 7, 11, 12, 13, 14, 15, 17, 27, 28, 29};
    enum { CHANNELS = sizeof channels / sizeof channels[0], SIDES = sizeof sides / sizeof sides[0] };
    static const int kernels[] = {1, 1, 2, 3, 3, 3, 5}, groups[] = {1, 1, 1, 1, 2, 3};
    yti_rng rng = yti_rng_make(7, 0, index, YT_RNG_TEST);
    conv_case c = {.n = 1 + (int)yti_rng_below(&rng, 3)};
    c.h = pick(&rng, sides, 8), c.w = pick(&rng, sides, SIDES);
    yti_conv_geometry *v = &c.conv;
    v->groups = pick(&rng, groups, 6);
    v->cin = pick(&rng, channels, v->groups > 1 ? 8 : CHANNELS) * v->groups;
    v->cout = pick(&rng, channels, v->groups > 1 ? 8 : CHANNELS) * v->groups;
    if (yti_rng_below(&rng, 6) == 0) v->groups = v->cout = v->cin; /* depthwise */
    v->kernel = pick(&rng, kernels, 7);
    v->stride = 1 + (int)(yti_rng_below(&rng, 5) > 2) + (int)(yti_rng_below(&rng, 8) == 0);
    v->dilation = 1 + (int)(yti_rng_below(&rng, 5) == 0);
    v->pad = yti_rng_below(&rng, 3) ? v->dilation * (v->kernel - 1) / 2 : (int)yti_rng_below(&rng, 3);
    int least = v->dilation * (v->kernel - 1) + 1 - 2 * v->pad;
    if (c.h < least) c.h = least;
    if (c.w < least) c.w = least;
    c.before = (int)yti_rng_below(&rng, 4), c.after = (int)yti_rng_below(&rng, 4);
    return c;
}
