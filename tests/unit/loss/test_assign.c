/* Tests of src/loss/assign.c against an assigner written down plainly: full matrices of boxes by anchors, in the
 * order of the definition (spec training 3.3), on heads of all sorts. */
#include "base/rng.h"
#include "loss/assign.h"
#include "support/heads.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the plain assigner ---- */

typedef struct plain {
    int anchors, boxes;      /* of one image */
    double *align, *overlap; /* [boxes][anchors] */
    char *wanted;            /* [boxes][anchors] */
    int *target;             /* [anchors] box of the image, -1: background */
    double *score;           /* [anchors] */
} plain;

static void *must(void *memory) {
    cr_assert(memory != NULL);
    return memory;
}

static float near_side(float centre, float size) {
    return centre - size / 2;
}

static float far_side(float centre, float size) {
    return centre + size / 2;
}

static double predicted_distance(const float *side, int reg_max) {
    double sum = 0, mean = 0;
    if (reg_max == 1) return (double)side[0];
    for (int k = 0; k < reg_max; k++) sum += exp((double)side[k]), mean += k * exp((double)side[k]);
    return mean / sum;
}

static void measure_pair(const made_head *made, int image, int target, int anchor, yti_assigner rule, double *align,
                         double *overlap) {
    const yti_head *head = &made->head;
    yti_cxcywh t = made->targets.boxes[target];
    int level, pixel;
    made_place(head, anchor, &level, &pixel);
    const yti_head_level *lv = &head->level[level];
    float width = (float)(head->level[0].box.w * head->level[0].stride);
    float height = (float)(head->level[0].box.h * head->level[0].stride);
    float widened = (float)head->level[head->n_levels > 1 ? 1 : 0].stride;
    float short_side = rule.widen_below_first ? (float)head->level[0].stride : widened;
    float x1 = near_side(t.cx * width, t.w * width), x2 = far_side(t.cx * width, t.w * width);
    float y1 = near_side(t.cy * height, t.h * height), y2 = far_side(t.cy * height, t.h * height);
    *align = *overlap = 0;
    if (!(x1 + y1 + x2 + y2 > 0)) return;

    float w = x2 - x1 < short_side ? widened : x2 - x1, h = y2 - y1 < short_side ? widened : y2 - y1;
    float cx = (x1 + x2) / 2, cy = (y1 + y2) / 2;
    float ax = ((float)(pixel % lv->box.w) + 0.5f) * (float)lv->stride;
    float ay = ((float)(pixel / lv->box.w) + 0.5f) * (float)lv->stride;
    float margin = fminf(fminf(ax - near_side(cx, w), ay - near_side(cy, h)),
                         fminf(far_side(cx, w) - ax, far_side(cy, h) - ay));
    if (!(margin > 1e-9f)) return;

    const float *box = made_pixel(&lv->box, image, pixel);
    double side[4];
    for (int i = 0; i < 4; i++) side[i] = predicted_distance(box + i * head->reg_max, head->reg_max);
    double s = lv->stride, gx = pixel % lv->box.w + 0.5, gy = pixel / lv->box.w + 0.5;
    const double truth[4] = {(double)x1, (double)y1, (double)x2, (double)y2};
    const double guess[4] = {(gx - side[0]) * s, (gy - side[1]) * s, (gx + side[2]) * s, (gy + side[3]) * s};
    double logit = (double)made_pixel(&lv->cls, image, pixel)[made->targets.class_id[target]];
    *overlap = fmax(0, yti_box_ciou(truth, guess, NULL));
    *align = pow(1 / (1 + exp(-logit)), 0.5) * pow(*overlap, 6);
}

/* Marks the k largest of values[i] among the allowed (NULL: all), the first of equals first. */
static void mark_largest(const double *values, const char *allowed, int count, int k, char *mark) {
    for (int i = 0; i < count; i++) mark[i] = 0;
    for (int round = 0; round < k && round < count; round++) {
        int best = -1;
        for (int i = 0; i < count; i++) {
            if (mark[i] || (allowed && !allowed[i])) continue;
            if (best < 0 || values[i] > values[best]) best = i;
        }
        if (best >= 0) mark[best] = 1;
    }
}

static plain plain_create(const made_head *made, int image, yti_assigner rule) {
    plain p = {.anchors = made_anchors(&made->head)};
    int first = -1;
    for (int t = 0; t < made->targets.count; t++) {
        if (made->targets.image[t] != image) continue;
        first = first < 0 ? t : first;
        p.boxes++;
    }
    size_t a = (size_t)p.anchors, pairs = a * (size_t)p.boxes + 1;
    p.align = must(calloc(pairs, sizeof *p.align)), p.overlap = must(calloc(pairs, sizeof *p.overlap));
    p.wanted = must(calloc(pairs, 1)), p.target = must(calloc(a, sizeof *p.target));
    p.score = must(calloc(a, sizeof *p.score));
    for (int b = 0; b < p.boxes; b++) {
        double *align = p.align + (size_t)b * a, *overlap = p.overlap + (size_t)b * a;
        char *wanted = p.wanted + (size_t)b * a;
        for (int i = 0; i < p.anchors; i++) measure_pair(made, image, first + b, i, rule, &align[i], &overlap[i]);
        mark_largest(align, NULL, p.anchors, rule.topk, wanted);
        for (int i = 0; i < p.anchors; i++) wanted[i] = wanted[i] && align[i] > 0;
    }
    for (int i = 0; i < p.anchors; i++) {
        int takers = 0, largest = 0;
        for (int b = 0; b < p.boxes; b++) {
            takers += p.wanted[(size_t)b * a + (size_t)i];
            if (p.overlap[(size_t)b * a + (size_t)i] > p.overlap[(size_t)largest * a + (size_t)i]) largest = b;
        }
        for (int b = 0; takers > 1 && b < p.boxes; b++) p.wanted[(size_t)b * a + (size_t)i] = b == largest;
    }
    char *kept = must(calloc(a, 1));
    for (int i = 0; i < p.anchors; i++) p.target[i] = -1;
    for (int b = 0; b < p.boxes; b++) {
        double *align = p.align + (size_t)b * a, *overlap = p.overlap + (size_t)b * a, top = 0, widest = 0;
        memcpy(kept, p.wanted + (size_t)b * a, a);
        if (rule.topk2 != rule.topk) {
            mark_largest(align, p.wanted + (size_t)b * a, p.anchors, rule.topk2, kept);
        }
        for (int i = 0; i < p.anchors; i++) {
            if (kept[i]) top = fmax(top, align[i]), widest = fmax(widest, overlap[i]);
        }
        for (int i = 0; i < p.anchors; i++) {
            if (kept[i]) p.target[i] = first + b, p.score[i] = align[i] * widest / (top + 1e-9);
        }
    }
    free(kept);
    return p;
}

static void plain_destroy(plain *p) {
    free(p->align), free(p->overlap), free(p->wanted), free(p->target), free(p->score);
}

/* ---- comparison ---- */

typedef struct tally {
    int foreground, shared;
} tally;

static void compare_image(const made_head *made, const yti_assignment *got, int image, yti_assigner rule, tally *sum) {
    plain p = plain_create(made, image, rule);
    int seen = 0;
    for (int i = 0; i < got->count; i++) {
        const yti_match *m = &got->matches[i];
        if (m->image != image) continue;
        int level, pixel;
        made_place(&made->head, m->anchor, &level, &pixel);
        cr_assert(m->level == level && m->pixel == pixel);
        cr_assert_eq(m->target, p.target[m->anchor], "image %d anchor %d", image, m->anchor);
        cr_assert(test_near(m->score, p.score[m->anchor], 1e-12));
        p.target[m->anchor] = -1; /* a second match of the anchor would differ */
        seen++;
    }
    for (int a = 0; a < p.anchors; a++) cr_assert_eq(p.target[a], -1, "image %d anchor %d is missing", image, a);
    sum->foreground += seen;
    for (int a = 0; a < p.anchors; a++) {
        int positive = 0;
        for (int b = 0; b < p.boxes; b++) {
            positive += p.align[(size_t)b * (size_t)p.anchors + (size_t)a] > 0;
        }
        sum->shared += positive > 1;
    }
    plain_destroy(&p);
}

static tally compare(made_options options, yti_assigner rule) {
    made_head made = made_head_create(options);
    yti_assignment got = {0};
    yt_err err;
    tally sum = {0};
    cr_assert_eq(yti_assign(&got, &made.head, &made.targets, rule, 2, &err), YT_OK);
    for (int i = 1; i < got.count; i++) cr_assert_leq(got.matches[i - 1].image, got.matches[i].image);
    for (int image = 0; image < options.images; image++) compare_image(&made, &got, image, rule, &sum);
    yti_assignment_deinit(&got);
    made_head_destroy(&made);
    return sum;
}

static const yti_assigner RULES[] = {{10, 10, false}, {7, 1, false},  {3, 2, false}, {1, 1, false},
                                     {2, 5, false},   {10, 10, true}, {7, 1, true}};

static tally compare_many(made_options options, int seeds) {
    tally all = {0};
    for (int seed = 0; seed < seeds; seed++) {
        for (size_t r = 0; r < sizeof RULES / sizeof RULES[0]; r++) {
            options.seed = (uint64_t)seed;
            tally one = compare(options, RULES[r]);
            all.foreground += one.foreground, all.shared += one.shared;
        }
    }
    return all;
}

Test(assign, agrees_with_the_plain_assigner_on_random_heads) {
    made_options o = {.images = 3, .width = 128, .height = 96, .n_levels = 3, .n_classes = 4, .reg_max = 1, .boxes = 8};
    tally all = compare_many(o, 60);
    cr_assert(all.foreground > 1000 && all.shared > 1000, "%d %d", all.foreground, all.shared);
}

Test(assign, agrees_with_the_plain_assigner_on_heads_with_bins) {
    made_options o = {.images = 2, .width = 96, .height = 64, .n_levels = 3, .n_classes = 2, .reg_max = 16, .boxes = 6};
    tally all = compare_many(o, 15);
    cr_assert(all.foreground > 300, "%d", all.foreground);
}

Test(assign, agrees_with_the_plain_assigner_when_many_overlaps_are_equal) {
    made_options o = {.images = 2,
                      .width = 128,
                      .height = 128,
                      .n_levels = 2,
                      .n_classes = 1,
                      .reg_max = 1,
                      .boxes = 8,
                      .quantised = 1};
    tally all = compare_many(o, 40);
    cr_assert(all.foreground > 1000, "%d", all.foreground);
}

Test(assign, works_on_a_head_with_one_level) {
    made_options o = {.images = 1, .width = 64, .height = 64, .n_levels = 1, .n_classes = 3, .reg_max = 1, .boxes = 5};
    tally all = compare_many(o, 20);
    cr_assert(all.foreground > 100, "%d", all.foreground);
}

Test(assign, works_on_crowded_images_with_fewer_anchors_than_topk) {
    made_options o = {.images = 2, .width = 16, .height = 16, .n_levels = 2, .n_classes = 3, .reg_max = 1, .boxes = 30};
    tally all = compare_many(o, 20);
    cr_assert(all.foreground > 50, "%d", all.foreground);
}

/* All around the point of one cell, of 100 sizes, three of each: many want the same anchors, and equal ones too. */
Test(assign, agrees_with_the_plain_assigner_on_three_hundred_objects_in_one_cell) {
    made_options o = {
        .images = 1, .width = 64, .height = 64, .n_levels = 3, .n_classes = 2, .reg_max = 1, .boxes = 300};
    made_head made = made_head_create(o);
    yti_assignment got = {0};
    tally sum = {0};
    for (int i = 0; i < o.boxes; i++)
        made.boxes[i] = (yti_cxcywh){20 / 64.f, 20 / 64.f, (float)(4 + 2 * (i % 10)) / 64,
                                     (float)(4 + 2 * (i / 10 % 10)) / 64};
    for (int l = 0; l < 3; l++) {
        yti_head_level *level = &made.head.level[l];
        for (int p = 0; p < level->box.h * level->box.w; p++)
            for (int k = 0; k < 4; k++) made_pixel(&level->box, 0, p)[k] = 1;
    }
    for (size_t r = 0; r < sizeof RULES / sizeof RULES[0]; r++) {
        cr_assert_eq(yti_assign(&got, &made.head, &made.targets, RULES[r], 1, NULL), YT_OK);
        compare_image(&made, &got, 0, RULES[r], &sum);
    }
    cr_assert(sum.foreground > 10 && sum.shared > 10, "%d %d", sum.foreground, sum.shared);
    yti_assignment_deinit(&got);
    made_head_destroy(&made);
}

/* ---- single behaviours ---- */

/* One 64 x 64 image with one class, every distance 1 cell and every logit 0. */
static made_head even_head(int boxes) {
    made_head made = made_head_create((made_options){
        .images = 1, .width = 64, .height = 64, .n_levels = 3, .n_classes = 1, .reg_max = 1, .boxes = boxes});
    for (int l = 0; l < 3; l++) {
        yti_head_level *level = &made.head.level[l];
        for (int p = 0; p < level->box.h * level->box.w; p++) {
            for (int k = 0; k < 4; k++) made_pixel(&level->box, 0, p)[k] = 1;
            made_pixel(&level->cls, 0, p)[0] = 0;
        }
    }
    return made;
}

Test(assign, a_box_too_small_to_hold_an_anchor_still_gets_one) {
    made_head made = even_head(1);
    yti_assignment got = {0};
    /* 2 x 2 pixels at (16, 16), where four cells of stride 8 meet: the nearest anchors are at 12 and 20. */
    made.boxes[0] = (yti_cxcywh){16 / 64.f, 16 / 64.f, 2 / 64.f, 2 / 64.f};
    cr_assert_eq(yti_assign(&got, &made.head, &made.targets, (yti_assigner){10, 10, false}, 1, NULL), YT_OK);
    cr_assert_gt(got.count, 0);
    for (int i = 0; i < got.count; i++) cr_assert_gt(got.matches[i].score, 0);
    yti_assignment_deinit(&got);
    made_head_destroy(&made);
}

/* 10 x 16 pixels around (18, 20): x from 13 to 23, widened to 16 from 10 to 26. Points inside: of stride 8 at x 20,
 * widened also at 12 (y 20); of stride 16 at (24, 24) only when widened; of stride 32 at (16, 16). */
Test(assign, sides_below_the_second_stride_are_widened_to_it) {
    made_head made = even_head(1);
    yti_assignment got = {0};
    static const int now[] = {17, 18, 69, 80}, before[] = {18, 80};
    made.boxes[0] = (yti_cxcywh){18 / 64.f, 20 / 64.f, 10 / 64.f, 16 / 64.f};
    for (int old = 0; old < 2; old++) {
        const int *expected = old ? before : now, n = old ? 2 : 4;
        cr_assert_eq(yti_assign(&got, &made.head, &made.targets, (yti_assigner){10, 10, old}, 1, NULL), YT_OK);
        cr_assert_eq(got.count, n, "%d anchors", got.count);
        for (int i = 0; i < n; i++) {
            int times = 0;
            for (int k = 0; k < n; k++) times += got.matches[k].anchor == expected[i];
            cr_assert_eq(times, 1, "anchor %d", expected[i]);
        }
    }
    yti_assignment_deinit(&got);
    made_head_destroy(&made);
}

/* A box around the corner where four cells meet: they are alike, and no other anchor is inside. */
Test(assign, of_equal_anchors_the_lowest_is_taken) {
    made_head made = even_head(1);
    yti_assignment got = {0};
    made.boxes[0] = (yti_cxcywh){0.5f, 0.5f, 0.25f, 0.25f};
    cr_assert_eq(yti_assign(&got, &made.head, &made.targets, (yti_assigner){10, 10, false}, 1, NULL), YT_OK);
    cr_assert_eq(got.count, 4);
    for (int i = 1; i < 4; i++) cr_assert(got.matches[i].align == got.matches[0].align);
    cr_assert_eq(yti_assign(&got, &made.head, &made.targets, (yti_assigner){2, 2, false}, 1, NULL), YT_OK);
    cr_assert(got.count == 2 && got.matches[0].anchor == 27 && got.matches[1].anchor == 28);
    cr_assert_eq(yti_assign(&got, &made.head, &made.targets, (yti_assigner){4, 1, false}, 1, NULL), YT_OK);
    cr_assert(got.count == 1 && got.matches[0].anchor == 27);
    yti_assignment_deinit(&got);
    made_head_destroy(&made);
}

/* The same box twice: both want the same anchors with equal overlap, the first gets them all. */
Test(assign, of_two_equal_boxes_the_first_gets_the_anchors) {
    made_head made = even_head(2);
    yti_assignment got = {0};
    made.boxes[0] = made.boxes[1] = (yti_cxcywh){0.5f, 0.5f, 0.25f, 0.25f};
    cr_assert_eq(yti_assign(&got, &made.head, &made.targets, (yti_assigner){10, 10, false}, 1, NULL), YT_OK);
    cr_assert_gt(got.count, 0);
    for (int i = 0; i < got.count; i++) cr_assert_eq(got.matches[i].target, 0);
    yti_assignment_deinit(&got);
    made_head_destroy(&made);
}

/* One box, exactly the prediction of one anchor: overlap 1 and p = 1/2, so align = 2^-1/2 and the score is align * 1
 * / (align + 1e-9). */
Test(assign, the_best_anchor_of_a_box_scores_its_overlap) {
    made_head made = even_head(1);
    yti_assignment got = {0};
    made.boxes[0] = (yti_cxcywh){20 / 64.f, 28 / 64.f, 16 / 64.f, 16 / 64.f}; /* anchor (2, 3) of stride 8 */
    cr_assert_eq(yti_assign(&got, &made.head, &made.targets, (yti_assigner){7, 1, false}, 1, NULL), YT_OK);
    cr_assert_eq(got.count, 1);
    cr_assert(got.matches[0].level == 0 && got.matches[0].pixel == 3 * 8 + 2 && got.matches[0].anchor == 26);
    cr_assert(test_near(got.matches[0].overlap, 1, 1e-6));
    cr_assert(test_near(got.matches[0].align, sqrt(0.5), 1e-5));
    cr_assert(test_near(got.matches[0].score, 1, 1e-6));
    yti_assignment_deinit(&got);
    made_head_destroy(&made);
}

Test(assign, nothing_is_foreground_without_boxes) {
    made_head made = even_head(0);
    yti_assignment got = {.count = 7};
    cr_assert_eq(yti_assign(&got, &made.head, &made.targets, (yti_assigner){10, 10, false}, 1, NULL), YT_OK);
    cr_assert_eq(got.count, 0);
    yti_assignment_deinit(&got);
    made_head_destroy(&made);
}

Test(assign, a_nan_in_a_box_is_nobodys_target) {
    made_head made = even_head(2);
    yti_assignment got = {0};
    made.boxes[0] = (yti_cxcywh){NAN, 0.5f, 0.25f, 0.25f};
    made.boxes[1] = (yti_cxcywh){0.5f, 0.5f, INFINITY, 0.25f};
    cr_assert_eq(yti_assign(&got, &made.head, &made.targets, (yti_assigner){10, 10, false}, 1, NULL), YT_OK);
    cr_assert_eq(got.count, 0);
    yti_assignment_deinit(&got);
    made_head_destroy(&made);
}

/* A NaN must come through, so the anchor that predicts it is taken before better ones. */
Test(assign, an_anchor_that_predicts_nan_is_chosen_and_scores_nan) {
    made_head made = even_head(1);
    yti_assignment got = {0};
    made.boxes[0] = (yti_cxcywh){20 / 64.f, 28 / 64.f, 16 / 64.f, 16 / 64.f};
    made_pixel(&made.head.level[0].box, 0, 26 + 8)[2] = NAN;
    made.boxes[0].h = 32 / 64.f;
    cr_assert_eq(yti_assign(&got, &made.head, &made.targets, (yti_assigner){7, 1, false}, 1, NULL), YT_OK);
    cr_assert_eq(got.count, 1);
    cr_assert_eq(got.matches[0].anchor, 34);
    cr_assert(isnan(got.matches[0].score));
    yti_assignment_deinit(&got);
    made_head_destroy(&made);
}

Test(assign, is_the_same_for_any_number_of_threads) {
    made_head made = made_head_create((made_options){
        .images = 5, .width = 128, .height = 128, .n_levels = 3, .n_classes = 3, .reg_max = 4, .boxes = 9});
    yti_assignment one = {0}, many = {0};
    cr_assert_eq(yti_assign(&one, &made.head, &made.targets, (yti_assigner){10, 10, false}, 1, NULL), YT_OK);
    cr_assert_gt(one.count, 20);
    for (int threads = 2; threads <= 5; threads++) {
        cr_assert_eq(yti_assign(&many, &made.head, &made.targets, (yti_assigner){10, 10, false}, threads, NULL), YT_OK);
        cr_assert_eq(many.count, one.count);
        for (int i = 0; i < one.count; i++) {
            const yti_match *a = &one.matches[i], *b = &many.matches[i];
            cr_assert(a->image == b->image && a->anchor == b->anchor && a->target == b->target);
            cr_assert(a->score == b->score && a->overlap == b->overlap && a->align == b->align);
        }
    }
    yti_assignment_deinit(&one);
    yti_assignment_deinit(&many);
    made_head_destroy(&made);
}

Test(assign, keeps_its_memory_between_batches_of_different_size) {
    yti_assignment got = {0};
    made_options o = {.images = 1, .width = 64, .height = 64, .n_levels = 3, .n_classes = 2, .reg_max = 1};
    size_t largest = 0;
    const int boxes[] = {3, 40, 1, 40};
    for (int i = 0; i < 4; i++) {
        o.boxes = boxes[i];
        made_head made = made_head_create(o);
        tally sum = {0};
        cr_assert_eq(yti_assign(&got, &made.head, &made.targets, (yti_assigner){7, 1, false}, 1, NULL), YT_OK);
        compare_image(&made, &got, 0, (yti_assigner){7, 1, false}, &sum);
        cr_assert(i < 2 || got.block_bytes == largest);
        largest = got.block_bytes;
        made_head_destroy(&made);
    }
    yti_assignment_deinit(&got);
}

Test(assign, a_size_that_overflows_is_an_error) {
    made_head made = even_head(2);
    yti_assignment got = {0};
    yt_err err;
    yti_targets many = made.targets;
    many.count = 0x7fffffff; /* the arrays are not read before there is memory */
    cr_assert_eq(yti_assign(&got, &made.head, &many, (yti_assigner){0x7fffffff, 0x7ffffffe, false}, 1, &err),
                 YT_ERR_NO_MEMORY);
    cr_assert_eq(got.count, 0);
    made_head_destroy(&made);
}
