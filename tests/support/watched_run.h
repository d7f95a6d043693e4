/* watched_run.h: small trainings in which something becomes not finite: what makes it so, what the run shows, and the
 * step that it keeps. A test calls test_watched_begin first and test_folder_remove last.
 */
#ifndef YT_TEST_WATCHED_RUN_H
#define YT_TEST_WATCHED_RUN_H

#include "support/run_config.h"
#include "train/diagnose/replay.h"
#include "train/loop/training.h"

enum { WATCHED_TRAIN = 8, WATCHED_VAL = 2, WATCHED_BATCHES = 4 /* per epoch */ };

/* Where the first run of a test writes. */
#define WATCHED_RUN "runs/detect/train/"

/* What an observer does to a run, and what it saw. Batches are those of the run, from 1; 0: none. */
typedef struct test_watched {
    int poison_at, poison_to; /* a gradient of a map becomes NaN there; without poison_to only once */
    int overflow_behind;      /* the gradients that wait after that batch become as large as floats are */
    int stop_in_epoch;        /* as Ctrl-C does; from 1 */
    int events, epochs, skips, rollbacks, batches;
    int dumps;         /* events that said where the step is kept */
    yti_on_nan action; /* of the last event, and below */
    bool to_initial;
    char report[1 << 14];
    char first[YT_FINDING_NAME]; /* of the first event, and below */
    yti_finding_kind kind;
    double lr; /* of the last epoch */
    yti_train_summary summary;

    yti_model *model;
    yti_stop stop;
    bool normalised;
    float *buffers; /* after the batch before */
} test_watched;

/* Makes the test's folder with networks and images, and goes there. */
void test_watched_begin(void);

/* SGD at 0.01 from the first batch on, one thread. */
yti_train_config test_watched_config(const char *model, const char *epochs);

/* Writes initial weights as planted.safetensors, with every weight multiplied, and where `name` is not NULL its
 * first value replaced. plain: without normalisation. */
void test_watched_plant(const char *model_path, bool plain, float factor, const char *name, float value);

/* A linear network whose weights are too large, at a rate that is too high, without clipping. */
yti_train_config test_watched_exploding(const char *epochs);

/* Runs and destroys a training; prepares and runs one; continues from a checkpoint. */
yt_status test_watched_run(yti_training *training, test_watched *watched, yt_err *err);
yt_status test_watched_train(const yti_train_config *config, test_watched *watched, yt_err *err);
yt_status test_watched_resume(const char *path, test_watched *watched, yt_err *err);

/* Whether the file is there, and then that all it holds is finite. */
void test_watched_expect_finite(const char *path, bool exists);

/* The finding must be the same for any number of threads, and the one of the run. Returns it. */
yti_finding test_watched_replay(const char *path);

/* Writes good.safetensors as bad.safetensors without one metadata entry (value NULL), or with another value for it. */
void test_watched_rewrite(const char *key, const char *value);

#endif
