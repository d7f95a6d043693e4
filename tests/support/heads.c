/* heads.c: random head outputs and targets, on views wider than their channels. */
#include "support/heads.h"

#include "base/rng.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdlib.h>

const float made_guard = -12345;

enum { SURPLUS = 3 }; /* floats per pixel beyond the channels */

static yti_tensor take(made_head *made, size_t *used, int n, int h, int w, int c) {
    yti_tensor t = {
        .data = made->memory ? made->memory + *used : NULL, .n = n, .h = h, .w = w, .c = c, .ld = c + SURPLUS};
    *used += yti_tensor_pixels(t) * (size_t)t.ld;
    return t;
}

/* First without memory to learn the size, then with it. */
static size_t lay_out(made_head *made, const made_options *o) {
    size_t used = 0;
    made->head = (yti_head){.n_levels = o->n_levels, .n_classes = o->n_classes, .reg_max = o->reg_max};
    for (int i = 0; i < o->n_levels; i++) {
        yti_head_level *level = &made->head.level[i];
        level->stride = 8 << i;
        int h = o->height / level->stride, w = o->width / level->stride;
        level->box = take(made, &used, o->images, h, w, 4 * o->reg_max);
        level->cls = take(made, &used, o->images, h, w, o->n_classes);
        if (!o->gradients) continue;
        level->d_box = take(made, &used, o->images, h, w, 4 * o->reg_max);
        level->d_cls = take(made, &used, o->images, h, w, o->n_classes);
    }
    return used;
}

static double rounded(double x, double step, int wanted) {
    return wanted ? rint(x / step) * step : x;
}

static void fill_map(yti_tensor t, yti_rng *rng, double mean, double deviation, double step, int quantised) {
    for (size_t p = 0; p < yti_tensor_pixels(t); p++) {
        for (int c = 0; c < t.c; c++) {
            t.data[p * (size_t)t.ld + (size_t)c] = (float)rounded(mean + deviation * yti_rng_normal(rng), step,
                                                                  quantised);
        }
    }
}

/* A part of `size` pixels, moved to whole cells of 8. */
static float snapped(float part, double size) {
    return (float)(rounded((double)part * size, 8, 1) / size);
}

static yti_cxcywh random_box(yti_rng *rng, const made_options *o, const yti_cxcywh *before) {
    double w = o->width, h = o->height;
    yti_cxcywh b = {(float)yti_rng_unit(rng), (float)yti_rng_unit(rng), (float)yti_rng_uniform(rng, 0.1, 0.6),
                    (float)yti_rng_uniform(rng, 0.1, 0.6)};
    switch (yti_rng_below(rng, 12)) {
    case 0:
        b.w = (float)(yti_rng_uniform(rng, 1, 8) / w), b.h = (float)(yti_rng_uniform(rng, 1, 8) / h);
        break;
    case 1:
        b.w = (float)(yti_rng_uniform(rng, 1, 8) / w);
        break;
    case 2:
        b.w = 0;
        break;
    case 3:
        b.w = b.h = 0;
        break;
    case 4:
        b.w = b.h = 1.5f;
        break;
    case 5:
        b = (yti_cxcywh){0, 0, 0, 0};
        break;
    case 6:
        b = before ? *before : b;
        break;
    default:
        break;
    }
    if (o->quantised) {
        b.cx = snapped(b.cx, w), b.cy = snapped(b.cy, h);
        b.w = snapped(b.w, w), b.h = snapped(b.h, h);
    }
    return b;
}

made_head made_head_create(made_options options) {
    const made_options *o = &options;
    made_head made = {0};
    size_t boxes = (size_t)o->images * (size_t)o->boxes;
    made.floats = lay_out(&made, o);
    made.memory = malloc((made.floats + YT_READ_SLACK) * sizeof *made.memory);
    made.image = malloc((boxes + 1) * sizeof *made.image);
    made.class_id = malloc((boxes + 1) * sizeof *made.class_id);
    made.boxes = malloc((boxes + 1) * sizeof *made.boxes);
    if (!made.memory || !made.image || !made.class_id || !made.boxes) abort();
    for (size_t i = 0; i < made.floats + YT_READ_SLACK; i++) made.memory[i] = made_guard;
    lay_out(&made, o);

    yti_rng rng = yti_rng_make(o->seed, 0, 0, YT_RNG_TEST);
    for (int i = 0; i < o->n_levels; i++) {
        yti_head_level *level = &made.head.level[i];
        /* distances of about 2 cells for plain heads; for bins any logits do */
        fill_map(level->box, &rng, o->reg_max == 1 ? 2 : 0, 1.5, 0.5, o->quantised);
        fill_map(level->cls, &rng, -2, 2, 2, o->quantised);
    }
    for (int image = 0; image < o->images; image++) {
        for (int j = 0; j < o->boxes; j++) {
            int i = made.targets.count++;
            made.image[i] = image;
            made.class_id[i] = (int)yti_rng_below(&rng, (uint32_t)o->n_classes);
            made.boxes[i] = random_box(&rng, o, j ? &made.boxes[i - 1] : NULL);
        }
    }
    made.targets.image = made.image;
    made.targets.class_id = made.class_id;
    made.targets.boxes = made.boxes;
    return made;
}

void made_head_destroy(made_head *made) {
    free(made->memory);
    free(made->image);
    free(made->class_id);
    free(made->boxes);
    *made = (made_head){0};
}

static size_t damage(yti_tensor t) {
    size_t damaged = 0;
    for (size_t p = 0; t.data && p < yti_tensor_pixels(t); p++) {
        for (ptrdiff_t c = t.c; c < t.ld; c++) damaged += t.data[p * (size_t)t.ld + (size_t)c] != made_guard;
    }
    return damaged;
}

size_t made_head_damage(const made_head *made) {
    size_t damaged = 0;
    for (int i = 0; i < made->head.n_levels; i++) {
        const yti_head_level *level = &made->head.level[i];
        damaged += damage(level->box) + damage(level->cls) + damage(level->d_box) + damage(level->d_cls);
    }
    return damaged;
}

int made_anchors(const yti_head *head) {
    int anchors = 0;
    for (int i = 0; i < head->n_levels; i++) anchors += head->level[i].box.h * head->level[i].box.w;
    return anchors;
}

void made_place(const yti_head *head, int anchor, int *level, int *pixel) {
    *level = 0;
    while (anchor >= head->level[*level].box.h * head->level[*level].box.w) {
        anchor -= head->level[*level].box.h * head->level[*level].box.w;
        (*level)++;
    }
    *pixel = anchor;
}

float *made_pixel(const yti_tensor *t, int image, int pixel) {
    return t->data + ((ptrdiff_t)image * t->h * t->w + pixel) * t->ld;
}
