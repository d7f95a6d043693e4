/* eltwise.inl: sweeps over flat arrays: the loss of all logits, sums, optimizer steps.
 *
 * An array is cut into at most SWEEP_ITEMS parts. Sums are float over at most a few hundred values per lane, then
 * double, then added part by part. The optimizer loops are plain C: the compiler vectorises them for the instruction
 * set of the file.
 */

enum { SWEEP_ITEMS = 64 };

static int sweep_items(size_t count, size_t least) {
    size_t items = count / least;
    return items < 1 ? 1 : items > SWEEP_ITEMS ? SWEEP_ITEMS : (int)items;
}

enum {
    BCE_GROUP = 8 /* pixels that share a logarithm: a product of as many numbers below 2 stays a float */
};

/* One vector of channels of up to BCE_GROUP pixels: returns the sums of softplus(x), and stores weight * sigmoid(x).
 * Both come from e = exp(-|x|): softplus = max(x, 0) + log(1 + e), sigmoid = (x < 0 ? e : 1) / (1 + e). product is
 * that of all 1 + e, less 1 so that small e keep their relative accuracy. */
YT_INLINE vf bce_group(const float *x, ptrdiff_t ld, float *d, ptrdiff_t d_ld, int pixels, int lanes,
                       vf weight) {
    vf positive = {0}, product = {0};
    for (int p = 0; p < pixels; p++) {
        vf v = load_any(x + p * ld, lanes), e = vexp(-vabs(v));
        positive += vmax(v, splat(0));
        product += e * (product + 1.0f);
        if (d) store_any(d + p * d_ld, select(v < 0, e, splat(1)) / (1.0f + e) * weight, lanes);
    }
    return positive + vlog1p(product);
}

/* All channels of a group of pixels; classes NULL: their weights are all 1. */
YT_INLINE double bce_pixels(const yti_tensor *x, const yti_tensor *d_x, ptrdiff_t first, int pixels,
                            float weight, const float *classes) {
    const float *from = x->data + first * x->ld;
    float *d = d_x->data ? d_x->data + first * d_x->ld : NULL;
    vf sum = {0};
    int c = 0;
    for (; c + YT_VL <= x->c; c += YT_VL) {
        vf each = classes ? load(classes + c) : splat(1);
        sum += each * bce_group(from + c, x->ld, d ? d + c : NULL, d_x->ld, pixels, YT_VL, each * weight);
    }
    double total = lane_sum(&sum);
    if (c == x->c) return total;
    const int lanes = x->c - c;
    vf each = classes ? load_part(classes + c, lanes) : splat(1);
    vf last = each * bce_group(from + c, x->ld, d ? d + c : NULL, d_x->ld, pixels, lanes, each * weight);
    for (int lane = 0; lane < lanes; lane++) total += (double)last[lane];
    return total;
}

static double bce_background(const yti_tensor *x, float weight, const float *classes, const yti_tensor *d_x,
                             int threads) {
    size_t pixels = yti_tensor_pixels(*x);
    int items = sweep_items(pixels, 32);
    double parts[SWEEP_ITEMS];
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        ptrdiff_t end = item_begin(pixels, items, item + 1);
        parts[item] = 0;
        for (ptrdiff_t p = item_begin(pixels, items, item); p < end; p += BCE_GROUP)
            parts[item] +=
                bce_pixels(x, d_x, p, end - p < BCE_GROUP ? (int)(end - p) : BCE_GROUP, weight, classes);
    }
    double total = 0;
    for (int item = 0; item < items; item++) total += parts[item];
    return total;
}

static double sum_squares_part(const float *x, size_t count) {
    enum { STRETCH = 64 * YT_VL };
    double total = 0;
    while (count > 0) {
        size_t here = count < STRETCH ? count : STRETCH, i = 0;
        vf sum = {0};
        for (; i + YT_VL <= here; i += YT_VL) sum += load(x + i) * load(x + i);
        total += lane_sum(&sum);
        for (; i < here; i++) total += (double)x[i] * (double)x[i];
        x += here;
        count -= here;
    }
    return total;
}

static double sum_squares(const float *x, size_t count, int threads) {
    int items = sweep_items(count, 4096);
    double parts[SWEEP_ITEMS], total = 0;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        ptrdiff_t begin = item_begin(count, items, item);
        parts[item] = sum_squares_part(x + begin, (size_t)(item_begin(count, items, item + 1) - begin));
    }
    for (int item = 0; item < items; item++) total += parts[item];
    return total;
}

static void sgd_part(float *restrict p, const float *restrict g, float *restrict buf, ptrdiff_t count,
                     float scale, float lr, float momentum, float decay) {
    for (ptrdiff_t i = 0; i < count; i++) {
        float gradient = scale * g[i] + decay * p[i];
        float step = momentum * buf[i] + gradient;
        buf[i] = step;
        p[i] -= lr * (gradient + momentum * step);
    }
}

static void sgd_step(float *p, const float *g, float *buf, size_t count, float scale, float lr,
                     float momentum, float decay, int threads) {
    int items = sweep_items(count, 4096);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        ptrdiff_t begin = item_begin(count, items, item), end = item_begin(count, items, item + 1);
        sgd_part(p + begin, g + begin, buf + begin, end - begin, scale, lr, momentum, decay);
    }
}

/* The scalars of a step t, rounded to float once: keep = 1 - lr * decay, rate = lr / (1 - beta1^t), root = 1 /
 * sqrt(1 - beta2^t). */
typedef struct adam_scalars {
    float scale, l2, keep, beta1, rest1, beta2, rest2, rate, root, eps;
} adam_scalars;

static adam_scalars adam_scalars_of(const yti_adam *adam) {
    double t = (double)adam->t;
    return (adam_scalars){.scale = (float)adam->scale,
                          .l2 = (float)adam->l2,
                          .keep = (float)(1 - adam->lr * adam->decay),
                          .beta1 = (float)adam->beta1,
                          .rest1 = (float)(1 - adam->beta1),
                          .beta2 = (float)adam->beta2,
                          .rest2 = (float)(1 - adam->beta2),
                          .rate = (float)(adam->lr / (1 - pow(adam->beta1, t))),
                          .root = (float)(1 / sqrt(1 - pow(adam->beta2, t))),
                          .eps = (float)adam->eps};
}

static void adam_part(float *restrict p, const float *restrict g, float *restrict m, float *restrict v,
                      ptrdiff_t count, adam_scalars s) {
    for (ptrdiff_t i = 0; i < count; i++) {
        float gradient = s.scale * g[i] + s.l2 * p[i];
        float mean = s.beta1 * m[i] + s.rest1 * gradient;
        float square = s.beta2 * v[i] + s.rest2 * gradient * gradient;
        m[i] = mean;
        v[i] = square;
        p[i] = p[i] * s.keep - s.rate * mean / (sqrtf(square) * s.root + s.eps);
    }
}

static void adam_step(float *p, const float *g, float *m, float *v, size_t count, const yti_adam *adam,
                      int threads) {
    adam_scalars s = adam_scalars_of(adam);
    int items = sweep_items(count, 4096);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        ptrdiff_t begin = item_begin(count, items, item), end = item_begin(count, items, item + 1);
        adam_part(p + begin, g + begin, m + begin, v + begin, end - begin, s);
    }
}

static void ema_part(float *restrict dst, const float *restrict src, ptrdiff_t count, float decay) {
    for (ptrdiff_t i = 0; i < count; i++) dst[i] = decay * dst[i] + (1 - decay) * src[i];
}

static void ema_step(float *dst, const float *src, size_t count, float decay, int threads) {
    int items = sweep_items(count, 4096);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        ptrdiff_t begin = item_begin(count, items, item), end = item_begin(count, items, item + 1);
        ema_part(dst + begin, src + begin, end - begin, decay);
    }
}
