/* assign.c: task-aligned assignment of anchors to boxes (Feng et al., "TOOD", ICCV 2021, as the reference trainer does
 * it).
 *
 *   1. An anchor is a candidate of a box when its point lies strictly inside; for this test alone, a side
 *      shorter than the second stride is replaced by it, so that small boxes have candidates.
 *   2. Candidates are measured: overlap = max(0, CIoU), align = p(class)^0.5 * overlap^6.
 *   3. A box wants its topk candidates of largest align.
 *   4. An anchor wanted by several boxes goes to the box of largest overlap there, wanted or not.
 *   5. When topk2 differs from topk, a box keeps its topk2 of largest align.
 *   6. score = align * (largest overlap of the box) / (largest align of the box + 1e-9).
 *
 * Only anchors near a box are looked at, never all pairs. Candidates with align 0 are passed over: their score would be
 * 0, which adds nothing to any term and changes nothing for another anchor. Equal aligns are ranked by the lower
 * anchor. A NaN in the head outputs ranks first, so that it reaches the loss instead of hiding.
 *
 * Images are independent and are worked on in parallel; what one writes does not depend on the others.
 */
#include "base/carve.h"
#include "loss/assign.h"
#include "loss/distance.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const float INSIDE_MARGIN = 1e-9f;
static const double ALIGN_EPS = 1e-9;

enum { NOBODY = -1, CONTESTED = -2, SETTLED = -3 };

/* Arrays in the assignment's block, and what is read. */
typedef struct search {
    const yti_head *head;
    const yti_targets *targets;
    yti_assigner rule;
    int anchors; /* per image */
    int base[YT_MAX_LEVELS];
    yt_xyxy *boxes, *reach;            /* [targets] in pixels; reach: with short sides widened */
    int *first;                        /* [images + 1] targets of image i are first[i] .. first[i + 1] - 1 */
    int *found;                        /* [images] matches of the image, from wanted[first[i] * topk] on */
    int *ranked;                       /* [targets] filled part of a box's list in wanted, then in kept */
    yti_match *wanted;                 /* [targets][topk] */
    yti_match *kept;                   /* [targets][topk2] */
    double *best_align, *best_overlap; /* [targets] */
    int32_t *owner;                    /* [images][anchors] target, or one of the marks above */
    uint8_t *decoded;                  /* [images][anchors] whether prediction is known */
    double (*prediction)[4];           /* [images][anchors] xyxy in pixels */
} search;

/* ---- measuring ---- */

static const float *pixel_of(const yti_tensor *t, int image, int pixel) {
    return t->data + ((ptrdiff_t)image * t->h * t->w + pixel) * t->ld;
}

/* A cell of the map of one level. */
typedef struct cell {
    int level, x, y;
} cell;

static int pixel_in(const search *s, cell c) {
    return c.y * s->head->level[c.level].box.w + c.x;
}

static cell cell_of(const search *s, const yti_match *m) {
    int w = s->head->level[m->level].box.w;
    return (cell){m->level, m->pixel % w, m->pixel / w};
}

/* Predicted box of an anchor, decoded at the first asking: one anchor is often inside several boxes. */
static const double *predicted_box(const search *s, int image, cell c) {
    int pixel = pixel_in(s, c);
    size_t index = (size_t)image * (size_t)s->anchors + (size_t)(s->base[c.level] + pixel);
    double *box = s->prediction[index];
    if (!s->decoded[index]) {
        const yti_head_level *lv = &s->head->level[c.level];
        double sides[4], stride = lv->stride, ax = c.x + 0.5, ay = c.y + 0.5;
        yti_distances(pixel_of(&lv->box, image, pixel), s->head->reg_max, sides);
        box[0] = (ax - sides[0]) * stride, box[1] = (ay - sides[1]) * stride;
        box[2] = (ax + sides[2]) * stride, box[3] = (ay + sides[3]) * stride;
        s->decoded[index] = 1;
    }
    return box;
}

/* The alignment of an overlap when the class is certain. */
static double align_of(double overlap) {
    double cube = overlap * overlap * overlap;
    return cube * cube;
}

/* Fills in the match of an anchor and a target, unless its align cannot be larger than `least`. */
static bool measure(const search *s, int target, int image, cell c, double least, yti_match *out) {
    yt_xyxy b = s->boxes[target];
    const double truth[4] = {(double)b.x1, (double)b.y1, (double)b.x2, (double)b.y2};
    const double *predicted = predicted_box(s, image, c);
    if (align_of(yti_box_ciou_limit(truth, predicted)) <= least) return false; /* not for a NaN */
    double ciou = yti_box_ciou(truth, predicted, NULL);
    double overlap = ciou < 0 ? 0 : ciou; /* keeps a NaN */
    int pixel = pixel_in(s, c);
    double logit = (double)pixel_of(&s->head->level[c.level].cls, image, pixel)[s->targets->class_id[target]];
    *out = (yti_match){.image = image,
                       .level = c.level,
                       .pixel = pixel,
                       .anchor = s->base[c.level] + pixel,
                       .target = target,
                       .overlap = overlap,
                       .align = sqrt(1 / (1 + exp(-logit))) * align_of(overlap)};
    return true;
}

static bool reaches(const search *s, int target, cell c) {
    float stride = (float)s->head->level[c.level].stride;
    float ax = ((float)c.x + 0.5f) * stride, ay = ((float)c.y + 0.5f) * stride;
    yt_xyxy b = s->reach[target];
    return ax - b.x1 > INSIDE_MARGIN && ay - b.y1 > INSIDE_MARGIN && b.x2 - ax > INSIDE_MARGIN &&
           b.y2 - ay > INSIDE_MARGIN;
}

/* ---- ranking ---- */

static bool ranks_before(const yti_match *a, const yti_match *b) {
    double x = isnan(a->align) ? HUGE_VAL : a->align, y = isnan(b->align) ? HUGE_VAL : b->align;
    return x > y || (x == y && a->anchor < b->anchor);
}

/* Puts m into a list sorted by rank that holds at most `capacity`; the last falls out of a full one. */
static void insert_ranked(yti_match *list, int *count, int capacity, const yti_match *m) {
    int at = *count;
    while (at > 0 && ranks_before(m, &list[at - 1])) at--;
    if (at == capacity) return;
    if (*count < capacity) (*count)++;
    memmove(&list[at + 1], &list[at], (size_t)(*count - 1 - at) * sizeof *list);
    list[at] = *m;
}

/* A cell number as an index into a map that is `cells` wide; NaN gives 0. */
static int clamp_cell(double number, int cells) {
    return number > 0 ? number < cells - 1 ? (int)number : cells - 1 : 0;
}

/* Of equal aligns the lower anchor ranks first, and anchors come in ascending order: one that does not exceed the
 * last of a full list has no place in it. */
static void offer(const search *s, int image, int target, cell c) {
    yti_match *list = s->wanted + (size_t)target * (size_t)s->rule.topk, m;
    int *count = &s->ranked[target];
    double least = *count == s->rule.topk ? list[*count - 1].align : 0;
    if (!reaches(s, target, c) || !measure(s, target, image, c, least, &m) || m.align == 0) return;
    insert_ranked(list, count, s->rule.topk, &m);
}

/* Steps 1 to 3 for one box. */
static void rank_candidates(const search *s, int image, int target) {
    yt_xyxy reach = s->reach[target], b = s->boxes[target];
    s->ranked[target] = 0;
    if (!(b.x1 + b.y1 + b.x2 + b.y2 > 0)) return; /* the reference trainer's mark of an empty row */
    for (int level = 0; level < s->head->n_levels; level++) {
        const yti_head_level *lv = &s->head->level[level];
        double stride = lv->stride;
        int w = lv->box.w, h = lv->box.h;
        int x0 = clamp_cell(floor((double)reach.x1 / stride - 0.5), w);
        int x1 = clamp_cell(ceil((double)reach.x2 / stride - 0.5), w);
        int y0 = clamp_cell(floor((double)reach.y1 / stride - 0.5), h);
        int y1 = clamp_cell(ceil((double)reach.y2 / stride - 0.5), h);
        for (int y = y0; y <= y1; y++)
            for (int x = x0; x <= x1; x++) offer(s, image, target, (cell){level, x, y});
    }
}

/* ---- one image ---- */

/* Step 4 for one anchor: the box with the largest overlap among all that reach it, the first of equals. */
static yti_match settle(const search *s, const yti_match *m) {
    yti_match best = {.target = NOBODY}, rival;
    const cell c = cell_of(s, m);
    for (int t = s->first[m->image]; t < s->first[m->image + 1]; t++) {
        if (!reaches(s, t, c) || !measure(s, t, m->image, c, -1, &rival)) continue;
        if (best.target == NOBODY || rival.overlap > best.overlap) best = rival;
    }
    return best;
}

/* Step 4: afterwards the image's matches lie at the start of its part of `wanted`, each anchor once. Writing there
 * never overtakes reading. */
static void settle_conflicts(const search *s, int image) {
    int32_t *owner = s->owner + (size_t)image * (size_t)s->anchors;
    size_t topk = (size_t)s->rule.topk;
    for (int t = s->first[image]; t < s->first[image + 1]; t++) {
        for (int j = 0; j < s->ranked[t]; j++) {
            int32_t *o = &owner[s->wanted[(size_t)t * topk + (size_t)j].anchor];
            *o = *o == NOBODY ? t : CONTESTED;
        }
    }
    yti_match *out = s->wanted + (size_t)s->first[image] * topk;
    int n = 0;
    for (int t = s->first[image]; t < s->first[image + 1]; t++) {
        for (int j = 0; j < s->ranked[t]; j++) {
            yti_match m = s->wanted[(size_t)t * topk + (size_t)j];
            if (owner[m.anchor] == SETTLED) continue;
            out[n++] = owner[m.anchor] == CONTESTED ? settle(s, &m) : m;
            owner[m.anchor] = SETTLED;
        }
    }
    s->found[image] = n;
}

/* Step 5. */
static void keep_best(const search *s, int image) {
    yti_match *out = s->wanted + (size_t)s->first[image] * (size_t)s->rule.topk;
    size_t topk2 = (size_t)s->rule.topk2;
    for (int t = s->first[image]; t < s->first[image + 1]; t++) s->ranked[t] = 0;
    for (int i = 0; i < s->found[image]; i++) {
        int t = out[i].target;
        insert_ranked(s->kept + (size_t)t * topk2, &s->ranked[t], s->rule.topk2, &out[i]);
    }
    int n = 0;
    for (int t = s->first[image]; t < s->first[image + 1]; t++) {
        for (int j = 0; j < s->ranked[t]; j++) out[n++] = s->kept[(size_t)t * topk2 + (size_t)j];
    }
    s->found[image] = n;
}

/* Step 6. */
static void score(const search *s, int image) {
    yti_match *out = s->wanted + (size_t)s->first[image] * (size_t)s->rule.topk;
    for (int t = s->first[image]; t < s->first[image + 1]; t++) s->best_align[t] = s->best_overlap[t] = 0;
    for (int i = 0; i < s->found[image]; i++) {
        int t = out[i].target;
        if (out[i].align > s->best_align[t]) s->best_align[t] = out[i].align;
        if (out[i].overlap > s->best_overlap[t]) s->best_overlap[t] = out[i].overlap;
    }
    for (int i = 0; i < s->found[image]; i++) {
        int t = out[i].target;
        out[i].score = out[i].align * s->best_overlap[t] / (s->best_align[t] + ALIGN_EPS);
    }
}

static void assign_image(const search *s, int image) {
    for (int t = s->first[image]; t < s->first[image + 1]; t++) rank_candidates(s, image, t);
    settle_conflicts(s, image);
    if (s->rule.topk2 != s->rule.topk) keep_best(s, image);
    score(s, image);
}

/* ---- the batch ---- */

/* A search's arrays in the assignment's block; see base/carve.h. */
static void lay_out(search *s, yti_carver *c) {
    const size_t images = (size_t)s->head->level[0].box.n, targets = (size_t)s->targets->count;
    const size_t anchors = (size_t)s->anchors, topk = (size_t)s->rule.topk;
    const size_t topk2 = s->rule.topk2 == s->rule.topk ? 0 : (size_t)s->rule.topk2;
    s->boxes = yti_carve(c, targets, 1, sizeof *s->boxes);
    s->reach = yti_carve(c, targets, 1, sizeof *s->reach);
    s->first = yti_carve(c, images + 1, 1, sizeof *s->first);
    s->found = yti_carve(c, images, 1, sizeof *s->found);
    s->ranked = yti_carve(c, targets, 1, sizeof *s->ranked);
    s->wanted = yti_carve(c, targets, topk, sizeof *s->wanted);
    s->kept = yti_carve(c, targets, topk2, sizeof *s->kept);
    s->best_align = yti_carve(c, targets, 1, sizeof *s->best_align);
    s->best_overlap = yti_carve(c, targets, 1, sizeof *s->best_overlap);
    s->owner = yti_carve(c, images, anchors, sizeof *s->owner);
    s->decoded = yti_carve(c, images, anchors, sizeof *s->decoded);
    s->prediction = yti_carve(c, images, anchors, sizeof *s->prediction);
}

/* The block is replaced when it is too small. */
static yt_status take_memory(yti_assignment *out, search *s, yt_err *err) {
    yti_carver count = {0};
    lay_out(s, &count);
    if (count.too_large)
        return yt_fail(err, YT_ERR_NO_MEMORY, "the loss of %d boxes in %d images does not fit into memory",
                       s->targets->count, s->head->level[0].box.n);
    if (count.used > out->block_bytes) {
        void *block = aligned_alloc(YTI_LINE, count.used);
        if (!block) return yti_no_memory(err, "%zu bytes of the loss", count.used);
        free(out->block);
        out->block = block, out->block_bytes = count.used;
    }
    lay_out(s, &(yti_carver){.base = out->block});
    return YT_OK;
}

/* Boxes in pixels, and widened for step 1. In float32 throughout, as the reference decides which anchors are inside. */
static void place_targets(const search *s) {
    const yti_head *head = s->head;
    float first = (float)head->level[0].stride, second = (float)head->level[head->n_levels > 1].stride;
    float shortest = s->rule.widen_below_first ? first : second; /* that is not widened */
    float width = (float)head->level[0].box.w * first, height = (float)head->level[0].box.h * first;
    int t = 0;
    for (int image = 0; image <= head->level[0].box.n; image++) {
        while (t < s->targets->count && s->targets->image[t] < image) t++;
        s->first[image] = t;
    }
    for (t = 0; t < s->targets->count; t++) {
        yti_cxcywh b = s->targets->boxes[t];
        s->boxes[t] = yti_xyxy_from_cxcywh((yti_cxcywh){b.cx * width, b.cy * height, b.w * width, b.h * height});
        b = yti_cxcywh_from_xyxy(s->boxes[t]);
        if (b.w < shortest) b.w = second;
        if (b.h < shortest) b.h = second;
        s->reach[t] = yti_xyxy_from_cxcywh(b);
    }
}

/* Brings the matches of all images together at the front. */
static int gather(const search *s) {
    int n = 0;
    for (int image = 0; image < s->head->level[0].box.n; image++) {
        const yti_match *from = s->wanted + (size_t)s->first[image] * (size_t)s->rule.topk;
        memmove(s->wanted + n, from, (size_t)s->found[image] * sizeof *from);
        n += s->found[image];
    }
    return n;
}

yt_status yti_assign(yti_assignment *out, const yti_head *head, const yti_targets *targets, yti_assigner rule,
                     int threads, yt_err *err) {
    search s = {.head = head, .targets = targets, .rule = rule};
    int images = head->level[0].box.n;
    (void)threads; /* where there is no OpenMP */
    out->count = 0;
    if (targets->count == 0) return YT_OK;
    for (int level = 0; level < head->n_levels; level++) {
        s.base[level] = s.anchors;
        s.anchors += head->level[level].box.h * head->level[level].box.w;
    }
    YT_TRY(take_memory(out, &s, err));
    place_targets(&s);
    for (size_t i = 0; i < (size_t)images * (size_t)s.anchors; i++) s.owner[i] = NOBODY;
    memset(s.decoded, 0, (size_t)images * (size_t)s.anchors);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int image = 0; image < images; image++) assign_image(&s, image);
    out->matches = s.wanted;
    out->boxes = s.boxes;
    out->count = gather(&s);
    return YT_OK;
}

void yti_assignment_deinit(yti_assignment *assignment) {
    free(assignment->block);
    *assignment = (yti_assignment){0};
}
