/* analyse.c: from the folders of the runs to every number of the study.
 *
 *   load        curves, gradients by step and point, how the run ended
 *   moments     the steps 0 and 1, and the last one that all runs that ended well have
 *   per run     slope within the run, first over last
 *   per moment  means of logarithms over seeds with their intervals, medians of the facts, the verdict
 *
 * A value that is not there is NaN all the way to the page.
 */
#include "study/analysis/analyse.h"
#include "base/file.h"
#include "base/text.h"
#include "gradients/gradient_table.h"
#include "study/record/run_record.h"

#include <stdlib.h>
#include <string.h>

static const double NONE = (double)NAN;

static const char needed_for[] = "the numbers of a comparison";

/* ---- reading what a run left ---- */

/* The point a row of the table is about; -1: none. */
static int point_of(const study_points *points, const yti_gradient_row *row) {
    const bool block = row->kind == YT_FLOW_BLOCK_GRADIENT;
    if (!block && row->kind != YT_FLOW_ACTIVATION_GRADIENT) return -1;
    for (int i = 0; i < points->count; i++) {
        const study_point *p = &points->at[i];
        if (p->layer == row->layer && p->is_block == block && (!block || strcmp(p->name, row->name) == 0)) return i;
    }
    return -1;
}

static int step_of(const study_run *run, long step) {
    int low = 0, high = run->seen.n_steps - 1;
    while (low <= high) {
        int middle = (low + high) / 2;
        if (run->seen.steps[middle] == step) return middle;
        if (run->seen.steps[middle] < step)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return -1;
}

static int by_value(const void *a, const void *b) {
    const long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

static yt_status find_steps(const yti_gradient_table *table, study_run *run, yt_err *err) {
    long *steps = malloc((table->count + 1) * sizeof *steps);
    if (!steps) return yti_no_memory(err, needed_for);
    size_t n = 0;
    for (size_t i = 0; i < table->count; i++)
        if (n == 0 || steps[n - 1] != table->rows[i].step) steps[n++] = table->rows[i].step;
    qsort(steps, n, sizeof *steps, by_value);
    run->seen.steps = steps;
    run->seen.n_steps = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || steps[i] != steps[run->seen.n_steps - 1]) steps[run->seen.n_steps++] = steps[i];
    return YT_OK;
}

static double *nothing(size_t count) {
    double *values = malloc((count + 1) * sizeof *values);
    for (size_t i = 0; values && i < count; i++) values[i] = NONE;
    return values;
}

/* What the verdict asks about the first layer's weights, the norm over all of them, and whether all is finite. */
static void take_weights(const yti_gradient_row *row, int first_layer, study_run *run, int step) {
    const bool first = row->layer == first_layer, weight = row->kind == YT_FLOW_WEIGHT;
    if (weight && row->stat == YT_FLOW_STAT_MEAN_ABS && first && isnan(run->seen.mean_abs[step]))
        run->seen.mean_abs[step] = row->value;
    if (row->kind == YT_FLOW_UPDATE && row->stat == YT_FLOW_STAT_RATIO && first && isnan(run->seen.update[step]))
        run->seen.update[step] = row->value;
    if (row->stat == YT_FLOW_STAT_NON_FINITE && row->value > 0) run->seen.bad[step] = true;
    if (weight && row->stat == YT_FLOW_STAT_L2)
        run->seen.norm[step] = hypot(isnan(run->seen.norm[step]) ? 0 : run->seen.norm[step], row->value);
}

static yt_status fill_run(const yti_gradient_table *table, const study_points *points, study_run *run, yt_err *err) {
    YT_TRY(find_steps(table, run, err));
    size_t n = (size_t)run->seen.n_steps, width = (size_t)points->count;
    run->seen.rms = nothing(n * width);
    run->seen.mean_abs = nothing(n);
    run->seen.update = nothing(n);
    run->seen.norm = nothing(n);
    run->seen.bad = calloc(n + 1, sizeof *run->seen.bad);
    if (!run->seen.rms || !run->seen.mean_abs || !run->seen.update || !run->seen.norm || !run->seen.bad)
        return yti_no_memory(err, needed_for);
    int first_layer = points->count ? points->at[0].layer : -1;
    for (size_t i = 0; i < table->count; i++) {
        const yti_gradient_row *row = &table->rows[i];
        int step = step_of(run, row->step);
        take_weights(row, first_layer, run, step);
        int point = row->stat == YT_FLOW_STAT_RMS ? point_of(points, row) : -1;
        if (point >= 0) run->seen.rms[(size_t)step * width + (size_t)point] = row->value;
    }
    return YT_OK;
}

static yt_status find_points(study_comparison *study, int variant, yt_err *err) {
    yti_model *model;
    YT_TRY(study_model(study, variant, &model, err));
    yt_status status = study_points_find(model, &study->variants[variant].points, err);
    yti_model_destroy(model);
    return status;
}

static yt_status load_gradients(study_comparison *study, study_run *run, yt_err *err) {
    char *path = yti_path_join(run->folder, "gradients.csv");
    if (!path) return yti_no_memory(err, needed_for);
    yti_gradient_table table;
    yt_status status = yti_gradient_table_load(path, &table, err);
    free(path);
    if (status != YT_OK) return status;
    study_points *points = &study->variants[run->variant].points;
    if (!points->at) status = find_points(study, run->variant, err);
    if (status == YT_OK) status = fill_run(&table, points, run, err);
    yti_gradient_table_free(&table);
    return status;
}

static yt_status load_run(study_comparison *study, study_run *run, yt_err *err) {
    study_run_record record;
    bool found;
    yti_train_config config;
    YT_TRY(study_run_config(study, run, &config, err));
    YT_TRY(study_run_record_load(run->folder, &config, &record, &found, err));
    if (!found) return yt_fail(err, YT_ERR_ARGUMENT, "%s: this run is not complete", run->folder);
    run->end.status = record.status;
    run->end.seconds = record.seconds;
    snprintf(run->end.message, sizeof run->end.message, "%s", record.message);
    run->end.optimizer = record.optimizer;
    snprintf(run->end.weights_hash, sizeof run->end.weights_hash, "%s", record.weights_hash);
    char *path = yti_path_join(run->folder, "results.csv");
    if (!path) return yti_no_memory(err, needed_for);
    yt_status status = yti_results_load(path, &run->end.epochs, &run->end.n_epochs, err);
    free(path);
    return status == YT_OK ? load_gradients(study, run, err) : status;
}

/* ---- moments ---- */

/* The last step that every run that ended well has; -1: there is none. */
static long last_common_step(const study_comparison *study) {
    const study_run *shortest = NULL;
    for (int i = 0; i < study_runs(study); i++) {
        const study_run *run = &study->runs[i];
        if (run->end.status != YT_OK || run->seen.n_steps == 0) continue;
        if (!shortest || run->seen.steps[run->seen.n_steps - 1] < shortest->seen.steps[shortest->seen.n_steps - 1])
            shortest = run;
    }
    return shortest ? shortest->seen.steps[shortest->seen.n_steps - 1] : -1;
}

static void choose_moments(study_comparison *study) {
    const long wanted[STUDY_MOMENTS] = {0, 1, last_common_step(study)};
    study->n_moments = 0;
    for (int m = 0; m < STUDY_MOMENTS; m++) {
        bool there = false;
        for (int i = 0; i < study_runs(study); i++) there |= step_of(&study->runs[i], wanted[m]) >= 0;
        if (there && (m < 2 || wanted[m] > 1)) study->moment_steps[study->n_moments++] = wanted[m];
    }
}

/* ---- one run at one moment ---- */

/* Points of the backbone by depth with what was seen there; those that were not seen are left out. After the
 * backbone the paths to the levels of the head diverge, and the deepest point is that of a level which may have next to
 * no gradient. */
static int seen(const study_points *points, const double *rms, double *depth, double *values) {
    int n = 0;
    for (int i = 0; i < points->count; i++) {
        if (isnan(rms[i]) || !points->at[i].in_backbone) continue;
        depth[n] = points->at[i].depth;
        values[n++] = rms[i];
    }
    return n;
}

/* The first update is made with the rate that the warm-up begins with and says nothing about the gradient. */
static double update_of(const study_run *run, int step) {
    return step < 0 || run->seen.steps[step] == 0 ? NONE : run->seen.update[step];
}

/* What a run shows at a moment. Adam and MuSGD make updates as large for a gradient of 1e-6 as for one of 1: theirs
 * say nothing about it either. A run that ended early has failed at the last moment, which it may not have reached. */
static yti_flow_facts facts_of(const study_comparison *study, const study_run *run, int moment) {
    const int step = step_of(run, study->moment_steps[moment]);
    const bool failed = run->end.status != YT_OK && (step < 0 || moment == study->n_moments - 1);
    return (yti_flow_facts){.first_to_last = run->at[moment].first_to_last,
                            .update = run->end.optimizer == YT_OPTIM_SGD ? update_of(run, step) : NONE,
                            .mean_abs = step < 0 ? NONE : run->seen.mean_abs[step],
                            .norm = step < 0 ? NONE : run->seen.norm[step],
                            .non_finite = failed || (step >= 0 && run->seen.bad[step])};
}

static yt_status judge_run(const study_comparison *study, study_run *run, yt_err *err) {
    const study_points *points = &study->variants[run->variant].points;
    double *depth = nothing((size_t)points->count), *rms = nothing((size_t)points->count);
    for (int m = 0; depth && rms && m < study->n_moments; m++) {
        const int step = step_of(run, study->moment_steps[m]);
        const int n = step < 0 ? 0 : seen(points, run->seen.rms + (size_t)step * (size_t)points->count, depth, rms);
        run->at[m].slope = yti_slope_fit(depth, rms, n, &run->at[m].zeros);
        run->at[m].first_to_last = n > 1 ? rms[0] / rms[n - 1] : NONE;
        run->at[m].facts = facts_of(study, run, m);
        char sentence[STUDY_SENTENCE];
        run->at[m].verdict = yti_verdict_of(&run->at[m].facts, sentence, sizeof sentence);
    }
    bool good = depth && rms;
    free(depth);
    free(rms);
    return good ? YT_OK : yti_no_memory(err, needed_for);
}

/* ---- a variant at one moment, over its seeds ---- */

/* The mean over seeds of what get() says, without what is not finite. */
typedef double (*getter)(const study_run *run, int moment, int step, const study_points *points, int point);

static yti_interval over_seeds(const study_comparison *study, int variant, int moment, int point, getter get) {
    double values[STUDY_MAX_SEEDS];
    int n = 0;
    for (int s = 0; s < study->n_seeds; s++) {
        const study_run *run = study_run_of(study, variant, s);
        int step = step_of(run, study->moment_steps[moment]);
        double value = step < 0 ? NONE : get(run, moment, step, &study->variants[variant].points, point);
        if (isfinite(value)) values[n++] = value;
    }
    return yti_interval_mean(values, n);
}

static double get_rms(const study_run *run, int moment, int step, const study_points *points, int point) {
    (void)moment;
    return log10(run->seen.rms[(size_t)step * (size_t)points->count + (size_t)point]);
}

static double get_ratio(const study_run *run, int moment, int step, const study_points *points, int point) {
    int before = points->at[point].before;
    return before < 0 ? NONE : get_rms(run, moment, step, points, before) - get_rms(run, moment, step, points, point);
}

static double get_first_to_last(const study_run *run, int moment, int step, const study_points *points, int point) {
    (void)step, (void)points, (void)point;
    return log10(run->at[moment].first_to_last);
}

static void find_facts(const study_comparison *study, int variant, int moment, study_moment *out) {
    yti_interval slopes[STUDY_MAX_SEEDS];
    double ratio[STUDY_MAX_SEEDS], update[STUDY_MAX_SEEDS], judged[STUDY_MAX_SEEDS], mean_abs[STUDY_MAX_SEEDS],
        norm[STUDY_MAX_SEEDS];
    bool non_finite = false;
    out->zeros = 0;
    for (int s = 0; s < study->n_seeds; s++) {
        const study_run *run = study_run_of(study, variant, s);
        const yti_flow_facts *facts = &run->at[moment].facts;
        slopes[s] = run->at[moment].slope;
        ratio[s] = facts->first_to_last;
        update[s] = update_of(run, step_of(run, study->moment_steps[moment]));
        judged[s] = facts->update;
        mean_abs[s] = facts->mean_abs;
        norm[s] = facts->norm;
        non_finite |= facts->non_finite;
        out->zeros += run->at[moment].zeros;
    }
    out->slope = yti_slope_over_seeds(slopes, study->n_seeds);
    out->update = yti_median(update, study->n_seeds);
    out->first_to_last = over_seeds(study, variant, moment, 0, get_first_to_last);
    out->facts = (yti_flow_facts){.first_to_last = yti_median(ratio, study->n_seeds),
                                  .update = yti_median(judged, study->n_seeds),
                                  .mean_abs = yti_median(mean_abs, study->n_seeds),
                                  .norm = yti_median(norm, study->n_seeds),
                                  .non_finite = non_finite};
}

/* The verdict of the medians, and how many seeds say the same. */
static void find_verdict(const study_comparison *study, int variant, int moment, study_moment *m) {
    m->verdict = yti_verdict_of(&m->facts, m->sentence, sizeof m->sentence);
    m->agreeing = 0;
    for (int s = 0; s < study->n_seeds; s++)
        m->agreeing += study_run_of(study, variant, s)->at[moment].verdict == m->verdict;
    if (m->agreeing < study->n_seeds)
        yti_text_append(m->sentence, sizeof m->sentence, "; so in %d of %d seeds", m->agreeing, study->n_seeds);
    if (m->zeros > 0)
        yti_text_append(m->sentence, sizeof m->sentence,
                        "; %d gradients of exactly 0 in all seeds are left out of the slope", m->zeros);
}

static yt_status judge_moment(study_comparison *study, int variant, int moment, yt_err *err) {
    study_variant *v = &study->variants[variant];
    study_moment *m = &v->moments[moment];
    m->profile = calloc((size_t)v->points.count + 1, sizeof *m->profile);
    m->ratio = calloc((size_t)v->points.count + 1, sizeof *m->ratio);
    if (!m->profile || !m->ratio) return yti_no_memory(err, needed_for);
    for (int p = 0; p < v->points.count; p++) {
        m->profile[p] = over_seeds(study, variant, moment, p, get_rms);
        m->ratio[p] = over_seeds(study, variant, moment, p, get_ratio);
    }
    find_facts(study, variant, moment, m);
    find_verdict(study, variant, moment, m);
    if (variant == 0) return YT_OK;
    const study_variant *first = &study->variants[0];
    double slopes[STUDY_MAX_SEEDS], first_slopes[STUDY_MAX_SEEDS];
    for (int s = 0; s < study->n_seeds; s++) {
        slopes[s] = study_run_of(study, variant, s)->at[moment].slope.value;
        first_slopes[s] = study_run_of(study, 0, s)->at[moment].slope.value;
    }
    const yti_contrast contrast = {v->words.name, first->words.name, m->slope, first->moments[moment].slope,
                                   yti_interval_difference(slopes, first_slopes, study->n_seeds)};
    m->slope_difference = contrast.difference;
    m->differs = yti_verdict_compare(&contrast, m->against, sizeof m->against);
    return YT_OK;
}

/* Of the last epoch of a run that ended well. */
static double final_of(const study_run *run, bool of_ap) {
    if (run->end.status != YT_OK || run->end.n_epochs == 0) return NONE;
    const yti_results_row *last = &run->end.epochs[run->end.n_epochs - 1];
    return of_ap ? last->ap : last->train_loss;
}

static yti_interval final_over_seeds(const study_comparison *study, int variant, bool of_ap) {
    double values[STUDY_MAX_SEEDS];
    int n = 0;
    for (int s = 0; s < study->n_seeds; s++) {
        values[n] = final_of(study_run_of(study, variant, s), of_ap);
        n += isfinite(values[n]);
    }
    return yti_interval_mean(values, n);
}

static void judge_end(study_comparison *study, int variant) {
    study_variant *v = &study->variants[variant];
    v->failed = 0;
    for (int s = 0; s < study->n_seeds; s++) v->failed += study_run_of(study, variant, s)->end.status != YT_OK;
    v->loss = final_over_seeds(study, variant, false);
    v->ap = final_over_seeds(study, variant, true);
    if (variant == 0) return;
    const study_variant *first = &study->variants[0];
    double ap[STUDY_MAX_SEEDS], first_ap[STUDY_MAX_SEEDS];
    for (int s = 0; s < study->n_seeds; s++) {
        ap[s] = final_of(study_run_of(study, variant, s), true);
        first_ap[s] = final_of(study_run_of(study, 0, s), true);
    }
    const yti_contrast contrast = {v->words.name, first->words.name, v->ap, first->ap,
                                   yti_interval_difference(ap, first_ap, study->n_seeds)};
    v->ap_difference = contrast.difference;
    yti_verdict_compare(&contrast, v->ap_against, sizeof v->ap_against);
}

yt_status study_analyse(study_comparison *study, yt_err *err) {
    for (int i = 0; i < study_runs(study); i++) YT_TRY(load_run(study, &study->runs[i], err));
    choose_moments(study);
    for (int i = 0; i < study_runs(study); i++) YT_TRY(judge_run(study, &study->runs[i], err));
    for (int v = 0; v < study->n_variants; v++) {
        for (int m = 0; m < study->n_moments; m++) YT_TRY(judge_moment(study, v, m, err));
        judge_end(study, v);
    }
    return YT_OK;
}
