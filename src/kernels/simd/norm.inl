/* norm.inl: normalisation, activation and shortcut, one pass forward and two backward.
 *
 *   forward  out = act((y - mean) * gamma * inv_std + beta) + shortcut
 *   reduce   g = d_out * act'(z) over d_out, the shortcut's gradient, sums of g and g (y - mean) per item
 *   tail     d_y = scale * (g - sum_g / m - (y - mean) * inv_std * sum_gxhat / m)    (norm_tail.inl)
 *
 * g is stored because computing it again in the tail costs more than reading it. A pass walks pixels, the channels of
 * each in memory order; coefficients of up to SEGMENT channels lie on the stack. Sums are float within an item of at
 * most NORM_PIXELS pixels, double across items, added in item order.
 */

enum { SEGMENT = 256, NORM_PIXELS = 512 };

/* z = (y - mean) * scale + beta for the channels of a segment; the identity without normalisation. */
typedef struct norm_coefficients {
    float mean[SEGMENT], scale[SEGMENT], beta[SEGMENT];
} norm_coefficients;

static void set_coefficients(norm_coefficients *k, const yti_norm *norm, int first, int count) {
    for (int i = 0; i < SEGMENT; i++) {
        bool normed = norm->mean && i < count;
        k->mean[i] = normed ? norm->mean[first + i] : 0;
        k->scale[i] = normed ? norm->gamma[first + i] * norm->inv_std[first + i] : 1;
        k->beta[i] = normed ? norm->beta[first + i] : 0;
    }
}

/* A range of pixels of one segment: pointers to its first channel, floats from pixel to pixel. */
typedef struct norm_range {
    const float *y;
    float *d;              /* out (forward) or d (backward) */
    const float *shortcut; /* forward; NULL: none */
    float *d_shortcut;     /* backward; NULL: none */
    ptrdiff_t y_ld, d_ld, shortcut_ld;
    int pixels, channels;
    bool accumulate; /* to d_shortcut */
    float slope;
} norm_range;

/* The loops below are instantiated for whole vectors (lanes == YT_VL) and for what is left of the channels. */
YT_INLINE void norm_forward_vector(const int kind, const bool shortcut, const norm_range *r,
                                   const norm_coefficients *k, const float *y, const float *add, float *out,
                                   int c, int lanes) {
    vf z = (load_any(y + c, lanes) - load(k->mean + c)) * load(k->scale + c) + load(k->beta + c);
    vf value = act_value(kind, r->slope, z);
    if (shortcut) value += load_any(add + c, lanes);
    store_any(out + c, value, lanes);
}

YT_INLINE void norm_forward(const int kind, const bool shortcut, const norm_range *r,
                            const norm_coefficients *k) {
    const int whole = r->channels / YT_VL * YT_VL, rest = r->channels - whole;
    for (int p = 0; p < r->pixels; p++) {
        const float *y = r->y + p * r->y_ld, *add = shortcut ? r->shortcut + p * r->shortcut_ld : NULL;
        float *out = r->d + p * r->d_ld;
        for (int c = 0; c < whole; c += YT_VL)
            norm_forward_vector(kind, shortcut, r, k, y, add, out, c, YT_VL);
        if (rest) norm_forward_vector(kind, shortcut, r, k, y, add, out, whole, rest);
    }
}

/* One vector of PX pixels, so that the sums are read and written once for PX of them. */
YT_INLINE void norm_reduce_vector(const int kind, const int PX, const bool shortcut, const norm_range *r,
                                  const norm_coefficients *k, const float *y, float *d, float *to,
                                  float *sum_g, float *sum_gy, int c, int lanes) {
    vf mean = load(k->mean + c), scale = load(k->scale + c), beta = load(k->beta + c);
    vf total = load(sum_g + c), total_y = load(sum_gy + c);
    YT_UNROLL
    for (int q = 0; q < PX; q++, y += r->y_ld, d += r->d_ld) {
        vf centred = load_any(y + c, lanes) - mean, out = load_any(d + c, lanes);
        if (shortcut) {
            store_any(to + c, r->accumulate ? load_any(to + c, lanes) + out : out, lanes);
            to += r->shortcut_ld;
        }
        vf g = out * act_slope(kind, r->slope, centred * scale + beta);
        store_any(d + c, g, lanes);
        total += g;
        total_y += g * centred;
    }
    store(sum_g + c, total);
    store(sum_gy + c, total_y);
}

YT_INLINE void norm_reduce_pixels(const int kind, const int PX, const bool shortcut, const norm_range *r,
                                  const norm_coefficients *k, int pixel, float *sum_g, float *sum_gy) {
    const int whole = r->channels / YT_VL * YT_VL, rest = r->channels - whole;
    const float *y = r->y + pixel * r->y_ld;
    float *d = r->d + pixel * r->d_ld, *to = shortcut ? r->d_shortcut + pixel * r->shortcut_ld : NULL;
    for (int c = 0; c < whole; c += YT_VL)
        norm_reduce_vector(kind, PX, shortcut, r, k, y, d, to, sum_g, sum_gy, c, YT_VL);
    if (rest) norm_reduce_vector(kind, PX, shortcut, r, k, y, d, to, sum_g, sum_gy, whole, rest);
}

YT_INLINE void norm_reduce(const int kind, const bool shortcut, const norm_range *r,
                           const norm_coefficients *k, float *sum_g, float *sum_gy) {
    int p = 0;
    for (; p + 4 <= r->pixels; p += 4) norm_reduce_pixels(kind, 4, shortcut, r, k, p, sum_g, sum_gy);
    for (; p < r->pixels; p++) norm_reduce_pixels(kind, 1, shortcut, r, k, p, sum_g, sum_gy);
}

#define NORM_KERNELS(code, name, module, formula)                                                            \
    static void norm_forward_##code(const norm_range *r, const norm_coefficients *k) {                       \
        if (r->shortcut)                                                                                     \
            norm_forward(YT_ACT_##code, true, r, k);                                                         \
        else                                                                                                 \
            norm_forward(YT_ACT_##code, false, r, k);                                                        \
    }                                                                                                        \
    static void norm_reduce_##code(const norm_range *r, const norm_coefficients *k, float *g, float *gy) {   \
        if (r->d_shortcut)                                                                                   \
            norm_reduce(YT_ACT_##code, true, r, k, g, gy);                                                   \
        else                                                                                                 \
            norm_reduce(YT_ACT_##code, false, r, k, g, gy);                                                  \
    }
YT_ACTIVATION_MAP(NORM_KERNELS)

#define NORM_FORWARD_ROW(code, name, module, formula) norm_forward_##code,
#define NORM_REDUCE_ROW(code, name, module, formula)  norm_reduce_##code,
static void (*const norm_forward_table[])(const norm_range *,
                                          const norm_coefficients *) = {YT_ACTIVATION_MAP(NORM_FORWARD_ROW)};
static void (*const norm_reduce_table[])(const norm_range *, const norm_coefficients *, float *,
                                         float *) = {YT_ACTIVATION_MAP(NORM_REDUCE_ROW)};

static int norm_items(size_t pixels) {
    return items_for(pixels, NORM_PIXELS, 32);
}

static norm_range range_of(const yti_tensor *y, const yti_tensor *d, ptrdiff_t begin, ptrdiff_t end,
                           int channel) {
    return (norm_range){.y = y->data + begin * y->ld + channel,
                        .d = d->data + begin * d->ld + channel,
                        .y_ld = y->ld,
                        .d_ld = d->ld,
                        .pixels = (int)(end - begin),
                        .channels = y->c - channel < SEGMENT ? y->c - channel : SEGMENT};
}

static void norm_act_forward(yti_activation act, const yti_norm *norm, const yti_tensor *y,
                             const yti_tensor *shortcut, const yti_tensor *out, int threads) {
    size_t pixels = yti_tensor_pixels(*y);
    int items = norm_items(pixels);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        ptrdiff_t begin = item_begin(pixels, items, item), end = item_begin(pixels, items, item + 1);
        for (int c = 0; c < y->c; c += SEGMENT) {
            norm_range r = range_of(y, out, begin, end, c);
            r.slope = act.slope;
            if (shortcut->data) r.shortcut = shortcut->data + begin * shortcut->ld + c;
            r.shortcut_ld = shortcut->ld;
            norm_coefficients k;
            set_coefficients(&k, norm, c, r.channels);
            norm_forward_table[act.kind](&r, &k);
        }
    }
}

typedef struct norm_backward {
    const yti_norm *norm;
    const yti_tensor *y, *d, *d_shortcut;
    bool accumulate;
    yti_activation act;
    int items, padded;
    float *sums;    /* [items][2][padded]: g, g (y - mean) */
    float *applied; /* [4][padded]: the arrays of a yti_norm_tail */
} norm_backward;

static size_t carve_norm(norm_backward *run, void *data, int c, size_t pixels) {
    carver from = {.data = data};
    run->items = norm_items(pixels);
    run->padded =
        (c + SEGMENT - 1) / SEGMENT * SEGMENT; /* the sums of a segment are touched in whole vectors */
    run->sums = carve(&from, (size_t)run->items * 2 * (size_t)run->padded * sizeof(float));
    run->applied = carve(&from, 4 * (size_t)run->padded * sizeof(float));
    return from.used;
}

static size_t norm_act_scratch(int c, size_t pixels, int threads) {
    (void)threads;
    norm_backward run = {0};
    return carve_norm(&run, NULL, c, pixels);
}

static void norm_reduce_item(const norm_backward *run, int item) {
    size_t pixels = yti_tensor_pixels(*run->y);
    ptrdiff_t begin = item_begin(pixels, run->items, item), end = item_begin(pixels, run->items, item + 1);
    float *sums = run->sums + (size_t)item * 2 * (size_t)run->padded;
    memset(sums, 0, 2 * (size_t)run->padded * sizeof(float));
    for (int c = 0; c < run->y->c; c += SEGMENT) {
        norm_range r = range_of(run->y, run->d, begin, end, c);
        r.slope = run->act.slope;
        if (run->d_shortcut->data) r.d_shortcut = run->d_shortcut->data + begin * run->d_shortcut->ld + c;
        r.shortcut_ld = run->d_shortcut->ld;
        r.accumulate = run->accumulate;
        norm_coefficients k;
        set_coefficients(&k, run->norm, c, r.channels);
        norm_reduce_table[run->act.kind](&r, &k, sums + c, sums + run->padded + c);
    }
}

/* Adds the items' sums, and makes of them the gradients of gamma and beta, where wanted, and what the tail needs. */
static void norm_merge(const norm_backward *run, float *d_gamma, float *d_beta) {
    double m = (double)yti_tensor_pixels(*run->y);
    const yti_norm *norm = run->norm;
    for (int c = 0; c < run->y->c; c++) {
        double g = 0, gy = 0;
        for (int item = 0; item < run->items; item++) {
            const float *sums = run->sums + (size_t)item * 2 * (size_t)run->padded;
            g += (double)sums[c];
            gy += (double)sums[run->padded + c];
        }
        double inv_std = (double)norm->inv_std[c];
        if (d_gamma) {
            d_beta[c] += (float)g;
            d_gamma[c] += (float)(gy * inv_std);
        }
        run->applied[c] = (float)((double)norm->gamma[c] * inv_std);
        run->applied[run->padded + c] = (float)(g / m);
        run->applied[2 * run->padded + c] = norm->mean[c];
        run->applied[3 * run->padded + c] = (float)(gy * inv_std * inv_std / m);
    }
}

/* With fixed statistics y plays no part. */
static void norm_scale_item(const norm_backward *run, int item) {
    size_t pixels = yti_tensor_pixels(*run->y);
    ptrdiff_t end = item_begin(pixels, run->items, item + 1);
    const int channels = run->y->c;
    for (ptrdiff_t p = item_begin(pixels, run->items, item); p < end; p++) {
        float *d = run->d->data + p * run->d->ld;
        for (int c = 0; c < channels; c += YT_VL)
            store_any(d + c, load_any(d + c, channels - c) * load(run->applied + c), channels - c);
    }
}

static void norm_act_backward(yti_activation act, const yti_norm *norm, const yti_tensor *y, const yti_tensor *d,
                              const yti_tensor *d_shortcut, bool accumulate_shortcut, float *d_gamma,
                              float *d_beta, float *tail, const yti_scratch *scratch) {
    norm_backward run = {.norm = norm, .y = y, .d = d, .d_shortcut = d_shortcut, .act = act};
    run.accumulate = accumulate_shortcut;
    carve_norm(&run, scratch->data, y->c, yti_tensor_pixels(*y));
#pragma omp parallel for schedule(static) num_threads(scratch->threads)
    for (int item = 0; item < run.items; item++) norm_reduce_item(&run, item);
    if (!norm->mean) return;
    norm_merge(&run, d_gamma, d_beta);
    const yti_norm_tail whole = {run.applied, run.applied + run.padded, run.applied + 2 * run.padded,
                                run.applied + 3 * run.padded, *y};
    if (tail) {
        for (int i = 0; i < 4; i++)
            memcpy(tail + i * y->c, run.applied + i * run.padded, (size_t)y->c * sizeof(float));
    } else if (norm->fixed_stats) {
#pragma omp parallel for schedule(static) num_threads(scratch->threads)
        for (int item = 0; item < run.items; item++) norm_scale_item(&run, item);
    } else {
        norm_tail(&whole, d, scratch->threads);
    }
}
