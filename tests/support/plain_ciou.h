/* plain_ciou.h: the complete IoU of two boxes (Zheng et al. 2020, arXiv 1911.08287) once more, written differently from
 * the library's.
 */
#ifndef YT_TEST_PLAIN_CIOU_H
#define YT_TEST_PLAIN_CIOU_H

/* a, b: x1 y1 x2 y2. *alpha, the weight of the aspect ratios, is a constant in the gradient; below 0 it is computed. */
double test_plain_ciou(const double a[4], const double b[4], double *alpha);

#endif
