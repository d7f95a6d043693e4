/* run_record.c: run.json, see run_record.h. */
#include "study/record/run_record.h"
#include "base/file.h"
#include "base/json_file.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 22 };
static const char NAME[] = "run.json";

static yt_status no_memory(yt_err *err) {
    return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for %s", NAME);
}

/* ---- settings ---- */

/* Beside those of the machine: they change when things are done and what else is kept, not what comes out. */
static const yti_train_key without_effect[] = {YT_TRAIN_KEY_workers, YT_TRAIN_KEY_cache, YT_TRAIN_KEY_save_period};

bool yti_setting_counts(int key) {
    for (size_t i = 0; i < sizeof without_effect / sizeof without_effect[0]; i++)
        if ((int)without_effect[i] == key) return false;
    return yti_train_options()[key].on_resume != YT_RESUME_HERE;
}

cJSON *yti_settings_write(const yti_train_config *config) {
    cJSON *settings = cJSON_CreateObject();
    for (int i = 0; settings && i < YT_TRAIN_KEYS; i++) {
        char text[YT_TRAIN_TEXT];
        if (!yti_setting_counts(i)) continue;
        yti_train_config_text(config, (yti_train_key)i, text, sizeof text);
        if (cJSON_AddStringToObject(settings, yti_train_options()[i].key, text)) continue;
        cJSON_Delete(settings);
        settings = NULL;
    }
    return settings;
}

int yti_settings_differ(const cJSON *settings, const yti_train_config *config, const char **was) {
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        char text[YT_TRAIN_TEXT];
        if (!yti_setting_counts(i)) continue;
        yti_train_config_text(config, (yti_train_key)i, text, sizeof text);
        const char *former = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(settings, yti_train_options()[i].key));
        *was = former ? former : "unknown";
        if (!former || strcmp(former, text) != 0) return i;
    }
    return -1;
}

/* ---- writing ---- */

static bool add_settings(cJSON *json, const yti_train_config *config) {
    cJSON *settings = yti_settings_write(config);
    if (settings && cJSON_AddItemToObject(json, "settings", settings)) return true;
    cJSON_Delete(settings);
    return false;
}

static cJSON *record_json(const yti_train_config *config, const study_record *record) {
    cJSON *json = cJSON_CreateObject();
    bool good = json && cJSON_AddBoolToObject(json, "complete", !record->running) &&
                cJSON_AddBoolToObject(json, "finite", record->status == YT_OK) &&
                cJSON_AddStringToObject(json, "message", record->message) &&
                cJSON_AddNumberToObject(json, "epochs", record->epochs) &&
                cJSON_AddNumberToObject(json, "ap", record->ap) &&
                cJSON_AddNumberToObject(json, "seconds", record->seconds) &&
                cJSON_AddStringToObject(json, "weights_hash", record->weights_hash) &&
                cJSON_AddStringToObject(json, "optimizer", record->optimizer) &&
                cJSON_AddStringToObject(json, "model_hash", record->model_hash) && add_settings(json, config);
    if (good) return json;
    cJSON_Delete(json);
    return NULL;
}

yt_status yti_record_save(const char *folder, const yti_train_config *config, const study_record *record, yt_err *err) {
    char *path = yti_path_join(folder, NAME);
    if (!path) return no_memory(err);
    yt_status status = yti_json_write(record_json(config, record), path, err);
    free(path);
    return status;
}

/* ---- reading ---- */

static void copy_text(const cJSON *json, const char *key, char *out, size_t room) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
    snprintf(out, room, "%s", text ? text : "");
}

static double number(const cJSON *json, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static yt_status same_settings(const char *folder, const cJSON *json, const yti_train_config *config, yt_err *err) {
    const char *was;
    int key = yti_settings_differ(cJSON_GetObjectItemCaseSensitive(json, "settings"), config, &was);
    if (key < 0) return YT_OK;
    char text[YT_TRAIN_TEXT];
    yti_train_config_text(config, (yti_train_key)key, text, sizeof text);
    return yt_fail(err, YT_ERR_MISMATCH,
                   "%s: this run was made with %s \"%.100s\", not \"%.100s\"; choose another --name for the "
                   "new study, or remove the folder",
                   folder, yti_train_options()[key].key, was, text);
}

static yt_status read_record(const char *path, const char *folder, const yti_train_config *config, study_record *out,
                             yt_err *err) {
    char *text;
    size_t bytes;
    YT_TRY(yti_file_read(path, MAX_BYTES, &text, &bytes, err));
    cJSON *json = cJSON_ParseWithLength(text, bytes);
    free(text);
    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return yt_fail(err, YT_ERR_SYNTAX, "%s: is not the record of a run; remove the folder", path);
    }
    yt_status status = same_settings(folder, json, config, err);
    bool finite = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "finite"));
    *out = (study_record){.running = cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "complete")),
                          .status = finite ? YT_OK : YT_ERR_NON_FINITE,
                          .epochs = (int)number(json, "epochs"),
                          .ap = number(json, "ap"),
                          .seconds = number(json, "seconds")};
    copy_text(json, "message", out->message, sizeof out->message);
    copy_text(json, "weights_hash", out->weights_hash, sizeof out->weights_hash);
    copy_text(json, "optimizer", out->optimizer, sizeof out->optimizer);
    copy_text(json, "model_hash", out->model_hash, sizeof out->model_hash);
    cJSON_Delete(json);
    return status;
}

yt_status yti_record_load(const char *folder, const yti_train_config *config, study_record *out, bool *found,
                          yt_err *err) {
    char *path = yti_path_join(folder, NAME);
    if (!path) return no_memory(err);
    *out = (study_record){.status = YT_OK};
    bool there = yti_path_exists(path);
    yt_status status = there ? read_record(path, folder, config, out, err) : YT_OK;
    *found = there && !out->running;
    free(path);
    return status;
}
