/* model.c: a model from a YAML: the keys at its top, its rows, and the model that comes out.
 *
 * The rows are built twice: the first pass counts how many parameters of each kind there are, the second places them.
 */
#include "model/builder.h"

#include "base/file.h"
#include "model/model_file.h"
#include "ops/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the keys at the top ---- */

enum { MAX_FACTOR = 16 }; /* of published networks: 1.5; below it, channels and repeats stay far within an int */

/* Not those of a NaN. */
static bool factors_in_range(const yti_builder *b) {
    return b->depth > 0 && b->depth <= MAX_FACTOR && b->width > 0 && b->width <= MAX_FACTOR;
}

static bool read_scale(yti_builder *b, const yti_yaml_node *root) {
    const yti_yaml_node *scales = yti_yaml_find(root, "scales");
    b->depth = b->width = 1;
    b->max_channels = HUGE_VAL;
    if (!scales) {
        const yti_yaml_node *depth = yti_yaml_find(root, "depth_multiple"),
                            *width = yti_yaml_find(root, "width_multiple");
        b->scale = 0;
        if (depth || width) b->line = depth ? depth->line : width->line;
        if ((depth && !yti_yaml_double(depth, &b->depth)) || (width && !yti_yaml_double(width, &b->width)))
            return yti_fail(b, "depth_multiple and width_multiple are numbers");
        return factors_in_range(b) || yti_fail(b, "depth_multiple and width_multiple lie between 0 and %d", MAX_FACTOR);
    }
    b->line = scales->line;
    if (scales->kind != YT_YAML_MAP || scales->count == 0)
        return yti_fail(b, "scales maps a letter to [depth, width, max_channels]");
    const yti_yaml_node *entry = scales->items[0];
    if (!b->scale) {
        b->scale = scales->keys[0]->text[0];
        b->model->scale_guessed = scales->count > 1;
    } else {
        const char letter[2] = {b->scale, 0};
        entry = yti_yaml_find(scales, letter);
        if (!entry) return yti_fail(b, "no scale '%c' among the scales", b->scale);
    }
    b->line = entry->line;
    if (entry->kind != YT_YAML_LIST || entry->count != 3 || !yti_yaml_double(entry->items[0], &b->depth) ||
        !yti_yaml_double(entry->items[1], &b->width) || !yti_yaml_double(entry->items[2], &b->max_channels))
        return yti_fail(b, "a scale is [depth, width, max_channels]");
    return (factors_in_range(b) && b->max_channels >= 1) ||
           yti_fail(b, "depth and width of a scale lie between 0 and %d, max_channels from 1 up", MAX_FACTOR);
}

/* Every key that means something; some are written by the reference trainer and have no effect here. */
static const char *const known_keys[] = {
    "nc",   "scales",  "scale",   "depth_multiple", "backbone",  "width_multiple", "activation", "end2end",
    "head", "reg_max", "inplace", "kpt_shape",      "yaml_file", "channels",       "ch"};
enum { N_KNOWN_KEYS = sizeof known_keys / sizeof known_keys[0] };

/* Heads of networks for other tasks, by the beginning of their names: before the rows are built, so that it is not
 * some module below the head that is complained about. */
static const struct task {
    const char *head, *what;
} tasks[] = {
    {"Segment", "an instance segmentation network"},
    {"SemanticSegment", "a semantic segmentation network"},
    {"Pose", "a pose network"},
    {"OBB", "a network for rotated boxes (OBB)"},
    {"Classify", "a classification network"},
    {"Depth", "a depth estimation network"},
    {"RTDETR", "RT-DETR, a transformer"},
    {"WorldDetect", "YOLO-World, which detects by texts"},
    {"WorldSegment", "YOLO-World, which detects by texts"},
    {"YOLOE", "YOLOE, which detects by prompts"},
};

static bool refuse_other_tasks(yti_builder *b, const yti_yaml_node *root) {
    const yti_yaml_node *rows = yti_yaml_find(root, "head");
    for (size_t i = 0; rows && rows->kind == YT_YAML_LIST && i < rows->count; i++) {
        const yti_yaml_node *row = rows->items[i];
        const char *module = row->kind == YT_YAML_LIST && row->count > 2 ? row->items[2]->text : NULL;
        for (size_t k = 0; module && k < sizeof tasks / sizeof tasks[0]; k++) {
            if (strncmp(module, tasks[k].head, strlen(tasks[k].head)) != 0) continue;
            b->line = row->line;
            return yti_fail(b,
                            "is %s (its head is %s); only detection networks, whose head is Detect or "
                            "v10Detect, are known",
                            tasks[k].what, module);
        }
    }
    return true;
}

/* Images have three channels here. */
static bool check_channels(yti_builder *b, const yti_yaml_node *root) {
    static const char *const keys[] = {"channels", "ch"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const yti_yaml_node *node = yti_yaml_find(root, keys[i]);
        int64_t number;
        if (!node || yti_yaml_is_null(node)) continue;
        b->line = node->line;
        if (!yti_yaml_int(node, &number) || number < 1 || number > 10000)
            return yti_fail(b, "%s is the number of channels of an image", keys[i]);
        if (number != 3)
            return yti_fail(b, "is for images of %d channel%s; only those for 3 (red, green and blue) can be used",
                            (int)number, number == 1 ? "" : "s");
    }
    return true;
}

/* A key nobody reads is a mistake: regmax would silently build another network. */
static bool refuse_unknown_keys(yti_builder *b, const yti_yaml_node *root) {
    for (size_t k = 0; k < root->count; k++) {
        const char *key = root->keys[k]->text;
        int i = 0;
        while (i < N_KNOWN_KEYS && strcmp(known_keys[i], key) != 0) i++;
        if (i < N_KNOWN_KEYS) continue;
        b->line = root->keys[k]->line;
        return yti_fail(b, "unknown key '%s'%s", key, yti_suggest(key, known_keys, N_KNOWN_KEYS).text);
    }
    return true;
}

static bool read_keys(yti_builder *b, const yti_yaml_node *root) {
    yti_model *model = b->model;
    if (!refuse_unknown_keys(b, root) || !check_channels(b, root)) return false;
    const yti_yaml_node *nc = yti_yaml_find(root, "nc"), *end2end = yti_yaml_find(root, "end2end"),
                        *reg_max = yti_yaml_find(root, "reg_max"), *act = yti_yaml_find(root, "activation");
    int64_t number = 0;
    if (nc && (b->line = nc->line) && (!yti_yaml_int(nc, &number) || number < 1 || number > 10000))
        return yti_fail(b, "nc is the number of classes, 1 to 10000");
    model->n_classes = model->options.n_classes ? model->options.n_classes : (int)number;
    if (!model->n_classes) return yti_fail(b, "nc, the number of classes, is missing");
    number = 16;
    if (reg_max && (b->line = reg_max->line) && (!yti_yaml_int(reg_max, &number) || number < 1 || number > 64))
        return yti_fail(b, "reg_max, the number of distance bins, lies between 1 and 64");
    model->reg_max = (int)number;
    if (end2end && (b->line = end2end->line) && !yti_yaml_bool(end2end, &model->end2end))
        return yti_fail(b, "end2end is True or False");
    if (model->options.fusion == YT_FUSED_ONE_TO_MANY) model->end2end = false;
    b->act = (yti_activation){.kind = YT_ACT_SILU};
    if (act && (b->line = act->line) && (!act->text || yti_activation_parse(act->text, &b->act) != 0))
        return yti_fail(b, "activation '%s' is not known", act->text ? act->text : "");
    if (model->options.activation >= 0)
        b->act = (yti_activation){.kind = (yti_activation_kind)model->options.activation, .slope = 0.01f};
    model->activation = b->act;
    return read_scale(b, root);
}

/* ---- rows ---- */

/* One entry of `from`: the absolute row it means, or -2 after an error. The image itself is row -1. */
static int source_row(yti_builder *b, const yti_yaml_node *node) {
    int64_t from;
    if (!yti_yaml_int(node, &from)) return yti_fail(b, "from is a row number, or a list of them") - 2;
    const int64_t row = from < 0 ? b->row + from : from;
    if (row >= b->row)
        return yti_fail(b, "row %d reads row %lld, which is not built yet: a row may read earlier rows only", b->row,
                        (long long)row) -
               2;
    if (row < -1 || (row == -1 && b->row != 0))
        return yti_fail(b, "row %d reads row %lld, which does not exist", b->row, (long long)from) - 2;
    if (row >= 0 && b->model->rows[row].output < 0)
        return yti_fail(b, "row %d reads the head, which gives no feature map", b->row) - 2;
    return (int)row;
}

/* Fills from[] with values; returns how many, 0 after an error. */
static int read_from(yti_builder *b, const yti_yaml_node *node, yti_value from[YT_MAX_SOURCES]) {
    const size_t count = node->kind == YT_YAML_LIST ? node->count : 1;
    if (node->kind == YT_YAML_MAP || count < 1 || count > YT_MAX_SOURCES)
        return yti_fail(b, "from is a row number, or a list of 1 to %d of them", YT_MAX_SOURCES);
    for (size_t i = 0; i < count; i++) {
        const int row = source_row(b, node->kind == YT_YAML_LIST ? node->items[i] : node);
        if (b->status != YT_OK) return 0;
        from[i] = row < 0 ? b->model->input : b->model->rows[row].output;
    }
    return (int)count;
}

/* "[-1, 6]": a scalar or a list of scalars as text. */
static char *node_text(const yti_yaml_node *node) {
    size_t length = 3;
    if (node->kind == YT_YAML_SCALAR) return strdup(node->text);
    for (size_t i = 0; i < node->count; i++) length += 5 + (node->items[i]->text ? strlen(node->items[i]->text) : 3);
    char *text = malloc(length), *at = text;
    if (!text) return NULL;
    *at++ = '[';
    for (size_t i = 0; i < node->count; i++)
        at += snprintf(at, length - (size_t)(at - text), "%s%s", i ? ", " : "",
                       node->items[i]->text ? node->items[i]->text : "...");
    strcpy(at, "]");
    return text;
}

static int repeats_after_depth(const yti_builder *b, int64_t repeats) {
    if (repeats <= 1) return (int)repeats;
    const double scaled = nearbyint((double)repeats * b->depth); /* half to even (spec architecture 1.3) */
    return scaled < 1 ? 1 : (int)scaled;
}

static void build_row(yti_builder *b, const yti_yaml_node *node) {
    yti_model_row *row = &b->model->rows[b->row];
    yti_value from[YT_MAX_SOURCES];
    int64_t repeats;
    b->line = node->line;
    if (node->kind != YT_YAML_LIST || node->count < 3 || node->count > 4 || !node->items[2]->text) {
        yti_fail(b, "a row is [from, repeats, module, arguments]");
        return;
    }
    const int n_from = read_from(b, node->items[0], from);
    if (b->status != YT_OK) return;
    if (!yti_yaml_int(node->items[1], &repeats) || repeats < 1 || repeats > 100) {
        yti_fail(b, "the repeats of a row are a whole number, 1 to 100");
        return;
    }
    const yti_yaml_node *args = node->count == 4 ? node->items[3] : NULL;
    if (args && args->kind != YT_YAML_LIST) {
        yti_fail(b, "the arguments of a row are a list");
        return;
    }
    *row = (yti_model_row){.module = strdup(node->items[2]->text),
                           .from = node_text(node->items[0]),
                           .args = args ? node_text(args) : strdup("[]"),
                           .repeats = repeats_after_depth(b, repeats),
                           .first_node = yti_graph_nodes(b->graph),
                           .line = node->line};
    b->model->n_rows = b->row + 1;
    if (!row->module || !row->from || !row->args) {
        b->status = yti_no_memory(b->err, "the model");
        return;
    }
    const int first_param = b->model->n_params;
    yti_build_row(b, row->module, from, n_from, row->repeats, args, &row->output);
    for (int i = first_param; i < b->model->n_params; i++)
        if (b->model->params[i].kind != YT_PARAM_BUFFER) row->params += b->model->params[i].count;
}

static void build_rows(yti_builder *b, const yti_yaml_node *root) {
    const yti_yaml_node *parts[2] = {yti_yaml_find(root, "backbone"), yti_yaml_find(root, "head")};
    size_t total = 0;
    for (int p = 0; p < 2; p++) {
        b->line = parts[p] ? parts[p]->line : 0;
        if (!parts[p] || parts[p]->kind != YT_YAML_LIST || parts[p]->count > 1000) {
            yti_fail(b, "%s, a list of rows [from, repeats, module, arguments], is missing", p ? "head" : "backbone");
            return;
        }
        total += parts[p]->count;
    }
    b->model->rows = calloc(total + 1, sizeof *b->model->rows);
    if (!b->model->rows) {
        b->status = yti_no_memory(b->err, "the model");
        return;
    }
    b->legacy_head = true;
    b->model->input = yti_input(b, 3);
    const yti_no_residual kind = b->model->options.no_residual;
    for (int p = 0; p < 2; p++) {
        b->cut = p ? yti_no_residual_neck(kind) : yti_no_residual_backbone(kind);
        for (size_t i = 0; i < parts[p]->count && b->status == YT_OK; i++, b->row++) build_row(b, parts[p]->items[i]);
        if (p == 0) b->model->n_backbone_rows = b->row;
    }
    if (b->status == YT_OK && b->model->n_levels == 0) yti_fail(b, "the model has no Detect row");
}

/* ---- the model ---- */

/* Drops what a pass has built, keeping name, text and options. */
static void forget_pass(yti_model *model) {
    for (int i = 0; i < model->n_rows; i++) {
        free(model->rows[i].module);
        free(model->rows[i].from);
        free(model->rows[i].args);
    }
    for (int i = 0; i < model->n_params; i++) free(model->params[i].name);
    for (int i = 0; i < model->n_blocks; i++) free(model->blocks[i].name);
    free(model->blocks);
    free(model->rows);
    free(model->params);
    yti_graph_destroy(model->graph);
    model->rows = NULL;
    model->params = NULL;
    model->blocks = NULL;
    model->graph = NULL;
    model->n_rows = model->n_backbone_rows = model->n_params = model->n_blocks = model->n_levels = model
                                                                                                       ->max_stride = 0;
}

static yt_status build_pass(yti_model *model, const yti_yaml_node *root, char scale, size_t used[YT_PARAM_KINDS],
                            const size_t base[YT_PARAM_KINDS], yt_err *err) {
    yti_builder b = {.model = model, .file = model->yaml_path, .scale = scale, .err = err, .line = root->line};
    memcpy(b.base, base, sizeof b.base);
    forget_pass(model);
    YT_TRY(yti_graph_create(&model->graph, err));
    b.graph = model->graph;
    if (root->kind != YT_YAML_MAP) yti_fail(&b, "a model is a map with nc, scales, backbone and head");
    if (b.status == YT_OK && refuse_other_tasks(&b, root) && read_keys(&b, root)) build_rows(&b, root);
    model->scale = b.scale;
    memcpy(used, b.used, sizeof b.used);
    free(b.built);
    return b.status;
}

static yt_status allocate_state(yti_model *model, const size_t used[YT_PARAM_KINDS], yt_err *err) {
    model->param_count = used[YT_PARAM_WEIGHT] + used[YT_PARAM_NORM] + used[YT_PARAM_BIAS];
    model->buffer_count = used[YT_PARAM_CONSTANT] + used[YT_PARAM_BUFFER];
    model->state.params = calloc(model->param_count + YT_READ_SLACK, sizeof(float));
    const bool trained = model->options.fusion == YT_NOT_FUSED;
    if (trained) model->state.grads = calloc(model->param_count + YT_READ_SLACK, sizeof(float));
    model->state.buffers = calloc(model->buffer_count + YT_READ_SLACK, sizeof(float));
    if (model->state.params && (model->state.grads || !trained) && model->state.buffers) return YT_OK;
    return yti_no_memory(err, "%zu parameters", model->param_count);
}

static yt_status build(yti_model *model, const yti_yaml_node *root, yt_err *err) {
    size_t used[YT_PARAM_KINDS] = {0}, base[YT_PARAM_KINDS] = {0};
    const char scale = model->options.scale ? model->options.scale : yti_scale_letter(model->yaml_path);
    YT_TRY(build_pass(model, root, scale, used, base, err));
    base[YT_PARAM_NORM] = used[YT_PARAM_WEIGHT];
    base[YT_PARAM_BIAS] = base[YT_PARAM_NORM] + used[YT_PARAM_NORM];
    base[YT_PARAM_BUFFER] = used[YT_PARAM_CONSTANT];
    YT_TRY(build_pass(model, root, model->scale, used, base, err));
    return allocate_state(model, used, err);
}

yt_status yti_model_parse(const char *name, const char *text, size_t length, const yti_model_options *options,
                          yti_model **out, yt_err *err) {
    yti_yaml yaml = {0};
    yti_model *model = calloc(1, sizeof *model);
    if (!model) return yti_no_memory(err, "the model");
    model->options = *options;
    model->options.search_dirs = NULL;
    model->name = strndup(yti_path_base(name), strcspn(yti_path_base(name), "."));
    model->yaml_path = strdup(name);
    model->yaml_text = strndup(text, length);
    char where[1024];
    snprintf(where, sizeof where, "%.900s%s", options->described_in ? options->described_in : name,
             options->described_in ? ": its model description" : "");
    yt_status status = model->name && model->yaml_path && model->yaml_text
                           ? yti_yaml_parse(where, text, length, &yaml, err)
                           : yti_no_memory(err, "the model");
    if (status == YT_OK) status = build(model, yaml.root, err);
    model->options.described_in = NULL;
    yti_yaml_free(&yaml);
    if (status != YT_OK)
        yti_model_destroy(model);
    else
        *out = model;
    return status;
}

static yt_status not_found(const char *path, const char *const *search_dirs, yt_err *err) {
    char folders[512] = "the working folder";
    for (int i = 0; search_dirs && search_dirs[i]; i++) {
        size_t used = strlen(folders);
        snprintf(folders + used, sizeof folders - used, ", %s", search_dirs[i]);
    }
    char models[600];
    yti_list_models(search_dirs, models, sizeof models);
    return yt_fail(err, YT_ERR_IO, "%s: no such model%s%s; looked, also without the scale letter, in %s", path,
                   models[0] ? ", but there are " : "", models, folders);
}

enum { MAX_MODEL_BYTES = 1 << 20 };

yt_status yti_model_load(const char *path, const yti_model_options *options, yti_model **out, yt_err *err) {
    char scale;
    char *file = yti_find_model_file(path, options->search_dirs, &scale);
    if (!file) return not_found(path, options->search_dirs, err);
    char *text = NULL;
    size_t length = 0;
    yti_model_options with_scale = *options;
    if (!with_scale.scale) with_scale.scale = scale;
    yti_model *model = NULL;
    yt_status status = yti_file_read(file, MAX_MODEL_BYTES, &text, &length, err);
    if (status == YT_OK) status = yti_model_parse(file, text, length, &with_scale, &model, err);
    free(text);
    free(file);
    if (status != YT_OK) return status;
    char *name = strndup(yti_path_base(path), strcspn(yti_path_base(path), ".")); /* yolo26n, not yolo26 */
    if (!name) {
        yti_model_destroy(model);
        return yti_no_memory(err, "the model");
    }
    free(model->name);
    model->name = name;
    *out = model;
    return YT_OK;
}

void yti_model_destroy(yti_model *model) {
    if (!model) return;
    forget_pass(model);
    free(model->name);
    free(model->yaml_path);
    free(model->yaml_text);
    free(model->base_license);
    free(model->state.params);
    free(model->state.grads);
    free(model->state.buffers);
    free(model);
}

yt_status yti_model_view(const yti_model *model, yti_model **out, yt_err *err) {
    yti_model *view = malloc(sizeof *view);
    if (!view) return yti_no_memory(err, "the model");
    *view = *model;
    const yt_status status = yti_graph_clone(model->graph, &view->graph, err);
    if (status == YT_OK)
        *out = view;
    else
        free(view);
    return status;
}

void yti_model_destroy_view(yti_model *view) {
    if (!view) return;
    yti_graph_destroy(view->graph);
    free(view);
}

size_t yti_model_parameters(const yti_model *model) {
    size_t count = 0;
    for (int i = 0; i < model->n_rows; i++) count += model->rows[i].params;
    return count;
}

yt_status yti_model_plan(yti_model *model, yti_mode mode, int n, int h, int w, int threads, yt_err *err) {
    model->threads = threads;
    return yti_graph_plan(model->graph, mode, n, h, w, threads, err);
}

void yti_model_prepare(yti_model *model, const yti_state *state) {
    yti_graph_prepare(model->graph, state);
}

void yti_model_set_input(yti_model *model, const uint8_t *rgb) {
    const yti_tensor map = yti_graph_map(model->graph, model->input);
    yti_kernels_get()->from_bytes(rgb, &map, model->threads);
}

void yti_model_forward(yti_model *model, const yti_state *state, const yti_graph_observer *observer) {
    yti_graph_forward(model->graph, state, observer);
}

void yti_model_backward(yti_model *model, const yti_state *state, const yti_graph_observer *observer) {
    yti_graph_backward(model->graph, state, observer);
}

int yti_model_eval_branch(const yti_model *model) {
    return model->n_branches - 1;
}

int yti_model_branch(const yti_model *model, bool one_to_one) {
    if (one_to_one) return model->end2end ? model->n_branches - 1 : -1;
    return model->end2end && model->n_branches == 1 ? -1 : 0;
}

void yti_model_evaluate(yti_model *model, unsigned branches) {
    for (int b = 0; b < model->n_branches; b++)
        for (int l = 0; l < model->n_levels; l++) {
            const bool train_only = !(branches >> b & 1);
            yti_graph_output(model->graph, model->head_box[b][l], train_only);
            yti_graph_output(model->graph, model->head_cls[b][l], train_only);
        }
}

yti_head yti_model_head(const yti_model *model, int branch) {
    yti_head head = {.n_levels = model->n_levels, .n_classes = model->n_classes, .reg_max = model->reg_max};
    for (int l = 0; l < model->n_levels; l++) {
        const yti_value box = model->head_box[branch][l], cls = model->head_cls[branch][l];
        head.level[l] = (yti_head_level){.box = yti_graph_map(model->graph, box),
                                         .cls = yti_graph_map(model->graph, cls),
                                         .d_box = yti_graph_gradient(model->graph, box),
                                         .d_cls = yti_graph_gradient(model->graph, cls),
                                         .stride = model->strides[l]};
    }
    return head;
}
