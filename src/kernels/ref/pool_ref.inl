/* pool_ref.inl: max pooling, nearest-neighbour upsampling, copies. YT_REAL, YT_MAP: see conv_ref.inl. */

static YT_REAL *map_at(const YT_MAP *t, int n, int y, int x) {
    return t->data + (((ptrdiff_t)n * t->h + y) * t->w + x) * t->ld;
}

/* A NaN in the window wins, so that it is not hidden. */
static void maxpool_pixel(int kernel, int y0, int x0, const YT_MAP *x, int n, int c, YT_REAL *value,
                          uint8_t *index) {
    bool found = false;
    for (int kh = 0; kh < kernel; kh++)
        for (int kw = 0; kw < kernel; kw++) {
            if (y0 + kh < 0 || y0 + kh >= x->h || x0 + kw < 0 || x0 + kw >= x->w) continue;
            YT_REAL v = map_at(x, n, y0 + kh, x0 + kw)[c];
            if (found && !(v > *value) && v == v) continue;
            found = true;
            *value = v;
            *index = (uint8_t)(kh * kernel + kw);
        }
}

static void ref_maxpool_forward(int kernel, int stride, int pad, const YT_MAP *x, const YT_MAP *y,
                                uint8_t *index, int threads) {
    (void)threads;
    size_t i = 0;
    for (int n = 0; n < y->n; n++)
        for (int oy = 0; oy < y->h; oy++)
            for (int ox = 0; ox < y->w; ox++)
                for (int c = 0; c < y->c; c++, i++) {
                    uint8_t where = 0;
                    maxpool_pixel(kernel, oy * stride - pad, ox * stride - pad, x, n, c,
                                  map_at(y, n, oy, ox) + c, &where);
                    if (index) index[i] = where;
                }
}

static void ref_fill(const YT_MAP *dst, YT_REAL value, int threads) {
    (void)threads;
    for (int n = 0; n < dst->n; n++)
        for (int y = 0; y < dst->h; y++)
            for (int x = 0; x < dst->w; x++)
                for (int c = 0; c < dst->c; c++) map_at(dst, n, y, x)[c] = value;
}

static void ref_maxpool_backward(int kernel, int stride, int pad, const uint8_t *index, const YT_MAP *d_y,
                                 const YT_MAP *d_x, bool accumulate, int threads) {
    if (!accumulate) ref_fill(d_x, 0, threads);
    size_t i = 0;
    for (int n = 0; n < d_y->n; n++)
        for (int oy = 0; oy < d_y->h; oy++)
            for (int ox = 0; ox < d_y->w; ox++)
                for (int c = 0; c < d_y->c; c++, i++) {
                    int iy = oy * stride - pad + index[i] / kernel,
                        ix = ox * stride - pad + index[i] % kernel;
                    map_at(d_x, n, iy, ix)[c] += map_at(d_y, n, oy, ox)[c];
                }
}

static void ref_upsample_forward(int factor, const YT_MAP *x, const YT_MAP *y, int threads) {
    (void)threads;
    for (int n = 0; n < y->n; n++)
        for (int oy = 0; oy < y->h; oy++)
            for (int ox = 0; ox < y->w; ox++)
                for (int c = 0; c < y->c; c++)
                    map_at(y, n, oy, ox)[c] = map_at(x, n, oy / factor, ox / factor)[c];
}

static void ref_upsample_backward(int factor, const YT_MAP *d_y, const YT_MAP *d_x, bool accumulate,
                                  int threads) {
    if (!accumulate) ref_fill(d_x, 0, threads);
    for (int n = 0; n < d_y->n; n++)
        for (int oy = 0; oy < d_y->h; oy++)
            for (int ox = 0; ox < d_y->w; ox++)
                for (int c = 0; c < d_y->c; c++)
                    map_at(d_x, n, oy / factor, ox / factor)[c] += map_at(d_y, n, oy, ox)[c];
}

static void ref_copy(const YT_MAP *src, const YT_MAP *dst, bool accumulate, int threads) {
    (void)threads;
    for (int n = 0; n < dst->n; n++)
        for (int y = 0; y < dst->h; y++)
            for (int x = 0; x < dst->w; x++)
                for (int c = 0; c < dst->c; c++) {
                    YT_REAL *d = map_at(dst, n, y, x) + c;
                    *d = (accumulate ? *d : 0) + map_at(src, n, y, x)[c];
                }
}
