/* settings_json.h: the settings of a run in the metadata of its checkpoints. Internal to src/train. */
#ifndef YT_SETTINGS_JSON_H
#define YT_SETTINGS_JSON_H

#include "formats/safetensors.h"
#include "train/settings/config.h"

typedef struct cJSON cJSON;

/* Every setting as text, by its key. NULL: no memory. */
cJSON *yti_settings_json(const yti_train_config *config);

/* Settings of an open checkpoint into config, but for those typed there. path: its name for messages. */
yt_status yti_settings_read(const yti_st_file *file, const char *path, yti_train_config *config, yt_err *err);

/* A JSON object of a checkpoint's metadata: "settings", "progress". MISMATCH where the file has none, as weights that
 * are no checkpoint. The caller deletes it. */
yt_status yti_resume_json(const yti_st_file *file, const char *path, const char *key, cJSON **out, yt_err *err);

#endif
