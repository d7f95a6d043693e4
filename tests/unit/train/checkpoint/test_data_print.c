/* Tests of src/train/checkpoint/data_print.c: which changes of a data set make it another one. */
#include "train/checkpoint/data_print.h"

#include <criterion/criterion.h>

static yti_label labels[2];
static yti_sample samples[2];
static char first[64], second[64];

static yti_split split_below(const char *folder) {
    snprintf(first, sizeof first, "%s/images/a.jpg", folder);
    snprintf(second, sizeof second, "%s/images/b.jpg", folder);
    labels[0] = (yti_label){.class_id = 1, .box = {0.5f, 0.5f, 0.25f, 0.25f}};
    labels[1] = (yti_label){.class_id = 0, .box = {0.25f, 0.5f, 0.125f, 0.5f}};
    samples[0] = (yti_sample){.image_path = first, .w = 640, .h = 480, .labels = labels, .n_labels = 2};
    samples[1] = (yti_sample){.image_path = second, .w = 320, .h = 320};
    return (yti_split){.samples = samples, .n_samples = 2};
}

static uint64_t hash_of(const yti_split *split) {
    return yti_split_print_of(split).hash;
}

Test(data_print, counts_images_and_boxes) {
    const yti_split split = split_below("/data");
    const yti_split_print print = yti_split_print_of(&split);
    cr_assert(print.images == 2 && print.boxes == 2 && print.hash != 0);
}

Test(data_print, a_set_that_was_moved_whole_is_the_same) {
    yti_split split = split_below("/data");
    const uint64_t before = hash_of(&split);
    split = split_below("/elsewhere/data");
    cr_assert_eq(hash_of(&split), before);
}

Test(data_print, another_name_size_order_class_or_box_is_another_set) {
    yti_split split = split_below("/data");
    const uint64_t before = hash_of(&split);
    snprintf(second, sizeof second, "/data/images/c.jpg");
    cr_assert_neq(hash_of(&split), before, "name");
    split = split_below("/data");
    samples[1].w = 321;
    cr_assert_neq(hash_of(&split), before, "size");
    split = split_below("/data");
    const yti_sample swapped = samples[0];
    samples[0] = samples[1], samples[1] = swapped;
    cr_assert_neq(hash_of(&split), before, "order");
    split = split_below("/data");
    labels[1].class_id = 1;
    cr_assert_neq(hash_of(&split), before, "class");
    split = split_below("/data");
    labels[0].box.w = 0.26f;
    cr_assert_neq(hash_of(&split), before, "box");
    split = split_below("/data");
    cr_assert_eq(hash_of(&split), before);
}
