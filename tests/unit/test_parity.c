/* The whole network against an independent implementation: fixtures/yolo26n under YT_SHARED (README there).
 * Feature maps of every row, detections, loss, every parameter gradient, running statistics and three
 * optimiser steps. Tolerances are those of the design: 1e-4 for outputs and loss, 1e-3 relative for
 * gradients, 1e-5 for running statistics. */
#include "yt/file.h"
#include "yt/loss.h"
#include "yt/metrics.h"
#include "yt/optim.h"
#include "yt/weights.h"
#include "support/near.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURES  YT_SHARED_DIR "/fixtures/"
#define MODEL_DIR FIXTURES "yolo26n/"
enum { N = 4, SIDE = 320, THREADS = 2 };

typedef struct fixture {
    cJSON *reference;
    yt_model *model;
    uint8_t *images;
    int n_targets, image[64], class_id[64];
    yt_cxcywh boxes[64];
} fixture;

static char *read_or_skip(const char *path, size_t *bytes) {
    char *data = NULL;
    if (!yt_path_exists(path)) cr_skip_test("%s is not there: parity not checked", path);
    cr_assert_eq(yt_file_read(path, 1u << 26, &data, bytes, NULL), YT_OK);
    return data;
}

static void open_fixture(fixture *f) {
    yt_err err = {.text = ""};
    size_t bytes;
    char *json = read_or_skip(MODEL_DIR "reference.json", &bytes);
    f->reference = cJSON_ParseWithLength(json, bytes);
    cr_assert_not_null(f->reference);
    free(json);
    f->images = (uint8_t *)read_or_skip(FIXTURES "batch_images_4x320x320x3_rgb_u8.bin", &bytes);
    cr_assert_eq(bytes, N * SIDE * SIDE * 3);
    float *rows = (float *)(void *)read_or_skip(FIXTURES "batch_targets_13x6_f32.bin", &bytes);
    f->n_targets = (int)(bytes / 24);
    cr_assert_eq(f->n_targets, 13);
    for (int i = 0; i < f->n_targets; i++) {
        const float *row = rows + 6 * i;
        f->image[i] = (int)row[0];
        f->class_id[i] = (int)row[1];
        f->boxes[i] = (yt_cxcywh){row[2], row[3], row[4], row[5]};
    }
    free(rows);
    yt_class_names names = {0};
    int imgsz;
    const char *dirs[] = {YT_SOURCE_DIR "/models", NULL};
    cr_assert_eq(yt_weights_open(MODEL_DIR "yolo26n_coco8_fit.safetensors", "yolo26n.yaml", dirs, &f->model,
                                 &names, &imgsz, &err),
                 YT_OK, "%s", err.text);
    yt_class_names_free(&names);
}

static void close_fixture(fixture *f) {
    cJSON_Delete(f->reference);
    yt_model_destroy(f->model);
    free(f->images);
}

static double number(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    cr_assert(cJSON_IsNumber(item), "no number %s", key);
    return item->valuedouble;
}

/* Gradients that are zero by construction (of a bias in front of another normalisation) come out as rounding
 * noise of either implementation: an L2 norm below this, where real ones start at 1e-4. */
static const double NOISE_L2 = 1e-7;
enum { SINGLE = 5 }; /* single values may be off by a few times what the whole tensor may be */

/* Compares values in file order with a summary: L2 norm, mean, largest magnitude and samples, relative to the
 * tensor's own scale. */
static void expect_summary(const char *name, const float *values, const cJSON *summary, double tolerance) {
    const size_t count = (size_t)number(summary, "numel");
    const double l2_expected = number(summary, "l2"), rms = l2_expected / sqrt((double)count);
    double square = 0, sum = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        const double v = (double)values[i];
        square += v * v, sum += v, largest = fmax(largest, fabs(v));
    }
    if (l2_expected < NOISE_L2) {
        cr_expect(sqrt(square) < NOISE_L2, "%s: L2 %.9g, expected to vanish", name, sqrt(square));
        return;
    }
    cr_expect(yt_near(sqrt(square), l2_expected, tolerance * l2_expected), "%s: L2 %.9g, expected %.9g", name,
              sqrt(square), l2_expected);
    cr_expect(yt_near(sum / (double)count, number(summary, "mean"), tolerance * rms),
              "%s: mean %.9g, expected %.9g", name, sum / (double)count, number(summary, "mean"));
    cr_expect(yt_near(largest, number(summary, "absmax"), SINGLE * tolerance * number(summary, "absmax")),
              "%s: absmax", name);
    const cJSON *pair;
    int samples = 0;
    cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(summary, "samples")) {
        const size_t index = (size_t)cJSON_GetArrayItem(pair, 0)->valuedouble;
        const double expected = cJSON_GetArrayItem(pair, 1)->valuedouble;
        cr_expect(yt_near((double)values[index], expected, SINGLE * tolerance * fmax(rms, fabs(expected))),
                  "%s[%zu]: %.9g, expected %.9g", name, index, (double)values[index], expected);
        samples++;
    }
    cr_expect(samples > 0, "%s has no samples", name);
}

static float *to_nchw(yt_tensor t) {
    float *out = malloc(yt_tensor_elements(t) * sizeof *out);
    const int area = t.h * t.w;
    for (int n = 0; n < t.n; n++)
        for (int c = 0; c < t.c; c++)
            for (int p = 0; p < area; p++)
                out[((size_t)n * (size_t)t.c + (size_t)c) * (size_t)area + (size_t)p] =
                    t.data[((ptrdiff_t)n * area + p) * t.ld + c];
    return out;
}

static void run_forward(fixture *f, yt_mode mode) {
    yt_err err = {.text = ""};
    cr_assert_eq(yt_model_plan(f->model, mode, N, SIDE, SIDE, THREADS, &err), YT_OK, "%s", err.text);
    yt_model_set_input(f->model, f->images);
    yt_model_forward(f->model, &f->model->state, NULL);
}

Test(parity, feature_maps_of_every_row_are_those_of_the_reference) {
    fixture f = {0};
    open_fixture(&f);
    run_forward(&f, YT_MODE_EVAL);
    const cJSON *layer;
    int compared = 0;
    cJSON_ArrayForEach(layer, cJSON_GetObjectItemCaseSensitive(f.reference, "eval_layers")) {
        const int row = (int)number(layer, "layer");
        char name[32];
        snprintf(name, sizeof name, "row %d", row);
        float *values = to_nchw(yt_graph_map(f.model->graph, f.model->rows[row].output));
        expect_summary(name, values, layer, 1e-4);
        free(values);
        compared++;
    }
    cr_assert_eq(compared, 23);
    close_fixture(&f);
}

/* Rows of the reference are by descending score; where scores are within the tolerance their order is free.
 */
Test(parity, detections_are_those_of_the_reference) {
    fixture f = {0};
    open_fixture(&f);
    size_t bytes;
    float *expected = (float *)(void *)read_or_skip(MODEL_DIR "eval_output_4x300x6_f32.bin", &bytes);
    cr_assert_eq(bytes, N * 300 * 6 * sizeof(float));
    run_forward(&f, YT_MODE_EVAL);
    const yt_head head = yt_model_head(f.model, yt_model_eval_branch(f.model));
    const yt_detect_options options = {.conf = 0, .iou = 0.7f, .max_det = 300, .end2end = true};
    int strong = 0;
    for (int n = 0; n < N; n++) {
        yt_detection found[300];
        int count = 0;
        cr_assert_eq(yt_detect(&head, n, &options, found, &count, NULL), YT_OK);
        cr_assert_eq(count, 300);
        for (int i = 0; i < 300; i++) {
            const float *row = expected + (n * 300 + i) * 6;
            cr_expect(yt_near((double)found[i].score, (double)row[4], 1e-4), "image %d row %d: score", n, i);
            if (row[4] < 0.01f) continue; /* near-equal scores below: the order is arbitrary */
            strong++;
            cr_expect_eq(found[i].class_id, (int)row[5]);
            const float box[4] = {found[i].box.x1, found[i].box.y1, found[i].box.x2, found[i].box.y2};
            for (int k = 0; k < 4; k++)
                cr_expect(yt_near((double)box[k], (double)row[k], 1e-4 * SIDE),
                          "image %d row %d: %g, expected %g", n, i, (double)box[k], (double)row[k]);
        }
    }
    cr_expect(strong > 20, "only %d detections to compare", strong);
    free(expected);
    close_fixture(&f);
}

/* Both branches' losses with their gradients at the head; returns what is back-propagated. */
static double losses(fixture *f, yt_loss_result result[2]) {
    const yt_targets targets = {f->n_targets, f->image, f->class_id, f->boxes};
    const yt_loss_gains gains = {7.5f, 0.5f, 1.5f};
    const yt_assigner assigner[2] = {{10, 10}, {7, 1}};
    double weight[2];
    yt_err err = {.text = ""};
    yt_loss *loss = NULL;
    cr_assert_eq(yt_loss_create(&loss, &err), YT_OK);
    yt_loss_branch_weights(0, 10, &weight[0], &weight[1]);
    for (int branch = 0; branch < 2; branch++) {
        const yt_head head = yt_model_head(f->model, branch);
        cr_assert_eq(yt_loss_branch(loss, &head, &targets, gains, assigner[branch], weight[branch], THREADS,
                                    &result[branch], &err),
                     YT_OK, "%s", err.text);
    }
    yt_loss_destroy(loss);
    return weight[0] * result[0].total + weight[1] * result[1].total;
}

static double train_step(fixture *f, yt_loss_result result[2]) {
    memset(f->model->state.grads, 0, f->model->param_count * sizeof(float));
    run_forward(f, YT_MODE_TRAIN);
    const double total = losses(f, result);
    yt_model_backward(f->model, &f->model->state, NULL);
    return total;
}

static bool has_gradient(const fixture *f, const char *name) {
    const cJSON *grads = cJSON_GetObjectItemCaseSensitive(f->reference, "grads");
    return number(cJSON_GetObjectItemCaseSensitive(grads, name), "l2") >= NOISE_L2;
}

/* Compares every tensor named in `summaries` with the one in block (parameters or gradients) or in the
 * buffers. */
static int expect_tensors(const fixture *f, const cJSON *summaries, const float *params, double tolerance) {
    int compared = 0;
    for (int i = 0; i < f->model->n_params; i++) {
        const yt_param_info *info = &f->model->params[i];
        const cJSON *summary = cJSON_GetObjectItemCaseSensitive(summaries, info->name);
        if (!summary) continue;
        const float *block = info->kind == YT_PARAM_BUFFER ? f->model->state.buffers : params;
        float *values = malloc(info->count * sizeof *values);
        cr_assert_eq((size_t)number(summary, "numel"), info->count, "%s", info->name);
        yt_param_to_file_order(info, block + info->offset, values);
        expect_summary(info->name, values, summary, tolerance);
        free(values);
        compared++;
    }
    cr_expect_eq(compared, cJSON_GetArraySize(summaries), "every tensor of the reference is one of ours");
    return compared;
}

Test(parity, loss_gradients_and_running_statistics_are_those_of_the_reference) {
    fixture f = {0};
    open_fixture(&f);
    yt_loss_result result[2];
    const double total = train_step(&f, result);
    const cJSON *expected = cJSON_GetObjectItemCaseSensitive(f.reference, "train_loss");
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(expected, "items");
    cr_expect(yt_near(total, number(expected, "total"), 1e-4 * number(expected, "total")), "total %.9g",
              total);
    static const char *const names[YT_LOSS_TERMS] = {"box_loss", "cls_loss", "l1_loss"};
    for (int t = 0; t < YT_LOSS_TERMS; t++) /* the reported items are those of the one-to-one branch */
        cr_expect(yt_near(result[1].terms[t], number(items, names[t]), 1e-4 * number(items, names[t])),
                  "%s %.9g", names[t], result[1].terms[t]);
    cr_expect_eq(expect_tensors(&f, cJSON_GetObjectItemCaseSensitive(f.reference, "grads"),
                                f.model->state.grads, 1e-3),
                 366);
    cr_expect_eq(expect_tensors(&f,
                                cJSON_GetObjectItemCaseSensitive(f.reference, "bn_after_one_train_forward"),
                                f.model->state.params, 1e-5),
                 228);
    close_fixture(&f);
}

/* Adam divides by the gradient's own size, so a parameter without a gradient walks by the sign of the noise:
 * left out. */
static void drop_noise(const fixture *f, cJSON *summaries) {
    cJSON *item = summaries->child;
    while (item) {
        cJSON *next = item->next;
        if (!has_gradient(f, item->string)) cJSON_Delete(cJSON_DetachItemViaPointer(summaries, item));
        item = next;
    }
}

/* Adam's first steps are lr * sign(gradient), so elements whose gradient is near rounding noise take either
 * sign: its losses are held to 2e-4, those of SGD to 1e-4. */
static void three_steps(const char *name, yt_optimizer_kind kind) {
    const double tolerance = kind == YT_OPTIM_ADAMW ? 2e-4 : 1e-4;
    fixture f = {0};
    open_fixture(&f);
    const cJSON *expected = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(f.reference, "optimizer_steps"), name);
    const float lr = (float)number(expected, "lr"), momentum = (float)number(expected, "momentum");
    /* Memory order is weights, norms, biases: three spans. */
    yt_param_span spans[YT_GROUP_COUNT] = {{0}};
    for (int i = 0; i < f.model->n_params; i++) {
        const yt_param_info *info = &f.model->params[i];
        if (info->kind <= YT_PARAM_BIAS) spans[info->kind].count += info->count;
    }
    for (int g = 0; g < YT_GROUP_COUNT; g++) {
        spans[g].group = (yt_group)g;
        spans[g].offset = g ? spans[g - 1].offset + spans[g - 1].count : 0;
    }
    yt_optimizer *optimizer = NULL;
    cr_assert_eq(yt_optimizer_create(kind, f.model->param_count, spans, YT_GROUP_COUNT,
                                     (float)number(expected, "weight_decay"), &optimizer, NULL),
                 YT_OK);
    const cJSON *expected_losses = cJSON_GetObjectItemCaseSensitive(expected, "losses");
    for (int step = 0; step < 4; step++) {
        yt_loss_result result[2];
        const double total = train_step(&f, result);
        const double reference = cJSON_GetArrayItem(expected_losses, step)->valuedouble;
        cr_expect(yt_near(total, reference, tolerance * reference), "%s: loss %d is %.9g, expected %.9g",
                  name, step, total, reference);
        const float rates[YT_GROUP_COUNT] = {lr, lr, lr};
        if (step < 3)
            yt_optimizer_step(optimizer, f.model->state.params, f.model->state.grads, 1, rates, momentum,
                              THREADS);
    }
    cJSON *after = cJSON_GetObjectItemCaseSensitive(expected, "params_after");
    if (kind == YT_OPTIM_ADAMW) drop_noise(&f, after);
    cr_expect(expect_tensors(&f, after, f.model->state.params, 1e-3) > 300);
    yt_optimizer_destroy(optimizer);
    close_fixture(&f);
}

Test(parity, three_steps_of_sgd_are_those_of_the_reference) {
    three_steps("SGD", YT_OPTIM_SGD);
}

Test(parity, three_steps_of_adamw_are_those_of_the_reference) {
    three_steps("AdamW", YT_OPTIM_ADAMW);
}
