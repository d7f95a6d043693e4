/* training.h: a run from the inside: what it owns. Internal to src/train/loop.
 *
 * prepare.c fills it, epochs.c and train_step.c move it forward, non_finite_step.c and rollback.c deal with a step that
 * is not finite. What a file needs of it, it is given; only these see the whole.
 */
#ifndef YT_TRAINING_H
#define YT_TRAINING_H

#include "train/checkpoint/output.h"
#include "train/diagnose/guard.h"
#include "train/loop/rollback.h"
#include "train/loop/train.h"
#include "train/observe/box_report.h"
#include "train/observe/watchers.h"
#include "train/parts/run_view.h"

/* When a run ends. */
typedef struct yti_run_end {
    int epochs;       /* at which; with a time limit estimated anew after every epoch */
    double begin;     /* yti_seconds when the run would have begun if it had never stopped */
    bool out_of_time; /* the limit ended the last epoch */
} yti_run_end;

/* What validation found with the best weights of this process. */
typedef struct yti_run_best {
    yti_metrics_result metrics;
    yti_class_metrics *classes; /* owned copy; NULL: not in this process */
} yti_run_best;

struct yti_training {
    yti_train_config config; /* resolved */
    yti_train_info info;
    yti_run_data data;
    yti_run_parts parts;
    yti_progress progress;
    yti_guard guard;
    yti_rollback rollback;
    yti_output output;
    yti_run_end end;
    yti_run_best best;
    yti_box_report boxes;
    double train_seconds; /* of this process, in batches */
};

/* The statistics of normalisations that the run's weights had folded, measured on its training images; nothing where
 * they had not. After the input size is settled; the graph is planned anew (prepare.c). */
yt_status yti_settle_statistics(yti_training *training, yt_err *err);

static inline yti_run_view yti_view(const yti_training *training) {
    return (yti_run_view){&training->config, &training->data, &training->parts, &training->progress};
}

#endif
