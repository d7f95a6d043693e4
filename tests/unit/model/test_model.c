/* Tests of src/model: names and places of tensors, initial values, the users' mistakes. */
#include "model/model.h"
#include "support/models.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(model, tensors_have_the_names_and_shapes_of_the_family) {
    static const struct {
        const char *name;
        int dims[4];
    } rows[] = {{"model.0.conv.weight", {16, 3, 3, 3}},
                {"model.2.m.0.cv1.conv.weight", {8, 16, 3, 3}},
                {"model.6.m.0.m.1.cv2.conv.weight", {32, 32, 3, 3}},
                {"model.10.m.0.attn.qkv.conv.weight", {256, 128, 1, 1}},
                {"model.10.m.0.attn.pe.conv.weight", {128, 1, 3, 3}},
                {"model.22.m.0.1.ffn.1.conv.weight", {128, 256, 1, 1}},
                {"model.23.cv3.1.1.0.conv.weight", {80, 1, 3, 3}},
                {"model.23.one2one_cv2.2.2.weight", {4, 16, 1, 1}}};
    yti_model *model = test_model_load("yolo26n.yaml", YT_MODEL_DEFAULTS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_arr_eq(test_model_find(model, rows[i].name)->dims, rows[i].dims, sizeof rows[i].dims, "%s",
                         rows[i].name);
    /* 708 entries of the reference trainer's state dict less the 114 counters, which are not floats. */
    cr_assert_eq(model->n_params, 708 - 114);
    yti_model_destroy(model);
}

Test(model, every_tensor_lies_in_a_place_of_its_own) {
    yti_model *model = test_model_load("yolo26n.yaml", YT_MODEL_DEFAULTS);
    char *used_params = calloc(model->param_count, 1), *used_buffers = calloc(model->buffer_count, 1);
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        char *used = info->kind >= YT_PARAM_CONSTANT ? used_buffers : used_params;
        for (size_t k = 0; k < info->count; k++) cr_assert_eq(used[info->offset + k]++, 0, "%s", info->name);
    }
    for (size_t k = 0; k < model->param_count; k++) cr_assert_eq(used_params[k], 1);
    for (size_t k = 0; k < model->buffer_count; k++) cr_assert_eq(used_buffers[k], 1);
    free(used_params);
    free(used_buffers);
    yti_model_destroy(model);
}

Test(model, initial_values_are_those_of_the_specification) {
    yti_model *model = test_model_load("yolo26n.yaml", YT_MODEL_DEFAULTS);
    yti_model_init_weights(model, 3, &model->state);
    const yti_param_info *weight = test_model_find(model, "model.1.conv.weight");
    const double bound = 1 / sqrt(16.0 * 9);
    double largest = 0, square = 0;
    for (size_t k = 0; k < weight->count; k++) {
        double value = (double)model->state.params[weight->offset + k];
        largest = fmax(largest, fabs(value));
        square += value * value;
    }
    cr_assert(largest <= bound && largest > 0.99 * bound);
    cr_assert(test_near(sqrt(square / (double)weight->count), bound / sqrt(3), 0.02 * bound));
    static const double class_bias[3] = {-11.536642, -10.150348, -8.764053};
    for (int l = 0; l < 3; l++) {
        char name[64];
        snprintf(name, sizeof name, "model.23.one2one_cv3.%d.2.bias", l);
        cr_assert(test_near((double)model->state.params[test_model_find(model, name)->offset], class_bias[l], 1e-5));
        snprintf(name, sizeof name, "model.23.cv2.%d.2.bias", l);
        cr_assert(test_near((double)model->state.params[test_model_find(model, name)->offset], 2.0, 0));
    }
    const float *many = model->state.params + test_model_find(model, "model.23.cv3.0.1.1.conv.weight")->offset;
    const float *one = model->state.params + test_model_find(model, "model.23.one2one_cv3.0.1.1.conv.weight")->offset;
    cr_assert_arr_eq(many, one, 80 * 80 * sizeof *one);
    cr_assert_eq(model->state.buffers[test_model_find(model, "model.0.bn.running_var")->offset], 1.0f);
    yti_model_destroy(model);
}

Test(model, variants_share_the_initial_values_of_shared_tensors) {
    yti_model_options plain_options = YT_MODEL_DEFAULTS;
    plain_options.no_residual = YT_NO_RESIDUAL_ADD;
    plain_options.no_batchnorm = true;
    plain_options.activation = YT_ACT_TANH;
    yti_model *residual = test_model_load("yolo26n.yaml", YT_MODEL_DEFAULTS),
              *plain = test_model_load("yolo26n.yaml", plain_options);
    yti_model_init_weights(residual, 7, &residual->state);
    yti_model_init_weights(plain, 7, &plain->state);
    int shared = 0;
    for (int i = 0; i < plain->n_params; i++) {
        const yti_param_info *info = &plain->params[i];
        if (info->kind != YT_PARAM_WEIGHT) continue;
        const yti_param_info *other = test_model_find(residual, info->name);
        cr_assert_arr_eq(plain->state.params + info->offset, residual->state.params + other->offset,
                         info->count * sizeof(float), "%s", info->name);
        shared++;
    }
    cr_assert_eq(shared, 126);
    yti_model_destroy(residual);
    yti_model_destroy(plain);
}

Test(model, file_order_is_out_in_rows_columns) {
    const yti_param_info info = {.kind = YT_PARAM_WEIGHT, .n_dims = 4, .dims = {2, 3, 1, 2}, .count = 12};
    float file[12], memory[12], back[12];
    for (int i = 0; i < 12; i++) file[i] = (float)i;
    yti_param_from_file_order(&info, file, memory);
    /* memory[kw][in][out]: out 1, in 2, kw 1 is element (1*3 + 2)*2 + 1 = 11 of the file */
    cr_assert_eq(memory[(1 * 3 + 2) * 2 + 1], 11.0f);
    cr_assert_eq(memory[(0 * 3 + 1) * 2 + 0], 2.0f);
    yti_param_to_file_order(&info, memory, back);
    cr_assert_arr_eq(back, file, sizeof file);
}

/* A model text, and what must be said about it: the line, and words of the message. */
static const struct {
    const char *text, *place, *words;
} mistakes[] = {
    {"nc: 2\nbackbone:\n  - [-1, 1, Cnov, [8, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n", "m.yaml:3:", "Conv"},
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv, [0, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n", "m.yaml:3:", "channels"},
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv, [eight, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n",
     "m.yaml:3:", "channels"},
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\n  - [5, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0], 1, "
     "Detect, "
     "[nc]]\n",
     "m.yaml:4:", "earlier rows"},
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\n  - [1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0], 1, "
     "Detect, "
     "[nc]]\n",
     "m.yaml:4:", "earlier rows"},
    {"nc: 2\nbackbone:\n  - [-7, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n",
     "m.yaml:3:", "does not exist"},
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv]\nhead:\n  - [[0], 1, Detect, [nc]]\n", "m.yaml:3:", "channels"},
    {"nc: 2\nbackbone:\n  - [-1, 1]\nhead:\n  - [[0], 1, Detect, [nc]]\n", "m.yaml:3:", "a row is"},
    {"nc: 2\nbackbone:\n  - [-1, 0, Conv, [8, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n", "m.yaml:3:", "repeats"},
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0, -1], 1, Conv, [8]]\n", "m.yaml:5:", "one row"},
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [-1, 1, Conv, [8]]\n", "m.yaml:5:", "no Detect"},
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0, 1], 1, "
     "Concat, "
     "[1]]\n  - [[0], 1, Detect, [nc]]\n",
     "m.yaml:6:", "different sides"},
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 16777215, 1, null, 1, 16777215]]\nhead:\n  - [[0], 1, Detect, "
     "[nc]]\n",
     "m.yaml:3:", "kernel"},
    {"nc: 2\nbackbone:\n  - [-1, 1, C3k, [8, 16000000]]\nhead:\n  - [[0], 1, Detect, [nc]]\n",
     "m.yaml:3:", "bottlenecks"},
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv, [8]]\n  - [-1, 1, Conv, [8]]\nhead:\n  - [[0, 1], 2, Concat, "
     "[1]]\n  - [[0], 1, Detect, [nc]]\n",
     "m.yaml:6:", "no repeats"},
    {"nc: 2\nregmax: 1\nbackbone: []\nhead: []\n", "m.yaml:2:", "reg_max"},
    {"nc: 0\nbackbone: []\nhead: []\n", "m.yaml:1:", "nc"},
    {"nc: 2\nreg_max: 900\nbackbone: []\nhead: []\n", "m.yaml:2:", "reg_max"},
    {"nc: 2\nactivation: nn.Swish()\nbackbone: []\nhead: []\n", "m.yaml:2:", "nn.Swish()"},
    {"nc: 2\nscales:\n  n: [0.5, 0.25]\nbackbone: []\nhead: []\n", "m.yaml:3:", "max_channels"},
    {"nc: 2\nhead: []\n", "m.yaml:", "backbone"},
    {"- 1\n- 2\n", "m.yaml:1:", "map"},
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2\n", "m.yaml:", ""},
};

Test(model, mistakes_are_told_with_file_line_and_reason) {
    const yti_model_options options = YT_MODEL_DEFAULTS;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        yti_model *model = NULL;
        yt_err err = {.text = ""};
        yt_status status = yti_model_parse("m.yaml", mistakes[i].text, strlen(mistakes[i].text), &options, &model,
                                           &err);
        cr_expect_neq(status, YT_OK, "case %zu was accepted", i);
        cr_expect_null(model);
        cr_expect_eq(strncmp(err.text, mistakes[i].place, strlen(mistakes[i].place)), 0, "case %zu: %s", i, err.text);
        cr_expect_not_null(strstr(err.text, mistakes[i].words), "case %zu: %s", i, err.text);
    }
}

Test(model, every_module_of_the_family_builds_and_runs_in_both_directions) {
    static const char text[] = "nc: 3\n"
                               "activation: torch.nn.LeakyReLU(0.1)\n"
                               "end2end: True\nreg_max: 4\n"
                               "backbone:\n"
                               "  - [-1, 1, Conv, [16, 3, 2]]\n"
                               "  - [-1, 2, DWConv, [16, 3, 1]]\n"
                               "  - [-1, 2, Bottleneck, [16]]\n"
                               "  - [-1, 2, C2f, [24, True]]\n"
                               "  - [-1, 1, C3, [16]]\n"
                               "  - [-1, 1, C3k, [16, 2]]\n"
                               "  - [-1, 1, Conv, [32, 3, 2, None, 2, 1, nn.ReLU()]]\n"
                               "  - [-1, 2, C3k2, [32, True]]\n"
                               "  - [-1, 1, C3k2, [32, True, 0.5, True]]\n"
                               "  - [-1, 1, SPPF, [32, 5, 3, True]]\n"
                               "  - [-1, 1, C2PSA, [32]]\n"
                               "head:\n"
                               "  - [-1, 1, nn.Upsample, [None, 2, nearest]]\n"
                               "  - [[-1, 3, 5], 1, Concat, [1]]\n"
                               "  - [[-1, 3], 1, Concat, [1]]\n"
                               "  - [[13, 10], 1, Detect, [nc]]\n";
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    const yti_model_options options = YT_MODEL_DEFAULTS;
    cr_assert_eq(yti_model_parse("all.yaml", text, sizeof text - 1, &options, &model, &err), YT_OK, "%s", err.text);
    yti_model_init_weights(model, 1, &model->state);
    uint8_t *picture = malloc(2 * 32 * 32 * 3);
    for (int i = 0; i < 2 * 32 * 32 * 3; i++) picture[i] = (uint8_t)(i * 37);
    cr_assert_eq(yti_model_plan(model, YT_MODE_TRAIN, 2, 32, 32, 2, &err), YT_OK, "%s", err.text);
    yti_model_set_input(model, picture);
    yti_model_forward(model, &model->state, NULL);
    for (int branch = 0; branch < 2; branch++) {
        yti_head head = yti_model_head(model, branch);
        for (int l = 0; l < head.n_levels; l++) {
            yti_kernels_get()->fill(&head.level[l].d_box, 0.01f, 1);
            yti_kernels_get()->fill(&head.level[l].d_cls, 0.01f, 1);
        }
    }
    yti_model_backward(model, &model->state, NULL);
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        double square = 0;
        if (info->kind > YT_PARAM_BIAS) continue;
        for (size_t k = 0; k < info->count; k++) square += pow((double)model->state.grads[info->offset + k], 2);
        cr_expect(square > 0 && square < 1e12, "%s has a gradient of %g", info->name, square);
    }
    free(picture);
    yti_model_destroy(model);
}

/* A fourth level of stride 64 is smaller than a pixel of the image that the published figures are counted on. */
Test(model, a_level_of_stride_64_can_be_counted_and_planned) {
    static const char text[] = "nc: 2\nreg_max: 1\nbackbone:\n"
                               "  - [-1, 1, Conv, [8, 3, 8]]\n"
                               "  - [-1, 1, Conv, [8, 3, 4]]\n"
                               "  - [-1, 1, Conv, [8, 3, 2]]\n"
                               "head:\n"
                               "  - [-1, 1, nn.Upsample, [None, 2, nearest]]\n"
                               "  - [[-1, 1], 1, Concat, [1]]\n"
                               "  - [[0, 4, 2], 1, Detect, [nc]]\n";
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    double gflops = 0;
    const yti_model_options options = YT_MODEL_DEFAULTS;
    cr_assert_eq(yti_model_parse("p6.yaml", text, sizeof text - 1, &options, &model, &err), YT_OK, "%s", err.text);
    cr_assert_eq(model->max_stride, 64);
    cr_assert_eq(yti_model_gflops(model, 128, &gflops, &err), YT_OK, "%s", err.text);
    cr_assert(gflops > 0);
    cr_assert_eq(yti_model_plan(model, YT_MODE_TRAIN, 1, 128, 128, 1, &err), YT_OK, "%s", err.text);
    yti_model_destroy(model);
}

/* ---- networks that cannot be used ---- */

static void expect_no_model(const char *text, const char *weights, const char *reason) {
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.described_in = weights;
    cr_expect_neq(yti_model_parse("m.yaml", text, strlen(text), &options, &model, &err), YT_OK, "%s", text);
    cr_expect_not_null(strstr(err.text, reason), "said: %s; expected: %s", err.text, reason);
    if (weights) cr_expect_null(strstr(err.text, "m.yaml"), "%s", err.text);
}

#define BEGINNING "nc: 2\nbackbone:\n  - [-1, 1, HGStem, [8]]\nhead:\n"

Test(model, a_network_for_another_task_is_called_so) {
    static const char *const cases[][2] = {
        {"Segment26", "is an instance segmentation network (its head is Segment26)"},
        {"SemanticSegment", "is a semantic segmentation network (its head is SemanticSegment)"},
        {"Pose26", "is a pose network"},
        {"OBB", "is a network for rotated boxes"},
        {"Classify", "is a classification network"},
        {"Depth", "is a depth estimation network"},
        {"RTDETRDecoder", "is RT-DETR"},
        {"WorldDetect", "is YOLO-World"},
        {"YOLOEDetect", "is YOLOE"},
        {"YOLOESegment26", "is YOLOE"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "text_model: clip\n" BEGINNING "  - [[0], 1, %s, [nc]]\n", cases[i][0]);
        expect_no_model(text, NULL, cases[i][1]);
        expect_no_model(text, "x.pt", cases[i][1]);
    }
}

Test(model, images_of_other_than_three_channels_are_refused) {
    expect_no_model("channels: 1\n" BEGINNING "  - [[0], 1, Detect, [nc]]\n", NULL,
                    "m.yaml:1: is for images of 1 channel; only those for 3");
    expect_no_model("ch: 4\n" BEGINNING "  - [[0], 1, Detect, [nc]]\n", "x.pt",
                    "x.pt: its network: is for images of 4 channels");
}

/* Nobody has written the lines of a description that a weights file holds. */
Test(model, a_description_in_a_weights_file_has_rows_but_no_lines) {
    static const char text[] = BEGINNING "  - [[0], 1, Detect, [nc]]\n";
    expect_no_model(text, NULL, "m.yaml:3: unknown module 'HGStem'");
    expect_no_model(text, "x.pt", "x.pt: row 0 of its network: the module HGStem is not known");
    expect_no_model("nc: [\n", "x.pt", "x.pt: its model description:");
}
