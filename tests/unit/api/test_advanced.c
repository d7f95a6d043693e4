/* advanced.h: COCO's evaluation of boxes of one's own, layers, conversion (maps along a training: test_training.c). */
#include "yolotrain/advanced.h"
#include "model/model.h"
#include "support/folder.h"
#include "support/models.h"
#include "support/onnx_run.h"
#include "support/tiny.h"
#include "weights/weights.h"
#include "yolotrain.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    cr_assert_eq(chdir(test_folder_path("")), 0);
}
TestSuite(advanced, .init = init, .fini = test_folder_remove);

Test(advanced, coco_finds_half_of_two_objects_with_one_exact_box) {
    const yt_coco_box truth[] = {{.x = 0, .y = 0, .w = 50, .h = 50, .area = -1},
                                 {.x = 200, .y = 0, .w = 50, .h = 50, .area = -1}};
    const yt_coco_box found[] = {{.x = 0, .y = 0, .w = 50, .h = 50, .score = 0.9}};
    double numbers[12];
    yt_coco *coco;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_coco_create(2, &coco, &err), YT_OK);
    cr_assert_eq(yt_coco_add(coco, 1, found, 1, truth, 2, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yt_coco_compute(coco, numbers, &err), YT_OK);
    cr_expect(fabs(numbers[0] - 51.0 / 101) < 1e-12, "%.17g", numbers[0]); /* precision 1 at recalls 0 to 0.5 */
    cr_expect(numbers[6] == 0.5 && numbers[8] == 0.5, "recall");
    cr_expect(numbers[3] == -1 && numbers[5] == -1, "no small and no large object");
    const yt_coco_box wrong = {.w = 1, .h = 1, .class_id = 2};
    cr_expect_eq(yt_coco_add(coco, 2, &wrong, 1, NULL, 0, &err), YT_ERR_ARGUMENT);
    cr_expect(strstr(err.text, "class 2"), "%s", err.text);
    yt_coco_destroy(coco);
    cr_expect_eq(yt_coco_create(0, &coco, &err), YT_ERR_ARGUMENT);
    yt_coco_destroy(NULL);
}

Test(advanced, layers_are_the_rows_of_the_yaml_and_add_up_to_the_model) {
    yt_layers *layers;
    yt_err err = {.text = ""};
    yti_model_options options = YT_MODEL_DEFAULTS;
    yti_model *model;
    size_t n = 0, parameters = 0;
    double gflops = 0, expected;
    cr_assert_eq(yti_model_load("tiny8.yaml", &options, &model, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_model_gflops(model, 64, &expected, &err), YT_OK);
    cr_assert_eq(yt_layers_create("tiny8.yaml", 0, 64, &layers, &err), YT_OK, "%s", err.text);
    for (const yt_layer *l; (l = yt_layers_at(layers, n)); n++) {
        parameters += l->parameters;
        gflops += l->gflops;
    }
    cr_expect_eq(n, 7);
    cr_expect_eq(parameters, yti_model_parameters(model));
    cr_expect(fabs(gflops - expected) < 1e-12);
    const yt_layer *first = yt_layers_at(layers, 0);
    cr_expect(strcmp(first->module, "Conv") == 0 && first->h == 32 && first->w == 32 && first->c == 8);
    yt_layers_destroy(layers);
    yti_model_destroy(model);
    cr_expect_eq(yt_layers_create("absent.yaml", 0, 64, &layers, &err), YT_ERR_IO);
    cr_expect_eq(yt_layers_create("tiny8.yaml", 0, 0, &layers, &err), YT_ERR_ARGUMENT);
}

Test(advanced, converted_weights_open) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    yti_model *model;
    yt_err err = {.text = ""};
    char red[] = "red", blue[] = "blue", *list[] = {red, blue};
    const yti_class_names names = {2, list};
    cr_assert_eq(yti_model_load("tiny26.yaml", &options, &model, &err), YT_OK);
    test_tiny_find_cells(model);
    cr_assert_eq(test_weights_save("w.safetensors", model, &model->state, 1, &names, 64, &err), YT_OK);
    yti_model_destroy(model);
    cr_assert_eq(yt_weights_convert("w.safetensors", "half.safetensors", 1, &err), YT_OK, "%s", err.text);
    yt_detector *detector;
    cr_assert_eq(yt_detector_open("half.safetensors", NULL, &detector, &err), YT_OK, "%s", err.text);
    cr_expect_str_eq(yt_detector_class_name(detector, 1), "blue");
    yt_detector_close(detector);
    cr_expect_eq(yt_weights_convert("absent", "x.safetensors", 0, &err), YT_ERR_IO);
    static const char *const settings[] = {"imgsz", "64", "opset", "13", NULL}, *const odd[] = {"opset", "10", NULL},
                             *const alone[] = {"opset", NULL};
    cr_assert_eq(yt_network_export("w.safetensors", "w.onnx", settings, &err), YT_OK, "%s", err.text);
    test_onnx *onnx = test_onnx_open("w.onnx");
    cr_expect_eq(test_onnx_opset(onnx), 13);
    test_onnx_close(onnx);
    cr_expect_eq(yt_network_export("w.safetensors", "x.onnx", odd, &err), YT_ERR_ARGUMENT);
    cr_expect_eq(yt_network_export("w.safetensors", "x.onnx", alone, &err), YT_ERR_ARGUMENT);
    cr_expect_neq(access("x.safetensors", F_OK), 0, "nothing is left of a failure");
}
