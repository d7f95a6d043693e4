/* muon.c: steps along an orthogonalised momentum (Muon; Jordan et al. 2024), the part of MuSGD for matrices.
 *
 *     m = mu m + (1 - mu) g;   u = mu m + (1 - mu) g;   p -= 0.2 lr orth(u)
 *     orth: X = u / (|u| + 1e-7), then five times  A = X^T X,  X = X (a I + b A + c A A)
 *
 * The family means the matrix (out, in * kh * kw) of a convolution; in memory its weights are
 * [kh][kw][in][out], the transpose of that with its rows in another order. orth is an odd polynomial, so
 * orth(P u^T) = P orth(u)^T for any permutation P: the weights are worked on as they lie, and the factor
 * sqrt(max(1, kh / kw)) of the family is 1, kernels being square. Nor does it matter from which side the
 * polynomial multiplies, so the Gram matrix is that of the shorter side, wide matrices being transposed.
 *
 * In float, where the family rounds to bfloat16. Its quintic does not converge: singular values from 0.01 up
 * end between about 0.7 and 1.2, which is near enough to 1 for the purpose and takes five steps only.
 */
#include "optim/muon.h"
#include "yt/kernels.h"

#include <math.h>

enum { STEPS = 5 };
static const float A = 3.4445f, B = -4.7750f, C = 2.0315f; /* spec training 4.4 */
static const float RATE = 0.2f;                            /* of lr; spec training 4.3 */

/* Below this, waking threads costs more than a sweep or a product. */
static const size_t MIN_PARALLEL_FLOATS = 1 << 15, MIN_PARALLEL_PRODUCTS = 1 << 21;

typedef struct work_areas {
    float *x, *y;        /* tall: length x side */
    float *gram, *gram2; /* side x side */
    void *scratch;
} work_areas;

static size_t whole_lines(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

/* Cuts a block into areas, with the slack that kernels may read; returns its size. base NULL: only counts. */
static size_t carve(char *base, size_t length, size_t side, work_areas *areas) {
    size_t tall = whole_lines((length * side + YT_READ_SLACK) * sizeof(float));
    size_t square = whole_lines((side * side + YT_READ_SLACK) * sizeof(float)), used = 0;
    float **all[] = {&areas->x, &areas->y, &areas->gram, &areas->gram2};
    for (int i = 0; i < 4; i++) {
        *all[i] = base ? (float *)(void *)(base + used) : NULL;
        used += i < 2 ? tall : square;
    }
    areas->scratch = base ? base + used : NULL;
    return used + whole_lines(yt_kernels_get()->matrix_scratch((int)length, (int)side));
}

size_t yti_muon_bytes(int rows, int cols) {
    work_areas areas;
    return rows > cols ? carve(NULL, (size_t)rows, (size_t)cols, &areas)
                       : carve(NULL, (size_t)cols, (size_t)rows, &areas);
}

/* X / (|X| + 1e-7) */
static void normalise(float *x, size_t count, int threads) {
    float factor = (float)(1 / (sqrt(yt_kernels_get()->sum_squares(x, count, threads)) + 1e-7));
    for (size_t i = 0; i < count; i++) x[i] *= factor;
}

/* gram = A I + B gram + C gram2 */
static void polynomial(float *gram, const float *gram2, size_t side) {
    for (size_t i = 0; i < side * side; i++) gram[i] = B * gram[i] + C * gram2[i];
    for (size_t i = 0; i < side; i++) gram[i * side + i] += A;
}

/* areas->x becomes orth(x). */
static void orthogonalise_tall(work_areas *areas, int length, int side, int threads) {
    const yt_kernels *kernels = yt_kernels_get();
    size_t count = (size_t)length * (size_t)side;
    yt_scratch scratch = {.data = areas->scratch,
                          .bytes = kernels->matrix_scratch(length, side),
                          .threads = count * (size_t)side < MIN_PARALLEL_PRODUCTS ? 1 : threads};
    normalise(areas->x, count, scratch.threads);
    for (int i = 0; i < STEPS; i++) {
        kernels->gram(areas->x, length, side, areas->gram, &scratch);
        kernels->gram(areas->gram, side, side, areas->gram2, &scratch); /* symmetric: its square */
        polynomial(areas->gram, areas->gram2, (size_t)side);
        kernels->matmul(areas->x, length, side, areas->gram, side, areas->y, &scratch);
        float *former = areas->x;
        areas->x = areas->y;
        areas->y = former;
    }
}

/* Where element (row, column) of a matrix lies in its tall form. */
typedef struct tall_form {
    int length, side;
    ptrdiff_t row, column; /* floats from row to row, from column to column */
} tall_form;

static tall_form tall_form_of(int rows, int cols) {
    if (rows >= cols) return (tall_form){.length = rows, .side = cols, .row = cols, .column = 1};
    return (tall_form){.length = cols, .side = rows, .row = 1, .column = rows};
}

void yti_orthogonalise(float *x, int rows, int cols, void *work, int threads) {
    tall_form form = tall_form_of(rows, cols);
    work_areas areas;
    carve(work, (size_t)form.length, (size_t)form.side, &areas);
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < cols; c++) areas.x[r * form.row + c * form.column] = x[r * cols + c];
    orthogonalise_tall(&areas, form.length, form.side, threads);
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < cols; c++) x[r * cols + c] = areas.x[r * form.row + c * form.column];
}

void yti_muon_step(float *p, const float *g, float *m, int rows, int cols, float scale, float lr,
                   float momentum, void *work, int threads) {
    tall_form form = tall_form_of(rows, cols);
    work_areas areas;
    carve(work, (size_t)form.length, (size_t)form.side, &areas);
    int sweep_threads = (size_t)rows * (size_t)cols < MIN_PARALLEL_FLOATS ? 1 : threads;
    (void)sweep_threads; /* where there is no OpenMP */
    float fresh = (1 - momentum) * scale;
#pragma omp parallel for schedule(static) num_threads(sweep_threads)
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t c = 0; c < cols; c++) {
            ptrdiff_t i = r * cols + c;
            m[i] = momentum * m[i] + fresh * g[i];
            areas.x[r * form.row + c * form.column] = momentum * m[i] + fresh * g[i];
        }
    }
    orthogonalise_tall(&areas, form.length, form.side, threads);
    float rate = RATE * lr;
#pragma omp parallel for schedule(static) num_threads(sweep_threads)
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < cols; c++)
            p[r * cols + c] -= rate * areas.x[r * form.row + c * form.column];
}
