/* fuzz_image.c: a picture, as the loader decodes it. */
#include "fuzz.h"
#include "yt/image.h"

#include <stdlib.h>

/* Larger pictures are legal, and only slow. */
enum { MAX_PIXELS = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yt_err err = {.text = ""};
    yt_image image = {0};
    char *path = fuzz_file(data, size);
    yt_image_info info = {0};
    const bool readable = !fuzz_done(yt_image_probe(path, &info, &err), &err);
    if (readable && (int64_t)info.w * info.h <= MAX_PIXELS &&
        !fuzz_done(yt_image_load(path, &image, &err), &err))
        yt_image_free(&image);
    free(path);
    return 0;
}
