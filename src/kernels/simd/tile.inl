/* tile.inl: the inner loops of every matrix-like product.
 *
 * A tile is MR pixels x NV vectors of channels, held in registers. Two kernels:
 *
 *   tile_*   y[i][lanes] = bias[lanes] + sum over runs r, k < length of x[i*x_step + run(r) + k] * panel[r][k][lanes]
 *            Every convolution, forward and backward-data, the products of attention and of matrices. A run is memory that is
 *            contiguous for all of k: the whole cin of a 1x1, the (kw, ci) of one row of a 3x3.
 *   outer_*  acc[i][lanes] += sum over pixels p of x[p*x_step + i] * d[p][lanes]
 *            Gradients of weights, of attention's keys and values, and Gram matrices.
 *
 * YT_MR3, YT_MR2 and YT_MR1 are the largest MR with three, two and one vectors: the accumulators, one row of the panel
 * and one broadcast value fill the register file (4x3 or 6x2 of 16 registers, 9x3 or 14x2 of 32). Three vectors are
 * best where there are as many: 4x3 loads 7 times for 12 multiply-adds, 6x2 8 times. From the first-level cache both
 * reach the peak, but where a neighbour shares the core (AVX2, a busy virtual machine) 4x3 kept 85 % of it and 6x2 72
 * %, 5x2 61 %, 12x1 60 %. Every MR below is instantiated and a row of pixels is split evenly (40 at most 14 wide: 14,
 * 13, 13), so no tile is nearly empty. Unrolling the loop over k by 4 gained nothing.
 */

enum { PANEL = 3 * YT_VL };                /* lanes of the widest channel block */
enum { LINE_FLOATS = 64 / sizeof(float) }; /* of a cache line, what one request for memory brings */

/* Shifted sums of the values a run of tiles wrote: shift is the first pixel's value, so that the squares do not
 * cancel. Folded into double after each row. */
typedef struct tile_sums {
    float shift[PANEL], sum[PANEL], square[PANEL];
    bool started;
} tile_sums;

typedef struct tile_job {
    ptrdiff_t x_step;       /* floats from one output pixel's window to the next */
    ptrdiff_t run_y, run_x; /* floats between the runs of a window */
    int runs_y, runs_x;
    ptrdiff_t length; /* of a run */
    const float *panel;
    const float *bias; /* PANEL floats */
    ptrdiff_t y_step;
    int lanes; /* channels to write, at most NV * YT_VL */
    bool accumulate;
    bool ahead;      /* windows come from far memory: the next tile's are asked for */
    tile_sums *sums; /* NULL: not wanted */
} tile_job;

/* A block that is not a whole number of vectors: nothing past its lanes is read or written. */
static __attribute__((noinline)) void finish_part(const float *tile, int pixels, int width,
                                                  const tile_job *job, float *y) {
    for (int i = 0; i < pixels; i++, y += job->y_step, tile += width)
        for (int lane = 0; lane < job->lanes; lane++)
            y[lane] = job->accumulate ? y[lane] + tile[lane] : tile[lane];
}

YT_INLINE void add_moments(const int MR, const int NV, const vf *a, tile_sums *sums) {
    YT_UNROLL
    for (int j = 0; j < NV; j++) {
        if (!sums->started) store(sums->shift + j * YT_VL, a[j]);
        vf shift = load(sums->shift + j * YT_VL), sum = {0}, square = {0};
        YT_UNROLL
        for (int i = 0; i < MR; i++) {
            vf d = a[i * NV + j] - shift;
            sum += d;
            square += d * d;
        }
        store(sums->sum + j * YT_VL, load(sums->sum + j * YT_VL) + sum);
        store(sums->square + j * YT_VL, load(sums->square + j * YT_VL) + square);
    }
    sums->started = true;
}

/* Stores a tile. `a` must stay in registers, so its address goes to inlined code only. */
YT_INLINE void finish(const int MR, const int NV, vf *a, const tile_job *job, float *y) {
    if (job->sums) add_moments(MR, NV, a, job->sums);
    if (job->lanes < NV * YT_VL) {
        float tile[28 * YT_VL];
        YT_UNROLL
        for (int i = 0; i < MR * NV; i++) store(tile + i * YT_VL, a[i]);
        finish_part(tile, MR, NV * YT_VL, job, y);
        return;
    }
    ptrdiff_t y_step = job->y_step;
    if (job->accumulate) {
        YT_UNROLL
        for (int i = 0; i < MR; i++) {
            YT_UNROLL
            for (int j = 0; j < NV; j++) a[i * NV + j] += load(y + i * y_step + j * YT_VL);
        }
    }
    YT_UNROLL
    for (int i = 0; i < MR; i++) {
        YT_UNROLL
        for (int j = 0; j < NV; j++) store(y + i * y_step + j * YT_VL, a[i * NV + j]);
    }
}

YT_INLINE void tile(const int MR, const int NV, const tile_job *job, const float *x, float *y, int count) {
    const ptrdiff_t x_step = job->x_step;
    for (int t = 0; t < count; t++, x += MR * x_step, y += MR * job->y_step) {
        const float *w = job->panel;
        vf a[28];
        YT_UNROLL
        for (int i = 0; i < MR * NV; i++) a[i] = load(job->bias + i % NV * YT_VL);
        for (int ry = 0; ry < job->runs_y; ry++)
            for (int rx = 0; rx < job->runs_x; rx++) {
                const float *run = x + ry * job->run_y + rx * job->run_x;
                const float *end = run + job->length;
                while (run < end) {
                    const float *pause = end - run > LINE_FLOATS ? run + LINE_FLOATS : end;
                    if (job->ahead) {
                        YT_UNROLL
                        for (int i = 0; i < MR; i++) __builtin_prefetch(run + (MR + i) * x_step, 0, 2);
                    }
                    for (; run < pause; run++, w += NV * YT_VL) {
                        vf b[3];
                        YT_UNROLL
                        for (int j = 0; j < NV; j++) b[j] = load(w + j * YT_VL);
                        YT_UNROLL
                        for (int i = 0; i < MR; i++) {
                            vf v = splat(run[i * x_step]);
                            YT_UNROLL
                            for (int j = 0; j < NV; j++) a[i * NV + j] += v * b[j];
                        }
                    }
                }
            }
        finish(MR, NV, a, job, y);
    }
}

/* Stretches of memory that will be wanted next. Kernels that run from the caches ask for a few lines of it every
 * FETCH_PIXELS pixels, so that it has arrived in the second-level cache when its turn comes; many lines at once
 * would wait for each other. */
enum { FETCH_PIXELS = 16 };

typedef struct prefetcher {
    const float *at[3], *end[3];
    int lines; /* per request */
} prefetcher;

YT_INLINE void prefetch_some(prefetcher *next) {
    for (int i = 0; i < next->lines; i++) {
        int which = 0;
        while (next->at[which] >= next->end[which])
            if (++which == 3) return;
        __builtin_prefetch(next->at[which], 0, 2);
        next->at[which] += LINE_FLOATS;
    }
}

typedef struct outer_job {
    ptrdiff_t x_step, x_row; /* floats between pixels, between rows of pixels */
    int rows, pixels;        /* d is [rows][pixels][NV * YT_VL], tightly packed */
    prefetcher *next;        /* NULL: none */
} outer_job;

YT_INLINE void outer(const int MR, const int NV, const outer_job *job, const float *x, const float *d,
                     float *acc) {
    const ptrdiff_t x_step = job->x_step;
    vf a[28];
    YT_UNROLL
    for (int i = 0; i < MR * NV; i++) a[i] = (vf){0};
    for (int row = 0; row < job->rows; row++) {
        const float *at = x + row * job->x_row;
        for (int first = 0, end; first < job->pixels; first = end) {
            end = job->next && job->pixels - first > FETCH_PIXELS ? first + FETCH_PIXELS : job->pixels;
            if (job->next) prefetch_some(job->next);
            for (int p = first; p < end; p++, at += x_step, d += NV * YT_VL) {
                vf b[3];
                YT_UNROLL
                for (int j = 0; j < NV; j++) b[j] = load(d + j * YT_VL);
                YT_UNROLL
                for (int i = 0; i < MR; i++) {
                    vf v = splat(at[i]);
                    YT_UNROLL
                    for (int j = 0; j < NV; j++) a[i * NV + j] += v * b[j];
                }
            }
        }
    }
    YT_UNROLL
    for (int i = 0; i < MR * NV; i++) store(acc + i * YT_VL, load(acc + i * YT_VL) + a[i]);
}

#define TILE_KERNEL(MR, NV)                                                                                  \
    static __attribute__((noinline)) void tile_##MR##_##NV(const tile_job *job, const float *x, float *y,    \
                                                           int count) {                                      \
        tile(MR, NV, job, x, y, count);                                                                      \
    }                                                                                                        \
    static __attribute__((noinline)) void outer_##MR##_##NV(const outer_job *job, const float *x,            \
                                                            const float *d, float *acc) {                    \
        outer(MR, NV, job, x, d, acc);                                                                       \
    }

#define UP_TO_4(X, NV)  X(1, NV) X(2, NV) X(3, NV) X(4, NV)
#define UP_TO_6(X, NV)  UP_TO_4(X, NV) X(5, NV) X(6, NV)
#define UP_TO_9(X, NV)  UP_TO_6(X, NV) X(7, NV) X(8, NV) X(9, NV)
#define UP_TO_12(X, NV) UP_TO_9(X, NV) X(10, NV) X(11, NV) X(12, NV)
#define UP_TO_14(X, NV) UP_TO_12(X, NV) X(13, NV) X(14, NV)
#define UP_TO_24(X, NV)                                                                                      \
    UP_TO_14(X, NV)                                                                                          \
    X(15, NV) X(16, NV) X(17, NV) X(18, NV) X(19, NV) X(20, NV) X(21, NV) X(22, NV) X(23, NV) X(24, NV)
#define UP_TO_27(X, NV)        UP_TO_24(X, NV) X(25, NV) X(26, NV) X(27, NV)
#define UP_TO_JOINED(n, X, NV) UP_TO_##n(X, NV)
#define UP_TO(n, X, NV)        UP_TO_JOINED(n, X, NV)

UP_TO(YT_MR3, TILE_KERNEL, 3)
UP_TO(YT_MR2, TILE_KERNEL, 2)
UP_TO(YT_MR1, TILE_KERNEL, 1)

typedef void tile_fn(const tile_job *job, const float *x, float *y, int count);
typedef void outer_fn(const outer_job *job, const float *x, const float *d, float *acc);

#define TILE_ROW(MR, NV)  [MR] = tile_##MR##_##NV,
#define OUTER_ROW(MR, NV) [MR] = outer_##MR##_##NV,
static tile_fn *const tile_table[4][YT_MR1 + 1] = {[1] = {UP_TO(YT_MR1, TILE_ROW, 1)},
                                                   [2] = {UP_TO(YT_MR2, TILE_ROW, 2)},
                                                   [3] = {UP_TO(YT_MR3, TILE_ROW, 3)}};
static outer_fn *const outer_table[4][YT_MR1 + 1] = {[1] = {UP_TO(YT_MR1, OUTER_ROW, 1)},
                                                     [2] = {UP_TO(YT_MR2, OUTER_ROW, 2)},
                                                     [3] = {UP_TO(YT_MR3, OUTER_ROW, 3)}};

/* A stretch of `total` things in the fewest parts of at most `most`: `longer` parts of size + 1, then `parts
 * - longer` of size. */
typedef struct even_split {
    int parts, size, longer;
} even_split;

static even_split split_evenly(int total, int most) {
    int parts = (total + most - 1) / most;
    return (even_split){.parts = parts, .size = total / parts, .longer = total % parts};
}

static int most_rows(int nv) {
    return nv == 3 ? YT_MR3 : nv == 2 ? YT_MR2 : YT_MR1;
}

/* One row of `pixels` output pixels. */
static void run_tiles(const tile_job *job, int nv, const float *x, float *y, int pixels) {
    if (pixels <= 0) return;
    even_split split = split_evenly(pixels, most_rows(nv));
    if (split.longer) {
        tile_table[nv][split.size + 1](job, x, y, split.longer);
        x += (ptrdiff_t)split.longer * (split.size + 1) * job->x_step;
        y += (ptrdiff_t)split.longer * (split.size + 1) * job->y_step;
    }
    tile_table[nv][split.size](job, x, y, split.parts - split.longer);
}

/* acc[window][nv * YT_VL] += x window (outer) d */
static void run_outer(const outer_job *job, int nv, const float *x, const float *d, float *acc, int window) {
    even_split split = split_evenly(window, most_rows(nv));
    for (int part = 0; part < split.parts; part++) {
        int size = split.size + (part < split.longer);
        outer_table[nv][size](job, x, d, acc);
        x += size;
        acc += (ptrdiff_t)size * nv * YT_VL;
    }
}

/* Channels are produced in blocks of three vectors, the last ones of two, so that one vector alone is left only
 * where there is no more: 64 channels of vectors of 8 are 3, 3, 2; 80 are 3, 3, 2, 2; 32 are 2, 2. */
typedef struct channel_blocks {
    int channels, count, threes;
    int padded; /* lanes of all blocks together */
} channel_blocks;

static channel_blocks blocks_of(int channels) {
    int vectors = (channels + YT_VL - 1) / YT_VL;
    int twos = vectors == 1 ? 0 : (3 - vectors % 3) % 3;
    int threes = (vectors - 2 * twos) / 3;
    return (channel_blocks){.channels = channels,
                            .count = vectors == 1 ? 1 : threes + twos,
                            .threes = threes,
                            .padded = vectors * YT_VL};
}

static int block_vectors(channel_blocks all, int block) {
    return all.padded == YT_VL ? 1 : block < all.threes ? 3 : 2;
}

/* Its first channel; for block == count, where the channels end. */
static int block_first(channel_blocks all, int block) {
    int first = (block < all.threes ? 3 * block : 2 * block + all.threes) * YT_VL;
    return first < all.padded ? first : all.padded;
}

static int block_lanes(channel_blocks all, int block) {
    int rest = all.channels - block_first(all, block), width = block_vectors(all, block) * YT_VL;
    return rest < width ? rest : width;
}

/* to[k][lane] = from[k * ld + lane], zeros past `lanes`: a block of columns of a row-major matrix. Rows with enough
 * of the matrix after them are read in whole vectors. */
static void pack_rows(const float *from, ptrdiff_t ld, ptrdiff_t depth, int vectors, int lanes, float *to) {
    int width = vectors * YT_VL;
    ptrdiff_t whole = depth - (width - lanes + ld - 1) / ld;
    float ones[PANEL];
    for (int lane = 0; lane < width; lane++) ones[lane] = lane < lanes ? 1 : 0;
    for (ptrdiff_t k = 0; k < depth; k++, from += ld, to += width) {
        if (lanes == width)
            for (int j = 0; j < vectors; j++) store(to + j * YT_VL, load(from + j * YT_VL));
        else if (k < whole)
            for (int j = 0; j < width; j += YT_VL)
                store(to + j, select(load(ones + j) > 0, load(from + j), splat(0)));
        else
            for (int lane = 0; lane < width; lane++) to[lane] = lane < lanes ? from[lane] : 0;
    }
}

/* to[k][lane] = from[lane * ld + k], zeros past `lanes`: a block of rows, transposed. */
static void pack_columns(const float *from, ptrdiff_t ld, ptrdiff_t depth, int vectors, int lanes,
                         float *to) {
    int width = vectors * YT_VL;
    for (ptrdiff_t k = 0; k < depth; k++, to += width)
        for (int lane = 0; lane < width; lane++) to[lane] = lane < lanes ? from[lane * ld + k] : 0;
}
