/* Tests of src/data/index/scan.c, strays.c and presence.c: what costs a row, an image or the run. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "base/file.h"
#include "base/presence.h"
#include "data/index/dataset.h"
#include "support/folder.h"
#include "support/problems.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Stands in front of that of the C library: after that many entries a listing fails. -1: never. */
static int entries_left = -1;

struct dirent *readdir(DIR *dir) {
    struct dirent *(*next)(DIR *);
    *(void **)&next = dlsym(RTLD_NEXT, "readdir");
    if (entries_left == 0) {
        errno = EIO;
        return NULL;
    }
    if (entries_left > 0) entries_left--;
    return next(dir);
}

/* The same for opening a folder: one whose path ends so fails with this error. NULL: none does. */
static const char *closed_folder;
static int closed_error;

DIR *opendir(const char *path) {
    DIR *(*next)(const char *);
    *(void **)&next = dlsym(RTLD_NEXT, "opendir");
    size_t length = strlen(path), end = closed_folder ? strlen(closed_folder) : 0;
    if (closed_folder && length >= end && strcmp(path + length - end, closed_folder) == 0) {
        errno = closed_error;
        return NULL;
    }
    return next(path);
}

TestSuite(scan, .init = test_folder_make, .fini = test_folder_remove);

/* Scans "train" of d/data.yaml. */
static yt_status try_scan(bool strict, test_problems *p, yti_split *out, yt_err *err) {
    *p = (test_problems){0};
    *err = (yt_err){0};
    yti_dataset dataset;
    yt_status status = yti_dataset_open(test_folder_path("d/data.yaml"), &dataset, err);
    if (status != YT_OK) return status;
    yti_scan_options options = {
        .strict = strict, .fraction = 1, .problem = test_problems_note, .context = p, .threads = 2};
    status = yti_dataset_scan(&dataset, "train", &options, out, err);
    yti_dataset_close(&dataset);
    return status;
}

static yti_split scan(test_problems *p) {
    yti_split out;
    yt_err err;
    cr_assert_eq(try_scan(false, p, &out, &err), YT_OK, "%s", err.text);
    return out;
}

static void expect_failure(yt_status expected, const char *part) {
    test_problems p;
    yti_split split;
    yt_err err;
    cr_assert_eq(try_scan(false, &p, &split, &err), expected, "'%s' (%s)", err.text, part);
    cr_assert_not_null(strstr(err.text, part), "'%s' does not say '%s'", err.text, part);
}

/* Two classes; images a and b, a with a box. */
static void make_set(void) {
    test_folder_write_image("d/images/a.png", 20, 20);
    test_folder_write_image("d/images/b.png", 20, 20);
    test_folder_write_text("d/labels/a.txt", "0 .5 .5 .4 .4\n");
    test_folder_write_text("d/data.yaml", "train: images\nval: images\nnames: [x, y]\n");
}

Test(scan, an_image_whose_rows_are_all_bad_is_left_out) {
    make_set();
    test_folder_write_text("d/labels/b.txt", "0 .5 .5 .4 .4 .9\n0 .5 .5 .3 .3 .8\n");
    test_problems p;
    yti_split split = scan(&p);
    cr_assert(split.n_samples == 1 && split.summary.lost_images == 1 && split.summary.backgrounds == 0);
    char text[512];
    yti_scan_summary_text(&split.summary, text, sizeof text);
    cr_assert_str_eq(text, "1 images, 1 boxes, 0 backgrounds, 1 images left out because all their rows are bad, 2 bad "
                           "boxes left out (2 with a sixth column)");
    yti_split_free(&split);
}

Test(scan, a_training_set_without_a_usable_box_is_refused_with_the_first_reason) {
    static const struct {
        const char *rows, *reason;
    } cases[] = {
        {"0,.5,.5,.1,.1\n", "no usable box in 2 images; 1 bad rows were left out, the first: "},
        {"0,.5,.5,.1,.1\n", "labels/a.txt:1: '0,.5,.5,.1,.1': commas"},
        {"0 .5 .5 .1 .1 .9\n0 .5 .5 .2 .2 .9\n", "2 bad rows were left out"},
        {"0 .5 .5 0 0\n", "the box has no size"},
        {"2 .5 .5 .1 .1\n", "are the classes numbered from 1?"},
        {"0 .5 .5 .2 .3 .4 .4 2 .6 .6 2\n", "kpt_shape: [2, 3]"},
        {"", "the label files are empty"},
        {"\n  \r\n", "the label files are empty"},
    };
    make_set();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_folder_write_text("d/labels/a.txt", cases[i].rows);
        expect_failure(YT_ERR_DATA, cases[i].reason);
    }
}

Test(scan, classes_that_count_from_1_are_recognised) {
    make_set();
    test_problems p;
    test_folder_write_text("d/labels/a.txt", "1 .5 .5 .4 .4\n2 .5 .5 .2 .2\n");
    yti_split split = scan(&p);
    cr_assert_not_null(strstr(p.text, "there is a class 2, and no class 0: are the classes numbered from 1?"), "%s",
                       p.text);
    yti_split_free(&split);
    test_folder_write_text("d/labels/b.txt", "0 .5 .5 .4 .4\n");
    split = scan(&p);
    cr_assert_null(strstr(p.text, "numbered from 1"), "%s", p.text);
    yti_split_free(&split);
}

Test(scan, strict_counts_every_rule_but_notes) {
    static const struct {
        const char *rows;
        int problems;
    } cases[] = {{"0 .5 .5 .4 .4\n0 .5 .5 .4 .4\n", 1},
                 {"0 .5 .5 .4 .4\n1 .1 .1 .9 .1 .9 .9\n", 1},
                 {"0 .5 .5 .4 .4\n1 1.02 .5 .1 .1\n5 .5 .5 .1 .1\n", 2},
                 {"1 .1 .1 .9 .1 .9 .9\n", 0},
                 {"0 0 .5 .4 .4\n", 0}};
    make_set();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_problems p;
        yti_split split;
        yt_err err;
        char expected[64];
        test_folder_write_text("d/labels/a.txt", cases[i].rows);
        yt_status status = try_scan(true, &p, &split, &err);
        cr_assert_eq(status, cases[i].problems ? YT_ERR_DATA : YT_OK, "%s: %s", cases[i].rows, err.text);
        snprintf(expected, sizeof expected, "%d problem", cases[i].problems);
        if (status != YT_OK) cr_assert_not_null(strstr(err.text, expected), "%s", err.text);
        if (status == YT_OK) yti_split_free(&split);
    }
}

/* ---- strays ---- */

static void expect_told(const char *part) {
    test_problems p;
    yti_split split = scan(&p);
    cr_assert_not_null(strstr(p.text, part), "'%s' does not say '%s'", p.text, part);
    yti_split_free(&split);
    yt_err err;
    cr_assert_eq(try_scan(true, &p, &split, &err), YT_ERR_DATA);
}

static void expect_silence(void) {
    test_problems p;
    yti_split split = scan(&p);
    cr_assert_eq(p.count, 0, "%s", p.text);
    yti_split_free(&split);
}

/* cvannotate 1.0.0 writes a.jpg.txt always, kili 26.2.4 where the ending is in capitals. */
Test(scan, label_files_of_no_image_are_reported_where_images_lack_theirs) {
    make_set();
    test_folder_write_text("d/labels/classes.txt", "x\ny\n");
    test_folder_write_text("d/labels/README.txt", "");
    test_folder_write_text("d/labels/_darknet.labels", "x\n");
    expect_silence();
    test_folder_write_text("d/labels/b.png.txt", "0 .5 .5 .1 .1\n");
    expect_told("d/labels/b.png.txt (of the image a.jpg it is a.txt and not a.jpg.txt)");
    test_folder_write_text("d/labels/c.txt", "0 .5 .5 .1 .1\n");
    expect_told("2 label files belong to no image; the first is ");
    test_folder_write_text("d/labels/b.txt", "0 .5 .5 .1 .1\n"); /* nothing lacks */
    expect_silence();
}

Test(scan, label_files_in_the_folder_above_or_beside_the_images_are_reported) {
    make_set();
    test_folder_write_image("d/images/sub/e.png", 20, 20);
    test_folder_write_text("d/data.yaml", "train: images\nnames: [x, y]\n");
    expect_silence();
    test_folder_write_text("d/labels/e.txt", "0 .5 .5 .1 .1\n");
    expect_told("1 label file belongs to no image; the first is ");
    cr_assert_eq(remove(test_folder_path("d/labels/e.txt")), 0);
    test_folder_write_text("d/data.yaml", "train: images/sub\nnames: [x, y]\n");
    test_folder_write_image("d/images/sub/f.png", 20, 20);
    test_folder_write_text("d/labels/sub/e.txt", "0 .5 .5 .1 .1\n");
    test_folder_write_text("d/images/sub/f.txt", "0 .5 .5 .1 .1\n");
    expect_told("1 image has a text file beside, but labels are looked for in a folder labels/");
}

Test(scan, a_folder_that_may_not_be_listed_costs_hints_only_and_a_broken_disk_the_run) {
    make_set();
    closed_folder = "d/labels";
    closed_error = EACCES;
    expect_silence();
    closed_error = EIO;
    test_problems p;
    yti_split out;
    yt_err err;
    cr_assert_eq(try_scan(false, &p, &out, &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "d/labels: the folder cannot be read"), "%s", err.text);
    closed_folder = NULL;
}

/* Folds take a part of a folder each. */
Test(scan, labels_of_images_that_a_list_leaves_out_are_no_strays) {
    make_set();
    test_folder_write_image("d/images/c.png", 20, 20);
    test_folder_write_text("d/labels/c.txt", "0 .5 .5 .1 .1\n");
    test_folder_write_text("d/fold.txt", "images/a.png\nimages/b.png\n");
    test_folder_write_text("d/data.yaml", "train: fold.txt\nnames: [x, y]\n");
    expect_silence();
}

Test(scan, one_label_file_of_two_images_is_reported) {
    make_set();
    test_folder_write_image("d/images/a.bmp", 20, 20);
    expect_told("images/a.bmp and a.png share one label file, ");
}

/* ---- what is no file ---- */

Test(scan, a_label_file_that_cannot_be_looked_at_makes_no_background) {
    make_set();
    cr_assert_eq(symlink("/nonexistent/b.txt", test_folder_path("d/labels/b.txt")), 0);
    expect_told("labels/b.txt: is there, but cannot be looked at: No such file");
    cr_assert_eq(unlink(test_folder_path("d/labels/b.txt")), 0);
    cr_assert_eq(symlink("b.txt", test_folder_path("d/labels/b.txt")), 0);
    expect_told("labels/b.txt: is there, but cannot be looked at: ");
    cr_assert_eq(unlink(test_folder_path("d/labels/b.txt")), 0);
    cr_assert_eq(mkdir(test_folder_path("d/labels/b.txt"), 0777), 0);
    expect_told("labels/b.txt: is a folder and not a file");
    test_problems p;
    yti_split split = scan(&p);
    cr_assert(split.n_samples == 1 && split.summary.bad_images == 1 && split.summary.backgrounds == 0);
    yti_split_free(&split);
}

Test(scan, pipes_and_devices_are_not_opened) {
    make_set();
    cr_assert_eq(mkfifo(test_folder_path("d/labels/b.txt"), 0600), 0);
    expect_told("labels/b.txt: is a pipe and not a file");
    cr_assert_eq(mkfifo(test_folder_path("d/images/c.png"), 0600), 0);
    expect_told("images/c.png: is a pipe and not a file");
    cr_assert_eq(symlink("/dev/zero", test_folder_path("d/images/z.png")), 0);
    expect_told("images/z.png: is a device and not a file");
}

Test(scan, nor_are_lists_and_coco_files_that_are_none) {
    make_set();
    cr_assert_eq(mkfifo(test_folder_path("d/list.txt"), 0600), 0);
    test_folder_write_text("d/data.yaml", "train: list.txt\nnames: [x, y]\n");
    expect_failure(YT_ERR_DATA, "d/list.txt: is a pipe and not a file");
    cr_assert_eq(symlink("/dev/zero", test_folder_path("d/t.json")), 0);
    test_folder_write_text("d/data.yaml", "train: t.json\n");
    expect_failure(YT_ERR_DATA, "d/t.json: is a device and not a file");
}

/* Lists of other systems. */
Test(scan, lists_are_read_with_any_line_ends) {
    make_set();
    test_folder_write_text("d/data.yaml", "train: list.txt\nnames: [x, y]\n");
    static const char *const texts[] = {"images/a.png\rimages/b.png\r", "images/a.png\r\n\r\nimages/b.png",
                                        "\xEF\xBB\xBFimages\\a.png\n./images/b.png\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        test_folder_write_text("d/list.txt", texts[i]);
        test_problems p;
        yti_split split = scan(&p);
        cr_assert(split.n_samples == 2 && p.count == 0, "%zu: %s", i, p.text);
        yti_split_free(&split);
    }
    test_folder_write_text("d/list.txt", "\xFF\xFEi");
    expect_failure(YT_ERR_DATA, "list.txt: is UTF-16 text; save it as UTF-8");
}

/* ---- faults of the machine ---- */

Test(scan, faults_of_the_machine_are_told_from_those_of_a_file) {
    static const int of_the_file[] = {0, ENOENT, ENOTDIR, ELOOP, EACCES, EPERM, EISDIR, ENAMETOOLONG};
    static const int of_the_machine[] = {EIO, ENOMEM, EMFILE, ENFILE, ESTALE, ETIMEDOUT};
    for (size_t i = 0; i < sizeof of_the_file / sizeof *of_the_file; i++)
        cr_assert_not(yti_is_machine_fault(of_the_file[i]), "%s", strerror(of_the_file[i]));
    for (size_t i = 0; i < sizeof of_the_machine / sizeof *of_the_machine; i++)
        cr_assert(yti_is_machine_fault(of_the_machine[i]), "%s", strerror(of_the_machine[i]));
}

Test(scan, a_listing_that_fails_half_way_ends_the_run) {
    make_set();
    for (int left = 0; left < 4; left++) { /* ".", "..", a, b */
        entries_left = left;
        expect_failure(YT_ERR_IO, "images: the folder cannot be read to its end: Input/output error");
    }
    entries_left = -1;
    test_problems p;
    yti_split split = scan(&p);
    cr_assert_eq(split.n_samples, 2);
    yti_split_free(&split);
    entries_left = 1;
    yti_dataset dataset;
    yt_err err = {0};
    cr_assert_eq(yti_dataset_open(test_folder_path("d"), &dataset, &err), YT_ERR_IO, "%s", err.text);
    entries_left = -1;
}

/* A process that may open no more files would train on what it had seen so far. */
Test(scan, too_many_open_files_end_the_run) {
    make_set();
    test_problems p;
    yti_split split;
    yt_err err;
    yti_dataset dataset;
    cr_assert_eq(yti_dataset_open(test_folder_path("d/data.yaml"), &dataset, &err), YT_OK);
    test_folder_write_text("d/list.txt", "images/a.png\nimages/b.png\n");
    struct rlimit before, none;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    p = (test_problems){0};
    yti_scan_options options = {.fraction = 1, .problem = test_problems_note, .context = &p, .threads = 1};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    yt_status status = yti_dataset_scan(&dataset, "train", &options, &split, &err);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_eq(status, YT_ERR_IO, "%s", err.text);
    cr_assert_not_null(strstr(err.text, "Too many open files"), "%s", err.text);
    yti_dataset_close(&dataset);
}
