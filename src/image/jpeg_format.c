/* jpeg_format.c: JPEG, checked (jpeg_check.c) and then decoded by libjpeg, or by stb_image where the build lacks it.
 *
 * A JPEG that was cut off is used as far as it goes: with an end-of-image marker put after the bytes there are, the
 * decoder fills the rest instead of refusing the whole.
 */
#include "image/image_format.h"
#include "image/jpeg_check.h"
#include "image/jpeg_decode.h"
#include "image/stb_formats.h"

#include <string.h>

static yt_status check(const yti_source *source, yti_jpeg *jpeg, yt_err *err) {
    const char *reason;
    if (!yti_jpeg_check(source->data, source->bytes, jpeg, &reason))
        return yt_fail(err, YT_ERR_DATA, "%s: not a readable JPEG: %s", source->path, reason);
    if (!jpeg->has_scan) return yt_fail(err, YT_ERR_DATA, "%s: the JPEG ends before its image begins", source->path);
#ifndef YT_LIBJPEG
    if (jpeg->arithmetic)
        return yt_fail(err, YT_ERR_DATA,
                       "%s: an arithmetic-coded JPEG, which needs libjpeg (libjpeg-dev was not installed when "
                       "this program was built)",
                       source->path);
#endif
    return YT_OK;
}

/* Whether the end marker that a whole file has is missing near its end: cameras append padding and notes after it. */
static bool lacks_end(const uint8_t *data, size_t bytes) {
    enum { TAIL_BYTES = 1024 };
    for (size_t i = bytes > TAIL_BYTES ? bytes - TAIL_BYTES : 0; i + 2 <= bytes; i++)
        if (data[i] == 0xFF && data[i + 1] == 0xD9) return false;
    return true;
}

yt_status yti_jpeg_measure(const yti_source *source, yti_facts *facts, yt_err *err) {
    yti_jpeg jpeg;
    YT_TRY(check(source, &jpeg, err));
    size_t pixels = (size_t)jpeg.w * (size_t)jpeg.h;
    size_t components = (size_t)jpeg.components;
    /* A progressive JPEG's coefficients are all held, two bytes each; stb holds every component besides the RGB. */
    size_t held = jpeg.progressive ? 2 * components : 0;
#ifndef YT_LIBJPEG
    held = jpeg.progressive ? 3 * components : components;
#endif
    *facts = (yti_facts){.w = jpeg.w,
                         .h = jpeg.h,
                         .orientation = jpeg.orientation,
                         .bits = 8,
                         .memory = pixels * (3 + held),
                         .truncated = lacks_end(source->data, source->bytes)};
    return YT_OK;
}

yt_status yti_jpeg_load(const yti_source *source, const yti_facts *facts, yt_image *out, yt_err *err) {
    yti_jpeg jpeg;
    YT_TRY(check(source, &jpeg, err));
    memcpy(source->data + jpeg.usable, "\xFF\xD9", 2);
#ifdef YT_LIBJPEG
    char reason[YTI_JPEG_REASON];
    (void)facts;
    YT_TRY(yt_image_create(jpeg.w, jpeg.h, out, err));
    yt_status status = yti_jpeg_decode(source->data, jpeg.usable + 2, jpeg.w, jpeg.h, out->rgb, reason);
    if (status == YT_OK) return YT_OK;
    yt_image_free(out);
    return yt_fail(err, status, "%s: the image cannot be decoded: %s", source->path, reason);
#else
    yti_source whole = {source->path, source->data, jpeg.usable + 2};
    return yti_stb_decode(&whole, facts, out, err);
#endif
}
