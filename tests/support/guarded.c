/* guarded.c: a stray write of a kernel lands on a guard value and is seen. */
#include "support/guarded.h"

#include "kernels/kernels.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum { MARGIN = 64 };
static const float guard_value = 1234567.0f;

guarded guarded_make(int n, int h, int w, int c, int before, int after) {
    guarded map = {.view = {.n = n, .h = h, .w = w, .c = c, .ld = before + c + after}};
    map.count = yti_tensor_pixels(map.view) * (size_t)map.view.ld + 2 * MARGIN;
    map.memory = malloc((map.count + YT_READ_SLACK) * sizeof(float));
    cr_assert_not_null(map.memory);
    for (size_t i = 0; i < map.count + YT_READ_SLACK; i++) map.memory[i] = guard_value;
    map.view.data = map.memory + MARGIN + before;
    return map;
}

void guarded_free(guarded *map) {
    free(map->memory);
    *map = (guarded){0};
}

static float *element(const guarded *map, size_t i) {
    size_t c = (size_t)map->view.c;
    return map->view.data + (ptrdiff_t)(i / c) * map->view.ld + (ptrdiff_t)(i % c);
}

void guarded_fill_integers(guarded *map, yti_rng *rng, int most) {
    for (size_t i = 0; i < yti_tensor_elements(map->view); i++)
        *element(map, i) = (float)((int)yti_rng_below(rng, 2 * (uint32_t)most + 1) - most);
}

void guarded_fill_bell(guarded *map, yti_rng *rng) {
    for (size_t i = 0; i < yti_tensor_elements(map->view); i++) {
        double sum = 0;
        for (int part = 0; part < 4; part++) sum += (double)yti_rng_u32(rng) * 0x1p-32 - 0.5;
        *element(map, i) = (float)(sum * 1.7320508); /* each part has variance 1/12 */
    }
}

void guarded_copy(const guarded *from, guarded *to) {
    for (size_t i = 0; i < yti_tensor_elements(from->view); i++) *element(to, i) = *element(from, i);
}

bool guarded_intact(const guarded *map) {
    ptrdiff_t first = map->view.data - map->memory;
    size_t inside = 0, kept = 0;
    for (size_t i = 0; i < map->count; i++) {
        ptrdiff_t at = (ptrdiff_t)i - first;
        bool channel = at >= 0 && at % map->view.ld < map->view.c &&
                       (size_t)(at / map->view.ld) < yti_tensor_pixels(map->view);
        inside += channel;
        kept += !channel && map->memory[i] == guard_value;
    }
    return inside == yti_tensor_elements(map->view) && inside + kept == map->count;
}

bool guarded_equal(const guarded *a, const guarded *b) {
    size_t count = yti_tensor_elements(a->view);
    if (count == 0 || count != yti_tensor_elements(b->view)) return false;
    for (size_t i = 0; i < count; i++)
        if (!(*element(a, i) == *element(b, i))) return false;
    return true;
}

double guarded_error(const guarded *a, const guarded *b, double scale) {
    double most = 0;
    for (size_t i = 0; i < yti_tensor_elements(a->view); i++) {
        double expected = (double)*element(b, i);
        double error = fabs((double)*element(a, i) - expected) / (scale + fabs(expected));
        if (!(error <= most)) most = error;
        if (isnan(most)) return most;
    }
    return most;
}
