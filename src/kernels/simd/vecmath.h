/* vecmath.h: exp, sigmoid, tanh, erf, log(1 + e) of vectors.
 *
 * Polynomials are minimax fits (Remez) made for the stated interval; each comment names the fit's relative error.
 * Measured against the double functions over the whole range, the sigmoid for |x| < 86
 * (tests/unit/kernels/test_kernels_math.c): exp and tanh within 2 ulp, sigmoid, log1p and erf within 3, log1p of large
 * numbers within 4. A NaN goes in and a NaN comes out.
 */
#ifndef YT_VECMATH_H
#define YT_VECMATH_H

#include "kernels/simd/vector.h"

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2; ln 2 in two parts so that r is exact. The result
 * saturates at exp(-87.3) and exp(88.3): no denormals and no infinity. exp(r) = 1 + r + r^2 P(r), 3e-9. Returns plus
 * + exp(x). */
YT_INLINE vf exp_plus(vf x, float plus) {
    x = vmin(vmax(x, splat(-87.3f)), splat(88.3f));
    /* Adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits of the sum; 127 more make it the
     * exponent of 2^n, which the shift moves to its place while it drops the rest. */
    vf shifted = x * 1.44269504f + 12583039.0f;
    vf n = shifted - 12583039.0f;
    vf power = (vf)((vi)shifted << 23);
    vf r = x - n * 0.693145752f;
    r = r - n * 1.42860677e-6f;
    vf p = r * 0.00138146102f + 0.0083687098f;
    p = p * r + 0.0416683874f;
    p = p * r + 0.166665207f;
    p = p * r + 0.499999935f;
    p = (p * r) * r + r;
    return p * power + (plus == 0 ? power : power + plus);
}

YT_INLINE vf vexp(vf x) {
    return exp_plus(x, 0);
}

YT_INLINE vf vabs(vf x) {
    return (vf)((vi)x & 0x7fffffff);
}

YT_INLINE vf with_sign_of(vf magnitude, vf sign) {
    return (vf)((vi)magnitude | ((vi)sign & (int32_t)0x80000000));
}

YT_INLINE vf vsigmoid(vf x) {
    return 1.0f / exp_plus(-x, 1);
}

/* |x| < 0.7: x + x u P(u), u = x^2, 1.4e-8; beyond: 1 - 2 / (exp(2|x|) + 1). */
YT_INLINE vf vtanh(vf x) {
    vf size = vabs(x), u = x * x;
    vf p = u * -0.00515511927f + 0.0201116653f;
    p = p * u + -0.053566992f;
    p = p * u + 0.133292432f;
    p = p * u + -0.333331966f;
    vf small = (p * u) * x + x;
    vf large = with_sign_of(1.0f - 2.0f / (vexp(size + size) + 1.0f), x);
    return select(size > 0.7f, large, small);
}

/* |x| < 1: x P(x^2), 1.2e-9; beyond: 1 - exp(Q(|x|)), Q = log erfc on [1, 4], 2e-11; erf(4) rounds to 1. */
YT_INLINE vf verf(vf x) {
    vf size = vmin(vabs(x), splat(4.0f)), u = x * x;
    vf p = u * 7.85386193e-5f + -0.000801019375f;
    p = p * u + 0.00518832769f;
    p = p * u + -0.0268538119f;
    p = p * u + 0.112835851f;
    p = p * u + -0.376126258f;
    p = p * u + 1.12837917f;
    vf q = size * -2.1686738e-5f + 0.000441334984f;
    q = q * size + -0.00420455459f;
    q = q * size + 0.025208236f;
    q = q * size + -0.108418543f;
    q = q * size + -0.633219927f;
    q = q * size + -1.12957841f;
    q = q * size + 0.000188036055f;
    return select(size > 1.0f, with_sign_of(1.0f - vexp(q), x), p * x);
}

/* log(1 + e) for 0 <= e <= 1 = 2 atanh(s), s = e / (2 + e) <= 1/3; atanh(s) = s + s u P(u), u = s^2, 4.6e-9. Small e
 * keep their relative accuracy. */
YT_INLINE vf vlog1p_unit(vf e) {
    vf s = e / (2.0f + e), u = s * s;
    vf p = u * 0.140122109f + 0.139995748f;
    p = p * u + 0.200108492f;
    p = p * u + 0.333332066f;
    s = s + s;
    return (p * u) * s + s;
}

/* log(1 + x) for 0 <= x < 2^126: with 1 + x = 2^n (1 + f) it is n ln 2 + log(1 + f), and f = x where n = 0. */
YT_INLINE vf vlog1p(vf x) {
    vf sum = 1.0f + x;
    vi n = ((vi)sum >> 23) - 127;
    vf f = select(n == 0, x, sum * (vf)((127 - n) << 23) - 1.0f);
    return __builtin_convertvector(n, vf) * 0.693147181f + vlog1p_unit(f);
}

#endif
