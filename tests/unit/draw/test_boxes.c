/* Tests of src/draw/boxes.c: what is drawn, and that nothing else is touched. */
#include "draw/boxes.h"
#include "draw/font.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

enum { GREY = 90 };

static yt_image grey_image(int w, int h) {
    yt_image image;
    cr_assert_eq(yt_image_create(w, h, &image, NULL), YT_OK);
    memset(image.rgb, GREY, (size_t)(w * h) * 3);
    return image;
}

static const uint8_t *pixel(const yt_image *image, int x, int y) {
    return image->rgb + (y * image->w + x) * 3;
}

static bool is(const yt_image *image, int x, int y, int r, int g, int b) {
    const uint8_t *p = pixel(image, x, y);
    return p[0] == r && p[1] == g && p[2] == b;
}

static bool untouched(const yt_image *image, int x, int y) {
    return is(image, x, y, GREY, GREY, GREY);
}

static const char *const names[] = {"person", "", "white one",
                                    "a name much longer than anything anybody would write on a picture"};
static const yti_colour colours[] = {{4, 42, 255}, {200, 0, 0}, {243, 243, 243}, {0, 80, 0}};

/* A 640 x 640 image has lines of 2 pixels; class 0 is 042AFF. */
Test(draw, a_frame_is_drawn_inside_the_box_and_a_label_above) {
    yt_image image = grey_image(640, 640);
    const yt_detection d = {{100, 200, 300, 400}, 0.87f, 0};
    cr_assert_eq(yti_style_of(640, 640).line, 2);
    cr_assert_eq(yti_draw_boxes(&image, &d, 1, names, colours, yti_style_of(image.w, image.h), NULL), YT_OK);
    int label_w = 0, label_h = 0;
    while (!untouched(&image, 100 + label_w, 199)) label_w++;
    while (!untouched(&image, 100, 199 - label_h)) label_h++;
    cr_assert(label_w > 50 && label_w < 200, "label of %d", label_w);
    cr_assert(label_h > 14 && label_h < 40, "label of %d", label_h);
    int white = 0;
    for (int y = 0; y < 640; y++)
        for (int x = 0; x < 640; x++) {
            bool in_box = x >= 100 && x < 300 && y >= 200 && y < 400;
            bool inner = x >= 102 && x < 298 && y >= 202 && y < 398;
            bool label = x >= 100 && x < 100 + label_w && y >= 200 - label_h && y < 200;
            if (in_box && !inner)
                cr_assert(is(&image, x, y, 0x04, 0x2A, 0xFF), "frame at %d %d", x, y);
            else if (label)
                white += is(&image, x, y, 255, 255, 255);
            else
                cr_assert(untouched(&image, x, y), "drawn at %d %d", x, y);
        }
    cr_assert(white > 20); /* letters */
    yt_image_free(&image);
}

Test(draw, no_detections_change_nothing) {
    yt_image image = grey_image(20, 10);
    cr_assert_eq(yti_draw_boxes(&image, NULL, 0, names, colours, yti_style_of(image.w, image.h), NULL), YT_OK);
    for (int i = 0; i < 200; i++) cr_assert(untouched(&image, i % 20, i / 20));
    yt_image_free(&image);
}

/* Colours of the pixels of a label drawn for class_id at the top of an image, where it lies inside the box. */
static void count_label(int class_id, int *black, int *white) {
    yt_image image = grey_image(640, 640);
    const yt_detection d = {{0, 0, 640, 640}, 0.5f, class_id};
    cr_assert_eq(yti_draw_boxes(&image, &d, 1, names, colours, yti_style_of(image.w, image.h), NULL), YT_OK);
    *black = *white = 0;
    for (int y = 2; y < 30; y++)
        for (int x = 2; x < 100; x++) {
            *black += is(&image, x, y, 0, 0, 0);
            *white += is(&image, x, y, 255, 255, 255);
        }
    yt_image_free(&image);
}

Test(draw, letters_are_black_on_light_and_white_on_dark_labels) {
    int black, white;
    count_label(0, &black, &white); /* 042AFF */
    cr_assert(black == 0 && white > 20);
    count_label(2, &black, &white); /* F3F3F3 */
    cr_assert(white == 0 && black > 20);
}

Test(draw, the_most_confident_box_is_on_top) {
    yt_image image = grey_image(640, 640);
    const yt_detection d[2] = {{{100, 100, 200, 200}, 0.9f, 0}, {{100, 100, 200, 200}, 0.8f, 2}};
    cr_assert_eq(yti_draw_boxes(&image, d, 2, names, colours, yti_style_of(image.w, image.h), NULL), YT_OK);
    cr_assert(is(&image, 100, 199, 0x04, 0x2A, 0xFF));
    yt_image_free(&image);
}

Test(draw, lines_grow_with_the_picture) {
    cr_assert_eq(yti_style_of(32, 32).line, 1);
    cr_assert_eq(yti_style_of(320, 240).line, 1);
    cr_assert_eq(yti_style_of(1280, 720).line, 3);
    cr_assert_eq(yti_style_of(4000, 3000).line, 11);
}

/* Whatever is drawn stays in memory (checked by the sanitizer build) and on the image. */
Test(draw, tiny_pictures_and_odd_boxes_are_no_trouble) {
    const int sizes[][2] = {{1, 1}, {2, 3}, {5, 5}, {1, 400}, {400, 1}, {30, 20}, {2000, 8}};
    const yt_xyxy boxes[] = {{0, 0, 1, 1},   {-50, -50, 1e9f, 1e9f},   {3, 3, 3, 3},
                             {10, 10, 5, 5}, {1e9f, 1e9f, 2e9f, 2e9f}, {0, 0, 0, 0}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++)
            for (int c = 0; c < 4; c++) {
                yt_image image = grey_image(sizes[s][0], sizes[s][1]);
                const yt_detection d = {boxes[b], 1, c};
                cr_assert_eq(yti_draw_boxes(&image, &d, 1, names, colours, yti_style_of(image.w, image.h), NULL),
                             YT_OK);
                cr_assert(image.w == sizes[s][0] && image.h == sizes[s][1]);
                yt_image_free(&image);
            }
}

/* Pixels that differ between the labels of two names. */
static int label_difference(const char *one, const char *other) {
    yt_image a = grey_image(320, 240), b = grey_image(320, 240);
    const yt_detection d = {{20, 50, 100, 100}, 0.5f, 0};
    int differing = 0;
    cr_assert_eq(yti_draw_boxes(&a, &d, 1, &one, colours, yti_style_of(320, 240), NULL), YT_OK);
    cr_assert_eq(yti_draw_boxes(&b, &d, 1, &other, colours, yti_style_of(320, 240), NULL), YT_OK);
    for (int i = 0; i < 320 * 240 * 3; i++) differing += a.rgb[i] != b.rgb[i];
    yt_image_free(&a);
    yt_image_free(&b);
    return differing;
}

Test(draw, letters_of_other_scripts_are_themselves_and_those_that_the_font_lacks_are_alike) {
    cr_expect(label_difference("l\xc3\xb6we", "lowe") > 0);
    cr_expect(label_difference("\xce\xb3\xce\xac\xcf\x84\xce\xb1", "\xce\xb3\xce\xac\xcf\x84\xce\xb7") > 0, "Greek");
    cr_expect(label_difference("\xd0\xba\xd0\xbe\xd1\x82", "\xd0\xba\xd0\xb8\xd1\x82") > 0, "Cyrillic");
    cr_expect_eq(label_difference("\xe8\xb1\xa1", "\xe9\xb7\xb9"), 0, "both are an empty frame");
    cr_expect(label_difference("\xe8\xb1\xa1", "") > 0);
}

Test(draw, broken_utf8_is_drawn_as_something_and_ends_where_the_text_ends) {
    static const char *const texts[] = {"\xff\xfe", "a\xc3", "\xe8\xb1", "\xf0\x9f\x98", "\x80\x80\x80", "\xc0\xaf"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint32_t code;
        const char *at = texts[i];
        while (*at) at = yti_next_letter(at, &code);
        cr_expect_eq(at, texts[i] + strlen(texts[i]));
        cr_expect(yti_text_width(texts[i], 20) > 0);
    }
}
