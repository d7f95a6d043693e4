/* Tests of src/data/index/labels.c: rows of boxes and polygons, what is wrong with them, the path of a label file.
 */
#include "data/index/labels.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static yti_labels parse_as(const char *text, yti_label_format format, char *report, size_t room) {
    yti_labels labels;
    yti_report found = {0};
    cr_assert_eq(yti_labels_parse("x.txt", text, strlen(text), format, &labels, &found, NULL), YT_OK);
    snprintf(report, room, "%.*s", (int)found.used, found.text ? found.text : "");
    yti_report_free(&found);
    return labels;
}

static yti_labels parse(const char *text, int n_classes, char *report, size_t room) {
    return parse_as(text, (yti_label_format){.n_classes = n_classes}, report, room);
}

static void expect_box(const yti_label *label, int class_id, double cx, double cy, double w, double h) {
    cr_assert_eq(label->class_id, class_id);
    cr_assert(test_near((double)label->box.cx, cx, 1e-7) && test_near((double)label->box.cy, cy, 1e-7));
    cr_assert(test_near((double)label->box.w, w, 1e-7) && test_near((double)label->box.h, h, 1e-7));
}

Test(labels, rows_of_five_are_boxes) {
    char report[2000];
    yti_labels labels = parse("\xEF\xBB\xBF"
                              "0 0.5 0.25 1 0.5\r\n\r\n  2\t1e-1 +.5 0.1 1.005  \n1.0 -0.005 0.1 0.2 0.3",
                              3, report, sizeof report);
    cr_assert_str_eq(report, "");
    cr_assert_eq(labels.count, 3);
    expect_box(&labels.items[0], 0, 0.5, 0.25, 1, 0.5);
    expect_box(&labels.items[1], 2, 0.1, 0.5, 0.1, 1.005);
    expect_box(&labels.items[2], 1, -0.005, 0.1, 0.2, 0.3);
    yti_labels_free(&labels);
}

/* Label Studio, supervision and kili write boxes and polygons into one file. */
Test(labels, five_columns_are_a_box_beside_polygons_too) {
    char report[2000];
    yti_labels labels = parse("0 0.25 0.5 0.125 0.25\n1 0.1 0.2 0.5 0.2 0.5 0.8 0.3 0.9\n0 0.2 0.4 0.3 0.2\n", 3,
                              report, sizeof report);
    cr_assert_eq(labels.count, 3);
    expect_box(&labels.items[0], 0, 0.25, 0.5, 0.125, 0.25);
    expect_box(&labels.items[1], 1, 0.3, 0.55, 0.4, 0.7);
    cr_assert(labels.items[0].n_points == 0 && labels.items[1].n_points == 4);
    cr_assert_str_eq(report, "x.txt:2: boxes and outlines in one file; its rows of 5 columns are taken as boxes\n");
    cr_assert(labels.tally.rules[YT_LABEL_MIXED] == 1 && labels.tally.rules[YT_LABEL_OUTLINE] == 1);
    cr_assert_eq(yti_tally_bad(&labels.tally), 0);
    yti_labels_free(&labels);
}

/* Row by row: the rule, and what is said of it. The rows about it are kept. */
Test(labels, each_bad_row_is_told_and_left_out) {
    static const struct {
        const char *row;
        yti_label_rule rule;
        const char *reason;
    } cases[] = {
        {"3 0.5 0.5 0.1 0.1", YT_LABEL_CLASS, "class 3, but there are 3 classes (0 to 2)"},
        {"-1 0.5 0.5 0.1 0.1", YT_LABEL_CLASS, "'-1' is not a whole number"},
        {"0.5 0.5 0.5 0.1 0.1", YT_LABEL_CLASS, "'0.5' is not a whole number"},
        {"cat 0.5 0.5 0.1 0.1", YT_LABEL_CLASS, "class 'cat' is not a number"},
        {"99999999999999999999 0.5 0.5 0.1 0.1", YT_LABEL_CLASS, "whole number"},
        {"# class cx cy w", YT_LABEL_CLASS, "class '#' is not a number"},
        {"0 0.5 0.5 0.1", YT_LABEL_COLUMNS, "4 columns; a row is: class cx cy w h"},
        {"0", YT_LABEL_COLUMNS, "1 columns"},
        {"1 0.1 0.2 0.5 0.2 0.5 0.6 0.7", YT_LABEL_COLUMNS, "8 columns; a polygon is: class x1 y1 x2 y2 x3 y3"},
        {"0 0.5 0.5 0.1 0.1 0.9", YT_LABEL_CONFIDENCE,
         "6 columns; a row is: class cx cy w h, without a detector's confidence after it"},
        {"0 0.5 0.5 0.2 0.3 0.4 0.4 2 0.6 0.6 1", YT_LABEL_KEYPOINTS,
         "2 keypoints of a pose data set? kpt_shape: [2, 3]"},
        {"0 0.9 0.9 0.2 0.2 0.1 0.1 2 0.6 0.6 1", YT_LABEL_KEYPOINTS, "2 keypoints of a pose data set?"},
        {"0 nan 0.5 0.1 0.1", YT_LABEL_NUMBER, "'nan' is not a number"},
        {"0 0.5 inf 0.1 0.1", YT_LABEL_NUMBER, "'inf' is not a number"},
        {"0 0.5 1e999 0.1 0.1", YT_LABEL_NUMBER, "'1e999' is not a number"},
        {"0 0.5 0x1 0.1 0.1", YT_LABEL_NUMBER, "'0x1' is not a number"},
        {"0 0.5 0_5 0.1 0.1", YT_LABEL_NUMBER, "'0_5' is not a number"},
        {"0 \x01\xff 0.5 0.1 0.1", YT_LABEL_NUMBER, "'\?\?' is not a number"},
        {"0 0,5 0.5 0.1 0.1", YT_LABEL_SEPARATOR, "commas; a row is: class cx cy w h, with blanks"},
        {"0,0.5,0.5,0.1,0.1", YT_LABEL_SEPARATOR, "commas"},
        {"0, 0.5, 0.5, 0.1, 0.1", YT_LABEL_SEPARATOR, "commas"},
        {"0;0.5;0.5;0.1;0.1", YT_LABEL_SEPARATOR, "commas"},
        {"0 320 0.5 0.1 0.1", YT_LABEL_OUTSIDE, "outside the image; coordinates are fractions of its size, 0 to 1"},
        {"0 320 240 100 50", YT_LABEL_OUTSIDE, "(cx 320, cy 240, w 100, h 50) is outside the image"},
        {"0 5 5 10 10", YT_LABEL_OUTSIDE, "fractions"},
        {"0 1e300 0.5 0.1 0.1", YT_LABEL_OUTSIDE, "'1e300' is outside"},
        {"0 1.1 0.5 0.1 0.1", YT_LABEL_OUTSIDE, "outside"},
        {"0 1.01 1.01 .001 .001", YT_LABEL_OUTSIDE, "outside"},
        {"0 1.1 .1 1.2 .1 1.2 .3", YT_LABEL_OUTSIDE, "outside"},
        {"0 0.5 0.5 -0.02 0.1", YT_LABEL_SIZE, "no size: width -0.02, height 0.1"},
        {"0 0.5 0.5 0 0", YT_LABEL_SIZE, "no size"},
        {"0 0.5 0.5 -0.005 0.2", YT_LABEL_SIZE, "no size"},
        {"0 0.5 0.5 1e-9 1e-9", YT_LABEL_SIZE, "no size"},
        {"0 .5 .5 .5 .5 .5 .5", YT_LABEL_SIZE, "no size"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256], report[2000];
        snprintf(text, sizeof text, "1 0.5 0.5 0.5 0.5\n%s\n2 0.5 0.5 0.5 0.5\n", cases[i].row);
        yti_labels labels = parse(text, 3, report, sizeof report);
        cr_assert_eq(labels.count, 2, "%s", cases[i].row);
        cr_assert_eq(labels.tally.rules[cases[i].rule], 1, "%s: %s", cases[i].row, report);
        cr_assert_eq(yti_tally_bad(&labels.tally), 1);
        cr_assert_eq(labels.items[1].class_id, 2);
        cr_assert_eq(strncmp(report, "x.txt:2: ", 9), 0);
        cr_assert_not_null(strstr(report, cases[i].reason), "'%s' does not say '%s'", report, cases[i].reason);
        yti_labels_free(&labels);
    }
}

/* Over the border: kept as it is within the tolerance of the reference, cut to the image beyond, whatever form the
 * row has. */
Test(labels, what_reaches_over_the_border_is_kept_or_clipped) {
    static const struct {
        const char *row;
        double box[4];
        bool clipped;
    } cases[] = {
        {"0 0.0625 0.4 0.1875 0.4", {0.0625, 0.4, 0.1875, 0.4}, false},
        {"0 -0.03125 0.2 0.15625 0.2 0.15625 0.6 -0.03125 0.6", {0.0625, 0.4, 0.1875, 0.4}, false},
        {"0 0.9 0.5 0.3 1.01", {0.9, 0.5, 0.3, 1.01}, false},
        {"0 1.02 0.5 0.1 0.1", {0.985, 0.5, 0.03, 0.1}, true},
        {"0 -0.05 0.5 0.2 0.1", {0.025, 0.5, 0.05, 0.1}, true},
        {"0 0.5 0.5 1.2 0.4", {0.5, 0.5, 1, 0.4}, true},
        {"0 -0.25 0.2 0.15 0.2 0.15 0.6", {0.075, 0.4, 0.15, 0.4}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char report[2000];
        const double *b = cases[i].box;
        yti_labels labels = parse(cases[i].row, 3, report, sizeof report);
        cr_assert_eq(labels.count, 1, "%s: %s", cases[i].row, report);
        const yti_cxcywh box = labels.items[0].box;
        cr_assert(test_near((double)box.cx, b[0], 1e-6) && test_near((double)box.cy, b[1], 1e-6), "%s", cases[i].row);
        cr_assert(test_near((double)box.w, b[2], 1e-6) && test_near((double)box.h, b[3], 1e-6), "%s", cases[i].row);
        cr_assert_eq(labels.tally.rules[YT_LABEL_CLIPPED], cases[i].clipped);
        cr_assert_eq(*report != '\0', cases[i].clipped, "%s", report);
        for (int k = 0; cases[i].clipped && k < labels.items[0].n_points; k++)
            cr_assert(labels.points[k].x >= 0 && labels.points[k].x <= 1);
        yti_labels_free(&labels);
    }
}

Test(labels, keypoints_follow_the_box_where_the_data_set_has_them) {
    char report[2000];
    const yti_label_format three = {.n_classes = 3, .keypoint_columns = 6},
                           two = {.n_classes = 3, .keypoint_columns = 4};
    yti_labels labels = parse_as("0 0.5 0.5 0.2 0.3 0.4 0.4 1 0.6 0.6 2\n1 0.5 0.5 0.2 0.3\n", three, report,
                                 sizeof report);
    cr_assert_str_eq(report, "");
    cr_assert_eq(labels.count, 2);
    expect_box(&labels.items[0], 0, 0.5, 0.5, 0.2, 0.3);
    cr_assert(labels.items[0].n_points == 0 && labels.tally.rules[YT_LABEL_POSE] == 1);
    yti_labels_free(&labels);
    labels = parse_as("0 0.5 0.5 0.2 0.3 0.4 0.4 0.6 0.6\n0 0.5 0.5 0.2 0.3 0.4 0.4 0.6\n", two, report, sizeof report);
    cr_assert_eq(labels.count, 1);
    expect_box(&labels.items[0], 0, 0.5, 0.5, 0.2, 0.3);
    cr_assert_not_null(strstr(report, "x.txt:2: 8 columns; by kpt_shape: a row has 9"), "%s", report);
    yti_labels_free(&labels);
    /* a closed outline of a whole image meets the border at every third number, and is none of keypoints */
    labels = parse("0 0 0 1 0 1 1 0 1 0 0\n", 3, report, sizeof report);
    cr_assert(labels.count == 1 && labels.items[0].n_points == 5, "%s", report);
    yti_labels_free(&labels);
}

Test(labels, texts_of_other_systems_are_read) {
    static const char *const texts[] = {
        "0 .5 .5 .1 .1\r1 .5 .5 .2 .2\r", /* line ends of old Macs */
        "0 .5 .5 .1 .1\r\n1 .5 .5 .2 .2\r\n\r\n",
        "\f0 .5 .5 .1 .1\f\n1\v.5 .5\t.2 .2",
        "0\xC2\xA0.5\xC2\xA0.5 .1 .1\n1 .5 .5 .2 .2\xC2\xA0\n", /* no-break spaces */
        "0\xE3\x80\x80.5 .5 .1 .1\n1 .5\xE2\x80\x89.5 .2 .2\n", /* ideographic and thin space */
        "\xEF\xBB\xBF\060 .5 .5 .1 .1\n\n   \n1 .5 .5 .2 .2",   /* a byte order mark, and 0 as \060, which ends it */
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char report[2000];
        yti_labels labels = parse(texts[i], 3, report, sizeof report);
        cr_assert_str_eq(report, "", "text %zu: %s", i, report);
        cr_assert_eq(labels.count, 2);
        expect_box(&labels.items[1], 1, .5, .5, .2, .2);
        yti_labels_free(&labels);
    }
    yti_labels labels;
    yti_report report = {0};
    static const char wide[] = "\xFF\xFE"
                               "0\0 \0.\0"
                               "5\0";
    const yti_label_format format = {.n_classes = 3};
    cr_assert_eq(yti_labels_parse("x.txt", wide, sizeof wide - 1, format, &labels, &report, NULL), YT_OK);
    cr_assert(labels.count == 0 && labels.tally.rules[YT_LABEL_ENCODING] == 1);
    cr_assert_not_null(strstr(report.text, "x.txt:1: the file is UTF-16 text; save it as UTF-8"));
    yti_labels_free(&labels);
    yti_report_free(&report);
}

Test(labels, equal_rows_are_kept_once_in_their_order) {
    char report[2000];
    yti_labels labels = parse("1 .5 .5 .1 .1\n0 .5 .5 .1 .1\n1 .5 .5 .10 .1\n0 .4 .5 .1 .1\n1 0.5 .5 .1 .1\n", 3,
                              report, sizeof report);
    cr_assert_eq(labels.count, 3);
    cr_assert_eq(labels.tally.rules[YT_LABEL_DUPLICATE], 2);
    cr_assert_eq(yti_tally_bad(&labels.tally), 0);
    expect_box(&labels.items[0], 1, .5, .5, .1, .1);
    expect_box(&labels.items[1], 0, .5, .5, .1, .1);
    expect_box(&labels.items[2], 0, .4, .5, .1, .1);
    cr_assert_str_eq(report, "x.txt:3: the same box as in line 1\nx.txt:5: the same box as in line 1\n");
    yti_labels_free(&labels);
}

Test(labels, outlines_are_equal_by_their_points) {
    char report[2000];
    yti_labels labels = parse("0 .1 .1 .9 .1 .9 .9\n0 .1 .1 .9 .9 .1 .9\n0 .1 .1 .9 .1 .9 .9\n", 3, report,
                              sizeof report);
    cr_assert_eq(labels.count, 2); /* one box, two shapes */
    cr_assert_str_eq(report, "x.txt:3: the same box as in line 1\n");
    yti_labels_free(&labels);
}

Test(labels, polygons_keep_their_points) {
    char report[2000];
    yti_labels labels = parse("0 .1 .2 .5 .2 .5 .8\n0 .1 .2 .5 .2 .5 .8 .5\n1 .3 .4 .6 .4 .6 .9 .3 .9\n", 3, report,
                              sizeof report);
    cr_assert_eq(labels.count, 2);
    cr_assert_eq(labels.items[0].n_points, 3);
    cr_assert_eq(labels.items[1].n_points, 4);
    const yti_point *second = labels.points + labels.items[1].first_point;
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
    cr_assert_eq(labels.tally.rules[YT_LABEL_COLUMNS], 100);
    cr_assert_not_null(strstr(report, "and 80 more such rows"));
}

Test(labels, empty_and_binary_texts_give_no_boxes) {
    const yti_label_format format = {.n_classes = 3};
    yti_labels labels;
    yti_report report = {0};
    cr_assert_eq(yti_labels_parse("x", "", 0, format, &labels, &report, NULL), YT_OK);
    cr_assert(labels.count == 0 && report.count == 0);
    uint32_t state = 3;
    for (int round = 0; round < 500; round++) {
        char junk[200];
        for (size_t i = 0; i < sizeof junk; i++) {
            state = state * 1664525u + 1013904223u;
            junk[i] = round % 2 ? (char)(state >> 16) : "0123456789.- \n\te\r"[(state >> 16) % 17];
        }
        cr_assert_eq(yti_labels_parse("x", junk, sizeof junk, format, &labels, &report, NULL), YT_OK);
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
