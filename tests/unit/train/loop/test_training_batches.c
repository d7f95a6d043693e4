/* Tests of src/data/feed/loader.c, sample.c and order.c: training batches whose pictures are mixed, and those whose
 * shape changes. */
#include "data/feed/order.h"
#include "image/image.h"
#include "support/flat_split.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(training_batches, .init = test_flat_make, .fini = test_flat_free, .timeout = 60);

/* ---- mixing ---- */

/* The boxes of one image of a batch must be those of `sample` and behind them those of one other. Returns which, or
 * -1: only its own. */
static int partner_of(const yti_batch *b, int image, int sample) {
    int own = 0, partner = -1;
    for (int t = 0; t < b->targets.count; t++) {
        if (b->targets.image[t] != image) continue;
        if (own < sample % 3) {
            cr_assert_eq(b->targets.class_id[t], sample);
            own++;
        } else {
            cr_assert(partner < 0 || partner == b->targets.class_id[t]);
            partner = b->targets.class_id[t];
        }
    }
    cr_assert_eq(own, sample % 3);
    return partner;
}

/* Flat pictures in the middle of grey: the middle pixel is between the two colours. */
Test(training_batches, mixup_lays_one_picture_over_another_and_keeps_the_boxes_of_both) {
    yti_loader_config config = test_flat_training(3, 2, 0);
    yti_loader *loader = test_flat_create(&config);
    yti_augment augment = {.mixup = 1};
    int with_boxes = 0, between = 0;
    for (int epoch = 0; epoch < 6; epoch++) {
        test_flat_begin(loader, epoch, 0, &augment);
        for (const yti_batch *b; (b = test_flat_next(loader));)
            for (int i = 0; i < b->n; i++) {
                int sample = b->samples[i], partner = partner_of(b, i, sample);
                int middle = b->rgb[3 * ((size_t)i * 64 * 64 + 64 * 32 + 32)];
                if (partner < 0) continue;
                with_boxes++;
                int low = 30 * (sample < partner ? sample : partner) + 7;
                int high = 30 * (sample < partner ? partner : sample) + 7;
                cr_assert(middle >= low && middle <= high, "%d is not within %d and %d", middle, low, high);
                between += middle > low && middle < high;
            }
    }
    cr_assert(with_boxes > 10 && between > 5, "%d %d", with_boxes, between);
    yti_loader_destroy(loader);
}

Test(training_batches, cutmix_covers_no_box_and_its_boxes_lie_on_their_colour) {
    yti_loader_config config = test_flat_training(3, 2, 0);
    yti_loader *loader = test_flat_create(&config);
    yti_augment augment = {.cutmix = 1};
    int pasted = 0;
    for (int epoch = 0; epoch < 20; epoch++) {
        test_flat_begin(loader, epoch, 0, &augment);
        for (const yti_batch *b; (b = test_flat_next(loader));) {
            for (int i = 0; i < b->n; i++) pasted += partner_of(b, i, b->samples[i]) >= 0;
            for (int t = 0; t < b->targets.count; t++) {
                yti_cxcywh box = b->targets.boxes[t];
                size_t at = (size_t)b->targets.image[t] * 64 * 64;
                int x = (int)(box.cx * 64), y = (int)(box.cy * 64);
                cr_assert_eq(b->rgb[3 * (at + (size_t)(64 * y + x))], 30 * b->targets.class_id[t] + 7);
            }
        }
    }
    cr_assert_gt(pasted, 10);
    yti_loader_destroy(loader);
}

/* What is drawn for the mix disturbs nothing else. */
/* Every box of the images and of those of their mosaics is counted once, those that the batch holds as seen; the
 * same for any number of workers. */
Test(training_batches, what_becomes_of_boxes_is_counted) {
    const yti_augment mixed = {.mosaic = 0.7f, .mixup = 0.4f, .cutmix = 0.4f, .scale = 0.5f, .translate = 0.4f};
    int64_t sums[2][YT_BOX_FATES] = {{0}};
    for (int workers = 1; workers <= 2; workers++) {
        yti_loader_config config = test_flat_training(3, workers, 0);
        yti_loader *loader = test_flat_create(&config);
        for (int epoch = 0; epoch < 8; epoch++) {
            test_flat_begin(loader, epoch, 0, &mixed);
            for (const yti_batch *b; (b = test_flat_next(loader));) {
                int64_t all = 0, boxes = 0;
                for (int f = 0; f < YT_BOX_FATES; f++) {
                    all += b->fates[f];
                    sums[workers - 1][f] += b->fates[f];
                }
                for (int i = 0; i < b->n_parts; i++) boxes += b->parts[i] % 3;
                cr_assert_eq(b->fates[YT_BOX_SEEN], b->targets.count);
                cr_assert_eq(all, boxes);
            }
        }
        yti_loader_destroy(loader);
    }
    cr_assert_arr_eq(sums[0], sums[1], sizeof sums[0]);
    cr_assert(sums[0][YT_BOX_SEEN] > 0 && sums[0][YT_BOX_OUTSIDE] > 0);
}

Test(training_batches, a_mix_of_probability_zero_changes_nothing) {
    yti_loader_config config = test_flat_training(3, 2, 0);
    yti_loader *with = test_flat_create(&config), *without = test_flat_create(&config);
    yti_augment plain = test_flat_augment, rare = test_flat_augment;
    plain.mixup = plain.cutmix = 0;
    rare.mixup = rare.cutmix = 1e-12f;
    test_flat_begin(with, 1, 0, &rare);
    test_flat_begin(without, 1, 0, &plain);
    for (int b = 0; b < 3; b++)
        cr_assert_eq(test_flat_hash(test_flat_next(with)), test_flat_hash(test_flat_next(without)));
    yti_loader_destroy(with);
    yti_loader_destroy(without);
}

/* ---- shapes of training batches ---- */

/* int(64 * 0.5) = 32 to int(64 * 1.5 + 32) - 1 = 127: 32, 64 and 96. */
Test(training_batches, multi_scale_gives_every_batch_a_size_of_its_own) {
    yti_loader_config config = test_flat_training(2, 3, 0);
    config.multi_scale = 0.5;
    yti_loader *loader = test_flat_create(&config), *resumed = test_flat_create(&config);
    config.workers = 1;
    yti_loader *other = test_flat_create(&config);
    int n, h, w, times[4] = {0};
    yti_loader_max_shape(loader, &n, &h, &w);
    cr_assert(n == 2 && h == 96 && w == 96);
    for (int epoch = 0; epoch < 30; epoch++) {
        test_flat_begin(loader, epoch, 0, &test_flat_augment);
        test_flat_begin(other, epoch, 0, &test_flat_augment);
        test_flat_begin(resumed, epoch, 2, &test_flat_augment);
        for (int i = 0; i < 4; i++) {
            const yti_batch *b = test_flat_next(loader);
            cr_assert(b->h == b->w && b->h % 32 == 0 && b->h >= 32 && b->h <= 96);
            times[b->h / 32]++;
            uint64_t hash = test_flat_hash(b);
            cr_assert_eq(hash, test_flat_hash(test_flat_next(other)));
            if (i >= 2) cr_assert_eq(hash, test_flat_hash(test_flat_next(resumed)));
        }
    }
    /* 120 draws of 32 to 127, floored: each size a third, give or take 5 each */
    for (int i = 1; i < 4; i++) cr_assert(times[i] > 15 && times[i] < 65, "%d times %d", times[i], 32 * i);
    yti_loader_destroy(loader);
    yti_loader_destroy(other);
    yti_loader_destroy(resumed);
}

Test(training_batches, a_scaled_batch_is_the_resized_batch) {
    yti_loader_config config = test_flat_training(3, 2, 0);
    yti_loader *plain = test_flat_create(&config);
    config.multi_scale = 0.5;
    yti_loader *scaled = test_flat_create(&config);
    uint8_t *resized = malloc(96 * 96 * 3);
    cr_assert_not_null(resized);
    int other_sizes = 0;
    for (int epoch = 0; epoch < 4; epoch++) {
        test_flat_begin(plain, epoch, 0, &test_flat_augment);
        test_flat_begin(scaled, epoch, 0, &test_flat_augment);
        for (const yti_batch *b; (b = test_flat_next(scaled));) {
            const yti_batch *p = test_flat_next(plain);
            size_t bytes = (size_t)b->h * (size_t)b->w * 3;
            for (int i = 0; i < b->n; i++) {
                cr_assert_eq(yti_image_resize(p->rgb + (size_t)i * 64 * 64 * 3, 64, 64, resized, b->w, b->h, NULL),
                             YT_OK);
                cr_assert_arr_eq(b->rgb + (size_t)i * bytes, resized, bytes);
            }
            size_t count = (size_t)p->targets.count;
            cr_assert_eq(b->targets.count, p->targets.count);
            if (count) cr_assert_arr_eq(b->targets.boxes, p->targets.boxes, count * sizeof *p->targets.boxes);
            other_sizes += b->h != 64;
        }
    }
    cr_assert_gt(other_sizes, 3);
    free(resized);
    yti_loader_destroy(plain);
    yti_loader_destroy(scaled);
}

/* s = 640, stride 32: a quarter is 480 to 831, rounded down. The reference gives the shorter side of a rectangle
 * ceil(dim * f / stride) strides. */
Test(order, scaled_shapes_of_the_specification) {
    yti_loader_config config = {.imgsz = 640, .stride = 32, .multi_scale = 0.25, .seed = 3};
    int smallest, largest, seen[27] = {0};
    yti_scale_limits(&config, &smallest, &largest);
    cr_assert(smallest == 480 && largest == 800);
    for (int batch = 0; batch < 3000; batch++) {
        yti_input_shape shape = yti_scaled_shape((yti_input_shape){640, 640}, &config, 1, batch);
        cr_assert(shape.h == shape.w && shape.h % 32 == 0 && shape.h >= 480 && shape.h <= 800);
        seen[shape.h / 32]++;
    }
    for (int i = 15; i <= 25; i++) cr_assert(seen[i] > 180, "%d of %d", seen[i], 32 * i); /* 3000 / 11 */
    yti_input_shape shape = yti_shape_of_side((yti_input_shape){448, 640}, 736, 32);
    cr_assert(shape.h == 544 && shape.w == 736); /* 515.2 -> 17 strides */
    config.multi_scale = 1;
    yti_scale_limits(&config, &smallest, &largest);
    cr_assert(smallest == 32 && largest == 1280);
    config.multi_scale = 0;
    shape = yti_scaled_shape((yti_input_shape){448, 640}, &config, 1, 5);
    cr_assert(shape.h == 448 && shape.w == 640);
}

/* As in validation, without its half stride: ceil(2 * (0.75, 1)) = (2, 2), (2, 2) and (2, ceil(0.8)) = (2, 1). */
Test(training_batches, rectangular_training_keeps_its_order_and_has_no_mosaics) {
    yti_loader_config config = test_flat_training(3, 2, 0);
    config.rect = true;
    yti_loader *loader = test_flat_create(&config);
    static const int order[YT_FLAT_SAMPLES] = {4, 2, 0, 3, 6, 1, 5};
    static const int shapes[3][2] = {{64, 64}, {64, 64}, {64, 32}};
    int n, h, w;
    yti_loader_max_shape(loader, &n, &h, &w);
    cr_assert(n == 3 && h == 64 && w == 64);
    yti_augment mixed = {.mosaic = 1, .mixup = 1, .cutmix = 1};
    for (int epoch = 0; epoch < 2; epoch++) {
        int seen = 0, batch = 0;
        test_flat_begin(loader, epoch, 0, &mixed);
        for (const yti_batch *b; (b = test_flat_next(loader)); batch++) {
            cr_assert(b->h == shapes[batch][0] && b->w == shapes[batch][1]);
            for (int i = 0; i < b->n; i++, seen++) {
                cr_assert_eq(b->samples[i], order[seen]);
                cr_assert_eq(partner_of(b, i, order[seen]), -1);
            }
        }
        cr_assert_eq(seen, YT_FLAT_SAMPLES);
    }
    /* Picture 5, 20 x 50, became 26 x 64 in a batch of 32 x 64: columns 3 to 29. */
    test_flat_begin(loader, 0, 2, NULL);
    const yti_batch *last = test_flat_next(loader);
    cr_assert_eq(last->n, 1);
    for (int x = 0; x < 32; x++)
        cr_assert_eq(last->rgb[3 * (32 * 32 + x)], x >= 3 && x < 29 ? 30 * 5 + 7 : 114, "column %d", x);
    cr_assert(test_near((double)last->targets.boxes[0].w, 0.6 * 26 / 32, 1e-5));
    cr_assert(test_near((double)last->targets.boxes[0].h, 0.3, 1e-5));
    yti_loader_destroy(loader);
}

Test(training_batches, rectangular_training_of_equal_shapes_is_shuffled) {
    yti_loader_config config = test_flat_training(2, 2, 0);
    config.rect = true;
    for (int i = 0; i < YT_FLAT_SAMPLES; i++) test_flat_split.samples[i].w = test_flat_split.samples[i].h = 64;
    yti_loader *loader = test_flat_create(&config);
    int order[2][YT_FLAT_SAMPLES];
    for (int epoch = 0; epoch < 2; epoch++) {
        int seen = 0;
        test_flat_begin(loader, epoch, 0, NULL);
        for (const yti_batch *b; (b = test_flat_next(loader));)
            for (int i = 0; i < b->n; i++) order[epoch][seen++] = b->samples[i];
        cr_assert_eq(seen, YT_FLAT_SAMPLES);
    }
    cr_assert_neq(memcmp(order[0], order[1], sizeof order[0]), 0);
    yti_loader_destroy(loader);
}

/* f = 96 / 64 for the longer side; 32 of the shorter becomes 48, rounded up to 64. */
Test(training_batches, rectangles_and_multi_scale_go_together) {
    yti_loader_config config = test_flat_training(3, 2, 0);
    config.rect = true;
    config.multi_scale = 0.5;
    yti_loader *loader = test_flat_create(&config);
    bool seen[4] = {false};
    for (int epoch = 0; epoch < 20; epoch++) {
        test_flat_begin(loader, epoch, 2, NULL);
        const yti_batch *b = test_flat_next(loader);
        cr_assert(b->w == (b->h == 96 ? 64 : 32), "%d x %d", b->h, b->w);
        seen[b->h / 32] = true;
    }
    cr_assert(seen[1] && seen[2] && seen[3]);
    yti_loader_destroy(loader);
}
