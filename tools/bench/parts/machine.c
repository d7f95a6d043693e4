/* machine.c: loops that do one thing only, timed. */
#include "base/rng.h"
#include "kernels/kernels.h"
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 7 };

static double now(int threads) {
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_time(void (*call)(void *), void *argument, int threads) {
    double seconds[ROUNDS];
    double begin = now(threads);
    call(argument);
    int calls = 1 + (int)(0.02 / (now(threads) - begin + 1e-9));
    for (int round = 0; round < ROUNDS; round++) {
        begin = now(threads);
        for (int i = 0; i < calls; i++) call(argument);
        seconds[round] = (now(threads) - begin) / calls;
    }
    qsort(seconds, ROUNDS, sizeof seconds[0], ascending);
    return seconds[ROUNDS / 2];
}

float *bench_floats(unsigned long count) {
    float *data = aligned_alloc(64, ((count + YT_READ_SLACK) * sizeof(float) + 63) / 64 * 64);
    if (!data) {
        fprintf(stderr, "bench: out of memory\n");
        exit(1);
    }
    yti_rng rng = yti_rng_make(1, 0, count, YT_RNG_TEST);
    for (size_t i = 0; i < count + YT_READ_SLACK; i++) data[i] = (float)yti_rng_uniform(&rng, -1, 1);
    return data;
}

/* ---- multiply-adds ---- */

enum { CHAINS = 12, STEPS = 200000 };
typedef float vec8 __attribute__((vector_size(32)));
typedef float vec4 __attribute__((vector_size(16)));
static volatile float peak_seed = 0.5f;

/* 12 independent multiply-adds per step: more than latency times units of any CPU of ours. */
#define PEAK_LOOP(vec)                                                                                                 \
    vec a[CHAINS], b = peak_seed - (vec){0}, c = peak_seed - (vec){0};                                                 \
    for (int i = 0; i < CHAINS; i++) a[i] = (float)i - (vec){0};                                                       \
    for (int s = 0; s < STEPS; s++)                                                                                    \
        for (int i = 0; i < CHAINS; i++) a[i] = a[i] * b + c;                                                          \
    for (int i = 1; i < CHAINS; i++) a[0] += a[i];                                                                     \
    volatile float sink = a[0][0];                                                                                     \
    (void)sink;

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void peak_avx2(void) {
    PEAK_LOOP(vec8)
}
#endif

static void peak_baseline(void) {
    PEAK_LOOP(vec4)
}

static void peak_call(void *argument) {
    const int *p = argument;
#pragma omp parallel for num_threads(p[0])
    for (int i = 0; i < p[0]; i++) {
#if defined(__x86_64__)
        if (p[1] > 4)
            peak_avx2();
        else
#endif
            peak_baseline();
    }
}

double bench_peak_flops(int vector_floats, int threads) {
    int argument[2] = {threads, vector_floats};
    double flops = 2.0 * CHAINS * STEPS * vector_floats * threads;
    return flops / bench_time(peak_call, argument, threads);
}

/* ---- memory ---- */

enum { STREAM_FLOATS = 16 * 1024 * 1024 };

typedef struct stream {
    float *a, *b, *c;
    int threads;
} stream;

static void stream_call(void *argument) {
    const stream *s = argument;
    float *restrict a = s->a;
    const float *b = s->b, *c = s->c;
#pragma omp parallel for schedule(static) num_threads(s->threads)
    for (int i = 0; i < STREAM_FLOATS; i++) a[i] = b[i] + 0.5f * c[i];
}

double bench_bandwidth(int threads) {
    stream s = {bench_floats(STREAM_FLOATS), bench_floats(STREAM_FLOATS), bench_floats(STREAM_FLOATS), threads};
    double seconds = bench_time(stream_call, &s, threads);
    free(s.a), free(s.b), free(s.c);
    return 3.0 * STREAM_FLOATS * sizeof(float) / seconds;
}
