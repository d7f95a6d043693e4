/* image.h: 8-bit RGB images in memory, and in files. All functions are thread-safe. */
#ifndef YOLOTRAIN_IMAGE_H
#define YOLOTRAIN_IMAGE_H

#include "yolotrain/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* w x h pixels of 3 bytes (red, green, blue), row by row from the top without gaps: rgb[(y * w + x) * 3 + c]. Owns rgb.
 */
typedef struct yt_image {
    int w, h;
    uint8_t *rgb;
} yt_image;

/* Decodes a JPEG, PNG, BMP or GIF, and WebP, TIFF, AVIF and HEIC where the build has their libraries; applies the
 * orientation that the file names, converts grey, alpha and 16 bits to 8-bit RGB (data/README.md). A JPEG that was
 * cut off is used as far as it goes. Refuses more than 2^28 pixels, and what takes more than 1.5 GiB to decode,
 * before allocating. IO: it cannot be read; DATA: it is no image; NO_MEMORY. */
YT_API yt_status yt_image_load(const char *path, yt_image *out, yt_err *err);

/* Writes .png, .jpg/.jpeg (quality 92) or .bmp by the name's ending, atomically. ARGUMENT: another ending; IO;
 * NO_MEMORY. */
YT_API yt_status yt_image_save(const char *path, const yt_image *image, yt_err *err);

/* Pixels unset. ARGUMENT, NO_MEMORY. */
YT_API yt_status yt_image_create(int w, int h, yt_image *out, yt_err *err);

/* Releases the pixels; an image of zeros is fine. */
YT_API void yt_image_free(yt_image *image);

#ifdef __cplusplus
}
#endif

#endif
