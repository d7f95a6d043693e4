/* Tests of the vector functions against those of libm in double, over the whole range of floats they meet. */
#define YT_VL 4
#include "kernels/simd/vecmath.h"

#include <criterion/criterion.h>
#include <math.h>

/* |got - want| in units of the last place of want as a float. */
static double ulps(float got, double want) {
    float rounded = (float)want;
    double unit = (double)nextafterf(fabsf(rounded), INFINITY) - (double)fabsf(rounded);
    return fabs((double)got - want) / unit;
}

typedef vf vector_fn(vf);

/* The largest error over evenly spaced points of [lo, hi] and geometrically spaced ones around 0. */
static double worst(vector_fn *f, double (*exact)(double), float lo, float hi) {
    enum { POINTS = 400000 };
    double most = 0;
    for (int i = 0; i <= POINTS; i += YT_VL) {
        vf x = {0};
        for (int j = 0; j < YT_VL; j++) {
            float t = (float)(i + j) / POINTS;
            x[j] = j % 2 ? lo + (hi - lo) * t : (i % 8 ? hi : lo) * powf(2, -20 * t);
            x[j] = fminf(fmaxf(x[j], lo), hi);
        }
        vf y = f(x);
        for (int j = 0; j < YT_VL; j++) {
            double error = ulps(y[j], exact((double)x[j]));
            if (!(error <= most)) most = error;
        }
    }
    return most;
}

static vf call_exp(vf x) {
    return vexp(x);
}

static vf call_sigmoid(vf x) {
    return vsigmoid(x);
}

static vf call_tanh(vf x) {
    return vtanh(x);
}

static vf call_erf(vf x) {
    return verf(x);
}

static vf call_log1p(vf x) {
    return vlog1p_unit(x);
}

static vf call_log1p_large(vf x) {
    return vlog1p(x);
}

static double exact_sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

Test(vecmath, errors_in_ulps_are_those_the_header_states) {
    cr_assert(worst(call_exp, exp, -87, 88) <= 2, "exp: %g", worst(call_exp, exp, -87, 88));
    cr_assert(worst(call_tanh, tanh, -20, 20) <= 2, "tanh: %g", worst(call_tanh, tanh, -20, 20));
    cr_assert(worst(call_sigmoid, exact_sigmoid, -86, 86) <= 3, "sigmoid: %g",
              worst(call_sigmoid, exact_sigmoid, -86, 86));
    cr_assert(worst(call_erf, erf, -6, 6) <= 3, "erf: %g", worst(call_erf, erf, -6, 6));
    cr_assert(worst(call_log1p, log1p, 0, 1) <= 3, "log1p: %g", worst(call_log1p, log1p, 0, 1));
    double large = worst(call_log1p_large, log1p, 0, 300);
    cr_assert(large <= 4, "log1p of large numbers: %g", large);
    cr_assert(worst(call_log1p_large, log1p, 0, 2) <= 4, "log1p around 1");
}

Test(vecmath, nan_stays_and_extremes_saturate) {
    vf special = {NAN, INFINITY, -INFINITY, 0};
    vector_fn *all[] = {call_exp, call_sigmoid, call_tanh, call_erf, call_log1p, call_log1p_large};
    for (int i = 0; i < 6; i++) cr_assert(isnan(all[i](special)[0]), "function %d hides a NaN", i);
    vf e = vexp(special), s = vsigmoid(special), t = vtanh(special), f = verf(special);
    cr_assert(e[1] > 1e38f && e[2] > 0 && e[2] < 1.3e-38f && e[3] == 1);
    cr_assert(s[1] == 1 && s[2] < 1e-37f && s[3] == 0.5f);
    cr_assert(t[1] == 1 && t[2] == -1 && t[3] == 0);
    cr_assert(f[1] == 1 && f[2] == -1 && f[3] == 0);
}
