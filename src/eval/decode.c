/* decode.c: head outputs to boxes and scores (spec architecture 6.2, 6.3): the anchor of cell (x, y)
 * is p = (x + 0.5, y + 0.5) in cells of its level.
 *
 * A box is given by its distances (l, t, r, b) from the anchor, in cells: corners p - (l, t) and p + (r, b), times the
 * stride. With reg_max R > 1 a distance is the expectation sum k p_k of a distribution over R bins (generalised focal
 * loss, Li et al. 2020); with R = 1 it is the raw output, which may be negative. A score is the sigmoid of a logit;
 * there is no objectness. All in float32, like the implementation whose numbers we compare with.
 */
#include "eval/decode.h"

#include <math.h>

enum { LEFT, TOP, RIGHT, BOTTOM, SIDES };

static size_t level_anchors(const yti_head_level *level) {
    return (size_t)level->cls.h * (size_t)level->cls.w;
}

size_t yti_anchor_count(const yti_head *head) {
    size_t count = 0;
    for (int i = 0; i < head->n_levels; i++) count += level_anchors(&head->level[i]);
    return count;
}

/* The level of an anchor; *cell receives its number within the level. */
static const yti_head_level *find_level(const yti_head *head, size_t anchor, size_t *cell) {
    const yti_head_level *level = head->level;
    while (anchor >= level_anchors(level)) anchor -= level_anchors(level++);
    *cell = anchor;
    return level;
}

static const float *pixel_of(const yti_tensor *map, int image, size_t cell) {
    size_t pixel = (size_t)image * (size_t)map->h * (size_t)map->w + cell;
    return map->data + (ptrdiff_t)pixel * map->ld;
}

const float *yti_anchor_logits(const yti_head *head, int image, size_t anchor) {
    size_t cell;
    const yti_head_level *level = find_level(head, anchor, &cell);
    return pixel_of(&level->cls, image, cell);
}

/* An integer OR over comparisons, which compilers turn into vector code; a maximum of floats they do not. */
static bool any_above(const float *x, int count, float bound) {
    int any = 0;
    for (int i = 0; i < count; i++) any |= x[i] > bound;
    return any != 0;
}

void yti_visit_anchors(const yti_head *head, int image, float bound, yti_anchor_visitor visit, void *context) {
    size_t anchor = 0;
    for (int i = 0; i < head->n_levels; i++) {
        const yti_tensor *cls = &head->level[i].cls;
        size_t cells = level_anchors(&head->level[i]);
        for (size_t cell = 0; cell < cells; cell++, anchor++) {
            const float *logits = pixel_of(cls, image, cell);
            if (any_above(logits, head->n_classes, bound)) visit(context, anchor, logits);
        }
    }
}

float yti_sigmoid(float logit) {
    return 1.0f / (1.0f + expf(-logit));
}

/* The bound belongs to a confidence one millionth smaller, about ten roundings of yti_sigmoid. */
float yti_logit_bound(float conf) {
    double p = (double)conf * (1 - 1e-6);
    return p <= 0 ? -INFINITY : (float)(log(p / (1 - p)) - 1e-6);
}

int yti_best_class(const float *logits, int n_classes, float bound, float *score) {
    int best = 0;
    *score = -1;
    for (int c = 0; c < n_classes; c++) {
        if (!(logits[c] > bound)) continue;
        float s = yti_sigmoid(logits[c]);
        if (s > *score) {
            *score = s;
            best = c;
        }
    }
    return best;
}

/* sum k softmax(bins)_k, shifted by the largest bin so that nothing overflows. */
static float expectation(const float *bins, int count) {
    float largest = bins[0], sum = 0, weighted = 0;
    for (int k = 1; k < count; k++) largest = bins[k] > largest ? bins[k] : largest;
    for (int k = 0; k < count; k++) {
        float p = expf(bins[k] - largest);
        sum += p;
        weighted += (float)k * p;
    }
    return weighted / sum;
}

static yt_xyxy scale(yt_xyxy box, float factor) {
    return (yt_xyxy){box.x1 * factor, box.y1 * factor, box.x2 * factor, box.y2 * factor};
}

yt_xyxy yti_decode_box(const yti_head *head, int image, size_t anchor, bool via_centre) {
    size_t cell;
    const yti_head_level *level = find_level(head, anchor, &cell);
    const float *raw = pixel_of(&level->box, image, cell);
    float d[SIDES];
    for (int side = 0; side < SIDES; side++)
        d[side] = head->reg_max > 1 ? expectation(raw + side * head->reg_max, head->reg_max) : raw[side];
    size_t width = (size_t)level->box.w;
    float x = (float)(cell % width) + 0.5f, y = (float)(cell / width) + 0.5f, stride = (float)level->stride;
    yt_xyxy cells = {x - d[LEFT], y - d[TOP], x + d[RIGHT], y + d[BOTTOM]};
    if (!via_centre) return scale(cells, stride);
    float cx = (cells.x1 + cells.x2) / 2 * stride, cy = (cells.y1 + cells.y2) / 2 * stride;
    float half_w = (cells.x2 - cells.x1) * stride / 2, half_h = (cells.y2 - cells.y1) * stride / 2;
    return (yt_xyxy){cx - half_w, cy - half_h, cx + half_w, cy + half_h};
}

int yti_append_detection(yt_detection *out, int n, yt_xyxy box, float score, int class_id) {
    if (!isfinite(box.x1) || !isfinite(box.y1) || !isfinite(box.x2) || !isfinite(box.y2)) return n;
    out[n] = (yt_detection){box, score, class_id};
    return n + 1;
}
