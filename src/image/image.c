/* image.c: an image in memory, and the sizes that one may have. */
#include "image/image_format.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MAX_PIXELS = 1 << 28 };

yt_status yti_check_size(const yti_source *source, uint64_t w, uint64_t h, yt_err *err) {
    if (w == 0 || h == 0) return yt_fail(err, YT_ERR_DATA, "%s: an image without pixels", source->path);
    if (w <= MAX_PIXELS / h) return YT_OK;
    return yt_fail(err, YT_ERR_DATA, "%s: %" PRIu64 " x %" PRIu64 " pixels are more than the %d that are accepted",
                   source->path, w, h, MAX_PIXELS);
}

yt_status yti_check_facts(const yti_source *source, yti_facts *facts, yt_err *err) {
    int w = facts->w, h = facts->h;
    YT_TRY(yti_check_size(source, w > 0 ? (uint64_t)w : 0, h > 0 ? (uint64_t)h : 0, err));
    size_t rgb = 3 * (size_t)w * (size_t)h, least = facts->orientation == 1 ? rgb : 2 * rgb;
    if (facts->memory < least) facts->memory = least;
    if (facts->memory <= YT_MAX_DECODE_BYTES) return YT_OK;
    return yt_fail(err, YT_ERR_DATA, "%s: decoding its %d x %d pixels would take %zu MiB; at most %zu are accepted",
                   source->path, w, h, facts->memory >> 20, (size_t)YT_MAX_DECODE_BYTES >> 20);
}

yt_status yt_image_create(int w, int h, yt_image *out, yt_err *err) {
    const yti_source none = {.path = "new image"};
    YT_TRY(yti_check_facts(&none, &(yti_facts){.w = w, .h = h, .orientation = 1}, err));
    uint8_t *rgb = malloc((size_t)w * (size_t)h * 3);
    if (!rgb) return yti_no_memory(err, "an image of %d x %d", w, h);
    *out = (yt_image){w, h, rgb};
    return YT_OK;
}

yt_pixels yt_image_pixels(const yt_image *image) {
    return (yt_pixels){.data = image->rgb, .width = image->w, .height = image->h, .format = YT_PIXELS_RGB};
}

void yt_image_free(yt_image *image) {
    if (!image) return;
    free(image->rgb);
    *image = (yt_image){0};
}
