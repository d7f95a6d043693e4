/* Tests of src/data/feed/order.c: which sample comes when, and the shapes of batches. */
#include "data/feed/order.h"

#include <criterion/criterion.h>

/* The spec's own example: S = 640, stride 32, pad 0.5 give 672 on the unit side. */
Test(order, rect_shape_of_the_specification) {
    yti_sample samples[2] = {{.w = 640, .h = 480}, {.w = 640, .h = 320}};
    yti_split two = {.n_samples = 2, .samples = samples};
    yti_loader_config config = {.imgsz = 640, .stride = 32, .rect_pad = 0.5};
    const int both[2] = {1, 0};
    yti_input_shape shape = yti_rect_shape(&two, both, 2, &config);
    cr_assert(shape.h == 512 && shape.w == 672); /* 0.75 * 20 + 0.5 = 15.5 -> 16 strides */
}

Test(order, shuffle_is_a_permutation_of_its_own_per_epoch) {
    enum { N = 1000 };
    int a[N], b[N];
    bool seen[N] = {false};
    yti_order_shuffle(a, N, 1, 0);
    yti_order_shuffle(b, N, 1, 1);
    int fixed = 0, same = 0;
    for (int i = 0; i < N; i++) {
        cr_assert(a[i] >= 0 && a[i] < N && !seen[a[i]]);
        seen[a[i]] = true;
        fixed += a[i] == i;
        same += a[i] == b[i];
    }
    cr_assert(fixed < 10 && same < 10); /* one is expected of each */
    yti_order_shuffle(b, N, 1, 0);
    cr_assert_arr_eq(a, b, sizeof a);
}

Test(order, by_aspect_is_ascending_and_keeps_the_order_of_equal_ones) {
    yti_sample samples[] = {
        {.w = 10, .h = 20}, {.w = 20, .h = 10}, {.w = 30, .h = 30}, {.w = 5, .h = 10}, {.w = 7, .h = 7}};
    const yti_split split = {.n_samples = 5, .samples = samples};
    int order[5];
    cr_assert_eq(yti_order_by_aspect(&split, order, NULL), YT_OK);
    cr_assert_arr_eq(order, ((const int[]){1, 2, 4, 0, 3}), sizeof order);
}

Test(order, sizes_of_multi_scale_are_multiples_of_the_stride_between_its_limits) {
    const yti_loader_config config = {.imgsz = 320, .stride = 32, .multi_scale = 0.5, .seed = 3};
    int smallest, largest, seen_smallest = 1 << 20, seen_largest = 0;
    yti_scale_limits(&config, &smallest, &largest);
    cr_assert(smallest > 0 && smallest < 320 && largest > 320 && smallest % 32 == 0 && largest % 32 == 0);
    for (int batch = 0; batch < 500; batch++) {
        const yti_input_shape shape = yti_scaled_shape((yti_input_shape){320, 320}, &config, 1, batch);
        cr_assert(shape.w == shape.h && shape.w % 32 == 0, "%d x %d", shape.w, shape.h);
        cr_assert(shape.w >= smallest && shape.w <= largest, "%d", shape.w);
        seen_smallest = shape.w < seen_smallest ? shape.w : seen_smallest;
        seen_largest = shape.w > seen_largest ? shape.w : seen_largest;
    }
    cr_assert(seen_smallest == smallest && seen_largest == largest, "%d to %d", seen_smallest, seen_largest);
}
