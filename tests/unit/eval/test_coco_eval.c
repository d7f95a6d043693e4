/* Tests of src/eval/coco_eval.c: the numbers of pycocotools on made cases, and cases worked by hand. */
#include "base/file.h"
#include "eval/coco_eval.h"
#include "support/near.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BOXES = 512, MAX_FILE = 1 << 26 };

static yti_coco_eval *eval_of(int n_classes) {
    yti_coco_eval *eval = NULL;
    cr_assert_eq(yti_coco_eval_create(n_classes, &eval, NULL), YT_OK);
    return eval;
}

static void add(yti_coco_eval *eval, int64_t rank, const yti_coco_found *found, int n_found,
                const yti_coco_truth *truth, int n_truth) {
    yt_err err = {.text = ""};
    cr_assert_eq(yti_coco_eval_add(eval, rank, found, n_found, truth, n_truth, &err), YT_OK, "%s", err.text);
}

static void expect(yti_coco_eval *eval, yti_coco_number number, double expected) {
    double numbers[YT_COCO_NUMBERS];
    cr_assert_eq(yti_coco_eval_compute(eval, numbers, NULL), YT_OK);
    cr_assert(test_near(numbers[number], expected, 1e-12), "%s is %.15g instead of %.15g", yti_coco_rows()[number].name,
              numbers[number], expected);
}

/* ---- against pycocotools (tools/oracle/coco_cases.py) ---- */

static double item(const cJSON *row, int i) {
    const cJSON *value = cJSON_GetArrayItem(row, i);
    cr_assert(cJSON_IsNumber(value));
    return value->valuedouble;
}

static yti_coco_box box_in(const cJSON *row) {
    return (yti_coco_box){item(row, 1), item(row, 2), item(row, 3), item(row, 4)};
}

static void add_image(yti_coco_eval *eval, const cJSON *image) {
    yti_coco_found found[MAX_BOXES];
    yti_coco_truth truth[MAX_BOXES];
    int n_found = 0, n_truth = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(image, "found")) {
        cr_assert_lt(n_found, MAX_BOXES);
        found[n_found++] = (yti_coco_found){box_in(row), item(row, 5), (int)item(row, 0)};
    }
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(image, "truth")) {
        cr_assert_lt(n_truth, MAX_BOXES);
        truth[n_truth++] = (yti_coco_truth){box_in(row), item(row, 5), (int)item(row, 0), item(row, 6) != 0};
    }
    add(eval, (int64_t)cJSON_GetObjectItem(image, "id")->valuedouble, found, n_found, truth, n_truth);
}

static void check_case(const cJSON *drawn) {
    yti_coco_eval *eval = eval_of(cJSON_GetObjectItem(drawn, "n_classes")->valueint);
    const cJSON *image, *wanted = cJSON_GetObjectItem(drawn, "numbers");
    cJSON_ArrayForEach(image, cJSON_GetObjectItem(drawn, "images")) add_image(eval, image);
    double numbers[YT_COCO_NUMBERS];
    cr_assert_eq(yti_coco_eval_compute(eval, numbers, NULL), YT_OK);
    cr_assert_eq(cJSON_GetArraySize(wanted), YT_COCO_NUMBERS);
    for (int i = 0; i < YT_COCO_NUMBERS; i++)
        cr_assert(test_near(numbers[i], item(wanted, i), 1e-12), "%s: %s is %.15g, pycocotools says %.15g",
                  cJSON_GetObjectItem(drawn, "name")->valuestring, yti_coco_rows()[i].name, numbers[i],
                  item(wanted, i));
    yti_coco_eval_destroy(eval);
}

Test(coco_eval, all_twelve_numbers_are_those_of_pycocotools) {
    char *text;
    size_t bytes;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_file_read(YT_SOURCE_DIR "/tests/data/coco_cases.json", MAX_FILE, &text, &bytes, &err), YT_OK, "%s",
                 err.text);
    cJSON *cases = cJSON_Parse(text);
    cr_assert_geq(cJSON_GetArraySize(cases), 16);
    const cJSON *drawn;
    cJSON_ArrayForEach(drawn, cases) check_case(drawn);
    cJSON_Delete(cases);
    free(text);
}

/* ---- by hand ---- */

/* The i-th of boxes far from each other, 40 x 40: of medium area. */
static yti_coco_box place(int i) {
    return (yti_coco_box){i * 100.0, 0, 40, 40};
}

static yti_coco_truth truth_at(int i) {
    return (yti_coco_truth){place(i), 1600, 0, false};
}

static yti_coco_found found_at(int i, double score) {
    return (yti_coco_found){place(i), score, 0};
}

Test(coco_eval, perfect_detections_are_one_and_absent_sizes_minus_one) {
    yti_coco_eval *eval = eval_of(3);
    const yti_coco_truth truth[] = {truth_at(0), truth_at(1)};
    const yti_coco_found found[] = {found_at(0, 0.9), found_at(1, 0.8)};
    add(eval, 0, found, 2, truth, 2);
    for (int i = 0; i < YT_COCO_NUMBERS; i++) {
        yti_coco_area area = yti_coco_rows()[i].area;
        double all = i == YT_COCO_AR1 ? 0.5 : 1; /* one detection per image finds one of two */
        expect(eval, (yti_coco_number)i, area == YT_COCO_SMALL || area == YT_COCO_LARGE ? -1 : all);
    }
    yti_coco_eval_destroy(eval);
}

Test(coco_eval, nothing_at_all_is_minus_one_and_truth_alone_is_zero) {
    yti_coco_eval *eval = eval_of(2);
    expect(eval, YT_COCO_AP, -1);
    const yti_coco_found found[] = {found_at(0, 0.9)};
    add(eval, 0, found, 1, NULL, 0);
    expect(eval, YT_COCO_AP, -1);
    const yti_coco_truth truth[] = {{place(0), 1600, 1, false}};
    add(eval, 1, NULL, 0, truth, 1);
    expect(eval, YT_COCO_AP, 0);
    expect(eval, YT_COCO_AR100, 0);
    yti_coco_eval_reset(eval);
    expect(eval, YT_COCO_AP, -1);
    yti_coco_eval_destroy(eval);
}

/* Hit, miss, hit of two truths: precision 1 up to recall 1/2 (51 of the 101 samples: 0 to 0.50), 2/3 beyond. */
Test(coco_eval, precision_is_looked_up_at_the_first_point_that_reaches_a_recall) {
    yti_coco_eval *eval = eval_of(1);
    const yti_coco_truth truth[] = {truth_at(0), truth_at(1)};
    const yti_coco_found found[] = {found_at(0, 0.9), found_at(5, 0.8), found_at(1, 0.7)};
    add(eval, 0, found, 3, truth, 2);
    expect(eval, YT_COCO_AP, (51 + 50 * 2.0 / 3) / 101);
    expect(eval, YT_COCO_AR10, 1);
    yti_coco_eval_destroy(eval);
}

/* The first detection overlaps truth 0 most, takes it, and leaves the second one truth 1, its second best. */
Test(coco_eval, a_detection_may_take_its_second_best) {
    yti_coco_eval *eval = eval_of(1);
    const yti_coco_truth truth[] = {{{0, 0, 40, 40}, 1600, 0, false}, {{8, 0, 40, 40}, 1600, 0, false}};
    const yti_coco_found found[] = {{{0, 0, 40, 40}, 0.9, 0}, {{2, 0, 40, 40}, 0.8, 0}};
    add(eval, 0, found, 2, truth, 2);
    expect(eval, YT_COCO_AP50, 1); /* IoU with truth 1: 34 / 46 = 0.739 */
    expect(eval, YT_COCO_AP75, 51.0 / 101);
    yti_coco_eval_destroy(eval);
}

/* IoU with a crowd is the part of the detection inside; any number of detections disappear in it. */
Test(coco_eval, detections_in_a_crowd_are_neither_right_nor_wrong) {
    yti_coco_eval *eval = eval_of(1);
    const yti_coco_truth truth[] = {{{0, 200, 400, 400}, 160000, 0, true}, truth_at(0)};
    const yti_coco_found found[] = {{{10, 210, 40, 40}, 0.9, 0},
                                    {{100, 300, 40, 40}, 0.8, 0},
                                    {{390, 300, 40, 40}, 0.75, 0}, /* a quarter inside: wrong */
                                    found_at(0, 0.7)};
    add(eval, 0, found, 2, truth, 2);
    expect(eval, YT_COCO_AR100, 0);
    expect(eval, YT_COCO_APl, -1); /* the crowd is not to be found */
    add(eval, 1, found + 2, 2, truth, 2);
    expect(eval, YT_COCO_AP50, 0.5 * 51 / 101); /* truth 0 of two, after one wrong detection */
    yti_coco_eval_destroy(eval);
}

/* Where the last free truth overlaps enough, an ignored one that overlaps more is not looked at. */
Test(coco_eval, truth_that_counts_is_preferred_to_ignored_truth) {
    yti_coco_eval *eval = eval_of(1);
    const yti_coco_truth truth[] = {{{0, 0, 40, 40}, 1600, 0, true}, {{0, 0, 40, 30}, 1200, 0, false}};
    const yti_coco_found found[] = {{{0, 0, 40, 40}, 0.9, 0}};
    add(eval, 0, found, 1, truth, 2);
    expect(eval, YT_COCO_AP75, 1); /* IoU is 0.75, which is enough */
    expect(eval, YT_COCO_AR100, 0.6);
    yti_coco_eval_destroy(eval);
}

/* Bounds of the ranges belong to both; a wrong detection counts in the range of its own box. */
Test(coco_eval, sizes_are_judged_by_area) {
    yti_coco_eval *eval = eval_of(1);
    const yti_coco_truth truth[] = {{{0, 0, 32, 32}, 1024, 0, false}};
    const yti_coco_found found[] = {{{500, 0, 100, 100}, 0.9, 0}, {{0, 0, 32, 32}, 0.8, 0}};
    add(eval, 0, found, 2, truth, 1);
    expect(eval, YT_COCO_APs, 1);
    expect(eval, YT_COCO_APm, 1);
    expect(eval, YT_COCO_APl, -1);
    expect(eval, YT_COCO_AP, 0.5);
    yti_coco_eval_destroy(eval);
}

Test(coco_eval, only_the_best_hundred_of_a_class_and_image_count) {
    yti_coco_eval *eval = eval_of(2);
    yti_coco_found found[102];
    for (int i = 0; i < 101; i++) found[i] = found_at(i + 10, 0.9);
    found[0] = (yti_coco_found){place(1), 0.1, 1}; /* of another class, with its own hundred */
    found[101] = found_at(0, 0.8);
    const yti_coco_truth truth[] = {truth_at(0), {place(1), 1600, 1, false}};
    add(eval, 0, found, 102, truth, 2);
    expect(eval, YT_COCO_AR100, 0.5); /* found[101] is number 101 of class 0 */
    expect(eval, YT_COCO_AP, 0.5);
    yti_coco_eval_destroy(eval);
}

/* Equal scores count in the order of the images' ranks, not of arrival. */
Test(coco_eval, ties_between_images_go_by_rank) {
    const yti_coco_truth truth[] = {truth_at(0)};
    const yti_coco_found right[] = {found_at(0, 0.5)}, wrong[] = {found_at(3, 0.5)};
    for (int right_first = 0; right_first < 2; right_first++) {
        yti_coco_eval *eval = eval_of(1);
        add(eval, 7, right_first ? wrong : right, 1, truth, right_first ? 0 : 1);
        add(eval, 3, right_first ? right : wrong, 1, truth, right_first ? 1 : 0);
        expect(eval, YT_COCO_AP, right_first ? 1 : 0.5);
        yti_coco_eval_destroy(eval);
    }
}

Test(coco_eval, what_is_no_number_or_no_class_is_refused) {
    yti_coco_eval *eval = eval_of(2);
    yti_coco_found found = found_at(0, 0.5);
    yti_coco_truth truth = truth_at(0);
    yt_err err;
    found.score = (double)NAN;
    cr_assert_eq(yti_coco_eval_add(eval, 0, &found, 1, NULL, 0, &err), YT_ERR_ARGUMENT);
    found = found_at(0, 0.5);
    found.box.w = (double)INFINITY;
    cr_assert_eq(yti_coco_eval_add(eval, 0, &found, 1, NULL, 0, &err), YT_ERR_ARGUMENT);
    found = found_at(0, 0.5);
    found.class_id = 2;
    cr_assert_eq(yti_coco_eval_add(eval, 0, &found, 1, NULL, 0, &err), YT_ERR_ARGUMENT);
    truth.class_id = -1;
    cr_assert_eq(yti_coco_eval_add(eval, 0, NULL, 0, &truth, 1, &err), YT_ERR_ARGUMENT);
    cr_assert(strstr(err.text, "classes are 0 to 1") != NULL);
    expect(eval, YT_COCO_AP, -1);
    yti_coco_eval_destroy(eval);
    cr_assert_eq(yti_coco_eval_create(0, &eval, &err), YT_ERR_ARGUMENT);
}

Test(coco_eval, lines_look_like_those_of_pycocotools) {
    char text[128];
    yti_coco_format(YT_COCO_AP, 0.5034, text, sizeof text);
    cr_assert_str_eq(text, " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.503");
    yti_coco_format(YT_COCO_AP75, 1, text, sizeof text);
    cr_assert_str_eq(text, " Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] = 1.000");
    yti_coco_format(YT_COCO_AR1, -1, text, sizeof text);
    cr_assert_str_eq(text, " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = -1.000");
    yti_coco_format(YT_COCO_ARm, 0.25, text, sizeof text);
    cr_assert_str_eq(text, " Average Recall     (AR) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.250");
}

Test(coco_eval, detections_are_rounded_as_in_results_files) {
    const yt_detection detection = {{10.00049f, 20.5f, 110.0f, 21.00011f}, 0.123456789f, 4};
    yti_coco_found found = yti_coco_rounded(&detection);
    cr_assert(found.box.x == 10.0 && found.box.y == 20.5 && found.box.w == 100.0 && found.box.h == 0.5);
    cr_assert(found.score == 0.12346 && found.class_id == 4);
}
