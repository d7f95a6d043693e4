/* stb_formats.c: PNG and GIF, and JPEG where the build has no libjpeg. The only user of stb_image.
 *
 * stb is built for these three alone: every other decoder of it would be a door for hostile files (its TGA reader, for
 * one, takes almost any bytes for an image).
 *
 * A PNG may have its EXIF notes anywhere between header and end, also after the pixels, so the whole file is walked.
 * 16-bit values become their high byte, which is what the reference trainer sees. Of a GIF the first image is read.
 */
#include "image/stb_formats.h"

#include "image/exif.h"

#include <stdlib.h>
#include <string.h>

/* Memory is zeroed, so that what a damaged file leaves out is the same every time. stb allocates what compressed data
 * unpack to, whatever the header says, and doubles a block that is too small; what it may take is set before a
 * decoding, so that data which do not belong to the header are the fault of their file. */
static _Thread_local size_t max_block;
static _Thread_local bool lacks_memory;

static void let_take(const yti_source *source, const yti_facts *facts) {
    enum { LEAST = 1 << 20 }; /* tables, and what a writer adds to a small image */
    size_t most = facts->memory > source->bytes ? facts->memory : source->bytes;
    max_block = 2 * most + LEAST;
    lacks_memory = false;
}

static void *stb_malloc(size_t bytes) {
    if (bytes > max_block) return NULL;
    void *block = calloc(1, bytes ? bytes : 1);
    if (!block) lacks_memory = true;
    return block;
}

static void *stb_realloc(void *block, size_t bytes) {
    if (bytes > max_block) return NULL;
    void *longer = realloc(block, bytes);
    if (!longer) lacks_memory = true;
    return longer;
}

/* Third-party code is not held to our warnings. These are given where it is inlined or at the end of the file, so
 * they stay off. */
#pragma GCC diagnostic ignored "-Wunused-function"
#ifndef __clang__
#    pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define STBI_MALLOC(bytes)         stb_malloc(bytes)
#define STBI_REALLOC(block, bytes) stb_realloc(block, bytes)
#define STBI_FREE(block)           free(block)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_GIF
#define STBI_NO_STDIO
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

static yt_status fail_for_memory(const yti_source *source, yt_err *err) {
    return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to decode it", source->path);
}

static yt_status fail_to_decode(const yti_source *source, yt_err *err) {
    const char *reason = stbi_failure_reason();
    if (lacks_memory) return fail_for_memory(source, err);
    return yt_fail(err, YT_ERR_DATA, "%s: the image cannot be decoded: %s", source->path,
                   strcmp(reason, "outofmem") == 0 ? "its data are more than its size needs" : reason);
}

yt_status yti_stb_decode(const yti_source *source, const yti_facts *facts, yt_image *out, yt_err *err) {
    int w, h, channels;
    let_take(source, facts);
    uint8_t *rgb = stbi_load_from_memory(source->data, (int)source->bytes, &w, &h, &channels, 3);
    if (!rgb) return fail_to_decode(source, err);
    *out = (yt_image){w, h, rgb}; /* stb's memory is malloc's too */
    return YT_OK;
}

static yt_status measure_by_stb(const yti_source *source, const char *name, yti_facts *facts, int *channels,
                                yt_err *err) {
    *facts = (yti_facts){.orientation = 1, .bits = 8};
    let_take(source, facts);
    if (!stbi_info_from_memory(source->data, (int)source->bytes, &facts->w, &facts->h, channels))
        return lacks_memory
                   ? fail_for_memory(source, err)
                   : yt_fail(err, YT_ERR_DATA, "%s: not a readable %s: %s", source->path, name, stbi_failure_reason());
    return YT_OK;
}

static size_t get32(const uint8_t *p) {
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | (size_t)p[3];
}

/* Walks the chunks (length, kind, data, checksum) for the orientation; false: the end is missing. */
static bool walk_chunks(const uint8_t *data, size_t bytes, int *orientation) {
    enum { SIGNATURE = 8, FRAME = 12 };
    for (size_t at = SIGNATURE; at <= bytes && bytes - at >= FRAME;) {
        const uint8_t *chunk = data + at;
        size_t length = get32(chunk);
        if (memcmp(chunk + 4, "IEND", 4) == 0) return true;
        if (length > bytes - at - FRAME) return false;
        if (memcmp(chunk + 4, "eXIf", 4) == 0) *orientation = yti_exif_tiff_orientation(chunk + 8, length);
        at += FRAME + length;
    }
    return false;
}

/* stb refuses a large image by its number of channels, too, and without its size. */
static yt_status check_png_size(const yti_source *source, yt_err *err) {
    enum { KIND = 12, W = 16, H = 20, END = 24 };
    if (source->bytes < END || memcmp(source->data + KIND, "IHDR", 4) != 0) return YT_OK; /* stb says what it is */
    return yti_check_size(source, get32(source->data + W), get32(source->data + H), err);
}

yt_status yti_png_measure(const yti_source *source, yti_facts *facts, yt_err *err) {
    int channels;
    YT_TRY(check_png_size(source, err));
    YT_TRY(measure_by_stb(source, "PNG", facts, &channels, err));
    if (!walk_chunks(source->data, source->bytes, &facts->orientation))
        return yt_fail(err, YT_ERR_DATA, "%s: the file is cut off", source->path);
    facts->bits = stbi_is_16_bit_from_memory(source->data, (int)source->bytes) ? 16 : 8;
    /* The unpacked rows beside the pixels, or the pixels beside their RGB. */
    size_t pixels = (size_t)facts->w * (size_t)facts->h, sample = (size_t)channels * (size_t)facts->bits / 8;
    size_t unpacking = 2 * sample, spreading = sample + 3;
    if (facts->w > 0 && facts->h > 0) facts->memory = pixels * (unpacking > spreading ? unpacking : spreading);
    return YT_OK;
}

/* Grey, grey and alpha, RGB or RGBA to RGB. */
static void spread8(const uint8_t *from, size_t pixels, int channels, uint8_t *rgb) {
    for (size_t i = 0; i < pixels; i++, from += channels, rgb += 3) {
        rgb[0] = from[0];
        rgb[1] = from[channels < 3 ? 0 : 1];
        rgb[2] = from[channels < 3 ? 0 : 2];
    }
}

static void spread16(const uint16_t *from, size_t pixels, int channels, uint8_t *rgb) {
    for (size_t i = 0; i < pixels; i++, from += channels, rgb += 3) {
        rgb[0] = (uint8_t)(from[0] >> 8);
        rgb[1] = (uint8_t)(from[channels < 3 ? 0 : 1] >> 8);
        rgb[2] = (uint8_t)(from[channels < 3 ? 0 : 2] >> 8);
    }
}

/* stb's own conversion to three channels holds 16-bit RGB besides, 2.3 GB for 2^28 grey pixels. */
yt_status yti_png_decode(const yti_source *source, const yti_facts *facts, yt_image *out, yt_err *err) {
    int w, h, channels, bytes = (int)source->bytes;
    uint8_t *narrow = NULL;
    uint16_t *wide = NULL;
    let_take(source, facts);
    if (facts->bits == 16)
        wide = stbi_load_16_from_memory(source->data, bytes, &w, &h, &channels, 0);
    else
        narrow = stbi_load_from_memory(source->data, bytes, &w, &h, &channels, 0);
    if (!wide && !narrow) return fail_to_decode(source, err);
    if (channels == 3 && narrow) {
        *out = (yt_image){w, h, narrow};
        return YT_OK;
    }
    yt_status status = yt_image_create(w, h, out, err);
    if (status == YT_OK && wide) spread16(wide, (size_t)w * (size_t)h, channels, out->rgb);
    if (status == YT_OK && narrow) spread8(narrow, (size_t)w * (size_t)h, channels, out->rgb);
    free(wide);
    free(narrow);
    return status;
}

yt_status yti_gif_measure(const yti_source *source, yti_facts *facts, yt_err *err) {
    int channels;
    YT_TRY(measure_by_stb(source, "GIF", facts, &channels, err));
    /* RGBA as drawn, after it, a byte of history, RGB. */
    if (facts->w > 0 && facts->h > 0) facts->memory = (size_t)facts->w * (size_t)facts->h * (4 + 4 + 1 + 3);
    return YT_OK;
}

/* The colour of what is not drawn: an entry of the global table, or black. */
static void find_background(const yti_source *source, uint8_t rgb[3]) {
    enum { FLAGS = 10, INDEX = 11, TABLE = 13, HAS_TABLE = 0x80 };
    memset(rgb, 0, 3);
    if (source->bytes < TABLE || !(source->data[FLAGS] & HAS_TABLE)) return;
    size_t at = TABLE + 3 * (size_t)source->data[INDEX], count = (size_t)2 << (source->data[FLAGS] & 7);
    if (source->data[INDEX] < count && at + 3 <= source->bytes) memcpy(rgb, source->data + at, 3);
}

yt_status yti_gif_decode(const yti_source *source, const yti_facts *facts, yt_image *out, yt_err *err) {
    int w, h, channels;
    uint8_t background[3];
    let_take(source, facts);
    uint8_t *rgba = stbi_load_from_memory(source->data, (int)source->bytes, &w, &h, &channels, 4);
    if (!rgba) return fail_to_decode(source, err);
    find_background(source, background);
    yt_status status = yt_image_create(w, h, out, err);
    for (size_t i = 0; status == YT_OK && i < (size_t)w * (size_t)h; i++)
        memcpy(out->rgb + 3 * i, rgba[4 * i + 3] ? rgba + 4 * i : background, 3);
    free(rgba);
    return status;
}
