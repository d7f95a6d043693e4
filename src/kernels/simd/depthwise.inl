/* depthwise.inl: convolutions in which every channel is a group of its own (weights [kh][kw][c]).
 *
 * A tile is MR pixels of a row x two vectors of channels, whole cache lines of most maps (one vector at a
 * time: half the speed). Taps are clipped to the map, so nothing is copied: a row is a left border, an
 * interior where every tap of a row is inside, and a right border. The backward-data pass is the forward
 * kernel on the phases of correlate.inl.
 */

enum { DEPTHWISE_MR = 6, DEPTHWISE_ROWS = 4 /* output rows of an item */ };

typedef struct depthwise_job {
    const float *image; /* pixel (0, 0) of the source */
    ptrdiff_t x_first;  /* floats from it to the pixel of output pixel 0 and tap (0, 0), perhaps outside */
    ptrdiff_t x_step, tap_x, tap_y;
    int tx0, tx1, ty0, ty1; /* taps inside the map */
    const float *w;
    ptrdiff_t w_first, w_x, w_y; /* to tap (0, 0), and from one to the next */
} depthwise_job;

YT_INLINE void depthwise_tile(const int MR, const int NV, const depthwise_job *d, const tile_job *job,
                              int pixel, float *y) {
    vf a[2 * DEPTHWISE_MR];
    const ptrdiff_t x_step = d->x_step;
    YT_UNROLL
    for (int i = 0; i < MR * NV; i++) a[i] = load(job->bias + i % NV * YT_VL);
    for (int ty = d->ty0; ty < d->ty1; ty++) {
        const float *x = d->image + (d->x_first + pixel * x_step + ty * d->tap_y);
        const float *w = d->w + (d->w_first + ty * d->w_y);
        for (int tx = d->tx0; tx < d->tx1; tx++) {
            const float *at = x + tx * d->tap_x, *tap = w + tx * d->w_x;
            YT_UNROLL
            for (int j = 0; j < NV; j++) {
                vf weight = load(tap + j * YT_VL);
                YT_UNROLL
                for (int i = 0; i < MR; i++) a[i * NV + j] += load(at + i * x_step + j * YT_VL) * weight;
            }
        }
    }
    finish(MR, NV, a, job, y);
}

#define DEPTHWISE_KERNEL(MR, NV)                                                                             \
    static __attribute__((noinline)) void depthwise_tile_##MR##_##NV(                                        \
        const depthwise_job *d, const tile_job *job, int pixel, float *y) {                                  \
        depthwise_tile(MR, NV, d, job, pixel, y);                                                            \
    }
UP_TO_6(DEPTHWISE_KERNEL, 1)
UP_TO_6(DEPTHWISE_KERNEL, 2)

#define DEPTHWISE_ROW(MR, NV) [MR] = depthwise_tile_##MR##_##NV,
static void (*const depthwise_table[3][DEPTHWISE_MR + 1])(const depthwise_job *, const tile_job *, int,
                                                          float *) = {
    [1] = {UP_TO_6(DEPTHWISE_ROW, 1)}, [2] = {UP_TO_6(DEPTHWISE_ROW, 2)}};

/* Taps j with 0 <= at + j * spacing < size, spacing > 0. */
static void clip_taps(int at, int taps, int spacing, int size, int *begin, int *end) {
    int first = at < 0 ? (-at + spacing - 1) / spacing : 0;
    int last = at >= size ? 0 : (size - 1 - at) / spacing + 1;
    *begin = first < taps ? first : taps;
    *end = last < taps ? last : taps;
    if (*end < *begin) *end = *begin;
}

/* Output pixels [begin, end) of a row, all with the taps that d names. */
static void depthwise_pixels(const depthwise_job *d, const tile_job *job, int nv, int begin, int end,
                             float *y) {
    if (begin >= end) return;
    even_split split = split_evenly(end - begin, DEPTHWISE_MR);
    for (int part = 0, t = begin; part < split.parts; part++) {
        int size = split.size + (part < split.longer);
        depthwise_table[nv][size](d, job, t, y + t * job->y_step);
        t += size;
    }
}

typedef struct depthwise_run {
    correlation plan; /* of one group: depth and width 1; axes, phases and sizes are used */
    yt_tensor src, dst;
    bool accumulate;
    epilogue after;
    int vectors, bands, items; /* vectors of channels; row bands per image */
    float *packed, *bias;      /* [tap][padded], [padded] */
    moment_parts moments;
} depthwise_run;

static depthwise_run plan_depthwise(const yt_conv *conv, bool backward, int n, int h, int w) {
    depthwise_run run = {.plan = plan_correlation(conv, backward, n, h, w)};
    run.vectors = (conv->cin + YT_VL - 1) / YT_VL;
    int rows = (run.plan.dst_h + run.plan.phases - 1) / run.plan.phases;
    run.bands = (rows + DEPTHWISE_ROWS - 1) / DEPTHWISE_ROWS;
    run.items = n * run.bands;
    return run;
}

static size_t carve_depthwise(depthwise_run *run, void *data) {
    carver from = {.data = data};
    size_t padded = (size_t)run->vectors * YT_VL,
           taps = (size_t)(run->plan.conv.kernel * run->plan.conv.kernel);
    run->packed = carve(&from, taps * padded * sizeof(float));
    run->bias = carve(&from, padded * sizeof(float));
    run->moments = carve_moments(&from, run->items, (int)padded);
    return from.used;
}

/* Vectors of the block of channels that begins at `channel`. */
static int vectors_at(const depthwise_run *run, int channel) {
    return run->vectors * YT_VL - channel > YT_VL ? 2 : 1;
}

/* The part of a row of output where every tap lies inside the map. */
static void interior(const correlation *c, axis a, int columns, int *begin, int *end) {
    int last = a.origin + (a.taps - 1) * a.spacing;
    int first = a.origin < 0 ? (-a.origin + c->step - 1) / c->step : 0;
    int past = last >= c->src_w ? 0 : (c->src_w - 1 - last) / c->step + 1;
    *begin = first < columns ? first : columns;
    *end = past < columns ? past : columns;
    if (*end < *begin) *end = *begin;
}

static void depthwise_row(const correlation *c, const tile_job *job, int nv, depthwise_job *d, axis ax,
                          int columns, float *y) {
    int begin, end;
    interior(c, ax, columns, &begin, &end);
    d->tx0 = 0, d->tx1 = ax.taps;
    depthwise_pixels(d, job, nv, begin, end, y);
    for (int x = 0; x < columns; x++) {
        if (x == begin) x = end;
        if (x >= columns) break;
        clip_taps(x * c->step + ax.origin, ax.taps, ax.spacing, c->src_w, &d->tx0, &d->tx1);
        depthwise_pixels(d, job, nv, x, x + 1, y);
    }
}

/* The rows [begin, end) of one phase, one block of channels. */
static void depthwise_rows(const depthwise_run *run, tile_job *job, int n, int begin, int end, int phase,
                           int channel, double *part) {
    const correlation *c = &run->plan;
    int py = phase / c->phases, px = phase % c->phases, padded = run->vectors * YT_VL;
    int nv = vectors_at(run, channel);
    axis ay = axis_of(c, py), ax = axis_of(c, px);
    ptrdiff_t ld = run->src.ld, w_row = (ptrdiff_t)c->conv.kernel * padded;
    depthwise_job d = {.image = run->src.data + (ptrdiff_t)n * c->src_h * c->src_w * ld + channel,
                       .x_step = c->step * ld,
                       .tap_x = ax.spacing * ld,
                       .tap_y = (ptrdiff_t)ay.spacing * c->src_w * ld,
                       .w = run->packed + channel,
                       .w_first = ay.tap * w_row + (ptrdiff_t)ax.tap * padded,
                       .w_x = (ptrdiff_t)ax.tap_step * padded,
                       .w_y = ay.tap_step * w_row};
    int columns = (c->dst_w - px + c->phases - 1) / c->phases;
    for (int t = begin; t < end && t * c->phases + py < c->dst_h; t++) {
        ptrdiff_t y0 = t * c->step + ay.origin, row = t * c->phases + py;
        clip_taps((int)y0, ay.taps, ay.spacing, c->src_h, &d.ty0, &d.ty1);
        d.x_first = (y0 * c->src_w + ax.origin) * ld;
        ptrdiff_t pixel = ((ptrdiff_t)n * c->dst_h + row) * c->dst_w + px;
        depthwise_row(c, job, nv, &d, ax, columns, run->dst.data + pixel * run->dst.ld + channel);
        if (job->sums) fold_sums(job->sums, part, padded, job->lanes);
        run_epilogue(&run->after, &run->dst, pixel, columns, channel, job->lanes);
    }
}

static void depthwise_item(const depthwise_run *run, int item) {
    const correlation *c = &run->plan;
    int n = item / run->bands, begin = item % run->bands * DEPTHWISE_ROWS, end = begin + DEPTHWISE_ROWS;
    int padded = run->vectors * YT_VL;
    for (int channel = 0; channel < run->src.c; channel += 2 * YT_VL) {
        tile_sums sums;
        tile_job job = {.y_step = c->phases * run->dst.ld, .accumulate = run->accumulate};
        job.bias = run->bias + channel;
        int width = vectors_at(run, channel) * YT_VL;
        job.lanes = run->src.c - channel < width ? run->src.c - channel : width;
        double *part = NULL;
        if (run->moments.values) {
            job.sums = &sums;
            part = moment_part(&run->moments, item, channel);
            begin_sums(&sums, part, padded, job.lanes);
        }
        for (int phase = 0; phase < c->phases * c->phases; phase++)
            depthwise_rows(run, &job, n, begin, end, phase, channel, part);
    }
    int rows = (end < c->dst_h ? end : c->dst_h) - begin;
    if (run->moments.counts) run->moments.counts[item] = (double)rows * c->dst_w;
}

static void depthwise(const yt_conv *conv, bool backward, const yt_tensor *src, const float *w,
                      const float *bias, const yt_tensor *dst, bool accumulate, float *moments,
                      epilogue after, int h, int wide, const yt_scratch *scratch) {
    depthwise_run run = plan_depthwise(conv, backward, src->n, h, wide);
    run.src = *src, run.dst = *dst, run.accumulate = accumulate, run.after = after;
    carve_depthwise(&run, scratch->data);
    size_t padded = (size_t)run.vectors * YT_VL, c = (size_t)src->c;
    memset(run.bias, 0, padded * sizeof(float));
    if (bias) memcpy(run.bias, bias, c * sizeof(float));
    memset(run.packed, 0, (size_t)(conv->kernel * conv->kernel) * padded * sizeof(float));
    for (size_t tap = 0; tap < (size_t)(conv->kernel * conv->kernel); tap++)
        memcpy(run.packed + tap * padded, w + tap * c, c * sizeof(float));
    if (!moments) run.moments.values = run.moments.counts = NULL;
#pragma omp parallel for schedule(dynamic) num_threads(scratch->threads)
    for (int item = 0; item < run.items; item++) depthwise_item(&run, item);
    if (moments) merge_moments(&run.moments, src->c, moments, moments + src->c);
}

/* ---- gradient of the weights ---- */

/* sums[j][v] += sum over pixels of x[p * x_step + j * tap_x] * d[p * d_step], for `taps` taps of a row and
 * two vectors of channels: six independent chains keep the multipliers busy. */
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

typedef struct depthwise_weights {
    yt_conv conv;
    yt_tensor x, d_y;
    int vectors, chunks; /* chunks: of the rows of all images */
    bool want_bias;
    float *sums;      /* [chunk][tap][padded] */
    float *bias_sums; /* [chunk][padded] */
} depthwise_weights;

static depthwise_weights plan_depthwise_weights(const yt_conv *conv, int n, int h) {
    depthwise_weights run = {.conv = *conv};
    int oh = yt_conv_out(h, conv->kernel, conv->stride, conv->pad, conv->dilation);
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

/* `taps` taps of a kernel row over output pixels [begin, end) of one row; x: the first tap's source row,
 * padding included. */
static void depthwise_window(const depthwise_weights *run, const float *x, const float *d, int begin, int end,
                             int taps, int vectors, float *sums) {
    if (begin >= end) return;
    const yt_conv *conv = &run->conv;
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
    const yt_conv *conv = &run->conv;
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

/* The rows [begin, end) (of all images in one) for the channel vectors [channel, channel + vectors). */
static void depthwise_chunk(const depthwise_weights *run, int begin, int end, int channel, int vectors,
                            float *sums) {
    const yt_conv *conv = &run->conv;
    int kernel = conv->kernel;
    for (int row = begin; row < end; row++) {
        int n = row / run->d_y.h, y0 = row % run->d_y.h * conv->stride - conv->pad, ty0, ty1;
        const float *d = run->d_y.data + (ptrdiff_t)row * run->d_y.w * run->d_y.ld + channel;
        clip_taps(y0, kernel, conv->dilation, run->x.h, &ty0, &ty1);
        for (int ty = ty0; ty < ty1; ty++) {
            ptrdiff_t source = (ptrdiff_t)n * run->x.h + y0 + ty * conv->dilation;
            depthwise_row_gradient(run, run->x.data + source * run->x.w * run->x.ld + channel, d, vectors,
                                   sums + (ptrdiff_t)ty * kernel * run->vectors * YT_VL);
        }
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
    for (int v = 0; v < run->vectors; v += 2)
        depthwise_chunk(run, begin, end, v * YT_VL, run->vectors - v < 2 ? 1 : 2, sums + v * YT_VL);
    if (run->want_bias) depthwise_bias_chunk(run, begin, end, run->bias_sums + (size_t)chunk * padded);
}

static void depthwise_weight_gradient(const yt_conv *conv, const yt_tensor *x, const yt_tensor *d_y,
                                      float *d_w, float *d_bias, const yt_scratch *scratch) {
    depthwise_weights run = plan_depthwise_weights(conv, x->n, x->h);
    run.x = *x, run.d_y = *d_y, run.want_bias = d_bias != NULL;
    carve_depthwise_weights(&run, scratch->data);
    size_t padded = (size_t)run.vectors * YT_VL, c = (size_t)conv->cin;
    size_t taps = (size_t)(conv->kernel * conv->kernel);
#pragma omp parallel for schedule(dynamic) num_threads(scratch->threads)
    for (int chunk = 0; chunk < run.chunks; chunk++) depthwise_weights_item(&run, chunk);
    for (size_t chunk = 0; chunk < (size_t)run.chunks; chunk++) {
        for (size_t i = 0; i < taps * c; i++)
            d_w[i] += run.sums[chunk * taps * padded + i / c * padded + i % c];
        for (size_t i = 0; d_bias && i < c; i++) d_bias[i] += run.bias_sums[chunk * padded + i];
    }
}
