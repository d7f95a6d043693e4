/* kernel_clock.c: wrappers of the kernel slots that a network's forward and backward runs use. */
#include "base/cpu.h"
#include "kernel_clock.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const yti_kernels *__real_yti_kernels_get(void);
const yti_kernels *__wrap_yti_kernels_get(void);

#define KINDS(X)                                                                                                       \
    X(CONV_FORWARD, "convolution forward")                                                                             \
    X(CONV_DATA, "convolution backward data")                                                                          \
    X(CONV_WEIGHTS, "convolution backward weights")                                                                    \
    X(NORM_FORWARD, "norm + activation forward")                                                                       \
    X(NORM_BACKWARD, "norm + activation backward")                                                                     \
    X(ATTENTION, "attention, both ways")                                                                               \
    X(POOL, "max pool, both ways")                                                                                     \
    X(RESAMPLE, "upsample, both ways")                                                                                 \
    X(COPY, "copy, add, fill, input")

#define CODE(code, name) code,
#define NAME(code, name) name,
enum { KINDS(CODE) N_KINDS };
static const char *const kind_names[N_KINDS] = {KINDS(NAME)};

enum { MAX_ENTRIES = 1024 };

typedef struct entry {
    int kind, calls;
    char shape[64];
    double seconds, flops, bytes; /* of all calls */
    clock_conv conv;              /* of a convolution; but for its count */
} entry;

static entry entries[MAX_ENTRIES];
static int n_entries;
static bool running;
static yti_kernels table;

static entry *count(int kind, const char *shape, double begin, double flops, double bytes) {
    double seconds = yti_seconds() - begin;
    int i = 0;
    while (i < n_entries && (entries[i].kind != kind || strcmp(entries[i].shape, shape) != 0)) i++;
    if (i == MAX_ENTRIES) {
        fprintf(stderr, "kernel_clock: more than %d shapes\n", MAX_ENTRIES);
        exit(1);
    }
    entry *e = &entries[i];
    if (i == n_entries) {
        n_entries++;
        *e = (entry){.kind = kind};
        snprintf(e->shape, sizeof e->shape, "%s", shape);
    }
    e->calls++, e->seconds += seconds, e->flops += flops, e->bytes += bytes;
    return e;
}

static double map_bytes(const yti_tensor *t) {
    return t->data ? (double)yti_tensor_elements(*t) * sizeof(float) : 0;
}

static void count_conv(int kind, const yti_conv_geometry *c, const yti_tensor *x, const yti_tensor *y,
                       double more_bytes, double begin) {
    char shape[64];
    snprintf(shape, sizeof shape, "%dx%d%s s%d %d>%d @%dx%d", c->kernel, c->kernel, c->groups > 1 ? "dw" : "",
             c->stride, c->cin, c->cout, x->h, x->w);
    double per_output = 2.0 * c->kernel * c->kernel * c->cin / c->groups;
    entry *e = count(kind, shape, begin, per_output * (double)yti_tensor_elements(*y),
                     map_bytes(x) + map_bytes(y) + more_bytes);
    e->conv = (clock_conv){*c, x->n, x->h, x->w, 0};
}

static void count_map(int kind, const yti_tensor *t, double begin, double bytes) {
    char shape[64];
    snprintf(shape, sizeof shape, "%d ch @%dx%d", t->c, t->h, t->w);
    count(kind, shape, begin, 0, bytes);
}

static void conv2d_forward(const yti_conv_geometry *conv, const yti_tensor *x, const float *w, const float *bias,
                           const yti_tensor *y, float *moments, const yti_scratch *scratch) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->conv2d_forward(conv, x, w, bias, y, moments, scratch);
    count_conv(CONV_FORWARD, conv, x, y, 0, begin);
}

static void conv2d_act_forward(const yti_conv_geometry *conv, const yti_tensor *x, const float *w, const float *packed,
                               const float *bias, yti_activation act, const yti_tensor *shortcut, const yti_tensor *y,
                               const yti_scratch *scratch) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->conv2d_act_forward(conv, x, w, packed, bias, act, shortcut, y, scratch);
    count_conv(CONV_FORWARD, conv, x, y, 0, begin);
}

static void conv2d_backward_data(const yti_conv_geometry *conv, const yti_tensor *d_y, const float *w,
                                 const yti_tensor *d_x, bool accumulate, const yti_scratch *scratch) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->conv2d_backward_data(conv, d_y, w, d_x, accumulate, scratch);
    count_conv(CONV_DATA, conv, d_x, d_y, 0, begin);
}

static void conv2d_backward_weights(const yti_conv_geometry *conv, const yti_tensor *x, const yti_tensor *d_y,
                                    const yti_norm_tail *tail, float *d_w, float *d_bias, const yti_scratch *scratch) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->conv2d_backward_weights(conv, x, d_y, tail, d_w, d_bias, scratch);
    count_conv(CONV_WEIGHTS, conv, x, d_y, tail ? 2 * map_bytes(d_y) : 0, begin);
}

static void norm_act_forward(yti_activation act, const yti_norm *norm, const yti_tensor *y, const yti_tensor *shortcut,
                             const yti_tensor *out, int threads) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->norm_act_forward(act, norm, y, shortcut, out, threads);
    count_map(NORM_FORWARD, y, begin, 2 * map_bytes(y) + map_bytes(shortcut));
}

/* The sums over all pixels must be known before any is written for good: y and d are read twice, d written twice,
 * unless the second time is the convolution's. */
static void norm_act_backward(yti_activation act, const yti_norm *norm, const yti_tensor *y, const yti_tensor *d,
                              const yti_tensor *d_shortcut, bool accumulate, float *d_gamma, float *d_beta, float *tail,
                              const yti_scratch *scratch) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->norm_act_backward(act, norm, y, d, d_shortcut, accumulate, d_gamma, d_beta, tail,
                                                scratch);
    count_map(NORM_BACKWARD, y, begin, (norm->mean && !tail ? 6 : 3) * map_bytes(y) + map_bytes(d_shortcut));
}

static void maxpool_forward(int kernel, int stride, int pad, const yti_tensor *x, const yti_tensor *y, uint8_t *index,
                            int threads) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->maxpool_forward(kernel, stride, pad, x, y, index, threads);
    count_map(POOL, x, begin, map_bytes(x) + map_bytes(y) * 1.25);
}

static void maxpool_backward(int kernel, int stride, int pad, const uint8_t *index, const yti_tensor *d_y,
                             const yti_tensor *d_x, bool accumulate, int threads) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->maxpool_backward(kernel, stride, pad, index, d_y, d_x, accumulate, threads);
    count_map(POOL, d_x, begin, map_bytes(d_x) + map_bytes(d_y) * 1.25);
}

static void upsample_forward(int factor, const yti_tensor *x, const yti_tensor *y, int threads) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->upsample_forward(factor, x, y, threads);
    count_map(RESAMPLE, x, begin, map_bytes(x) + map_bytes(y));
}

static void upsample_backward(int factor, const yti_tensor *d_y, const yti_tensor *d_x, bool accumulate, int threads) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->upsample_backward(factor, d_y, d_x, accumulate, threads);
    count_map(RESAMPLE, d_x, begin, map_bytes(d_x) + map_bytes(d_y));
}

static void copy(const yti_tensor *src, const yti_tensor *dst, bool accumulate, int threads) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->copy(src, dst, accumulate, threads);
    count_map(COPY, src, begin, (accumulate ? 3 : 2) * map_bytes(src));
}

static void fill(const yti_tensor *dst, float value, int threads) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->fill(dst, value, threads);
    count_map(COPY, dst, begin, map_bytes(dst));
}

static void from_bytes(const uint8_t *src, const yti_tensor *dst, int threads) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->from_bytes(src, dst, threads);
    count_map(COPY, dst, begin, 1.25 * map_bytes(dst));
}

static double attention_flops(int heads, int key_dim, int head_dim, const yti_tensor *qkv) {
    double pixels = (double)qkv->h * qkv->w;
    return 2.0 * qkv->n * heads * pixels * pixels * (key_dim + head_dim);
}

static void attention_forward(int heads, int key_dim, int head_dim, const yti_tensor *qkv, const yti_tensor *out,
                              float *probs, const yti_scratch *scratch) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->attention_forward(heads, key_dim, head_dim, qkv, out, probs, scratch);
    count(ATTENTION, "forward", begin, attention_flops(heads, key_dim, head_dim, qkv), map_bytes(qkv));
}

static void attention_backward(int heads, int key_dim, int head_dim, const yti_tensor *qkv, const float *probs,
                               const yti_tensor *d_out, const yti_tensor *d_qkv, bool accumulate,
                               const yti_scratch *scratch) {
    double begin = yti_seconds();
    __real_yti_kernels_get()->attention_backward(heads, key_dim, head_dim, qkv, probs, d_out, d_qkv, accumulate,
                                                 scratch);
    count(ATTENTION, "backward", begin, 2 * attention_flops(heads, key_dim, head_dim, qkv), map_bytes(qkv));
}

void kernel_clock(bool on) {
    table = *__real_yti_kernels_get();
    table.conv2d_forward = conv2d_forward;
    table.conv2d_act_forward = conv2d_act_forward;
    table.conv2d_backward_data = conv2d_backward_data;
    table.conv2d_backward_weights = conv2d_backward_weights;
    table.norm_act_forward = norm_act_forward;
    table.norm_act_backward = norm_act_backward;
    table.maxpool_forward = maxpool_forward;
    table.maxpool_backward = maxpool_backward;
    table.upsample_forward = upsample_forward;
    table.upsample_backward = upsample_backward;
    table.copy = copy;
    table.fill = fill;
    table.from_bytes = from_bytes;
    table.attention_forward = attention_forward;
    table.attention_backward = attention_backward;
    if (on) n_entries = 0;
    running = on;
}

const yti_kernels *__wrap_yti_kernels_get(void) {
    return running ? &table : __real_yti_kernels_get();
}

int kernel_clock_convs(clock_conv *out, int room) {
    int n = 0;
    for (int i = 0; i < n_entries && n < room; i++) {
        if (entries[i].kind != CONV_FORWARD) continue;
        out[n] = entries[i].conv;
        out[n++].count = entries[i].calls;
    }
    return n;
}

/* ---- the table ---- */

static double roofline(const entry *e, double peak, double bandwidth) {
    double compute = e->flops / peak, memory = e->bytes / bandwidth;
    return compute > memory ? compute : memory;
}

static void print_row(const char *name, double calls, double seconds, double flops, double bytes, double least) {
    printf("%-32s %5.0f %9.3f %9.3f %8.2f", name, calls, 1e3 * seconds, 1e3 * least, seconds / least);
    if (flops > 0)
        printf(" %9.1f GFLOP/s\n", flops / seconds * 1e-9);
    else
        printf(" %9.1f GB/s\n", bytes / seconds * 1e-9);
}

static int slower_first(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

void kernel_clock_print(int steps, double peak, double bandwidth, bool shapes) {
    qsort(entries, (size_t)n_entries, sizeof entries[0], slower_first);
    printf("peak %.1f GFLOP/s, memory %.1f GB/s; per step:\n", peak * 1e-9, bandwidth * 1e-9);
    printf("%-32s %5s %9s %9s %8s\n", "", "calls", "ms", "roofline", "x");
    double all = 0, all_least = 0;
    for (int kind = 0; kind < N_KINDS; kind++) {
        double calls = 0, seconds = 0, flops = 0, bytes = 0, least = 0;
        for (int i = 0; i < n_entries; i++) {
            const entry *e = &entries[i];
            if (e->kind != kind) continue;
            calls += e->calls, seconds += e->seconds, flops += e->flops, bytes += e->bytes;
            least += roofline(e, peak, bandwidth);
        }
        all += seconds, all_least += least;
        if (calls > 0)
            print_row(kind_names[kind], calls / steps, seconds / steps, flops / steps, bytes / steps, least / steps);
        for (int i = 0; shapes && i < n_entries; i++) {
            const entry *e = &entries[i];
            char name[80];
            snprintf(name, sizeof name, "    %s", e->shape);
            if (e->kind == kind)
                print_row(name, e->calls / (double)steps, e->seconds / steps, e->flops / steps, e->bytes / steps,
                          roofline(e, peak, bandwidth) / steps);
        }
    }
    print_row("all kernels", 0, all / steps, 0, 0, all_least / steps);
}
