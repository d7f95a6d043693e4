/* box_report.c: whether an epoch had objects to learn from, and what would give it some.
 *
 * A run may look healthy and learn nothing but the background: objects may be so small at this input size that the
 * augmentation drops them all, or that hardly any predicted box overlaps them enough to be assigned; and at a rate that
 * is far too high no prediction overlaps anything. The losses of boxes are 0 then, which are the best there are.
 */
#include "train/observe/box_report.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Boxes of at most two pixels are dropped (spec training 2.4). */
static const double SMALLEST_SIDE = 2;

/* The second stride: an object that is smaller is a small one to the assigner too (src/loss/assign.c). */
static const double GOOD_SIDE = 16;

/* Of the boxes in view; fewer that are dropped for their size are no reason for a word. */
static const double MANY = 0.1;

/* Anchors per box in view, of both branches together; a box that is learnt has one or more in each. With fewer,
 * hardly any box is. */
static const double FEW = 0.01;

enum { MAX_IMGSZ = 8192 /* train_options.inc */, TEXT = 768 };

static int64_t all_boxes(const yti_train_boxes *boxes) {
    int64_t sum = 0;
    for (int fate = 0; fate < YT_BOX_FATES; fate++) sum += boxes->fates[fate];
    return sum;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The short side of a box in inputs: parts of the long side of its image, which fills the input. */
static double short_side(const yti_sample *sample, const yti_label *label) {
    const double w = (double)label->box.w * sample->w, h = (double)label->box.h * sample->h;
    return fmin(w, h) / fmax(sample->w, sample->h);
}

/* The short side that all but a share of the objects exceed or have, in inputs; 0: there are none. */
static yt_status find_short_side(const yti_split *split, double share, double *side, yt_err *err) {
    size_t count = 0, n = 0;
    for (int i = 0; i < split->n_samples; i++) count += (size_t)split->samples[i].n_labels;
    double *sides = calloc(count + 1, sizeof *sides);
    if (!sides) return yti_no_memory(err, "the sizes of %zu boxes", count);
    for (int i = 0; i < split->n_samples; i++)
        for (int k = 0; k < split->samples[i].n_labels; k++)
            if (!split->samples[i].labels[k].coco_only)
                sides[n++] = short_side(&split->samples[i], &split->samples[i].labels[k]);
    qsort(sides, n, sizeof *sides, ascending);
    *side = n ? sides[(size_t)(share * (double)(n - 1))] : 0;
    free(sides);
    return YT_OK;
}

/* Appends from which --imgsz on a side, in inputs, measures that many pixels. */
static void append_imgsz(const yti_box_report *r, double side, double pixels, const char *whom, char *text,
                         size_t room) {
    const double wanted = side > 0 ? ceil(pixels / side / r->stride) * r->stride : HUGE_VAL;
    if (wanted <= MAX_IMGSZ)
        yti_text_append(text, room, "; from --imgsz %d on %s would be at least %.3g pixels wide and high", (int)wanted,
                        whom, pixels);
    else
        yti_text_append(text, room, "; no --imgsz makes %s %.3g pixels wide and high: cut the images into tiles", whom,
                        pixels);
}

/* ": 3 at most 2 pixels wide or high, 5 out of view" */
static void append_fates(const yti_train_boxes *boxes, char *text, size_t room) {
    static const char *const words[YT_BOX_FATES] = {[YT_BOX_OUTSIDE] = "out of view",
                                                    [YT_BOX_SMALL] = "at most 2 pixels wide or high",
                                                    [YT_BOX_CUT] = "cut off by the border",
                                                    [YT_BOX_THIN] = "a hundred times as long as wide"};
    static const yti_box_fate order[] = {YT_BOX_SMALL, YT_BOX_OUTSIDE, YT_BOX_CUT, YT_BOX_THIN};
    const char *between = ": ";
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const int64_t n = boxes->fates[order[i]];
        if (n == 0) continue;
        yti_text_append(text, room, "%s%" PRId64 " %s", between, n, words[order[i]]);
        between = ", ";
    }
}

/* Whether enough of the boxes in view were dropped for their size to be worth a word. */
static bool loses_many(const yti_train_boxes *boxes) {
    const int64_t in_view = all_boxes(boxes) - boxes->fates[YT_BOX_OUTSIDE];
    return (double)boxes->fates[YT_BOX_SMALL] > MANY * (double)in_view;
}

/* "the augmentation dropped 9 of 12 boxes: 5 at most ..." */
static void append_dropped(const yti_train_boxes *boxes, char *text, size_t room) {
    const int64_t all = all_boxes(boxes), seen = boxes->fates[YT_BOX_SEEN];
    yti_text_append(text, room, "the augmentation dropped %" PRId64 " of %" PRId64 " boxes", all - seen, all);
    append_fates(boxes, text, room);
}

static bool hardly_any(const yti_train_boxes *boxes) {
    return boxes->assigned == 0 || (double)boxes->assigned < FEW * (double)boxes->fates[YT_BOX_SEEN];
}

/* Why nothing, or hardly anything, is assigned: the objects are small, or the predictions are far off. */
static void append_reason(const yti_box_report *r, const yti_train_epoch *row, double side, char *text, size_t room) {
    const double pixels = side * r->config->imgsz;
    const bool seen = row->boxes.fates[YT_BOX_SEEN] > 0, small = pixels < GOOD_SIDE;
    if (small) {
        yti_text_append(text, room, "; half of the objects are at most %.2g pixels wide or high at --imgsz %d", pixels,
                        r->config->imgsz);
        append_imgsz(r, side, GOOD_SIDE, "half of them", text, room);
    }
    if (seen && (row->epoch > 1 || !small))
        yti_text_append(text, room, "; a smaller --lr0 than %.3g often helps", r->schedule->lr0);
}

static yt_status report_nothing(const yti_box_report *r, const yti_train_epoch *row, yti_watchers *watchers,
                                yt_err *err) {
    const int64_t seen = row->boxes.fates[YT_BOX_SEEN];
    char text[TEXT] = "";
    double side;
    YT_TRY(find_short_side(r->split, 0.5, &side, err));
    if (row->boxes.assigned)
        yti_text_append(text, sizeof text,
                        "epoch %d: hardly any object was assigned (%" PRId64 " predictions for %" PRId64
                        " boxes), little but the background was trained; ",
                        row->epoch, row->boxes.assigned, seen);
    else
        yti_text_append(text, sizeof text, "epoch %d: no object was assigned, only the background was trained; ",
                        row->epoch);
    if (seen == 0 || loses_many(&row->boxes)) append_dropped(&row->boxes, text, sizeof text);
    if (row->boxes.assigned)
        yti_text_append(text, sizeof text, "%spredictions overlap hardly any of the boxes",
                        loses_many(&row->boxes) ? "; " : "");
    else if (seen)
        yti_text_append(text, sizeof text, "%sno prediction overlaps any of the boxes that are left (%" PRId64 ")",
                        loses_many(&row->boxes) ? "; " : "", seen);
    append_reason(r, row, side, text, sizeof text);
    yti_watch_alarm(watchers, text);
    return YT_OK;
}

static yt_status report_small(const yti_box_report *r, const yti_train_epoch *row, yti_watchers *watchers,
                              yt_err *err) {
    /* A side that is still above the smallest at the smallest scale that is drawn. */
    const double stays = SMALLEST_SIDE / fmax(1 - r->config->scale, 0.1);
    char text[TEXT] = "";
    double side;
    YT_TRY(find_short_side(r->split, 0.1, &side, err));
    yti_text_append(text, sizeof text, "epoch %d: ", row->epoch);
    append_dropped(&row->boxes, text, sizeof text);
    append_imgsz(r, side, stays, "nine in ten objects", text, sizeof text);
    yti_watch_alarm(watchers, text);
    return YT_OK;
}

yt_status yti_report_boxes(yti_box_report *r, const yti_train_epoch *row, yti_watchers *watchers, yt_err *err) {
    const bool nothing = hardly_any(&row->boxes), again = nothing && r->reported_nothing;
    r->reported_nothing = nothing;
    if (nothing) return again ? YT_OK : report_nothing(r, row, watchers, err);
    return row->epoch == 1 && loses_many(&row->boxes) ? report_small(r, row, watchers, err) : YT_OK;
}
