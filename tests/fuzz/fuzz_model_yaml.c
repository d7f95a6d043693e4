/* fuzz_model_yaml.c: a model YAML, from text to a planned network. */
#include "fuzz.h"
#include "model/model.h"

/* Larger networks are legal, and only slow. */
enum { MAX_PARAMS = 1 << 20, SIDE = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yt_err err = {.text = ""};
    yti_model *model = NULL;
    const yti_model_options options = YT_MODEL_DEFAULTS;
    if (fuzz_done(yti_model_parse("fuzz.yaml", (const char *)data, size, &options, &model, &err), &err)) return 0;
    if (model->param_count < MAX_PARAMS) {
        const yt_status status = yti_model_plan(model, YT_MODE_TRAIN, 1, SIDE, SIDE, 1, &err);
        fuzz_done(status, &err);
    }
    yti_model_destroy(model);
    return 0;
}
