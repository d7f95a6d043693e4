/* stb_formats.h: what other files here need of stb_image. */
#ifndef YT_DATA_STB_FORMATS_H
#define YT_DATA_STB_FORMATS_H

#include "image/image_format.h"

/* Decodes a JPEG, PNG or GIF that has been checked. */
yti_format_decode yti_stb_decode;

#endif
