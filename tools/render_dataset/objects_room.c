/* objects_room.c: what is seen in a room, on the wall or on the table. */
#include "objects.h"

#include <math.h>

#define PI 3.14159265358979323846

static void draw_clock(const draw_pen *pen, yti_rng *rng) {
    static const unsigned frames[3] = {0x2b2f36, 0x7a4a25, 0x9c1f24};
    draw_fill(pen, draw_disc(0, 0, 0.98), draw_ink_lit(draw_rgb_pick(rng, frames, 3)));
    draw_fill(pen, draw_disc(0, 0, 0.83), draw_ink_hex_run(0xf1efe8, 0xfffef9));
    draw_stroke(pen, draw_disc(0, 0, 0.83), 0.03, draw_ink_hex(0x55524c));
    for (int i = 0; i < 60; i++) {
        double a = 2 * PI * i / 60, from = i % 5 ? 0.73 : i % 15 ? 0.64 : 0.58;
        double width = i % 5 ? 0.015 : i % 15 ? 0.045 : 0.07;
        draw_fill(pen, draw_line(from * cos(a), from * sin(a), 0.76 * cos(a), 0.76 * sin(a), width),
                  draw_ink_hex(0x222222));
    }
    double minutes = yti_rng_uniform(rng, 0, 720);
    double h = 2 * PI * minutes / 720 - PI / 2, m = 2 * PI * minutes / 60 - PI / 2;
    draw_fill(pen, draw_line(-0.1 * cos(h), -0.1 * sin(h), 0.42 * cos(h), 0.42 * sin(h), 0.08), draw_ink_hex(0x17181a));
    draw_fill(pen, draw_line(-0.12 * cos(m), -0.12 * sin(m), 0.64 * cos(m), 0.64 * sin(m), 0.055),
              draw_ink_hex(0x17181a));
    draw_fill(pen, draw_disc(0, 0, 0.07), draw_ink_hex(0xb3261e));
}

static void draw_cup(const draw_pen *pen, yti_rng *rng) {
    static const unsigned glazes[3] = {0x2f7fb8, 0xd9dde0, 0xc64a3a};
    static const double body[4][2] = {{-0.66, -0.62}, {0.50, -0.62}, {0.40, 0.80}, {-0.56, 0.80}};
    draw_rgb colour = draw_rgb_pick(rng, glazes, 3), dark = draw_rgb_mix(colour, draw_rgb_hex(0), 0.45);
    draw_fill(pen, draw_arc(0.50, 0.04, 0.34, -0.6 * PI, 1.15 * PI, 0.2), draw_ink_flat(dark));
    draw_fill(pen, draw_arc(0.50, 0.04, 0.34, -0.6 * PI, 1.15 * PI, 0.15), draw_ink_lit(colour));
    draw_fill_edged(pen, draw_polygon(4, body, 0.06), draw_ink_lit(colour), 0.02, dark);
    draw_fill(pen, draw_ellipse(-0.38, 0.15, 0.07, 0.5, 0.06), draw_ink_glaze(draw_rgb_hex(0xffffff), 0.5, 0.1));
    draw_fill(pen, draw_line(-0.66, 0.32, 0.44, 0.32, 0.09), draw_ink_glaze(draw_rgb_hex(0xffffff), 0.8, 0));
    draw_fill_edged(pen, draw_ellipse(-0.08, -0.66, 0.64, 0.16, 0), draw_ink_lit(colour), 0.02, dark);
    draw_fill(pen, draw_ellipse(-0.08, -0.65, 0.55, 0.11, 0), draw_ink_hex_run(0x2a160b, 0x5b3219));
}

static void draw_bottle(const draw_pen *pen, yti_rng *rng) {
    static const unsigned glasses[3] = {0x1f7a3d, 0x2b8a4a, 0x6b3d16};
    static const double body[12][2] = {{-0.08, -0.84}, {0.08, -0.84}, {0.09, -0.45},  {0.14, -0.34},
                                       {0.25, -0.22},  {0.28, -0.08}, {0.28, 0.90},   {0.25, 0.94},
                                       {-0.25, 0.94},  {-0.28, 0.90}, {-0.28, -0.08}, {-0.25, -0.22}};
    double outline[14][2];
    for (int i = 0; i < 12; i++) outline[i][0] = body[i][0], outline[i][1] = body[i][1];
    outline[12][0] = -0.14, outline[12][1] = -0.34, outline[13][0] = -0.09, outline[13][1] = -0.45;
    draw_rgb glass = draw_rgb_pick(rng, glasses, 3), dark = draw_rgb_mix(glass, draw_rgb_hex(0), 0.6);
    draw_fill_edged(pen, draw_polygon(14, (const double(*)[2])outline, 0.02), draw_ink_lit(glass), 0.015, dark);
    draw_fill(pen, draw_box(-0.11, -0.98, 0.11, -0.80, 0.03), draw_ink_hex_run(0xe8c65a, 0xa07c1c));
    draw_fill(pen, draw_box(-0.285, 0.10, 0.285, 0.66, 0.01), draw_ink_hex_run(0xfaf5e4, 0xe2d9bd));
    draw_fill(pen, draw_box(-0.285, 0.16, 0.285, 0.20, 0), draw_ink_hex(0x9a1f26));
    draw_fill(pen, draw_box(-0.285, 0.56, 0.285, 0.60, 0), draw_ink_hex(0x9a1f26));
    draw_fill(pen, draw_disc(0, 0.38, 0.12), draw_ink_hex(0x9a1f26));
    draw_fill(pen, draw_line(-0.18, -0.05, -0.18, 0.86, 0.06), draw_ink_glaze(draw_rgb_hex(0xffffff), 0.35, 0.04));
    draw_fill(pen, draw_line(-0.04, -0.76, -0.04, -0.46, 0.03), draw_ink_glaze(draw_rgb_hex(0xffffff), 0.4, 0.03));
}

static void draw_banana(const draw_pen *pen, yti_rng *rng) {
    draw_rgb skin = draw_rgb_vary(draw_rgb_hex(0xf7d02c), 0.03, rng);
    yti_shape fruit = draw_crescent(0, -0.45, 0.98, 0, -0.86, 0.94);
    draw_pen inside = *pen;
    inside.clip = &fruit;
    draw_fill(pen, draw_line(0.86, -0.5, 0.93, -0.62, 0.12), draw_ink_hex(0x7b5a1c)); /* stalk */
    draw_fill_edged(pen, fruit, draw_ink_run(draw_rgb_mix(skin, draw_rgb_hex(0xffffff), 0.25), skin), 0.02,
                    draw_rgb_hex(0x8c6a12));
    draw_fill(&inside, draw_crescent(0, -0.45, 0.98, 0, -0.66, 0.97), draw_ink_hex(0xd6a117));
    draw_fill(&inside, draw_disc(0.93, -0.42, 0.14), draw_ink_glaze(draw_rgb_hex(0x9cae2a), 0.8, 0.1));
    draw_fill(&inside, draw_disc(-0.94, -0.46, 0.13), draw_ink_hex(0x5a3d12));
    for (int i = 0; i < 5; i++) {
        double a = PI * (0.2 + 0.14 * i) + yti_rng_uniform(rng, -0.1, 0.1);
        draw_fill(&inside, draw_ellipse(0.8 * cos(a), -0.5 + 0.78 * sin(a), 0.05, 0.015, a + PI / 2),
                  draw_ink_hex(0x94701a));
    }
}

static void draw_apple(const draw_pen *pen, yti_rng *rng) {
    draw_rgb skin = draw_rgb_vary(draw_rgb_hex(0xcf1f26), 0.05, rng), dark = draw_rgb_mix(skin, draw_rgb_hex(0), 0.5);
    for (int edge = 1; edge >= 0; edge--) { /* three overlapping discs make the body; first their outline */
        double grow = edge ? 0.03 : 0;
        draw_ink ink = edge ? draw_ink_flat(dark) : draw_ink_flat(skin);
        draw_fill(pen, draw_ellipse(-0.34, 0.02, 0.56 + grow, 0.64 + grow, 0.12), ink);
        draw_fill(pen, draw_ellipse(0.34, 0.02, 0.56 + grow, 0.64 + grow, -0.12), ink);
        draw_fill(pen, draw_ellipse(0, 0.30, 0.62 + grow, 0.62 + grow, 0), ink);
    }
    draw_fill(pen, draw_ellipse(0.28, 0.42, 0.5, 0.42, 0), draw_ink_glaze(dark, 0.55, 0.5));
    draw_fill(pen, draw_ellipse(-0.38, -0.12, 0.2, 0.3, 0.3), draw_ink_glaze(draw_rgb_hex(0xffffff), 0.6, 0.25));
    draw_fill(pen, draw_ellipse(0, -0.5, 0.26, 0.1, 0), draw_ink_glaze(dark, 0.9, 0.1));
    draw_fill(pen, draw_line(0, -0.5, 0.1, -0.9, 0.08), draw_ink_hex(0x4f3014));
    draw_fill_edged(pen, draw_ellipse(0.38, -0.78, 0.27, 0.12, -0.35), draw_ink_hex_run(0x7cc142, 0x3f8a22), 0.015,
                    draw_rgb_hex(0x2a5c17));
}

static void draw_orange(const draw_pen *pen, yti_rng *rng) {
    draw_rgb peel = draw_rgb_vary(draw_rgb_hex(0xf58a14), 0.03, rng),
             dark = draw_rgb_mix(peel, draw_rgb_hex(0x6a2500), 0.55);
    yti_shape fruit = draw_disc(0, 0, 0.96);
    draw_pen inside = *pen;
    inside.clip = &fruit;
    draw_fill_edged(pen, fruit, draw_ink_flat(peel), 0.025, dark);
    draw_fill(&inside, draw_crescent(0, 0, 1.2, -0.22, -0.26, 1.0), draw_ink_glaze(dark, 0.6, 0.5));
    draw_fill(&inside, draw_ellipse(-0.36, -0.38, 0.3, 0.22, -0.7), draw_ink_glaze(draw_rgb_hex(0xffffff), 0.5, 0.3));
    for (int i = 0; i < 90; i++) { /* pores */
        double r = 0.92 * sqrt(yti_rng_unit(rng)), a = yti_rng_uniform(rng, 0, 2 * PI);
        draw_fill(&inside, draw_disc(r * cos(a), r * sin(a), 0.022), draw_ink_glaze(dark, 0.4, 0));
    }
    draw_fill(pen, draw_disc(0.12, -0.62, 0.1), draw_ink_glaze(dark, 0.7, 0.08));
    for (int i = 0; i < 5; i++) {
        double a = 2 * PI * i / 5;
        draw_fill(pen, draw_line(0.12, -0.62, 0.12 + 0.1 * cos(a), -0.62 + 0.07 * sin(a), 0.05),
                  draw_ink_hex(0x4c7a24));
    }
}

static void draw_pizza(const draw_pen *pen, yti_rng *rng) {
    draw_fill_edged(pen, draw_disc(0, 0, 0.96), draw_ink_hex_run(0xdda04f, 0xb87328), 0.025, draw_rgb_hex(0x7c4a18));
    draw_fill(pen, draw_disc(0, 0, 0.82), draw_ink_hex(0xb93a1b));
    draw_fill(pen, draw_disc(0, 0, 0.78), draw_ink_hex_run(0xf9d06a, 0xf2b844));
    for (int i = 0; i < 30; i++) {
        double r = 0.72 * sqrt(yti_rng_unit(rng)), a = yti_rng_uniform(rng, 0, 2 * PI);
        draw_fill(pen, draw_disc(r * cos(a), r * sin(a), 0.07),
                  draw_ink_glaze(draw_rgb_hex(i % 2 ? 0xffe9a6 : 0xe29a2e), 0.5, 0.06));
    }
    for (int i = 0; i < 9; i++) {
        double r = i ? 0.54 : 0, a = 2 * PI * (i + 0.5) / 8 + yti_rng_uniform(rng, -0.12, 0.12);
        draw_fill_edged(pen, draw_disc(r * cos(a), r * sin(a), 0.14), draw_ink_hex_run(0xcf3b26, 0xa52317), 0.012,
                        draw_rgb_hex(0x7d150c));
    }
    for (int i = 0; i < 14; i++) {
        double r = 0.7 * sqrt(yti_rng_unit(rng)), a = yti_rng_uniform(rng, 0, 2 * PI);
        draw_fill(pen, draw_ellipse(r * cos(a), r * sin(a), 0.06, 0.025, 3 * a), draw_ink_hex(0x3f7d2a));
    }
    for (int i = 0; i < 4; i++) { /* cut into eight */
        double x = 0.93 * cos(PI * i / 4), y = 0.93 * sin(PI * i / 4);
        draw_fill(pen, draw_line(-x, -y, x, y, 0.022), draw_ink_hex(0x8a5a1e));
    }
}

static void draw_donut(const draw_pen *pen, yti_rng *rng) {
    static const unsigned icings[3] = {0xf277b0, 0xee6aa7, 0x6b3717};
    static const unsigned sprinkles[5] = {0xffffff, 0xffe14d, 0x4fc3f7, 0x7ed957, 0xff5252};
    draw_rgb icing = draw_rgb_pick(rng, icings, 3), edge = draw_rgb_mix(icing, draw_rgb_hex(0), 0.3);
    draw_stroke(pen, draw_disc(0, 0, 0.64), 0.66, draw_ink_hex(0x8a5522));
    draw_stroke(pen, draw_disc(0, 0, 0.64), 0.62, draw_ink_hex_run(0xe2b06a, 0xbb7c38));
    for (int pass = 0; pass < 2; pass++) { /* the wavy rim of the icing, then its bulk */
        for (int i = 0; i < 12; i++) {
            double a = 2 * PI * i / 12;
            draw_fill(pen, draw_disc(0.76 * cos(a), 0.76 * sin(a), pass ? 0.135 : 0.155),
                      draw_ink_flat(pass ? icing : edge));
        }
        draw_stroke(pen, draw_disc(0, 0, 0.62), pass ? 0.44 : 0.47, draw_ink_flat(pass ? icing : edge));
    }
    draw_fill(pen, draw_arc(0, 0, 0.66, 1.05 * PI, 0.5 * PI, 0.12), draw_ink_glaze(draw_rgb_hex(0xffffff), 0.45, 0.1));
    for (int i = 0; i < 26; i++) {
        double a = 2 * PI * (i + yti_rng_uniform(rng, -0.3, 0.3)) / 26, r = yti_rng_uniform(rng, 0.46, 0.8);
        double t = yti_rng_uniform(rng, 0, PI), x = r * cos(a), y = r * sin(a);
        draw_fill(pen, draw_line(x, y, x + 0.09 * cos(t), y + 0.09 * sin(t), 0.045),
                  draw_ink_hex(sprinkles[yti_rng_below(rng, 5)]));
    }
}

static void draw_potted_plant(const draw_pen *pen, yti_rng *rng) {
    static const double pot[4][2] = {{-0.36, 0.34}, {0.36, 0.34}, {0.25, 0.95}, {-0.25, 0.95}};
    draw_rgb clay = draw_rgb_vary(draw_rgb_hex(0xc0643a), 0.04, rng), edge = draw_rgb_mix(clay, draw_rgb_hex(0), 0.5);
    for (int i = 0; i < 9; i++) { /* outer leaves first */
        int k = i < 6 ? i : i - 6;
        double a = i < 6 ? -PI * (0.04 + 0.184 * k) : -PI * (0.3 + 0.2 * k);
        double reach = i < 6 ? 0.52 : 0.46, x = reach * cos(a), y = 0.22 + 1.25 * reach * sin(a);
        draw_rgb green = draw_rgb_vary(draw_rgb_hex(i < 6 ? 0x2f8a3c : 0x4fae4a), 0.04, rng);
        double turn = atan2(y - 0.3, x);
        draw_fill(pen, draw_line(0, 0.3, x, y, 0.04), draw_ink_hex(0x2c6b2c));
        draw_fill_edged(pen, draw_ellipse(x, y, 0.38, 0.15, turn), draw_ink_lit(green), 0.015, draw_rgb_hex(0x1d5426));
        draw_fill(
            pen, draw_line(x - 0.3 * cos(turn), y - 0.3 * sin(turn), x + 0.33 * cos(turn), y + 0.33 * sin(turn), 0.022),
            draw_ink_hex(0x9fd48a));
    }
    draw_fill_edged(pen, draw_polygon(4, pot, 0.02), draw_ink_lit(clay), 0.015, edge);
    draw_fill_edged(pen, draw_box(-0.43, 0.24, 0.43, 0.42, 0.03), draw_ink_lit(clay), 0.015, edge);
}

static void draw_tv(const draw_pen *pen, yti_rng *rng) {
    static const double hills[5][2] = {{-0.92, 0.3}, {-0.45, -0.12}, {-0.05, 0.12}, {0.42, -0.22}, {0.92, 0.3}};
    yti_shape screen = draw_box(-0.91, -0.55, 0.91, 0.42, 0.01);
    draw_pen inside = *pen;
    inside.clip = &screen;
    draw_fill(pen, draw_box(-0.08, 0.45, 0.08, 0.63, 0), draw_ink_hex(0x1b1c1f));
    draw_fill(pen, draw_box(-0.42, 0.60, 0.42, 0.67, 0.03), draw_ink_hex_run(0x3a3c41, 0x141517));
    draw_fill(pen, draw_box(-0.98, -0.62, 0.98, 0.50, 0.03), draw_ink_hex_run(0x2c2e33, 0x0f1012));
    draw_fill(pen, screen, draw_ink_hex_run(0x3f8fe0, 0xc7e6fb));
    draw_fill(&inside, draw_disc(yti_rng_uniform(rng, -0.5, 0.5), -0.25, 0.13), draw_ink_hex(0xffe36b));
    draw_fill(&inside, draw_polygon(5, hills, 0.02), draw_ink_hex_run(0x5c7f8f, 0x39596b));
    draw_fill(&inside, draw_ellipse(-0.2, 0.62, 1.5, 0.42, 0), draw_ink_hex_run(0x77bb4c, 0x3c8030));
    draw_fill(&inside, draw_line(-0.6, -0.8, -1.0, 0.5, 0.25), draw_ink_glaze(draw_rgb_hex(0xffffff), 0.16, 0.05));
    draw_fill(pen, draw_disc(0.9, 0.46, 0.014), draw_ink_hex(0xff4b3a));
}

static void draw_book(const draw_pen *pen, yti_rng *rng) {
    static const unsigned covers[3] = {0x1c4f8f, 0x8f1c2b, 0x1f6b45};
    static const double left[6][2] = {{0, -0.46},    {-0.3, -0.55}, {-0.88, -0.52},
                                      {-0.92, 0.42}, {-0.3, 0.40},  {0, 0.50}};
    static const double right[6][2] = {{0, -0.46}, {0.3, -0.55}, {0.88, -0.52}, {0.92, 0.42}, {0.3, 0.40}, {0, 0.50}};
    static const double board[4][2] = {{-0.93, -0.50}, {0.93, -0.50}, {0.96, 0.50}, {-0.96, 0.50}};
    draw_fill(pen, draw_polygon(4, board, 0.03), draw_ink_lit(draw_rgb_pick(rng, covers, 3)));
    draw_fill_edged(pen, draw_polygon(6, left, 0.01), draw_ink_hex_run(0xfffdf5, 0xece6d3), 0.012,
                    draw_rgb_hex(0x8d8572));
    draw_fill_edged(pen, draw_polygon(6, right, 0.01), draw_ink_hex_run(0xf7f3e6, 0xe4dcc6), 0.012,
                    draw_rgb_hex(0x8d8572));
    draw_fill(pen, draw_line(0, -0.44, 0, 0.46, 0.07), draw_ink_glaze(draw_rgb_hex(0x6d6450), 0.5, 0.06));
    for (int row = 0; row < 8; row++) {
        double y = -0.38 + 0.095 * row, end = row == 7 ? 0.45 : 0.8;
        draw_fill(pen, draw_line(-0.8, y + 0.01, -0.14, y + 0.015, 0.03), draw_ink_hex(0x6f6a60));
        if (row > 3) draw_fill(pen, draw_line(0.14, y + 0.015, end, y + 0.01, 0.03), draw_ink_hex(0x6f6a60));
    }
    draw_fill(pen, draw_box(0.2, -0.42, 0.76, -0.1, 0.01), draw_ink_hex_run(0x86b8dd, 0x6fa356)); /* a picture */
}

static void draw_cat(const draw_pen *pen, yti_rng *rng) {
    static const unsigned furs[3] = {0xd98a3d, 0x6e6a68, 0x3a3533};
    static const double ears[2][3][2] = {{{-0.40, -0.56}, {-0.36, -0.94}, {-0.10, -0.74}},
                                         {{0.40, -0.56}, {0.36, -0.94}, {0.10, -0.74}}};
    static const double inner[2][3][2] = {{{-0.34, -0.64}, {-0.33, -0.84}, {-0.18, -0.73}},
                                          {{0.34, -0.64}, {0.33, -0.84}, {0.18, -0.73}}};
    draw_rgb fur = draw_rgb_pick(rng, furs, 3), dark = draw_rgb_mix(fur, draw_rgb_hex(0), 0.45);
    draw_rgb pale = draw_rgb_mix(fur, draw_rgb_hex(0xffffff), 0.75);
    draw_fill(pen, draw_arc(0.40, 0.62, 0.26, -0.75 * PI, 1.3 * PI, 0.17), draw_ink_flat(dark)); /* tail */
    draw_fill(pen, draw_arc(0.40, 0.62, 0.26, -0.75 * PI, 1.3 * PI, 0.13), draw_ink_flat(fur));
    draw_fill_edged(pen, draw_ellipse(0, 0.42, 0.42, 0.54, 0), draw_ink_lit(fur), 0.02, dark);
    draw_fill(pen, draw_ellipse(0, 0.30, 0.2, 0.34, 0), draw_ink_glaze(pale, 0.95, 0.1));
    for (int side = -1; side <= 1; side += 2) {
        draw_fill_edged(pen, draw_box(side * 0.14 - 0.09, 0.3, side * 0.14 + 0.09, 0.96, 0.09), draw_ink_flat(fur),
                        0.012, dark);
        draw_fill(pen, draw_ellipse(side * 0.14, 0.91, 0.1, 0.055, 0), draw_ink_flat(pale));
    }
    for (int i = 0; i < 2; i++) {
        draw_fill_edged(pen, draw_polygon(3, ears[i], 0.03), draw_ink_flat(fur), 0.02, dark);
        draw_fill(pen, draw_polygon(3, inner[i], 0.01), draw_ink_hex(0xe9a3a3));
    }
    draw_fill_edged(pen, draw_ellipse(0, -0.44, 0.46, 0.38, 0), draw_ink_lit(fur), 0.02, dark);
    for (int i = -1; i <= 1; i++) draw_fill(pen, draw_line(i * 0.1, -0.76, i * 0.07, -0.64, 0.04), draw_ink_flat(dark));
    for (int side = -1; side <= 1; side += 2) {
        draw_fill(pen, draw_ellipse(side * 0.1, -0.26, 0.13, 0.1, 0), draw_ink_flat(pale));
        draw_fill_edged(pen, draw_ellipse(side * 0.19, -0.47, 0.095, 0.1, 0), draw_ink_hex_run(0xd8e84a, 0x8fbf2f),
                        0.012, draw_rgb_hex(0x1b1b1b));
        draw_fill(pen, draw_ellipse(side * 0.19, -0.47, 0.03, 0.085, 0), draw_ink_hex(0x0b0b0b));
        for (int i = -1; i <= 1; i++)
            draw_fill(pen, draw_line(side * 0.16, -0.27 + 0.02 * i, side * 0.52, -0.29 + 0.09 * i, 0.014),
                      draw_ink_hex(0xf4f4f4));
        draw_fill(pen, draw_arc(side * 0.06, -0.27, 0.06, 0.05 * PI, 0.9 * PI, 0.018), draw_ink_hex(0x2b1a1a));
    }
    static const double nose[3][2] = {{-0.05, -0.34}, {0.05, -0.34}, {0, -0.28}};
    draw_fill(pen, draw_polygon(3, nose, 0.012), draw_ink_hex(0xd06a72));
}

const draw_object draw_room_objects[] = {
    /* name, draw, half_w, half_h, place, bottom range, size range, tilt, handed */
    {"clock", draw_clock, 0.98, 0.98, YT_PLACE_FLAT, 0.22, 0.52, 70, 180, 6, true},
    {"cup", draw_cup, 0.9, 0.88, YT_PLACE_GROUND, 0.66, 0.97, 70, 150, 3, false},
    {"bottle", draw_bottle, 0.31, 0.98, YT_PLACE_GROUND, 0.66, 0.97, 130, 260, 3, false},
    {"banana", draw_banana, 1.0, 0.6, YT_PLACE_GROUND, 0.68, 0.97, 90, 190, 15, false},
    {"apple", draw_apple, 0.92, 0.95, YT_PLACE_GROUND, 0.66, 0.97, 55, 120, 10, false},
    {"orange", draw_orange, 0.98, 0.98, YT_PLACE_GROUND, 0.66, 0.97, 55, 120, 20, false},
    {"pizza", draw_pizza, 0.98, 0.98, YT_PLACE_FLAT, 0.80, 0.98, 120, 200, 180, false},
    {"donut", draw_donut, 0.98, 0.98, YT_PLACE_FLAT, 0.68, 0.97, 60, 130, 180, false},
    {"potted plant", draw_potted_plant, 0.9, 0.98, YT_PLACE_GROUND, 0.66, 0.95, 120, 250, 3, false},
    {"tv", draw_tv, 0.98, 0.66, YT_PLACE_GROUND, 0.62, 0.75, 170, 280, 1, false},
    {"book", draw_book, 0.99, 0.57, YT_PLACE_FLAT, 0.72, 0.97, 110, 210, 12, false},
    {"cat", draw_cat, 0.72, 0.98, YT_PLACE_GROUND, 0.66, 0.97, 120, 240, 3, false},
};
const int draw_room_object_count = (int)(sizeof draw_room_objects / sizeof *draw_room_objects);
