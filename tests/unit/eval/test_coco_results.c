/* Tests of src/eval/coco_results.c: the results file as a reader of JSON sees it. */
#include "base/file.h"
#include "eval/coco_results.h"
#include "support/folder.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(coco_results, .init = test_folder_make, .fini = test_folder_remove);

static yti_coco_results *open_results(const int64_t *ids) {
    yti_coco_results *results = NULL;
    cr_assert_eq(yti_coco_results_open(test_folder_path("predictions.json"), ids, &results, NULL), YT_OK);
    return results;
}

static cJSON *read_results(void) {
    char *text;
    size_t bytes;
    cr_assert_eq(yti_file_read(test_folder_path("predictions.json"), 1 << 20, &text, &bytes, NULL), YT_OK);
    cJSON *list = cJSON_Parse(text);
    free(text);
    cr_assert(cJSON_IsArray(list));
    return list;
}

static const yti_coco_found one = {{1.5, 2.125, 30.001, 4}, 0.98765, 3};

Test(coco_results, numbers_come_back_as_they_were) {
    yti_coco_results *results = open_results(NULL);
    const yti_coco_found found[] = {one, {{0, 99999.999, 0.001, 12345.678}, 0.00001, 0}};
    cr_assert_eq(yti_coco_results_add(results, "images/val/000000000139.jpg", 139, found, 2, NULL), YT_OK);
    cr_assert_eq(yti_coco_results_add(results, "images/val/empty.jpg", 140, NULL, 0, NULL), YT_OK);
    cr_assert_eq(yti_coco_results_commit(results, NULL), YT_OK);
    cJSON *list = read_results();
    cr_assert_eq(cJSON_GetArraySize(list), 2);
    for (int i = 0; i < 2; i++) {
        const cJSON *item = cJSON_GetArrayItem(list, i), *box = cJSON_GetObjectItem(item, "bbox");
        cr_assert_eq(cJSON_GetObjectItem(item, "image_id")->valuedouble, 139);
        cr_assert_str_eq(cJSON_GetObjectItem(item, "file_name")->valuestring, "000000000139.jpg");
        cr_assert_eq(cJSON_GetObjectItem(item, "category_id")->valueint, found[i].class_id + 1);
        cr_assert_eq(cJSON_GetArraySize(box), 4);
        cr_assert(cJSON_GetArrayItem(box, 0)->valuedouble == found[i].box.x);
        cr_assert(cJSON_GetArrayItem(box, 1)->valuedouble == found[i].box.y);
        cr_assert(cJSON_GetArrayItem(box, 2)->valuedouble == found[i].box.w);
        cr_assert(cJSON_GetArrayItem(box, 3)->valuedouble == found[i].box.h);
        cr_assert(cJSON_GetObjectItem(item, "score")->valuedouble == found[i].score);
    }
    cJSON_Delete(list);
}

Test(coco_results, without_detections_the_file_is_an_empty_list) {
    cr_assert_eq(yti_coco_results_commit(open_results(NULL), NULL), YT_OK);
    cJSON *list = read_results();
    cr_assert_eq(cJSON_GetArraySize(list), 0);
    cJSON_Delete(list);
}

Test(coco_results, discarded_results_leave_nothing) {
    yti_coco_results *results = open_results(NULL);
    cr_assert_eq(yti_coco_results_add(results, "a.jpg", 1, &one, 1, NULL), YT_OK);
    cr_assert_not(yti_path_exists(test_folder_path("predictions.json")));
    yti_coco_results_discard(results);
    yti_coco_results_discard(NULL);
    cr_assert_not(yti_path_exists(test_folder_path("predictions.json")));
    yt_err err;
    cr_assert_eq(yti_coco_results_open(test_folder_path("absent/x.json"), NULL, &results, &err), YT_ERR_IO);
}

/* JSON is UTF-8 and file names need not be: a byte that is none becomes U+FFFD, and the file stays readable. */
static void expect_name(const char *path, const char *expected) {
    yti_coco_results *results = open_results(NULL);
    cr_assert_eq(yti_coco_results_add(results, path, 7, &one, 1, NULL), YT_OK);
    cr_assert_eq(yti_coco_results_commit(results, NULL), YT_OK);
    cJSON *list = read_results();
    const cJSON *item = cJSON_GetArrayItem(list, 0);
    cr_assert_str_eq(cJSON_GetObjectItem(item, "file_name")->valuestring, expected);
    cr_assert_eq(cJSON_GetObjectItem(item, "image_id")->valueint, 7);
    cJSON_Delete(list);
}

Test(coco_results, file_names_become_utf8) {
    expect_name("x/a \"b\"\\.jpg", "a \"b\"\\.jpg");
    expect_name("x/M\xC3\xBCller.jpg", "M\xC3\xBCller.jpg");
    expect_name("x/M\xFCller\xC3.jpg", "M\xEF\xBF\xBDller\xEF\xBF\xBD.jpg");
    expect_name("tab\there.jpg", "tab\there.jpg");
}

Test(coco_results, categories_are_the_classes_plus_one_or_as_given) {
    const int64_t ids[] = {5, -1, 3};
    yti_coco_results *results = open_results(ids);
    const yti_coco_found found[] = {{{0, 0, 1, 1}, 0.5, 0}, {{0, 0, 1, 1}, 0.5, 1}, {{0, 0, 1, 1}, 0.5, 2}};
    cr_assert_eq(yti_coco_results_add(results, "1.jpg", 1, found, 3, NULL), YT_OK);
    cr_assert_eq(yti_coco_results_dropped(results), 1);
    cr_assert_eq(yti_coco_results_commit(results, NULL), YT_OK);
    cJSON *list = read_results();
    cr_assert_eq(cJSON_GetArraySize(list), 2); /* there is no category for class 1 */
    cr_assert_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "category_id")->valueint, 5);
    cr_assert_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 1), "category_id")->valueint, 3);
    cJSON_Delete(list);
}

Test(coco_results, coco_numbers_its_80_classes_up_to_90) {
    const int64_t *ids = yti_coco_category_ids();
    const int gaps[] = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83};
    size_t at = 0, gap = 0;
    for (int id = 1; id <= 90; id++) {
        if (gap < sizeof gaps / sizeof *gaps && gaps[gap] == id)
            gap++;
        else
            cr_assert_eq(ids[at++], id, "class %zu", at - 1);
    }
    cr_assert_eq(at, YT_COCO_CLASSES);
}
