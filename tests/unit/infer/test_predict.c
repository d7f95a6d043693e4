/* Tests of src/infer/predict.c: against an independent implementation's detections, and on awkward images.
 */
#include "base/file.h"
#include "infer/predict.h"
#include "support/folder.h"
#include "support/near.h"
#include "support/tiny.h"
#include "weights/weights.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIDE = 320,
    IMAGES = 4,
    COMPARED = 3, /* the fourth, 640 x 425, was halved to 213 rows for the batch and to 212 for the detections */
    LISTED = 8,   /* images with detections in the reference */
    MAX_DET = 300
};

static const char *const search_dirs[] = {YT_SOURCE_DIR "/models", NULL};
static const char *const file_names[IMAGES] = {"000000000009", "000000000025", "000000000030", "000000000034"};

static void read_all(const char *path, char **data, size_t *bytes) {
    yt_err err;
    cr_assert_eq(yti_file_read(path, 64u << 20, data, bytes, &err), YT_OK, "%s", err.text);
}

static yti_model *open_fixture(const char *model) {
    char path[512], yaml[64];
    snprintf(path, sizeof path, "%s/fixtures/%s/%s_coco8_fit.pt", YT_SHARED_DIR, model, model);
    snprintf(yaml, sizeof yaml, "%s.yaml", model);
    if (!yti_path_exists(path)) cr_skip_test("%s is not here", path);
    yti_model *opened;
    yti_class_names names;
    int imgsz;
    yt_err err;
    cr_assert_eq(yti_weights_open(path, yaml, search_dirs, &opened, &names, &imgsz, &err), YT_OK, "%s", err.text);
    yti_class_names_free(&names);
    return opened;
}

/* The reference numbers are of a release whose default was the one-to-one branch where there is one. */
static yti_predictor *predictor_of(yti_model *model, int imgsz, bool rect, float conf) {
    yti_predict_options options = YT_PREDICT_DEFAULTS;
    options.imgsz = imgsz;
    options.rect = rect;
    options.conf = conf;
    options.max_det = MAX_DET;
    options.threads = 2;
    options.nms = yti_model_branch(model, true) >= 0 ? YT_NMS_FALSE : YT_NMS_AUTO;
    yti_predictor *predictor;
    cr_assert_eq(yti_predictor_create(model, &options, &predictor, NULL), YT_OK);
    return predictor;
}

static int predict(yti_predictor *predictor, const yt_image *image, yt_detection *out) {
    int n = -1;
    yt_err err;
    cr_assert_eq(yti_predictor_run(predictor, image->rgb, image->w, image->h, out, &n, &err), YT_OK, "%s", err.text);
    return n;
}

/* ---- against reference detections ---- */

static double number(const cJSON *array, int i) {
    return cJSON_GetArrayItem(array, i)->valuedouble;
}

/* Found boxes of the 320 x 320 image against the reference's, which are in pixels of the w x h original. Scores of
 * the reference have five decimals and boxes three; float32 sums in another order move a box by less than 1/50
 * pixel. Two scores so close that they may change places do not occur. */
static void expect_reference(yt_detection *found, int n, const cJSON *boxes, int w, int h) {
    yti_letterbox box = yti_letterbox_plan(w, h, SIDE, SIDE, false, true, 32);
    float gain = (float)SIDE / (float)(w > h ? w : h);
    yti_fit fit = {gain, gain, box.left, box.top, w, h};
    yti_detections_to_image(found, n, &fit);
    cr_assert_eq(n, cJSON_GetArraySize(boxes), "%d boxes instead of %d", n, cJSON_GetArraySize(boxes));
    for (int i = 0; i < n; i++) {
        const cJSON *e = cJSON_GetArrayItem(boxes, i);
        const float corners[4] = {found[i].box.x1, found[i].box.y1, found[i].box.x2, found[i].box.y2};
        for (int k = 0; k < 4; k++)
            cr_assert(test_near((double)corners[k], number(e, k), 0.02), "box %d: %g instead of %g", i,
                      (double)corners[k], number(e, k));
        cr_assert(test_near((double)found[i].score, number(e, 4), 1e-4), "score %d", i);
        cr_assert_eq(found[i].class_id, (int)number(e, 5));
    }
}

static void compare_with_fixture(const char *name) {
    yti_model *model = open_fixture(name);
    char path[512], *rgb, *text;
    size_t bytes, total = 0;
    read_all(YT_SHARED_DIR "/fixtures/batch_images_4x320x320x3_rgb_u8.bin", &rgb, &bytes);
    cr_assert_eq(bytes, (size_t)IMAGES * SIDE * SIDE * 3);
    snprintf(path, sizeof path, "%s/fixtures/%s/reference.json", YT_SHARED_DIR, name);
    size_t text_bytes;
    read_all(path, &text, &text_bytes);
    cJSON *json = cJSON_ParseWithLength(text, text_bytes);
    const cJSON *reference = cJSON_GetObjectItem(json, "predict_conf0.05_iou0.7");
    cr_assert_geq(cJSON_GetArraySize(reference), IMAGES); /* the first are those of the batch */

    static const int sizes[COMPARED][2] = {{640, 480}, {640, 426}, {640, 428}};
    yti_predictor *predictor = predictor_of(model, SIDE, false, 0.05f);
    yt_detection found[MAX_DET];
    for (int i = 0; i < COMPARED; i++) {
        yt_image image = {SIDE, SIDE, (uint8_t *)rgb + (size_t)i * SIDE * SIDE * 3};
        int n = predict(predictor, &image, found);
        const cJSON *boxes = cJSON_GetObjectItem(cJSON_GetArrayItem(reference, i), "boxes");
        expect_reference(found, n, boxes, sizes[i][0], sizes[i][1]);
        total += (size_t)n;
    }
    cr_assert_gt(total, 20u);
    yti_predictor_destroy(predictor);
    yti_model_destroy(model);
    cJSON_Delete(json);
    free(text);
    free(rgb);
}

Test(predict, agrees_with_the_reference_on_yolov8n) {
    compare_with_fixture("yolov8n");
}

Test(predict, agrees_with_the_reference_on_yolo11n) {
    compare_with_fixture("yolo11n");
}

Test(predict, agrees_with_the_reference_on_yolo26n) {
    compare_with_fixture("yolo26n");
}

/* ---- the whole way from .pt and JPEG files ---- */

/* The reference numbers are of a release that took boxes back to the image by one gain for both axes; newer ones
 * take each axis by its own. What was clipped there may lie up to a pixel inside now. */
static bool is_near_corner(double found, double expected, int side, int longest, double pixels) {
    const double gain = (double)SIDE / longest, own = rint(side * gain) / side, moved = expected * gain / own;
    return expected < side ? test_near(found, fmin(moved, side), pixels) : found >= side - 1.01 && found <= side;
}

static bool is_near_box(const yt_detection *d, const cJSON *expected, const yt_image *image, double pixels,
                        double score) {
    const float corners[4] = {d->box.x1, d->box.y1, d->box.x2, d->box.y2};
    const int sides[2] = {image->w, image->h}, longest = image->w > image->h ? image->w : image->h;
    bool near = d->class_id == (int)number(expected, 5) && test_near((double)d->score, number(expected, 4), score);
    for (int k = 0; k < 4; k++)
        near = near && is_near_corner((double)corners[k], number(expected, k), sides[k % 2], longest, pixels);
    return near;
}

#ifdef YT_LIBJPEG
static const double DECODED_PIXELS = 0.5, DECODED_SCORE = 1e-3;
#else /* stb gives one value in fifteen one to three grey levels beside the reference's decoder */
static const double DECODED_PIXELS = 2.5, DECODED_SCORE = 0.01;
#endif

/* Each box of the reference is one of ours; those of nearly equal scores may come in another order. */
static void expect_boxes(const yt_detection *found, int n, const cJSON *expected, const yt_image *image,
                         const char *picture) {
    bool taken[MAX_DET] = {false};
    const cJSON *box;
    cr_expect_eq(n, cJSON_GetArraySize(expected), "%s: %d boxes", picture, n);
    cJSON_ArrayForEach(box, expected) {
        int i = 0;
        while (i < n && (taken[i] || !is_near_box(&found[i], box, image, DECODED_PIXELS, DECODED_SCORE))) i++;
        cr_expect(i < n, "%s: no box like %g %g %g %g, score %g", picture, number(box, 0), number(box, 1),
                  number(box, 2), number(box, 3), number(box, 4));
        if (i < n) taken[i] = true;
    }
}

static yti_model *open_fused(const char *name, char *path, size_t room) {
    snprintf(path, room, "%s/fixtures/%s/%s_coco8_fit.pt", YT_SHARED_DIR, name, name);
    if (!yti_path_exists(path)) cr_skip_test("%s is not here", path);
    yti_model *model, *fused;
    yti_class_names names;
    int imgsz;
    yt_err err;
    cr_assert_eq(yti_weights_open(path, NULL, search_dirs, &model, &names, &imgsz, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_model_fuse(model, &model->state, model->end2end, &fused, &err), YT_OK, "%s", err.text);
    yti_class_names_free(&names);
    yti_model_destroy(model);
    return fused;
}

static void compare_files(const char *name) {
    char path[512], *text;
    yti_model *model = open_fused(name, path, sizeof path);
    size_t bytes;
    snprintf(path, sizeof path, "%s/fixtures/%s/reference.json", YT_SHARED_DIR, name);
    read_all(path, &text, &bytes);
    cJSON *json = cJSON_ParseWithLength(text, bytes);
    const cJSON *reference = cJSON_GetObjectItem(json, "predict_conf0.05_iou0.7"), *entry;
    cr_assert_eq(cJSON_GetArraySize(reference), LISTED);
    yti_predictor *predictor = predictor_of(model, SIDE, false, 0.05f);
    cJSON_ArrayForEach(entry, reference) {
        const char *picture = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "image"));
        yt_detection found[MAX_DET];
        yt_image image;
        yt_err err;
        snprintf(path, sizeof path, "%s/data/coco8/images/%s", YT_SHARED_DIR, picture);
        if (!yti_path_exists(path)) cr_skip_test("%s is not here", path);
        cr_assert_eq(yt_image_load(path, &image, &err), YT_OK, "%s", err.text);
        const int n = predict(predictor, &image, found);
        expect_boxes(found, n, cJSON_GetObjectItem(entry, "boxes"), &image, picture);
        yt_image_free(&image);
    }
    yti_predictor_destroy(predictor);
    yti_model_destroy(model);
    cJSON_Delete(json);
    free(text);
}

Test(predict, files_give_the_boxes_of_the_reference_with_yolov8n) {
    compare_files("yolov8n");
}

Test(predict, files_give_the_boxes_of_the_reference_with_yolo11n) {
    compare_files("yolo11n");
}

Test(predict, files_give_the_boxes_of_the_reference_with_yolo26n) {
    compare_files("yolo26n");
}

/* Minimal padding sees the same image as square padding. */
Test(predict, finds_the_same_object_with_either_padding) {
    yti_model *model = open_fixture("yolo26n");
    yt_detection found[2][MAX_DET];
    for (int i = 0; i < IMAGES; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/data/coco8/images/train/%s.jpg", YT_SHARED_DIR, file_names[i]);
        yt_image image;
        yt_err err;
        cr_assert_eq(yt_image_load(path, &image, &err), YT_OK, "%s", err.text);
        for (int rect = 0; rect < 2; rect++) {
            yti_predictor *predictor = predictor_of(model, SIDE, rect, 0.3f);
            cr_assert_gt(predict(predictor, &image, found[rect]), 0);
            yti_predictor_destroy(predictor);
        }
        cr_assert_eq(found[0][0].class_id, found[1][0].class_id);
        cr_assert(yti_box_iou(found[0][0].box, found[1][0].box, 0) > 0.8f, "box of %d", i);
        yt_image_free(&image);
    }
    yti_model_destroy(model);
}

/* Only the wanted classes, and of them what there would be anyway. */
static void expect_only_wanted(const char *name, bool end2end) {
    char path[512];
    yti_model *model = open_fixture(name), *fused;
    cr_assert_eq(yti_model_fuse(model, &model->state, end2end, &fused, NULL), YT_OK);
    snprintf(path, sizeof path, "%s/data/coco8/images/train/%s.jpg", YT_SHARED_DIR, file_names[0]);
    yt_image image;
    cr_assert_eq(yt_image_load(path, &image, NULL), YT_OK);
    bool classes[80] = {false};
    yti_predict_options options = YT_PREDICT_DEFAULTS;
    options.imgsz = SIDE, options.conf = 0.05f, options.max_det = MAX_DET;
    yt_detection all[MAX_DET], some[MAX_DET];
    int n_all = 0, n_some = 0, expected = 0;
    yti_predictor *predictor;
    cr_assert_eq(yti_predictor_create(fused, &options, &predictor, NULL), YT_OK);
    n_all = predict(predictor, &image, all);
    yti_predictor_destroy(predictor);
    classes[50] = true; /* broccoli; most are bowls and oranges */
    options.classes = classes;
    cr_assert_eq(yti_predictor_create(fused, &options, &predictor, NULL), YT_OK);
    n_some = predict(predictor, &image, some);
    yti_predictor_destroy(predictor);
    for (int i = 0; i < n_all; i++) {
        if (all[i].class_id != 50) continue;
        cr_assert(expected < n_some);
        cr_assert_eq(memcmp(&all[i], &some[expected], sizeof *all), 0);
        expected++;
    }
    cr_assert(expected == n_some && expected > 0 && expected < n_all, "%d of %d, %d expected", n_some, n_all, expected);
    yt_image_free(&image);
    yti_model_destroy(fused);
    yti_model_destroy(model);
}

Test(predict, only_the_wanted_classes_are_reported) {
    expect_only_wanted("yolo26n", true);
    expect_only_wanted("yolo26n", false);
    expect_only_wanted("yolov8n", false);
}

/* ---- awkward images, on an untrained network ---- */

static yti_model *untrained(const char *yaml) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = 3;
    options.search_dirs = search_dirs;
    yti_model *model;
    yt_err err;
    cr_assert_eq(yti_model_load(yaml, &options, &model, &err), YT_OK, "%s", err.text);
    yti_model_init_weights(model, 1, &model->state);
    return model;
}

/* Deterministic texture, so that the network has something to look at. */
static yt_image textured(int w, int h) {
    yt_image image;
    cr_assert_eq(yt_image_create(w, h, &image, NULL), YT_OK);
    for (int i = 0; i < w * h * 3; i++) image.rgb[i] = (uint8_t)((i * 7919) % 251);
    return image;
}

Test(predict, boxes_stay_in_the_picture_whatever_its_shape) {
    static const char *const models[] = {"yolo26n.yaml", "yolov8n.yaml"};
    static const int sizes[][2] = {{1, 1}, {3, 200}, {500, 2}, {64, 64}, {37, 91}};
    yt_detection found[MAX_DET];
    for (int m = 0; m < 2; m++) {
        yti_model *model = untrained(models[m]);
        yti_predictor *predictor = predictor_of(model, 50, m == 0, 0); /* 50 becomes 64 */
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            yt_image image = textured(sizes[s][0], sizes[s][1]);
            int n = predict(predictor, &image, found);
            cr_assert(n > 0 && n <= MAX_DET);
            for (int i = 0; i < n; i++) {
                yt_xyxy b = found[i].box;
                cr_assert(b.x1 >= 0 && b.x2 <= (float)image.w && b.x1 <= b.x2);
                cr_assert(b.y1 >= 0 && b.y2 <= (float)image.h && b.y1 <= b.y2);
                cr_assert(i == 0 || found[i].score <= found[i - 1].score);
            }
            yt_image_free(&image);
        }
        yti_predictor_destroy(predictor);
        yti_model_destroy(model);
    }
}

/* 481 x 640 at 320 is resized to 240 x 320: the gain of x is 240 / 481 and that of y 0.5. With one gain for both the
 * box at the right border would end at 480. */
Test(predict, a_box_at_the_border_comes_back_to_the_border) {
    test_folder_make();
    test_tiny_write_models();
    yti_model *model;
    yti_model_options options = YT_MODEL_DEFAULTS;
    cr_assert_eq(yti_model_load(test_folder_path("tiny26.yaml"), &options, &model, NULL), YT_OK);
    test_tiny_find_cells(model);
    yt_image image;
    cr_assert_eq(yt_image_create(481, 640, &image, NULL), YT_OK);
    memset(image.rgb, 90, (size_t)481 * 640 * 3);
    static yt_detection found[4096];
    for (int nms = YT_NMS_AUTO; nms <= YT_NMS_FALSE; nms++) {
        yti_predict_options predict = YT_PREDICT_DEFAULTS;
        predict.imgsz = 320;
        predict.max_det = 4096;
        predict.nms = (yti_nms)nms;
        yti_predictor *predictor;
        int n, at_border = 0, inside = 0;
        cr_assert_eq(yti_predictor_create(model, &predict, &predictor, NULL), YT_OK);
        cr_assert_eq(yti_predictor_run(predictor, image.rgb, image.w, image.h, found, &n, NULL), YT_OK);
        for (int i = 0; i < n; i++) {
            cr_assert_eq(found[i].class_id, nms == YT_NMS_FALSE, "a box of the other branch");
            at_border += test_near((double)found[i].box.x2, 481, 1e-4);
            inside += test_near((double)found[i].box.x2, 481 - 8 / (240.0 / 481), 1e-3);
        }
        cr_assert(at_border >= 40 && inside >= 40, "%d and %d of %d", at_border, inside, n);
        yti_predictor_destroy(predictor);
    }
    yt_image_free(&image);
    yti_model_destroy(model);
    test_folder_remove();
}

/* NaN is above no confidence: damaged weights would find nothing, and that would look like an answer. */
Test(predict, a_network_that_is_not_finite_is_an_error) {
    yti_model *model = untrained("yolo11n.yaml");
    yt_image image = textured(64, 64);
    static yt_detection found[MAX_DET];
    int n;
    yt_err err;
    model->state.params[0] = NAN;
    yti_predictor *predictor = predictor_of(model, 64, true, 0.25f);
    cr_assert_eq(yti_predictor_run(predictor, image.rgb, image.w, image.h, found, &n, &err), YT_ERR_NON_FINITE);
    cr_assert_not_null(strstr(err.text, "not finite"), "%s", err.text);
    yti_predictor_destroy(predictor);
    yt_image_free(&image);
    yti_model_destroy(model);
}

Test(predict, a_branch_that_the_head_does_not_have_is_refused) {
    yti_model *model = untrained("yolo11n.yaml");
    yti_predict_options options = YT_PREDICT_DEFAULTS;
    yti_predictor *predictor = NULL;
    yt_err err;
    options.nms = YT_NMS_FALSE;
    cr_assert_eq(yti_predictor_create(model, &options, &predictor, &err), YT_ERR_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "no one-to-one branch"), "%s", err.text);
    yti_model_destroy(model);
}

Test(predict, minimal_padding_shrinks_the_input) {
    yti_model *model = untrained("yolo26n.yaml");
    yt_image image = textured(160, 90);
    yt_detection found[MAX_DET];
    for (int rect = 0; rect < 2; rect++) {
        yti_predictor *predictor = predictor_of(model, 128, rect, 0.25f);
        predict(predictor, &image, found); /* 128 x 72, padded to 96 or to 128 rows */
        int w, h;
        yti_predictor_input(predictor, &w, &h);
        cr_assert(w == 128 && h == (rect ? 96 : 128));
        yti_predictor_destroy(predictor);
    }
    yt_image_free(&image);
    yti_model_destroy(model);
}

Test(predict, what_came_before_leaves_no_trace) {
    yti_model *model = untrained("yolo11n.yaml");
    yti_predictor *predictor = predictor_of(model, 64, true, 0);
    yt_image wide = textured(100, 40), tall = textured(30, 80);
    yt_detection first[MAX_DET], other[MAX_DET], again[MAX_DET];
    int n_first = predict(predictor, &wide, first);
    predict(predictor, &tall, other);
    int n_again = predict(predictor, &wide, again);
    cr_assert(n_first > 0 && n_first == n_again);
    cr_assert_eq(memcmp(first, again, (size_t)n_first * sizeof *first), 0);
    yt_image_free(&wide);
    yt_image_free(&tall);
    yti_predictor_destroy(predictor);
    yti_model_destroy(model);
}

Test(predict, impossible_options_are_refused) {
    yti_model *model = untrained("yolo26n.yaml");
    yti_predict_options options = YT_PREDICT_DEFAULTS;
    yti_predictor *predictor = NULL;
    yt_err err;
    options.imgsz = 0;
    cr_assert_eq(yti_predictor_create(model, &options, &predictor, &err), YT_ERR_ARGUMENT);
    options = YT_PREDICT_DEFAULTS;
    options.max_det = 0;
    cr_assert_eq(yti_predictor_create(model, &options, &predictor, &err), YT_ERR_ARGUMENT);
    cr_assert_null(predictor);
    yti_model_destroy(model);
}
