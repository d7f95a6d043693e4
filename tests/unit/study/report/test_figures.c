/* Tests of src/study/report/figures.c and page.c: studies made by hand in which little was seen, or nothing, and what
 * the page says about them.
 */
#include "base/file.h"
#include "study/report/figures.h"
#include "study/report/gnuplot.h"
#include "study/report/page.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POINTS = 3, VARIANTS = 2 };

/* A study of VARIANTS variants and one seed, with one moment and one epoch. */
typedef struct fixture {
    study_comparison study;
    study_variant variants[VARIANTS];
    study_run runs[VARIANTS];
    study_point points[VARIANTS][POINTS];
    yti_interval profile[VARIANTS][POINTS], ratio[VARIANTS][POINTS];
    long step;
    double rms[VARIANTS][POINTS];
    yti_results_row epochs[VARIANTS];
} fixture;

static fixture f;

static yti_interval interval(double value, double half) {
    return (yti_interval){value, value - half, value + half, 3};
}

static const double NONE = (double)NAN;
static const yti_interval UNKNOWN = {(double)NAN, (double)NAN, (double)NAN, 0};

static void make_variant(int v) {
    study_variant *variant = &f.variants[v];
    snprintf(variant->words.name, sizeof variant->words.name, "%s", v ? "plain" : "residual");
    variant->words.settings[0] = (study_setting){"no_residual", "false"};
    variant->words.n_settings = 1;
    for (int p = 0; p < POINTS; p++) {
        study_point *point = &f.points[v][p];
        *point = (study_point){.layer = p, .in_backbone = p < 2, .depth = 2 * p + 1, .before = p - 1};
        snprintf(point->name, sizeof point->name, "%d Conv", p);
        f.profile[v][p] = interval(-2 - p, 0.1);
        f.ratio[v][p] = p ? interval(1, 0.1) : UNKNOWN;
        f.rms[v][p] = pow(10, -2 - p);
    }
    variant->points = (study_points){f.points[v], POINTS};
    variant->moments[0].profile = f.profile[v];
    variant->moments[0].ratio = f.ratio[v];
    variant->moments[0].first_to_last = interval(2, 0.1);
    variant->loss = variant->ap = UNKNOWN;
    f.epochs[v] = (yti_results_row){.epoch = 1, .train_loss = 3, .ap = 0.2};
    f.runs[v] = (study_run){.variant = v,
                            .end = {.epochs = &f.epochs[v], .n_epochs = 1},
                            .seen = {.steps = &f.step, .n_steps = 1, .rms = f.rms[v]}};
}

static void init(void) {
    test_folder_make();
    f = (fixture){.study = {.n_variants = VARIANTS, .n_seeds = 1, .n_moments = 1}};
    yti_train_config_defaults(&f.study.base);
    f.study.folder = strdup(test_folder_path(""));
    f.study.variants = f.variants;
    f.study.runs = f.runs;
    for (int v = 0; v < VARIANTS; v++) make_variant(v);
}

static void fini(void) {
    free(f.study.folder);
    test_folder_remove();
}
TestSuite(figures, .init = init, .fini = fini);

static char *text_of(const char *file) {
    char *text;
    size_t bytes;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_file_read(test_folder_path(file), 1 << 26, &text, &bytes, &err), YT_OK, "%s", err.text);
    return text;
}

/* Draws, which has to work, and returns the names of the figures in their order. */
static const char *drawn(void) {
    static char names[1024];
    static study_figure figures[STUDY_MAX_FIGURES];
    char why[256];
    if (!study_gnuplot_works(why, sizeof why)) cr_skip_test("%s", why);
    int count = -1;
    yt_err err = {.text = ""};
    cr_assert_eq(study_figures_draw(&f.study, figures, &count, &err), YT_OK, "%s", err.text);
    names[0] = '\0';
    for (int i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "figures/%.200s", figures[i].file);
        char *svg = text_of(path);
        cr_assert(strstr(svg, "</svg>"), "%s is no whole image", path);
        free(svg);
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.40s", i ? " " : "", figures[i].file);
    }
    return names;
}

static void forget_gradients(void) {
    for (int v = 0; v < VARIANTS; v++)
        for (int p = 0; p < POINTS; p++) {
            f.profile[v][p] = f.ratio[v][p] = UNKNOWN;
            f.rms[v][p] = 0;
        }
}

Test(figures, all_are_drawn_with_hollow_points_after_the_backbone) {
    cr_assert_str_eq(drawn(), "profile-step0.svg ratio-step0.svg heat-0.svg heat-1.svg loss.svg ap.svg");
    char *script = text_of("figures/figures.gp"), *data = text_of("figures/profile-step0-0.dat");
    cr_assert(strstr(script, "($5 > 0 ? $2 : NaN)"));
    cr_assert_str_eq(data, "1 0.01 0.00794328235 0.0125892541 0\n3 0.001 0.000794328235 0.00125892541 0\n"
                           "5 0.0001 7.94328235e-05 0.000125892541 1\n");
    free(script);
    free(data);
}

Test(figures, gradients_of_exactly_zero_are_no_figure) {
    forget_gradients();
    cr_assert_str_eq(drawn(), "loss.svg ap.svg");
}

Test(figures, runs_that_died_in_their_first_epoch_are_no_figure) {
    forget_gradients();
    for (int v = 0; v < VARIANTS; v++) f.runs[v].end.n_epochs = f.runs[v].seen.n_steps = 0;
    cr_assert_str_eq(drawn(), "");
    f.study.n_moments = 0;
    cr_assert_str_eq(drawn(), "");
}

Test(figures, a_loss_that_is_not_finite_is_no_figure) {
    for (int v = 0; v < VARIANTS; v++) f.epochs[v].train_loss = f.epochs[v].ap = NONE;
    cr_assert_str_eq(drawn(), "profile-step0.svg ratio-step0.svg heat-0.svg heat-1.svg");
}

Test(figures, a_variant_without_gradients_has_no_map_of_its_own) {
    for (int p = 0; p < POINTS; p++) {
        f.profile[1][p] = f.ratio[1][p] = UNKNOWN;
        f.rms[1][p] = 0;
    }
    cr_assert_str_eq(drawn(), "profile-step0.svg ratio-step0.svg heat-0.svg loss.svg ap.svg");
}

Test(figures, one_place_has_no_ratio) {
    for (int v = 0; v < VARIANTS; v++) f.variants[v].points.count = 1;
    cr_assert_str_eq(drawn(), "profile-step0.svg heat-0.svg heat-1.svg loss.svg ap.svg");
}

/* Student's t of two seeds is 12.7: such bars leave every axis, and the numbers of a double. */
Test(figures, bars_wider_than_any_number_are_drawn) {
    f.profile[0][1] = interval(-3, 900);
    f.ratio[0][1] = interval(1, 900);
    cr_assert_str_eq(drawn(), "profile-step0.svg ratio-step0.svg heat-0.svg heat-1.svg loss.svg ap.svg");
}

Test(figures, those_of_a_former_report_are_removed_and_nothing_else) {
    static const char *const stale[] = {"profile-step9.svg", "heat-7.dat", "ratio-step3.dat", "ap.svg"},
                             *const others[] = {"mine.svg", "heat-7.txt", "notes"};
    char path[64];
    for (int i = 0; i < 4; i++) snprintf(path, sizeof path, "figures/%s", stale[i]), test_folder_write_text(path, "");
    for (int i = 0; i < 3; i++) snprintf(path, sizeof path, "figures/%s", others[i]), test_folder_write_text(path, "");
    cr_assert_eq(setenv("PATH", "/nonexistent", 1), 0);
    study_figure figures[STUDY_MAX_FIGURES];
    int count = -1;
    yt_err err = {.text = ""};
    cr_assert_neq(study_figures_draw(&f.study, figures, &count, &err), YT_OK);
    cr_assert(strstr(err.text, "the figures need the program gnuplot"), "%s", err.text);
    cr_assert_eq(count, 0);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "figures/%s", stale[i]);
        cr_assert(!yti_path_exists(test_folder_path(path)), "%s is left", path);
    }
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "figures/%s", others[i]);
        cr_assert(yti_path_exists(test_folder_path(path)), "%s is gone", path);
    }
}

/* ---- the page ---- */

static char *page(void) {
    yt_err err = {.text = ""};
    cr_assert_eq(study_page_write(&f.study, NULL, 0, "nobody drew them", test_folder_path("page.html"), &err), YT_OK,
                 "%s", err.text);
    return text_of("page.html");
}

static void page_says(const char *what, bool says) {
    char *text = page();
    cr_assert_eq(strstr(text, what) != NULL, says, "%s: %s", says ? "lacks" : "has", what);
    free(text);
}

Test(figures, the_page_says_why_there_are_none) {
    page_says("There are none: nobody drew them.", true);
}

Test(figures, the_page_leaves_out_what_a_variant_sets) {
    page_says("no_residual: <b>", false);
    page_says("; batch: <b>auto</b>; ", true);
    page_says("seed: <b>", false);
    page_says("workers: <b>", false);
    page_says("share these and the seeds, and with them the initial weights of the layers they have in common and "
              "the batches in their order:",
              true);
    f.variants[1].words.settings[0] = (study_setting){"batch", "4"};
    f.variants[0].words.n_settings = 0;
    page_says("batch: <b>", false);
    page_says("no_residual: <b>false</b>", true);
    page_says("the seeds, and with them the initial weights of the layers they have in common. Their batches "
              "differ by "
              "batch:",
              true);
    f.variants[0].words.settings[0] = (study_setting){"init", "kaiming"};
    f.variants[0].words.n_settings = 1;
    page_says("share these and the seeds. Their initial weights differ by init. Their batches differ by batch:", true);
    f.variants[1].words.n_settings = 0;
    page_says("the seeds, and with them the batches in their order. Their initial weights differ by init:", true);
}

Test(figures, sizes_on_the_page_have_three_digits_and_no_bounds) {
    static const struct {
        double exponent;
        const char *want;
    } cases[] = {{0, ">1</td>"},          {-2.5, ">0.00316</td>"},  {-7.5, ">3.16e-08</td>"},      {4.1, ">12589</td>"},
                 {5.2, ">1.58e+05</td>"}, {400, ">1.00e+400</td>"}, {-400.0001, ">1.00e-400</td>"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f.variants[1].moments[0].first_to_last = (yti_interval){cases[i].exponent, NONE, NONE, 1};
        page_says(cases[i].want, true);
    }
    f.variants[1].moments[0].first_to_last = interval(0, 350);
    page_says(">1<br><span class=\"small\">1.00e-350 &hellip; 1.00e+350</span></td>", true);
}

Test(figures, variants_with_the_same_places_share_a_table_of_ratios) {
    page_says("<summary>residual, plain</summary>", true);
    f.points[1][2].depth = 9;
    page_says("<summary>residual, plain</summary>", false);
    page_says("<summary>plain</summary>", true);
}
