/* compare.h: variants of a network trained on the same batches, and what their gradients and results say.
 *
 *     yti_compare *study;
 *     char why[256]; // there are no figures
 *     YT_TRY(yti_compare_create(&config, "residual,plain", 5, search_dirs, &study, err)); // checks, writes nothing
 *     YT_TRY(yti_compare_run(study, &hooks, &stop, err));      // trains what is not trained yet
 *     YT_TRY(yti_compare_report(study, why, sizeof why, err)); // compare.json, compare.html, figures
 *     yti_compare_destroy(study);
 *
 * A variant is words joined by '+': rows of the table below, names of activation functions, or KEY=VALUE for any
 * setting of the network, the data or the training. Every variant is trained with the same seeds, so that it has the
 * same initial weights where the networks share them, and the same batches in the same order.
 */
#ifndef YT_COMPARE_H
#define YT_COMPARE_H

#include "train/loop/train.h"

/* word, setting, value, meaning */
#define YT_VARIANT_MAP(X)                                                                                              \
    X("residual", no_residual, "false", "with its shortcuts")                                                          \
    X("plain", no_residual, "true", "without its shortcuts")                                                           \
    X("bn", no_batchnorm, "false", "with batch normalisation")                                                         \
    X("nobn", no_batchnorm, "true", "without batch normalisation")

enum { YT_MAX_VARIANTS = 16, YT_MAX_SEEDS = 100 };

/* Where --log-gradients is not typed: batches from one look at the gradients to the next. */
#define YT_COMPARE_LOG_INTERVAL "20"

typedef struct yti_compare yti_compare;

/* A run that begins, or with `finished` one that ended. */
typedef struct yti_compare_progress {
    int run, runs; /* from 1 */
    const char *variant, *folder;
    int seed;
    bool finished;
    bool kept;        /* it was complete already */
    int first_epoch;  /* finished: it was interrupted, and went on after so many epochs */
    yt_status status; /* finished: OK or NON_FINITE */
    int epochs;
    double ap, seconds; /* of its best epoch */
} yti_compare_progress;

typedef struct yti_compare_hooks {
    void (*run)(void *context, const yti_compare_progress *progress);
    yti_problem_sink problem; /* of the dataset, once; NULL: nobody listens */
    void *context;
} yti_compare_hooks;

/* Reads the variants and builds the network of each, so that what cannot work is found before the first run. The
 * runs lie in a folder of the study (config's project and name). Where it holds runs of the same settings already,
 * of the same variants and seeds or of some of them, the study goes on; another study there is an error. */
yt_status yti_compare_create(const yti_train_config *config, const char *variants, int seeds,
                             const char *const *search_dirs, yti_compare **out, yt_err *err);
void yti_compare_destroy(yti_compare *study);
const char *yti_compare_folder(const yti_compare *study);
int yti_compare_runs(const yti_compare *study);

/* Checks the words alone, without a model or files. */
yt_status yti_compare_check(const char *variants, yt_err *err);

/* Trains seed by seed all variants. A run that ends with values that are not finite is a result. *stop becoming
 * non-zero ends the study with YT_ERR_STOPPED; called again it goes on with the run that was interrupted, from its
 * last checkpoint, to the same result; a run that was killed behind its last one begins anew. Kept runs are known by
 * their settings and the text of the model YAML, not by the contents of a data set or of weights. */
yt_status yti_compare_run(yti_compare *study, const yti_compare_hooks *hooks, const yti_stop *stop, yt_err *err);

/* Reads what the runs left and writes compare.json, compare.html and the figures. Where gnuplot is missing or fails
 * there are no figures: why_no_figures then says why, else it is empty. */
yt_status yti_compare_report(yti_compare *study, char *why_no_figures, size_t room, yt_err *err);

/* Prints for every variant its word and its numbers. */
void yti_compare_print(const yti_compare *study, FILE *out);

#endif
