/* conv_weights.inl: gradient of the weights of a dense convolution.
 *
 *   d_w[kh][kw][i][o] += sum over output pixels of x[pixel of the tap][i] * d_y[pixel][o]
 *
 * is an outer product: a window of MR values of (kw, i), contiguous in the copied rows, times a block of o, summed over
 * pixels. d_y of a block is packed into [pixel][lane], so that neither a wide pixel stride nor a partial block reaches
 * the kernel. Pixels are cut into units (row bands, or pixel ranges of a 1x1), units into chunks, each with its own
 * accumulator; chunks are added in index order. Items are chunks x shares of the blocks.
 */

/* Pixels of d_y per unit of rows, half of it per unit of a 1x1, whose x is not packed: the packed block of d_y, 24
 * KiB with AVX2, fits a first-level cache. */
enum { UNIT_PIXELS = 256 };
/* Accumulators of all chunks together stay below this: they are cleared, written and read once per call. */
enum { CHUNK_FLOATS = 4 * 1024 * 1024 };
/* A chunk of fewer pixels than this spends more than a tenth of its time on its accumulator. */
enum { CHUNK_PIXELS = 400 };

/* Units are fetched ahead when x and d_y are larger than a cache, this many floats, and there are few
 * multiplications to each of these floats. AVX2, gain of one thread: 1x1 64 > 64 at 80x80 1.2, 3x3 16 > 32 of stride
 * 2 at 320x320 1.15; where it is not done it would lose, 256 > 256 at 20x20 0.9. */
enum { PREFETCH_FLOATS = 1024 * 1024, PREFETCH_PRODUCTS = 80 };

typedef struct weights_plan {
    yti_conv_geometry conv;
    int depth, width; /* input and output channels of one group */
    int n, h, w, oh, ow;
    bool flat;
    int bands;                  /* per image; not flat */
    int band_rows, band_pixels; /* source rows of the largest band, pixels of a copied row */
    int unit_pixels;            /* of the largest unit */
    int units, chunks, splits;
    bool prefetch;
    channel_blocks blocks;
} weights_plan;

static size_t accumulator_floats(const weights_plan *p) {
    return (size_t)p->conv.kernel * (size_t)p->conv.kernel * (size_t)p->depth * (size_t)p->blocks.padded;
}

static void plan_weight_bands(weights_plan *p) {
    const yti_conv_geometry *conv = &p->conv;
    int reach = conv->dilation * (conv->kernel - 1) + 1, rows = UNIT_PIXELS / p->ow;
    if (rows < 1) rows = 1;
    if (rows > p->oh) rows = p->oh;
    p->band_pixels = (p->ow - 1) * conv->stride + reach;
    size_t row_bytes = (size_t)p->band_pixels * (size_t)p->depth * sizeof(float);
    while (rows > 1 && (size_t)((rows - 1) * conv->stride + reach) * row_bytes > BAND_BYTES) rows--;
    p->bands = (p->oh + rows - 1) / rows;
    rows = (p->oh + p->bands - 1) / p->bands;
    p->band_rows = (rows - 1) * conv->stride + reach;
    p->unit_pixels = rows * p->ow;
    p->units = p->n * p->bands;
}

static weights_plan plan_weights(const yti_conv_geometry *conv, int n, int h, int w) {
    weights_plan p = {.conv = *conv, .n = n, .h = h, .w = w};
    p.depth = conv->cin / conv->groups, p.width = conv->cout / conv->groups;
    p.oh = yti_conv_out(h, conv->kernel, conv->stride, conv->pad, conv->dilation);
    p.ow = yti_conv_out(w, conv->kernel, conv->stride, conv->pad, conv->dilation);
    p.flat = conv->kernel == 1 && conv->stride == 1 && conv->pad == 0;
    p.blocks = blocks_of(p.width);
    size_t pixels = (size_t)n * (size_t)p.oh * (size_t)p.ow;
    if (p.flat) {
        p.units = (int)((pixels + UNIT_PIXELS / 2 - 1) / (UNIT_PIXELS / 2));
        p.unit_pixels = UNIT_PIXELS / 2;
    } else
        plan_weight_bands(&p);
    size_t floats = (size_t)n * (size_t)h * (size_t)w * (size_t)p.depth + pixels * (size_t)p.width;
    size_t taps = (size_t)(conv->kernel * conv->kernel);
    p.prefetch = floats > PREFETCH_FLOATS &&
                 pixels * taps * (size_t)p.depth * (size_t)p.width < PREFETCH_PRODUCTS * floats;
    p.chunks = ITEMS;
    while (p.chunks > 1 && (p.chunks > p.units || pixels / (size_t)p.chunks < CHUNK_PIXELS ||
                            (size_t)p.chunks * accumulator_floats(&p) > CHUNK_FLOATS))
        p.chunks /= 2;
    p.splits = ITEMS / p.chunks < p.blocks.count ? ITEMS / p.chunks : p.blocks.count;
    return p;
}

typedef struct weights_run {
    weights_plan plan;
    yti_tensor x, d_y;
    const yti_norm_tail *tail; /* NULL: d_y is complete */
    float *d_w, *d_bias;
    float *accumulators, *bias_sums, *packed, *bands;
} weights_run;

static size_t weight_band_floats(const weights_plan *p) {
    return p->flat ? 0 : (size_t)p->band_rows * (size_t)p->band_pixels * (size_t)p->depth;
}

static size_t carve_weights(weights_run *run, void *data, int threads) {
    const weights_plan *p = &run->plan;
    carver from = {.data = data};
    size_t chunks = (size_t)p->chunks;
    run->accumulators = carve(&from, chunks * accumulator_floats(p) * sizeof(float));
    run->bias_sums = carve(&from, chunks * (size_t)p->blocks.padded * sizeof(float));
    run->packed = carve(&from, (size_t)threads * (size_t)p->unit_pixels * PANEL * sizeof(float));
    run->bands = carve(&from, (size_t)threads * whole_lines(weight_band_floats(p) * sizeof(float)));
    return from.used;
}

static void add_columns(const float *packed, ptrdiff_t pixels, int vectors, float *sums) {
    for (int j = 0; j < vectors; j++) {
        vf sum = {0};
        for (ptrdiff_t p = 0; p < pixels; p++) sum += load(packed + (p * vectors + j) * YT_VL);
        store(sums + j * YT_VL, load(sums + j * YT_VL) + sum);
    }
}

/* The pixels of a unit and where its x begins. */
typedef struct weight_unit {
    ptrdiff_t first_pixel; /* of d_y */
    int rows, columns;
    const float *x;
    ptrdiff_t pixel, row; /* of x: floats from one to the next */
} weight_unit;

static weight_unit flat_unit(const weights_run *run, int index) {
    size_t pixels = yti_tensor_pixels(run->d_y);
    ptrdiff_t begin = item_begin(pixels, run->plan.units, index);
    ptrdiff_t end = item_begin(pixels, run->plan.units, index + 1);
    return (weight_unit){.first_pixel = begin,
                         .rows = 1,
                         .columns = (int)(end - begin),
                         .x = run->x.data + begin * run->x.ld,
                         .pixel = run->x.ld};
}

static weight_unit band_unit(const weights_run *run, int index, float *buffer) {
    const weights_plan *p = &run->plan;
    int n = index / p->bands, part = index % p->bands, stride = p->conv.stride;
    int begin = (int)item_begin((size_t)p->oh, p->bands, part);
    int end = (int)item_begin((size_t)p->oh, p->bands, part + 1);
    int rows = (end - begin - 1) * stride + p->conv.dilation * (p->conv.kernel - 1) + 1;
    copy_band(&run->x, n, begin * stride - p->conv.pad, rows, -p->conv.pad, p->band_pixels, buffer);
    return (weight_unit){.first_pixel = ((ptrdiff_t)n * p->oh + begin) * p->ow,
                         .rows = end - begin,
                         .columns = p->ow,
                         .x = buffer,
                         .pixel = p->depth,
                         .row = (ptrdiff_t)p->band_pixels * p->depth};
}

/* All taps of one channel block over one unit: acc is [kh][kw][i][lane]. */
static void unit_gradient(const weights_plan *p, const weight_unit *unit, int vectors, const float *packed,
                          float *acc, prefetcher *next) {
    int kernel = p->conv.kernel, dilation = p->conv.dilation;
    int joined = dilation == 1 ? kernel : 1; /* taps of a row that are one window */
    outer_job job = {.x_step = unit->pixel * p->conv.stride,
                     .x_row = unit->row * p->conv.stride,
                     .rows = unit->rows,
                     .pixels = unit->columns,
                     .next = next};
    for (int kh = 0; kh < kernel; kh++)
        for (int kw = 0; kw < kernel; kw += joined) {
            const float *x = unit->x + kh * dilation * unit->row + kw * dilation * unit->pixel;
            run_outer(&job, vectors, x, packed, acc, joined * p->depth);
            acc += (ptrdiff_t)joined * p->depth * vectors * YT_VL;
        }
}

static size_t block_offset(const weights_plan *p, int block) {
    return (size_t)block_first(p->blocks, block) * (size_t)p->conv.kernel * (size_t)p->conv.kernel *
           (size_t)p->depth;
}

/* Rows of x that the output rows before `row` reach. */
static ptrdiff_t rows_reached(const weights_plan *p, ptrdiff_t row) {
    const yti_conv_geometry *conv = &p->conv;
    ptrdiff_t rows = (row - 1) * conv->stride - conv->pad + conv->dilation * (conv->kernel - 1) + 1;
    return row == 0 || rows < 0 ? 0 : rows < p->h ? rows : p->h;
}

/* The x, d_y and y that a unit is the first to read, to be asked for during the unit before it. */
static prefetcher memory_of_unit(const weights_run *run, int index, int used_blocks) {
    const weights_plan *p = &run->plan;
    ptrdiff_t begin[2], end[2]; /* pixels of x and of d_y */
    if (p->flat) {
        size_t pixels = yti_tensor_pixels(run->d_y);
        begin[0] = begin[1] = item_begin(pixels, p->units, index);
        end[0] = end[1] = item_begin(pixels, p->units, index + 1);
    } else {
        ptrdiff_t n = index / p->bands, row = item_begin((size_t)p->oh, p->bands, index % p->bands),
                  past = item_begin((size_t)p->oh, p->bands, index % p->bands + 1);
        begin[0] = (n * p->h + rows_reached(p, row)) * p->w, begin[1] = (n * p->oh + row) * p->ow;
        end[0] = (n * p->h + rows_reached(p, past)) * p->w, end[1] = (n * p->oh + past) * p->ow;
    }
    prefetcher next = {.at = {run->x.data + begin[0] * run->x.ld, run->d_y.data + begin[1] * run->d_y.ld},
                       .end = {run->x.data + end[0] * run->x.ld, run->d_y.data + end[1] * run->d_y.ld}};
    if (run->tail) {
        next.at[2] = run->tail->y.data + begin[1] * run->tail->y.ld;
        next.end[2] = run->tail->y.data + end[1] * run->tail->y.ld;
    }
    ptrdiff_t lines = 0;
    for (int i = 0; i < 3; i++) lines += (next.end[i] - next.at[i]) / LINE_FLOATS;
    int calls = used_blocks * p->conv.kernel * split_evenly(p->depth * p->conv.kernel, YT_MR2).parts;
    next.lines = (int)(lines / (calls * (1 + p->unit_pixels / FETCH_PIXELS))) + 1;
    return next;
}

/* d_y of a unit and block as [pixel][lane]; every value of d_y comes by here once, and then is complete. */
static void pack_gradient(const weights_run *run, const weight_unit *unit, int block, float *packed) {
    const weights_plan *p = &run->plan;
    int first = block_first(p->blocks, block), vectors = block_vectors(p->blocks, block);
    int lanes = block_lanes(p->blocks, block);
    ptrdiff_t pixels = (ptrdiff_t)unit->rows * unit->columns;
    float *d = run->d_y.data + unit->first_pixel * run->d_y.ld + first;
    if (!run->tail) {
        pack_rows(d, run->d_y.ld, pixels, vectors, lanes, packed);
        return;
    }
    const float *y = run->tail->y.data + unit->first_pixel * run->tail->y.ld + first;
    finish_and_pack(run->tail, first, d, run->d_y.ld, y, pixels, vectors, lanes, packed);
}

static void weights_item(const weights_run *run, int chunk, int split, float *packed, float *buffer) {
    const weights_plan *p = &run->plan;
    int first = p->blocks.count * split / p->splits, last = p->blocks.count * (split + 1) / p->splits;
    float *acc = run->accumulators + (size_t)chunk * accumulator_floats(p);
    float *sums = run->bias_sums + (size_t)chunk * (size_t)p->blocks.padded;
    size_t end = last == p->blocks.count ? accumulator_floats(p) : block_offset(p, last);
    memset(acc + block_offset(p, first), 0, (end - block_offset(p, first)) * sizeof(float));
    for (int block = first; block < last; block++)
        memset(sums + block_first(p->blocks, block), 0, (size_t)block_vectors(p->blocks, block) * sizeof(vf));
    int unit_end = (int)item_begin((size_t)p->units, p->chunks, chunk + 1);
    for (int u = (int)item_begin((size_t)p->units, p->chunks, chunk); u < unit_end; u++) {
        weight_unit unit = p->flat ? flat_unit(run, u) : band_unit(run, u, buffer);
        ptrdiff_t pixels = (ptrdiff_t)unit.rows * unit.columns;
        prefetcher next = {0};
        if (p->prefetch && u + 1 < unit_end) next = memory_of_unit(run, u + 1, last - first);
        for (int block = first; block < last; block++) {
            int vectors = block_vectors(p->blocks, block);
            pack_gradient(run, &unit, block, packed);
            unit_gradient(p, &unit, vectors, packed, acc + block_offset(p, block), next.lines ? &next : NULL);
            if (run->d_bias) add_columns(packed, pixels, vectors, sums + block_first(p->blocks, block));
        }
    }
}

/* d_w of one tap and block += its accumulators, chunk by chunk. */
static void add_chunks(const weights_run *run, int block, int tap) {
    const weights_plan *p = &run->plan;
    int vectors = block_vectors(p->blocks, block), lanes = block_lanes(p->blocks, block);
    size_t stride = accumulator_floats(p), width = (size_t)vectors * YT_VL;
    const float *acc = run->accumulators + block_offset(p, block) + (size_t)tap * (size_t)p->depth * width;
    float *d_w = run->d_w + (ptrdiff_t)tap * p->depth * p->conv.cout + block_first(p->blocks, block);
    for (int i = 0; i < p->depth; i++, acc += width, d_w += p->conv.cout)
        for (int j = 0; j < vectors; j++) {
            vf sum = load(acc + j * YT_VL);
            for (int chunk = 1; chunk < p->chunks; chunk++)
                sum += load(acc + (size_t)chunk * stride + j * YT_VL);
            int rest = lanes - j * YT_VL;
            float *to = d_w + j * YT_VL;
            if (rest >= YT_VL)
                store(to, load(to) + sum);
            else
                store_part(to, load_part(to, rest) + sum, rest);
        }
}

/* d_w and d_bias of one group; d_w points at the group's first output channel. */
static void weight_gradient(const weights_plan *plan, const yti_tensor *x, const yti_tensor *d_y,
                            const yti_norm_tail *tail, float *d_w, float *d_bias, const yti_scratch *scratch) {
    weights_run run = {.plan = *plan, .x = *x, .d_y = *d_y, .tail = tail, .d_w = d_w, .d_bias = d_bias};
    carve_weights(&run, scratch->data, scratch->threads);
    int taps = plan->conv.kernel * plan->conv.kernel;
    size_t packed = (size_t)plan->unit_pixels * PANEL;
    size_t buffer = whole_lines(weight_band_floats(plan) * sizeof(float)) / sizeof(float);
#pragma omp parallel num_threads(scratch->threads)
    {
#pragma omp for schedule(dynamic)
        for (int i = 0; i < plan->chunks * plan->splits; i++)
            weights_item(&run, i / plan->splits, i % plan->splits, run.packed + (size_t)thread_id() * packed,
                         run.bands + (size_t)thread_id() * buffer);
#pragma omp for schedule(dynamic)
        for (int i = 0; i < plan->blocks.count * taps; i++) add_chunks(&run, i / taps, i % taps);
    }
    for (int o = 0; d_bias && o < plan->width; o++)
        for (int chunk = 0; chunk < plan->chunks; chunk++)
            d_bias[o] += run.bias_sums[(size_t)chunk * (size_t)plan->blocks.padded + (size_t)o];
}
