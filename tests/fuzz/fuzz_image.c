/* fuzz_image.c: a picture, as the loader decodes it. */
#include "fuzz.h"
#include "yt/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yt_err err = {.text = ""};
    yt_image image = {0};
    char *path = fuzz_file(data, size);
    if (!fuzz_done(yt_image_load(path, &image, &err), &err)) yt_image_free(&image);
    free(path);
    return 0;
}
