/* kernels_neon.c: vectors of 4 floats, 32 registers: tiles of 9x12. */
#if defined(__aarch64__)
#    define YT_VL             4
#    define YT_MR3            9
#    define YT_MR2            12
#    define YT_MR1            24
#    define YT_ISA_NAME       "neon"
#    define YT_KERNELS_GETTER yti_kernels_neon
#    include "kernels/simd/kernels.inl"
#endif
