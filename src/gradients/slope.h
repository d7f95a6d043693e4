/* slope.h: how fast gradients shrink on their way back through a network, as numbers with intervals.
 *
 * A profile is rms(dL/dx) by depth; depth counts the convolutions between the input and the map. Where every layer
 * multiplies the gradient by about the same factor, log10 rms lies on a line over depth, and its slope is the logarithm
 * of that factor: positive where gradients vanish towards the input, negative where they grow.
 */
#ifndef YT_SLOPE_H
#define YT_SLOPE_H

#include <stdbool.h>
#include <stddef.h>

/* A value with the interval that covers it in 95 of 100 repetitions. */
typedef struct yti_interval {
    double value, low, high; /* low and high NaN where there is none */
    int count;               /* of the values that it comes from */
} yti_interval;

/* The factor t of a two-sided 95 % interval: value +- t * standard error. freedom >= 1; NaN below. */
double yti_student_95(int freedom);

/* The mean and its interval by Student's t; value NaN where count is 0 or a value is not finite. */
yti_interval yti_interval_mean(const double *values, int count);

/* The mean of a[i] - b[i] with its interval, over the i for which both are finite: what repetitions that share their
 * seeds say about a difference. */
yti_interval yti_interval_difference(const double *a, const double *b, int count);

/* The middle one of the sizes that are known, of an even number the geometric mean of the two in the middle: one
 * that is far off does not move it, and a 0 stays one. Sorts them; NaN: none is known. */
double yti_median(double *sizes, int count);

/* Whether both have an interval; and whether these share a point. */
bool yti_interval_known(yti_interval interval);
bool yti_intervals_overlap(yti_interval a, yti_interval b);

/* Least squares of log10 rms over depth. The interval is that of the slope given the scatter around the line; it
 * needs three points. Points of rms 0 have no logarithm: they are left out and counted. value is NaN where fewer
 * than two depths are left or a value is not finite. */
yti_interval yti_slope_fit(const double *depth, const double *rms, int count, int *zeros);

/* The slope over repetitions with other seeds: with several, the mean of their slopes with its interval; with one
 * its own. Those without a slope are left out; where one of several is left there is no interval. */
yti_interval yti_slope_over_seeds(const yti_interval *slopes, int count);

#endif
