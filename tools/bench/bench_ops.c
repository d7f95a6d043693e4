/* bench_ops.c: speed of every kernel on the shapes of YOLO26n at 640 px.
 *
 *   bench_ops [isa [threads [images [substring]]]]        e.g. bench_ops avx2 2 4 3x3
 *
 * Each convolution is first checked against the reference on a small map with the same channels, then timed:
 * the median of ROUNDS rounds, GFLOP/s and the share of the FMA peak, which a loop over registers measures on
 * the same number of threads. With one thread the clock is the thread's CPU time, so that other programs
 * disturb less. The last lines are the sums over the network, weighted by how often a shape occurs.
 */
#include "parts/machine.h"
#include "yt/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile float sink;

typedef struct shape {
    int count, side, cin, cout, kernel, stride, groups;
} shape;

/* {occurrences, input side at 640 px, cin, cout, kernel, stride, groups}; both branches of the head. */
/* clang-format off */
static const shape shapes[] = {
    {1, 640, 3, 16, 3, 2, 1}, {1, 320, 16, 32, 3, 2, 1}, {1, 160, 64, 64, 3, 2, 1},
    {1, 80, 128, 128, 3, 2, 1},
    {1, 40, 128, 256, 3, 2, 1}, {1, 80, 64, 64, 3, 2, 1}, {1, 40, 128, 128, 3, 2, 1},
    {1, 160, 16, 8, 3, 1, 1}, {1, 160, 8, 16, 3, 1, 1}, {1, 80, 32, 16, 3, 1, 1}, {1, 80, 16, 32, 3, 1, 1},
    {4, 80, 16, 16, 3, 1, 1}, {12, 40, 32, 32, 3, 1, 1}, {4, 20, 64, 64, 3, 1, 1},
    {1, 20, 128, 64, 3, 1, 1},
    {1, 20, 64, 128, 3, 1, 1},
    {2, 80, 64, 16, 3, 1, 1}, {2, 80, 16, 16, 3, 1, 1}, {2, 40, 128, 16, 3, 1, 1}, {2, 40, 16, 16, 3, 1, 1},
    {2, 20, 256, 16, 3, 1, 1}, {2, 20, 16, 16, 3, 1, 1},
    {1, 160, 32, 32, 1, 1, 1}, {1, 160, 48, 64, 1, 1, 1},
    {1, 80, 64, 64, 1, 1, 1}, {1, 80, 96, 128, 1, 1, 1}, {1, 80, 256, 64, 1, 1, 1},
    {1, 80, 96, 64, 1, 1, 1},
    {2, 80, 32, 16, 1, 1, 1}, {1, 80, 32, 32, 1, 1, 1}, {2, 80, 64, 80, 1, 1, 1}, {4, 80, 80, 80, 1, 1, 1},
    {1, 40, 128, 128, 1, 1, 1}, {4, 40, 192, 128, 1, 1, 1}, {6, 40, 64, 32, 1, 1, 1},
    {3, 40, 64, 64, 1, 1, 1},
    {1, 40, 384, 128, 1, 1, 1}, {2, 40, 128, 80, 1, 1, 1}, {4, 40, 80, 80, 1, 1, 1},
    {3, 20, 256, 256, 1, 1, 1}, {4, 20, 384, 256, 1, 1, 1}, {2, 20, 128, 64, 1, 1, 1},
    {3, 20, 128, 128, 1, 1, 1},
    {3, 20, 256, 128, 1, 1, 1}, {1, 20, 512, 256, 1, 1, 1}, {4, 20, 128, 256, 1, 1, 1},
    {2, 20, 256, 80, 1, 1, 1},
    {4, 20, 80, 80, 1, 1, 1},
    {2, 80, 16, 4, 1, 1, 1}, {2, 40, 16, 4, 1, 1, 1}, {2, 20, 16, 4, 1, 1, 1},
    {2, 80, 64, 64, 3, 1, 64}, {2, 80, 80, 80, 3, 1, 80}, {2, 40, 128, 128, 3, 1, 128},
    {2, 40, 80, 80, 3, 1, 80},
    {2, 20, 256, 256, 3, 1, 256}, {2, 20, 80, 80, 3, 1, 80}, {2, 20, 128, 128, 3, 1, 128},
};
/* clang-format on */

/* ---- convolutions ---- */

typedef struct conv_bench {
    const yt_kernels *k;
    yt_conv conv;
    yt_tensor x, y, d_x, d_y;
    float *w, *d_w, *moments;
    yt_scratch scratch;
} conv_bench;

static conv_bench make_conv(const yt_kernels *k, const shape *s, int n, int side, int threads) {
    conv_bench b = {.k = k};
    b.conv = (yt_conv){s->cin, s->cout, s->kernel, s->stride, s->kernel / 2, 1, s->groups};
    int out = yt_conv_out(side, s->kernel, s->stride, s->kernel / 2, 1);
    size_t in_pixels = (size_t)n * (size_t)side * (size_t)side,
           out_pixels = (size_t)n * (size_t)out * (size_t)out;
    b.x = yt_tensor_of(bench_floats(in_pixels * (size_t)s->cin), n, side, side, s->cin);
    b.d_x = yt_tensor_of(bench_floats(in_pixels * (size_t)s->cin), n, side, side, s->cin);
    b.y = yt_tensor_of(bench_floats(out_pixels * (size_t)s->cout), n, out, out, s->cout);
    b.d_y = yt_tensor_of(bench_floats(out_pixels * (size_t)s->cout), n, out, out, s->cout);
    size_t weights = (size_t)(s->kernel * s->kernel * s->cin / s->groups * s->cout);
    b.w = bench_floats(weights), b.d_w = bench_floats(weights), b.moments = bench_floats(2 * (size_t)s->cout);
    b.scratch.bytes = k->conv2d_scratch(&b.conv, n, side, side, threads);
    b.scratch.data = bench_floats(b.scratch.bytes / sizeof(float) + 16);
    b.scratch.threads = threads;
    return b;
}

static void free_conv(conv_bench *b) {
    free(b->x.data), free(b->d_x.data), free(b->y.data), free(b->d_y.data);
    free(b->w), free(b->d_w), free(b->moments), free(b->scratch.data);
}

static void forward_call(void *argument) {
    conv_bench *b = argument;
    b->k->conv2d_forward(&b->conv, &b->x, b->w, NULL, &b->y, b->moments, &b->scratch);
}

static void data_call(void *argument) {
    conv_bench *b = argument;
    b->k->conv2d_backward_data(&b->conv, &b->d_y, b->w, &b->d_x, false, &b->scratch);
}

static void weights_call(void *argument) {
    conv_bench *b = argument;
    b->k->conv2d_backward_weights(&b->conv, &b->x, &b->d_y, NULL, b->d_w, NULL, &b->scratch);
}

static double worst_error(const float *a, const float *b, size_t count) {
    double most = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        double error = fabs((double)a[i] - (double)b[i]);
        if (!(error <= most)) most = error;
        largest = fmax(largest, fabs((double)b[i]));
    }
    return most / largest;
}

/* The largest error of y, d_x and d_w relative to their largest value, on a map of 12 x 12. */
static double verify(const yt_kernels *k, const shape *s, int threads) {
    conv_bench a = make_conv(k, s, 1, 12, threads);
    conv_bench b = make_conv(yt_kernels_of(YT_ISA_REF), s, 1, 12, 1);
    forward_call(&a), data_call(&a), weights_call(&a);
    forward_call(&b), data_call(&b), weights_call(&b);
    double error = worst_error(a.y.data, b.y.data, yt_tensor_elements(a.y));
    error = fmax(error, worst_error(a.d_x.data, b.d_x.data, yt_tensor_elements(a.d_x)));
    error = fmax(error,
                 worst_error(a.d_w, b.d_w, (size_t)(s->kernel * s->kernel * s->cin / s->groups * s->cout)));
    free_conv(&a);
    free_conv(&b);
    return error;
}

typedef struct totals {
    double flops, seconds[3];
} totals;

static int bench_convs(const yt_kernels *k, int threads, int images, const char *filter, double peak) {
    totals sum = {0};
    printf("%-24s %8s  %-18s %-18s %-18s %s\n", "convolution", "GF", "forward", "backward data",
           "backward weights", "error");
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const shape *s = &shapes[i];
        char name[64];
        snprintf(name, sizeof name, "%dx %dx%d%s s%d %d>%d @%d", s->count, s->kernel, s->kernel,
                 s->groups > 1 ? "dw" : "", s->stride, s->cin, s->cout, s->side);
        if (filter && !strstr(name, filter)) continue;
        double error = verify(k, s, threads);
        if (!(error < 1e-5)) {
            fprintf(stderr, "%s: wrong, relative error %g\n", name, error);
            return 1;
        }
        conv_bench b = make_conv(k, s, images, s->side, threads);
        double flops = 2.0 * (double)yt_tensor_elements(b.y) * s->kernel * s->kernel * s->cin / s->groups;
        void (*calls[3])(void *) = {forward_call, data_call, weights_call};
        printf("%-24s %8.3f", name, flops * s->count * 1e-9);
        for (int pass = 0; pass < 3; pass++) {
            bool skipped = pass == 1 && s->cin == 3; /* the image needs no gradient */
            double seconds = skipped ? 0 : bench_time(calls[pass], &b, threads);
            sum.seconds[pass] += seconds * s->count;
            double rate = skipped ? 0 : flops / seconds * 1e-9;
            printf("  %6.1f (%3.0f %%)    ", rate, 100 * rate / peak);
        }
        printf(" %.0e\n", error);
        sum.flops += flops * s->count;
        free_conv(&b);
    }
    printf("%-24s %8.3f", "sum, ms", sum.flops * 1e-9);
    for (int pass = 0; pass < 3; pass++)
        printf("  %6.1f (%3.0f %%)    ", sum.seconds[pass] * 1e3,
               100 * sum.flops / sum.seconds[pass] * 1e-9 / peak);
    printf("\n");
    return 0;
}

/* ---- memory-bound passes ---- */

typedef struct pass_bench {
    const yt_kernels *k;
    yt_tensor a, b, none;
    yt_norm norm;
    float *d_gamma, *d_beta;
    uint8_t *index;
    yt_scratch scratch;
} pass_bench;

static void norm_forward_call(void *argument) {
    pass_bench *p = argument;
    p->k->norm_act_forward((yt_activation){.kind = YT_ACT_SILU}, &p->norm, &p->a, &p->none, &p->b,
                           p->scratch.threads);
}

/* d_out is written over in every call; its values do not matter for the time as long as they stay finite. */
static void norm_backward_call(void *argument) {
    pass_bench *p = argument;
    p->k->norm_act_backward((yt_activation){.kind = YT_ACT_SILU}, &p->norm, &p->a, &p->b, &p->none, false,
                            p->d_gamma, p->d_beta, NULL, &p->scratch);
}

static void copy_call(void *argument) {
    pass_bench *p = argument;
    p->k->copy(&p->a, &p->b, false, p->scratch.threads);
}

static void add_call(void *argument) {
    pass_bench *p = argument;
    p->k->copy(&p->a, &p->b, true, p->scratch.threads);
}

static void bce_call(void *argument) {
    pass_bench *p = argument;
    sink = (float)p->k->bce_background(&p->a, 0.5f, NULL, &p->b, p->scratch.threads);
}

static void pool_call(void *argument) {
    pass_bench *p = argument;
    p->k->maxpool_forward(5, 1, 2, &p->a, &p->b, p->index, p->scratch.threads);
}

static void pool_backward_call(void *argument) {
    pass_bench *p = argument;
    p->k->maxpool_backward(5, 1, 2, p->index, &p->a, &p->b, false, p->scratch.threads);
}

static void adamw_call(void *argument) {
    pass_bench *p = argument;
    size_t part = yt_tensor_elements(p->a) / 2;
    const yt_adam adam = {.lr = 1e-9, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .scale = 1, .t = 10};
    p->k->adam_step(p->a.data, p->b.data, p->a.data + part, p->b.data + part, part, &adam,
                    p->scratch.threads);
}

static void bench_passes(const yt_kernels *k, int threads, int images) {
    static const struct {
        const char *name;
        void (*call)(void *);
        int side, c;
        double bytes; /* read and written per element */
    } passes[] = {
        {"norm+silu forward", norm_forward_call, 160, 64, 8},
        {"norm+silu forward", norm_forward_call, 320, 16, 8},
        {"norm+silu forward", norm_forward_call, 40, 128, 8},
        {"norm+silu backward", norm_backward_call, 160, 64, 24},
        {"norm+silu backward", norm_backward_call, 320, 16, 24},
        {"norm+silu backward", norm_backward_call, 40, 128, 24},
        {"copy", copy_call, 160, 64, 8},
        {"add", add_call, 160, 64, 12},
        {"bce background", bce_call, 80, 80, 8},
        {"max pool 5x5", pool_call, 20, 128, 9},
        {"max pool backward", pool_backward_call, 20, 128, 9},
        {"adamw", adamw_call, 80, 200, 14},
    };
    for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++) {
        int side = passes[i].side, c = passes[i].c;
        size_t count = (size_t)images * (size_t)side * (size_t)side * (size_t)c;
        pass_bench p = {.k = k};
        p.a = yt_tensor_of(bench_floats(count), images, side, side, c);
        p.b = yt_tensor_of(bench_floats(count), images, side, side, c);
        float *channels = bench_floats(6 * (size_t)c);
        for (int j = 0; j < c; j++) channels[c + j] = 1; /* inv_std */
        p.norm = (yt_norm){channels, channels + c, channels + 2 * c, channels + 3 * c, false};
        p.d_gamma = channels + 4 * c, p.d_beta = channels + 5 * c;
        p.index = calloc(count + YT_READ_SLACK, 1);
        p.scratch.threads = threads;
        p.scratch.bytes = k->norm_act_scratch(c, yt_tensor_pixels(p.a), threads);
        p.scratch.data = bench_floats(p.scratch.bytes / sizeof(float) + 16);
        if (passes[i].call == pool_backward_call) pool_call(&p); /* the choices that it sends gradients to */
        double seconds = p.index ? bench_time(passes[i].call, &p, threads) : 0;
        printf("%-20s (%d,%d,%d,%d)  %8.3f ms  %6.1f GB/s\n", passes[i].name, images, side, side, c,
               seconds * 1e3, passes[i].bytes * (double)count / seconds * 1e-9);
        free(p.a.data), free(p.b.data), free(channels), free(p.index), free(p.scratch.data);
    }
}

/* ---- attention ---- */

typedef struct attention_bench {
    const yt_kernels *k;
    yt_tensor qkv, out;
    float *probs;
    yt_scratch scratch;
} attention_bench;

static void attention_forward_call(void *argument) {
    attention_bench *b = argument;
    b->k->attention_forward(2, 32, 64, &b->qkv, &b->out, b->probs, &b->scratch);
}

static void attention_backward_call(void *argument) {
    attention_bench *b = argument;
    static float *gradient; /* made once, read never */
    if (!gradient) gradient = bench_floats(yt_tensor_elements(b->qkv));
    yt_tensor d = b->qkv;
    d.data = gradient;
    b->k->attention_backward(2, 32, 64, &b->qkv, b->probs, &b->out, &d, false, &b->scratch);
}

static void bench_attention(const yt_kernels *k, int threads, int images, double peak) {
    enum { SIDE = 20, N = SIDE * SIDE };
    size_t n = (size_t)images;
    attention_bench b = {.k = k};
    b.qkv = yt_tensor_of(bench_floats(n * N * 256), images, SIDE, SIDE, 256);
    b.out = yt_tensor_of(bench_floats(n * N * 128), images, SIDE, SIDE, 128);
    b.probs = bench_floats(n * 2 * N * N);
    b.scratch.bytes = k->attention_scratch(2, 32, 64, images, N, threads);
    b.scratch.data = bench_floats(b.scratch.bytes / sizeof(float) + 16);
    b.scratch.threads = threads;
    double flops = 2.0 * images * 2 * N * N * (32 + 64);
    double forward = bench_time(attention_forward_call, &b, threads);
    double backward = bench_time(attention_backward_call, &b, threads);
    printf("attention (%d images, 2 heads of 32+64, 400 pixels): forward %.2f ms (%.0f %%), backward %.2f ms "
           "(%.0f %%)\n",
           images, forward * 1e3, 100 * flops / forward * 1e-9 / peak, backward * 1e3,
           200 * flops / backward * 1e-9 / peak);
    free(b.qkv.data), free(b.out.data), free(b.probs), free(b.scratch.data);
}

static const yt_kernels *find_table(const char *name) {
    for (int isa = YT_ISA_REF; isa <= YT_ISA_AVX512; isa++) {
        const yt_kernels *k = yt_kernels_of((yt_isa)isa);
        if (k && strcmp(k->name, name) == 0) return k;
    }
    return NULL;
}

int main(int argc, char **argv) {
    const yt_kernels *k = argc > 1 ? find_table(argv[1]) : yt_kernels_get();
    int threads = argc > 2 ? atoi(argv[2]) : yt_cpu_cores(), images = argc > 3 ? atoi(argv[3]) : 4;
    if (!k || threads < 1 || images < 1) {
        fprintf(stderr, "usage: bench_ops [isa [threads [images [substring]]]]; isa: one that runs here\n");
        return 2;
    }
    double peak = bench_peak_flops(k->vector_floats, threads) * 1e-9;
    printf("%s, kernels %s, %d threads, %d images, peak %.1f GFLOP/s\n", yt_cpu_name(), k->name, threads,
           images, peak);
    if (bench_convs(k, threads, images, argc > 4 ? argv[4] : NULL, peak) != 0) return 1;
    if (argc > 4) return 0;
    bench_attention(k, threads, images, peak);
    bench_passes(k, threads, images);
    return 0;
}
