/* json_file.h: JSON as a file. Internal to src/study. */
#ifndef YT_JSON_FILE_H
#define YT_JSON_FILE_H

#include "base/status.h"

typedef struct cJSON cJSON;

/* Writes it whole or not at all. Takes json; NULL: there was no memory for it. */
yt_status yti_json_write(cJSON *json, const char *path, yt_err *err);

#endif
