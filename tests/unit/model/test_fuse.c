/* Tests of src/model/fuse.c: a fused model gives what its model gives. */
#include "base/file.h"
#include "base/rng.h"
#include "model/model.h"
#include "support/models.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { H = 96, W = 64, N = 2 };

static yti_model *load(const char *name, yti_model_options options) {
    options.n_classes = 5;
    return test_model_load(name, options);
}

/* Weights as after training: gains, biases and statistics are not what they were initialised to. */
static void pretend_training(yti_model *model) {
    yti_model_init_weights(model, 5, &model->state);
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (info->kind == YT_PARAM_WEIGHT || info->kind == YT_PARAM_CONSTANT) continue;
        if (!strstr(info->name, ".bn.")) continue;
        float *values = (info->kind == YT_PARAM_BUFFER ? model->state.buffers : model->state.params) + info->offset;
        yti_rng rng = yti_rng_make(9, 0, (uint64_t)i, YT_RNG_TEST);
        for (size_t k = 0; k < info->count; k++) {
            const double noise = yti_rng_uniform(&rng, -0.5, 0.5);
            values[k] = (float)(info->init_value > 0 ? exp(noise) : noise);
        }
    }
}

static yti_model *fuse(const yti_model *model, bool end2end) {
    yti_model *fused = NULL;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_fuse(model, &model->state, end2end, &fused, &err), YT_OK, "%s", err.text);
    return fused;
}

static yti_head evaluate(yti_model *model) {
    static uint8_t pictures[N * H * W * 3];
    yt_err err = {.text = ""};
    for (size_t i = 0; i < sizeof pictures; i++) pictures[i] = (uint8_t)(i * 7919 % 251);
    cr_assert_eq(yti_model_plan(model, YT_MODE_EVAL, N, H, W, 2, &err), YT_OK, "%s", err.text);
    yti_model_set_input(model, pictures);
    yti_model_forward(model, &model->state, NULL);
    return yti_model_head(model, yti_model_eval_branch(model));
}

/* ||a - b|| / ||b|| over all channels. */
static double distance(yti_tensor a, yti_tensor b) {
    double difference = 0, square = 0;
    cr_assert(a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c && b.c > 0);
    for (size_t p = 0; p < yti_tensor_pixels(a); p++)
        for (int c = 0; c < a.c; c++) {
            const double x = (double)a.data[(ptrdiff_t)p * a.ld + c], y = (double)b.data[(ptrdiff_t)p * b.ld + c];
            difference += (x - y) * (x - y);
            square += y * y;
        }
    return sqrt(difference / square);
}

/* Each of a hundred layers in a row rounds differently once its weights are scaled: 1e-5 is some hundred roundings
 * of 6e-8 each. */
static void expect_same_output(yti_model *fused, yti_model *model) {
    const yti_head got = evaluate(fused), want = evaluate(model);
    cr_assert(got.n_levels == want.n_levels && want.n_levels > 0);
    for (int l = 0; l < want.n_levels; l++) {
        const double box = distance(got.level[l].box, want.level[l].box),
                     cls = distance(got.level[l].cls, want.level[l].cls);
        cr_expect(box <= 1e-5 && cls <= 1e-5, "%s level %d: boxes differ by %g, classes by %g", model->name, l, box,
                  cls);
    }
}

Test(fuse, a_fused_model_gives_what_its_model_gives) {
    static const char *const names[] = {"yolov8n.yaml", "yolo11n.yaml", "yolo26n.yaml"};
    for (int i = 0; i < 3; i++) {
        yti_model *model = load(names[i], YT_MODEL_DEFAULTS);
        pretend_training(model);
        yti_model *fused = fuse(model, model->end2end);
        cr_expect_str_eq(fused->name, model->name);
        cr_expect(fused->end2end == model->end2end && fused->n_branches == 1 && fused->n_classes == 5);
        expect_same_output(fused, model);
        yti_model_destroy(fused);
        yti_model_destroy(model);
    }
}

Test(fuse, ablations_survive_fusing) {
    yti_model_options plain = YT_MODEL_DEFAULTS, bare = YT_MODEL_DEFAULTS;
    plain.no_residual = YT_NO_RESIDUAL_LATERAL;
    plain.activation = YT_ACT_GELU;
    plain.sppf_activation = 1;
    bare.no_batchnorm = true;
    bare.activation = YT_ACT_LEAKY_RELU;
    const yti_model_options all[] = {plain, bare};
    for (int i = 0; i < 2; i++) {
        yti_model *model = load("yolo26n.yaml", all[i]);
        pretend_training(model);
        yti_model *fused = fuse(model, true);
        expect_same_output(fused, model);
        yti_model_destroy(fused);
        yti_model_destroy(model);
    }
}

/* Both branches in one run give, bit for bit, what each gives alone; the rows before the head are there once. */
Test(fuse, both_branches_are_kept_and_give_what_each_gives_alone) {
    yti_model *model = load("yolo26n.yaml", YT_MODEL_DEFAULTS);
    pretend_training(model);
    yti_model *both = NULL;
    cr_assert_eq(yti_model_fuse_all(model, &model->state, &both, NULL), YT_OK);
    cr_assert(both->end2end && both->n_branches == 2);
    cr_expect(yti_model_branch(both, false) == 0 && yti_model_branch(both, true) == 1);
    yti_model_evaluate(both, 3);
    evaluate(both);
    for (int one_to_one = 0; one_to_one < 2; one_to_one++) {
        yti_model *single = fuse(model, one_to_one);
        cr_expect_eq(yti_model_branch(single, one_to_one), 0);
        cr_expect_eq(yti_model_branch(single, !one_to_one), -1);
        const yti_head expected = evaluate(single), got = yti_model_head(both, one_to_one);
        for (int l = 0; l < expected.n_levels; l++) {
            cr_expect_eq(distance(got.level[l].box, expected.level[l].box), 0);
            cr_expect_eq(distance(got.level[l].cls, expected.level[l].cls), 0);
        }
        cr_expect(both->n_params > single->n_params && both->n_params < 2 * single->n_params);
        yti_model_destroy(single);
    }
    yti_model_evaluate(both, 1);
    evaluate(both);
    cr_expect_null(yti_model_head(both, 1).level[0].box.data, "the branch nobody asked for was run");
    yti_model_destroy(both);
    yti_model_destroy(model);
}

/* The one-to-many branch of an end-to-end model is the head that a model without end2end has. */
Test(fuse, without_end2end_the_one_to_many_branch_is_kept) {
    yti_model *model = load("yolo26n.yaml", YT_MODEL_DEFAULTS);
    pretend_training(model);
    yti_model *fused = fuse(model, false);
    cr_expect(!fused->end2end && fused->n_branches == 1);
    int many = 0;
    for (int i = 0; i < fused->n_params; i++) {
        cr_expect_null(strstr(fused->params[i].name, "one2one"), "%s", fused->params[i].name);
        many += strstr(fused->params[i].name, "model.23.cv") != NULL;
    }
    cr_expect_eq(many, 48);

    char *single_text = strdup(model->yaml_text), *key = strstr(single_text, "end2end: True");
    cr_assert_not_null(key);
    memcpy(key, "end2end: no  ", 13);
    yti_model *single = NULL;
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = 5;
    cr_assert_eq(yti_model_parse("yolo26n.yaml", single_text, strlen(single_text), &options, &single, NULL), YT_OK);
    for (int i = 0; i < single->n_params; i++) {
        const yti_param_info *to = &single->params[i];
        int from = 0;
        while (from < model->n_params && strcmp(model->params[from].name, to->name) != 0) from++;
        cr_assert(from < model->n_params, "%s", to->name);
        const bool buffer = to->kind >= YT_PARAM_CONSTANT;
        memcpy((buffer ? single->state.buffers : single->state.params) + to->offset,
               (buffer ? model->state.buffers : model->state.params) + model->params[from].offset,
               to->count * sizeof(float));
    }
    expect_same_output(fused, single);
    free(single_text);
    yti_model_destroy(single);
    yti_model_destroy(fused);
    yti_model_destroy(model);
}

Test(fuse, a_model_with_one_branch_cannot_be_end_to_end) {
    yti_model *model = load("yolo11n.yaml", YT_MODEL_DEFAULTS), *fused = NULL;
    yt_err err = {.text = ""};
    cr_expect_eq(yti_model_fuse(model, &model->state, true, &fused, &err), YT_ERR_ARGUMENT);
    cr_expect_null(fused);
    cr_expect_not_null(strstr(err.text, "yolo11n"), "%s", err.text);
    cr_expect_not_null(strstr(err.text, "one-to-one branch"), "%s", err.text);
    yti_model_destroy(model);
}

Test(fuse, a_fused_model_cannot_be_trained) {
    yti_model *model = load("yolov8n.yaml", YT_MODEL_DEFAULTS);
    yti_model_init_weights(model, 1, &model->state);
    yti_model *fused = fuse(model, false);
    yt_err err = {.text = ""};
    cr_expect_eq(yti_model_plan(fused, YT_MODE_TRAIN, 1, 64, 64, 1, &err), YT_ERR_MISMATCH);
    cr_expect_not_null(strstr(err.text, "cannot be trained"), "%s", err.text);
    yti_model_destroy(fused);
    yti_model_destroy(model);
}

Test(fuse, a_fused_model_needs_less_memory) {
    yti_model *model = load("yolo11n.yaml", YT_MODEL_DEFAULTS);
    yti_model_init_weights(model, 1, &model->state);
    yti_model *fused = fuse(model, false);
    size_t before, after;
    cr_assert_eq(yti_graph_measure(model->graph, YT_MODE_EVAL, 1, 320, 320, 2, &before, NULL), YT_OK);
    cr_assert_eq(yti_graph_measure(fused->graph, YT_MODE_EVAL, 1, 320, 320, 2, &after, NULL), YT_OK);
    cr_expect(after <= before, "%zu bytes instead of %zu", after, before);
    cr_expect_null(fused->state.grads);
    yti_model_destroy(fused);
    yti_model_destroy(model);
}

/* What is folded when it is asked for is what is folded at once. */
Test(fuse, values_of_one_tensor_are_those_of_the_whole) {
    for (int one_to_one = 0; one_to_one < 2; one_to_one++) {
        yti_model *model = load("yolo26n", YT_MODEL_DEFAULTS), *shape = NULL;
        yt_err err = {.text = ""};
        pretend_training(model);
        yti_model *fused = fuse(model, one_to_one);
        cr_assert_eq(yti_model_fuse_shape(model, one_to_one, &shape, &err), YT_OK, "%s", err.text);
        cr_assert_eq(shape->n_params, fused->n_params);
        float *values = malloc(fused->param_count * sizeof *values);
        cr_assert(values);
        for (int i = 0; i < fused->n_params; i++) {
            const yti_param_info *info = &shape->params[i];
            const float *expected = (yti_param_is_trainable(info) ? fused->state.params : fused->state.buffers) +
                                    info->offset;
            cr_assert_str_eq(info->name, fused->params[i].name);
            cr_assert_eq(yti_fused_values(info, model, &model->state, values, &err), YT_OK, "%s", err.text);
            cr_assert_eq(memcmp(values, expected, info->count * sizeof *values), 0, "%s", info->name);
        }
        free(values);
        yti_model_destroy(shape);
        yti_model_destroy(fused);
        yti_model_destroy(model);
    }
}
