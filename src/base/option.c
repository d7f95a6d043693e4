/* option.c: values of options by the rows of a table; see option.h. */
#include "base/option.h"
#include "base/file.h"
#include "base/number.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int yti_truth(const char *text) {
    if (strcasecmp(text, "true") == 0) return 1;
    if (strcasecmp(text, "false") == 0) return 0;
    return -1;
}

/* The same, with other words for it. */
static int spelled_truth(const char *text) {
    static const char *const words[2][3] = {{"0", "off", "no"}, {"1", "on", "yes"}};
    for (int value = 0; value < 2; value++)
        for (int i = 0; i < 3; i++)
            if (strcasecmp(text, words[value][i]) == 0) return value;
    return yti_truth(text);
}

bool yti_option_is_optional(const yt_option *row) {
    return row->metavar && row->metavar[0] == '[';
}

bool yti_option_is_named(const yt_option *row, const char *typed, size_t n) {
    if (strlen(row->name) != n) return false;
    for (size_t i = 0; i < n; i++)
        if ((typed[i] == '_' ? '-' : typed[i]) != (row->name[i] == '_' ? '-' : row->name[i])) return false;
    return true;
}

/* ---- one value ---- */

static yt_status read_flag(const yt_option *row, const char *text, yti_option_value *out, yt_err *err) {
    int value = spelled_truth(text);
    if (value < 0) return yt_fail(err, YT_ERR_ARGUMENT, "%s: \"%s\" is neither true nor false", row->name, text);
    out->text = value ? "true" : "false";
    out->number = value;
    return YT_OK;
}

static yt_status read_number(const yt_option *row, const char *text, yti_option_value *out, yt_err *err) {
    out->text = text;
    if (row->fallback && strcmp(row->fallback, "auto") == 0 && strcasecmp(text, "auto") == 0) {
        out->is_auto = true;
        return YT_OK;
    }
    if (yti_option_is_optional(row) && yti_truth(text) >= 0) { /* the number that stands for it is the caller's */
        out->text = yti_truth(text) ? "true" : "false";
        out->number = yti_truth(text);
        return YT_OK;
    }
    double value;
    bool whole = row->type == YT_OPTION_INT;
    if (!yti_parse_decimal(text, strlen(text), &value) || (whole && strchr(text, '.')))
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: \"%s\" is not a %s", row->name, text,
                       whole ? "whole number" : "number");
    if (whole && value != nearbyint(value))
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: \"%s\" is not a whole number", row->name, text);
    if (value < row->min) return yt_fail(err, YT_ERR_ARGUMENT, "%s: %s is below %g", row->name, text, row->min);
    if (value > row->max) return yt_fail(err, YT_ERR_ARGUMENT, "%s: %s is above %.10g", row->name, text, row->max);
    out->number = value;
    return YT_OK;
}

size_t yti_option_words(const yt_option *row, const char **words) {
    size_t n = 0;
    bool listed = !row->fallback;
    for (; n < YTI_MAX_CHOICES && row->choices[n]; n++) {
        words[n] = row->choices[n];
        listed |= row->fallback && strcasecmp(row->fallback, words[n]) == 0;
    }
    if (!listed) words[n++] = row->fallback;
    return n;
}

static yt_status unknown_choice(const yt_option *row, const char *text, yt_err *err) {
    const char *words[YTI_MAX_CHOICES + 1];
    char list[512] = "";
    const size_t n = yti_option_words(row, words);
    const char *near = yti_nearest_word(text, words, n);
    for (size_t i = 0, used = 0; i < n && used < sizeof list; i++) {
        int wrote = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    if (near) /* and what else there is: NAdam is not a misspelt Adam */
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: unknown \"%s\"; did you mean %s? It is one of %s", row->name, text,
                       near, list);
    return yt_fail(err, YT_ERR_ARGUMENT, "%s: unknown \"%s\"; it is one of %s", row->name, text, list);
}

int yti_option_choice(const yt_option *row, const char *text) {
    for (int n = 0; row->choices[n]; n++)
        if (strcasecmp(row->choices[n], text) == 0) return n;
    if (row->fallback && strcasecmp(row->fallback, text) == 0) return -1;
    if (!yti_option_is_optional(row)) return YTI_NO_CHOICE;
    const int value = spelled_truth(text);
    return value == 1 ? 0 : value == 0 && row->fallback && yti_truth(row->fallback) == 0 ? -1 : YTI_NO_CHOICE;
}

static yt_status read_choice(const yt_option *row, const char *text, yti_option_value *out, yt_err *err) {
    const int found = yti_option_choice(row, text);
    if (found == YTI_NO_CHOICE) return unknown_choice(row, text, err);
    out->text = found < 0 ? row->fallback : row->choices[found];
    out->number = found;
    return YT_OK;
}

yt_status yti_option_read(const yt_option *row, const char *text, yti_option_value *out, yt_err *err) {
    switch (row->type) {
    case YT_OPTION_FLAG:
        return read_flag(row, text, out, err);
    case YT_OPTION_INT:
    case YT_OPTION_DOUBLE:
        return read_number(row, text, out, err);
    case YT_OPTION_CHOICE:
        return read_choice(row, text, out, err);
    case YT_OPTION_TEXT:
        break;
    }
    out->text = text;
    return YT_OK;
}

/* ---- a set of them ---- */

yt_status yti_options_init(const yt_option *rows, size_t count, yti_options *out, yt_err *err) {
    yti_options options = {.rows = rows, .count = count};
    options.values = calloc(count, sizeof *options.values);
    options.texts = calloc(count, sizeof *options.texts);
    if (!options.values || !options.texts) {
        yti_options_free(&options);
        return yti_no_memory(err, "options");
    }
    for (size_t i = 0; i < count; i++) {
        const char *fallback = rows[i].fallback ? rows[i].fallback : rows[i].type == YT_OPTION_FLAG ? "false" : NULL;
        if (!fallback) continue;
        yt_status status = yti_option_read(&rows[i], fallback, &options.values[i], NULL);
        assert(status == YT_OK && "the default of a row must satisfy the row");
        (void)status;
    }
    *out = options;
    return YT_OK;
}

void yti_options_free(yti_options *options) {
    for (size_t i = 0; options->texts && i < options->count; i++) free(options->texts[i]);
    free(options->texts);
    free(options->values);
    *options = (yti_options){0};
}

yt_status yti_options_copy(const yti_options *options, yti_options *out, yt_err *err) {
    yti_options copy;
    YT_TRY(yti_options_init(options->rows, options->count, &copy, err));
    yt_status status = YT_OK;
    for (size_t i = 0; status == YT_OK && i < options->count; i++)
        if (options->values[i].typed)
            status = yti_options_set(&copy, options->rows[i].name, options->values[i].text, err);
    if (status == YT_OK)
        *out = copy;
    else
        yti_options_free(&copy);
    return status;
}

static const yt_option *find_row(const yti_options *options, const char *name) {
    for (size_t i = 0; i < options->count; i++)
        if (yti_option_is_named(&options->rows[i], name, strlen(name))) return &options->rows[i];
    return NULL;
}

static yt_status unknown_name(const yti_options *options, const char *name, yt_err *err) {
    const char **names = malloc((options->count + 1) * sizeof *names);
    yti_suggestion meant = {""};
    for (size_t i = 0; names && i < options->count; i++) names[i] = options->rows[i].name;
    if (names) meant = yti_suggest(name, names, options->count);
    free(names);
    return yt_fail(err, YT_ERR_ARGUMENT, "there is no option \"%s\"%s", name, meant.text);
}

yt_status yti_options_set(yti_options *options, const char *name, const char *text, yt_err *err) {
    const yt_option *row = find_row(options, name);
    if (!row) return unknown_name(options, name, err);
    yti_option_value value = {.typed = true};
    char *copy = strdup(text);
    if (!copy) return yti_no_memory(err, "options");
    const yt_status status = yti_option_read(row, copy, &value, err);
    if (status != YT_OK) {
        free(copy);
        return status;
    }
    const size_t i = (size_t)(row - options->rows);
    free(options->texts[i]);
    options->texts[i] = copy;
    options->values[i] = value;
    return YT_OK;
}

const yti_option_value *yti_options_find(const yti_options *options, const char *name) {
    const yt_option *row = find_row(options, name);
    return row ? &options->values[row - options->rows] : NULL;
}

static const yti_option_value *get(const yti_options *options, const char *name) {
    const yti_option_value *value = yti_options_find(options, name);
    assert(value && "an option was asked for that the table does not have");
    return value;
}

int yti_options_int(const yti_options *options, const char *name) {
    const double number = get(options, name)->number;
    assert(number >= INT_MIN && number <= INT_MAX);
    return (int)number;
}

double yti_options_double(const yti_options *options, const char *name) {
    return get(options, name)->number;
}

bool yti_options_flag(const yti_options *options, const char *name) {
    return get(options, name)->number != 0;
}

const char *yti_options_text(const yti_options *options, const char *name) {
    return get(options, name)->text;
}
