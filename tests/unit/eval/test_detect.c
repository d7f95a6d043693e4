/* Tests of src/eval/{decode,top,nms,select,detect}.c: head outputs to detections, on hand-worked cases and against
 * plain re-implementations. */
#include "base/rng.h"
#include "eval/metrics.h"
#include "eval/top.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a head made by hand ---- */

enum { N_IMAGES = 2, MARGIN = 3 }; /* pixels are MARGIN floats wider than their channels */

typedef struct {
    yti_head head;
    float *memory[2 * YT_MAX_LEVELS];
} made_head;

static yti_tensor make_map(float **memory, int h, int w, int c, float value) {
    size_t count = (size_t)(N_IMAGES * h * w) * (size_t)(c + MARGIN);
    *memory = malloc(count * sizeof(float));
    cr_assert_not_null(*memory);
    for (size_t i = 0; i < count; i++) (*memory)[i] = value;
    return (yti_tensor){*memory, N_IMAGES, h, w, c, c + MARGIN};
}

/* Level i has sides (h, w) halved i times and stride 8 << i. All logits -20, all distances 1. */
static void head_make(made_head *made, int n_levels, int h, int w, int n_classes, int reg_max) {
    memset(made, 0, sizeof *made);
    made->head = (yti_head){.n_levels = n_levels, .n_classes = n_classes, .reg_max = reg_max};
    for (int i = 0; i < n_levels; i++) {
        made->head.level[i] = (yti_head_level){
            .box = make_map(&made->memory[2 * i], h >> i, w >> i, 4 * reg_max, 1.0f),
            .cls = make_map(&made->memory[2 * i + 1], h >> i, w >> i, n_classes, -20.0f),
            .stride = 8 << i};
    }
}

static void head_free(made_head *made) {
    for (int i = 0; i < 2 * YT_MAX_LEVELS; i++) free(made->memory[i]);
}

static float *at(yti_tensor map, int image, int y, int x) {
    return map.data + ((image * map.h + y) * map.w + x) * map.ld;
}

static float logit(double p) {
    return (float)log(p / (1 - p));
}

/* One cell of level 0, image 0: a class with a score, and the corners of its box in pixels (reg_max 1). */
static void put(made_head *made, int y, int x, int class_id, double score, yt_xyxy box) {
    const yti_head_level *level = &made->head.level[0];
    float s = (float)level->stride, px = (float)x + 0.5f, py = (float)y + 0.5f;
    float d[4] = {px - box.x1 / s, py - box.y1 / s, box.x2 / s - px, box.y2 / s - py};
    memcpy(at(level->box, 0, y, x), d, sizeof d);
    at(level->cls, 0, y, x)[class_id] = logit(score);
}

static const yti_detect_options nms_options = {.conf = 0.25f, .iou = 0.7f, .max_det = 300};
static const yti_detect_options top_options = {.conf = 0.25f, .max_det = 300, .end2end = true};

static int detect(const made_head *made, int image, yti_detect_options options, yt_detection *out) {
    int n = -1;
    cr_assert_eq(yti_detect(&made->head, image, &options, out, &n, NULL), YT_OK);
    return n;
}

static void expect_box(yt_xyxy box, double x1, double y1, double x2, double y2) {
    cr_assert(test_near((double)box.x1, x1, 1e-4) && test_near((double)box.y1, y1, 1e-4) &&
                  test_near((double)box.x2, x2, 1e-4) && test_near((double)box.y2, y2, 1e-4),
              "box %g %g %g %g", (double)box.x1, (double)box.y1, (double)box.x2, (double)box.y2);
}

/* ---- decoding ---- */

Test(decode, distances_are_measured_from_the_middle_of_the_cell) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 2, 2, 1, 1);
    float d[4] = {1.0f, 0.5f, 0.25f, 2.0f}; /* from (1.5, 1.5): (0.5, 1) to (1.75, 3.5) cells of 8 pixels */
    memcpy(at(made.head.level[0].box, 0, 1, 1), d, sizeof d);
    at(made.head.level[0].cls, 0, 1, 1)[0] = 0;
    for (int end2end = 0; end2end < 2; end2end++) {
        cr_assert_eq(detect(&made, 0, end2end ? top_options : nms_options, out), 1);
        expect_box(out[0].box, 4, 8, 14, 28);
        cr_assert(test_near((double)out[0].score, 0.5, 1e-7));
    }
    cr_assert_eq(detect(&made, 1, nms_options, out), 0); /* the other image has none */
    head_free(&made);
}

Test(decode, distances_may_be_the_mean_of_a_distribution) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 3, 3, 1, 4);
    /* Odds 1:2:1:4 of bins 0..3 have mean (2 + 2 + 12) / 8 = 2; equal odds 1.5; and sides that would overflow. */
    float bins[16] = {logf(1), logf(2), logf(1), logf(4), 7, 7, 7, 7, 0, 0, 1000, 0, -1000, 5000, -1000, 0};
    memcpy(at(made.head.level[0].box, 1, 1, 2), bins, sizeof bins);
    at(made.head.level[0].cls, 1, 1, 2)[0] = 3;
    cr_assert_eq(detect(&made, 1, nms_options, out), 1);
    expect_box(out[0].box, (2.5 - 2) * 8, (1.5 - 1.5) * 8, (2.5 + 2) * 8, (1.5 + 1) * 8);
    cr_assert(test_near((double)out[0].score, 1 / (1 + exp(-3.0)), 1e-6));
    head_free(&made);
}

Test(decode, every_level_has_its_own_stride) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 3, 4, 8, 2, 1);
    at(made.head.level[0].cls, 0, 3, 7)[0] = 1;
    at(made.head.level[1].cls, 0, 1, 3)[1] = 2;
    at(made.head.level[2].cls, 0, 0, 1)[0] = 3;
    for (int end2end = 0; end2end < 2; end2end++) {
        cr_assert_eq(detect(&made, 0, end2end ? top_options : nms_options, out), 3);
        expect_box(out[0].box, 16, -16, 80, 48); /* (1.5 -+ 1, 0.5 -+ 1) * 32 */
        expect_box(out[1].box, 40, 8, 72, 40);   /* (3.5 -+ 1, 1.5 -+ 1) * 16 */
        expect_box(out[2].box, 52, 20, 68, 36);  /* (7.5 -+ 1, 3.5 -+ 1) * 8 */
        cr_assert_eq(out[1].class_id, 1);
    }
    head_free(&made);
}

Test(decode, a_score_must_exceed_the_confidence) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 1, 1, 1, 1);
    at(made.head.level[0].cls, 0, 0, 0)[0] = 0; /* 0.5, exactly */
    for (int end2end = 0; end2end < 2; end2end++) {
        yti_detect_options options = end2end ? top_options : nms_options;
        options.conf = 0.5f;
        cr_assert_eq(detect(&made, 0, options, out), 0);
        options.conf = nextafterf(0.5f, 0);
        cr_assert_eq(detect(&made, 0, options, out), 1);
        options.conf = 0;
        cr_assert_eq(detect(&made, 0, options, out), 1);
        options.conf = 1;
        cr_assert_eq(detect(&made, 0, options, out), 0);
    }
    head_free(&made);
}

Test(decode, values_that_are_no_numbers_are_no_detections) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 4, 4, 3, 1);
    const yti_head_level *level = &made.head.level[0];
    at(level->cls, 0, 0, 0)[1] = NAN;
    at(level->cls, 0, 0, 1)[0] = INFINITY; /* a score of 1, with a good box */
    at(level->cls, 0, 0, 2)[0] = -INFINITY;
    at(level->cls, 0, 1, 0)[2] = 4;
    at(level->box, 0, 1, 0)[3] = NAN;
    at(level->cls, 0, 1, 1)[2] = 5;
    at(level->box, 0, 1, 1)[0] = INFINITY;
    at(level->cls, 0, 3, 3)[0] = NAN;
    at(level->cls, 0, 3, 3)[1] = 2;
    for (int end2end = 0; end2end < 2; end2end++) {
        cr_assert_eq(detect(&made, 0, end2end ? top_options : nms_options, out), 2);
        cr_assert(out[0].score == 1 && out[0].class_id == 0);
        cr_assert_eq(out[1].class_id, 1);
    }
    for (int i = 0; i < 16; i++) memset(at(level->cls, 0, i / 4, i % 4), 0xff, 3 * sizeof(float)); /* NaN */
    cr_assert_eq(detect(&made, 0, nms_options, out), 0);
    cr_assert_eq(detect(&made, 0, top_options, out), 0);
    head_free(&made);
}

Test(decode, nonsense_is_refused) {
    made_head made;
    yt_detection out[1];
    yti_detect_options options = nms_options;
    int n = 7;
    head_make(&made, 1, 1, 1, 1, 1);
    cr_assert_eq(yti_detect(&made.head, 2, &options, out, &n, NULL), YT_ERR_ARGUMENT);
    options.max_det = 0;
    cr_assert_eq(yti_detect(&made.head, 0, &options, out, &n, NULL), YT_ERR_ARGUMENT);
    cr_assert_eq(n, 7);
    head_free(&made);
}

/* ---- the k best ---- */

static int compare_ranked(const void *a, const void *b) {
    const yti_ranked *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

Test(top, the_k_best_come_in_order_and_equals_by_index) {
    yti_rng rng = yti_rng_make(1, 0, 0, YT_RNG_TEST);
    for (size_t k = 0; k <= 40; k++) {
        yti_ranked all[33];
        yti_top top;
        cr_assert_eq(yti_top_create(k, &top, NULL), YT_OK);
        for (size_t i = 0; i < 33; i++) {
            all[i] = (yti_ranked){(float)yti_rng_below(&rng, 6), i};
            yti_top_offer(&top, all[i].score, i);
        }
        yti_top_sort(&top);
        qsort(all, 33, sizeof *all, compare_ranked);
        cr_assert_eq(top.count, k < 33 ? k : 33);
        for (size_t i = 0; i < top.count; i++)
            cr_assert(top.items[i].score == all[i].score && top.items[i].index == all[i].index);
        yti_top_free(&top);
    }
}

/* ---- non-maximum suppression ---- */

Test(nms, overlap_must_exceed_the_threshold) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 2, 2, 2, 1);
    put(&made, 0, 0, 0, 0.9, (yt_xyxy){0, 0, 8, 8});
    put(&made, 0, 1, 0, 0.8, (yt_xyxy){0, 0, 8, 4}); /* IoU 32/64, exactly */
    yti_detect_options options = nms_options;
    options.iou = 0.5f;
    cr_assert_eq(detect(&made, 0, options, out), 2);
    options.iou = nextafterf(0.5f, 0);
    cr_assert_eq(detect(&made, 0, options, out), 1);
    expect_box(out[0].box, 0, 0, 8, 8);
    head_free(&made);
}

Test(nms, what_is_suppressed_suppresses_nothing) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 2, 2, 1, 1);
    put(&made, 1, 1, 0, 0.9, (yt_xyxy){0, 0, 8, 8});
    put(&made, 0, 1, 0, 0.8, (yt_xyxy){2, 0, 10, 8}); /* IoU with the first 48/80 = 0.6 */
    put(&made, 0, 0, 0, 0.7, (yt_xyxy){4, 0, 12, 8}); /* with the second 0.6, with the first 32/96 */
    yti_detect_options options = nms_options;
    options.iou = 0.5f;
    cr_assert_eq(detect(&made, 0, options, out), 2);
    expect_box(out[0].box, 0, 0, 8, 8);
    expect_box(out[1].box, 4, 0, 12, 8);
    options.max_det = 1;
    cr_assert_eq(detect(&made, 0, options, out), 1);
    head_free(&made);
}

Test(nms, classes_are_apart_unless_agnostic) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 1, 2, 2, 1);
    put(&made, 0, 0, 0, 0.6, (yt_xyxy){0, 0, 8, 8});
    put(&made, 0, 1, 1, 0.9, (yt_xyxy){0, 0, 8, 8});
    yti_detect_options options = nms_options;
    cr_assert_eq(detect(&made, 0, options, out), 2);
    cr_assert(out[0].class_id == 1 && out[1].class_id == 0);
    options.agnostic = true;
    cr_assert_eq(detect(&made, 0, options, out), 1);
    cr_assert_eq(out[0].class_id, 1);
    head_free(&made);
}

Test(nms, the_class_offset_is_added_in_single_precision) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 1, 2, 80, 1);
    /* Equal boxes of 1/64 pixel. 79 * 7680 = 606720, where floats are 1/16 apart: both collapse to nothing, and 0/0
     * suppresses nothing. Without an offset the second goes. */
    yt_xyxy speck = {0, 0, 0.015625f, 0.015625f};
    put(&made, 0, 0, 79, 0.6, speck);
    put(&made, 0, 1, 79, 0.5, speck);
    cr_assert_eq(detect(&made, 0, nms_options, out), 2);
    put(&made, 0, 0, 0, 0.9, speck);
    put(&made, 0, 1, 0, 0.8, speck);
    cr_assert_eq(detect(&made, 0, nms_options, out), 1);
    head_free(&made);
}

Test(nms, an_anchor_may_have_several_labels) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 1, 1, 3, 1);
    put(&made, 0, 0, 0, 0.6, (yt_xyxy){0, 0, 8, 8});
    put(&made, 0, 0, 1, 0.8, (yt_xyxy){0, 0, 8, 8});
    put(&made, 0, 0, 2, 0.8, (yt_xyxy){0, 0, 8, 8});
    yti_detect_options options = nms_options;
    cr_assert_eq(detect(&made, 0, options, out), 1);
    cr_assert_eq(out[0].class_id, 1); /* the first of equals */
    options.multi_label = true;
    cr_assert_eq(detect(&made, 0, options, out), 3);
    cr_assert(out[0].class_id == 1 && out[1].class_id == 2 && out[2].class_id == 0);
    head_free(&made);
}

Test(nms, saturated_scores_are_equal_whatever_their_logits) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 1, 1, 3, 1);
    at(made.head.level[0].cls, 0, 0, 0)[1] = 30;
    at(made.head.level[0].cls, 0, 0, 0)[2] = 40; /* both scores are 1 in float32 */
    cr_assert_eq(detect(&made, 0, nms_options, out), 1);
    cr_assert_eq(out[0].class_id, 1);
    head_free(&made);
}

Test(nms, only_the_30000_best_candidates_are_looked_at) {
    enum { SIDE = 200 };
    made_head made;
    yt_detection *out = malloc(SIDE * SIDE * sizeof *out);
    cr_assert_not_null(out);
    head_make(&made, 1, SIDE, SIDE, 1, 1);
    for (int i = 0; i < SIDE * SIDE; i++) {
        float x = (float)(i % SIDE) * 8, y = (float)(i / SIDE) * 8; /* boxes that do not touch */
        put(&made, i / SIDE, i % SIDE, 0, i < 10000 ? 0.3 : 0.4, (yt_xyxy){x, y, x + 4, y + 4});
    }
    yti_detect_options options = nms_options;
    options.max_det = SIDE * SIDE;
    cr_assert_eq(detect(&made, 0, options, out), 30000);
    cr_assert(out[29999].score > 0.39f);
    expect_box(out[0].box, 0, 50 * 8, 4, 50 * 8 + 4); /* row 50 is the first of the better ones */
    free(out);
    head_free(&made);
}

/* ---- against plain re-implementations, on random heads ---- */

typedef struct {
    yt_detection detection;
    size_t row;
} row;

static int compare_rows(const void *a, const void *b) {
    const row *x = a, *y = b;
    if (x->detection.score != y->detection.score) return x->detection.score > y->detection.score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Few distinct logits, so that ties abound; boxes of a few cells. */
static void fill_random(made_head *made, yti_rng *rng) {
    for (int l = 0; l < made->head.n_levels; l++) {
        const yti_head_level *level = &made->head.level[l];
        for (int i = 0; i < level->cls.h * level->cls.w; i++) {
            float *cls = at(level->cls, 0, i / level->cls.w, i % level->cls.w);
            float *box = at(level->box, 0, i / level->cls.w, i % level->cls.w);
            for (int c = 0; c < made->head.n_classes; c++) cls[c] = (float)yti_rng_below(rng, 12) * 0.5f - 4;
            for (int k = 0; k < 4; k++) box[k] = (float)yti_rng_uniform(rng, -0.2, 2.5);
        }
    }
}

/* All (anchor, class) pairs, decoded as the formulas say. */
static size_t all_rows(const made_head *made, bool via_centre, row *rows) {
    size_t n = 0;
    for (int l = 0; l < made->head.n_levels; l++) {
        const yti_head_level *level = &made->head.level[l];
        float s = (float)level->stride;
        for (int y = 0; y < level->cls.h; y++)
            for (int x = 0; x < level->cls.w; x++) {
                const float *d = at(level->box, 0, y, x), *logits = at(level->cls, 0, y, x);
                float ax = (float)x + 0.5f, ay = (float)y + 0.5f;
                yt_xyxy b = {ax - d[0], ay - d[1], ax + d[2], ay + d[3]};
                float cx = (b.x1 + b.x2) / 2 * s, cy = (b.y1 + b.y2) / 2 * s;
                float w = (b.x2 - b.x1) * s, h = (b.y2 - b.y1) * s;
                if (via_centre)
                    b = (yt_xyxy){cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2};
                else
                    b = (yt_xyxy){b.x1 * s, b.y1 * s, b.x2 * s, b.y2 * s};
                for (int c = 0; c < made->head.n_classes; c++, n++)
                    rows[n] = (row){{b, 1.0f / (1.0f + expf(-logits[c])), c}, n};
            }
    }
    return n;
}

/* Strikes out ahead, with a flag per row. */
static size_t plain_nms(row *rows, size_t n, float conf, float threshold) {
    size_t candidates = 0, kept = 0;
    for (size_t i = 0; i < n; i++)
        if (rows[i].detection.score > conf) rows[candidates++] = rows[i];
    qsort(rows, candidates, sizeof *rows, compare_rows);
    bool *dead = calloc(candidates + 1, sizeof *dead);
    cr_assert_not_null(dead);
    for (size_t i = 0; i < candidates; i++) {
        if (dead[i]) continue;
        yt_detection a = rows[i].detection;
        float move = (float)a.class_id * 7680.0f;
        float ax1 = a.box.x1 + move, ay1 = a.box.y1 + move, ax2 = a.box.x2 + move, ay2 = a.box.y2 + move;
        for (size_t j = i + 1; j < candidates; j++) {
            yt_detection b = rows[j].detection;
            float go = (float)b.class_id * 7680.0f;
            float bx1 = b.box.x1 + go, by1 = b.box.y1 + go, bx2 = b.box.x2 + go, by2 = b.box.y2 + go;
            float w = fmaxf(0, fminf(ax2, bx2) - fmaxf(ax1, bx1));
            float h = fmaxf(0, fminf(ay2, by2) - fmaxf(ay1, by1));
            float inter = w * h;
            float area_a = (ax2 - ax1) * (ay2 - ay1), area_b = (bx2 - bx1) * (by2 - by1);
            if (inter / (area_a + area_b - inter) > threshold) dead[j] = true;
        }
        rows[kept++] = rows[i];
    }
    free(dead);
    return kept;
}

static void expect_same(const yt_detection *out, int n, const row *rows, size_t expected) {
    cr_assert_eq((size_t)n, expected, "%d detections instead of %zu", n, expected);
    for (int i = 0; i < n; i++) {
        const yt_detection *e = &rows[i].detection;
        cr_assert(out[i].score == e->score && out[i].class_id == e->class_id, "detection %d", i);
        cr_assert(memcmp(&out[i].box, &e->box, sizeof e->box) == 0, "box %d", i);
    }
}

enum { RANDOM_ROWS = (16 * 12 + 8 * 6 + 4 * 3) * 7 };

Test(nms, agrees_with_a_plain_one_on_random_boxes) {
    yti_rng rng = yti_rng_make(2, 0, 0, YT_RNG_TEST);
    static yt_detection out[RANDOM_ROWS];
    static row rows[RANDOM_ROWS];
    size_t suppressed = 0;
    for (int round = 0; round < 20; round++) {
        made_head made;
        head_make(&made, 3, 16, 12, 7, 1);
        fill_random(&made, &rng);
        yti_detect_options options = {.conf = 0.3f, .iou = 0.3f, .max_det = RANDOM_ROWS, .multi_label = true};
        int n = detect(&made, 0, options, out);
        size_t all = all_rows(&made, true, rows), over = 0;
        for (size_t i = 0; i < all; i++) over += rows[i].detection.score > options.conf;
        size_t expected = plain_nms(rows, all, options.conf, options.iou);
        expect_same(out, n, rows, expected);
        suppressed += over - expected;
        options.max_det = 25;
        n = detect(&made, 0, options, out);
        expect_same(out, n, rows, 25);
        head_free(&made);
    }
    cr_assert_gt(suppressed, 1000u); /* else the test would say little */
}

/* ---- end-to-end selection ---- */

Test(end2end, an_anchor_may_come_twice_and_may_crowd_out_another) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 1, 3, 2, 1);
    put(&made, 0, 0, 0, 0.9, (yt_xyxy){0, 0, 8, 8});
    put(&made, 0, 0, 1, 0.8, (yt_xyxy){0, 0, 8, 8});
    put(&made, 0, 1, 1, 0.7, (yt_xyxy){8, 0, 16, 8});
    put(&made, 0, 2, 0, 0.6, (yt_xyxy){16, 0, 24, 8});
    cr_assert_eq(detect(&made, 0, top_options, out), 3); /* A = 3 < max_det: k is 3, of 4 pairs over conf */
    cr_assert(out[0].class_id == 0 && out[1].class_id == 1 && out[2].class_id == 1);
    expect_box(out[1].box, 0, 0, 8, 8);
    expect_box(out[2].box, 8, 0, 16, 8);
    yti_detect_options options = top_options;
    options.agnostic = true;
    cr_assert_eq(detect(&made, 0, options, out), 3);
    expect_box(out[2].box, 16, 0, 24, 8);
    options.max_det = 1;
    cr_assert_eq(detect(&made, 0, options, out), 1);
    head_free(&made);
}

Test(end2end, overlapping_boxes_are_all_kept) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 2, 2, 1, 1);
    for (int i = 0; i < 4; i++) put(&made, i / 2, i % 2, 0, 0.5 + i * 0.1, (yt_xyxy){0, 0, 8, 8});
    cr_assert_eq(detect(&made, 0, top_options, out), 4);
    cr_assert(test_near((double)out[0].score, 0.8, 1e-6) && test_near((double)out[3].score, 0.5, 1e-6));
    head_free(&made);
}

Test(end2end, equal_scores_come_by_anchor_then_class) {
    made_head made;
    yt_detection out[300];
    head_make(&made, 1, 4, 4, 2, 1);
    for (int i = 15; i >= 0; i--)
        for (int c = 0; c < 2; c++) put(&made, i / 4, i % 4, c, 0.5, (yt_xyxy){(float)i, 0, (float)i + 1, 1});
    yti_detect_options options = top_options;
    options.max_det = 5;
    cr_assert_eq(detect(&made, 0, options, out), 5);
    for (int i = 0; i < 5; i++) {
        expect_box(out[i].box, i / 2, 0, i / 2 + 1, 1);
        cr_assert_eq(out[i].class_id, i % 2);
    }
    head_free(&made);
}

typedef struct {
    float best;
    size_t anchor;
} ranked_anchor;

static int compare_anchors(const void *a, const void *b) {
    const ranked_anchor *x = a, *y = b;
    if (x->best != y->best) return x->best > y->best ? -1 : 1;
    return (x->anchor > y->anchor) - (x->anchor < y->anchor);
}

/* The two steps as the reference trainer states them, confidence last. Returns the rows left in `rows`. */
static size_t plain_selection(row *rows, size_t all, size_t n_classes, size_t max_det, float conf) {
    static ranked_anchor anchors[RANDOM_ROWS];
    static row block[RANDOM_ROWS];
    size_t n_anchors = all / n_classes, k = max_det < n_anchors ? max_det : n_anchors, n = 0;
    for (size_t a = 0; a < n_anchors; a++) {
        anchors[a] = (ranked_anchor){-1, a};
        for (size_t c = 0; c < n_classes; c++)
            anchors[a].best = fmaxf(anchors[a].best, rows[a * n_classes + c].detection.score);
    }
    qsort(anchors, n_anchors, sizeof *anchors, compare_anchors);
    for (size_t i = 0; i < k; i++)
        for (size_t c = 0; c < n_classes; c++, n++) {
            block[n] = rows[anchors[i].anchor * n_classes + c];
            block[n].row = n;
        }
    qsort(block, n, sizeof *block, compare_rows);
    size_t kept = 0;
    while (kept < k && block[kept].detection.score > conf) {
        rows[kept] = block[kept];
        kept++;
    }
    return kept;
}

Test(end2end, agrees_with_a_plain_selection_on_random_heads) {
    yti_rng rng = yti_rng_make(3, 0, 0, YT_RNG_TEST);
    static yt_detection out[RANDOM_ROWS];
    static row rows[RANDOM_ROWS];
    const int limits[] = {1, 7, 50, 300};
    const float confs[] = {0, 0.3f, 0.75f};
    for (int round = 0; round < 12; round++) {
        made_head made;
        head_make(&made, 3, 16, 12, 7, 1);
        fill_random(&made, &rng);
        yti_detect_options options = {.conf = confs[round % 3], .max_det = limits[round % 4], .end2end = true};
        int n = detect(&made, 0, options, out);
        size_t all = all_rows(&made, false, rows);
        size_t expected = plain_selection(rows, all, 7, (size_t)options.max_det, options.conf);
        expect_same(out, n, rows, expected);
        cr_assert_gt(n, 0);
        head_free(&made);
    }
}

/* ---- back to the image ---- */

Test(unfit, undoes_a_letterbox_and_clips) {
    yti_fit fit = {.gain_x = 0.5f, .gain_y = 0.5f, .left = 10, .top = 20, .original_w = 200, .original_h = 100};
    yt_detection d[3] = {{{60 * 0.5f + 10, 40 * 0.5f + 20, 80 * 0.5f + 10, 90 * 0.5f + 20}, 0.5f, 1},
                         {{0, 0, 1000, 1000}, 0.4f, 0},
                         {{-50, 300, -20, 400}, 0.3f, 0}};
    yti_detections_to_image(d, 3, &fit);
    expect_box(d[0].box, 60, 40, 80, 90);
    expect_box(d[1].box, 0, 0, 200, 100);
    expect_box(d[2].box, 0, 100, 0, 100);
    cr_assert(d[0].class_id == 1 && d[0].score == 0.5f);
}
