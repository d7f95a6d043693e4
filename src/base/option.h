/* option.h: a value read by the row of its option, and a set of options by name; beside the public option.h. */
#ifndef YT_BASE_OPTION_H
#define YT_BASE_OPTION_H

#include "base/status.h"
#include "yolotrain/option.h"

#include <stdbool.h>
#include <stddef.h>

enum { YTI_MAX_CHOICES = 64 /* named in a message */ };

typedef struct yti_option_value {
    bool typed;       /* set, and not the default */
    bool is_auto;     /* a number whose value is the word auto */
    const char *text; /* as typed, or the default; NULL: none. Flags: "true" or "false" */
    double number;    /* numbers; flags: 0 or 1; choices: the index, or -1 for a default that is no choice */
} yti_option_value;

/* Reads a text as a value of the row, whose text is lent from `text` or the row. ARGUMENT: "name: what is wrong". */
yt_status yti_option_read(const yt_option *row, const char *text, yti_option_value *out, yt_err *err);

/* 1, 0, or -1 for a text that is neither true nor false. */
int yti_truth(const char *text);

/* Whether the value may be left out. */
bool yti_option_is_optional(const yt_option *row);

/* Its words, [YTI_MAX_CHOICES + 1]; returns how many. The fallback counts as one where it is none of them: auto. */
size_t yti_option_words(const yt_option *row, const char **words);

/* The index of a choice, -1 for the default word, YTI_NO_CHOICE for neither. */
enum { YTI_NO_CHOICE = -2 };
int yti_option_choice(const yt_option *row, const char *text);

/* Whether the first n letters of a typed name are the option's, '_' and '-' being the same. */
bool yti_option_is_named(const yt_option *row, const char *typed, size_t n);

/* The options of one object: a table and a value for each row, whose texts it owns. */
typedef struct yti_options {
    const yt_option *rows;
    size_t count;
    yti_option_value *values; /* [count] */
    char **texts;             /* [count] owned copies; NULL: the default */
} yti_options;

/* All rows at their defaults. Release with yti_options_free, which zeros are fine for. */
yt_status yti_options_init(const yt_option *rows, size_t count, yti_options *out, yt_err *err);
void yti_options_free(yti_options *options);
yt_status yti_options_copy(const yti_options *options, yti_options *out, yt_err *err);

/* ARGUMENT: no row is called so, or the value is not one of its. */
yt_status yti_options_set(yti_options *options, const char *name, const char *text, yt_err *err);

/* NULL: no row is called so. */
const yti_option_value *yti_options_find(const yti_options *options, const char *name);

/* By name, which must exist. */
int yti_options_int(const yti_options *options, const char *name); /* the range of its row must fit an int */
double yti_options_double(const yti_options *options, const char *name);
bool yti_options_flag(const yti_options *options, const char *name);
const char *yti_options_text(const yti_options *options, const char *name);

#endif
