/* build_model.c: which network a run trains: the one the user names, else the one its weights belong to, else
 * the default.
 */
#include "train/weights_file.h"
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

/* Builds the network that a weights file describes; *out stays where it describes none. */
static yt_status build_described(yt_train_config *config, int n_classes, yt_model **out, yt_err *err) {
    yt_architecture found;
    YT_TRY(yt_weights_architecture(config->weights, &found, err));
    yt_status status = YT_OK;
    if (found.yaml) {
        status = take_options(config, &found.options, err);
        if (status == YT_OK)
            status = yt_train_config_set(config, "model", found.name, YT_SOURCE_CHECKPOINT, err);
        yt_model_options options =
            build_options(config, n_classes ? n_classes : found.options.n_classes, NULL);
        options.scale = found.options.scale;
        options.sppf_activation = found.options.sppf_activation; /* as the weights were trained */
        if (status == YT_OK)
            status =
                yti_name_file(yt_model_parse(found.name, found.yaml, strlen(found.yaml), &options, out, err),
                              config->weights, err);
    }
    yt_architecture_free(&found);
    return status;
}

yt_status yt_train_build_model(yt_train_config *config, int n_classes, const char *const *search_dirs,
                               yt_model **out, yt_err *err) {
    yt_model *model = NULL;
    if (config->weights[0] && !is_chosen(config, YT_TRAIN_KEY_model))
        YT_TRY(build_described(config, n_classes, &model, err));
    if (!model) {
        yt_model_options options = build_options(config, n_classes, search_dirs);
        YT_TRY(yti_model_load(config->model, &options, &model, err));
    }
    *out = model;
    return YT_OK;
}
