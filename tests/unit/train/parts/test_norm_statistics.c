/* Tests of src/train/parts/norm_statistics.c: a network whose normalisations had been folded computes the same after
 * their statistics were measured, and in training about the same.
 */
#include "train/parts/norm_statistics.h"
#include "image/image.h"
#include "model/builder.h"
#include "support/folder.h"
#include "support/models.h"
#include "support/tiny.h"
#include "weights/weights.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(norm_statistics, .init = test_folder_make, .fini = test_folder_remove);

/* A tiny8 that has learnt scales of its own, by way of a file that is fused. */
static yti_model *unfolded(void) {
    yti_class_names names = {2, (char *[]){(char[]){"red"}, (char[]){"blue"}}};
    yti_model *model = test_tiny_model(3), *fused = NULL;
    yti_transfer_report report;
    yt_err err = {.text = ""};
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        float *values = (yti_param_is_trainable(info) ? model->state.params : model->state.buffers) + info->offset;
        for (size_t k = 0; k < info->count && info->kind == YT_PARAM_NORM; k++)
            values[k] = 0.5f + 0.1f * (float)(k % 7);
        for (size_t k = 0; k < info->count && info->kind == YT_PARAM_BUFFER; k++)
            values[k] = 0.05f + 0.02f * (float)(k % 5);
    }
    cr_assert_eq(yti_model_fuse(model, &model->state, false, &fused, &err), YT_OK, "%s", err.text);
    fused->options.fusion = YT_NOT_FUSED;
    const char *path = test_folder_path("fused.safetensors");
    cr_assert_eq(test_weights_save(path, fused, &fused->state, 1, &names, TINY_SIDE, &err), YT_OK, "%s", err.text);
    yti_model_init_weights(model, 9, &model->state);
    cr_assert_eq(yti_weights_transfer(path, model, NULL, &report, &err), YT_OK, "%s", err.text);
    cr_assert(report.folded && report.matched == report.total);
    yti_model_destroy(fused);
    return model;
}

/* malloc'd class maps of the training images of the folder, and the number of values. */
static float *class_maps(yti_model *model, const yti_split *split, yti_mode mode, size_t *count) {
    enum { SIDE = TINY_SIDE, N = 4 };
    static uint8_t images[N * SIDE * SIDE * 3];
    for (int i = 0; i < N; i++) {
        yt_image image;
        cr_assert_eq(yt_image_load(split->samples[i].image_path, &image, NULL), YT_OK);
        memcpy(images + (size_t)i * SIDE * SIDE * 3, image.rgb, (size_t)SIDE * SIDE * 3);
        yt_image_free(&image);
    }
    cr_assert_eq(yti_model_plan(model, mode, N, SIDE, SIDE, 1, NULL), YT_OK);
    yti_model_set_input(model, images);
    yti_model_forward(model, &model->state, NULL);
    const yti_tensor map = yti_model_head(model, 0).level[0].cls;
    *count = yti_tensor_elements(map);
    float *values = malloc(*count * sizeof *values);
    for (size_t p = 0; p < yti_tensor_pixels(map); p++)
        memcpy(values + p * (size_t)map.c, map.data + (ptrdiff_t)p * map.ld, (size_t)map.c * sizeof *values);
    return values;
}

static double distance(const float *a, const float *b, size_t count) {
    double error = 0, power = 0;
    for (size_t i = 0; i < count; i++) {
        error += pow((double)a[i] - (double)b[i], 2);
        power += (double)a[i] * (double)a[i];
    }
    return sqrt(error / power);
}

Test(norm_statistics, the_network_computes_the_same_and_trains_on_normalised_maps) {
    yti_dataset dataset;
    yti_split split;
    const yti_scan_options scan = {.fraction = 1, .threads = 1};
    yt_err err = {.text = ""};
    size_t count;
    int images;
    test_tiny_write_data(4, 1);
    test_tiny_write_models();
    yti_model *model = unfolded();
    cr_assert_eq(yti_dataset_open(test_folder_path("data.yaml"), &dataset, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_dataset_scan(&dataset, "train", &scan, &split, &err), YT_OK, "%s", err.text);
    float *before = class_maps(model, &split, YT_MODE_EVAL, &count);
    cr_assert_eq(yti_measure_statistics(model, &split, TINY_SIDE, 2, &images, &err), YT_OK, "%s", err.text);
    cr_expect_eq(images, 4);
    float *after = class_maps(model, &split, YT_MODE_EVAL, &count),
          *training = class_maps(model, &split, YT_MODE_TRAIN, &count);
    cr_expect(distance(before, after, count) <= 1e-5, "%g", distance(before, after, count));
    cr_expect(distance(before, training, count) <= 1e-3, "%g", distance(before, training, count));
    const yti_param_info *gain = test_model_find(model, "model.0.bn.weight"),
                         *variance = test_model_find(model, "model.0.bn.running_var");
    cr_expect(fabsf(model->state.params[gain->offset] - sqrtf(1 + YTI_BN_EPS)) > 1e-3f);
    cr_expect(model->state.buffers[variance->offset] < 0.9f);
    free(before);
    free(after);
    free(training);
    yti_split_free(&split);
    yti_dataset_close(&dataset);
    yti_model_destroy(model);
}

/* Layers that the weights did not have begin as they were drawn. */
Test(norm_statistics, normalisations_that_were_not_folded_are_left_alone) {
    yti_dataset dataset;
    yti_split split;
    const yti_scan_options scan = {.fraction = 1, .threads = 1};
    int images;
    test_tiny_write_data(2, 1);
    test_tiny_write_models();
    yti_model *model = test_tiny_model(3);
    const size_t bytes = model->param_count * sizeof(float);
    float *before = malloc(bytes);
    memcpy(before, model->state.params, bytes);
    cr_assert_eq(yti_dataset_open(test_folder_path("data.yaml"), &dataset, NULL), YT_OK);
    cr_assert_eq(yti_dataset_scan(&dataset, "train", &scan, &split, NULL), YT_OK);
    cr_assert_eq(yti_measure_statistics(model, &split, TINY_SIDE, 1, &images, NULL), YT_OK);
    cr_expect_eq(memcmp(before, model->state.params, bytes), 0);
    free(before);
    yti_split_free(&split);
    yti_dataset_close(&dataset);
    yti_model_destroy(model);
}
