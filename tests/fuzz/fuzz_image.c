/* fuzz_image.c: an image file, as the loader decodes it. Built once for every format and once, without FUZZ_FORMAT, for
 * all of them.
 */
#include "fuzz.h"
#include "image/image.h"
#include "image/image_format.h"

#include <stdlib.h>
#include <string.h>

#ifndef FUZZ_FORMAT
#    define FUZZ_FORMAT NULL
#endif

/* Larger images are legal, and only slow. */
enum { MAX_PIXELS = 1 << 20 };

/* -1: of another format; libFuzzer does not keep it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *wanted = FUZZ_FORMAT;
    const yti_format *format = yti_format_of(data, size);
    if (wanted && (!format || strcmp(format->name, wanted) != 0)) return -1;
    yt_err err = {.text = ""};
    yt_image image = {0};
    char *path = fuzz_file(data, size);
    yti_image_info info = {0};
    const bool readable = !fuzz_done(yti_image_probe(path, &info, &err), &err);
    if (readable && (int64_t)info.w * info.h <= MAX_PIXELS && !fuzz_done(yt_image_load(path, &image, &err), &err)) {
        if (image.w != info.w || image.h != info.h) abort();
        yt_image_free(&image);
    }
    free(path);
    return 0;
}
