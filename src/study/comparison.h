/* comparison.h: a study from the inside. Internal to src/study.
 *
 *   study             this struct, the words of its variants, the points of their networks
 *   study/record      what is written down about it, so that it can continue: run.json, study.json
 *   study/analysis    from the folders of the runs to numbers
 *   study/report      the numbers as compare.json, figures and a page
 *   study/run         makes it, and trains its runs
 *
 * Every number of the report is in here before its first file is written.
 */
#ifndef YT_STUDY_COMPARISON_H
#define YT_STUDY_COMPARISON_H

#include "base/folder.h"
#include "gradients/verdict.h"
#include "study/points.h"
#include "study/study.h"
#include "study/variant.h"
#include "train/observe/results_csv.h"

enum { STUDY_SENTENCE = 640, STUDY_MOMENTS = 3 };

/* How a run ended, from run.json and results.csv. */
typedef struct study_outcome {
    yt_status status; /* OK or NON_FINITE */
    char message[1024];
    double seconds;
    char weights_hash[17];
    int optimizer; /* yti_optimizer_kind; -1: not known */
    yti_results_row *epochs;
    int n_epochs;
} study_outcome;

/* What was seen of its gradients, from gradients.csv. */
typedef struct study_samples {
    long *steps; /* ascending */
    int n_steps;
    double *rms;                      /* [n_steps][points]; NaN: not seen, here and below */
    double *mean_abs, *update, *norm; /* [n_steps]; of the first layer's weights; of all */
    bool *bad;                        /* [n_steps]: something was not finite */
} study_samples;

/* A run at one moment. */
typedef struct study_run_moment {
    yti_interval slope;   /* within this run */
    double first_to_last; /* NaN: unknown */
    int zeros;            /* points of gradient 0, which the slope leaves out */
    yti_flow_facts facts;
    yti_verdict verdict;
} study_run_moment;

/* One training. */
typedef struct study_run {
    int variant, seed;
    char *folder;
    study_outcome end;
    study_samples seen;
    study_run_moment at[STUDY_MOMENTS];
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

struct study_comparison {
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

/* The run of a variant with the seed of that index. */
const study_run *study_run_of(const study_comparison *study, int variant, int seed_index);

static inline int study_last_seed(const study_comparison *study) {
    return study->base.seed + (study->n_seeds - 1); /* in this order: it may be the largest int */
}

/* The name of the study's folder below its project. */
const char *study_name(const study_comparison *study);

/* The settings of one run: those of its variant, its seed, and its place below the study's folder. */
yt_status study_run_config(const study_comparison *study, const study_run *run, yti_train_config *out, yt_err *err);

/* The network of a variant, not initialised. */
yt_status study_model(const study_comparison *study, int variant, yti_model **out, yt_err *err);

/* "at initialisation", "after step 1", "after step 40" */
void study_moment_name(const study_comparison *study, int moment, char *out, size_t room);

#endif
