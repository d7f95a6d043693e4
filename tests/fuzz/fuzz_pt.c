/* fuzz_pt.c: a .pt checkpoint: archive, pickle, tensors, and what is done with them. */
#include "formats/pt.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yt_err err = {.text = ""};
    yti_pt_file file = {0};
    if (fuzz_done(yti_pt_parse(data, size, "fuzz.pt", &file, &err), &err)) return 0;
    yti_pt_free(&file);
    fuzz_use_weights(data, size);
    return 0;
}
