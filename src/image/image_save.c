/* image_save.c: image files out. The only user of stb_image_write. */
#include "base/file.h"
#include "image/image.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Third-party code is not held to our warnings. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

enum { JPEG_QUALITY = 92 };

static void write_to_stream(void *context, void *data, int size) {
    fwrite(data, 1, (size_t)size, context); /* commit asks ferror */
}

/* The part after the last '.', in lower case, cut to what a known ending needs. */
static void ending_of(const char *path, char ending[8]) {
    const char *dot = strrchr(yti_path_base(path), '.');
    size_t i = 0;
    for (; dot && dot[1 + i] && i < 7; i++) ending[i] = (char)tolower((unsigned char)dot[1 + i]);
    ending[i] = '\0';
}

yt_status yt_image_save(const char *path, const yt_image *image, yt_err *err) {
    char ending[8];
    ending_of(path, ending);
    bool png = strcmp(ending, "png") == 0, bmp = strcmp(ending, "bmp") == 0;
    bool jpg = strcmp(ending, "jpg") == 0 || strcmp(ending, "jpeg") == 0;
    if (!png && !bmp && !jpg)
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: the name must end in .png, .jpg, .jpeg or .bmp", path);
    yti_file_writer writer;
    YT_TRY(yti_file_writer_open(path, &writer, err));
    int w = image->w, h = image->h, good;
    if (png)
        good = stbi_write_png_to_func(write_to_stream, writer.stream, w, h, 3, image->rgb, 3 * w);
    else if (bmp)
        good = stbi_write_bmp_to_func(write_to_stream, writer.stream, w, h, 3, image->rgb);
    else
        good = stbi_write_jpg_to_func(write_to_stream, writer.stream, w, h, 3, image->rgb, JPEG_QUALITY);
    if (!good) {
        yti_file_writer_discard(&writer);
        return yt_fail(err, YT_ERR_NO_MEMORY, "%s: the image could not be encoded", path);
    }
    return yti_file_writer_commit(&writer, err);
}
