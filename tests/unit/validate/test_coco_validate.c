/* Tests of src/validate/coco_validate.c: from network pixels to COCO's numbers and file. */
#include "base/file.h"
#include "support/folder.h"
#include "support/near.h"
#include "validate/coco_validate.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(coco_validate, .init = test_folder_make, .fini = test_folder_remove);

enum { W = 200, H = 100 };

/* Two images of 200 x 100; "9" comes after "10" in the split and before it by id. */
static char path_10[] = "images/10.jpg", path_9[] = "images/9.jpg";
static yti_label labels_10[] = {{.class_id = 0, .box = {0.25f, 0.5f, 0.25f, 0.5f}},
                                {.class_id = 0, .box = {0.75f, 0.5f, 0.5f, 1}, .crowd = true}};
static const yti_coco_object object_9 = {50, 25, 100, 50, 1000};
static yti_label labels_9[] = {{.class_id = 1, .box = {0.5f, 0.5f, 0.5f, 0.5f}, .object = &object_9}};
static yti_sample samples[] = {
    {.image_path = path_10, .w = W, .h = H, .image_id = -1, .n_labels = 2, .labels = labels_10},
    {.image_path = path_9, .w = W, .h = H, .image_id = -1, .n_labels = 1, .labels = labels_9}};
static const yti_split split = {.n_samples = 2, .samples = samples};

/* Half size, 14 pixels of grey above. */
static const yti_fit fit = {.gain_x = 0.5f, .gain_y = 0.5f, .top = 14, .original_w = W, .original_h = H};

static yti_coco_validation *validation_of(const char *results_path) {
    yti_coco_validation *coco = NULL;
    cr_assert_eq(yti_coco_validation_create(&split, 2, results_path, NULL, &coco, NULL), YT_OK);
    return coco;
}

static void show(yti_coco_validation *coco, int sample, const yt_detection *found, int n) {
    const yti_validated_image image = {sample, found, n, fit};
    yt_err err = {.text = ""};
    cr_assert_eq(yti_coco_validation_image(coco, &image, &err), YT_OK, "%s", err.text);
}

static void finish(yti_coco_validation *coco, double numbers[YT_COCO_NUMBERS]) {
    cr_assert_eq(yti_coco_validation_finish(coco, numbers, NULL), YT_OK);
    yti_coco_validation_destroy(coco);
}

static void expect(const double *numbers, yti_coco_number number, double expected) {
    cr_assert(test_near(numbers[number], expected, 1e-12), "%s is %.15g instead of %.15g", yti_coco_rows()[number].name,
              numbers[number], expected);
}

Test(coco_validate, boxes_are_judged_in_the_original_picture) {
    /* (25..75, 25..75) of the image is (12.5..37.5, 26.5..51.5) of the input. */
    const yt_detection right = {{12.5f, 26.5f, 37.5f, 51.5f}, 0.9f, 0};
    const yt_detection beyond[] = {{{25, 26.5f, 75, 51.5f}, 0.9f, 1}, {{90, 0, 120, 80}, 0.1f, 0}};
    yti_coco_validation *coco = validation_of(test_folder_path("predictions.json"));
    show(coco, 0, &right, 1);
    show(coco, 1, beyond, 2);
    double numbers[YT_COCO_NUMBERS];
    finish(coco, numbers);
    expect(numbers, YT_COCO_AP, 1);
    expect(numbers, YT_COCO_APs, 1); /* class 1, by its area and not that of its box; class 0 is medium */
    expect(numbers, YT_COCO_APm, 1);
    expect(numbers, YT_COCO_APl, -1);

    char *text;
    size_t bytes;
    cr_assert_eq(yti_file_read(test_folder_path("predictions.json"), 1 << 16, &text, &bytes, NULL), YT_OK);
    cJSON *list = cJSON_Parse(text);
    cr_assert_eq(cJSON_GetArraySize(list), 3);
    char *box = cJSON_PrintUnformatted(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "bbox"));
    cr_assert_str_eq(box, "[25,25,50,50]");
    free(box);
    box = cJSON_PrintUnformatted(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 2), "bbox"));
    cr_assert_str_eq(box, "[180,0,20,100]"); /* clipped to the image */
    free(box);
    cJSON_Delete(list);
    free(text);
}

Test(coco_validate, crowds_of_the_split_take_detections_away) {
    const yt_detection in_crowd = {{60, 20, 80, 40}, 0.9f, 0}, right = {{12.5f, 26.5f, 37.5f, 51.5f}, 0.8f, 0};
    yti_coco_validation *coco = validation_of(NULL);
    show(coco, 0, (const yt_detection[]){in_crowd, right}, 2);
    double numbers[YT_COCO_NUMBERS];
    finish(coco, numbers);
    expect(numbers, YT_COCO_AP, 1);
    expect(numbers, YT_COCO_AR100, 1);
}

/* A box without area is never found, but it is to be found: half of the recall is lost. */
Test(coco_validate, truth_that_nothing_is_left_of_counts) {
    static const yti_coco_object right = {50, 25, 100, 50, 5000}, flat = {20, 20, 0, 40, 5000};
    yti_label labels[] = {{.class_id = 0, .box = {0.5f, 0.5f, 0.5f, 0.5f}, .object = &right},
                          {.class_id = 0, .coco_only = true, .object = &flat}};
    yti_sample sample = {.image_path = path_9, .w = W, .h = H, .image_id = 9, .n_labels = 2, .labels = labels};
    const yti_split one = {.n_samples = 1, .samples = &sample};
    yti_coco_validation *coco = NULL;
    const int64_t ids[] = {4, -1};
    cr_assert_eq(yti_coco_validation_create(&one, 2, test_folder_path("predictions.json"), ids, &coco, NULL), YT_OK);
    const yt_detection found[] = {{{25, 26.5f, 75, 51.5f}, 0.9f, 0}, {{25, 26.5f, 75, 51.5f}, 0.8f, 1}};
    show(coco, 0, found, 2);
    double numbers[YT_COCO_NUMBERS];
    cr_assert_eq(yti_coco_validation_finish(coco, numbers, NULL), YT_OK);
    expect(numbers, YT_COCO_AR100, 0.5);
    expect(numbers, YT_COCO_AP50, 51 / 101.0); /* recalls 0, 0.01, ... 0.5 */
    cr_assert_eq(yti_coco_validation_dropped(coco), 1);
    yti_coco_validation_destroy(coco);
}

/* Scores that differ only beyond the fifth decimal are equal; the lower image id comes first. */
Test(coco_validate, ties_of_rounded_scores_go_by_image_id) {
    for (int wrong_in_9 = 0; wrong_in_9 < 2; wrong_in_9++) {
        yti_coco_validation *coco = validation_of(NULL);
        const yt_detection right = {{12.5f, 26.5f, 37.5f, 51.5f}, 0.500001f, 0};
        const yt_detection wrong = {{60, 30, 70, 34}, 0.500002f, 0};
        show(coco, 0, &right, 1);
        show(coco, 1, &wrong, wrong_in_9);
        double numbers[YT_COCO_NUMBERS];
        finish(coco, numbers);
        expect(numbers, YT_COCO_APm, 1);                        /* the wrong one is small */
        expect(numbers, YT_COCO_AP50, wrong_in_9 ? 0.25 : 0.5); /* class 1 is not found */
    }
}

Test(coco_validate, an_unfinished_validation_leaves_no_file) {
    yti_coco_validation *coco = validation_of(test_folder_path("predictions.json"));
    const yt_detection found = {{12.5f, 26.5f, 37.5f, 51.5f}, 0.9f, 0};
    show(coco, 0, &found, 1);
    yti_coco_validation_destroy(coco);
    yti_coco_validation_destroy(NULL);
    cr_assert_not(yti_path_exists(test_folder_path("predictions.json")));
}

/* ---- the ids of images, and the truth as a file ---- */

static cJSON *read_json(const char *name) {
    char *text;
    size_t bytes;
    cr_assert_eq(yti_file_read(test_folder_path(name), 1 << 16, &text, &bytes, NULL), YT_OK);
    cJSON *json = cJSON_Parse(text);
    free(text);
    cr_assert_not_null(json);
    return json;
}

static int number_in(const cJSON *list, int i, const char *key) {
    const cJSON *item = cJSON_GetObjectItem(cJSON_GetArrayItem(list, i), key);
    cr_assert(cJSON_IsNumber(item), "%s of %d is not a number", key, i);
    return item->valueint;
}

/* Two images of these names and a detection in each: their ids in both files, and why they are what they are. */
static void expect_ids(const char *first, const char *second, const int ids[2], const char *note) {
    yti_sample two[2] = {samples[0], samples[1]};
    two[0].image_path = strdup(first);
    two[1].image_path = strdup(second);
    const yti_split named = {.n_samples = 2, .samples = two};
    yti_coco_validation *coco = NULL;
    const char *const names[] = {"cat", "M\xFCll"};
    double numbers[YT_COCO_NUMBERS];
    const yt_detection found = {{12.5f, 26.5f, 37.5f, 51.5f}, 0.9f, 0};
    cr_assert_eq(yti_coco_validation_create(&named, 2, test_folder_path("predictions.json"), NULL, &coco, NULL), YT_OK);
    for (int i = 0; i < 2; i++) show(coco, i, &found, 1);
    cr_assert_eq(yti_coco_validation_write_truth(coco, names, 2, test_folder_path("ground_truth.json"), NULL), YT_OK);
    const char *said = yti_coco_validation_note(coco);
    cr_assert(note ? said && strstr(said, note) : !said, "%s", said ? said : "nothing");
    finish(coco, numbers);
    cJSON *predictions = read_json("predictions.json"), *truth = read_json("ground_truth.json");
    const cJSON *images = cJSON_GetObjectItem(truth, "images"),
                *annotations = cJSON_GetObjectItem(truth, "annotations"),
                *categories = cJSON_GetObjectItem(truth, "categories");
    cr_assert_eq(cJSON_GetArraySize(annotations), 3);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(number_in(predictions, i, "image_id"), ids[i]);
        cr_assert_eq(number_in(images, i, "id"), ids[i]);
        cr_assert_eq(number_in(images, i, "width"), W);
        cr_assert_eq(number_in(categories, i, "id"), i + 1);
    }
    static const int sample_of[] = {0, 0, 1}, category[] = {1, 1, 2}, crowd[] = {0, 1, 0}, area[] = {2500, 10000, 1000};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(number_in(annotations, i, "id"), i + 1, "COCO's tools take 0 for 'not found'");
        cr_assert_eq(number_in(annotations, i, "image_id"), ids[sample_of[i]]);
        cr_assert_eq(number_in(annotations, i, "category_id"), category[i]);
        cr_assert_eq(number_in(annotations, i, "iscrowd"), crowd[i]);
        cr_assert_eq(number_in(annotations, i, "area"), area[i]);
    }
    cr_assert_str_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(categories, 1), "name")->valuestring, "M\xEF\xBF\xBDll");
    cJSON_Delete(predictions);
    cJSON_Delete(truth);
    free(two[0].image_path);
    free(two[1].image_path);
}

Test(coco_validate, images_have_the_number_that_their_name_is) {
    expect_ids("a/000000000042.jpg", "b/7.jpg", (const int[]){42, 7}, NULL);
    expect_ids("a/000.png", "b/1.png", (const int[]){0, 1}, NULL);
    expect_ids("a/00000000000000000012.png", "b/1", (const int[]){12, 1}, NULL);
}

/* Two images of one id are one image to whoever reads the file. */
Test(coco_validate, images_are_numbered_where_their_names_do_not_tell_them_apart) {
    expect_ids("b/7.jpg", "a/007.png", (const int[]){1, 2}, "b/7.jpg and a/007.png would both be image 7");
    expect_ids("a/x.jpg", "b/x.jpg", (const int[]){1, 2}, "the name of a/x.jpg is not a number");
    expect_ids("a/9.jpg", "b/12a.jpg", (const int[]){1, 2}, "the name of b/12a.jpg is not a number");
    expect_ids("a/9.jpg", "b/99999999999999999999.jpg", (const int[]){1, 2}, "is not a number");
}
