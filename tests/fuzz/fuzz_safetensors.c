/* fuzz_safetensors.c: a safetensors file: its tensors, and the model that its metadata describes. */
#include "formats/safetensors.h"
#include "fuzz.h"
#include "weights/weights.h"

#include <stdlib.h>

/* Reads every value, so that a view past the end of the file is seen. */
static void convert(const yti_st_entry *entry) {
    float *floats = malloc((entry->count + 1) * sizeof *floats);
    int64_t *ints = malloc((entry->count + 1) * sizeof *ints);
    if (floats) yti_st_to_float(entry, floats);
    if (ints) yti_st_to_int64(entry, ints);
    free(floats);
    free(ints);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yt_err err = {.text = ""};
    yti_st_file file = {0};
    char *path = fuzz_file(data, size);
    if (!fuzz_done(yti_st_load(path, &file, &err), &err)) {
        for (size_t i = 0; i < file.n_entries; i++) convert(&file.entries[i]);
        yti_st_free(&file);
    }
    yti_model *model = NULL;
    yti_class_names names = {0};
    int imgsz = 0;
    if (!fuzz_done(yti_weights_open(path, NULL, NULL, &model, &names, &imgsz, &err), &err)) {
        yti_class_names_free(&names);
        yti_model_destroy(model);
    }
    free(path);
    return 0;
}
