/* depthwise_weights.inl: gradient of the weights of a depthwise convolution,
 *
 *   d_w[kh][kw][c] += sum over output pixels of x[pixel of the tap][c] * d_y[pixel][c].
 *
 * Rows are cut into chunks with own sums, added in index order. A 3x3 of stride 1 and pad 1 does a stretch of a row for
 * all channels before the next: the nine sums of a vector stay in registers, each x is loaded once and meets the d_y of
 * its pixel and of the two neighbours, which are zero outside the map. Other shapes take one row of taps at a time,
 * clipped to the map.
 */

enum { STRETCH_PIXELS = 10 };

typedef struct depthwise_weights {
    yti_conv_geometry conv;
    yti_tensor x, d_y;
    int vectors, chunks; /* chunks: of the rows of all images */
    int ahead;
    bool want_bias;
    float *sums;      /* [chunk][tap][padded] */
    float *bias_sums; /* [chunk][padded] */
} depthwise_weights;

static depthwise_weights plan_depthwise_weights(const yti_conv_geometry *conv, int n, int h) {
    depthwise_weights run = {.conv = *conv};
    int oh = yti_conv_out(h, conv->kernel, conv->stride, conv->pad, conv->dilation);
    run.vectors = (conv->cin + YT_VL - 1) / YT_VL;
    run.chunks = n * oh < 2 * ITEMS ? 1 : ITEMS;
    return run;
}

static size_t carve_depthwise_weights(depthwise_weights *run, void *data) {
    carver from = {.data = data};
    size_t padded = (size_t)run->vectors * YT_VL, chunks = (size_t)run->chunks;
    size_t taps = (size_t)(run->conv.kernel * run->conv.kernel);
    run->sums = carve(&from, chunks * taps * padded * sizeof(float));
    run->bias_sums = carve(&from, chunks * padded * sizeof(float));
    return from.used;
}

/* ---- 3x3, stride 1, pad 1 ---- */

/* Consecutive pixels of a row of d_y, and the rows of x that its taps reach. */
typedef struct depthwise_stretch {
    const float *x, *d; /* pixel 0 of the first of the rows */
    ptrdiff_t x_row, x_ld, d_ld;
    int begin, end, columns;
    int rows, ahead;    /* ahead: pixels to the memory to ask for */
    ptrdiff_t tap_sums; /* floats from the sums of one tap to those of the next */
} depthwise_stretch;

/* sums[3 * row + t] += sum over p of x[row][p] * d[p + 1 - t], one vector of channels. */
YT_INLINE void slide_sums(const int ROWS, const depthwise_stretch *s, const float *x, const float *d,
                          float *sums) {
    vf a[9], d0, d1, d2; /* d0: of the pixel after x, whose first tap x is */
    YT_UNROLL
    for (int i = 0; i < 3 * ROWS; i++) a[i] = load(sums + i * s->tap_sums);
    const float *at = d + s->begin * s->d_ld, *from = x + s->begin * s->x_ld;
    d2 = s->begin > 0 ? load(at - s->d_ld) : (vf){0};
    d1 = load(at);
    const ptrdiff_t ahead = s->ahead;
    for (int p = s->begin; p < s->end; p++, from += s->x_ld) {
        at += s->d_ld;
        __builtin_prefetch(from + (ROWS - 1) * s->x_row + ahead * s->x_ld);
        __builtin_prefetch(at + ahead * s->d_ld);
        d0 = p + 1 < s->columns ? load(at) : (vf){0};
        YT_UNROLL
        for (int row = 0; row < ROWS; row++) {
            vf v = load(from + row * s->x_row);
            a[3 * row] += v * d0;
            a[3 * row + 1] += v * d1;
            a[3 * row + 2] += v * d2;
        }
        d2 = d1;
        d1 = d0;
    }
    YT_UNROLL
    for (int i = 0; i < 3 * ROWS; i++) store(sums + i * s->tap_sums, a[i]);
}

static void slide_stretch(const depthwise_stretch *s, int vectors, float *sums) {
    for (int v = 0; v < vectors * YT_VL; v += YT_VL) {
        if (s->rows == 3)
            slide_sums(3, s, s->x + v, s->d + v, sums + v);
        else
            for (int row = 0; row < s->rows; row++)
                slide_sums(1, s, s->x + row * s->x_row + v, s->d + v, sums + 3 * row * s->tap_sums + v);
    }
}

static void slide_row(const depthwise_weights *run, const float *x, const float *d, int rows, float *sums) {
    depthwise_stretch s = {.x = x,
                           .d = d,
                           .x_row = run->x.w * run->x.ld,
                           .x_ld = run->x.ld,
                           .d_ld = run->d_y.ld,
                           .columns = run->d_y.w,
                           .rows = rows,
                           .ahead = run->ahead,
                           .tap_sums = (ptrdiff_t)run->vectors * YT_VL};
    even_split split = split_evenly(s.columns, STRETCH_PIXELS);
    for (int part = 0; part < split.parts; part++) {
        s.end = s.begin + split.size + (part < split.longer);
        slide_stretch(&s, run->vectors, sums);
        s.begin = s.end;
    }
}

/* ---- any other shape ---- */

/* sums[tap][v] += sum over pixels of x[p * x_step + tap * tap_x] * d[p * d_step], for two vectors of channels: six
 * independent chains keep the multipliers busy. */
YT_INLINE void depthwise_outer(const int TAPS, const int NV, const float *x, ptrdiff_t x_step,
                               ptrdiff_t tap_x, const float *d, ptrdiff_t d_step, int pixels, float *sums,
                               ptrdiff_t tap_sums) {
    vf a[6];
    YT_UNROLL
    for (int i = 0; i < TAPS * NV; i++) a[i] = (vf){0};
    for (int p = 0; p < pixels; p++, x += x_step, d += d_step) {
        YT_UNROLL
        for (int j = 0; j < NV; j++) {
            vf g = load(d + j * YT_VL);
            YT_UNROLL
            for (int tap = 0; tap < TAPS; tap++) a[tap * NV + j] += load(x + tap * tap_x + j * YT_VL) * g;
        }
    }
    YT_UNROLL
    for (int tap = 0; tap < TAPS; tap++) {
        YT_UNROLL
        for (int j = 0; j < NV; j++) {
            float *to = sums + tap * tap_sums + j * YT_VL;
            store(to, load(to) + a[tap * NV + j]);
        }
    }
}

/* `taps` taps of a kernel row over output pixels [begin, end) of one row; x: the first tap's source row, padding
 * included. */
static void depthwise_window(const depthwise_weights *run, const float *x, const float *d, int begin, int end,
                             int taps, int vectors, float *sums) {
    if (begin >= end) return;
    const yti_conv_geometry *conv = &run->conv;
    ptrdiff_t ld = run->x.ld, step = conv->stride * ld, tap_x = conv->dilation * ld;
    ptrdiff_t tap_sums = (ptrdiff_t)run->vectors * YT_VL;
    x += begin * step - (ptrdiff_t)conv->pad * ld;
    d += begin * run->d_y.ld;
    if (taps == 3 && vectors == 2)
        depthwise_outer(3, 2, x, step, tap_x, d, run->d_y.ld, end - begin, sums, tap_sums);
    else if (taps == 3)
        depthwise_outer(3, 1, x, step, tap_x, d, run->d_y.ld, end - begin, sums, tap_sums);
    else
        for (int tap = 0; tap < taps; tap++)
            for (int j = 0; j < vectors; j++)
                depthwise_outer(1, 1, x + tap * tap_x + j * YT_VL, step, tap_x, d + j * YT_VL, run->d_y.ld,
                                end - begin, sums + tap * tap_sums + j * YT_VL, tap_sums);
}

/* One row of d_y against one row of the kernel. */
static void depthwise_row_gradient(const depthwise_weights *run, const float *x, const float *d, int vectors,
                                   float *sums) {
    const yti_conv_geometry *conv = &run->conv;
    correlation c = {.step = conv->stride, .src_w = run->x.w};
    int begin, end, columns = run->d_y.w;
    interior(&c, axis_forward(conv), columns, &begin, &end);
    depthwise_window(run, x, d, begin, end, conv->kernel, vectors, sums);
    ptrdiff_t padded = (ptrdiff_t)run->vectors * YT_VL;
    for (int p = 0; p < columns; p++) {
        if (p == begin) p = end;
        if (p >= columns) break;
        int t0, t1;
        clip_taps(p * conv->stride - conv->pad, conv->kernel, conv->dilation, run->x.w, &t0, &t1);
        depthwise_window(run, x + t0 * conv->dilation * run->x.ld, d, p, p + 1, t1 - t0, vectors,
                         sums + t0 * padded);
    }
}

/* ---- all ---- */

/* The rows [begin, end) of d_y, those of all images in one. */
static void depthwise_chunk(const depthwise_weights *run, int begin, int end, float *sums) {
    const yti_conv_geometry *conv = &run->conv;
    ptrdiff_t row_sums = (ptrdiff_t)conv->kernel * run->vectors * YT_VL, x_row = run->x.w * run->x.ld;
    bool slide = conv->kernel == 3 && conv->stride == 1 && conv->pad == 1 && conv->dilation == 1;
    for (int row = begin; row < end; row++) {
        int n = row / run->d_y.h, y0 = row % run->d_y.h * conv->stride - conv->pad, ty0, ty1;
        clip_taps(y0, conv->kernel, conv->dilation, run->x.h, &ty0, &ty1);
        const float *d = run->d_y.data + (ptrdiff_t)row * run->d_y.w * run->d_y.ld;
        const float *x = run->x.data + ((ptrdiff_t)n * run->x.h + y0 + ty0 * conv->dilation) * x_row;
        if (slide) {
            slide_row(run, x, d, ty1 - ty0, sums + ty0 * row_sums);
            continue;
        }
        for (int v = 0; v < run->vectors; v += 2)
            for (int ty = ty0; ty < ty1; ty++)
                depthwise_row_gradient(run, x + (ty - ty0) * conv->dilation * x_row + v * YT_VL,
                                       d + v * YT_VL, run->vectors - v < 2 ? 1 : 2,
                                       sums + ty * row_sums + v * YT_VL);
    }
}

static void depthwise_bias_chunk(const depthwise_weights *run, int begin, int end, float *sums) {
    for (int v = 0; v < run->vectors; v++) {
        vf sum = {0};
        for (ptrdiff_t p = (ptrdiff_t)begin * run->d_y.w; p < (ptrdiff_t)end * run->d_y.w; p++)
            sum += load(run->d_y.data + p * run->d_y.ld + v * YT_VL);
        store(sums + v * YT_VL, sum);
    }
}

static void depthwise_weights_item(const depthwise_weights *run, int chunk) {
    size_t rows = (size_t)run->d_y.n * (size_t)run->d_y.h, padded = (size_t)run->vectors * YT_VL;
    size_t taps = (size_t)(run->conv.kernel * run->conv.kernel);
    int begin = (int)item_begin(rows, run->chunks, chunk),
        end = (int)item_begin(rows, run->chunks, chunk + 1);
    float *sums = run->sums + (size_t)chunk * taps * padded;
    memset(sums, 0, taps * padded * sizeof(float));
    depthwise_chunk(run, begin, end, sums);
    if (run->want_bias) depthwise_bias_chunk(run, begin, end, run->bias_sums + (size_t)chunk * padded);
}

static void depthwise_weight_gradient(const yti_conv_geometry *conv, const yti_tensor *x, const yti_tensor *d_y,
                                      float *d_w, float *d_bias, const yti_scratch *scratch) {
    depthwise_weights run = plan_depthwise_weights(conv, x->n, x->h);
    run.ahead = yti_tensor_elements(*x) + yti_tensor_elements(*d_y) > PREFETCH_FLOATS ? STRETCH_PIXELS : 0;
    run.x = *x, run.d_y = *d_y, run.want_bias = d_bias != NULL;
    carve_depthwise_weights(&run, scratch->data);
    int padded = run.vectors * YT_VL, taps = conv->kernel * conv->kernel;
#pragma omp parallel for schedule(dynamic) num_threads(scratch->threads)
    for (int chunk = 0; chunk < run.chunks; chunk++) depthwise_weights_item(&run, chunk);
    for (int chunk = 0; chunk < run.chunks; chunk++) {
        const float *sums = run.sums + (ptrdiff_t)chunk * taps * padded;
        for (int tap = 0; tap < taps; tap++)
            for (int c = 0; c < conv->cin; c++)
                d_w[(ptrdiff_t)tap * conv->cin + c] += sums[(ptrdiff_t)tap * padded + c];
        for (int c = 0; d_bias && c < conv->cin; c++)
            d_bias[c] += run.bias_sums[(ptrdiff_t)chunk * padded + c];
    }
}
