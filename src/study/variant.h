/* variant.h: the words of --compare, and the settings that they stand for. */
#ifndef YT_STUDY_VARIANT_H
#define YT_STUDY_VARIANT_H

#include "study/study.h"

enum { STUDY_TEXT = 256 };

typedef struct study_setting {
    char key[64], value[STUDY_TEXT];
} study_setting;

enum { STUDY_MAX_SETTINGS = 16 };

typedef struct study_words {
    char name[STUDY_TEXT]; /* as typed */
    study_setting settings[STUDY_MAX_SETTINGS];
    int n_settings;
} study_words;

/* out: [STUDY_MAX_VARIANTS] */
yt_status study_variants_parse(const char *text, study_words *out, int *count, yt_err *err);

/* The settings of a study with those of a variant. What is typed and also set by the variant is an error. */
yt_status study_variant_apply(const study_words *words, const yti_train_config *base, yti_train_config *out,
                              yt_err *err);

/* The variant's name as part of a file name. */
void study_variant_file_name(const study_words *words, char *out, size_t room);

#endif
