/* train.h: train a detector, or fine-tune one, on a dataset.
 *
 *     if (status == YT_OK) status = yt_train_options_set(options, "data", argv[1], &err);
 *     if (status == YT_OK) status = yt_training_create(options, &training, &err);
 *     if (status == YT_OK) yt_training_on_epoch(training, print_epoch, NULL);
 *     if (status == YT_OK) status = yt_training_run(training, &err);
 *
 * (examples/train.c, with a signal handler that stops it.) The run writes its folder (yt_train_plan.folder): args.yaml,
 * results.csv, weights/best.safetensors and weights/last.safetensors, from which the option `resume` continues it to
 * the same bits.
 *
 * Threads: a yt_training, and its options, belong to one thread at a time; yt_training_stop alone may be called from
 * any thread and from a signal handler. Callbacks come from the thread that is in yt_training_prepare or
 * yt_training_run; they may call yt_training_stop and the functions that tell, and nothing else of this training.
 * Several trainings may run at once, each in a folder of its own.
 */
#ifndef YOLOTRAIN_TRAIN_H
#define YOLOTRAIN_TRAIN_H

#include "yolotrain/option.h"
#include "yolotrain/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options ---- */

/* The settings of a run, by name: those of the program yolotrain, with its ranges and defaults. */
typedef struct yt_train_options yt_train_options;

/* All options at their defaults. Released with yt_train_options_destroy. NO_MEMORY. */
YT_API yt_status yt_train_options_create(yt_train_options **out, yt_err *err);
YT_API void yt_train_options_destroy(yt_train_options *options); /* NULL is fine */

/* "epochs", "50". The value is copied. ARGUMENT: there is no such option, or the value is not one of its; the options
 * are as before. */
YT_API yt_status yt_train_options_set(yt_train_options *options, const char *name, const char *value, yt_err *err);

/* The value as text; "auto" where it is chosen when the data are known; NULL: no such option. Lent until the next call
 * with these options. */
YT_API const char *yt_train_options_get(yt_train_options *options, const char *name);

/* The row of option `index`, from 0; NULL: there are no more. Thread-safe; cannot fail. */
YT_API const yt_option *yt_train_option(size_t index);

/* ---- what is reported ----
 *
 * These structs are the library's, which may give them more fields at their ends; lent as each function says. Losses
 * are [3]: of the boxes, of the classes, and of the boxes' distribution (of networks without one, their distances).
 * Metrics are 0 to 1. */

/* What is known before the first step. */
typedef struct yt_train_plan {
    const char *model;        /* "yolo26n" */
    int classes;              /* and their names: */
    const char *const *names; /* [classes] UTF-8 */
    size_t parameters;        /* of the network */
    int train_images, val_images;
    int epochs;               /* at which the run ends, as far as is known */
    int first_epoch;          /* epochs done already: above 0 where the run is resumed */
    int batches;              /* per epoch */
    size_t memory;            /* bytes that are planned for */
    const char *folder;       /* of the run; NULL until yt_training_run has made it */
    const char *base_license; /* that the weights name which it starts from ("AGPL-3.0"); NULL: none */
} yt_train_plan;

typedef struct yt_train_batch {
    int epoch, batch, batches; /* from 1; how many there are */
    int images;
    double loss[3];           /* running means of this epoch */
    double images_per_second; /* of this epoch so far; 0 in its first batch */
    int skipped;              /* 1: something was not finite, and the batch is left out */
} yt_train_batch;

/* A row of results.csv. Metrics and validation losses are those of the last validation. */
typedef struct yt_train_epoch {
    int epoch, epochs; /* from 1; at which the run ends */
    double seconds;    /* since the run began */
    double train_loss[3], val_loss[3];
    double precision, recall, map50, map50_95;
    int validated; /* 1: in this epoch */
    int is_best;   /* 1: weights/best.safetensors are now those of this epoch */
    double images_per_second;
    int skipped_batches;
} yt_train_epoch;

/* What a run came to. */
typedef struct yt_train_result {
    yt_status status;     /* of the run */
    int epochs;           /* finished */
    int best_epoch;       /* from 1; 0: none */
    double best_map50_95; /* -1: never validated */
    int stopped_early;    /* 1: the option patience ran out */
    double seconds;
    uint64_t weights_hash;    /* of the weights of the last epoch: the same bits, the same number */
    const char *folder;       /* of the run */
    const char *best_weights; /* path of weights/best.safetensors */
    const char *last_weights; /* path of weights/last.safetensors */
} yt_train_result;

/* ---- a run ---- */

typedef struct yt_training yt_training;

/* Copies the options; opens nothing. Released with yt_training_destroy. NO_MEMORY. */
YT_API yt_status yt_training_create(const yt_train_options *options, yt_training **out, yt_err *err);
YT_API void yt_training_destroy(yt_training *training); /* NULL is fine */

/* What is called along the run, each with the context that is given here; fn NULL: nothing. What they are shown is lent
 * for the call. message: what is wrong with the dataset, and what about training is not sound; one line. */
typedef void (*yt_train_batch_fn)(void *context, const yt_train_batch *batch);
typedef void (*yt_train_epoch_fn)(void *context, const yt_train_epoch *epoch);
typedef void (*yt_train_message_fn)(void *context, const char *text);
YT_API void yt_training_on_batch(yt_training *training, yt_train_batch_fn fn, void *context);
YT_API void yt_training_on_epoch(yt_training *training, yt_train_epoch_fn fn, void *context);
YT_API void yt_training_on_message(yt_training *training, yt_train_message_fn fn, void *context);

/* Reads dataset and network, resolves what is automatic, checks that memory suffices. Writes nothing. Once.
 * ARGUMENT: options that do not suit each other, the data or the checkpoint; IO, SYNTAX, MODEL, DATA, MISMATCH: of the
 * files that the options name; NO_MEMORY, also where the machine has less than the run takes. */
YT_API yt_status yt_training_prepare(yt_training *training, yt_err *err);

/* After yt_training_prepare; NULL before. Lent for the life of the training. */
YT_API const yt_train_plan *yt_training_plan(const yt_training *training);

/* Trains; prepares first where that has not been done. Once.
 * STOPPED: yt_training_stop was called; the last checkpoint is that of the last finished epoch. NON_FINITE: a value
 * became NaN or infinite and the option on_nan is stop; the step is in the run's folder. IO: a file of the run cannot
 * be written. Else as yt_training_prepare. */
YT_API yt_status yt_training_run(yt_training *training, yt_err *err);

/* Ends the run after the present batch or validation; before a run, ends it after its first batch. From any thread and
 * from a signal handler, as long as the training is not destroyed. Cannot fail. */
YT_API void yt_training_stop(yt_training *training);

/* After yt_training_run, whatever it returned; NULL: it did not get as far as the first batch. Lent for the life of the
 * training. */
YT_API const yt_train_result *yt_training_result(const yt_training *training);

#ifdef __cplusplus
}
#endif

#endif
