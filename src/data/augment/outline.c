/* outline.c: what is seen of a polygon (spec training 2.4).
 *
 * The box around the part of a polygon inside a rectangle is the box around three kinds of points: those of its edges
 * inside the rectangle, which are found edge by edge (Liang and Barsky 1984), and the corners of the rectangle that lie
 * inside the polygon (even-odd rule). A projective map keeps lines straight, so the vertices say everything; the
 * reference trainer brings every outline to a thousand points first and comes to the same box.
 */
#include "data/augment/augment.h"

#include <math.h>

typedef struct spot {
    double x, y;
} spot;

/* Grows from nothing. */
typedef struct extent {
    double x1, y1, x2, y2;
} extent;

static spot map_point(const double m[9], yti_point p) {
    double x = (double)p.x, y = (double)p.y, depth = m[6] * x + m[7] * y + m[8];
    return (spot){(m[0] * x + m[1] * y + m[2]) / depth, (m[3] * x + m[4] * y + m[5]) / depth};
}

static void include(extent *e, double x, double y) {
    e->x1 = fmin(e->x1, x), e->x2 = fmax(e->x2, x);
    e->y1 = fmin(e->y1, y), e->y2 = fmax(e->y2, y);
}

/* Narrows the part [t[0], t[1]] of a segment to where start + t * step lies in [0, size]. False: nowhere. */
static bool narrow(double start, double step, double size, double t[2]) {
    if (step == 0) return start >= 0 && start <= size;
    double a = -start / step, b = (size - start) / step;
    t[0] = fmax(t[0], fmin(a, b));
    t[1] = fmin(t[1], fmax(a, b));
    return t[0] <= t[1];
}

static void include_edge(extent *e, spot from, spot to, double w, double h) {
    double dx = to.x - from.x, dy = to.y - from.y, t[2] = {0, 1};
    if (!narrow(from.x, dx, w, t) || !narrow(from.y, dy, h, t)) return;
    for (int i = 0; i < 2; i++) include(e, from.x + t[i] * dx, from.y + t[i] * dy);
}

/* Whether the ray from (x, y) to the right crosses the edge; an upper end does not count. */
static bool is_crossed(spot from, spot to, double x, double y) {
    if ((from.y > y) == (to.y > y)) return false;
    return x < from.x + (y - from.y) * (to.x - from.x) / (to.y - from.y);
}

yt_xyxy yti_outline_box(const double m[9], const yti_point *points, int count, int w, int h) {
    const double corners[4][2] = {{0, 0}, {w, 0}, {0, h}, {w, h}};
    extent seen = {HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
    bool inside[4] = {false};
    spot from = map_point(m, points[count - 1]);
    for (int i = 0; i < count; i++) {
        spot to = map_point(m, points[i]);
        include_edge(&seen, from, to, w, h);
        for (int k = 0; k < 4; k++) inside[k] ^= is_crossed(from, to, corners[k][0], corners[k][1]);
        from = to;
    }
    for (int k = 0; k < 4; k++)
        if (inside[k]) include(&seen, corners[k][0], corners[k][1]);
    if (!(seen.x1 <= seen.x2)) return (yt_xyxy){0};
    /* start + t * step may miss the border by a rounding error */
    return (yt_xyxy){(float)fmax(seen.x1, 0), (float)fmax(seen.y1, 0), (float)fmin(seen.x2, w),
                     (float)fmin(seen.y2, h)};
}
