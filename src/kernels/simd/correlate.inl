/* correlate.inl: one routine for the forward and the backward-data pass of every dense convolution.
 *
 * A correlation is, per axis alike,
 *   dst[t * phases + phase] = sum over taps j of src[t * step + origin + j * spacing] . w[tap j].
 *
 *   forward         one phase, step = stride, origin = -pad, spacing = dilation, taps in order.
 *   backward-data   stride phases, step 1. Phase p takes the taps kh for which p + pad - kh * dilation is a
 *                   multiple of the stride, last first; the source row is t + that / stride. A 3x3 of
 *                   stride 2 has phases of 1, 2, 2 and 4 taps and no multiplication by an inserted zero.
 *
 * The rows a band of output needs are copied into a buffer of the thread with zeros around them, where the taps of one
 * row and all channels are one contiguous run: no kernel knows of padding, strides or slices. A 1x1 reads its source in
 * place; with stride 1 it has no rows, only a range of pixels.
 */

/* Of the copied rows: with the panel of weights they stay in a second-level cache of 256 KiB. */
enum { BAND_BYTES = 128 * 1024 };

typedef struct axis {
    int taps, tap, tap_step; /* kernel index of tap j: tap + j * tap_step */
    int origin, spacing;     /* its source offset: origin + j * spacing */
} axis;

static axis axis_forward(const yti_conv_geometry *conv) {
    return (axis){.taps = conv->kernel, .tap_step = 1, .origin = -conv->pad, .spacing = conv->dilation};
}

static axis axis_backward(const yti_conv_geometry *conv, int phase) {
    axis a = {.spacing = 1};
    for (int kh = conv->kernel - 1; kh >= 0; kh--) {
        int offset = phase + conv->pad - kh * conv->dilation;
        if (offset % conv->stride != 0) continue;
        if (a.taps == 0) a.tap = kh, a.origin = offset / conv->stride;
        if (a.taps == 1) a.tap_step = kh - a.tap, a.spacing = offset / conv->stride - a.origin;
        a.taps++;
    }
    return a;
}

/* What depends on the shape only. */
typedef struct correlation {
    yti_conv_geometry conv;
    bool backward;
    int depth, width; /* channels summed over and produced, of one group */
    int step, phases;
    int n, src_h, src_w, dst_h, dst_w;
    bool in_place, flat;
    int low, high;              /* first and last source offset of any tap */
    int rows, bands;            /* rows of a phase; parts they are cut into, per image */
    int band_rows, band_pixels; /* source rows of the largest band, and pixels of a copied row */
    int items, splits;          /* places x shares of the channel blocks */
    channel_blocks blocks;
} correlation;

static axis axis_of(const correlation *c, int phase) {
    return c->backward ? axis_backward(&c->conv, phase) : axis_forward(&c->conv);
}

static void find_offsets(correlation *c) {
    bool found = false;
    for (int phase = 0; phase < c->phases; phase++) {
        axis a = axis_of(c, phase);
        if (a.taps == 0) continue;
        int last = a.origin + (a.taps - 1) * a.spacing;
        c->low = found && c->low < a.origin ? c->low : a.origin;
        c->high = found && c->high > last ? c->high : last;
        found = true;
    }
}

static int band_source_rows(const correlation *c, int rows) {
    return (rows - 1) * c->step + c->high - c->low + 1;
}

static void plan_bands(correlation *c) {
    c->rows = (c->dst_h + c->phases - 1) / c->phases;
    int columns = (c->dst_w + c->phases - 1) / c->phases, rows = c->rows;
    c->band_pixels = (columns - 1) * c->step + c->high - c->low + 1;
    size_t row_bytes = (size_t)c->band_pixels * (size_t)c->depth * sizeof(float);
    while (rows > 1 && (size_t)band_source_rows(c, rows) * row_bytes > BAND_BYTES) rows--;
    /* A band of fewer than four rows would copy more rows of its neighbours than of its own. */
    int all = items_for((size_t)c->n * (size_t)c->rows, (size_t)rows, 4);
    c->bands = (all + c->n - 1) / c->n;
    if (c->bands * rows < c->rows) c->bands = (c->rows + rows - 1) / rows;
    c->band_rows = band_source_rows(c, (c->rows + c->bands - 1) / c->bands);
    c->items = c->n * c->bands;
}

static correlation plan_correlation(const yti_conv_geometry *conv, bool backward, int n, int h, int w) {
    int oh = yti_conv_out(h, conv->kernel, conv->stride, conv->pad, conv->dilation);
    int ow = yti_conv_out(w, conv->kernel, conv->stride, conv->pad, conv->dilation);
    int cin = conv->cin / conv->groups, cout = conv->cout / conv->groups;
    correlation c = {.conv = *conv, .backward = backward, .n = n};
    c.depth = backward ? cout : cin;
    c.width = backward ? cin : cout;
    c.step = backward ? 1 : conv->stride;
    c.phases = backward ? conv->stride : 1;
    c.src_h = backward ? oh : h, c.src_w = backward ? ow : w;
    c.dst_h = backward ? h : oh, c.dst_w = backward ? w : ow;
    c.blocks = blocks_of(c.width);
    c.in_place = conv->kernel == 1 && conv->pad == 0 && c.phases == 1;
    c.flat = c.in_place && c.step == 1;
    find_offsets(&c);
    if (c.flat) {
        size_t most = BAND_BYTES / sizeof(float) / (size_t)c.depth;
        c.items = items_for((size_t)n * (size_t)h * (size_t)w,
                            most < 64     ? 64
                            : most > 1024 ? 1024
                                          : most,
                            64);
    } else
        plan_bands(&c);
    c.splits = (ITEMS + c.items - 1) / c.items;
    if (c.splits > c.blocks.count) c.splits = c.blocks.count;
    return c;
}

typedef struct correlate_run {
    correlation plan;
    yti_tensor src, dst;
    const float *w;
    bool accumulate;
    epilogue after;
    float *packed;       /* where this call lays its panels out */
    const float *panels; /* those, or the ones laid out beforehand */
    float *bias, *bands;
    moment_parts moments;
} correlate_run;

static size_t band_floats(const correlation *c) {
    return c->in_place ? 0 : (size_t)c->band_rows * (size_t)c->band_pixels * (size_t)c->depth;
}

/* Panels of one group, all taps and phases. */
static size_t panel_floats(const yti_conv_geometry *conv) {
    size_t taps = (size_t)conv->kernel * (size_t)conv->kernel;
    return taps * (size_t)(conv->cin / conv->groups) * (size_t)blocks_of(conv->cout / conv->groups).padded;
}

static size_t carve_correlation(correlate_run *run, void *data, int threads) {
    const correlation *c = &run->plan;
    carver from = {.data = data};
    size_t padded = (size_t)c->blocks.padded, taps = (size_t)c->conv.kernel * (size_t)c->conv.kernel;
    run->packed = carve(&from, taps * (size_t)c->depth * padded * sizeof(float));
    run->bias = carve(&from, padded * sizeof(float));
    run->moments = carve_moments(&from, c->items, c->blocks.padded);
    run->bands = carve(&from, (size_t)threads * whole_lines(band_floats(c) * sizeof(float)));
    return from.used;
}

/* ---- weights ---- */

static size_t phase_taps(const correlation *c, int phase) {
    return (size_t)axis_of(c, phase / c->phases).taps * (size_t)axis_of(c, phase % c->phases).taps;
}

/* Where the panel of a channel block of a phase begins: [phase][block][tap][k][lane]. */
static size_t panel_offset(const correlation *c, int phase, int block) {
    size_t taps = 0, first = (size_t)block_first(c->blocks, block);
    for (int p = 0; p < phase; p++) taps += phase_taps(c, p);
    return (taps * (size_t)c->blocks.padded + phase_taps(c, phase) * first) * (size_t)c->depth;
}

static void pack_panel(const correlate_run *run, int phase, int block) {
    const correlation *c = &run->plan;
    axis ay = axis_of(c, phase / c->phases), ax = axis_of(c, phase % c->phases);
    int vectors = block_vectors(c->blocks, block), lanes = block_lanes(c->blocks, block);
    int channel = block_first(c->blocks, block);
    float *panel = run->packed + panel_offset(c, phase, block);
    for (int ty = 0; ty < ay.taps; ty++)
        for (int tx = 0; tx < ax.taps; tx++, panel += (ptrdiff_t)c->depth * vectors * YT_VL) {
            ptrdiff_t tap =
                (ptrdiff_t)(ay.tap + ty * ay.tap_step) * c->conv.kernel + ax.tap + tx * ax.tap_step;
            int cin = c->conv.cin / c->conv.groups, cout = c->conv.cout;
            if (c->backward)
                pack_columns(run->w + (tap * cin + channel) * cout, cout, c->depth, vectors, lanes, panel);
            else
                pack_rows(run->w + tap * cin * cout + channel, cout, c->depth, vectors, lanes, panel);
        }
}

/* ---- one item ---- */

/* Pixels [first, first + count) of a source row into `to`, zeros for those outside the map; row NULL: all zero. */
static void copy_row(float *to, const float *row, ptrdiff_t ld, int channels, int first, int count, int w) {
    int begin = first < 0 ? -first : 0, end = w - first < count ? w - first : count;
    if (!row || begin >= end) begin = end = count;
    memset(to, 0, (size_t)begin * (size_t)channels * sizeof(float));
    memset(to + (ptrdiff_t)end * channels, 0, (size_t)(count - end) * (size_t)channels * sizeof(float));
    if (begin == end) return;
    const float *from = row + (ptrdiff_t)(first + begin) * ld;
    to += (ptrdiff_t)begin * channels;
    if (ld == channels) {
        memcpy(to, from, (size_t)(end - begin) * (size_t)channels * sizeof(float));
        return;
    }
    for (int p = begin; p < end; p++, to += channels, from += ld) {
        int c = 0;
        for (; c + YT_VL <= channels; c += YT_VL) store(to + c, load(from + c));
        for (; c < channels; c++) to[c] = from[c];
    }
}

static void copy_band(const yti_tensor *src, int n, int first_row, int rows, int first_pixel, int pixels,
                      float *to) {
    for (int r = 0; r < rows; r++, to += (ptrdiff_t)pixels * src->c) {
        int y = first_row + r;
        const float *row =
            y < 0 || y >= src->h ? NULL : src->data + ((ptrdiff_t)n * src->h + y) * src->w * src->ld;
        copy_row(to, row, src->ld, src->c, first_pixel, pixels, src->w);
    }
}

/* What a tile needs to know of a block of output channels; the taps and steps are filled in by the caller. */
static tile_job job_of_block(const correlate_run *run, int phase, int block, int item, tile_sums *sums) {
    const correlation *c = &run->plan;
    tile_job job = {.runs_y = 1, .runs_x = 1, .length = c->depth};
    job.panel = run->panels + panel_offset(c, phase, block);
    job.bias = run->bias + block_first(c->blocks, block);
    job.lanes = block_lanes(c->blocks, block);
    job.accumulate = run->accumulate;
    if (run->moments.values) {
        job.sums = sums;
        begin_sums(sums, moment_part(&run->moments, item, block_first(c->blocks, block)), c->blocks.padded,
                   job.lanes);
    }
    return job;
}

/* After a run of tiles: `pixels` pixels of dst from number `first` on, in a forward pass. */
static void end_row(const correlate_run *run, const tile_job *job, int block, int item, ptrdiff_t first,
                    int pixels) {
    int channel = block_first(run->plan.blocks, block);
    if (job->sums)
        fold_sums(job->sums, moment_part(&run->moments, item, channel), run->plan.blocks.padded, job->lanes);
    run_epilogue(&run->after, &run->dst, first, pixels, channel, job->lanes);
}

/* A range of pixels of a 1x1 of stride 1, in stretches that keep the float sums of the moments short and what the
 * epilogue reads in a cache. */
static void correlate_pixels(const correlate_run *run, int item, int block) {
    enum { STRETCH = 256 };
    const correlation *c = &run->plan;
    size_t pixels = yti_tensor_pixels(run->dst);
    ptrdiff_t begin = item_begin(pixels, c->items, item), end = item_begin(pixels, c->items, item + 1);
    tile_sums sums;
    tile_job job = job_of_block(run, 0, block, item, &sums);
    job.x_step = run->src.ld;
    job.y_step = run->dst.ld;
    job.ahead = c->depth > 2 * LINE_FLOATS; /* shorter ones the processor sees coming */
    for (ptrdiff_t p = begin; p < end; p += STRETCH) {
        int count = (int)(end - p < STRETCH ? end - p : STRETCH);
        run_tiles(&job, block_vectors(c->blocks, block), run->src.data + p * run->src.ld,
                  run->dst.data + p * run->dst.ld + block_first(c->blocks, block), count);
        end_row(run, &job, block, item, p, count);
    }
    if (run->moments.counts && block == 0) run->moments.counts[item] = (double)(end - begin);
}

typedef struct band {
    int item, n, begin, end; /* rows of a phase */
    const float *source;     /* the pixel of row `begin`, offset `low`, of both axes */
    ptrdiff_t pixel, row;    /* floats from one to the next */
} band;

/* The rows of one phase and channel block in a band. */
static void correlate_band(const correlate_run *run, const band *b, int phase, int block) {
    const correlation *c = &run->plan;
    int py = phase / c->phases, px = phase % c->phases;
    axis ay = axis_of(c, py), ax = axis_of(c, px);
    tile_sums sums;
    tile_job job = job_of_block(run, phase, block, b->item, &sums);
    bool joined = ax.taps < 2 || ax.spacing == 1;
    job.x_step = c->step * b->pixel;
    job.runs_y = ay.taps, job.run_y = ay.spacing * b->row;
    job.runs_x = joined ? 1 : ax.taps, job.run_x = ax.spacing * b->pixel;
    job.length = (ptrdiff_t)c->depth * (joined ? ax.taps : 1);
    job.y_step = c->phases * run->dst.ld;
    const float *x = b->source + (ay.taps ? ay.origin - c->low : 0) * b->row +
                     (ax.taps ? ax.origin - c->low : 0) * b->pixel;
    int columns = (c->dst_w - px + c->phases - 1) / c->phases;
    for (int t = b->begin; t < b->end && t * c->phases + py < c->dst_h; t++, x += c->step * b->row) {
        ptrdiff_t pixel = ((ptrdiff_t)b->n * c->dst_h + t * c->phases + py) * c->dst_w + px;
        run_tiles(&job, block_vectors(c->blocks, block), x,
                  run->dst.data + pixel * run->dst.ld + block_first(c->blocks, block), columns);
        end_row(run, &job, block, b->item, pixel, columns);
    }
}

static band make_band(const correlate_run *run, int item, float *buffer) {
    const correlation *c = &run->plan;
    int part = item % c->bands;
    band b = {.item = item, .n = item / c->bands};
    b.begin = (int)item_begin((size_t)c->rows, c->bands, part);
    b.end = (int)item_begin((size_t)c->rows, c->bands, part + 1);
    b.pixel = c->in_place ? run->src.ld : c->depth;
    b.row = b.pixel * (c->in_place ? c->src_w : c->band_pixels);
    b.source = buffer;
    if (c->in_place)
        b.source = run->src.data + ((ptrdiff_t)b.n * c->src_h + b.begin * c->step) * b.row;
    else
        copy_band(&run->src, b.n, b.begin * c->step + c->low, band_source_rows(c, b.end - b.begin), c->low,
                  c->band_pixels, buffer);
    return b;
}

static void correlate_item(const correlate_run *run, int item, int split, float *buffer) {
    const correlation *c = &run->plan;
    int first = c->blocks.count * split / c->splits, last = c->blocks.count * (split + 1) / c->splits;
    if (c->flat) {
        for (int block = first; block < last; block++) correlate_pixels(run, item, block);
        return;
    }
    band b = make_band(run, item, buffer);
    for (int phase = 0; phase < c->phases * c->phases; phase++)
        for (int block = first; block < last; block++) correlate_band(run, &b, phase, block);
    if (run->moments.counts && split == 0) run->moments.counts[item] = (double)(b.end - b.begin) * c->dst_w;
}

/* The whole correlation of one group. panels: laid out beforehand, or NULL; mean and variance: NULL or one float per
 * channel of dst; after: of the forward pass, about the channels of dst. */
static void correlate(const correlation *plan, const yti_tensor *src, const float *w, const float *panels,
                      const float *bias, const yti_tensor *dst, bool accumulate, float *mean, float *variance,
                      epilogue after, const yti_scratch *scratch) {
    correlate_run run = {
        .plan = *plan, .src = *src, .dst = *dst, .w = w, .accumulate = accumulate, .after = after};
    carve_correlation(&run, scratch->data, scratch->threads);
    run.panels = panels ? panels : run.packed;
    memset(run.bias, 0, (size_t)plan->blocks.padded * sizeof(float));
    if (bias) memcpy(run.bias, bias, (size_t)plan->width * sizeof(float));
    if (!mean) run.moments.values = run.moments.counts = NULL;
    int phases = plan->phases * plan->phases, blocks = plan->blocks.count,
        to_pack = panels ? 0 : phases * blocks;
    size_t buffer = whole_lines(band_floats(plan) * sizeof(float)) / sizeof(float);
#pragma omp parallel num_threads(scratch->threads)
    {
        if (to_pack) { /* no barrier for nothing */
#pragma omp for schedule(dynamic)
            for (int i = 0; i < to_pack; i++) pack_panel(&run, i / blocks, i % blocks);
        }
#pragma omp for schedule(dynamic)
        for (int i = 0; i < plan->items * plan->splits; i++)
            correlate_item(&run, i / plan->splits, i % plan->splits,
                           run.bands + (size_t)thread_id() * buffer);
    }
    if (mean) merge_moments(&run.moments, plan->width, mean, variance);
}
