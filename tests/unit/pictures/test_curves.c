/* Tests of src/pictures/curves.c: every table of a run becomes its image, whatever the classes are called. */
#include "pictures/curves.h"
#include "base/file.h"
#include "eval/confusion.h"
#include "eval/metrics.h"
#include "image/image.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(curves, .init = test_folder_make, .fini = test_folder_remove);

static const char *const names[] = {"red, dark", "\xe8\xb1\xa1"};

/* What a validation of two classes writes. */
static void write_tables(void) {
    const yt_detection found[] = {{{0, 0, 10, 10}, 0.9f, 0}, {{20, 20, 30, 30}, 0.8f, 1}, {{50, 50, 60, 60}, 0.7f, 1}};
    const yt_xyxy truth[] = {{0, 0, 10, 10}, {20, 20, 30, 30}};
    const int classes[] = {0, 1};
    yti_metrics *metrics;
    yti_metrics_result result;
    yti_confusion *confusion;
    const char *folder = test_folder_path("run");
    test_folder_write_text("run/results.csv",
                           "epoch,time,train/box_loss,metrics/precision(B),metrics/recall(B),metrics/mAP50(B),"
                           "metrics/mAP50-95(B),val/box_loss\n1,2,3,0.1,0.2,0.3,0.4,nan\n2,4,2,0.2,0.3,0.4,0.5,1\n");
    cr_assert_eq(yti_metrics_create(2, &metrics, NULL), YT_OK);
    cr_assert_eq(yti_metrics_add(metrics, found, 3, truth, classes, 2, NULL), YT_OK);
    cr_assert_eq(yti_metrics_compute(metrics, &result, NULL), YT_OK);
    cr_assert_eq(yti_metrics_save_curves(metrics, names, folder, NULL), YT_OK);
    cr_assert_eq(yti_confusion_create(2, 0.25f, &confusion, NULL), YT_OK);
    cr_assert_eq(yti_confusion_add(confusion, found, 3, truth, classes, 2, NULL), YT_OK);
    cr_assert_eq(yti_confusion_save(confusion, names, test_folder_path("run/confusion_matrix.csv"), NULL), YT_OK);
    yti_confusion_destroy(confusion);
    yti_metrics_destroy(metrics);
}

static void expect_image(const char *name) {
    yt_image image;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_image_load(test_folder_path(name), &image, &err), YT_OK, "%s", err.text);
    int dark = 0;
    for (int i = 0; i < image.w * image.h; i++) dark += image.rgb[3 * i] < 100;
    cr_expect(dark > 1000, "%s is nearly empty", name);
    yt_image_free(&image);
}

Test(curves, every_table_becomes_an_image) {
    static const char *const files[] = {"run/results.png",
                                        "run/BoxPR_curve.png",
                                        "run/BoxP_curve.png",
                                        "run/BoxR_curve.png",
                                        "run/BoxF1_curve.png",
                                        "run/confusion_matrix.png",
                                        "run/confusion_matrix_normalized.png"};
    yt_err err = {.text = ""};
    write_tables();
    cr_assert_eq(yti_draw_tables(test_folder_path("run"), names, 2, &err), YT_OK, "%s", err.text);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) expect_image(files[i]);
}

Test(curves, a_folder_without_tables_gets_no_image) {
    yt_err err = {.text = ""};
    test_folder_write_text("run/other.txt", "");
    cr_assert_eq(yti_draw_tables(test_folder_path("run"), names, 2, &err), YT_OK, "%s", err.text);
    cr_expect_not(yti_path_exists(test_folder_path("run/results.png")));
    cr_expect_not(yti_path_exists(test_folder_path("run/confusion_matrix.png")));
}

/* A table that was damaged, or is of other classes, is passed over or reported; nothing is read beyond it. */
Test(curves, damaged_tables_are_no_trouble) {
    static const char *const tables[] = {"",
                                         "class_id\n",
                                         "class_id,class,recall,precision\n7\n-1,all,x,y\n,,,\n",
                                         "predicted,a\nb,1,2,3\n",
                                         "epoch,time\n",
                                         "epoch\nx\n"};
    static const char *const files[] = {"run/pr_curve.csv", "run/confidence_curves.csv", "run/confusion_matrix.csv",
                                        "run/results.csv"};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        yt_err err = {.text = ""};
        for (size_t f = 0; f < sizeof files / sizeof *files; f++) test_folder_write_text(files[f], tables[t]);
        const yt_status status = yti_draw_tables(test_folder_path("run"), names, 2, &err);
        cr_expect(status == YT_OK || err.text[0], "table %zu", t);
    }
}

Test(curves, boxes_are_counted_where_they_lie) {
    yti_label labels[] = {{.class_id = 0, .box = {0.5f, 0.5f, 0.1f, 0.2f}},
                          {.class_id = 1, .box = {1, 1, 1, 1}},
                          {.class_id = 9, .box = {0, 0, 0, 0}}};
    yti_sample sample = {.n_labels = 3, .labels = labels};
    const yti_split split = {.n_samples = 1, .samples = &sample};
    yt_err err = {.text = ""};
    test_folder_write_text("run/other.txt", "");
    cr_assert_eq(yti_draw_labels(test_folder_path("run"), &split, names, 2, &err), YT_OK, "%s", err.text);
    expect_image("run/labels.jpg");
}
