/* Tests of every slot but the convolutions, for every table that runs here, and of the choice of the table.
 */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include "kernels/kernels_internal.h"
#include "support/op_case.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const yti_isa rows[] = {
#define YT_KERNELS_ROW(isa, getter) isa,
#include "kernels/kernel_list.inc"
#undef YT_KERNELS_ROW
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void check_all(void (*check)(const yti_kernels *)) {
    for (int i = 0; i < ROWS; i++)
        if (rows[i] != YT_ISA_REF && yti_kernels_of(rows[i])) check(yti_kernels_of(rows[i]));
}

Test(kernels, norm_act_matches_the_reference) {
    check_all(op_case_norm_act);
}

Test(kernels, pooling_matches_the_reference) {
    check_all(op_case_pooling);
}

Test(kernels, upsampling_and_copies_match_the_reference) {
    check_all(op_case_upsampling_and_copies);
}

Test(kernels, attention_matches_the_reference) {
    check_all(op_case_attention);
}

Test(kernels, products_of_matrices_are_exact_on_integers) {
    check_all(op_case_matrices);
}

Test(kernels, background_loss_matches_the_reference) {
    check_all(op_case_background_loss);
}

Test(kernels, optimizer_steps_match_the_reference) {
    check_all(op_case_optimiser);
}

Test(kernels, every_slot_of_every_table_is_filled) {
    for (int i = 0; i < ROWS; i++) {
        const yti_kernels *k = yti_kernels_of(rows[i]);
        if (!k) continue;
        cr_assert(k->name && k->vector_floats > 0 && k->conv2d_scratch && k->conv2d_forward &&
                      k->conv2d_backward_data && k->conv2d_backward_weights && k->norm_act_forward &&
                      k->norm_act_scratch && k->norm_act_backward && k->norm_tail && k->conv2d_act_forward &&
                      k->conv2d_packed_bytes && k->conv2d_pack && k->maxpool_forward && k->maxpool_backward &&
                      k->upsample_forward && k->upsample_backward && k->copy && k->fill && k->from_bytes &&
                      k->attention_scratch && k->attention_forward && k->attention_backward && k->bce_background &&
                      k->sum_squares && k->sgd_step && k->adam_step && k->ema_step && k->matrix_scratch && k->gram &&
                      k->matmul && k->symmetric_product,
                  "table %d", i);
    }
}

/* Each Criterion test is its own process, so the choice is made once in each of the three below. */
Test(kernels, the_best_table_of_the_cpu_is_taken) {
    unsetenv("YT_MAX_ISA");
    const yti_kernels *best = yti_kernels_of(YT_ISA_REF);
    for (int i = 0; i < ROWS; i++)
        if (yti_kernels_of(rows[i])) best = yti_kernels_of(rows[i]);
    cr_assert_eq(yti_kernels_get(), best);
    cr_assert_eq(yti_kernels_get(), best);
}

Test(kernels, a_cap_is_obeyed) {
    setenv("YT_MAX_ISA", "generic", 1);
    cr_assert_str_eq(yti_kernels_get()->name, "generic");
}

Test(kernels, a_cap_above_the_cpu_takes_what_runs) {
    setenv("YT_MAX_ISA", "avx512", 1);
    cr_assert_not_null(yti_kernels_get());
    cr_assert_str_neq(yti_kernels_get()->name, "ref");
}

Test(kernels, output_sides) {
    cr_assert_eq(yti_conv_out(640, 3, 2, 1, 1), 320);
    cr_assert_eq(yti_conv_out(5, 3, 2, 1, 1), 3);
    cr_assert_eq(yti_conv_out(5, 1, 1, 0, 1), 5);
    cr_assert_eq(yti_conv_out(4, 2, 2, 0, 1), 2);
    cr_assert_eq(yti_conv_out(7, 3, 1, 2, 2), 7);
    cr_assert_eq(yti_conv_out(2, 5, 1, 0, 1), 0);
}
