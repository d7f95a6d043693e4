/* Tests of src/model against the published figures of the reference trainer: parameters, operations and tensors of all
 * fifteen models, fused and not, and what each module is made of at each scale. */
#include "base/file.h"
#include "model/model.h"
#include "model/model_file.h"
#include "support/folder.h"
#include "support/models.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Entries of the reference trainer's state dict: every tensor, and a counter of batches per normalisation. */
static int count_entries(const yti_model *model) {
    int entries = model->n_params;
    for (int i = 0; i < model->n_params; i++) entries += strstr(model->params[i].name, "running_var") != NULL;
    return entries;
}

/* Specification of the reference trainer, table 2.4; GFLOPs to the digit that is published. */
static const struct published {
    const char *name;
    size_t params, fused_params;
    double gflops, fused_gflops;
    int entries, fused_entries;
} published[] = {
    {"yolov8n", 3157200, 3151904, 8.9, 8.7, 355, 127},        {"yolov8s", 11166560, 11156544, 28.8, 28.6, 355, 127},
    {"yolov8m", 25902640, 25886080, 79.3, 78.9, 475, 167},    {"yolov8l", 43691520, 43668288, 165.7, 165.2, 595, 207},
    {"yolov8x", 68229648, 68200608, 258.5, 257.8, 595, 207},  {"yolo11n", 2624080, 2616248, 6.6, 6.5, 499, 175},
    {"yolo11s", 9458752, 9443760, 21.7, 21.5, 499, 175},      {"yolo11m", 20114688, 20091712, 68.5, 68.0, 649, 225},
    {"yolo11l", 25372160, 25340992, 87.6, 86.9, 1015, 347},   {"yolo11x", 56966176, 56919424, 196.0, 194.9, 1015, 347},
    {"yolo26n", 2572280, 2408932, 6.1, 5.4, 708, 204},        {"yolo26s", 10009784, 9496140, 22.8, 20.7, 708, 204},
    {"yolo26m", 21896248, 20411132, 75.4, 68.2, 768, 224},    {"yolo26l", 26299704, 24807420, 93.8, 86.4, 1092, 332},
    {"yolo26x", 58993368, 55725948, 209.5, 193.9, 1092, 332},
};
enum { MODELS = sizeof published / sizeof published[0] };

static void expect_figures(const char *name, yti_fusion fusion, size_t params, double gflops, int entries) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.fusion = fusion;
    yti_model *model = test_model_load(name, options);
    double counted = 0;
    cr_expect_eq(yti_model_parameters(model), params, "%s: %zu", name, yti_model_parameters(model));
    cr_expect_eq(count_entries(model), entries, "%s: %d entries", name, count_entries(model));
    cr_assert_eq(yti_model_gflops(model, 640, &counted, NULL), YT_OK);
    cr_expect(test_near(counted, gflops, 0.05), "%s: %.4f GFLOPs", name, counted);
    cr_expect(model->n_levels == 3 && model->strides[0] == 8 && model->strides[1] == 16 && model->strides[2] == 32);
    yti_model_destroy(model);
}

Test(model_family, counts_of_parameters_operations_and_tensors_are_the_published_ones) {
    for (int i = 0; i < MODELS; i++)
        expect_figures(published[i].name, YT_NOT_FUSED, published[i].params, published[i].gflops, published[i].entries);
}

Test(model_family, counts_of_fused_models_are_the_published_ones) {
    for (int i = 0; i < MODELS; i++)
        expect_figures(published[i].name,
                       strncmp(published[i].name, "yolo26", 6) == 0 ? YT_FUSED_ONE_TO_ONE : YT_FUSED_ONE_TO_MANY,
                       published[i].fused_params, published[i].fused_gflops, published[i].fused_entries);
}

/* Specification, section 10. */
Test(model_family, parameter_counts_follow_the_number_of_classes) {
    static const int classes[] = {1, 2, 20, 80, 200};
    static const struct {
        const char *name;
        size_t params[5];
    } rows[] = {{"yolov8n", {3011043, 3011238, 3014748, 3157200, 3376440}},
                {"yolo11n", {2590035, 2590230, 2593740, 2624080, 2685900}},
                {"yolo26n", {2504190, 2504580, 2511600, 2572280, 2695920}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int c = 0; c < 5; c++) {
            yti_model_options options = YT_MODEL_DEFAULTS;
            options.n_classes = classes[c];
            yti_model *model = test_model_load(rows[i].name, options);
            cr_expect_eq(yti_model_parameters(model), rows[i].params[c], "%s nc=%d: %zu", rows[i].name, classes[c],
                         yti_model_parameters(model));
            yti_model_destroy(model);
        }
}

Test(model_family, rows_have_the_parameters_of_the_specification) {
    static const struct {
        const char *name;
        int n_rows;
        size_t params[24];
    } models[] = {
        {"yolov8n", 23, {464,    4672, 7360, 18560, 49664, 73984, 197632, 295424, 460288, 164608, 0,     0,
                         148224, 0,    0,    37248, 36992, 0,     123648, 147712, 0,      493056, 897664}},
        {"yolo11n", 24, {464, 4672,   6640, 36992, 26080, 147712, 87040, 295424, 346112, 164608, 249728, 0,
                         0,   111296, 0,    0,     32096, 36992,  0,     86720,  147712, 0,      378880, 464912}},
        {"yolo26n", 24, {464, 4672,   6640, 36992, 26080, 147712, 87040, 295424, 346112, 164608, 249728, 0,
                         0,   119808, 0,    0,     34304, 36992,  0,     95232,  147712, 0,      463104, 309656}},
    };
    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
        yti_model *model = test_model_load(models[m].name, YT_MODEL_DEFAULTS);
        cr_assert_eq(model->n_rows, models[m].n_rows);
        for (int i = 0; i < model->n_rows; i++)
            cr_expect_eq(model->rows[i].params, models[m].params[i], "%s row %d", models[m].name, i);
        yti_model_destroy(model);
    }
}

/* What m.<j> of a row is, by the tensors it has: B Bottleneck, C C3k, P PSABlock, A Bottleneck and PSABlock; 0:
 * there is none. */
static char kind_of(const yti_model *model, int row, int j) {
    static const struct {
        const char *tensor;
        char kind;
    } marks[] = {{"1.attn.qkv.conv.weight", 'A'},
                 {"attn.qkv.conv.weight", 'P'},
                 {"cv3.conv.weight", 'C'},
                 {"cv2.conv.weight", 'B'}};
    for (int i = 0; i < 4; i++) {
        char name[96];
        snprintf(name, sizeof name, "model.%d.m.%d.%s", row, j, marks[i].tensor);
        if (test_model_find(model, name)) return marks[i].kind;
    }
    return 0;
}

/* "2:B 4:BB": the rows that have inner modules, with their kinds. */
static void inner_modules(const yti_model *model, char *text, size_t room) {
    size_t used = 0;
    text[0] = 0;
    for (int row = 0; row < model->n_rows; row++) {
        char kinds[16];
        int n = 0;
        while (n < 15 && kind_of(model, row, n)) {
            kinds[n] = kind_of(model, row, n);
            n++;
        }
        kinds[n] = 0;
        if (n) used += (size_t)snprintf(text + used, room - used, "%s%d:%s", used ? " " : "", row, kinds);
        cr_assert(used < room);
    }
}

Test(model_family, inner_modules_are_those_of_the_scale) {
    static const char *const expected[MODELS] = {"2:B 4:BB 6:BB 8:B 12:B 15:B 18:B 21:B",
                                                 "2:B 4:BB 6:BB 8:B 12:B 15:B 18:B 21:B",
                                                 "2:BB 4:BBBB 6:BBBB 8:BB 12:BB 15:BB 18:BB 21:BB",
                                                 "2:BBB 4:BBBBBB 6:BBBBBB 8:BBB 12:BBB 15:BBB 18:BBB 21:BBB",
                                                 "2:BBB 4:BBBBBB 6:BBBBBB 8:BBB 12:BBB 15:BBB 18:BBB 21:BBB",
                                                 "2:B 4:B 6:C 8:C 10:P 13:B 16:B 19:B 22:C",
                                                 "2:B 4:B 6:C 8:C 10:P 13:B 16:B 19:B 22:C",
                                                 "2:C 4:C 6:C 8:C 10:P 13:C 16:C 19:C 22:C",
                                                 "2:CC 4:CC 6:CC 8:CC 10:PP 13:CC 16:CC 19:CC 22:CC",
                                                 "2:CC 4:CC 6:CC 8:CC 10:PP 13:CC 16:CC 19:CC 22:CC",
                                                 "2:B 4:B 6:C 8:C 10:P 13:C 16:C 19:C 22:A",
                                                 "2:B 4:B 6:C 8:C 10:P 13:C 16:C 19:C 22:A",
                                                 "2:C 4:C 6:C 8:C 10:P 13:C 16:C 19:C 22:A",
                                                 "2:CC 4:CC 6:CC 8:CC 10:PP 13:CC 16:CC 19:CC 22:A",
                                                 "2:CC 4:CC 6:CC 8:CC 10:PP 13:CC 16:CC 19:CC 22:A"};
    for (int i = 0; i < MODELS; i++) {
        yti_model *model = test_model_load(published[i].name, YT_MODEL_DEFAULTS);
        char found[160];
        inner_modules(model, found, sizeof found);
        cr_expect_str_eq(found, expected[i], "%s: %s", published[i].name, found);
        yti_model_destroy(model);
    }
}

/* Specification, sections 3.12 and 10: parameters of the head, and the widths of its hidden layers. */
Test(model_family, heads_have_the_size_of_the_scale) {
    static const struct {
        size_t params;
        int box, cls; /* hidden channels */
    } expected[MODELS] = {{897664, 64, 80},   {2147008, 64, 128}, {3822016, 64, 192}, {5644480, 64, 256},
                          {8795008, 80, 320}, {464912, 64, 80},   {850368, 64, 128},  {1472704, 64, 256},
                          {1472704, 64, 256}, {3237952, 96, 384}, {309656, 16, 80},   {993784, 32, 128},
                          {2921976, 64, 256}, {2921976, 64, 256}, {6440952, 96, 384}};
    for (int i = 0; i < MODELS; i++) {
        yti_model *model = test_model_load(published[i].name, YT_MODEL_DEFAULTS);
        const yti_model_row *head = &model->rows[model->n_rows - 1];
        char box[64], cls[64];
        cr_expect_eq(head->params, expected[i].params, "%s: %zu", published[i].name, head->params);
        snprintf(box, sizeof box, "model.%d.cv2.0.2.weight", model->n_rows - 1);
        snprintf(cls, sizeof cls, "model.%d.cv3.2.2.weight", model->n_rows - 1);
        cr_assert(test_model_find(model, box) && test_model_find(model, cls), "%s", published[i].name);
        cr_expect_eq(test_model_find(model, box)->dims[1], expected[i].box, "%s", published[i].name);
        cr_expect_eq(test_model_find(model, cls)->dims[1], expected[i].cls, "%s", published[i].name);
        yti_model_destroy(model);
    }
}

/* The YAML of a family with lines in front of it, built at scale n. */
static yti_model *with_keys(const char *family, const char *lines) {
    char path[256], name[64], *yaml = NULL;
    size_t length;
    yt_err err = {.text = ""};
    snprintf(path, sizeof path, "%s/models/%s.yaml", YT_SOURCE_DIR, family);
    cr_assert_eq(yti_file_read(path, 1u << 20, &yaml, &length, &err), YT_OK, "%s", err.text);
    char *text = malloc(strlen(lines) + length + 1);
    cr_assert_not_null(text);
    snprintf(text, strlen(lines) + length + 1, "%s%.*s", lines, (int)length, yaml);
    snprintf(name, sizeof name, "%sn.yaml", family);
    yti_model *model = NULL;
    const yti_model_options options = YT_MODEL_DEFAULTS;
    cr_assert_eq(yti_model_parse(name, text, strlen(text), &options, &model, &err), YT_OK, "%s", err.text);
    free(text);
    free(yaml);
    return model;
}

static void expect_runs(yti_model *model) {
    yt_err err = {.text = ""};
    static uint8_t picture[64 * 64 * 3];
    yti_model_init_weights(model, 1, &model->state);
    for (size_t i = 0; i < sizeof picture; i++) picture[i] = (uint8_t)(i * 7919 % 251);
    cr_assert_eq(yti_model_plan(model, YT_MODE_EVAL, 1, 64, 64, 1, &err), YT_OK, "%s", err.text);
    yti_model_set_input(model, picture);
    yti_model_forward(model, &model->state, NULL);
    const yti_head head = yti_model_head(model, yti_model_eval_branch(model));
    for (int l = 0; l < head.n_levels; l++) {
        cr_expect_eq(head.level[l].box.c, 4 * model->reg_max);
        const float bias = head.level[l].cls.data[0];
        cr_expect(bias < 0 && bias > -100);
    }
}

Test(model_family, an_end_to_end_head_with_distance_bins_works_for_every_family) {
    static const struct {
        const char *family, *lines;
        int row;
    } cases[] = {{"yolov8", "end2end: True\nreg_max: 8\n", 22}, {"yolo11", "end2end: true\nreg_max: 8\n", 23}};
    for (int i = 0; i < 2; i++) {
        yti_model *model = with_keys(cases[i].family, cases[i].lines);
        char name[64];
        cr_expect(model->end2end && model->n_branches == 2 && model->reg_max == 8);
        snprintf(name, sizeof name, "model.%d.dfl.conv.weight", cases[i].row);
        const yti_param_info *dfl = test_model_find(model, name);
        cr_assert_not_null(dfl);
        cr_expect(dfl->count == 8 && dfl->kind == YT_PARAM_CONSTANT);
        snprintf(name, sizeof name, "model.%d.one2one_cv2.2.2.weight", cases[i].row);
        cr_expect_not_null(test_model_find(model, name));
        expect_runs(model);
        yti_model_destroy(model);
    }
}

Test(model_family, one_bin_makes_a_head_without_expectation) {
    static const char *const families[] = {"yolov8", "yolo11"};
    for (int i = 0; i < 2; i++) {
        yti_model *model = with_keys(families[i], "reg_max: 1\n");
        cr_expect(!model->end2end && model->n_branches == 1 && model->reg_max == 1);
        for (int p = 0; p < model->n_params; p++) cr_expect_null(strstr(model->params[p].name, "dfl"));
        expect_runs(model);
        yti_model_destroy(model);
    }
}

/* Specification, section 1.2. */
Test(model_family, the_scale_is_the_letter_behind_the_number_in_the_name) {
    static const struct {
        const char *name;
        char letter;
    } cases[] = {{"yolo26n.yaml", 'n'},
                 {"yolov8x-p2.yaml", 'x'},
                 {"yolo11.yaml", 0},
                 {"yolo11m-seg.yaml", 'm'},
                 {"yoloe-11s.yaml", 's'},
                 {"yolov10l.yaml", 'l'},
                 {"runs2n/yolo26.yaml", 0},
                 {"net3x.yaml", 0},
                 {"some/where/yolo26m.yaml", 'm'},
                 {"my-yolo11x-small.yaml", 'x'},
                 {"yolov8q.yaml", 0},
                 {"yolos.yaml", 0},
                 {"study-l.yaml", 0}, /* a scale only where no such file exists */
                 {"nets.yaml", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(yti_scale_letter(cases[i].name), cases[i].letter, "%s", cases[i].name);
}

static const char ONE_SIZE[] = "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n";
static const char TWO_SCALES[] = "nc: 2\nscales: {n: [1.0, 0.5, 1024], s: [1.0, 1.0, 1024]}\n"
                                 "backbone:\n  - [-1, 1, Conv, [16, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n";

static void expect_scale(const char *name, char scale, const char *model_name) {
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    const yti_model_options options = YT_MODEL_DEFAULTS;
    cr_assert_eq(yti_model_load(test_folder_path(name), &options, &model, &err), YT_OK, "%s", err.text);
    cr_expect(model->scale == scale && strcmp(model->name, model_name) == 0, "%s: %c", name, model->scale);
    yti_model *again = NULL; /* as a checkpoint holds it: its name, and the scale that it has */
    yti_model_options stored = YT_MODEL_DEFAULTS;
    char file[64];
    stored.scale = model->scale;
    snprintf(file, sizeof file, "%s.yaml", model->name);
    cr_assert_eq(yti_model_parse(file, model->yaml_text, strlen(model->yaml_text), &stored, &again, &err), YT_OK, "%s",
                 err.text);
    cr_expect_eq(again->param_count, model->param_count);
    yti_model_destroy(again);
    yti_model_destroy(model);
}

Test(model_family, a_dash_and_a_letter_name_a_scale_only_where_no_file_has_that_name, .init = test_folder_make,
     .fini = test_folder_remove) {
    test_folder_write_text("net-s.yaml", ONE_SIZE);
    test_folder_write_text("two.yaml", TWO_SCALES);
    test_folder_write_text("own-s.yaml", TWO_SCALES);
    expect_scale("net-s.yaml", 0, "net-s");
    expect_scale("two-s.yaml", 's', "two-s");
    expect_scale("two.yaml", 'n', "two");
    expect_scale("own-s.yaml", 'n', "own-s");
    yti_model *model = NULL;
    yt_err err;
    const yti_model_options options = YT_MODEL_DEFAULTS;
    cr_assert_eq(yti_model_load(test_folder_path("two-l.yaml"), &options, &model, &err), YT_ERR_MODEL);
    cr_assert_eq(yti_model_load(test_folder_path("none-s.yaml"), &options, &model, &err), YT_ERR_IO);
}

/* A row's own activation is the row's, until an option says another; none stays none. */
Test(model_family, an_activation_option_replaces_that_of_a_row_too) {
    static const char *const texts[] = {
        "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2, None, 1, 1, nn.ReLU()]]\nhead:\n  - [[0], 1, Detect, "
        "[nc]]\n",
        "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n",
        "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2, None, 1, 1, False]]\nhead:\n  - [[0], 1, Detect, "
        "[nc]]\n"};
    float first[3][2];
    for (int i = 0; i < 3; i++)
        for (int replaced = 0; replaced < 2; replaced++) {
            yti_model *model = NULL;
            yt_err err = {.text = ""};
            yti_model_options options = YT_MODEL_DEFAULTS;
            if (replaced) options.activation = YT_ACT_TANH;
            cr_assert_eq(yti_model_parse("a.yaml", texts[i], strlen(texts[i]), &options, &model, &err), YT_OK, "%s",
                         err.text);
            expect_runs(model);
            first[i][replaced] = yti_model_head(model, 0).level[0].box.data[5];
            yti_model_destroy(model);
        }
    cr_expect_neq(first[0][0], first[1][0], "ReLU and SiLU");
    cr_expect_eq(first[0][1], first[1][1], "both tanh");
    cr_expect_neq(first[2][1], first[1][1], "none stays none");
}

Test(model_family, the_activation_key_replaces_that_of_every_convolution) {
    yti_model *by_key = with_keys("yolov8", "activation: torch.nn.Tanh()\n");
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.activation = YT_ACT_TANH;
    yti_model *by_option = test_model_load("yolov8n", options), *plain = test_model_load("yolov8n", YT_MODEL_DEFAULTS);
    yti_model *all[3] = {by_key, by_option, plain};
    float first[3];
    for (int i = 0; i < 3; i++) {
        expect_runs(all[i]);
        const yti_head head = yti_model_head(all[i], 0);
        first[i] = head.level[0].box.data[5];
    }
    cr_expect_eq(first[0], first[1]);
    cr_expect_neq(first[0], first[2]);
    for (int i = 0; i < 3; i++) yti_model_destroy(all[i]);
}
