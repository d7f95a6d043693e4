/* kernels_avx512.c: vectors of 16 floats, 32 registers: tiles of 9x48. */
#if defined(__x86_64__)
#    define YT_VL             16
#    define YT_MR3            9
#    define YT_MR2            14
#    define YT_MR1            27
#    define YT_ISA_NAME       "avx512"
#    define YT_KERNELS_GETTER yti_kernels_avx512
#    include "kernels/simd/kernels.inl"
#endif
