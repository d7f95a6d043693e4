/* matrix_ref.inl: the products of row-major, tightly packed matrices. YT_REAL: see conv_ref.inl. */

static void ref_gram(const YT_REAL *x, int rows, int cols, YT_REAL *a, void *scratch) {
    (void)scratch;
    for (ptrdiff_t i = 0; i < cols; i++)
        for (ptrdiff_t j = 0; j < cols; j++) {
            double sum = 0;
            for (ptrdiff_t r = 0; r < rows; r++) sum += (double)x[r * cols + i] * (double)x[r * cols + j];
            a[i * cols + j] = (YT_REAL)sum;
        }
}

static void ref_matmul(const YT_REAL *x, int rows, int depth, const YT_REAL *b, int cols, YT_REAL *y,
                       void *scratch) {
    (void)scratch;
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < cols; j++) {
            double sum = 0;
            for (ptrdiff_t k = 0; k < depth; k++) sum += (double)x[i * depth + k] * (double)b[k * cols + j];
            y[i * cols + j] = (YT_REAL)sum;
        }
}

static void ref_symmetric_product(const YT_REAL *a, const YT_REAL *b, int side, YT_REAL *c, void *scratch) {
    ref_matmul(a, side, side, b, side, c, scratch);
}
