/* compare_json.c: compare.json: every number of a study, with the limits behind its words.
 *
 * What is not known is null. Sizes of gradients are logarithms to base 10 where a name says log10.
 */
#include "base/file.h"
#include "base/json_file.h"
#include "study/study.h"

#include <cjson/cJSON.h>

/* Builders give NULL when memory runs out, and so does every object they are put into: add() takes the item, and the
 * parent of a failed one is dropped as a whole by whoever holds its root. */
static bool add(cJSON *parent, const char *key, cJSON *item) {
    if (item && cJSON_AddItemToObject(parent, key, item)) return true;
    cJSON_Delete(item);
    return false;
}

static bool append(cJSON *array, cJSON *item) {
    if (item && cJSON_AddItemToArray(array, item)) return true;
    cJSON_Delete(item);
    return false;
}

static cJSON *number(double value) {
    return isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull();
}

static cJSON *text(const char *value) {
    return cJSON_CreateString(value);
}

/* The object, or NULL and nothing kept. */
static cJSON *kept(cJSON *object, bool good) {
    if (good) return object;
    cJSON_Delete(object);
    return NULL;
}

static cJSON *interval(yti_interval i) {
    cJSON *out = cJSON_CreateObject();
    return kept(out, out && add(out, "value", number(i.value)) && add(out, "low", number(i.low)) &&
                         add(out, "high", number(i.high)) && add(out, "count", number(i.count)));
}

static cJSON *intervals(const yti_interval *list, int count) {
    cJSON *out = cJSON_CreateArray();
    bool good = out != NULL;
    for (int i = 0; good && i < count; i++) good = append(out, interval(list[i]));
    return kept(out, good);
}

static cJSON *numbers(const double *values, size_t count) {
    cJSON *out = cJSON_CreateArray();
    bool good = out != NULL;
    for (size_t i = 0; good && i < count; i++) good = append(out, number(values[i]));
    return kept(out, good);
}

/* ---- the parts ---- */

static cJSON *thresholds(void) {
    cJSON *out = cJSON_CreateArray();
    bool good = out != NULL;
    for (int i = 0; good && i < YT_VERDICT_LIMITS; i++) {
        const yti_verdict_limit *row = &yti_verdict_limits()[i];
        cJSON *item = cJSON_CreateObject();
        good = append(
            out, kept(item, item && add(item, "name", text(row->name)) && add(item, "value", number(row->value)) &&
                                add(item, "meaning", text(row->meaning)) && add(item, "source", text(row->source))));
    }
    return kept(out, good);
}

static cJSON *settings(const yti_train_config *config) {
    cJSON *out = cJSON_CreateObject();
    bool good = out != NULL;
    for (int i = 0; good && i < YT_TRAIN_KEYS; i++) {
        char value[YT_TRAIN_TEXT];
        yti_train_config_text(config, (yti_train_key)i, value, sizeof value);
        good = add(out, yti_train_options()[i].key, text(value));
    }
    return kept(out, good);
}

static cJSON *words_settings(const study_words *words) {
    cJSON *out = cJSON_CreateObject();
    bool good = out != NULL;
    for (int i = 0; good && i < words->n_settings; i++)
        good = add(out, words->settings[i].key, text(words->settings[i].value));
    return kept(out, good);
}

static cJSON *points(const study_points *list) {
    cJSON *out = cJSON_CreateArray();
    bool good = out != NULL;
    for (int i = 0; good && i < list->count; i++) {
        const study_point *p = &list->at[i];
        cJSON *item = cJSON_CreateObject();
        good = append(out,
                      kept(item, item && add(item, "name", text(p->name)) && add(item, "layer", number(p->layer)) &&
                                     add(item, "depth", number(p->depth)) &&
                                     add(item, "in_backbone", cJSON_CreateBool(p->in_backbone)) &&
                                     add(item, "before", p->before < 0 ? cJSON_CreateNull() : number(p->before))));
    }
    return kept(out, good);
}

static cJSON *epochs(const study_run *run) {
    cJSON *out = cJSON_CreateArray();
    bool good = out != NULL;
    for (int i = 0; good && i < run->n_epochs; i++) {
        const study_epoch *e = &run->epochs[i];
        cJSON *item = cJSON_CreateObject();
        good = append(out,
                      kept(item, item && add(item, "epoch", number(e->epoch)) && add(item, "loss", number(e->loss)) &&
                                     add(item, "val_loss", number(e->val_loss)) && add(item, "ap50", number(e->ap50)) &&
                                     add(item, "ap", number(e->ap))));
    }
    return kept(out, good);
}

/* What was seen at every step that was looked at. */
static cJSON *samples(const study_run *run, size_t width) {
    cJSON *out = cJSON_CreateArray();
    bool good = out != NULL;
    for (int i = 0; good && i < run->n_steps; i++) {
        cJSON *item = cJSON_CreateObject();
        good = append(out, kept(item, item && add(item, "step", number((double)run->steps[i])) &&
                                          add(item, "rms", numbers(run->rms + (size_t)i * width, width)) &&
                                          add(item, "first_update_to_weight", number(run->update[i])) &&
                                          add(item, "first_mean_abs", number(run->mean_abs[i])) &&
                                          add(item, "norm", number(run->norm[i]))));
    }
    return kept(out, good);
}

static cJSON *run_json(const yti_compare *study, const study_run *run) {
    cJSON *out = cJSON_CreateObject(), *slopes = intervals(run->slope, study->n_moments);
    size_t width = (size_t)study->variants[run->variant].points.count;
    bool good = out && add(out, "seed", number(run->seed)) && add(out, "folder", text(yti_path_base(run->folder))) &&
                add(out, "finite", cJSON_CreateBool(run->status == YT_OK)) && add(out, "message", text(run->message)) &&
                add(out, "seconds", number(run->seconds)) && add(out, "weights_hash", text(run->weights_hash)) &&
                add(out, "epochs", epochs(run)) && add(out, "samples", samples(run, width));
    if (!good) cJSON_Delete(slopes);
    return kept(out, good && add(out, "slopes", slopes));
}

static cJSON *runs(const yti_compare *study, int variant) {
    cJSON *out = cJSON_CreateArray();
    bool good = out != NULL;
    for (int s = 0; good && s < study->n_seeds; s++)
        good = append(out, run_json(study, yti_study_run(study, variant, s)));
    return kept(out, good);
}

static cJSON *moment_json(const yti_compare *study, int variant, int moment) {
    const study_moment *m = &study->variants[variant].moments[moment];
    int width = study->variants[variant].points.count;
    char name[64];
    yti_moment_name(study, moment, name, sizeof name);
    cJSON *out = cJSON_CreateObject();
    return kept(
        out, out && add(out, "moment", text(name)) && add(out, "step", number((double)study->moment_steps[moment])) &&
                 add(out, "slope_log10_per_layer", interval(m->slope)) &&
                 add(out, "first_to_last_log10", interval(m->first_to_last)) &&
                 add(out, "first_to_last_median", number(m->facts.first_to_last)) &&
                 add(out, "first_update_to_weight", number(m->update)) &&
                 add(out, "first_mean_abs", number(m->facts.mean_abs)) && add(out, "norm", number(m->facts.norm)) &&
                 add(out, "profile_log10_rms", intervals(m->profile, width)) &&
                 add(out, "ratio_across_log10", intervals(m->ratio, width)) &&
                 add(out, "zero_points", number(m->zeros)) && add(out, "verdict", text(yti_verdict_word(m->verdict))) &&
                 add(out, "agreeing_seeds", number(m->agreeing)) && add(out, "sentence", text(m->sentence)) &&
                 (variant == 0 ||
                  (add(out, "slope_difference", interval(m->slope_difference)) &&
                   add(out, "differs", cJSON_CreateBool(m->differs)) && add(out, "against_first", text(m->against)))));
}

static cJSON *moments(const yti_compare *study, int variant) {
    cJSON *out = cJSON_CreateArray();
    bool good = out != NULL;
    for (int m = 0; good && m < study->n_moments; m++) good = append(out, moment_json(study, variant, m));
    return kept(out, good);
}

static cJSON *variants(const yti_compare *study) {
    cJSON *out = cJSON_CreateArray();
    bool good = out != NULL;
    for (int i = 0; good && i < study->n_variants; i++) {
        const study_variant *v = &study->variants[i];
        cJSON *item = cJSON_CreateObject();
        good = append(
            out, kept(item, item && add(item, "name", text(v->words.name)) &&
                                add(item, "settings", words_settings(&v->words)) &&
                                add(item, "parameters", number((double)v->parameters)) &&
                                add(item, "gflops", number(v->gflops)) && add(item, "points", points(&v->points)) &&
                                add(item, "moments", moments(study, i)) && add(item, "final_loss", interval(v->loss)) &&
                                add(item, "final_ap", interval(v->ap)) &&
                                (i == 0 || (add(item, "ap_difference", interval(v->ap_difference)) &&
                                            add(item, "ap_against_first", text(v->ap_against)))) &&
                                add(item, "runs_not_finite", number(v->failed)) && add(item, "runs", runs(study, i))));
    }
    return kept(out, good);
}

static cJSON *whole(const yti_compare *study) {
    cJSON *out = cJSON_CreateObject();
    return kept(out, out && add(out, "data", text(study->base.data)) && add(out, "model", text(study->base.model)) &&
                         add(out, "seeds", number(study->n_seeds)) &&
                         add(out, "first_seed", number(study->base.seed)) && add(out, "confidence", number(0.95)) &&
                         add(out, "thresholds", thresholds()) && add(out, "settings", settings(&study->base)) &&
                         add(out, "variants", variants(study)));
}

yt_status yti_compare_json_write(const yti_compare *study, const char *path, yt_err *err) {
    return yti_json_write(whole(study), path, err);
}
