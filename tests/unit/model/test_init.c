/* Tests of src/model/init.c: the distributions of initial weights, and that variants of a network share their values.
 */
#include "model/model.h"
#include "support/models.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const all_inits[] = {"default", "kaiming", "xavier", "orthogonal", "scaled:0.5"};
enum { INITS = sizeof all_inits / sizeof all_inits[0] };

static void fill(yti_model *model, const char *text, uint64_t seed) {
    yti_init init;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_init_parse(text, &init, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_model_init_as(model, &init, seed, &model->state, &err), YT_OK, "%s", err.text);
}

static const float *values_of(const yti_model *model, const char *name) {
    const yti_param_info *info = test_model_find(model, name);
    cr_assert(info, "no tensor %s", name);
    return model->state.params + info->offset;
}

Test(init, words_are_read_and_mistakes_named) {
    static const struct {
        const char *text, *words;
    } mistakes[] = {{"orthogonl", "did you mean orthogonal"},
                    {"", "it is default"},
                    {"scaled", "gain above 0"},
                    {"scaled:", "gain above 0"},
                    {"scaled:0", "gain"},
                    {"scaled:-2", "gain"},
                    {"scaled:nan", "gain"},
                    {"scaled:2x", "gain"},
                    {"scaled:1e7", "gain"},
                    {"kaiming:2", "takes no number"},
                    {"Kaiming", "did you mean kaiming"}};
    yti_init init = {.kind = YT_INIT_COUNT};
    yt_err err;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        cr_expect_eq(yti_init_parse(mistakes[i].text, &init, &err), YT_ERR_ARGUMENT, "%s", mistakes[i].text);
        cr_expect(strstr(err.text, mistakes[i].words), "%s: %s", mistakes[i].text, err.text);
    }
    cr_assert_eq(init.kind, YT_INIT_COUNT, "a mistake changes nothing");
    cr_assert_eq(yti_init_parse("scaled:2.5", &init, &err), YT_OK);
    cr_assert(init.kind == YT_INIT_SCALED && test_near(init.gain, 2.5, 0));
    cr_assert_eq(yti_init_parse("xavier", &init, &err), YT_OK);
    cr_assert(init.kind == YT_INIT_XAVIER && test_near(init.gain, 1, 0));
}

static double activate(yti_activation_kind kind, double x) {
    switch (kind) {
    case YT_ACT_IDENTITY:
        return x;
    case YT_ACT_SILU:
        return x / (1 + exp(-x));
    case YT_ACT_RELU:
        return fmax(x, 0);
    case YT_ACT_LEAKY_RELU:
        return x > 0 ? x : 0.01 * x;
    case YT_ACT_TANH:
        return tanh(x);
    case YT_ACT_SIGMOID:
        return 1 / (1 + exp(-x));
    case YT_ACT_GELU:
        return x * (1 + erf(x / sqrt(2.0))) / 2;
    case YT_ACT_HARDSWISH:
        return x * fmin(fmax(x + 3, 0), 6) / 6;
    case YT_ACT_COUNT:
        break;
    }
    return (double)NAN;
}

/* The mean of f(z)^2 over a normal z by the trapezoidal rule, which is exact to many digits for a bell curve. */
static double mean_square(yti_activation_kind kind) {
    const double step = 1e-3, density = 1 / sqrt(2 * acos(-1.0));
    double sum = 0;
    for (double z = -10; z <= 10; z += step) sum += pow(activate(kind, z), 2) * exp(-z * z / 2) * density * step;
    return sum;
}

/* The five convolutions of 64 to 64 channels have 184320 values: the standard error of a variance is 0.33 %. */
Test(init, kaiming_has_the_variance_that_its_activation_needs) {
    for (int kind = 0; kind < YT_ACT_COUNT; kind++) {
        yti_model_options options = YT_MODEL_DEFAULTS;
        options.activation = kind;
        yti_model *model = test_model_load("study-s.yaml", options);
        fill(model, "kaiming", 1);
        double sum = 0, square = 0, n = 0;
        for (int i = 0; i < model->n_params; i++) {
            const yti_param_info *info = &model->params[i];
            if (info->row > 8 || info->count != 64 * 64 * 9) continue;
            for (size_t k = 0; k < info->count; k++) {
                const double value = (double)model->state.params[info->offset + k];
                sum += value;
                square += value * value;
                n++;
            }
        }
        const double wanted = 1 / (64 * 9 * mean_square((yti_activation_kind)kind));
        cr_assert(n > 180000);
        cr_expect(test_near(square / n, wanted, 0.015 * wanted), "%s: variance %g, %g wanted",
                  yti_activation_name((yti_activation_kind)kind), square / n, wanted);
        cr_expect(fabs(sum / n) <= 5 * sqrt(wanted / n));
        yti_model_destroy(model);
    }
}

Test(init, xavier_is_uniform_by_both_fans_of_a_group) {
    static const struct {
        const char *name;
        double fans;
    } rows[] = {{"model.1.conv.weight", (16 + 32) * 9},
                {"model.23.cv3.0.0.0.conv.weight", 9 + 9}, /* depth-wise */
                {"model.10.cv1.conv.weight", 256 + 256}};
    yti_model *model = test_model_load("yolo26n.yaml", YT_MODEL_DEFAULTS);
    fill(model, "xavier", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const yti_param_info *info = test_model_find(model, rows[i].name);
        const float *values = values_of(model, rows[i].name);
        const double bound = sqrt(6 / rows[i].fans);
        double largest = 0;
        for (size_t k = 0; k < info->count; k++) largest = fmax(largest, fabs((double)values[k]));
        cr_expect(largest <= bound && largest > 0.97 * bound, "%s: %g of %g", rows[i].name, largest, bound);
    }
    yti_model_destroy(model);
}

/* Rows or columns, whichever are fewer, of the matrix of each group. */
static void expect_orthonormal(const yti_param_info *info, const float *memory) {
    const size_t in = (size_t)(info->dims[1] * info->dims[2] * info->dims[3]),
                 out = (size_t)(info->dims[0] / info->groups), few = out < in ? out : in, many = out < in ? in : out;
    float *file = malloc(info->count * sizeof *file);
    cr_assert_not_null(file);
    yti_param_to_file_order(info, memory, file);
    double worst = 0;
    for (size_t g = 0; g < (size_t)info->groups; g++)
        for (size_t a = 0; a < few; a++)
            for (size_t c = 0; c <= a; c++) {
                const float *matrix = file + g * out * in;
                double dot = 0;
                for (size_t k = 0; k < many; k++)
                    dot += out < in ? (double)matrix[a * in + k] * (double)matrix[c * in + k]
                                    : (double)matrix[k * in + a] * (double)matrix[k * in + c];
                worst = fmax(worst, fabs(dot - (a == c)));
            }
    cr_expect(worst <= 1e-6, "%s: %g from orthonormal", info->name, worst);
    free(file);
}

Test(init, orthogonal_weights_are_orthonormal_in_every_group) {
    yti_model *model = test_model_load("yolo26n.yaml", YT_MODEL_DEFAULTS);
    int wide = 0, tall = 0, grouped = 0;
    fill(model, "orthogonal", 1);
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (info->kind != YT_PARAM_WEIGHT || info->dims[0] > 128) continue; /* in a second */
        expect_orthonormal(info, model->state.params + info->offset);
        const int in = info->dims[1] * info->dims[2] * info->dims[3];
        wide += info->dims[0] < in;
        tall += info->dims[0] > in && info->groups == 1;
        grouped += info->groups > 1;
    }
    cr_assert(wide > 10 && tall > 3 && grouped > 3, "%d wide, %d tall, %d grouped", wide, tall, grouped);
    yti_model_destroy(model);
}

Test(init, a_scaled_start_is_the_default_times_the_gain) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.no_batchnorm = true;
    yti_model *plain = test_model_load("yolov8n.yaml", options), *scaled = test_model_load("yolov8n.yaml", options);
    fill(plain, "default", 5);
    fill(scaled, "scaled:4", 5);
    for (int i = 0; i < plain->n_params; i++) {
        const yti_param_info *info = &plain->params[i];
        if (info->kind >= YT_PARAM_CONSTANT) continue;
        const float gain = info->kind == YT_PARAM_WEIGHT ? 4.0f : 1.0f;
        const float *a = plain->state.params + info->offset, *c = scaled->state.params + info->offset;
        for (size_t k = 0; k < info->count; k++) cr_assert_eq(c[k], gain * a[k], "%s", info->name);
    }
    yti_model_destroy(plain);
    yti_model_destroy(scaled);
}

Test(init, only_weights_and_the_biases_of_convolutions_are_concerned) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.no_batchnorm = true;
    yti_model *bare = test_model_load("study-s.yaml", options),
              *whole = test_model_load("study-s.yaml", YT_MODEL_DEFAULTS);
    for (int i = 0; i < INITS; i++) {
        fill(bare, all_inits[i], 1);
        fill(whole, all_inits[i], 1);
        const bool derived = i >= 1 && i <= 3;
        cr_expect_eq(values_of(bare, "model.0.conv.bias")[0] == 0, derived, "%s", all_inits[i]);
        cr_expect_eq(values_of(bare, "model.9.cv2.0.2.bias")[0], 2.0f);
        cr_expect(values_of(bare, "model.9.cv3.0.2.bias")[0] < -10);
        cr_expect_eq(values_of(whole, "model.0.bn.weight")[0], 1.0f);
        cr_expect_eq(values_of(whole, "model.0.bn.bias")[0], 0.0f);
        cr_expect_eq(whole->state.buffers[test_model_find(whole, "model.0.bn.running_var")->offset], 1.0f);
    }
    yti_model_destroy(bare);
    yti_model_destroy(whole);
}

/* How many tensors of b have the name and size of one of a; each must have its bits. */
static int expect_shared(const yti_model *a, const yti_model *b, const char *init) {
    int shared = 0;
    for (int i = 0; i < b->n_params; i++) {
        const yti_param_info *info = &b->params[i], *other = test_model_find(a, info->name);
        if (info->kind >= YT_PARAM_CONSTANT || !other || other->count != info->count) continue;
        cr_assert_arr_eq(b->state.params + info->offset, a->state.params + other->offset, info->count * sizeof(float),
                         "%s %s", init, info->name);
        shared++;
    }
    return shared;
}

Test(init, residual_and_plain_and_normalised_or_not_share_their_values) {
    yti_model_options plain = YT_MODEL_DEFAULTS, bare = YT_MODEL_DEFAULTS;
    plain.no_residual = YT_NO_RESIDUAL_ADD;
    bare.no_batchnorm = true;
    yti_model *models[3] = {test_model_load("study-s.yaml", YT_MODEL_DEFAULTS), test_model_load("study-s.yaml", plain),
                            test_model_load("study-s.yaml", bare)};
    int weights = 0;
    for (int p = 0; p < models[0]->n_params; p++) weights += models[0]->params[p].kind == YT_PARAM_WEIGHT;
    cr_assert(weights > 20);
    for (int i = 0; i < INITS; i++) {
        for (int m = 0; m < 3; m++) fill(models[m], all_inits[i], 11);
        const int all = expect_shared(models[0], models[0], all_inits[i]);
        cr_expect_eq(expect_shared(models[0], models[1], all_inits[i]), all);
        cr_expect(expect_shared(models[0], models[2], all_inits[i]) >= weights);
    }
    for (int m = 0; m < 3; m++) yti_model_destroy(models[m]);
}

Test(init, the_one_to_one_branch_starts_as_a_copy_and_seeds_differ) {
    yti_model *model = test_model_load("yolo26n.yaml", YT_MODEL_DEFAULTS);
    for (int i = 0; i < INITS; i++) {
        fill(model, all_inits[i], 1);
        cr_expect_arr_eq(values_of(model, "model.23.cv3.0.1.1.conv.weight"),
                         values_of(model, "model.23.one2one_cv3.0.1.1.conv.weight"), 80 * 80 * sizeof(float));
        const float first = values_of(model, "model.0.conv.weight")[0];
        fill(model, all_inits[i], 2);
        cr_expect_neq(values_of(model, "model.0.conv.weight")[0], first, "%s", all_inits[i]);
    }
    yti_model_destroy(model);
}
