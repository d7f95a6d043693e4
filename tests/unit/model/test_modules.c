/* Tests of the modules of src/model against PyTorch: small networks, one for each module (tests/data/module_cases.json,
 * written by tools/oracle/module_cases.py): maps of the head in evaluation and in training, fused or not, and the
 * gradient of every parameter; the same bits for any number of threads. Every value is drawn from a hash of its
 * tensor's name, so that the file holds results only.
 */
#include "base/file.h"
#include "model/model.h"
#include "support/near.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 2, SIDE = 32, CASES = 29 };

static cJSON *load_cases(void) {
    char *text = NULL;
    size_t length = 0;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_file_read(YT_SOURCE_DIR "/tests/data/module_cases.json", 1 << 20, &text, &length, &err), YT_OK,
                 "%s", err.text);
    cJSON *cases = cJSON_ParseWithLength(text, length);
    cr_assert_eq(cJSON_GetArraySize(cases), CASES);
    free(text);
    return cases;
}

static const char *text_of(const cJSON *object, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItem(object, key));
}

static yti_model *parse(const cJSON *entry, yti_model_options options) {
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    const char *yaml = text_of(entry, "yaml");
    cr_assert_eq(yti_model_parse("case.yaml", yaml, strlen(yaml), &options, &model, &err), YT_OK, "%s: %s",
                 text_of(entry, "name"), err.text);
    return model;
}

/* ---- values ---- */

static uint32_t seed_of(const char *name) {
    uint32_t seed = 2166136261u;
    for (; *name; name++) seed = (seed ^ (unsigned char)*name) * 16777619u;
    return seed;
}

/* In [0, 1). */
static double uniform(uint32_t seed, size_t i) {
    uint32_t x = seed + (uint32_t)i * 0x9E3779B9u;
    x = (x ^ x >> 16) * 0x85EBCA6Bu;
    x = (x ^ x >> 13) * 0xC2B2AE35u;
    x ^= x >> 16;
    return (double)(x >> 8) / (1 << 24);
}

static bool ends(const char *name, const char *ending) {
    const size_t length = strlen(name), end = strlen(ending);
    return length >= end && strcmp(name + length - end, ending) == 0;
}

static void draw(yti_model *model) {
    yti_model_init_weights(model, 0, &model->state); /* what is constant */
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (info->kind == YT_PARAM_CONSTANT) continue;
        const uint32_t seed = seed_of(info->name);
        float *file = malloc(info->count * sizeof *file);
        cr_assert_not_null(file);
        for (size_t k = 0; k < info->count; k++) {
            const double u = uniform(seed, k);
            if (info->n_dims == 4)
                file[k] = (float)((2 * u - 1) * sqrt(3.0 / (info->dims[1] * info->dims[2] * info->dims[3])));
            else if (ends(info->name, "bn.weight") || ends(info->name, "running_var") || ends(info->name, "gamma"))
                file[k] = (float)(u + 0.5);
            else
                file[k] = (float)((ends(info->name, "running_mean") ? 0.4 : 1.0) * (u - 0.5));
        }
        yti_param_from_file_order(
            info, file, (yti_param_is_trainable(info) ? model->state.params : model->state.buffers) + info->offset);
        free(file);
    }
}

static void set_input(yti_model *model) {
    static uint8_t pixels[BATCH * SIDE * SIDE * 3];
    const uint32_t seed = seed_of("input");
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(uniform(seed, i) * 256);
    yti_model_set_input(model, pixels);
}

static void run(yti_model *model, yti_mode mode, int threads) {
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_plan(model, mode, BATCH, SIDE, SIDE, threads, &err), YT_OK, "%s", err.text);
    set_input(model);
    yti_model_forward(model, &model->state, NULL);
}

/* ---- what is compared ---- */

/* The sum of squares, and of products with fixed weights, which become the gradient where there is one. */
static void measure(yti_tensor map, yti_tensor gradient, const char *name, double out[2]) {
    const uint32_t seed = seed_of(name);
    out[0] = out[1] = 0;
    for (int n = 0; n < map.n; n++)
        for (int p = 0; p < map.h * map.w; p++)
            for (int c = 0; c < map.c; c++) {
                const ptrdiff_t pixel = (ptrdiff_t)n * map.h * map.w + p;
                const double weight = 2 * uniform(seed,
                                                  ((size_t)n * (size_t)map.c + (size_t)c) * (size_t)(map.h * map.w) +
                                                      (size_t)p) -
                                      1;
                const double value = (double)map.data[pixel * map.ld + c];
                out[0] += value * value;
                out[1] += value * weight;
                if (gradient.data) gradient.data[pixel * gradient.ld + c] = (float)weight;
            }
}

/* The maps of a branch against those listed from entry `at` on; returns the entry after them. The tolerance is for a
 * dozen layers of float, each of which rounds to 6e-8. */
static int expect_maps(const yti_model *model, int branch, const cJSON *list, int at, const char *where) {
    const yti_head head = yti_model_head(model, branch);
    const int named = model->n_branches == 1 && at > 0 ? 1 : branch; /* of a fused model: as in the whole one */
    for (int l = 0; l < head.n_levels; l++)
        for (int k = 0; k < 2; k++, at++) {
            char name[32];
            double found[2];
            snprintf(name, sizeof name, "%d.%d.%s", named, l, k ? "cls" : "box");
            const cJSON *pair = cJSON_GetArrayItem(list, at);
            cr_assert_not_null(pair, "%s: %s is not in the file", where, name);
            const yti_tensor map = k ? head.level[l].cls : head.level[l].box;
            measure(map, k ? head.level[l].d_cls : head.level[l].d_box, name, found);
            const double square = cJSON_GetArrayItem(pair, 0)->valuedouble,
                         product = cJSON_GetArrayItem(pair, 1)->valuedouble;
            cr_expect(test_near(found[0], square, 1e-4 * square) && test_near(found[1], product, 1e-4 * sqrt(square)),
                      "%s: %s: %.9g, %.9g; expected %.9g, %.9g", where, name, found[0], found[1], square, product);
        }
    return at;
}

Test(modules, give_in_evaluation_what_pytorch_gives_fused_or_not) {
    cJSON *cases = load_cases();
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cases) {
        yti_model *model = parse(entry, YT_MODEL_DEFAULTS), *fused = NULL;
        yt_err err = {.text = ""};
        const cJSON *list = cJSON_GetObjectItem(entry, "eval");
        draw(model);
        yti_model_evaluate(model, ~0u);
        run(model, YT_MODE_EVAL, 2);
        int at = 0;
        for (int b = 0; b < model->n_branches; b++) at = expect_maps(model, b, list, at, text_of(entry, "name"));
        cr_expect_eq(at, cJSON_GetArraySize(list));
        cr_assert_eq(yti_model_fuse_all(model, &model->state, &fused, &err), YT_OK, "%s: %s", text_of(entry, "name"),
                     err.text);
        yti_model_evaluate(fused, ~0u);
        run(fused, YT_MODE_EVAL, 2);
        at = 0;
        for (int b = 0; b < fused->n_branches; b++) at = expect_maps(fused, b, list, at, text_of(entry, "name"));
        yti_model_destroy(fused);
        yti_model_destroy(model);
    }
    cJSON_Delete(cases);
}

/* Without normalisation there are biases in its place, which two convolutions that become one add. */
Test(modules, without_normalisation_fuse_to_the_same) {
    cJSON *cases = load_cases();
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cases) {
        yti_model_options options = YT_MODEL_DEFAULTS;
        options.no_batchnorm = true;
        yti_model *model = parse(entry, options), *fused = NULL;
        yt_err err = {.text = ""};
        draw(model);
        cr_assert_eq(yti_model_fuse(model, &model->state, model->end2end, &fused, &err), YT_OK, "%s", err.text);
        run(model, YT_MODE_EVAL, 2);
        run(fused, YT_MODE_EVAL, 2);
        const yti_head a = yti_model_head(model, yti_model_eval_branch(model)), b = yti_model_head(fused, 0);
        for (int l = 0; l < a.n_levels; l++) {
            double of_model[2], of_fused[2];
            measure(a.level[l].cls, (yti_tensor){0}, "cls", of_model);
            measure(b.level[l].cls, (yti_tensor){0}, "cls", of_fused);
            cr_expect(test_near(of_fused[0], of_model[0], 1e-5 * of_model[0]) &&
                          test_near(of_fused[1], of_model[1], 1e-5 * sqrt(of_model[0])),
                      "%s: %.9g, %.9g; fused %.9g, %.9g", text_of(entry, "name"), of_model[0], of_model[1], of_fused[0],
                      of_fused[1]);
        }
        yti_model_destroy(fused);
        yti_model_destroy(model);
    }
    cJSON_Delete(cases);
}

/* That of a bias in front of another normalisation vanishes by construction; in float the sum of its terms does not
 * quite. */
static const double VANISHING = 1e-5;

static void expect_gradient(const yti_model *model, const yti_param_info *info, const cJSON *expected,
                            const char *where) {
    char name[192];
    float *file = malloc(info->count * sizeof *file);
    cr_assert_not_null(file);
    cr_assert_not_null(expected, "%s: %s is not in the file", where, info->name);
    yti_param_to_file_order(info, model->state.grads + info->offset, file);
    snprintf(name, sizeof name, "gradient.%s", info->name);
    const uint32_t seed = seed_of(name);
    double square = 0, product = 0;
    for (size_t i = 0; i < info->count; i++) {
        square += (double)file[i] * (double)file[i];
        product += (double)file[i] * (2 * uniform(seed, i) - 1);
    }
    free(file);
    const double norm = cJSON_GetArrayItem(expected, 0)->valuedouble,
                 along = cJSON_GetArrayItem(expected, 1)->valuedouble;
    const double tolerance = 1e-3 * norm + VANISHING;
    cr_expect(test_near(sqrt(square), norm, tolerance) && test_near(product, along, tolerance),
              "%s: %s: %.9g, %.9g; expected %.9g, %.9g", where, info->name, sqrt(square), product, norm, along);
}

Test(modules, have_the_gradients_that_pytorch_has) {
    cJSON *cases = load_cases();
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cases) {
        yti_model *model = parse(entry, YT_MODEL_DEFAULTS);
        const cJSON *list = cJSON_GetObjectItem(entry, "train"), *gradients = cJSON_GetObjectItem(entry, "gradients");
        int at = 0, compared = 0;
        draw(model);
        run(model, YT_MODE_TRAIN, 2);
        for (int b = 0; b < model->n_branches; b++) at = expect_maps(model, b, list, at, text_of(entry, "name"));
        yti_model_backward(model, &model->state, NULL);
        for (int i = 0; i < model->n_params; i++) {
            const yti_param_info *info = &model->params[i];
            if (!yti_param_is_trainable(info)) continue;
            expect_gradient(model, info, cJSON_GetObjectItemCaseSensitive(gradients, info->name),
                            text_of(entry, "name"));
            compared++;
        }
        cr_expect_eq(compared, cJSON_GetArraySize(gradients), "%s", text_of(entry, "name"));
        yti_model_destroy(model);
    }
    cJSON_Delete(cases);
}

Test(modules, give_the_same_bits_for_any_number_of_threads) {
    cJSON *cases = load_cases();
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cases) {
        float *first = NULL;
        for (int threads = 1; threads <= 3; threads++) {
            yti_model *model = parse(entry, YT_MODEL_DEFAULTS);
            const cJSON *list = cJSON_GetObjectItem(entry, "train");
            draw(model);
            run(model, YT_MODE_TRAIN, threads);
            for (int b = 0, at = 0; b < model->n_branches; b++)
                at = expect_maps(model, b, list, at, text_of(entry, "name"));
            yti_model_backward(model, &model->state, NULL);
            const size_t bytes = model->param_count * sizeof *first;
            if (!first) {
                first = malloc(bytes);
                cr_assert_not_null(first);
                memcpy(first, model->state.grads, bytes);
            }
            cr_expect_arr_eq(model->state.grads, first, bytes, "%s with %d threads", text_of(entry, "name"), threads);
            yti_model_destroy(model);
        }
        free(first);
    }
    cJSON_Delete(cases);
}

/* A frozen row has no gradients and moves no statistics; the head above it still trains. */
Test(modules, can_be_frozen) {
    cJSON *cases = load_cases();
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cases) {
        yti_model *model = parse(entry, YT_MODEL_DEFAULTS);
        yt_err err = {.text = ""};
        char rows[16];
        snprintf(rows, sizeof rows, "%d", model->n_rows - 1);
        cr_assert_eq(yti_model_freeze(model, rows, &err), YT_OK, "%s", err.text);
        draw(model);
        float *before = malloc(model->buffer_count * sizeof *before);
        cr_assert_not_null(before);
        memcpy(before, model->state.buffers, model->buffer_count * sizeof *before);
        cr_assert_eq(yti_model_plan(model, YT_MODE_TRAIN, BATCH, SIDE, SIDE, 2, &err), YT_OK, "%s", err.text);
        set_input(model);
        yti_model_forward(model, &model->state, NULL);
        for (int b = 0; b < model->n_branches; b++) {
            const yti_head head = yti_model_head(model, b);
            for (int l = 0; l < head.n_levels; l++) {
                yti_kernels_get()->fill(&head.level[l].d_box, 1, 1);
                yti_kernels_get()->fill(&head.level[l].d_cls, 1, 1);
            }
        }
        yti_model_backward(model, &model->state, NULL);
        for (int i = 0; i < model->n_params; i++) {
            const yti_param_info *info = &model->params[i];
            const bool frozen = info->row < model->n_rows - 1;
            double sum = 0;
            cr_expect_eq(info->frozen, frozen);
            if (yti_param_is_trainable(info))
                for (size_t k = 0; k < info->count; k++) sum += fabs((double)model->state.grads[info->offset + k]);
            if (frozen && yti_param_is_trainable(info)) cr_expect(sum <= 0, "%s has a gradient", info->name);
            if (!frozen && info->kind == YT_PARAM_WEIGHT) cr_expect(sum > 0, "%s has none", info->name);
            if (frozen && info->kind == YT_PARAM_BUFFER)
                cr_expect_arr_eq(model->state.buffers + info->offset, before + info->offset,
                                 info->count * sizeof *before, "%s moved", info->name);
        }
        free(before);
        yti_model_destroy(model);
    }
    cJSON_Delete(cases);
}
