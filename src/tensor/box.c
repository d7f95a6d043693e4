/* box.c: formats of axis-aligned boxes, their overlap, and the complete IoU with its gradient.
 *
 * Complete IoU (Zheng et al., "Distance-IoU loss", AAAI 2020), for boxes a and b given by their corners:
 *     CIoU  = I/U - rho^2/c^2 - alpha*v
 *     rho   = distance between the centres,  c = diagonal of the smallest box around both
 *     v     = 4/pi^2 * (atan(w_b/h_b) - atan(w_a/h_a))^2,  alpha = v / (v - I/U + 1)
 * The epsilons sit where the reference trainer has them: on both heights, U, c^2 and alpha's denominator. The minima
 * and maxima have kinks; where two coordinates are equal the derivative is the mean of those on either side.
 */
#include "tensor/box.h"

#include <math.h>

static const double CIOU_EPS = 1e-7;
static const double PI = 3.14159265358979323846;

yt_xyxy yti_xyxy_from_cxcywh(yti_cxcywh b) {
    float half_w = b.w / 2, half_h = b.h / 2;
    return (yt_xyxy){b.cx - half_w, b.cy - half_h, b.cx + half_w, b.cy + half_h};
}

yti_cxcywh yti_cxcywh_from_xyxy(yt_xyxy b) {
    return (yti_cxcywh){(b.x1 + b.x2) / 2, (b.y1 + b.y2) / 2, b.x2 - b.x1, b.y2 - b.y1};
}

/* Length that two intervals share. */
static float shared_length(float lo_a, float hi_a, float lo_b, float hi_b) {
    float lo = lo_a > lo_b ? lo_a : lo_b, hi = hi_a < hi_b ? hi_a : hi_b;
    return hi > lo ? hi - lo : 0;
}

float yti_box_iou(yt_xyxy a, yt_xyxy b, float eps) {
    float inter = shared_length(a.x1, a.x2, b.x1, b.x2) * shared_length(a.y1, a.y2, b.y1, b.y2);
    float area_a = (a.x2 - a.x1) * (a.y2 - a.y1), area_b = (b.x2 - b.x1) * (b.y2 - b.y1);
    float all = area_a + area_b - inter + eps;
    return all == 0 ? 0 : inter / all; /* two points share nothing, rather than 0/0 */
}

/* How much of min(p, q) moves with p: 1, 0, or half of it on the kink. */
static double follows(double p, double q) {
    return p < q ? 1 : p > q ? 0 : 0.5;
}

/* The parts of CIoU, kept for the gradient. Index 0 is x, 1 is y. */
typedef struct parts {
    double side[2];    /* of the intersection, not negative */
    double hull[2];    /* sides of the enclosing box */
    double between[2]; /* twice the distance of the centres */
    double size_a[2];  /* w, h + eps of box a */
    double iou, all;   /* all = U + eps */
    double rho2, c2, angle, alpha;
} parts;

static void ciou_gradient(const parts *p, const double a[4], const double b[4], double grad[4]) {
    double squared = p->size_a[0] * p->size_a[0] + p->size_a[1] * p->size_a[1];
    /* d atan(w/h) by w and by h */
    const double d_atan[2] = {p->size_a[1] / squared, -p->size_a[0] / squared};
    for (int k = 0; k < 2; k++) {
        double overlapping = p->side[k] > 0 ? p->side[1 - k] : 0;
        double d_v = -8 / (PI * PI) * p->angle * d_atan[k];
        for (int high = 0; high < 2; high++) {
            double mine = a[k + 2 * high], other = b[k + 2 * high], sign = high ? 1 : -1;
            double inner = high ? follows(mine, other) : follows(other, mine);
            double d_inter = sign * inner * overlapping;
            double d_union = sign * p->size_a[1 - k] - d_inter;
            double d_c2 = 2 * p->hull[k] * sign * (1 - inner);
            grad[k + 2 * high] = (d_inter - p->iou * d_union) / p->all -
                                 (p->between[k] / 2 - p->rho2 / p->c2 * d_c2) / p->c2 - p->alpha * sign * d_v;
        }
    }
}

/* With the sides of both, the second ones a little longer. */
static double union_of(const double a[2], const double b[2], double inter) {
    return a[0] * a[1] + b[0] * b[1] - inter + CIOU_EPS;
}

double yti_box_ciou(const double a[4], const double b[4], double grad[4]) {
    parts p;
    double size_b[2];
    for (int k = 0; k < 2; k++) {
        double lo_a = a[k], hi_a = a[k + 2], lo_b = b[k], hi_b = b[k + 2];
        double side = (hi_a < hi_b ? hi_a : hi_b) - (lo_a > lo_b ? lo_a : lo_b);
        p.side[k] = side > 0 ? side : 0;
        p.hull[k] = (hi_a > hi_b ? hi_a : hi_b) - (lo_a < lo_b ? lo_a : lo_b);
        p.between[k] = lo_a + hi_a - lo_b - hi_b;
        p.size_a[k] = hi_a - lo_a + (k ? CIOU_EPS : 0);
        size_b[k] = hi_b - lo_b + (k ? CIOU_EPS : 0);
    }
    double inter = p.side[0] * p.side[1];
    p.all = union_of(p.size_a, size_b, inter);
    p.iou = inter / p.all;
    p.rho2 = (p.between[0] * p.between[0] + p.between[1] * p.between[1]) / 4;
    p.c2 = p.hull[0] * p.hull[0] + p.hull[1] * p.hull[1] + CIOU_EPS;
    p.angle = atan(size_b[0] / size_b[1]) - atan(p.size_a[0] / p.size_a[1]);
    double v = 4 / (PI * PI) * p.angle * p.angle;
    p.alpha = v / (v - p.iou + 1 + CIOU_EPS);
    if (grad) ciou_gradient(&p, a, b, grad);
    return p.iou - (p.rho2 / p.c2 + v * p.alpha);
}

static double least_of(double p, double q) {
    return p < q ? p : q;
}

static double most_of(double p, double q) {
    return p > q ? p : q;
}

double yti_box_ciou_limit(const double a[4], const double b[4]) {
    double w = least_of(a[2], b[2]) - most_of(a[0], b[0]), h = least_of(a[3], b[3]) - most_of(a[1], b[1]);
    double inter = most_of(w, 0) * most_of(h, 0);
    double size_a[2] = {a[2] - a[0], a[3] - a[1] + CIOU_EPS}, size_b[2] = {b[2] - b[0], b[3] - b[1] + CIOU_EPS};
    double all = union_of(size_a, size_b, inter);
    return inter / all + 0 * all; /* a union without end gives NaN too */
}
