/* Tests of src/loss/yolo_loss.c: value and gradient against the definition written plainly in double, the matches
 * being those of the assigner (which has its own tests) and held constant, as the gradient has it. */
#include "base/rng.h"
#include "kernels/kernels.h"
#include "loss/assign.h"
#include "support/heads.h"
#include "support/near.h"
#include "support/plain_ciou.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const yti_loss_gains GAINS = {7.5f, 0.5f, 1.5f};
static const yti_assigner ONE_TO_MANY = {10, 10, false}, ONE_TO_ONE = {7, 1, false};

/* ---- the plain loss ---- */

/* Which single number is moved, for central differences. */
typedef struct nudge {
    const float *at;
    double by;
} nudge;

typedef struct plain_loss {
    const made_head *made;
    const yti_assignment *matches;
    const float *weights; /* of the classes; NULL: all 1 */
    double *alpha;        /* [matches] constant of CIoU; negative: to be computed */
    nudge nudge;
} plain_loss;

static double value(const plain_loss *p, const float *at) {
    return (double)*at + (at == p->nudge.at ? p->nudge.by : 0);
}

static double log_softmax(const plain_loss *p, const float *x, int bins, int k) {
    double sum = 0;
    for (int j = 0; j < bins; j++) sum += exp(value(p, &x[j]));
    return value(p, &x[k]) - log(sum);
}

static double distance(const plain_loss *p, const float *x, int bins) {
    if (bins == 1) return value(p, x);
    double mean = 0;
    for (int k = 0; k < bins; k++) mean += k * exp(log_softmax(p, x, bins, k));
    return mean;
}

/* Box and side term of match i, weighted by its score. */
static void plain_box(const plain_loss *p, int i, double *box_term, double *side_term) {
    const yti_match *m = &p->matches->matches[i];
    const yti_head *head = &p->made->head;
    const yti_head_level *lv = &head->level[m->level];
    const float *x = made_pixel(&lv->box, m->image, m->pixel);
    double input[2] = {head->level[0].box.w * 8.0, head->level[0].box.h * 8.0};
    double stride = lv->stride, point[2] = {m->pixel % lv->box.w + 0.5, m->pixel / lv->box.w + 0.5};
    yti_cxcywh t = p->made->targets.boxes[m->target];
    double centre[2] = {(double)t.cx * input[0], (double)t.cy * input[1]};
    double size[2] = {(double)t.w * input[0], (double)t.h * input[1]};
    double guess[4], truth[4], side = 0;
    int bins = head->reg_max;
    for (int k = 0; k < 4; k++) {
        int axis = k % 2, sign = k < 2 ? -1 : 1;
        double d = distance(p, x + k * bins, bins);
        truth[k] = (centre[axis] + sign * size[axis] / 2) / stride;
        guess[k] = point[axis] + sign * d;
        double wanted = sign * (truth[k] - point[axis]);
        if (bins == 1) {
            side += fabs(d * stride / input[axis] - wanted * stride / input[axis]) / 4;
        } else {
            wanted = fmin(fmax(wanted, 0), bins - 1.01);
            double left = floor(wanted), right = left + 1;
            side -= (right - wanted) * log_softmax(p, x + k * bins, bins, (int)left) / 4;
            side -= (wanted - left) * log_softmax(p, x + k * bins, bins, (int)right) / 4;
        }
    }
    *box_term = m->score * (1 - test_plain_ciou(guess, truth, &p->alpha[i]));
    *side_term = m->score * side;
}

static double class_weight(const plain_loss *p, int c) {
    return p->weights ? (double)p->weights[c] : 1;
}

static double plain_classes(const plain_loss *p) {
    const yti_head *head = &p->made->head;
    double sum = 0;
    for (int l = 0; l < head->n_levels; l++) {
        const yti_tensor *cls = &head->level[l].cls;
        for (int n = 0; n < cls->n; n++) {
            for (int i = 0; i < cls->h * cls->w; i++) {
                for (int c = 0; c < cls->c; c++) {
                    double q = 1 / (1 + exp(-value(p, &made_pixel(cls, n, i)[c])));
                    sum -= class_weight(p, c) * log(1 - q);
                }
            }
        }
    }
    for (int i = 0; i < p->matches->count; i++) {
        const yti_match *m = &p->matches->matches[i];
        int c = p->made->targets.class_id[m->target];
        sum -= class_weight(p, c) * m->score * value(p, &made_pixel(&head->level[m->level].cls, m->image, m->pixel)[c]);
    }
    return sum;
}

/* The terms, times gain, over T; returns T. */
static double plain_terms(const plain_loss *p, double terms[YT_LOSS_TERMS]) {
    double scores = 0;
    memset(terms, 0, YT_LOSS_TERMS * sizeof *terms);
    for (int i = 0; i < p->matches->count; i++) {
        double box, side;
        plain_box(p, i, &box, &side);
        terms[YT_LOSS_BOX] += box, terms[YT_LOSS_DFL] += side;
        scores += p->matches->matches[i].score;
    }
    double t = fmax(scores, 1);
    terms[YT_LOSS_BOX] *= (double)GAINS.box / t;
    terms[YT_LOSS_CLS] = (double)GAINS.cls * plain_classes(p) / t;
    terms[YT_LOSS_DFL] *= (double)GAINS.dfl / t;
    return t;
}

static double plain_total(const plain_loss *p) {
    double terms[YT_LOSS_TERMS];
    plain_terms(p, terms);
    return p->made->head.level[0].box.n * (terms[YT_LOSS_BOX] + terms[YT_LOSS_CLS] + terms[YT_LOSS_DFL]);
}

/* ---- set-up ---- */

typedef struct trial {
    made_head made;
    yti_assignment matches;
    plain_loss plain;
    yti_loss *loss;
    yti_loss_result result;
} trial;

static made_options small(int reg_max) {
    return (made_options){.images = 2,
                          .width = 96,
                          .height = 64,
                          .n_levels = 3,
                          .n_classes = 3,
                          .reg_max = reg_max,
                          .boxes = 7,
                          .gradients = 1,
                          .seed = 11};
}

static trial trial_create(made_options options, yti_assigner rule, double weight) {
    trial t = {.made = made_head_create(options)};
    yt_err err;
    cr_assert_eq(yti_loss_create(&t.loss, &err), YT_OK);
    cr_assert_eq(yti_assign(&t.matches, &t.made.head, &t.made.targets, rule, 1, &err), YT_OK);
    cr_assert_eq(yti_loss_branch(t.loss, &t.made.head, &t.made.targets, &(yti_loss_rule){GAINS, rule, weight}, 2,
                                 &t.result, &err),
                 YT_OK);
    t.plain.matches = NULL;
    return t;
}

/* Computes the loss anew with weights of the classes. */
static void trial_weigh(trial *t, yti_assigner rule, double weight, const float weights[3]) {
    cr_assert_eq(yti_loss_weigh_classes(t->loss, weights, 3, NULL), YT_OK);
    cr_assert_eq(yti_loss_branch(t->loss, &t->made.head, &t->made.targets, &(yti_loss_rule){GAINS, rule, weight}, 2,
                                 &t->result, NULL),
                 YT_OK);
}

/* After the trial has found its place: points the plain loss at it. */
static void trial_prepare(trial *t, const float *weights) {
    double terms[YT_LOSS_TERMS];
    t->plain = (plain_loss){.made = &t->made, .matches = &t->matches, .weights = weights};
    t->plain.alpha = malloc(((size_t)t->matches.count + 1) * sizeof(double));
    cr_assert(t->plain.alpha != NULL);
    for (int i = 0; i < t->matches.count; i++) t->plain.alpha[i] = -1;
    plain_terms(&t->plain, terms);
}

static void trial_destroy(trial *t) {
    free(t->plain.alpha);
    yti_assignment_deinit(&t->matches);
    yti_loss_destroy(t->loss);
    made_head_destroy(&t->made);
}

/* ---- values ---- */

static void check_value(int reg_max, yti_assigner rule, const float *weights) {
    trial t = trial_create(small(reg_max), rule, 1);
    double terms[YT_LOSS_TERMS], sum = 0;
    if (weights) trial_weigh(&t, rule, 1, weights);
    trial_prepare(&t, weights);
    cr_assert_gt(t.matches.count, 3);
    cr_assert(test_near(t.result.target_sum, plain_terms(&t.plain, terms), 1e-12));
    cr_assert_eq(t.result.foreground, t.matches.count);
    for (int i = 0; i < YT_LOSS_TERMS; i++) {
        /* 1e-6: boxes in float32 pixels, softplus in float32 in the class kernel */
        cr_assert(test_near(t.result.terms[i], terms[i], 1e-6 * terms[i]), "term %d: %.9g against %.9g", i,
                  t.result.terms[i], terms[i]);
        cr_assert_gt(t.result.terms[i], 0);
        sum += t.result.terms[i];
    }
    cr_assert(test_near(t.result.total, 2 * sum, 1e-12 * sum), "times the two images");
    trial_destroy(&t);
}

Test(loss, value_without_bins_is_that_of_the_definition) {
    check_value(1, ONE_TO_MANY, NULL);
    check_value(1, ONE_TO_ONE, NULL);
}

Test(loss, value_with_bins_is_that_of_the_definition) {
    check_value(4, ONE_TO_MANY, NULL);
    check_value(4, ONE_TO_ONE, NULL);
    check_value(16, ONE_TO_MANY, NULL);
    check_value(16, ONE_TO_ONE, NULL);
}

static const float UNEVEN[3] = {0.25f, 2, 0.75f};

Test(loss, classes_count_by_their_weights) {
    check_value(1, ONE_TO_ONE, UNEVEN);
    check_value(16, ONE_TO_MANY, UNEVEN);
}

/* 1/4, 1/16 and 1: their mean is 21/48 = 7/16, which the class without boxes has too. */
Test(loss, weights_of_classes_fall_with_their_boxes) {
    static const int64_t counts[] = {4, 16, 0, 1};
    static const double want[] = {4 / 7.0, 1 / 7.0, 1, 16 / 7.0};
    float weights[4];
    yti_loss_class_weights(counts, 4, 1, false, weights);
    for (int i = 0; i < 4; i++) cr_assert(test_near((double)weights[i], want[i], 1e-6), "class %d", i);
    yti_loss_class_weights(counts, 2, 0.5, false, weights); /* 1/2 and 1/4 */
    cr_assert(test_near((double)weights[0], 4 / 3.0, 1e-6) && test_near((double)weights[1], 2 / 3.0, 1e-6));
}

/* 1/4, 1/16, 1 for no boxes and 1: their mean is 37/64. */
Test(loss, a_class_without_boxes_was_the_heaviest_until_8_4_104) {
    static const int64_t counts[] = {4, 16, 0, 1};
    static const double want[] = {16 / 37.0, 4 / 37.0, 64 / 37.0, 64 / 37.0};
    float weights[4];
    yti_loss_class_weights(counts, 4, 1, true, weights);
    for (int i = 0; i < 4; i++) cr_assert(test_near((double)weights[i], want[i], 1e-6), "class %d", i);
}

/* Not a division by nothing. */
Test(loss, classes_that_all_lack_boxes_weigh_one_each) {
    static const int64_t counts[3] = {0};
    float weights[3] = {0};
    yti_loss_class_weights(counts, 3, 1, false, weights);
    for (int i = 0; i < 3; i++) cr_assert(weights[i] == 1);
}

Test(loss, weights_for_other_classes_are_refused_and_may_be_taken_back) {
    trial t = trial_create(small(1), ONE_TO_ONE, 1);
    yti_loss_result plain = t.result, result;
    yt_err err;
    cr_assert_eq(yti_loss_weigh_classes(t.loss, UNEVEN, 2, NULL), YT_OK);
    cr_assert_eq(yti_loss_branch(t.loss, &t.made.head, &t.made.targets, &(yti_loss_rule){GAINS, ONE_TO_ONE, 1}, 1,
                                 &result, &err),
                 YT_ERR_ARGUMENT);
    cr_assert_str_eq(err.text, "there are weights for 2 classes, the head has 3");
    cr_assert_eq(yti_loss_weigh_classes(t.loss, NULL, 3, NULL), YT_OK);
    cr_assert_eq(yti_loss_branch(t.loss, &t.made.head, &t.made.targets, &(yti_loss_rule){GAINS, ONE_TO_ONE, 1}, 1,
                                 &result, &err),
                 YT_OK);
    cr_assert(result.total == plain.total);
    trial_destroy(&t);
}

/* One anchor, one class. Logit ln 3: p = 3/4, softplus = ln 4. The prediction equals the box (20..36 px wide): CIoU
 * = 1, L1 = 0, score = 1, T = 1, so only the class term remains: ln 4 - ln 3 (cells apart have p = 0). */
Test(loss, of_a_perfect_prediction_is_the_class_term) {
    trial t = {0};
    yt_err err;
    t.made = made_head_create((made_options){
        .images = 1, .width = 64, .height = 64, .n_levels = 1, .n_classes = 1, .reg_max = 1, .boxes = 1});
    yti_head_level *level = &t.made.head.level[0];
    for (int p = 0; p < 64; p++) {
        for (int k = 0; k < 4; k++) made_pixel(&level->box, 0, p)[k] = 0.125f;
        made_pixel(&level->cls, 0, p)[0] = -200;
    }
    for (int k = 0; k < 4; k++) made_pixel(&level->box, 0, 3 * 8 + 3)[k] = 1;
    made_pixel(&level->cls, 0, 3 * 8 + 3)[0] = (float)log(3);
    t.made.boxes[0] = (yti_cxcywh){28 / 64.f, 28 / 64.f, 16 / 64.f, 16 / 64.f};
    cr_assert_eq(yti_loss_create(&t.loss, &err), YT_OK);
    cr_assert_eq(yti_loss_branch(t.loss, &t.made.head, &t.made.targets, &(yti_loss_rule){GAINS, ONE_TO_ONE, 1}, 1,
                                 &t.result, &err),
                 YT_OK);
    cr_assert_eq(t.result.foreground, 1);
    cr_assert(test_near(t.result.target_sum, 1, 0));
    cr_assert(test_near(t.result.terms[YT_LOSS_CLS], 0.5 * log(4.0 / 3), 1e-6));
    cr_assert(test_near(t.result.terms[YT_LOSS_BOX], 0, 1e-6));
    cr_assert(test_near(t.result.terms[YT_LOSS_DFL], 0, 1e-9));
    trial_destroy(&t);
}

/* One pixel around the point (20, 20) of a cell, predicted as two pixels: overlap 1/4, so the score is 1/4 but for
 * the 1e-9 beside an align of 1.7e-4, and T is 1. Box: 7.5 * 1/4 * 3/4. L1: 1.5 * 1/4 * half a pixel of 64. */
Test(loss, of_an_object_of_one_pixel_is_that_of_the_definition) {
    trial t = {0};
    t.made = made_head_create((made_options){
        .images = 1, .width = 64, .height = 64, .n_levels = 1, .n_classes = 1, .reg_max = 1, .boxes = 1});
    yti_head_level *level = &t.made.head.level[0];
    for (int p = 0; p < 64; p++) {
        for (int k = 0; k < 4; k++) made_pixel(&level->box, 0, p)[k] = 1 / 8.f;
        made_pixel(&level->cls, 0, p)[0] = 0;
    }
    t.made.boxes[0] = (yti_cxcywh){20 / 64.f, 20 / 64.f, 1 / 64.f, 1 / 64.f};
    cr_assert_eq(yti_loss_create(&t.loss, NULL), YT_OK);
    cr_assert_eq(yti_loss_branch(t.loss, &t.made.head, &t.made.targets, &(yti_loss_rule){GAINS, ONE_TO_MANY, 1}, 1,
                                 &t.result, NULL),
                 YT_OK);
    cr_assert_eq(t.result.foreground, 1);
    cr_assert(test_near(t.result.terms[YT_LOSS_BOX], 7.5 * 3 / 16, 2e-5), "%.9g", t.result.terms[YT_LOSS_BOX]);
    cr_assert(test_near(t.result.terms[YT_LOSS_DFL], 1.5 / 4 / 128, 1e-7), "%.9g", t.result.terms[YT_LOSS_DFL]);
    trial_destroy(&t);
}

/* ---- gradients ---- */

/* Central differences in double, step 1e-5: truncation of order 1e-10, rounding 1e-16 * total / 1e-5; totals are of
 * order 100, so 1e-9. The gradient itself is stored in float32 (6e-8 relative), and the class kernel computes in
 * float32. */
static void check_slope(trial *t, const float *x, const float *d, double weight) {
    const double step = 1e-5;
    t->plain.nudge = (nudge){x, step};
    double up = plain_total(&t->plain);
    t->plain.nudge = (nudge){x, -step};
    double slope = weight * (up - plain_total(&t->plain)) / (2 * step);
    t->plain.nudge = (nudge){0};
    cr_assert(test_near((double)*d, slope, 1e-7 + 1e-5 * fabs(slope)), "%.9g against a slope of %.9g", (double)*d,
              slope);
}

/* Every channel of every foreground anchor, and a few hundred class logits anywhere. */
static void check_gradient(int reg_max, yti_assigner rule, double weight, const float *weights) {
    made_options o = small(reg_max);
    if (reg_max == 16) o.images = 1, o.boxes = 4; /* a plain total per logit is slow */
    trial t = trial_create(o, rule, weight);
    if (weights) trial_weigh(&t, rule, weight, weights);
    trial_prepare(&t, weights);
    for (int i = 0; i < t.matches.count; i++) {
        const yti_match *m = &t.matches.matches[i];
        const yti_head_level *lv = &t.made.head.level[m->level];
        for (int c = 0; c < 4 * reg_max; c++) {
            check_slope(&t, &made_pixel(&lv->box, m->image, m->pixel)[c],
                        &made_pixel(&lv->d_box, m->image, m->pixel)[c], weight);
        }
        for (int c = 0; c < 3; c++) {
            check_slope(&t, &made_pixel(&lv->cls, m->image, m->pixel)[c],
                        &made_pixel(&lv->d_cls, m->image, m->pixel)[c], weight);
        }
    }
    yti_rng rng = yti_rng_make(3, 0, 0, YT_RNG_TEST);
    for (int i = 0; i < 100; i++) {
        const yti_head_level *lv = &t.made.head.level[yti_rng_below(&rng, 3)];
        int image = (int)yti_rng_below(&rng, (uint32_t)lv->box.n);
        int pixel = (int)yti_rng_below(&rng, (uint32_t)(lv->box.h * lv->box.w));
        int c = (int)yti_rng_below(&rng, 3);
        check_slope(&t, &made_pixel(&lv->cls, image, pixel)[c], &made_pixel(&lv->d_cls, image, pixel)[c], weight);
    }
    cr_assert_eq(made_head_damage(&t.made), 0);
    trial_destroy(&t);
}

Test(loss, gradient_with_weights_of_classes_is_the_slope) {
    check_gradient(1, ONE_TO_MANY, 0.7, UNEVEN);
}

Test(loss, gradient_without_bins_is_the_slope) {
    check_gradient(1, ONE_TO_MANY, 1, NULL);
    check_gradient(1, ONE_TO_ONE, 0.3, NULL);
}

Test(loss, gradient_with_bins_is_the_slope) {
    check_gradient(4, ONE_TO_MANY, 1, NULL);
    check_gradient(4, ONE_TO_ONE, 0.3, NULL);
}

Test(loss, gradient_with_sixteen_bins_is_the_slope) {
    check_gradient(16, ONE_TO_MANY, 1, NULL);
    check_gradient(16, ONE_TO_ONE, 0.3, NULL);
}

/* The gradients held the guard value before. */
Test(loss, background_anchors_have_no_box_gradient) {
    trial t = trial_create(small(4), ONE_TO_MANY, 1);
    int background = 0;
    for (int l = 0; l < 3; l++) {
        const yti_tensor *d = &t.made.head.level[l].d_box;
        for (int n = 0; n < d->n; n++) {
            for (int p = 0; p < d->h * d->w; p++) {
                int foreground = 0;
                for (int i = 0; i < t.matches.count; i++) {
                    const yti_match *m = &t.matches.matches[i];
                    foreground |= m->image == n && m->level == l && m->pixel == p;
                }
                for (int c = 0; !foreground && c < d->c; c++) cr_assert(made_pixel(d, n, p)[c] == 0);
                background += !foreground;
            }
        }
    }
    cr_assert_gt(background, 50);
    trial_destroy(&t);
}

/* ---- behaviour ---- */

Test(loss, without_boxes_only_the_class_term_is_left) {
    made_options o = small(16);
    o.boxes = 0;
    trial t = trial_create(o, ONE_TO_MANY, 1);
    double terms[YT_LOSS_TERMS];
    trial_prepare(&t, NULL);
    plain_terms(&t.plain, terms);
    cr_assert(t.result.terms[YT_LOSS_BOX] == 0 && t.result.terms[YT_LOSS_DFL] == 0);
    cr_assert(t.result.target_sum == 1 && t.result.foreground == 0);
    cr_assert(test_near(t.result.terms[YT_LOSS_CLS], terms[YT_LOSS_CLS], 1e-6 * terms[YT_LOSS_CLS]));
    const yti_head_level *lv = &t.made.head.level[1];
    for (int c = 0; c < 64; c++) cr_assert(made_pixel(&lv->d_box, 1, 2)[c] == 0);
    check_slope(&t, &made_pixel(&lv->cls, 1, 2)[1], &made_pixel(&lv->d_cls, 1, 2)[1], 1);
    trial_destroy(&t);
}

Test(loss, is_the_same_for_any_number_of_threads) {
    made_options o = small(4);
    o.images = 5;
    made_head one = made_head_create(o), many = made_head_create(o);
    yti_loss *loss;
    yti_loss_result a, b;
    cr_assert_eq(yti_loss_create(&loss, NULL), YT_OK);
    cr_assert_eq(yti_loss_branch(loss, &one.head, &one.targets, &(yti_loss_rule){GAINS, ONE_TO_MANY, 1}, 1, &a, NULL),
                 YT_OK);
    for (int threads = 2; threads <= 5; threads++) {
        cr_assert_eq(yti_loss_branch(loss, &many.head, &many.targets, &(yti_loss_rule){GAINS, ONE_TO_MANY, 1}, threads,
                                     &b, NULL),
                     YT_OK);
        for (int i = 0; i < YT_LOSS_TERMS; i++) cr_assert(a.terms[i] == b.terms[i]);
        cr_assert(a.total == b.total && a.target_sum == b.target_sum && a.foreground == b.foreground);
        cr_assert(memcmp(one.memory, many.memory, one.floats * sizeof(float)) == 0);
    }
    yti_loss_destroy(loss);
    made_head_destroy(&one);
    made_head_destroy(&many);
}

Test(loss, weight_scales_the_gradient_and_not_the_value) {
    trial whole = trial_create(small(1), ONE_TO_ONE, 1), quarter = trial_create(small(1), ONE_TO_ONE, 0.25);
    int nonzero = 0;
    cr_assert(whole.result.total == quarter.result.total);
    for (int l = 0; l < 3; l++) {
        const yti_tensor *a = &whole.made.head.level[l].d_box, *b = &quarter.made.head.level[l].d_box;
        const yti_tensor *c = &whole.made.head.level[l].d_cls, *d = &quarter.made.head.level[l].d_cls;
        for (int p = 0; p < a->h * a->w; p++) {
            for (int k = 0; k < 4; k++) {
                cr_assert(made_pixel(b, 1, p)[k] == made_pixel(a, 1, p)[k] / 4);
                nonzero += made_pixel(a, 1, p)[k] != 0;
            }
            for (int k = 0; k < 3; k++) cr_assert(made_pixel(d, 1, p)[k] == made_pixel(c, 1, p)[k] / 4);
        }
    }
    cr_assert_gt(nonzero, 4);
    trial_destroy(&whole);
    trial_destroy(&quarter);
}

Test(loss, does_without_gradients) {
    made_options o = small(4);
    trial with = trial_create(o, ONE_TO_MANY, 1);
    o.gradients = 0;
    trial without = trial_create(o, ONE_TO_MANY, 1);
    cr_assert(with.result.total == without.result.total);
    cr_assert_eq(made_head_damage(&without.made), 0);
    trial_destroy(&with);
    trial_destroy(&without);
}

/* Every position takes its turn to be poisoned. A distance may be poisoned where nobody looks; a class logit is
 * always seen, and so is a distance of a foreground anchor. */
static void poison(int reg_max, float bad) {
    made_options o = small(reg_max);
    trial t = trial_create(o, ONE_TO_MANY, 1);
    cr_assert_gt(t.matches.count, 5);
    for (int i = 0; i < t.matches.count; i += 3) {
        const yti_match *m = &t.matches.matches[i];
        const yti_head_level *lv = &t.made.head.level[m->level];
        float *spots[] = {&made_pixel(&lv->box, m->image, m->pixel)[i % (4 * reg_max)],
                          &made_pixel(&lv->cls, m->image, m->pixel)[i % 3]};
        for (int k = 0; k < 2; k++) {
            float before = *spots[k];
            *spots[k] = bad;
            cr_assert_eq(yti_loss_branch(t.loss, &t.made.head, &t.made.targets, &(yti_loss_rule){GAINS, ONE_TO_ONE, 1},
                                         2, &t.result, NULL),
                         YT_OK);
            cr_assert(!isfinite(t.result.total), "match %d, map %d", i, k);
            if (k == 0 && isnan(bad)) cr_assert(isnan(t.result.target_sum));
            *spots[k] = before;
        }
    }
    cr_assert_eq(made_head_damage(&t.made), 0);
    trial_destroy(&t);
}

Test(loss, of_a_nan_is_not_finite) {
    poison(1, NAN);
    poison(4, NAN);
}

Test(loss, of_an_infinity_is_not_finite) {
    poison(1, INFINITY);
    poison(4, INFINITY);
}

Test(loss, survives_outputs_that_are_all_nan) {
    made_head made = made_head_create(small(16));
    yti_loss *loss;
    yti_loss_result result;
    for (size_t i = 0; i < made.floats; i++) made.memory[i] = NAN;
    cr_assert_eq(yti_loss_create(&loss, NULL), YT_OK);
    cr_assert_eq(
        yti_loss_branch(loss, &made.head, &made.targets, &(yti_loss_rule){GAINS, ONE_TO_MANY, 1}, 2, &result, NULL),
        YT_OK);
    cr_assert(isnan(result.total));
    yti_loss_destroy(loss);
    made_head_destroy(&made);
}

Test(loss, refuses_targets_that_do_not_fit_the_head) {
    trial t = trial_create(small(1), ONE_TO_ONE, 1);
    yt_err err;
    yti_loss_result result = {.foreground = -7};
#define TRY_LOSS()                                                                                                     \
    yti_loss_branch(t.loss, &t.made.head, &t.made.targets, &(yti_loss_rule){GAINS, ONE_TO_ONE, 1}, 1, &result, &err)
    t.made.class_id[4] = 3;
    cr_assert_eq(TRY_LOSS(), YT_ERR_ARGUMENT);
    cr_assert_str_eq(err.text, "box 4 has class 3; classes are 0 to 2");
    t.made.class_id[4] = -1;
    cr_assert_eq(TRY_LOSS(), YT_ERR_ARGUMENT);
    t.made.class_id[4] = 0;
    t.made.image[13] = 2;
    cr_assert_eq(TRY_LOSS(), YT_ERR_ARGUMENT);
    t.made.image[13] = 0;
    cr_assert_eq(TRY_LOSS(), YT_ERR_ARGUMENT, "out of order");
    t.made.image[13] = 1;
    t.made.image[0] = -1;
    cr_assert_eq(TRY_LOSS(), YT_ERR_ARGUMENT);
    t.made.image[0] = 0;
    cr_assert_eq(result.foreground, -7, "untouched on failure");
    cr_assert_eq(TRY_LOSS(), YT_OK);
    t.made.head.level[1].cls.c = 2;
    cr_assert_eq(TRY_LOSS(), YT_ERR_ARGUMENT);
    cr_assert_str_eq(err.text, "the maps of head level 1 do not fit each other or the head");
#undef TRY_LOSS
    trial_destroy(&t);
}

Test(loss, refuses_an_assigner_without_candidates) {
    trial t = trial_create(small(1), ONE_TO_ONE, 1);
    yti_loss_result result;
    cr_assert_eq(yti_loss_branch(t.loss, &t.made.head, &t.made.targets,
                                 &(yti_loss_rule){GAINS, (yti_assigner){0, 1, false}, 1}, 1, &result, NULL),
                 YT_ERR_ARGUMENT);
    trial_destroy(&t);
}

Test(loss, branch_weights_shift_from_one_to_many_to_one_to_one) {
    double many, one;
    yti_loss_branch_weights(0, 11, &many, &one);
    cr_assert(test_near(many, 0.8, 1e-12) && test_near(one, 0.2, 1e-12));
    yti_loss_branch_weights(5, 11, &many, &one);
    cr_assert(test_near(many, 0.45, 1e-12) && test_near(one, 0.55, 1e-12));
    yti_loss_branch_weights(10, 11, &many, &one);
    cr_assert(test_near(many, 0.1, 1e-12) && test_near(one, 0.9, 1e-12));
    yti_loss_branch_weights(15, 11, &many, &one);
    cr_assert(test_near(many, 0.1, 1e-12) && test_near(one, 0.9, 1e-12));
    yti_loss_branch_weights(0, 1, &many, &one);
    cr_assert(test_near(many, 0.8, 1e-12) && test_near(one, 0.2, 1e-12));
}
