/* boxes.c: frames and labels; see boxes.h.
 *
 * A frame is drawn inwards from the box, so it covers nothing outside. Its label sits on top of it, or inside where
 * there is no room above; it is moved left where it would run out of the image.
 */
#include "draw/boxes.h"
#include "draw/canvas.h"
#include "draw/font.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_LABEL = 40,        /* letters; longer names are cut */
    LETTERS_PER_LINE = 9,  /* height of letters, in widths of a line */
    MIN_LETTERS = 12,      /* pixels: below that they cannot be read */
    PIXELS_PER_WIDTH = 320 /* lines have 1 pixel in an image of this side, 2 in one twice as large */
};

/* Nearest pixel edge, within reach of the image so that later sums cannot overflow. */
static int edge(float x, int side) {
    if (!(x > 0)) return 0;
    return x < (float)side ? (int)lrintf(x) : side;
}

yti_draw_style yti_style_of(int w, int h) {
    const int width = (int)lrint((w + h) / 2.0 / PIXELS_PER_WIDTH), line = width > 1 ? width : 1;
    const int letters = line * LETTERS_PER_LINE;
    return (yti_draw_style){line, letters > MIN_LETTERS ? letters : MIN_LETTERS};
}

/* The first letters of a text. */
static void shorten(char *out, size_t room, const char *text) {
    uint32_t code;
    size_t used = 0;
    for (int n = 0; *text && n < MAX_LABEL; n++) {
        const char *next = yti_next_letter(text, &code);
        const size_t bytes = (size_t)(next - text);
        if (used + bytes >= room) break;
        memcpy(out + used, text, bytes);
        used += bytes;
        text = next;
    }
    out[used] = '\0';
}

static yt_status draw_label(yt_image *image, int x, int y, yti_draw_style style, const char *name, float score,
                            yti_colour back, yt_err *err) {
    char text[4 * MAX_LABEL + 16];
    shorten(text, sizeof text - 16, name);
    if (score >= 0) snprintf(text + strlen(text), 16, "%s%.2f", *text ? " " : "", (double)score);
    if (!*text) return YT_OK;
    const int margin = style.line + 1, w = yti_text_width(text, style.letters) + 2 * margin, h = style.letters + margin;
    const int top = y - h >= 0 ? y - h : y + style.line;
    int left = x + w <= image->w ? x : image->w - w;
    if (left < 0) left = 0;
    yti_fill_rectangle(image, left, top, left + w, top + h, back);
    return yti_draw_text(image, left + margin, top + margin / 2, style.letters, text, yti_readable_on(back), err);
}

static void draw_frame(yt_image *image, int x1, int y1, int x2, int y2, int line, yti_colour c) {
    int across = line < y2 - y1 ? line : y2 - y1, down = line < x2 - x1 ? line : x2 - x1;
    yti_fill_rectangle(image, x1, y1, x2, y1 + across, c);
    yti_fill_rectangle(image, x1, y2 - across, x2, y2, c);
    yti_fill_rectangle(image, x1, y1, x1 + down, y2, c);
    yti_fill_rectangle(image, x2 - down, y1, x2, y2, c);
}

/* All frames first, so that no line crosses a label. */
yt_status yti_draw_boxes(yt_image *image, const yt_detection *detections, int n, const char *const *names,
                         const yti_colour *colours, yti_draw_style style, yt_err *err) {
    const int w = image->w, h = image->h;
    for (int i = n - 1; i >= 0; i--) {
        yt_xyxy b = detections[i].box;
        draw_frame(image, edge(b.x1, w), edge(b.y1, h), edge(b.x2, w), edge(b.y2, h), style.line,
                   colours[detections[i].class_id]);
    }
    for (int i = n - 1; i >= 0; i--) {
        const yt_detection *d = &detections[i];
        YT_TRY(draw_label(image, edge(d->box.x1, w), edge(d->box.y1, h), style, names[d->class_id], d->score,
                          colours[d->class_id], err));
    }
    return YT_OK;
}
