/* run_record.h: run.json, in the folder of a run: its settings, from the beginning on; when it is complete also how it
 * ended. By it a study knows what it need not train again. Internal to src/study.
 */
#ifndef YT_STUDY_RUN_RECORD_H
#define YT_STUDY_RUN_RECORD_H

#include "base/json.h"
#include "train/settings/config.h"

typedef struct study_run_record {
    bool running;     /* it began and is not complete */
    yt_status status; /* OK, or NON_FINITE: that is how it ended, too */
    char message[1024];
    int epochs;
    double ap; /* of the best epoch */
    double seconds;
    char weights_hash[17];
    int optimizer;       /* yti_optimizer_kind, where auto stood in the settings, too; -1: not known */
    char model_hash[17]; /* of the text of the model YAML; empty: not known */
} study_run_record;

/* found: the folder has a complete run. One with other settings is an error that names the first, complete or not.
 * Without a record *out is empty. */
yt_status study_run_record_load(const char *folder, const yti_train_config *config, study_run_record *out, bool *found,
                                yt_err *err);
yt_status study_run_record_save(const char *folder, const yti_train_config *config, const study_run_record *record,
                                yt_err *err);

/* Whether a setting can change what a run finds: not the machine's, not names of folders, not how data are kept. */
bool study_setting_counts(int key);

/* The first setting that counts and is another one than in such an object; -1: none. was: its value there. */
int study_settings_differ(const yti_json *settings, const yti_train_config *config, const char **was);

#endif
