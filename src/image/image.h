/* image.h: what a file says of its image, resizing, and the letterbox; beside the public image.h. */
#ifndef YT_IMAGE_IMAGE_H
#define YT_IMAGE_IMAGE_H

#include "base/status.h"
#include "yolotrain/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What decoding one image may take, and all threads of a scan or a loader together: 2^28 pixels, once as stored and
 * once turned upright. */
enum { YT_MAX_DECODE_BYTES = 3 << 29 };

/* What a file's header says, without decoding it. */
typedef struct yti_image_info {
    int w, h;        /* as yt_image_load would give them */
    int orientation; /* EXIF, 1..8 */
    int bits;        /* per channel, as stored */
    size_t memory;   /* bytes that decoding takes at its peak */
    bool truncated;  /* a JPEG without its end: decodes as far as it goes */
} yti_image_info;
yt_status yti_image_probe(const char *path, yti_image_info *info, yt_err *err);

/* Both at once. */
yt_status yti_image_load_with_info(const char *path, yt_image *out, yti_image_info *info, yt_err *err);

/* Whether an image of 16 bits has no value above 4239 of 65535, as has one whose values are of 12 bits or fewer.
 * Their high byte is what is read, so it is nearly black. */
bool yti_image_is_dim(const yt_image *image, const yti_image_info *info);

/* Width and height as yt_image_load would give them, from the header only. */
yt_status yti_image_size(const char *path, int *w, int *h, yt_err *err);

/* Bilinear resize of [h][w][3] bytes, bit-exact to the 11-bit fixed-point rule of spec architecture 6.7. dst has
 * room for dst_w * dst_h * 3 bytes. Fails only for lack of memory. */
yt_status yti_image_resize(const uint8_t *src, int src_w, int src_h, uint8_t *dst, int dst_w, int dst_h, yt_err *err);

/* The size of a w0 x h0 image scaled so that its long side is `side` (spec training 2.1: the other side is rounded
 * up). The loader brings every image to this size first. */
void yti_long_side_plan(int w0, int h0, int side, int *w, int *h);

/* Letterbox geometry (spec architecture 6.6): how an image of w0 x h0 goes into w x h. */
typedef struct yti_letterbox {
    int resized_w, resized_h;
    int left, top, right, bottom; /* padding, grey 114 */
} yti_letterbox;

/* `minimal`: pad only up to the next multiple of stride (the "auto" rectangle), so that the output may be smaller
 * than w x h. `scale_up`: enlarge small images. */
yti_letterbox yti_letterbox_plan(int w0, int h0, int w, int h, bool minimal, bool scale_up, int stride);

/* Resizes and pads src into dst, which has (resized_w+left+right) x (resized_h+top+bottom) pixels. */
yt_status yti_letterbox_apply(const yti_letterbox *plan, const uint8_t *src, int src_w, int src_h, uint8_t *dst,
                              yt_err *err);

/* An image file as an input of w x h pixels, which dst has room for: scaled to fit, the rest grey. Errors as of
 * yt_image_load. */
yt_status yti_letterbox_load(const char *path, int w, int h, uint8_t *dst, yt_err *err);

#endif
