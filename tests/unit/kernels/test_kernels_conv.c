/* Tests of the convolutions of every table that runs here, bit for bit against the reference. */
#include "kernels/kernels_internal.h"
#include "support/conv_case.h"
#include "support/guarded.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const yti_isa rows[] = {
#define YT_KERNELS_ROW(isa, getter) isa,
#include "kernels/kernel_list.inc"
#undef YT_KERNELS_ROW
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void check_all(const conv_case *c, unsigned seed) {
    const yti_kernels *tables[ROWS];
    int count = 0;
    for (int i = 0; i < ROWS; i++)
        if (rows[i] != YT_ISA_REF && yti_kernels_of(rows[i])) tables[count++] = yti_kernels_of(rows[i]);
    cr_assert(count > 0);
    conv_case_check(tables, count, c, seed);
}

/* Each with two seeds. */
static void check_cases(const conv_case *cases, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        check_all(&cases[i], 2 * i);
        check_all(&cases[i], 2 * i + 1);
    }
}

Test(conv2d, shapes_around_the_tile_edges_match_the_reference) {
    for (unsigned i = 0; i < 240; i++) {
        conv_case c = conv_case_random(i);
        check_all(&c, i);
    }
}

/* Real numbers, where rounding tells: the end of a normalisation's gradient is the same to the bit, done by itself
 * or by the gradient of the weights. */
Test(conv2d, finishing_a_gradient_while_packing_gives_the_bits_of_the_pass) {
    for (int cout = 1; cout < 60; cout += 1 + cout / 9) {
        yti_conv_geometry conv = {5, cout, 3, 1, 1, 1, 1};
        yti_rng rng = yti_rng_make((uint64_t)cout, 0, 0, YT_RNG_TEST);
        guarded x = guarded_make(1, 9, 7, 5, 0, 0), y = guarded_make(1, 9, 7, cout, 0, 3);
        guarded values = guarded_make(1, 1, 4, cout, 0, 0), g = guarded_make(1, 9, 7, cout, 2, 0);
        guarded d[2] = {guarded_make(1, 9, 7, cout, 1, 1), guarded_make(1, 9, 7, cout, 1, 1)};
        guarded d_w[2] = {guarded_make(1, 3, 3, 5 * cout, 0, 0), guarded_make(1, 3, 3, 5 * cout, 0, 0)};
        guarded *random[] = {&x, &y, &values, &g, &d_w[0]};
        for (int i = 0; i < 5; i++) guarded_fill_bell(random[i], &rng);
        for (int row = 0; row < ROWS; row++) {
            const yti_kernels *k = yti_kernels_of(rows[row]);
            if (!k) continue;
            guarded_copy(&g, &d[0]), guarded_copy(&g, &d[1]), guarded_copy(&d_w[0], &d_w[1]);
            guarded start = guarded_make(1, 3, 3, 5 * cout, 0, 0);
            guarded_copy(&d_w[0], &start);
            size_t bytes = k->conv2d_scratch(&conv, 1, 9, 7, 1);
            yti_scratch scratch = {aligned_alloc(64, (bytes + 63) / 64 * 64), bytes, 1};
            cr_assert_not_null(scratch.data);
            yti_norm_tail tail = yti_norm_tail_of(values.view.data, y.view);
            k->norm_tail(&tail, &d[0].view, 1);
            k->conv2d_backward_weights(&conv, &x.view, &d[0].view, NULL, d_w[0].view.data, NULL, &scratch);
            k->conv2d_backward_weights(&conv, &x.view, &d[1].view, &tail, d_w[1].view.data, NULL, &scratch);
            cr_assert(guarded_equal(&d[0], &d[1]), "%s: %d channels: gradient", k->name, cout);
            cr_assert(guarded_equal(&d_w[0], &d_w[1]), "%s: %d channels: weights", k->name, cout);
            guarded_copy(&start, &d_w[0]);
            guarded_free(&start);
            free(scratch.data);
        }
        guarded *all[] = {&x, &y, &values, &g, &d[0], &d[1], &d_w[0], &d_w[1]};
        for (int i = 0; i < 8; i++) guarded_free(all[i]);
    }
}

/* Depthwise: one column, fewer than a tile and several, channels around the vectors, taps that do and do not lie
 * beside each other. */
Test(conv2d, depthwise_shapes_match_the_reference) {
    static const conv_case cases[] = {
        {{9, 9, 3, 1, 1, 1, 9}, 2, 9, 1, 3, 0},      {{16, 16, 3, 1, 1, 1, 16}, 1, 1, 2, 0, 0},
        {{23, 23, 3, 1, 1, 1, 23}, 1, 2, 7, 0, 1},   {{40, 40, 3, 1, 1, 1, 40}, 1, 35, 11, 0, 40},
        {{72, 72, 3, 1, 1, 1, 72}, 3, 12, 23, 8, 0}, {{24, 24, 3, 1, 0, 1, 24}, 1, 9, 9, 0, 0},
        {{24, 24, 3, 1, 2, 1, 24}, 1, 5, 9, 0, 0},   {{17, 17, 3, 1, 2, 2, 17}, 2, 9, 10, 1, 0},
        {{40, 40, 3, 2, 1, 1, 40}, 2, 17, 18, 0, 3}, {{33, 33, 5, 1, 2, 1, 33}, 1, 7, 13, 0, 0},
        {{12, 12, 2, 1, 0, 1, 12}, 1, 6, 6, 0, 0},   {{64, 64, 3, 1, 1, 1, 64}, 1, 92, 92, 0, 0},
    };
    check_cases(cases, sizeof cases / sizeof cases[0]);
}

/* Rows long enough for several items, bands, chunks and channel blocks; maps large enough to be fetched ahead. */
Test(conv2d, larger_maps_match_the_reference) {
    static const conv_case cases[] = {
        {{3, 16, 3, 2, 1, 1, 1}, 2, 64, 56, 0, 0},    {{16, 32, 3, 2, 1, 1, 1}, 1, 40, 40, 0, 16},
        {{8, 16, 3, 1, 1, 1, 1}, 1, 48, 40, 16, 0},   {{48, 64, 1, 1, 0, 1, 1}, 1, 40, 40, 0, 0},
        {{64, 80, 1, 1, 0, 1, 1}, 1, 20, 20, 16, 16}, {{32, 48, 3, 1, 1, 1, 1}, 1, 20, 20, 0, 0},
        {{80, 80, 3, 1, 1, 1, 80}, 2, 20, 20, 0, 0},  {{33, 33, 3, 2, 1, 1, 33}, 2, 21, 19, 1, 2},
        {{16, 4, 1, 1, 0, 1, 1}, 2, 40, 40, 0, 0},    {{12, 20, 3, 1, 2, 2, 1}, 1, 33, 31, 0, 5},
        {{24, 24, 7, 1, 3, 1, 24}, 1, 15, 17, 0, 0},  {{6, 10, 6, 2, 2, 1, 1}, 1, 31, 37, 0, 0},
        {{16, 16, 1, 1, 0, 1, 1}, 1, 184, 184, 0, 0}, {{6, 8, 3, 2, 1, 1, 1}, 1, 400, 390, 0, 0},
        {{10, 6, 1, 2, 0, 1, 1}, 2, 31, 30, 3, 0},    {{9, 8, 3, 3, 2, 2, 1}, 1, 29, 31, 0, 1},
    };
    check_cases(cases, sizeof cases / sizeof cases[0]);
}
