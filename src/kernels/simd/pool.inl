/* pool.inl: max pooling, upsampling, copies. Exact: the values are those of the plain loops.
 *
 * All walk rows of the map that is written; the backward pass of the pooling gathers (which of the windows
 * over this pixel chose it?) instead of scattering, so rows are independent.
 */

static const float *pixel_at(const yt_tensor *t, int n, int y, int x) {
    return t->data + (((ptrdiff_t)n * t->h + y) * t->w + x) * t->ld;
}

static float *pixel_of(const yt_tensor *t, int n, int y, int x) {
    return t->data + (((ptrdiff_t)n * t->h + y) * t->w + x) * t->ld;
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
                where = (take & (kh * kernel + kw)) | (~take & where);
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

/* The output coordinates [begin, end) whose windows cover input coordinate `in`. */
static void windows_over(int kernel, int stride, int pad, int in, int size, int *begin, int *end) {
    int first = in + pad - kernel + 1;
    *begin = first > 0 ? (first + stride - 1) / stride : 0;
    *end = (in + pad) / stride + 1;
    if (*end > size) *end = size;
}

static void maxpool_gather(int kernel, int stride, int pad, const uint8_t *index, const yt_tensor *d_y, int n,
                           int iy, int ix, float *dst, bool accumulate) {
    int oy[2], ox[2];
    windows_over(kernel, stride, pad, iy, d_y->h, &oy[0], &oy[1]);
    windows_over(kernel, stride, pad, ix, d_y->w, &ox[0], &ox[1]);
    for (int c = 0; c < d_y->c; c += YT_VL) {
        int lanes = d_y->c - c;
        vf sum = accumulate ? load_any(dst + c, lanes) : splat(0);
        for (int y = oy[0]; y < oy[1]; y++)
            for (int x = ox[0]; x < ox[1]; x++) {
                int tap = (iy + pad - y * stride) * kernel + ix + pad - x * stride;
                const uint8_t *chosen =
                    index +
                    (((size_t)n * (size_t)d_y->h + (size_t)y) * (size_t)d_y->w + (size_t)x) * (size_t)d_y->c +
                    c;
                vb bytes = {0};
                if (lanes >= YT_VL)
                    bytes = *(const vb_mem *)chosen;
                else
                    memcpy(&bytes, chosen, (size_t)lanes);
                vi match = __builtin_convertvector(bytes, vi) == tap;
                sum += (vf)(match & (vi)load_any(pixel_at(d_y, n, y, x) + c, lanes));
            }
        store_any(dst + c, sum, lanes);
    }
}

static void maxpool_backward(int kernel, int stride, int pad, const uint8_t *index, const yt_tensor *d_y,
                             const yt_tensor *d_x, bool accumulate, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int row = 0; row < d_x->n * d_x->h; row++)
        for (int ix = 0; ix < d_x->w; ix++)
            maxpool_gather(kernel, stride, pad, index, d_y, row / d_x->h, row % d_x->h, ix,
                           pixel_of(d_x, row / d_x->h, row % d_x->h, ix), accumulate);
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
