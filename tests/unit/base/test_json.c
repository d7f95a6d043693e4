/* Tests of src/base/json.c: the layout that files have, null for what is not finite, one flag for what fails; and
 * reading with nothing there. */
#include "base/json.h"
#include "support/files.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(json, .init = test_folder_make, .fini = test_folder_remove);

static void write_sample(yti_json_writer *w) {
    yti_json_object(w, NULL);
    yti_json_text(w, "name", "a \"b\"\n\xc3\xa4");
    yti_json_array(w, "numbers");
    yti_json_number(w, NULL, 1);
    yti_json_number(w, NULL, 0.1);
    yti_json_number(w, NULL, 1.0 / 3);
    yti_json_number6(w, NULL, 1.0 / 3);
    yti_json_end(w);
    yti_json_object(w, "inner");
    yti_json_bool(w, "yes", true);
    yti_json_null(w, "nothing");
    yti_json_array(w, "empty");
    yti_json_end(w);
    yti_json_end(w);
    yti_json_hash(w, "hash", 0xfedcba9876543210u);
}

Test(json, what_is_open_is_closed_at_the_end_and_numbers_come_back_as_they_were) {
    yti_json_writer w = {0};
    write_sample(&w);
    char *text = yti_json_finish(&w, YTI_JSON_ON_ONE_LINE);
    cr_assert_str_eq(text, "{\"name\":\"a \\\"b\\\"\\n\xc3\xa4\",\"numbers\":[1,0.1,0.33333333333333331,0.333333],"
                           "\"inner\":{\"yes\":true,\"nothing\":null,\"empty\":[]},\"hash\":\"fedcba9876543210\"}");
    yti_json *tree = yti_json_parse_all(text);
    const yti_json *third = yti_json_next(yti_json_next(yti_json_first(yti_json_get(tree, "numbers"))));
    double value = 0;
    cr_assert(yti_json_as_number(third, &value) && value == 1.0 / 3);
    cr_assert_str_eq(yti_json_as_text(yti_json_get(tree, "name")), "a \"b\"\n\xc3\xa4");
    yti_json_free(tree);
    free(text);
}

Test(json, a_file_is_indented_by_tabs_and_ends_with_a_newline) {
    yti_json_writer w = {0};
    yt_err err = {.text = ""};
    write_sample(&w);
    cr_assert_eq(yti_json_save(&w, test_folder_path("sample.json"), &err), YT_OK, "%s", err.text);
    char *text = test_read_text(test_folder_path("sample.json"));
    cr_assert_str_eq(text, "{\n\t\"name\":\t\"a \\\"b\\\"\\n\xc3\xa4\",\n"
                           "\t\"numbers\":\t[1, 0.1, 0.33333333333333331, 0.333333],\n"
                           "\t\"inner\":\t{\n\t\t\"yes\":\ttrue,\n\t\t\"nothing\":\tnull,\n\t\t\"empty\":\t[]\n\t},\n"
                           "\t\"hash\":\t\"fedcba9876543210\"\n}\n");
    free(text);
    cr_assert(w.root == NULL && w.depth == 0, "the writer is empty again");
}

Test(json, a_file_that_cannot_be_written_is_an_error_and_empties_the_writer) {
    yti_json_writer w = {0};
    write_sample(&w);
    cr_assert_eq(yti_json_save(&w, test_folder_path("no/such/folder.json"), NULL), YT_ERR_IO);
    cr_assert_null(w.root);
    cr_assert_eq(yti_json_save(&w, test_folder_path("nothing.json"), NULL), YT_ERR_NO_MEMORY, "nothing was written");
}

/* As when memory ran out on the way. */
Test(json, nothing_comes_of_a_writer_in_which_something_failed) {
    for (int tree = 0; tree < 2; tree++) {
        yti_json_writer w = {0};
        yti_json_object(&w, NULL);
        yti_json_array(&w, "list");
        w.failed = true;
        yti_json_number(&w, NULL, 1);
        yti_json_object(&w, NULL);
        yti_json_text(&w, "key", "text");
        yti_json_end(&w);
        yti_json_end(&w);
        if (tree)
            cr_assert_null(yti_json_tree(&w));
        else
            cr_assert_null(yti_json_finish(&w, YTI_JSON_INDENTED));
        cr_assert(!w.root && !w.failed);
    }
}

Test(json, what_is_not_finite_is_null) {
    yti_json_writer w = {0};
    yti_json_array(&w, NULL);
    yti_json_number(&w, NULL, (double)NAN);
    yti_json_number(&w, NULL, -HUGE_VAL);
    char *text = yti_json_finish(&w, YTI_JSON_ON_ONE_LINE);
    cr_assert_str_eq(text, "[null,null]");
    free(text);
}

Test(json, a_quoted_text_is_utf8_whatever_it_was) {
    char *text = yti_json_quoted("a\xff\"");
    cr_assert_str_eq(text, "\"a\xef\xbf\xbd\\\"\"");
    free(text);
}

Test(json, a_value_is_read_from_the_middle_and_ends_where_it_ends) {
    static const char text[] = " {\"a\": [1, 2]}, 3";
    const char *end = NULL;
    yti_json *tree = yti_json_parse(text, sizeof text - 1, &end);
    cr_assert_str_eq(end, ", 3");
    cr_assert_eq(yti_json_count(yti_json_get(tree, "a")), 2);
    cr_assert_str_eq(yti_json_key(yti_json_first(tree)), "a");
    yti_json_free(tree);
    cr_assert_null(yti_json_parse("{\"a\": }", 7, &end));
    cr_assert_null(yti_json_parse("[1, 2]", 5, NULL), "the bytes after the last one are not read");
}

Test(json, one_value_and_nothing_else) {
    yti_json *tree = yti_json_parse_all(" [1] \r\n\t");
    cr_assert(yti_json_is_array(tree));
    yti_json_free(tree);
    cr_assert_null(yti_json_parse_all("[1] x"));
    cr_assert_null(yti_json_parse_all("[1][2]"));
    cr_assert_null(yti_json_parse_all(""));
}

Test(json, whole_numbers_are_whole_and_within_their_bounds) {
    yti_json *tree = yti_json_parse_all("[0, 7, 7.5, -1, 1e999, \"7\", null, 9007199254740992]");
    const bool expected[] = {true, true, false, false, false, false, false, true};
    const yti_json *item = yti_json_first(tree);
    for (size_t i = 0; i < sizeof expected; i++, item = yti_json_next(item)) {
        int64_t value = -5;
        cr_assert_eq(yti_json_as_whole(item, 0, 9007199254740992.0, &value), expected[i], "number %zu", i);
        cr_assert(expected[i] || value == -5, "nothing is written");
    }
    cr_assert_null(item);
    int64_t value;
    cr_assert_not(yti_json_as_whole(yti_json_next(yti_json_first(tree)), 8, 9, &value));
    yti_json_free(tree);
}

Test(json, nothing_is_asked_of_nothing) {
    double number;
    int64_t whole;
    cr_assert_null(yti_json_get(yti_json_first(yti_json_next(NULL)), "key"));
    cr_assert_null(yti_json_as_text(NULL));
    cr_assert_null(yti_json_key(NULL));
    cr_assert_eq(yti_json_count(NULL), 0);
    cr_assert_not(yti_json_as_number(NULL, &number));
    cr_assert_not(yti_json_as_whole(NULL, 0, 1, &whole));
    cr_assert_not(yti_json_is_object(NULL) || yti_json_is_array(NULL) || yti_json_is_null(NULL) ||
                  yti_json_is_bool(NULL) || yti_json_is_true(NULL));
    yti_json_free(NULL);
}

Test(json, keys_are_compared_with_their_case) {
    yti_json *tree = yti_json_parse_all("{\"Key\": 1, \"key\": 2}");
    double value = 0;
    cr_assert(yti_json_as_number(yti_json_get(tree, "key"), &value) && value == 2);
    cr_assert_null(yti_json_get(tree, "KEY"));
    yti_json_free(tree);
}
