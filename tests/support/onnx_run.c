/* onnx_run.c: operators as plain loops; see onnx_run.h. */
#include "support/onnx_file.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct call {
    const test_onnx *o;
    const node *n;
    const tensor *in[MAX_ENDS]; /* NULL: left out */
    tensor *out[2];
} call;

static int64_t int_of(const call *c, const char *name, int64_t otherwise) {
    const attribute *a = test_onnx_attribute(c->n, name);
    return a ? (int64_t)a->number : otherwise;
}

static int64_t axis_of(const call *c, int64_t otherwise) {
    const int64_t axis = int_of(c, "axis", otherwise);
    return axis < 0 ? axis + c->in[0]->n_dims : axis;
}

/* Elements before an axis, along it, and after it. */
static void around(const tensor *t, int64_t axis, size_t *outer, size_t *along, size_t *inner) {
    *outer = *inner = 1;
    for (int i = 0; i < axis; i++) *outer *= (size_t)t->dims[i];
    *along = (size_t)t->dims[axis];
    for (int i = (int)axis + 1; i < t->n_dims; i++) *inner *= (size_t)t->dims[i];
}

static void run_conv(const call *c) {
    const tensor *x = c->in[0], *w = c->in[1];
    const int64_t *stride = test_onnx_attribute(c->n, "strides")->ints, *pads = test_onnx_attribute(c->n, "pads")->ints,
                  *dilation = test_onnx_attribute(c->n, "dilations")->ints, group = int_of(c, "group", 1);
    const int64_t cin = w->dims[1], cout = w->dims[0], kh = w->dims[2], kw = w->dims[3], h = x->dims[2],
                  wd = x->dims[3];
    const int64_t oh = (h + pads[0] + pads[2] - dilation[0] * (kh - 1) - 1) / stride[0] + 1,
                  ow = (wd + pads[1] + pads[3] - dilation[1] * (kw - 1) - 1) / stride[1] + 1;
    cr_assert_eq(x->dims[1], cin * group, "%s", c->n->name);
    double *y = test_onnx_make(c->out[0], 4, (int64_t[]){x->dims[0], cout, oh, ow});
    for (int64_t n = 0; n < x->dims[0]; n++)
        for (int64_t o = 0; o < cout; o++)
            for (int64_t i = 0; i < oh; i++)
                for (int64_t j = 0; j < ow; j++) {
                    double sum = c->n->n_in > 2 ? c->in[2]->data[o] : 0;
                    for (int64_t k = 0; k < cin; k++)
                        for (int64_t a = 0; a < kh; a++)
                            for (int64_t b = 0; b < kw; b++) {
                                const int64_t r = i * stride[0] - pads[0] + a * dilation[0],
                                              s = j * stride[1] - pads[1] + b * dilation[1];
                                if (r < 0 || r >= h || s < 0 || s >= wd) continue;
                                sum += w->data[((o * cin + k) * kh + a) * kw + b] *
                                       x->data[((n * x->dims[1] + o / (cout / group) * cin + k) * h + r) * wd + s];
                            }
                    *y++ = sum;
                }
}

static void run_max_pool(const call *c) {
    const tensor *x = c->in[0];
    const int64_t k = test_onnx_attribute(c->n, "kernel_shape")->ints[0],
                  p = test_onnx_attribute(c->n, "pads")->ints[0], s = test_onnx_attribute(c->n, "strides")->ints[0];
    const int64_t h = x->dims[2], w = x->dims[3], oh = (h + 2 * p - k) / s + 1, ow = (w + 2 * p - k) / s + 1;
    double *y = test_onnx_make(c->out[0], 4, (int64_t[]){x->dims[0], x->dims[1], oh, ow});
    for (int64_t m = 0; m < x->dims[0] * x->dims[1]; m++)
        for (int64_t i = 0; i < oh; i++)
            for (int64_t j = 0; j < ow; j++) {
                double best = -HUGE_VAL;
                for (int64_t a = i * s - p; a < i * s - p + k; a++)
                    for (int64_t b = j * s - p; b < j * s - p + k; b++)
                        if (a >= 0 && a < h && b >= 0 && b < w) best = fmax(best, x->data[(m * h + a) * w + b]);
                *y++ = best;
            }
}

/* Nearest, asymmetric, floor. */
static void run_resize(const call *c) {
    const tensor *x = c->in[0];
    cr_assert_str_eq(test_onnx_attribute(c->n, "coordinate_transformation_mode")->text, "asymmetric");
    cr_assert_str_eq(test_onnx_attribute(c->n, "nearest_mode")->text, "floor");
    cr_assert_str_eq(test_onnx_attribute(c->n, "mode")->text, "nearest");
    const int64_t down = (int64_t)c->in[2]->data[2], across = (int64_t)c->in[2]->data[3];
    const int64_t h = x->dims[2], w = x->dims[3], oh = h * down, ow = w * across;
    double *y = test_onnx_make(c->out[0], 4, (int64_t[]){x->dims[0], x->dims[1], oh, ow});
    for (int64_t m = 0; m < x->dims[0] * x->dims[1]; m++)
        for (int64_t i = 0; i < oh; i++)
            for (int64_t j = 0; j < ow; j++) *y++ = x->data[(m * h + i / down) * w + j / across];
}

static void run_concat(const call *c) {
    const int64_t axis = axis_of(c, 0);
    int64_t dims[MAX_DIMS];
    memcpy(dims, c->in[0]->dims, sizeof dims);
    for (int i = 1; i < c->n->n_in; i++) {
        cr_assert_eq(c->in[i]->n_dims, c->in[0]->n_dims, "%s", c->n->name);
        for (int d = 0; d < c->in[0]->n_dims; d++)
            cr_assert(d == axis || c->in[i]->dims[d] == dims[d], "%s", c->n->name);
        dims[axis] += c->in[i]->dims[axis];
    }
    double *y = test_onnx_make(c->out[0], c->in[0]->n_dims, dims);
    size_t outer, along, inner;
    around(c->out[0], axis, &outer, &along, &inner);
    for (size_t o = 0; o < outer; o++)
        for (int i = 0; i < c->n->n_in; i++) {
            const size_t n = (size_t)c->in[i]->dims[axis] * inner;
            for (size_t k = 0; k < n; k++) *y++ = c->in[i]->data[o * n + k];
        }
}

static void run_slice(const call *c) {
    const tensor *x = c->in[0];
    const int64_t first = (int64_t)c->in[1]->data[0], end = (int64_t)c->in[2]->data[0],
                  axis = (int64_t)c->in[3]->data[0];
    cr_assert(first >= 0 && end > first && end <= x->dims[axis], "%s", c->n->name);
    int64_t dims[MAX_DIMS];
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = end - first;
    size_t outer, along, inner;
    around(x, axis, &outer, &along, &inner);
    double *y = test_onnx_make(c->out[0], x->n_dims, dims);
    for (size_t o = 0; o < outer; o++)
        for (size_t k = (size_t)first * inner; k < (size_t)end * inner; k++) *y++ = x->data[o * along * inner + k];
}

static void run_reshape(const call *c) {
    const tensor *x = c->in[0];
    int64_t dims[MAX_DIMS], known = 1;
    const int n = (int)test_onnx_elements(c->in[1]);
    int open = -1;
    for (int i = 0; i < n; i++) {
        dims[i] = (int64_t)c->in[1]->data[i];
        if (dims[i] == 0) dims[i] = x->dims[i];
        if (dims[i] < 0) {
            cr_assert(open < 0, "%s: two open dimensions", c->n->name);
            open = i;
        } else {
            known *= dims[i];
        }
    }
    if (open >= 0) dims[open] = (int64_t)test_onnx_elements(x) / known;
    double *y = test_onnx_make(c->out[0], n, dims);
    cr_assert_eq(test_onnx_elements(c->out[0]), test_onnx_elements(x), "%s", c->n->name);
    memcpy(y, x->data, test_onnx_elements(x) * sizeof *y);
}

static void run_transpose(const call *c) {
    const tensor *x = c->in[0];
    const int64_t *perm = test_onnx_attribute(c->n, "perm")->ints;
    int64_t dims[MAX_DIMS];
    size_t step[MAX_DIMS], from[MAX_DIMS];
    for (int i = x->n_dims - 1; i >= 0; i--) step[i] = i == x->n_dims - 1 ? 1 : step[i + 1] * (size_t)x->dims[i + 1];
    for (int i = 0; i < x->n_dims; i++) dims[i] = x->dims[perm[i]], from[i] = step[perm[i]];
    double *y = test_onnx_make(c->out[0], x->n_dims, dims);
    for (size_t k = 0; k < test_onnx_elements(x); k++) {
        size_t rest = k, at = 0;
        for (int i = x->n_dims - 1; i >= 0; i--) at += rest % (size_t)dims[i] * from[i], rest /= (size_t)dims[i];
        y[k] = x->data[at];
    }
}

static void run_unsqueeze(const call *c) {
    const tensor *x = c->in[0];
    const int axis = (int)(c->n->n_in > 1 ? (int64_t)c->in[1]->data[0] : test_onnx_attribute(c->n, "axes")->ints[0]);
    int64_t dims[MAX_DIMS];
    for (int i = 0; i <= x->n_dims; i++) dims[i] = i < axis ? x->dims[i] : i == axis ? 1 : x->dims[i - 1];
    memcpy(test_onnx_make(c->out[0], x->n_dims + 1, dims), x->data, test_onnx_elements(x) * sizeof(double));
}

static double apply(const char *op, double a, double b) {
    return strcmp(op, "Add") == 0 ? a + b : strcmp(op, "Sub") == 0 ? a - b : strcmp(op, "Mul") == 0 ? a * b : a / b;
}

/* Of integers Div truncates; those here are the indices of TopK and what is made of them. */
static bool is_integer(const call *c) {
    for (int i = 0; i < 2; i++)
        if (strcmp(c->in[i]->name, "n_classes") == 0) return true;
    return false;
}

static void run_binary(const call *c) {
    const tensor *a = c->in[0], *b = c->in[1];
    const int n = a->n_dims > b->n_dims ? a->n_dims : b->n_dims;
    int64_t dims[MAX_DIMS];
    for (int i = 0; i < n; i++) {
        const int ia = i - n + a->n_dims, ib = i - n + b->n_dims;
        const int64_t da = ia < 0 ? 1 : a->dims[ia], db = ib < 0 ? 1 : b->dims[ib];
        cr_assert(da == db || da == 1 || db == 1, "%s", c->n->name);
        dims[i] = da == 1 ? db : da;
    }
    double *y = test_onnx_make(c->out[0], n, dims);
    for (size_t k = 0, all = test_onnx_elements(c->out[0]); k < all; k++) {
        size_t rest = k, at_a = 0, at_b = 0, step_a = 1, step_b = 1;
        for (int i = n - 1; i >= 0; i--) {
            const size_t place = rest % (size_t)dims[i];
            const int ia = i - n + a->n_dims, ib = i - n + b->n_dims;
            rest /= (size_t)dims[i];
            if (ia >= 0) at_a += a->dims[ia] == 1 ? 0 : place * step_a, step_a *= (size_t)a->dims[ia];
            if (ib >= 0) at_b += b->dims[ib] == 1 ? 0 : place * step_b, step_b *= (size_t)b->dims[ib];
        }
        y[k] = apply(c->n->op, a->data[at_a], b->data[at_b]);
        if (strcmp(c->n->op, "Div") == 0 && is_integer(c)) y[k] = trunc(y[k]);
    }
}

static void run_matmul(const call *c) {
    const tensor *a = c->in[0], *b = c->in[1];
    const int64_t rows = a->dims[a->n_dims - 2], depth = a->dims[a->n_dims - 1], cols = b->dims[b->n_dims - 1];
    int64_t dims[MAX_DIMS];
    memcpy(dims, a->dims, sizeof dims);
    dims[a->n_dims - 1] = cols;
    cr_assert_eq(b->dims[b->n_dims - 2], depth);
    double *y = test_onnx_make(c->out[0], a->n_dims, dims);
    const size_t matrices = test_onnx_elements(a) / (size_t)(rows * depth);
    for (size_t m = 0; m < matrices; m++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++) {
                double sum = 0;
                for (int64_t k = 0; k < depth; k++)
                    sum += a->data[((int64_t)m * rows + i) * depth + k] * b->data[((int64_t)m * depth + k) * cols + j];
                *y++ = sum;
            }
}

static double value_of(const call *c, double x) {
    const char *op = c->n->op;
    const attribute *alpha = test_onnx_attribute(c->n, "alpha"), *beta = test_onnx_attribute(c->n, "beta");
    if (strcmp(op, "Sigmoid") == 0) return 1 / (1 + exp(-x));
    if (strcmp(op, "Tanh") == 0) return tanh(x);
    if (strcmp(op, "Relu") == 0) return x > 0 ? x : 0;
    if (strcmp(op, "LeakyRelu") == 0) return x > 0 ? x : alpha->number * x;
    if (strcmp(op, "HardSigmoid") == 0) return fmax(0, fmin(1, alpha->number * x + beta->number));
    if (strcmp(op, "Erf") == 0) return erf(x);
    cr_assert(strcmp(op, "Cast") == 0, "%s is not known here", op);
    return x;
}

static void run_unary(const call *c) {
    const tensor *x = c->in[0];
    double *y = test_onnx_make(c->out[0], x->n_dims, x->dims);
    for (size_t i = 0; i < test_onnx_elements(x); i++) y[i] = value_of(c, x->data[i]);
}

static void run_softmax(const call *c) {
    const tensor *x = c->in[0];
    const size_t n = (size_t)x->dims[x->n_dims - 1];
    cr_assert_eq(axis_of(c, -1), x->n_dims - 1);
    double *y = test_onnx_make(c->out[0], x->n_dims, x->dims);
    for (size_t r = 0; r < test_onnx_elements(x) / n; r++) {
        double most = -HUGE_VAL, sum = 0;
        for (size_t i = 0; i < n; i++) most = fmax(most, x->data[r * n + i]);
        for (size_t i = 0; i < n; i++) sum += y[r * n + i] = exp(x->data[r * n + i] - most);
        for (size_t i = 0; i < n; i++) y[r * n + i] /= sum;
    }
}

static void run_reduce(const call *c) {
    const tensor *x = c->in[0];
    const int64_t axis = c->n->n_in > 1 ? (int64_t)c->in[1]->data[0] : test_onnx_attribute(c->n, "axes")->ints[0];
    const bool sum = strcmp(c->n->op, "ReduceSum") == 0;
    int64_t dims[MAX_DIMS];
    cr_assert_eq(int_of(c, "keepdims", 1), 0);
    for (int i = 0; i < x->n_dims - 1; i++) dims[i] = x->dims[i < axis ? i : i + 1];
    double *y = test_onnx_make(c->out[0], x->n_dims - 1, dims);
    size_t outer, along, inner;
    around(x, axis, &outer, &along, &inner);
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < inner; i++) {
            double r = sum ? 0 : -HUGE_VAL;
            for (size_t k = 0; k < along; k++) {
                const double v = x->data[(o * along + k) * inner + i];
                r = sum ? r + v : fmax(r, v);
            }
            *y++ = r;
        }
}

static void run_top_k(const call *c) {
    const tensor *x = c->in[0];
    const int64_t axis = axis_of(c, -1), k = (int64_t)c->in[1]->data[0];
    size_t outer, along, inner;
    around(x, axis, &outer, &along, &inner);
    cr_assert(k <= (int64_t)along && int_of(c, "largest", 1) == 1, "%s: %lld of %zu", c->n->name, (long long)k, along);
    int64_t dims[MAX_DIMS];
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = k;
    double *value = test_onnx_make(c->out[0], x->n_dims, dims), *index = test_onnx_make(c->out[1], x->n_dims, dims);
    bool *taken = calloc(along, 1);
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < inner; i++) {
            memset(taken, 0, along);
            for (int64_t r = 0; r < k; r++) { /* of equals the first */
                size_t best = along;
                for (size_t a = 0; a < along; a++)
                    if (!taken[a] && (best == along ||
                                      x->data[(o * along + a) * inner + i] > x->data[(o * along + best) * inner + i]))
                        best = a;
                taken[best] = true;
                value[(o * (size_t)k + (size_t)r) * inner + i] = x->data[(o * along + best) * inner + i];
                index[(o * (size_t)k + (size_t)r) * inner + i] = (double)best;
            }
        }
    free(taken);
}

static void run_gather_elements(const call *c) {
    const tensor *x = c->in[0], *at = c->in[1];
    const int64_t axis = axis_of(c, 0);
    size_t outer, along, inner, o2, k, i2;
    around(x, axis, &outer, &along, &inner);
    around(at, axis, &o2, &k, &i2);
    cr_assert(o2 == outer && i2 == inner, "%s: other dimensions", c->n->name);
    double *y = test_onnx_make(c->out[0], at->n_dims, at->dims);
    for (size_t o = 0; o < outer; o++)
        for (size_t r = 0; r < k; r++)
            for (size_t i = 0; i < inner; i++) {
                const size_t from = (size_t)at->data[(o * k + r) * inner + i];
                cr_assert(from < along, "%s", c->n->name);
                *y++ = x->data[(o * along + from) * inner + i];
            }
}

static void run_gather(const call *c) {
    const tensor *x = c->in[0], *at = c->in[1];
    int64_t dims[MAX_DIMS];
    cr_assert_eq(axis_of(c, 0), 0);
    size_t outer, along, inner;
    around(x, 0, &outer, &along, &inner);
    for (int i = 0; i < at->n_dims; i++) dims[i] = at->dims[i];
    for (int i = 1; i < x->n_dims; i++) dims[at->n_dims + i - 1] = x->dims[i];
    double *y = test_onnx_make(c->out[0], at->n_dims + x->n_dims - 1, dims);
    for (size_t k = 0; k < test_onnx_elements(at); k++)
        memcpy(y + k * inner, x->data + (size_t)at->data[k] * inner, inner * sizeof *y);
}

static void run_gather_nd(const call *c) {
    const tensor *x = c->in[0], *at = c->in[1];
    const int named = (int)at->dims[1];
    int64_t dims[MAX_DIMS] = {at->dims[0]};
    size_t inner = 1;
    for (int i = named; i < x->n_dims; i++) dims[1 + i - named] = x->dims[i], inner *= (size_t)x->dims[i];
    double *y = test_onnx_make(c->out[0], 1 + x->n_dims - named, dims);
    for (int64_t r = 0; r < at->dims[0]; r++) {
        size_t place = 0;
        for (int i = 0; i < named; i++) place = place * (size_t)x->dims[i] + (size_t)at->data[r * named + i];
        memcpy(y + (size_t)r * inner, x->data + place * inner, inner * sizeof *y);
    }
}

static double overlap(const double *a, const double *b) {
    const double w = fmin(a[2], b[2]) - fmax(a[0], b[0]), h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    const double both = fmax(w, 0) * fmax(h, 0);
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both);
}

/* One image; class by class, best first. */
static void run_suppression(const call *c) {
    const double *boxes = c->in[0]->data, *scores = c->in[1]->data;
    const int64_t classes = c->in[1]->dims[1], anchors = c->in[1]->dims[2], most = (int64_t)c->in[2]->data[0];
    cr_assert_eq(c->in[0]->dims[0], 1);
    double *found = calloc((size_t)(classes * anchors * 3) + 1, sizeof *found);
    int64_t total = 0;
    for (int64_t k = 0; k < classes; k++) {
        const double *score = scores + k * anchors;
        bool *done = calloc((size_t)anchors, 1);
        for (int64_t kept = 0; kept < most;) {
            int64_t best = -1;
            for (int64_t a = 0; a < anchors; a++)
                if (!done[a] && score[a] > c->in[4]->data[0] && (best < 0 || score[a] > score[best])) best = a;
            if (best < 0) break;
            done[best] = true;
            bool good = true;
            for (int64_t i = total - kept; i < total && good; i++)
                good = overlap(boxes + 4 * best, boxes + 4 * (int64_t)found[3 * i + 2]) <= c->in[3]->data[0];
            if (!good) continue;
            found[3 * total + 1] = (double)k;
            found[3 * total + 2] = (double)best;
            total++, kept++;
        }
        free(done);
    }
    memcpy(test_onnx_make(c->out[0], 2, (int64_t[]){total, 3}), found, (size_t)total * 3 * sizeof *found);
    free(found);
}

static void run_shape(const call *c) {
    double *y = test_onnx_make(c->out[0], 1, (int64_t[]){c->in[0]->n_dims});
    for (int i = 0; i < c->in[0]->n_dims; i++) y[i] = (double)c->in[0]->dims[i];
}

static void run_range(const call *c) {
    const int64_t n = (int64_t)(c->in[1]->data[0] - c->in[0]->data[0]);
    double *y = test_onnx_make(c->out[0], 1, &n);
    for (int64_t i = 0; i < n; i++) y[i] = c->in[0]->data[0] + (double)i;
}

/* (w) or (h, 1) to (h, w) */
static void run_expand(const call *c) {
    const int64_t h = (int64_t)c->in[1]->data[0], w = (int64_t)c->in[1]->data[1];
    double *y = test_onnx_make(c->out[0], 2, (int64_t[]){h, w});
    for (int64_t i = 0; i < h * w; i++) y[i] = c->in[0]->data[c->in[0]->n_dims == 1 ? i % w : i / w];
}

/* To codes of 8 bits without a sign, ties to even. */
static void run_quantize(const call *c) {
    const tensor *x = c->in[0];
    cr_assert(c->n->n_in == 3 && c->in[1]->n_dims == 0 && c->in[2]->n_dims == 0, "%s: one scale", c->n->name);
    const double scale = c->in[1]->data[0], zero = c->in[2]->data[0];
    cr_assert(scale > 0 && zero >= 0 && zero <= 255, "%s", c->n->name);
    double *y = test_onnx_make(c->out[0], x->n_dims, x->dims);
    for (size_t i = 0; i < test_onnx_elements(x); i++) y[i] = fmin(255, fmax(0, nearbyint(x->data[i] / scale) + zero));
}

static void run_dequantize(const call *c) {
    const tensor *x = c->in[0], *scale = c->in[1], *zero = c->in[2];
    const size_t count = test_onnx_elements(x), channels = test_onnx_elements(scale);
    cr_assert(c->n->n_in == 3 && test_onnx_elements(zero) == channels, "%s", c->n->name);
    cr_assert(channels == 1 || (c->o->opset >= 13 && int_of(c, "axis", 1) == 0 && x->dims[0] == scale->dims[0]), "%s",
              c->n->name);
    double *y = test_onnx_make(c->out[0], x->n_dims, x->dims);
    for (size_t i = 0; i < count; i++) {
        const size_t channel = channels == 1 ? 0 : i / (count / channels);
        y[i] = (x->data[i] - zero->data[channel]) * scale->data[channel];
    }
}

static const struct row {
    const char *op;
    void (*run)(const call *c);
} rows[] = {{"Conv", run_conv},
            {"MaxPool", run_max_pool},
            {"Resize", run_resize},
            {"Concat", run_concat},
            {"Slice", run_slice},
            {"Reshape", run_reshape},
            {"Transpose", run_transpose},
            {"Unsqueeze", run_unsqueeze},
            {"Add", run_binary},
            {"Sub", run_binary},
            {"Mul", run_binary},
            {"Div", run_binary},
            {"MatMul", run_matmul},
            {"Softmax", run_softmax},
            {"ReduceSum", run_reduce},
            {"ReduceMax", run_reduce},
            {"TopK", run_top_k},
            {"GatherElements", run_gather_elements},
            {"Gather", run_gather},
            {"GatherND", run_gather_nd},
            {"NonMaxSuppression", run_suppression},
            {"Shape", run_shape},
            {"Range", run_range},
            {"Expand", run_expand},
            {"QuantizeLinear", run_quantize},
            {"DequantizeLinear", run_dequantize},
            {NULL, run_unary}};

void test_onnx_run(test_onnx *o, const uint8_t *images, int n, int h, int w) {
    double *x = test_onnx_make(&o->values[o->input], 4, (int64_t[]){n, 3, h, w});
    for (int i = 0; i < n; i++)
        for (int c = 0; c < 3; c++)
            for (int p = 0; p < h * w; p++) *x++ = (double)((float)images[(i * h * w + p) * 3 + c] / 255.f);
    for (int i = 0; i < o->n_nodes; i++) {
        call c = {.o = o, .n = &o->nodes[i]};
        for (int k = 0; k < c.n->n_in; k++) c.in[k] = c.n->in[k] < 0 ? NULL : &o->values[c.n->in[k]];
        for (int k = 0; k < c.n->n_out; k++) c.out[k] = &o->values[c.n->out[k]];
        const struct row *row = rows;
        while (row->op && strcmp(row->op, c.n->op) != 0) row++;
        row->run(&c);
    }
}
