/* kernels.inl: the whole vector source, and the table it fills.
 *
 * Each kernels_<isa>.c defines YT_VL, YT_MR3, YT_MR2, YT_MR1, YT_ISA_NAME and YT_KERNELS_GETTER and includes this file;
 * all functions are static, so every instruction set has its own compiled copy.
 */
#include "kernels/kernels_internal.h"

#ifdef _OPENMP
#    include <omp.h>
#else
/* Without OpenMP nothing reads the number of threads. */
#    pragma GCC diagnostic ignored "-Wunused-parameter"
#endif
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/simd/vector.h"
#include "kernels/simd/vecmath.h"
#include "kernels/simd/parallel.inl"
#include "kernels/simd/tile.inl"
#include "kernels/simd/moments.inl"
#include "kernels/simd/activate.inl"
#include "kernels/simd/correlate.inl"
#include "kernels/simd/norm_tail.inl"
#include "kernels/simd/conv_weights.inl"
#include "kernels/simd/depthwise.inl"
#include "kernels/simd/depthwise_weights.inl"
#include "kernels/simd/conv.inl"
#include "kernels/simd/norm.inl"
#include "kernels/simd/pool.inl"
#include "kernels/simd/attention.inl"
#include "kernels/simd/matrix.inl"
#include "kernels/simd/eltwise.inl"

static const yti_kernels table = {
    .name = YT_ISA_NAME,
    .vector_floats = YT_VL,
    .conv2d_scratch = conv2d_scratch,
    .conv2d_forward = conv2d_forward,
    .conv2d_packed_bytes = conv2d_packed_bytes,
    .conv2d_pack = conv2d_pack,
    .conv2d_act_forward = conv2d_act_forward,
    .conv2d_backward_data = conv2d_backward_data,
    .conv2d_backward_weights = conv2d_backward_weights,
    .norm_act_forward = norm_act_forward,
    .norm_act_scratch = norm_act_scratch,
    .norm_act_backward = norm_act_backward,
    .norm_tail = norm_tail,
    .maxpool_forward = maxpool_forward,
    .maxpool_backward = maxpool_backward,
    .upsample_forward = upsample_forward,
    .upsample_backward = upsample_backward,
    .copy = copy,
    .fill = fill,
    .from_bytes = from_bytes,
    .attention_scratch = attention_scratch,
    .attention_forward = attention_forward,
    .attention_backward = attention_backward,
    .matrix_scratch = matrix_scratch,
    .gram = gram,
    .matmul = matmul,
    .symmetric_product = symmetric_product,
    .bce_background = bce_background,
    .sum_squares = sum_squares,
    .sgd_step = sgd_step,
    .adam_step = adam_step,
    .ema_step = ema_step,
};

const yti_kernels *YT_KERNELS_GETTER(void) {
    return &table;
}
