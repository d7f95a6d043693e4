/* objects_street.c: what is seen out of doors. */
#include "objects.h"

#include <math.h>

#define PI 3.14159265358979323846

static void regular(int n, double radius, double phase, double (*points)[2]) {
    for (int i = 0; i < n; i++) {
        points[i][0] = radius * cos(phase + 2 * PI * i / n);
        points[i][1] = radius * sin(phase + 2 * PI * i / n);
    }
}

/* The four letters of STOP as strokes in a cell of width 1, height 2 around (x, 0), scaled by s. */
static void letters_stop(const draw_pen *pen, double s) {
    draw_ink white = draw_ink_hex(0xfdfdfb);
    double t = 0.36 * s, x = -2.1 * s; /* stroke width; left cell */
    draw_fill(pen, draw_arc(x, -0.5 * s, 0.46 * s, 0.5 * PI, 1.25 * PI, t), white);
    draw_fill(pen, draw_arc(x, 0.42 * s, 0.46 * s, -0.5 * PI, 1.25 * PI, t), white);
    x += 1.4 * s;
    draw_fill(pen, draw_line(x - 0.5 * s, -0.95 * s, x + 0.5 * s, -0.95 * s, t), white);
    draw_fill(pen, draw_line(x, -0.95 * s, x, 0.9 * s, t), white);
    x += 1.4 * s;
    draw_stroke(pen, draw_box(x - 0.46 * s, -0.95 * s, x + 0.46 * s, 0.9 * s, 0.4 * s), t, white);
    x += 1.4 * s;
    draw_fill(pen, draw_line(x - 0.4 * s, -0.95 * s, x - 0.4 * s, 0.9 * s, t), white);
    draw_stroke(pen, draw_box(x - 0.4 * s, -0.95 * s, x + 0.5 * s, 0.1 * s, 0.4 * s), t, white);
}

static void draw_stop_sign(const draw_pen *pen, yti_rng *rng) {
    double outer[8][2], inner[8][2];
    regular(8, 1.0 / cos(PI / 8), PI / 8, outer);
    regular(8, 0.91 / cos(PI / 8), PI / 8, inner);
    draw_rgb red = draw_rgb_vary(draw_rgb_hex(0xc4161c), 0.04, rng);
    draw_fill(pen, draw_polygon(8, (const double(*)[2])outer, 0), draw_ink_hex_run(0xffffff, 0xdcdcdc));
    draw_fill(pen, draw_polygon(8, (const double(*)[2])inner, 0), draw_ink_lit(red));
    letters_stop(pen, 0.27);
}

static void draw_traffic_light(const draw_pen *pen, yti_rng *rng) {
    static const unsigned on[3] = {0xff2d1f, 0xffc21a, 0x23e05a}, off[3] = {0x4a1512, 0x4d3a10, 0x0f3d1d};
    uint32_t lit_lamp = yti_rng_below(rng, 3);
    draw_fill_edged(pen, draw_box(-0.40, -0.98, 0.40, 0.98, 0.12), draw_ink_hex_run(0x3a4038, 0x1d201c), 0.02,
                    draw_rgb_hex(0x0c0d0c));
    draw_stroke(pen, draw_box(-0.37, -0.95, 0.37, 0.95, 0.1), 0.035, draw_ink_hex(0xe8b923));
    for (uint32_t i = 0; i < 3; i++) {
        double y = -0.6 + 0.6 * i;
        draw_fill(pen, draw_disc(0, y, 0.275), draw_ink_hex(0x090a09));
        if (i == lit_lamp) draw_fill(pen, draw_disc(0, y, 0.27), draw_ink_glaze(draw_rgb_hex(on[i]), 0.5, 0.2));
        draw_fill(pen, draw_disc(0, y, 0.23), draw_ink_hex(i == lit_lamp ? on[i] : off[i]));
        draw_fill(pen, draw_ellipse(-0.06, y - 0.08, 0.1, 0.06, -0.5),
                  draw_ink_glaze(draw_rgb_hex(0xffffff), i == lit_lamp ? 0.65 : 0.2, 0.08));
        draw_fill(pen, draw_arc(0, y, 0.27, 1.1 * PI, 0.8 * PI, 0.06), draw_ink_hex(0x141614)); /* visor */
    }
}

/* The faces of a truncated icosahedron, which a football is: 12 pentagons on the corners of an icosahedron, 20
 * hexagons on those of a dodecahedron. The face seen at a point of the sphere is the one whose plane is reached
 * first along the ray from the centre: the largest dot(point, normal) / inradius. */
typedef struct football {
    double normal[32][3], per_inradius[32];
    double turn[3][3];
} football;

static void football_make(football *ball, yti_rng *rng) {
    const double golden = (1 + sqrt(5)) / 2, a = 1 / sqrt(1 + golden * golden), b = golden * a;
    const double c = 1 / sqrt(3), d = c / golden, e = c * golden;
    int n = 0;
    for (int axis = 0; axis < 3; axis++)
        for (int sign = 0; sign < 4; sign++) {
            double p = sign & 1 ? -1 : 1, q = sign & 2 ? -1 : 1;
            double *five = ball->normal[n], *six = ball->normal[12 + n];
            five[axis] = 0, five[(axis + 1) % 3] = p * a, five[(axis + 2) % 3] = q * b;
            six[axis] = 0, six[(axis + 1) % 3] = p * e, six[(axis + 2) % 3] = q * d;
            n++;
        }
    for (int corner = 0; corner < 8; corner++)
        for (int axis = 0; axis < 3; axis++) ball->normal[24 + corner][axis] = corner >> axis & 1 ? -c : c;
    for (int i = 0; i < 32; i++) ball->per_inradius[i] = i < 12 ? 1 / 2.32744 : 1 / 2.26728;
    double u = yti_rng_uniform(rng, -0.5, 0.5), v = yti_rng_uniform(rng, -0.5, 0.5),
           w = yti_rng_uniform(rng, 0, 2 * PI);
    double cu = cos(u), su = sin(u), cv = cos(v), sv = sin(v), cw = cos(w), sw = sin(w);
    double turn[3][3] = {{cv * cw, su * sv * cw - cu * sw, cu * sv * cw + su * sw},
                         {cv * sw, su * sv * sw + cu * cw, cu * sv * sw - su * cw},
                         {-sv, su * cv, cu * cv}};
    for (int i = 0; i < 9; i++) ball->turn[i / 3][i % 3] = turn[i / 3][i % 3];
}

static draw_rgb football_shade(const void *context, double x, double y) {
    const football *ball = context;
    double z = sqrt(fmax(0, 1 - x * x - y * y)), best = -1, second = -1, point[3];
    for (int i = 0; i < 3; i++) point[i] = ball->turn[i][0] * x + ball->turn[i][1] * y + ball->turn[i][2] * z;
    int face = 0;
    for (int i = 0; i < 32; i++) {
        const double *m = ball->normal[i];
        double near = (m[0] * point[0] + m[1] * point[1] + m[2] * point[2]) * ball->per_inradius[i];
        if (near > best)
            second = best, best = near, face = i;
        else if (near > second)
            second = near;
    }
    draw_rgb colour = draw_rgb_hex(face < 12 ? 0x16181c : best - second < 0.006 ? 0x6c7076 : 0xffffff);
    double light = 0.62 + 0.42 * fmax(0, -0.35 * x - 0.6 * y + 0.72 * z);
    return (draw_rgb){fmin(1, colour.r * light), fmin(1, colour.g * light), fmin(1, colour.b * light)};
}

static void draw_sports_ball(const draw_pen *pen, yti_rng *rng) {
    football ball;
    football_make(&ball, rng);
    draw_ink leather = {.alpha = 1, .shade = football_shade, .context = &ball};
    draw_fill_edged(pen, draw_disc(0, 0, 0.98), leather, 0.02, draw_rgb_hex(0x303338));
}

static void draw_kite(const draw_pen *pen, yti_rng *rng) {
    static const unsigned warm[3] = {0xe5242a, 0xf0641e, 0xd81f6a};
    static const double quarter[4][3][2] = {{{0, -1}, {0, -0.25}, {-0.62, -0.25}},
                                            {{0, -1}, {0.62, -0.25}, {0, -0.25}},
                                            {{-0.62, -0.25}, {0, -0.25}, {0, 0.55}},
                                            {{0, -0.25}, {0.62, -0.25}, {0, 0.55}}};
    static const double whole[4][2] = {{0, -1}, {0.62, -0.25}, {0, 0.55}, {-0.62, -0.25}};
    draw_rgb red = draw_rgb_pick(rng, warm, 3), yellow = draw_rgb_vary(draw_rgb_hex(0xffd21f), 0.03, rng);
    double x = 0, y = 0.55;
    for (int i = 0; i < 3; i++) { /* tail with three bows */
        double nx = i % 2 ? -0.02 : 0.1, ny = y + 0.15;
        draw_fill(pen, draw_line(x, y, nx, ny, 0.025), draw_ink_hex(0x2b2b33));
        x = nx, y = ny;
        double bow[4][2] = {{x - 0.11, y - 0.05}, {x + 0.11, y + 0.05}, {x + 0.11, y - 0.05}, {x - 0.11, y + 0.05}};
        draw_fill(pen, draw_polygon(4, (const double(*)[2])bow, 0.01), draw_ink_flat(i % 2 ? yellow : red));
    }
    for (int i = 0; i < 4; i++)
        draw_fill(pen, draw_polygon(3, quarter[i], 0.004), draw_ink_lit(i == 0 || i == 3 ? red : yellow));
    draw_fill(pen, draw_line(0, -1, 0, 0.55, 0.025), draw_ink_hex(0x5a3a22));
    draw_fill(pen, draw_line(-0.62, -0.25, 0.62, -0.25, 0.025), draw_ink_hex(0x5a3a22));
    draw_stroke(pen, draw_polygon(4, whole, 0), 0.03, draw_ink_hex(0x3c2a2a));
}

static void draw_wheel(const draw_pen *pen, double x, double y, double r) {
    draw_fill(pen, draw_disc(x, y, r), draw_ink_hex(0x17181a));
    draw_fill(pen, draw_disc(x, y, r * 0.62), draw_ink_hex_run(0xd9dde1, 0x8d9399));
    for (int i = 0; i < 5; i++) {
        double a = 2 * PI * i / 5 + 0.3;
        draw_fill(pen, draw_disc(x + r * 0.38 * cos(a), y + r * 0.38 * sin(a), r * 0.12), draw_ink_hex(0x3c4046));
    }
    draw_fill(pen, draw_disc(x, y, r * 0.13), draw_ink_hex(0x44484e));
}

static void draw_car(const draw_pen *pen, yti_rng *rng) {
    static const unsigned paint[4] = {0x1f56c4, 0xc92a2a, 0x2a6fd6, 0xb8322f};
    static const double body[12][2] = {{-0.97, 0.20},  {-0.97, -0.02}, {-0.90, -0.09}, {-0.56, -0.13},
                                       {-0.30, -0.42}, {0.34, -0.42},  {0.66, -0.12},  {0.90, -0.08},
                                       {0.96, 0.00},   {0.97, 0.20},   {0.90, 0.26},   {-0.90, 0.26}};
    static const double front[4][2] = {{-0.45, -0.13}, {-0.26, -0.36}, {-0.02, -0.36}, {-0.02, -0.13}};
    static const double rear[4][2] = {{0.04, -0.13}, {0.04, -0.36}, {0.30, -0.36}, {0.53, -0.13}};
    draw_rgb colour = draw_rgb_pick(rng, paint, 4), edge = draw_rgb_mix(colour, draw_rgb_hex(0x000000), 0.6);
    draw_fill_edged(pen, draw_polygon(12, body, 0.02), draw_ink_lit(colour), 0.012, edge);
    draw_fill(pen, draw_box(-0.95, 0.19, 0.95, 0.27, 0.03), draw_ink_flat(edge));
    draw_fill(pen, draw_polygon(4, front, 0.012), draw_ink_hex_run(0xcfe6f2, 0x6f8ea3));
    draw_fill(pen, draw_polygon(4, rear, 0.012), draw_ink_hex_run(0xcfe6f2, 0x6f8ea3));
    draw_fill(pen, draw_line(-0.47, -0.08, 0.92, -0.03, 0.02), draw_ink_glaze(draw_rgb_hex(0xffffff), 0.5, 0));
    draw_fill(pen, draw_line(0.01, -0.12, 0.01, 0.18, 0.012), draw_ink_flat(edge));
    draw_fill(pen, draw_line(-0.48, -0.08, -0.44, 0.17, 0.012), draw_ink_flat(edge));
    draw_fill(pen, draw_line(0.08, 0.0, 0.18, 0.0, 0.03), draw_ink_flat(edge));
    draw_fill(pen, draw_ellipse(-0.93, 0.02, 0.05, 0.045, 0), draw_ink_hex(0xfff3bf));
    draw_fill(pen, draw_box(0.90, -0.03, 0.975, 0.07, 0.02), draw_ink_hex(0x8f0d12));
    for (int i = 0; i < 2; i++) {
        double x = i ? 0.58 : -0.6;
        draw_fill(pen, draw_cut_disc(x, 0.22, 0.235, 0.27), draw_ink_hex(0x0d0e10));
        draw_wheel(pen, x, 0.23, 0.19);
    }
}

static void draw_bus(const draw_pen *pen, yti_rng *rng) {
    draw_rgb colour = draw_rgb_vary(draw_rgb_hex(0xf2a81d), 0.03, rng),
             edge = draw_rgb_mix(colour, draw_rgb_hex(0x000000), 0.65);
    draw_fill_edged(pen, draw_box(-0.97, -0.48, 0.97, 0.36, 0.09), draw_ink_lit(colour), 0.012, edge);
    draw_fill(pen, draw_box(-0.97, 0.10, 0.97, 0.14, 0), draw_ink_hex(0x2a2320));
    draw_fill(pen, draw_box(-0.97, 0.19, 0.97, 0.21, 0), draw_ink_hex(0x2a2320));
    draw_fill(pen, draw_box(-0.95, 0.30, 0.95, 0.38, 0.03), draw_ink_hex(0x2b2b2e));
    for (int i = 0; i < 5; i++) {
        double x = -0.42 + 0.275 * i;
        draw_fill_edged(pen, draw_box(x - 0.12, -0.33, x + 0.12, 0.02, 0.03), draw_ink_hex_run(0xd7ebf5, 0x6c8798),
                        0.012, edge);
    }
    draw_fill_edged(pen, draw_box(-0.95, -0.36, -0.87, 0.04, 0.03), draw_ink_hex_run(0xd7ebf5, 0x6c8798), 0.01, edge);
    draw_fill_edged(pen, draw_box(-0.81, -0.36, -0.60, 0.29, 0.02), draw_ink_hex_run(0xc5dbe6, 0x5b7484), 0.014, edge);
    draw_fill(pen, draw_line(-0.705, -0.35, -0.705, 0.28, 0.02), draw_ink_flat(edge));
    draw_fill(pen, draw_disc(-0.93, 0.25, 0.035), draw_ink_hex(0xfff3bf));
    draw_fill(pen, draw_box(0.93, 0.0, 0.975, 0.09, 0.01), draw_ink_hex(0x9a1013));
    for (int i = 0; i < 2; i++) {
        double x = i ? 0.60 : -0.42;
        draw_fill(pen, draw_cut_disc(x, 0.35, 0.19, 0.38), draw_ink_hex(0x141414));
        draw_wheel(pen, x, 0.35, 0.155);
    }
}

static void draw_person(const draw_pen *pen, yti_rng *rng) {
    static const unsigned shirts[4] = {0x2f9e5b, 0x7a3fb0, 0xe0752d, 0x1e8a9c};
    static const unsigned skins[4] = {0xf2c9a5, 0xd9a171, 0xa86f45, 0x6f4527};
    static const unsigned hairs[3] = {0x2a1a10, 0x5c3a1c, 0x17130f};
    static const double trunk[6][2] = {{-0.17, -0.56}, {0.17, -0.56}, {0.20, -0.4},
                                       {0.15, 0.06},   {-0.15, 0.06}, {-0.20, -0.4}};
    draw_rgb shirt = draw_rgb_pick(rng, shirts, 4), skin = draw_rgb_pick(rng, skins, 4),
             hair = draw_rgb_pick(rng, hairs, 3);
    draw_rgb trousers = draw_rgb_vary(draw_rgb_hex(0x27365c), 0.04, rng);
    double swing = yti_rng_uniform(rng, 0.03, 0.12), raise = yti_rng_uniform(rng, -0.05, 0.1);
    for (int side = -1; side <= 1; side += 2) {
        double foot = side * (0.08 + swing);
        draw_fill(pen, draw_line(side * 0.08, 0.05, (side * 0.09 + foot) / 2, 0.46, 0.17), draw_ink_flat(trousers));
        draw_fill(pen, draw_line((side * 0.09 + foot) / 2, 0.46, foot, 0.88, 0.14), draw_ink_flat(trousers));
        draw_fill(pen, draw_line(foot - 0.02, 0.94, foot + 0.09, 0.945, 0.095), draw_ink_hex(0x2a2524));
        double hand_x = side * (0.30 + raise), hand_y = 0.06 - raise;
        draw_fill(pen, draw_line(side * 0.19, -0.5, side * 0.26, -0.22, 0.12),
                  draw_ink_flat(draw_rgb_mix(shirt, draw_rgb_hex(0), 0.12)));
        draw_fill(pen, draw_line(side * 0.26, -0.22, hand_x, hand_y, 0.09), draw_ink_flat(skin));
        draw_fill(pen, draw_disc(hand_x, hand_y + 0.02, 0.055), draw_ink_flat(skin));
    }
    draw_fill(pen, draw_polygon(6, trunk, 0.035), draw_ink_lit(shirt));
    draw_fill(pen, draw_line(0, -0.64, 0, -0.57, 0.1), draw_ink_flat(draw_rgb_mix(skin, draw_rgb_hex(0), 0.15)));
    draw_fill(pen, draw_disc(0, -0.82, 0.165), draw_ink_flat(hair));
    draw_fill(pen, draw_ellipse(0, -0.77, 0.125, 0.155, 0), draw_ink_flat(skin));
    draw_fill(pen, draw_cut_disc(0, -0.82, 0.163, -0.86), draw_ink_flat(hair));
    for (int side = -1; side <= 1; side += 2)
        draw_fill(pen, draw_disc(side * 0.05, -0.79, 0.018), draw_ink_hex(0x1b1512));
    draw_fill(pen, draw_arc(0, -0.725, 0.045, 0.15 * PI, 0.7 * PI, 0.018), draw_ink_hex(0x8c3b34));
}

static void draw_umbrella(const draw_pen *pen, yti_rng *rng) {
    static const unsigned cloth[3] = {0x8e2bbf, 0xc2267f, 0x2b55c9};
    draw_rgb colour = draw_rgb_pick(rng, cloth, 3), dark = draw_rgb_mix(colour, draw_rgb_hex(0x000000), 0.35);
    draw_fill(pen, draw_line(0, -0.98, 0, 0.78, 0.05), draw_ink_hex(0x4a3626));
    draw_fill(pen, draw_arc(0.14, 0.78, 0.14, 0, PI, 0.06), draw_ink_hex(0x4a3626));
    yti_shape dome = draw_cut_disc(0, 0.1, 1.0, 0.02);
    draw_pen inside = *pen;
    inside.clip = &dome;
    draw_fill(pen, dome, draw_ink_flat(dark));
    /* Panels: the dome seen from the side shows its ribs as ellipses of shrinking width. */
    draw_fill(&inside, draw_ellipse(0, 0.1, 1.0, 1.0, 0), draw_ink_lit(draw_rgb_mix(colour, draw_rgb_hex(0), 0.18)));
    draw_fill(&inside, draw_ellipse(0, 0.1, 0.66, 1.0, 0),
              draw_ink_lit(draw_rgb_mix(colour, draw_rgb_hex(0xffffff), 0.25)));
    draw_fill(&inside, draw_ellipse(0, 0.1, 0.26, 1.0, 0), draw_ink_lit(colour));
    for (int i = 0; i < 3; i++)
        draw_stroke(&inside,
                    draw_ellipse(0, 0.1,
                                 i == 0   ? 0.26
                                 : i == 1 ? 0.66
                                          : 0.995,
                                 1.0, 0),
                    0.02, draw_ink_flat(dark));
}

const draw_object draw_street_objects[] = {
    /* name, draw, half_w, half_h, place, bottom range, size range, tilt, handed */
    {"stop sign", draw_stop_sign, 1.0, 1.0, YT_PLACE_POST, 0.25, 0.72, 60, 190, 7, true},
    {"traffic light", draw_traffic_light, 0.42, 1.0, YT_PLACE_POST, 0.30, 0.72, 90, 240, 4, false},
    {"sports ball", draw_sports_ball, 1.0, 1.0, YT_PLACE_GROUND, 0.58, 0.97, 60, 170, 180, false},
    {"kite", draw_kite, 0.63, 1.0, YT_PLACE_SKY, 0.30, 0.60, 80, 230, 25, false},
    {"car", draw_car, 0.99, 0.43, YT_PLACE_GROUND, 0.76, 0.98, 110, 260, 3, false},
    {"bus", draw_bus, 0.99, 0.5, YT_PLACE_GROUND, 0.76, 0.98, 160, 300, 2, false},
    {"person", draw_person, 0.42, 1.0, YT_PLACE_GROUND, 0.70, 0.98, 110, 300, 3, false},
    {"umbrella", draw_umbrella, 1.0, 0.97, YT_PLACE_GROUND, 0.60, 0.95, 90, 220, 20, false},
};
const int draw_street_object_count = (int)(sizeof draw_street_objects / sizeof *draw_street_objects);
