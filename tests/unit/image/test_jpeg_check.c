/* Tests of src/image/jpeg_check.c: what is known of a JPEG before a decoder sees it. */
#include "image/jpeg_check.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Start, a frame of 16 x 8 grey pixels, one DC and one AC table of one code each, a scan, two bytes, end. */
static const uint8_t tiny_jpeg[] = {
    0xFF, 0xD8, 0xFF, 0xC0, 0,    11, 8,    0, 8,  0, 16,   1,    1,    0x11, 0,                        /* frame at 2 */
    0xFF, 0xC4, 0,    20,   0x00, 1,  0,    0, 0,  0, 0,    0,    0,    0,    0,   0, 0, 0, 0, 0, 0, 0, /* DC at 15 */
    0xFF, 0xC4, 0,    20,   0x10, 1,  0,    0, 0,  0, 0,    0,    0,    0,    0,   0, 0, 0, 0, 0, 0, 0, /* AC at 37 */
    0xFF, 0xDA, 0,    8,    1,    1,  0x00, 0, 63, 0, 0x12, 0xFF, 0x00, 0xFF, 0xD9};                    /* scan at 59 */

static bool check(const uint8_t *data, size_t bytes, yti_jpeg *out, const char **reason) {
    uint8_t *exact = malloc(bytes ? bytes : 1);
    cr_assert_not_null(exact);
    memcpy(exact, data, bytes);
    bool good = yti_jpeg_check(exact, bytes, out, reason);
    free(exact);
    return good;
}

Test(jpeg_check, a_whole_file_is_understood) {
    yti_jpeg jpeg;
    const char *reason = "";
    cr_assert(check(tiny_jpeg, sizeof tiny_jpeg, &jpeg, &reason), "%s", reason);
    cr_assert(jpeg.w == 16 && jpeg.h == 8 && jpeg.orientation == 1 && jpeg.has_scan && jpeg.complete);
    cr_assert_eq(jpeg.usable, sizeof tiny_jpeg - 2);
}

Test(jpeg_check, what_lies_behind_the_end_plays_no_part) {
    uint8_t data[sizeof tiny_jpeg + 6];
    memcpy(data, tiny_jpeg, sizeof tiny_jpeg);
    memcpy(data + sizeof tiny_jpeg, "\xFF\xC4\xFF\xFF\x00\xFF", 6);
    yti_jpeg jpeg;
    const char *reason = "";
    cr_assert(check(data, sizeof data, &jpeg, &reason), "%s", reason);
    cr_assert_eq(jpeg.usable, sizeof tiny_jpeg - 2);
}

Test(jpeg_check, any_prefix_is_short_or_refused) {
    for (size_t cut = 0; cut < sizeof tiny_jpeg; cut++) {
        yti_jpeg jpeg;
        const char *reason = NULL;
        bool good = check(tiny_jpeg, cut, &jpeg, &reason);
        cr_assert_eq(good, cut >= 15, "cut at %zu", cut);
        if (good) cr_assert(!jpeg.complete && jpeg.usable <= cut && jpeg.has_scan == (cut >= 69));
        if (!good) cr_assert_not_null(reason);
    }
}

Test(jpeg_check, what_a_decoder_would_stumble_over_is_refused) {
    static const struct {
        size_t at;
        uint8_t value;
        const char *reason;
    } cases[] = {
        {0, 0x00, "no JPEG"},           {6, 12, "12 bits"}, /* precision */
        {11, 3, "wrong length"},                            /* components that are not there */
        {3, 0xC3, "lossless"},                              /* kinds of coding */
        {3, 0xCB, "lossless"},          {3, 0xC5, "hierarchical"},
        {3, 0xC8, "not supported"},     {20, 255, "Huffman"}, /* more codes than bytes */
        {19, 0x20, "Huffman"},                                /* class 2 */
        {19, 0x04, "Huffman"},                                /* table 4 */
        {19, 0x01, "without its"},                            /* DC table 0 is then undefined */
        {41, 0x11, "without its"},                            /* AC table 0 is then undefined */
        {63, 2, "wrong length"},                              /* scan of two components */
        {64, 9, "impossible scan"},                           /* of a component that is not there */
        {65, 0x40, "impossible scan"},                        /* DC table 4 */
        {60, 0xD0, "without a length"}, {15, 0x00, "stray"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t data[sizeof tiny_jpeg];
        memcpy(data, tiny_jpeg, sizeof data);
        data[cases[i].at] = cases[i].value;
        if (cases[i].at == 60) data[61] = 0, data[62] = 1; /* a segment of length 1 */
        yti_jpeg jpeg;
        const char *reason = "accepted";
        cr_assert_not(check(data, sizeof data, &jpeg, &reason), "case %zu", i);
        cr_assert_not_null(strstr(reason, cases[i].reason), "case %zu: '%s'", i, reason);
    }
}

/* 16 counts of 17 are 272 codes, and all their symbols are there. */
Test(jpeg_check, a_table_of_more_than_256_codes_is_refused) {
    uint8_t data[2 + 4 + 17 + 272] = {0xFF, 0xD8, 0xFF, 0xC4, 291 >> 8, 291 & 255, 0};
    memset(data + 7, 17, 16);
    yti_jpeg jpeg;
    const char *reason = "accepted";
    cr_assert_not(check(data, sizeof data, &jpeg, &reason));
    cr_assert_str_eq(reason, "an impossible Huffman table");
}
