/* bench_ops.c: speed of the convolutions of a model, and of the passes over memory on maps of fixed size.
 *
 *   bench_ops --model models/yolo26.yaml --scale n --imgsz 640 --batch 4 --threads 2 --isa avx2 --only "3x3 s1"
 *
 * The shapes are those that a training forward run of the model calls. Each convolution is first checked against the
 * reference on a small map with the same channels, then timed: median GFLOP/s and the share of the FMA peak, which a
 * loop over registers measures on the same number of threads. With one thread the clock is the thread's CPU time, so
 * that other programs disturb less. The sums are weighted by how often a shape occurs. Passes over memory are compared
 * with the bandwidth that a plain stream of the same number of threads reaches.
 */
#include "model/model.h"
#include "parts/kernel_clock.h"
#include "parts/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SHAPES = 512 };

static volatile float sink;

typedef struct settings {
    const char *model, *only;
    char scale;
    int imgsz, batch, threads;
    const yti_kernels *k;
} settings;

static void die(const char *what) {
    fprintf(stderr, "bench_ops: %s\n", what);
    exit(1);
}

/* The convolutions of a training forward run. */
static int shapes_of(const settings *s, clock_conv shapes[MAX_SHAPES]) {
    yt_err err = {.text = ""};
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.scale = s->scale;
    yti_model *model;
    if (yti_model_load(s->model, &options, &model, &err) != YT_OK ||
        yti_model_plan(model, YT_MODE_TRAIN, s->batch, s->imgsz, s->imgsz, s->threads, &err) != YT_OK)
        die(err.text);
    kernel_clock(true);
    yti_model_forward(model, &model->state, NULL);
    kernel_clock(false);
    yti_model_destroy(model);
    return kernel_clock_convs(shapes, MAX_SHAPES);
}

/* ---- convolutions ---- */

typedef struct conv_bench {
    const yti_kernels *k;
    yti_conv_geometry conv;
    yti_tensor x, y, d_x, d_y;
    float *w, *d_w, *moments;
    yti_scratch scratch;
} conv_bench;

static size_t weights_of(const yti_conv_geometry *c) {
    return (size_t)(c->kernel * c->kernel * c->cin / c->groups * c->cout);
}

static conv_bench make_conv(const yti_kernels *k, const yti_conv_geometry *c, int n, int h, int w, int threads) {
    conv_bench b = {.k = k, .conv = *c};
    int oh = yti_conv_out(h, c->kernel, c->stride, c->pad, c->dilation);
    int ow = yti_conv_out(w, c->kernel, c->stride, c->pad, c->dilation);
    size_t in_pixels = (size_t)n * (size_t)h * (size_t)w, out_pixels = (size_t)n * (size_t)oh * (size_t)ow;
    b.x = yti_tensor_of(bench_floats(in_pixels * (size_t)c->cin), n, h, w, c->cin);
    b.d_x = yti_tensor_of(bench_floats(in_pixels * (size_t)c->cin), n, h, w, c->cin);
    b.y = yti_tensor_of(bench_floats(out_pixels * (size_t)c->cout), n, oh, ow, c->cout);
    b.d_y = yti_tensor_of(bench_floats(out_pixels * (size_t)c->cout), n, oh, ow, c->cout);
    b.w = bench_floats(weights_of(c)), b.d_w = bench_floats(weights_of(c));
    b.moments = bench_floats(2 * (size_t)c->cout);
    b.scratch.bytes = k->conv2d_scratch(c, n, h, w, threads);
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
static double verify(const yti_kernels *k, const yti_conv_geometry *conv, int threads) {
    conv_bench a = make_conv(k, conv, 1, 12, 12, threads);
    conv_bench b = make_conv(yti_kernels_of(YT_ISA_REF), conv, 1, 12, 12, 1);
    forward_call(&a), data_call(&a), weights_call(&a);
    forward_call(&b), data_call(&b), weights_call(&b);
    double error = worst_error(a.y.data, b.y.data, yti_tensor_elements(a.y));
    error = fmax(error, worst_error(a.d_x.data, b.d_x.data, yti_tensor_elements(a.d_x)));
    error = fmax(error, worst_error(a.d_w, b.d_w, weights_of(conv)));
    free_conv(&a);
    free_conv(&b);
    return error;
}

static void bench_convs(const settings *s, double peak) {
    static clock_conv shapes[MAX_SHAPES];
    double flops = 0, seconds[3] = {0};
    const int n_shapes = shapes_of(s, shapes);
    printf("%-24s %8s  %-18s %-18s %-18s %s\n", "convolution", "GF", "forward", "backward data", "backward weights",
           "error");
    for (int i = 0; i < n_shapes; i++) {
        const clock_conv *shape = &shapes[i];
        const yti_conv_geometry *c = &shape->conv;
        char name[64];
        snprintf(name, sizeof name, "%dx %dx%d%s s%d %d>%d @%d", shape->count, c->kernel, c->kernel,
                 c->groups > 1 ? "dw" : "", c->stride, c->cin, c->cout, shape->w);
        if (s->only && !strstr(name, s->only)) continue;
        double error = verify(s->k, c, s->threads);
        if (!(error < 1e-5)) {
            fprintf(stderr, "bench_ops: %s: wrong, relative error %g\n", name, error);
            exit(1);
        }
        conv_bench b = make_conv(s->k, c, shape->n, shape->h, shape->w, s->threads);
        double each = 2.0 * (double)yti_tensor_elements(b.y) * c->kernel * c->kernel * c->cin / c->groups;
        void (*calls[3])(void *) = {forward_call, data_call, weights_call};
        printf("%-24s %8.3f", name, each * shape->count * 1e-9);
        for (int pass = 0; pass < 3; pass++) {
            bool skipped = pass == 1 && c->cin == 3; /* the image needs no gradient */
            double taken = skipped ? 0 : bench_time(calls[pass], &b, s->threads);
            seconds[pass] += taken * shape->count;
            double rate = skipped ? 0 : each / taken;
            printf("  %6.1f (%3.0f %%)    ", rate * 1e-9, 100 * rate / peak);
        }
        printf(" %.0e\n", error);
        flops += each * shape->count;
        free_conv(&b);
    }
    printf("%-24s %8.3f", "sum, ms", flops * 1e-9);
    for (int pass = 0; pass < 3; pass++)
        printf("  %6.1f (%3.0f %%)    ", seconds[pass] * 1e3, 100 * flops / seconds[pass] / peak);
    printf("\n");
}

/* ---- memory-bound passes ---- */

typedef struct pass_bench {
    const yti_kernels *k;
    yti_tensor a, b, none;
    yti_norm norm;
    float *d_gamma, *d_beta;
    uint8_t *index;
    yti_scratch scratch;
} pass_bench;

static void norm_forward_call(void *argument) {
    pass_bench *p = argument;
    p->k->norm_act_forward((yti_activation){.kind = YT_ACT_SILU}, &p->norm, &p->a, &p->none, &p->b, p->scratch.threads);
}

/* d_out is written over in every call; its values do not matter for the time as long as they stay finite. */
static void norm_backward_call(void *argument) {
    pass_bench *p = argument;
    p->k->norm_act_backward((yti_activation){.kind = YT_ACT_SILU}, &p->norm, &p->a, &p->b, &p->none, false, p->d_gamma,
                            p->d_beta, NULL, &p->scratch);
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
    size_t part = yti_tensor_elements(p->a) / 2;
    const yti_adam adam = {.lr = 1e-9, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .scale = 1, .t = 10};
    p->k->adam_step(p->a.data, p->b.data, p->a.data + part, p->b.data + part, part, &adam, p->scratch.threads);
}

static void bench_passes(const yti_kernels *k, int threads, int images, double bandwidth) {
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
        p.a = yti_tensor_of(bench_floats(count), images, side, side, c);
        p.b = yti_tensor_of(bench_floats(count), images, side, side, c);
        float *channels = bench_floats(6 * (size_t)c);
        for (int j = 0; j < c; j++) channels[c + j] = 1; /* inv_std */
        p.norm = (yti_norm){channels, channels + c, channels + 2 * c, channels + 3 * c, false};
        p.d_gamma = channels + 4 * c, p.d_beta = channels + 5 * c;
        p.index = calloc(count + YT_READ_SLACK, 1);
        p.scratch.threads = threads;
        p.scratch.bytes = k->norm_act_scratch(c, yti_tensor_pixels(p.a), threads);
        p.scratch.data = bench_floats(p.scratch.bytes / sizeof(float) + 16);
        if (passes[i].call == pool_backward_call) pool_call(&p); /* the choices that it sends gradients to */
        double seconds = p.index ? bench_time(passes[i].call, &p, threads) : 0;
        double rate = passes[i].bytes * (double)count / seconds;
        printf("%-20s (%d,%d,%d,%d)  %8.3f ms  %6.1f GB/s (%3.0f %%)\n", passes[i].name, images, side, side, c,
               seconds * 1e3, rate * 1e-9, 100 * rate / bandwidth);
        free(p.a.data), free(p.b.data), free(channels), free(p.index), free(p.scratch.data);
    }
}

/* ---- attention ---- */

typedef struct attention_bench {
    const yti_kernels *k;
    yti_tensor qkv, out;
    float *probs;
    yti_scratch scratch;
} attention_bench;

static void attention_forward_call(void *argument) {
    attention_bench *b = argument;
    b->k->attention_forward(2, 32, 64, &b->qkv, &b->out, b->probs, &b->scratch);
}

static void attention_backward_call(void *argument) {
    attention_bench *b = argument;
    static float *gradient; /* made once, read never */
    if (!gradient) gradient = bench_floats(yti_tensor_elements(b->qkv));
    yti_tensor d = b->qkv;
    d.data = gradient;
    b->k->attention_backward(2, 32, 64, &b->qkv, b->probs, &b->out, &d, false, &b->scratch);
}

static void bench_attention(const yti_kernels *k, int threads, int images, double peak) {
    enum { SIDE = 20, N = SIDE * SIDE };
    size_t n = (size_t)images;
    attention_bench b = {.k = k};
    b.qkv = yti_tensor_of(bench_floats(n * N * 256), images, SIDE, SIDE, 256);
    b.out = yti_tensor_of(bench_floats(n * N * 128), images, SIDE, SIDE, 128);
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

static const yti_kernels *find_table(const char *name) {
    for (int isa = YT_ISA_REF; isa <= YT_ISA_AVX512; isa++) {
        const yti_kernels *k = yti_kernels_of((yti_isa)isa);
        if (k && strcmp(k->name, name) == 0) return k;
    }
    return NULL;
}

static settings parse(int argc, char **argv) {
    settings s = {
        .model = "models/yolo26.yaml", .imgsz = 640, .batch = 4, .threads = yti_cpu_cores(), .k = yti_kernels_get()};
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--model") == 0)
            s.model = value;
        else if (strcmp(argv[i], "--only") == 0)
            s.only = value;
        else if (strcmp(argv[i], "--scale") == 0)
            s.scale = value[0];
        else if (strcmp(argv[i], "--imgsz") == 0)
            s.imgsz = atoi(value);
        else if (strcmp(argv[i], "--batch") == 0)
            s.batch = atoi(value);
        else if (strcmp(argv[i], "--threads") == 0)
            s.threads = atoi(value);
        else if (strcmp(argv[i], "--isa") == 0)
            s.k = find_table(value);
        else
            die("usage: bench_ops [--model YAML] [--scale n] [--imgsz N] [--batch N] [--threads N] "
                "[--isa NAME] [--only TEXT]");
    }
    if (!s.k) die("no kernels of this name run here: ref, generic, avx2, avx512, neon");
    if (s.imgsz < 32 || s.batch < 1 || s.threads < 1) die("a value is out of range");
    return s;
}

int main(int argc, char **argv) {
    const settings s = parse(argc, argv);
    double peak = bench_peak_flops(s.k->vector_floats, s.threads), bandwidth = bench_bandwidth(s.threads);
    printf("%s, kernels %s, %d threads, %d images, peak %.1f GFLOP/s, memory %.1f GB/s\n", yti_cpu_name(), s.k->name,
           s.threads, s.batch, peak * 1e-9, bandwidth * 1e-9);
    bench_convs(&s, peak);
    if (s.only) return 0;
    bench_attention(s.k, s.threads, s.batch, peak * 1e-9);
    bench_passes(s.k, s.threads, s.batch, bandwidth);
    return 0;
}
