/* Tests of src/data/labels.c: rows of boxes and polygons, what is wrong with them, the path of a label file.
 */
#include "data/labels.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static yti_labels parse(const char *text, int n_classes, char *report, size_t room) {
    yti_labels labels;
    yti_report found = {0};
    cr_assert_eq(yti_labels_parse("x.txt", text, strlen(text), n_classes, &labels, &found, NULL), YT_OK);
    snprintf(report, room, "%.*s", (int)found.used, found.text ? found.text : "");
    yti_report_free(&found);
    return labels;
}

static void expect_box(const yt_label *label, int class_id, double cx, double cy, double w, double h) {
    cr_assert_eq(label->class_id, class_id);
    cr_assert(yt_near((double)label->box.cx, cx, 1e-7) && yt_near((double)label->box.cy, cy, 1e-7));
    cr_assert(yt_near((double)label->box.w, w, 1e-7) && yt_near((double)label->box.h, h, 1e-7));
}

Test(labels, rows_of_five_are_boxes) {
    char report[2000];
    yti_labels labels = parse("\xEF\xBB\xBF"
                              "0 0.5 0.25 1 0.5\r\n\r\n  2\t1e-1 +.5 0.1 1.005  \n1.0 -0.005 0 0 0",
                              3, report, sizeof report);
    cr_assert_str_eq(report, "");
    cr_assert_eq(labels.count, 3);
    expect_box(&labels.items[0], 0, 0.5, 0.25, 1, 0.5);
    expect_box(&labels.items[1], 2, 0.1, 0.5, 0.1, 1.005);
    expect_box(&labels.items[2], 1, -0.005, 0, 0, 0);
    yti_labels_free(&labels);
}

Test(labels, one_long_row_makes_the_file_one_of_polygons) {
    char report[2000];
    yti_labels labels =
        parse("1 0.1 0.2 0.5 0.2 0.5 0.8 0.3 0.9\n0 0.2 0.4 0.6 0.8\n", 3, report, sizeof report);
    cr_assert_str_eq(report, "");
    cr_assert_eq(labels.count, 2);
    expect_box(&labels.items[0], 1, 0.3, 0.55, 0.4, 0.7);
    expect_box(&labels.items[1], 0, 0.4, 0.6, 0.4, 0.4); /* two points */
    yti_labels_free(&labels);
    labels = parse("1 0.1 0.2 0.5 0.2 0.5\n1 0.1 0.2 0.5 0.2 0.5 0.6\n1 0.1 0.2\n", 3, report, sizeof report);
    cr_assert_eq(labels.count, 1);
    cr_assert_not_null(strstr(report, "x.txt:1: 6 columns; a polygon"));
    cr_assert_not_null(strstr(report, "x.txt:3: 3 columns; a polygon"));
    yti_labels_free(&labels);
}

Test(labels, each_bad_row_is_told_and_left_out) {
    static const struct {
        const char *row, *reason;
    } cases[] = {
        {"3 0.5 0.5 0.1 0.1", "class 3, but there are 3 classes (0 to 2)"},
        {"-1 0.5 0.5 0.1 0.1", "'-1' is not a whole number"},
        {"0.5 0.5 0.5 0.1 0.1", "'0.5' is not a whole number"},
        {"cat 0.5 0.5 0.1 0.1", "class 'cat' is not a number"},
        {"99999999999999999999 0.5 0.5 0.1 0.1", "whole number"},
        {"0 0.5 0.5 0.1", "4 columns; a row is: class cx cy w h"},
        {"0 0.5 0.5 0.1 0.1 0.9", "6 columns"},
        {"0", "1 columns"},
        {"0 nan 0.5 0.1 0.1", "'nan' is not a number"},
        {"0 0.5 inf 0.1 0.1", "'inf' is not a number"},
        {"0 0.5 1e999 0.1 0.1", "'1e999' is not a number"},
        {"0 0.5 0x1 0.1 0.1", "'0x1' is not a number"},
        {"0 0,5 0.5 0.1 0.1", "'0,5' is not a number"},
        {"0 320 0.5 0.1 0.1", "'320' is outside the image"},
        {"0 1.02 0.5 0.1 0.1", "'1.02' is outside"},
        {"0 0.5 0.5 -0.02 0.1", "'-0.02' is outside"},
        {"0 \x01\xff 0.5 0.1 0.1", "'\?\?' is not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256], report[2000];
        snprintf(text, sizeof text, "1 0.5 0.5 0.5 0.5\n%s\n2 0.5 0.5 0.5 0.5\n", cases[i].row);
        yti_labels labels = parse(text, 3, report, sizeof report);
        cr_assert_eq(labels.count, 2, "%s", cases[i].row);
        cr_assert_eq(labels.bad_rows, 1);
        cr_assert_eq(labels.items[1].class_id, 2);
        cr_assert_eq(strncmp(report, "x.txt:2: ", 9), 0);
        cr_assert_not_null(strstr(report, cases[i].reason), "'%s' does not say '%s'", report,
                           cases[i].reason);
        yti_labels_free(&labels);
    }
}

Test(labels, equal_rows_are_kept_once_in_their_order) {
    char report[2000];
    yti_labels labels = parse("1 .5 .5 .1 .1\n0 .5 .5 .1 .1\n1 .5 .5 .10 .1\n0 .4 .5 .1 .1\n1 0.5 .5 .1 .1\n",
                              3, report, sizeof report);
    cr_assert_eq(labels.count, 3);
    cr_assert_eq(labels.duplicates, 2);
    cr_assert_eq(labels.bad_rows, 0);
    expect_box(&labels.items[0], 1, .5, .5, .1, .1);
    expect_box(&labels.items[1], 0, .5, .5, .1, .1);
    expect_box(&labels.items[2], 0, .4, .5, .1, .1);
    cr_assert_str_eq(report, "x.txt:3: the same box as in line 1\nx.txt:5: the same box as in line 1\n");
    yti_labels_free(&labels);
}

Test(labels, polygons_keep_their_points) {
    char report[2000];
    yti_labels labels = parse("0 .1 .2 .5 .2 .5 .8\n0 .1 .2 .5 .2 .5 .8 .5\n1 .3 .4 .6 .4 .6 .9 .3 .9\n", 3,
                              report, sizeof report);
    cr_assert_eq(labels.count, 2);
    cr_assert_eq(labels.items[0].n_points, 3);
    cr_assert_eq(labels.items[1].n_points, 4);
    const yt_point *second = labels.points + labels.items[1].first_point;
    cr_assert(second[0].x == 0.3f && second[0].y == 0.4f && second[3].x == 0.3f && second[3].y == 0.9f);
    yti_labels_free(&labels);
    labels = parse("0 .1 .2 .5 .2\n", 3, report, sizeof report);
    cr_assert(labels.count == 1 && labels.items[0].n_points == 0 && !labels.points);
    yti_labels_free(&labels);
}

Test(labels, a_hopeless_file_does_not_flood) {
    char text[100 * 4 + 1], report[4000];
    for (int i = 0; i < 100; i++) memcpy(text + 4 * i, "a b\n", 4);
    text[400] = '\0';
    yti_labels labels = parse(text, 3, report, sizeof report);
    cr_assert_eq(labels.count, 0);
    cr_assert_null(labels.items);
    cr_assert_eq(labels.bad_rows, 100);
    cr_assert_not_null(strstr(report, "and 80 more such rows"));
}

Test(labels, empty_and_binary_texts_give_no_boxes) {
    yti_labels labels;
    yti_report report = {0};
    cr_assert_eq(yti_labels_parse("x", "", 0, 3, &labels, &report, NULL), YT_OK);
    cr_assert(labels.count == 0 && report.count == 0);
    uint32_t state = 3;
    for (int round = 0; round < 500; round++) {
        char junk[200];
        for (size_t i = 0; i < sizeof junk; i++) {
            state = state * 1664525u + 1013904223u;
            junk[i] = round % 2 ? (char)(state >> 16) : "0123456789.- \n\te\r"[(state >> 16) % 17];
        }
        cr_assert_eq(yti_labels_parse("x", junk, sizeof junk, 3, &labels, &report, NULL), YT_OK);
        for (int i = 0; i < labels.count; i++)
            cr_assert(labels.items[i].class_id < 3 && labels.items[i].box.cx <= 1.01f);
        yti_labels_free(&labels);
    }
    yti_report_free(&report);
}

static void expect_label_path(const char *image, const char *expected) {
    char *path = yti_label_path(image);
    cr_assert_str_eq(path, expected);
    free(path);
}

Test(labels, their_path_follows_from_the_image) {
    expect_label_path("/d/images/train/a.b.jpg", "/d/labels/train/a.b.txt");
    expect_label_path("/images/x/images/a.png", "/images/x/labels/a.txt");
    expect_label_path("images/a.png", "labels/a.txt");
    expect_label_path("/d/myimages/a.png", "/d/myimages/a.txt");
    expect_label_path("a.jpeg", "a.txt");
}
