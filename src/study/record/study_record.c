/* study_record.c: see study_record.h. */
#include "study/record/study_record.h"
#include "base/file.h"
#include "base/text.h"
#include "study/record/run_record.h"

#include "train/settings/settings_json.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 22, LIST_TEXT = STUDY_MAX_VARIANTS * 64 };
static const char NAME[] = "study.json";

/* ---- writing ---- */

yt_status study_record_save(const study_comparison *study, yt_err *err) {
    yti_train_config config = study->base;
    config.seed = 0; /* no setting of the study: it may get more seeds */
    yti_json_writer w = {0};
    yti_json_object(&w, NULL);
    yti_json_array(&w, "variants");
    for (int i = 0; i < study->n_variants; i++) yti_json_text(&w, NULL, study->variants[i].words.name);
    yti_json_end(&w);
    yti_json_number(&w, "first_seed", study->base.seed);
    yti_json_number(&w, "seeds", study->n_seeds);
    yti_settings_write(&w, "settings", &config, study_setting_counts);
    char *path = yti_path_join(study->folder, NAME);
    yt_status status = path ? yti_path_make_dirs(study->folder, err) : yti_no_memory(err, NAME);
    if (status == YT_OK) status = yti_json_save(&w, path, err);
    yti_json_discard(&w);
    free(path);
    return status;
}

/* ---- reading ---- */

/* What study.json says. */
typedef struct recorded {
    const char *variants[STUDY_MAX_VARIANTS]; /* lent by the JSON */
    int n_variants;
    int first_seed, seeds;
} recorded;

static bool read_runs(const yti_json *json, recorded *out) {
    int64_t first, seeds;
    *out = (recorded){.n_variants = 0};
    for (const yti_json *item = yti_json_first(yti_json_get(json, "variants")); item; item = yti_json_next(item)) {
        const char *name = yti_json_as_text(item);
        if (!name || out->n_variants == STUDY_MAX_VARIANTS) return false;
        out->variants[out->n_variants++] = name;
    }
    if (!yti_json_as_whole(yti_json_get(json, "seeds"), 1, STUDY_MAX_SEEDS, &seeds) ||
        !yti_json_as_whole(yti_json_get(json, "first_seed"), 0, INT32_MAX - (double)(seeds - 1), &first))
        return false;
    out->first_seed = (int)first;
    out->seeds = (int)seeds;
    return true;
}

static bool has_variant(const study_comparison *study, const char *name) {
    for (int i = 0; i < study->n_variants; i++)
        if (strcmp(study->variants[i].words.name, name) == 0) return true;
    return false;
}

/* Whether the study has all runs that were recorded, so that none is lost from its report. */
static bool covers(const study_comparison *study, const recorded *there) {
    for (int i = 0; i < there->n_variants; i++)
        if (!has_variant(study, there->variants[i])) return false;
    return study->base.seed <= there->first_seed && there->first_seed + (there->seeds - 1) <= study_last_seed(study);
}

static void append(char *list, const char *name) {
    yti_text_append(list, LIST_TEXT, "%s%s", list[0] ? "," : "", name);
}

/* Says what is there, and the command that has it and what is asked for, where there is one. */
static yt_status another_study(const study_comparison *study, const recorded *there, yt_err *err) {
    char old[LIST_TEXT] = "", both[LIST_TEXT] = "", command[640] = "";
    int n_both = study->n_variants;
    for (int i = 0; i < there->n_variants; i++) {
        append(old, there->variants[i]);
        if (has_variant(study, there->variants[i])) continue;
        append(both, there->variants[i]);
        n_both++;
    }
    for (int i = 0; i < study->n_variants; i++) append(both, study->variants[i].words.name);
    const int last_there = there->first_seed + (there->seeds - 1), last_asked = study_last_seed(study);
    const int first = study->base.seed < there->first_seed ? study->base.seed : there->first_seed,
              last = last_asked > last_there ? last_asked : last_there;
    if (last - first < STUDY_MAX_SEEDS && n_both <= STUDY_MAX_VARIANTS)
        snprintf(command, sizeof command, ", or continue it: --compare %.350s --seed %d --seeds %d", both, first,
                 last - first + 1);
    return yt_fail(err, YT_ERR_MISMATCH, "%s: holds the comparison of %.250s with %d seed%s; choose another --name%s",
                   study->folder, old, there->seeds, there->seeds == 1 ? "" : "s", command);
}

static yt_status same_settings(const study_comparison *study, const yti_json *json, yt_err *err) {
    yti_train_config config = study->base;
    config.seed = 0;
    const char *was;
    int key = study_settings_differ(yti_json_get(json, "settings"), &config, &was);
    if (key < 0) return YT_OK;
    char text[YT_TRAIN_TEXT];
    yti_train_config_text(&config, (yti_train_key)key, text, sizeof text);
    return yt_fail(err, YT_ERR_MISMATCH,
                   "%s: the study here was made with %s \"%.100s\", not \"%.100s\"; choose another --name for "
                   "the new one, or remove the folder",
                   study->folder, yti_train_options()[key].key, was, text);
}

static yt_status damaged(const study_comparison *study, yt_err *err) {
    return yt_fail(err, YT_ERR_SYNTAX, "%s/%s: is not the record of a study; remove the folder", study->folder, NAME);
}

static yt_status check(const study_comparison *study, const char *path, const char *report, yt_err *err) {
    char *text;
    size_t bytes;
    YT_TRY(yti_file_read(path, MAX_BYTES, &text, &bytes, err));
    yti_json *json = yti_json_parse(text, bytes, NULL);
    free(text);
    yt_status status = yti_json_is_object(json) ? same_settings(study, json, err) : damaged(study, err);
    if (status == YT_OK && yti_path_exists(report)) {
        recorded there;
        if (!read_runs(json, &there))
            status = damaged(study, err);
        else if (!covers(study, &there))
            status = another_study(study, &there, err);
    }
    yti_json_free(json);
    return status;
}

yt_status study_record_check(const study_comparison *study, yt_err *err) {
    char *path = yti_path_join(study->folder, NAME), *report = yti_path_join(study->folder, "compare.json");
    yt_status status = path && report ? YT_OK : yti_no_memory(err, NAME);
    if (status == YT_OK && yti_path_exists(path)) status = check(study, path, report, err);
    free(path);
    free(report);
    return status;
}
