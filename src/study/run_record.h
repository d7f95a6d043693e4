/* run_record.h: run.json, which a run of a study leaves when it is complete: with which settings, and how it ended.
 * Internal to src/study. */
#ifndef YT_RUN_RECORD_H
#define YT_RUN_RECORD_H

#include "yt/train.h"

typedef struct study_record {
    yt_status status; /* OK, or NON_FINITE: that is how it ended, too */
    char message[1024];
    int epochs;
    double ap; /* of the best epoch */
    double seconds;
    char weights_hash[17];
} study_record;

/* found: the folder has a complete run. One with other settings is an error that names the first. */
yt_status yti_record_load(const char *folder, const yt_train_config *config, study_record *out, bool *found,
                          yt_err *err);
yt_status yti_record_save(const char *folder, const yt_train_config *config, const study_record *record,
                          yt_err *err);

#endif
