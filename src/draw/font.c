/* font.c: stb_truetype over the font that CMake has made a table of; see font.h. The library does not look whether
 * there is memory: what it needs for a letter is taken before it is called.
 */
#include "draw/font.h"
#include "draw/canvas.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Memory for one letter. */
typedef struct scratch {
    char *base;
    size_t used, room;
} scratch;

/* What is too much for the room, of no letter so far, is asked of the system. */
static void *take(scratch *s, size_t bytes) {
    bytes = (bytes + 15) / 16 * 16;
    if (bytes > s->room - s->used) return malloc(bytes);
    void *place = s->base + s->used;
    s->used += bytes;
    return place;
}

static void give(const scratch *s, void *place) {
    const char *at = place;
    if (at && (at < s->base || at >= s->base + s->room)) free(place);
}

#define STBTT_malloc(bytes, user) take(user, bytes)
#define STBTT_free(place, user)   give(user, place)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wshadow"
#define STB_TRUETYPE_IMPLEMENTATION
#define STBTT_STATIC
#include <stb/stb_truetype.h>
#pragma GCC diagnostic pop

extern const unsigned char yti_font_data[]; /* made of font.ttf when it is built */

static bool open_font(stbtt_fontinfo *font) {
    return stbtt_InitFont(font, yti_font_data, stbtt_GetFontOffsetForIndex(yti_font_data, 0)) != 0;
}

const char *yti_next_letter(const char *text, uint32_t *code) {
    const unsigned char *at = (const unsigned char *)text;
    const int more = *at < 0x80             ? 0
                     : (*at & 0xe0) == 0xc0 ? 1
                     : (*at & 0xf0) == 0xe0 ? 2
                     : (*at & 0xf8) == 0xf0 ? 3
                                            : -1;
    *code = more < 0 ? 0xfffd : more == 0 ? *at : *at & (0x3fu >> more);
    at++;
    for (int i = 0; i < more; i++, at++) {
        if ((*at & 0xc0) != 0x80) {
            *code = 0xfffd;
            return (const char *)at;
        }
        *code = *code << 6 | (*at & 0x3fu);
    }
    return (const char *)at;
}

int yti_text_width(const char *text, int height) {
    stbtt_fontinfo font;
    if (!open_font(&font)) return 0;
    const float scale = stbtt_ScaleForPixelHeight(&font, (float)height);
    float width = 0;
    for (uint32_t code; *text;) {
        int advance, bearing;
        text = yti_next_letter(text, &code);
        stbtt_GetCodepointHMetrics(&font, (int)code, &advance, &bearing);
        width += scale * (float)advance;
    }
    return (int)ceilf(width);
}

/* A letter's coverage, 0 to 255, laid over the image. */
static void blend(yt_image *image, int left, int top, const unsigned char *coverage, int w, int h, yti_colour c) {
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) yti_blend_pixel(image, left + x, top + y, c, (float)coverage[y * w + x] / 255);
}

/* For the outline, its edges and the coverage of a letter: measured on letters of 20 to 400 pixels, five times over. */
static size_t room_for(int height) {
    return ((size_t)1 << 18) + 8 * (size_t)height * (size_t)height;
}

yt_status yti_draw_text(yt_image *image, int x, int y, int height, const char *text, yti_colour colour, yt_err *err) {
    stbtt_fontinfo font;
    int ascent, descent, gap;
    scratch memory = {.room = room_for(height)};
    if (!open_font(&font)) return yt_fail(err, YT_ERR_SYNTAX, "the font of the program is damaged");
    memory.base = malloc(memory.room);
    if (!memory.base) return yti_no_memory(err, "letters");
    font.userdata = &memory;
    const float scale = stbtt_ScaleForPixelHeight(&font, (float)height);
    stbtt_GetFontVMetrics(&font, &ascent, &descent, &gap);
    const int baseline = y + (int)lrintf(scale * (float)ascent);
    float at = (float)x;
    for (uint32_t code; *text; memory.used = 0) {
        int advance, bearing, w, h, left, top;
        text = yti_next_letter(text, &code);
        const float whole = floorf(at);
        unsigned char *coverage = stbtt_GetCodepointBitmapSubpixel(&font, scale, scale, at - whole, 0, (int)code, &w,
                                                                   &h, &left, &top);
        if (coverage) blend(image, (int)whole + left, baseline + top, coverage, w, h, colour); /* else: a space */
        give(&memory, coverage);
        stbtt_GetCodepointHMetrics(&font, (int)code, &advance, &bearing);
        at += scale * (float)advance;
    }
    free(memory.base);
    return YT_OK;
}
