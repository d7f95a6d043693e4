/* coco_eval.c: COCO's detection evaluation (Lin et al., "Microsoft COCO", 2014; cocodataset.org).
 *
 * Per image, class, area range and IoU threshold the 100 best detections, in descending order of score, take one truth
 * each: of those still free (a crowd always is) the one they overlap most, and the later of equals. Truth that is a
 * crowd or outside the area range is ignored: it comes after all others, is looked at only by a detection that found
 * none of those, and who takes it is neither right nor wrong. So is a detection outside the area range that takes
 * nothing. The overlap with a crowd is intersection / detection.
 *
 * Per class, area range and threshold all detections in descending order of score give a curve; precision is raised to
 * the largest at its recall or beyond, and AP is its mean at the recalls 0, 0.01, ... 1, each at the first point that
 * reaches it. AR is the largest recall. The twelve numbers are means over classes (and thresholds); a class without
 * truth in the range has no part in them.
 *
 * All in double with the constants of pycocotools, so that the numbers are its own. This file is compiled without
 * contraction to fused multiply-add, which would turn decisions at the thresholds.
 */
#include "eval/coco_eval.h"

#include "base/array.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AREAS = YT_COCO_AREAS, MAX_DET = 100, RECALLS = 101 };

/* As numpy's linspace(0.5, 0.95, 10) gives them. */
static const double thresholds[YT_N_IOU] = {0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95};

/* Both bounds belong to the range; no object has 1e10 pixels. */
static const struct {
    const char *name;
    double low, high;
} areas[AREAS] = {[YT_COCO_ALL] = {"all", 0, 1e10},
                  [YT_COCO_SMALL] = {"small", 0, 32 * 32},
                  [YT_COCO_MEDIUM] = {"medium", 32 * 32, 96 * 96},
                  [YT_COCO_LARGE] = {"large", 96 * 96, 1e10}};

static const yti_coco_row rows[YT_COCO_NUMBERS] = {
#define ROW(name, kind, threshold, area, max_det) {#name, YT_COCO_##kind, threshold, YT_COCO_##area, max_det},
    YT_COCO_MAP(ROW)
#undef ROW
};

/* A detection among the MAX_DET best of its image and class. Bit t of hits and misses: right or wrong at threshold
 * t; neither: ignored. */
typedef struct {
    double score;
    int64_t image;
    size_t order; /* of arrival */
    int class_id, rank;
    uint16_t hits[AREAS], misses[AREAS];
} record;

/* An array that grows and is kept. */
typedef struct {
    void *memory;
    size_t capacity;
} buffer;

/* Detections or truth of one image, by class. */
typedef struct {
    double score; /* of truth: 0 */
    int class_id, index;
} member;

struct yti_coco_eval {
    int n_classes;
    size_t count;
    buffer records;                            /* of record */
    size_t (*n_truth)[AREAS];                  /* [n_classes] without the ignored */
    buffer found, truth, iou, taken, sequence; /* scratch of one image */
};

const yti_coco_row *yti_coco_rows(void) {
    return rows;
}

void yti_coco_format(yti_coco_number number, double value, char *text, size_t room) {
    const yti_coco_row *row = &rows[number];
    char iou[16] = "0.50:0.95";
    if (row->threshold >= 0) snprintf(iou, sizeof iou, "%.2f", thresholds[row->threshold]);
    bool recall = row->kind == YT_COCO_RECALL;
    snprintf(text, room, " %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3d ] = %.3f",
             recall ? "Average Recall" : "Average Precision", recall ? "(AR)" : "(AP)", iou, areas[row->area].name,
             row->max_det, value);
}

static double rounded(double value, double per_unit) {
    return rint(value * per_unit) / per_unit;
}

yti_coco_found yti_coco_rounded(const yt_detection *d) {
    double x = (double)d->box.x1, y = (double)d->box.y1;
    return (yti_coco_found){
        {rounded(x, 1e3), rounded(y, 1e3), rounded((double)d->box.x2 - x, 1e3), rounded((double)d->box.y2 - y, 1e3)},
        rounded((double)d->score, 1e5),
        d->class_id};
}

yt_status yti_coco_eval_create(int n_classes, yti_coco_eval **out, yt_err *err) {
    if (n_classes < 1) return yt_fail(err, YT_ERR_ARGUMENT, "COCO metrics of %d classes; there must be one", n_classes);
    yti_coco_eval *eval = calloc(1, sizeof *eval);
    if (eval) {
        eval->n_classes = n_classes;
        eval->n_truth = calloc((size_t)n_classes, sizeof *eval->n_truth);
    }
    if (!eval || !eval->n_truth) {
        yti_coco_eval_destroy(eval);
        return yti_no_memory(err, "the COCO metrics of %d classes", n_classes);
    }
    *out = eval;
    return YT_OK;
}

void yti_coco_eval_destroy(yti_coco_eval *eval) {
    if (!eval) return;
    free(eval->records.memory);
    free(eval->n_truth);
    free(eval->found.memory);
    free(eval->truth.memory);
    free(eval->iou.memory);
    free(eval->taken.memory);
    free(eval->sequence.memory);
    free(eval);
}

void yti_coco_eval_reset(yti_coco_eval *eval) {
    eval->count = 0;
    memset(eval->n_truth, 0, (size_t)eval->n_classes * sizeof *eval->n_truth);
}

/* ---- matching, per image ---- */

static bool usable(const yti_coco_eval *eval, yti_coco_box box, double value, int class_id) {
    return class_id >= 0 && class_id < eval->n_classes && isfinite(box.x) && isfinite(box.y) && isfinite(box.w) &&
           isfinite(box.h) && isfinite(value);
}

static yt_status check(const yti_coco_eval *eval, const yti_coco_found *found, int n_found, const yti_coco_truth *truth,
                       int n_truth, yt_err *err) {
    for (int i = 0; i < n_found; i++)
        if (!usable(eval, found[i].box, found[i].score, found[i].class_id))
            return yt_fail(err, YT_ERR_ARGUMENT,
                           "detection %d has class %d and score %g; classes are 0 to %d and numbers finite", i,
                           found[i].class_id, found[i].score, eval->n_classes - 1);
    for (int i = 0; i < n_truth; i++)
        if (!usable(eval, truth[i].box, truth[i].area, truth[i].class_id))
            return yt_fail(err, YT_ERR_ARGUMENT,
                           "ground-truth box %d has class %d and area %g; classes are 0 to %d and numbers finite", i,
                           truth[i].class_id, truth[i].area, eval->n_classes - 1);
    return YT_OK;
}

/* Memory for `need` elements and never NULL but for lack of it. */
static void *room_in(buffer *b, size_t need, size_t size) {
    void *grown = yti_grow(b->memory, &b->capacity, need + 1, size);
    if (grown) b->memory = grown;
    return grown;
}

/* By class, then by descending score, then as they came. */
static int compare_members(const void *a, const void *b) {
    const member *x = a, *y = b;
    if (x->class_id != y->class_id) return x->class_id < y->class_id ? -1 : 1;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void sort_members(member *members, int count) {
    qsort(members, (size_t)count, sizeof *members, compare_members);
}

static double overlap(yti_coco_box found, const yti_coco_truth *truth) {
    yti_coco_box t = truth->box;
    double w = fmin(found.w + found.x, t.w + t.x) - fmax(found.x, t.x);
    double h = fmin(found.h + found.y, t.h + t.y) - fmax(found.y, t.y);
    if (!(w > 0 && h > 0)) return 0;
    double both = w * h, area = found.w * found.h;
    return both / (truth->crowd ? area : area + t.w * t.h - both);
}

static bool within(yti_coco_area area, double pixels) {
    return pixels >= areas[area].low && pixels <= areas[area].high;
}

/* One image, sorted by class, with its scratch. */
typedef struct {
    const yti_coco_found *all_found;
    const yti_coco_truth *all_truth;
    member *found, *truth;
    double *iou;     /* [detection of a class][truth of the class] */
    uint16_t *taken; /* [truth of a class] bit t: taken at threshold t */
    int *sequence;   /* truth of a class, the ignored last */
    record *records; /* to be written next */
} image;

/* The detections and the truth of one class in it. */
typedef struct {
    const image *image;
    const member *found, *truth;
    int n_found, n_truth; /* n_found <= MAX_DET */
} group;

static const yti_coco_truth *truth_of(const group *g, int i) {
    return &g->image->all_truth[g->truth[i].index];
}

/* Writes the sequence in which truth is looked at; returns how many of it count. */
static int arrange(const group *g, yti_coco_area area) {
    int counted = 0, n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < g->n_truth; i++) {
            const yti_coco_truth *truth = truth_of(g, i);
            bool ignored = truth->crowd || !within(area, truth->area);
            if (ignored == (pass == 1)) g->image->sequence[n++] = i;
        }
        if (pass == 0) counted = n;
    }
    return counted;
}

/* The place in the sequence of the truth that detection d takes at threshold t; -1: none. */
static int choose(const group *g, int d, int t, int counted) {
    const image *im = g->image;
    const double *iou = im->iou + (size_t)d * (size_t)g->n_truth;
    double bar = thresholds[t];
    int best = -1;
    for (int place = 0; place < g->n_truth; place++) {
        int i = im->sequence[place];
        if ((im->taken[i] >> t & 1) && !truth_of(g, i)->crowd) continue;
        if (best >= 0 && best < counted && place >= counted) break;
        if (iou[i] < bar) continue;
        bar = iou[i];
        best = place;
    }
    return best;
}

static const yti_coco_box *box_of(const group *g, int d) {
    return &g->image->all_found[g->found[d].index].box;
}

/* Returns how many ground-truth boxes of the group count in this range. */
static int match(const group *g, yti_coco_area area) {
    const image *im = g->image;
    int counted = arrange(g, area);
    memset(im->taken, 0, (size_t)g->n_truth * sizeof *im->taken);
    for (int t = 0; t < YT_N_IOU; t++) {
        unsigned bit = 1u << t;
        for (int d = 0; d < g->n_found; d++) {
            record *r = &im->records[d];
            int place = choose(g, d, t, counted);
            if (place >= 0) im->taken[im->sequence[place]] |= (uint16_t)bit;
            if (place >= 0 && place < counted) r->hits[area] |= (uint16_t)bit;
            if (place < 0 && within(area, box_of(g, d)->w * box_of(g, d)->h)) r->misses[area] |= (uint16_t)bit;
        }
    }
    return counted;
}

static void measure_overlaps(const group *g) {
    double *iou = g->image->iou;
    for (int d = 0; d < g->n_found; d++)
        for (int i = 0; i < g->n_truth; i++) *iou++ = overlap(*box_of(g, d), truth_of(g, i));
}

/* The end of the run of members of a class that begins at `from`. */
static int end_of_class(const member *members, int count, int from, int class_id) {
    while (from < count && members[from].class_id == class_id) from++;
    return from;
}

/* Scratch for an image, and room for its records; all that can fail for lack of memory. */
static yt_status open_image(yti_coco_eval *eval, int n_found, int n_truth, image *out, yt_err *err) {
    size_t found = (size_t)n_found, truth = (size_t)n_truth, dets = found < MAX_DET ? found : MAX_DET;
    record *records = room_in(&eval->records, eval->count + found, sizeof *records);
    out->found = room_in(&eval->found, found, sizeof *out->found);
    out->truth = room_in(&eval->truth, truth, sizeof *out->truth);
    out->iou = truth < SIZE_MAX / MAX_DET ? room_in(&eval->iou, dets * truth, sizeof *out->iou) : NULL;
    out->taken = room_in(&eval->taken, truth, sizeof *out->taken);
    out->sequence = room_in(&eval->sequence, truth, sizeof *out->sequence);
    if (!records || !out->found || !out->truth || !out->iou || !out->taken || !out->sequence)
        return yti_no_memory(err, "%d detections and %d ground-truth boxes", n_found, n_truth);
    out->records = records + eval->count;
    return YT_OK;
}

/* Appends the records of a group and matches it in every range of areas. */
static void add_group(yti_coco_eval *eval, const group *g, int class_id, int64_t rank) {
    for (int d = 0; d < g->n_found; d++)
        g->image->records[d] = (record){
            .score = g->found[d].score, .image = rank, .order = eval->count++, .class_id = class_id, .rank = d};
    measure_overlaps(g);
    for (int area = 0; area < AREAS; area++) eval->n_truth[class_id][area] += (size_t)match(g, (yti_coco_area)area);
}

yt_status yti_coco_eval_add(yti_coco_eval *eval, int64_t rank, const yti_coco_found *found, int n_found,
                            const yti_coco_truth *truth, int n_truth, yt_err *err) {
    image im = {.all_found = found, .all_truth = truth};
    YT_TRY(check(eval, found, n_found, truth, n_truth, err));
    YT_TRY(open_image(eval, n_found, n_truth, &im, err));
    for (int i = 0; i < n_found; i++) im.found[i] = (member){found[i].score, found[i].class_id, i};
    for (int i = 0; i < n_truth; i++) im.truth[i] = (member){0, truth[i].class_id, i};
    sort_members(im.found, n_found);
    sort_members(im.truth, n_truth);
    for (int f = 0, t = 0; f < n_found || t < n_truth;) {
        int class_id = f < n_found ? im.found[f].class_id : INT_MAX;
        if (t < n_truth && im.truth[t].class_id < class_id) class_id = im.truth[t].class_id;
        int f_end = end_of_class(im.found, n_found, f, class_id);
        int t_end = end_of_class(im.truth, n_truth, t, class_id);
        group g = {&im, im.found + f, im.truth + t, f_end - f, t_end - t};
        if (g.n_found > MAX_DET) g.n_found = MAX_DET;
        add_group(eval, &g, class_id, rank);
        im.records += g.n_found;
        f = f_end;
        t = t_end;
    }
    return YT_OK;
}

/* ---- curves, per class ---- */

/* By class; within it by descending score, then by image, then by arrival. */
static int compare_records(const void *a, const void *b) {
    const record *x = a, *y = b;
    if (x->class_id != y->class_id) return x->class_id < y->class_id ? -1 : 1;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    if (x->image != y->image) return x->image < y->image ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

typedef struct {
    const record *records;
    size_t count;
    double *recall, *precision; /* scratch, [count] */
} class_run;

/* Sum of the interpolated precision over the recalls. */
static double sum_precision(const class_run *run, yti_coco_area area, int threshold, size_t n_truth) {
    double *recall = run->recall, *precision = run->precision, sum = 0;
    size_t hits = 0, misses = 0, n = 0;
    for (size_t i = 0; i < run->count; i++) {
        unsigned hit = run->records[i].hits[area] >> threshold & 1;
        unsigned miss = run->records[i].misses[area] >> threshold & 1;
        if (!hit && !miss) continue;
        hits += hit;
        misses += miss;
        recall[n] = (double)hits / (double)n_truth;
        precision[n++] = (double)hits / ((double)(hits + misses) + DBL_EPSILON);
    }
    for (size_t i = n; i-- > 1;)
        if (precision[i] > precision[i - 1]) precision[i - 1] = precision[i];
    size_t at = 0;
    for (int r = 0; r < RECALLS; r++) {
        while (at < n && recall[at] < r * 0.01) at++;
        if (at == n) break;
        sum += precision[at];
    }
    return sum;
}

/* Recall with the `max_det` best of each image. */
static double largest_recall(const class_run *run, yti_coco_area area, int threshold, int max_det, size_t n_truth) {
    size_t hits = 0;
    for (size_t i = 0; i < run->count; i++)
        if (run->records[i].rank < max_det) hits += run->records[i].hits[area] >> threshold & 1;
    return (double)hits / (double)n_truth;
}

typedef struct {
    double sum;
    size_t count;
} mean;

/* Adds what a class has to say to a number. */
static void add_class(const class_run *run, const yti_coco_row *row, size_t n_truth, mean *to) {
    if (n_truth == 0) return;
    int first = row->threshold >= 0 ? row->threshold : 0;
    int end = row->threshold >= 0 ? row->threshold + 1 : YT_N_IOU;
    for (int t = first; t < end; t++) {
        if (row->kind == YT_COCO_PRECISION) {
            to->sum += sum_precision(run, row->area, t, n_truth);
            to->count += RECALLS;
        } else {
            to->sum += largest_recall(run, row->area, t, row->max_det, n_truth);
            to->count++;
        }
    }
}

yt_status yti_coco_eval_compute(yti_coco_eval *eval, double numbers[YT_COCO_NUMBERS], yt_err *err) {
    size_t count = eval->count;
    record *records = room_in(&eval->records, count, sizeof *records);
    double *curves = count < SIZE_MAX / (2 * sizeof *curves) ? malloc((2 * count + 1) * sizeof *curves) : NULL;
    if (!records || !curves) {
        free(curves);
        return yti_no_memory(err, "the curves of %zu detections", count);
    }
    qsort(records, count, sizeof *records, compare_records);
    mean means[YT_COCO_NUMBERS] = {{0, 0}};
    size_t at = 0;
    for (int c = 0; c < eval->n_classes; c++) {
        class_run run = {records + at, 0, curves, curves + count};
        while (at < count && records[at].class_id == c) at++, run.count++;
        for (int i = 0; i < YT_COCO_NUMBERS; i++) add_class(&run, &rows[i], eval->n_truth[c][rows[i].area], &means[i]);
    }
    for (int i = 0; i < YT_COCO_NUMBERS; i++)
        numbers[i] = means[i].count > 0 ? means[i].sum / (double)means[i].count : -1;
    free(curves);
    return YT_OK;
}
