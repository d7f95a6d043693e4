/* Tests of src/eval/metrics.c and confusion.c against a plain program (tools/oracle/match_cases.py) on made cases:
 * either rule of matching, average precision, and the confusion matrix. */
#include "base/file.h"
#include "eval/confusion.h"
#include "support/near.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>

enum { MAX_BOXES = 64, MAX_FILE = 1 << 20, RULES = 2 };

static const char *const rules[RULES] = {"free", "single"};

static double item(const cJSON *row, int i) {
    const cJSON *value = cJSON_GetArrayItem(row, i);
    cr_assert(cJSON_IsNumber(value));
    return value->valuedouble;
}

static yt_xyxy box_in(const cJSON *row) {
    return (yt_xyxy){(float)item(row, 1), (float)item(row, 2), (float)item(row, 3), (float)item(row, 4)};
}

static void add_image(const cJSON *image, yti_metrics *const metrics[RULES], yti_confusion *confusion) {
    yt_detection found[MAX_BOXES];
    yt_xyxy truth[MAX_BOXES];
    int classes[MAX_BOXES], n_found = 0, n_truth = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(image, "found")) {
        cr_assert_lt(n_found, MAX_BOXES);
        found[n_found++] = (yt_detection){box_in(row), (float)item(row, 5), (int)item(row, 0)};
    }
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(image, "truth")) {
        cr_assert_lt(n_truth, MAX_BOXES);
        truth[n_truth] = box_in(row);
        classes[n_truth++] = (int)item(row, 0);
    }
    for (int r = 0; r < RULES; r++)
        cr_assert_eq(yti_metrics_add(metrics[r], found, n_found, truth, classes, n_truth, NULL), YT_OK);
    cr_assert_eq(yti_confusion_add(confusion, found, n_found, truth, classes, n_truth, NULL), YT_OK);
}

static void check_case(const cJSON *json, int number) {
    const int n_classes = (int)cJSON_GetObjectItem(json, "n_classes")->valuedouble;
    yti_metrics *metrics[RULES];
    yti_confusion *confusion;
    cr_assert_eq(yti_confusion_create(n_classes, YT_CONFUSION_CONF, &confusion, NULL), YT_OK);
    for (int r = 0; r < RULES; r++) {
        cr_assert_eq(yti_metrics_create(n_classes, &metrics[r], NULL), YT_OK);
        yti_metrics_match_single(metrics[r], r == 1);
    }
    const cJSON *image, *matrix = cJSON_GetObjectItem(json, "confusion");
    cJSON_ArrayForEach(image, cJSON_GetObjectItem(json, "images")) add_image(image, metrics, confusion);
    for (int r = 0; r < RULES; r++) {
        const cJSON *expected = cJSON_GetObjectItem(json, rules[r]);
        yti_metrics_result result;
        cr_assert_eq(yti_metrics_compute(metrics[r], &result, NULL), YT_OK);
        cr_expect(test_near(result.ap50, item(expected, 0), 1e-12), "case %d, %s: mAP50 %.15g", number, rules[r],
                  result.ap50);
        cr_expect(test_near(result.ap, item(expected, 1), 1e-12), "case %d, %s: mAP50-95 %.15g", number, rules[r],
                  result.ap);
        yti_metrics_destroy(metrics[r]);
    }
    for (int p = 0; p <= n_classes; p++)
        for (int t = 0; t <= n_classes; t++)
            cr_expect_eq(yti_confusion_count(confusion, p, t), (int)item(cJSON_GetArrayItem(matrix, p), t),
                         "case %d: %d for %d", number, p, t);
    yti_confusion_destroy(confusion);
}

Test(match_cases, numbers_are_those_of_a_plain_program) {
    char *text;
    size_t bytes;
    yt_err err;
    cr_assert_eq(yti_file_read(YT_SOURCE_DIR "/tests/data/match_cases.json", MAX_FILE, &text, &bytes, &err), YT_OK,
                 "%s", err.text);
    cJSON *json = cJSON_ParseWithLength(text, bytes);
    const cJSON *one;
    int n = 0;
    cJSON_ArrayForEach(one, json) check_case(one, n++);
    cr_assert_geq(n, 60);
    cJSON_Delete(json);
    free(text);
}
