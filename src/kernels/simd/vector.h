/* vector.h: vectors of YT_VL floats in GNU C, for the files that are compiled once per instruction set.
 *
 * The including file defines YT_VL. Everything here is static: each instruction set has its own copy. Memory is read
 * and written at any alignment.
 */
#ifndef YT_VECTOR_H
#define YT_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __AVX__
#    include <immintrin.h>
#endif

#ifdef __clang__
#    define YT_UNROLL _Pragma("clang loop unroll(full)")
#else
/* Vectors wider than the registers are passed in memory; nothing crosses a file, so the ABI is free. */
#    pragma GCC diagnostic ignored "-Wpsabi"
#    define YT_UNROLL _Pragma("GCC unroll 32")
#endif
#define YT_INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(YT_VL * 4)));
typedef int32_t vi __attribute__((vector_size(YT_VL * 4)));
typedef uint8_t vb __attribute__((vector_size(YT_VL)));
typedef double vd __attribute__((vector_size(YT_VL * 8)));
typedef float vf_mem __attribute__((vector_size(YT_VL * 4), aligned(4), may_alias));
typedef uint8_t vb_mem __attribute__((vector_size(YT_VL), aligned(1), may_alias));
typedef double vd_mem __attribute__((vector_size(YT_VL * 8), aligned(8), may_alias));

YT_INLINE vf load(const float *p) {
    return *(const vf_mem *)p;
}

YT_INLINE void store(float *p, vf v) {
    *(vf_mem *)p = v;
}

YT_INLINE vf splat(float s) {
    return s - (vf){0};
}

YT_INLINE vi splat_int(int32_t s) {
    return s - (vi){0};
}

/* The first n < YT_VL floats, zeros after them; touches no others. */
YT_INLINE vf load_part(const float *p, int n) {
    vf v = {0};
    memcpy(&v, p, (size_t)n * sizeof(float));
    return v;
}

YT_INLINE void store_part(float *p, vf v, int n) {
    memcpy(p, &v, (size_t)n * sizeof(float));
}

/* Lane by lane m ? a : b, m being the result of a comparison. */
#if YT_VL == 8 && defined(__AVX__)
YT_INLINE vf select(vi m, vf a, vf b) {
    return _mm256_blendv_ps(b, a, (vf)m);
}
#else
YT_INLINE vf select(vi m, vf a, vf b) {
    return (vf)((m & (vi)a) | (~m & (vi)b));
}
#endif

/* The smaller and the larger of a and b; a NaN in a stays (the instructions return their second operand when either
 * is one). */
#if YT_VL == 16 && defined(__AVX512F__)
YT_INLINE vf vmax(vf a, vf b) {
    return _mm512_max_ps(b, a);
}

YT_INLINE vf vmin(vf a, vf b) {
    return _mm512_min_ps(b, a);
}
#elif YT_VL == 8 && defined(__AVX__)
YT_INLINE vf vmax(vf a, vf b) {
    return _mm256_max_ps(b, a);
}

YT_INLINE vf vmin(vf a, vf b) {
    return _mm256_min_ps(b, a);
}
#else
YT_INLINE vf vmax(vf a, vf b) {
    return select(a < b, b, a);
}

YT_INLINE vf vmin(vf a, vf b) {
    return select(a > b, b, a);
}
#endif

/* Sum of the lanes, in double and in order. */
YT_INLINE double lane_sum(const vf *v) {
    double sum = 0;
    for (int i = 0; i < YT_VL; i++) sum += (double)(*v)[i];
    return sum;
}

/* p[0..YT_VL) += v */
YT_INLINE void add_to_double(double *p, vf v) {
    *(vd_mem *)p = *(const vd_mem *)p + __builtin_convertvector(v, vd);
}

#endif
