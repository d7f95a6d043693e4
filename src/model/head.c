/* head.c: the detection head (spec architecture 3.12): per level a box branch and a class branch, twice when
 * end-to-end.
 *
 * The one-to-one copy reads detached feature maps, so its loss trains its own weights only. Which of the two evaluation
 * runs is for its caller to say (yti_model_evaluate); a fused model has one of them, or both.
 */
#include "model/builder.h"

#include <math.h>

static int max_int(int a, int c) {
    return a > c ? a : c;
}

static yti_value box_branch(yti_builder *b, yti_value x, yti_path at, int hidden, int outputs) {
    yti_value h = yti_conv(b, x, yti_sub(at, "0"), hidden, 3, (yti_conv_opts){0});
    h = yti_conv(b, h, yti_sub(at, "1"), hidden, 3, (yti_conv_opts){0});
    return yti_conv_bias(b, h, yti_sub(at, "2"), outputs);
}

/* YOLOv8: two 3x3 convolutions. */
static yti_value class_branch_legacy(yti_builder *b, yti_value x, yti_path at, int hidden, int classes) {
    return box_branch(b, x, at, hidden, classes);
}

/* YOLO11 and 26: each 3x3 is split into a depth-wise and a 1x1 convolution. */
static yti_value class_branch(yti_builder *b, yti_value x, yti_path at, int hidden, int classes) {
    yti_value h = x;
    for (int i = 0; i < 2; i++) {
        const yti_path stage = yti_sub(at, "%d", i);
        const int c = yti_channels(b, h);
        h = yti_conv(b, h, yti_sub(stage, "0"), c, 3, (yti_conv_opts){.groups = c});
        h = yti_conv(b, h, yti_sub(stage, "1"), hidden, 1, (yti_conv_opts){0});
    }
    return yti_conv_bias(b, h, yti_sub(at, "2"), classes);
}

/* The last bias of a branch starts at a value instead of at random (spec architecture 5.3): the parameter added
 * last. */
static void set_bias_init(yti_builder *b, double value) {
    if (b->status != YT_OK) return;
    yti_param_info *info = &b->model->params[b->model->n_params - 1];
    info->init_bound = 0;
    info->init_value = (float)value;
}

/* The maps that Detect is given, and which of them it reads: all, or the deepest one. The widths of the hidden
 * layers and the numbers in the names of tensors are those of the whole list, so that variants share them. */
typedef struct level_list {
    const yti_value *maps;
    int first, end;
} level_list;

/* As wide as the options say, else as the rule; options that say what the rule says are dropped, so that what is
 * left are exceptions. */
static int settle_width(int *chosen, int rule) {
    if (*chosen == rule) *chosen = 0;
    return *chosen ? *chosen : rule;
}

/* The next branch of the model. */
static void build_branch(yti_builder *b, yti_path at, level_list levels, const char *prefix, bool train_only) {
    yti_model *model = b->model;
    const int branch = model->n_branches++;
    const int classes = model->n_classes;
    const int widest = yti_channels(b, levels.maps[0]);
    const int box_hidden = max_int(max_int(16, widest / 4), 4 * model->reg_max);
    const int class_hidden = max_int(widest, classes < 100 ? classes : 100);
    for (int i = levels.first, l = 0; i < levels.end; i++, l++) {
        const int hidden = settle_width(&model->options.head.box[i], box_hidden);
        yti_value box = box_branch(b, levels.maps[i], yti_sub(at, "%scv2.%d", prefix, i), hidden, 4 * model->reg_max);
        set_bias_init(b, 2.0);
        model->head_box[branch][l] = box;
        if (b->status == YT_OK) yti_graph_output(b->graph, box, train_only);
    }
    for (int i = levels.first, l = 0; i < levels.end; i++, l++) {
        const yti_path branch_at = yti_sub(at, "%scv3.%d", prefix, i);
        const int hidden = settle_width(&model->options.head.cls[i], class_hidden);
        yti_value cls = b->legacy_head ? class_branch_legacy(b, levels.maps[i], branch_at, hidden, classes)
                                       : class_branch(b, levels.maps[i], branch_at, hidden, classes);
        /* About five objects of any class in an image of 640 pixels, whatever the image's size is. */
        set_bias_init(b, log(5.0 / classes / pow(640.0 / model->strides[l], 2)));
        model->head_cls[branch][l] = cls;
        if (b->status == YT_OK) yti_graph_output(b->graph, cls, train_only);
    }
}

/* The map with the fewest cells. */
static int deepest(const yti_builder *b, const yti_value *maps, int n) {
    int found = 0;
    for (int i = 1; i < n; i++)
        if (b->built[maps[i]].side <= b->built[maps[found]].side) found = i;
    return found;
}

static bool set_strides(yti_builder *b, level_list levels) {
    yti_model *model = b->model;
    for (int i = levels.first, l = 0; i < levels.end; i++, l++) {
        const int side = b->built[levels.maps[i]].side;
        if (YT_PROBE_SIDE % side)
            return yti_fail(b, "a head level of %d cells for a %d-pixel image; its stride must be a whole number", side,
                            YT_PROBE_SIDE);
        model->strides[l] = YT_PROBE_SIDE / side;
        if (model->strides[l] > model->max_stride) model->max_stride = model->strides[l];
    }
    return true;
}

void yti_build_detect(yti_builder *b, yti_path at, const yti_value *maps, int n_maps) {
    yti_model *model = b->model;
    if (b->status != YT_OK) return;
    if (model->n_levels) {
        yti_fail(b, "a second Detect; a model has one");
        return;
    }
    if (n_maps > YT_MAX_LEVELS) {
        yti_fail(b, "Detect reads %d maps; the limit is %d", n_maps, YT_MAX_LEVELS);
        return;
    }
    level_list levels = {.maps = maps, .end = n_maps};
    if (b->cut >= YT_CUT_LATERAL) {
        levels.first = deepest(b, maps, n_maps);
        levels.end = levels.first + 1;
    }
    if (!set_strides(b, levels)) return;
    model->n_levels = levels.end - levels.first;
    model->n_branches = 0;
    const bool fused = model->options.fusion != YT_NOT_FUSED;
    if (model->options.fusion != YT_FUSED_ONE_TO_ONE) build_branch(b, at, levels, "", model->end2end);
    if (model->reg_max > 1) {
        const int dims[4] = {1, model->reg_max, 1, 1};
        yti_param(b, YT_PARAM_CONSTANT, yti_sub(at, "dfl.conv.weight"), 4, dims, 0, 0);
    }
    if (!model->end2end) return;
    yti_value detached[YT_MAX_LEVELS];
    for (int i = 0; i < n_maps; i++) {
        const bool read = i >= levels.first && i < levels.end && !fused;
        detached[i] = read ? yti_detach(b, maps[i], yti_sub(at, "detach.%d", i)) : maps[i];
    }
    levels.maps = detached;
    build_branch(b, at, levels, "one2one_", false);
}
