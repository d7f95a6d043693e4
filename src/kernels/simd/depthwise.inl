/* depthwise.inl: convolutions in which every channel is a group of its own (weights [kh][kw][c]).
 *
 * A tile is up to six pixels of a row, done for all channels before the next, so memory is read and written in its
 * order and the rows of the taps come from the caches (strips of channels over whole rows, a line of each pixel at a
 * time: a third of the speed). With the three taps of a row side by side each value of x is loaded once and meets them
 * in registers. Taps are clipped to the map, so nothing is copied. The backward-data pass is the forward kernel on the
 * phases of correlate.inl.
 */

enum { DEPTHWISE_MR = 6, DEPTHWISE_STRIP = 2 * YT_VL /* channels of a tile */ };

/* A row of output, or of one phase of it. */
typedef struct depthwise_row {
    const float *image; /* pixel (0, 0) of the source */
    ptrdiff_t x_first;  /* floats from it to the pixel of output pixel 0 and tap (0, 0), perhaps outside */
    ptrdiff_t x_step, tap_x, tap_y;
    int tx0, tx1, ty0, ty1; /* taps inside the map */
    bool fetch;             /* the maps are larger than a cache */
    bool slide;             /* three taps a row: the pixel, the one before it and the one after it */
    const float *zeros;     /* what lies outside the map */
    const float *w;         /* tap (0, 0) */
    ptrdiff_t w_x, w_y;
    float *y;
    int columns, channels;
    tile_job job; /* of the first strip of channels; `sums` has one for each strip */
} depthwise_row;

/* A row of three taps on MR pixels: x, those under the middle tap, and the ones before and after them. */
YT_INLINE void slide_taps(const int MR, const int NV, const float *before, const float *x, const float *after,
                          ptrdiff_t x_step, const float *w, ptrdiff_t w_x, vf *a) {
    YT_UNROLL
    for (int j = 0; j < NV; j++) {
        vf tap[3];
        YT_UNROLL
        for (int t = 0; t < 3; t++) tap[t] = load(w + t * w_x + j * YT_VL);
        YT_UNROLL
        for (int i = -1; i <= MR; i++) {
            const float *at = i < 0 ? before : i < MR ? x + i * x_step : after;
            vf v = load(at + j * YT_VL);
            YT_UNROLL
            for (int t = 0; t < 3; t++)
                if (i + 1 >= t && i + 1 - t < MR) a[(i + 1 - t) * NV + j] += v * tap[t];
        }
    }
}

/* Asks for the pixels of the lowest row of taps that only the next tile reads, and for those it writes. */
YT_INLINE void fetch_ahead(const int MR, const depthwise_row *r, int pixel, int channel) {
    const float *x =
        r->image + (r->x_first + (pixel + MR + 2) * r->x_step + (r->ty1 - 1) * r->tap_y + channel);
    const float *y = r->y + (pixel + MR) * r->job.y_step + channel;
    YT_UNROLL
    for (int i = 0; i < MR; i++) {
        __builtin_prefetch(x + i * r->x_step);
        __builtin_prefetch(y + i * r->job.y_step, 1);
    }
}

/* MR pixels x NV vectors of channels, from `channel` on. */
YT_INLINE void depthwise_block(const int MR, const int NV, const bool SLIDE, const depthwise_row *r,
                               tile_job *job, int pixel, int channel) {
    vf a[2 * DEPTHWISE_MR];
    YT_UNROLL
    for (int i = 0; i < MR * NV; i++) a[i] = load(job->bias + channel + i % NV * YT_VL);
    const float *zeros = r->zeros + channel;
    for (int ty = r->ty0; ty < r->ty1; ty++) {
        const float *x = r->image + (r->x_first + (pixel + SLIDE) * r->x_step + ty * r->tap_y + channel);
        const float *w = r->w + (ty * r->w_y + channel);
        if (SLIDE) {
            slide_taps(MR, NV, pixel == 0 ? zeros : x - r->x_step, x,
                       pixel + MR == r->columns ? zeros : x + MR * r->x_step, r->x_step, w, r->w_x, a);
            continue;
        }
        for (int tx = r->tx0; tx < r->tx1; tx++) {
            const float *at = x + tx * r->tap_x, *tap = w + tx * r->w_x;
            YT_UNROLL
            for (int j = 0; j < NV; j++) {
                vf weight = load(tap + j * YT_VL);
                YT_UNROLL
                for (int i = 0; i < MR; i++) a[i * NV + j] += load(at + i * r->x_step + j * YT_VL) * weight;
            }
        }
    }
    if (SLIDE && r->fetch) fetch_ahead(MR, r, pixel, channel);
    job->lanes = r->channels - channel < NV * YT_VL ? r->channels - channel : NV * YT_VL;
    finish(MR, NV, a, job, r->y + pixel * job->y_step + channel);
    if (job->sums) job->sums++;
}

YT_INLINE void depthwise_tile(const int MR, const bool SLIDE, const depthwise_row *row, int pixel) {
    const depthwise_row r = *row; /* stores to y cannot change it */
    tile_job job = r.job;
    int channel = 0;
    for (; r.channels - channel > YT_VL; channel += DEPTHWISE_STRIP)
        depthwise_block(MR, 2, SLIDE, &r, &job, pixel, channel);
    if (channel < r.channels) depthwise_block(MR, 1, SLIDE, &r, &job, pixel, channel);
}

#define DEPTHWISE_KERNEL(MR, NV)                                                                             \
    static __attribute__((noinline)) void depthwise_tile_##MR(const depthwise_row *r, int pixel) {           \
        if (r->slide)                                                                                        \
            depthwise_tile(MR, true, r, pixel);                                                              \
        else                                                                                                 \
            depthwise_tile(MR, false, r, pixel);                                                             \
    }
UP_TO_6(DEPTHWISE_KERNEL, 2)

#define DEPTHWISE_ROW(MR, NV) [MR] = depthwise_tile_##MR,
static void (*const depthwise_table[DEPTHWISE_MR + 1])(const depthwise_row *,
                                                       int) = {UP_TO_6(DEPTHWISE_ROW, 2)};

/* Taps j with 0 <= at + j * spacing < size, spacing > 0. */
static void clip_taps(int at, int taps, int spacing, int size, int *begin, int *end) {
    int first = at < 0 ? (-at + spacing - 1) / spacing : 0;
    int last = at >= size ? 0 : (size - 1 - at) / spacing + 1;
    *begin = first < taps ? first : taps;
    *end = last < taps ? last : taps;
    if (*end < *begin) *end = *begin;
}

typedef struct depthwise_run {
    correlation plan; /* of one group: depth and width 1; axes, phases and sizes are used */
    yti_tensor src, dst;
    bool accumulate;
    epilogue after;
    int strips, padded;           /* of the channels; channels in whole vectors */
    int bands, items;             /* row bands per image; of all images */
    float *packed, *bias, *zeros; /* [tap][padded], [padded], [padded] */
    tile_sums *sums;              /* [thread][strip] */
    moment_parts moments;
} depthwise_run;

static depthwise_run plan_depthwise(const yti_conv_geometry *conv, bool backward, int n, int h, int w) {
    depthwise_run run = {.plan = plan_correlation(conv, backward, n, h, w)};
    run.strips = (conv->cin + DEPTHWISE_STRIP - 1) / DEPTHWISE_STRIP;
    run.padded = (conv->cin + YT_VL - 1) / YT_VL * YT_VL;
    int rows = (run.plan.dst_h + run.plan.phases - 1) / run.plan.phases;
    run.bands = (items_for((size_t)n * (size_t)rows, 32, 4) + n - 1) / n;
    run.items = n * run.bands;
    return run;
}

static size_t carve_depthwise(depthwise_run *run, void *data, int threads) {
    carver from = {.data = data};
    size_t padded = (size_t)run->padded, kernel = (size_t)run->plan.conv.kernel;
    run->packed = carve(&from, kernel * kernel * padded * sizeof(float));
    run->bias = carve(&from, padded * sizeof(float));
    run->zeros = carve(&from, padded * sizeof(float));
    run->sums = carve(&from, (size_t)threads * (size_t)run->strips * sizeof(tile_sums));
    run->moments = carve_moments(&from, run->items, (int)padded);
    return from.used;
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

/* Output pixels [begin, end), all with the taps of a row that r names. */
static void depthwise_pixels(const depthwise_row *r, int begin, int end) {
    if (begin >= end) return;
    even_split split = split_evenly(end - begin, DEPTHWISE_MR);
    for (int part = 0; part < split.parts; part++) {
        int size = split.size + (part < split.longer);
        depthwise_table[size](r, begin);
        begin += size;
    }
}

/* A row; in general a left border, an interior where every tap of a row is inside, and a right border. */
static void depthwise_columns(const correlation *c, depthwise_row *r, axis ax) {
    if (r->slide) {
        depthwise_pixels(r, 0, r->columns);
        return;
    }
    int begin, end;
    interior(c, ax, r->columns, &begin, &end);
    r->tx0 = 0, r->tx1 = ax.taps;
    depthwise_pixels(r, begin, end);
    for (int x = 0; x < r->columns; x++) {
        if (x == begin) x = end;
        if (x >= r->columns) break;
        clip_taps(x * c->step + ax.origin, ax.taps, ax.spacing, c->src_w, &r->tx0, &r->tx1);
        depthwise_pixels(r, x, x + 1);
    }
}

static int strip_lanes(int channels, int strip) {
    int rest = channels - strip * DEPTHWISE_STRIP;
    return rest < DEPTHWISE_STRIP ? rest : DEPTHWISE_STRIP;
}

static void fold_strips(const depthwise_run *run, tile_sums *sums, int item) {
    for (int strip = 0; strip < run->strips; strip++)
        fold_sums(sums + strip, moment_part(&run->moments, item, strip * DEPTHWISE_STRIP), run->padded,
                  strip_lanes(run->src.c, strip));
}

/* The rows [begin, end) of one phase. */
static void depthwise_rows(const depthwise_run *run, int item, int begin, int end, int phase,
                           tile_sums *sums) {
    const correlation *c = &run->plan;
    int n = item / run->bands, py = phase / c->phases, px = phase % c->phases;
    int columns = (c->dst_w - px + c->phases - 1) / c->phases;
    axis ay = axis_of(c, py), ax = axis_of(c, px);
    ptrdiff_t ld = run->src.ld, padded = run->padded, w_row = c->conv.kernel * padded;
    depthwise_row r = {.image = run->src.data + (ptrdiff_t)n * c->src_h * c->src_w * ld,
                       .x_step = c->step * ld,
                       .tap_x = ax.spacing * ld,
                       .tap_y = (ptrdiff_t)ay.spacing * c->src_w * ld,
                       .w = run->packed + ay.tap * w_row + ax.tap * padded,
                       .w_x = ax.tap_step * padded,
                       .w_y = ay.tap_step * w_row,
                       .zeros = run->zeros,
                       .fetch = yti_tensor_elements(run->src) + yti_tensor_elements(run->dst) > PREFETCH_FLOATS,
                       .columns = columns,
                       .channels = run->src.c};
    r.slide = ax.taps == 3 && c->step == 1 && ax.spacing == 1 && ax.origin == -1 && columns == c->src_w;
    r.job = (tile_job){
        .y_step = c->phases * run->dst.ld, .accumulate = run->accumulate, .bias = run->bias, .sums = sums};
    for (int t = begin; t < end && t * c->phases + py < c->dst_h; t++) {
        ptrdiff_t y0 = t * c->step + ay.origin, row = t * c->phases + py;
        clip_taps((int)y0, ay.taps, ay.spacing, c->src_h, &r.ty0, &r.ty1);
        r.x_first = (y0 * c->src_w + ax.origin) * ld;
        ptrdiff_t pixel = ((ptrdiff_t)n * c->dst_h + row) * c->dst_w + px;
        r.y = run->dst.data + pixel * run->dst.ld;
        depthwise_columns(c, &r, ax);
        if (sums) fold_strips(run, sums, item);
        run_epilogue(&run->after, &run->dst, pixel, columns, 0, run->src.c);
    }
}

static void depthwise_item(const depthwise_run *run, int item) {
    const correlation *c = &run->plan;
    size_t rows = (size_t)((c->dst_h + c->phases - 1) / c->phases);
    int begin = (int)item_begin(rows, run->bands, item % run->bands);
    int end = (int)item_begin(rows, run->bands, item % run->bands + 1);
    tile_sums *sums = NULL;
    if (run->moments.values) {
        sums = run->sums + (ptrdiff_t)thread_id() * run->strips;
        for (int strip = 0; strip < run->strips; strip++)
            begin_sums(sums + strip, moment_part(&run->moments, item, strip * DEPTHWISE_STRIP), run->padded,
                       strip_lanes(run->src.c, strip));
        run->moments.counts[item] = (double)(end - begin) * c->dst_w;
    }
    for (int phase = 0; phase < c->phases * c->phases; phase++)
        depthwise_rows(run, item, begin, end, phase, sums);
}

static void depthwise(const yti_conv_geometry *conv, bool backward, const yti_tensor *src, const float *w,
                      const float *bias, const yti_tensor *dst, bool accumulate, float *moments,
                      epilogue after, int h, int wide, const yti_scratch *scratch) {
    depthwise_run run = plan_depthwise(conv, backward, src->n, h, wide);
    run.src = *src, run.dst = *dst, run.accumulate = accumulate, run.after = after;
    carve_depthwise(&run, scratch->data, scratch->threads);
    size_t padded = (size_t)run.padded, c = (size_t)src->c;
    memset(run.zeros, 0, padded * sizeof(float));
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
