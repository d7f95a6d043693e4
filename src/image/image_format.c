/* image_format.c: the kinds of image files that are read, and the kinds of files that are taken for them by mistake.
 *
 * A file is judged by its first bytes: downloads are often WebP under the name of a JPEG.
 */
#include "image/image_format.h"

#include "image/jpeg_check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_PIXELS = 1 << 28 };

static bool begins(const uint8_t *data, size_t bytes, const char *signature, size_t length) {
    return bytes >= length && memcmp(data, signature, length) == 0;
}

bool yti_is_png(const uint8_t *data, size_t bytes) {
    return begins(data, bytes, "\x89PNG", 4);
}

static bool is_bmp(const uint8_t *data, size_t bytes) {
    return begins(data, bytes, "BM", 2);
}

static bool is_gif(const uint8_t *data, size_t bytes) {
    return begins(data, bytes, "GIF87a", 6) || begins(data, bytes, "GIF89a", 6);
}

static bool is_webp(const uint8_t *data, size_t bytes) {
    return begins(data, bytes, "RIFF", 4) && bytes >= 12 && memcmp(data + 8, "WEBP", 4) == 0;
}

/* Classic and big TIFF, either byte order. */
static bool is_tiff(const uint8_t *data, size_t bytes) {
    return begins(data, bytes, "II*\0", 4) || begins(data, bytes, "MM\0*", 4) || begins(data, bytes, "II+\0", 4) ||
           begins(data, bytes, "MM\0+", 4);
}

/* ISO 14496-12: a box "ftyp" whose brands say what follows. */
static bool has_brand(const uint8_t *data, size_t bytes, const char *const *brands, size_t count) {
    if (bytes < 12 || memcmp(data + 4, "ftyp", 4) != 0) return false;
    for (size_t i = 0; i < count; i++)
        if (memcmp(data + 8, brands[i], 4) == 0) return true;
    return false;
}

static bool is_heif(const uint8_t *data, size_t bytes) {
    static const char *const brands[] = {"avif", "avis", "heic", "heix", "heim", "heis",
                                         "hevc", "hevx", "mif1", "msf1", "miaf"};
    return has_brand(data, bytes, brands, sizeof brands / sizeof *brands);
}

/* Where the build lacks a library its functions are not there. */
#ifdef YT_LIBWEBP
#    define WEBP yti_webp_measure, yti_webp_decode
#else
#    define WEBP NULL, NULL
#endif
#ifdef YT_LIBTIFF
#    define TIFF yti_tiff_measure, yti_tiff_decode
#else
#    define TIFF NULL, NULL
#endif
#ifdef YT_LIBHEIF
#    define HEIF yti_heif_measure, yti_heif_decode
#else
#    define HEIF NULL, NULL
#endif

const yti_format *yti_format_of(const uint8_t *data, size_t bytes) {
    static const yti_format formats[] = {
        {"JPEG", yti_is_jpeg, yti_jpeg_measure, yti_jpeg_load, NULL},
        {"PNG", yti_is_png, yti_png_measure, yti_png_decode, NULL},
        {"BMP", is_bmp, yti_bmp_measure, yti_bmp_decode, NULL},
        {"GIF", is_gif, yti_gif_measure, yti_gif_decode, NULL},
        {"WebP", is_webp, WEBP, "libwebp-dev"},
        {"TIFF", is_tiff, TIFF, "libtiff-dev"},
        {"HEIF (AVIF, HEIC)", is_heif, HEIF, "libheif-dev"},
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].is(data, bytes)) return &formats[i];
    return NULL;
}

static bool is_all_zero(const uint8_t *data, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (data[i]) return false;
    return true;
}

static bool is_text(const uint8_t *data, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (data[i] < 0x20 && !strchr("\t\n\r\f", data[i])) return false;
    return true;
}

/* Web pages begin with blanks, comments and tags of either case. */
static bool has_tag(const uint8_t *data, size_t bytes, const char *tag) {
    size_t length = strlen(tag);
    for (size_t i = 0; i + length <= bytes; i++)
        if (data[i] == '<' && strncasecmp((const char *)data + i, tag, length) == 0) return true;
    return false;
}

static const char *kind_of_text(const uint8_t *data, size_t bytes) {
    if (has_tag(data, bytes, "<svg")) return "an SVG drawing";
    if (has_tag(data, bytes, "<!doctype html") || has_tag(data, bytes, "<html")) return "a web page (HTML)";
    if (has_tag(data, bytes, "<?xml")) return "an XML file";
    return "a text file";
}

const char *yti_foreign_kind(const uint8_t *data, size_t bytes) {
    enum { HEAD_BYTES = 512 };
    static const struct {
        size_t at;
        const char *signature;
        size_t length;
        const char *kind;
    } kinds[] = {
        {0, "\0\0\0\x0CjP  ", 8, "a JPEG 2000 image"},
        {0, "\xFF\x4F\xFF\x51", 4, "a JPEG 2000 codestream"},
        {0, "\0\0\0\x0CJXL ", 8, "a JPEG XL image"},
        {0, "\xFF\x0A", 2, "a JPEG XL image"},
        {0, "8BPS", 4, "a Photoshop document"},
        {0, "gimp xcf", 8, "a GIMP document"},
        {0, "#?RADIANCE", 10, "a Radiance HDR image"},
        {0, "\x76\x2F\x31\x01", 4, "an OpenEXR image"},
        {0, "DDS ", 4, "a DDS texture"},
        {0, "\0\0\1\0", 4, "a Windows icon"},
        {128, "DICM", 4, "a DICOM file"},
        {0, "SIMPLE  =", 9, "a FITS file"},
        {0, "FUJIFILMCCD-RAW", 15, "a camera's raw file"},
        {4, "ftypcrx", 7, "a camera's raw file"},
        {0, "IIRO", 4, "a camera's raw file"},
        {0, "IIU\0", 4, "a camera's raw file"},
        {0, "%PDF", 4, "a PDF document"},
        {0, "%!PS", 4, "a PostScript document"},
        {4, "ftyp", 4, "a video (MP4 or QuickTime)"},
        {4, "moov", 4, "a video (QuickTime)"},
        {4, "mdat", 4, "a video (QuickTime)"},
        {8, "AVI ", 4, "a video (AVI)"},
        {8, "WAVE", 4, "a sound file (WAV)"},
        {0, "\x1A\x45\xDF\xA3", 4, "a video (Matroska or WebM)"},
        {0, "FLV\1", 4, "a video (FLV)"},
        {0, "\0\0\1\xBA", 4, "a video (MPEG)"},
        {0, "\0\0\1\xB3", 4, "a video (MPEG)"},
        {0, "\x30\x26\xB2\x75", 4, "a video (WMV)"},
        {0, "OggS", 4, "an Ogg file"},
        {0, "PK\3\4", 4, "a ZIP archive"},
        {0, "\x1F\x8B", 2, "a gzip archive"},
        {0, "Rar!", 4, "a RAR archive"},
        {0, "7z\xBC\xAF\x27\x1C", 6, "a 7z archive"},
        {0,
         "\xFD"
         "7zXZ",
         5, "an xz archive"},
        {257, "ustar", 5, "a tar archive"},
        {0, "\x93NUMPY", 6, "a NumPy array"},
        {0, "\x89HDF", 4, "an HDF5 file"},
        {0, "MATLAB", 6, "a MATLAB file"},
        {0, "SQLite format 3", 15, "a SQLite data base"},
        {0, "\0\5\x16\7", 4, "the macOS notes of a file (AppleDouble), not the file"},
        {0, "Bud1", 4, "a folder's view settings (.DS_Store)"},
        {0, "\0\0\0\1Bud1", 8, "a folder's view settings (.DS_Store)"},
        {0,
         "\x7F"
         "ELF",
         4, "a program"},
        {0, "version https://git-lfs", 23, "a Git LFS pointer; run git lfs pull for the image"},
    };
    if (bytes >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '7' && strchr(" \t\r\n#", data[2]))
        return "a portable anymap (PBM, PGM, PPM)";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (bytes >= kinds[i].at &&
            begins(data + kinds[i].at, bytes - kinds[i].at, kinds[i].signature, kinds[i].length))
            return kinds[i].kind;
    if (is_all_zero(data, bytes)) return "nothing but zero bytes";
    size_t head = bytes < HEAD_BYTES ? bytes : HEAD_BYTES;
    return is_text(data, head) ? kind_of_text(data, head) : "not an image file that is known here";
}

yt_status yti_check_facts(const yti_source *source, yti_facts *facts, yt_err *err) {
    int w = facts->w, h = facts->h;
    if (w < 1 || h < 1) return yt_fail(err, YT_ERR_DATA, "%s: an image without pixels", source->path);
    if ((int64_t)w * h > MAX_PIXELS)
        return yt_fail(err, YT_ERR_DATA, "%s: %d x %d pixels are more than the %d that are accepted", source->path, w,
                       h, MAX_PIXELS);
    size_t rgb = 3 * (size_t)w * (size_t)h, least = facts->orientation == 1 ? rgb : 2 * rgb;
    if (facts->memory < least) facts->memory = least;
    if (facts->memory <= YT_MAX_DECODE_BYTES) return YT_OK;
    return yt_fail(err, YT_ERR_DATA, "%s: decoding its %d x %d pixels would take %zu MiB; at most %zu are accepted",
                   source->path, w, h, facts->memory >> 20, (size_t)YT_MAX_DECODE_BYTES >> 20);
}
