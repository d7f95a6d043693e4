/* config.h: the settings of a run. Every one is a row of train_options.inc, from which its field, its parser, --help,
 * args.yaml and the settings of a checkpoint are made.
 */
#ifndef YT_TRAIN_CONFIG_H
#define YT_TRAIN_CONFIG_H

#include "base/option.h"
#include "base/status.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

enum { YT_TRAIN_TEXT = 1024 };

/* How the automatic settings are chosen: fitted to the size of the set, or exactly as the reference trainer does. */
#define YT_RECIPE_MAP(X)                                                                                               \
    X(ADAPTIVE, "adaptive")                                                                                            \
    X(FAMILY, "family")

typedef enum yti_recipe {
#define YT_RECIPE_ENUM(code, name) YT_RECIPE_##code,
    YT_RECIPE_MAP(YT_RECIPE_ENUM)
#undef YT_RECIPE_ENUM
} yti_recipe;

/* The release of the reference trainer whose rules of training a run follows (docs/reference.md). */
#define YT_REFERENCE_MAP(X)                                                                                            \
    X(NOW, "8.4.190")                                                                                                  \
    X(OLD, "8.4.104")

typedef enum yti_reference {
#define YT_REFERENCE_ENUM(code, name) YT_REFERENCE_##code,
    YT_REFERENCE_MAP(YT_REFERENCE_ENUM)
#undef YT_REFERENCE_ENUM
} yti_reference;

/* The setting on_nan: what a run does when something of a step is not finite.
 * stop      ends with YT_ERR_NON_FINITE; the last checkpoint stays.
 * skip      leaves the batch out: its gradients, and those that waited with it for an update, are dropped, and the
 *           statistics are as before it. Ends like stop where it would leave out more than YT_MAX_SKIPS batches in a
 *           row, or all of an epoch: that is no unlucky batch.
 * rollback  goes back to the last checkpoint, or to the initial weights where there is none yet, and repeats from
 *           there with half the learning rates, for good. Ends like stop after YT_MAX_ROLLBACKS to the same place, and
 *           where a step fails before the first update from there, which no rate changes.
 * A resumed run repeats what the run did from that checkpoint on, skips and rollbacks too. */
#define YT_ON_NAN_MAP(X)                                                                                               \
    X(STOP, "stop")                                                                                                    \
    X(SKIP, "skip")                                                                                                    \
    X(ROLLBACK, "rollback")

/* What 'best' and --patience mean: code, word on the command line, name in messages. All are of the validation, of the
 * branch that is judged. F1: of its precision and recall, which are those where F1 is highest. */
#define YT_FITNESS_MAP(X)                                                                                              \
    X(AP, "map50-95", "mAP50-95")                                                                                      \
    X(AP50, "map50", "mAP50")                                                                                          \
    X(F1, "f1", "F1")                                                                                                  \
    X(PRECISION, "precision", "precision")                                                                             \
    X(RECALL, "recall", "recall")

typedef enum yti_fitness {
#define YT_FITNESS_ENUM(code, word, name) YT_FITNESS_##code,
    YT_FITNESS_MAP(YT_FITNESS_ENUM)
#undef YT_FITNESS_ENUM
} yti_fitness;

const char *yti_fitness_name(int fitness); /* in messages */

typedef enum yti_on_nan {
#define YT_ON_NAN_ENUM(code, name) YT_ON_NAN_##code,
    YT_ON_NAN_MAP(YT_ON_NAN_ENUM)
#undef YT_ON_NAN_ENUM
} yti_on_nan;

enum {
    YT_MAX_SKIPS = 10,
    YT_MAX_ROLLBACKS = 5 /* rates of 1/32: what still explodes then has another cause */
};

/* Where the value of a setting comes from. A typed one always wins. */
#define YT_SOURCE_MAP(X)                                                                                               \
    X(DEFAULT, "default")                                                                                              \
    X(TYPED, "cli")                                                                                                    \
    X(AUTO, "auto")                                                                                                    \
    X(DATASET, "dataset")                                                                                              \
    X(CHECKPOINT, "checkpoint")

typedef enum yti_setting_source {
#define YT_SOURCE_ENUM(code, text) YT_SOURCE_##code,
    YT_SOURCE_MAP(YT_SOURCE_ENUM)
#undef YT_SOURCE_ENUM
} yti_setting_source;
const char *yti_setting_source_text(yti_setting_source source);

typedef enum yti_train_key {
#define INT_OPTION(key, ...)    YT_TRAIN_KEY_##key,
#define REAL_OPTION(key, ...)   YT_TRAIN_KEY_##key,
#define FLAG_OPTION(key, ...)   YT_TRAIN_KEY_##key,
#define TEXT_OPTION(key, ...)   YT_TRAIN_KEY_##key,
#define CHOICE_OPTION(key, ...) YT_TRAIN_KEY_##key,
#include "train/settings/train_options.inc"
    YT_TRAIN_KEYS
} yti_train_key;

typedef enum yti_train_type {
    YT_TRAIN_INT,
    YT_TRAIN_REAL,
    YT_TRAIN_FLAG,
    YT_TRAIN_STRING,
    YT_TRAIN_CHOICE
} yti_train_type;

/* What --resume does with a setting; see train_options.inc. */
typedef enum yti_on_resume { YT_RESUME_FIXED, YT_RESUME_FREE, YT_RESUME_HERE } yti_on_resume;

/* One field per row of the table; a CHOICE is a value of its enum (recipe: yti_recipe, reference: yti_reference,
 * optimizer: yti_optimizer_kind, activation: yti_activation_kind, no_residual: yti_no_residual, on_nan: yti_on_nan,
 * fitness: yti_fitness, nms: yti_nms), of optimizer, activation and nms -1 where the default word holds. */
typedef struct yti_train_config {
#define INT_OPTION(key, ...)    int key;
#define REAL_OPTION(key, ...)   double key;
#define FLAG_OPTION(key, ...)   bool key;
#define TEXT_OPTION(key, ...)   char key[YT_TRAIN_TEXT];
#define CHOICE_OPTION(key, ...) int key;
#include "train/settings/train_options.inc"
    yti_setting_source source[YT_TRAIN_KEYS];
    bool resolved; /* the values with source AUTO are known */
} yti_train_config;

/* A row of the table. */
typedef struct yti_train_option {
    const char *key;
    yti_train_type type;
    char letter;
    const char *metavar, *fallback;
    double min, max;
    yti_on_resume on_resume;
    const char *group, *help;
    const char *const *choices; /* CHOICE, NULL-terminated */
    int first;                  /* the value of the first choice */
    size_t offset;              /* in yti_train_config */
} yti_train_option;

const yti_train_option *yti_train_options(void); /* [YT_TRAIN_KEYS] */
const yt_option *yti_train_option_rows(void);    /* the same rows as programs and the public API have them */
int yti_train_option_find(const char *key);      /* -1: unknown */

void yti_train_config_defaults(yti_train_config *config);

/* Sets one value from its text; range and type are checked. "auto" where the default is auto. */
yt_status yti_train_config_set(yti_train_config *config, const char *key, const char *text, yti_setting_source source,
                               yt_err *err);

/* The value as text that yti_train_config_set reads back exactly ("auto" where it is not known yet). */
void yti_train_config_text(const yti_train_config *config, yti_train_key key, char *text, size_t room);

/* Whether every value is in its range. */
yt_status yti_train_config_check(const yti_train_config *config, yt_err *err);

/* Resolves what is auto, from the number of training images and classes, whether training starts from weights, and
 * the machine. Nothing typed is touched. The reasons stand in src/train/auto_settings.c. */
void yti_train_config_resolve(yti_train_config *config, int n_images, int n_classes, bool pretrained);

/* args.yaml: every setting with where it came from. */
yt_status yti_train_config_write(const yti_train_config *config, const char *path, const char *save_dir, int n_classes,
                                 const char *base_license, yt_err *err);

/* An error where the args.yaml of a run folder was written with other settings than those of a checkpoint in it, of
 * which a run has the same ones all its life. */
yt_status yti_config_same_run(const yti_train_config *config, const char *folder, const char *checkpoint, yt_err *err);

/* The automatic number of last epochs without mosaics, for a run of that many epochs. */
int yti_auto_close_mosaic(const yti_train_config *config, int n_images, int epochs);

/* Whether the rules of the reference trainer's release 8.4.104 hold. */
static inline bool yti_follows_old(const yti_train_config *config) {
    return config->reference == YT_REFERENCE_OLD;
}

#endif
