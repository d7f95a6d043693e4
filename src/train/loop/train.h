/* train.h: training a detector: settings, one run, and the hook by which anything watches it.
 *
 *     yt_train_config config;
 *     yt_train_config_defaults(&config);
 *     YT_TRY(yt_train_config_set(&config, "data", "coco8.yaml", YT_SOURCE_TYPED, err));
 *     yt_training *training;
 *     YT_TRY(yt_train_prepare(&config, NULL, NULL, NULL, &training, err)); // checks everything, writes nothing
 *     YT_TRY(yt_train_run(training, &observer, 1, NULL, err)); // makes the run folder and trains
 *     yt_train_destroy(training);
 */
#ifndef YT_TRAIN_H
#define YT_TRAIN_H

#include "data/index/dataset.h"
#include "flow/flow.h"
#include "loss/loss.h"
#include "eval/metrics.h"
#include "model/model.h"
#include "train/diagnose/non_finite.h"
#include "optim/optim.h"
#include "weights/weights.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>

/* ---- settings ---- */

enum { YT_TRAIN_TEXT = 1024 };

/* How the automatic settings are chosen: fitted to the size of the set, or exactly as the family does. */
#define YT_RECIPE_MAP(X)                                                                                     \
    X(ADAPTIVE, "adaptive")                                                                                  \
    X(FAMILY, "family")

typedef enum yt_recipe {
#define YT_RECIPE_ENUM(code, name) YT_RECIPE_##code,
    YT_RECIPE_MAP(YT_RECIPE_ENUM)
#undef YT_RECIPE_ENUM
} yt_recipe;

/* The release of the reference trainer whose rules of training a run follows (docs/reference.md). */
#define YT_REFERENCE_MAP(X)                                                                                  \
    X(NOW, "8.4.190")                                                                                        \
    X(OLD, "8.4.104")

typedef enum yt_reference {
#define YT_REFERENCE_ENUM(code, name) YT_REFERENCE_##code,
    YT_REFERENCE_MAP(YT_REFERENCE_ENUM)
#undef YT_REFERENCE_ENUM
} yt_reference;

/* Where the value of a setting comes from. A typed one always wins. */
#define YT_SOURCE_MAP(X)                                                                                     \
    X(DEFAULT, "default")                                                                                    \
    X(TYPED, "cli")                                                                                          \
    X(AUTO, "auto")                                                                                          \
    X(DATASET, "dataset")                                                                                    \
    X(CHECKPOINT, "checkpoint")

typedef enum yt_source {
#define YT_SOURCE_ENUM(code, text) YT_SOURCE_##code,
    YT_SOURCE_MAP(YT_SOURCE_ENUM)
#undef YT_SOURCE_ENUM
} yt_source;
const char *yt_source_text(yt_source source);

typedef enum yt_train_key {
#define YT_TRAIN_OPTION(key, ...) YT_TRAIN_KEY_##key,
#include "train/settings/train_options.inc"
#undef YT_TRAIN_OPTION
    YT_TRAIN_KEYS
} yt_train_key;

typedef enum yt_train_type {
    YT_TRAIN_INT,
    YT_TRAIN_REAL,
    YT_TRAIN_FLAG,
    YT_TRAIN_TEXT_TYPE,
    YT_TRAIN_CHOICE
} yt_train_type;

/* What --resume does with a setting; see train_options.inc. */
typedef enum yt_on_resume { YT_RESUME_FIXED, YT_RESUME_FREE, YT_RESUME_HERE } yt_on_resume;

/* One field per row of the table; a CHOICE is an index (recipe: yt_recipe, reference: yt_reference, optimizer:
 * yt_optimizer_kind, activation: yt_activation_kind, no_residual: yt_no_residual less one, on_nan: yt_on_nan, nms:
 * yt_nms), -1 being the default word. */
typedef struct yt_train_config {
#define YT_FIELD_INT(key)               int key;
#define YT_FIELD_REAL(key)              double key;
#define YT_FIELD_FLAG(key)              bool key;
#define YT_FIELD_TEXT(key)              char key[YT_TRAIN_TEXT];
#define YT_FIELD_CHOICE(key)            int key;
#define YT_TRAIN_OPTION(key, type, ...) YT_FIELD_##type(key)
#include "train/settings/train_options.inc"
#undef YT_TRAIN_OPTION
#undef YT_FIELD_INT
#undef YT_FIELD_REAL
#undef YT_FIELD_FLAG
#undef YT_FIELD_TEXT
#undef YT_FIELD_CHOICE
    yt_source source[YT_TRAIN_KEYS];
    bool resolved; /* the values with source AUTO are known */
} yt_train_config;

/* A row of the table. */
typedef struct yt_train_option {
    const char *key;
    yt_train_type type;
    char letter;
    const char *metavar, *fallback;
    double min, max;
    yt_on_resume on_resume;
    const char *group, *help;
    const char *const *choices; /* CHOICE, NULL-terminated */
    size_t offset;              /* in yt_train_config */
} yt_train_option;

const yt_train_option *yt_train_options(void); /* [YT_TRAIN_KEYS] */
int yt_train_option_find(const char *key);     /* -1: unknown */

void yt_train_config_defaults(yt_train_config *config);

/* Sets one value from its text; range and type are checked. "auto" where the default is auto. */
yt_status yt_train_config_set(yt_train_config *config, const char *key, const char *text, yt_source source,
                              yt_err *err);

/* The value as text that yt_train_config_set reads back exactly ("auto" where it is not known yet). */
void yt_train_config_text(const yt_train_config *config, yt_train_key key, char *text, size_t room);

/* Whether every value is in its range. */
yt_status yt_train_config_check(const yt_train_config *config, yt_err *err);

/* Resolves what is auto, from the number of training images and classes, whether training starts from
 * weights, and the machine. Nothing typed is touched. The reasons stand in src/train/auto_settings.c. */
void yt_train_config_resolve(yt_train_config *config, int n_images, int n_classes, bool pretrained);

/* The network of a run, not yet initialised: of config->model, or where that is nobody's choice the one that
 * config->weights describes, whose name and build options then enter the settings. n_classes 0: as described. */
yt_status yt_train_build_model(yt_train_config *config, int n_classes, const char *const *search_dirs,
                               yt_model **out, yt_err *err);

/* args.yaml: every setting with where it came from. */
yt_status yt_train_config_write(const yt_train_config *config, const char *path, const char *save_dir,
                                int n_classes, const char *base_license, yt_err *err);

/* ---- a run ---- */

typedef struct yt_training yt_training;

/* What is known before the first step. Lent for the life of the training. */
typedef struct yt_train_info {
    const yt_train_config *config; /* resolved */
    yt_model *model;
    const yt_dataset *dataset;
    const yt_class_names *names;
    const yt_split *train, *val;
    int64_t first_step;               /* batches done when it begins: 0, or where a resumed run goes on */
    int batches, epochs, first_epoch; /* per epoch; all (with a time limit: as far as is known); 0 or where a
                                         resumed run goes on */
    size_t planned_bytes;             /* of network, optimiser, average and loaders */
    size_t available_bytes;           /* of the machine; 0: unknown */
    bool transferred;                 /* --weights: */
    yt_transfer_report transfer;
    const char *folder;                    /* of the run; NULL before yt_train_run */
    const char *loss_names[YT_LOSS_TERMS]; /* "box_loss", ... */
    const char
        *other_head; /* of a head with two branches, the one that is measured beside: "one2one", "one2many";
                               NULL: the head has one */
} yt_train_info;

/* What there was to learn from. */
typedef struct yt_train_boxes {
    int64_t fates[YT_BOX_FATES]; /* of the images and those of their mosaics, by what became of them */
    int64_t assigned;            /* anchors that were given a box to learn, in every branch of the head */
} yt_train_boxes;

typedef struct yt_train_batch {
    int64_t step;              /* batches of the run done before this one */
    int epoch, batch, batches; /* from 0 */
    int images;
    double loss[YT_LOSS_TERMS];     /* running mean over the epoch */
    double own_loss[YT_LOSS_TERMS]; /* of this batch alone */
    double images_per_second;       /* of the batches of this epoch before this one; 0 in its first */
    bool updates;                   /* an optimiser step follows */
    bool warms_up;                  /* learning rates are still below those of the run */
    double gradient_norm;           /* of the gradients summed for the update so far, before clipping */
    bool skipped;         /* something was not finite: the batch is left out, its gradients are cleared */
    int skips;            /* such batches of this epoch, with this one */
    yt_train_boxes boxes; /* of the epoch so far, without skipped batches */
} yt_train_batch;

/* What validation finds with the branch of a head with two that does not choose the best weights. */
typedef struct yt_train_other {
    double precision, recall, ap50, ap;
} yt_train_other;

/* One finished epoch: a row of results.csv. Metrics and validation losses are those of the last validation.
 */
typedef struct yt_train_epoch {
    int epoch;      /* from 1 */
    double seconds; /* since the start of training, over all resumed parts */
    double train_loss[YT_LOSS_TERMS], val_loss[YT_LOSS_TERMS];
    double precision, recall, ap50, ap;
    yt_train_other other;      /* with info.other_head */
    double lr[YT_GROUP_COUNT]; /* at the end of the epoch; yt_optimizer_columns names the logged ones */
    bool validated, is_best;
    double images_per_second; /* of the training part */
    int skips;                /* batches left out because something was not finite */
    uint64_t weights_hash;    /* yt_hash64_floats of the parameters */
    yt_train_boxes boxes;
} yt_train_epoch;

typedef struct yt_train_summary {
    yt_status status;
    int epochs;         /* finished */
    bool stopped_early; /* patience ran out */
    bool out_of_time;
    int best_epoch;      /* from 1; 0: none; the last one where there is no validation */
    double best_fitness; /* -1: never validated */
    double seconds;
    uint64_t weights_hash;
    int64_t skips;      /* batches left out because something was not finite; these three of the whole run */
    int rollbacks;      /* for the same reason */
    double rate_factor; /* of the learning rates, by which they were lowered then */
    double train_seconds,
        watch_seconds; /* of this process: of all batches; of those, for observers with wants */
    const yt_class_metrics
        *classes;           /* of the best epoch, [n_classes]; NULL: never validated in this process */
    yt_metrics_result best; /* its means; valid with classes */
} yt_train_summary;

/* What an observer wants to see of a batch. Both cost time: a watched backward run is slower, and each part of the
 * loss is a forward and backward run of its own. */
enum {
    YT_SEE_MAPS = 1, /* forward and backward */
    YT_SEE_PARTS = 2 /* part */
};

/* Watches a run. Any callback may be NULL; a failure of start or epoch ends the run. Watching changes no weights. An
 * epoch is shown to the
 * observers before its checkpoint is written: what they keep is then never behind the checkpoint, and a
 * resumed run has to drop rows but never to invent one. */
typedef struct yt_train_observer {
    yt_status (*start)(void *context, const yt_train_info *info, yt_err *err);
    unsigned (*wants)(void *context,
                      const yt_train_batch *batch); /* before a batch: YT_SEE_...; NULL: none */
    void (*forward)(void *context, yt_value value,
                    yt_tensor map); /* as in yt_graph_observer, here and below */
    void (*backward)(void *context, yt_value value, yt_tensor gradient);
    void (*batch)(void *context, const yt_train_batch *batch); /* gradients complete, weights not yet moved */
    void (*part)(void *context, yt_flow_kind part, yt_value value,
                 yt_tensor gradient);                           /* of that part alone */
    void (*update)(void *context, const yt_train_batch *batch); /* weights moved */
    /* Before anything follows from it. After YT_ON_NAN_SKIP `batch` is called too, after YT_ON_NAN_ROLLBACK not: the
     * epoch behind the last checkpoint begins again, and what was gathered in this one is to be forgotten. */
    void (*non_finite)(void *context, const yt_non_finite *event);
    yt_status (*epoch)(void *context, const yt_train_epoch *epoch, yt_err *err);
    void (*alarm)(void *context, const char *text); /* something about training is not sound: one line */
    void (*finish)(void *context, const yt_train_summary *summary);
    void *context;
} yt_train_observer;

/* Reads dataset and model, resolves the settings, checks that memory suffices, makes loaders and optimiser.
 * Nothing is written. search_dirs: where model names are looked for, NULL-terminated or NULL. problem
 * receives what is wrong with the dataset. With config->resume the run continues from that checkpoint. */
yt_status yt_train_prepare(const yt_train_config *config, const char *const *search_dirs,
                           yt_problem_sink problem, void *context, yt_training **out, yt_err *err);
const yt_train_info *yt_train_describe(const yt_training *training);

/* Makes the run folder (args.yaml, results.csv, weights/) and trains. *stop, when not NULL, becoming non-zero
 * ends the run after the current batch with YT_STOPPED; the last checkpoint is that of the last finished
 * epoch. */
yt_status yt_train_run(yt_training *training, const yt_train_observer *observers, size_t n_observers,
                       const volatile sig_atomic_t *stop, yt_err *err);
void yt_train_destroy(yt_training *training);

/* The newest weights/last.safetensors below runs/detect, malloc'd. */
yt_status yt_train_newest_checkpoint(char **path, yt_err *err);

#endif
