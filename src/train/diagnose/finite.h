/* finite.h: the search for the first value of a step that is not finite. Internal to src/train. */
#ifndef YT_FINITE_H
#define YT_FINITE_H

#include "base/finite.h"
#include "loss/loss.h"
#include "model/model.h"
#include "tensor/batch.h"
#include "train/diagnose/non_finite.h"

/* A batch and how it is trained on: all that a step's numbers depend on beside the state of the model. */
typedef struct yti_step {
    yti_model *model; /* planned for the batch */
    yti_loss *loss;
    const yti_batch *batch;
    yti_loss_gains gains;
    double weight[2];       /* of the branches in the loss */
    bool widen_below_first; /* of yti_assigner */
    const float *waiting;   /* [model->param_count] gradients of earlier batches that it adds to; NULL: none */
    int threads;
} yti_step;

/* Where a step stands in its run. */
typedef struct yti_step_place {
    int epoch, epochs, batch, batches; /* from 0; epochs decide the weights of the branches */
    int64_t step;                      /* batches before it, of the run */
} yti_step_place;

/* What is told of a step beside what is found in it. */
typedef struct yti_step_story {
    yti_step_place at;
    const char *noticed;       /* by which the run noticed it */
    const char *history;       /* the steps before, in lines */
    const char *const *images; /* [n_images] paths of all pictures in the batch */
    int n_images;
} yti_step_story;

typedef struct yti_step_loss {
    yti_loss_result branch[2];
    double total;
} yti_step_loss;

/* Of the maps that the model holds; fills the gradients of the head's maps. */
yt_status yti_step_loss_of(const yti_step *step, yti_step_loss *out, yt_err *err);

/* "box_loss", "cls_loss", "dfl_loss" or "l1_loss". */
const char *yti_loss_name(const yti_model *model, int term);

/* " of the one-to-many branch", or "" where there is one branch only. */
const char *yti_branch_text(const yti_model *model, int branch);

/* Runs the step forwards and, where all is finite so far, backwards. model->state.buffers must be as before the
 * step; they move. The gradients are those of this batch and of those waiting afterwards. */
yt_status yti_find_non_finite(const yti_step *step, yti_finding *out, yt_err *err);

/* ---- finite_text.c ---- */

/* "nan", "inf" or "-inf". The sign of a NaN says nothing to a person. */
const char *yti_value_text(double value);

/* "nan in the activation of model.3.cv1.conv (row 3, C2f) at image 0, y 3, x 5, channel 7". */
void yti_finding_sentence(const yti_finding *finding, char *text, size_t room);

/* The finding with its inputs and the loss, in lines. */
void yti_finding_print(const yti_finding *finding, const yti_model *model, FILE *out);

/* The whole report: where the step stands, by what it was noticed, the finding, the steps before, the images.
 * malloc'd; NULL: no memory. */
char *yti_step_report(const yti_step_story *story, const yti_finding *finding, const yti_model *model);

/* The finding as a text that is equal exactly where all of its bits are. malloc'd; NULL: no memory. */
char *yti_finding_bits(const yti_finding *finding);

#endif
