/* Tests of src/base/number.c: decimal text to the nearest double, and what is no number. */
#include "base/csv.h"
#include "base/json.h"
#include "base/number.h"
#include "support/folder.h"

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

Test(number, a_double_is_written_as_printf_writes_it) {
    const double numbers[] = {0, -0.0, 1, 0.1, 1e-30, 123456789, 1e300, -1.0 / 3, HUGE_VAL, -HUGE_VAL};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (int digits = 1; digits <= 17; digits++) {
            char text[YTI_DECIMAL], expected[64];
            snprintf(expected, sizeof expected, "%.*g", digits, numbers[i]);
            cr_assert_str_eq(yti_decimal(numbers[i], digits, text), expected);
        }
    char text[YTI_DECIMAL];
    cr_assert_str_eq(yti_decimal(-(double)NAN, 6, text), "nan");
}

/* A locale that writes a comma, compiled here because few machines have one; false: this one cannot. */
static bool begin_comma(void) {
    test_folder_write_text("comma",
                           "LC_CTYPE\ncopy \"POSIX\"\nEND LC_CTYPE\nLC_COLLATE\ncopy \"POSIX\"\nEND LC_COLLATE\n"
                           "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \"\"\ngrouping -1\nEND LC_NUMERIC\n");
    char command[1024];
    snprintf(command, sizeof command, "cd '%s' && localedef -c -i ./comma -f ANSI_X3.4-1968 ./xx_XX >/dev/null 2>&1",
             test_folder_path(""));
    if (system(command) < 0 || setenv("LOCPATH", test_folder_path(""), 1) != 0) return false;
    return setlocale(LC_NUMERIC, "xx_XX") && strcmp(localeconv()->decimal_point, ",") == 0;
}

Test(number, a_comma_of_the_locale_is_not_written_nor_read, .init = test_folder_make, .fini = test_folder_remove) {
    if (!begin_comma()) cr_skip_test("localedef makes no locale with a comma here");
    char text[YTI_DECIMAL], table[64] = "", printed[32];
    snprintf(printed, sizeof printed, "%.2f", 0.5);
    cr_assert_str_eq(printed, "0,50", "the locale is in force");
    cr_assert_str_eq(yti_decimal(-1234.5, 6, text), "-1234.5");
    cr_assert_str_eq(yti_decimal(1.5e-30, 6, text), "1.5e-30");
    cr_assert_str_eq(yti_decimal(7, 6, text), "7");
    FILE *file = fmemopen(table, sizeof table, "w");
    yti_csv_number(file, 0.25);
    fclose(file);
    cr_assert_str_eq(table, "0.25");
    yti_json_writer w = {0};
    yti_json_array(&w, NULL);
    yti_json_number(&w, NULL, 0.25);
    yti_json_number6(&w, NULL, 0.75);
    char *json = yti_json_finish(&w, YTI_JSON_ON_ONE_LINE);
    cr_assert_str_eq(json, "[0.25,0.75]");
    yti_json *tree = yti_json_parse_all(json);
    double value = 0;
    cr_assert(yti_json_as_number(yti_json_next(yti_json_first(tree)), &value) && value == 0.75);
    yti_json_free(tree);
    free(json);
    cr_assert(parse("0.125", &value) && value == 0.125);
}
