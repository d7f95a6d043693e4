/* Tests of src/data/index/coco_file.c and coco_truth.c: a COCO ground-truth file in place of label files. */
#include "base/file.h"
#include "data/index/dataset.h"
#include "support/folder.h"
#include "support/near.h"
#include "support/problems.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(coco_truth, .init = test_folder_make, .fini = test_folder_remove);

#define CATEGORIES "\"categories\": [{\"id\": 1, \"name\": \"car\"}]"
#define IMAGES     "\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}]"

/* Images a (40 x 20), b (20 x 40) and c (30 x 30); ids and categories in no order. */
static const char json[] =
    "{\"info\": {\"year\": 2017},\n"
    " \"annotations\": [\n"
    "  {\"id\": 7, \"image_id\": 30, \"category_id\": 18, \"bbox\": [3, 6, 15, 12], \"area\": 90.5, "
    "\"iscrowd\": 0},\n"
    "  {\"id\": 8, \"image_id\": 10, \"category_id\": 3, \"bbox\": [10, 5, 20, 10], \"iscrowd\": 0,\n"
    "   \"segmentation\": [[10, 5, 30, 5, 30, 15]]},\n"
    "  {\"id\": 9, \"image_id\": 10, \"category_id\": 18, \"bbox\": [-5, 8.5, 15, 12], \"area\": 50},\n"
    "  {\"id\": 11, \"image_id\": 10, \"category_id\": 3, \"bbox\": [0, 0, 40, 20], \"iscrowd\": 1, "
    "\"area\": "
    "12,\n"
    "   \"segmentation\": {\"size\": [20, 40], \"counts\": [1, 2]}}],\n"
    " \"images\": [{\"id\": 30, \"file_name\": \"c.png\", \"width\": 30, \"height\": 30},\n"
    "  {\"id\": 20, \"file_name\": \"b.png\"}, {\"id\": 10, \"file_name\": \"a.png\", \"width\": 40, "
    "\"height\": 20}],\n"
    " \"categories\": [{\"id\": 18, \"name\": \"dog\"}, {\"id\": 3, \"name\": \"car\"}]}\n";

static void make_pictures(const char *folder) {
    char name[128];
    static const int sizes[3][2] = {{40, 20}, {20, 40}, {30, 30}};
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s/%c.png", folder, 'a' + i);
        test_folder_write_image(name, sizes[i][0], sizes[i][1]);
    }
}

static yt_status try_scan(const char *split, bool strict, double fraction, test_problems *p, yti_split *out,
                          yt_err *err) {
    *p = (test_problems){0};
    *err = (yt_err){0};
    yti_dataset dataset;
    yt_status status = yti_dataset_open(test_folder_path("d/data.yaml"), &dataset, err);
    if (status != YT_OK) return status;
    yti_scan_options options = {
        .strict = strict, .fraction = fraction, .problem = test_problems_note, .context = p, .threads = 2};
    status = yti_dataset_scan(&dataset, split, &options, out, err);
    yti_dataset_close(&dataset);
    return status;
}

static yti_split scan(const char *split, test_problems *p) {
    yti_split out;
    yt_err err;
    cr_assert_eq(try_scan(split, false, 1, p, &out, &err), YT_OK, "%s", err.text);
    return out;
}

static void expect_refused(yt_status expected, const char *part) {
    test_problems p;
    yti_split split;
    yt_err err;
    cr_assert_eq(try_scan("train", false, 1, &p, &split, &err), expected, "'%s' (%s)", err.text, part);
    cr_assert_not_null(strstr(err.text, part), "'%s' does not say '%s'", err.text, part);
}

static void write_files(const char *yaml, const char *truth) {
    test_folder_write_text("d/data.yaml", yaml);
    test_folder_write_text("d/truth.json", truth);
}

static void expect_box(const yti_label *label, int class_id, double cx, double cy, double w, double h) {
    cr_assert_eq(label->class_id, class_id);
    cr_assert(test_near((double)label->box.cx, cx, 1e-6) && test_near((double)label->box.cy, cy, 1e-6));
    cr_assert(test_near((double)label->box.w, w, 1e-6) && test_near((double)label->box.h, h, 1e-6));
}

Test(coco_truth, boxes_areas_crowds_and_ids_are_read) {
    make_pictures("d");
    write_files("train: truth.json\nnames: [car, dog, cat]\n", json);
    test_problems p;
    yti_split split = scan("train", &p);
    cr_assert_eq(p.count, 0, "%s", p.text);
    cr_assert_eq(split.n_samples, 3);
    cr_assert(split.summary.boxes == 3 && split.summary.backgrounds == 1); /* a crowd is no box */
    const yti_sample *a = &split.samples[0], *b = &split.samples[1], *c = &split.samples[2];
    cr_assert_str_eq(yti_path_base(a->image_path), "a.png");
    cr_assert(a->image_id == 10 && b->image_id == 20 && c->image_id == 30);
    cr_assert(a->n_labels == 3 && b->n_labels == 0 && c->n_labels == 1);
    expect_box(&a->labels[0], 0, 20 / 40.0, 10 / 20.0, 20 / 40.0, 10 / 20.0);
    expect_box(&a->labels[1], 1, 2.5 / 40, 14.5 / 20, 15 / 40.0, 12 / 20.0); /* over the border: as it is */
    expect_box(&c->labels[0], 1, 10.5 / 30, 12 / 30.0, 15 / 30.0, 12 / 30.0);
    cr_assert(!a->labels[0].crowd && !a->labels[1].crowd && a->labels[2].crowd);
    cr_assert(!a->labels[0].coco_only && !a->labels[1].coco_only && a->labels[2].coco_only);
    const yti_coco_object *first = a->labels[0].object, *over = a->labels[1].object;
    cr_assert(first->area == -1 && over->area == 50 && c->labels[0].object->area == 90.5);
    cr_assert(first->x == 10 && first->y == 5 && first->w == 20 && first->h == 10);
    cr_assert(over->x == -5 && over->y == 8.5 && over->w == 15 && over->h == 12);
    cr_assert(split.category_ids[0] == 3 && split.category_ids[1] == 18 && split.category_ids[2] == -1);
    yti_split_free(&split);
}

/* The rule of all names of classes; but "Dog", where both are classes, is the one that is written so. */
Test(coco_truth, categories_are_found_without_regard_to_case_and_spaces) {
    make_pictures("d");
    write_files("train: truth.json\nnames: [' Car', DOG, dog]\n", json);
    test_problems p;
    yti_split split = scan("train", &p);
    cr_assert_eq(p.count, 0, "%s", p.text);
    const yti_sample *a = &split.samples[0];
    cr_assert(a->n_labels == 3 && a->labels[0].class_id == 0 && a->labels[1].class_id == 2);
    cr_assert(split.category_ids[0] == 3 && split.category_ids[1] == -1 && split.category_ids[2] == 18);
    yti_split_free(&split);
}

/* Three truth files that pycocotools counts otherwise without a word (engines of other tools, measured). */
Test(coco_truth, what_other_tools_trip_over_is_noted) {
    make_pictures("d");
    static const struct {
        int ids[2], category;
        const char *note;
    } cases[] = {{{1, 2}, 1, NULL},
                 {{0, 1}, 1, "annotation 0 is never found"},
                 {{5, 5}, 1, "of the annotations with id 5 only the last one counts"},
                 {{1, 2}, 2, "the categories 1 and 2, both 'car', are two classes"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char truth[1024];
        snprintf(truth, sizeof truth,
                 "{" IMAGES ", \"annotations\": ["
                 "{\"id\": %d, \"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4]},"
                 "{\"id\": %d, \"image_id\": 1, \"category_id\": %d, \"bbox\": [9, 2, 8, 4]}],"
                 "\"categories\": [{\"id\": 1, \"name\": \"car\"}, {\"id\": 2, \"name\": \"%s\"}]}",
                 cases[i].ids[0], cases[i].ids[1], cases[i].category, cases[i].category == 2 ? "car" : "dog");
        write_files("train: truth.json\nnames: [car, dog]\n", truth);
        test_problems p;
        yti_split split = scan("train", &p);
        cr_assert(cases[i].note ? split.coco_note && strstr(split.coco_note, cases[i].note) : !split.coco_note, "%s",
                  split.coco_note ? split.coco_note : "nothing");
        yti_split_free(&split);
    }
}

Test(coco_truth, without_names_the_categories_are_the_classes_by_id) {
    make_pictures("d");
    write_files("train: truth.json\n", json);
    yti_dataset dataset;
    cr_assert_eq(yti_dataset_open(test_folder_path("d/data.yaml"), &dataset, NULL), YT_OK);
    cr_assert_eq(dataset.n_classes, 2);
    cr_assert_str_eq(dataset.names[0], "car");
    cr_assert_str_eq(dataset.names[1], "dog");
    yti_dataset_close(&dataset);
    write_files("train: truth.json\nnc: 2\n", json);
    test_problems p;
    yti_split split = scan("train", &p);
    cr_assert_eq(split.samples[2].labels[0].class_id, 1);
    yti_split_free(&split);
    write_files("train: truth.json\nnc: 3\n", json);
    expect_refused(YT_ERR_DATA, "nc: says 3 classes");
}

Test(coco_truth, pictures_are_found_by_one_rule) {
    static const struct {
        const char *pictures, *yaml;
    } cases[] = {
        {"d", "train: truth.json\nnames: [car, dog]\n"},
        {"d/images", "train: truth.json\nnames: [car, dog]\n"},
        {"d/root", "path: root\ntrain: ../truth.json\nnames: [car, dog]\n"},
        {"d/root/images", "path: root\ntrain: ../truth.json\nnames: [car, dog]\n"},
        {"d/elsewhere/x", "train: truth.json\ntrain_images: elsewhere/x\nnames: [car, dog]\n"},
        {"d/two", "train: [truth.json]\ntrain_images: [one, two]\nnames: [car, dog]\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_folder_make();
        make_pictures(cases[i].pictures);
        test_folder_write_image("d/one/other.png", 20, 20);
        write_files(cases[i].yaml, json);
        test_problems p;
        yti_split split = scan("train", &p);
        cr_assert_eq(split.n_samples, 3, "case %zu: %s", i, p.text);
        cr_assert_eq(p.count, 0, "case %zu: %s", i, p.text);
        yti_split_free(&split);
        test_folder_remove();
    }
    test_folder_make();
    make_pictures("d");
    write_files("train: truth.json\ntrain_images: nowhere\nnames: [car, dog]\n", json);
    expect_refused(YT_ERR_DATA, "train_images: 'nowhere' does not exist");
    write_files("train: [truth.json, images]\nnames: [car, dog]\n", json);
    expect_refused(YT_ERR_DATA, "a .json file must be the only entry");
    write_files("train: other.json\nnames: [car, dog]\n", json);
    expect_refused(YT_ERR_DATA, "train: 'other.json' does not exist");
}

Test(coco_truth, a_fraction_is_taken_in_the_order_of_paths) {
    make_pictures("d");
    write_files("train: truth.json\nnames: [car, dog]\n", json);
    test_problems p;
    yti_split split;
    yt_err err;
    cr_assert_eq(try_scan("train", false, 0.34, &p, &split, &err), YT_OK, "%s", err.text);
    cr_assert(split.n_samples == 1 && split.samples[0].image_id == 10 && split.samples[0].n_labels == 3);
    yti_split_free(&split);
}

Test(coco_truth, boxes_that_nothing_is_left_of_are_kept_for_cocos_numbers_alone) {
    make_pictures("d");
    write_files("train: truth.json\nnames: [car]\n",
                "{" CATEGORIES ", " IMAGES ", \"annotations\": [\n"
                "{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 0, 4], \"area\": 7},\n"
                "{\"id\": 2, \"image_id\": 1, \"category_id\": 1, \"bbox\": [40, 2, 5.5, 4]},\n"
                "{\"id\": 3, \"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4]}]}");
    test_problems p;
    yti_split split = scan("train", &p);
    cr_assert_eq(split.samples[0].n_labels, 3);
    const yti_label *labels = split.samples[0].labels;
    cr_assert(labels[0].coco_only && labels[1].coco_only && !labels[2].coco_only);
    cr_assert(!labels[0].crowd && !labels[1].crowd);
    cr_assert(labels[0].object->w == 0 && labels[0].object->h == 4 && labels[0].object->area == 7);
    cr_assert(labels[1].object->x == 40 && labels[1].object->w == 5.5 && labels[1].object->area == -1);
    cr_assert(split.summary.boxes == 1 && yti_scan_bad_rows(&split.summary) == 2 && p.count == 2);
    cr_assert_not_null(strstr(p.text, "annotation 1: the width and height of bbox must be above 0; it is used "
                                      "for COCO's numbers only"));
    yti_split_free(&split);
}

/* As many as a model accepts are linked by name, whatever their order. */
Test(coco_truth, many_categories_are_linked_by_name) {
    enum { MANY = 10000, BYTES = 64 };
    make_pictures("d");
    for (int extra = 0; extra < 3; extra++) {
        char *text = malloc((MANY + 4) * BYTES), *at = text;
        cr_assert_not_null(text);
        at += sprintf(at, "{" IMAGES ", \"annotations\": [{\"image_id\": 1, \"category_id\": 7, \"bbox\": "
                          "[1, 2, 3, 4]}], \"categories\": [");
        for (int i = 0; i < MANY + (extra == 1); i++)
            at += sprintf(at, "%s{\"id\": %d, \"name\": \"c%d\"}", i ? ", " : "", MANY - i,
                          extra == 2 && i == 17 ? 9000 : i);
        strcpy(at, "]}");
        write_files("train: truth.json\n", text);
        free(text);
        if (extra == 1) expect_refused(YT_ERR_DATA, "10001 categories; at most 10000 are accepted");
        if (extra == 2) expect_refused(YT_ERR_DATA, "two categories are called 'c9000'");
        if (extra) continue;
        test_problems p;
        yti_split split = scan("train", &p);
        cr_assert_eq(split.samples[0].labels[0].class_id, 6); /* by id from 1 */
        cr_assert(split.category_ids[6] == 7 && split.category_ids[MANY - 1] == MANY);
        yti_split_free(&split);
    }
}

/* Everything that costs one annotation or one image; strict mode counts them all. */
Test(coco_truth, each_problem_is_told_with_its_annotation) {
    make_pictures("d");
    write_files("train: truth.json\nnames: [car]\n",
                "{\"categories\": [{\"id\": 1, \"name\": \"car\"}, {\"id\": 2, \"name\": \"unused\"}],\n"
                "\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}, {\"id\": 2, \"file_name\": \"gone.png\"},\n"
                "{\"id\": 3, \"file_name\": \"b.png\", \"width\": 21, \"height\": 40}, {\"file_name\": \"c.png\"}],\n"
                "\"annotations\": [{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4]},\n"
                "{\"id\": 2, \"image_id\": 9, \"category_id\": 1, \"bbox\": [1, 2, 3, 4]},\n"
                "{\"id\": 3, \"image_id\": 1, \"category_id\": 5, \"bbox\": [1, 2, 3, 4]},\n"
                "{\"id\": 4, \"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3]},\n"
                "{\"id\": 5, \"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 0, 4]},\n"
                "{\"id\": 6, \"image_id\": 1, \"category_id\": 1, \"bbox\": [40, 2, 5, 4]},\n"
                "{\"id\": 7, \"image_id\": \"1\", \"category_id\": 1, \"bbox\": [1, 2, 3, 4]},\n"
                "{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 1e999]},\n"
                "{\"id\": 8, \"image_id\": 2, \"category_id\": 1, \"bbox\": [1, 2, 3, 4]}, 5]}");
    test_problems p;
    yti_split split = scan("train", &p);
    cr_assert_eq(split.n_samples, 1, "%s", p.text);
    cr_assert_eq(split.samples[0].n_labels, 4); /* 5 and 6 for COCO's numbers; 7, whose image is a text, repeats 1 */
    cr_assert_eq(split.summary.boxes, 1);
    cr_assert_eq(split.summary.rules[YT_LABEL_DUPLICATE], 1);
    cr_assert_eq(split.summary.bad_images, 3);
    cr_assert_eq(yti_scan_bad_rows(&split.summary), 7);
    cr_assert_eq(p.count, 11, "%s", p.text);
    static const char *const expected[] = {
        "truth.json: annotation 2: image 9 is not in the list",
        "truth.json: annotation 3: category 5 is not in the list",
        "truth.json: annotation 4: bbox must be [x, y, width, height]",
        "truth.json: annotation 5: the width and height of bbox must be above 0",
        "truth.json: annotation 6: its bbox lies outside the image",
        "truth.json: annotation 7: the same box as annotation 1",
        "truth.json: annotation 8: bbox must be",
        "truth.json: annotation 10: image_id must be",
        "truth.json: image 2: 'gone.png' does not exist; looked in: ",
        "truth.json: image 3: is said to have 21 x 40 pixels, but the file has 20 x 40",
        "truth.json: image 4 of the list: needs a whole number from 0 as id",
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        cr_assert_not_null(strstr(p.text, expected[i]), "not told: %s\n%s", expected[i], p.text);
    yti_split_free(&split);
    yt_err err;
    cr_assert_eq(try_scan("train", true, 1, &p, &split, &err), YT_ERR_DATA);
    cr_assert_not_null(strstr(err.text, "11 problems"), "%s", err.text);
}

Test(coco_truth, fractions_in_place_of_pixels_are_asked_about) {
    test_folder_write_image("d/a.png", 40, 20);
    static const char *const boxes[] = {"[0.1, 0.2, 0.5, 0.6]", "[0.1, 0.2, 15, 12]"};
    for (int i = 0; i < 2; i++) {
        char truth[512];
        snprintf(truth, sizeof truth,
                 "{" IMAGES ", " CATEGORIES
                 ", \"annotations\": [{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"bbox\": %s}]}",
                 boxes[i]);
        write_files("train: truth.json\nval: truth.json\nnames: [car]\n", truth);
        test_problems p;
        yti_split split = scan("train", &p);
        cr_assert_eq(strstr(p.text, "are they fractions? COCO's bbox is in pixels") != NULL, i == 0, "%s", p.text);
        yti_split_free(&split);
    }
}

static void expect_equal_boxes(const yti_split *a, const yti_split *b) {
    cr_assert_eq(a->n_samples, b->n_samples);
    for (int i = 0; i < a->n_samples; i++) {
        int k = 0;
        for (int n = 0; n < b->samples[i].n_labels; n++) {
            const yti_label *right = &b->samples[i].labels[n];
            if (right->coco_only) continue;
            cr_assert_lt(k, a->samples[i].n_labels);
            const yti_cxcywh box = right->box;
            expect_box(&a->samples[i].labels[k++], right->class_id, (double)box.cx, (double)box.cy, (double)box.w,
                       (double)box.h);
        }
        cr_assert_eq(k, a->samples[i].n_labels);
    }
}

/* One ground truth in two formats: every case of the table of rules that both can say, in an image of 40 x 20. */
Test(coco_truth, a_label_file_and_a_coco_file_give_the_same_boxes) {
    static const double boxes[][4] = {
        {10, 5, 20, 10}, {-5, 5, 15, 10},    {30, 12, 20, 16},     {-19, 4, 20, 4},    {36, 2, 10, 4},
        {-4, 2, 48, 10}, {-60, 2, 200, 10},  {41, 2, 5, 4},        {10, 5, 0, 4},      {10, 5, 4, -4},
        {10, 5, 20, 10}, {38, 18, 2.5, 2.5}, {2, 3, 0.001, 0.001}, {400, 200, 80, 80},
    };
    char rows[4096] = "", list[8192] = "";
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        const double *b = boxes[i];
        sprintf(rows + strlen(rows), "0 %.9g %.9g %.9g %.9g\n", (b[0] + b[2] / 2) / 40, (b[1] + b[3] / 2) / 20,
                b[2] / 40, b[3] / 20);
        sprintf(list + strlen(list),
                "%s{\"id\": %zu, \"image_id\": 1, \"category_id\": 1, \"bbox\": [%.9g, %.9g, %.9g, %.9g]}",
                i ? ",\n" : "", i + 1, b[0], b[1], b[2], b[3]);
    }
    char json_text[9000];
    snprintf(json_text, sizeof json_text, "{" CATEGORIES ", " IMAGES ", \"annotations\": [\n%s]}", list);
    test_folder_write_image("d/a.png", 40, 20);
    test_folder_write_text("d/a.txt", rows);
    test_folder_write_text("d/list.txt", "a.png\n");
    test_problems p;
    write_files("train: list.txt\nnames: [car]\n", json_text);
    yti_split labels = scan("train", &p);
    write_files("train: truth.json\nnames: [car]\n", json_text);
    yti_split truth = scan("train", &p);
    expect_equal_boxes(&labels, &truth);
    cr_assert_arr_eq(labels.summary.rules, truth.summary.rules, sizeof labels.summary.rules);
    cr_assert_eq(labels.summary.boxes, 8);
    cr_assert_eq(labels.summary.rules[YT_LABEL_CLIPPED], 3);
    cr_assert_eq(labels.summary.rules[YT_LABEL_OUTSIDE], 3);
    cr_assert_eq(labels.summary.rules[YT_LABEL_SIZE], 2);
    cr_assert_eq(labels.summary.rules[YT_LABEL_DUPLICATE], 1);
    yti_split_free(&labels);
    yti_split_free(&truth);
}

/* Exporters of masks write iscrowd 1 everywhere. */
Test(coco_truth, crowds_are_counted_and_refused_where_nothing_else_is_left) {
    make_pictures("d");
#define CROWD "{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4], \"iscrowd\": 1}"
    write_files("train: truth.json\nval: truth.json\nnames: [car]\n",
                "{" CATEGORIES ", " IMAGES ", \"annotations\": [" CROWD ", " CROWD "]}");
    expect_refused(YT_ERR_DATA, "train: no usable box in 1 images; 2 boxes are crowds (iscrowd)");
    test_problems p;
    yti_split split = scan("val", &p);
    cr_assert_not_null(strstr(p.text, "val: no usable box in 1 images; 2 boxes are crowds"), "%s", p.text);
    yti_split_free(&split);
    write_files("train: truth.json\nnames: [car]\n",
                "{" CATEGORIES ", " IMAGES ", \"annotations\": [" CROWD
                ", {\"image_id\": \"1\", \"category_id\": \"1\", \"bbox\": [1, 2, 3, 4]}]}");
    yt_err err;
    cr_assert_eq(try_scan("train", true, 1, &p, &split, &err), YT_OK, "%s", err.text); /* no problem of --strict */
    char text[512];
    yti_scan_summary_text(&split.summary, text, sizeof text);
    cr_assert_str_eq(text, "1 images, 1 boxes, 0 backgrounds, 1 crowd left out");
    yti_split_free(&split);
}

Test(coco_truth, an_image_of_bad_annotations_only_is_not_trained_as_background) {
    make_pictures("d");
    write_files("train: truth.json\nval: truth.json\nnames: [car]\n",
                "{" CATEGORIES ", \"images\": [{\"id\": 1, \"file_name\": \"a.png\"}, {\"id\": 2, \"file_name\": "
                "\"b.png\"}, {\"id\": 3, \"file_name\": \"c.png\"}],\n\"annotations\": [{\"image_id\": 1, "
                "\"category_id\": 1, \"bbox\": [1, 2, 0, 4]}, {\"image_id\": 2, \"category_id\": 1, \"bbox\": [1, 2, "
                "3, 4]}]}");
    test_problems p;
    yti_split split = scan("train", &p);
    cr_assert(split.n_samples == 2 && split.summary.lost_images == 1 && split.summary.backgrounds == 1);
    cr_assert_str_eq(yti_path_base(split.samples[0].image_path), "b.png");
    yti_split_free(&split);
    split = scan("val", &p); /* COCO's own tools count it */
    cr_assert(split.n_samples == 3 && split.summary.lost_images == 0);
    yti_split_free(&split);
}

Test(coco_truth, what_is_no_coco_file_is_refused) {
    static const struct {
        const char *text, *reason;
        yt_status status;
    } cases[] = {
        {"", "truth.json:1: this is not JSON at column 1: it ends there", YT_ERR_SYNTAX},
        {"{\"images\": [],\n \"annotations\": [{\"id\": }]}", "truth.json:2: this is not JSON at column 25: '}]}'",
         YT_ERR_SYNTAX},
        {"{\n\n  \001\"\t01234567890123456789", "truth.json:3: this is not JSON at column 3: '?\"?0123456789012'",
         YT_ERR_SYNTAX},
        {"{" IMAGES ", \"annotations\": [], \"categories\": [{\"id\": -1, \"name\": \"car\"}]}",
         "category 1 of the list: needs a whole number from 0 as id", YT_ERR_DATA},
        {"{\"images\": [] \"annotations\": []}", "this is not JSON", YT_ERR_SYNTAX},
        {"{\"images\": [1,]}", "this is not JSON", YT_ERR_SYNTAX},
        {"{\"images\" [1]}", "this is not JSON", YT_ERR_SYNTAX},
        {"{" IMAGES ", " CATEGORIES ", \"annotations\": []} x", "this is not JSON", YT_ERR_SYNTAX},
        {"[{\"image_id\": 1, \"score\": 0.5}]", "is a list; a COCO file is a map", YT_ERR_DATA},
        {"{}", "has no \"images\"", YT_ERR_DATA},
        {"{" IMAGES ", \"annotations\": []}", "has no \"categories\"", YT_ERR_DATA},
        {"{" IMAGES ", " IMAGES "}", "two lists of \"images\"", YT_ERR_DATA},
        {"{\"images\": 5}", "\"images\" must be a list", YT_ERR_DATA},
        {"{" IMAGES ", \"annotations\": [], \"categories\": []}", "categories is empty", YT_ERR_DATA},
        {"{" IMAGES ", \"annotations\": [], \"categories\": [{\"id\": 1}]}", "category 1 of the list", YT_ERR_DATA},
        {"{" IMAGES ", \"annotations\": [], \"categories\": [{\"id\": 1, \"name\": \"car\"}, {\"id\": 1, "
         "\"name\": \"dog\"}]}",
         "have the same id 1", YT_ERR_DATA},
        {"{\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}, {\"id\": 1, \"file_name\": \"b.png\"}], "
         "\"annotations\": [], " CATEGORIES "}",
         "'a.png' and 'b.png' have the same id 1", YT_ERR_DATA},
        {"{\"images\": [], \"annotations\": [], " CATEGORIES "}", "no image files", YT_ERR_DATA},
        {"{" IMAGES ", \"annotations\": [{\"id\": 4, \"image_id\": 1, \"category_id\": 2, \"bbox\": [1, 1, 2, "
         "2]}], \"categories\": [{\"id\": 2, \"name\": \"cars\"}]}",
         "annotation 4: its category 'cars' is not among the names", YT_ERR_DATA},
        {"{" IMAGES ", \"annotations\": [{\"id\": 4, \"image_id\": 1, \"category_id\": 2, \"bbox\": [1, 1, 2, "
         "2]}], \"categories\": [{\"id\": 2, \"name\": \"cars\"}]}",
         "did you mean car?", YT_ERR_DATA},
    };
    make_pictures("d");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_files("train: truth.json\nnames: [car]\n", cases[i].text);
        expect_refused(cases[i].status, cases[i].reason);
    }
    write_files("train: truth.json\n",
                "{\"categories\": [{\"id\": 1, \"name\": \"car\"}, {\"id\": 2, \"name\": \"car\"}]}");
    expect_refused(YT_ERR_DATA, "two categories are called 'car'");
}

/* Cut off anywhere, or with one byte changed, the file is refused or read; it never crashes. */
Test(coco_truth, damaged_files_are_survived) {
    make_pictures("d");
    test_folder_write_text("d/data.yaml", "train: truth.json\n");
    int refused = 0, cuts = 0;
    for (size_t bytes = 0; bytes < sizeof json - 3; bytes += 5, cuts++) {
        test_problems p;
        yti_split split = {0};
        yt_err err;
        test_folder_write("d/truth.json", json, bytes);
        refused += try_scan("train", false, 1, &p, &split, &err) != YT_OK;
    }
    cr_assert_eq(refused, cuts);
    char changed[sizeof json];
    uint32_t state = 9;
    for (int round = 0; round < 200; round++) {
        test_problems p;
        yti_split split = {0};
        yt_err err;
        memcpy(changed, json, sizeof json);
        state = state * 1664525u + 1013904223u;
        changed[(state >> 8) % (sizeof json - 1)] = "[]{}\",:0-\0e"[(state >> 4) % 11];
        test_folder_write("d/truth.json", changed, sizeof json - 1);
        if (try_scan("train", false, 1, &p, &split, &err) == YT_OK) yti_split_free(&split);
    }
}
