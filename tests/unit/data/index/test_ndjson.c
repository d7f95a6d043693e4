/* Tests of src/data/index/ndjson.c and lines.c: what a file of lines holds is used or reported with its line, never
 * lost. */
#include "data/index/dataset.h"
#include "data/index/lines.h"
#include "support/folder.h"
#include "support/problems.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "{\"type\": \"dataset\", \"class_names\": {\"0\": \"cat\"}}\n"
#define GOOD "{\"type\": \"image\", \"file\": \"a.png\", \"annotations\": {\"boxes\": [[0, 0.5, 0.5, 0.2, 0.4]]}}\n"
#define B(split, annotations)                                                                                          \
    "{\"type\": \"image\", \"file\": \"b.png\", \"split\": " split ", \"annotations\": " annotations "}\n"

TestSuite(ndjson, .init = test_folder_make, .fini = test_folder_remove);

static yt_status try_file(const char *file, const char *name, bool strict, test_problems *p, yti_scan_summary *found,
                          yt_err *err) {
    yti_dataset dataset;
    yti_split split;
    *p = (test_problems){0};
    *err = (yt_err){0};
    yt_status status = yti_dataset_open(test_folder_path(file), &dataset, err);
    if (status != YT_OK) return status;
    yti_scan_options options = {
        .strict = strict, .fraction = 1, .problem = test_problems_note, .context = p, .threads = 2};
    status = yti_dataset_scan(&dataset, name, &options, &split, err);
    if (status == YT_OK) {
        *found = split.summary;
        yti_split_free(&split);
    }
    yti_dataset_close(&dataset);
    return status;
}

static yt_status try_text(const char *text, const char *name, bool strict, test_problems *p, yti_scan_summary *found,
                          yt_err *err) {
    test_folder_write_image("d/a.png", 20, 20);
    test_folder_write_image("d/b.png", 20, 20);
    test_folder_write_text("d/set.ndjson", text);
    return try_file("d/set.ndjson", name, strict, p, found, err);
}

static void expect_bad_rows(const char *annotations, int bad, int lost, const char *told) {
    char text[2048];
    test_problems p;
    yti_scan_summary found;
    yt_err err;
    snprintf(text, sizeof text, HEAD GOOD B("null", "%s"), annotations);
    cr_assert_eq(try_text(text, "train", false, &p, &found, &err), YT_OK, "%s: %s", annotations, err.text);
    cr_assert_eq(yti_scan_bad_rows(&found), bad, "%s: %d bad", annotations, yti_scan_bad_rows(&found));
    cr_assert_eq(found.lost_images, lost, "%s", annotations);
    cr_assert_eq(found.images, 2 - lost, "%s", annotations);
    cr_assert_not_null(strstr(p.text, told), "%s: '%s' does not say '%s'", annotations, p.text, told);
    yt_status strict = try_text(text, "train", true, &p, &found, &err);
    cr_assert_eq(strict == YT_OK, bad == 0, "%s: strict", annotations);
}

Test(ndjson, annotations_of_another_shape_are_bad_rows_and_no_background) {
    static const char one[] = "set.ndjson:3: 1 of its annotations is no row: they are {\"boxes\": [[class, cx,";
    expect_bad_rows("[[0, 0.5, 0.5, 0.2, 0.4]]", 1, 1, one);
    expect_bad_rows("\"none\"", 1, 1, one);
    expect_bad_rows("7", 1, 1, one);
    expect_bad_rows("{\"boxes\": 7}", 1, 1, one);
    expect_bad_rows("{\"boxes\": {\"0\": [0, 0.5, 0.5, 0.2, 0.4]}}", 1, 1, one);
    expect_bad_rows("{\"boxes\": [[]]}", 1, 1, one);
    expect_bad_rows("{\"boxes\": [{\"class\": 0, \"cx\": 0.5, \"cy\": 0.5, \"w\": 0.2, \"h\": 0.4}]}", 1, 1, one);
    expect_bad_rows("{\"boxes\": [0, 0.5, 0.5, 0.2, 0.4]}", 5, 1, "set.ndjson:3: 5 of its annotations are no row");
    expect_bad_rows("{\"boxes\": [[0, 0.5, 0.5, 0.2, 0.4], null]}", 1, 0, one);
    expect_bad_rows("{\"boxes\": [[0, \"x\", 0.5, 0.2, 0.4]]}", 1, 1, "set.ndjson:3:1: '?' is not a number");
}

Test(ndjson, annotations_that_hold_nothing_are_a_background) {
    static const char *const nothing[] = {"null", "[]", "{}", "{\"boxes\": []}", "{\"boxes\": null}"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) expect_bad_rows(nothing[i], 0, 0, "");
}

Test(ndjson, a_set_without_annotations_is_not_said_to_have_label_files) {
    test_problems p;
    yti_scan_summary found;
    yt_err err;
    cr_assert_neq(try_text(HEAD B("null", "{}"), "train", false, &p, &found, &err), YT_OK);
    cr_assert_not_null(strstr(err.text, "no usable box in 1 images; there are no annotations"), "%s", err.text);
}

Test(ndjson, valid_and_validation_are_val_and_other_words_are_reported) {
    static const char *const words[] = {"\"val\"", "\"valid\"", "\"validation\"", "\"Val\""};
    test_problems p;
    yti_scan_summary found;
    yt_err err;
    char text[2048];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        snprintf(text, sizeof text, HEAD GOOD B("%s", "{\"boxes\": [[0, 0.5, 0.5, 0.2, 0.4]]}"), words[i]);
        cr_assert_eq(try_text(text, "val", false, &p, &found, &err), YT_OK, "%s: %s", words[i], err.text);
        cr_assert_eq(found.boxes, 1);
        cr_assert_str_eq(p.text, "", "%s", p.text);
    }
    static const char *const strange[] = {"\"dev\"", "\"vall\"", "3"};
    static const char *const told[] = {"'dev'", "'vall'", "'not a text'"};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        char wanted[128];
        snprintf(text, sizeof text, HEAD GOOD B("%s", "{}"), strange[i]);
        snprintf(wanted, sizeof wanted, "set.ndjson:3: the image is left out: its split is %s; there are train,",
                 told[i]);
        cr_assert_eq(try_text(text, "train", false, &p, &found, &err), YT_OK, "%s", err.text);
        cr_assert_not_null(strstr(p.text, wanted), "'%s' does not say '%s'", p.text, wanted);
        cr_assert_eq(found.images, 1);
        cr_assert_eq(found.bad_images, 1);
        cr_assert_eq(try_text(text, "train", true, &p, &found, &err), YT_ERR_DATA, "strict");
    }
    cr_assert_eq(try_text(HEAD B("\"dev\"", "{}"), "train", false, &p, &found, &err), YT_ERR_DATA);
    cr_assert_not_null(strstr(p.text, "set.ndjson:2: the image is left out"), "%s", p.text);
}

Test(ndjson, an_image_is_found_in_the_folder_of_the_word_and_of_the_split) {
    test_problems p;
    yti_scan_summary found;
    yt_err err;
    test_folder_write_image("d/images/valid/v.png", 20, 20);
    test_folder_write_image("d/images/val/w.png", 20, 20);
    const char *text = HEAD GOOD "{\"file\": \"v.png\", \"split\": \"valid\"}\n"
                                 "{\"file\": \"w.png\", \"split\": \"valid\"}\n";
    cr_assert_eq(try_text(text, "val", false, &p, &found, &err), YT_OK, "%s", err.text);
    cr_assert_eq(found.images, 2, "%s", p.text);
}

Test(ndjson, lines_that_are_no_image_and_images_that_are_there_twice_are_reported) {
    test_problems p;
    yti_scan_summary found;
    yt_err err;
    cr_assert_eq(try_text(HEAD GOOD "{\"type\": \"picture\", \"file\": \"b.png\"}\n\n{\"name\": \"b.png\"}\n" GOOD,
                          "train", false, &p, &found, &err),
                 YT_OK, "%s", err.text);
    cr_assert_not_null(strstr(p.text, "set.ndjson:3: the line is left out: it is no image"), "%s", p.text);
    cr_assert_not_null(strstr(p.text, "set.ndjson:5: the line is left out: it is no image"), "%s", p.text);
    cr_assert_not_null(strstr(p.text, "set.ndjson:6: the image is the file of line 2, too"), "%s", p.text);
}

Test(ndjson, many_lines_of_no_split_are_counted_and_not_all_reported) {
    char text[8192] = HEAD GOOD;
    test_problems p;
    yti_scan_summary found;
    yt_err err;
    for (int i = 0; i < 50; i++) strcat(text, "{\"file\": \"b.png\", \"split\": \"dev\"}\n");
    cr_assert_eq(try_text(text, "train", false, &p, &found, &err), YT_OK, "%s", err.text);
    cr_assert_eq(p.count, 21, "%d", p.count);
    cr_assert_not_null(strstr(p.text, "and 30 more such lines"), "%s", p.text);
    cr_assert_eq(found.bad_images, 50);
}

Test(ndjson, two_records_in_one_line_and_a_wrong_kpt_shape_are_refused) {
    test_problems p;
    yti_scan_summary found;
    yt_err err;
    cr_assert_eq(try_text(HEAD "{\"file\": \"a.png\"} {\"file\": \"b.png\"}\n", "train", false, &p, &found, &err),
                 YT_ERR_SYNTAX);
    cr_assert_not_null(strstr(err.text, "set.ndjson:2: this is not one JSON object"), "%s", err.text);
    cr_assert_eq(
        try_text("{\"class_names\": [\"cat\"], \"kpt_shape\": [17, 4]}\n" GOOD, "train", false, &p, &found, &err),
        YT_ERR_DATA);
    cr_assert_not_null(strstr(err.text, "set.ndjson:1: kpt_shape: must be"), "%s", err.text);
}

/* ---- NUL bytes, in every text of a data set ---- */

/* Writes `text`, in which each '@' is a NUL byte. */
static void write_with_nul(const char *name, const char *text) {
    size_t bytes = strlen(text);
    char *copy = strdup(text);
    cr_assert_not_null(copy);
    for (size_t i = 0; i < bytes; i++)
        if (copy[i] == '@') copy[i] = '\0';
    test_folder_write(name, copy, bytes);
    free(copy);
}

static void expect_refused(const char *file, const char *wanted) {
    test_problems p;
    yti_scan_summary found;
    yt_err err;
    cr_assert_neq(try_file(file, "train", false, &p, &found, &err), YT_OK, "%s was read: %s", file, p.text);
    cr_assert_not_null(strstr(err.text, wanted), "%s: '%s' does not say '%s'", file, err.text, wanted);
}

Test(ndjson, a_nul_byte_ends_no_text_of_a_data_set_in_silence) {
    test_folder_write_image("d/a.png", 20, 20);
    test_folder_write_image("d/b.png", 20, 20);
    test_folder_write_text("d/a.txt", "0 .5 .5 .2 .4\n");
    test_folder_write_text("d/b.txt", "0 .5 .5 .2 .4\n");
    write_with_nul("d/set.ndjson", HEAD GOOD "@\n" GOOD);
    expect_refused("d/set.ndjson", "set.ndjson:3: holds a NUL byte");

    test_folder_write_text("d/good.names", "cat\n");
    test_folder_write_text("d/good.txt", "a.png\nb.png\n");
    write_with_nul("d/keys.data", "train = good.txt\r\n@\r\nnames = good.names\r\n");
    expect_refused("d/keys.data", "keys.data:2: holds a NUL byte");
    write_with_nul("d/bad.names", "cat\ndo@g\nbird\n");
    test_folder_write_text("d/names.data", "train = good.txt\nnames = bad.names\n");
    expect_refused("d/names.data", "bad.names:2: holds a NUL byte");
    write_with_nul("d/bad.txt", "a.png\n@\nb.png\n");
    test_folder_write_text("d/list.data", "train = bad.txt\nnames = good.names\n");
    expect_refused("d/list.data", "bad.txt:2: holds a NUL byte");

    write_with_nul("d/set.yaml", "train: good.txt\n@\nnames: [cat]\n");
    expect_refused("d/set.yaml", "set.yaml");
    write_with_nul("d/coco.json", "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}],\n\"annotations\": [@],\n"
                                  "\"categories\": [{\"id\": 1, \"name\": \"c@at\"}]}");
    test_folder_write_text("d/coco.yaml", "train: coco.json\nnames: [c]\n");
    expect_refused("d/coco.yaml", "coco.json:2: holds a NUL byte");
}

Test(ndjson, a_nul_byte_in_a_label_file_makes_its_row_bad_and_not_the_next_ones) {
    test_problems p;
    yti_scan_summary found;
    yt_err err;
    test_folder_write_image("d/a.png", 20, 20);
    write_with_nul("d/a.txt", "0 .5 .5 .2@ .4\n0 .3 .3 .2 .2\n");
    test_folder_write_text("d/list.txt", "a.png\n");
    test_folder_write_text("d/set.yaml", "train: list.txt\nnames: [cat]\n");
    cr_assert_eq(try_file("d/set.yaml", "train", false, &p, &found, &err), YT_OK, "%s", err.text);
    cr_assert_eq(found.boxes, 1);
    cr_assert_eq(yti_scan_bad_rows(&found), 1, "%s", p.text);
}

Test(ndjson, lines_end_as_on_every_system) {
    char text[] = " a \r\nb\rc\n\nd";
    char *rest = text, *line;
    static const char *const wanted[] = {"a", "b", "c", "", "d"};
    size_t n = 0;
    for (; (line = yti_next_line(&rest)); n++) {
        cr_assert_lt(n, sizeof wanted / sizeof *wanted);
        cr_assert_str_eq(line, wanted[n]);
    }
    cr_assert_eq(n, sizeof wanted / sizeof *wanted);
}
