/* study.h: a comparison from the inside. Internal to src/study.
 *
 * variant.c reads the words, points.c finds the places in a network where gradients are looked at, runs.c trains,
 * run_record.c and study_record.c write down what was trained, curves.c and gradient_table.c read what a run left,
 * analyse.c makes numbers of it, and compare_json.c, figures.c and page.c show them. Every number on the page is in the
 * study before the first file is written.
 */
#ifndef YT_STUDY_H
#define YT_STUDY_H

#include "base/folder.h"
#include "flow/verdict.h"
#include "study/compare.h"
#include "train/observe/results_csv.h"

enum { STUDY_TEXT = 256, STUDY_SENTENCE = 640, STUDY_MOMENTS = 3 };

/* ---- variant.c ---- */

typedef struct study_setting {
    char key[64], value[STUDY_TEXT];
} study_setting;

enum { STUDY_MAX_SETTINGS = 16 };

typedef struct study_words {
    char name[STUDY_TEXT]; /* as typed */
    study_setting settings[STUDY_MAX_SETTINGS];
    int n_settings;
} study_words;

/* out: [YT_MAX_VARIANTS] */
yt_status yti_variants_parse(const char *text, study_words *out, int *count, yt_err *err);

/* The settings of a study with those of a variant. What is typed and also set by the variant is an error. */
yt_status yti_variant_apply(const study_words *words, const yti_train_config *base, yti_train_config *out, yt_err *err);

/* The variant's name as part of a file name. */
void yti_variant_file_name(const study_words *words, char *out, size_t room);

/* ---- points.c ---- */

/* A place where dL/dx is looked at: the map that leaves a row with parameters, or a block inside a row. */
typedef struct study_point {
    int layer; /* row of the model YAML */
    bool is_block;
    bool in_backbone; /* its row is one of the YAML's `backbone` */
    char name[STUDY_TEXT];
    yti_value value;
    int depth;  /* convolutions on the longest way from the input */
    int before; /* the nearest point that it depends on; -1: none */
} study_point;

typedef struct study_points {
    study_point *at; /* by depth, then as they run */
    int count;
} study_points;

yt_status yti_points_find(const yti_model *model, study_points *out, yt_err *err);
void yti_points_free(study_points *points);

/* ---- the whole ---- */

/* One training. */
typedef struct study_run {
    int variant, seed;
    char *folder;
    yt_status status; /* OK or NON_FINITE */
    char message[1024];
    double seconds;
    char weights_hash[17];
    bool update_tells; /* of SGD, whose updates are as large as its gradients make them */
    yti_results_row *epochs;
    int n_epochs;
    long *steps; /* at which gradients were looked at, ascending */
    int n_steps;
    double *rms;                         /* [n_steps][points]; NaN: not seen */
    double *mean_abs, *update, *norm;    /* [n_steps]; of the first weights; of all */
    bool *bad;                           /* [n_steps]: something was not finite */
    yti_interval slope[STUDY_MOMENTS];   /* within this run */
    double first_to_last[STUDY_MOMENTS]; /* NaN: unknown */
    int zeros[STUDY_MOMENTS];            /* points of gradient 0, which the slope leaves out */
    yti_flow_facts facts[STUDY_MOMENTS];
    yti_verdict verdict[STUDY_MOMENTS];
} study_run;

/* A variant at one moment, over its seeds. Sizes are means of logarithms. */
typedef struct study_moment {
    yti_interval *profile;             /* [points] of log10 rms */
    yti_interval *ratio;               /* [points] of log10(rms at `before` / rms here) */
    yti_interval slope, first_to_last; /* the latter of log10 */
    yti_interval slope_difference;     /* to the first variant's, over the same seeds */
    yti_flow_facts facts;              /* medians over seeds */
    yti_verdict verdict;               /* of these */
    double update;                     /* of the first layer's weights: median over seeds */
    int agreeing, zeros;               /* seeds with that verdict; points of gradient 0 over all seeds */
    char sentence[STUDY_SENTENCE];
    char against[STUDY_SENTENCE]; /* compared with the first variant; empty for it */
    bool differs;
} study_moment;

typedef struct study_variant {
    study_words words;
    yti_train_config config;
    char model_hash[17]; /* of the text of its model YAML */
    size_t parameters;
    double gflops;
    study_points points;
    study_moment moments[STUDY_MOMENTS];
    yti_interval loss, ap;           /* at the end */
    yti_interval ap_difference;      /* to the first variant's, over the same seeds */
    char ap_against[STUDY_SENTENCE]; /* AP compared with the first variant's; empty for it */
    int failed;                      /* runs that ended early with a value that is not finite */
} study_variant;

struct yti_compare {
    yti_train_config base;
    char *folder;
    bool recorded; /* study.json is written */
    yti_lock lock; /* of the folder, from the first run on */
    const char *const *search_dirs;
    int n_variants, n_seeds;
    study_variant *variants;
    study_run *runs;                  /* [n_seeds][n_variants] */
    long moment_steps[STUDY_MOMENTS]; /* 0, 1, the last that all finished runs share */
    int n_moments;
};

const study_run *yti_study_run(const yti_compare *study, int variant, int seed_index);
static inline int yti_last_seed(const yti_compare *study) {
    return study->base.seed + (study->n_seeds - 1); /* in this order: it may be the largest int */
}

/* The settings of one run: those of its variant, its seed, and its place below the study's folder. */
yt_status yti_study_run_config(const yti_compare *study, const study_run *run, yti_train_config *out, yt_err *err);

/* The network of a variant, not initialised. */
yt_status yti_study_model(const yti_compare *study, int variant, yti_model **out, yt_err *err);

/* "at initialisation", "after step 1", "at step 40" */
void yti_moment_name(const yti_compare *study, int moment, char *out, size_t room);

/* ---- analyse.c: from the folders of the runs to every number of the study ---- */
yt_status yti_analyse(yti_compare *study, yt_err *err);

/* ---- compare_json.c ---- */
yt_status yti_compare_json_write(const yti_compare *study, const char *path, yt_err *err);

/* ---- figures.c ---- */

typedef struct study_figure {
    char file[STUDY_TEXT]; /* "profile-0.svg" */
    char caption[STUDY_SENTENCE];
} study_figure;

enum { STUDY_MAX_FIGURES = 8 + YT_MAX_VARIANTS };

/* Draws every figure of the study into its folder, figures/, in place of those of a former report. */
yt_status yti_figures_draw(const yti_compare *study, study_figure *out, int *count, yt_err *err);

/* ---- gnuplot.c ---- */

/* Whether the program can be started; else a sentence that says what to install. */
bool yti_gnuplot_works(char *why_not, size_t room);

/* Runs a script in a folder. */
yt_status yti_gnuplot_run(const char *folder, const char *script, yt_err *err);

/* A text as a string of gnuplot's, in quotes within which it substitutes nothing. */
void yti_gnuplot_text(FILE *out, const char *text);

/* ---- page.c ---- */
void yti_html_text(FILE *out, const char *text);
yt_status yti_page_write(const yti_compare *study, const study_figure *figures, int n_figures,
                         const char *why_no_figures, const char *path, yt_err *err);

#endif
