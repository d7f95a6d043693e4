/* observer.h: the hook by which anything watches a training run, and what it is shown. Internal to the library.
 *
 * The run calls; an observer looks, writes down and prints. It changes nothing of the run.
 */
#ifndef YT_OBSERVER_H
#define YT_OBSERVER_H

#include "data/index/dataset.h"
#include "eval/metrics.h"
#include "gradients/gradients.h"
#include "loss/loss.h"
#include "model/model.h"
#include "optim/optim.h"
#include "train/diagnose/finding.h"
#include "train/settings/config.h"
#include "validate/validate.h"
#include "weights/weights.h"

/* What is known before the first step. Lent for the life of the training. */
typedef struct yti_train_info {
    const yti_train_config *config; /* resolved */
    yti_model *model;
    const yti_dataset *dataset;
    const yti_class_names *names;
    const yti_split *train, *val;
    int64_t first_step;               /* batches done when it begins: 0, or where a resumed run continues */
    int batches, epochs, first_epoch; /* per epoch; all (with a time limit: as far as is known); 0 or where a
                                         resumed run continues */
    size_t planned_bytes;             /* of network, optimizer, average and loaders */
    size_t available_bytes;           /* of the machine; 0: unknown */
    bool transferred;                 /* --weights: */
    yti_transfer_report transfer;
    const char *folder;                    /* of the run; NULL before yti_train_run */
    const char *loss_names[YT_LOSS_TERMS]; /* "box_loss", ... */
    const char *other_head; /* of a head with two branches, the other one, which is measured too: "one2one", "one2many";
                                      NULL: the head has one */
} yti_train_info;

/* What there was to learn from. */
typedef struct yti_train_boxes {
    int64_t fates[YT_BOX_FATES]; /* of the images and those of their mosaics, by what became of them */
    int64_t assigned;            /* anchors that were given a box to learn, in every branch of the head */
} yti_train_boxes;

typedef struct yti_train_batch {
    int64_t step;              /* batches of the run done before this one */
    int epoch, batch, batches; /* from 0 */
    int images;
    const yti_batch *data;          /* what is trained on; lent during the call */
    double loss[YT_LOSS_TERMS];     /* running mean over the epoch */
    double own_loss[YT_LOSS_TERMS]; /* of this batch alone */
    double images_per_second;       /* of the batches of this epoch before this one; 0 in its first */
    bool updates;                   /* an optimizer step follows */
    bool warms_up;                  /* learning rates are still below those of the run */
    double gradient_norm;           /* of the gradients summed for the update so far, before clipping */
    bool skipped;                   /* something was not finite: the batch is left out, its gradients are cleared */
    int skips;                      /* such batches of this epoch, with this one */
    yti_train_boxes boxes;          /* of the epoch so far, without skipped batches */
} yti_train_batch;

/* What validation finds with the branch of a head with two that does not choose the best weights. */
typedef struct yti_train_other {
    double precision, recall, ap50, ap;
} yti_train_other;

/* One finished epoch: a row of results.csv. Metrics and validation losses are those of the last validation. */
typedef struct yti_train_epoch {
    int epoch;      /* from 1 */
    double seconds; /* since the start of training, over all resumed parts */
    double train_loss[YT_LOSS_TERMS], val_loss[YT_LOSS_TERMS];
    double precision, recall, ap50, ap;
    yti_train_other other;     /* with info.other_head */
    double lr[YT_GROUP_COUNT]; /* at the end of the epoch; yti_optimizer_columns names the logged ones */
    bool validated, is_best;
    const yti_class_metrics *classes; /* [n_classes] of the validation; lent during the call; NULL: not validated */
    double images_per_second;         /* of the training part */
    int skips;                        /* batches left out because something was not finite */
    uint64_t weights_hash;            /* yti_hash64_floats of the parameters */
    yti_train_boxes boxes;
} yti_train_epoch;

/* Something of a step is not finite; shown when it happens. */
typedef struct yti_non_finite {
    int epoch, batch;  /* from 0 */
    yti_on_nan action; /* what the run does now: YT_ON_NAN_STOP where it ends */
    bool to_initial;   /* ROLLBACK: to the initial weights, there being no checkpoint yet */
    const yti_finding *finding;
    const char *report; /* of several lines */
    const char *dump; /* the file with the step; NULL: that of a former event of this process was kept, which only STOP
                         replaces; or it could not be written; or an update, not a step, was not finite */
} yti_non_finite;

typedef struct yti_train_summary {
    yt_status status;
    int epochs;         /* finished */
    bool stopped_early; /* patience ran out */
    bool out_of_time;
    int best_epoch;      /* from 1; 0: none; the last one where there is no validation */
    double best_fitness; /* by config->fitness; -1: never validated */
    double seconds;
    uint64_t weights_hash;
    int64_t skips;      /* batches left out because something was not finite; these three of the whole run */
    int rollbacks;      /* for the same reason */
    double rate_factor; /* of the learning rates, by which they were lowered then */
    double train_seconds, watch_seconds; /* of this process: of all batches; of those, for observers with begin_batch */
    const yti_class_metrics *classes;    /* of the best epoch, [n_classes]; NULL: never validated in this process */
    yti_metrics_result best;             /* its means; valid with classes */
} yti_train_summary;

/* What an observer wants to see of a batch. Both cost time: a watched backward run is slower, and each part of the
 * loss is a forward and backward run of its own. */
enum {
    YT_WATCH_MAPS = 1,      /* calls forward and backward */
    YT_WATCH_LOSS_PARTS = 2 /* calls part */
};

/* Watches a run. Any callback may be NULL; a failure of start or epoch ends the run. Watching changes no weights. An
 * epoch is shown to the observers before its checkpoint is written: what they keep is then never older than the
 * checkpoint, and a resumed run has to drop rows but never to invent one. */
typedef struct yti_train_observer {
    yt_status (*start)(void *context, const yti_train_info *info, yt_err *err);
    /* Before a batch; returns what it wants to see of it: YT_WATCH_..., or 0. NULL: nothing. */
    unsigned (*begin_batch)(void *context, const yti_train_batch *batch);
    void (*forward)(void *context, yti_value value, yti_tensor map); /* as in yti_graph_observer, here and below */
    void (*backward)(void *context, yti_value value, yti_tensor gradient);
    void (*batch)(void *context, const yti_train_batch *batch); /* gradients complete, weights not yet moved */
    void (*part)(void *context, yti_flow_kind part, yti_value value, yti_tensor gradient); /* of that part alone */
    void (*update)(void *context, const yti_train_batch *batch);                           /* weights moved */
    /* Called before any action is taken. With YT_ON_NAN_SKIP `batch` follows, with YT_ON_NAN_ROLLBACK `rolled_back`. */
    void (*non_finite)(void *context, const yti_non_finite *event);
    /* The run is back at its last checkpoint, and the next batch is that with this step: what was gathered since then
     * is to be discarded. */
    void (*rolled_back)(void *context, int64_t step);
    /* Every image of a validation, with what the branch that is judged finds in it: of the moving average after an
     * epoch, and at the end once more of the best weights. Before `epoch`. */
    yt_status (*validated)(void *context, const yti_validated_image *image, yt_err *err);
    yt_status (*epoch)(void *context, const yti_train_epoch *epoch, yt_err *err);
    void (*alarm)(void *context, const char *text); /* something about training is not sound: one line */
    void (*finish)(void *context, const yti_train_summary *summary);
    void *context;
} yti_train_observer;

#endif
