/* image.h: 8-bit RGB images in memory, and in files.
 *
 *     if (status == YT_OK) status = yt_image_load(argv[2], &image, &err);
 *     pixels = yt_image_pixels(&image);
 *     yt_image_free(&image);
 *
 * Threads: all functions are thread-safe; an image has one writer.
 */
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

/* The same for the bytes of a file in memory, which are borrowed for the call. `name` stands for the file in messages;
 * NULL: "image". DATA, NO_MEMORY. */
YT_API yt_status yt_image_decode(const void *bytes, size_t size, const char *name, yt_image *out, yt_err *err);

/* Writes .png, .jpg/.jpeg (quality 92) or .bmp by the name's ending, atomically. ARGUMENT: another ending; IO;
 * NO_MEMORY. */
YT_API yt_status yt_image_save(const char *path, const yt_image *image, yt_err *err);

/* Pixels unset. ARGUMENT, NO_MEMORY. */
YT_API yt_status yt_image_create(int w, int h, yt_image *out, yt_err *err);

/* Releases the pixels; an image of zeros is fine. */
YT_API void yt_image_free(yt_image *image);

/* The bytes of a pixel in order; alpha is ignored, and grey is red, green and blue. */
typedef enum yt_pixel_format {
    YT_PIXELS_RGB,
    YT_PIXELS_BGR,
    YT_PIXELS_RGBA,
    YT_PIXELS_BGRA,
    YT_PIXELS_GRAY
} yt_pixel_format;

/* Pixels of the caller's, 8 bits per channel, rows from the top: pixel (x, y) begins at
 * (const unsigned char *)data + y * stride + x * (1, 3 or 4 bytes). Borrowed. */
typedef struct yt_pixels {
    const void *data;
    int width, height;
    size_t stride; /* bytes from row to row; 0: rows follow each other without gaps */
    yt_pixel_format format;
} yt_pixels;

/* The pixels of an image. Cannot fail. */
YT_API yt_pixels yt_image_pixels(const yt_image *image);

#ifdef __cplusplus
}
#endif

#endif
