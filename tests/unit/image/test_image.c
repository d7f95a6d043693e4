/* Tests of src/image/image_io.c and image_save.c: formats, orientation, damaged and hostile files. */
#include "base/file.h"
#include "image/exif.h"
#include "image/image.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(image, .init = test_folder_make, .fini = test_folder_remove);

/* 24 x 16 pixels: the left two thirds red over blue, the right third green: no turn or mirror maps it to itself. */
enum { W = 24, H = 16 };

static yt_image make_flag(void) {
    yt_image image;
    cr_assert_eq(yt_image_create(W, H, &image, NULL), YT_OK);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int channel = x >= 16 ? 1 : y < 8 ? 0 : 2;
            for (int c = 0; c < 3; c++) image.rgb[3 * (y * W + x) + c] = c == channel ? 250 : 5;
        }
    return image;
}

/* 'r', 'g' or 'b': the dominant colour at a place. */
static char colour_at(const yt_image *image, int x, int y) {
    const uint8_t *p = image->rgb + 3 * (y * image->w + x);
    int best = p[0] > p[1] ? 0 : 1;
    if (p[2] > p[best]) best = 2;
    return "rgb"[best];
}

static yt_image load(const char *name) {
    yt_image image;
    yt_err err = {0};
    cr_assert_eq(yt_image_load(test_folder_path(name), &image, &err), YT_OK, "%s", err.text);
    return image;
}

static void expect_refused(const char *name, const char *words) {
    yt_image image = {0};
    yt_err err = {0};
    int w = -1, h = -1;
    cr_assert_neq(yt_image_load(test_folder_path(name), &image, &err), YT_OK, "%s was accepted", name);
    cr_assert_not_null(strstr(err.text, name), "'%s' does not name the file", err.text);
    cr_assert_not_null(strstr(err.text, words), "'%s' does not say '%s'", err.text, words);
    cr_assert_null(image.rgb);
    cr_assert_neq(yti_image_size(test_folder_path(name), &w, &h, &err), YT_OK);
    cr_assert_eq(w, -1);
}

Test(image, png_and_bmp_come_back_unchanged) {
    static const char *const names[] = {"a.png", "a.bmp", "A.PNG"};
    yt_image image = make_flag();
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(yt_image_save(test_folder_path(names[i]), &image, NULL), YT_OK);
        yt_image back = load(names[i]);
        cr_assert_eq(back.w, W);
        cr_assert_eq(back.h, H);
        cr_assert_arr_eq(back.rgb, image.rgb, W * H * 3);
        yt_image_free(&back);
        int w, h;
        cr_assert_eq(yti_image_size(test_folder_path(names[i]), &w, &h, NULL), YT_OK);
        cr_assert(w == W && h == H);
    }
    yt_image_free(&image);
    yt_image_free(&image);
    yt_image_free(NULL);
}

Test(image, jpeg_comes_back_nearly_unchanged) {
    yt_image image = make_flag();
    cr_assert_eq(yt_image_save(test_folder_path("a.jpg"), &image, NULL), YT_OK);
    yt_image back = load("a.jpg");
    for (int i = 0; i < W * H * 3; i++) cr_assert_leq(abs(back.rgb[i] - image.rgb[i]), 40);
    yt_image_free(&image);
    yt_image_free(&back);
}

Test(image, save_refuses_other_endings_and_missing_folders) {
    yt_image image = make_flag();
    yt_err err;
    cr_assert_eq(yt_image_save(test_folder_path("a.gif"), &image, &err), YT_ERR_ARGUMENT);
    cr_assert_eq(yt_image_save(test_folder_path("png"), &image, &err), YT_ERR_ARGUMENT);
    cr_assert_eq(yt_image_save(test_folder_path("no/folder/a.png"), &image, &err), YT_ERR_IO);
    yt_image_free(&image);
}

/* The bytes of a JPEG of the flag with an Exif segment of one entry after SOI. */
static uint8_t *jpeg_with_orientation(int orientation, bool little, size_t *bytes) {
    yt_image image = make_flag();
    cr_assert_eq(yt_image_save(test_folder_path("plain.jpg"), &image, NULL), YT_OK);
    yt_image_free(&image);
    char *plain;
    size_t plain_bytes;
    cr_assert_eq(yti_file_read(test_folder_path("plain.jpg"), 1 << 20, &plain, &plain_bytes, NULL), YT_OK);
    uint8_t value = (uint8_t)orientation;
    const uint8_t intel[] = {0xFF, 0xE1, 0,    34,   'E', 'x', 'i', 'f', 0, 0, 'I',   'I', 42, 0, 8, 0, 0, 0,
                             1,    0,    0x12, 0x01, 3,   0,   1,   0,   0, 0, value, 0,   0,  0, 0, 0, 0, 0};
    const uint8_t motorola[] = {0xFF, 0xE1, 0,    34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M',   0, 42, 0, 0, 0, 8,
                                0,    1,    0x01, 0x12, 0,   3,   0,   0,   0, 1, 0,   value, 0, 0,  0, 0, 0, 0};
    uint8_t *data = malloc(plain_bytes + sizeof intel);
    cr_assert_not_null(data);
    memcpy(data, plain, 2);
    memcpy(data + 2, little ? intel : motorola, sizeof intel);
    memcpy(data + 2 + sizeof intel, plain + 2, plain_bytes - 2);
    free(plain);
    *bytes = plain_bytes + sizeof intel;
    return data;
}

/* What a person sees after the turn, at the four corners: top left, top right, bottom left, bottom right. The stored
 * corners are r g / b g. */
Test(image, all_eight_orientations_are_applied) {
    static const char *const corners[8] = {"rgbg",  /* 1 as stored */
                                           "grgb",  /* 2 left-right */
                                           "gbgr",  /* 3 half turn */
                                           "bgrg",  /* 4 top-bottom */
                                           "rbgg",  /* 5 rows become columns */
                                           "brgg",  /* 6 quarter turn clockwise */
                                           "ggbr",  /* 7 both: columns from the bottom right */
                                           "ggrb"}; /* 8 quarter turn anticlockwise */
    for (int orientation = 1; orientation <= 8; orientation++)
        for (int little = 0; little < 2; little++) {
            size_t bytes;
            uint8_t *data = jpeg_with_orientation(orientation, little, &bytes);
            test_folder_write("turned.jpg", data, bytes);
            free(data);
            yt_image image = load("turned.jpg");
            bool swapped = orientation >= 5;
            cr_assert_eq(image.w, swapped ? H : W);
            cr_assert_eq(image.h, swapped ? W : H);
            char seen[5] = {colour_at(&image, 1, 1), colour_at(&image, image.w - 2, 1),
                            colour_at(&image, 1, image.h - 2), colour_at(&image, image.w - 2, image.h - 2), 0};
            cr_assert_str_eq(seen, corners[orientation - 1], "orientation %d shows %s", orientation, seen);
            yti_image_info info;
            cr_assert_eq(yti_image_probe(test_folder_path("turned.jpg"), &info, NULL), YT_OK);
            cr_assert(info.w == image.w && info.h == image.h && info.orientation == orientation);
            cr_assert_not(info.truncated);
            yt_image_free(&image);
        }
}

Test(image, damaged_exif_means_upright_and_never_reads_outside) {
    enum { BODY = 6, BODY_BYTES = 32, ENTRY_ENDS = 28 };
    size_t bytes;
    uint8_t *data = jpeg_with_orientation(6, true, &bytes);
    /* Cut anywhere: each prefix in memory of its exact size, so that sanitizers see a read after it. */
    for (size_t cut = 0; cut <= BODY_BYTES; cut++) {
        uint8_t *part = malloc(cut ? cut : 1);
        cr_assert_not_null(part);
        memcpy(part, data + BODY, cut);
        cr_assert_eq(yti_exif_orientation(part, cut), cut < 6 ? 0 : cut < ENTRY_ENDS ? 1 : 6);
        free(part);
    }
    /* Each byte set to each of some values. */
    static const uint8_t values[] = {0x00, 0x01, 0x7F, 0x80, 0xFF};
    for (size_t at = 0; at < BODY_BYTES; at++)
        for (size_t v = 0; v < sizeof values; v++) {
            uint8_t *changed = malloc(BODY_BYTES);
            cr_assert_not_null(changed);
            memcpy(changed, data + BODY, BODY_BYTES);
            changed[at] = values[v];
            int orientation = yti_exif_orientation(changed, BODY_BYTES);
            cr_assert(orientation >= 0 && orientation <= 8);
            free(changed);
        }
    free(data);
}

Test(image, a_cut_off_jpeg_is_used_as_far_as_it_goes) {
    yt_image image;
    cr_assert_eq(yt_image_create(64, 64, &image, NULL), YT_OK);
    for (int i = 0; i < 64 * 64 * 3; i++) image.rgb[i] = (uint8_t)((uint32_t)i * 2654435761u >> 24);
    cr_assert_eq(yt_image_save(test_folder_path("whole.jpg"), &image, NULL), YT_OK);
    yt_image_free(&image);
    char *data;
    size_t bytes;
    cr_assert_eq(yti_file_read(test_folder_path("whole.jpg"), 1 << 20, &data, &bytes, NULL), YT_OK);
    cr_assert_gt(bytes, 2000u);
    test_folder_write("cut.jpg", data, bytes * 2 / 3);
    yt_image whole = load("whole.jpg"), cut = load("cut.jpg");
    cr_assert(cut.w == 64 && cut.h == 64);
    cr_assert_arr_eq(cut.rgb, whole.rgb, 64 * 16 * 3);
    yti_image_info info;
    cr_assert_eq(yti_image_probe(test_folder_path("cut.jpg"), &info, NULL), YT_OK);
    cr_assert(info.truncated);
    cr_assert_eq(yti_image_probe(test_folder_path("whole.jpg"), &info, NULL), YT_OK);
    cr_assert_not(info.truncated);
    test_folder_write("headless.jpg", data, 100); /* ends inside the tables */
    expect_refused("headless.jpg", "JPEG");
    free(data);
    yt_image_free(&whole);
    yt_image_free(&cut);
}

Test(image, what_is_no_picture_is_refused_by_name) {
    test_folder_write_text("empty.jpg", "");
    expect_refused("empty.jpg", "empty");
    test_folder_write_text("text.png", "this is not a picture at all");
    expect_refused("text.png", "not a readable");
    test_folder_write_text("photo.webp", "RIFF\x10\x00\x00\x00WEBPVP8 ................");
    expect_refused("photo.webp", "convert");
    expect_refused("missing.png", "No such file");
}

Test(image, a_cut_off_png_is_refused) {
    yt_image image = make_flag();
    cr_assert_eq(yt_image_save(test_folder_path("a.png"), &image, NULL), YT_OK);
    yt_image_free(&image);
    char *data;
    size_t bytes;
    cr_assert_eq(yti_file_read(test_folder_path("a.png"), 1 << 20, &data, &bytes, NULL), YT_OK);
    test_folder_write("cut.png", data, bytes - 30);
    free(data);
    expect_refused("cut.png", "");
}

/* A BMP that says it has 32768 x 16384 pixels, in 54 bytes. */
Test(image, gigantic_pictures_are_refused_before_memory_is_taken) {
    uint8_t bmp[54] = {'B', 'M', 54, 0, 0,    0, 0, 0, 0,    0, 54, 0, 0, 0, 40,
                       0,   0,   0,  0, 0x80, 0, 0, 0, 0x40, 0, 0,  1, 0, 24};
    test_folder_write("huge.bmp", bmp, sizeof bmp);
    expect_refused("huge.bmp", "32768 x 16384");
}

Test(image, create_refuses_impossible_sizes) {
    yt_image image = {0};
    cr_assert_neq(yt_image_create(0, 5, &image, NULL), YT_OK);
    cr_assert_neq(yt_image_create(5, -1, &image, NULL), YT_OK);
    cr_assert_neq(yt_image_create(1 << 20, 1 << 20, &image, NULL), YT_OK);
    cr_assert_null(image.rgb);
}

/* Flips bytes of a small JPEG, PNG and BMP; loading must end in pixels or an error. */
Test(image, damaged_files_never_crash) {
    static const char *const names[] = {"a.jpg", "a.png", "a.bmp"};
    yt_image image = make_flag();
    uint32_t state = 7;
    int refused = 0;
    for (size_t k = 0; k < 3; k++) {
        cr_assert_eq(yt_image_save(test_folder_path(names[k]), &image, NULL), YT_OK);
        char *data;
        size_t bytes;
        cr_assert_eq(yti_file_read(test_folder_path(names[k]), 1 << 20, &data, &bytes, NULL), YT_OK);
        for (int round = 0; round < 150; round++) {
            char *damaged = malloc(bytes);
            cr_assert_not_null(damaged);
            memcpy(damaged, data, bytes);
            for (int i = 0; i < 4; i++) {
                state = state * 1664525u + 1013904223u;
                damaged[(state >> 8) % bytes] = (char)(state >> 4);
            }
            test_folder_write("damaged", damaged, bytes);
            free(damaged);
            yt_image loaded;
            if (yt_image_load(test_folder_path("damaged"), &loaded, NULL) == YT_OK)
                yt_image_free(&loaded);
            else
                refused++;
        }
        free(data);
    }
    cr_assert_gt(refused, 10);
    yt_image_free(&image);
}
