/* resize.h: bilinear resize into a part of a larger image. */
#ifndef YT_DATA_RESIZE_H
#define YT_DATA_RESIZE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* yti_image_resize with dst_stride bytes from one row of dst to the next. */
yt_status yti_resize(const uint8_t *src, int src_w, int src_h, uint8_t *dst, size_t dst_stride, int dst_w, int dst_h,
                     yt_err *err);

#endif
