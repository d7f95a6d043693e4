/* fuzz_dataset_yaml.c: a dataset YAML. No image is looked at. */
#include "data/index/dataset.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yt_err err = {.text = ""};
    yti_dataset dataset = {0};
    char *path = fuzz_file(data, size);
    if (!fuzz_done(yti_dataset_open(path, &dataset, &err), &err)) yti_dataset_close(&dataset);
    free(path);
    return 0;
}
