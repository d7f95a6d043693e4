/* build_model.c: which network a run trains: the one the user names, else the one its weights belong to, else
 * the default.
 */
#include "train/weights_head.h"
#include "train/weights_network.h"
#include "yt/train.h"

#include <string.h>

static bool is_chosen(const yt_train_config *config, yt_train_key key) {
    return config->source[key] != YT_SOURCE_DEFAULT;
}

/* The weights' own build options, where the user has typed none; the settings then say what was built. */
static yt_status take_options(yt_train_config *config, const yt_model_options *options, yt_err *err) {
    if (options->no_residual && !is_chosen(config, YT_TRAIN_KEY_no_residual))
        YT_TRY(yt_train_config_set(config, "no_residual", yt_no_residual_word(options->no_residual),
                                   YT_SOURCE_CHECKPOINT, err));
    if (options->no_batchnorm && !is_chosen(config, YT_TRAIN_KEY_no_batchnorm))
        YT_TRY(yt_train_config_set(config, "no_batchnorm", "true", YT_SOURCE_CHECKPOINT, err));
    if (options->activation < 0 || is_chosen(config, YT_TRAIN_KEY_activation)) return YT_OK;
    const char *name = yt_activation_name((yt_activation_kind)options->activation);
    return yt_train_config_set(config, "activation", name, YT_SOURCE_CHECKPOINT, err);
}

static yt_model_options build_options(const yt_train_config *config, int n_classes,
                                      const char *const *search_dirs) {
    yt_model_options options = YT_MODEL_DEFAULTS;
    options.n_classes = n_classes;
    options.no_residual = (yt_no_residual)(config->no_residual + 1); /* of a choice "false" is -1 */
    options.no_batchnorm = config->no_batchnorm;
    options.activation = config->activation;
    options.search_dirs = search_dirs;
    return options;
}

/* The network that a weights file belongs to, with the head it has. */
static yt_status build_as_weights(yt_train_config *config, const yt_st_file *file, int n_classes,
                                  const char *const *search_dirs, yt_model **out, yt_err *err) {
    yt_model_options options = YT_MODEL_DEFAULTS;
    const char *name, *yaml;
    YT_TRY(yti_network_describe(file, config->weights, &name, &yaml, &options, err));
    yt_model *found = NULL; /* of a file that does not say */
    char found_name[256];
    if (!yaml) {
        YT_TRY(yti_network_build(file, config->weights, NULL, search_dirs, &found, err));
        snprintf(found_name, sizeof found_name, "%.240s.yaml", found->name);
        name = found_name, yaml = found->yaml_text;
        options.scale = found->scale;
    }
    yt_status status = take_options(config, &options, err);
    if (status == YT_OK) status = yt_train_config_set(config, "model", name, YT_SOURCE_CHECKPOINT, err);
    yt_model_options chosen = build_options(config, n_classes ? n_classes : options.n_classes, NULL);
    chosen.scale = options.scale;
    chosen.sppf_activation = options.sppf_activation; /* as the weights were trained */
    chosen.head = options.head;                       /* so that all but the last class layers are taken */
    chosen.described_in = found ? NULL : config->weights;
    if (status == YT_OK) status = yt_model_parse(name, yaml, strlen(yaml), &chosen, out, err);
    yt_model_destroy(found);
    return status;
}

/* A network that was typed keeps the class branch of the weights where it has their head: the same row, reading the same
 * channels. *model is built anew where that makes a difference. */
static yt_status widen_head(const yt_train_config *config, const yt_model_options *options,
                            const yt_st_file *file, yt_model **model, yt_err *err) {
    const yti_head_facts wanted = yti_head_of_file(file, yti_weights_prefix(file)),
                         built = yti_head_of_model(*model);
    if (!yti_same_head(&wanted, &built) ||
        memcmp(wanted.widths.cls, built.widths.cls, sizeof wanted.widths.cls) == 0)
        return YT_OK;
    yt_model_options wide = *options;
    yt_model *other;
    memcpy(wide.head.cls, wanted.widths.cls, sizeof wide.head.cls);
    YT_TRY(yti_model_load(config->model, &wide, &other, err));
    yt_model_destroy(*model);
    *model = other;
    return YT_OK;
}

static yt_status build_typed(yt_train_config *config, const yt_st_file *file, int n_classes,
                             const char *const *search_dirs, yt_model **out, yt_err *err) {
    const yt_model_options options = build_options(config, n_classes, search_dirs);
    yt_model *model;
    YT_TRY(yti_model_load(config->model, &options, &model, err));
    yt_status status = file ? widen_head(config, &options, file, &model, err) : YT_OK;
    if (status == YT_OK)
        *out = model;
    else
        yt_model_destroy(model);
    return status;
}

yt_status yt_train_build_model(yt_train_config *config, int n_classes, const char *const *search_dirs,
                               yt_model **out, yt_err *err) {
    if (!config->weights[0]) return build_typed(config, NULL, n_classes, search_dirs, out, err);
    yt_weights_file weights;
    YT_TRY(yti_weights_load(config->weights, &weights, err));
    const yt_st_file *file = &weights.file;
    yt_status status = yti_network_trainable(file, config->weights, err);
    if (status == YT_OK)
        status = is_chosen(config, YT_TRAIN_KEY_model)
                     ? build_typed(config, file, n_classes, search_dirs, out, err)
                     : build_as_weights(config, file, n_classes, search_dirs, out, err);
    yti_weights_free(&weights);
    return status;
}
