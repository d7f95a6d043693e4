/* objects_room.c: what is seen in a room, on the wall or on the table. */
#include "objects.h"

#include <math.h>

#define PI 3.14159265358979323846

static void draw_clock(const yt_pen *pen, yt_rng *rng) {
    static const unsigned frames[3] = {0x2b2f36, 0x7a4a25, 0x9c1f24};
    yt_fill(pen, yt_disc(0, 0, 0.98), yt_ink_lit(yt_rgb_pick(rng, frames, 3)));
    yt_fill(pen, yt_disc(0, 0, 0.83), yt_ink_hex_run(0xf1efe8, 0xfffef9));
    yt_stroke(pen, yt_disc(0, 0, 0.83), 0.03, yt_ink_hex(0x55524c));
    for (int i = 0; i < 60; i++) {
        double a = 2 * PI * i / 60, from = i % 5 ? 0.73 : i % 15 ? 0.64 : 0.58;
        double width = i % 5 ? 0.015 : i % 15 ? 0.045 : 0.07;
        yt_fill(pen, yt_line(from * cos(a), from * sin(a), 0.76 * cos(a), 0.76 * sin(a), width),
                yt_ink_hex(0x222222));
    }
    double minutes = yt_rng_uniform(rng, 0, 720);
    double h = 2 * PI * minutes / 720 - PI / 2, m = 2 * PI * minutes / 60 - PI / 2;
    yt_fill(pen, yt_line(-0.1 * cos(h), -0.1 * sin(h), 0.42 * cos(h), 0.42 * sin(h), 0.08),
            yt_ink_hex(0x17181a));
    yt_fill(pen, yt_line(-0.12 * cos(m), -0.12 * sin(m), 0.64 * cos(m), 0.64 * sin(m), 0.055),
            yt_ink_hex(0x17181a));
    yt_fill(pen, yt_disc(0, 0, 0.07), yt_ink_hex(0xb3261e));
}

static void draw_cup(const yt_pen *pen, yt_rng *rng) {
    static const unsigned glazes[3] = {0x2f7fb8, 0xd9dde0, 0xc64a3a};
    static const double body[4][2] = {{-0.66, -0.62}, {0.50, -0.62}, {0.40, 0.80}, {-0.56, 0.80}};
    yt_rgb colour = yt_rgb_pick(rng, glazes, 3), dark = yt_rgb_mix(colour, yt_rgb_hex(0), 0.45);
    yt_fill(pen, yt_arc(0.50, 0.04, 0.34, -0.6 * PI, 1.15 * PI, 0.2), yt_ink_flat(dark));
    yt_fill(pen, yt_arc(0.50, 0.04, 0.34, -0.6 * PI, 1.15 * PI, 0.15), yt_ink_lit(colour));
    yt_fill_edged(pen, yt_polygon(4, body, 0.06), yt_ink_lit(colour), 0.02, dark);
    yt_fill(pen, yt_ellipse(-0.38, 0.15, 0.07, 0.5, 0.06), yt_ink_glaze(yt_rgb_hex(0xffffff), 0.5, 0.1));
    yt_fill(pen, yt_line(-0.66, 0.32, 0.44, 0.32, 0.09), yt_ink_glaze(yt_rgb_hex(0xffffff), 0.8, 0));
    yt_fill_edged(pen, yt_ellipse(-0.08, -0.66, 0.64, 0.16, 0), yt_ink_lit(colour), 0.02, dark);
    yt_fill(pen, yt_ellipse(-0.08, -0.65, 0.55, 0.11, 0), yt_ink_hex_run(0x2a160b, 0x5b3219));
}

static void draw_bottle(const yt_pen *pen, yt_rng *rng) {
    static const unsigned glasses[3] = {0x1f7a3d, 0x2b8a4a, 0x6b3d16};
    static const double body[12][2] = {{-0.08, -0.84}, {0.08, -0.84}, {0.09, -0.45},  {0.14, -0.34},
                                       {0.25, -0.22},  {0.28, -0.08}, {0.28, 0.90},   {0.25, 0.94},
                                       {-0.25, 0.94},  {-0.28, 0.90}, {-0.28, -0.08}, {-0.25, -0.22}};
    double outline[14][2];
    for (int i = 0; i < 12; i++) outline[i][0] = body[i][0], outline[i][1] = body[i][1];
    outline[12][0] = -0.14, outline[12][1] = -0.34, outline[13][0] = -0.09, outline[13][1] = -0.45;
    yt_rgb glass = yt_rgb_pick(rng, glasses, 3), dark = yt_rgb_mix(glass, yt_rgb_hex(0), 0.6);
    yt_fill_edged(pen, yt_polygon(14, (const double(*)[2])outline, 0.02), yt_ink_lit(glass), 0.015, dark);
    yt_fill(pen, yt_box(-0.11, -0.98, 0.11, -0.80, 0.03), yt_ink_hex_run(0xe8c65a, 0xa07c1c));
    yt_fill(pen, yt_box(-0.285, 0.10, 0.285, 0.66, 0.01), yt_ink_hex_run(0xfaf5e4, 0xe2d9bd));
    yt_fill(pen, yt_box(-0.285, 0.16, 0.285, 0.20, 0), yt_ink_hex(0x9a1f26));
    yt_fill(pen, yt_box(-0.285, 0.56, 0.285, 0.60, 0), yt_ink_hex(0x9a1f26));
    yt_fill(pen, yt_disc(0, 0.38, 0.12), yt_ink_hex(0x9a1f26));
    yt_fill(pen, yt_line(-0.18, -0.05, -0.18, 0.86, 0.06), yt_ink_glaze(yt_rgb_hex(0xffffff), 0.35, 0.04));
    yt_fill(pen, yt_line(-0.04, -0.76, -0.04, -0.46, 0.03), yt_ink_glaze(yt_rgb_hex(0xffffff), 0.4, 0.03));
}

static void draw_banana(const yt_pen *pen, yt_rng *rng) {
    yt_rgb skin = yt_rgb_vary(yt_rgb_hex(0xf7d02c), 0.03, rng);
    yt_shape fruit = yt_crescent(0, -0.45, 0.98, 0, -0.86, 0.94);
    yt_pen inside = *pen;
    inside.clip = &fruit;
    yt_fill(pen, yt_line(0.86, -0.5, 0.93, -0.62, 0.12), yt_ink_hex(0x7b5a1c)); /* stalk */
    yt_fill_edged(pen, fruit, yt_ink_run(yt_rgb_mix(skin, yt_rgb_hex(0xffffff), 0.25), skin), 0.02,
                  yt_rgb_hex(0x8c6a12));
    yt_fill(&inside, yt_crescent(0, -0.45, 0.98, 0, -0.66, 0.97), yt_ink_hex(0xd6a117));
    yt_fill(&inside, yt_disc(0.93, -0.42, 0.14), yt_ink_glaze(yt_rgb_hex(0x9cae2a), 0.8, 0.1));
    yt_fill(&inside, yt_disc(-0.94, -0.46, 0.13), yt_ink_hex(0x5a3d12));
    for (int i = 0; i < 5; i++) {
        double a = PI * (0.2 + 0.14 * i) + yt_rng_uniform(rng, -0.1, 0.1);
        yt_fill(&inside, yt_ellipse(0.8 * cos(a), -0.5 + 0.78 * sin(a), 0.05, 0.015, a + PI / 2),
                yt_ink_hex(0x94701a));
    }
}

static void draw_apple(const yt_pen *pen, yt_rng *rng) {
    yt_rgb skin = yt_rgb_vary(yt_rgb_hex(0xcf1f26), 0.05, rng), dark = yt_rgb_mix(skin, yt_rgb_hex(0), 0.5);
    for (int edge = 1; edge >= 0; edge--) { /* three overlapping discs make the body; first their outline */
        double grow = edge ? 0.03 : 0;
        yt_ink ink = edge ? yt_ink_flat(dark) : yt_ink_flat(skin);
        yt_fill(pen, yt_ellipse(-0.34, 0.02, 0.56 + grow, 0.64 + grow, 0.12), ink);
        yt_fill(pen, yt_ellipse(0.34, 0.02, 0.56 + grow, 0.64 + grow, -0.12), ink);
        yt_fill(pen, yt_ellipse(0, 0.30, 0.62 + grow, 0.62 + grow, 0), ink);
    }
    yt_fill(pen, yt_ellipse(0.28, 0.42, 0.5, 0.42, 0), yt_ink_glaze(dark, 0.55, 0.5));
    yt_fill(pen, yt_ellipse(-0.38, -0.12, 0.2, 0.3, 0.3), yt_ink_glaze(yt_rgb_hex(0xffffff), 0.6, 0.25));
    yt_fill(pen, yt_ellipse(0, -0.5, 0.26, 0.1, 0), yt_ink_glaze(dark, 0.9, 0.1));
    yt_fill(pen, yt_line(0, -0.5, 0.1, -0.9, 0.08), yt_ink_hex(0x4f3014));
    yt_fill_edged(pen, yt_ellipse(0.38, -0.78, 0.27, 0.12, -0.35), yt_ink_hex_run(0x7cc142, 0x3f8a22), 0.015,
                  yt_rgb_hex(0x2a5c17));
}

static void draw_orange(const yt_pen *pen, yt_rng *rng) {
    yt_rgb peel = yt_rgb_vary(yt_rgb_hex(0xf58a14), 0.03, rng),
           dark = yt_rgb_mix(peel, yt_rgb_hex(0x6a2500), 0.55);
    yt_shape fruit = yt_disc(0, 0, 0.96);
    yt_pen inside = *pen;
    inside.clip = &fruit;
    yt_fill_edged(pen, fruit, yt_ink_flat(peel), 0.025, dark);
    yt_fill(&inside, yt_crescent(0, 0, 1.2, -0.22, -0.26, 1.0), yt_ink_glaze(dark, 0.6, 0.5));
    yt_fill(&inside, yt_ellipse(-0.36, -0.38, 0.3, 0.22, -0.7), yt_ink_glaze(yt_rgb_hex(0xffffff), 0.5, 0.3));
    for (int i = 0; i < 90; i++) { /* pores */
        double r = 0.92 * sqrt(yt_rng_unit(rng)), a = yt_rng_uniform(rng, 0, 2 * PI);
        yt_fill(&inside, yt_disc(r * cos(a), r * sin(a), 0.022), yt_ink_glaze(dark, 0.4, 0));
    }
    yt_fill(pen, yt_disc(0.12, -0.62, 0.1), yt_ink_glaze(dark, 0.7, 0.08));
    for (int i = 0; i < 5; i++) {
        double a = 2 * PI * i / 5;
        yt_fill(pen, yt_line(0.12, -0.62, 0.12 + 0.1 * cos(a), -0.62 + 0.07 * sin(a), 0.05),
                yt_ink_hex(0x4c7a24));
    }
}

static void draw_pizza(const yt_pen *pen, yt_rng *rng) {
    yt_fill_edged(pen, yt_disc(0, 0, 0.96), yt_ink_hex_run(0xdda04f, 0xb87328), 0.025, yt_rgb_hex(0x7c4a18));
    yt_fill(pen, yt_disc(0, 0, 0.82), yt_ink_hex(0xb93a1b));
    yt_fill(pen, yt_disc(0, 0, 0.78), yt_ink_hex_run(0xf9d06a, 0xf2b844));
    for (int i = 0; i < 30; i++) {
        double r = 0.72 * sqrt(yt_rng_unit(rng)), a = yt_rng_uniform(rng, 0, 2 * PI);
        yt_fill(pen, yt_disc(r * cos(a), r * sin(a), 0.07),
                yt_ink_glaze(yt_rgb_hex(i % 2 ? 0xffe9a6 : 0xe29a2e), 0.5, 0.06));
    }
    for (int i = 0; i < 9; i++) {
        double r = i ? 0.54 : 0, a = 2 * PI * (i + 0.5) / 8 + yt_rng_uniform(rng, -0.12, 0.12);
        yt_fill_edged(pen, yt_disc(r * cos(a), r * sin(a), 0.14), yt_ink_hex_run(0xcf3b26, 0xa52317), 0.012,
                      yt_rgb_hex(0x7d150c));
    }
    for (int i = 0; i < 14; i++) {
        double r = 0.7 * sqrt(yt_rng_unit(rng)), a = yt_rng_uniform(rng, 0, 2 * PI);
        yt_fill(pen, yt_ellipse(r * cos(a), r * sin(a), 0.06, 0.025, 3 * a), yt_ink_hex(0x3f7d2a));
    }
    for (int i = 0; i < 4; i++) { /* cut into eight */
        double x = 0.93 * cos(PI * i / 4), y = 0.93 * sin(PI * i / 4);
        yt_fill(pen, yt_line(-x, -y, x, y, 0.022), yt_ink_hex(0x8a5a1e));
    }
}

static void draw_donut(const yt_pen *pen, yt_rng *rng) {
    static const unsigned icings[3] = {0xf277b0, 0xee6aa7, 0x6b3717};
    static const unsigned sprinkles[5] = {0xffffff, 0xffe14d, 0x4fc3f7, 0x7ed957, 0xff5252};
    yt_rgb icing = yt_rgb_pick(rng, icings, 3), edge = yt_rgb_mix(icing, yt_rgb_hex(0), 0.3);
    yt_stroke(pen, yt_disc(0, 0, 0.64), 0.66, yt_ink_hex(0x8a5522));
    yt_stroke(pen, yt_disc(0, 0, 0.64), 0.62, yt_ink_hex_run(0xe2b06a, 0xbb7c38));
    for (int pass = 0; pass < 2; pass++) { /* the wavy rim of the icing, then its bulk */
        for (int i = 0; i < 12; i++) {
            double a = 2 * PI * i / 12;
            yt_fill(pen, yt_disc(0.76 * cos(a), 0.76 * sin(a), pass ? 0.135 : 0.155),
                    yt_ink_flat(pass ? icing : edge));
        }
        yt_stroke(pen, yt_disc(0, 0, 0.62), pass ? 0.44 : 0.47, yt_ink_flat(pass ? icing : edge));
    }
    yt_fill(pen, yt_arc(0, 0, 0.66, 1.05 * PI, 0.5 * PI, 0.12),
            yt_ink_glaze(yt_rgb_hex(0xffffff), 0.45, 0.1));
    for (int i = 0; i < 26; i++) {
        double a = 2 * PI * (i + yt_rng_uniform(rng, -0.3, 0.3)) / 26, r = yt_rng_uniform(rng, 0.46, 0.8);
        double t = yt_rng_uniform(rng, 0, PI), x = r * cos(a), y = r * sin(a);
        yt_fill(pen, yt_line(x, y, x + 0.09 * cos(t), y + 0.09 * sin(t), 0.045),
                yt_ink_hex(sprinkles[yt_rng_below(rng, 5)]));
    }
}

static void draw_potted_plant(const yt_pen *pen, yt_rng *rng) {
    static const double pot[4][2] = {{-0.36, 0.34}, {0.36, 0.34}, {0.25, 0.95}, {-0.25, 0.95}};
    yt_rgb clay = yt_rgb_vary(yt_rgb_hex(0xc0643a), 0.04, rng), edge = yt_rgb_mix(clay, yt_rgb_hex(0), 0.5);
    for (int i = 0; i < 9; i++) { /* outer leaves first */
        int k = i < 6 ? i : i - 6;
        double a = i < 6 ? -PI * (0.04 + 0.184 * k) : -PI * (0.3 + 0.2 * k);
        double reach = i < 6 ? 0.52 : 0.46, x = reach * cos(a), y = 0.22 + 1.25 * reach * sin(a);
        yt_rgb green = yt_rgb_vary(yt_rgb_hex(i < 6 ? 0x2f8a3c : 0x4fae4a), 0.04, rng);
        double turn = atan2(y - 0.3, x);
        yt_fill(pen, yt_line(0, 0.3, x, y, 0.04), yt_ink_hex(0x2c6b2c));
        yt_fill_edged(pen, yt_ellipse(x, y, 0.38, 0.15, turn), yt_ink_lit(green), 0.015,
                      yt_rgb_hex(0x1d5426));
        yt_fill(pen,
                yt_line(x - 0.3 * cos(turn), y - 0.3 * sin(turn), x + 0.33 * cos(turn), y + 0.33 * sin(turn),
                        0.022),
                yt_ink_hex(0x9fd48a));
    }
    yt_fill_edged(pen, yt_polygon(4, pot, 0.02), yt_ink_lit(clay), 0.015, edge);
    yt_fill_edged(pen, yt_box(-0.43, 0.24, 0.43, 0.42, 0.03), yt_ink_lit(clay), 0.015, edge);
}

static void draw_tv(const yt_pen *pen, yt_rng *rng) {
    static const double hills[5][2] = {
        {-0.92, 0.3}, {-0.45, -0.12}, {-0.05, 0.12}, {0.42, -0.22}, {0.92, 0.3}};
    yt_shape screen = yt_box(-0.91, -0.55, 0.91, 0.42, 0.01);
    yt_pen inside = *pen;
    inside.clip = &screen;
    yt_fill(pen, yt_box(-0.08, 0.45, 0.08, 0.63, 0), yt_ink_hex(0x1b1c1f));
    yt_fill(pen, yt_box(-0.42, 0.60, 0.42, 0.67, 0.03), yt_ink_hex_run(0x3a3c41, 0x141517));
    yt_fill(pen, yt_box(-0.98, -0.62, 0.98, 0.50, 0.03), yt_ink_hex_run(0x2c2e33, 0x0f1012));
    yt_fill(pen, screen, yt_ink_hex_run(0x3f8fe0, 0xc7e6fb));
    yt_fill(&inside, yt_disc(yt_rng_uniform(rng, -0.5, 0.5), -0.25, 0.13), yt_ink_hex(0xffe36b));
    yt_fill(&inside, yt_polygon(5, hills, 0.02), yt_ink_hex_run(0x5c7f8f, 0x39596b));
    yt_fill(&inside, yt_ellipse(-0.2, 0.62, 1.5, 0.42, 0), yt_ink_hex_run(0x77bb4c, 0x3c8030));
    yt_fill(&inside, yt_line(-0.6, -0.8, -1.0, 0.5, 0.25), yt_ink_glaze(yt_rgb_hex(0xffffff), 0.16, 0.05));
    yt_fill(pen, yt_disc(0.9, 0.46, 0.014), yt_ink_hex(0xff4b3a));
}

static void draw_book(const yt_pen *pen, yt_rng *rng) {
    static const unsigned covers[3] = {0x1c4f8f, 0x8f1c2b, 0x1f6b45};
    static const double left[6][2] = {{0, -0.46},    {-0.3, -0.55}, {-0.88, -0.52},
                                      {-0.92, 0.42}, {-0.3, 0.40},  {0, 0.50}};
    static const double right[6][2] = {{0, -0.46},   {0.3, -0.55}, {0.88, -0.52},
                                       {0.92, 0.42}, {0.3, 0.40},  {0, 0.50}};
    static const double board[4][2] = {{-0.93, -0.50}, {0.93, -0.50}, {0.96, 0.50}, {-0.96, 0.50}};
    yt_fill(pen, yt_polygon(4, board, 0.03), yt_ink_lit(yt_rgb_pick(rng, covers, 3)));
    yt_fill_edged(pen, yt_polygon(6, left, 0.01), yt_ink_hex_run(0xfffdf5, 0xece6d3), 0.012,
                  yt_rgb_hex(0x8d8572));
    yt_fill_edged(pen, yt_polygon(6, right, 0.01), yt_ink_hex_run(0xf7f3e6, 0xe4dcc6), 0.012,
                  yt_rgb_hex(0x8d8572));
    yt_fill(pen, yt_line(0, -0.44, 0, 0.46, 0.07), yt_ink_glaze(yt_rgb_hex(0x6d6450), 0.5, 0.06));
    for (int row = 0; row < 8; row++) {
        double y = -0.38 + 0.095 * row, end = row == 7 ? 0.45 : 0.8;
        yt_fill(pen, yt_line(-0.8, y + 0.01, -0.14, y + 0.015, 0.03), yt_ink_hex(0x6f6a60));
        if (row > 3) yt_fill(pen, yt_line(0.14, y + 0.015, end, y + 0.01, 0.03), yt_ink_hex(0x6f6a60));
    }
    yt_fill(pen, yt_box(0.2, -0.42, 0.76, -0.1, 0.01), yt_ink_hex_run(0x86b8dd, 0x6fa356)); /* a picture */
}

static void draw_cat(const yt_pen *pen, yt_rng *rng) {
    static const unsigned furs[3] = {0xd98a3d, 0x6e6a68, 0x3a3533};
    static const double ears[2][3][2] = {{{-0.40, -0.56}, {-0.36, -0.94}, {-0.10, -0.74}},
                                         {{0.40, -0.56}, {0.36, -0.94}, {0.10, -0.74}}};
    static const double inner[2][3][2] = {{{-0.34, -0.64}, {-0.33, -0.84}, {-0.18, -0.73}},
                                          {{0.34, -0.64}, {0.33, -0.84}, {0.18, -0.73}}};
    yt_rgb fur = yt_rgb_pick(rng, furs, 3), dark = yt_rgb_mix(fur, yt_rgb_hex(0), 0.45);
    yt_rgb pale = yt_rgb_mix(fur, yt_rgb_hex(0xffffff), 0.75);
    yt_fill(pen, yt_arc(0.40, 0.62, 0.26, -0.75 * PI, 1.3 * PI, 0.17), yt_ink_flat(dark)); /* tail */
    yt_fill(pen, yt_arc(0.40, 0.62, 0.26, -0.75 * PI, 1.3 * PI, 0.13), yt_ink_flat(fur));
    yt_fill_edged(pen, yt_ellipse(0, 0.42, 0.42, 0.54, 0), yt_ink_lit(fur), 0.02, dark);
    yt_fill(pen, yt_ellipse(0, 0.30, 0.2, 0.34, 0), yt_ink_glaze(pale, 0.95, 0.1));
    for (int side = -1; side <= 1; side += 2) {
        yt_fill_edged(pen, yt_box(side * 0.14 - 0.09, 0.3, side * 0.14 + 0.09, 0.96, 0.09), yt_ink_flat(fur),
                      0.012, dark);
        yt_fill(pen, yt_ellipse(side * 0.14, 0.91, 0.1, 0.055, 0), yt_ink_flat(pale));
    }
    for (int i = 0; i < 2; i++) {
        yt_fill_edged(pen, yt_polygon(3, ears[i], 0.03), yt_ink_flat(fur), 0.02, dark);
        yt_fill(pen, yt_polygon(3, inner[i], 0.01), yt_ink_hex(0xe9a3a3));
    }
    yt_fill_edged(pen, yt_ellipse(0, -0.44, 0.46, 0.38, 0), yt_ink_lit(fur), 0.02, dark);
    for (int i = -1; i <= 1; i++)
        yt_fill(pen, yt_line(i * 0.1, -0.76, i * 0.07, -0.64, 0.04), yt_ink_flat(dark));
    for (int side = -1; side <= 1; side += 2) {
        yt_fill(pen, yt_ellipse(side * 0.1, -0.26, 0.13, 0.1, 0), yt_ink_flat(pale));
        yt_fill_edged(pen, yt_ellipse(side * 0.19, -0.47, 0.095, 0.1, 0), yt_ink_hex_run(0xd8e84a, 0x8fbf2f),
                      0.012, yt_rgb_hex(0x1b1b1b));
        yt_fill(pen, yt_ellipse(side * 0.19, -0.47, 0.03, 0.085, 0), yt_ink_hex(0x0b0b0b));
        for (int i = -1; i <= 1; i++)
            yt_fill(pen, yt_line(side * 0.16, -0.27 + 0.02 * i, side * 0.52, -0.29 + 0.09 * i, 0.014),
                    yt_ink_hex(0xf4f4f4));
        yt_fill(pen, yt_arc(side * 0.06, -0.27, 0.06, 0.05 * PI, 0.9 * PI, 0.018), yt_ink_hex(0x2b1a1a));
    }
    static const double nose[3][2] = {{-0.05, -0.34}, {0.05, -0.34}, {0, -0.28}};
    yt_fill(pen, yt_polygon(3, nose, 0.012), yt_ink_hex(0xd06a72));
}

const yt_object yt_room_objects[] = {
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
const int yt_room_object_count = (int)(sizeof yt_room_objects / sizeof *yt_room_objects);
