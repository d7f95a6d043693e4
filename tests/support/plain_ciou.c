/* plain_ciou.c: CIoU as its paper has it. */
#include "support/plain_ciou.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

double test_plain_ciou(const double a[4], const double b[4], double *alpha) {
    const double eps = 1e-7;
    double wa = a[2] - a[0], ha = a[3] - a[1] + eps, wb = b[2] - b[0], hb = b[3] - b[1] + eps;
    double iw = fmax(0, fmin(a[2], b[2]) - fmax(a[0], b[0])), ih = fmax(0, fmin(a[3], b[3]) - fmax(a[1], b[1]));
    double iou = iw * ih / (wa * ha + wb * hb - iw * ih + eps);
    double cw = fmax(a[2], b[2]) - fmin(a[0], b[0]), ch = fmax(a[3], b[3]) - fmin(a[1], b[1]);
    double dx = (a[0] + a[2]) / 2 - (b[0] + b[2]) / 2, dy = (a[1] + a[3]) / 2 - (b[1] + b[3]) / 2;
    double v = 4 / (PI * PI) * pow(atan(wb / hb) - atan(wa / ha), 2);
    if (*alpha < 0) *alpha = v / (v - iou + 1 + eps);
    return iou - (dx * dx + dy * dy) / (cw * cw + ch * ch + eps) - *alpha * v;
}
