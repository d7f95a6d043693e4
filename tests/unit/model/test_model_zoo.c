/* Tests of the YAMLs in models/ against figures published for the networks beside the three families of
 * test_model_family.c: they settle what a module's arguments, hidden widths and scales are. Parameters are to the last
 * digit where a count is known to it: as the reference trainer prints it, and with its operations by the same
 * convention; or as the networks' papers round them.
 */
#include "base/file.h"
#include "model/model.h"
#include "support/models.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static const char *const search_dirs[] = {YT_SOURCE_DIR "/models", NULL};

static double gflops_of(yti_model *model) {
    double counted = 0;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_gflops(model, 640, &counted, &err), YT_OK, "%s", err.text);
    return counted;
}

/* ---- exact counts ---- */

/* As the reference trainer prints a model of 80 classes, normalisations not folded. 0 GFLOPs: none is known. */
static const struct printed {
    const char *name;
    size_t params;
    double gflops;
} printed[] = {
    {"yolov5n", 2654816, 7.8},         {"yolov5s", 9153152, 24.2},          {"yolov5m", 25111456, 64.6},
    {"yolov8n-p2", 3354144, 0},        {"yolov8x-p2", 66637536, 0},         {"yolov8n-ghost", 1865316, 5.8},
    {"yolov8s-ghost", 5960072, 16.4},  {"yolov8m-ghost", 10336312, 32.7},   {"yolov8l-ghost", 14277872, 53.7},
    {"yolov8x-ghost", 22229308, 83.3}, {"yolov8n-ghost-p2", 2033944, 13.8}, {"yolov8n-ghost-p6", 2901100, 5.8},
    {"yolov9t", 2128720, 8.5},         {"yolov9s", 7318368, 27.6},          {"yolov9m", 20216160, 77.9},
    {"yolov9c", 25590912, 104.0},      {"yolov9e", 58206592, 193.0},        {"yolov10n", 2775520, 8.7},
    {"yolo12n", 2602288, 6.7},         {"yolo12s", 9284096, 21.7},          {"yolo12m", 20199168, 68.1},
    {"yolo12l", 26450784, 89.7},       {"yolo12x", 59210784, 200.3},        {"yolo26n-p2", 2662400, 9.5},
    {"yolo26n-p6", 4063872, 6.0},
};

Test(model_zoo, parameters_and_operations_are_those_the_reference_trainer_prints) {
    for (size_t i = 0; i < sizeof printed / sizeof printed[0]; i++) {
        const struct printed *p = &printed[i];
        yti_model *model = test_model_load(p->name, YT_MODEL_DEFAULTS);
        cr_expect_eq(yti_model_parameters(model), p->params, "%s: %zu", p->name, yti_model_parameters(model));
        cr_expect(p->gflops <= 0 || test_near(gflops_of(model), p->gflops, 0.05), "%s: %.4f GFLOPs", p->name,
                  gflops_of(model));
        yti_model_destroy(model);
    }
}

/* Printed of a model for two classes. */
Test(model_zoo, yolov6n_has_the_parameters_that_are_printed_of_it) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = 2;
    yti_model *model = test_model_load("yolov6n", options);
    cr_expect_eq(yti_model_parameters(model), 4238342, "%zu", yti_model_parameters(model));
    cr_expect(test_near(gflops_of(model), 11.9, 0.05), "%.4f", gflops_of(model));
    yti_model_destroy(model);
}

/* Of models with folded normalisations, one branch of the head: millions of parameters to the digits printed. */
static const struct rounded {
    const char *name;
    double millions, tolerance, gflops;
} rounded[] = {
    {"yolov3", 103.7, 0.05, 0},        {"yolov3-spp", 104.8, 0.05, 0},    {"yolov3-tiny", 12.17, 0.005, 0},
    {"yolov5n", 2.6, 0.05, 7.7},       {"yolov5s", 9.1, 0.05, 24.0},      {"yolov5m", 25.1, 0.05, 64.2},
    {"yolov5l", 53.2, 0.05, 135.0},    {"yolov5x", 97.2, 0.05, 246.4},    {"yolov5n-p6", 4.3, 0.05, 0},
    {"yolov5s-p6", 15.3, 0.05, 0},     {"yolov5m-p6", 41.2, 0.05, 0},     {"yolov5l-p6", 86.1, 0.05, 0},
    {"yolov8n-p6", 4.97, 0.01, 8.7},   {"yolov8s-p6", 17.9, 0.05, 28.5},  {"yolov8m-p6", 44.9, 0.05, 83.1},
    {"yolov8l-p6", 62.4, 0.05, 167.3}, {"yolov8x-p6", 97.4, 0.05, 261.1}, {"yolov9m", 20.1, 0.05, 76.8},
    {"yolov10n", 2.3, 0.05, 6.7},      {"yolov10s", 7.2, 0.05, 21.6},     {"yolov10m", 15.4, 0.05, 59.1},
    {"yolov10b", 19.1, 0.05, 92.0},    {"yolov10l", 24.4, 0.05, 120.3},   {"yolov10x", 29.5, 0.05, 160.4},
};

Test(model_zoo, fused_models_have_the_rounded_figures_of_papers_and_tables) {
    for (size_t i = 0; i < sizeof rounded / sizeof rounded[0]; i++) {
        const struct rounded *r = &rounded[i];
        yti_model_options options = YT_MODEL_DEFAULTS;
        options.fusion = strncmp(r->name, "yolov10", 7) == 0 ? YT_FUSED_ONE_TO_ONE : YT_FUSED_ONE_TO_MANY;
        yti_model *model = test_model_load(r->name, options);
        const double millions = (double)yti_model_parameters(model) * 1e-6;
        cr_expect(test_near(millions, r->millions, r->tolerance + 1e-9), "%s: %.4f M", r->name, millions);
        cr_expect(r->gflops <= 0 || test_near(gflops_of(model), r->gflops, 0.06), "%s: %.4f GFLOPs", r->name,
                  gflops_of(model));
        yti_model_destroy(model);
    }
}

/* ---- every file ---- */

static void expect_to_run(const char *file, char scale) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    char path[512];
    snprintf(path, sizeof path, "%s/%s", search_dirs[0], file);
    options.scale = scale;
    options.n_classes = 2;
    cr_assert_eq(yti_model_load(path, &options, &model, &err), YT_OK, "%s", err.text);
    cr_expect(model->n_levels >= 1 && model->max_stride >= 8 && model->max_stride <= 64, "%s", file);
    const int side = 2 * model->max_stride;
    cr_expect_eq(yti_graph_shapes(model->graph, YT_MODE_TRAIN, 2, side, side, NULL, &err), YT_OK, "%s: %s", file,
                 err.text);
    yti_model_destroy(model);
}

/* The scales that a file lists, from its text: lines of two blanks, a letter and a colon. */
static int scales_of(const char *file, char letters[16]) {
    char path[512], *text = NULL;
    size_t length = 0;
    int n = 0;
    snprintf(path, sizeof path, "%s/%s", search_dirs[0], file);
    cr_assert_eq(yti_file_read(path, 1 << 20, &text, &length, NULL), YT_OK);
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (line[0] == ' ' && line[1] == ' ' && line[2] >= 'a' && line[2] <= 'z' && line[3] == ':' && n < 15)
            letters[n++] = line[2];
    free(text);
    return n;
}

Test(model_zoo, every_file_builds_at_every_scale_it_lists) {
    DIR *folder = opendir(search_dirs[0]);
    int files = 0;
    cr_assert_not_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char letters[16] = "";
        if (!strstr(entry->d_name, ".yaml")) continue;
        files++;
        const int n = scales_of(entry->d_name, letters);
        if (n == 0) expect_to_run(entry->d_name, 0);
        for (int i = 0; i < n; i++) expect_to_run(entry->d_name, letters[i]);
    }
    closedir(folder);
    cr_expect_gt(files, 25);
}

/* ---- heads ---- */

/* The class branch of YOLOv8 has two dense convolutions; that of networks with newer modules depth-wise ones. */
Test(model_zoo, the_class_branch_is_that_of_the_networks_age) {
    static const struct {
        const char *name, *dense, *split;
    } heads[] = {{"yolov9t", "model.22.cv3.0.0.conv.weight", NULL},
                 {"yolov5n", "model.24.cv3.0.0.conv.weight", NULL},
                 {"yolov8n-ghost", "model.22.cv3.0.0.conv.weight", NULL},
                 {"yolov10n", NULL, "model.23.one2one_cv3.0.0.0.conv.weight"},
                 {"yolov10m", NULL, "model.23.cv3.0.0.0.conv.weight"},
                 {"yolo12n", NULL, "model.21.cv3.0.0.0.conv.weight"}};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        yti_model *model = test_model_load(heads[i].name, YT_MODEL_DEFAULTS);
        cr_expect_not_null(test_model_find(model, heads[i].dense ? heads[i].dense : heads[i].split), "%s",
                           heads[i].name);
        yti_model_destroy(model);
    }
}

Test(model_zoo, names_of_tensors_are_those_of_checkpoints) {
    static const struct {
        const char *model, *tensor;
        int dims[4];
    } tensors[] = {
        {"yolov6n", "model.11.weight", {64, 64, 2, 2}},
        {"yolov9t", "model.4.cv2.0.m.2.cv1.conv2.conv.weight", {16, 16, 1, 1}},
        {"yolov9c", "model.9.cv5.conv.weight", {512, 1024, 1, 1}},
        {"yolov9e", "model.13.conv.bias", {960, 0, 0, 0}},
        {"yolov10n", "model.10.attn.qkv.conv.weight", {256, 128, 1, 1}},
        {"yolov10n", "model.22.m.0.cv1.2.conv1.conv.weight", {256, 1, 3, 3}},
        {"yolov8n-ghost", "model.2.m.0.conv.2.cv2.conv.weight", {8, 1, 5, 5}},
        {"yolo12l", "model.6.gamma", {512, 0, 0, 0}},
        {"yolo12n", "model.6.m.1.1.attn.pe.conv.weight", {64, 1, 7, 7}},
        {"yolo12n", "model.8.m.0.0.mlp.0.conv.weight", {256, 128, 1, 1}},
        {"yolo12x", "model.8.m.0.0.mlp.0.conv.weight", {460, 384, 1, 1}},
    };
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
        yti_model *model = test_model_load(tensors[i].model, YT_MODEL_DEFAULTS);
        const yti_param_info *info = test_model_find(model, tensors[i].tensor);
        cr_expect_not_null(info, "%s has no %s", tensors[i].model, tensors[i].tensor);
        if (info) cr_expect_arr_eq(info->dims, tensors[i].dims, sizeof info->dims, "%s", tensors[i].tensor);
        yti_model_destroy(model);
    }
}

/* ---- mistakes ---- */

Test(model_zoo, a_name_that_does_not_exist_lists_those_that_do) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.search_dirs = (const char *const[]){search_dirs[0], search_dirs[0], "/no/such/folder", NULL};
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    cr_expect_eq(yti_model_load("yolov13n.yaml", &options, &model, &err), YT_ERR_IO);
    cr_expect_not_null(strstr(err.text, "there are yolo11, yolo12, yolo26, yolo26-p2, "), "%s", err.text);
    cr_expect_not_null(strstr(err.text, ", yolov9t; looked, "), "%s", err.text);
}

#define AROUND(row) "nc: 2\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n" row "head:\n  - [[-1], 1, Detect, [nc]]\n"

#define GROWS   "  - [-1, 1, nn.ConvTranspose2d, [16, 16, 16, 0]]\n"
#define TIMES_8 "  - [-1, 1, nn.Upsample, [None, 8, nearest]]\n"
#define MULTIPLES(depth, width)                                                                                        \
    "nc: 2\ndepth_multiple: " depth "\nwidth_multiple: " width                                                         \
    "\nbackbone:\n  - [-1, 3, C2f, [16]]\nhead:\n  - [[-1], 1, Detect, [nc]]\n"

static const struct {
    const char *text, *words;
} mistakes[] = {
    {"nc: 2\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\nhead:\n  - [[-1], 1, Segment26, [nc, 32, 256]]\n",
     "an instance segmentation network (its head is Segment26)"},
    {AROUND("  - [-1, 1, Silence, []]\n"), "known are Conv, DWConv"},
    {AROUND("  - [-1, 1, C2fCB, [16]]\n"), "did you mean C2fCIB?"},
    {AROUND("  - [-1, 1, A2C2f, [32, True, 4]]\n"), "a multiple of 32"},
    {AROUND("  - [-1, 1, A2C2f, [64, True, 1, True]]\n"), "they must be equal"},
    {AROUND("  - [-1, 1, PSA, [32]]\n"), "PSA gives 32 channels but is given 16"},
    {AROUND("  - [-1, 1, GhostBottleneck, [32]]\n"), "they must be equal"},
    {AROUND("  - [-1, 1, GhostBottleneck, [16, 3, 3]]\n"), "stride 3"},
    {AROUND("  - [-1, 1, RepConv, [16, 2]]\n"), "must be odd"},
    {AROUND("  - [-1, 1, RepNCSPELAN4, [16, 15, 8]]\n"), "even"},
    {AROUND("  - [-1, 1, RepNCSPELAN4, [16]]\n"), "even"},
    {AROUND("  - [-1, 1, SPP, [16, [3, 4]]]\n"), "pooling window 4"},
    {AROUND("  - [-1, 1, SPP, [16, [3, x]]]\n"), "not a list of whole numbers"},
    {AROUND("  - [-1, 1, CBLinear, [64]]\n"), "is a list of channels"},
    {AROUND("  - [-1, 1, CBLinear, [[8, 8]]]\n"), "only CBFuse can"},
    {AROUND("  - [-1, 1, CBLinear, [[8, 16]]]\n  - [[1, 0], 1, CBFuse, [[2]]]\n"), "part 2"},
    {AROUND("  - [-1, 1, CBLinear, [[8, 16]]]\n  - [[1, 0], 1, CBFuse, [[0]]]\n"), "they must be equal"},
    {AROUND("  - [-1, 1, CBLinear, [[8, 16]]]\n  - [[1, 0], 1, CBFuse, [[0, 1]]]\n"), "one for every map but the last"},
    {AROUND("  - [-1, 1, nn.MaxPool2d, []]\n"), "pooling window 0"},
    {AROUND("  - [-1, 1, nn.MaxPool2d, [2, 2, 2]]\n"), "padding 2"},
    {AROUND("  - [-1, 1, nn.MaxPool2d, [2, 2, 0, 2]]\n"), "alone"},
    {AROUND("  - [-1, 1, nn.ZeroPad2d, [[0, 1]]]\n"), "left, right, top, bottom"},
    {AROUND("  - [-1, 1, nn.ConvTranspose2d, [16, 2, 0]]\n"), "stride 0"},
    {AROUND(GROWS GROWS GROWS GROWS GROWS GROWS GROWS), "the map grows to 128 times the image"},
    {AROUND(GROWS TIMES_8 TIMES_8), "the map grows to 512 times the image"},
    {MULTIPLES("1.e+300", "1"), "m.yaml:2: depth_multiple and width_multiple lie between 0 and 16"},
    {MULTIPLES("1", "1.e+300"), "lie between 0 and 16"},
    {MULTIPLES("-1", "1"), "lie between 0 and 16"},
    {MULTIPLES("1", ".nan"), "depth_multiple and width_multiple"},
    {AROUND("  - [-1, 1, Conv, [16, 3, 0]]\n"), "argument 3 of Conv is 0; it must be at least 1"},
    {AROUND("  - [-1, 1, Conv, [16, 3, 1, 1, 0]]\n"), "argument 5 of Conv is 0"},
    {AROUND("  - [-1, 1, Conv, [16, 3, 1, 1, 1, 0]]\n"), "argument 6 of Conv is 0"},
    {AROUND("  - [-1, 1, C2f, [16, True, 0]]\n"), "argument 3 of C2f is 0"},
    {AROUND("  - [-1, 1, SCDown, [16, 3, 0]]\n"), "argument 3 of SCDown is 0"},
    {AROUND("  - [-1, 1, nn.ConvTranspose2d, [16, 2, 2, 0, 1]]\n"), "alone"},
};

Test(model_zoo, mistakes_are_named_with_what_would_be_right) {
    const yti_model_options options = YT_MODEL_DEFAULTS;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        yti_model *model = NULL;
        yt_err err = {.text = ""};
        const char *text = mistakes[i].text;
        cr_expect_neq(yti_model_parse("m.yaml", text, strlen(text), &options, &model, &err), YT_OK, "%s", text);
        cr_expect(strncmp(err.text, "m.yaml:", 7) == 0 && strstr(err.text, mistakes[i].words), "%s: %s", text,
                  err.text);
        yti_model_destroy(model);
    }
}

/* Attention in four areas over a map whose pixels are no multiple of four. */
Test(model_zoo, an_image_size_that_areas_do_not_divide_is_refused_at_planning) {
    static const char text[] = AROUND("  - [-1, 1, A2C2f, [64, True, 4]]\n");
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    const yti_model_options options = YT_MODEL_DEFAULTS;
    cr_assert_eq(yti_model_parse("m.yaml", text, sizeof text - 1, &options, &model, &err), YT_OK, "%s", err.text);
    cr_expect_eq(yti_model_plan(model, YT_MODE_EVAL, 1, 10, 10, 1, &err), YT_ERR_MISMATCH);
    cr_expect_not_null(strstr(err.text, "4 areas of a 5x5 map"), "%s", err.text);
    yti_model_destroy(model);
}
