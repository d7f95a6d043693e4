/* compare_json.h: every number of a study as compare.json. Internal to src/study. */
#ifndef YT_STUDY_COMPARE_JSON_H
#define YT_STUDY_COMPARE_JSON_H

#include "study/comparison.h"

yt_status study_json_write(const study_comparison *study, const char *path, yt_err *err);

#endif
