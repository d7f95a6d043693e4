/* Tests of src/base/yaml.c: the tree, its lines, and what is refused. */
#include "base/yaml.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static yti_yaml parse(const char *text) {
    yti_yaml yaml;
    yt_err err = {0};
    cr_assert_eq(yti_yaml_parse("t.yaml", text, strlen(text), &yaml, &err), YT_OK, "%s", err.text);
    return yaml;
}

/* The text is refused, at this line, with these words. */
static void refuse(const char *text, size_t length, const char *place, const char *words) {
    yti_yaml yaml;
    yt_err err = {0};
    cr_assert_eq(yti_yaml_parse("t.yaml", text, length, &yaml, &err), YT_ERR_SYNTAX, "accepted: %.60s", text);
    cr_assert_eq(strncmp(err.text, place, strlen(place)), 0, "'%s' is not at %s", err.text, place);
    cr_assert_not_null(strstr(err.text, words), "'%s' does not say '%s'", err.text, words);
    cr_assert_null(yaml.root);
    cr_assert_null(yaml.storage);
}

Test(yaml, nodes_know_their_lines_and_kinds) {
    yti_yaml yaml = parse("# a comment\nnc: 80\nscales:\n  n: [0.50, 0.25, 1024]\n  s: [1, 2, 3]\nbackbone:\n"
                          "  - [-1, 1, Conv, [64, 3, 2]] # 0\n  - [-1, 1, 'Conv', [128, None, True]]\n");
    const yti_yaml_node *nc = yti_yaml_find(yaml.root, "nc");
    int64_t value;
    cr_assert(yti_yaml_int(nc, &value));
    cr_assert_eq(value, 80);
    cr_assert_eq(nc->line, 2u);
    const yti_yaml_node *rows = yti_yaml_find(yaml.root, "backbone");
    cr_assert_eq(rows->kind, YT_YAML_LIST);
    cr_assert_eq(rows->count, 2u);
    cr_assert_eq(rows->items[1]->line, 8u);
    cr_assert_str_eq(rows->items[1]->items[2]->text, "Conv");
    cr_assert(rows->items[1]->items[2]->quoted);
    cr_assert_not(rows->items[0]->items[2]->quoted);
    cr_assert(yti_yaml_is_null(rows->items[1]->items[3]->items[1]));
    const yti_yaml_node *scales = yti_yaml_find(yaml.root, "scales");
    cr_assert_str_eq(scales->keys[1]->text, "s");
    cr_assert_eq(scales->items[0]->count, 3u);
    cr_assert_null(yti_yaml_find(yaml.root, "head"));
    cr_assert_null(yti_yaml_find(rows, "0"));
    cr_assert_null(yti_yaml_find(NULL, "0"));
    cr_assert_str_eq(yaml.path, "t.yaml");
    yti_yaml_free(&yaml);
    yti_yaml_free(&yaml); /* an empty document may be freed */
}

Test(yaml, an_empty_file_is_an_empty_map) {
    static const char *const texts[] = {"", "\n\n", "# only a comment\n", "---\n", "--- \n...\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        yti_yaml yaml = parse(texts[i]);
        cr_assert_eq(yaml.root->kind, YT_YAML_MAP);
        cr_assert_eq(yaml.root->count, 0u);
        yti_yaml_free(&yaml);
    }
}

Test(yaml, scalars_are_numbers_words_or_texts) {
    yti_yaml yaml = parse("[12, -9223372036854775808, 9223372036854775807, 1e-3, .5, true, 'no', off, ~, '7', "
                          "+3, \"\", !!str 8]");
    const yti_yaml_node *const *item = yaml.root->items;
    int64_t i = 5;
    double d = 5;
    bool b = false;
    cr_assert(yti_yaml_int(item[0], &i) && i == 12);
    cr_assert(yti_yaml_double(item[0], &d) && d == 12.0);
    cr_assert(yti_yaml_int(item[1], &i) && i == INT64_MIN);
    cr_assert(yti_yaml_int(item[2], &i) && i == INT64_MAX);
    cr_assert(yti_yaml_double(item[3], &d) && d == 1e-3);
    cr_assert_not(yti_yaml_int(item[3], &i));
    cr_assert(yti_yaml_double(item[4], &d) && d == 0.5);
    cr_assert(yti_yaml_bool(item[5], &b) && b);
    cr_assert_not(yti_yaml_bool(item[6], &b));
    cr_assert(yti_yaml_bool(item[7], &b) && !b);
    cr_assert(yti_yaml_is_null(item[8]));
    cr_assert_not(yti_yaml_int(item[9], &i));
    cr_assert_not(yti_yaml_double(item[9], &d));
    cr_assert(yti_yaml_int(item[10], &i) && i == 3);
    cr_assert_not(yti_yaml_is_null(item[11]));
    cr_assert_not(yti_yaml_int(item[12], &i));
    cr_assert_str_eq(item[12]->text, "8");
    yti_yaml_free(&yaml);
}

Test(yaml, what_is_no_number_leaves_the_output) {
    yti_yaml yaml = parse("[9223372036854775808, -9223372036854775809, 99999999999999999999999999, 1.5, 0x10, "
                          "nan, .inf, inf, 1e999, -, 1_000, [1], 1e, 12abc]");
    for (size_t k = 0; k < yaml.root->count; k++) {
        int64_t i = 42;
        cr_assert_not(yti_yaml_int(yaml.root->items[k], &i), "item %zu", k);
        cr_assert_eq(i, 42);
    }
    for (size_t k = 4; k < yaml.root->count; k++) {
        double d = 42;
        cr_assert_not(yti_yaml_double(yaml.root->items[k], &d), "item %zu", k);
        cr_assert_eq(d, 42.0);
    }
    int64_t i;
    double d;
    bool b;
    cr_assert_not(yti_yaml_int(NULL, &i) || yti_yaml_double(NULL, &d) || yti_yaml_bool(NULL, &b) ||
                  yti_yaml_is_null(NULL));
    yti_yaml_free(&yaml);
}

Test(yaml, mistakes_are_told_with_their_line) {
    static const struct {
        const char *text, *place, *words;
    } cases[] = {
        {"a: 1\nb: [1, 2\nc: 3\n", "t.yaml:3: ", "flow sequence"},
        {"a: 1\n\tb: 2\n", "t.yaml:2: ", "tab"},
        {"a: 1\nb: 2\na: 3\n", "t.yaml:3: ", "key 'a' was already given in line 1"},
        {"a: 1\nb: *x\n", "t.yaml:2: ", "*x stands for nothing"},
        {"a: &x [1, *x]\n", "t.yaml:1: ", "no finished &x before it"},
        {"a: &x {b: 1}\nc:\n  <<: *x\n", "t.yaml:3: ", "merge key"},
        {"a: 1\npath: \"C:\\Users\\me\"\n", "t.yaml:2: ", "in double quotes a backslash begins an escape"},
        {"a: 1\npath: \"data\\images\"\n", "t.yaml:2: ", "in double quotes a backslash begins an escape"},
        {"a: 1\n---\nb: 2\n", "t.yaml:2: ", "second document"},
        {"a: !!python/object:os.system x\n", "t.yaml:1: ", "tags"},
        {"a: !mine [1]\n", "t.yaml:1: ", "tags"},
        {"? [1, 2]\n: 3\n", "t.yaml:1: ", "key"},
        {"\n\na: \"x\\0y\"\n", "t.yaml:3: ", "NUL"},
        {"a: 1\nb: \xff\xfe\n", "t.yaml:2: ", "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(cases[i].text, strlen(cases[i].text), cases[i].place, cases[i].words);
}

/* As labelling scripts dump a list that train and val share. */
Test(yaml, an_alias_is_the_value_of_its_anchor) {
    yti_yaml yaml = parse("train: &t [a, b]\nval: *t\nnames: {0: &n cat, 1: *n}\nother: [&n dog, *n]\n");
    const yti_yaml_node *val = yti_yaml_find(yaml.root, "val"), *names = yti_yaml_find(yaml.root, "names");
    cr_assert(val == yti_yaml_find(yaml.root, "train") && val->count == 2);
    cr_assert_str_eq(names->items[1]->text, "cat");
    cr_assert_str_eq(yti_yaml_find(yaml.root, "other")->items[1]->text, "dog");
    yti_yaml_free(&yaml);
}

/* Each list names the one before ten times: 10^9 values when written out. */
Test(yaml, aliases_count_as_what_they_stand_for) {
    char text[2000] = "a0: &a0 [x]\n";
    for (int i = 1; i < 10; i++) {
        sprintf(text + strlen(text), "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++) sprintf(text + strlen(text), "%s*a%d", k ? ", " : "", i - 1);
        strcat(text, "]\n");
    }
    refuse(text, strlen(text), "t.yaml:7: ", "more than 2000000 values in one document, aliases written out");
    strcpy(text, "a0: &a0 [x]\n"); /* and each lies in the next: deep, not wide */
    for (int i = 1; i < 70; i++) sprintf(text + strlen(text), "a%d: &a%d [*a%d]\n", i, i, i - 1);
    refuse(text, strlen(text), "t.yaml:64: ", "deeper than 64");
}

static char *repeat(const char *part, size_t count) {
    size_t length = strlen(part);
    char *text = malloc(length * count + 1);
    cr_assert_not_null(text);
    for (size_t i = 0; i < count; i++) memcpy(text + i * length, part, length);
    text[length * count] = '\0';
    return text;
}

Test(yaml, depth_is_limited) {
    char *deep = repeat("[", 65);
    refuse(deep, 65, "t.yaml:1: ", "deeper than 64");
    free(deep);
    deep = repeat("{a: ", 5000);
    refuse(deep, strlen(deep), "t.yaml:1: ", "deeper than 64");
    free(deep);
    deep = repeat("- ", 5000);
    refuse(deep, strlen(deep), "t.yaml:1: ", "deeper than 64");
    free(deep);
    char text[129];
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    text[128] = '\0';
    yti_yaml yaml = parse(text);
    yti_yaml_free(&yaml);
}

Test(yaml, size_is_limited) {
    size_t length = (16u << 20) + 1;
    char *text = malloc(length);
    cr_assert_not_null(text);
    memset(text, '\n', length);
    refuse(text, length, "t.yaml: ", "16777216");
    free(text);
}

Test(yaml, binary_junk_is_refused_or_read_but_never_crashes) {
    uint32_t state = 1;
    int refused = 0;
    for (int round = 0; round < 3000; round++) {
        char text[64];
        static const char alphabet[] = "[]{}:,-&*!|>'\"%@#? \n\t0a~\x80\xff\\";
        for (size_t i = 0; i < sizeof text; i++) {
            state = state * 1664525u + 1013904223u;
            text[i] = alphabet[(state >> 16) % (sizeof alphabet - 1)];
        }
        yti_yaml yaml;
        yt_err err;
        yt_status status = yti_yaml_parse("junk", text, sizeof text, &yaml, &err);
        refused += status != YT_OK;
        cr_assert(status == YT_OK || status == YT_ERR_SYNTAX);
        yti_yaml_free(&yaml);
    }
    cr_assert_gt(refused, 2000);
}

Test(yaml, a_missing_file_is_named) {
    yti_yaml yaml;
    yt_err err;
    cr_assert_eq(yti_yaml_load(YT_BINARY_DIR "/no-such.yaml", &yaml, &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "no-such.yaml"));
}

Test(yaml, real_dataset_files_are_read) {
    yti_yaml yaml;
    yt_err err = {0};
    if (yti_yaml_load(YT_SHARED_DIR "/data/coco8.yaml", &yaml, &err) != YT_OK)
        cr_skip_test("no shared data: %s", err.text);
    const yti_yaml_node *names = yti_yaml_find(yaml.root, "names");
    cr_assert_eq(names->count, 80u);
    cr_assert_str_eq(names->items[79]->text, "toothbrush");
    yti_yaml_free(&yaml);
}
