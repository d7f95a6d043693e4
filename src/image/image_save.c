/* image_save.c: image files out. The only user of stb_image_write.
 *
 * Its PNG writer asserts that there is memory, and passes no context to its allocator. So each encoding has a list of
 * what it allocated, which an allocation that fails releases before it jumps out of the encoder.
 */
#include "base/file.h"
#include "image/image.h"

#include <ctype.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct block {
    struct block *next, **link; /* link: what points to this one */
    max_align_t data[];
} block;

typedef struct encoding {
    jmp_buf no_memory;
    block *blocks;
} encoding;

static _Thread_local encoding *current;

static void unlink_block(const block *b) {
    *b->link = b->next;
    if (b->next) b->next->link = b->link;
}

static void give(void *data) {
    if (!data) return;
    block *b = (block *)((char *)data - offsetof(block, data));
    unlink_block(b);
    free(b);
}

static void *take(void *data, size_t bytes) {
    block *old = data ? (block *)((char *)data - offsetof(block, data)) : NULL;
    if (old) unlink_block(old);
    block *b = bytes <= SIZE_MAX - sizeof *b ? realloc(old, sizeof *b + bytes) : NULL;
    block *linked = b ? b : old;
    if (linked) {
        linked->next = current->blocks;
        linked->link = &current->blocks;
        if (linked->next) linked->next->link = &linked->next;
        current->blocks = linked;
    }
    if (!b) longjmp(current->no_memory, 1);
    return b->data;
}

#define STBIW_MALLOC(bytes)        take(NULL, bytes)
#define STBIW_REALLOC(data, bytes) take(data, bytes)
#define STBIW_FREE(data)           give(data)

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
typedef enum file_format { PNG, BMP, JPEG } file_format;

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

/* Never part of the function that calls setjmp, whose variables a longjmp may spoil. */
__attribute__((noinline)) static bool write_as(file_format format, const yt_image *image, FILE *out) {
    const int w = image->w, h = image->h;
    switch (format) {
    case PNG:
        return stbi_write_png_to_func(write_to_stream, out, w, h, 3, image->rgb, 3 * w);
    case BMP:
        return stbi_write_bmp_to_func(write_to_stream, out, w, h, 3, image->rgb);
    case JPEG:
        return stbi_write_jpg_to_func(write_to_stream, out, w, h, 3, image->rgb, JPEG_QUALITY);
    }
    return false;
}

static bool encode(const yt_image *image, file_format format, FILE *out) {
    encoding own = {0};
    volatile bool good = false; /* set between setjmp and longjmp */
    current = &own;
    if (setjmp(own.no_memory) == 0) good = write_as(format, image, out);
    while (own.blocks) give(own.blocks->data);
    current = NULL;
    return good;
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
    const bool good = encode(image, png ? PNG : bmp ? BMP : JPEG, writer.stream);
    if (!good) {
        yti_file_writer_discard(&writer);
        return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to encode the image", path);
    }
    return yti_file_writer_commit(&writer, err);
}
