/* image_io.c: image files in: which format it is, its size, its pixels, turned upright. The readers are in the files
 * that image_format.h names.
 */
#include "base/file.h"
#include "image/decode_gate.h"
#include "image/exif.h"
#include "image/image_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MAX_FILE_BYTES = 1 << 30,
    ROOM = 2 /* a JPEG that was cut off gets an end marker */
};

/* The bytes in memory of our own that has the room. */
static yt_status copy_bytes(const void *bytes, size_t size, const char *name, yti_source *out, yt_err *err) {
    if (size > MAX_FILE_BYTES)
        return yt_fail(err, YT_ERR_DATA, "%s: %zu bytes are too many for an image; at most %d are accepted", name, size,
                       (int)MAX_FILE_BYTES);
    uint8_t *data = malloc(size + ROOM);
    if (!data) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read it", name);
    if (size > 0) memcpy(data, bytes, size);
    *out = (yti_source){name, data, size};
    return YT_OK;
}

/* A pipe or a device may have no end, or never a beginning. */
static yt_status read_regular_file(const char *path, yti_source *out, yt_err *err) {
    struct stat info;
    char *data;
    size_t bytes;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return yt_fail(err, YT_ERR_DATA, "%s: is %s, not an image file", path,
                       S_ISDIR(info.st_mode)    ? "a folder"
                       : S_ISFIFO(info.st_mode) ? "a pipe"
                                                : "a device or socket");
    YT_TRY(yti_file_read(path, MAX_FILE_BYTES, &data, &bytes, err));
    char *longer = realloc(data, bytes + ROOM);
    if (!longer) {
        free(data);
        return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read it", path);
    }
    *out = (yti_source){path, (uint8_t *)longer, bytes};
    return YT_OK;
}

static yt_status find_format(const yti_source *source, const yti_format **out, yt_err *err) {
    static const char advice[] = "convert the image to PNG or JPEG";
    const yti_format *format = yti_format_of(source->data, source->bytes);
    if (source->bytes == 0) return yt_fail(err, YT_ERR_DATA, "%s: the file is empty", source->path);
    if (!format)
        return yt_fail(err, YT_ERR_DATA, "%s: not a readable image: this is %s; %s", source->path,
                       yti_foreign_kind(source->data, source->bytes), advice);
    if (!format->decode)
        return yt_fail(err, YT_ERR_DATA,
                       "%s: this build has no %s reader (%s was not installed when it was built); install it "
                       "and build again, or %s",
                       source->path, format->name, format->package, advice);
    *out = format;
    return YT_OK;
}

static yt_status measure(const yti_source *source, const yti_format **format, yti_facts *facts, yt_err *err) {
    YT_TRY(find_format(source, format, err));
    YT_TRY((*format)->measure(source, facts, err));
    return yti_check_facts(source, facts, err);
}

/* Turns a decoded image upright. Takes `stored`, also on failure. */
static yt_status turn_upright(yt_image stored, int orientation, yt_image *out, yt_err *err) {
    if (orientation == 1) {
        *out = stored;
        return YT_OK;
    }
    bool swaps = yti_exif_swaps(orientation);
    yt_image upright;
    yt_status status = yt_image_create(swaps ? stored.h : stored.w, swaps ? stored.w : stored.h, &upright, err);
    if (status == YT_OK) {
        yti_exif_apply(orientation, stored.rgb, stored.w, stored.h, upright.rgb);
        *out = upright;
    }
    yt_image_free(&stored);
    return status;
}

static yti_image_info info_of(const yti_facts *facts) {
    bool swaps = yti_exif_swaps(facts->orientation);
    return (yti_image_info){.w = swaps ? facts->h : facts->w,
                            .h = swaps ? facts->w : facts->h,
                            .orientation = facts->orientation,
                            .bits = facts->bits,
                            .memory = facts->memory,
                            .truncated = facts->truncated};
}

static yt_status decode(const yti_source *source, const yti_format *format, const yti_facts *facts, yt_image *out,
                        yt_err *err) {
    yt_image stored = {0};
    YT_TRY(format->decode(source, facts, &stored, err));
    if (stored.w == facts->w && stored.h == facts->h) return turn_upright(stored, facts->orientation, out, err);
    yt_image_free(&stored);
    return yt_fail(err, YT_ERR_DATA, "%s: the image is not of the size that its header says", source->path);
}

/* Takes the bytes of the source. */
static yt_status decode_through(yti_decode_gate *gate, yti_source source, yt_image *out, yti_image_info *info,
                                yt_err *err) {
    const yti_format *format = NULL;
    yti_facts facts;
    yt_status status = measure(&source, &format, &facts, err);
    if (status == YT_OK) {
        *info = info_of(&facts);
        if (gate) yti_decode_gate_enter(gate, facts.memory);
        status = decode(&source, format, &facts, out, err);
        if (gate) yti_decode_gate_leave(gate, facts.memory);
    }
    free(source.data);
    return status;
}

yt_status yti_image_load_through(yti_decode_gate *gate, const char *path, yt_image *out, yti_image_info *info,
                                 yt_err *err) {
    yti_source source;
    YT_TRY(read_regular_file(path, &source, err));
    return decode_through(gate, source, out, info, err);
}

yt_status yt_image_decode(const void *bytes, size_t size, const char *name, yt_image *out, yt_err *err) {
    yti_source source;
    yti_image_info info;
    YT_TRY(copy_bytes(bytes, size, name ? name : "image", &source, err));
    return decode_through(NULL, source, out, &info, err);
}

yt_status yti_image_load_with_info(const char *path, yt_image *out, yti_image_info *info, yt_err *err) {
    return yti_image_load_through(NULL, path, out, info, err);
}

yt_status yt_image_load(const char *path, yt_image *out, yt_err *err) {
    yti_image_info info;
    return yti_image_load_with_info(path, out, &info, err);
}

yt_status yti_image_probe(const char *path, yti_image_info *info, yt_err *err) {
    yti_source source;
    const yti_format *format = NULL;
    yti_facts facts;
    YT_TRY(read_regular_file(path, &source, err));
    yt_status status = measure(&source, &format, &facts, err);
    free(source.data);
    if (status == YT_OK) *info = info_of(&facts);
    return status;
}

bool yti_image_is_dim(const yt_image *image, const yti_image_info *info) {
    enum { BRIGHTEST = 16 }; /* of 4095 / 257 rounded, as TIFF has it; the high byte is 15 */
    size_t values = (size_t)image->w * (size_t)image->h * 3;
    if (info->bits != 16) return false;
    for (size_t i = 0; i < values; i++)
        if (image->rgb[i] > BRIGHTEST) return false;
    return true;
}

yt_status yti_image_size(const char *path, int *w, int *h, yt_err *err) {
    yti_image_info info;
    YT_TRY(yti_image_probe(path, &info, err));
    *w = info.w;
    *h = info.h;
    return YT_OK;
}
