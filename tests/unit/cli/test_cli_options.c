/* Tests of src/cli/cli_options.c and cli_help.c: command lines by a table. */
#include "cli/cli_help.h"
#include "cli/cli_options.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const colours[] = {"red", "green", NULL};
static const char *const cuts[] = {"small", "large", NULL};
static const cli_option options[] = {
    {"epochs", 'e', YT_OPTION_INT, "100", 1, 1000, NULL, NULL, "Training", "passes"},
    {"lr0", 0, YT_OPTION_DOUBLE, "auto", 0, HUGE_VAL, NULL, NULL, "Training", "rate"},
    {"exist-ok", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Output", "overwrite"},
    {"val", 0, YT_OPTION_FLAG, "true", 0, 0, NULL, NULL, "Output", "validate"},
    {"name", 'n', YT_OPTION_TEXT, NULL, 0, 0, NULL, "NAME", "Output", "of the folder"},
    {"resume", 0, YT_OPTION_TEXT, "", 0, 0, NULL, "[FILE]", "Output", "go on"},
    {"log", 0, YT_OPTION_INT, "0", 0, 1000, NULL, "[N=5]", "Output", "every N-th"},
    {"colour", 0, YT_OPTION_CHOICE, "auto", 0, 0, colours, NULL, "Output", "of boxes"},
    {"cut", 0, YT_OPTION_CHOICE, "false", 0, 0, cuts, "[CUT]", "Output", "of roads"},
};

enum { MAX_ARGS = 16 };

/* Parses the words of a line. */
static int parse(cli_line *cli, const char *line) {
    static char text[512];
    char *argv[MAX_ARGS] = {(char[]){"prog"}};
    int argc = 1;
    char *rest = NULL;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) argv[argc++] = word;
    *cli = (cli_line){.program = "prog",
                      .usage = "prog DATA",
                      .version = "1.2",
                      .options = options,
                      .n_options = sizeof options / sizeof options[0],
                      .max_words = 2};
    return cli_parse(cli, argc, argv);
}

Test(cli_options, an_optional_number_leaves_words_that_are_none) {
    static const struct {
        const char *line, *text;
        size_t words;
    } cases[] = {{"--log data.yaml", "true", 1}, {"--log 20 data.yaml", "20", 1}, {"--log=20", "20", 0},
                 {"2.yaml --log", "true", 1},    {"--no-log a", "false", 1},      {"--log --epochs 3", "true", 0},
                 {"--log false", "false", 0},    {"--log 2.yaml", "true", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_line cli;
        cr_assert_eq(parse(&cli, cases[i].line), -1, "%s", cases[i].line);
        cr_expect_str_eq(cli_text(&cli, "log"), cases[i].text, "%s", cases[i].line);
        cr_expect_eq(cli.n_words, cases[i].words, "%s", cases[i].line);
        cli_free(&cli);
    }
}

Test(cli_options, defaults_hold_where_nothing_is_typed) {
    cli_line cli;
    cr_assert_eq(parse(&cli, ""), -1);
    cr_assert_eq(cli_int(&cli, "epochs"), 100);
    cr_assert(cli_get(&cli, "lr0")->is_auto);
    cr_assert(!cli_flag(&cli, "exist-ok") && cli_flag(&cli, "val"));
    cr_assert_null(cli_text(&cli, "name"));
    cr_assert_eq((int)cli_double(&cli, "colour"), -1);
    for (size_t i = 0; i < cli.n_options; i++) cr_assert_not(cli.values[i].typed);
    cr_assert_eq(cli.n_words, 0u);
    cli_free(&cli);
}

Test(cli_options, every_way_of_writing_a_value_is_read) {
    cli_line cli;
    cr_assert_eq(parse(&cli, "a --epochs 7 --lr0=0.5 --exist_ok --no-val -n x b --colour GREEN"), -1);
    cr_assert_eq(cli_int(&cli, "epochs"), 7);
    cr_assert_eq(cli_double(&cli, "lr0"), 0.5);
    cr_assert(cli_flag(&cli, "exist-ok") && !cli_flag(&cli, "val"));
    cr_assert_str_eq(cli_text(&cli, "name"), "x");
    cr_assert_str_eq(cli_text(&cli, "colour"), "green");
    cr_assert_eq((int)cli_double(&cli, "colour"), 1);
    cr_assert(cli_typed(&cli, "epochs") && !cli_typed(&cli, "resume"));
    cr_assert(cli.n_words == 2 && strcmp(cli.words[1], "b") == 0);
    cli_free(&cli);

    cr_assert_eq(parse(&cli, "--val=off --exist-ok=1 0"), -1);
    cr_assert(!cli_flag(&cli, "val") && cli_flag(&cli, "exist-ok") && cli.n_words == 1);
    cli_free(&cli);

    cr_assert_eq(parse(&cli, "-e 9 --val false --exist-ok data --lr0 auto -- --name"), -1);
    cr_assert_eq(cli_int(&cli, "epochs"), 9);
    cr_assert(!cli_flag(&cli, "val") && cli_flag(&cli, "exist-ok"));
    cr_assert(cli_get(&cli, "lr0")->is_auto && cli_typed(&cli, "lr0"));
    cr_assert(cli.n_words == 2 && strcmp(cli.words[0], "data") == 0 && strcmp(cli.words[1], "--name") == 0);
    cli_free(&cli);
}

Test(cli_options, an_optional_value_may_be_left_out) {
    cli_line cli;
    cr_assert_eq(parse(&cli, "--resume --epochs 3"), -1);
    cr_assert(cli_typed(&cli, "resume"));
    cr_assert_str_eq(cli_text(&cli, "resume"), "");
    cli_free(&cli);
    cr_assert_eq(parse(&cli, "--resume last.safetensors"), -1);
    cr_assert_str_eq(cli_text(&cli, "resume"), "last.safetensors");
    cli_free(&cli);
}

Test(cli_options, a_choice_that_may_be_left_out_takes_only_its_own_words) {
    static const struct {
        const char *line, *text;
        int number;
        size_t words;
    } cases[] = {
        {"data", "false", -1, 1},           {"--cut data", "small", 0, 1},    {"--cut large data", "large", 1, 1},
        {"--cut true data", "small", 0, 1}, {"--cut=LARGE", "large", 1, 0},   {"--cut=0", "false", -1, 0},
        {"--cut=Off", "false", -1, 0},      {"--cut=on data", "small", 0, 1}, {"--cut no data", "false", -1, 1},
        {"--cut false", "false", -1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_line cli;
        cr_assert_eq(parse(&cli, cases[i].line), -1, "%s", cases[i].line);
        cr_assert_str_eq(cli_text(&cli, "cut"), cases[i].text, "%s", cases[i].line);
        cr_assert_eq((int)cli_double(&cli, "cut"), cases[i].number, "%s", cases[i].line);
        cr_assert_eq(cli.n_words, cases[i].words, "%s", cases[i].line);
        cli_free(&cli);
    }
}

static void expect_usage_error(const char *line, const char *sentence) {
    cli_line cli;
    cr_assert_eq(parse(&cli, line), 2, "%s", line);
    cr_assert_null(cli.values);
    fflush(stderr);
    char expected[256];
    snprintf(expected, sizeof expected, "prog: %s (prog --help lists the options)\n", sentence);
    cr_assert_stderr_eq_str(expected);
}

/* One error per test, because what was redirected is read once. */
#define USAGE_TEST(name, line, sentence)                                                                               \
    Test(cli_usage, name, .init = cr_redirect_stderr) {                                                                \
        expect_usage_error(line, sentence);                                                                            \
    }

USAGE_TEST(below, "--epochs 0", "--epochs: 0 is below 1")
USAGE_TEST(above, "--epochs=1001", "--epochs: 1001 is above 1000")
USAGE_TEST(negative, "--lr0 -1", "--lr0: -1 is below 0")
USAGE_TEST(fraction, "--epochs 1.5", "--epochs: \"1.5\" is not a whole number")
USAGE_TEST(letters, "--epochs ten", "--epochs: \"ten\" is not a whole number")
USAGE_TEST(hexadecimal, "--epochs 0x10", "--epochs: \"0x10\" is not a whole number")
USAGE_TEST(no_number, "--lr0 nan", "--lr0: \"nan\" is not a number")
USAGE_TEST(automatic, "--epochs auto", "--epochs: \"auto\" is not a whole number")
USAGE_TEST(missing, "--epochs", "--epochs needs a value")
USAGE_TEST(misspelt, "--epoch 3", "unknown option --epoch; did you mean --epochs?")
USAGE_TEST(unknown, "--xylophone", "unknown option --xylophone")
USAGE_TEST(no_flag, "--no-epochs", "unknown option --no-epochs; did you mean --epochs?")
USAGE_TEST(short_unknown, "-x", "unknown option -x; long options begin with two dashes")
USAGE_TEST(choice, "--colour blue", "--colour: unknown \"blue\"; it is one of red, green, auto")
USAGE_TEST(choice_misspelt, "--colour gren",
           "--colour: unknown \"gren\"; did you mean green? It is one of red, green, auto")
USAGE_TEST(choice_automatic, "--colour atuo",
           "--colour: unknown \"atuo\"; did you mean auto? It is one of red, green, auto")
USAGE_TEST(choice_attached, "--cut=larg",
           "--cut: unknown \"larg\"; did you mean large? It is one of small, large, false")
USAGE_TEST(choice_apart, "a b --cut larg",
           "unexpected \"larg\"; --cut takes its value with =; did you mean --cut=large")
USAGE_TEST(number_apart, "a b --log many", "unexpected \"many\"; --log takes its value with =")
USAGE_TEST(word_like_an_option, "a -- --cut c", "unexpected \"c\"; usage: prog DATA")
USAGE_TEST(flag_word, "a --exist-ok b c", "unexpected \"c\"; usage: prog DATA")
USAGE_TEST(flag, "--val=maybe", "--val: \"maybe\" is neither true nor false")
USAGE_TEST(words, "a b c", "unexpected \"c\"; usage: prog DATA")

Test(cli_options, help_and_version_end_the_program, .init = cr_redirect_stdout) {
    cli_line cli;
    cr_assert_eq(parse(&cli, "--help"), 0);
    cr_assert_eq(parse(&cli, "-h --epochs 0"), 0);
    cr_assert_eq(parse(&cli, "--version"), 0);
}

Test(cli_options, help_shows_every_option_with_range_and_default) {
    cli_line cli;
    cr_assert_eq(parse(&cli, ""), -1);
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    cli_print_help(&cli, out);
    cr_assert_eq(fclose(out), 0);
    cr_assert_not_null(strstr(text, "usage: prog DATA\n"));
    cr_assert_not_null(strstr(text, "\nTraining\n  -e, --epochs N              passes (1 to 1000; default 100)\n"));
    cr_assert_not_null(strstr(text, "--lr0 X                 rate (at least 0; default auto)\n"));
    cr_assert_not_null(strstr(text, "\nOutput\n"));
    cr_assert_not_null(strstr(text, "--[no-]val              validate (default true)\n"));
    cr_assert_not_null(strstr(text, "--exist-ok              overwrite\n"));
    cr_assert_not_null(strstr(text, "-n, --name NAME"));
    cr_assert_not_null(strstr(text, "--colour NAME           of boxes (red, green; default auto)\n"));
    for (size_t i = 0; i < cli.n_options; i++) cr_assert_not_null(strstr(text, options[i].name));
    free(text);
    cli_free(&cli);
}
