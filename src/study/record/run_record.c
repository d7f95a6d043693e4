/* run_record.c: run.json, see run_record.h. */
#include "study/record/run_record.h"
#include "base/file.h"
#include "optim/optim.h"
#include "train/settings/settings_json.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 22 };
static const char NAME[] = "run.json";

/* ---- settings ---- */

/* Beside those of the machine: they change when things are done and what else is kept, not what comes out. */
static const yti_train_key without_effect[] = {YT_TRAIN_KEY_workers, YT_TRAIN_KEY_cache, YT_TRAIN_KEY_save_period};

bool study_setting_counts(int key) {
    for (size_t i = 0; i < sizeof without_effect / sizeof without_effect[0]; i++)
        if ((int)without_effect[i] == key) return false;
    return yti_train_options()[key].on_resume != YT_RESUME_HERE;
}

int study_settings_differ(const yti_json *settings, const yti_train_config *config, const char **was) {
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        char text[YT_TRAIN_TEXT];
        if (!study_setting_counts(i)) continue;
        yti_train_config_text(config, (yti_train_key)i, text, sizeof text);
        const char *former = yti_settings_get(settings, (yti_train_key)i);
        *was = former ? former : "unknown";
        if (!former || strcmp(former, text) != 0) return i;
    }
    return -1;
}

/* ---- writing ---- */

yt_status study_run_record_save(const char *folder, const yti_train_config *config, const study_run_record *record,
                                yt_err *err) {
    yti_json_writer w = {0};
    yti_json_object(&w, NULL);
    yti_json_bool(&w, "complete", !record->running);
    yti_json_bool(&w, "finite", record->status == YT_OK);
    yti_json_text(&w, "message", record->message);
    yti_json_number(&w, "epochs", record->epochs);
    yti_json_number(&w, "ap", record->ap);
    yti_json_number(&w, "seconds", record->seconds);
    yti_json_text(&w, "weights_hash", record->weights_hash);
    yti_json_text(&w, "optimizer",
                  record->optimizer < 0 ? "" : yti_optimizer_name((yti_optimizer_kind)record->optimizer));
    yti_json_text(&w, "model_hash", record->model_hash);
    yti_settings_write(&w, "settings", config, study_setting_counts);
    char *path = yti_path_join(folder, NAME);
    yt_status status = path ? yti_json_save(&w, path, err) : yti_no_memory(err, NAME);
    yti_json_discard(&w);
    free(path);
    return status;
}

/* ---- reading ---- */

static void copy_text(const yti_json *json, const char *key, char *out, size_t room) {
    const char *text = yti_json_as_text(yti_json_get(json, key));
    snprintf(out, room, "%s", text ? text : "");
}

static double number(const yti_json *json, const char *key) {
    double value = 0;
    yti_json_as_number(yti_json_get(json, key), &value);
    return value;
}

static yt_status same_settings(const char *folder, const yti_json *json, const yti_train_config *config, yt_err *err) {
    const char *was;
    int key = study_settings_differ(yti_json_get(json, "settings"), config, &was);
    if (key < 0) return YT_OK;
    char text[YT_TRAIN_TEXT];
    yti_train_config_text(config, (yti_train_key)key, text, sizeof text);
    return yt_fail(err, YT_ERR_MISMATCH,
                   "%s: this run was made with %s \"%.100s\", not \"%.100s\"; choose another --name for the "
                   "new study, or remove the folder",
                   folder, yti_train_options()[key].key, was, text);
}

static yt_status read_record(const char *path, const char *folder, const yti_train_config *config,
                             study_run_record *out, yt_err *err) {
    char *text;
    size_t bytes;
    YT_TRY(yti_file_read(path, MAX_BYTES, &text, &bytes, err));
    yti_json *json = yti_json_parse(text, bytes, NULL);
    free(text);
    if (!yti_json_is_object(json)) {
        yti_json_free(json);
        return yt_fail(err, YT_ERR_SYNTAX, "%s: is not the record of a run; remove the folder", path);
    }
    yt_status status = same_settings(folder, json, config, err);
    const char *optimizer = yti_json_as_text(yti_json_get(json, "optimizer"));
    const bool finite = yti_json_is_true(yti_json_get(json, "finite"));
    const yti_json *complete = yti_json_get(json, "complete");
    *out = (study_run_record){.running = yti_json_is_bool(complete) && !yti_json_is_true(complete),
                              .status = finite ? YT_OK : YT_ERR_NON_FINITE,
                              .epochs = (int)number(json, "epochs"),
                              .optimizer = optimizer ? yti_optimizer_find(optimizer) : -1,
                              .ap = number(json, "ap"),
                              .seconds = number(json, "seconds")};
    copy_text(json, "message", out->message, sizeof out->message);
    copy_text(json, "weights_hash", out->weights_hash, sizeof out->weights_hash);
    copy_text(json, "model_hash", out->model_hash, sizeof out->model_hash);
    yti_json_free(json);
    return status;
}

yt_status study_run_record_load(const char *folder, const yti_train_config *config, study_run_record *out, bool *found,
                                yt_err *err) {
    char *path = yti_path_join(folder, NAME);
    if (!path) return yti_no_memory(err, NAME);
    *out = (study_run_record){.status = YT_OK, .optimizer = -1};
    bool there = yti_path_exists(path);
    yt_status status = there ? read_record(path, folder, config, out, err) : YT_OK;
    *found = there && !out->running;
    free(path);
    return status;
}
