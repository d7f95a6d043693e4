/* calibrate.c: a histogram per map, whose bins double in width whenever a value lies beyond the last one, so that one
 * pass is enough; see calibrate.h.
 */
#include "export/calibrate.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { HALF = 2048, BINS = 2 * HALF }; /* bin i holds values from (i - HALF) * width on */

typedef struct histogram {
    int64_t *counts; /* [BINS]; NULL: nothing was seen yet */
    double width;    /* a power of two, so that two bins are exactly one of the next width */
    float low, high; /* exactly */
} histogram;

struct yti_calibration {
    int n_nodes;
    histogram *nodes;
    bool failed; /* no memory */
    bool non_finite;
};

yt_status yti_calibration_create(int n_nodes, yti_calibration **out, yt_err *err) {
    yti_calibration *c = calloc(1, sizeof *c);
    histogram *nodes = calloc((size_t)n_nodes + 1, sizeof *nodes);
    if (!c || !nodes) {
        free(c);
        free(nodes);
        return yti_no_memory(err, "%d ranges", n_nodes);
    }
    *c = (yti_calibration){.n_nodes = n_nodes, .nodes = nodes};
    *out = c;
    return YT_OK;
}

void yti_calibration_destroy(yti_calibration *calibration) {
    if (!calibration) return;
    for (int i = 0; i < calibration->n_nodes; i++) free(calibration->nodes[i].counts);
    free(calibration->nodes);
    free(calibration);
}

/* The smallest and the largest value of a map; false: one is not finite. */
static bool extremes(const yti_tensor *map, float *low, float *high) {
    float least = INFINITY, most = -INFINITY;
    bool finite = true;
    const size_t pixels = yti_tensor_pixels(*map);
    for (size_t p = 0; p < pixels; p++) {
        const float *at = map->data + (ptrdiff_t)p * map->ld;
        for (int c = 0; c < map->c; c++) {
            least = at[c] < least ? at[c] : least;
            most = at[c] > most ? at[c] : most;
            finite &= at[c] - at[c] == 0;
        }
    }
    *low = least;
    *high = most;
    return finite;
}

/* Joins pairs of bins around the middle. */
static void widen(histogram *h) {
    for (int i = 0; i < HALF / 2; i++) h->counts[HALF + i] = h->counts[HALF + 2 * i] + h->counts[HALF + 2 * i + 1];
    for (int i = 1; i <= HALF / 2; i++) h->counts[HALF - i] = h->counts[HALF - 2 * i] + h->counts[HALF - 2 * i + 1];
    for (int i = HALF / 2; i < HALF; i++) h->counts[HALF + i] = h->counts[HALF - 1 - i] = 0;
    h->width *= 2;
}

/* Makes room for values up to `most` in magnitude. */
static bool fit(histogram *h, double most) {
    if (!h->counts) {
        h->counts = calloc(BINS, sizeof *h->counts);
        if (!h->counts) return false;
        int exponent;
        frexp(most > 1e-30 ? most : 1e-30, &exponent); /* most < 2^exponent */
        h->width = ldexp(1.0 / HALF, exponent);
        h->low = INFINITY;
        h->high = -INFINITY;
    }
    while (most >= h->width * HALF) widen(h);
    return true;
}

static void count_map(void *context, yti_value value, yti_tensor map) {
    yti_calibration *c = context;
    histogram *h = &c->nodes[value];
    float low, high;
    if (c->failed || c->non_finite || !map.data) return;
    if (!extremes(&map, &low, &high)) {
        c->non_finite = true;
        return;
    }
    if (!fit(h, fmax(fabs((double)low), fabs((double)high)))) {
        c->failed = true;
        return;
    }
    const float per_bin = (float)(1 / h->width);
    const size_t pixels = yti_tensor_pixels(map);
    for (size_t p = 0; p < pixels; p++) {
        const float *at = map.data + (ptrdiff_t)p * map.ld;
        for (int i = 0; i < map.c; i++) h->counts[(int)floorf(at[i] * per_bin) + HALF]++;
    }
    h->low = low < h->low ? low : h->low;
    h->high = high > h->high ? high : h->high;
}

yti_graph_observer yti_calibration_observer(yti_calibration *calibration) {
    return (yti_graph_observer){.forward = count_map, .context = calibration};
}

yti_range yti_calibration_range(const yti_calibration *calibration, yti_value node, double kept) {
    const histogram *h = &calibration->nodes[node];
    if (!h->counts) return (yti_range){INFINITY, -INFINITY};
    int64_t total = 0, below = 0, above = 0;
    for (int i = 0; i < BINS; i++) total += h->counts[i];
    const int64_t left_out = (int64_t)((1 - kept) * (double)total);
    int first = 0, last = BINS - 1;
    while (first < last && below + h->counts[first] <= left_out) below += h->counts[first++];
    while (last > first && above + h->counts[last] <= left_out) above += h->counts[last--];
    const float low = (float)((first - HALF) * h->width), high = (float)((last + 1 - HALF) * h->width);
    return (yti_range){low > h->low ? low : h->low, high < h->high ? high : h->high};
}

yt_status yti_calibration_status(const yti_calibration *calibration, yt_err *err) {
    if (calibration->failed) return yti_no_memory(err, "the ranges of maps");
    if (calibration->non_finite)
        return yt_fail(err, YT_ERR_NON_FINITE,
                       "the network gives values that are not finite (NaN or infinity): its weights are damaged");
    return YT_OK;
}
