/* rules.c: what is a box, said once for label files and COCO files; see rules.h.
 *
 * The reference takes each of cx, cy, w and h from -0.01 to 1.01 as it is. Further out it drops the image; here the
 * object is kept by the part that can be seen, unless it lies so far out that the numbers must be something else than
 * fractions of the image.
 */
#include "data/index/rules.h"

#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_REPORTED = 20 /* rows of a tally that are reported one by one */ };
static const double LOWEST = -0.01, HIGHEST = 1.01;
static const double FARTHEST = 1;    /* image sizes beyond the border: pixels read as fractions lie farther */
static const double SMALLEST = 1e-6; /* of a side: what six digits can say, and below a pixel of any image */

typedef enum action { DROPPED, FIXED, NOTED } action;

static const struct {
    action action;
    bool strict;
    const char *one, *many;
} rules[] = {
#define RULE_ROW(name, action, strict, one, many) [YT_LABEL_##name] = {action, strict, one, many},
    YT_LABEL_RULE_MAP(RULE_ROW)
#undef RULE_ROW
};

void yti_tally_row(yti_tally *tally, yti_report *report, yti_label_rule rule, const char *format, ...) {
    tally->rules[rule]++;
    if (tally->reported++ >= MAX_REPORTED) return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (rules[rule].action == DROPPED && !tally->first_bad) tally->first_bad = report->used + 1;
    yti_report_note(report, "%s", line);
}

void yti_tally_finish(const yti_tally *tally, yti_report *report, const char *name) {
    if (tally->reported > MAX_REPORTED)
        yti_report_note(report, "%s: and %d more such rows", name, tally->reported - MAX_REPORTED);
}

static int count_rules(const int counts[YT_LABEL_RULES], bool strict) {
    int sum = 0;
    for (int i = 0; i < YT_LABEL_RULES; i++)
        if (strict ? rules[i].strict : rules[i].action == DROPPED) sum += counts[i];
    return sum;
}

int yti_tally_bad(const yti_tally *tally) {
    return count_rules(tally->rules, false);
}

int yti_scan_bad_rows(const yti_scan_summary *summary) {
    return count_rules(summary->rules, false);
}

int yti_scan_row_problems(const yti_scan_summary *summary) {
    return count_rules(summary->rules, true);
}

static void append_rule(char *text, size_t room, const char *before, int rule, int count) {
    yti_text_append(text, room, "%s%d %s", before, count, count == 1 ? rules[rule].one : rules[rule].many);
}

void yti_scan_summary_text(const yti_scan_summary *s, char *text, size_t room) {
    text[0] = '\0';
    yti_text_append(text, room, "%d images, %d boxes, %d backgrounds", s->images, s->boxes, s->backgrounds);
    if (s->bad_images) yti_text_append(text, room, ", %d unusable images left out", s->bad_images);
    if (s->lost_images)
        yti_text_append(text, room, ", %d images left out because all their rows are bad", s->lost_images);
    int bad = yti_scan_bad_rows(s);
    if (bad) yti_text_append(text, room, ", %d bad boxes left out", bad);
    const char *before = " (";
    for (int i = 0; bad && i < YT_LABEL_RULES; i++) {
        if (rules[i].action != DROPPED || !s->rules[i]) continue;
        append_rule(text, room, before, i, s->rules[i]);
        before = ", ";
    }
    if (bad) yti_text_append(text, room, ")");
    for (int i = 0; i < YT_LABEL_RULES; i++)
        if (rules[i].action != DROPPED && s->rules[i]) append_rule(text, room, ", ", i, s->rules[i]);
}

/* ---- one box ---- */

static bool in_range(double value) {
    return value >= LOWEST && value <= HIGHEST;
}

/* Cuts one axis to the image. False: nothing of it is left. */
static bool clip(double *centre, double *size) {
    double from = fmax(*centre - *size / 2, 0), to = fmin(*centre + *size / 2, 1);
    *centre = (from + to) / 2;
    *size = to - from;
    return *size >= SMALLEST;
}

yti_label_rule yti_judge_box(double box[4]) {
    if (!(box[2] >= SMALLEST && box[3] >= SMALLEST)) return YT_LABEL_SIZE;
    for (int axis = 0; axis < 2; axis++) {
        double half = box[2 + axis] / 2;
        if (!(box[axis] - half >= -FARTHEST && box[axis] + half <= 1 + FARTHEST)) return YT_LABEL_OUTSIDE;
    }
    double seen[4] = {box[0], box[1], box[2], box[3]};
    bool left = clip(&seen[0], &seen[2]) && clip(&seen[1], &seen[3]);
    if (!left) return YT_LABEL_OUTSIDE;
    if (in_range(box[0]) && in_range(box[1]) && box[2] <= HIGHEST && box[3] <= HIGHEST) return YT_LABEL_RULES;
    memcpy(box, seen, sizeof seen);
    return YT_LABEL_CLIPPED;
}

/* ---- equal boxes ---- */

/* For finding equal labels by sorting. */
typedef struct ranked {
    const yti_label *label;
    const yti_point *points;
    int index;
} ranked;

static int compare_floats(float a, float b) {
    return (a > b) - (a < b);
}

static int compare_outlines(const ranked *a, const ranked *b) {
    int n = a->label->n_points;
    int order = (n > b->label->n_points) - (n < b->label->n_points);
    for (int i = 0; !order && i < n; i++) {
        order = compare_floats(a->points[i].x, b->points[i].x);
        if (!order) order = compare_floats(a->points[i].y, b->points[i].y);
    }
    return order;
}

static int compare_labels(const ranked *left, const ranked *right) {
    const yti_label *a = left->label, *b = right->label;
    int order = (a->class_id > b->class_id) - (a->class_id < b->class_id);
    if (!order) order = compare_floats(a->box.cx, b->box.cx);
    if (!order) order = compare_floats(a->box.cy, b->box.cy);
    if (!order) order = compare_floats(a->box.w, b->box.w);
    if (!order) order = compare_floats(a->box.h, b->box.h);
    return order ? order : compare_outlines(left, right);
}

static int compare_ranked(const void *a, const void *b) {
    const ranked *left = a, *right = b;
    int order = compare_labels(left, right);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

yt_status yti_find_duplicates(const yti_label *labels, int count, const yti_point *points, int *first_of) {
    ranked *sorted = malloc(((size_t)count + 1) * sizeof *sorted);
    if (!sorted) return YT_ERR_NO_MEMORY;
    int n = 0;
    for (int i = 0; i < count; i++) {
        first_of[i] = -1;
        if (labels[i].coco_only) continue;
        sorted[n++] = (ranked){&labels[i], labels[i].n_points ? points + labels[i].first_point : NULL, i};
    }
    qsort(sorted, (size_t)n, sizeof *sorted, compare_ranked);
    for (int i = 1, first = 0; i < n; i++) {
        if (compare_labels(&sorted[first], &sorted[i]) != 0)
            first = i;
        else
            first_of[sorted[i].index] = sorted[first].index;
    }
    free(sorted);
    return YT_OK;
}
