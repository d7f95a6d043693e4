/* pool.inl: max pooling, upsampling, copies. Exact: the values are those of the plain loops.
 *
 * Pooling and upsampling walk rows of the map that is written, the others ranges of its pixels, but for the backward
 * pass of the pooling: every output sends its gradient to the one pixel that it chose. There images and channels are
 * independent, and the sums of a pixel are taken in the order of the windows.
 */

static const float *pixel_at(const yti_tensor *t, int n, int y, int x) {
    return t->data + (((ptrdiff_t)n * t->h + y) * t->w + x) * t->ld;
}

static float *pixel_of(const yti_tensor *t, int n, int y, int x) {
    return t->data + (((ptrdiff_t)n * t->h + y) * t->w + x) * t->ld;
}

static void fill(const yti_tensor *dst, float value, int threads) {
    size_t pixels = yti_tensor_pixels(*dst);
    int items = items_for(pixels, 1024, 64);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        ptrdiff_t end = item_begin(pixels, items, item + 1);
        for (ptrdiff_t p = item_begin(pixels, items, item); p < end; p++)
            for (int c = 0; c < dst->c; c++) dst->data[p * dst->ld + c] = value;
    }
}

/* The taps of a window of one output coordinate that lie in the map. */
static void window(int kernel, int stride, int pad, int out, int size, int *begin, int *end) {
    int first = out * stride - pad;
    *begin = first < 0 ? -first : 0;
    *end = size - first < kernel ? size - first : kernel;
}

/* A window's largest value is that of its columns' largest ones: a row of output takes kernel values for each column
 * of the map and kernel columns for each output, not kernel x kernel values. A NaN wins; of equal values the first
 * of the window does. The index is 224 at most, as kernel <= 15. */
enum { POOL_COLUMNS = 64 }; /* of the map, at a time */

typedef struct pool_best {
    vf value;
    vi where; /* kh * kernel + kw */
} pool_best;

YT_INLINE pool_best better(pool_best best, vf value, vi where) {
    vi take = (value > best.value) | (value != value);
    vi equal = (value == best.value) & (where < best.where);
    return (pool_best){select(take | equal, value, best.value),
                       (vi)select(take | equal, (vf)where, (vf)best.where)};
}

/* Outputs [first, last) of a row of output, one vector of channels: `from` is column 0 of the first row of the
 * window, of which rows y[0] to y[1] lie in the map; `to` and index are the row's first output. */
static void maxpool_strip(int kernel, int stride, int pad, const int y[2], const yti_tensor *src,
                          const float *from, int lanes, int first, int last, const yti_tensor *dst, float *to,
                          uint8_t *index) {
    pool_best columns[POOL_COLUMNS];
    int left = first * stride - pad, right = (last - 1) * stride - pad + kernel;
    left = left < 0 ? 0 : left;
    right = right > src->w ? src->w : right;
    for (int x = left; x < right; x++) {
        const float *at = from + x * src->ld;
        pool_best best = {load_any(at + (ptrdiff_t)y[0] * src->w * src->ld, lanes), splat_int(y[0] * kernel)};
        for (int kh = y[0] + 1; kh < y[1]; kh++) {
            vf value = load_any(at + (ptrdiff_t)kh * src->w * src->ld, lanes);
            best = better(best, value, splat_int(kh * kernel));
        }
        columns[x - left] = best;
    }
    for (int ox = first, x[2]; ox < last; ox++) {
        window(kernel, stride, pad, ox, src->w, &x[0], &x[1]);
        const pool_best *column = columns + (ox * stride - pad - left);
        pool_best best = {column[x[0]].value, column[x[0]].where + x[0]};
        for (int kw = x[0] + 1; kw < x[1]; kw++) best = better(best, column[kw].value, column[kw].where + kw);
        store_any(to + ox * dst->ld, best.value, lanes);
        vb bytes = __builtin_convertvector(best.where, vb);
        if (index) memcpy(index + (ptrdiff_t)ox * dst->c, &bytes, (size_t)(lanes < YT_VL ? lanes : YT_VL));
    }
}

static void maxpool_forward(int kernel, int stride, int pad, const yti_tensor *x, const yti_tensor *y,
                            uint8_t *index, int threads) {
    int strip = (POOL_COLUMNS - kernel) / stride + 1;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int row = 0; row < y->n * y->h; row++) {
        int n = row / y->h, top = row % y->h * stride - pad, rows[2];
        window(kernel, stride, pad, row % y->h, x->h, &rows[0], &rows[1]);
        const float *from = x->data + ((ptrdiff_t)n * x->h + top) * x->w * x->ld;
        float *to = pixel_of(y, n, row % y->h, 0);
        uint8_t *chosen = index ? index + (ptrdiff_t)row * y->w * y->c : NULL;
        for (int c = 0; c < x->c; c += YT_VL)
            for (int first = 0; first < y->w; first += strip)
                maxpool_strip(kernel, stride, pad, rows, x, from + c, x->c - c, first,
                              first + strip < y->w ? first + strip : y->w, y, to + c,
                              chosen ? chosen + c : NULL);
    }
}

enum { SCATTER_CHANNELS = 16 };

/* Channels [first, last) of one image. */
static void maxpool_scatter(int kernel, int stride, int pad, const uint8_t *index, const yti_tensor *d_y,
                            const yti_tensor *d_x, int n, int first, int last) {
    ptrdiff_t to_tap[15 * 15]; /* floats from the window's first pixel */
    for (int tap = 0; tap < kernel * kernel; tap++)
        to_tap[tap] = ((ptrdiff_t)(tap / kernel) * d_x->w + tap % kernel) * d_x->ld;
    float *image = d_x->data + (ptrdiff_t)n * d_x->h * d_x->w * d_x->ld;
    for (int y = 0; y < d_y->h; y++)
        for (int x = 0; x < d_y->w; x++) {
            ptrdiff_t window = ((ptrdiff_t)(y * stride - pad) * d_x->w + x * stride - pad) * d_x->ld;
            const uint8_t *chosen = index + (((ptrdiff_t)n * d_y->h + y) * d_y->w + x) * d_y->c;
            const float *from = pixel_at(d_y, n, y, x);
            for (int c = first; c < last; c++) image[window + to_tap[chosen[c]] + c] += from[c];
        }
}

static void maxpool_backward(int kernel, int stride, int pad, const uint8_t *index, const yti_tensor *d_y,
                             const yti_tensor *d_x, bool accumulate, int threads) {
    int parts = (d_x->c + SCATTER_CHANNELS - 1) / SCATTER_CHANNELS;
    if (!accumulate) fill(d_x, 0, threads);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < d_x->n * parts; item++) {
        int first = item % parts * SCATTER_CHANNELS, last = first + SCATTER_CHANNELS;
        maxpool_scatter(kernel, stride, pad, index, d_y, d_x, item / parts, first,
                        last < d_x->c ? last : d_x->c);
    }
}

/* dst (+)= src, `count` floats. */
YT_INLINE void copy_floats(const float *src, float *dst, ptrdiff_t count, bool accumulate) {
    ptrdiff_t i = 0;
    for (; i + YT_VL <= count; i += YT_VL)
        store(dst + i, accumulate ? load(dst + i) + load(src + i) : load(src + i));
    for (; i < count; i++) dst[i] = accumulate ? dst[i] + src[i] : src[i];
}

static void upsample_forward(int factor, const yti_tensor *x, const yti_tensor *y, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int row = 0; row < y->n * y->h; row++) {
        int n = row / y->h, oy = row % y->h;
        for (int ox = 0; ox < y->w; ox++)
            copy_floats(pixel_at(x, n, oy / factor, ox / factor), pixel_of(y, n, oy, ox), y->c, false);
    }
}

static void upsample_backward(int factor, const yti_tensor *d_y, const yti_tensor *d_x, bool accumulate,
                              int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int row = 0; row < d_x->n * d_x->h; row++) {
        int n = row / d_x->h, iy = row % d_x->h;
        for (int i = 0; i < d_x->w * factor * factor; i++) {
            int ix = i / (factor * factor), part = i % (factor * factor);
            copy_floats(pixel_at(d_y, n, iy * factor + part / factor, ix * factor + part % factor),
                        pixel_of(d_x, n, iy, ix), d_x->c, accumulate || part > 0);
        }
    }
}

/* Pixels [begin, end) of maps of the same shape; one stretch where both are packed. */
static void copy(const yti_tensor *src, const yti_tensor *dst, bool accumulate, int threads) {
    size_t pixels = yti_tensor_pixels(*dst);
    int items = items_for(pixels, 1024, 64);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        ptrdiff_t begin = item_begin(pixels, items, item), end = item_begin(pixels, items, item + 1);
        if (src->ld == dst->c && dst->ld == dst->c) {
            copy_floats(src->data + begin * src->ld, dst->data + begin * dst->ld, (end - begin) * dst->c,
                        accumulate);
            continue;
        }
        for (ptrdiff_t p = begin; p < end; p++)
            copy_floats(src->data + p * src->ld, dst->data + p * dst->ld, dst->c, accumulate);
    }
}

static void from_bytes(const uint8_t *src, const yti_tensor *dst, int threads) {
    size_t pixels = yti_tensor_pixels(*dst);
    int items = items_for(pixels, 1024, 64);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        ptrdiff_t begin = item_begin(pixels, items, item), end = item_begin(pixels, items, item + 1);
        if (dst->ld == dst->c) {
            for (ptrdiff_t i = begin * dst->c; i < end * dst->c; i++) dst->data[i] = (float)src[i] / 255.0f;
            continue;
        }
        for (ptrdiff_t p = begin; p < end; p++)
            for (int c = 0; c < dst->c; c++) dst->data[p * dst->ld + c] = (float)src[p * dst->c + c] / 255.0f;
    }
}
