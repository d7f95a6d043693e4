/* muon.c: steps along an orthogonalised momentum (Muon; Jordan et al. 2024), the part of MuSGD for matrices.
 *
 *     m = mu m + (1 - mu) g;   u = mu m + (1 - mu) g;   p -= 0.2 lr orth(u)
 *     orth: X = u / (|u| + 1e-7), then five times  A = X^T X,  X = X P,  P = a I + b A + c A A
 *
 * The tall X is multiplied once. Every P is a polynomial of the first A, so all of them are symmetric and commute: with
 * X P for X, A becomes P A P, and the product Q of the five P is collected in small squares of which only half is
 * computed. |u|^2 is the trace of the first A. For YOLO26n that is 2.2 instead of 3.3 billion multiplications. The
 * errors of float are larger where singular values are tiny: 4e-4 of the result at most for values down to 1e-7 of the
 * largest, where the reference trainer, rounding to bfloat16, makes 2e-1.
 *
 * The reference trainer means the matrix (out, in * kh * kw) of a convolution; in memory its weights are
 * [kh][kw][in][out], the transpose of that with its rows in another order. orth is an odd polynomial, so orth(P u^T) =
 * P orth(u)^T for any permutation P: the weights are worked on as they lie, and the factor sqrt(max(1, kh / kw)) of the
 * reference trainer is 1, kernels being square. Nor does it matter from which side the polynomial multiplies, so the
 * Gram matrix is that of the shorter side, wide matrices being transposed.
 *
 * The quintic does not converge: singular values from 0.01 up end between about 0.7 and 1.2, which is near enough to 1
 * for the purpose and takes five steps only.
 */
#include "base/carve.h"
#include "optim/muon.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { STEPS = 5, BAND = 128 /* rows of X that are multiplied at a time */ };
static const float A = 3.4445f, B = -4.7750f, C = 2.0315f; /* spec training 4.4 */
static const float RATE = 0.2f;                            /* of lr; spec training 4.3 */

/* A matrix with its shorter side as columns. */
typedef struct tall_form {
    int length, side;
    bool turned; /* its rows are the columns of the matrix */
} tall_form;

static tall_form tall_form_of(int rows, int cols) {
    return rows >= cols ? (tall_form){rows, cols, false} : (tall_form){cols, rows, true};
}

enum { SQUARES = 4 };

typedef struct work_areas {
    float *x, *band;        /* length x side, BAND x side */
    float *square[SQUARES]; /* side x side */
    void *scratch;
} work_areas;

static float *take(yti_carver *carver, size_t rows, size_t side) {
    return yti_carve(carver, rows * side + YT_READ_SLACK, 1, sizeof(float));
}

/* Cuts a block into areas, with the slack that kernels may read; returns its size. base NULL: only counts. */
static size_t lay_out(void *base, tall_form form, work_areas *areas) {
    yti_carver carver = {.base = base};
    const size_t side = (size_t)form.side;
    areas->x = take(&carver, (size_t)form.length, side);
    areas->band = take(&carver, BAND, side);
    for (int i = 0; i < SQUARES; i++) areas->square[i] = take(&carver, side, side);
    areas->scratch = yti_carve(&carver, yti_kernels_get()->matrix_scratch(form.side, form.side), 1, 1);
    return carver.used;
}

size_t yti_muon_bytes(int rows, int cols) {
    work_areas areas;
    return lay_out(NULL, tall_form_of(rows, cols), &areas);
}

double yti_muon_work(int rows, int cols) {
    tall_form form = tall_form_of(rows, cols);
    double length = form.length, side = form.side;
    return (1.5 * length + 8.5 * side) * side * side;
}

/* gram becomes that of X / (|X| + 1e-7); returns the factor. */
static float normalise(float *gram, size_t side) {
    double trace = 0;
    for (size_t i = 0; i < side; i++) trace += (double)gram[i * side + i];
    float factor = (float)(1 / (sqrt(trace) + 1e-7));
    for (size_t i = 0; i < side * side; i++) gram[i] = gram[i] * factor * factor;
    return factor;
}

/* square = A I + B gram + C square */
static void polynomial(float *square, const float *gram, size_t side) {
    for (size_t i = 0; i < side * side; i++) square[i] = B * gram[i] + C * square[i];
    for (size_t i = 0; i < side; i++) square[i * side + i] += A;
}

/* The matrix that makes orth(X) of X / (|X| + 1e-7), which *factor makes of X. */
static const float *find_multiplier(const work_areas *areas, tall_form form, float *factor) {
    const yti_kernels *k = yti_kernels_get();
    const int side = form.side;
    const size_t n = (size_t)side;
    float *gram = areas->square[0], *p = areas->square[1], *spare = areas->square[2], *q = areas->square[3];
    k->gram(areas->x, form.length, side, gram, areas->scratch);
    *factor = normalise(gram, n);
    for (int i = 0; i < STEPS; i++) {
        k->symmetric_product(gram, gram, side, p, areas->scratch);
        polynomial(p, gram, n);
        if (i < STEPS - 1) {
            k->symmetric_product(gram, p, side, spare, areas->scratch);
            k->symmetric_product(spare, p, side, gram, areas->scratch);
        }
        if (i == 0) {
            memcpy(q, p, n * n * sizeof *q);
            continue;
        }
        k->symmetric_product(q, p, side, spare, areas->scratch);
        float *former = q;
        q = spare;
        spare = former;
    }
    return q;
}

/* p += rate * rows [first, first + count) of the tall form. */
static void add_band(const float *band, tall_form form, int first, int count, float rate, float *p) {
    ptrdiff_t side = form.side;
    if (!form.turned) {
        p += first * side;
        for (ptrdiff_t i = 0; i < count * side; i++) p[i] += rate * band[i];
        return;
    }
    p += first;
    for (ptrdiff_t j = 0; j < side; j++)
        for (ptrdiff_t i = 0; i < count; i++) p[j * form.length + i] += rate * band[i * side + j];
}

/* p += rate * orth(X) */
static void add_orthogonal(const work_areas *areas, tall_form form, float rate, float *p) {
    float factor;
    const float *q = find_multiplier(areas, form, &factor);
    for (int first = 0; first < form.length; first += BAND) {
        int count = form.length - first < BAND ? form.length - first : BAND;
        yti_kernels_get()->matmul(areas->x + (ptrdiff_t)first * form.side, count, form.side, q, form.side, areas->band,
                                  areas->scratch);
        add_band(areas->band, form, first, count, rate * factor, p);
    }
}

void yti_muon_step(yti_muon_matrix matrix, float scale, float lr, float momentum, void *work) {
    const int rows = matrix.rows, cols = matrix.cols;
    float *m = matrix.m;
    tall_form form = tall_form_of(rows, cols);
    work_areas areas;
    lay_out(work, form, &areas);
    const ptrdiff_t row = form.turned ? 1 : cols, column = form.turned ? rows : 1;
    const float fresh = (1 - momentum) * scale;
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t c = 0; c < cols; c++) {
            ptrdiff_t i = r * cols + c;
            m[i] = momentum * m[i] + fresh * matrix.g[i];
            areas.x[r * row + c * column] = momentum * m[i] + fresh * matrix.g[i];
        }
    }
    add_orthogonal(&areas, form, -RATE * lr, matrix.p);
}
