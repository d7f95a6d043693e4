/* matrix.inl: products of row-major, tightly packed matrices, from the tile kernels.
 *
 *   gram    x is packed into panels of lanes [block][row][lane]. An item is one block of columns of a and a
 *           few of its rows, which stay in registers while the rows of x pass by; a is symmetric, so only
 *           rows up to the block's last column are computed, and mirrored.
 *   matmul  b is packed into panels; an item is a range of rows of y.
 */

enum {
    GRAM_ROWS = 4 * YT_MR2, /* rows of a per item: a whole number of the tallest tiles */
    GRAM_STRETCH = 256,     /* rows of x at a time, so that their panel stays in a first-level cache */
    MATMUL_ROWS = 128
};

/* The larger of the packed operands. */
static size_t matrix_scratch(int rows, int cols) {
    int depth = rows > cols ? rows : cols;
    return whole_lines((size_t)depth * (size_t)blocks_of(cols).padded * sizeof(float));
}

static void pack_block(const float *from, int rows, int cols, int block, float *panels) {
    channel_blocks all = blocks_of(cols);
    int first = block_first(all, block);
    pack_rows(from + first, cols, rows, block_vectors(all, block), block_lanes(all, block),
              panels + (ptrdiff_t)first * rows);
}

/* Rows [first, first + count) of the block's columns of a, and their mirror image. */
static void gram_item(const float *x, int rows, int cols, const float *panels, int block, int first,
                      int count, float *a) {
    float acc[GRAM_ROWS * PANEL] = {0};
    channel_blocks all = blocks_of(cols);
    int vectors = block_vectors(all, block), width = vectors * YT_VL, begin = block_first(all, block);
    const float *panel = panels + (ptrdiff_t)begin * rows;
    for (int r = 0; r < rows; r += GRAM_STRETCH) {
        outer_job job = {
            .x_step = cols, .rows = 1, .pixels = rows - r < GRAM_STRETCH ? rows - r : GRAM_STRETCH};
        run_outer(&job, vectors, x + (ptrdiff_t)r * cols + first, panel + (ptrdiff_t)r * width, acc, count);
    }
    for (int i = 0; i < count; i++)
        for (int lane = 0; lane < block_lanes(all, block); lane++) {
            ptrdiff_t row = first + i, column = begin + lane;
            if (row > column) continue;
            a[row * cols + column] = a[column * cols + row] = acc[i * width + lane];
        }
}

static void gram(const float *x, int rows, int cols, float *a, const yt_scratch *scratch) {
    float *panels = scratch->data;
    channel_blocks all = blocks_of(cols);
    int blocks = all.count, parts = (cols + GRAM_ROWS - 1) / GRAM_ROWS;
#pragma omp parallel num_threads(scratch->threads)
    {
#pragma omp for schedule(static)
        for (int block = 0; block < blocks; block++) pack_block(x, rows, cols, block, panels);
#pragma omp for schedule(dynamic)
        for (int item = 0; item < blocks * parts; item++) {
            int block = item / parts, first = item % parts * GRAM_ROWS;
            int end = block_first(all, block) + block_lanes(all, block); /* below it lies the mirrored half */
            int count = end - first < GRAM_ROWS ? end - first : GRAM_ROWS;
            if (count > 0) gram_item(x, rows, cols, panels, block, first, count, a);
        }
    }
}

static void matmul(const float *x, int rows, int depth, const float *b, int cols, float *y,
                   const yt_scratch *scratch) {
    float *panels = scratch->data;
    int blocks = blocks_of(cols).count, items = (rows + MATMUL_ROWS - 1) / MATMUL_ROWS;
#pragma omp parallel num_threads(scratch->threads)
    {
#pragma omp for schedule(static)
        for (int block = 0; block < blocks; block++) pack_block(b, depth, cols, block, panels);
#pragma omp for schedule(static)
        for (int item = 0; item < items; item++) {
            ptrdiff_t begin = item_begin((size_t)rows, items, item);
            int count = (int)(item_begin((size_t)rows, items, item + 1) - begin);
            multiply(x + begin * depth, depth, depth, panels, cols, y + begin * cols, cols, count, false);
        }
    }
}
