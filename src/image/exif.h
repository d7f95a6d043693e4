/* exif.h: the orientation a camera wrote into an image file. */
#ifndef YT_DATA_EXIF_H
#define YT_DATA_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* Orientation 1..8 in the body of an APP1 segment; 0 when it is not one of Exif's, 1 (upright) when it is and has no
 * orientation or is damaged. */
int yti_exif_orientation(const uint8_t *app1, size_t bytes);

/* Orientation 1..8 in bare EXIF notes, a TIFF structure; 1 when it has none or is damaged. */
int yti_exif_tiff_orientation(const uint8_t *data, size_t bytes);

/* Whether an orientation exchanges width and height. */
int yti_exif_swaps(int orientation);

/* Writes the image src of w x h pixels, as stored, upright into dst (h x w where it swaps). */
void yti_exif_apply(int orientation, const uint8_t *src, int w, int h, uint8_t *dst);

#endif
