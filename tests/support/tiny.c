/* tiny.c: see tiny.h. */
#include "base/file.h"
#include "image/image.h"
#include "model/model.h"
#include "support/folder.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* A grey image with a rectangle of at least a quarter of the side, at a place that depends on the number. */
static void write_picture(const char *split, int number) {
    yt_image image;
    cr_assert_eq(yt_image_create(TINY_SIDE, TINY_SIDE, &image, NULL), YT_OK);
    memset(image.rgb, 90 + number * 7 % 40, (size_t)TINY_SIDE * TINY_SIDE * 3);
    int class_id = number % TINY_CLASSES, w = 16 + number * 5 % 17, h = 16 + number * 3 % 15;
    int x = number * 11 % (TINY_SIDE - w), y = number * 17 % (TINY_SIDE - h);
    for (int row = y; row < y + h; row++)
        for (int column = x; column < x + w; column++) {
            uint8_t *pixel = image.rgb + (row * TINY_SIDE + column) * 3;
            pixel[0] = class_id == 0 ? 250 : 10;
            pixel[1] = 20;
            pixel[2] = class_id == 0 ? 10 : 250;
        }
    char name[64], label[128];
    snprintf(name, sizeof name, "data/images/%s/%d.png", split, number);
    test_folder_write_text(name, "");
    cr_assert_eq(yt_image_save(test_folder_path(name), &image, NULL), YT_OK);
    yt_image_free(&image);
    double side = TINY_SIDE;
    snprintf(label, sizeof label, "%d %.6f %.6f %.6f %.6f\n", class_id, (x + w / 2.0) / side, (y + h / 2.0) / side,
             w / side, h / side);
    snprintf(name, sizeof name, "data/labels/%s/%d.txt", split, number);
    test_folder_write_text(name, label);
}

void test_tiny_write_data(int n_train, int n_val) {
    for (int i = 0; i < n_train; i++) write_picture("train", i);
    for (int i = 0; i < n_val; i++) write_picture("val", 100 + i);
    test_folder_write_text("data.yaml", "path: data\ntrain: images/train\nval: images/val\nnames: [red, blue]\n");
}

#define BODY                                                                                                           \
    "backbone:\n"                                                                                                      \
    "  - [-1, 1, Conv, [8, 3, 2]]\n"                                                                                   \
    "  - [-1, 1, Conv, [16, 3, 2]]\n"                                                                                  \
    "  - [-1, 1, Conv, [16, 3, 2]]\n"                                                                                  \
    "  - [-1, 1, C2f, [16, True]]\n"                                                                                   \
    "  - [-1, 1, Conv, [16, 3, 2]]\n"                                                                                  \
    "  - [-1, 1, Conv, [16, 3, 2]]\n"                                                                                  \
    "head:\n"                                                                                                          \
    "  - [[3, 4, 5], 1, Detect, [nc]]\n"

void test_tiny_find_cells(yti_model *model) {
    yti_model_init_weights(model, 1, &model->state);
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        const char *box = strstr(info->name, "cv2."), *cls = strstr(info->name, "cv3.");
        if (!(box ? box : cls) || !yti_param_is_trainable(info)) continue;
        const bool last = strstr(box ? box : cls, ".2.") && strlen(strstr(box ? box : cls, ".2.")) > 3;
        float *values = model->state.params + info->offset;
        for (size_t k = 0; last && k < info->count; k++)
            values[k] = info->kind != YT_PARAM_BIAS                           ? 0
                        : box                                                 ? 0.5f /* of a cell, to each side */
                        : (k == 1) == (strstr(info->name, "one2one") != NULL) ? 2.0f
                                                                              : -20.0f;
    }
}

void test_tiny_write_models(void) {
    test_folder_write_text("tiny26.yaml", "nc: 2\nend2end: True\nreg_max: 1\n" BODY);
    test_folder_write_text("tiny8.yaml", "nc: 2\n" BODY);
}

yti_model *test_tiny_model(uint64_t seed) {
    yti_model *model;
    yt_err err = {.text = ""};
    const yti_model_options options = YT_MODEL_DEFAULTS;
    cr_assert_eq(yti_model_load(test_folder_path("tiny8.yaml"), &options, &model, &err), YT_OK, "%s", err.text);
    yti_model_init_weights(model, seed, &model->state);
    return model;
}
