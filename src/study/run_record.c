/* run_record.c: see run_record.h. Settings that belong to the machine or name folders do not count. */
#include "study/run_record.h"
#include "yt/file.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 22 };
static const char NAME[] = "run.json";

static yt_status no_memory(yt_err *err) {
    return yt_fail(err, YT_NO_MEMORY, "no memory for %s", NAME);
}

/* ---- writing ---- */

static bool add_settings(cJSON *json, const yt_train_config *config) {
    cJSON *settings = cJSON_AddObjectToObject(json, "settings");
    for (int i = 0; settings && i < YT_TRAIN_KEYS; i++) {
        const yt_train_option *row = &yt_train_options()[i];
        char text[YT_TRAIN_TEXT];
        if (row->on_resume == YT_RESUME_HERE) continue;
        yt_train_config_text(config, (yt_train_key)i, text, sizeof text);
        if (!cJSON_AddStringToObject(settings, row->key, text)) return false;
    }
    return settings != NULL;
}

static char *record_text(const yt_train_config *config, const study_record *record) {
    cJSON *json = cJSON_CreateObject();
    bool good = json && cJSON_AddBoolToObject(json, "finite", record->status == YT_OK) &&
                cJSON_AddStringToObject(json, "message", record->message) &&
                cJSON_AddNumberToObject(json, "epochs", record->epochs) &&
                cJSON_AddNumberToObject(json, "ap", record->ap) &&
                cJSON_AddNumberToObject(json, "seconds", record->seconds) &&
                cJSON_AddStringToObject(json, "weights_hash", record->weights_hash) &&
                add_settings(json, config);
    char *text = good ? cJSON_Print(json) : NULL;
    cJSON_Delete(json);
    return text;
}

yt_status yti_record_save(const char *folder, const yt_train_config *config, const study_record *record,
                          yt_err *err) {
    char *path = yt_path_join(folder, NAME), *text = record_text(config, record);
    yt_file_writer writer;
    yt_status status = path && text ? yt_file_writer_open(path, &writer, err) : no_memory(err);
    if (status == YT_OK) {
        fprintf(writer.stream, "%s\n", text);
        status = yt_file_writer_commit(&writer, err);
    }
    cJSON_free(text);
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

static yt_status same_settings(const char *folder, const cJSON *json, const yt_train_config *config,
                               yt_err *err) {
    const cJSON *settings = cJSON_GetObjectItemCaseSensitive(json, "settings");
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        const yt_train_option *row = &yt_train_options()[i];
        char text[YT_TRAIN_TEXT];
        if (row->on_resume == YT_RESUME_HERE) continue;
        yt_train_config_text(config, (yt_train_key)i, text, sizeof text);
        const char *was = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(settings, row->key));
        if (!was || strcmp(was, text) != 0)
            return yt_fail(
                err, YT_MISMATCH,
                "%s: this run was made with %s \"%.100s\", not \"%.100s\"; choose another --name for the "
                "new study, or remove the folder",
                folder, row->key, was ? was : "unknown", text);
    }
    return YT_OK;
}

static yt_status read_record(const char *path, const char *folder, const yt_train_config *config,
                             study_record *out, yt_err *err) {
    char *text;
    size_t bytes;
    YT_TRY(yt_file_read(path, MAX_BYTES, &text, &bytes, err));
    cJSON *json = cJSON_ParseWithLength(text, bytes);
    free(text);
    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return yt_fail(err, YT_SYNTAX, "%s: is not the record of a run; remove the folder", path);
    }
    yt_status status = same_settings(folder, json, config, err);
    bool finite = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "finite"));
    *out = (study_record){.status = finite ? YT_OK : YT_NON_FINITE,
                          .epochs = (int)number(json, "epochs"),
                          .ap = number(json, "ap"),
                          .seconds = number(json, "seconds")};
    copy_text(json, "message", out->message, sizeof out->message);
    copy_text(json, "weights_hash", out->weights_hash, sizeof out->weights_hash);
    cJSON_Delete(json);
    return status;
}

yt_status yti_record_load(const char *folder, const yt_train_config *config, study_record *out, bool *found,
                          yt_err *err) {
    char *path = yt_path_join(folder, NAME);
    if (!path) return no_memory(err);
    *found = yt_path_exists(path);
    yt_status status = *found ? read_record(path, folder, config, out, err) : YT_OK;
    free(path);
    return status;
}
