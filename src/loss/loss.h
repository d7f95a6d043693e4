/* loss.h: the detection loss of the reference trainer: task-aligned assignment, CIoU, BCE, DFL or L1 (spec training 3).
 */
#ifndef YT_LOSS_H
#define YT_LOSS_H

#include "base/status.h"
#include "tensor/batch.h"
#include "tensor/head.h"

#include <stdbool.h>
#include <stdint.h>

/* The three terms. Names in logs: box_loss, cls_loss, and dfl_loss (reg_max > 1) or l1_loss (reg_max = 1). */
enum { YT_LOSS_BOX, YT_LOSS_CLS, YT_LOSS_DFL, YT_LOSS_TERMS };

typedef struct yti_loss_gains {
    float box, cls, dfl; /* the reference trainer's: 7.5, 0.5, 1.5 */
} yti_loss_gains;

/* How anchors are assigned to boxes; the reference trainer's constants alpha 0.5, beta 6, eps 1e-9 are fixed. */
typedef struct yti_assigner {
    int topk;               /* candidates per box: 10; one-to-one branch 7 */
    int topk2;              /* kept per box after conflicts are resolved: = topk; one-to-one branch 1 */
    bool widen_below_first; /* sides are widened to the second stride where they are shorter than the first, as the
                                reference trainer did until 8.4.104; else where they are shorter than the second */
} yti_assigner;

/* The reference trainer's values for a one-to-one branch, or for any other. */
yti_assigner yti_assigner_of(bool one_to_one);

/* The loss of one branch on one batch. */
typedef struct yti_loss_result {
    double terms[YT_LOSS_TERMS]; /* gained (x box, cls, dfl gain), not multiplied by the batch size */
    double total;                /* sum of terms x images in the batch: what is back-propagated at weight 1 */
    double target_sum;           /* T = max(sum of target scores, 1) */
    int foreground;              /* anchors assigned to a box */
} yti_loss_result;

/* Working memory of the loss, grown when a batch needs more and kept between calls. */
typedef struct yti_loss yti_loss;
yt_status yti_loss_create(yti_loss **out, yt_err *err);
void yti_loss_destroy(yti_loss *loss); /* NULL is fine */

/* The weights of the classes for cls_pw = power: count^-power, divided by their mean. A class without boxes gets the
 * mean weight of the others, 1 after the division; with absent_counts_once, as the reference trainer until 8.4.104,
 * it counts as a class with one box, which makes it the heaviest of all. */
void yti_loss_class_weights(const int64_t *counts, int n_classes, double power, bool absent_counts_once,
                            float *weights);

/* Multiplies each class's part of the class loss by its weight from now on. Copies them; NULL: all 1. */
yt_status yti_loss_weigh_classes(yti_loss *loss, const float *weights, int n_classes, yt_err *err);

/* How the loss of a branch is made. */
typedef struct yti_loss_rule {
    yti_loss_gains gains;
    yti_assigner assigner;
    double weight; /* the branch's share of the whole loss; 1 for a single-branch head */
} yti_loss_rule;

/* Loss of one head branch on one batch. Where the levels' d_box and d_cls have data, they are overwritten by weight
 * * d total / d box and cls. The network input measures level[0].h * level[0].stride by level[0].w * level[0].stride
 * pixels. Deterministic for any number of threads. Targets with a class outside [0, n_classes), or weights for another
 * number of classes, are an ARGUMENT error. */
yt_status yti_loss_branch(yti_loss *loss, const yti_head *head, const yti_targets *targets, const yti_loss_rule *rule,
                          int threads, yti_loss_result *out, yt_err *err);

/* The branch weights of an end-to-end head in epoch e of n_epochs (spec training 3.6): one-to-many falls linearly
 * from 0.8 to 0.1, one-to-one takes the rest. */
void yti_loss_branch_weights(int epoch, int n_epochs, double *one_to_many, double *one_to_one);

#endif
