/* Tests of src/study/variant.c: the words of --compare. */
#include "study/variant.h"

#include <criterion/criterion.h>
#include <string.h>

static study_words words[STUDY_MAX_VARIANTS];

static int parse(const char *text) {
    int count = -1;
    yt_err err = {.text = ""};
    cr_assert_eq(study_variants_parse(text, words, &count, &err), YT_OK, "%s", err.text);
    cr_assert_eq(study_check_variants(text, NULL), YT_OK);
    return count;
}

static void refused(const char *text, const char *sentence) {
    int count = -1;
    yt_err err = {.text = ""};
    cr_assert_eq(study_variants_parse(text, words, &count, &err), YT_ERR_ARGUMENT, "%s", text);
    cr_assert(strstr(err.text, sentence), "\"%s\" lacks \"%s\"", err.text, sentence);
    cr_assert_eq(count, -1);
}

static void has(const study_words *variant, const char *key, const char *value) {
    for (int i = 0; i < variant->n_settings; i++)
        if (strcmp(variant->settings[i].key, key) == 0) {
            cr_assert_str_eq(variant->settings[i].value, value);
            return;
        }
    cr_assert_fail("%s has no %s", variant->name, key);
}

Test(variant, words_stand_for_settings_and_join) {
    cr_assert_eq(parse("residual,plain,plain+nobn+tanh"), 3);
    cr_assert_str_eq(words[0].name, "residual");
    cr_assert_eq(words[0].n_settings, 1);
    cr_assert_str_eq(words[2].name, "plain+nobn+tanh");
    cr_assert_eq(words[2].n_settings, 3);
    has(&words[2], "no_batchnorm", "true");
    has(&words[2], "activation", "tanh");
}

/* Whatever the table says must be a value that the setting takes, and that changes it. */
Test(variant, every_word_is_a_value_its_setting_takes) {
    static const char *const all[] = {
#define WORD(word, key, value, meaning) word,
        STUDY_VARIANT_MAP(WORD)
#undef WORD
#define ACTIVATION(code, name, module, formula) name,
            YT_ACTIVATION_MAP(ACTIVATION)
#undef ACTIVATION
    };
    yti_train_config base, config;
    yti_train_config_defaults(&base);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        yt_err err = {.text = ""};
        cr_assert_eq(parse(all[i]), 1);
        cr_assert_eq(study_variant_apply(&words[0], &base, &config, &err), YT_OK, "%s: %s", all[i], err.text);
    }
    cr_assert_eq(parse("nobn+tanh"), 1);
    cr_assert_eq(study_variant_apply(&words[0], &base, &config, NULL), YT_OK);
    cr_assert(config.no_batchnorm && config.activation == YT_ACT_TANH);
    cr_assert(!base.no_batchnorm);
}

Test(variant, any_setting_of_a_run_may_be_one) {
    cr_assert_eq(parse("lr0=0.001,plain+warmup-epochs=0"), 2);
    has(&words[0], "lr0", "0.001");
    has(&words[1], "warmup_epochs", "0");
    refused("lr0=2", "lr0: 2 is above 1");
    refused("lr9=2", "there is no setting \"lr9\"");
    refused("seed=2", "seed is the same for all variants");
    refused("plain+data=x.yaml", "data is the same for all variants");
}

Test(variant, what_is_no_word_is_refused_with_the_nearest) {
    refused("residul", "did you mean residual?");
    refused("plain,zzzzzzzz", "it is one of residual, plain");
    refused("freeze=0,1", "KEY=VALUE with a setting whose value has no ',' and no '+'");
    refused("", "a variant has 0 letters");
    refused("plain,", "a variant has 0 letters");
    refused("plain+", "unknown \"\"");
    refused("residual+plain", "sets no_residual twice");
    refused("tanh+nobn+sigmoid", "sets activation twice");
    refused("plain,residual,plain", "\"plain\" is there twice");
}

Test(variant, too_many_are_refused) {
    char text[1024] = "";
    for (int i = 0; i <= STUDY_MAX_VARIANTS; i++) sprintf(text + strlen(text), "%slr0=0.%d", i ? "," : "", i + 1);
    refused(text, "over 16 variants");
}

Test(variant, a_typed_setting_that_a_variant_sets_is_refused) {
    yti_train_config base, config;
    yti_train_config_defaults(&base);
    cr_assert_eq(yti_train_config_set(&base, "activation", "relu", YT_SOURCE_TYPED, NULL), YT_OK);
    cr_assert_eq(parse("tanh"), 1);
    yt_err err;
    cr_assert_eq(study_variant_apply(&words[0], &base, &config, &err), YT_ERR_ARGUMENT);
    cr_assert(strstr(err.text, "activation: is typed"), "%s", err.text);
}

Test(variant, its_name_is_harmless_as_a_file_name) {
    char name[STUDY_TEXT];
    cr_assert_eq(parse("plain+weights=../../a b;c"), 1);
    study_variant_file_name(&words[0], name, sizeof name);
    cr_assert_str_eq(name, "plain+weights=.._.._a_b_c");
}
