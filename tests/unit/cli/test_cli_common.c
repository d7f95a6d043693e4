/* Tests of src/cli/cli_common.c: texts of files on a terminal. */
#include "cli/cli_common.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void expect_printed(int width, const char *text, const char *expected) {
    char *printed = NULL;
    size_t bytes;
    FILE *out = open_memstream(&printed, &bytes);
    cr_assert_not_null(out);
    cli_print_text(out, width, text);
    cr_assert_eq(fclose(out), 0);
    cr_assert_str_eq(printed, expected);
    free(printed);
}

Test(cli_common, control_characters_are_printed_as_question_marks) {
    expect_printed(0, "zebra", "zebra");
    expect_printed(0, "\033[31mred\n\177", "?[31mred??");
    expect_printed(0,
                   "Stra\xC3\x9F"
                   "e",
                   "Stra\xC3\x9F"
                   "e");
    expect_printed(0, "", "");
}

Test(cli_common, texts_are_aligned_to_the_right) {
    expect_printed(6, "cat", "   cat");
    expect_printed(6, "a\tb", "   a?b");
    expect_printed(3, "zebra", "zebra");
}
