/* norm_ref.inl: normalisation, activation and shortcut by the formulas of kernels.h.
 *
 * YT_REAL, YT_MAP: see conv_ref.inl; YT_NORM is yti_norm with arrays of YT_REAL.
 */

static double activation_value(yti_activation act, double z) {
    switch (act.kind) {
    case YT_ACT_SILU:
        return z / (1 + exp(-z));
    case YT_ACT_RELU:
        return z < 0 ? 0 : z;
    case YT_ACT_LEAKY_RELU:
        return z < 0 ? (double)act.slope * z : z;
    case YT_ACT_TANH:
        return tanh(z);
    case YT_ACT_SIGMOID:
        return 1 / (1 + exp(-z));
    case YT_ACT_GELU:
        return 0.5 * z * (1 + erf(z * M_SQRT1_2));
    case YT_ACT_HARDSWISH: /* Howard et al. 2019, arXiv 1905.02244 */
        return z * (fmin(fmax(z + 3, 0), 6) / 6);
    default:
        return z;
    }
}

static double activation_gradient(yti_activation act, double z) {
    double s = 1 / (1 + exp(-z));
    switch (act.kind) {
    case YT_ACT_SILU:
        return s + z * s * (1 - s);
    case YT_ACT_RELU:
        return z > 0 ? 1 : 0;
    case YT_ACT_LEAKY_RELU:
        return z > 0 ? 1 : (double)act.slope;
    case YT_ACT_TANH:
        return 1 - tanh(z) * tanh(z);
    case YT_ACT_SIGMOID:
        return s * (1 - s);
    case YT_ACT_GELU: /* Phi(z) + z phi(z), phi the normal density: 1/sqrt(2 pi) = M_2_SQRTPI * M_SQRT1_2 / 2
                       */
        return 0.5 * (1 + erf(z * M_SQRT1_2)) + z * exp(-0.5 * z * z) * (0.5 * M_2_SQRTPI * M_SQRT1_2);
    case YT_ACT_HARDSWISH: /* a NaN stays one */
        return z <= -3 ? 0 : z >= 3 ? 1 : z / 3 + 0.5;
    default:
        return 1;
    }
}

static double norm_xhat(const YT_NORM *norm, double y, int c) {
    return (y - (double)norm->mean[c]) * (double)norm->inv_std[c];
}

static double norm_z(const YT_NORM *norm, double y, int c) {
    return norm->mean ? (double)norm->gamma[c] * norm_xhat(norm, y, c) + (double)norm->beta[c] : y;
}

static void ref_norm_act_forward(yti_activation act, const YT_NORM *norm, const YT_MAP *y,
                                 const YT_MAP *shortcut, const YT_MAP *out, int threads) {
    (void)threads;
    ptrdiff_t pixels = (ptrdiff_t)y->n * y->h * y->w;
    for (ptrdiff_t p = 0; p < pixels; p++)
        for (int c = 0; c < y->c; c++) {
            double value = activation_value(act, norm_z(norm, (double)y->data[p * y->ld + c], c));
            if (shortcut->data) value += (double)shortcut->data[p * shortcut->ld + c];
            out->data[p * out->ld + c] = (YT_REAL)value;
        }
}

/* Pass 1 of the backward pass for channel c: d becomes g = d_out * act'(z); returns sum g and sum g * xhat. */
static void norm_reduce(yti_activation act, const YT_NORM *norm, const YT_MAP *y, const YT_MAP *d, int c,
                        double sums[2]) {
    ptrdiff_t pixels = (ptrdiff_t)y->n * y->h * y->w;
    sums[0] = sums[1] = 0;
    for (ptrdiff_t p = 0; p < pixels; p++) {
        double value = (double)y->data[p * y->ld + c];
        double g = (double)d->data[p * d->ld + c] * activation_gradient(act, norm_z(norm, value, c));
        d->data[p * d->ld + c] = (YT_REAL)g;
        sums[0] += g;
        if (norm->mean) sums[1] += g * norm_xhat(norm, value, c);
    }
}

/* Scale, mean g, mean y and slope of a yti_norm_tail. */
static void norm_tail_values(const YT_NORM *norm, const YT_MAP *y, int c, const double sums[2],
                             YT_REAL values[4]) {
    double m = (double)((ptrdiff_t)y->n * y->h * y->w), inv_std = (double)norm->inv_std[c];
    values[0] = (YT_REAL)((double)norm->gamma[c] * inv_std);
    values[1] = norm->fixed_stats ? 0 : (YT_REAL)(sums[0] / m);
    values[2] = norm->mean[c];
    values[3] = norm->fixed_stats ? 0 : (YT_REAL)(inv_std * sums[1] / m);
}

/* Pass 2: d becomes d_y. The same bits here and where it is left to the convolution. */
static void norm_finish(const YT_REAL values[4], const YT_MAP *y, const YT_MAP *d, int c) {
    double scale = (double)values[0], mean_g = (double)values[1], mean_y = (double)values[2],
           slope = (double)values[3];
    for (ptrdiff_t p = 0; p < (ptrdiff_t)y->n * y->h * y->w; p++) {
        double g = (double)d->data[p * d->ld + c], centred = (double)y->data[p * y->ld + c] - mean_y;
        d->data[p * d->ld + c] = (YT_REAL)(scale * (g - mean_g - centred * slope));
    }
}

static void ref_norm_act_backward(yti_activation act, const YT_NORM *norm, const YT_MAP *y, const YT_MAP *d,
                                  const YT_MAP *d_shortcut, bool accumulate_shortcut, YT_REAL *d_gamma,
                                  YT_REAL *d_beta, YT_REAL *tail, const yti_scratch *scratch) {
    (void)scratch;
    if (d_shortcut->data) ref_copy(d, d_shortcut, accumulate_shortcut, 1);
    for (int c = 0; c < y->c; c++) {
        double sums[2];
        YT_REAL values[4];
        norm_reduce(act, norm, y, d, c, sums);
        if (!norm->mean) continue;
        norm_tail_values(norm, y, c, sums, values);
        for (int i = 0; tail && i < 4; i++) tail[i * y->c + c] = values[i];
        if (!tail) norm_finish(values, y, d, c);
        if (!d_gamma) continue;
        d_beta[c] = (YT_REAL)((double)d_beta[c] + sums[0]);
        d_gamma[c] = (YT_REAL)((double)d_gamma[c] + sums[1]);
    }
}
