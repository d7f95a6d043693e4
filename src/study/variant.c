/* variant.c: the words of --compare: "residual,plain+nobn,lr0=0.001".
 *
 * Every word stands for settings of train_options.inc. Which words there are is said by STUDY_VARIANT_MAP and the table
 * of activation functions; KEY=VALUE reaches the other settings that belong to the network, the data or the training of
 * a run.
 */
#include "study/variant.h"
#include "base/file.h"

#include <ctype.h>
#include <string.h>

typedef struct word {
    const char *word, *key, *value;
} word;

static const word words[] = {
#define VARIANT_WORD(word, key, value, meaning) {word, #key, value},
    STUDY_VARIANT_MAP(VARIANT_WORD)
#undef VARIANT_WORD
#define ACTIVATION_WORD(code, name, module, formula) {name, "activation", name},
        YT_ACTIVATION_MAP(ACTIVATION_WORD)
#undef ACTIVATION_WORD
};
enum { N_WORDS = sizeof words / sizeof words[0] };

/* Settings that a study gives itself. */
static const yti_train_key reserved[] = {YT_TRAIN_KEY_data,         YT_TRAIN_KEY_seed, YT_TRAIN_KEY_resume,
                                         YT_TRAIN_KEY_project,      YT_TRAIN_KEY_name, YT_TRAIN_KEY_exist_ok,
                                         YT_TRAIN_KEY_log_gradients};

static bool is_reserved(int key) {
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if ((int)reserved[i] == key) return true;
    return false;
}

static yt_status unknown_word(const char *text, yt_err *err) {
    const char *known[N_WORDS];
    char list[512] = "";
    for (size_t i = 0; i < N_WORDS; i++) {
        known[i] = words[i].word;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i].word);
    }
    const char *near = yti_nearest_word(text, known, N_WORDS);
    if (near) return yt_fail(err, YT_ERR_ARGUMENT, "--compare: unknown \"%.64s\"; did you mean %s?", text, near);
    return yt_fail(err, YT_ERR_ARGUMENT,
                   "--compare: unknown \"%.64s\"; it is one of %s, or KEY=VALUE with a setting whose value has no "
                   "',' and no '+': these part variants and their words",
                   text, list);
}

static yt_status add_setting(study_words *out, const char *key, const char *value, yt_err *err) {
    for (int i = 0; i < out->n_settings; i++)
        if (strcmp(out->settings[i].key, key) == 0)
            return yt_fail(err, YT_ERR_ARGUMENT, "--compare: \"%.64s\" sets %s twice", out->name, key);
    if (out->n_settings == STUDY_MAX_SETTINGS)
        return yt_fail(err, YT_ERR_ARGUMENT, "--compare: \"%.64s\" has over %d words", out->name, STUDY_MAX_SETTINGS);
    study_setting *to = &out->settings[out->n_settings++];
    snprintf(to->key, sizeof to->key, "%s", key);
    snprintf(to->value, sizeof to->value, "%s", value);
    return YT_OK;
}

/* KEY=VALUE; dashes count as underscores. The value is checked as if it were typed. */
static yt_status add_pair(study_words *out, char *text, char *equals, yt_err *err) {
    *equals = '\0';
    for (char *c = text; *c; c++)
        if (*c == '-') *c = '_';
    int key = yti_train_option_find(text);
    if (key < 0) return yt_fail(err, YT_ERR_ARGUMENT, "--compare: there is no setting \"%.64s\"", text);
    if (is_reserved(key)) return yt_fail(err, YT_ERR_ARGUMENT, "--compare: %s is the same for all variants", text);
    yti_train_config scratch;
    yti_train_config_defaults(&scratch);
    YT_TRY(yti_train_config_set(&scratch, text, equals + 1, YT_SOURCE_TYPED, err));
    return add_setting(out, text, equals + 1, err);
}

static yt_status add_word(study_words *out, char *text, yt_err *err) {
    char *equals = strchr(text, '=');
    if (equals) return add_pair(out, text, equals, err);
    for (size_t i = 0; i < N_WORDS; i++)
        if (strcmp(words[i].word, text) == 0) return add_setting(out, words[i].key, words[i].value, err);
    return unknown_word(text, err);
}

static yt_status parse_variant(const char *text, size_t length, study_words *out, yt_err *err) {
    *out = (study_words){.n_settings = 0};
    if (length == 0 || length >= sizeof out->name)
        return yt_fail(err, YT_ERR_ARGUMENT, "--compare: a variant has %zu letters; 1 to %zu work", length,
                       sizeof out->name - 1);
    memcpy(out->name, text, length);
    char copy[STUDY_TEXT];
    memcpy(copy, out->name, sizeof copy);
    for (char *at = copy, *plus; at; at = plus) {
        plus = strchr(at, '+');
        if (plus) *plus++ = '\0';
        YT_TRY(add_word(out, at, err));
    }
    return YT_OK;
}

/* By their names in the file system, where every run has its folder. */
static yt_status check_distinct(const study_words *variants, int count, yt_err *err) {
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++) {
            char a[STUDY_TEXT], b[STUDY_TEXT];
            study_variant_file_name(&variants[i], a, sizeof a);
            study_variant_file_name(&variants[k], b, sizeof b);
            if (strcmp(a, b) == 0)
                return yt_fail(err, YT_ERR_ARGUMENT, "--compare: \"%.64s\" is there twice", variants[i].name);
        }
    return YT_OK;
}

yt_status study_variants_parse(const char *text, study_words *out, int *count, yt_err *err) {
    int n = 0;
    for (const char *at = text; at; n++) {
        const char *comma = strchr(at, ',');
        if (n == STUDY_MAX_VARIANTS)
            return yt_fail(err, YT_ERR_ARGUMENT, "--compare: over %d variants", STUDY_MAX_VARIANTS);
        YT_TRY(parse_variant(at, comma ? (size_t)(comma - at) : strlen(at), &out[n], err));
        at = comma ? comma + 1 : NULL;
    }
    YT_TRY(check_distinct(out, n, err));
    *count = n;
    return YT_OK;
}

yt_status study_check_variants(const char *variants, yt_err *err) {
    study_words out[STUDY_MAX_VARIANTS];
    int count;
    return study_variants_parse(variants, out, &count, err);
}

yt_status study_variant_apply(const study_words *variant, const yti_train_config *base, yti_train_config *out,
                              yt_err *err) {
    *out = *base;
    for (int i = 0; i < variant->n_settings; i++) {
        const study_setting *s = &variant->settings[i];
        if (base->source[yti_train_option_find(s->key)] == YT_SOURCE_TYPED)
            return yt_fail(err, YT_ERR_ARGUMENT, "%s: is typed, and variant \"%.64s\" sets it; leave one out", s->key,
                           variant->name);
        YT_TRY(yti_train_config_set(out, s->key, s->value, YT_SOURCE_TYPED, err));
    }
    return YT_OK;
}

void study_variant_file_name(const study_words *variant, char *out, size_t room) {
    snprintf(out, room, "%s", variant->name);
    for (char *c = out; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("+._=-", *c)) *c = '_';
}
