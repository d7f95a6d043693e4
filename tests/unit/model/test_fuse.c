/* Tests of src/model/fuse.c: a fused model gives what its model gives. */
#include "support/near.h"
#include "base/file.h"
#include "model/model.h"
#include "base/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { H = 96, W = 64, N = 2 };

static const char *const search_dirs[] = {YT_SOURCE_DIR "/models", NULL};

static yt_model *load(const char *name, yt_model_options options) {
    yt_model *model = NULL;
    yt_err err = {.text = ""};
    options.n_classes = 5;
    options.search_dirs = search_dirs;
    cr_assert_eq(yt_model_load(name, &options, &model, &err), YT_OK, "%s", err.text);
    return model;
}

/* Weights as after training: gains, biases and statistics are not what they were initialised to. */
static void pretend_training(yt_model *model) {
    yt_model_init(model, 5, &model->state);
    for (int i = 0; i < model->n_params; i++) {
        const yt_param_info *info = &model->params[i];
        if (info->kind == YT_PARAM_WEIGHT || info->kind == YT_PARAM_FROZEN) continue;
        if (!strstr(info->name, ".bn.")) continue;
        float *values =
            (info->kind == YT_PARAM_BUFFER ? model->state.buffers : model->state.params) + info->offset;
        yt_rng rng = yt_rng_make(9, 0, (uint64_t)i, YT_RNG_TEST);
        for (size_t k = 0; k < info->count; k++) {
            const double noise = yt_rng_uniform(&rng, -0.5, 0.5);
            values[k] = (float)(info->init_value > 0 ? exp(noise) : noise);
        }
    }
}

static yt_model *fuse(const yt_model *model, bool end2end) {
    yt_model *fused = NULL;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_model_fuse(model, &model->state, end2end, &fused, &err), YT_OK, "%s", err.text);
    return fused;
}

static yt_head evaluate(yt_model *model) {
    static uint8_t pictures[N * H * W * 3];
    yt_err err = {.text = ""};
    for (size_t i = 0; i < sizeof pictures; i++) pictures[i] = (uint8_t)(i * 7919 % 251);
    cr_assert_eq(yt_model_plan(model, YT_MODE_EVAL, N, H, W, 2, &err), YT_OK, "%s", err.text);
    yt_model_set_input(model, pictures);
    yt_model_forward(model, &model->state, NULL);
    return yt_model_head(model, yt_model_eval_branch(model));
}

/* ||a - b|| / ||b|| over all channels. */
static double distance(yt_tensor a, yt_tensor b) {
    double difference = 0, square = 0;
    cr_assert(a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c && b.c > 0);
    for (size_t p = 0; p < yt_tensor_pixels(a); p++)
        for (int c = 0; c < a.c; c++) {
            const double x = (double)a.data[(ptrdiff_t)p * a.ld + c],
                         y = (double)b.data[(ptrdiff_t)p * b.ld + c];
            difference += (x - y) * (x - y);
            square += y * y;
        }
    return sqrt(difference / square);
}

/* Each of a hundred layers in a row rounds differently once its weights are scaled: 1e-5 is some hundred
 * roundings of 6e-8 each. */
static void expect_same_output(yt_model *fused, yt_model *model) {
    const yt_head got = evaluate(fused), want = evaluate(model);
    cr_assert(got.n_levels == want.n_levels && want.n_levels > 0);
    for (int l = 0; l < want.n_levels; l++) {
        const double box = distance(got.level[l].box, want.level[l].box),
                     cls = distance(got.level[l].cls, want.level[l].cls);
        cr_expect(box <= 1e-5 && cls <= 1e-5, "%s level %d: boxes differ by %g, classes by %g", model->name,
                  l, box, cls);
    }
}

Test(fuse, a_fused_model_gives_what_its_model_gives) {
    static const char *const names[] = {"yolov8n.yaml", "yolo11n.yaml", "yolo26n.yaml"};
    for (int i = 0; i < 3; i++) {
        yt_model *model = load(names[i], YT_MODEL_DEFAULTS);
        pretend_training(model);
        yt_model *fused = fuse(model, model->end2end);
        cr_expect_str_eq(fused->name, model->name);
        cr_expect(fused->end2end == model->end2end && fused->n_branches == 1 && fused->n_classes == 5);
        expect_same_output(fused, model);
        yt_model_destroy(fused);
        yt_model_destroy(model);
    }
}

Test(fuse, ablations_survive_fusing) {
    yt_model_options plain = YT_MODEL_DEFAULTS, bare = YT_MODEL_DEFAULTS;
    plain.no_residual = YT_NO_RESIDUAL_LATERAL;
    plain.activation = YT_ACT_GELU;
    plain.sppf_activation = 1;
    bare.no_batchnorm = true;
    bare.activation = YT_ACT_LEAKY_RELU;
    const yt_model_options all[] = {plain, bare};
    for (int i = 0; i < 2; i++) {
        yt_model *model = load("yolo26n.yaml", all[i]);
        pretend_training(model);
        yt_model *fused = fuse(model, true);
        expect_same_output(fused, model);
        yt_model_destroy(fused);
        yt_model_destroy(model);
    }
}

/* Both branches in one run give, bit for bit, what each gives alone; the rows before the head are there once. */
Test(fuse, both_branches_are_kept_and_give_what_each_gives_alone) {
    yt_model *model = load("yolo26n.yaml", YT_MODEL_DEFAULTS);
    pretend_training(model);
    yt_model *both = NULL;
    cr_assert_eq(yt_model_fuse_all(model, &model->state, &both, NULL), YT_OK);
    cr_assert(both->end2end && both->n_branches == 2);
    cr_expect(yt_model_branch(both, false) == 0 && yt_model_branch(both, true) == 1);
    yt_model_evaluate(both, 3);
    evaluate(both);
    for (int one_to_one = 0; one_to_one < 2; one_to_one++) {
        yt_model *single = fuse(model, one_to_one);
        cr_expect_eq(yt_model_branch(single, one_to_one), 0);
        cr_expect_eq(yt_model_branch(single, !one_to_one), -1);
        const yt_head expected = evaluate(single), got = yt_model_head(both, one_to_one);
        for (int l = 0; l < expected.n_levels; l++) {
            cr_expect_eq(distance(got.level[l].box, expected.level[l].box), 0);
            cr_expect_eq(distance(got.level[l].cls, expected.level[l].cls), 0);
        }
        cr_expect(both->n_params > single->n_params && both->n_params < 2 * single->n_params);
        yt_model_destroy(single);
    }
    yt_model_evaluate(both, 1);
    evaluate(both);
    cr_expect_null(yt_model_head(both, 1).level[0].box.data, "the branch nobody asked for was run");
    yt_model_destroy(both);
    yt_model_destroy(model);
}

/* The one-to-many branch of an end-to-end model is the head that a model without end2end has. */
Test(fuse, without_end2end_the_one_to_many_branch_is_kept) {
    yt_model *model = load("yolo26n.yaml", YT_MODEL_DEFAULTS);
    pretend_training(model);
    yt_model *fused = fuse(model, false);
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
    yt_model *single = NULL;
    yt_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = 5;
    cr_assert_eq(yt_model_parse("yolo26n.yaml", single_text, strlen(single_text), &options, &single, NULL),
                 YT_OK);
    for (int i = 0; i < single->n_params; i++) {
        const yt_param_info *to = &single->params[i];
        int from = 0;
        while (from < model->n_params && strcmp(model->params[from].name, to->name) != 0) from++;
        cr_assert(from < model->n_params, "%s", to->name);
        const bool buffer = to->kind >= YT_PARAM_FROZEN;
        memcpy((buffer ? single->state.buffers : single->state.params) + to->offset,
               (buffer ? model->state.buffers : model->state.params) + model->params[from].offset,
               to->count * sizeof(float));
    }
    expect_same_output(fused, single);
    free(single_text);
    yt_model_destroy(single);
    yt_model_destroy(fused);
    yt_model_destroy(model);
}

Test(fuse, a_model_with_one_branch_cannot_be_end_to_end) {
    yt_model *model = load("yolo11n.yaml", YT_MODEL_DEFAULTS), *fused = NULL;
    yt_err err = {.text = ""};
    cr_expect_eq(yt_model_fuse(model, &model->state, true, &fused, &err), YT_ARGUMENT);
    cr_expect_null(fused);
    cr_expect_not_null(strstr(err.text, "yolo11n"), "%s", err.text);
    cr_expect_not_null(strstr(err.text, "one-to-one branch"), "%s", err.text);
    yt_model_destroy(model);
}

Test(fuse, a_fused_model_cannot_be_trained) {
    yt_model *model = load("yolov8n.yaml", YT_MODEL_DEFAULTS);
    yt_model_init(model, 1, &model->state);
    yt_model *fused = fuse(model, false);
    yt_err err = {.text = ""};
    cr_expect_eq(yt_model_plan(fused, YT_MODE_TRAIN, 1, 64, 64, 1, &err), YT_MISMATCH);
    cr_expect_not_null(strstr(err.text, "cannot be trained"), "%s", err.text);
    yt_model_destroy(fused);
    yt_model_destroy(model);
}

Test(fuse, a_fused_model_needs_less_memory) {
    yt_model *model = load("yolo11n.yaml", YT_MODEL_DEFAULTS);
    yt_model_init(model, 1, &model->state);
    yt_model *fused = fuse(model, false);
    size_t before, after;
    cr_assert_eq(yt_graph_measure(model->graph, YT_MODE_EVAL, 1, 320, 320, 2, &before, NULL), YT_OK);
    cr_assert_eq(yt_graph_measure(fused->graph, YT_MODE_EVAL, 1, 320, 320, 2, &after, NULL), YT_OK);
    cr_expect(after <= before, "%zu bytes instead of %zu", after, before);
    cr_expect_null(fused->state.grads);
    yt_model_destroy(fused);
    yt_model_destroy(model);
}
