/* run_record.h: what a study writes down about itself, so that it can go on and does not mix with another one. Internal
 * to src/study.
 *
 * run.json    in the folder of a run: its settings, from the beginning on; when it is complete also how it ended
 * study.json  in the folder of the study: its settings, variants and seeds
 */
#ifndef YT_RUN_RECORD_H
#define YT_RUN_RECORD_H

#include "base/json.h"
#include "study/study.h"

typedef struct study_record {
    bool running;     /* it began and is not complete */
    yt_status status; /* OK, or NON_FINITE: that is how it ended, too */
    char message[1024];
    int epochs;
    double ap; /* of the best epoch */
    double seconds;
    char weights_hash[17];
    char optimizer[16];  /* by name, where auto stood in the settings, too; empty: not known */
    char model_hash[17]; /* of the text of the model YAML; empty: not known */
} study_record;

/* found: the folder has a complete run. One with other settings is an error that names the first, complete or not.
 * Without a record *out is empty. */
yt_status yti_record_load(const char *folder, const yti_train_config *config, study_record *out, bool *found,
                          yt_err *err);
yt_status yti_record_save(const char *folder, const yti_train_config *config, const study_record *record, yt_err *err);

/* Whether a setting can change what a run finds: not the machine's, not names of folders, not how data are kept. */
bool yti_setting_counts(int key);

/* The first setting that counts and is another one than in such an object; -1: none. was: its value there. */
int yti_settings_differ(const yti_json *settings, const yti_train_config *config, const char **was);

/* An error where the folder has another study than this one. One with other settings is always another; one with
 * fewer variants or seeds is it when there is a report that would be lost. */
yt_status yti_study_record_check(const yti_compare *study, yt_err *err);
yt_status yti_study_record_save(const yti_compare *study, yt_err *err);

#endif
