/* jpeg_decode.c: JPEG pixels as the rest of the world sees them. The only user of libjpeg.
 *
 * Decoders differ in rounding: 5 to 7 % of the values come out one to three grey levels apart from stb's, which moves a
 * small network's scores by up to 0.009 and its boxes by up to 2 pixels. The reference trainer, OpenCV and Pillow
 * decode with this library, so does everyone who compares numbers with theirs.
 *
 * The library reports errors by a function that must not return: a jump to where decoding began. Warnings (damaged
 * data, which it fills in) are not printed.
 */
#include "image/jpeg_decode.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h> /* needs FILE and size_t */

#include <jerror.h> /* needs jpeglib.h */

typedef struct decoder {
    struct jpeg_error_mgr errors; /* first: the library hands out its address */
    struct jpeg_decompress_struct jpeg;
    jmp_buf begin;
    yt_status status;
    char *reason;
} decoder;

static void leave(j_common_ptr jpeg) {
    decoder *d = (decoder *)(void *)jpeg->err;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    snprintf(d->reason, YTI_JPEG_REASON, "%s", text);
    d->status = jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? YT_ERR_NO_MEMORY : YT_ERR_DATA;
    longjmp(d->begin, 1);
}

static void stay_silent(j_common_ptr jpeg, int level) {
    (void)jpeg, (void)level;
}

/* Printing colours, of which JPEGs hold the complement, as OpenCV does it. */
static void spread_cmyk(const uint8_t *cmyk, int w, uint8_t *rgb) {
    for (int x = 0; x < w; x++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(cmyk[3] - ((255 - cmyk[c]) * cmyk[3] >> 8));
}

static void read_rows(decoder *d, int w, int h, uint8_t *rgb) {
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    jpeg_read_header(jpeg, TRUE);
    const bool printing = jpeg->num_components == 4;
    jpeg->out_color_space = printing ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(jpeg);
    if (jpeg->output_width != (JDIMENSION)w || jpeg->output_height != (JDIMENSION)h) {
        snprintf(d->reason, YTI_JPEG_REASON, "its size is not that of its header");
        d->status = YT_ERR_DATA;
        return;
    }
    JSAMPARRAY line = NULL; /* of CMYK; the library frees it */
    if (printing) line = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, 4 * (JDIMENSION)w, 1);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = rgb + (size_t)jpeg->output_scanline * (size_t)w * 3;
        jpeg_read_scanlines(jpeg, printing ? line : &row, 1);
        if (printing) spread_cmyk(line[0], w, row);
    }
    jpeg_finish_decompress(jpeg);
}

/* The jump ends here. The decoder belongs to the caller: what is changed in a function that is jumped into is lost. */
static void decode(decoder *d, const uint8_t *data, size_t bytes, int w, int h, uint8_t *rgb) {
    if (setjmp(d->begin) != 0) return;
    jpeg_create_decompress(&d->jpeg);
    jpeg_mem_src(&d->jpeg, data, (unsigned long)bytes);
    read_rows(d, w, h, rgb);
}

yt_status yti_jpeg_decode(const uint8_t *data, size_t bytes, int w, int h, uint8_t *rgb, char reason[YTI_JPEG_REASON]) {
    decoder d = {.status = YT_OK, .reason = reason};
    d.jpeg.err = jpeg_std_error(&d.errors);
    d.errors.error_exit = leave;
    d.errors.emit_message = stay_silent;
    decode(&d, data, bytes, w, h, rgb);
    jpeg_destroy_decompress(&d.jpeg);
    return d.status;
}
