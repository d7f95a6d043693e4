/* Options by name: what is read, what is refused, whose texts they are. */
#include "base/option.h"
#include <criterion/criterion.h>

#include <string.h>

static const char *const colours[] = {"red", "green", NULL};
static const yt_option rows[] = {
    {"conf", 0, YT_OPTION_DOUBLE, "0.25", 0, 1, NULL, NULL, "Test", "a number"},
    {"max-det", 0, YT_OPTION_INT, "300", 1, 1000, NULL, NULL, "Test", "a whole number"},
    {"threads", 0, YT_OPTION_INT, "auto", 1, 64, NULL, NULL, "Test", "or auto"},
    {"rect", 0, YT_OPTION_FLAG, "true", 0, 0, NULL, NULL, "Test", "a flag"},
    {"colour", 0, YT_OPTION_CHOICE, "auto", 0, 0, colours, NULL, "Test", "one of several"},
    {"name", 0, YT_OPTION_TEXT, NULL, 0, 0, NULL, NULL, "Test", "a text"},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static yti_options make(void) {
    yti_options options;
    cr_assert_eq(yti_options_init(rows, N_ROWS, &options, NULL), YT_OK);
    return options;
}

Test(option, all_begin_at_their_defaults) {
    yti_options options = make();
    cr_expect_eq(yti_options_double(&options, "conf"), 0.25);
    cr_expect_eq(yti_options_int(&options, "max-det"), 300);
    cr_expect(yti_options_find(&options, "threads")->is_auto);
    cr_expect(yti_options_flag(&options, "rect"));
    cr_expect_eq(yti_options_find(&options, "colour")->number, -1);
    cr_expect_null(yti_options_text(&options, "name"));
    for (size_t i = 0; i < options.count; i++) cr_expect_not(options.values[i].typed, "%s", rows[i].name);
    yti_options_free(&options);
}

Test(option, a_set_value_is_a_copy_and_the_last_one_holds) {
    yti_options options = make();
    char text[] = "first";
    cr_assert_eq(yti_options_set(&options, "name", text, NULL), YT_OK);
    memset(text, 'x', sizeof text - 1);
    cr_expect_str_eq(yti_options_text(&options, "name"), "first");
    cr_assert_eq(yti_options_set(&options, "name", "second", NULL), YT_OK);
    cr_expect_str_eq(yti_options_text(&options, "name"), "second");
    cr_assert_eq(yti_options_set(&options, "max_det", "7", NULL), YT_OK, "an underscore is a dash");
    cr_expect_eq(yti_options_int(&options, "max-det"), 7);
    cr_assert_eq(yti_options_set(&options, "colour", "GREEN", NULL), YT_OK);
    cr_expect_eq(yti_options_find(&options, "colour")->number, 1);
    yti_options_free(&options);
}

Test(option, a_refused_value_leaves_the_former_one) {
    static const struct {
        const char *name, *text, *says;
    } bad[] = {{"conf", "1.5", "conf: 1.5 is above 1"},
               {"conf", "-0.1", "conf: -0.1 is below 0"},
               {"conf", "0,4", "conf: \"0,4\" is not a number"},
               {"conf", "nan", "conf: \"nan\" is not a number"},
               {"conf", "", "conf: \"\" is not a number"},
               {"max-det", "1.5", "max-det: \"1.5\" is not a whole number"},
               {"max-det", "auto", "max-det: \"auto\" is not a whole number"},
               {"rect", "maybe", "rect: \"maybe\" is neither true nor false"},
               {"colour", "gren", "colour: unknown \"gren\"; did you mean green? It is one of red, green, auto"},
               {"colour", "mauve", "colour: unknown \"mauve\"; it is one of red, green, auto"},
               {"cnof", "1", "there is no option \"cnof\"; did you mean conf?"},
               {"", "1", "there is no option \"\""}};
    yti_options options = make();
    cr_assert_eq(yti_options_set(&options, "conf", "0.5", NULL), YT_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        yt_err err = {.text = ""};
        cr_expect_eq(yti_options_set(&options, bad[i].name, bad[i].text, &err), YT_ERR_ARGUMENT, "%s", bad[i].says);
        cr_expect_str_eq(err.text, bad[i].says);
    }
    cr_expect_eq(yti_options_double(&options, "conf"), 0.5);
    cr_expect_eq(yti_options_int(&options, "max-det"), 300);
    yti_options_free(&options);
}

Test(option, a_copy_has_the_values_and_texts_of_its_own) {
    yti_options options = make(), copy;
    cr_assert_eq(yti_options_set(&options, "name", "cat", NULL), YT_OK);
    cr_assert_eq(yti_options_set(&options, "threads", "3", NULL), YT_OK);
    cr_assert_eq(yti_options_copy(&options, &copy, NULL), YT_OK);
    yti_options_free(&options);
    cr_expect_str_eq(yti_options_text(&copy, "name"), "cat");
    cr_expect_eq(yti_options_int(&copy, "threads"), 3);
    cr_expect_not(yti_options_find(&copy, "threads")->is_auto);
    cr_expect_not(yti_options_find(&copy, "conf")->typed);
    yti_options_free(&copy);
}
