/* slope.c: the line through log10 rms(dL/dx) over depth, and Student's intervals.
 *
 *   b = Sxy / Sxx,   s^2 = sum (y - a - b x)^2 / (n - 2),   b +- t(n - 2) s / sqrt(Sxx)
 *
 * and over k repetitions mean +- t(k - 1) s / sqrt(k); of two variants with the same seeds that of their differences,
 * in which what the seed does to both cancels.
 */
#include "gradients/slope.h"

#include <math.h>
#include <stdlib.h>

/* Quantile 0.975 of Student's t for 1 to 30 degrees of freedom, from the usual tables. */
static const double student[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
                                 2.2010,  2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
                                 2.0796,  2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423};
enum { N_STUDENT = sizeof student / sizeof student[0] };

double yti_student_95(int freedom) {
    if (freedom < 1) return (double)NAN;
    if (freedom <= N_STUDENT) return student[freedom - 1];
    /* Cornish and Fisher's expansion about the normal quantile; right to 1e-4 from here on. */
    const double z = 1.959964, n = freedom;
    return z + z * (z * z + 1) / (4 * n) + z * (5 * pow(z, 4) + 16 * z * z + 3) / (96 * n * n);
}

static yti_interval unknown(void) {
    return (yti_interval){(double)NAN, (double)NAN, (double)NAN, 0};
}

static yti_interval around(double value, double standard_error, int freedom, int count) {
    double half = yti_student_95(freedom) * standard_error;
    return (yti_interval){value, value - half, value + half, count};
}

yti_interval yti_interval_mean(const double *values, int count) {
    if (count < 1) return unknown();
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) sum += values[i];
    double mean = sum / count;
    if (!isfinite(mean)) return unknown();
    for (int i = 0; i < count; i++) squares += (values[i] - mean) * (values[i] - mean);
    /* one value: no freedom, no interval */
    return around(mean, count > 1 ? sqrt(squares / (count - 1) / count) : 0, count - 1, count);
}

yti_interval yti_interval_difference(const double *a, const double *b, int count) {
    double sum = 0, squares = 0;
    int n = 0;
    for (int i = 0; i < count; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i])) continue;
        sum += a[i] - b[i];
        n++;
    }
    if (n == 0) return unknown();
    double mean = sum / n;
    for (int i = 0; i < count; i++)
        if (isfinite(a[i]) && isfinite(b[i])) squares += (a[i] - b[i] - mean) * (a[i] - b[i] - mean);
    return around(mean, n > 1 ? sqrt(squares / (n - 1) / n) : 0, n - 1, n);
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double yti_median(double *sizes, int count) {
    int n = 0;
    for (int i = 0; i < count; i++)
        if (!isnan(sizes[i])) sizes[n++] = sizes[i];
    qsort(sizes, (size_t)n, sizeof *sizes, ascending);
    if (n % 2) return sizes[n / 2];
    return n == 0 ? (double)NAN : sqrt(sizes[n / 2 - 1] * sizes[n / 2]);
}

bool yti_interval_known(yti_interval interval) {
    return isfinite(interval.low) && isfinite(interval.high);
}

bool yti_intervals_overlap(yti_interval a, yti_interval b) {
    return yti_interval_known(a) && yti_interval_known(b) && a.low <= b.high && b.low <= a.high;
}

yti_interval yti_slope_fit(const double *depth, const double *rms, int count, int *zeros) {
    double sum_x = 0, sum_y = 0, xx = 0, xy = 0, rest = 0;
    int n = 0;
    *zeros = 0;
    for (int i = 0; i < count; i++) {
        if (!isfinite(rms[i]) || rms[i] < 0) return unknown();
        *zeros += rms[i] == 0;
        if (rms[i] == 0) continue;
        sum_x += depth[i];
        sum_y += log10(rms[i]);
        n++;
    }
    double mean_x = sum_x / n, mean_y = sum_y / n;
    for (int i = 0; i < count; i++) {
        if (rms[i] == 0) continue;
        xx += (depth[i] - mean_x) * (depth[i] - mean_x);
        xy += (depth[i] - mean_x) * (log10(rms[i]) - mean_y);
    }
    if (n < 2 || !(xx > 0)) return unknown();
    double slope = xy / xx;
    for (int i = 0; i < count; i++) {
        if (rms[i] == 0) continue;
        double off = log10(rms[i]) - mean_y - slope * (depth[i] - mean_x);
        rest += off * off;
    }
    return around(slope, n > 2 ? sqrt(rest / (n - 2) / xx) : 0, n - 2, n);
}

yti_interval yti_slope_over_seeds(const yti_interval *slopes, int count) {
    double sum = 0, squares = 0;
    int n = 0, only = 0;
    for (int i = 0; i < count; i++) {
        if (!isfinite(slopes[i].value)) continue;
        sum += slopes[i].value;
        only = i;
        n++;
    }
    if (n == 0) return unknown();
    if (n == 1 && count == 1) return slopes[only];
    if (n == 1) return around(slopes[only].value, 0, 0, 1); /* no interval over seeds */
    double mean = sum / n;
    for (int i = 0; i < count; i++)
        if (isfinite(slopes[i].value)) squares += (slopes[i].value - mean) * (slopes[i].value - mean);
    return around(mean, sqrt(squares / (n - 1) / n), n - 1, n);
}
