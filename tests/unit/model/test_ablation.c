/* Tests of src/model/ablation.c and of the networks that are built without their shortcuts: what is gone, what is
 * left, and that the rest is the same. */
#include "base/rng.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "support/models.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 64, PICTURE = SIDE * SIDE * 3 };

static yti_model *load(const char *name, yti_no_residual kind) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.no_residual = kind;
    return test_model_load(name, options);
}

static yti_model *parse(const char *text, yti_no_residual kind) {
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.no_residual = kind;
    cr_assert_eq(yti_model_parse("m.yaml", text, strlen(text), &options, &model, &err), YT_OK, "%s", err.text);
    return model;
}

Test(ablation, every_kind_has_a_word_and_each_cut_holds_those_before_it) {
    for (int i = 0; i < YT_NO_RESIDUAL_COUNT; i++)
        cr_assert_eq(yti_no_residual_find(yti_no_residual_word((yti_no_residual)i)), i);
    cr_assert_eq(yti_no_residual_find("true"), -1);
    cr_assert(YT_CUT_NOTHING < YT_CUT_ADD && YT_CUT_ADD < YT_CUT_CSP && YT_CUT_CSP < YT_CUT_LATERAL);
    cr_assert_eq(yti_no_residual_backbone(YT_NO_RESIDUAL_CSP_NECK), YT_CUT_NOTHING);
    cr_assert_eq(yti_no_residual_neck(YT_NO_RESIDUAL_CSP_NECK), YT_CUT_CSP);
}

/* Parameters by the formulas of the specification, 3: a C2f of c1 -> c2 with c hidden channels and n bottlenecks
 * loses c c1 + 2c of cv1 and (n+1) c c2 of cv2; a C3k inside also c h + 2h of its cv2 and h c of its cv3; C2PSA c c1
 * + 2c and c c1. Lateral: the first convolutions after the four Concat rows read fewer channels, and two heads are
 * gone. */
static const struct {
    const char *name;
    size_t params[YT_NO_RESIDUAL_COUNT]; /* in the order of the table of kinds */
} counted[] = {
    {"yolo26n.yaml", {2572280, 2572280, 2572280, 2572280, 2143096, 2349656, 2365720, 1933544}},
    {"yolo11n.yaml", {2624080, 2624080, 2624080, 2624080, 2187760, 2401456, 2410384, 1895728}},
    {"yolov8n.yaml", {3157200, 3157200, 3157200, 3157200, 2820784, 3015920, 2962064, 2309392}},
    {"study-s.yaml", {391204, 391204, 391204, 391204, 391204, 391204, 391204, 391204}},
};
enum { COUNTED = sizeof counted / sizeof counted[0] };

Test(ablation, parameters_are_those_of_the_roads_that_are_left) {
    for (int m = 0; m < COUNTED; m++)
        for (int kind = 0; kind < YT_NO_RESIDUAL_COUNT; kind++) {
            yti_model *model = load(counted[m].name, (yti_no_residual)kind);
            cr_expect_eq(yti_model_parameters(model), counted[m].params[kind], "%s %s: %zu", counted[m].name,
                         yti_no_residual_word((yti_no_residual)kind), yti_model_parameters(model));
            yti_model_destroy(model);
        }
}

static void run(yti_model *model, yti_mode mode, const uint8_t *picture, int side) {
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_plan(model, mode, 2, side, side, 1, &err), YT_OK, "%s", err.text);
    yti_model_set_input(model, picture);
    yti_model_forward(model, &model->state, NULL);
}

/* Two images of noise. */
static void draw(uint8_t *pictures, size_t count, uint64_t item) {
    yti_rng rng = yti_rng_make(1, 0, item, YT_RNG_TEST);
    for (size_t i = 0; i < count; i++) pictures[i] = (uint8_t)yti_rng_below(&rng, 256);
}

Test(ablation, maps_keep_their_shapes_and_lateral_keeps_the_deepest_head) {
    static uint8_t pictures[2 * PICTURE];
    draw(pictures, sizeof pictures, 0);
    for (int m = 0; m < COUNTED; m++) {
        yti_model *whole = load(counted[m].name, YT_RESIDUAL_KEPT);
        cr_assert_eq(yti_graph_shapes(whole->graph, YT_MODE_EVAL, 2, SIDE, SIDE, NULL, NULL), YT_OK);
        for (int kind = 1; kind < YT_NO_RESIDUAL_COUNT; kind++) {
            yti_model *cut = load(counted[m].name, (yti_no_residual)kind);
            const bool lateral = kind == YT_NO_RESIDUAL_LATERAL;
            yti_model_init_weights(cut, 1, &cut->state);
            run(cut, YT_MODE_EVAL, pictures, SIDE);
            for (int r = 0; r < whole->n_rows - 1; r++) {
                const yti_shape a = yti_graph_shape(whole->graph, whole->rows[r].output),
                                c = yti_graph_shape(cut->graph, cut->rows[r].output);
                const bool joins = lateral && strcmp(whole->rows[r].module, "Concat") == 0;
                cr_expect(a.h == c.h && a.w == c.w && (joins ? c.c < a.c : c.c == a.c), "%s %d row %d", counted[m].name,
                          kind, r);
            }
            const int deepest = whole->n_levels - 1;
            cr_expect_eq(cut->n_levels, lateral ? 1 : whole->n_levels);
            cr_expect_eq(cut->strides[cut->n_levels - 1], whole->strides[deepest]);
            cr_expect_eq(cut->max_stride, whole->max_stride);
            const yti_head head = yti_model_head(cut, yti_model_eval_branch(cut));
            for (int l = 0; l < head.n_levels; l++) {
                const yti_tensor *box = &head.level[l].box, *cls = &head.level[l].cls;
                cr_expect(box->h == SIDE / cut->strides[l] && box->c == 4 * cut->reg_max && cls->c == 80);
                cr_expect(isfinite(cls->data[0]) && cls->data[0] < 0);
            }
            yti_model_destroy(cut);
        }
        yti_model_destroy(whole);
    }
}

/* Whether a network sees the image at all while one of its convolutions is silenced: normalisation with gain 0 and
 * bias 0, whose activation is 0. In training every other normalisation keeps the signal up. */
static bool sees(const char *name, yti_no_residual kind, const char *silenced) {
    static uint8_t pictures[2 * PICTURE];
    static const char *const ends[] = {"bn.weight", "bn.bias"};
    yti_model *model = load(name, kind);
    yti_model_init_weights(model, 3, &model->state);
    for (int i = 0; i < 2; i++) {
        char tensor[96];
        snprintf(tensor, sizeof tensor, "%s.%s", silenced, ends[i]);
        const yti_param_info *info = test_model_find(model, tensor);
        cr_assert(info, "%s has no %s", name, tensor);
        memset(model->state.params + info->offset, 0, info->count * sizeof(float));
    }
    draw(pictures, sizeof pictures, 1);
    run(model, YT_MODE_TRAIN, pictures, SIDE);
    const yti_head head = yti_model_head(model, yti_model_eval_branch(model));
    bool differ = false;
    for (int l = 0; l < head.n_levels; l++) {
        const yti_tensor *cls = &head.level[l].cls;
        const size_t pixels = (size_t)cls->h * (size_t)cls->w;
        for (size_t p = 0; p < pixels; p++)
            for (int c = 0; c < cls->c; c++)
                differ |= cls->data[(ptrdiff_t)p * cls->ld + c] != cls->data[(ptrdiff_t)(pixels + p) * cls->ld + c];
    }
    yti_model_destroy(model);
    return differ;
}

Test(ablation, what_a_road_led_past_stops_the_signal_once_the_road_is_gone) {
    static const struct {
        const char *name, *silenced;
        yti_no_residual past, gone;
    } roads[] = {
        {"study-s.yaml", "model.2.0.cv2", YT_RESIDUAL_KEPT, YT_NO_RESIDUAL_ADD},
        {"study-s.yaml", "model.8.1.cv1", YT_NO_RESIDUAL_ADD_NECK, YT_NO_RESIDUAL_ADD_BACKBONE},
        {"yolov8n.yaml", "model.4.m.0.cv2", YT_NO_RESIDUAL_ADD, YT_NO_RESIDUAL_CSP},
        {"yolov8n.yaml", "model.2.m.0.cv2", YT_NO_RESIDUAL_CSP_NECK, YT_NO_RESIDUAL_CSP_BACKBONE},
        {"yolov8n.yaml", "model.12.m.0.cv2", YT_NO_RESIDUAL_CSP, YT_NO_RESIDUAL_LATERAL},
        {"yolo11n.yaml", "model.4.m.0.cv2", YT_NO_RESIDUAL_ADD, YT_NO_RESIDUAL_CSP},
        {"yolo11n.yaml", "model.8.m.0.m.1.cv2", YT_NO_RESIDUAL_CSP, YT_NO_RESIDUAL_LATERAL},
        {"yolo26n.yaml", "model.2.m.0.cv2", YT_NO_RESIDUAL_ADD, YT_NO_RESIDUAL_CSP},
        {"yolo26n.yaml", "model.6.m.0.m.0.cv1", YT_NO_RESIDUAL_CSP, YT_NO_RESIDUAL_LATERAL},
        {"yolo26n.yaml", "model.10.m.0.ffn.1", YT_NO_RESIDUAL_CSP, YT_NO_RESIDUAL_LATERAL},
        {"yolo26n.yaml", "model.13.cv2", YT_NO_RESIDUAL_CSP, YT_NO_RESIDUAL_LATERAL},
        {"yolo26n.yaml", "model.17", YT_NO_RESIDUAL_CSP, YT_NO_RESIDUAL_LATERAL},
        {"yolo26n.yaml", "model.22.m.0.1.attn.proj", YT_NO_RESIDUAL_CSP, YT_NO_RESIDUAL_LATERAL},
    };
    for (size_t i = 0; i < sizeof roads / sizeof roads[0]; i++) {
        cr_expect(sees(roads[i].name, roads[i].past, roads[i].silenced), "%s %s past %s", roads[i].name,
                  yti_no_residual_word(roads[i].past), roads[i].silenced);
        cr_expect_not(sees(roads[i].name, roads[i].gone, roads[i].silenced), "%s %s past %s", roads[i].name,
                      yti_no_residual_word(roads[i].gone), roads[i].silenced);
    }
}

Test(ablation, variants_share_the_initial_values_of_every_tensor_they_share) {
    for (int m = 0; m < COUNTED; m++) {
        yti_model *whole = load(counted[m].name, YT_RESIDUAL_KEPT);
        yti_model_init_weights(whole, 7, &whole->state);
        for (int kind = 1; kind < YT_NO_RESIDUAL_COUNT; kind++) {
            yti_model *cut = load(counted[m].name, (yti_no_residual)kind);
            yti_model_init_weights(cut, 7, &cut->state);
            int shared = 0;
            for (int i = 0; i < cut->n_params; i++) {
                const yti_param_info *info = &cut->params[i], *other = test_model_find(whole, info->name);
                cr_assert(other, "%s is new", info->name);
                if (info->kind >= YT_PARAM_CONSTANT || info->count != other->count) continue;
                cr_assert_arr_eq(cut->state.params + info->offset, whole->state.params + other->offset,
                                 info->count * sizeof(float), "%s", info->name);
                shared++;
            }
            cr_expect(yti_no_residual_backbone((yti_no_residual)kind) > YT_CUT_ADD ||
                          yti_no_residual_neck((yti_no_residual)kind) > YT_CUT_ADD ||
                          (cut->n_params == whole->n_params && cut->param_count == whole->param_count),
                      "adds have no weights");
            cr_expect(shared > 50, "%d", shared);
            yti_model_destroy(cut);
        }
        yti_model_destroy(whole);
    }
}

/* ---- gradients ---- */

/* Every module that a cut changes, small and smooth, with two head levels. */
static const char small[] = "nc: 2\nreg_max: 2\n"
                            "backbone:\n"
                            "  - [-1, 1, Conv, [8, 3, 2]]\n"
                            "  - [-1, 2, Bottleneck, [8]]\n"
                            "  - [-1, 2, C2f, [16, True]]\n"
                            "  - [-1, 1, C3, [8]]\n"
                            "  - [-1, 1, Conv, [16, 3, 2]]\n"
                            "  - [-1, 1, C3k2, [16, True]]\n"
                            "  - [-1, 1, C2PSA, [16]]\n"
                            "head:\n"
                            "  - [-1, 1, nn.Upsample, [None, 2, nearest]]\n"
                            "  - [[-1, 3], 1, Concat, [1]]\n"
                            "  - [-1, 1, C3k2, [8, False]]\n"
                            "  - [-1, 1, Conv, [8, 3, 2]]\n"
                            "  - [[-1, 6], 1, Concat, [1]]\n"
                            "  - [-1, 1, C3k2, [8, True, 0.5, True]]\n"
                            "  - [[9, 12], 1, Detect, [nc]]\n";

/* The same of modules that came later; maxima are left out, which have no smooth slope. */
static const char small_elan[] = "nc: 2\nreg_max: 2\n"
                                 "backbone:\n"
                                 "  - [-1, 1, Conv, [8, 3, 2]]\n"
                                 "  - [-1, 1, C3Ghost, [16]]\n"
                                 "  - [-1, 1, AConv, [16]]\n"
                                 "head:\n"
                                 "  - [-1, 1, RepNCSPELAN4, [16, 16, 8, 1]]\n"
                                 "  - [[-1, 2], 1, Concat, [1]]\n"
                                 "  - [-1, 1, C2, [16]]\n"
                                 "  - [-1, 1, GhostBottleneck, [16, 3, 2]]\n"
                                 "  - [[5, 6], 1, Detect, [nc]]\n";

static const char small_attention[] = "nc: 2\nreg_max: 2\n"
                                      "backbone:\n"
                                      "  - [-1, 1, Conv, [16, 3, 2]]\n"
                                      "  - [-1, 1, SCDown, [64, 3, 2]]\n"
                                      "  - [-1, 1, A2C2f, [64, True, 4, True]]\n"
                                      "  - [-1, 1, PSA, [64]]\n"
                                      "head:\n"
                                      "  - [-1, 1, nn.ConvTranspose2d, [16, 2, 2, 0]]\n"
                                      "  - [[-1, 0], 1, Concat, [1]]\n"
                                      "  - [-1, 1, C2fCIB, [8, True, True]]\n"
                                      "  - [-1, 1, Conv, [8, 3, 2]]\n"
                                      "  - [-1, 1, A2C2f, [16, False, -1]]\n"
                                      "  - [[6, 8], 1, Detect, [nc]]\n";

/* The sum of all maps of the head, each element with a fixed weight; writes the weights as its gradient. */
static double weighted_outputs(const yti_model *model) {
    double sum = 0;
    uint64_t map_number = 0;
    const yti_head head = yti_model_head(model, 0);
    for (int l = 0; l < head.n_levels; l++) {
        const yti_tensor maps[2] = {head.level[l].box, head.level[l].cls},
                         gradients[2] = {head.level[l].d_box, head.level[l].d_cls};
        for (int k = 0; k < 2; k++) {
            yti_rng rng = yti_rng_make(2, 0, map_number++, YT_RNG_TEST);
            for (size_t p = 0; p < yti_tensor_pixels(maps[k]); p++)
                for (int c = 0; c < maps[k].c; c++) {
                    const double weight = yti_rng_uniform(&rng, -1, 1);
                    sum += weight * (double)maps[k].data[(ptrdiff_t)p * maps[k].ld + c];
                    gradients[k].data[(ptrdiff_t)p * gradients[k].ld + c] = (float)weight;
                }
        }
    }
    return sum;
}

static double loss_at(yti_model *model) {
    yti_model_forward(model, &model->state, NULL);
    return weighted_outputs(model);
}

/* Moves a tensor along its gradient: the loss must change by the gradient's length per unit of way. A way on which
 * the loss changes by 0.2 is short against the curvature of these networks and long against the last bits of a
 * weight. */
static void check_tensor(yti_model *model, const yti_param_info *info, const float *gradient, const char *word) {
    float *values = model->state.params + info->offset, kept[16384];
    double length = 0;
    cr_assert(info->count <= 16384);
    for (size_t i = 0; i < info->count; i++) length += pow((double)gradient[i], 2);
    length = sqrt(length);
    cr_assert(length > 1e-4, "%s %s has no gradient", word, info->name);
    const double step = 0.2 / (1 + length);
    double loss[2];
    memcpy(kept, values, info->count * sizeof *kept);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < info->count; i++)
            values[i] = (float)((double)kept[i] + (side ? step : -step) * (double)gradient[i] / length);
        loss[side] = loss_at(model);
    }
    memcpy(values, kept, info->count * sizeof *kept);
    const double measured = (loss[1] - loss[0]) / (2 * step);
    cr_expect(fabs(measured - length) <= 0.02 * length, "%s %s: |g| %.6g, measured %.6g", word, info->name, length,
              measured);
}

static void check_gradients(yti_model *model, const char *word) {
    enum { SMALL_SIDE = 32 };
    static uint8_t pictures[2 * SMALL_SIDE * SMALL_SIDE * 3];
    yt_err err = {.text = ""};
    const yti_init kaiming = {.kind = YT_INIT_KAIMING, .gain = 1}; /* keeps the variances that are divided by up */
    cr_assert_eq(yti_model_init_as(model, &kaiming, 1, &model->state, &err), YT_OK);
    draw(pictures, sizeof pictures, 2);
    cr_assert_eq(yti_model_plan(model, YT_MODE_TRAIN, 2, SMALL_SIDE, SMALL_SIDE, 1, &err), YT_OK, "%s", err.text);
    yti_model_set_input(model, pictures);
    loss_at(model);
    yti_model_backward(model, &model->state, NULL);
    float *gradients = malloc(model->param_count * sizeof *gradients);
    cr_assert_not_null(gradients);
    memcpy(gradients, model->state.grads, model->param_count * sizeof *gradients);
    for (int i = 0; i < model->n_params; i++)
        if (model->params[i].kind == YT_PARAM_WEIGHT)
            check_tensor(model, &model->params[i], gradients + model->params[i].offset, word);
    free(gradients);
}

Test(ablation, gradients_of_every_cut_are_those_of_the_differences) {
    for (int kind = 0; kind < YT_NO_RESIDUAL_COUNT; kind++) {
        static const char *const texts[] = {small, small_elan, small_attention};
        for (int t = 0; t < 3; t++) {
            yti_model *model = parse(texts[t], (yti_no_residual)kind);
            check_gradients(model, yti_no_residual_word((yti_no_residual)kind));
            yti_model_destroy(model);
        }
    }
}

/* ---- what the options change ---- */

Test(ablation, each_option_is_counted_on_top_of_those_before_it) {
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    yti_model_options options = YT_MODEL_DEFAULTS;
    yti_ablation found[YT_MAX_ABLATIONS];
    int n;
    model = load("yolov8n.yaml", YT_RESIDUAL_KEPT);
    cr_assert_eq(yti_model_ablations(model, 640, found, &n, &err), YT_OK, "%s", err.text);
    cr_assert_eq(n, 0);
    yti_model_destroy(model);

    options.n_classes = 3;
    options.no_residual = YT_NO_RESIDUAL_CSP;
    options.no_batchnorm = true;
    options.activation = YT_ACT_TANH;
    model = test_model_load("yolov8n", options);
    cr_assert_eq(yti_model_ablations(model, 640, found, &n, &err), YT_OK, "%s", err.text);
    cr_assert_eq(n, 3);
    cr_assert_str_eq(found[0].name, "no_residual csp");
    cr_assert_str_eq(found[1].name, "no_batchnorm");
    cr_assert_str_eq(found[2].name, "activation tanh");
    cr_assert_eq(found[0].before.params - found[0].after.params, 3157200 - 2820784);
    cr_assert_eq(found[1].before.params, found[0].after.params);
    cr_assert(found[1].after.params < found[1].before.params && found[1].after.gflops < found[1].before.gflops);
    cr_assert_eq(found[2].after.params, yti_model_parameters(model));
    double gflops;
    cr_assert_eq(yti_model_gflops(model, 640, &gflops, &err), YT_OK);
    cr_assert(test_near(found[2].after.gflops, gflops, 1e-12));
    cr_assert(test_near(found[2].before.gflops, gflops, 1e-12), "an activation is not counted");
    yti_model_destroy(model);
}
