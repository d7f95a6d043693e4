/* yolo_loss.c: value and gradient of the detection loss of one head branch.
 *
 * With the matches of assign.c (anchor a, its box, score w_a) and T = max(sum of w_a, 1):
 *     cls   = gain * sum over anchors and classes weight_class * BCE(logit, target) / T
 *                                                         target = w_a at the box's class, else 0
 *     box   = gain * sum over matches w_a (1 - CIoU) / T                   in grid units
 *     side  = gain * sum over matches w_a mean over 4 sides (...) / T      reg_max > 1: DFL, = 1: L1
 *     total = (cls + box + side) * images
 * Matches, scores and T are constants for the gradient.
 *
 * BCE(x, t) = softplus(x) - t*x, so the classes are one kernel sweep against zero and a correction at the few matches.
 * Everything per match is in double; the terms are kept per match and added in order, which makes the sums independent
 * of the number of threads. A NaN or infinity in the outputs makes the result NaN.
 */
#include "kernels/kernels.h"
#include "loss/assign.h"
#include "loss/distance.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct yti_loss {
    yti_assignment assignment;
    float *class_weights; /* [n_weights], with the slack that kernels may read; NULL: all 1 */
    int n_weights;
};

/* One call. */
typedef struct branch {
    const yti_head *head;
    const yti_targets *targets;
    const yti_assignment *assignment;
    yti_loss_gains gains;
    const float *class_weights;
    double target_sum; /* T */
    double scale;      /* d (weight * total) / d (a term before division by T): weight * images / T */
    int threads;
} branch;

yt_status yti_loss_create(yti_loss **out, yt_err *err) {
    yti_loss *loss = calloc(1, sizeof *loss);
    if (!loss) return yti_no_memory(err, "the loss");
    *out = loss;
    return YT_OK;
}

void yti_loss_destroy(yti_loss *loss) {
    if (!loss) return;
    yti_assignment_deinit(&loss->assignment);
    free(loss->class_weights);
    free(loss);
}

void yti_loss_class_weights(const int64_t *counts, int n_classes, double power, bool absent_counts_once,
                            float *weights) {
    double sum = 0;
    int counted = 0;
    for (int i = 0; i < n_classes; i++) {
        weights[i] = counts[i] > 0 ? (float)pow((double)counts[i], -power) : 1;
        if (counts[i] == 0 && !absent_counts_once) continue;
        sum += (double)weights[i];
        counted++;
    }
    for (int i = 0; i < n_classes; i++)
        if (counts[i] > 0 || absent_counts_once) weights[i] = (float)((double)weights[i] * counted / sum);
}

yt_status yti_loss_weigh_classes(yti_loss *loss, const float *weights, int n_classes, yt_err *err) {
    float *copy = weights ? calloc((size_t)n_classes + YT_READ_SLACK, sizeof *copy) : NULL;
    if (weights && !copy) return yti_no_memory(err, "%d class weights", n_classes);
    if (weights) memcpy(copy, weights, (size_t)n_classes * sizeof *copy);
    free(loss->class_weights);
    loss->class_weights = copy;
    loss->n_weights = n_classes;
    return YT_OK;
}

yti_assigner yti_assigner_of(bool one_to_one) {
    return one_to_one ? (yti_assigner){.topk = 7, .topk2 = 1} : (yti_assigner){.topk = 10, .topk2 = 10};
}

void yti_loss_branch_weights(int epoch, int n_epochs, double *one_to_many, double *one_to_one) {
    double last = n_epochs > 2 ? n_epochs - 1 : 1;
    double left = 1 - epoch / last;
    *one_to_many = (left > 0 ? left : 0) * (0.8 - 0.1) + 0.1;
    *one_to_one = 1 - *one_to_many > 0 ? 1 - *one_to_many : 0;
}

/* ---- arguments ---- */

static bool is_map(const yti_tensor *t, const yti_tensor *like, int c) {
    return t->n == like->n && t->h == like->h && t->w == like->w && t->c == c && t->ld >= c;
}

static bool level_fits(const yti_head *head, const yti_head_level *level) {
    const yti_tensor *box = &level->box;
    return level->stride > 0 && box->data && level->cls.data && box->n == head->level[0].box.n && box->h > 0 &&
           box->w > 0 && is_map(box, box, 4 * head->reg_max) && is_map(&level->cls, box, head->n_classes) &&
           (!level->d_box.data || is_map(&level->d_box, box, 4 * head->reg_max)) &&
           (!level->d_cls.data || is_map(&level->d_cls, box, head->n_classes));
}

static yt_status check_head(const yti_head *head, yt_err *err) {
    if (head->n_levels < 1 || head->n_levels > YT_MAX_LEVELS || head->reg_max < 1 || head->reg_max > INT_MAX / 4 ||
        head->n_classes < 1 || head->level[0].box.n < 1) {
        return yt_fail(err, YT_ERR_ARGUMENT, "a head of %d levels, %d bins and %d classes on %d images has no loss",
                       head->n_levels, head->reg_max, head->n_classes, head->level[0].box.n);
    }
    long long anchors = 0;
    for (int i = 0; i < head->n_levels; i++) {
        const yti_head_level *level = &head->level[i];
        if (!level_fits(head, level)) {
            return yt_fail(err, YT_ERR_ARGUMENT, "the maps of head level %d do not fit each other or the head", i);
        }
        anchors += (long long)level->box.h * level->box.w;
    }
    if (anchors > INT_MAX) return yt_fail(err, YT_ERR_ARGUMENT, "a head with %lld anchors is too large", anchors);
    return YT_OK;
}

static yt_status check_targets(const yti_targets *targets, int images, int n_classes, yt_err *err) {
    for (int i = 0; i < targets->count; i++) {
        int image = targets->image[i], class_id = targets->class_id[i];
        if (image < (i ? targets->image[i - 1] : 0) || image >= images) {
            return yt_fail(err, YT_ERR_ARGUMENT, "box %d belongs to image %d; images are 0 to %d, in order", i, image,
                           images - 1);
        }
        if (class_id < 0 || class_id >= n_classes) {
            return yt_fail(err, YT_ERR_ARGUMENT, "box %d has class %d; classes are 0 to %d", i, class_id,
                           n_classes - 1);
        }
    }
    return YT_OK;
}

/* ---- classes ---- */

static float *at_match(const yti_tensor *t, const yti_match *m) {
    return t->data ? t->data + ((ptrdiff_t)m->image * t->h * t->w + m->pixel) * t->ld : NULL;
}

/* Sum of weighted BCE over all anchors and classes. */
static double class_loss(const branch *b) {
    const yti_kernels *kernels = yti_kernels_get();
    double weight = b->scale * (double)b->gains.cls, sum = 0;
    for (int i = 0; i < b->head->n_levels; i++) {
        const yti_head_level *level = &b->head->level[i];
        sum += kernels->bce_background(&level->cls, (float)weight, b->class_weights, &level->d_cls, b->threads);
    }
    for (int i = 0; i < b->assignment->count; i++) {
        const yti_match *m = &b->assignment->matches[i];
        const yti_head_level *level = &b->head->level[m->level];
        int class_id = b->targets->class_id[m->target];
        double logit = (double)at_match(&level->cls, m)[class_id];
        double each = b->class_weights ? (double)b->class_weights[class_id] : 1;
        float *d = at_match(&level->d_cls, m);
        sum -= each * m->score * logit;
        if (d) d[class_id] = (float)(weight * each * (1 / (1 + exp(-logit)) - m->score));
    }
    return sum;
}

/* ---- boxes ---- */

/* The side term of DFL heads: mean cross-entropy of the four distributions. d_side is the gradient that arrives at
 * the distances from elsewhere (CIoU); d_term that of the whole term. */
static double side_loss_bins(const float *x, int reg_max, const double target[4], const double d_side[4], double d_term,
                             float *d) {
    double sum = 0, highest = reg_max - 1 - 0.01;
    for (int i = 0; i < 4; i++) {
        double t = target[i] > 0 ? target[i] < highest ? target[i] : highest : 0;
        yti_bins bins = yti_bins_of(x + i * reg_max, reg_max);
        sum += yti_bins_loss(&bins, x + i * reg_max, reg_max, t, d_side[i], d_term / 4, d ? d + i * reg_max : NULL);
    }
    return sum / 4;
}

/* The side term of heads without bins: mean absolute error as a part of the input's width or height. */
static double side_loss_l1(const float *x, const double target[4], const double unit[2], const double d_side[4],
                           double d_term, float *d) {
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double error = ((double)x[i] - target[i]) * unit[i % 2];
        double sign = error > 0 ? 1 : error < 0 ? -1 : error; /* error: 0 or NaN */
        sum += fabs(error);
        if (d) d[i] = (float)(d_side[i] + d_term / 4 * sign * unit[i % 2]);
    }
    return sum / 4;
}

/* Both box terms of one match, and their gradient. */
static void box_loss(const branch *b, yti_match *m) {
    const yti_head_level *level = &b->head->level[m->level], *finest = &b->head->level[0];
    const float *x = at_match(&level->box, m);
    float *d = at_match(&level->d_box, m);
    double stride = level->stride, ax = m->pixel % level->box.w + 0.5, ay = m->pixel / level->box.w + 0.5;
    yt_xyxy px = b->assignment->boxes[m->target];
    const double truth[4] = {(double)px.x1 / stride, (double)px.y1 / stride, (double)px.x2 / stride,
                             (double)px.y2 / stride};
    double sides[4], g[4];
    yti_distances(x, b->head->reg_max, sides);
    const double box[4] = {ax - sides[0], ay - sides[1], ax + sides[2], ay + sides[3]};
    m->box_term = m->score * (1 - yti_box_ciou(box, truth, g));

    double d_box = b->scale * (double)b->gains.box * m->score;
    double d_term = b->scale * (double)b->gains.dfl * m->score;
    /* left and top are subtracted from the anchor, which turns the sign of the CIoU's -g */
    const double d_side[4] = {d_box * g[0], d_box * g[1], -d_box * g[2], -d_box * g[3]};
    const double target[4] = {ax - truth[0], ay - truth[1], truth[2] - ax, truth[3] - ay};
    double term;
    if (b->head->reg_max > 1) {
        term = side_loss_bins(x, b->head->reg_max, target, d_side, d_term, d);
    } else {
        const double unit[2] = {stride / ((double)finest->box.w * finest->stride),
                                stride / ((double)finest->box.h * finest->stride)};
        term = side_loss_l1(x, target, unit, d_side, d_term, d);
    }
    m->side_term = m->score * term;
}

static void box_losses(const branch *b, double *box, double *side) {
    const yti_kernels *kernels = yti_kernels_get();
    yti_match *matches = b->assignment->matches;
    for (int i = 0; i < b->head->n_levels; i++) {
        const yti_tensor *d_box = &b->head->level[i].d_box;
        if (d_box->data) kernels->fill(d_box, 0, b->threads);
    }
#pragma omp parallel for schedule(static) num_threads(b->threads)
    for (int i = 0; i < b->assignment->count; i++) box_loss(b, &matches[i]);
    for (int i = 0; i < b->assignment->count; i++) {
        *box += matches[i].box_term;
        *side += matches[i].side_term;
    }
}

/* ---- the whole ---- */

yt_status yti_loss_branch(yti_loss *loss, const yti_head *head, const yti_targets *targets, const yti_loss_rule *rule,
                          int threads, yti_loss_result *out, yt_err *err) {
    const yti_assigner assigner = rule->assigner;
    const yti_loss_gains gains = rule->gains;
    YT_TRY(check_head(head, err));
    int images = head->level[0].box.n;
    YT_TRY(check_targets(targets, images, head->n_classes, err));
    if (loss->class_weights && loss->n_weights != head->n_classes) {
        return yt_fail(err, YT_ERR_ARGUMENT, "there are weights for %d classes, the head has %d", loss->n_weights,
                       head->n_classes);
    }
    if (assigner.topk < 1 || assigner.topk2 < 1) {
        return yt_fail(err, YT_ERR_ARGUMENT, "topk %d and topk2 %d of the assigner must be at least 1", assigner.topk,
                       assigner.topk2);
    }
    threads = threads > 1 ? threads : 1;
    YT_TRY(yti_assign(&loss->assignment, head, targets, assigner, threads, err));

    double scores = 0, box = 0, side = 0;
    for (int i = 0; i < loss->assignment.count; i++) scores += loss->assignment.matches[i].score;
    branch b = {.head = head,
                .targets = targets,
                .assignment = &loss->assignment,
                .gains = gains,
                .class_weights = loss->class_weights,
                .target_sum = scores < 1 ? 1 : scores, /* keeps a NaN */
                .threads = threads};
    b.scale = rule->weight * images / b.target_sum;
    double cls = class_loss(&b);
    box_losses(&b, &box, &side);
    *out = (yti_loss_result){.terms = {[YT_LOSS_BOX] = (double)gains.box * box / b.target_sum,
                                       [YT_LOSS_CLS] = (double)gains.cls * cls / b.target_sum,
                                       [YT_LOSS_DFL] = (double)gains.dfl * side / b.target_sum},
                             .target_sum = b.target_sum,
                             .foreground = loss->assignment.count};
    out->total = (out->terms[YT_LOSS_BOX] + out->terms[YT_LOSS_CLS] + out->terms[YT_LOSS_DFL]) * images;
    return YT_OK;
}
