/* settings_json.c: see settings_json.h. */
#include "train/settings/settings_json.h"

#include <string.h>

void yti_settings_write(yti_json_writer *w, const char *key, const yti_train_config *config, bool (*counts)(int key)) {
    yti_json_object(w, key);
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        char text[YT_TRAIN_TEXT];
        if (counts && !counts(i)) continue;
        yti_train_config_text(config, (yti_train_key)i, text, sizeof text);
        yti_json_text(w, yti_train_options()[i].key, text);
    }
    yti_json_end(w);
}

const char *yti_settings_get(const yti_json *settings, yti_train_key key) {
    return yti_json_as_text(yti_json_get(settings, yti_train_options()[key].key));
}

yt_status yti_resume_json(const yti_st_file *file, const char *path, const char *key, yti_json **out, yt_err *err) {
    const char *text = yti_st_metadata(file, key);
    if (!text)
        return yt_fail(err, YT_ERR_MISMATCH,
                       "%s: is not a checkpoint to resume from (it has no %s); weights/last.safetensors of a run is "
                       "one, and --weights starts a new run from any weights",
                       path, key);
    yti_json *json = yti_json_parse(text, strlen(text), NULL);
    if (!yti_json_is_object(json)) {
        yti_json_free(json);
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
    yti_json *json = NULL;
    YT_TRY(yti_resume_json(file, path, "settings", &json, err));
    yt_status status = YT_OK;
    for (int i = 0; status == YT_OK && i < YT_TRAIN_KEYS; i++) {
        const char *text = yti_settings_get(json, (yti_train_key)i);
        /* A setting that is younger than the file has its default, which is what the run was made with; but runs
         * that name no release are older than the change of the default. */
        if (!text && i == (int)YT_TRAIN_KEY_reference) text = yti_train_options()[i].choices[YT_REFERENCE_OLD];
        if (text) status = merge(config, (yti_train_key)i, text, path, err);
    }
    yti_json_free(json);
    return status;
}
