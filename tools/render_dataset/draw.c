/* draw.c: distance functions and the one loop that paints them. The distances of circles, boxes, segments and
 * polygons are exact; the ellipse's is the first-order one f / |grad f|, good to a fraction of a pixel near the
 * edge, which is the only place where it is used. */
#include "draw.h"

#include <math.h>

static double clamp01(double x) {
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

draw_rgb draw_rgb_hex(unsigned hex) {
    return (draw_rgb){(hex >> 16 & 255) / 255.0, (hex >> 8 & 255) / 255.0, (hex & 255) / 255.0};
}

draw_rgb draw_rgb_mix(draw_rgb a, draw_rgb b, double share) {
    return (draw_rgb){a.r + (b.r - a.r) * share, a.g + (b.g - a.g) * share, a.b + (b.b - a.b) * share};
}

draw_rgb draw_rgb_vary(draw_rgb colour, double amount, yti_rng *rng) {
    double r = yti_rng_uniform(rng, -amount, amount), g = yti_rng_uniform(rng, -amount, amount);
    double b = yti_rng_uniform(rng, -amount, amount);
    return (draw_rgb){clamp01(colour.r + r), clamp01(colour.g + g), clamp01(colour.b + b)};
}

draw_rgb draw_rgb_pick(yti_rng *rng, const unsigned *colours, uint32_t n) {
    return draw_rgb_vary(draw_rgb_hex(colours[yti_rng_below(rng, n)]), 0.04, rng);
}

yti_shape draw_ellipse(double x, double y, double rx, double ry, double turn) {
    return (yti_shape){.kind = YT_SHAPE_ELLIPSE, .x = x, .y = y, .a = rx, .b = ry, .turn = turn};
}

yti_shape draw_disc(double x, double y, double r) {
    return draw_ellipse(x, y, r, r, 0);
}

yti_shape draw_box(double x0, double y0, double x1, double y1, double corner) {
    return (yti_shape){.kind = YT_SHAPE_BOX,
                       .x = (x0 + x1) / 2,
                       .y = (y0 + y1) / 2,
                       .a = (x1 - x0) / 2,
                       .b = (y1 - y0) / 2,
                       .r = corner};
}

yti_shape draw_polygon(int n, const double (*points)[2], double rounding) {
    return (yti_shape){.kind = YT_SHAPE_POLYGON, .n = n, .points = points, .r = rounding};
}

yti_shape draw_line(double x0, double y0, double x1, double y1, double width) {
    return (yti_shape){.kind = YT_SHAPE_LINE, .x = x0, .y = y0, .a = x1, .b = y1, .r = width / 2};
}

yti_shape draw_arc(double x, double y, double radius, double from, double sweep, double width) {
    return (yti_shape){.kind = YT_SHAPE_ARC, .x = x, .y = y, .a = radius, .b = from, .c = sweep, .r = width / 2};
}

yti_shape draw_crescent(double x, double y, double r, double cut_x, double cut_y, double cut_r) {
    return (yti_shape){.kind = YT_SHAPE_CRESCENT, .x = x, .y = y, .r = r, .a = cut_x, .b = cut_y, .c = cut_r};
}

yti_shape draw_cut_disc(double x, double y, double r, double below) {
    return (yti_shape){.kind = YT_SHAPE_CUT_DISC, .x = x, .y = y, .r = r, .a = below};
}

draw_ink draw_ink_flat(draw_rgb colour) {
    return draw_ink_run(colour, colour);
}

draw_ink draw_ink_run(draw_rgb top, draw_rgb bottom) {
    return (draw_ink){.top = top, .bottom = bottom, .alpha = 1};
}

draw_ink draw_ink_hex(unsigned colour) {
    return draw_ink_flat(draw_rgb_hex(colour));
}

draw_ink draw_ink_hex_run(unsigned top, unsigned bottom) {
    return draw_ink_run(draw_rgb_hex(top), draw_rgb_hex(bottom));
}

draw_ink draw_ink_lit(draw_rgb colour) {
    return draw_ink_run(draw_rgb_mix(colour, draw_rgb_hex(0xffffff), 0.22),
                        draw_rgb_mix(colour, draw_rgb_hex(0), 0.22));
}

draw_ink draw_ink_glaze(draw_rgb colour, double alpha, double soft) {
    return (draw_ink){.top = colour, .bottom = colour, .alpha = alpha, .soft = soft};
}

draw_pen draw_pen_make(draw_canvas *canvas, double x, double y, double scale, double turn, bool mirrored) {
    return (draw_pen){.canvas = canvas,
                      .x = x,
                      .y = y,
                      .scale = scale,
                      .cosine = cos(turn),
                      .sine = sin(turn),
                      .mirror = mirrored ? -1 : 1};
}

static double line_distance(double px, double py, double x0, double y0, double x1, double y1) {
    double dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;
    double t = length2 > 0 ? clamp01(((px - x0) * dx + (py - y0) * dy) / length2) : 0;
    return hypot(px - x0 - t * dx, py - y0 - t * dy);
}

static double polygon_distance(const yti_shape *s, double px, double py) {
    double nearest = HUGE_VAL;
    bool inside = false;
    for (int i = 0, j = s->n - 1; i < s->n; j = i++) {
        const double *a = s->points[i], *b = s->points[j];
        double d = line_distance(px, py, a[0], a[1], b[0], b[1]);
        if (d < nearest) nearest = d;
        bool crosses = (a[1] > py) != (b[1] > py); /* the edge passes this height: even-odd rule */
        if (crosses && px < a[0] + (py - a[1]) / (b[1] - a[1]) * (b[0] - a[0])) inside = !inside;
    }
    return (inside ? -nearest : nearest) - s->r;
}

static double ellipse_distance(double x, double y, double a, double b) {
    if (a == b) return hypot(x, y) - a;
    double k1 = hypot(x / a, y / b), k2 = hypot(x / (a * a), y / (b * b));
    return k2 > 0 ? k1 * (k1 - 1) / k2 : -fmin(a, b);
}

static double box_distance(double x, double y, double a, double b, double corner) {
    double qx = fabs(x) - a + corner, qy = fabs(y) - b + corner;
    return hypot(fmax(qx, 0), fmax(qy, 0)) + fmin(fmax(qx, qy), 0) - corner;
}

static double arc_distance(const yti_shape *s, double px, double py) {
    double x = px - s->x, y = py - s->y, whole = 2 * 3.14159265358979323846;
    double angle = fmod(atan2(y, x) - s->b, whole);
    if (angle < 0) angle += whole;
    if (angle <= s->c) return fabs(hypot(x, y) - s->a) - s->r;
    double end = s->b + s->c;
    double d0 = hypot(x - s->a * cos(s->b), y - s->a * sin(s->b));
    double d1 = hypot(x - s->a * cos(end), y - s->a * sin(end));
    return fmin(d0, d1) - s->r;
}

static double distance(const yti_shape *s, double px, double py) {
    double x = px - s->x, y = py - s->y;
    if (s->turn != 0) {
        double c = cos(s->turn), n = sin(s->turn), rx = c * x + n * y;
        y = c * y - n * x;
        x = rx;
    }
    switch (s->kind) {
    case YT_SHAPE_ELLIPSE:
        return ellipse_distance(x, y, s->a, s->b);
    case YT_SHAPE_BOX:
        return box_distance(x, y, s->a, s->b, s->r);
    case YT_SHAPE_POLYGON:
        return polygon_distance(s, px, py);
    case YT_SHAPE_LINE:
        return line_distance(px, py, s->x, s->y, s->a, s->b) - s->r;
    case YT_SHAPE_ARC:
        return arc_distance(s, px, py);
    case YT_SHAPE_CRESCENT:
        return fmax(hypot(x, y) - s->r, s->c - hypot(px - s->a, py - s->b));
    case YT_SHAPE_CUT_DISC:
        return fmax(hypot(x, y) - s->r, py - s->a);
    }
    return HUGE_VAL;
}

typedef struct bounds {
    double x0, y0, x1, y1;
} bounds;

/* A box, not always the smallest, around a shape in the object's units. */
static bounds shape_bounds(const yti_shape *s) {
    bounds o = {s->x - s->r, s->y - s->r, s->x + s->r, s->y + s->r};
    double reach = s->kind == YT_SHAPE_ARC ? s->a + s->r : s->turn != 0 ? hypot(s->a, s->b) : 0;
    if (reach > 0) return (bounds){s->x - reach, s->y - reach, s->x + reach, s->y + reach};
    if (s->kind == YT_SHAPE_ELLIPSE || s->kind == YT_SHAPE_BOX)
        return (bounds){s->x - s->a, s->y - s->b, s->x + s->a, s->y + s->b};
    if (s->kind == YT_SHAPE_CUT_DISC) o.y1 = fmin(o.y1, s->a);
    if (s->kind == YT_SHAPE_LINE)
        return (bounds){fmin(s->x, s->a) - s->r, fmin(s->y, s->b) - s->r, fmax(s->x, s->a) + s->r,
                        fmax(s->y, s->b) + s->r};
    if (s->kind == YT_SHAPE_POLYGON) {
        o = (bounds){HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
        for (int i = 0; i < s->n; i++) {
            o.x0 = fmin(o.x0, s->points[i][0] - s->r), o.x1 = fmax(o.x1, s->points[i][0] + s->r);
            o.y0 = fmin(o.y0, s->points[i][1] - s->r), o.y1 = fmax(o.y1, s->points[i][1] + s->r);
        }
    }
    return o;
}

static void to_units(const draw_pen *pen, double px, double py, double *x, double *y) {
    double dx = (px - pen->x) / pen->scale, dy = (py - pen->y) / pen->scale;
    *x = (pen->cosine * dx + pen->sine * dy) * pen->mirror;
    *y = pen->cosine * dy - pen->sine * dx;
}

/* The pixels that a box in the object's units can touch, `grow` units larger. */
static void pixel_range(const draw_pen *pen, bounds b, double grow, int range[4]) {
    double lo_x = HUGE_VAL, lo_y = HUGE_VAL, hi_x = -HUGE_VAL, hi_y = -HUGE_VAL;
    for (int corner = 0; corner < 4; corner++) {
        double x = (corner & 1 ? b.x1 + grow : b.x0 - grow) * pen->mirror;
        double y = corner & 2 ? b.y1 + grow : b.y0 - grow;
        double px = pen->x + (pen->cosine * x - pen->sine * y) * pen->scale;
        double py = pen->y + (pen->sine * x + pen->cosine * y) * pen->scale;
        lo_x = fmin(lo_x, px), hi_x = fmax(hi_x, px), lo_y = fmin(lo_y, py), hi_y = fmax(hi_y, py);
    }
    range[0] = (int)fmin(fmax(lo_x - 1, 0), pen->canvas->w);
    range[1] = (int)fmin(fmax(lo_y - 1, 0), pen->canvas->h);
    range[2] = (int)fmin(fmax(hi_x + 2, 0), pen->canvas->w);
    range[3] = (int)fmin(fmax(hi_y + 2, 0), pen->canvas->h);
}

static void blend(double *dst, draw_rgb colour, double alpha) {
    double keep = 1 - alpha;
    dst[0] = dst[0] * keep + colour.r * alpha;
    dst[1] = dst[1] * keep + colour.g * alpha;
    dst[2] = dst[2] * keep + colour.b * alpha;
    dst[3] = dst[3] * keep + alpha;
}

/* A shade may have edges of its own, so it is averaged over 3 x 3 points of the pixel. */
static draw_rgb shade_pixel(const draw_pen *pen, const draw_ink *ink, int px, int py) {
    draw_rgb sum = {0, 0, 0};
    for (int i = 0; i < 9; i++) {
        int column = i % 3, row = i / 3;
        double x, y;
        to_units(pen, px + (column + 0.5) / 3, py + (row + 0.5) / 3, &x, &y);
        draw_rgb c = ink->shade(ink->context, x, y);
        sum.r += c.r / 9, sum.g += c.g / 9, sum.b += c.b / 9;
    }
    return sum;
}

static double coverage(const draw_pen *pen, double d, double soft) {
    if (soft * pen->scale <= 1) return clamp01(0.5 - d * pen->scale);
    double t = clamp01(0.5 - d / soft);
    return t * t * (3 - 2 * t);
}

/* The one painting loop. stroke < 0: the inside; else a band of that width along the edge. */
static void paint(const draw_pen *pen, const yti_shape *shape, double stroke, const draw_ink *ink) {
    bounds b = shape_bounds(shape);
    int range[4];
    pixel_range(pen, b, fmax(stroke, 0) + ink->soft, range);
    for (int py = range[1]; py < range[3]; py++)
        for (int px = range[0]; px < range[2]; px++) {
            double x, y;
            to_units(pen, px + 0.5, py + 0.5, &x, &y);
            double d = distance(shape, x, y);
            double cover = coverage(pen, stroke < 0 ? d : fabs(d) - stroke / 2, ink->soft) * ink->alpha;
            if (cover > 0 && pen->clip) cover *= coverage(pen, distance(pen->clip, x, y), 0);
            if (cover <= 0) continue;
            double t = b.y1 > b.y0 ? clamp01((y - b.y0) / (b.y1 - b.y0)) : 0;
            draw_rgb colour = ink->shade ? shade_pixel(pen, ink, px, py) : draw_rgb_mix(ink->top, ink->bottom, t);
            blend(pen->canvas->rgba + 4 * ((size_t)py * (size_t)pen->canvas->w + (size_t)px), colour, cover);
        }
}

void draw_fill(const draw_pen *pen, yti_shape shape, draw_ink ink) {
    paint(pen, &shape, -1, &ink);
}

void draw_stroke(const draw_pen *pen, yti_shape shape, double width, draw_ink ink) {
    paint(pen, &shape, width, &ink);
}

void draw_fill_edged(const draw_pen *pen, yti_shape shape, draw_ink ink, double width, draw_rgb edge) {
    draw_stroke(pen, shape, 2 * width, draw_ink_flat(edge));
    draw_fill(pen, shape, ink);
}
