/* study_record.c: study.json, see run_record.h: which study a folder belongs to. */
#include "base/file.h"
#include "base/json_file.h"
#include "study/record/run_record.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 22, LIST_TEXT = YT_MAX_VARIANTS * 64 };
static const char NAME[] = "study.json";

static yt_status no_memory(yt_err *err) {
    return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for %s", NAME);
}

/* ---- writing ---- */

/* The seed is not one of the settings: seeds may come to a study. */
static cJSON *settings_of(const yti_compare *study) {
    yti_train_config config = study->base;
    config.seed = 0;
    return yti_settings_write(&config);
}

static cJSON *variants_of(const yti_compare *study) {
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; list && i < study->n_variants; i++) {
        cJSON *name = cJSON_CreateString(study->variants[i].words.name);
        if (name && cJSON_AddItemToArray(list, name)) continue;
        cJSON_Delete(name);
        cJSON_Delete(list);
        list = NULL;
    }
    return list;
}

static bool add(cJSON *json, const char *key, cJSON *item) {
    if (item && cJSON_AddItemToObject(json, key, item)) return true;
    cJSON_Delete(item);
    return false;
}

static cJSON *record_json(const yti_compare *study) {
    cJSON *json = cJSON_CreateObject();
    bool good = json && add(json, "variants", variants_of(study)) &&
                cJSON_AddNumberToObject(json, "first_seed", study->base.seed) &&
                cJSON_AddNumberToObject(json, "seeds", study->n_seeds) && add(json, "settings", settings_of(study));
    if (good) return json;
    cJSON_Delete(json);
    return NULL;
}

yt_status yti_study_record_save(const yti_compare *study, yt_err *err) {
    char *path = yti_path_join(study->folder, NAME);
    yt_status status = path ? yti_path_make_dirs(study->folder, err) : no_memory(err);
    if (status == YT_OK) status = yti_json_write(record_json(study), path, err);
    free(path);
    return status;
}

/* ---- reading ---- */

static yt_status same_settings(const yti_compare *study, const cJSON *json, yt_err *err) {
    yti_train_config config = study->base;
    config.seed = 0;
    const char *was;
    int key = yti_settings_differ(cJSON_GetObjectItemCaseSensitive(json, "settings"), &config, &was);
    if (key < 0) return YT_OK;
    char text[YT_TRAIN_TEXT];
    yti_train_config_text(&config, (yti_train_key)key, text, sizeof text);
    return yt_fail(err, YT_ERR_MISMATCH,
                   "%s: the study here was made with %s \"%.100s\", not \"%.100s\"; choose another --name for "
                   "the new one, or remove the folder",
                   study->folder, yti_train_options()[key].key, was, text);
}

static void append(char *list, const char *name) {
    size_t used = strlen(list);
    snprintf(list + used, LIST_TEXT - used, "%s%s", used ? "," : "", name);
}

static bool has_variant(const yti_compare *study, const char *name) {
    for (int i = 0; i < study->n_variants; i++)
        if (strcmp(study->variants[i].words.name, name) == 0) return true;
    return false;
}

/* What is there, and the command that has it and what is asked for, where there is one. */
static yt_status another_study(const yti_compare *study, const char *there, const char *both, int n_both, int first,
                               int seeds, yt_err *err) {
    int64_t last = (int64_t)first + seeds - 1;
    const int64_t own_last = yti_last_seed(study);
    if (study->base.seed < first) first = study->base.seed;
    if (own_last > last) last = own_last;
    const int64_t all = last - first + 1;
    char go_on[640] = "";
    if (all <= YT_MAX_SEEDS && n_both <= YT_MAX_VARIANTS)
        snprintf(go_on, sizeof go_on, ", or continue it: --compare %.350s --seed %d --seeds %d", both, first, (int)all);
    return yt_fail(err, YT_ERR_MISMATCH, "%s: holds the comparison of %.250s with %d seed%s; choose another --name%s",
                   study->folder, there, seeds, seeds == 1 ? "" : "s", go_on);
}

static yt_status same_runs(const yti_compare *study, const cJSON *json, yt_err *err) {
    char there[LIST_TEXT] = "", both[LIST_TEXT] = "";
    bool all = true;
    int n_both = study->n_variants;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "variants")) {
        const char *name = cJSON_GetStringValue(item);
        if (!name) continue;
        append(there, name);
        if (has_variant(study, name)) continue;
        append(both, name);
        n_both++;
        all = false;
    }
    for (int i = 0; i < study->n_variants; i++) append(both, study->variants[i].words.name);
    const cJSON *seed = cJSON_GetObjectItemCaseSensitive(json, "first_seed"),
                *count = cJSON_GetObjectItemCaseSensitive(json, "seeds");
    int first = cJSON_IsNumber(seed) ? seed->valueint : 0, seeds = cJSON_IsNumber(count) ? count->valueint : 0;
    if (seeds < 1 || seeds > YT_MAX_SEEDS || first < 0 || first > INT32_MAX - (seeds - 1))
        return yt_fail(err, YT_ERR_SYNTAX, "%s/%s: is not the record of a study; remove the folder", study->folder,
                       NAME);
    all = all && study->base.seed <= first && first + (seeds - 1) <= yti_last_seed(study);
    return all ? YT_OK : another_study(study, there, both, n_both, first, seeds, err);
}

static yt_status check(const yti_compare *study, const char *path, const char *report, yt_err *err) {
    char *text;
    size_t bytes;
    YT_TRY(yti_file_read(path, MAX_BYTES, &text, &bytes, err));
    cJSON *json = cJSON_ParseWithLength(text, bytes);
    free(text);
    yt_status status = cJSON_IsObject(json)
                           ? same_settings(study, json, err)
                           : yt_fail(err, YT_ERR_SYNTAX, "%s: is not the record of a study; remove the folder", path);
    if (status == YT_OK && yti_path_exists(report)) status = same_runs(study, json, err);
    cJSON_Delete(json);
    return status;
}

yt_status yti_study_record_check(const yti_compare *study, yt_err *err) {
    char *path = yti_path_join(study->folder, NAME), *report = yti_path_join(study->folder, "compare.json");
    yt_status status = path && report ? YT_OK : no_memory(err);
    if (status == YT_OK && yti_path_exists(path)) status = check(study, path, report, err);
    free(path);
    free(report);
    return status;
}
