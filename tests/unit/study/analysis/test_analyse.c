/* Tests of src/study/analysis/analyse.c: studies whose runs are written by hand, so that every number of the report is
 * known: slopes, intervals over seeds, ratios, verdicts, a run that ended early.
 */
#include "study/record/run_record.h"
#include "study/analysis/analyse.h"
#include "support/folder.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEEDS = 3, LAYERS = 4 };
static const double t2 = 4.3027; /* Student's t, 95 %, two degrees of freedom */

static void init(void) {
    test_folder_make();
    test_tiny_write_data(2, 2);
    test_folder_write_text("net.yaml", "nc: 2\nreg_max: 1\nbackbone:\n"
                                       "  - [-1, 1, Conv, [8, 3, 2]]\n"
                                       "  - [-1, 1, Conv, [8, 3, 2]]\n"
                                       "  - [-1, 1, Conv, [8, 3, 2]]\n"
                                       "  - [-1, 1, Conv, [8, 3, 1]]\n"
                                       "head:\n  - [[3], 1, Detect, [nc]]\n");
    test_folder_write_text("necked.yaml", "nc: 2\nreg_max: 1\nbackbone:\n"
                                          "  - [-1, 1, Conv, [8, 3, 2]]\n"
                                          "  - [-1, 1, Conv, [8, 3, 2]]\n"
                                          "  - [-1, 1, Conv, [8, 3, 2]]\n"
                                          "head:\n  - [-1, 1, Conv, [8, 3, 1]]\n  - [[3], 1, Detect, [nc]]\n");
    cr_assert_eq(chdir(test_folder_path("")), 0);
}
TestSuite(analyse, .init = init, .fini = test_folder_remove);

/* What a run shows: 10^(slope * depth) at every step, the update ratio of its first layer, how it ended. */
typedef struct story {
    double slope, update;
    yt_status status;
    int steps;       /* 0, 1, 10, 20, ... */
    bool first_zero; /* the gradients of the first layer are exactly 0 */
    int bad_step;    /* a gradient has a NaN there; 0: none */
    bool adam;       /* the optimizer; else SGD */
} story;

static study_comparison *make_study_of(const char *model, const char *variants) {
    yti_train_config config;
    yti_train_config_defaults(&config);
    yt_err err = {.text = ""};
    const char *const settings[][2] = {
        {"data", "data.yaml"}, {"model", model}, {"project", test_folder_path("study")}, {"imgsz", "64"}};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        cr_assert_eq(yti_train_config_set(&config, settings[i][0], settings[i][1], YT_SOURCE_TYPED, &err), YT_OK, "%s",
                     err.text);
    study_comparison *study;
    cr_assert_eq(study_create(&config, variants, SEEDS, NULL, &study, &err), YT_OK, "%s", err.text);
    return study;
}

static study_comparison *make_study(const char *variants) {
    return make_study_of("net.yaml", variants);
}

static FILE *create(const study_run *run, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "study/compare/%s/%s", strrchr(run->folder, '/') + 1, name);
    test_folder_write_text(path, "");
    FILE *file = fopen(test_folder_path(path), "w");
    cr_assert_not_null(file);
    return file;
}

static void write_run(const study_comparison *study, const study_run *run, story s) {
    FILE *file = create(run, "gradients.csv");
    fprintf(file, "step,epoch,layer,name,kind,stat,value\n");
    for (int i = 0; i < s.steps; i++) {
        int step = i < 2 ? i : 10 * (i - 1);
        for (int layer = 0; layer < LAYERS; layer++)
            fprintf(file, "%d,1,%d,Conv,activation_gradient,rms,%.12g\n", step, layer,
                    s.first_zero && layer == 0 ? 0 : pow(10, s.slope * (layer + 1) - 3));
        if (s.bad_step && step == s.bad_step) fprintf(file, "%d,1,2,Conv,activation_gradient,non_finite,1\n", step);
        fprintf(file, "%d,1,0,model.0.conv.weight,weight,l2,3\n%d,1,1,model.1.conv.weight,weight,l2,4\n", step, step);
        fprintf(file, "%d,1,0,model.0.conv.weight,weight,mean_abs,%g\n", step, s.first_zero ? 0 : 0.001);
        fprintf(file, "%d,1,0,model.0.conv.weight,update,ratio,%.12g\n", step, s.update);
        fprintf(file, "%d,1,0,model.0.conv.weight,activation,rms,77\n", step);
    }
    fclose(file);
    file = create(run, "results.csv");
    fprintf(file, "epoch,time,train/box_loss,metrics/mAP50(B),metrics/mAP50-95(B)\n1,1,%d,0.5,%.2f\n", 5 + run->seed,
            0.1 * run->seed);
    fclose(file);
    yti_train_config config;
    study_run_record record = {.status = s.status, .epochs = 1, .message = "", .weights_hash = "00"};
    record.optimizer = s.adam ? YT_OPTIM_ADAMW : YT_OPTIM_SGD;
    if (s.status != YT_OK) strcpy(record.message, "box_loss is nan");
    cr_assert_eq(study_run_config(study, run, &config, NULL), YT_OK);
    cr_assert_eq(study_run_record_save(run->folder, &config, &record, NULL), YT_OK);
}

static void analyse(study_comparison *study) {
    yt_err err = {.text = ""};
    cr_assert_eq(study_analyse(study, &err), YT_OK, "%s", err.text);
}

static void near(double got, double want) {
    cr_assert(fabs(got - want) <= 1e-6 * (1 + fabs(want)), "%.9g is not %.9g", got, want);
}

Test(analyse, slopes_ratios_and_ends_are_means_over_seeds_with_intervals) {
    study_comparison *study = make_study("residual,plain");
    for (int i = 0; i < study_runs(study); i++) {
        const study_run *run = &study->runs[i];
        double slope = (run->variant ? 1.5 : 0.1) + 0.01 * run->seed;
        write_run(study, run, (story){slope, run->variant ? 1e-6 : 1e-3, YT_OK, 4, false, 0, false});
    }
    analyse(study);
    cr_assert_eq(study->n_moments, 3);
    cr_assert(study->moment_steps[0] == 0 && study->moment_steps[1] == 1 && study->moment_steps[2] == 20);
    const study_variant *residual = &study->variants[0], *plain = &study->variants[1];
    cr_assert_eq(plain->points.count, LAYERS);
    for (int m = 0; m < 3; m++) {
        near(residual->moments[m].slope.value, 0.11);
        near(residual->moments[m].slope.high, 0.11 + t2 * 0.01 / sqrt(3));
        near(plain->moments[m].slope.low, 1.51 - t2 * 0.01 / sqrt(3));
        near(plain->moments[m].first_to_last.value, -3 * 1.51);
        near(plain->moments[m].profile[2].value, 1.51 * 3 - 3);
        near(plain->moments[m].ratio[2].value, -1.51);
        near(plain->moments[m].facts.norm, 5);
        near(plain->moments[m].slope_difference.low, 1.4); /* the seeds' share cancels */
        if (m == 0)
            cr_assert(isnan(plain->moments[m].update), "the rate of the warm-up's first step");
        else
            near(plain->moments[m].update, 1e-6);
        cr_assert(isnan(plain->moments[m].ratio[0].value));
        cr_assert_eq(residual->moments[m].verdict, YT_VERDICT_FLAT);
        cr_assert_eq(plain->moments[m].verdict, YT_VERDICT_VANISHING);
        cr_assert(plain->moments[m].differs);
        cr_assert_eq(strncmp(plain->moments[m].against, "different: ", 11), 0);
        cr_assert_eq(residual->moments[m].against[0], '\0');
    }
    near(residual->loss.value, 6);
    near(residual->ap.value, 0.1);
    near(residual->ap.high, 0.1 + t2 * 0.1 / sqrt(3));
    near(plain->ap_difference.high, 0);
    study_destroy(study);
}

Test(analyse, the_same_profiles_are_no_difference) {
    study_comparison *study = make_study("residual,plain");
    for (int i = 0; i < study_runs(study); i++)
        write_run(study, &study->runs[i], (story){-0.1 + 0.01 * study->runs[i].seed, 1e-3, YT_OK, 2, false, 0, false});
    analyse(study);
    cr_assert_eq(study->n_moments, 2); /* the last step is step 1 */
    cr_assert(!study->variants[1].moments[1].differs);
    cr_assert_eq(strncmp(study->variants[1].moments[1].against, "no difference: ", 15), 0);
    study_destroy(study);
}

Test(analyse, a_run_that_ended_early_counts_as_far_as_it_came) {
    study_comparison *study = make_study("residual,plain");
    for (int i = 0; i < study_runs(study); i++) {
        const study_run *run = &study->runs[i];
        bool fails = run->variant == 1 && run->seed == 2;
        write_run(study, run, (story){0.1, 1e-3, fails ? YT_ERR_NON_FINITE : YT_OK, fails ? 2 : 5, false, 0, false});
    }
    analyse(study);
    const study_variant *plain = &study->variants[1];
    cr_assert_eq(study->moment_steps[2], 30);
    cr_assert_eq(plain->failed, 1);
    cr_assert_eq(plain->ap.count, 2);
    cr_assert_eq(plain->moments[0].profile[0].count, 3);
    cr_assert_eq(plain->moments[0].verdict, YT_VERDICT_FLAT);
    cr_assert_eq(plain->moments[2].profile[0].count, 2);
    cr_assert_eq(plain->moments[2].verdict, YT_VERDICT_EXPLODING);
    study_destroy(study);
}

/* What a row of the neck shows is in the profile and in nothing that is judged. */
Test(analyse, the_backbone_is_judged) {
    study_comparison *study = make_study_of("necked.yaml", "residual");
    for (int i = 0; i < study_runs(study); i++)
        write_run(study, &study->runs[i], (story){0.45, 1e-3, YT_OK, 2, false, 0, false});
    analyse(study);
    const study_variant *v = &study->variants[0];
    cr_assert_eq(v->points.count, LAYERS);
    near(v->moments[1].first_to_last.value, -2 * 0.45);
    near(v->moments[1].profile[3].value, 0.45 * 4 - 3);
    cr_assert_eq(study->runs[0].at[1].slope.count, 3);
    cr_assert_eq(v->moments[1].verdict, YT_VERDICT_FLAT, "%s", v->moments[1].sentence);
    study_destroy(study);
}

Test(analyse, an_update_of_adam_does_not_speak_against_a_vanished_gradient) {
    for (int adam = 0; adam < 2; adam++) {
        study_comparison *study = make_study("residual");
        for (int i = 0; i < study_runs(study); i++)
            write_run(study, &study->runs[i], (story){1.5, 1e-3, YT_OK, 2, false, 0, adam == 1});
        analyse(study);
        const study_moment *m = &study->variants[0].moments[1];
        cr_assert_eq(m->verdict, adam ? YT_VERDICT_VANISHING : YT_VERDICT_DECAYING, "%s", m->sentence);
        near(m->update, 1e-3);
        study_destroy(study);
    }
}

Test(analyse, one_seed_without_gradients_does_not_decide_and_is_counted) {
    study_comparison *study = make_study("residual");
    for (int i = 0; i < study_runs(study); i++)
        write_run(study, &study->runs[i], (story){0.1, 1e-3, YT_OK, 4, i == 1, 0, false});
    analyse(study);
    const study_moment *m = &study->variants[0].moments[2];
    cr_assert(m->verdict == YT_VERDICT_FLAT && m->agreeing == 2 && m->zeros == 1, "%s", m->sentence);
    cr_assert(strstr(m->sentence, "; so in 2 of 3 seeds; 1 gradients of exactly 0"), "%s", m->sentence);
    near(m->facts.mean_abs, 0.001);
    study_destroy(study);
}

Test(analyse, a_value_that_is_not_finite_is_exploding_from_the_step_where_it_was_seen) {
    study_comparison *study = make_study("residual");
    for (int i = 0; i < study_runs(study); i++)
        write_run(study, &study->runs[i], (story){0.1, 1e-3, YT_OK, 4, false, 20, false});
    analyse(study);
    cr_assert_eq(study->variants[0].moments[1].verdict, YT_VERDICT_FLAT);
    cr_assert_eq(study->variants[0].moments[2].verdict, YT_VERDICT_EXPLODING);
    study_destroy(study);
}

/* Steps 0 and 1 are all that is left of runs that died later. */
Test(analyse, runs_that_died_between_two_samples_are_exploding_at_the_last_moment) {
    study_comparison *study = make_study("residual");
    for (int i = 0; i < study_runs(study); i++)
        write_run(study, &study->runs[i], (story){0.1, 1e-3, YT_ERR_NON_FINITE, 2, false, 0, false});
    analyse(study);
    cr_assert_eq(study->n_moments, 2);
    cr_assert_eq(study->variants[0].moments[0].verdict, YT_VERDICT_FLAT);
    cr_assert_eq(study->variants[0].moments[1].verdict, YT_VERDICT_EXPLODING);
    study_destroy(study);
}

Test(analyse, a_study_of_which_nothing_lived_still_has_a_report) {
    study_comparison *study = make_study("residual");
    for (int i = 0; i < study_runs(study); i++)
        write_run(study, &study->runs[i], (story){0, 0, YT_ERR_NON_FINITE, 0, false, 0, false});
    char why[256];
    yt_err err = {.text = ""};
    cr_assert_eq(study_report(study, why, sizeof why, &err), YT_OK, "%s", err.text);
    cr_assert(why[0] == '\0' || strstr(why, "apt-get install gnuplot-nox"), "%s", why);
    cr_assert_eq(study->n_moments, 0);
    cr_assert_eq(study->variants[0].failed, SEEDS);
    study_destroy(study);
}

Test(analyse, an_incomplete_run_is_named) {
    study_comparison *study = make_study("residual");
    write_run(study, &study->runs[0], (story){0.1, 1e-3, YT_OK, 2, false, 0, false});
    yt_err err = {.text = ""};
    cr_assert_eq(study_analyse(study, &err), YT_ERR_ARGUMENT);
    cr_assert(strstr(err.text, "residual-seed1: this run is not complete"), "%s", err.text);
    study_destroy(study);
}
