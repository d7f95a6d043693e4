/* study_record.h: study.json, in the folder of a study: its settings, variants and seeds, so that it does not mix with
 * another one. Internal to src/study.
 */
#ifndef YT_STUDY_STUDY_RECORD_H
#define YT_STUDY_STUDY_RECORD_H

#include "study/comparison.h"

/* An error where the folder has another study than this one. One with other settings is always another; one with
 * fewer variants or seeds is it when there is a report that would be lost. */
yt_status study_record_check(const study_comparison *study, yt_err *err);
yt_status study_record_save(const study_comparison *study, yt_err *err);

#endif
