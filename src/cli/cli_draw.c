/* cli_draw.c: frames and labels, all of them filled rectangles: letters too, which stb_easy_font makes of horizontal
 * and vertical strokes.
 *
 * A frame is drawn inwards from the box, so it covers nothing outside. Its label sits on top of it, or inside where
 * there is no room above; it is moved left where it would run out of the image.
 */
#include "cli/cli_draw.h"

#include <math.h>
#include <stb/stb_easy_font.h>
#include <stdio.h>
#include <string.h>

enum {
    GLYPH_HEIGHT = 9, /* of stb_easy_font, descenders included */
    MAX_LABEL = 64,   /* letters; longer ones are cut */
    MAX_STROKES = MAX_LABEL * 12,
    PIXELS_PER_WIDTH = 320 /* lines have 1 pixel in an image of this side, 2 in one twice as large */
};

/* Columns x1 to x2 - 1, rows y1 to y2 - 1, as far as they are in the image. */
static void fill(yt_image *image, int x1, int y1, int x2, int y2, cli_colour c) {
    if (x1 < 0) x1 = 0;
    if (y1 < 0) y1 = 0;
    if (x2 > image->w) x2 = image->w;
    if (y2 > image->h) y2 = image->h;
    for (int y = y1; y < y2; y++) {
        uint8_t *pixel = image->rgb + ((size_t)y * (size_t)image->w + (size_t)(x1 < x2 ? x1 : 0)) * 3;
        for (int x = x1; x < x2; x++, pixel += 3) {
            pixel[0] = c.r;
            pixel[1] = c.g;
            pixel[2] = c.b;
        }
    }
}

/* Nearest pixel edge, within reach of the image so that later sums cannot overflow. */
static int edge(float x, int side) {
    if (!(x > 0)) return 0;
    return x < (float)side ? (int)lrintf(x) : side;
}

/* Lines and the strokes of letters have one width. */
int cli_line_width(int w, int h) {
    const int width = (int)lrint((w + h) / 2.0 / PIXELS_PER_WIDTH);
    return width > 1 ? width : 1;
}

/* Copies text with every character that the font lacks, and every UTF-8 sequence, as one '?'. */
static void printable(char out[MAX_LABEL + 1], const char *text) {
    size_t n = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c && n < MAX_LABEL; c++) {
        if ((*c & 0xC0) == 0x80) continue; /* the rest of a sequence */
        out[n++] = *c >= ' ' && *c <= '~' ? (char)*c : '?';
    }
    out[n] = '\0';
}

typedef struct {
    float x, y, z;
    unsigned char colour[4];
} vertex; /* as stb_easy_font writes it; four make a stroke, first and third are opposite corners */

static void draw_text(yt_image *image, int x, int y, int scale, char *text, cli_colour c) {
    vertex corners[4 * MAX_STROKES];
    int n = stb_easy_font_print(0, 0, text, NULL, corners, (int)sizeof corners);
    for (int i = 0; i < n; i++) {
        const vertex *a = &corners[4 * i], *b = &corners[4 * i + 2];
        fill(image, x + (int)a->x * scale, y + (int)a->y * scale, x + (int)b->x * scale, y + (int)b->y * scale, c);
    }
}

static void draw_label(yt_image *image, int x, int y, int line, const char *name, float score, cli_colour back) {
    char long_text[256], text[MAX_LABEL + 1];
    snprintf(long_text, sizeof long_text, "%.*s %.2f", MAX_LABEL - 6, name, (double)score);
    printable(text, long_text);
    int scale = cli_line_width(image->w, image->h), margin = scale + 1;
    int w = stb_easy_font_width(text) * scale + 2 * margin, h = GLYPH_HEIGHT * scale + 2 * margin;
    int top = y - h >= 0 ? y - h : y + line;
    int left = x + w <= image->w ? x : image->w - w;
    if (left < 0) left = 0;
    fill(image, left, top, left + w, top + h, back);
    draw_text(image, left + margin, top + margin, scale, text, cli_readable_on(back));
}

static void draw_frame(yt_image *image, int x1, int y1, int x2, int y2, int line, cli_colour c) {
    int across = line < y2 - y1 ? line : y2 - y1, down = line < x2 - x1 ? line : x2 - x1;
    fill(image, x1, y1, x2, y1 + across, c);
    fill(image, x1, y2 - across, x2, y2, c);
    fill(image, x1, y1, x1 + down, y2, c);
    fill(image, x2 - down, y1, x2, y2, c);
}

/* All frames first, so that no line crosses a label. */
void cli_draw_detections(yt_image *image, const yt_detection *detections, int n, const char *const *names,
                         const cli_colour *colours) {
    int line = cli_line_width(image->w, image->h), w = image->w, h = image->h;
    for (int i = n - 1; i >= 0; i--) {
        yt_xyxy b = detections[i].box;
        draw_frame(image, edge(b.x1, w), edge(b.y1, h), edge(b.x2, w), edge(b.y2, h), line,
                   colours[detections[i].class_id]);
    }
    for (int i = n - 1; i >= 0; i--) {
        const yt_detection *d = &detections[i];
        draw_label(image, edge(d->box.x1, w), edge(d->box.y1, h), line, names[d->class_id], d->score,
                   colours[d->class_id]);
    }
}
