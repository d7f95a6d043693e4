/* config.c: the settings of a run, all made from the one table in train_options.inc.
 *
 * Every value has a text form, by which it comes in (defaults, command line, checkpoint) and goes out (args.yaml,
 * checkpoint); reading back what was written gives the same bits.
 */
#include "train/settings/config.h"
#include "base/activation.h"
#include "base/file.h"
#include "base/number.h"
#include "base/text.h"
#include "eval/metrics.h"
#include "model/ablation.h"
#include "optim/optim.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const optimizer_words[] = {
#define OPTIMIZER_NAME(code, name) name,
    YT_OPTIMIZER_MAP(OPTIMIZER_NAME)
#undef OPTIMIZER_NAME
        NULL};

static const char *const recipe_words[] = {
#define RECIPE_NAME(code, name) name,
    YT_RECIPE_MAP(RECIPE_NAME)
#undef RECIPE_NAME
        NULL};

static const char *const reference_words[] = {
#define REFERENCE_NAME(code, name) name,
    YT_REFERENCE_MAP(REFERENCE_NAME)
#undef REFERENCE_NAME
        NULL};

static const char *const on_nan_words[] = {
#define ON_NAN_NAME(code, name) name,
    YT_ON_NAN_MAP(ON_NAN_NAME)
#undef ON_NAN_NAME
        NULL};

static const char *const fitness_words[] = {
#define FITNESS_WORD(code, word, name) word,
    YT_FITNESS_MAP(FITNESS_WORD)
#undef FITNESS_WORD
        NULL};

const char *yti_fitness_name(int fitness) {
    static const char *const names[] = {
#define FITNESS_NAME(code, word, name) name,
        YT_FITNESS_MAP(FITNESS_NAME)
#undef FITNESS_NAME
    };
    return names[fitness];
}

static const char *const nms_words[] = {
#define NMS_WORD(code, word) word,
    YT_NMS_MAP(NMS_WORD)
#undef NMS_WORD
        NULL};

static const char *const activation_words[] = {
#define ACTIVATION_NAME(code, name, module, formula) name,
    YT_ACTIVATION_MAP(ACTIVATION_NAME)
#undef ACTIVATION_NAME
        NULL};

static const char *const no_residual_words[] = {
#define NO_RESIDUAL_WORD(code, word, backbone, neck) word,
    YT_NO_RESIDUAL_MAP(NO_RESIDUAL_WORD)
#undef NO_RESIDUAL_WORD
        NULL};

/* A row: what a macro of the table does not have is given here. */
#define ROW(key, type, ...) {#key, type, __VA_ARGS__, offsetof(yti_train_config, key)},
static const yti_train_option options[YT_TRAIN_KEYS] = {
#define INT_OPTION(key, letter, metavar, fallback, min, max, on_resume, group, help)                                   \
    ROW(key, YT_TRAIN_INT, letter, metavar, fallback, min, max, YT_RESUME_##on_resume, group, help, NULL, 0)
#define REAL_OPTION(key, letter, metavar, fallback, min, max, on_resume, group, help)                                  \
    ROW(key, YT_TRAIN_REAL, letter, metavar, fallback, min, max, YT_RESUME_##on_resume, group, help, NULL, 0)
#define FLAG_OPTION(key, fallback, on_resume, group, help)                                                             \
    ROW(key, YT_TRAIN_FLAG, 0, NULL, fallback, -HUGE_VAL, HUGE_VAL, YT_RESUME_##on_resume, group, help, NULL, 0)
#define TEXT_OPTION(key, letter, metavar, fallback, on_resume, group, help)                                            \
    ROW(key, YT_TRAIN_STRING, letter, metavar, fallback, -HUGE_VAL, HUGE_VAL, YT_RESUME_##on_resume, group, help,      \
        NULL, 0)
#define CHOICE_OPTION(key, metavar, fallback, words, first, on_resume, group, help)                                    \
    ROW(key, YT_TRAIN_CHOICE, 0, metavar, fallback, -HUGE_VAL, HUGE_VAL, YT_RESUME_##on_resume, group, help, words,    \
        first)
#include "train/settings/train_options.inc"
};
#undef ROW

const yti_train_option *yti_train_options(void) {
    return options;
}

const yt_option *yti_train_option_rows(void) {
    static const yt_option rows[YT_TRAIN_KEYS] = {
#define INT_OPTION(key, letter, metavar, fallback, min, max, on_resume, group, help)                                   \
    {#key, letter, YT_OPTION_INT, fallback, min, max, NULL, metavar, group, help},
#define REAL_OPTION(key, letter, metavar, fallback, min, max, on_resume, group, help)                                  \
    {#key, letter, YT_OPTION_DOUBLE, fallback, min, max, NULL, metavar, group, help},
#define FLAG_OPTION(key, fallback, on_resume, group, help)                                                             \
    {#key, 0, YT_OPTION_FLAG, fallback, 0, 0, NULL, NULL, group, help},
#define TEXT_OPTION(key, letter, metavar, fallback, on_resume, group, help)                                            \
    {#key, letter, YT_OPTION_TEXT, fallback, 0, 0, NULL, metavar, group, help},
#define CHOICE_OPTION(key, metavar, fallback, words, first, on_resume, group, help)                                    \
    {#key, 0, YT_OPTION_CHOICE, fallback, 0, 0, words, metavar, group, help},
#include "train/settings/train_options.inc"
    };
    return rows;
}

const char *yti_setting_source_text(yti_setting_source source) {
    static const char *const texts[] = {
#define SOURCE_TEXT(code, text) [YT_SOURCE_##code] = text,
        YT_SOURCE_MAP(SOURCE_TEXT)
#undef SOURCE_TEXT
    };
    return texts[source];
}

int yti_train_option_find(const char *key) {
    for (int i = 0; i < YT_TRAIN_KEYS; i++)
        if (strcmp(options[i].key, key) == 0) return i;
    return -1;
}

/* The field of a row. */
static void *field(yti_train_config *config, const yti_train_option *row) {
    return (char *)config + row->offset;
}

static const void *const_field(const yti_train_config *config, const yti_train_option *row) {
    return (const char *)config + row->offset;
}

static bool may_be_auto(const yti_train_option *row) {
    return strcmp(row->fallback, "auto") == 0;
}

static yt_status check_range(const yti_train_option *row, double value, yt_err *err) {
    if (!(value >= row->min))
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: %.10g is below %.10g", row->key, value, row->min);
    if (!(value <= row->max))
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: %.10g is above %.10g", row->key, value, row->max);
    return YT_OK;
}

/* For a number that may be left out, "[N=100]": true stands for that one, false for 0. */
static const char *number_of_word(const yti_train_option *row, const char *text, char *room, size_t bytes) {
    const char *bare = row->metavar && row->metavar[0] == '[' ? strchr(row->metavar, '=') : NULL;
    if (bare && strcasecmp(text, "false") == 0) return "0";
    if (!bare || strcasecmp(text, "true") != 0) return text;
    snprintf(room, bytes, "%.*s", (int)strcspn(bare + 1, "]"), bare + 1);
    return room;
}

static yt_status set_number(yti_train_config *config, const yti_train_option *row, const char *text, yt_err *err) {
    double value;
    bool whole = row->type == YT_TRAIN_INT;
    char bare[32];
    text = number_of_word(row, text, bare, sizeof bare);
    if (!yti_parse_decimal(text, strlen(text), &value) || (whole && value != rint(value)))
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: \"%s\" is not a %s", row->key, text,
                       whole ? "whole number" : "number");
    YT_TRY(check_range(row, value, err));
    if (whole)
        *(int *)field(config, row) = (int)value;
    else
        *(double *)field(config, row) = value;
    return YT_OK;
}

static yt_status set_flag(yti_train_config *config, const yti_train_option *row, const char *text, yt_err *err) {
    bool value = strcasecmp(text, "true") == 0;
    if (!value && strcasecmp(text, "false") != 0)
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: \"%s\" is neither true nor false", row->key, text);
    *(bool *)field(config, row) = value;
    return YT_OK;
}

static yt_status set_text(yti_train_config *config, const yti_train_option *row, const char *text, yt_err *err) {
    size_t length = strlen(text);
    if (length >= YT_TRAIN_TEXT)
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: the text has %zu letters; at most %d are accepted", row->key, length,
                       YT_TRAIN_TEXT - 1);
    if (!yti_text_is_utf8(text, length)) /* as the metadata of a checkpoint must be */
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: \"%s\" is not UTF-8 text", row->key, text);
    memcpy(field(config, row), text, length + 1);
    return YT_OK;
}

/* A choice that may be typed without its value is true, meaning its first value, or false. */
static bool is_bare(const yti_train_option *row, const char *text) {
    return row->metavar && row->metavar[0] == '[' && strcasecmp(text, "true") == 0;
}

/* With the word that was meant, or all there are. */
static yt_status unknown_choice(const yti_train_option *row, const char *text, size_t count, yt_err *err) {
    const char *near = yti_nearest_word(text, row->choices, count);
    char list[256] = "";
    if (near) return yt_fail(err, YT_ERR_ARGUMENT, "%s: unknown \"%s\"; did you mean %s", row->key, text, near);
    for (size_t i = 0; i < count; i++) yti_text_append(list, sizeof list, "%s%s", i ? ", " : "", row->choices[i]);
    if (may_be_auto(row)) yti_text_append(list, sizeof list, ", auto");
    return yt_fail(err, YT_ERR_ARGUMENT, "%s: unknown \"%s\"; it is one of %s", row->key, text, list);
}

static yt_status set_choice(yti_train_config *config, const yti_train_option *row, const char *text, yt_err *err) {
    int found = strcasecmp(text, row->fallback) == 0 ? -1 : is_bare(row, text) ? 0 : -2;
    size_t count = 0;
    for (; row->choices[count]; count++)
        if (strcasecmp(text, row->choices[count]) == 0) found = (int)count;
    if (found == -2) return unknown_choice(row, text, count, err);
    *(int *)field(config, row) = row->first + found;
    return YT_OK;
}

static yt_status set_value(yti_train_config *config, const yti_train_option *row, const char *text, yt_err *err) {
    switch (row->type) {
    case YT_TRAIN_INT:
    case YT_TRAIN_REAL:
        return set_number(config, row, text, err);
    case YT_TRAIN_FLAG:
        return set_flag(config, row, text, err);
    case YT_TRAIN_STRING:
        return set_text(config, row, text, err);
    case YT_TRAIN_CHOICE:
        return set_choice(config, row, text, err);
    }
    return YT_OK;
}

yt_status yti_train_config_set(yti_train_config *config, const char *key, const char *text, yti_setting_source source,
                               yt_err *err) {
    int index = yti_train_option_find(key);
    if (index < 0) return yt_fail(err, YT_ERR_ARGUMENT, "there is no setting \"%s\"", key);
    const yti_train_option *row = &options[index];
    bool is_auto = may_be_auto(row) && strcasecmp(text, "auto") == 0;
    if (is_auto && row->type != YT_TRAIN_CHOICE)
        memset(field(config, row), 0, row->type == YT_TRAIN_REAL ? sizeof(double) : sizeof(int));
    else
        YT_TRY(set_value(config, row, text, err));
    config->source[index] = is_auto ? YT_SOURCE_AUTO : source;
    return YT_OK;
}

void yti_train_config_defaults(yti_train_config *config) {
    memset(config, 0, sizeof *config);
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        yt_err err;
        yt_status status = yti_train_config_set(config, options[i].key, options[i].fallback, YT_SOURCE_DEFAULT, &err);
        assert(status == YT_OK && "the default of a row must satisfy the row");
        (void)status;
    }
}

/* The shortest of 15, 16 and 17 digits that reads back the same, with a decimal point as the reference trainer writes
 * it. */
static void real_text(double value, char *text, size_t room) {
    for (int digits = 15; digits <= 17; digits++) {
        char number[YTI_DECIMAL];
        double read;
        snprintf(text, room, "%s", yti_decimal(value, digits, number));
        if (yti_parse_decimal(text, strlen(text), &read) && read == value) break;
    }
    if (!strpbrk(text, ".ein")) yti_text_append(text, room, ".0");
}

void yti_train_config_text(const yti_train_config *config, yti_train_key key, char *text, size_t room) {
    const yti_train_option *row = &options[key];
    const void *value = const_field(config, row);
    if (config->source[key] == YT_SOURCE_AUTO && !config->resolved) {
        snprintf(text, room, "auto");
        return;
    }
    switch (row->type) {
    case YT_TRAIN_INT:
        snprintf(text, room, "%d", *(const int *)value);
        break;
    case YT_TRAIN_REAL:
        real_text(*(const double *)value, text, room);
        break;
    case YT_TRAIN_FLAG:
        snprintf(text, room, "%s", *(const bool *)value ? "true" : "false");
        break;
    case YT_TRAIN_STRING:
        snprintf(text, room, "%s", (const char *)value);
        break;
    case YT_TRAIN_CHOICE: {
        const int index = *(const int *)value - row->first; /* -1: the default word */
        snprintf(text, room, "%s", index < 0 ? row->fallback : row->choices[index]);
        break;
    }
    }
}

/* Settings that rule each other out. */
static yt_status check_together(const yti_train_config *config, yt_err *err) {
    static const struct {
        yti_train_key key;
        size_t offset;
    } mixing[] = {{YT_TRAIN_KEY_mosaic, offsetof(yti_train_config, mosaic)},
                  {YT_TRAIN_KEY_mixup, offsetof(yti_train_config, mixup)},
                  {YT_TRAIN_KEY_cutmix, offsetof(yti_train_config, cutmix)}};
    for (size_t i = 0; config->rect && i < sizeof mixing / sizeof mixing[0]; i++) {
        const double share = *(const double *)(const void *)((const char *)config + mixing[i].offset);
        if (share > 0 && config->source[mixing[i].key] == YT_SOURCE_TYPED)
            return yt_fail(err, YT_ERR_ARGUMENT, "%s: rectangular batches hold whole images; leave out --rect or --%s",
                           options[mixing[i].key].key, options[mixing[i].key].key);
    }
    const bool adam = config->optimizer == YT_OPTIM_ADAM || config->optimizer == YT_OPTIM_ADAMW;
    if (adam && config->momentum >= 1 && config->source[YT_TRAIN_KEY_momentum] == YT_SOURCE_TYPED)
        return yt_fail(err, YT_ERR_ARGUMENT, "momentum: beta1 of Adam and AdamW must be below 1");
    return YT_OK;
}

yt_status yti_train_config_check(const yti_train_config *config, yt_err *err) {
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        const yti_train_option *row = &options[i];
        const void *value = const_field(config, row);
        if (config->source[i] == YT_SOURCE_AUTO && !config->resolved) continue;
        if (row->type == YT_TRAIN_INT) YT_TRY(check_range(row, *(const int *)value, err));
        if (row->type == YT_TRAIN_REAL) YT_TRY(check_range(row, *(const double *)value, err));
    }
    return check_together(config, err);
}
