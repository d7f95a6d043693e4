/* jpeg_decode.h: JPEG pixels through libjpeg(-turbo), where the build has it (YT_LIBJPEG). */
#ifndef YT_DATA_JPEG_DECODE_H
#define YT_DATA_JPEG_DECODE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { YTI_JPEG_REASON = 200 };

/* Decodes a checked JPEG (jpeg_check.h) into rgb[h][w][3], w and h being those of its frame header. Damaged image data
 * is filled in, as by every reader of this library. YT_ERR_DATA, YT_ERR_NO_MEMORY: reason says why. */
yt_status yti_jpeg_decode(const uint8_t *data, size_t bytes, int w, int h, uint8_t *rgb, char reason[YTI_JPEG_REASON]);

#endif
