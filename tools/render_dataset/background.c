/* background.c: a street and a room, in fractions of the image so that any size looks alike. */
#include "background.h"

#include <math.h>

#define NOISE_LATTICE 256 /* the lattice repeats after this many cells */

/* Where a street's grass, pavement and road begin, and a room's table: fractions of the height. */
#define HORIZON  0.52
#define PAVEMENT 0.68
#define ROAD     0.73
#define TABLE    0.60

void draw_background_noise(const draw_canvas *canvas, int cell, double amount, yti_rng *rng) {
    double lattice[NOISE_LATTICE];
    for (int i = 0; i < NOISE_LATTICE; i++) lattice[i] = yti_rng_uniform(rng, -amount, amount);
    for (int y = 0; y < canvas->h; y++)
        for (int x = 0; x < canvas->w; x++) {
            int cx = x / cell, cy = y / cell;
            double fx = (double)(x % cell) / cell, fy = (double)(y % cell) / cell, corner[4];
            for (int i = 0; i < 4; i++) /* 97 and 57 scatter neighbours over the lattice */
                corner[i] = lattice[((cx + (i & 1)) * 97 + (cy + (i >> 1)) * 57) % NOISE_LATTICE];
            fx = fx * fx * (3 - 2 * fx), fy = fy * fy * (3 - 2 * fy);
            double top = corner[0] + (corner[1] - corner[0]) * fx;
            double bottom = corner[2] + (corner[3] - corner[2]) * fx;
            double *dst = canvas->rgba + 4 * ((size_t)y * (size_t)canvas->w + (size_t)x);
            for (int c = 0; c < 3; c++) dst[c] = fmin(1, fmax(0, dst[c] + top + (bottom - top) * fy));
        }
}

static draw_rgb vary(unsigned colour, yti_rng *rng) {
    return draw_rgb_vary(draw_rgb_hex(colour), 0.03, rng);
}

static void band(const draw_pen *pen, double w, double y0, double y1, draw_rgb top, draw_rgb bottom) {
    draw_fill(pen, draw_box(-2, y0 - 1, w + 2, y1, 0), draw_ink_run(top, bottom));
}

static void cloud(const draw_pen *pen, double x, double y, double size, yti_rng *rng) {
    for (int i = 0; i < 6; i++) {
        double dx = yti_rng_uniform(rng, -1, 1), dy = yti_rng_uniform(rng, -0.2, 0.2);
        double r = size * (0.5 - 0.3 * fabs(dx));
        draw_fill(pen, draw_ellipse(x + dx * size, y + dy * size * 0.5, r * 1.3, r * 0.7, 0),
                  draw_ink_glaze(draw_rgb_hex(0xffffff), 0.55, r * 0.8));
    }
}

/* A row of houses on the horizon, pale with distance. */
static void houses(const draw_pen *pen, double w, double h, yti_rng *rng) {
    static const unsigned walls[4] = {0xa9b4bd, 0xb9aea2, 0x9fa9a6, 0xb3a5a8};
    for (double x = -0.05 * w; x < w;) {
        double width = w * yti_rng_uniform(rng, 0.09, 0.17), height = h * yti_rng_uniform(rng, 0.08, 0.22);
        double base = h * (HORIZON + 0.01), top = base - height;
        draw_rgb wall = draw_rgb_pick(rng, walls, 4), glass = draw_rgb_mix(wall, draw_rgb_hex(0x40566a), 0.45);
        draw_fill(pen, draw_box(x, top, x + width, base, 0),
                  draw_ink_run(draw_rgb_mix(wall, draw_rgb_hex(0xffffff), 0.2), wall));
        double step = 0.036 * h;
        for (double wy = top + 0.4 * step; wy + 0.6 * step < base; wy += step)
            for (double wx = x + 0.4 * step; wx + 0.6 * step < x + width; wx += step)
                draw_fill(pen, draw_box(wx, wy, wx + 0.45 * step, wy + 0.55 * step, 0), draw_ink_flat(glass));
        x += width * yti_rng_uniform(rng, 1.0, 1.25);
    }
}

static void trees(const draw_pen *pen, double w, double h, yti_rng *rng) {
    for (int i = 0; i < 7; i++) {
        double x = w * (i + yti_rng_uniform(rng, 0, 1)) / 7, size = h * yti_rng_uniform(rng, 0.03, 0.055);
        draw_rgb green = vary(0x5d8a52, rng);
        draw_fill(pen, draw_box(x - size * 0.1, h * HORIZON - size, x + size * 0.1, h * HORIZON + 0.01 * h, 0),
                  draw_ink_hex(0x6b5a48));
        draw_fill(pen, draw_ellipse(x, h * HORIZON - 1.3 * size, size * 0.75, size, 0), draw_ink_lit(green));
    }
}

static void draw_street(const draw_pen *pen, double w, double h, yti_rng *rng) {
    band(pen, w, 0, h * HORIZON, vary(0x5b9fe0, rng), vary(0xdcebf5, rng));
    for (int i = 0; i < 4; i++)
        cloud(pen, yti_rng_uniform(rng, 0, w), yti_rng_uniform(rng, 0.05, 0.3) * h, w * yti_rng_uniform(rng, 0.05, 0.1),
              rng);
    houses(pen, w, h, rng);
    trees(pen, w, h, rng);
    band(pen, w, h * HORIZON, h * PAVEMENT, vary(0x8fb566, rng), vary(0x6d9a48, rng));
    band(pen, w, h * PAVEMENT, h * ROAD, vary(0xc3beb4, rng), vary(0xaaa59b, rng));
    band(pen, w, h * ROAD, h + 2, vary(0x6d7074, rng), vary(0x55585c, rng));
    draw_fill(pen, draw_box(-2, h * ROAD - 0.006 * h, w + 2, h * ROAD + 0.006 * h, 0), draw_ink_hex(0x8e8a82));
    double dash = 0.16 * w, y = 0.875 * h;
    for (double x = -dash * yti_rng_unit(rng); x < w; x += 1.7 * dash)
        draw_fill(pen, draw_box(x, y - 0.008 * h, x + dash, y + 0.008 * h, 0), draw_ink_hex(0xd9d8d0));
}

static void draw_room(const draw_pen *pen, double w, double h, yti_rng *rng) {
    static const unsigned walls[4] = {0xd9d3c3, 0xbfcfd4, 0xd3c7bb, 0xc4cfbd};
    draw_rgb wall = draw_rgb_pick(rng, walls, 4), wood = vary(0xb98652, rng);
    band(pen, w, 0, h * TABLE, draw_rgb_mix(wall, draw_rgb_hex(0xffffff), 0.25),
         draw_rgb_mix(wall, draw_rgb_hex(0), 0.06));
    double stripe = w / 12;
    for (double x = -stripe * yti_rng_unit(rng); x < w; x += 2 * stripe)
        draw_fill(pen, draw_box(x, -2, x + stripe, h * TABLE, 0), draw_ink_glaze(draw_rgb_hex(0xffffff), 0.12, 0));
    band(pen, w, h * TABLE, h + 2, draw_rgb_mix(wood, draw_rgb_hex(0xffffff), 0.18), wood);
    for (int i = 1; i < 6; i++) { /* boards, wider towards the viewer */
        double y = h * (TABLE + (1 - TABLE) * i * (i + 3) / 54);
        draw_fill(pen, draw_box(-2, y - 0.002 * h, w + 2, y + 0.002 * h, 0),
                  draw_ink_glaze(draw_rgb_hex(0x5a3614), 0.55, 0));
    }
    for (int i = 0; i < 60; i++) { /* grain */
        double x = yti_rng_uniform(rng, -0.1, 1) * w, y = h * yti_rng_uniform(rng, TABLE + 0.01, 1);
        draw_fill(pen, draw_line(x, y, x + w * yti_rng_uniform(rng, 0.04, 0.2), y, 0.002 * h),
                  draw_ink_glaze(draw_rgb_hex(0x6b4118), 0.22, 0));
    }
    draw_fill(pen, draw_box(-2, h * TABLE - 0.012 * h, w + 2, h * TABLE + 0.004 * h, 0),
              draw_ink_hex_run(0x8a5c31, 0x70471f));
}

void draw_background_draw(draw_background_kind kind, const draw_canvas *canvas, yti_rng *rng) {
    draw_canvas target = *canvas;
    draw_pen pen = draw_pen_make(&target, 0, 0, 1, 0, false);
    if (kind == YT_BACKGROUND_STREET)
        draw_street(&pen, canvas->w, canvas->h, rng);
    else
        draw_room(&pen, canvas->w, canvas->h, rng);
    draw_background_noise(canvas, 24, 0.014, rng);
    draw_background_noise(canvas, 7, 0.008, rng);
}

void draw_background_post(const draw_canvas *canvas, double x, double y, double width) {
    draw_canvas target = *canvas;
    draw_pen pen = draw_pen_make(&target, 0, 0, 1, 0, false);
    double foot = (PAVEMENT + ROAD) / 2 * canvas->h;
    if (foot <= y) return;
    draw_fill(&pen, draw_ellipse(x, foot, 2.2 * width, 0.7 * width, 0),
              draw_ink_glaze(draw_rgb_hex(0x101010), 0.4, width));
    draw_fill_edged(&pen, draw_box(x - width / 2, y, x + width / 2, foot, 0), draw_ink_hex(0x9a9ea3), 1,
                    draw_rgb_hex(0x5c6065));
    draw_fill(&pen, draw_box(x - width / 4, y, x - width / 10, foot, 0), draw_ink_hex(0xc9cdd1));
}
