/* build_model.c: which network a run trains: the one the user names, else the one its weights belong to, else the
 * default.
 */
#include "train/parts/build_model.h"
#include "base/log.h"
#include "ops/ops.h"
#include "weights/weights_head.h"
#include "weights/weights_network.h"

#include <string.h>

static bool is_chosen(const yti_train_config *config, yti_train_key key) {
    return config->source[key] != YT_SOURCE_DEFAULT;
}

/* The weights' own build options, where the user has typed none; the settings then say what was built. */
static yt_status take_options(yti_train_config *config, const yti_model_options *options, yt_err *err) {
    if (options->no_residual && !is_chosen(config, YT_TRAIN_KEY_no_residual))
        YT_TRY(yti_train_config_set(config, "no_residual", yti_no_residual_word(options->no_residual),
                                    YT_SOURCE_CHECKPOINT, err));
    if (options->no_batchnorm && !is_chosen(config, YT_TRAIN_KEY_no_batchnorm))
        YT_TRY(yti_train_config_set(config, "no_batchnorm", "true", YT_SOURCE_CHECKPOINT, err));
    if (options->activation < 0 || is_chosen(config, YT_TRAIN_KEY_activation)) return YT_OK;
    const char *name = yti_activation_name((yti_activation_kind)options->activation);
    return yti_train_config_set(config, "activation", name, YT_SOURCE_CHECKPOINT, err);
}

static yti_model_options build_options(const yti_train_config *config, int n_classes, const char *const *search_dirs) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = n_classes;
    options.no_residual = (yti_no_residual)config->no_residual;
    options.no_batchnorm = config->no_batchnorm;
    options.activation = config->activation;
    options.search_dirs = search_dirs;
    return options;
}

/* The network that a weights file belongs to, with the head it has. */
static yt_status build_as_weights(yti_train_config *config, const yti_st_file *file, int n_classes,
                                  const char *const *search_dirs, yti_model **out, yt_err *err) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    const char *name, *yaml;
    YT_TRY(yti_network_describe(file, config->weights, &name, &yaml, &options, err));
    yti_model *found = NULL; /* of a file that does not say */
    char found_name[256];
    if (!yaml) {
        YT_TRY(yti_network_build(file, config->weights, NULL, search_dirs, &found, err));
        snprintf(found_name, sizeof found_name, "%.240s.yaml", found->name);
        name = found_name, yaml = found->yaml_text;
        options.scale = found->scale;
    }
    yt_status status = take_options(config, &options, err);
    if (status == YT_OK) status = yti_train_config_set(config, "model", name, YT_SOURCE_CHECKPOINT, err);
    yti_model_options chosen = build_options(config, n_classes ? n_classes : options.n_classes, NULL);
    chosen.scale = options.scale;
    chosen.sppf_activation = options.sppf_activation; /* as the weights were trained */
    chosen.head = options.head;                       /* so that all but the last class layers are taken */
    chosen.described_in = found ? NULL : config->weights;
    if (status == YT_OK) status = yti_model_parse(name, yaml, strlen(yaml), &chosen, out, err);
    yti_model_destroy(found);
    return status;
}

/* A network that was typed keeps the class branch of the weights where it has their head: the same row, reading the
 * same channels. *model is built anew where that makes a difference. */
static yt_status widen_head(const yti_train_config *config, const yti_model_options *options, const yti_st_file *file,
                            yti_model **model, yt_err *err) {
    const yti_head_facts wanted = yti_head_of_file(file, yti_weights_prefix(file)), built = yti_head_of_model(*model);
    if (!yti_same_head(&wanted, &built) || memcmp(wanted.widths.cls, built.widths.cls, sizeof wanted.widths.cls) == 0)
        return YT_OK;
    yti_model_options wide = *options;
    yti_model *other;
    memcpy(wide.head.cls, wanted.widths.cls, sizeof wide.head.cls);
    YT_TRY(yti_load_model_yaml(config->model, &wide, &other, err));
    yti_model_destroy(*model);
    *model = other;
    return YT_OK;
}

/* ---- what a typed network computes otherwise than that of the weights ---- */

/* The activation that a node applies; NULL: none. */
static const yti_activation *activation_of(const yti_op *op, const void *attr) {
    return op == &yti_op_norm_act ? &((const yti_norm_act_attr *)attr)->act : NULL;
}

/* Appends what the first nodes that differ do. Widths are left to the tensors, whose shapes tell. false: they are
 * alike. */
static bool nodes_differ(const yti_model *a, yti_value a_first, const yti_model *b, yti_value b_first, int count,
                         char *text, size_t room) {
    for (int i = 0; i < count; i++) {
        const void *a_attr, *b_attr;
        int a_sources, b_sources; /* one more with a skip connection */
        const yti_op *a_op = yti_graph_op(a->graph, a_first + i, &a_attr, &a_sources),
                     *b_op = yti_graph_op(b->graph, b_first + i, &b_attr, &b_sources);
        if (a_op != b_op || a_sources != b_sources) {
            snprintf(text, room, "other operations");
            return true;
        }
        const yti_activation *x = activation_of(a_op, a_attr), *y = activation_of(b_op, b_attr);
        if (x && (x->kind != y->kind || (x->kind == YT_ACT_LEAKY_RELU && x->slope != y->slope))) {
            snprintf(text, room, "the activation %s in place of %s", yti_activation_name(x->kind),
                     yti_activation_name(y->kind));
            return true;
        }
        if (a_op == &yti_op_maxpool2d && memcmp(a_attr, b_attr, sizeof(yti_pool_attr)) != 0) {
            snprintf(text, room, "pooling over other windows");
            return true;
        }
    }
    return false;
}

static int nodes_of(const yti_model *model, int row) {
    const int end = row + 1 < model->n_rows ? model->rows[row + 1].first_node : yti_graph_nodes(model->graph);
    return end - model->rows[row].first_node;
}

static bool rows_differ(const yti_model *a, const yti_model *b, int row, char *text, size_t room) {
    const yti_model_row *x = &a->rows[row], *y = &b->rows[row];
    const int count = nodes_of(a, row);
    if (strcmp(x->module, y->module) != 0)
        snprintf(text, room, "%.60s in place of %.60s", x->module, y->module);
    else if (count != nodes_of(b, row))
        snprintf(text, room, "other operations");
    else
        return nodes_differ(a, x->first_node, b, y->first_node, count, text, room);
    return true;
}

/* Tensors of equal names and shapes are taken whatever is computed with them, so this is all that shows it. */
static void report_differences(const yti_train_config *config, const yti_model *model, const yti_model *weights) {
    const int common = model->n_rows < weights->n_rows ? model->n_rows : weights->n_rows;
    char first[192] = "", text[192];
    int count = model->n_rows + weights->n_rows - 2 * common, first_row = common;
    for (int i = common - 1; i >= 0; i--) {
        if (!rows_differ(model, weights, i, text, sizeof text)) continue;
        count++;
        first_row = i;
        memcpy(first, text, sizeof first);
    }
    if (count == 0) return;
    if (!first[0]) snprintf(first, sizeof first, "%d rows in place of %d", model->n_rows, weights->n_rows);
    yti_log(YT_LOG_WARNING,
            "%s: %d of its rows compute%s something else than those of %s, first row %d (%s): %s; without "
            "--model the "
            "network of the weights is built",
            config->model, count, count == 1 ? "s" : "", config->weights, first_row,
            first_row < model->n_rows ? model->rows[first_row].module : "none", first);
}

/* The network of the weights, as far as their file describes it, with the options that were typed. */
static yt_status compare_with_weights(const yti_train_config *config, const yti_st_file *file, const yti_model *model,
                                      yt_err *err) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    const char *name, *yaml;
    yti_model *weights;
    yt_err ignored;
    YT_TRY(yti_network_describe(file, config->weights, &name, &yaml, &options, err));
    if (!yaml) return YT_OK;
    if (is_chosen(config, YT_TRAIN_KEY_no_residual)) options.no_residual = model->options.no_residual;
    if (is_chosen(config, YT_TRAIN_KEY_no_batchnorm)) options.no_batchnorm = model->options.no_batchnorm;
    if (is_chosen(config, YT_TRAIN_KEY_activation)) options.activation = model->options.activation;
    if (yti_model_parse(name, yaml, strlen(yaml), &options, &weights, &ignored) != YT_OK) return YT_OK;
    report_differences(config, model, weights);
    yti_model_destroy(weights);
    return YT_OK;
}

static yt_status build_typed(yti_train_config *config, const yti_st_file *file, int n_classes,
                             const char *const *search_dirs, yti_model **out, yt_err *err) {
    const yti_model_options options = build_options(config, n_classes, search_dirs);
    yti_model *model;
    YT_TRY(yti_load_model_yaml(config->model, &options, &model, err));
    yt_status status = file ? widen_head(config, &options, file, &model, err) : YT_OK;
    if (status == YT_OK && file) status = compare_with_weights(config, file, model, err);
    if (status == YT_OK)
        *out = model;
    else
        yti_model_destroy(model);
    return status;
}

yt_status yti_train_build_model(yti_train_config *config, int n_classes, const char *const *search_dirs,
                                yti_model **out, yt_err *err) {
    if (!config->weights[0]) return build_typed(config, NULL, n_classes, search_dirs, out, err);
    yti_weights_file weights;
    YT_TRY(yti_weights_load(config->weights, &weights, err));
    const yti_st_file *file = &weights.file;
    const yt_status status = is_chosen(config, YT_TRAIN_KEY_model)
                                 ? build_typed(config, file, n_classes, search_dirs, out, err)
                                 : build_as_weights(config, file, n_classes, search_dirs, out, err);
    yti_weights_free(&weights);
    return status;
}

yt_status yti_initial_weights(const yti_train_config *config, const yti_class_names *names, yti_model *model,
                              yti_transfer_report *transfer, yt_err *err) {
    yti_init init;
    YT_TRY(yti_init_parse(config->init, &init, err));
    YT_TRY(yti_model_init_as(model, &init, (uint64_t)config->seed, &model->state, err));
    if (!config->weights[0]) return YT_OK;
    YT_TRY(yti_weights_transfer(config->weights, model, config->cls_remap ? names : NULL, transfer, err));
    if (transfer->matched + transfer->partial) return YT_OK;
    return yt_fail(err, YT_ERR_MISMATCH, "%s: none of its tensors fits this model; %s", config->weights,
                   transfer->first_miss);
}
