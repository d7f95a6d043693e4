/* Tests of src/data/feed/image_cache.c: pixels are the same whether they are kept or not. */
#include "data/feed/image_cache.h"
#include "image/image.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(image_cache, .init = test_folder_make, .fini = test_folder_remove);

enum { SAMPLES = 3, W = 48, H = 31, SIDE = 24 };

static yti_sample samples[SAMPLES];

static yti_split write_images(void) {
    for (int i = 0; i < SAMPLES; i++) {
        char name[16];
        yt_image image;
        snprintf(name, sizeof name, "%d.png", i);
        cr_assert_eq(yt_image_create(W, H, &image, NULL), YT_OK);
        for (int k = 0; k < W * H * 3; k++) image.rgb[k] = (uint8_t)(k * (i + 3));
        cr_assert_eq(yt_image_save(test_folder_path(name), &image, NULL), YT_OK);
        yt_image_free(&image);
        samples[i] = (yti_sample){.image_path = strdup(test_folder_path(name)), .w = W, .h = H};
    }
    return (yti_split){.n_samples = SAMPLES, .samples = samples};
}

static void free_names(void) {
    for (int i = 0; i < SAMPLES; i++) free(samples[i].image_path);
}

Test(image_cache, pixels_are_the_same_with_room_for_all_for_one_and_for_none) {
    const yti_split split = write_images();
    const size_t rooms[] = {1 << 20, SIDE * SIDE * 3, 0};
    uint8_t first[SAMPLES][SIDE * SIDE * 3];
    for (size_t r = 0; r < 3; r++) {
        yti_image_cache *cache;
        int owned = 0;
        cr_assert_eq(yti_image_cache_create(&split, SIDE, false, rooms[r], &cache, NULL), YT_OK);
        for (int round = 0; round < 2; round++)
            for (int i = 0; i < SAMPLES; i++) {
                yti_picture picture;
                cr_assert_eq(yti_image_cache_get(cache, i, &picture, NULL), YT_OK);
                /* 31 * 24 / 48 = 15.5, rounded up */
                cr_assert(picture.w == SIDE && picture.h == 16 && picture.original_w == W && picture.original_h == H);
                if (r == 0 && round == 0) memcpy(first[i], picture.rgb, SIDE * 16 * 3);
                cr_assert_arr_eq(picture.rgb, first[i], SIDE * 16 * 3);
                owned += picture.owned != NULL;
                yti_picture_release(&picture);
            }
        cr_assert_eq(owned, r == 0 ? 0 : r == 1 ? 4 : 6, "%d were not kept", owned);
        yti_image_cache_destroy(cache);
    }
    free_names();
}

Test(image_cache, an_image_that_went_away_is_named) {
    const yti_split split = write_images();
    yti_image_cache *cache;
    yti_picture picture;
    yt_err err;
    cr_assert_eq(remove(samples[1].image_path), 0);
    cr_assert_eq(yti_image_cache_create(&split, SIDE, false, 1 << 20, &cache, NULL), YT_OK);
    cr_assert_neq(yti_image_cache_get(cache, 1, &picture, &err), YT_OK);
    cr_assert_not_null(strstr(err.text, samples[1].image_path), "%s", err.text);
    cr_assert_eq(yti_image_cache_get(cache, 2, &picture, NULL), YT_OK);
    yti_picture_release(&picture);
    yti_image_cache_destroy(cache);
    free_names();
}
