/* settings_json.c: the settings of a run as the JSON object in the metadata of its checkpoints: every one, as text. */
#include "train/settings/settings_json.h"

#include <cjson/cJSON.h>

#include <string.h>

cJSON *yti_settings_json(const yti_train_config *config) {
    cJSON *json = cJSON_CreateObject();
    bool good = json != NULL;
    for (int i = 0; good && i < YT_TRAIN_KEYS; i++) {
        char text[YT_TRAIN_TEXT];
        yti_train_config_text(config, (yti_train_key)i, text, sizeof text);
        good = cJSON_AddStringToObject(json, yti_train_options()[i].key, text) != NULL;
    }
    if (good) return json;
    cJSON_Delete(json);
    return NULL;
}

yt_status yti_resume_json(const yti_st_file *file, const char *path, const char *key, cJSON **out, yt_err *err) {
    const char *text = yti_st_metadata(file, key);
    if (!text)
        return yt_fail(err, YT_ERR_MISMATCH,
                       "%s: is not a checkpoint to resume from (it has no %s); weights/last.safetensors of a run is "
                       "one, and --weights starts a new run from any weights",
                       path, key);
    cJSON *json = cJSON_Parse(text);
    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return yt_fail(err, YT_ERR_SYNTAX, "%s: its %s are damaged", path, key);
    }
    *out = json;
    return YT_OK;
}

/* One setting: typed ones stay where that is allowed, the others come from the file. */
static yt_status merge(yti_train_config *config, yti_train_key key, const char *text, const char *path, yt_err *err) {
    const yti_train_option *row = &yti_train_options()[key];
    if (row->on_resume == YT_RESUME_HERE) return YT_OK;
    if (config->source[key] == YT_SOURCE_TYPED) {
        char typed[YT_TRAIN_TEXT];
        yti_train_config_text(config, key, typed, sizeof typed);
        if (row->on_resume == YT_RESUME_FREE || strcmp(typed, text) == 0) return YT_OK;
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: cannot be %s in a resumed run, which began with %s", row->key, typed,
                       text[0] ? text : "none");
    }
    yt_err reason;
    if (yti_train_config_set(config, row->key, text, YT_SOURCE_CHECKPOINT, &reason) != YT_OK)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: its settings are damaged: %.500s", path, reason.text);
    return YT_OK;
}

yt_status yti_settings_read(const yti_st_file *file, const char *path, yti_train_config *config, yt_err *err) {
    cJSON *json = NULL;
    YT_TRY(yti_resume_json(file, path, "settings", &json, err));
    yt_status status = YT_OK;
    for (int i = 0; status == YT_OK && i < YT_TRAIN_KEYS; i++) {
        const char *key = yti_train_options()[i].key;
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
        /* A setting that is younger than the file has its default, which is what the run was made with; but runs
         * that name no release are older than the change of the default. */
        if (!text && i == (int)YT_TRAIN_KEY_reference) text = yti_train_options()[i].choices[YT_REFERENCE_OLD];
        if (text) status = merge(config, (yti_train_key)i, text, path, err);
    }
    cJSON_Delete(json);
    return status;
}
