/* Tests of src/base/number.c: decimal text to the nearest double, and what is no number. */
#include "base/number.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse(const char *text, double *out) {
    return yti_parse_decimal(text, strlen(text), out);
}

Test(number, text_gives_the_double_that_strtod_gives) {
    static const char *const texts[] = {"0",
                                        "-0",
                                        "1",
                                        "+1.5",
                                        ".5",
                                        "5.",
                                        "0.1",
                                        "1e-05",
                                        "0.30000000",
                                        "123456.7",
                                        "1E3",
                                        "1e+3",
                                        "1e22",
                                        "1e-22",
                                        "0.000001",
                                        "007",
                                        "0.5000000000",
                                        "9007199254740992",
                                        "1e300",
                                        "1e-300",
                                        "0.1234567890123456789",
                                        "12345678901234567890123",
                                        "0.00000000000000000000000000000001"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double value = 42;
        cr_assert(parse(texts[i], &value), "%s", texts[i]);
        cr_assert(value == strtod(texts[i], NULL), "%s gave %.17g", texts[i], value);
    }
}

Test(number, six_decimals_are_all_exact) {
    for (int i = 0; i <= 1000000; i += 7) {
        char text[16];
        double value = -1;
        snprintf(text, sizeof text, "%d.%06d", i / 1000000, i % 1000000);
        cr_assert(parse(text, &value) && value == i / 1e6, "%s gave %.17g", text, value);
    }
}

Test(number, what_is_no_number_leaves_the_output) {
    static const char *const texts[] = {
        "",    ".",    "-",  "+.", "e5",  "1e",  "1e+",   "1.2.3",          "1,5", "0x10", "nan",
        "inf", "-inf", " 1", "1 ", "1_0", "--1", "1e400", "-1e999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double value = 42;
        cr_assert_not(parse(texts[i], &value), "'%s' gave %g", texts[i], value);
        cr_assert_eq(value, 42.0);
    }
}

Test(number, tiny_and_endless_numbers_are_harmless) {
    double value = 42;
    cr_assert(parse("1e-999999999999", &value) && value == 0);
    cr_assert(parse("0e999999999999", &value) && value == 0);
    char text[5002];
    memset(text, '3', sizeof text);
    text[1] = '.';
    cr_assert(yti_parse_decimal(text, sizeof text, &value) && fabs(value - 10.0 / 3) < 1e-15);
    text[1] = '3';
    cr_assert_not(yti_parse_decimal(text, sizeof text, &value)); /* 5002 digits overflow */
}

Test(number, only_the_given_length_is_read) {
    double value = 0;
    cr_assert(yti_parse_decimal("1.25xyz", 4, &value) && value == 1.25);
}
