/* Tests of src/eval/confusion.c: worked cases, and the table. */
#include "base/file.h"
#include "eval/confusion.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(confusion, .init = test_folder_make, .fini = test_folder_remove);

static yti_confusion *confusion_of(int n_classes) {
    yti_confusion *confusion = NULL;
    cr_assert_eq(yti_confusion_create(n_classes, 0.25f, &confusion, NULL), YT_OK);
    return confusion;
}

static void add(yti_confusion *confusion, const yt_detection *detections, int n_detections, const yt_xyxy *truth,
                const int *truth_class, int n_truth) {
    cr_assert_eq(yti_confusion_add(confusion, detections, n_detections, truth, truth_class, n_truth, NULL), YT_OK);
}

/* expected: [n_classes + 1][n_classes + 1] */
static void expect(const yti_confusion *confusion, int n_classes, const int *expected) {
    for (int p = 0; p <= n_classes; p++)
        for (int t = 0; t <= n_classes; t++)
            cr_assert_eq(yti_confusion_count(confusion, p, t), *expected++, "predicted %d, true %d: %lld", p, t,
                         (long long)yti_confusion_count(confusion, p, t));
}

/* The i-th of boxes far from each other, 10 x 10, and the left part of it with IoU part / 10. */
static yt_xyxy part_of(int i, float part) {
    return (yt_xyxy){(float)i * 100, 0, (float)i * 100 + part, 10};
}

Test(confusion, boxes_are_matched_without_regard_to_classes) {
    yti_confusion *confusion = confusion_of(2);
    const yt_xyxy truth[] = {part_of(0, 10), part_of(1, 10), part_of(2, 10)};
    const int classes[] = {0, 1, 1};
    const yt_detection found[] = {{part_of(0, 9), 0.9f, 0},  /* right */
                                  {part_of(1, 9), 0.8f, 0},  /* 1 taken for 0 */
                                  {part_of(5, 9), 0.7f, 1}}; /* nothing there; truth 2 is missed */
    add(confusion, found, 3, truth, classes, 3);
    expect(confusion, 2,
           (const int[]){1, 1, 0, /* predicted 0 */
                         0, 0, 1, /* predicted 1 */
                         0, 1, 0});
    yti_confusion_destroy(confusion);
}

Test(confusion, overlap_must_exceed_its_bound) {
    yti_confusion *confusion = confusion_of(1);
    const yt_xyxy truth[] = {{0, 0, 100, 1}};
    const yt_detection touching = {{0, 0, 44, 1}, 0.9f, 0}, enough = {{0, 0, 46, 1}, 0.9f, 0};
    add(confusion, &touching, 1, truth, (const int[]){0}, 1);
    expect(confusion, 1, (const int[]){0, 1, 1, 0});
    yti_confusion_reset(confusion);
    add(confusion, &enough, 1, truth, (const int[]){0}, 1);
    expect(confusion, 1, (const int[]){1, 0, 0, 0});
    yti_confusion_destroy(confusion);
}

/* The most confident detection gets the truth, also where another overlaps it more; the others are of nothing. */
Test(confusion, the_most_confident_detection_takes_a_truth) {
    yti_confusion *confusion = confusion_of(3);
    const yt_xyxy truth[] = {part_of(0, 10)};
    const yt_detection found[] = {{part_of(0, 6), 0.9f, 0}, {part_of(0, 9), 0.5f, 1}, {part_of(0, 9), 0.4f, 2}};
    add(confusion, found, 3, truth, (const int[]){2}, 1);
    expect(confusion, 3, (const int[]){0, 0, 1, 0, /**/ 0, 0, 0, 1, /**/ 0, 0, 0, 1, /**/ 0, 0, 0, 0});
    yti_confusion_destroy(confusion);
}

/* The second detection overlaps truth 0 most, which is taken, and turns to truth 1, by 0.5. */
Test(confusion, a_detection_turns_to_the_truth_that_is_free) {
    yti_confusion *confusion = confusion_of(1);
    const yt_xyxy truth[] = {{0, 0, 10, 10}, {0, 0, 5, 10}};
    const yt_detection found[] = {{{0, 0, 9, 10}, 0.9f, 0}, {{0, 0, 10, 10}, 0.8f, 0}};
    add(confusion, found, 2, truth, (const int[]){0, 0}, 2);
    expect(confusion, 1, (const int[]){2, 0, 0, 0});
    yti_confusion_destroy(confusion);
}

/* At confidence 0.001 a good network has a hundred detections of nothing, and its matrix reads as if it were broken. */
Test(confusion, detections_below_its_confidence_are_not_counted) {
    yti_confusion *confusion = confusion_of(1);
    const yt_xyxy truth[] = {part_of(0, 10), part_of(1, 10)};
    const yt_detection found[] = {{part_of(0, 9), 0.9f, 0}, {part_of(1, 9), 0.25f, 0}, {part_of(3, 9), 0.001f, 0}};
    add(confusion, found, 3, truth, (const int[]){0, 0}, 2);
    expect(confusion, 1, (const int[]){1, 0, 1, 0});
    yti_confusion_destroy(confusion);
}

Test(confusion, images_without_truth_or_detections_count_for_the_background) {
    yti_confusion *confusion = confusion_of(1);
    const yt_xyxy truth[] = {part_of(0, 10)};
    const yt_detection found[] = {{part_of(0, 10), 0.9f, 0}, {part_of(1, 10), 0.9f, 0}};
    add(confusion, found, 2, NULL, NULL, 0);
    add(confusion, NULL, 0, truth, (const int[]){0}, 1);
    add(confusion, NULL, 0, NULL, NULL, 0);
    expect(confusion, 1, (const int[]){0, 2, 1, 0});
    yti_confusion_destroy(confusion);
}

Test(confusion, unknown_classes_are_refused) {
    yti_confusion *confusion = NULL;
    yt_err err;
    cr_assert_eq(yti_confusion_create(0, 0.25f, &confusion, &err), YT_ERR_ARGUMENT);
    cr_assert_eq(yti_confusion_create(YT_CONFUSION_CLASSES + 1, 0.25f, &confusion, &err), YT_ERR_ARGUMENT);
    yti_confusion_destroy(confusion_of(YT_CONFUSION_CLASSES));
    confusion = confusion_of(2);
    const yt_xyxy truth[] = {part_of(0, 10)};
    const yt_detection found = {part_of(0, 10), 0.9f, 2};
    cr_assert_eq(yti_confusion_add(confusion, &found, 1, NULL, NULL, 0, &err), YT_ERR_ARGUMENT);
    cr_assert_eq(yti_confusion_add(confusion, NULL, 0, truth, (const int[]){-1}, 1, &err), YT_ERR_ARGUMENT);
    cr_assert(strstr(err.text, "classes are 0 to 1") != NULL, "%s", err.text);
    expect(confusion, 2, (const int[9]){0});
    yti_confusion_destroy(confusion);
}

Test(confusion, the_table_has_a_row_per_predicted_class) {
    yti_confusion *confusion = confusion_of(2);
    const yt_xyxy truth[] = {part_of(0, 10)};
    const yt_detection found[] = {{part_of(0, 9), 0.9f, 0}, {part_of(3, 9), 0.9f, 0}};
    add(confusion, found, 2, truth, (const int[]){1}, 1);
    const char *const names[] = {"cat, \"black\"", "dog"};
    const char *path = test_folder_path("matrix.csv");
    cr_assert_eq(yti_confusion_save(confusion, names, path, NULL), YT_OK);
    char *text;
    size_t bytes;
    cr_assert_eq(yti_file_read(path, 4096, &text, &bytes, NULL), YT_OK);
    cr_assert_str_eq(text, "predicted at confidence > 0.25,\"cat, \"\"black\"\"\",dog,background\n"
                           "\"cat, \"\"black\"\"\",0,1,1\n"
                           "dog,0,0,0\n"
                           "background,0,0,0\n");
    free(text);
    yti_confusion_destroy(confusion);
}
