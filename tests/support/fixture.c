/* fixture.c: see fixture.h. */
#include "support/fixture.h"

#include "base/file.h"
#include "image/image.h"
#include "support/near.h"
#include "weights/weights.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURES YT_SHARED_DIR "/fixtures/"
#define SMALL    YT_SOURCE_DIR "/tests/data/parity/"

static char *read_or_skip(const char *path, size_t *bytes) {
    char *data = NULL;
    if (!yti_path_exists(path) && strncmp(path, FIXTURES, strlen(FIXTURES)) == 0)
        cr_skip_test("%s is not there: not compared with the reference", path);
    cr_assert_eq(yti_file_read(path, 1u << 26, &data, bytes, NULL), YT_OK, "%s", path);
    return data;
}

static void read_targets(fixture *f, const char *path) {
    size_t bytes;
    float *rows = (float *)(void *)read_or_skip(path, &bytes);
    cr_assert_eq(bytes, (size_t)f->n_targets * 6 * sizeof *rows);
    for (int i = 0; i < f->n_targets; i++) {
        const float *row = rows + 6 * i;
        f->image[i] = (int)row[0];
        f->class_id[i] = (int)row[1];
        f->boxes[i] = (yti_cxcywh){row[2], row[3], row[4], row[5]};
    }
    free(rows);
}

static void read_reference(fixture *f, const char *path) {
    size_t bytes;
    char *json = read_or_skip(path, &bytes);
    f->reference = cJSON_ParseWithLength(json, bytes);
    cr_assert_not_null(f->reference);
    free(json);
}

static void open_model(fixture *f, const char *weights, const char *yaml, const char *folder) {
    yt_err err = {.text = ""};
    yti_class_names names = {0};
    int imgsz;
    const char *dirs[] = {folder, NULL};
    cr_assert_eq(yti_weights_open(weights, yaml, dirs, &f->model, &names, &imgsz, &err), YT_OK, "%s", err.text);
    yti_class_names_free(&names);
}

static void open_small(fixture *f, const char *name) {
    char path[600], yaml[64];
    yt_image image;
    yt_err err = {.text = ""};
    f->n_images = 1, f->n_targets = 3;
    snprintf(f->folder, sizeof f->folder, SMALL "%s.", name);
    snprintf(path, sizeof path, "%sjson", f->folder);
    read_reference(f, path);
    cr_assert_eq(yt_image_load(SMALL "image.png", &image, &err), YT_OK, "%s", err.text);
    f->images = image.rgb, f->w = image.w, f->h = image.h;
    read_targets(f, SMALL "targets.bin");
    snprintf(path, sizeof path, "%ssafetensors", f->folder);
    snprintf(yaml, sizeof yaml, "%s.yaml", name);
    open_model(f, path, yaml, YT_SOURCE_DIR "/tests/data/parity");
}

static void open_shared(fixture *f, const char *name) {
    char path[600], yaml[64];
    size_t bytes;
    f->n_images = FIXTURE_IMAGES, f->n_targets = FIXTURE_TARGETS, f->w = f->h = FIXTURE_SIDE;
    snprintf(f->folder, sizeof f->folder, FIXTURES "%s/", name);
    snprintf(path, sizeof path, "%sreference.json", f->folder);
    read_reference(f, path);
    f->images = (uint8_t *)read_or_skip(FIXTURES "batch_images_4x320x320x3_rgb_u8.bin", &bytes);
    cr_assert_eq(bytes, FIXTURE_IMAGES * FIXTURE_SIDE * FIXTURE_SIDE * 3);
    read_targets(f, FIXTURES "batch_targets_13x6_f32.bin");
    snprintf(path, sizeof path, "%s%s_coco8_fit.pt", f->folder, name);
    snprintf(yaml, sizeof yaml, "%s.yaml", name);
    open_model(f, path, yaml, YT_SOURCE_DIR "/models");
}

fixture fixture_open(const char *name) {
    fixture f = {0};
    (fixture_is_small(name) ? open_small : open_shared)(&f, name);
    return f;
}

bool fixture_is_small(const char *name) {
    return strncmp(name, "tiny", 4) == 0;
}

void fixture_close(fixture *f) {
    cJSON_Delete(f->reference);
    yti_model_destroy(f->model);
    free(f->images);
    *f = (fixture){0};
}

float *fixture_floats(const fixture *f, const char *file, size_t count) {
    char path[600];
    size_t bytes;
    snprintf(path, sizeof path, "%s%s", f->folder, file);
    float *values = (float *)(void *)read_or_skip(path, &bytes);
    cr_assert_eq(bytes, count * sizeof *values, "%s", path);
    return values;
}

const cJSON *fixture_item(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    cr_assert_not_null(item, "no %s", key);
    return item;
}

double fixture_number(const cJSON *object, const char *key) {
    const cJSON *item = fixture_item(object, key);
    cr_assert(cJSON_IsNumber(item), "%s is no number", key);
    return item->valuedouble;
}

void fixture_forward(const fixture *f, yti_model *model, yti_mode mode) {
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_plan(model, mode, f->n_images, f->h, f->w, FIXTURE_THREADS, &err), YT_OK, "%s", err.text);
    yti_model_set_input(model, f->images);
    yti_model_forward(model, &model->state, NULL);
}

/* Gradients that vanish by construction come out as rounding noise of either implementation: an L2 norm below this,
 * where those that matter start at 1e-4. */
static const double NOISE_L2 = 1e-6;
enum { SINGLE = 5 }; /* single values may be off by a few times what the whole tensor may be */

/* value against expected, as a part of scale; remembers the worst. */
static void expect_part(double value, double expected, double scale, double tolerance, double *worst, const char *name,
                        const char *what) {
    const double part = fabs(value - expected) / scale;
    cr_expect(part <= tolerance, "%s: %s %.9g, expected %.9g", name, what, value, expected);
    if (!(part <= *worst)) *worst = part;
}

void fixture_compare(const char *name, const float *values, const cJSON *summary, double tolerance,
                     fixture_deviation *worst) {
    const size_t count = (size_t)fixture_number(summary, "numel");
    const double l2 = fixture_number(summary, "l2"), rms = l2 / sqrt((double)count),
                 absmax = fixture_number(summary, "absmax");
    double square = 0, sum = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        const double v = (double)values[i];
        square += v * v, sum += v, largest = fmax(largest, fabs(v));
    }
    if (l2 < NOISE_L2) {
        cr_expect(sqrt(square) < NOISE_L2, "%s: L2 %.9g, expected to vanish", name, sqrt(square));
        return;
    }
    expect_part(sqrt(square), l2, l2, tolerance, &worst->l2, name, "L2");
    expect_part(sum / (double)count, fixture_number(summary, "mean"), rms, tolerance, &worst->l2, name, "mean");
    expect_part(largest, absmax, absmax, SINGLE * tolerance, &worst->value, name, "absmax");
    const cJSON *pair;
    int samples = 0;
    cJSON_ArrayForEach(pair, fixture_item(summary, "samples")) {
        const size_t index = (size_t)cJSON_GetArrayItem(pair, 0)->valuedouble;
        const double expected = cJSON_GetArrayItem(pair, 1)->valuedouble;
        cr_assert(index < count);
        expect_part((double)values[index], expected, fmax(rms, fabs(expected)), SINGLE * tolerance, &worst->value, name,
                    "sample");
        samples++;
    }
    cr_expect(samples > 0, "%s has no samples", name);
}

int fixture_compare_tensors(const fixture *f, const cJSON *summaries, const float *params, double tolerance,
                            fixture_deviation *worst) {
    int compared = 0;
    for (int i = 0; i < f->model->n_params; i++) {
        const yti_param_info *info = &f->model->params[i];
        const cJSON *summary = cJSON_GetObjectItemCaseSensitive(summaries, info->name);
        if (!summary) continue;
        const float *block = info->kind >= YT_PARAM_CONSTANT ? f->model->state.buffers : params;
        float *values = malloc(info->count * sizeof *values);
        cr_assert_not_null(values);
        cr_assert_eq((size_t)fixture_number(summary, "numel"), info->count, "%s", info->name);
        yti_param_to_file_order(info, block + info->offset, values);
        fixture_compare(info->name, values, summary, tolerance, worst);
        free(values);
        compared++;
    }
    cr_expect_eq(compared, cJSON_GetArraySize(summaries), "every tensor of the reference is one of ours");
    return compared;
}

bool fixture_has_gradient(const fixture *f, const char *name) {
    const cJSON *gradient = cJSON_GetObjectItemCaseSensitive(fixture_item(f->reference, "grads"), name);
    return gradient && fixture_number(gradient, "l2") >= NOISE_L2;
}
