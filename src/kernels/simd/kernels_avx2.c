/* kernels_avx2.c: vectors of 8 floats, 16 registers: tiles of 4x24. */
#if defined(__x86_64__)
#    define YT_VL             8
#    define YT_MR3            4
#    define YT_MR2            6
#    define YT_MR1            12
#    define YT_ISA_NAME       "avx2"
#    define YT_KERNELS_GETTER yti_kernels_avx2
#    include "kernels/simd/kernels.inl"
#endif
