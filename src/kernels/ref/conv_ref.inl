/* conv_ref.inl: convolution as its formula (kernels.h), forward beside backward.
 *
 * YT_REAL is the type of all data and YT_MAP the view type holding it: float and yti_tensor in the library, double in
 * the gradient checks. Sums are taken in double.
 */

/* Offset of channel 0 of pixel (n, y, x), or -1 outside the map. */
static ptrdiff_t conv_pixel(const YT_MAP *t, int n, int y, int x) {
    if (y < 0 || y >= t->h || x < 0 || x >= t->w) return -1;
    return (((ptrdiff_t)n * t->h + y) * t->w + x) * t->ld;
}

static size_t conv_weight(const yti_conv_geometry *conv, int kh, int kw, int i, int o) {
    size_t tap = (size_t)kh * (size_t)conv->kernel + (size_t)kw;
    return (tap * (size_t)(conv->cin / conv->groups) + (size_t)i) * (size_t)conv->cout + (size_t)o;
}

/* One output value of one pixel. */
static double conv_value(const yti_conv_geometry *conv, const YT_MAP *x, const YT_REAL *w, int n, int oy, int ox,
                         int o) {
    int channels = conv->cin / conv->groups, first = o / (conv->cout / conv->groups) * channels;
    double sum = 0;
    for (int kh = 0; kh < conv->kernel; kh++)
        for (int kw = 0; kw < conv->kernel; kw++) {
            ptrdiff_t p = conv_pixel(x, n, oy * conv->stride - conv->pad + kh * conv->dilation,
                                     ox * conv->stride - conv->pad + kw * conv->dilation);
            if (p < 0) continue;
            for (int i = 0; i < channels; i++)
                sum += (double)x->data[p + first + i] * (double)w[conv_weight(conv, kh, kw, i, o)];
        }
    return sum;
}

static void conv_moments(const YT_MAP *y, YT_REAL *moments) {
    size_t pixels = (size_t)y->n * (size_t)y->h * (size_t)y->w;
    for (int o = 0; o < y->c; o++) {
        double mean = 0, variance = 0;
        for (size_t p = 0; p < pixels; p++) mean += (double)y->data[(ptrdiff_t)p * y->ld + o];
        mean /= (double)pixels;
        for (size_t p = 0; p < pixels; p++) {
            double difference = (double)y->data[(ptrdiff_t)p * y->ld + o] - mean;
            variance += difference * difference;
        }
        moments[o] = (YT_REAL)mean;
        moments[y->c + o] = (YT_REAL)(variance / (double)pixels);
    }
}

static void ref_conv2d_forward(const yti_conv_geometry *conv, const YT_MAP *x, const YT_REAL *w, const YT_REAL *bias,
                               const YT_MAP *y, YT_REAL *moments, const yti_scratch *scratch) {
    (void)scratch;
    for (int n = 0; n < y->n; n++)
        for (int oy = 0; oy < y->h; oy++)
            for (int ox = 0; ox < y->w; ox++)
                for (int o = 0; o < conv->cout; o++) {
                    double value = conv_value(conv, x, w, n, oy, ox, o) + (bias ? (double)bias[o] : 0);
                    y->data[conv_pixel(y, n, oy, ox) + o] = (YT_REAL)value;
                }
    if (moments) conv_moments(y, moments);
}

/* The gradient of one input value: all outputs it took part in. */
static double conv_input_gradient(const yti_conv_geometry *conv, const YT_MAP *d_y, const YT_REAL *w, int n, int iy,
                                  int ix, int i) {
    int channels = conv->cin / conv->groups, outputs = conv->cout / conv->groups;
    int first = i / channels * outputs;
    double sum = 0;
    for (int kh = 0; kh < conv->kernel; kh++)
        for (int kw = 0; kw < conv->kernel; kw++) {
            int y = iy + conv->pad - kh * conv->dilation, x = ix + conv->pad - kw * conv->dilation;
            if (y % conv->stride != 0 || x % conv->stride != 0) continue;
            ptrdiff_t p = conv_pixel(d_y, n, y / conv->stride, x / conv->stride);
            if (p < 0) continue;
            for (int o = first; o < first + outputs; o++)
                sum += (double)d_y->data[p + o] * (double)w[conv_weight(conv, kh, kw, i % channels, o)];
        }
    return sum;
}

static void ref_conv2d_backward_data(const yti_conv_geometry *conv, const YT_MAP *d_y, const YT_REAL *w,
                                     const YT_MAP *d_x, bool accumulate, const yti_scratch *scratch) {
    (void)scratch;
    for (int n = 0; n < d_x->n; n++)
        for (int iy = 0; iy < d_x->h; iy++)
            for (int ix = 0; ix < d_x->w; ix++)
                for (int i = 0; i < conv->cin; i++) {
                    YT_REAL *d = d_x->data + conv_pixel(d_x, n, iy, ix) + i;
                    double sum = conv_input_gradient(conv, d_y, w, n, iy, ix, i);
                    *d = (YT_REAL)(accumulate ? (double)*d + sum : sum);
                }
}

/* The gradient of one weight: every place it was used. */
static double conv_weight_gradient(const yti_conv_geometry *conv, const YT_MAP *x, const YT_MAP *d_y, int kh, int kw,
                                   int i, int o) {
    int channels = conv->cin / conv->groups, first = o / (conv->cout / conv->groups) * channels;
    double sum = 0;
    for (int n = 0; n < d_y->n; n++)
        for (int oy = 0; oy < d_y->h; oy++)
            for (int ox = 0; ox < d_y->w; ox++) {
                ptrdiff_t p = conv_pixel(x, n, oy * conv->stride - conv->pad + kh * conv->dilation,
                                         ox * conv->stride - conv->pad + kw * conv->dilation);
                if (p < 0) continue;
                sum += (double)x->data[p + first + i] * (double)d_y->data[conv_pixel(d_y, n, oy, ox) + o];
            }
    return sum;
}

static void ref_conv2d_backward_weights(const yti_conv_geometry *conv, const YT_MAP *x, const YT_MAP *d_y, YT_REAL *d_w,
                                        YT_REAL *d_bias, const yti_scratch *scratch) {
    (void)scratch;
    for (int kh = 0; kh < conv->kernel; kh++)
        for (int kw = 0; kw < conv->kernel; kw++)
            for (int i = 0; i < conv->cin / conv->groups; i++)
                for (int o = 0; o < conv->cout; o++) {
                    YT_REAL *d = d_w + conv_weight(conv, kh, kw, i, o);
                    *d = (YT_REAL)((double)*d + conv_weight_gradient(conv, x, d_y, kh, kw, i, o));
                }
    size_t pixels = (size_t)d_y->n * (size_t)d_y->h * (size_t)d_y->w;
    for (int o = 0; d_bias && o < conv->cout; o++) {
        double sum = 0;
        for (size_t p = 0; p < pixels; p++) sum += (double)d_y->data[(ptrdiff_t)p * d_y->ld + o];
        d_bias[o] = (YT_REAL)((double)d_bias[o] + sum);
    }
}
