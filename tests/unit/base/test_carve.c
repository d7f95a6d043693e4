/* Tests of src/base/carve.h: blocks cut into arrays. */
#include "base/carve.h"

#include <criterion/criterion.h>

typedef struct arrays {
    char *letters;
    double *numbers;
    int *none;
    short *table;
} arrays;

static void lay_out(arrays *a, yti_carver *c) {
    a->letters = yti_carve(c, 65, 1, sizeof *a->letters);
    a->numbers = yti_carve(c, 3, 1, sizeof *a->numbers);
    a->none = yti_carve(c, 0, 7, sizeof *a->none);
    a->table = yti_carve(c, 8, 4, sizeof *a->table);
}

Test(carve, a_block_of_the_counted_size_holds_the_arrays_apart_and_on_lines_of_their_own) {
    arrays a;
    yti_carver count = {0};
    lay_out(&a, &count);
    cr_assert(!count.too_large);
    cr_assert_eq(count.used, 128 + 64 + 0 + 64);
    cr_assert_null(a.letters);
    yti_carver give = {.base = aligned_alloc(YTI_LINE, count.used)};
    lay_out(&a, &give);
    cr_assert_eq(give.used, count.used);
    cr_assert_eq((char *)a.numbers - a.letters, 128);
    cr_assert_eq((char *)a.table - a.letters, 192);
    cr_assert_eq((uintptr_t)a.table % YTI_LINE, 0);
    free(give.base);
}

Test(carve, a_size_that_overflows_is_said_to_be_too_large) {
    yti_carver product = {0}, bytes = {0}, sum = {0}, edge = {0};
    yti_carve(&product, SIZE_MAX / 2, 3, 1);
    yti_carve(&bytes, SIZE_MAX / 4, 1, 8);
    yti_carve(&edge, SIZE_MAX, 1, 1); /* fits, but not in whole lines */
    yti_carve(&sum, SIZE_MAX / 2 + 1, 1, 1);
    cr_assert(!sum.too_large);
    yti_carve(&sum, SIZE_MAX / 2 + 1, 1, 1);
    cr_assert(product.too_large && bytes.too_large && edge.too_large && sum.too_large);
}

Test(carve, zeros_are_zero_to_the_end_of_their_slack) {
    float *block = yti_zeros(1000, 24);
    cr_assert_not_null(block);
    for (int i = 0; i < 1024; i++) cr_assert_eq(block[i], 0);
    free(block);
    cr_assert_null(yti_zeros(SIZE_MAX / 4, 16));
}
