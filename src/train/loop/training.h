/* training.h: what a run owns. Internal to src/train.
 *
 * prepare.c fills it, epochs.c and train_step.c move it forward, checkpoint.c writes it down and brings it back.
 */
#ifndef YT_TRAINING_H
#define YT_TRAINING_H

#include "base/folder.h"
#include "base/json.h"
#include "data/feed/loader.h"
#include "train/checkpoint/saver.h"
#include "train/loop/train.h"
#include "train/observe/watchers.h"
#include "train/step/step_loss.h"
#include "validate/validate.h"

enum { SECONDS_PER_HOUR = 3600 };

/* Everything that changes from epoch to epoch beside the arrays; stored in a checkpoint. */
typedef struct yti_progress {
    int epochs_done;
    int64_t iterations;  /* batches so far */
    int64_t last_step;   /* iteration of the last optimiser step; -1: none yet */
    int64_t updates;     /* of the moving average */
    double best_fitness; /* -1: not validated yet */
    int best_epoch;      /* whose weights are in best.safetensors; from 1 */
    int improved_epoch;  /* from which patience counts */
    int closed_epoch;    /* trained without mosaics from this one on; from 1, 0: not yet */
    int64_t skips;       /* batches left out because something was not finite */
    int skips_in_row;    /* up to now */
    int rollbacks;
    double rate_factor; /* of the learning rates: halved by every rollback */
    yti_train_epoch last;
} yti_progress;

/* What is remembered of a split, to notice that it is another one when the run goes on. */
typedef struct yti_split_print {
    int images;
    int64_t boxes;
    uint64_t hash; /* of names, sizes and labels, in their order */
} yti_split_print;

/* Floats of a block, from offset. */
typedef struct yti_stretch {
    size_t offset, count;
} yti_stretch;

typedef struct yti_stretches {
    yti_stretch *at;
    size_t count;
} yti_stretches;

/* One of the last steps, for the report about a value that is not finite. */
enum { YTI_PAST_STEPS = 8 };
typedef struct yti_past_step {
    int64_t step;
    double loss[YT_LOSS_TERMS]; /* of the branch that detects */
    double gradient_norm;       /* of the gradients summed for the update so far */
} yti_past_step;

struct yti_training {
    yti_train_config config; /* resolved */
    yti_train_info info;
    yti_dataset dataset;
    yti_class_names names;
    yti_split train, val;
    yti_model *model;
    yti_loader *train_loader, *val_loader; /* val_loader, validator NULL: there is nothing to validate on */
    yti_validator *validator;
    yti_loss *loss;
    yti_optimizer *optimizer;
    yti_schedule schedule;
    float *class_weights;                            /* [names.count]; NULL: all 1 */
    yti_state average;                               /* exponential moving average of params and buffers; no grads */
    yti_stretches averaged_params, averaged_buffers; /* without constants and frozen rows */
    yti_progress progress;
    int epochs;                      /* at which it ends; with a time limit estimated anew after every epoch */
    bool out_of_time;                /* the limit ended the last epoch */
    double train_seconds;            /* of this process, in batches */
    double begin;                    /* yti_seconds when the run would have begun if it had never stopped */
    yti_metrics_result best;         /* of the best epoch; classes NULL: not in this process */
    yti_class_metrics *best_classes; /* owned copy */
    char *folder, *last_path, *best_path;
    yti_lock lock;         /* of the folder, from when it is written to */
    yti_saver saver;       /* of the epoch before */
    float *buffers_before; /* running statistics before the step, [model->buffer_count] */
    float *grads_before;   /* gradients that waited before it, [model->param_count]; NULL: none ever wait */
    yti_past_step past[YTI_PAST_STEPS];
    int64_t n_past;             /* step i is past[i % YTI_PAST_STEPS] */
    bool has_dump;              /* this process has tried to write one */
    bool has_checkpoint;        /* last_path was begun by this process */
    int rollbacks_in_row;       /* to the same checkpoint */
    int64_t checkpoint_updates; /* of the state that a rollback goes to */
    bool goes_back;             /* the failure that is being returned ends in a rollback */
    bool reported_nothing;      /* the epoch before had nothing to learn from, which was reported */
};

/* ---- data_print.c ---- */

yti_split_print yti_split_print_of(const yti_split *split);

/* The same data as the checkpoint was trained on? Other classes are an error; other images or labels are reported. */
yt_status yti_data_check(const yti_st_file *file, const yti_training *training, yti_problem_sink problem, void *context,
                         yt_err *err);

/* The whole of a text: what it is checked against. */
void yti_data_write(yti_json_writer *writer, const yti_training *training);

/* ---- prepare.c ---- */

/* The paths of a run below its folder. Takes the folder. */
yt_status yti_run_paths(yti_training *training, char *folder, yt_err *err);

/* Whether there is anything to validate on. */
static inline bool yti_can_validate(const yti_training *training) {
    return training->val.n_samples > 0;
}

/* The rates of the settings times that of the progress, into the schedule. */
void yti_apply_rate_factor(yti_training *training);

/* How many epochs fit into the time limit if those to come take as long as those done (spec training 4.9). The last
 * one may be cut short, so it is always one more than are done. */
int yti_epochs_in_time(double hours, double seconds, int epochs_done);

/* Where a run begins: weights of its seed and of --weights; the average at the weights; nothing done. */
yt_status yti_initial_weights(yti_training *training, yt_err *err);
void yti_begin_average(yti_training *training);
void yti_begin_progress(yti_progress *progress);

/* ---- param_groups.c ---- */

/* How an optimiser is made. */
typedef struct yti_optimizer_plan {
    yti_optimizer_kind kind;
    double weight_decay; /* as it is to be applied */
    double momentum;     /* beta1 of Adam and AdamW */
    bool fast_by_name;   /* which branches MuSGD trains faster, by the rule of the reference trainer until 8.4.104 */
    int threads;
} yti_optimizer_plan;

/* The optimizer over all of the model that is trained. */
yt_status yti_run_optimizer_create(const yti_model *model, const yti_optimizer_plan *plan, yti_optimizer **out,
                                   yt_err *err);

/* Fills averaged_params and averaged_buffers. */
yt_status yti_find_averaged(yti_training *training, yt_err *err);

/* ---- train_step.c ---- */

/* One batch: forward, loss, backward, observers, and where enough images were summed optimiser and average. */
yt_status yti_train_step(yti_training *training, const yti_batch *batch, yti_train_batch *report,
                         yti_watchers *watchers, yt_err *err);

/* ---- non_finite_step.c ---- */

/* After a step that was made. */
void yti_remember_step(yti_training *training, const yti_step_loss *loss, double gradient_norm);

/* The step of the report has something that is not finite; what: by which it was noticed. YT_OK: the batch is to be
 * left out. Gradients are cleared and statistics as before the step. */
yt_status yti_meet_non_finite(yti_training *training, const yti_step *step, const yti_train_batch *report,
                              const char *what, const yti_watchers *watchers, yt_err *err);

/* ---- rollback.c ---- */

/* Whether all that a checkpoint would hold is finite; shows the watchers where it is not. */
yt_status yti_check_state(yti_training *training, const yti_watchers *watchers, yt_err *err);

/* Whether there is no checkpoint yet, so that a rollback goes to the initial weights. */
bool yti_rolls_back_to_initial(const yti_training *training);

/* Back to the last checkpoint with half the rates; where goes_back is set. */
yt_status yti_roll_back(yti_training *training, yt_err *err);

/* ---- box_report.c ---- */

/* Shows the watchers when the epoch had no object to learn from, and after the first epoch when many were too small. */
yt_status yti_report_boxes(yti_training *training, const yti_train_epoch *row, yti_watchers *watchers, yt_err *err);

/* ---- epochs.c ---- */

/* Whether there were `patience` epochs without a better mAP50-95; 0: never. It does not begin without validation. */
bool yti_patience_is_over(const yti_progress *progress, const yti_train_config *config);

/* Epochs until the end, patience or *stop. */
yt_status yti_train_loop(yti_training *training, yti_watchers *watchers, const yti_stop *stop,
                         yti_train_summary *summary, yt_err *err);

/* ---- checkpoint.c ---- */

/* Before parameters, average or moments change: waits until the files of the last epoch are written. Where they are
 * not, that epoch is not done. */
yt_status yti_finish_saving(yti_training *training, yt_err *err);

/* Live weights, average, optimiser, pending gradients, settings and progress. The file is lent all but the
 * statistics. */
yt_status yti_checkpoint_fill(const yti_training *training, yti_saved_file *file, yt_err *err);

/* Whether gradients of the last batches wait for an update, which the next batch adds to. */
bool yti_gradients_wait(const yti_progress *progress);

yt_status yti_checkpoint_progress(const yti_st_file *file, const char *path, yti_progress *progress, yt_err *err);

/* The arrays, once model, optimiser and average exist. */
yt_status yti_checkpoint_arrays(const yti_st_file *file, const char *path, yti_training *training, yt_err *err);

/* ---- memory.c ---- */

/* Fills info.planned_bytes and available_bytes; an error when the run needs more than is available. */
yt_status yti_memory_check(yti_training *training, size_t available, yt_err *err);

/* Whether gradients may wait for those of another batch, in batches of so many images. */
bool yti_may_wait(const yti_training *training, int batch);

#endif
