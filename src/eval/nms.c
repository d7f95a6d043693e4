/* nms.c: detections of a head with many predictions per object: greedy non-maximum suppression.
 *
 * Candidates above `conf`, at most MAX_CANDIDATES of them, in descending order of score (row order among equals). A
 * candidate stays unless its IoU with one that stays already exceeds the threshold. Comparing with those that stay,
 * instead of striking out ahead, gives the same result and ends as soon as max_det are found.
 *
 * Boxes of different classes are kept apart by moving each box by class * CLASS_OFFSET in float32. That rounds the
 * coordinates of high classes (to 1/16 pixel at 600,000), which can turn an IoU decision; it is done all the same,
 * because published results are made this way.
 */
#include "eval/decode.h"
#include "eval/top.h"

#include <stdlib.h>

enum { MAX_CANDIDATES = 30000 };
static const float CLASS_OFFSET = 7680.0f; /* a larger image is not expected */

typedef struct {
    yti_top top; /* index = anchor * n_classes + class */
    int n_classes;
    float conf, bound;
    bool every_class;
    const bool *classes;
} candidates;

static void offer(candidates *to, float score, size_t anchor, int class_id) {
    if (!(score > to->conf) || (to->classes && !to->classes[class_id])) return;
    yti_top_offer(&to->top, score, anchor * (size_t)to->n_classes + (size_t)class_id);
}

static void offer_candidates(void *context, size_t anchor, const float *logits) {
    candidates *to = context;
    if (!to->every_class) {
        float score;
        int c = yti_best_class(logits, to->n_classes, to->bound, &score);
        offer(to, score, anchor, c);
        return;
    }
    for (int c = 0; c < to->n_classes; c++)
        if (logits[c] > to->bound) offer(to, yti_sigmoid(logits[c]), anchor, c);
}

static yt_xyxy moved(yt_xyxy box, float offset) {
    return (yt_xyxy){box.x1 + offset, box.y1 + offset, box.x2 + offset, box.y2 + offset};
}

/* kept: boxes already moved by their class. Boxes that do not meet have IoU 0, or 0/0, and suppress nothing. */
static bool suppressed(yt_xyxy box, const yt_xyxy *kept, int n, float iou) {
    for (int i = 0; i < n; i++) {
        yt_xyxy k = kept[i];
        if (!(box.x1 < k.x2 && k.x1 < box.x2 && box.y1 < k.y2 && k.y1 < box.y2)) continue;
        if (yti_box_iou(k, box, 0) > iou) return true;
    }
    return false;
}

static int suppress(const yti_head *head, int image, const yti_detect_options *options, const yti_top *top,
                    yt_xyxy *kept, yt_detection *out) {
    int n = 0;
    size_t n_classes = (size_t)head->n_classes;
    for (size_t i = 0; i < top->count && n < options->max_det; i++) {
        size_t anchor = top->items[i].index / n_classes;
        int class_id = (int)(top->items[i].index % n_classes);
        yt_xyxy box = yti_decode_box(head, image, anchor, true);
        yt_xyxy apart = options->agnostic ? box : moved(box, (float)class_id * CLASS_OFFSET);
        if (suppressed(apart, kept, n, options->iou)) continue;
        kept[n] = apart;
        n = yti_append_detection(out, n, box, top->items[i].score, class_id);
    }
    return n;
}

yt_status yti_select_nms(const yti_head *head, int image, const yti_detect_options *options, yt_detection *out,
                         int *n_out, yt_err *err) {
    candidates to = {.n_classes = head->n_classes,
                     .conf = options->conf,
                     .bound = yti_logit_bound(options->conf),
                     .every_class = options->multi_label && head->n_classes > 1,
                     .classes = options->classes};
    YT_TRY(yti_top_create(MAX_CANDIDATES, &to.top, err));
    yt_xyxy *kept = malloc((size_t)options->max_det * sizeof *kept);
    if (!kept) {
        yti_top_free(&to.top);
        return yti_no_memory(err, "%d detections", options->max_det);
    }
    yti_visit_anchors(head, image, to.bound, offer_candidates, &to);
    yti_top_sort(&to.top);
    *n_out = suppress(head, image, options, &to.top, kept, out);
    free(kept);
    yti_top_free(&to.top);
    return YT_OK;
}
