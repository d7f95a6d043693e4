/* Tests of src/data/feed/loader.c and sample.c: what batches hold, and that it depends on
 * nothing but seed, epoch and position. */
#include "data/feed/loader.h"
#include "image/image.h"
#include "support/flat_split.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(loader, .init = test_flat_make, .fini = test_flat_free, .timeout = 60);

/* Hash of the batches of two epochs. */
static uint64_t hash_run(const yti_loader_config *config) {
    yti_loader *loader = test_flat_create(config);
    uint64_t hash = 0;
    for (int epoch = 0; epoch < 2; epoch++) {
        test_flat_begin(loader, epoch, 0, &test_flat_augment);
        for (const yti_batch *b; (b = test_flat_next(loader));) hash = hash * 1000003 + test_flat_hash(b);
    }
    yti_loader_destroy(loader);
    return hash;
}

Test(loader, batches_do_not_depend_on_workers_or_cache) {
    yti_loader_config one = test_flat_training(3, 1, 0), three = test_flat_training(3, 3, 0),
                      many = test_flat_training(3, 8, 1 << 20);
    yti_loader_config little = test_flat_training(3, 3, 20000); /* room for one or two images */
    uint64_t expected = hash_run(&one);
    cr_assert_eq(hash_run(&three), expected);
    cr_assert_eq(hash_run(&many), expected);
    cr_assert_eq(hash_run(&little), expected);
    yti_loader_config other = test_flat_training(3, 1, 0);
    other.seed = 12;
    cr_assert_neq(hash_run(&other), expected);
}

Test(loader, an_epoch_visits_every_sample_once_in_a_new_order) {
    yti_loader_config config = test_flat_training(3, 2, 0);
    yti_loader *loader = test_flat_create(&config);
    cr_assert_eq(yti_loader_batches(loader), 3);
    int order[2][YT_FLAT_SAMPLES];
    for (int epoch = 0; epoch < 2; epoch++) {
        test_flat_begin(loader, epoch, 0, NULL);
        int seen = 0, times[YT_FLAT_SAMPLES] = {0};
        for (const yti_batch *b; (b = test_flat_next(loader));) {
            cr_assert_eq(b->n, seen < 6 ? 3 : 1);
            cr_assert(b->h == 64 && b->w == 64);
            cr_assert_null(b->fits);
            for (int i = 0; i < b->n; i++, seen++) {
                order[epoch][seen] = b->samples[i];
                times[b->samples[i]]++;
            }
        }
        for (int i = 0; i < YT_FLAT_SAMPLES; i++) cr_assert_eq(times[i], 1);
        cr_assert_null(test_flat_next(loader)); /* the end stays the end */
    }
    cr_assert_neq(memcmp(order[0], order[1], sizeof order[0]), 0);
    yti_loader_destroy(loader);
}

Test(loader, a_resumed_epoch_goes_on_with_the_same_batches) {
    yti_loader_config config = test_flat_training(2, 3, 0);
    yti_loader *whole = test_flat_create(&config), *resumed = test_flat_create(&config);
    test_flat_begin(whole, 5, 0, &test_flat_augment);
    test_flat_begin(resumed, 5, 2, &test_flat_augment);
    test_flat_next(whole);
    test_flat_next(whole);
    for (int b = 2; b < 4; b++)
        cr_assert_eq(test_flat_hash(test_flat_next(whole)), test_flat_hash(test_flat_next(resumed)));
    cr_assert_null(test_flat_next(whole));
    cr_assert_null(test_flat_next(resumed));
    test_flat_begin(resumed, 5, 4, &test_flat_augment);
    cr_assert_null(test_flat_next(resumed));
    yti_loader_destroy(whole);
    yti_loader_destroy(resumed);
}

Test(loader, an_abandoned_epoch_leaves_no_trace) {
    yti_loader_config config = test_flat_training(2, 3, 0);
    yti_loader *loader = test_flat_create(&config), *fresh = test_flat_create(&config);
    for (int i = 0; i < 20; i++) {
        test_flat_begin(loader, i, 0, &test_flat_augment);
        if (i % 3) test_flat_next(loader);
    }
    test_flat_begin(loader, 1, 0, &test_flat_augment);
    test_flat_begin(fresh, 1, 0, &test_flat_augment);
    for (int b = 0; b < 4; b++)
        cr_assert_eq(test_flat_hash(test_flat_next(loader)), test_flat_hash(test_flat_next(fresh)));
    yti_loader_destroy(fresh);
    yti_loader_destroy(loader);
}

Test(loader, it_may_be_destroyed_at_any_time) {
    yti_loader_config config = test_flat_training(2, 4, 0);
    for (int taken = 0; taken < 4; taken++) {
        yti_loader *loader = test_flat_create(&config);
        test_flat_begin(loader, 0, 0, &test_flat_augment);
        for (int i = 0; i < taken; i++) cr_assert_not_null(test_flat_next(loader));
        yti_loader_destroy(loader);
    }
    yti_loader_destroy(test_flat_create(&config));
    yti_loader_destroy(NULL);
}

Test(loader, buffers_are_reused) {
    yti_loader_config config = test_flat_training(2, 2, 0);
    yti_loader *loader = test_flat_create(&config);
    const uint8_t *seen[3] = {NULL};
    int distinct = 0;
    for (int epoch = 0; epoch < 4; epoch++) {
        test_flat_begin(loader, epoch, 0, NULL);
        for (const yti_batch *b; (b = test_flat_next(loader));) {
            int i = 0;
            while (i < distinct && seen[i] != b->rgb) i++;
            cr_assert_lt(i, 3);
            if (i == distinct) seen[distinct++] = b->rgb;
        }
    }
    yti_loader_destroy(loader);
}

/* Without augmentation a 64 x 48 image lies in the middle of 64 x 64, its boxes with it. */
Test(loader, without_augmentation_the_picture_is_centred) {
    yti_loader_config config = test_flat_training(YT_FLAT_SAMPLES, 2, 0);
    yti_loader *loader = test_flat_create(&config);
    test_flat_begin(loader, 0, 0, NULL);
    const yti_batch *b = test_flat_next(loader);
    for (int i = 0, target = 0; i < b->n; i++) {
        int sample = b->samples[i];
        int count = 0;
        for (; target < b->targets.count && b->targets.image[target] == i; target++, count++) {
            cr_assert_eq(b->targets.class_id[target], sample);
            if (sample != 4) continue; /* 100 x 30: 64 x 20 of 64 x 64, rows 22 to 42 */
            cr_assert(test_near((double)b->targets.boxes[target].cx, 0.5, 1e-5));
            cr_assert(test_near((double)b->targets.boxes[target].cy, (22 + 20 * 0.4) / 64, 1e-5));
            cr_assert(test_near((double)b->targets.boxes[target].w, 0.6, 1e-5));
            cr_assert(test_near((double)b->targets.boxes[target].h, 0.3 * 20 / 64, 1e-5));
        }
        cr_assert_eq(count, sample % 3);
        if (sample != 0) continue;
        const uint8_t *rgb = b->rgb + (size_t)i * 64 * 64 * 3;
        for (int y = 0; y < 64; y++)
            for (int x = 0; x < 64; x++)
                for (int c = 0; c < 3; c++)
                    cr_assert_eq(rgb[3 * (64 * y + x) + c], y >= 8 && y < 56 ? 10 * c + 7 : 114, "%d %d", x, y);
    }
    yti_loader_destroy(loader);
}

Test(loader, boxes_of_a_mosaic_lie_on_their_colour) {
    yti_loader_config config = test_flat_training(1, 2, 0);
    yti_loader *loader = test_flat_create(&config);
    yti_augment mosaic = {.mosaic = 1};
    int boxes = 0, tiles = 0;
    for (int epoch = 0; epoch < 10; epoch++) {
        test_flat_begin(loader, epoch, 0, &mosaic);
        for (const yti_batch *b; (b = test_flat_next(loader));) {
            for (int t = 0; t < b->targets.count; t++, boxes++) {
                yti_cxcywh box = b->targets.boxes[t];
                cr_assert(box.w > 0 && box.h > 0 && box.cx - box.w / 2 >= -1e-5f && box.cx + box.w / 2 <= 1.00001f);
                int x = (int)(box.cx * 64), y = (int)(box.cy * 64);
                cr_assert_eq(b->rgb[3 * (64 * y + x)], 30 * b->targets.class_id[t] + 7);
            }
            for (int i = 0; i < 64 * 64; i++) tiles += b->rgb[3 * i] != 114;
        }
    }
    cr_assert_gt(boxes, 50);
    cr_assert_gt(tiles, 70 * 64 * 64 / 4);
    yti_loader_destroy(loader);
}

/* Of an epoch; every class that has a box in a batch must be one of its parts, for sample i has boxes of class i. */
static int count_parts(yti_loader *loader, int epoch, const yti_augment *augment, int least, int most) {
    int parts = 0;
    test_flat_begin(loader, epoch, 0, augment);
    for (const yti_batch *b; (b = test_flat_next(loader)); parts += b->n_parts) {
        bool in[YT_FLAT_SAMPLES] = {false};
        cr_assert(b->n_parts >= least * b->n && b->n_parts <= most * b->n, "%d of %d", b->n_parts, b->n);
        for (int i = 0; i < b->n_parts; i++) in[b->parts[i]] = true;
        for (int i = 0; i < b->n; i++) cr_assert(in[b->samples[i]]);
        for (int i = 0; i < b->targets.count; i++) cr_assert(in[b->targets.class_id[i]]);
    }
    return parts;
}

Test(loader, a_batch_knows_every_sample_that_is_in_it) {
    static const struct {
        yti_augment augment;
        int least, most;
    } cases[] = {{{.mosaic = 0}, 1, 1},
                 {{.mosaic = 1}, 4, 4},
                 {{.mosaic = 1, .mixup = 1}, 8, 8},
                 {{.cutmix = 1}, 1, 2},
                 {{.mosaic = 1, .mixup = 1, .cutmix = 1}, 8, 12}};
    yti_loader_config config = test_flat_training(2, 3, 0), validation = test_flat_validation(2, false);
    yti_loader *loader = test_flat_create(&config), *other = test_flat_create(&validation);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        int parts = 0;
        for (int epoch = 0; epoch < 10; epoch++)
            parts += count_parts(loader, epoch, &cases[k].augment, cases[k].least, cases[k].most);
        if (cases[k].least < cases[k].most) /* some partners are pasted, some are not */
            cr_assert(parts > 10 * YT_FLAT_SAMPLES * cases[k].least && parts < 10 * YT_FLAT_SAMPLES * cases[k].most);
    }
    cr_assert_eq(count_parts(other, 0, NULL, 1, 1), YT_FLAT_SAMPLES);
    yti_loader_destroy(loader);
    yti_loader_destroy(other);
}

Test(loader, crowds_are_in_no_batch) {
    test_flat_split.samples[2].labels[0].coco_only = true;
    for (int train = 0; train < 2; train++) {
        yti_loader_config config = train ? test_flat_training(YT_FLAT_SAMPLES, 2, 0)
                                         : test_flat_validation(YT_FLAT_SAMPLES, false);
        yti_loader *loader = test_flat_create(&config);
        test_flat_begin(loader, 0, 0, NULL);
        const yti_batch *b = test_flat_next(loader);
        int of_two = 0;
        for (int t = 0; t < b->targets.count; t++) of_two += b->targets.class_id[t] == 2;
        cr_assert_eq(of_two, 1);
        cr_assert_eq(b->targets.count, 5);
        yti_loader_destroy(loader);
    }
}

/* A triangle with its tip at the left and its base along the right side. Shifted to the right by d it shows a height
 * of 1 - d, while its box still has the whole height. */
Test(loader, outlines_go_through_the_map) {
    yti_sample *one = &test_flat_split.samples[3]; /* 32 x 32, shown as 64 x 64 */
    one->labels[0] = (yti_label){.class_id = 3, .box = {0.5f, 0.5f, 1, 1}, .n_points = 3};
    one->n_labels = 1;
    one->points = calloc(3, sizeof *one->points);
    cr_assert_not_null(one->points);
    const yti_point triangle[3] = {{0, 0.5f}, {1, 0}, {1, 1}};
    memcpy(one->points, triangle, sizeof triangle);
    yti_loader_config config = test_flat_training(YT_FLAT_SAMPLES, 2, 0);
    yti_loader *loader = test_flat_create(&config);
    yti_augment shifted = {.translate = 0.4f};
    int found = 0, narrower = 0;
    for (int epoch = 0; epoch < 60; epoch++) {
        test_flat_begin(loader, epoch, 0, &shifted);
        const yti_batch *b = test_flat_next(loader);
        for (int t = 0; t < b->targets.count; t++) {
            if (b->targets.class_id[t] != 3) continue;
            yti_cxcywh box = b->targets.boxes[t];
            double top = (double)(box.cy - box.h / 2), bottom = (double)(box.cy + box.h / 2);
            double left = (double)(box.cx - box.w / 2), right = (double)(box.cx + box.w / 2);
            found++;
            cr_assert(top >= -1e-6 && bottom <= 1 + 1e-6 && left >= -1e-6 && right <= 1 + 1e-6);
            if (!(top > 0.01 && bottom < 0.99 && right > 0.999)) continue; /* cut by the right side only */
            narrower++;
            cr_assert(test_near((double)box.h, 1 - left, 1e-5));
        }
    }
    cr_assert(found > 50 && narrower > 5, "%d %d", found, narrower);
    yti_loader_destroy(loader);
}

Test(loader, validation_keeps_order_and_says_how_it_fitted) {
    yti_loader_config config = test_flat_validation(4, false);
    yti_loader *loader = test_flat_create(&config);
    int n, h, w;
    yti_loader_max_shape(loader, &n, &h, &w);
    cr_assert(n == 4 && h == 64 && w == 64);
    test_flat_begin(loader, 0, 0, NULL);
    int seen = 0;
    for (const yti_batch *b; (b = test_flat_next(loader));)
        for (int i = 0; i < b->n; i++, seen++) {
            cr_assert_eq(b->samples[i], seen);
            const yti_fit *fit = &b->fits[i];
            cr_assert(fit->original_w == test_flat_sizes[seen][0] && fit->original_h == test_flat_sizes[seen][1]);
            bool wide = test_flat_sizes[seen][0] >= test_flat_sizes[seen][1];
            double gain = wide ? (double)fit->gain_x : (double)fit->gain_y;
            cr_assert(test_near(gain, 64.0 / test_flat_sizes[seen][!wide], 1e-6)); /* the long side fills the input */
            /* Inside is the image's colour, outside grey. */
            const uint8_t *rgb = b->rgb + (size_t)i * 64 * 64 * 3;
            cr_assert_eq(rgb[3 * (64 * fit->top + fit->left)], 30 * seen + 7);
            if (fit->top > 0) cr_assert_eq(rgb[3 * (64 * (fit->top - 1) + fit->left)], 114);
            if (fit->left > 0) cr_assert_eq(rgb[3 * (64 * fit->top + fit->left - 1)], 114);
        }
    cr_assert_eq(seen, YT_FLAT_SAMPLES);
    yti_loader_destroy(loader);
}

/* 80 x 40 into 64 x 64: 64 x 32 pixels, top 16. Box (0.5, 0.4, 0.6, 0.3) and its second at cy 0.6. */
Test(loader, validation_boxes_follow_the_letterbox) {
    yti_loader_config config = test_flat_validation(YT_FLAT_SAMPLES, false);
    yti_loader *loader = test_flat_create(&config);
    test_flat_begin(loader, 0, 0, NULL);
    const yti_batch *b = test_flat_next(loader);
    cr_assert_eq(b->targets.count, 0 + 1 + 2 + 0 + 1 + 2 + 0);
    const int first = 1;
    cr_assert(b->targets.image[first] == 2 && b->targets.image[first + 1] == 2);
    cr_assert(test_near((double)b->targets.boxes[first].cx, 0.5, 1e-6));
    cr_assert(test_near((double)b->targets.boxes[first].cy, (16 + 32 * 0.4) / 64, 1e-6));
    cr_assert(test_near((double)b->targets.boxes[first].w, 0.6, 1e-6));
    cr_assert(test_near((double)b->targets.boxes[first].h, 0.15, 1e-6));
    cr_assert(test_near((double)b->targets.boxes[first + 1].cy, (16 + 32 * 0.6) / 64, 1e-6));
    yti_loader_destroy(loader);
}

/* Sorted by h/w: 4 (0.3), 2 (0.5), 0 (0.75) | 3 (1), 6 (1), 1 (1.33) | 5 (2.5). S/stride = 2, so shapes are ceil(2 *
 * (0.75, 1) + 0.5) = (2, 3), then (3, 3), then (3, ceil(2 * 0.4 + 0.5)) = (3, 2) strides of 32. */
Test(loader, rectangular_validation_sorts_by_aspect) {
    yti_loader_config config = test_flat_validation(3, true);
    yti_loader *loader = test_flat_create(&config);
    static const int order[YT_FLAT_SAMPLES] = {4, 2, 0, 3, 6, 1, 5};
    static const int shapes[3][2] = {{64, 96}, {96, 96}, {96, 64}};
    int n, h, w, seen = 0, batch = 0;
    yti_loader_max_shape(loader, &n, &h, &w);
    cr_assert(n == 3 && h == 96 && w == 96);
    test_flat_begin(loader, 0, 0, NULL);
    for (const yti_batch *b; (b = test_flat_next(loader)); batch++) {
        cr_assert(b->h == shapes[batch][0] && b->w == shapes[batch][1], "batch %d is %d x %d", batch, b->h, b->w);
        for (int i = 0; i < b->n; i++) cr_assert_eq(b->samples[i], order[seen++]);
    }
    cr_assert_eq(batch, 3);
    yti_loader_destroy(loader);
}

Test(loader, an_image_that_went_away_is_named) {
    cr_assert_eq(unlink(test_flat_split.samples[3].image_path), 0);
    yti_loader_config config = test_flat_validation(1, false);
    yti_loader *loader = test_flat_create(&config);
    test_flat_begin(loader, 0, 0, NULL);
    for (int i = 0; i < YT_FLAT_SAMPLES; i++) {
        const yti_batch *batch;
        yt_err err = {0};
        yt_status status = yti_loader_next(loader, &batch, &err);
        cr_assert_eq(status != YT_OK, i == 3);
        cr_assert_eq(batch == NULL, i == 3);
        if (i == 3) cr_assert_not_null(strstr(err.text, "3.png"));
    }
    cr_assert_null(test_flat_next(loader));
    yti_loader_destroy(loader);
}

Test(loader, impossible_settings_are_refused) {
    yti_loader *loader = NULL;
    yt_err err = {0};
    const struct {
        yti_loader_config config;
        yt_status expected;
    } cases[] = {
        {{.batch = 0, .imgsz = 64, .workers = 1, .stride = 32}, YT_ERR_ARGUMENT},
        {{.batch = 1, .imgsz = 64, .workers = 0, .stride = 32}, YT_ERR_ARGUMENT},
        {{.batch = 1, .imgsz = 65, .workers = 1, .stride = 32}, YT_ERR_ARGUMENT},
        {{.batch = 1, .imgsz = 0, .workers = 1, .stride = 32}, YT_ERR_ARGUMENT},
        {{.batch = 1, .imgsz = 64, .workers = 1, .stride = 0}, YT_ERR_ARGUMENT},
        {{.batch = 1, .imgsz = 64, .workers = 1, .stride = 32, .rect_pad = (double)NAN}, YT_ERR_ARGUMENT},
        {{.batch = 1, .imgsz = 64, .workers = 1, .stride = 32, .train = true, .rect_pad = 0.5}, YT_ERR_ARGUMENT},
        {{.batch = 1, .imgsz = 64, .workers = 1, .stride = 32, .train = true, .multi_scale = 1.1}, YT_ERR_ARGUMENT},
        {{.batch = 1, .imgsz = 64, .workers = 1, .stride = 32, .multi_scale = 0.5}, YT_ERR_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(yti_loader_create(&test_flat_split, &cases[i].config, &loader, &err), cases[i].expected,
                     "case %zu", i);
        cr_assert_null(loader);
    }
    yti_split empty = {.n_samples = 0};
    yti_loader_config good = test_flat_training(1, 1, 0);
    cr_assert_eq(yti_loader_create(&empty, &good, &loader, &err), YT_ERR_DATA);
    loader = test_flat_create(&good);
    const yti_batch *batch;
    cr_assert_eq(yti_loader_next(loader, &batch, &err), YT_ERR_ARGUMENT);
    cr_assert_null(batch);
    cr_assert_eq(yti_loader_begin(loader, 0, 8, NULL, &err), YT_ERR_ARGUMENT);
    cr_assert_eq(yti_loader_begin(loader, -1, 0, NULL, &err), YT_ERR_ARGUMENT);
    yti_loader_destroy(loader);
}

/* Prediction rounds the short side, validation takes it up: 100 x 30 at 64 is 64 x 19 there and 64 x 20 here. With
 * as_predicted both see the same pixels. */
Test(loader, validation_can_see_what_prediction_sees) {
    for (int as_predicted = 0; as_predicted < 2; as_predicted++) {
        yti_loader_config config = test_flat_validation(YT_FLAT_SAMPLES, false);
        config.as_predicted = as_predicted;
        yti_loader *loader = test_flat_create(&config);
        const yti_batch *batch;
        cr_assert_eq(yti_loader_begin(loader, 0, 0, NULL, NULL), YT_OK);
        cr_assert_eq(yti_loader_next(loader, &batch, NULL), YT_OK);
        int differ = 0;
        for (int i = 0; i < batch->n; i++) {
            uint8_t expected[64 * 64 * 3];
            yt_image image;
            cr_assert_eq(yt_image_load(test_flat_split.samples[batch->samples[i]].image_path, &image, NULL), YT_OK);
            const yti_letterbox plan = yti_letterbox_plan(image.w, image.h, 64, 64, false, true, 32);
            cr_assert_eq(yti_letterbox_apply(&plan, image.rgb, image.w, image.h, expected, NULL), YT_OK);
            differ += memcmp(expected, batch->rgb + (size_t)i * sizeof expected, sizeof expected) != 0;
            if (as_predicted) {
                cr_assert_eq(batch->fits[i].gain_y, (float)plan.resized_h / (float)image.h);
                cr_assert(batch->fits[i].left == plan.left && batch->fits[i].top == plan.top);
            }
            yt_image_free(&image);
        }
        cr_assert(as_predicted ? differ == 0 : differ > 0, "%d of %d differ", differ, batch->n);
        yti_loader_destroy(loader);
    }
}
