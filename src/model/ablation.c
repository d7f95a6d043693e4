/* ablation.c: what the build options of a model change in it.
 *
 * The options are applied one after another to the network as its YAML describes it, so that the counts of one line go
 * on where those of the line before end.
 */
#include "model/ablation.h"
#include "model/model.h"

#include <string.h>

/* The next option in which a model differs from its YAML: moves it from `wanted` to `built` and names it; false when
 * there is none left. */
static bool apply_next(const yti_model_options *wanted, yti_model_options *built, char *name, size_t room) {
    if (built->no_residual != wanted->no_residual) {
        built->no_residual = wanted->no_residual;
        snprintf(name, room, "no_residual %s", yti_no_residual_word(wanted->no_residual));
        return true;
    }
    if (built->no_batchnorm != wanted->no_batchnorm) {
        built->no_batchnorm = wanted->no_batchnorm;
        snprintf(name, room, "no_batchnorm");
        return true;
    }
    if (built->activation != wanted->activation) {
        built->activation = wanted->activation;
        snprintf(name, room, "activation %s", yti_activation_name((yti_activation_kind)wanted->activation));
        return true;
    }
    return false;
}

/* Parameters and operations of a model as it would be with other options. */
static yt_status count(const yti_model *model, const yti_model_options *options, int imgsz, yti_model_counts *out,
                       yt_err *err) {
    yti_model *built = NULL;
    YT_TRY(yti_model_parse(model->yaml_path, model->yaml_text, strlen(model->yaml_text), options, &built, err));
    out->params = yti_model_parameters(built);
    const yt_status status = yti_model_gflops(built, imgsz, &out->gflops, err);
    yti_model_destroy(built);
    return status;
}

yt_status yti_model_ablations(const yti_model *model, int imgsz, yti_ablation out[YT_MAX_ABLATIONS], int *n,
                              yt_err *err) {
    yti_model_options whole = model->options;
    whole.n_classes = model->n_classes;
    whole.scale = model->scale;
    whole.no_residual = YT_RESIDUAL_KEPT;
    whole.no_batchnorm = false;
    whole.activation = -1;
    yti_model_options options = whole;
    *n = 0;
    for (int i = 0; i < YT_MAX_ABLATIONS; i++) {
        if (!apply_next(&model->options, &options, out[i].name, sizeof out[i].name)) break;
        if (i)
            out[i].before = out[i - 1].after;
        else
            YT_TRY(count(model, &whole, imgsz, &out[i].before, err));
        YT_TRY(count(model, &options, imgsz, &out[i].after, err));
        *n = i + 1;
    }
    return YT_OK;
}
