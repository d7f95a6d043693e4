/* Tests of src/image/exif.c: which way up an image is, and turning it; what JPEG files say of it: test_image.c. */
#include "image/exif.h"

#include <criterion/criterion.h>
#include <string.h>

/* Each of 2 x 3 pixels by hand: stored rows a b / c d / e f. */
Test(exif, apply_moves_every_pixel) {
    static const char *const expected[8] = {"abcdef", "badcfe", "fedcba", "efcdab",
                                            "acebdf", "ecafdb", "fdbeca", "bdface"};
    uint8_t src[18], dst[18];
    for (int i = 0; i < 18; i++) src[i] = (uint8_t)(10 * ("abcdef"[i / 3] - 'a') + i % 3);
    for (int orientation = 1; orientation <= 8; orientation++) {
        memset(dst, 0, sizeof dst);
        yti_exif_apply(orientation, src, 2, 3, dst);
        for (int i = 0; i < 18; i++)
            cr_assert_eq(dst[i], 10 * (expected[orientation - 1][i / 3] - 'a') + i % 3, "orientation %d", orientation);
    }
}

/* An Exif body: byte order, 42, the offset of a directory of one entry, and that entry: orientation, SHORT, 1, value.
 */
Test(exif, orientation_is_read_in_either_byte_order) {
    uint8_t intel[] = {'E',  'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0,
                       0x12, 1,   3,   0,   1, 0, 0,   0,   0,  0, 0, 0, 0, 0, 0, 0};
    uint8_t motorola[] = {'E', 'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                          1,   0x12, 0,   3,   0, 0, 0,   1,   0, 0,  0, 0, 0, 0, 0, 0};
    for (int value = 0; value <= 9; value++) {
        const int known = value >= 1 && value <= 8 ? value : 1;
        intel[24] = motorola[25] = (uint8_t)value;
        cr_assert_eq(yti_exif_orientation(intel, sizeof intel), known, "%d", value);
        cr_assert_eq(yti_exif_orientation(motorola, sizeof motorola), known, "%d", value);
    }
}
