/* webp_decode.c: WebP, still or the first image of an animation. The only user of libwebp.
 *
 * As the reference trainer reads it: alpha is dropped, whatever colours lie under it; an animation's first image is
 * laid on a transparent canvas; and bare EXIF notes turn the image (the signature that a JPEG's notes have makes them
 * foreign here, as to OpenCV).
 */
#include "image/exif.h"
#include "image/image_format.h"

#include <errno.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

static size_t get32(const uint8_t *p) {
    return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

/* Walks the chunks of the RIFF file: four letters, a length, data padded to an even number of bytes. */
static int orientation_of(const uint8_t *data, size_t bytes) {
    enum { HEADER = 12, CHUNK = 8 };
    for (size_t at = HEADER; at <= bytes && bytes - at >= CHUNK;) {
        size_t length = get32(data + at + 4);
        if (length > bytes - at - CHUNK) return 1;
        if (memcmp(data + at, "EXIF", 4) == 0) return yti_exif_tiff_orientation(data + at + CHUNK, length);
        at += CHUNK + length + length % 2;
    }
    return 1;
}

static const char no_memory[] = "no memory", other_version[] = "the installed libwebp is of another version";

static const char *reason_of(VP8StatusCode code) {
    switch (code) {
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return "a kind of WebP that is not supported";
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
        return "the file is cut off";
    default:
        return "the file is damaged";
    }
}

yt_status yti_webp_measure(const yti_source *source, yti_facts *facts, yt_err *err) {
    WebPBitstreamFeatures features;
    VP8StatusCode code = WebPGetFeatures(source->data, source->bytes, &features);
    if (code != VP8_STATUS_OK)
        return yt_fail(err, YT_ERR_DATA, "%s: not a readable WebP: %s", source->path, reason_of(code));
    /* RGB; beside it the decoder's own pixels, or an animation's two canvases and the image on its way there. */
    size_t each = features.has_animation ? 3 + 4 + 4 + 4 : 3 + 4;
    *facts = (yti_facts){.w = features.width,
                         .h = features.height,
                         .orientation = orientation_of(source->data, source->bytes),
                         .bits = 8,
                         .memory = (size_t)features.width * (size_t)features.height * each};
    return YT_OK;
}

typedef struct outcome {
    yt_status status;
    const char *reason; /* of a failure */
} outcome;

static outcome decode_still(const yti_source *source, yt_image *out) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return (outcome){YT_ERR_DATA, other_version};
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = (WebPRGBABuffer){out->rgb, 3 * out->w, 3 * (size_t)out->w * (size_t)out->h};
    VP8StatusCode code = WebPDecode(source->data, source->bytes, &config);
    WebPFreeDecBuffer(&config.output);
    if (code == VP8_STATUS_OUT_OF_MEMORY) return (outcome){YT_ERR_NO_MEMORY, no_memory};
    return code == VP8_STATUS_OK ? (outcome){.status = YT_OK} : (outcome){YT_ERR_DATA, reason_of(code)};
}

/* The library's decoder of animations has no codes. */
static outcome decode_animation(const yti_source *source, yt_image *out) {
    WebPAnimDecoderOptions options;
    WebPAnimInfo info;
    uint8_t *rgba;
    int milliseconds;
    if (!WebPAnimDecoderOptionsInit(&options)) return (outcome){YT_ERR_DATA, other_version};
    const WebPData data = {source->data, source->bytes};
    errno = 0;
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, &options);
    bool good = decoder && WebPAnimDecoderGetInfo(decoder, &info) && info.canvas_width == (uint32_t)out->w &&
                info.canvas_height == (uint32_t)out->h && WebPAnimDecoderGetNext(decoder, &rgba, &milliseconds);
    bool lacks = !good && errno == ENOMEM;
    for (size_t i = 0; good && i < (size_t)out->w * (size_t)out->h; i++) memcpy(out->rgb + 3 * i, rgba + 4 * i, 3);
    WebPAnimDecoderDelete(decoder);
    return good    ? (outcome){.status = YT_OK}
           : lacks ? (outcome){YT_ERR_NO_MEMORY, no_memory}
                   : (outcome){YT_ERR_DATA, "the animation is damaged or cut off"};
}

yt_status yti_webp_decode(const yti_source *source, const yti_facts *facts, yt_image *out, yt_err *err) {
    WebPBitstreamFeatures features;
    yt_image image;
    YT_TRY(yt_image_create(facts->w, facts->h, &image, err));
    bool animated = WebPGetFeatures(source->data, source->bytes, &features) == VP8_STATUS_OK && features.has_animation;
    outcome o = animated ? decode_animation(source, &image) : decode_still(source, &image);
    if (o.status == YT_OK) {
        *out = image;
        return YT_OK;
    }
    yt_image_free(&image);
    return yt_fail(err, o.status, "%s: the image cannot be decoded: %s", source->path, o.reason);
}
