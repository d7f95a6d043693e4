/* study.h: variants of a network trained on the same batches, and what their gradients and results say.
 *
 *     study_comparison *study;
 *     char why[256]; // there are no figures
 *     YT_TRY(study_create(&config, "residual,plain", 5, search_dirs, &study, err)); // checks, writes nothing
 *     YT_TRY(study_train(study, &hooks, &stop, err));      // trains what is not trained yet
 *     YT_TRY(study_report(study, why, sizeof why, err)); // compare.json, compare.html, figures
 *     study_destroy(study);
 *
 * A variant is words joined by '+': rows of the table below, names of activation functions, or KEY=VALUE for any
 * setting of the network, the data or the training. Every variant is trained with the same seeds, so that it has the
 * same initial weights where the networks share them, and the same batches in the same order.
 */
#ifndef YT_STUDY_H
#define YT_STUDY_H

#include "train/loop/train.h"

/* word, setting, value, meaning */
#define STUDY_VARIANT_MAP(X)                                                                                           \
    X("residual", no_residual, "false", "with its shortcuts")                                                          \
    X("plain", no_residual, "true", "without its shortcuts")                                                           \
    X("bn", no_batchnorm, "false", "with batch normalisation")                                                         \
    X("nobn", no_batchnorm, "true", "without batch normalisation")

enum { STUDY_MAX_VARIANTS = 16, STUDY_MAX_SEEDS = 100 };

/* Where --log-gradients is not typed: batches from one sample of the gradients to the next. */
#define STUDY_LOG_INTERVAL "20"

typedef struct study_comparison study_comparison;

/* A run that begins, or with `finished` one that ended. */
typedef struct study_progress {
    int run, runs; /* from 1 */
    const char *variant, *folder;
    int seed;
    bool finished;
    bool kept;        /* it was complete already */
    int first_epoch;  /* finished: it was interrupted, and continued after that many epochs */
    yt_status status; /* finished: OK or NON_FINITE */
    int epochs;
    double ap, seconds; /* of its best epoch */
} study_progress;

typedef struct study_hooks {
    void (*run)(void *context, const study_progress *progress);
    yti_problem_sink problem; /* of the dataset, once; NULL: nobody listens */
    void *context;
} study_hooks;

/* Reads the variants and builds the network of each, so that what cannot work is found before the first run. The
 * runs lie in a folder of the study (config's project and name). Where it holds runs of the same settings already,
 * of the same variants and seeds or of some of them, the study continues; another study there is an error: MISMATCH. */
yt_status study_create(const yti_train_config *config, const char *variants, int seeds, const char *const *search_dirs,
                       study_comparison **out, yt_err *err);
void study_destroy(study_comparison *study);
const char *study_folder(const study_comparison *study);
int study_runs(const study_comparison *study);

/* Checks the words alone, without a model or files. */
yt_status study_check_variants(const char *variants, yt_err *err);

/* Trains seed by seed all variants. A run that ends with values that are not finite is a result. *stop becoming
 * non-zero ends the study with YT_ERR_STOPPED; called again it continues the run that was interrupted from its
 * last checkpoint, to the same result; a run that was killed after its last one begins anew. Kept runs are known by
 * their settings and the text of the model YAML, not by the contents of a data set or of weights. */
yt_status study_train(study_comparison *study, const study_hooks *hooks, const yti_stop *stop, yt_err *err);

/* Reads what the runs left and writes compare.json, compare.html and the figures. Where gnuplot is missing or fails
 * there are no figures: why_no_figures then says why, else it is empty. */
yt_status study_report(study_comparison *study, char *why_no_figures, size_t room, yt_err *err);

/* Prints for every variant its word and its numbers. */
void study_print(const study_comparison *study, FILE *out);

#endif
