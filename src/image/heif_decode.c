/* heif_decode.c: the primary image of an AVIF or HEIC file. The only user of libheif.
 *
 * The file's own turns and mirrors (irot, imir) are applied by the library, and its EXIF orientation is not: the
 * standard says so, and cameras write both. Alpha is dropped.
 *
 * Brightness and colour of an AVIF become RGB here, in the arithmetic by which OpenCV and Pillow read them (libavif's
 * with libyuv): colour of half the size is interpolated, where libheif repeats it. It is not equal to the bit, as
 * libheif 1.15 hands out planes that have been RGB in between. HEIC, which OpenCV does not read, is left to libheif, as
 * its readers for Python leave it.
 *
 * AV1 is decoded by libaom where libheif has it: dav1d, its first choice, writes lines of its own to stderr about
 * damaged data, and some of the memory for them is never freed.
 */
#include "image/image_format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libheif/heif.h>

typedef struct heif {
    struct heif_context *context;
    struct heif_image_handle *handle;
    struct heif_decoding_options *options;
} heif;

static void close_heif(heif *f) {
    if (f->options) heif_decoding_options_free(f->options);
    if (f->handle) heif_image_handle_release(f->handle);
    if (f->context) heif_context_free(f->context);
}

/* Some sentences of the library's are several lines. A limit that a file goes beyond has the code of a lack of memory,
 * too. */
static yt_status fail(const yti_source *source, const char *what, struct heif_error e, yt_err *err) {
    bool lacks = e.code == heif_error_Memory_allocation_error && e.subcode != heif_suberror_Security_limit_exceeded;
    return yt_fail(err, lacks ? YT_ERR_NO_MEMORY : YT_ERR_DATA, "%s: %s: %.*s", source->path, what,
                   (int)strcspn(e.message, "\r\n"), e.message);
}

static yt_status open_heif(const yti_source *source, heif *out, yt_err *err) {
    enum { MAX_SIDE = 1 << 16 };
    heif f = {.context = heif_context_alloc(), .options = heif_decoding_options_alloc()};
    if (!f.context || !f.options) {
        close_heif(&f);
        return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read it", source->path);
    }
    f.options->decoder_id = "aom";                       /* a wish: other codecs have other decoders */
    heif_context_set_max_decoding_threads(f.context, 0); /* in this thread */
    heif_context_set_maximum_image_size_limit(f.context, MAX_SIDE);
    struct heif_error e = heif_context_read_from_memory_without_copy(f.context, source->data, source->bytes, NULL);
    if (e.code == heif_error_Ok) e = heif_context_get_primary_image_handle(f.context, &f.handle);
    if (e.code == heif_error_Ok) {
        *out = f;
        return YT_OK;
    }
    yt_status status = fail(source, "not a readable HEIF (AVIF, HEIC)", e, err);
    close_heif(&f);
    return status;
}

/* A crop is of the whole image, once that is decoded. */
static void size_before_cropping(const struct heif_image_handle *handle, int *w, int *h) {
    *w = heif_image_handle_get_ispe_width(handle);
    *h = heif_image_handle_get_ispe_height(handle);
}

yt_status yti_heif_measure(const yti_source *source, yti_facts *facts, yt_err *err) {
    heif f;
    YT_TRY(open_heif(source, &f, err));
    int w = heif_image_handle_get_width(f.handle), h = heif_image_handle_get_height(f.handle);
    int bits = heif_image_handle_get_luma_bits_per_pixel(f.handle), whole_w, whole_h;
    size_before_cropping(f.handle, &whole_w, &whole_h);
    close_heif(&f);
    *facts = (yti_facts){.w = w, .h = h, .orientation = 1, .bits = bits > 0 ? bits : 8};
    /* RGB here and in the library (3 + 3), and there the planes, twice while they are converted. */
    if (whole_w > 0 && whole_h > 0) facts->memory = (size_t)whole_w * (size_t)whole_h * (bits > 8 ? 18u : 12u);
    return YT_OK;
}

/* How planes become RGB: factors of 1/64, and brightness as 64 * 65536 / 257 of its 16 bits (ITU-T H.273). */
typedef struct arithmetic {
    int y_factor, y_offset, cr_red, cb_green, cr_green, cb_blue;
} arithmetic;

/* False: a matrix that is left to the library. Where it does not say, it has made planes of BT.601 and full range. */
static bool arithmetic_of(const struct heif_image *decoded, arithmetic *out) {
    static const struct {
        int matrix;
        double kr, kb; /* parts of red and blue in brightness */
    } known[] = {{1, 0.2126, 0.0722}, {2, 0.299, 0.114}, {5, 0.299, 0.114}, {6, 0.299, 0.114}, {9, 0.2627, 0.0593}};
    struct heif_color_profile_nclx *profile = NULL;
    int matrix = 6;
    bool full = true;
    if (heif_image_get_nclx_color_profile(decoded, &profile).code == heif_error_Ok) {
        matrix = (int)profile->matrix_coefficients;
        full = profile->full_range_flag;
        heif_nclx_color_profile_free(profile);
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].matrix != matrix) continue;
        double kr = known[i].kr, kb = known[i].kb, kg = 1 - kr - kb, unit = full ? 64 : 64 * 255 / 224.0;
        *out = (arithmetic){.y_factor = full ? 16320 : 18997,
                            .y_offset = full ? 32 : -1160,
                            .cr_red = (int)lrint(unit * 2 * (1 - kr)),
                            .cb_green = (int)lrint(unit * 2 * (1 - kb) * kb / kg),
                            .cr_green = (int)lrint(unit * 2 * (1 - kr) * kr / kg),
                            .cb_blue = (int)lrint(unit * 2 * (1 - kb))};
        if (out->cb_blue > 128) out->cb_blue = 128; /* a signed byte's, in the arithmetic that is followed */
        return true;
    }
    return false;
}

/* One channel, of 8 bits or of more in two bytes each. */
typedef struct plane {
    const uint8_t *data;
    int stride, w, h, bits;
} plane;

static bool open_plane(const struct heif_image *image, enum heif_channel channel, plane *out) {
    *out = (plane){.w = heif_image_get_width(image, channel),
                   .h = heif_image_get_height(image, channel),
                   .bits = heif_image_get_bits_per_pixel_range(image, channel)};
    out->data = heif_image_get_plane_readonly(image, channel, &out->stride);
    return out->data && out->w > 0 && out->h > 0 && out->bits >= 8 && out->bits <= 16 &&
           out->stride >= (out->bits > 8 ? 2 : 1) * out->w;
}

static int value_at(const plane *p, int x, int y) {
    const uint8_t *row = p->data + (size_t)y * (size_t)p->stride;
    uint16_t wide;
    if (p->bits == 8) return row[x];
    memcpy(&wide, row + 2 * (size_t)x, sizeof wide);
    return wide;
}

/* Where a pixel's colour is stored, and the step to the stored one next nearest to it. */
typedef struct spot {
    int at, step;
} spot;

static spot spot_of(int x, int size, bool half) {
    if (!half) return (spot){x, 0};
    bool edge = x == 0 || (x == size - 1 && x % 2 != 0);
    return (spot){x / 2, edge ? 0 : x % 2 ? 1 : -1};
}

/* The colour at a pixel, from -128 to 127: 9, 3, 3 and 1 sixteenths of the four around it where it is stored in half
 * the size. */
static int colour_at(const plane *c, spot x, spot y) {
    int near = 3 * value_at(c, x.at, y.at) + value_at(c, x.at + x.step, y.at);
    int far = 3 * value_at(c, x.at, y.at + y.step) + value_at(c, x.at + x.step, y.at + y.step);
    return ((3 * near + far + 8) >> 4 >> (c->bits - 8)) - 128;
}

static uint8_t to_byte(int value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 * 64 ? 255 : value >> 6);
}

static bool covers(const plane *c, int w, int h, bool half_w, bool half_h) {
    return c->w >= (half_w ? (w + 1) / 2 : w) && c->h >= (half_h ? (h + 1) / 2 : h);
}

/* False: not planes of a kind that is known here. */
static bool convert(const struct heif_image *image, yt_image *out) {
    plane brightness, cb, cr;
    arithmetic a;
    enum heif_chroma chroma = heif_image_get_chroma_format(image);
    bool half_w = chroma != heif_chroma_444, half_h = chroma == heif_chroma_420;
    if (!arithmetic_of(image, &a) || !open_plane(image, heif_channel_Y, &brightness) ||
        !open_plane(image, heif_channel_Cb, &cb) || !open_plane(image, heif_channel_Cr, &cr))
        return false;
    int w = out->w, h = out->h, bits = brightness.bits;
    if (!covers(&brightness, w, h, false, false) || !covers(&cb, w, h, half_w, half_h) ||
        !covers(&cr, w, h, half_w, half_h))
        return false;
    uint8_t *rgb = out->rgb;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++, rgb += 3) {
            spot across = spot_of(x, w, half_w), down = spot_of(y, h, half_h);
            int b = colour_at(&cb, across, down), r = colour_at(&cr, across, down);
            uint32_t stored = (uint32_t)value_at(&brightness, x, y);
            uint32_t in16 = stored << (16 - bits) | stored >> (2 * bits - 16);
            int luma = (int)(in16 * (uint32_t)a.y_factor >> 16) + a.y_offset;
            rgb[0] = to_byte(luma + a.cr_red * r);
            rgb[1] = to_byte(luma - (a.cb_green * b + a.cr_green * r));
            rgb[2] = to_byte(luma + a.cb_blue * b);
        }
    return true;
}

/* False: there is no such plane, or its rows are too short. */
static bool copy_rows(const struct heif_image *decoded, yt_image *out) {
    int stride = 0;
    const uint8_t *from = heif_image_get_plane_readonly(decoded, heif_channel_interleaved, &stride);
    size_t row = (size_t)out->w * 3;
    if (!from || stride < 0 || (size_t)stride < row) return false;
    for (int y = 0; y < out->h; y++) memcpy(out->rgb + (size_t)y * row, from + (size_t)y * (size_t)stride, row);
    return true;
}

/* Room for the decoded image. What was measured, and let through the gate of memory, is the size that the container
 * says; the coded image has one of its own. */
static yt_status create_measured(const yti_source *source, const yti_facts *facts, int w, int h, yt_image *out,
                                 yt_err *err) {
    if (w == facts->w && h == facts->h) return yt_image_create(w, h, out, err);
    return yt_fail(err, YT_ERR_DATA, "%s: its image is %d x %d, and its header says %d x %d", source->path, w, h,
                   facts->w, facts->h);
}

/* As the library makes RGB of it. */
static yt_status decode_rgb(const yti_source *source, const yti_facts *facts, const heif *f, yt_image *out,
                            yt_err *err) {
    struct heif_image *decoded = NULL;
    struct heif_error e = heif_decode_image(f->handle, &decoded, heif_colorspace_RGB, heif_chroma_interleaved_RGB,
                                            f->options);
    if (e.code != heif_error_Ok) return fail(source, "the image cannot be decoded", e, err);
    yt_status status = create_measured(source, facts, heif_image_get_width(decoded, heif_channel_interleaved),
                                       heif_image_get_height(decoded, heif_channel_interleaved), out, err);
    if (status == YT_OK && !copy_rows(decoded, out)) {
        yt_image_free(out);
        status = yt_fail(err, YT_ERR_DATA, "%s: the image cannot be decoded: it has no RGB", source->path);
    }
    heif_image_release(decoded);
    return status;
}

/* How an AVIF's colour is stored, by the first property "av1C" of an image that has colour (AV1 in ISOBMFF 2.3.3):
 * without being told the library makes planes of full size. Another image's, in a file that holds several kinds,
 * costs some exactness. Undefined: there is none, or none with colour. */
static enum heif_chroma stored_chroma(const yti_source *source) {
    enum { MONOCHROME = 0x10, HALF_WIDTH = 8, HALF_HEIGHT = 4 };
    for (size_t i = 0; i + 8 <= source->bytes; i++) {
        if (source->data[i] != 'a' || memcmp(source->data + i, "av1C\x81", 5) != 0) continue;
        int flags = source->data[i + 6];
        if (flags & MONOCHROME) continue;
        return !(flags & HALF_WIDTH) ? heif_chroma_444 : flags & HALF_HEIGHT ? heif_chroma_420 : heif_chroma_422;
    }
    return heif_chroma_undefined;
}

/* From the planes; *done stays false where they are of another kind. */
static yt_status decode_planes(const yti_source *source, const yti_facts *facts, const heif *f, yt_image *out,
                               bool *done, yt_err *err) {
    struct heif_image *decoded = NULL;
    enum heif_chroma chroma = stored_chroma(source);
    if (chroma == heif_chroma_undefined) return YT_OK;
    struct heif_error e = heif_decode_image(f->handle, &decoded, heif_colorspace_YCbCr, chroma, f->options);
    if (e.code != heif_error_Ok) return YT_OK;
    yt_status status = create_measured(source, facts, heif_image_get_primary_width(decoded),
                                       heif_image_get_primary_height(decoded), out, err);
    *done = status == YT_OK && convert(decoded, out);
    if (status == YT_OK && !*done) yt_image_free(out);
    heif_image_release(decoded);
    return status;
}

/* An image that is composed of others (a grid, an overlay) has a canvas with a size of its own, for which the library
 * takes memory, or ends the program for want of it, before anybody can compare. */
static void limit_canvas(const heif *f) {
    int w, h;
    size_before_cropping(f->handle, &w, &h);
    heif_context_set_maximum_image_size_limit(f->context, w > h ? w : h);
}

yt_status yti_heif_decode(const yti_source *source, const yti_facts *facts, yt_image *out, yt_err *err) {
    heif f;
    bool done = false;
    YT_TRY(open_heif(source, &f, err));
    limit_canvas(&f);
    yt_status status = decode_planes(source, facts, &f, out, &done, err);
    if (status == YT_OK && !done) status = decode_rgb(source, facts, &f, out, err);
    close_heif(&f);
    return status;
}
