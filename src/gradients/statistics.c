/* statistics.c: count, sums, extremes and histogram of a tensor in one pass.
 *
 * The pass is cut into items by the shape alone; an item has eight lanes of sums in double, which are added in lane
 * order, then items in item order: the same bits for any number of threads. log2 of a magnitude is the exponent of its
 * bit pattern, so the histogram is an array indexed by it; zeros and non-finite values fall out of it.
 */
#include "gradients/gradients.h"

#include <math.h>
#include <string.h>

enum { LANES = 8, TABLES = 4, EXPONENTS = 256, MAX_ITEMS = 64, LEAST_PER_ITEM = 1 << 14 };

static const uint32_t MAGNITUDE = 0x7fffffff, INFINITE = 0x7f800000; /* of IEEE 754 binary32 */
enum { MANTISSA_BITS = 23, BIAS = 127, NOT_FINITE = 255 };

typedef struct lanes {
    double sum[LANES], sum_abs[LANES], sum_squares[LANES];
    float max_abs[LANES];
    uint32_t zeros[LANES];
    uint32_t exponents[TABLES][EXPONENTS]; /* several, so that equal neighbours do not wait for each other */
} lanes;

/* Up to LANES values. */
static inline void add_group(lanes *to, const float *x, int n) {
    uint32_t bits[LANES];
    memcpy(bits, x, (size_t)n * sizeof *bits);
    for (int i = 0; i < n; i++) {
        const uint32_t magnitude = bits[i] & MAGNITUDE;
        const float v = magnitude < INFINITE ? x[i] : 0, a = fabsf(v);
        const double d = (double)v;
        to->sum[i] += d;
        to->sum_abs[i] += (double)a;
        to->sum_squares[i] += d * d;
        to->max_abs[i] = a > to->max_abs[i] ? a : to->max_abs[i];
        to->zeros[i] += magnitude == 0;
    }
    for (int i = 0; i < n; i++) to->exponents[i % TABLES][(bits[i] & MAGNITUDE) >> MANTISSA_BITS]++;
}

static void add_run(lanes *to, const float *x, size_t count) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) add_group(to, x + i, LANES);
    if (i < count) add_group(to, x + i, (int)(count - i));
}

static int bin_of(int exponent) {
    const int power = exponent - BIAS;
    if (power < YT_FLOW_LOWEST) return 0;
    return power < YT_FLOW_HIGHEST ? power - YT_FLOW_LOWEST + 1 : YT_FLOW_BINS - 1;
}

static void collect(const lanes *from, yti_flow_stats *to) {
    for (int i = 0; i < LANES; i++) {
        to->sum += from->sum[i];
        to->sum_abs += from->sum_abs[i];
        to->sum_squares += from->sum_squares[i];
        to->max_abs = fmax(to->max_abs, (double)from->max_abs[i]);
        to->zeros += from->zeros[i];
    }
    for (int e = 0; e < EXPONENTS; e++) {
        uint64_t n = 0;
        for (int t = 0; t < TABLES; t++) n += from->exponents[t][e];
        if (e == NOT_FINITE)
            to->non_finite += n;
        else
            to->histogram[bin_of(e)] += n;
    }
    to->histogram[0] -= to->zeros; /* they have the exponent of the smallest numbers */
}

static void add(yti_flow_stats *to, const yti_flow_stats *from) {
    to->zeros += from->zeros;
    to->non_finite += from->non_finite;
    to->sum += from->sum;
    to->sum_abs += from->sum_abs;
    to->sum_squares += from->sum_squares;
    to->max_abs = fmax(to->max_abs, from->max_abs);
    for (int i = 0; i < YT_FLOW_BINS; i++) to->histogram[i] += from->histogram[i];
}

static int items_of(size_t total) {
    const size_t items = total / LEAST_PER_ITEM;
    return items < 1 ? 1 : items > MAX_ITEMS ? MAX_ITEMS : (int)items;
}

yti_flow_stats yti_flow_measure(yti_tensor x, int threads) {
    /* Where pixels touch, the tensor is one run of values; else each pixel is one. */
    const bool touching = x.ld == x.c;
    const size_t runs = touching ? yti_tensor_elements(x) : yti_tensor_pixels(x);
    const int items = items_of(yti_tensor_elements(x));
    yti_flow_stats parts[MAX_ITEMS], all = {0};
    (void)threads; /* without OpenMP */
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        const size_t begin = runs * (size_t)item / (size_t)items, end = runs * ((size_t)item + 1) / (size_t)items;
        lanes sums = {0};
        if (touching) add_run(&sums, x.data + begin, end - begin);
        for (size_t p = begin; !touching && p < end; p++) add_run(&sums, x.data + (ptrdiff_t)p * x.ld, (size_t)x.c);
        parts[item] = (yti_flow_stats){0};
        collect(&sums, &parts[item]);
    }
    for (int item = 0; item < items; item++) add(&all, &parts[item]);
    all.count = yti_tensor_elements(x);
    all.saturated = all.ratio = (double)NAN;
    return all;
}

double yti_flow_update_ratio(const float *before, const float *after, size_t count, int threads) {
    const int items = items_of(count);
    double change[MAX_ITEMS], size[MAX_ITEMS], all_change = 0, all_size = 0;
    (void)threads; /* without OpenMP */
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        const size_t end = count * ((size_t)item + 1) / (size_t)items;
        double moved = 0, was = 0;
        for (size_t i = count * (size_t)item / (size_t)items; i < end; i++) {
            const double d = (double)after[i] - (double)before[i];
            moved += d * d;
            was += (double)before[i] * (double)before[i];
        }
        change[item] = moved;
        size[item] = was;
    }
    for (int item = 0; item < items; item++) {
        all_change += change[item];
        all_size += size[item];
    }
    return all_size > 0 ? sqrt(all_change / all_size) : (double)NAN;
}
