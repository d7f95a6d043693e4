/* op_case.h: every slot of a kernel table but the convolutions, compared with the reference table.
 *
 * Each function asserts that results equal the reference's (exactly, or within the error its comment derives), have the
 * same bits for 1, 2, 3 and 5 threads where the slot has any, and that nothing outside the channels of a map was
 * written.
 */
#ifndef YT_TEST_OP_CASE_H
#define YT_TEST_OP_CASE_H

#include "kernels/kernels.h"

void op_case_norm_act(const yti_kernels *k);
void op_case_pooling(const yti_kernels *k);
void op_case_upsampling_and_copies(const yti_kernels *k);
void op_case_attention(const yti_kernels *k);
void op_case_matrices(const yti_kernels *k);
void op_case_background_loss(const yti_kernels *k);
void op_case_optimiser(const yti_kernels *k);

#endif
