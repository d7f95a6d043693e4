/* fuzz_onnx.c: an ONNX file: its tensors, and what is done with weights. */
#include "formats/onnx_weights.h"
#include "fuzz.h"

#include <stdlib.h>

/* Reads every value, so that a view past the end of the file is seen. */
static void convert(const yti_st_entry *entry) {
    float *floats = malloc((entry->count + 1) * sizeof *floats);
    if (floats) yti_st_to_float(entry, floats);
    free(floats);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yt_err err = {.text = ""};
    yti_onnx_weights file;
    if (!fuzz_done(yti_onnx_weights_parse(data, size, "network.onnx", &file, &err), &err)) {
        for (size_t i = 0; i < file.n_tensors; i++) convert(&file.tensors[i]);
        yti_onnx_weights_free(&file);
    }
    fuzz_use_weights(data, size);
    return 0;
}
