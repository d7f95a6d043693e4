/* use_weights.c: what the programs do with a file of weights: the model it describes, the transfer into another, and
 * its conversion, which must give a file that can be read. */
#include "fuzz.h"
#include "weights/weights.h"

#include <stdlib.h>
#include <unistd.h>

static const char tiny[] = "nc: 2\nreg_max: 1\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\n  - [-1, 1, Conv, [8, 3, 2]]\n"
                           "  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[2], 1, Detect, [nc]]\n";

static void open_weights(const char *path) {
    yt_err err = {.text = ""};
    yti_model *model = NULL;
    yti_class_names names = {0};
    int imgsz = 0;
    if (fuzz_done(yti_weights_open(path, NULL, NULL, &model, &names, &imgsz, &err), &err)) return;
    if (names.count != model->n_classes || imgsz < 1) abort();
    yti_class_names_free(&names);
    yti_model_destroy(model);
}

static void transfer(const char *path) {
    yt_err err = {.text = ""};
    char dog[] = "dog", cat[] = "cat", *two[] = {dog, cat};
    const yti_class_names names = {.count = 2, .names = two};
    const yti_model_options options = YT_MODEL_DEFAULTS;
    yti_model *model = NULL;
    yti_transfer_report report;
    if (yti_model_parse("tiny.yaml", tiny, sizeof tiny - 1, &options, &model, &err) != YT_OK) abort();
    if (!fuzz_done(yti_weights_transfer(path, model, &names, &report, &err), &err) &&
        report.matched + report.partial > report.total)
        abort();
    yti_model_destroy(model);
}

static void convert(const char *path, bool half) {
    yt_err err = {.text = ""};
    char *target = fuzz_target();
    yti_conversion report = {0};
    if (!fuzz_done(yti_weights_convert(path, target, half, &report, &err), &err)) {
        yti_st_file file = {0};
        if (yti_st_load(target, &file, &err) != YT_OK || file.n_entries != report.n_tensors) abort();
        yti_st_free(&file);
        unlink(target);
    }
    free(target);
}

void fuzz_use_weights(const uint8_t *data, size_t size) {
    char *path = fuzz_file(data, size);
    open_weights(path);
    transfer(path);
    convert(path, false);
    convert(path, true);
    free(path);
}
