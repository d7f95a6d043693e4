/* select.c: detections of an end-to-end head: two top-k selections and no NMS (one-to-one training leaves one
 * prediction per object; Wang et al., YOLOv10, 2024).
 *
 * 1. the k anchors with the largest best-class score; 2. of their k * n_classes scores the k largest. An anchor may
 * come several times, with different classes.
 *
 * The classes that are not wanted are left out at the end, so that they do not change which anchors are selected; the
 * family selects 300 then, however few are wanted.
 *
 * Only scores above `conf` are wanted at the end, and what is at or below it can displace nothing above it, so it is
 * left out at once: after one pass of comparisons few anchors remain.
 */
#include "eval/decode.h"
#include "eval/top.h"

enum { SELECTED = 300 };

typedef struct {
    yti_top *top;
    int n_classes;
    float conf, bound;
} offering;

static void offer_anchor(void *context, size_t anchor, const float *logits) {
    offering *to = context;
    float largest = to->bound;
    for (int c = 0; c < to->n_classes; c++) largest = logits[c] > largest ? logits[c] : largest;
    float score = yti_sigmoid(largest);
    if (score > to->conf) yti_top_offer(to->top, score, anchor);
}

/* Step 2: the index of a pair is rank of its anchor * n_classes + class. */
static void offer_pairs(const yti_head *head, int image, const yti_top *anchors, offering *to) {
    for (size_t rank = 0; rank < anchors->count; rank++) {
        const float *logits = yti_anchor_logits(head, image, anchors->items[rank].index);
        for (int c = 0; c < to->n_classes; c++) {
            if (!(logits[c] > to->bound)) continue;
            float score = yti_sigmoid(logits[c]);
            if (score > to->conf) yti_top_offer(to->top, score, rank * (size_t)to->n_classes + (size_t)c);
        }
    }
}

/* The class-agnostic form of step 2: each anchor has its best class only. */
static void offer_best(const yti_head *head, int image, const yti_top *anchors, offering *to) {
    for (size_t rank = 0; rank < anchors->count; rank++) {
        const float *logits = yti_anchor_logits(head, image, anchors->items[rank].index);
        float score;
        int c = yti_best_class(logits, to->n_classes, to->bound, &score);
        yti_top_offer(to->top, score, rank * (size_t)to->n_classes + (size_t)c);
    }
}

yt_status yti_select_end2end(const yti_head *head, int image, const yti_detect_options *options, yt_detection *out,
                             int *n_out, yt_err *err) {
    size_t k = yti_anchor_count(head), n_classes = (size_t)head->n_classes;
    const size_t wanted = (size_t)options->max_det;
    const size_t most = options->classes && wanted < SELECTED ? SELECTED : wanted;
    if (k > most) k = most;
    yti_top anchors, pairs;
    YT_TRY(yti_top_create(k, &anchors, err));
    yt_status status = yti_top_create(k, &pairs, err);
    if (status != YT_OK) {
        yti_top_free(&anchors);
        return status;
    }
    offering to = {&anchors, head->n_classes, options->conf, yti_logit_bound(options->conf)};
    yti_visit_anchors(head, image, to.bound, offer_anchor, &to);
    yti_top_sort(&anchors);
    to.top = &pairs;
    (options->agnostic ? offer_best : offer_pairs)(head, image, &anchors, &to);
    yti_top_sort(&pairs);

    int n = 0;
    for (size_t i = 0; i < pairs.count && n < options->max_det; i++) {
        size_t anchor = anchors.items[pairs.items[i].index / n_classes].index;
        int class_id = (int)(pairs.items[i].index % n_classes);
        if (options->classes && !options->classes[class_id]) continue;
        n = yti_append_detection(out, n, yti_decode_box(head, image, anchor, false), pairs.items[i].score, class_id);
    }
    *n_out = n;
    yti_top_free(&anchors);
    yti_top_free(&pairs);
    return YT_OK;
}
