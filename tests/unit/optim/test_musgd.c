/* Tests of src/optim/muon.c and of MuSGD: what orthogonalisation promises, and whole steps against NumPy. */
#include "base/rng.h"
#include "kernels/kernels.h"
#include "optim/muon.h"
#include "optim/optim.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- orthogonalisation ---- */

/* From a step without momentum whose rate is 1 once the rule has taken its fifth of it. */
static float *orthogonalised(const float *x, int rows, int cols) {
    size_t count = (size_t)rows * (size_t)cols;
    float *f = calloc(count + YT_READ_SLACK, sizeof *f), *m = calloc(count, sizeof *m);
    size_t bytes = yti_muon_bytes(rows, cols);
    unsigned char *work = aligned_alloc(64, bytes + 64);
    cr_assert(f && m && work);
    memset(work, 0xFF, bytes + 64); /* holds NaN where it is read unwritten, and shows an overrun */
    yti_muon_step((yti_muon_matrix){f, x, m, rows, cols}, 1, -5, 0, work);
    for (size_t i = 0; i < 64; i++) cr_assert_eq(work[bytes + i], 0xFF, "wrote past the working memory");
    free(work);
    free(m);
    return f;
}

static float *bell_matrix(int rows, int cols) {
    size_t count = (size_t)rows * (size_t)cols;
    yti_rng rng = yti_rng_make(14, 0, (uint64_t)rows, YT_RNG_TEST);
    float *x = malloc((count + YT_READ_SLACK) * sizeof *x);
    cr_assert_not_null(x);
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (int k = 0; k < 4; k++) sum += yti_rng_uniform(&rng, -1, 1);
        x[i] = (float)sum;
    }
    return x;
}

/* Matrices are [rows][cols] with strides, so that a transpose is a matrix too. */
typedef struct view {
    const float *x;
    int rows, cols;
    ptrdiff_t row, col;
} view;

static double at(view m, int i, int j) {
    return (double)m.x[i * m.row + j * m.col];
}

/* The matrix with its shorter side as columns. */
static view tall_view(const float *x, int rows, int cols) {
    return rows >= cols ? (view){x, rows, cols, cols, 1} : (view){x, cols, rows, 1, cols};
}

/* c[i][j] = column i of a . column j of b */
static double *column_products(view a, view b) {
    double *c = calloc((size_t)a.cols * (size_t)a.cols, sizeof *c);
    cr_assert_not_null(c);
    for (int i = 0; i < a.cols; i++)
        for (int j = 0; j < a.cols; j++)
            for (int r = 0; r < a.rows; r++) c[i * a.cols + j] += at(a, r, i) * at(b, r, j);
    return c;
}

/* One rotation of Jacobi's method that makes element (p, q) of the symmetric matrix vanish. */
static void rotate(double *a, int n, int p, int q) {
    if (a[p * n + q] == 0) return;
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < n; k++) {
        double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y, a[k * n + q] = s * x + c * y;
    }
    for (int k = 0; k < n; k++) {
        double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y, a[q * n + k] = s * x + c * y;
    }
}

/* The smallest and largest singular value: roots of the eigenvalues of the matrix of column products. */
static void singular_values(view m, double *least, double *most) {
    double *a = column_products(m, m);
    int n = m.cols;
    for (int sweep = 0; sweep < 12; sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) rotate(a, n, p, q);
    *least = (double)INFINITY, *most = 0;
    for (int i = 0; i < n; i++) {
        double value = sqrt(a[i * n + i]);
        if (!(value >= *least)) *least = value;
        if (!(value <= *most)) *most = value;
    }
    free(a);
}

/* Tall, wide, square, a single column, a single row; sides around those of tiles and vectors. */
static const int SHAPES[][2] = {{64, 32}, {9, 128}, {144, 16}, {1, 5}, {7, 1}, {48, 24}, {27, 16}, {300, 33}};
enum { N_SHAPES = sizeof SHAPES / sizeof SHAPES[0] };

Test(muon, singular_values_end_around_one) {
    for (int i = 0; i < N_SHAPES; i++) {
        int rows = SHAPES[i][0], cols = SHAPES[i][1];
        float *x = bell_matrix(rows, cols), *f = orthogonalised(x, rows, cols);
        double least, most;
        singular_values(tall_view(f, rows, cols), &least, &most);
        cr_assert(least >= 0.68 && most <= 1.2, "%d x %d: singular values %g to %g", rows, cols, least, most);
        free(x);
        free(f);
    }
}

/* With X = U S V^T and the result U T V^T, X^T (U T V^T) = V (S T) V^T is symmetric with positive diagonal. Errors:
 * five rounds of float sums over at most 300 terms. */
Test(muon, singular_vectors_stay) {
    for (int i = 0; i < N_SHAPES; i++) {
        int rows = SHAPES[i][0], cols = SHAPES[i][1];
        float *x = bell_matrix(rows, cols), *f = orthogonalised(x, rows, cols);
        view a = tall_view(x, rows, cols), b = tall_view(f, rows, cols);
        double *c = column_products(a, b), scale = 0;
        for (int p = 0; p < a.cols; p++) scale = fmax(scale, c[p * a.cols + p]);
        for (int p = 0; p < a.cols; p++) {
            cr_assert(c[p * a.cols + p] > 0, "%d x %d", rows, cols);
            for (int q = 0; q < p; q++)
                cr_assert(test_near(c[p * a.cols + q], c[q * a.cols + p], 1e-5 * scale), "%d x %d: %g and %g", rows,
                          cols, c[p * a.cols + q], c[q * a.cols + p]);
        }
        free(c);
        free(x);
        free(f);
    }
}

Test(muon, size_and_order_of_rows_do_not_matter) {
    enum { ROWS = 20, COLS = 6 };
    float *x = bell_matrix(ROWS, COLS), *f = orthogonalised(x, ROWS, COLS);
    float *turned = malloc((ROWS * COLS + YT_READ_SLACK) * sizeof *turned);
    for (int i = 0; i < ROWS * COLS; i++) turned[i] = 1000 * x[(ROWS - 1 - i / COLS) * COLS + i % COLS];
    float *g = orthogonalised(turned, ROWS, COLS);
    for (int i = 0; i < ROWS * COLS; i++)
        cr_assert(test_near((double)g[i], (double)f[(ROWS - 1 - i / COLS) * COLS + i % COLS], 1e-5));
    free(x);
    free(f);
    free(g);
    free(turned);
}

Test(muon, nothing_stays_nothing) {
    static const float zero[6 * 4 + YT_READ_SLACK];
    float *f = orthogonalised(zero, 6, 4);
    for (int i = 0; i < 24; i++) cr_assert(f[i] == 0);
    free(f);
}

/* ---- whole steps ---- */

/* tools/oracle/musgd_steps.py: three steps in double, in the order of files. tall: (3, 2, 2, 2), in memory 8 x 3;
 * wide: (8, 1, 2, 2), depth-wise, in memory 4 x 8. */
/* clang-format off */
static const double tall[] = {
    0.916690612, 0.663620844, 0.197941346, -0.388921299, -0.907396845, -1.0322938, -0.57491173, 0.237819108,
    0.886911105, 1.00685999, 0.644757533, 0.0868152419, -0.445989666, -0.841145676, -0.94524276,
    -0.58860174, 0.158167386, 0.875283796, 1.09078627, 0.700864061, 0.02182924, -0.553386091, -0.847814191,
    -0.846609411};
static const double tall_muon[] = {
    0.204528326, 0.232320037, -0.0802376503, -0.275246992, -0.0670188453, 0.239392066, 0.19509304,
    -0.135017747, -0.267327218, -0.00800168852, 0.263046334, 0.148730861, -0.183475672, -0.246889915,
    0.0513901453, 0.274383523, 0.0954043964, -0.223342394, -0.214892054, 0.108375649, 0.272872772,
    0.0376106452, -0.252751165, -0.172831926};
static const double tall_sgd[] = {
    1.69291513, 1.26972129, -0.993351591, -1.79665853, 0.0187668419, 1.78173317, 0.909643422, -1.30806626,
    -1.60452328, 0.47019881, 1.88257127, 0.556948168, -1.58054144, -1.41629346, 0.797716472, 1.81841688,
    0.162534481, -1.72607352, -1.06515168, 1.18270137, 1.71757438, -0.260180048, -1.8709082, -0.766001356};
static const double wide[] = {
    0.917098774, 0.664384169, 0.197941562, -0.389684509, -0.908041986, -1.03192511, -0.574069341,
    0.237901095, 0.886364851, 1.00675444, 0.64524732, 0.0871828227, -0.446246857, -0.841408529,
    -0.945126195, -0.588276525, 0.158372103, 0.87463889, 1.09023653, 0.701214857, 0.0227629416,
    -0.553459866, -0.848787363, -0.84705628, -0.522244114, 0.109908328, 0.798979702, 1.10843447,
    0.785651961, 0.038264551, -0.64594207, -0.927814593};
static const double wide_muon[] = {
    0.204528326, 0.232320037, -0.0802376503, -0.275246992, -0.0670188453, 0.239392066, 0.19509304,
    -0.135017747, -0.267327218, -0.00800168852, 0.263046334, 0.148730861, -0.183475672, -0.246889915,
    0.0513901453, 0.274383523, 0.0954043964, -0.223342394, -0.214892054, 0.108375649, 0.272872772,
    0.0376106452, -0.252751165, -0.172831926, 0.160286489, 0.258584823, -0.021944215, -0.270324926,
    -0.122678987, 0.204691955, 0.232188704, -0.0804715428};
static const double wide_sgd[] = {
    1.69292094, 1.26973574, -0.993349666, -1.79667195, 0.0187526517, 1.78173667, 0.909659484, -1.30806116,
    -1.60453299, 0.470193678, 1.88257824, 0.556957026, -1.58054399, -1.41629747, 0.797716875, 1.8184211,
    0.162539567, -1.72608222, -1.06516141, 1.18270486, 1.71759143, -0.260179051, -1.87092472, -0.766011188,
    1.43662389, 1.52238922, -0.616334841, -1.83102637, -0.33680299, 1.67021571, 1.2335457, -1.02478455};
/* clang-format on */

/* File order [out][in][kh][kw] to memory order [kh][kw][in][out], written independently of src/model. */
static int memory_index(int i, int out, int in) {
    int x = i % 2, y = i / 2 % 2, c = i / 4 % in, o = i / 4 / in;
    return ((y * 2 + x) * in + c) * out + o;
}

static void expect_values(const char *what, const float *got, const double *want, int out, int in) {
    for (int i = 0; i < out * in * 4; i++) {
        double value = (double)got[memory_index(i, out, in)];
        cr_assert(test_near(value, want[i], 2e-6), "%s %d: %.9g, not %.9g", what, i, value, want[i]);
    }
}

static void expect_steps(int out, int in, const double *p_want, const double *muon, const double *sgd) {
    enum { ROOM = 32 + YT_READ_SLACK };
    static const float momenta[] = {0.8f, 0.85f, 0.9f};
    const size_t count = (size_t)out * (size_t)in * 4;
    const yti_param_span span = {0, count, YT_GROUP_FAST_WEIGHT, (size_t)out};
    yti_optimizer *o = NULL;
    cr_assert_eq(yti_optimizer_create(YT_OPTIM_MUSGD, count, &span, 1, 0.01f, 2, &o, NULL), YT_OK);
    float p[ROOM] = {0}, g[ROOM] = {0}, lr[YT_GROUP_COUNT] = {0};
    lr[YT_GROUP_FAST_WEIGHT] = 0.02f;
    for (int i = 0; i < (int)count; i++) p[memory_index(i, out, in)] = (float)cos(0.7 * i);
    for (int t = 0; t < 3; t++) {
        for (int i = 0; i < (int)count; i++) g[memory_index(i, out, in)] = (float)(4 * sin(1.3 * i + t));
        yti_optimizer_step(o, p, g, 0.25f, lr, momenta[t]);
    }
    const char *name;
    float *state;
    expect_values("weight", p, p_want, out, in);
    cr_assert(yti_optimizer_state(o, 0, &name, &state) && strcmp(name, "momentum") == 0);
    expect_values(name, state, sgd, out, in);
    cr_assert(yti_optimizer_state(o, 1, &name, &state) && strcmp(name, "muon_momentum") == 0);
    expect_values(name, state, muon, out, in);
    yti_optimizer_destroy(o);
}

Test(musgd, steps_of_tall_matrices_are_those_of_the_rule) {
    expect_steps(3, 2, tall, tall_muon, tall_sgd);
}

Test(musgd, steps_of_wide_matrices_are_those_of_the_rule) {
    expect_steps(8, 1, wide, wide_muon, wide_sgd);
}

Test(musgd, what_is_no_matrix_takes_steps_of_sgd) {
    static const yti_param_span spans[] = {{0, 3, YT_GROUP_NORM, 0}, {3, 3, YT_GROUP_BIAS, 0}};
    static const float lr[YT_GROUP_COUNT] = {0.1f, 0.2f, 0.3f};
    float p[6 + YT_READ_SLACK] = {1, 2, 3, 4, 5, 6}, q[6 + YT_READ_SLACK] = {1, 2, 3, 4, 5, 6};
    const float g[6 + YT_READ_SLACK] = {0.1f, -0.2f, 0.3f, -0.4f, 0.5f, -0.6f};
    yti_optimizer *musgd = NULL, *sgd = NULL;
    cr_assert_eq(yti_optimizer_create(YT_OPTIM_MUSGD, 6, spans, 2, 0.1f, 1, &musgd, NULL), YT_OK);
    cr_assert_eq(yti_optimizer_create(YT_OPTIM_SGD, 6, spans, 2, 0.1f, 1, &sgd, NULL), YT_OK);
    for (int t = 0; t < 3; t++) {
        yti_optimizer_step(musgd, p, g, 1, lr, 0.9f);
        yti_optimizer_step(sgd, q, g, 1, lr, 0.9f);
    }
    cr_assert(memcmp(p, q, 6 * sizeof *p) == 0 && p[0] != 1);
    yti_optimizer_destroy(musgd);
    yti_optimizer_destroy(sgd);
}
