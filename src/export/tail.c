/* tail.c: decoding (spec inference 2; Li et al. 2020, arXiv 2006.04388 for the distribution) and selection, in the
 * operations that all runtimes compute alike: no Mod, no Einsum, integers as int64.
 */
#include "export/tail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the tail is built from. */
typedef struct decoder {
    yti_net *net;
    const yti_model *model;
    yti_net_size size;
    const yti_net_maps *maps;
    char scope[64]; /* "/model.23" */
} decoder;

int64_t yti_net_anchors(const yti_model *model, yti_net_size size) {
    int64_t anchors = 0;
    for (int l = 0; l < model->n_levels; l++)
        anchors += (size.height / model->strides[l]) * (size.width / model->strides[l]);
    return anchors;
}

static bool is_open(const decoder *d) {
    return d->size.height == YTI_NET_OPEN;
}

static int64_t anchors_of(const decoder *d) {
    return is_open(d) ? YTI_NET_OPEN : yti_net_anchors(d->model, d->size);
}

/* Dimension 0 of a Reshape: what it is where only that may be open. */
static int64_t batch_of(const decoder *d) {
    return is_open(d) ? 0 : d->size.batch;
}

/* Maps of all levels (n, channels, h, w) as one (n, channels, anchors). */
static yti_net_value flatten(const decoder *d, const yti_net_value *maps, int channels) {
    yti_net_value flat[YT_MAX_LEVELS];
    for (int l = 0; l < d->maps->n_levels; l++) {
        const int64_t h = yti_net_dim(d->net, maps[l], 2), w = yti_net_dim(d->net, maps[l], 3);
        flat[l] = yti_net_reshape(
            d->net, maps[l], 3, (const int64_t[]){batch_of(d), channels, is_open(d) ? YTI_NET_OPEN : h * w}, d->scope);
    }
    return d->maps->n_levels == 1 ? flat[0] : yti_net_concat(d->net, flat, d->maps->n_levels, 2, d->scope);
}

/* Distances (n, 4, anchors) as the mean of the distribution over reg_max bins. A product and a sum instead of a
 * convolution: an engine that lowers the precision of convolutions by itself leaves these alone. */
static yti_net_value expected_distance(const decoder *d, yti_net_value x) {
    yti_net *net = d->net;
    const int64_t bins = d->model->reg_max;
    float ramp[64]; /* forms.c: at most 64 bins */
    for (int i = 0; i < bins; i++) ramp[i] = (float)i;
    char scope[80];
    snprintf(scope, sizeof scope, "%s/dfl", d->scope);
    x = yti_net_reshape(net, x, 4, (const int64_t[]){batch_of(d), 4, bins, anchors_of(d)}, scope);
    x = yti_net_transpose(net, x, (const int[]){0, 3, 1, 2}, scope);
    x = yti_net_unary(net, YTI_NET_SOFTMAX, x, scope);
    x = yti_net_binary(net, YTI_NET_MUL, x, yti_net_floats(net, "dfl.ramp", 1, &bins, ramp), scope);
    x = yti_net_reduce(net, YTI_NET_REDUCE_SUM, x, 3, scope);
    return yti_net_transpose(net, x, (const int[]){0, 2, 1}, scope);
}

/* Centres of the cells (1, 2, anchors), in cells, and strides (1, 1, anchors), as constants. */
static void fixed_grid(const decoder *d, yti_net_value *points, yti_net_value *strides) {
    const int64_t anchors = anchors_of(d);
    float *at = malloc(3 * sizeof *at * (size_t)anchors + 1), *stride = at + 2 * anchors;
    if (!at) {
        d->net->status = YT_ERR_NO_MEMORY;
        return;
    }
    int64_t i = 0;
    for (int l = 0; l < d->model->n_levels; l++) {
        const int s = d->model->strides[l];
        for (int64_t y = 0; y < d->size.height / s; y++)
            for (int64_t x = 0; x < d->size.width / s; x++, i++) {
                at[i] = (float)x + 0.5f;
                at[anchors + i] = (float)y + 0.5f;
                stride[i] = (float)s;
            }
    }
    *points = yti_net_floats(d->net, "anchors", 3, (const int64_t[]){1, 2, anchors}, at);
    *strides = yti_net_floats(d->net, "strides", 3, (const int64_t[]){1, 1, anchors}, stride);
    free(at);
}

/* 0.5, 1.5, ... along a side whose length is known only when it runs. */
static yti_net_value cell_centres(const decoder *d, yti_net_value shape, int axis) {
    yti_net *net = d->net;
    const yti_net_value zero = yti_net_ints(net, "int_0", 0, NULL, &(int64_t){0}),
                        one = yti_net_ints(net, "int_1", 0, NULL, &(int64_t){1});
    const int64_t which = axis;
    char name[16];
    snprintf(name, sizeof name, "int_%d", axis);
    const yti_net_value place = yti_net_ints(net, name, 0, NULL, &which);
    const yti_net_value length = yti_net_node_of(net, YTI_NET_GATHER, (const yti_net_value[]){shape, place}, 2,
                                                 YTI_NET_INT64, 0, NULL, d->scope);
    const yti_net_value steps = yti_net_node_of(net, YTI_NET_RANGE, (const yti_net_value[]){zero, length, one}, 3,
                                                YTI_NET_INT64, 1, (const int64_t[]){YTI_NET_OPEN}, d->scope);
    const float half = 0.5f;
    return yti_net_binary(net, YTI_NET_ADD, yti_net_cast(net, steps, YTI_NET_FLOAT, d->scope),
                          yti_net_floats(net, "half_float", 0, NULL, &half), d->scope);
}

/* The same grid where height and width are open. */
static void open_grid(const decoder *d, yti_net_value *points, yti_net_value *strides) {
    yti_net *net = d->net;
    yti_net_value at[YT_MAX_LEVELS], stride[YT_MAX_LEVELS];
    static const int64_t open[2] = {YTI_NET_OPEN, YTI_NET_OPEN}, row[3] = {1, 1, YTI_NET_OPEN};
    for (int l = 0; l < d->maps->n_levels; l++) {
        const yti_net_value shape = yti_net_node_of(net, YTI_NET_SHAPE, &d->maps->box[l], 1, YTI_NET_INT64, 1,
                                                    (const int64_t[]){4}, d->scope);
        const yti_net_value sides = yti_net_slice(net, shape, 0, 2, 2, d->scope);
        const yti_net_value x = cell_centres(d, shape, 3), y = cell_centres(d, shape, 2);
        const yti_net_value columns = yti_net_unsqueeze(net, y, 1, d->scope);
        const yti_net_value wide = yti_net_node_of(net, YTI_NET_EXPAND, (const yti_net_value[]){x, sides}, 2,
                                                   YTI_NET_FLOAT, 2, open, d->scope),
                            high = yti_net_node_of(net, YTI_NET_EXPAND, (const yti_net_value[]){columns, sides}, 2,
                                                   YTI_NET_FLOAT, 2, open, d->scope);
        const yti_net_value flat[2] = {yti_net_reshape(net, wide, 3, row, d->scope),
                                       yti_net_reshape(net, high, 3, row, d->scope)};
        at[l] = yti_net_concat(net, flat, 2, 1, d->scope);
        const float zero = 0, s = (float)d->model->strides[l];
        char name[32];
        snprintf(name, sizeof name, "stride_%d", d->model->strides[l]);
        const yti_net_value none = yti_net_binary(net, YTI_NET_MUL, flat[0],
                                                  yti_net_floats(net, "zero", 0, NULL, &zero), d->scope);
        stride[l] = yti_net_binary(net, YTI_NET_ADD, none, yti_net_floats(net, name, 0, NULL, &s), d->scope);
    }
    *points = yti_net_concat(net, at, d->maps->n_levels, 2, d->scope);
    *strides = yti_net_concat(net, stride, d->maps->n_levels, 2, d->scope);
}

/* Boxes (n, 4, anchors) in pixels of the input: corners, or centre and size; and scores (n, classes, anchors). */
static void decode(const decoder *d, bool corners, yti_net_value *boxes, yti_net_value *scores) {
    yti_net *net = d->net;
    yti_net_value sides = flatten(d, d->maps->box, 4 * d->model->reg_max), points = -1, strides = -1;
    if (d->model->reg_max > 1) sides = expected_distance(d, sides);
    if (is_open(d))
        open_grid(d, &points, &strides);
    else
        fixed_grid(d, &points, &strides);
    yti_net_value a = yti_net_binary(net, YTI_NET_SUB, points, yti_net_slice(net, sides, 1, 0, 2, d->scope), d->scope),
                  b = yti_net_binary(net, YTI_NET_ADD, points, yti_net_slice(net, sides, 1, 2, 2, d->scope), d->scope);
    if (!corners) {
        const float half = 0.5f;
        const yti_net_value sum = yti_net_binary(net, YTI_NET_ADD, a, b, d->scope);
        b = yti_net_binary(net, YTI_NET_SUB, b, a, d->scope);
        a = yti_net_binary(net, YTI_NET_MUL, sum, yti_net_floats(net, "half_float", 0, NULL, &half), d->scope);
    }
    const yti_net_value pair = yti_net_concat(net, (const yti_net_value[]){a, b}, 2, 1, d->scope);
    *boxes = yti_net_binary(net, YTI_NET_MUL, pair, strides, d->scope);
    *scores = yti_net_unary(net, YTI_NET_SIGMOID, flatten(d, d->maps->cls, d->model->n_classes), d->scope);
}

/* c copies of a column side by side, a few at a time. */
static yti_net_value widen(const decoder *d, yti_net_value column, int c) {
    yti_net_value wide[YTI_NET_INPUTS], all = column;
    int done = 1;
    while (c / done > 1) {
        const int n = c / done < YTI_NET_INPUTS ? c / done : YTI_NET_INPUTS;
        for (int i = 0; i < n; i++) wide[i] = all;
        all = yti_net_concat(d->net, wide, n, 2, d->scope);
        done *= n;
    }
    if (done == c) return all;
    const yti_net_value rest = yti_net_slice(d->net, all, 2, 0, c - done, d->scope);
    return yti_net_concat(d->net, (const yti_net_value[]){all, rest}, 2, 2, d->scope);
}

/* Rows (n, anchors, c) by anchor (n, k). */
static yti_net_value rows_at(const decoder *d, yti_net_value x, yti_net_value index, int c) {
    const yti_net_value at = widen(d, yti_net_unsqueeze(d->net, index, 2, d->scope), c);
    return yti_net_gather(d->net, YTI_NET_GATHER_ELEMENTS, x, at, 1, d->scope);
}

/* The k best of anchors, then of their classes: as the one-to-one branch is read (spec inference 3). Rows x1 y1 x2 y2
 * score class, best first. */
static yti_net_value select_best(const decoder *d, yti_net_value boxes, yti_net_value scores, int64_t k) {
    yti_net *net = d->net;
    const int classes = d->model->n_classes;
    static const int turned[] = {0, 2, 1};
    const int64_t n_classes = classes;
    boxes = yti_net_transpose(net, boxes, turned, d->scope);
    scores = yti_net_transpose(net, scores, turned, d->scope);
    const yti_net_value best = yti_net_reduce(net, YTI_NET_REDUCE_MAX, scores, 2, d->scope);
    yti_net_value anchor, index;
    yti_net_top_k(net, best, k, 1, &anchor, d->scope);
    const yti_net_value some = rows_at(d, scores, anchor, classes);
    const yti_net_value flat = yti_net_reshape(net, some, 2, (const int64_t[]){batch_of(d), k * classes}, d->scope);
    const yti_net_value value = yti_net_top_k(net, flat, k, 1, &index, d->scope);
    const yti_net_value per = yti_net_ints(net, "n_classes", 0, NULL, &n_classes);
    const yti_net_value row = yti_net_binary(net, YTI_NET_DIV, index, per, d->scope);
    yti_net_value cls = yti_net_binary(net, YTI_NET_MUL, row, per, d->scope);
    cls = yti_net_cast(net, yti_net_binary(net, YTI_NET_SUB, index, cls, d->scope), YTI_NET_FLOAT, d->scope);
    const yti_net_value chosen = yti_net_gather(net, YTI_NET_GATHER_ELEMENTS, anchor, row, 1, d->scope);
    const yti_net_value parts[3] = {rows_at(d, boxes, chosen, 4), yti_net_unsqueeze(net, value, 2, d->scope),
                                    yti_net_unsqueeze(net, cls, 2, d->scope)};
    return yti_net_concat(net, parts, 3, 2, d->scope);
}

/* The best of what NonMaxSuppression leaves of one image, whose number is known only when it runs: rows of zeros are
 * put after it, so that there are always enough. */
static yti_net_value suppress(const decoder *d, yti_net_value boxes, yti_net_value scores, const yti_tail *tail) {
    yti_net *net = d->net;
    const int64_t k = tail->max_det, open_by_3[2] = {YTI_NET_OPEN, 3}, k_by_4[2] = {k, 4}, one[1] = {1};
    boxes = yti_net_transpose(net, boxes, (const int[]){0, 2, 1}, d->scope);
    const yti_net_value inputs[5] = {boxes, scores, yti_net_int_list(net, 1, &k),
                                     yti_net_floats(net, "nms_iou", 1, one, &tail->iou),
                                     yti_net_floats(net, "nms_conf", 1, one, &tail->conf)};
    const yti_net_value kept = yti_net_node_of(net, YTI_NET_NON_MAX_SUPPRESSION, inputs, 5, YTI_NET_INT64, 2, open_by_3,
                                               d->scope); /* image, class, anchor */
    const yti_net_value image = yti_net_slice(net, kept, 1, 0, 1, d->scope),
                        cls = yti_net_slice(net, kept, 1, 1, 1, d->scope),
                        anchor = yti_net_slice(net, kept, 1, 2, 1, d->scope);
    const yti_net_value place = yti_net_concat(net, (const yti_net_value[]){image, anchor}, 2, 1, d->scope);
    const yti_net_value value = yti_net_gather(net, YTI_NET_GATHER_ND, scores, kept, 0, d->scope),
                        box = yti_net_gather(net, YTI_NET_GATHER_ND, boxes, place, 0, d->scope);
    float *zeros = calloc((size_t)k * 4 + 1, sizeof *zeros);
    if (!zeros) net->status = YT_ERR_NO_MEMORY;
    if (net->status != YT_OK) {
        free(zeros);
        return -1;
    }
    const yti_net_value no_value = yti_net_floats(net, "no_scores", 1, &k, zeros),
                        no_box = yti_net_floats(net, "no_boxes", 2, k_by_4, zeros),
                        no_class = yti_net_floats(net, "no_classes", 2, (const int64_t[]){k, 1}, zeros);
    free(zeros);
    yti_net_value order;
    const yti_net_value values = yti_net_concat(net, (const yti_net_value[]){value, no_value}, 2, 0, d->scope);
    const yti_net_value best = yti_net_top_k(net, values, k, 0, &order, d->scope);
    const yti_net_value all_boxes = yti_net_concat(net, (const yti_net_value[]){box, no_box}, 2, 0, d->scope);
    const yti_net_value as_float = yti_net_cast(net, cls, YTI_NET_FLOAT, d->scope);
    const yti_net_value all_classes = yti_net_concat(net, (const yti_net_value[]){as_float, no_class}, 2, 0, d->scope);
    const yti_net_value parts[3] = {yti_net_gather(net, YTI_NET_GATHER, all_boxes, order, 0, d->scope),
                                    yti_net_unsqueeze(net, best, 1, d->scope),
                                    yti_net_gather(net, YTI_NET_GATHER, all_classes, order, 0, d->scope)};
    return yti_net_unsqueeze(net, yti_net_concat(net, parts, 3, 1, d->scope), 0, d->scope);
}

/* Boxes before scores: some runtimes answer in the order of the names. */
static void output_maps(const decoder *d) {
    char name[16];
    for (int l = 0; l < d->maps->n_levels; l++) {
        snprintf(name, sizeof name, "box%d", l);
        yti_net_output(d->net, d->maps->box[l], name);
    }
    for (int l = 0; l < d->maps->n_levels; l++) {
        snprintf(name, sizeof name, "cls%d", l);
        yti_net_output(d->net, d->maps->cls[l], name);
    }
}

void yti_add_tail(yti_net *net, const yti_model *model, yti_net_size size, const yti_net_maps *maps,
                  const yti_tail *tail) {
    yti_net_maps floats = *maps;
    decoder d = {.net = net, .model = model, .size = size, .maps = &floats};
    snprintf(d.scope, sizeof d.scope, "/model.%d", model->n_rows - 1);
    for (int l = 0; l < maps->n_levels && net->body != YTI_NET_FLOAT; l++) {
        floats.box[l] = yti_net_cast(net, maps->box[l], YTI_NET_FLOAT, d.scope);
        floats.cls[l] = yti_net_cast(net, maps->cls[l], YTI_NET_FLOAT, d.scope);
    }
    if (tail->head == YTI_HEAD_RAW) {
        output_maps(&d);
        return;
    }
    yti_net_value boxes = -1, scores = -1, result;
    decode(&d, tail->head == YTI_HEAD_O2O || tail->nms, &boxes, &scores);
    if (tail->head == YTI_HEAD_O2O)
        result = select_best(&d, boxes, scores,
                             is_open(&d) || tail->max_det < anchors_of(&d) ? tail->max_det : anchors_of(&d));
    else if (tail->nms)
        result = suppress(&d, boxes, scores, tail);
    else
        result = yti_net_concat(net, (const yti_net_value[]){boxes, scores}, 2, 1, d.scope);
    yti_net_output(net, result, "output0");
}
