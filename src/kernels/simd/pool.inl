/* pool.inl: max pooling, upsampling, copies. Exact: the values are those of the plain loops.
 *
 * All walk rows of the map that is written, but for the backward pass of the pooling: every output sends its
 * gradient to the one pixel that it chose. There images and channels are independent, and the sums of a pixel
 * are taken in the order of the windows.
 */

static const float *pixel_at(const yt_tensor *t, int n, int y, int x) {
    return t->data + (((ptrdiff_t)n * t->h + y) * t->w + x) * t->ld;
}

static float *pixel_of(const yt_tensor *t, int n, int y, int x) {
    return t->data + (((ptrdiff_t)n * t->h + y) * t->w + x) * t->ld;
}

static void fill(const yt_tensor *dst, float value, int threads) {
    size_t pixels = yt_tensor_pixels(*dst);
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

/* One output pixel; a NaN wins. The index is 255 at most, as kernel <= 15. */
static void maxpool_at(int kernel, const int y[2], const int x[2], const yt_tensor *src, int n, int y0,
                       int x0, float *dst, uint8_t *index) {
    for (int c = 0; c < src->c; c += YT_VL) {
        int lanes = src->c - c;
        vf best = {0};
        vi where = {0};
        for (int kh = y[0]; kh < y[1]; kh++)
            for (int kw = x[0]; kw < x[1]; kw++) {
                vf v = load_any(pixel_at(src, n, y0 + kh, x0 + kw) + c, lanes);
                vi take = (v > best) | (v != v);
                if (kh == y[0] && kw == x[0]) take = splat_int(-1);
                best = select(take, v, best);
                where = (vi)select(take, (vf)splat_int(kh * kernel + kw), (vf)where);
            }
        store_any(dst + c, best, lanes);
        vb bytes = __builtin_convertvector(where, vb);
        if (index) memcpy(index + c, &bytes, (size_t)(lanes < YT_VL ? lanes : YT_VL));
    }
}

static void maxpool_forward(int kernel, int stride, int pad, const yt_tensor *x, const yt_tensor *y,
                            uint8_t *index, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int row = 0; row < y->n * y->h; row++) {
        int n = row / y->h, oy = row % y->h, wy[2], wx[2];
        window(kernel, stride, pad, oy, x->h, &wy[0], &wy[1]);
        for (int ox = 0; ox < y->w; ox++) {
            size_t pixel = (size_t)row * (size_t)y->w + (size_t)ox;
            window(kernel, stride, pad, ox, x->w, &wx[0], &wx[1]);
            maxpool_at(kernel, wy, wx, x, n, oy * stride - pad, ox * stride - pad, pixel_of(y, n, oy, ox),
                       index ? index + pixel * (size_t)y->c : NULL);
        }
    }
}

enum { SCATTER_CHANNELS = 16 };

/* Channels [first, last) of one image. */
static void maxpool_scatter(int kernel, int stride, int pad, const uint8_t *index, const yt_tensor *d_y,
                            const yt_tensor *d_x, int n, int first, int last) {
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

static void maxpool_backward(int kernel, int stride, int pad, const uint8_t *index, const yt_tensor *d_y,
                             const yt_tensor *d_x, bool accumulate, int threads) {
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

static void upsample_forward(int factor, const yt_tensor *x, const yt_tensor *y, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int row = 0; row < y->n * y->h; row++) {
        int n = row / y->h, oy = row % y->h;
        for (int ox = 0; ox < y->w; ox++)
            copy_floats(pixel_at(x, n, oy / factor, ox / factor), pixel_of(y, n, oy, ox), y->c, false);
    }
}

static void upsample_backward(int factor, const yt_tensor *d_y, const yt_tensor *d_x, bool accumulate,
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
static void copy(const yt_tensor *src, const yt_tensor *dst, bool accumulate, int threads) {
    size_t pixels = yt_tensor_pixels(*dst);
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

static void from_bytes(const uint8_t *src, const yt_tensor *dst, int threads) {
    size_t pixels = yt_tensor_pixels(*dst);
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
