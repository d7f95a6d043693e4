/* order.c: shuffling, sorting by aspect ratio, and the shapes of batches (spec training 2.8, 2.9, 2.11). */
#include "data/feed/order.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

void yti_order_shuffle(int *order, int n, uint64_t seed, int epoch) {
    yti_rng rng = yti_rng_make(seed, (uint64_t)epoch, 0, YT_RNG_SHUFFLE);
    for (int i = 0; i < n; i++) order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int j = (int)yti_rng_below(&rng, (uint32_t)i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

typedef struct ranked {
    double aspect;
    int sample;
} ranked;

static double aspect_of(const yti_sample *sample) {
    return (double)sample->h / sample->w;
}

static int compare_ranked(const void *a, const void *b) {
    const ranked *left = a, *right = b;
    if (left->aspect != right->aspect) return left->aspect < right->aspect ? -1 : 1;
    return (left->sample > right->sample) - (left->sample < right->sample);
}

yt_status yti_order_by_aspect(const yti_split *split, int *order, yt_err *err) {
    size_t n = (size_t)split->n_samples;
    ranked *sorted = malloc((n + 1) * sizeof *sorted);
    if (!sorted) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to sort %zu images", n);
    for (size_t i = 0; i < n; i++) sorted[i] = (ranked){aspect_of(&split->samples[i]), (int)i};
    qsort(sorted, n, sizeof *sorted, compare_ranked);
    for (size_t i = 0; i < n; i++) order[i] = sorted[i].sample;
    free(sorted);
    return YT_OK;
}

static int round_up(double fraction, const yti_loader_config *config) {
    return (int)ceil(fraction * config->imgsz / config->stride + config->rect_pad) * config->stride;
}

yti_input_shape yti_rect_shape(const yti_split *split, const int *samples, int count, const yti_loader_config *config) {
    double lowest = HUGE_VAL, highest = 0, h = 1, w = 1;
    for (int i = 0; i < count; i++) {
        lowest = fmin(lowest, aspect_of(&split->samples[samples[i]]));
        highest = fmax(highest, aspect_of(&split->samples[samples[i]]));
    }
    if (highest < 1) h = highest;
    if (lowest > 1) w = 1 / lowest;
    return (yti_input_shape){round_up(h, config), round_up(w, config)};
}

/* The sizes before they are rounded down to the stride: [*low, *high). */
static void scale_range(const yti_loader_config *config, int *low, int *high) {
    *low = (int)(config->imgsz * (1 - config->multi_scale));
    *high = (int)(config->imgsz * (1 + config->multi_scale) + config->stride);
    if (*low < config->stride) *low = config->stride;
}

void yti_scale_limits(const yti_loader_config *config, int *smallest, int *largest) {
    int low, high;
    scale_range(config, &low, &high);
    *smallest = low / config->stride * config->stride;
    *largest = (high - 1) / config->stride * config->stride;
}

yti_input_shape yti_shape_of_side(yti_input_shape base, int longer, int stride) {
    int64_t unit = (int64_t)stride * (base.h > base.w ? base.h : base.w);
    int64_t h = ((int64_t)base.h * longer + unit - 1) / unit, w = ((int64_t)base.w * longer + unit - 1) / unit;
    return (yti_input_shape){(int)h * stride, (int)w * stride};
}

yti_input_shape yti_scaled_shape(yti_input_shape base, const yti_loader_config *config, int epoch, int batch) {
    if (!(config->multi_scale > 0)) return base;
    yti_rng rng = yti_rng_make(config->seed, (uint64_t)epoch, (uint64_t)batch, YT_RNG_SCALE);
    int low, high;
    scale_range(config, &low, &high);
    int drawn = low + (int)yti_rng_below(&rng, (uint32_t)(high - low));
    return yti_shape_of_side(base, drawn / config->stride * config->stride, config->stride);
}
