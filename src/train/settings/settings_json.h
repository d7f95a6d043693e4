/* settings_json.h: the settings of a run as a JSON object of texts, {"epochs": "100", ...}, in the metadata of its
 * checkpoints and in the records of a study. Internal to the library.
 */
#ifndef YT_SETTINGS_JSON_H
#define YT_SETTINGS_JSON_H

#include "base/json.h"
#include "formats/safetensors.h"
#include "train/settings/config.h"

/* Puts the settings in under key. counts: which of them (yti_train_key); NULL: all. */
void yti_settings_write(yti_json_writer *writer, const char *key, const yti_train_config *config,
                        bool (*counts)(int key));

/* A setting of such an object, lent; NULL: it is not in there. */
const char *yti_settings_get(const yti_json *settings, yti_train_key key);

/* Settings of an open checkpoint into config, but for those typed there. path: its name for messages. */
yt_status yti_settings_read(const yti_st_file *file, const char *path, yti_train_config *config, yt_err *err);

/* A JSON object of a checkpoint's metadata: "settings", "progress". MISMATCH where the file has none, as weights that
 * are no checkpoint. Owned by the caller. */
yt_status yti_resume_json(const yti_st_file *file, const char *path, const char *key, yti_json **out, yt_err *err);

#endif
