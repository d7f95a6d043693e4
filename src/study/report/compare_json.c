/* compare_json.c: compare.json: every number of a study, with the limits by which its words were chosen.
 *
 * What is not known is null. Sizes of gradients are logarithms to base 10 where a name says log10.
 */
#include "study/report/compare_json.h"
#include "base/file.h"
#include "base/json.h"
#include "gradients/limits.h"
#include "train/settings/settings_json.h"

static void put_interval(yti_json_writer *w, const char *key, yti_interval i) {
    yti_json_object(w, key);
    yti_json_number(w, "value", i.value);
    yti_json_number(w, "low", i.low);
    yti_json_number(w, "high", i.high);
    yti_json_number(w, "count", i.count);
    yti_json_end(w);
}

static void put_intervals(yti_json_writer *w, const char *key, const yti_interval *list, int count) {
    yti_json_array(w, key);
    for (int i = 0; i < count; i++) put_interval(w, NULL, list[i]);
    yti_json_end(w);
}

static void put_thresholds(yti_json_writer *w) {
    yti_json_array(w, "thresholds");
    for (int i = 0; i < YT_FLOW_LIMITS; i++) {
        const yti_flow_limit *row = &yti_flow_limits()[i];
        yti_json_object(w, NULL);
        yti_json_text(w, "name", row->name);
        yti_json_number(w, "value", row->value);
        yti_json_text(w, "meaning", row->meaning);
        yti_json_text(w, "source", row->source);
        yti_json_end(w);
    }
    yti_json_end(w);
}

static void put_points(yti_json_writer *w, const study_points *list) {
    yti_json_array(w, "points");
    for (int i = 0; i < list->count; i++) {
        const study_point *p = &list->at[i];
        yti_json_object(w, NULL);
        yti_json_text(w, "name", p->name);
        yti_json_number(w, "layer", p->layer);
        yti_json_number(w, "depth", p->depth);
        yti_json_bool(w, "in_backbone", p->in_backbone);
        yti_json_number(w, "before", p->before < 0 ? (double)NAN : p->before);
        yti_json_end(w);
    }
    yti_json_end(w);
}

static void put_epochs(yti_json_writer *w, const study_run *run) {
    yti_json_array(w, "epochs");
    for (int i = 0; i < run->end.n_epochs; i++) {
        const yti_results_row *e = &run->end.epochs[i];
        yti_json_object(w, NULL);
        yti_json_number(w, "epoch", e->epoch);
        yti_json_number(w, "loss", e->train_loss);
        yti_json_number(w, "val_loss", e->val_loss);
        yti_json_number(w, "ap50", e->ap50);
        yti_json_number(w, "ap", e->ap);
        yti_json_end(w);
    }
    yti_json_end(w);
}

/* What was seen at every step that was sampled. */
static void put_samples(yti_json_writer *w, const study_run *run, int width) {
    yti_json_array(w, "samples");
    for (int i = 0; i < run->seen.n_steps; i++) {
        yti_json_object(w, NULL);
        yti_json_number(w, "step", (double)run->seen.steps[i]);
        yti_json_array(w, "rms");
        for (int p = 0; p < width; p++) yti_json_number(w, NULL, run->seen.rms[(size_t)i * (size_t)width + (size_t)p]);
        yti_json_end(w);
        yti_json_number(w, "first_update_to_weight", run->seen.update[i]);
        yti_json_number(w, "first_mean_abs", run->seen.mean_abs[i]);
        yti_json_number(w, "norm", run->seen.norm[i]);
        yti_json_end(w);
    }
    yti_json_end(w);
}

static void put_run(yti_json_writer *w, const study_comparison *study, const study_run *run) {
    yti_json_object(w, NULL);
    yti_json_number(w, "seed", run->seed);
    yti_json_text(w, "folder", yti_path_base(run->folder));
    yti_json_bool(w, "finite", run->end.status == YT_OK);
    yti_json_text(w, "message", run->end.message);
    yti_json_number(w, "seconds", run->end.seconds);
    yti_json_text(w, "weights_hash", run->end.weights_hash);
    put_epochs(w, run);
    put_samples(w, run, study->variants[run->variant].points.count);
    yti_json_array(w, "slopes");
    for (int m = 0; m < study->n_moments; m++) put_interval(w, NULL, run->at[m].slope);
    yti_json_end(w);
    yti_json_end(w);
}

static void put_moment(yti_json_writer *w, const study_comparison *study, int variant, int moment) {
    const study_moment *m = &study->variants[variant].moments[moment];
    const int width = study->variants[variant].points.count;
    char name[64];
    study_moment_name(study, moment, name, sizeof name);
    yti_json_object(w, NULL);
    yti_json_text(w, "moment", name);
    yti_json_number(w, "step", (double)study->moment_steps[moment]);
    put_interval(w, "slope_log10_per_layer", m->slope);
    put_interval(w, "first_to_last_log10", m->first_to_last);
    yti_json_number(w, "first_to_last_median", m->facts.first_to_last);
    yti_json_number(w, "first_update_to_weight", m->update);
    yti_json_number(w, "first_mean_abs", m->facts.mean_abs);
    yti_json_number(w, "norm", m->facts.norm);
    put_intervals(w, "profile_log10_rms", m->profile, width);
    put_intervals(w, "ratio_across_log10", m->ratio, width);
    yti_json_number(w, "zero_points", m->zeros);
    yti_json_text(w, "verdict", yti_verdict_word(m->verdict));
    yti_json_number(w, "agreeing_seeds", m->agreeing);
    yti_json_text(w, "sentence", m->sentence);
    if (variant > 0) {
        put_interval(w, "slope_difference", m->slope_difference);
        yti_json_bool(w, "differs", m->differs);
        yti_json_text(w, "against_first", m->against);
    }
    yti_json_end(w);
}

static void put_variant(yti_json_writer *w, const study_comparison *study, int variant) {
    const study_variant *v = &study->variants[variant];
    yti_json_object(w, NULL);
    yti_json_text(w, "name", v->words.name);
    yti_json_object(w, "settings");
    for (int i = 0; i < v->words.n_settings; i++)
        yti_json_text(w, v->words.settings[i].key, v->words.settings[i].value);
    yti_json_end(w);
    yti_json_number(w, "parameters", (double)v->parameters);
    yti_json_number(w, "gflops", v->gflops);
    put_points(w, &v->points);
    yti_json_array(w, "moments");
    for (int m = 0; m < study->n_moments; m++) put_moment(w, study, variant, m);
    yti_json_end(w);
    put_interval(w, "final_loss", v->loss);
    put_interval(w, "final_ap", v->ap);
    if (variant > 0) {
        put_interval(w, "ap_difference", v->ap_difference);
        yti_json_text(w, "ap_against_first", v->ap_against);
    }
    yti_json_number(w, "runs_not_finite", v->failed);
    yti_json_array(w, "runs");
    for (int s = 0; s < study->n_seeds; s++) put_run(w, study, study_run_of(study, variant, s));
    yti_json_end(w);
    yti_json_end(w);
}

yt_status study_json_write(const study_comparison *study, const char *path, yt_err *err) {
    yti_json_writer w = {0};
    yti_json_object(&w, NULL);
    yti_json_text(&w, "data", study->base.data);
    yti_json_text(&w, "model", study->base.model);
    yti_json_number(&w, "seeds", study->n_seeds);
    yti_json_number(&w, "first_seed", study->base.seed);
    yti_json_number(&w, "confidence", 0.95);
    put_thresholds(&w);
    yti_settings_write(&w, "settings", &study->base, NULL);
    yti_json_array(&w, "variants");
    for (int i = 0; i < study->n_variants; i++) put_variant(&w, study, i);
    return yti_json_save(&w, path, err);
}
