/* Tests of tools/render_dataset: the shipped set can be made again, and the boxes are those of what is seen.
 */
#include "base/file.h"
#include "image/image.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(render_dataset, .init = test_folder_make, .fini = test_folder_remove);

/* The command of data/README.md, into a folder of the test. */
#define SHIPPED "--count 4 --val 4 --seed 7 --classes 'stop sign,traffic light,sports ball,kite,car,person'"

static int render(const char *name, const char *options) {
    char command[2048];
    snprintf(command, sizeof command, "%s/render_dataset --out '%s' %s 2>'%s'", YT_BINARY_DIR, test_folder_path(name),
             options, test_folder_path("messages"));
    return system(command);
}

static char *text_of(const char *path) {
    char *text = NULL;
    size_t bytes;
    yt_err err;
    cr_assert_eq(yti_file_read(path, 1 << 20, &text, &bytes, &err), YT_OK, "%s", err.text);
    return text;
}

static char *made_text(const char *name) {
    return text_of(test_folder_path(name));
}

static char *shipped_text(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/data/%s", YT_SOURCE_DIR, name);
    return text_of(path);
}

Test(render_dataset, gives_the_shipped_labels_again) {
    cr_assert_eq(render("coco8", SHIPPED), 0);
    for (int i = 0; i <= 8; i++) {
        char name[64] = "coco8.yaml";
        if (i > 0) snprintf(name, sizeof name, "coco8/labels/%s/%012d.txt", i <= 4 ? "train" : "val", i);
        char *made = made_text(name), *shipped = shipped_text(name);
        cr_assert_str_eq(made, shipped, "%s differs", name);
        free(made);
        free(shipped);
    }
}

/* A stop sign is the only thing in a street this red: every such pixel lies in its box, and the box is full of them
 * from edge to edge but for the white rim. */
Test(render_dataset, a_box_is_the_extent_of_its_object) {
    cr_assert_eq(render("one", "--count 3 --val 1 --objects 1-1 --classes 'stop sign' --seed 5"), 0);
    for (int number = 1; number <= 3; number++) {
        char name[64];
        yt_image image;
        yt_err err;
        snprintf(name, sizeof name, "one/images/train/%012d.jpg", number);
        cr_assert_eq(yt_image_load(test_folder_path(name), &image, &err), YT_OK, "%s", err.text);
        snprintf(name, sizeof name, "one/labels/train/%012d.txt", number);
        char *text = made_text(name);
        double class_id, cx, cy, w, h;
        cr_assert_eq(sscanf(text, "%lf %lf %lf %lf %lf", &class_id, &cx, &cy, &w, &h), 5);
        cr_assert_eq(class_id, 11);
        int x1 = image.w, y1 = image.h, x2 = 0, y2 = 0;
        for (int y = 0; y < image.h; y++)
            for (int x = 0; x < image.w; x++) {
                const unsigned char *p = image.rgb + 3 * (y * image.w + x);
                if (p[0] < 130 || p[1] > 70 || p[2] > 80) continue;
                x1 = x < x1 ? x : x1, x2 = x >= x2 ? x + 1 : x2;
                y1 = y < y1 ? y : y1, y2 = y >= y2 ? y + 1 : y2;
            }
        double left = (cx - w / 2) * image.w, right = (cx + w / 2) * image.w;
        double top = (cy - h / 2) * image.h, bottom = (cy + h / 2) * image.h, rim = 0.075 * w * image.w + 2;
        cr_assert(left <= x1 && x1 <= left + rim, "left %f, red from %d", left, x1);
        cr_assert(right >= x2 && x2 >= right - rim, "right %f, red to %d", right, x2);
        cr_assert(top <= y1 && y1 <= top + rim, "top %f, red from %d", top, y1);
        cr_assert(bottom >= y2 && y2 >= bottom - rim, "bottom %f, red to %d", bottom, y2);
        free(text);
        yt_image_free(&image);
    }
}

Test(render_dataset, every_class_gives_usable_labels_at_any_size) {
    cr_assert_eq(render("all", "--count 6 --val 2 --size 333x257 --seed 18446744073709551615"), 0);
    int boxes = 0;
    for (int number = 1; number <= 8; number++) {
        char name[64];
        snprintf(name, sizeof name, "all/labels/%s/%012d.txt", number <= 6 ? "train" : "val", number);
        char *text = made_text(name), *line = text;
        for (; *line; line = strchr(line, '\n') + 1, boxes++) {
            int class_id;
            double cx, cy, w, h, slack = 1e-6; /* six decimals */
            cr_assert_eq(sscanf(line, "%d %lf %lf %lf %lf", &class_id, &cx, &cy, &w, &h), 5, "%s", line);
            cr_assert(class_id >= 0 && class_id < 80);
            cr_assert(w > 0.02 && h > 0.02);
            cr_assert(cx - w / 2 >= -slack && cx + w / 2 <= 1 + slack);
            cr_assert(cy - h / 2 >= -slack && cy + h / 2 <= 1 + slack);
        }
        free(text);
        yt_image image;
        yt_err err;
        snprintf(name, sizeof name, "all/images/%s/%012d.jpg", number <= 6 ? "train" : "val", number);
        cr_assert_eq(yt_image_load(test_folder_path(name), &image, &err), YT_OK, "%s", err.text);
        cr_assert_eq(image.w, 333);
        cr_assert_eq(image.h, 257);
        yt_image_free(&image);
    }
    cr_assert_geq(boxes, 8 * 4, "only %d boxes in 8 pictures", boxes);
}

Test(render_dataset, another_seed_gives_another_set) {
    cr_assert_eq(render("a", "--count 1 --val 1 --seed 1"), 0);
    cr_assert_eq(render("b", "--count 1 --val 1 --seed 2"), 0);
    char *a = made_text("a/labels/train/000000000001.txt"), *b = made_text("b/labels/train/000000000001.txt");
    cr_assert_str_neq(a, b);
    free(a);
    free(b);
}

Test(render_dataset, wrong_arguments_are_named_and_nothing_is_written) {
    static const char *const wrong[][2] = {
        {"--size 640", "--size"},       {"--size 4x4", "--size"},       {"--count 0", "--count"},
        {"--seed -1", "--seed"},        {"--objects 5-2", "--objects"}, {"--classes zebra", "'zebra'"},
        {"--classes 'car,,car'", "''"}, {"--what 1", "--what"},         {"--val", "--val"},
        {"--classes ''", "--classes"},  {"--count 3x", "--count"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int status = render("bad", wrong[i][0]);
        cr_assert_eq(status, 2 << 8, "%s gave %d", wrong[i][0], status);
        char *message = made_text("messages");
        cr_assert_not_null(strstr(message, wrong[i][1]), "%s: %s", wrong[i][0], message);
        free(message);
        cr_assert_not(yti_path_exists(test_folder_path("bad")));
    }
}
