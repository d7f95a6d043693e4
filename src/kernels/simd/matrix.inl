/* matrix.inl: products of row-major, tightly packed matrices, from the tile kernels.
 *
 *   matmul             b is packed into panels of lanes [block][row][lane].
 *   symmetric_product  the same, but only down to the diagonal; what lies below it is its mirror image.
 *   gram               the rows of x pass by in stretches, packed into panels of 24 KiB (AVX2); sums down to the diagonal are kept in blocks [block][row of a][lane].
 *
 * They run on the caller's thread alone: Newton-Schulz has many small matrices, one for each thread.
 */

enum { GRAM_STRETCH = 256 };

/* The packed matrix of a product, or the sums and one packed stretch of gram. */
static size_t matrix_scratch(int rows, int cols) {
    size_t padded = (size_t)blocks_of(cols).padded, product = (size_t)rows * padded;
    size_t gram = (size_t)cols * padded + (size_t)GRAM_STRETCH * PANEL;
    return whole_lines((product > gram ? product : gram) * sizeof(float));
}

static void matmul(const float *x, int rows, int depth, const float *b, int cols, float *y, void *scratch) {
    pack_panels(pack_rows, b, cols, depth, cols, 1, scratch);
    multiply(x, depth, depth, scratch, cols, y, cols, rows, false);
}

/* One past the last column of a block, and one past the last row of the diagonal in it. */
static int block_end(channel_blocks all, int block) {
    return block_first(all, block) + block_lanes(all, block);
}

/* a[j][i] = a[i][j] for i < j, in strips whose lines stay in a first-level cache. */
static void mirror(float *a, ptrdiff_t side) {
    enum { STRIP = 16 };
    for (ptrdiff_t top = 0; top < side; top += STRIP)
        for (ptrdiff_t j = top + 1; j < side; j++) {
            const float *from = a + top * side + j;
            float *to = a + j * side + top;
            if (j >= top + STRIP)
                for (int i = 0; i < STRIP; i++) to[i] = from[i * side];
            else
                for (int i = 0; i < j - top; i++) to[i] = from[i * side];
        }
}

static void symmetric_product(const float *a, const float *b, int side, float *c, void *scratch) {
    static const float no_bias[PANEL];
    channel_blocks all = blocks_of(side);
    tile_job job = {
        .x_step = side, .runs_y = 1, .runs_x = 1, .length = side, .bias = no_bias, .y_step = side};
    for (int block = 0; block < all.count; block++) {
        int first = block_first(all, block), vectors = block_vectors(all, block);
        job.lanes = block_lanes(all, block);
        job.panel = scratch;
        pack_rows(b + first, side, side, vectors, job.lanes, scratch);
        run_tiles(&job, vectors, a, c + first, block_end(all, block));
    }
    mirror(c, side);
}

static void gram(const float *x, int rows, int cols, float *a, void *scratch) {
    channel_blocks all = blocks_of(cols);
    float *sums = scratch, *panel = sums + (ptrdiff_t)cols * all.padded;
    memset(sums, 0, (size_t)cols * (size_t)all.padded * sizeof(float));
    for (int row = 0; row < rows; row += GRAM_STRETCH, x += (ptrdiff_t)GRAM_STRETCH * cols) {
        outer_job job = {
            .x_step = cols, .rows = 1, .pixels = rows - row < GRAM_STRETCH ? rows - row : GRAM_STRETCH};
        for (int block = 0; block < all.count; block++) {
            int first = block_first(all, block), vectors = block_vectors(all, block);
            pack_rows(x + first, cols, job.pixels, vectors, block_lanes(all, block), panel);
            run_outer(&job, vectors, x, panel, sums + (ptrdiff_t)first * cols, block_end(all, block));
        }
    }
    for (int block = 0; block < all.count; block++) {
        int first = block_first(all, block), width = block_vectors(all, block) * YT_VL;
        const float *from = sums + (ptrdiff_t)first * cols;
        for (ptrdiff_t i = 0; i < block_end(all, block); i++)
            memcpy(a + i * cols + first, from + i * width, (size_t)block_lanes(all, block) * sizeof(float));
    }
    mirror(a, cols);
}
