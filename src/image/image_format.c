/* image_format.c: the kinds of image files that are read, and the kinds of files that are taken for them by mistake.
 *
 * A file is judged by its first bytes: downloads are often WebP under the name of a JPEG.
 */
#include "image/image_format.h"

#include "image/jpeg_check.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

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
#define KIND(at, signature, name)                                                                                      \
    { at, sizeof signature - 1, signature, name }
    static const struct {
        size_t at, length;
        const char *signature, *name;
    } kinds[] = {
        KIND(0, "\0\0\0\x0CjP  ", "a JPEG 2000 image"),
        KIND(0, "\xFF\x4F\xFF\x51", "a JPEG 2000 codestream"),
        KIND(0, "\0\0\0\x0CJXL ", "a JPEG XL image"),
        KIND(0, "\xFF\x0A", "a JPEG XL image"),
        KIND(0, "8BPS", "a Photoshop document"),
        KIND(0, "gimp xcf", "a GIMP document"),
        KIND(0, "#?RADIANCE", "a Radiance HDR image"),
        KIND(0, "\x76\x2F\x31\x01", "an OpenEXR image"),
        KIND(0, "DDS ", "a DDS texture"),
        KIND(0, "\0\0\1\0", "a Windows icon"),
        KIND(128, "DICM", "a DICOM file"),
        KIND(0, "SIMPLE  =", "a FITS file"),
        KIND(0, "FUJIFILMCCD-RAW", "a camera's raw file"),
        KIND(4, "ftypcrx", "a camera's raw file"),
        KIND(0, "IIRO", "a camera's raw file"),
        KIND(0, "IIU\0", "a camera's raw file"),
        KIND(0, "%PDF", "a PDF document"),
        KIND(0, "%!PS", "a PostScript document"),
        KIND(4, "ftyp", "a video (MP4 or QuickTime)"),
        KIND(4, "moov", "a video (QuickTime)"),
        KIND(4, "mdat", "a video (QuickTime)"),
        KIND(8, "AVI ", "a video (AVI)"),
        KIND(8, "WAVE", "a sound file (WAV)"),
        KIND(0, "\x1A\x45\xDF\xA3", "a video (Matroska or WebM)"),
        KIND(0, "FLV\1", "a video (FLV)"),
        KIND(0, "\0\0\1\xBA", "a video (MPEG)"),
        KIND(0, "\0\0\1\xB3", "a video (MPEG)"),
        KIND(0, "\x30\x26\xB2\x75", "a video (WMV)"),
        KIND(0, "OggS", "an Ogg file"),
        KIND(0, "PK\3\4", "a ZIP archive"),
        KIND(0, "\x1F\x8B", "a gzip archive"),
        KIND(0, "Rar!", "a RAR archive"),
        KIND(0, "7z\xBC\xAF\x27\x1C", "a 7z archive"),
        KIND(0,
             "\xFD"
             "7zXZ",
             "an xz archive"),
        KIND(257, "ustar", "a tar archive"),
        KIND(0, "\x93NUMPY", "a NumPy array"),
        KIND(0, "\x89HDF", "an HDF5 file"),
        KIND(0, "MATLAB", "a MATLAB file"),
        KIND(0, "SQLite format 3", "a SQLite data base"),
        KIND(0, "\0\5\x16\7", "the macOS notes of a file (AppleDouble), not the file"),
        KIND(0, "Bud1", "a folder's view settings (.DS_Store)"),
        KIND(0, "\0\0\0\1Bud1", "a folder's view settings (.DS_Store)"),
        KIND(0,
             "\x7F"
             "ELF",
             "a program"),
        KIND(0, "version https://git-lfs", "a Git LFS pointer; run git lfs pull for the image"),
    };
#undef KIND
    if (bytes >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '7' && strchr(" \t\r\n#", data[2]))
        return "a portable anymap (PBM, PGM, PPM)";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (bytes >= kinds[i].at &&
            begins(data + kinds[i].at, bytes - kinds[i].at, kinds[i].signature, kinds[i].length))
            return kinds[i].name;
    if (is_all_zero(data, bytes)) return "nothing but zero bytes";
    size_t head = bytes < HEAD_BYTES ? bytes : HEAD_BYTES;
    return is_text(data, head) ? kind_of_text(data, head) : "not an image file that is known here";
}
