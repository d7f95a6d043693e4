/* Tests of the vector source at the width of AVX-512, compiled for the baseline: the compiler lowers the 64-byte
 * vectors, so the wide blocks are checked on machines that cannot run kernels_avx512.c. The tiles have fewer pixels
 * than there: nothing else depends on how many, and 28 accumulators of four registers each take minutes to compile. */
#define YT_VL             16
#define YT_MR3            4
#define YT_MR2            6
#define YT_MR1            9
#define YT_ISA_NAME       "wide"
#define YT_KERNELS_GETTER wide_kernels
static const struct yti_kernels *wide_kernels(void);
#include "kernels/simd/kernels.inl"

#include "support/conv_case.h"
#include "support/op_case.h"

#include <criterion/criterion.h>

Test(kernels_wide, convolutions_match_the_reference) {
    const yti_kernels *wide[] = {wide_kernels()};
    for (unsigned i = 1000; i < 1060; i++) {
        conv_case c = conv_case_random(i);
        conv_case_check(wide, 1, &c, i);
    }
}

Test(kernels_wide, depthwise_rows_match_the_reference) {
    static const conv_case cases[] = {{{72, 72, 3, 1, 1, 1, 72}, 3, 12, 23, 8, 0},
                                      {{40, 40, 3, 1, 1, 1, 40}, 1, 35, 11, 0, 40}};
    const yti_kernels *wide[] = {wide_kernels()};
    for (unsigned i = 0; i < 4; i++) conv_case_check(wide, 1, &cases[i / 2], i);
}

Test(kernels_wide, other_slots_match_the_reference) {
    op_case_norm_act(wide_kernels());
    op_case_pooling(wide_kernels());
    op_case_upsampling_and_copies(wide_kernels());
    op_case_attention(wide_kernels());
    op_case_matrices(wide_kernels());
    op_case_background_loss(wide_kernels());
    op_case_optimiser(wide_kernels());
}
