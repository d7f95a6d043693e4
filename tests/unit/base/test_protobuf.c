/* Tests of src/base/protobuf.c: the bytes, worked out by hand from the definition of the encoding. */
#include "base/protobuf.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void expect(yti_bytes *bytes, const void *expected, size_t n) {
    cr_assert_not(bytes->failed);
    cr_assert_eq(bytes->used, n, "%zu bytes", bytes->used);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(bytes->at[i], ((const uint8_t *)expected)[i], "byte %zu is %02x", i, bytes->at[i]);
    yti_bytes_free(bytes);
}
#define EXPECT(bytes, ...) expect(bytes, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

Test(protobuf, a_varint_has_seven_bits_a_byte_lowest_first) {
    yti_bytes b = {0};
    yti_protobuf_varint(&b, 1, 150); /* 150 = 1 * 128 + 22 */
    EXPECT(&b, 0x08, 0x96, 0x01);
    yti_protobuf_varint(&b, 1, 0);
    yti_protobuf_varint(&b, 2, 127);
    yti_protobuf_varint(&b, 3, 128);
    EXPECT(&b, 0x08, 0x00, 0x10, 0x7f, 0x18, 0x80, 0x01);
    yti_protobuf_varint(&b, 1, (uint64_t)-1); /* sixty-four ones: nine times seven, and one */
    EXPECT(&b, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
}

Test(protobuf, a_field_above_15_has_a_key_of_two_bytes) {
    yti_bytes b = {0};
    yti_protobuf_varint(&b, 16, 1); /* 16 << 3 = 128 */
    EXPECT(&b, 0x80, 0x01, 0x01);
    cr_assert_eq(yti_protobuf_key(1, YTI_WIRE_64), 9u);
}

Test(protobuf, reals_are_their_bits_lowest_byte_first) {
    yti_bytes b = {0};
    yti_protobuf_float(&b, 2, 1.5f); /* 0x3fc00000 */
    EXPECT(&b, 0x15, 0x00, 0x00, 0xc0, 0x3f);
    yti_protobuf_double(&b, 1, -2); /* 0xc000000000000000 */
    EXPECT(&b, 0x09, 0, 0, 0, 0, 0, 0, 0, 0xc0);
}

Test(protobuf, texts_and_messages_carry_their_length) {
    yti_bytes inner = {0}, b = {0};
    yti_protobuf_bytes(&b, 2, "testing", 7); /* the example of the definition */
    EXPECT(&b, 0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67);
    yti_protobuf_varint(&inner, 1, 150);
    yti_protobuf_message(&b, 3, &inner);
    EXPECT(&b, 0x1a, 0x03, 0x08, 0x96, 0x01);
    yti_bytes_free(&inner);
    yti_protobuf_message(&b, 3, &inner); /* an empty one */
    EXPECT(&b, 0x1a, 0x00);
}

Test(protobuf, packed_doubles_are_one_field) {
    yti_bytes b = {0};
    yti_protobuf_doubles(&b, 6, (const double[]){0, 1}, 2);
    EXPECT(&b, 0x32, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f);
}

Test(protobuf, a_message_of_which_a_part_failed_has_failed) {
    yti_bytes inner = {.failed = true}, b = {0};
    yti_protobuf_varint(&inner, 1, 1);
    cr_assert_eq(inner.used, 0u);
    yti_protobuf_message(&b, 1, &inner);
    cr_assert(b.failed);
    const size_t used = b.used;
    yti_protobuf_varint(&b, 1, 1);
    cr_assert_eq(b.used, used);
    yti_bytes_free(&b);
}

Test(protobuf, bytes_grow_and_can_be_used_again) {
    yti_bytes b = {0};
    for (int i = 0; i < 10000; i++) yti_bytes_append_little_endian(&b, (uint64_t)i, 2);
    cr_assert_eq(b.used, 20000u);
    cr_assert(b.at[2 * 300] == 300 % 256 && b.at[2 * 300 + 1] == 1);
    const uint8_t *at = b.at;
    b.used = 0;
    yti_bytes_append(&b, "x", 1);
    yti_bytes_append(&b, NULL, 0);
    cr_assert(b.at == at && b.used == 1);
    yti_bytes_free(&b);
}

Test(protobuf, what_is_written_is_read) {
    yti_bytes inner = {0}, b = {0};
    yti_protobuf_varint(&inner, 3, UINT64_MAX);
    yti_protobuf_varint(&b, 1, 300);
    yti_protobuf_message(&b, 2, &inner);
    yti_protobuf_float(&b, 4, 1);
    yti_protobuf_double(&b, 5, 1);
    yti_protobuf_reader r = {.at = b.at, .end = b.at + b.used};
    yti_protobuf_field f;
    cr_assert(yti_protobuf_next(&r, &f) && f.number == 1 && f.type == YTI_WIRE_VARINT && f.value == 300);
    cr_assert(yti_protobuf_next(&r, &f) && f.number == 2 && f.type == YTI_WIRE_BYTES && f.bytes == inner.used);
    yti_protobuf_reader of_inner = {.at = f.data, .end = f.data + f.bytes};
    cr_assert(yti_protobuf_next(&of_inner, &f) && f.number == 3 && f.value == UINT64_MAX);
    cr_assert(yti_protobuf_next(&r, &f) && f.number == 4 && f.value == 0x3f800000);
    cr_assert(yti_protobuf_next(&r, &f) && f.number == 5 && f.value == 0x3ff0000000000000);
    cr_assert(!yti_protobuf_next(&r, &f) && !r.bad);
    yti_bytes_free(&inner);
    yti_bytes_free(&b);
}

Test(protobuf, what_is_no_field_is_bad) {
    static const uint8_t cases[][12] = {
        {1, 0x08},                                                              /* no value */
        {2, 0x08, 0x80},                                                        /* cut off */
        {3, 0x0a, 5, 'x'},                                                      /* longer than the message */
        {2, 0x0b, 0},                                                           /* a group */
        {2, 0x00, 0},                                                           /* field 0 */
        {3, 0x0d, 0, 0},                                                        /* 32 bits cut off */
        {11, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, /* beyond 64 bits */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yti_protobuf_reader r = {.at = cases[i] + 1, .end = cases[i] + 1 + cases[i][0]};
        yti_protobuf_field f;
        cr_assert(!yti_protobuf_next(&r, &f) && r.bad, "case %zu", i);
        cr_assert(!yti_protobuf_next(&r, &f));
    }
}
