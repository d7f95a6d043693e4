/* Tests of the convolutions of every table that runs here, bit for bit against the reference. */
#include "support/conv_case.h"
#include "kernels/kernels_internal.h"

#include <criterion/criterion.h>

static const yt_isa rows[] = {
#define YT_KERNELS_ROW(isa, getter) isa,
#include "kernels/kernel_list.inc"
#undef YT_KERNELS_ROW
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void check_all(const conv_case *c, unsigned seed) {
    const yt_kernels *tables[ROWS];
    int count = 0;
    for (int i = 0; i < ROWS; i++)
        if (rows[i] != YT_ISA_REF && yt_kernels_of(rows[i])) tables[count++] = yt_kernels_of(rows[i]);
    cr_assert(count > 0);
    conv_case_check(tables, count, c, seed);
}

Test(conv2d, shapes_around_the_tile_edges_match_the_reference) {
    for (unsigned i = 0; i < 240; i++) {
        conv_case c = conv_case_random(i);
        check_all(&c, i);
    }
}

/* Depthwise: one column, fewer than a tile and several, channels around the vectors, taps that do and do not
 * lie beside each other. */
Test(conv2d, depthwise_shapes_match_the_reference) {
    static const conv_case cases[] = {
        {{9, 9, 3, 1, 1, 1, 9}, 2, 9, 1, 3, 0},      {{16, 16, 3, 1, 1, 1, 16}, 1, 1, 2, 0, 0},
        {{23, 23, 3, 1, 1, 1, 23}, 1, 2, 7, 0, 1},   {{40, 40, 3, 1, 1, 1, 40}, 1, 35, 11, 0, 40},
        {{72, 72, 3, 1, 1, 1, 72}, 3, 12, 23, 8, 0}, {{24, 24, 3, 1, 0, 1, 24}, 1, 9, 9, 0, 0},
        {{24, 24, 3, 1, 2, 1, 24}, 1, 5, 9, 0, 0},   {{17, 17, 3, 1, 2, 2, 17}, 2, 9, 10, 1, 0},
        {{40, 40, 3, 2, 1, 1, 40}, 2, 17, 18, 0, 3}, {{33, 33, 5, 1, 2, 1, 33}, 1, 7, 13, 0, 0},
        {{12, 12, 2, 1, 0, 1, 12}, 1, 6, 6, 0, 0},   {{64, 64, 3, 1, 1, 1, 64}, 1, 92, 92, 0, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_all(&cases[i], 2 * i);
        check_all(&cases[i], 2 * i + 1);
    }
}

/* Rows long enough for several items, bands, chunks and channel blocks; maps large enough to be fetched
 * ahead. */
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
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_all(&cases[i], 2 * i);
        check_all(&cases[i], 2 * i + 1);
    }
}
