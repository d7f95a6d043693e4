/* Tests of src/data/index/dataset.c, sources.c, listing.c and scan.c: YAML forms, paths, classes, reports. */
#include "base/file.h"
#include "data/index/dataset.h"
#include "support/folder.h"
#include "support/near.h"
#include "support/problems.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(dataset, .init = test_folder_make, .fini = test_folder_remove);

static yti_dataset open_dataset(const char *path) {
    yti_dataset dataset;
    yt_err err = {0};
    cr_assert_eq(yti_dataset_open(path, &dataset, &err), YT_OK, "%s", err.text);
    return dataset;
}

static yti_scan_options options_for(test_problems *p) {
    *p = (test_problems){0};
    return (yti_scan_options){.fraction = 1, .problem = test_problems_note, .context = p, .threads = 2};
}

static yti_split scan(const yti_dataset *dataset, const char *split, const yti_scan_options *options) {
    yti_split found;
    yt_err err = {0};
    cr_assert_eq(yti_dataset_scan(dataset, split, options, &found, &err), YT_OK, "%s", err.text);
    return found;
}

/* Two classes; images/train has a (2 boxes) and b (background), images/val has c (1 box). */
static void make_small_dataset(const char *root) {
    char name[256];
#define IN_ROOT(rest) (snprintf(name, sizeof name, "%s/%s", root, rest), name)
    test_folder_write_image(IN_ROOT("images/train/a.png"), 40, 20);
    test_folder_write_image(IN_ROOT("images/train/b.png"), 20, 40);
    test_folder_write_image(IN_ROOT("images/val/c.png"), 30, 30);
    test_folder_write_text(IN_ROOT("labels/train/a.txt"), "0 0.5 0.5 0.2 0.4\n1 0.25 0.25 0.5 0.5\n");
    test_folder_write_text(IN_ROOT("labels/val/c.txt"), "1 0.5 0.5 1 1\n");
#undef IN_ROOT
}

static void expect_small_dataset(const char *yaml) {
    yti_dataset dataset = open_dataset(yaml);
    test_problems p;
    yti_scan_options options = options_for(&p);
    yti_split train = scan(&dataset, "train", &options), val = scan(&dataset, "val", &options);
    cr_assert_eq(p.count, 0, "%s", p.text);
    cr_assert_eq(train.n_samples, 2);
    cr_assert_eq(val.n_samples, 1);
    cr_assert_eq(train.summary.boxes, 2);
    cr_assert_eq(train.summary.backgrounds, 1);
    cr_assert_str_eq(yti_path_base(train.samples[0].image_path), "a.png");
    cr_assert_eq(train.samples[0].w, 40);
    cr_assert_eq(train.samples[0].h, 20);
    cr_assert_eq(val.samples[0].labels[0].class_id, 1);
    yti_split_free(&train);
    yti_split_free(&val);
    yti_dataset_close(&dataset);
}

Test(dataset, path_is_looked_for_beside_the_yaml) {
    make_small_dataset("d/small");
    test_folder_write_text("d/small.yaml", "path: small\ntrain: images/train\nval: images/val\nnames: [x, y]\n");
    expect_small_dataset(test_folder_path("d/small.yaml"));
}

Test(dataset, path_may_be_absolute_absent_or_empty) {
    make_small_dataset("d/small");
    char text[2048];
    snprintf(text, sizeof text, "path: %s\ntrain: images/train\nval: images/val\nnames: [x, y]\n",
             test_folder_path("d/small"));
    test_folder_write_text("e/abs.yaml", text);
    expect_small_dataset(test_folder_path("e/abs.yaml"));
    test_folder_write_text("d/small/data.yaml", "path:\ntrain: images/train\nval: images/val\nnames: [x, y]\n");
    expect_small_dataset(test_folder_path("d/small/data.yaml"));
    snprintf(text, sizeof text, "train: %s\nval: ./images/val\nnames: [x, y]\n",
             test_folder_path("d/small/images/train"));
    test_folder_write_text("d/small/data.yaml", text);
    expect_small_dataset(test_folder_path("d/small/data.yaml"));
}

Test(dataset, path_of_another_machine_gives_way_to_the_folder_of_the_same_name) {
    make_small_dataset("d/small");
    test_folder_write_text("d/small/data.yaml", "path: /home/somebody/datasets/small/\ntrain: images/train\n"
                                                "val: images/val\nnames: [x, y]\n");
    expect_small_dataset(test_folder_path("d/small/data.yaml"));
}

Test(dataset, a_leading_dotdot_may_count_from_the_wrong_folder) {
    make_small_dataset("d");
    test_folder_write_text("d/data.yaml", "train: ../images/train\nvalid: ../images/val\nnc: 2\nnames: ['x', 'y']\n");
    expect_small_dataset(test_folder_path("d/data.yaml"));
}

Test(dataset, the_working_directory_comes_second) {
    make_small_dataset("cwd/small");
    test_folder_write_text("elsewhere/data.yaml", "path: small\ntrain: images/train\nval: images/val\nnames: [x, y]\n");
    char yaml[1024];
    snprintf(yaml, sizeof yaml, "%s", test_folder_path("elsewhere/data.yaml"));
    cr_assert_eq(chdir(test_folder_path("cwd")), 0);
    expect_small_dataset(yaml);
    test_folder_write_text("cwd/here.yaml",
                           "path: small\ntrain: images/train\nvalidation: images/val\nnames: [x, y]\n");
    expect_small_dataset("here.yaml");
    expect_small_dataset("here");
}

Test(dataset, lists_name_images_one_per_line) {
    make_small_dataset("d");
    test_folder_write_text("d/train.txt", "\xEF\xBB\xBF./images/train/b.png\r\n\nimages/train/a.png  \n");
    test_folder_write_text("d/val.TXT", "images/val/c.png");
    test_folder_write_text("d/data.yaml", "train: train.txt\nval: [val.TXT]\nnames: {1: y, 0: x}\n");
    expect_small_dataset(test_folder_path("d/data.yaml"));
}

Test(dataset, a_split_may_be_several_folders_and_lists) {
    make_small_dataset("d");
    test_folder_write_text("d/more.txt", "images/val/c.png\n");
    test_folder_write_text("d/data.yaml", "train:\n  - images/train\n  - more.txt\nnames: [x, y]\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/data.yaml"));
    test_problems p;
    yti_scan_options options = options_for(&p);
    yti_split train = scan(&dataset, "train", &options);
    cr_assert_eq(train.n_samples, 3);
    yti_split_free(&train);
    yt_err err;
    cr_assert_eq(yti_dataset_scan(&dataset, "val", &options, &train, &err), YT_ERR_DATA);
    cr_assert_not_null(strstr(err.text, "'val:'"));
    yti_dataset_close(&dataset);
}

Test(dataset, lines_that_name_nothing_cost_that_line) {
    make_small_dataset("d");
    test_folder_write_text("d/train.txt", "images/train/a.png\nimages/train/gone.png\nlabels/train/a.txt\n");
    test_folder_write_text("d/data.yaml", "train: train.txt\nnames: [x, y]\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/data.yaml"));
    test_problems p;
    yti_scan_options options = options_for(&p);
    yti_split train = scan(&dataset, "train", &options);
    cr_assert_eq(train.n_samples, 1);
    cr_assert_eq(train.summary.bad_images, 2);
    cr_assert_eq(p.count, 2);
    cr_assert_not_null(strstr(p.text, "train.txt:2: 'images/train/gone.png' does not exist"));
    cr_assert_not_null(strstr(p.text, "train.txt:3: "));
    yti_split_free(&train);
    yti_dataset_close(&dataset);
}

Test(dataset, a_missing_folder_lists_all_that_was_tried) {
    test_folder_write_text("d/data.yaml", "# c\npath: nowhere\ntrain: ../images\nnames: [x]\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/data.yaml"));
    test_problems p;
    yti_scan_options options = options_for(&p);
    yti_split split = {0};
    yt_err err;
    cr_assert_eq(yti_dataset_scan(&dataset, "train", &options, &split, &err), YT_ERR_DATA);
    cr_assert_not_null(strstr(err.text, "data.yaml:3: "));
    cr_assert_not_null(strstr(err.text, "/d/nowhere/../images, "));
    cr_assert_not_null(strstr(err.text, "/d/nowhere/images, "));
    cr_assert_not_null(strstr(err.text, ", nowhere/images"));
    cr_assert_null(split.samples);
    yti_dataset_close(&dataset);
}

Test(dataset, a_folder_is_walked_without_hidden_files_and_endless_links) {
    test_folder_write_image("d/images/z.png", 20, 20);
    test_folder_write_image("d/images/sub/deep/A.JPG", 20, 20);
    test_folder_write_image("d/images/.hidden.png", 20, 20);
    test_folder_write_image("d/images/.cache/h.png", 20, 20);
    test_folder_write_text("d/images/notes.txt", "x");
    cr_assert_eq(symlink("..", test_folder_path("d/images/sub/loop")), 0);
    test_folder_write_text("d/labels/z.txt", "0 .5 .5 .1 .1");
    test_folder_write_text("d/data.yaml", "train: images\nnc: 1\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/data.yaml"));
    cr_assert_str_eq(dataset.names[0], "class_0");
    test_problems p;
    yti_scan_options options = options_for(&p);
    yti_split train = scan(&dataset, "train", &options);
    cr_assert_eq(train.n_samples, 2);
    cr_assert_str_eq(yti_path_base(train.samples[0].image_path), "A.JPG");
    cr_assert_str_eq(yti_path_base(train.samples[1].image_path), "z.png");
    cr_assert_eq(train.summary.backgrounds, 1);
    yti_split_free(&train);
    yti_dataset_close(&dataset);
}

Test(dataset, the_yaml_is_found_by_folder) {
    make_small_dataset("d");
    test_folder_write_text("d/data.yaml", "train: images/train\nval: images/val\nnames: [x, y]\n");
    expect_small_dataset(test_folder_path("d"));
    test_folder_write_text("d/other.yaml", "names: [x]\n");
    yti_dataset dataset;
    yt_err err;
    cr_assert_eq(yti_dataset_open(test_folder_path("d"), &dataset, &err), YT_ERR_DATA);
    cr_assert_not_null(strstr(err.text, "2 YAML files"));
    test_folder_write_text("d/d.yml", "train: images/train\nval: images/val\nnames: [x, y]\n");
    expect_small_dataset(test_folder_path("d"));
    cr_assert_eq(yti_dataset_open(test_folder_path("none"), &dataset, &err), YT_ERR_IO);
}

Test(dataset, mistakes_in_names_are_told_with_their_line) {
    static const struct {
        const char *text, *place, *words;
    } cases[] = {
        {"train: x\n", "data.yaml: ", "neither names"},
        {"nc: 3\nnames: [a, b]\n", "data.yaml:2: ", "2 names, but nc: says 3"},
        {"nc: many\n", "data.yaml:1: ", "nc:"},
        {"nc: 1.5\n", "data.yaml:1: ", "nc:"},
        {"nc: 0\n", "data.yaml:1: ", "nc:"},
        {"nc: 99999999999999999999\n", "data.yaml:1: ", "nc:"},
        {"nc: [1]\n", "data.yaml:1: ", "nc:"},
        {"names: {0: a, 2: b}\n", "data.yaml:1: ", "class 2"},
        {"names: {0: a, x: b}\n", "data.yaml:1: ", "'x'"},
        {"names: {0: a, -1: b}\n", "data.yaml:1: ", "'-1'"},
        {"names: {1: a, 01: b}\n", "data.yaml:1: ", "two names"},
        {"names:\n  - a\n  - [b]\n", "data.yaml:3: ", "must be a text"},
        {"names: cat\n", "data.yaml:1: ", "list of class names"},
        {"names: []\n", "data.yaml:1: ", "list of class names"},
        {"- a\n", "data.yaml:1: ", "map"},
        {"names: [a]\npath: [b]\n", "data.yaml:2: ", "path:"},
        {"names: [a]\ntrain: {b: c}\n", "data.yaml:2: ", "train:"},
        {"names: [a]\ntrain: [b, [c]]\n", "data.yaml:2: ", "train:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_folder_write_text("data.yaml", cases[i].text);
        yti_dataset dataset = {0};
        yt_err err = {0};
        cr_assert_neq(yti_dataset_open(test_folder_path("data.yaml"), &dataset, &err), YT_OK, "accepted %s",
                      cases[i].text);
        cr_assert_not_null(strstr(err.text, cases[i].place), "'%s' lacks %s", err.text, cases[i].place);
        cr_assert_not_null(strstr(err.text, cases[i].words), "'%s' lacks %s", err.text, cases[i].words);
        cr_assert_null(dataset.names);
    }
}

Test(dataset, unknown_keys_and_numeric_names_are_fine) {
    test_folder_write_text("data.yaml", "nc: '2'\nnames: [7, yes]\nroboflow: {a: b}\ndownload: x\ntest:\n");
    yti_dataset dataset = open_dataset(test_folder_path("data.yaml"));
    cr_assert_eq(dataset.n_classes, 2);
    cr_assert_str_eq(dataset.names[0], "7");
    cr_assert_str_eq(dataset.names[1], "yes");
    yti_dataset_close(&dataset);
    yti_dataset_close(&dataset);
}

Test(dataset, bad_rows_and_bad_images_cost_only_themselves) {
    make_small_dataset("d");
    test_folder_write_text("d/labels/train/a.txt", "0 0.5 0.5 0.2 0.4\n2 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.2 0.4\n");
    test_folder_write_text("d/images/train/broken.jpg", "no picture");
    test_folder_write_image("d/images/train/small.png", 9, 40);
    test_folder_write_text("d/data.yaml", "train: images/train\nnames: [x, y]\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/data.yaml"));
    test_problems p, again;
    yti_scan_options options = options_for(&p);
    yti_split train = scan(&dataset, "train", &options);
    cr_assert_eq(train.n_samples, 2);
    cr_assert_eq(train.samples[0].n_labels, 1);
    cr_assert_eq(train.summary.images, 2);
    cr_assert_eq(train.summary.boxes, 1);
    cr_assert_eq(train.summary.bad_images, 2);
    cr_assert_eq(yti_scan_bad_rows(&train.summary), 1);
    cr_assert_eq(train.summary.rules[YT_LABEL_DUPLICATE], 1);
    cr_assert_eq(train.summary.backgrounds, 1);
    cr_assert_eq(p.count, 4);
    cr_assert_not_null(strstr(p.text, "labels/train/a.txt:2: class 2, but there are 2 classes (0 to 1)"));
    cr_assert_not_null(strstr(p.text, "labels/train/a.txt:3: the same box as in line 1"));
    cr_assert_not_null(strstr(p.text, "broken.jpg: not a readable"));
    cr_assert_not_null(strstr(p.text, "small.png: 9 x 40 pixels"));
    yti_split_free(&train);

    options = options_for(&again); /* reports come in the same order for any number of threads */
    options.threads = 1;
    train = scan(&dataset, "train", &options);
    cr_assert_str_eq(p.text, again.text);
    yti_split_free(&train);

    options = options_for(&again);
    options.strict = true;
    yt_err err;
    cr_assert_eq(yti_dataset_scan(&dataset, "train", &options, &train, &err), YT_ERR_DATA);
    cr_assert_eq(again.count, 4);
    cr_assert_not_null(strstr(err.text, "4 problems"));
    yti_dataset_close(&dataset);
}

Test(dataset, fraction_keeps_the_first_images) {
    test_folder_write_image("d/images/a.png", 20, 20);
    test_folder_write_image("d/images/b.png", 20, 20);
    test_folder_write_image("d/images/c.png", 20, 20);
    test_folder_write_text("d/labels/a.txt", "0 .5 .5 .1 .1");
    test_folder_write_text("d/data.yaml", "train: images\nnc: 1\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/data.yaml"));
    test_problems p;
    yti_scan_options options = options_for(&p);
    static const struct {
        double fraction;
        int expected;
    } cases[] = {{1, 3}, {0.7, 2}, {2.5 / 3, 2}, {0.5, 2}, {0.4, 1}, {0.01, 1}}; /* half to even; never none */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options.fraction = cases[i].fraction;
        yti_split split = scan(&dataset, "train", &options);
        cr_assert_eq(split.n_samples, cases[i].expected);
        yti_split_free(&split);
    }
    yti_split split;
    static const double refused[] = {0, -1, 1.5, (double)__builtin_nanf("")};
    for (size_t i = 0; i < 4; i++) {
        options.fraction = refused[i];
        cr_assert_eq(yti_dataset_scan(&dataset, "train", &options, &split, NULL), YT_ERR_ARGUMENT);
    }
    yti_dataset_close(&dataset);
}

Test(dataset, no_label_file_at_all_is_an_error_for_training_and_told_for_validation) {
    test_folder_write_image("d/images/a.png", 20, 20);
    test_folder_write_text("d/data.yaml", "train: images\nval: images\nnc: 1\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/data.yaml"));
    test_problems p;
    yti_scan_options options = options_for(&p);
    yti_split split;
    yt_err err;
    cr_assert_eq(yti_dataset_scan(&dataset, "train", &options, &split, &err), YT_ERR_DATA);
    cr_assert_not_null(strstr(err.text, "d/labels/a.txt"));
    split = scan(&dataset, "val", &options);
    cr_assert_eq(p.count, 1);
    yti_split_free(&split);
    yti_dataset_close(&dataset);
}

Test(dataset, an_empty_folder_is_an_error) {
    test_folder_write_text("d/images/readme", "x");
    test_folder_write_text("d/data.yaml", "train: images\nval: images/readme\nnc: 1\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/data.yaml"));
    test_problems p;
    yti_scan_options options = options_for(&p);
    yti_split split;
    yt_err err;
    cr_assert_eq(yti_dataset_scan(&dataset, "train", &options, &split, &err), YT_ERR_DATA);
    cr_assert_not_null(strstr(err.text, "no image files"));
    cr_assert_eq(yti_dataset_scan(&dataset, "val", &options, &split, &err), YT_ERR_DATA);
    cr_assert_not_null(strstr(err.text, "neither a folder"));
    yti_dataset_close(&dataset);
}

/* ---- choosing classes ---- */

Test(dataset, classes_are_named_by_number_or_name) {
    test_folder_write_text("d/data.yaml", "train: x\nnames: [cat, dog, red bus, DOG]\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/data.yaml"));
    static const struct {
        const char *text;
        bool wanted[4];
    } cases[] = {{"0,2", {true, false, true}},
                 {"1", {false, true, false}},
                 {" red bus , 1 ", {false, true, true}},
                 {"dog,dog,1", {false, true, false}},
                 {"Cat,DOG", {true, false, false, true}}, /* as names are compared; one that is written so is meant */
                 {"RED BUS, Dog", {false, true, true}}};
    bool *wanted;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(yti_dataset_classes(&dataset, cases[i].text, &wanted, NULL), YT_OK);
        for (int c = 0; c < 4; c++) cr_assert_eq(wanted[c], cases[i].wanted[c], "%s", cases[i].text);
        free(wanted);
    }
    static const struct {
        const char *text, *reason;
        bool empty; /* wrong whatever the names are */
    } refused[] = {{"4", "--classes: '4' is neither a number from 0 to 3 nor a class", false},
                   {"-1", "'-1' is neither", false},
                   {"1.5", "'1.5' is neither", false},
                   {"0;2", "'0;2' is neither", false},
                   {"1,dgo", "'dgo' is neither", false},
                   {"dogs ,1", "; did you mean dog?", false},
                   {"0,", "--classes: \"0,\" has an empty entry", true},
                   {",", "has an empty entry", true},
                   {"", "has an empty entry", true},
                   {"0, ,1", "has an empty entry", true}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        yt_err err = {0};
        const char *text = refused[i].text;
        cr_assert_eq(yti_dataset_classes(&dataset, text, &wanted, &err), YT_ERR_ARGUMENT, "%s", text);
        cr_assert_not_null(strstr(err.text, refused[i].reason), "%s", err.text);
        cr_assert_eq(yti_classes_check(text, NULL) != YT_OK, refused[i].empty, "%s", text);
    }
    yti_dataset_close(&dataset);
}

Test(dataset, boxes_of_other_classes_are_left_out_and_their_images_stay) {
    make_small_dataset("d/small");
    test_folder_write_text("d/small/data.yaml", "train: images/train\nval: images/val\nnames: [x, y]\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/small/data.yaml"));
    test_problems p;
    yti_scan_options options = options_for(&p);
    const bool only_second[2] = {false, true};
    options.classes = only_second;
    yti_split split = scan(&dataset, "train", &options);
    cr_assert_eq(p.count, 0, "%s", p.text);
    cr_assert(split.n_samples == 2 && split.summary.boxes == 1);
    cr_assert_eq(split.samples[0].labels[0].class_id, 1);
    yti_split_free(&split);
    options.single_class = true; /* chosen first, then all one */
    split = scan(&dataset, "train", &options);
    cr_assert(split.summary.boxes == 1 && split.samples[0].labels[0].class_id == 0);
    yti_split_free(&split);
    yti_dataset_close(&dataset);
}

Test(dataset, a_single_class_takes_any_number_and_makes_no_duplicates) {
    make_small_dataset("d");
    test_folder_write_text("d/labels/train/a.txt", "7 .5 .5 .1 .1\n0 .5 .5 .1 .1\n");
    test_folder_write_text("d/data.yaml", "train: images/train\nval: images/val\nnames: [x, y]\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/data.yaml"));
    test_problems p;
    yti_scan_options options = options_for(&p);
    options.single_class = true;
    yti_split split = scan(&dataset, "train", &options);
    cr_assert_eq(p.count, 0, "%s", p.text);
    cr_assert_eq(split.samples[0].n_labels, 2); /* they were of different classes */
    cr_assert(split.samples[0].labels[0].class_id == 0 && split.samples[0].labels[1].class_id == 0);
    yti_split_free(&split);
    yti_dataset_close(&dataset);
}

Test(dataset, outlines_are_used_only_when_every_label_has_one) {
    make_small_dataset("d");
    test_folder_write_text("d/labels/train/a.txt", "0 .1 .1 .9 .1 .5 .9\n");
    test_folder_write_text("d/data.yaml", "train: images/train\nval: images/val\nnames: [x, y]\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/data.yaml"));
    test_problems p;
    yti_scan_options options = options_for(&p);
    options.strict = true; /* it is no problem of any label */
    yti_split split = scan(&dataset, "train", &options);
    cr_assert_eq(p.count, 0, "%s", p.text);
    cr_assert_eq(split.samples[0].labels[0].n_points, 3);
    cr_assert_not_null(split.samples[0].points);
    yti_split_free(&split);
    test_folder_write_text("d/labels/train/b.txt", "1 .5 .5 .5 .5\n");
    split = scan(&dataset, "train", &options);
    cr_assert_eq(p.count, 1);
    cr_assert_not_null(strstr(p.text, "1 of 2 labels are outlines"), "%s", p.text);
    cr_assert_eq(split.samples[0].labels[0].n_points, 0);
    cr_assert_null(split.samples[0].points);
    cr_assert(test_near((double)split.samples[0].labels[0].box.h, 0.8, 1e-6));
    yti_split_free(&split);
    yti_dataset_close(&dataset);
}

/* ---- real data ---- */

static void expect_real(const char *yaml, const char *split, int images, int boxes) {
    char path[512];
    snprintf(path, sizeof path, "%s/data/%s", YT_SHARED_DIR, yaml);
    if (!yti_path_exists(path)) cr_skip_test("no shared data: %s", path);
    yti_dataset dataset = open_dataset(path);
    test_problems p;
    yti_scan_options options = options_for(&p);
    yti_split found = scan(&dataset, split, &options);
    cr_log_info("%s %s: %d images, %d backgrounds, %d boxes, %d bad rows, %d duplicates\n%s", yaml, split,
                found.n_samples, found.summary.backgrounds, found.summary.boxes, yti_scan_bad_rows(&found.summary),
                found.summary.rules[YT_LABEL_DUPLICATE], p.text);
    cr_assert_eq(found.n_samples, images);
    if (boxes >= 0) cr_assert_eq(found.summary.boxes, boxes);
    yti_split_free(&found);
    yti_dataset_close(&dataset);
}

static bool is_coco(const char *yaml) {
    test_folder_write_text("coco/data.yaml", yaml);
    yti_dataset dataset = open_dataset(test_folder_path("coco/data.yaml"));
    bool is = yti_dataset_is_coco(&dataset, "val");
    yti_dataset_close(&dataset);
    return is;
}

Test(dataset, cocos_own_lists_are_known_by_their_names) {
    test_folder_write_text("coco/val2017.txt", "");
    test_folder_write_text("coco/myval2017.txt", "");
    test_folder_write_text("coco/test-dev2017.txt", "");
    test_folder_write_text("other/val2017.txt", "");
    cr_assert(is_coco("train: .\nval: val2017.txt\nnames: [a]\n"));
    cr_assert(is_coco("train: .\nval: test-dev2017.txt\nnames: [a]\n"));
    cr_assert(is_coco("path: ../coco\ntrain: .\nval: val2017.txt\nnames: [a]\n"));
    cr_assert_not(is_coco("train: .\nval: myval2017.txt\nnames: [a]\n"));
    cr_assert_not(is_coco("train: .\nval: ../other/val2017.txt\nnames: [a]\n"));
    cr_assert_not(is_coco("train: .\nval: [val2017.txt, myval2017.txt]\nnames: [a]\n"));
    cr_assert_not(is_coco("train: .\nval: absent/val2017.txt\nnames: [a]\n"));
}

Test(dataset, coco8_is_read) {
    expect_real("coco8.yaml", "train", 4, 13);
    expect_real("coco8.yaml", "val", 4, 17);
}

Test(dataset, coco128_and_bccd_are_read) {
    expect_real("coco128.yaml", "train", 128, 929);
    expect_real("bccd.yaml", "train", 292, -1);
    expect_real("bccd.yaml", "val", 72, -1);
}

/* An image whose header is good and whose pixels are not: it costs itself, before the training, not during it. */
Test(dataset, an_image_damaged_in_the_middle_is_left_out_by_the_scan) {
    make_small_dataset("d/small");
    test_folder_write_text("d/small.yaml", "path: small\ntrain: images/train\nval: images/val\nnames: [x, y]\n");
    test_folder_write_image("d/small/images/train/z.png", 64, 64);
    FILE *file = fopen(test_folder_path("d/small/images/train/z.png"), "r+b");
    cr_assert_not_null(file);
    fseek(file, 50, SEEK_SET); /* within the first data chunk: after signature, IHDR and the chunk's head */
    for (int i = 0; i < 16; i++) fputc(0xFF, file);
    fclose(file);
    test_problems p;
    yti_scan_options options = options_for(&p);
    yti_dataset dataset = open_dataset(test_folder_path("d/small.yaml"));
    yti_split split = scan(&dataset, "train", &options);
    cr_expect_eq(split.n_samples, 2);
    cr_expect_eq(split.summary.bad_images, 1);
    cr_expect_not_null(strstr(p.text, "z.png"), "%s", p.text);
    yti_split_free(&split);
    yti_dataset_close(&dataset);
}

/* One line for all of them; the images stay, with the numbers that the reference reads. */
Test(dataset, twelve_bits_in_sixteen_are_reported_once) {
    char *data;
    size_t bytes;
    make_small_dataset("d/small");
    cr_assert_eq(yti_file_read(YT_SOURCE_DIR "/tests/data/images/twelve-bits.png", 1 << 20, &data, &bytes, NULL),
                 YT_OK);
    test_folder_write("d/small/images/train/a.png", data, bytes);
    test_folder_write("d/small/images/train/b.png", data, bytes);
    free(data);
    test_folder_write_text("d/small.yaml", "path: small\ntrain: images/train\nval: images/val\nnames: [x, y]\n");
    yti_dataset dataset = open_dataset(test_folder_path("d/small.yaml"));
    test_problems p;
    yti_scan_options options = options_for(&p);
    yti_split train = scan(&dataset, "train", &options);
    cr_assert_eq(train.n_samples, 2);
    cr_assert_geq(train.samples[0].decode_bytes, 29u * 21 * 9);
    cr_assert_eq(p.count, 1, "%s", p.text);
    cr_assert_not_null(strstr(p.text, "2 of 2 images"), "%s", p.text);
    cr_assert_not_null(strstr(p.text, "nearly black"), "%s", p.text);
    yti_split_free(&train);
    yti_dataset_close(&dataset);
}
