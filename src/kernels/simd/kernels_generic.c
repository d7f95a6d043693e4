/* kernels_generic.c: vectors of 4 floats for the compiler's baseline (SSE2 on x86-64). */
#define YT_VL             4
#define YT_MR3            4
#define YT_MR2            6
#define YT_MR1            12
#define YT_ISA_NAME       "generic"
#define YT_KERNELS_GETTER yti_kernels_generic
#include "kernels/simd/kernels.inl"
