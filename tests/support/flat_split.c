/* flat_split.c: seven images of one colour each, so that every pixel says where it comes from. */
#include "support/flat_split.h"

#include "base/rng.h"
#include "image/image.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seven images of different shapes and flat colours; sample i has i % 3 boxes of class i. */
const int test_flat_sizes[YT_FLAT_SAMPLES][2] = {{64, 48}, {48, 64}, {80, 40}, {32, 32}, {100, 30}, {20, 50}, {64, 64}};
yti_split test_flat_split;

void test_flat_make(void) {
    test_folder_make();
    test_flat_split = (yti_split){.n_samples = YT_FLAT_SAMPLES,
                                  .samples = calloc(YT_FLAT_SAMPLES, sizeof *test_flat_split.samples)};
    cr_assert_not_null(test_flat_split.samples);
    for (int i = 0; i < YT_FLAT_SAMPLES; i++) {
        yt_image image;
        cr_assert_eq(yt_image_create(test_flat_sizes[i][0], test_flat_sizes[i][1], &image, NULL), YT_OK);
        for (int j = 0; j < image.w * image.h * 3; j++) image.rgb[j] = (uint8_t)(30 * i + 10 * (j % 3) + 7);
        char name[32];
        snprintf(name, sizeof name, "%d.png", i);
        char *path = malloc(1024);
        yti_label *labels = calloc(3, sizeof *labels);
        cr_assert(path && labels);
        snprintf(path, 1024, "%s", test_folder_path(name));
        cr_assert_eq(yt_image_save(path, &image, NULL), YT_OK);
        yt_image_free(&image);
        for (int k = 0; k < i % 3; k++)
            labels[k] = (yti_label){.class_id = i, .box = {0.5f, 0.4f + 0.2f * (float)k, 0.6f, 0.3f}};
        test_flat_split.samples[i] = (yti_sample){.image_path = path,
                                                  .w = test_flat_sizes[i][0],
                                                  .h = test_flat_sizes[i][1],
                                                  .image_id = -1,
                                                  .n_labels = i % 3,
                                                  .labels = labels};
    }
}

void test_flat_free(void) {
    yti_split_free(&test_flat_split);
    test_folder_remove();
}

const yti_augment test_flat_augment = {.mosaic = 0.7f,
                                       .mixup = 0.4f,
                                       .cutmix = 0.5f,
                                       .degrees = 10,
                                       .translate = 0.1f,
                                       .scale = 0.5f,
                                       .shear = 3,
                                       .hsv_h = 0.015f,
                                       .hsv_s = 0.7f,
                                       .hsv_v = 0.4f,
                                       .flipud = 0.3f,
                                       .fliplr = 0.5f,
                                       .bgr = 0.2f};

yti_loader_config test_flat_training(int batch, int workers, size_t cache_bytes) {
    return (yti_loader_config){.batch = batch,
                               .imgsz = 64,
                               .workers = workers,
                               .seed = 11,
                               .train = true,
                               .stride = 32,
                               .cache_bytes = cache_bytes};
}

yti_loader_config test_flat_validation(int batch, bool rect) {
    return (yti_loader_config){.batch = batch, .imgsz = 64, .workers = 2, .rect = rect, .stride = 32, .rect_pad = 0.5};
}

yti_loader *test_flat_create(const yti_loader_config *config) {
    yti_loader *loader;
    yt_err err = {0};
    cr_assert_eq(yti_loader_create(&test_flat_split, config, &loader, &err), YT_OK, "%s", err.text);
    return loader;
}

void test_flat_begin(yti_loader *loader, int epoch, int first, const yti_augment *augment) {
    yt_err err = {0};
    cr_assert_eq(yti_loader_begin(loader, epoch, first, augment, &err), YT_OK, "%s", err.text);
}

const yti_batch *test_flat_next(yti_loader *loader) {
    const yti_batch *batch;
    yt_err err = {0};
    cr_assert_eq(yti_loader_next(loader, &batch, &err), YT_OK, "%s", err.text);
    return batch;
}

static uint64_t mix(uint64_t hash, const void *data, size_t bytes) {
    return hash * 31 + yti_hash64(data, bytes);
}

uint64_t test_flat_hash(const yti_batch *b) {
    uint64_t hash = mix(0, b->rgb, (size_t)b->n * (size_t)b->h * (size_t)b->w * 3);
    size_t count = (size_t)b->targets.count;
    hash = mix(hash, b->samples, (size_t)b->n * sizeof *b->samples);
    hash = mix(hash, b->targets.image, count * sizeof *b->targets.image);
    hash = mix(hash, b->targets.class_id, count * sizeof *b->targets.class_id);
    return mix(hash, b->targets.boxes, count * sizeof *b->targets.boxes);
}
