#include "support/near.h"

#include <math.h>

int test_near(double a, double b, double tolerance) {
    return fabs(a - b) <= tolerance;
}

double test_relative_l2(const float *a, const float *b, size_t count) {
    double difference = 0, norm = 0;
    if (count == 0) return (double)NAN;
    for (size_t i = 0; i < count; i++) {
        double d = (double)a[i] - (double)b[i];
        difference += d * d;
        norm += (double)b[i] * (double)b[i];
    }
    if (norm == 0) return difference == 0 ? 0 : (double)INFINITY;
    return sqrt(difference / norm);
}
