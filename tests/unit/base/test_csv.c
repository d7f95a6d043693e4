/* Tests of src/base/csv.c: fields as RFC 4180 has them, rows as a crash leaves them. */
#include "base/csv.h"
#include "support/files.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(csv, .init = test_folder_make, .fini = test_folder_remove);

Test(csv, texts_stand_in_quotes_where_they_need_them) {
    static const char *const texts[][2] = {
        {"cat", "cat"},   {"", "\"\""},     {"a,b", "\"a,b\""},   {"a \"b\"", "\"a \"\"b\"\"\""},
        {" a", "\" a\""}, {"a ", "\"a \""}, {"a\nb", "\"a\nb\""}, {"a b", "a b"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char written[64] = "";
        FILE *file = fmemopen(written, sizeof written, "w");
        yti_csv_text(file, texts[i][0]);
        fclose(file);
        cr_assert_str_eq(written, texts[i][1]);
    }
}

Test(csv, numbers_are_read_as_they_are_written) {
    const double numbers[] = {0, 1, -0.5, 1e-30, 123456, 1e300, (double)NAN, -(double)NAN, HUGE_VAL, -HUGE_VAL};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char written[64] = "";
        FILE *file = fmemopen(written, sizeof written, "w");
        yti_csv_number(file, numbers[i]);
        fclose(file);
        double read = 5;
        cr_assert(yti_csv_real(written, &read), "%s", written);
        cr_assert(isnan(numbers[i]) ? isnan(read) : read == numbers[i], "%s", written);
        cr_assert(!isnan(numbers[i]) || strcmp(written, "nan") == 0);
    }
    double value;
    cr_assert_not(yti_csv_real("", &value) || yti_csv_real("1x", &value) || yti_csv_real("NaN", &value) ||
                  yti_csv_real("0x10", &value) || yti_csv_real("--inf", &value));
}

Test(csv, whole_numbers_have_bounds) {
    long value = 0;
    cr_assert(yti_csv_whole("12", 0, 12, &value) && value == 12);
    cr_assert(yti_csv_whole("-1", -1, 12, &value) && value == -1);
    cr_assert_not(yti_csv_whole("13", 0, 12, &value) || yti_csv_whole("1.5", 0, 12, &value) ||
                  yti_csv_whole("nan", 0, 12, &value) || yti_csv_whole("", 0, 12, &value));
}

static yti_csv load(const char *text) {
    yti_csv table;
    yt_err err = {.text = ""};
    test_folder_write_text("table.csv", text);
    cr_assert_eq(yti_csv_load(test_folder_path("table.csv"), 1 << 20, &table, &err), YT_OK, "%s", err.text);
    return table;
}

Test(csv, rows_follow_the_header_and_one_without_its_newline_is_none) {
    yti_csv t = load("a,b,c\n1,,3\n4,5\n6,7,8,9\n10,11");
    cr_assert(t.n_columns == 3 && yti_csv_column(&t, "b") == 1 && yti_csv_column(&t, "d") == -1);
    cr_assert(yti_csv_next(&t) && t.line == 2 && t.n_fields == 3);
    cr_assert_str_eq(t.fields[1], "");
    cr_assert_str_eq(t.fields[2], "3");
    cr_assert(yti_csv_next(&t) && t.n_fields == 2);
    cr_assert(yti_csv_next(&t) && t.n_fields == 4 && strcmp(t.fields[3], "9") == 0);
    cr_assert_not(yti_csv_next(&t));
    cr_assert_not(yti_csv_next(&t));
    cr_assert_eq(t.line, 4);
    yti_csv_free(&t);
}

Test(csv, columns_beyond_the_last_one_are_left_out) {
    char text[8 * YTI_CSV_COLUMNS] = "c0";
    for (int i = 1; i < YTI_CSV_COLUMNS + 10; i++) snprintf(text + strlen(text), sizeof text - strlen(text), ",c%d", i);
    strcat(text, "\n");
    yti_csv t = load(text);
    cr_assert_eq(t.n_columns, YTI_CSV_COLUMNS);
    cr_assert_eq(yti_csv_column(&t, "c511"), 511);
    cr_assert_eq(yti_csv_column(&t, "c512"), -1);
    yti_csv_free(&t);
}

Test(csv, a_table_without_a_header_or_a_file_is_refused) {
    yti_csv t;
    yt_err err;
    test_folder_write_text("table.csv", "a,b");
    cr_assert_eq(yti_csv_load(test_folder_path("table.csv"), 1 << 20, &t, &err), YT_ERR_SYNTAX);
    cr_assert(strstr(err.text, "table.csv:1: there is no header"), "%s", err.text);
    cr_assert_eq(yti_csv_load(test_folder_path("none.csv"), 1 << 20, &t, &err), YT_ERR_IO);
}
