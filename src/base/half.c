/* half.c: see half.h. */
#include "base/half.h"

#include <stdio.h>

void yti_half_convert(const char *name, const float *values, size_t n, uint16_t *half, yti_half_loss *loss) {
    size_t clamped = 0;
    for (size_t i = 0; i < n; i++) {
        half[i] = yti_half_from_float(values[i]);
        clamped += fabsf(values[i]) > 65504;
        loss->n_vanished += (half[i] & 0x7fff) == 0 && values[i] != 0;
    }
    if (clamped && !loss->n_clamped) snprintf(loss->first_clamped, sizeof loss->first_clamped, "%.120s", name);
    loss->n_clamped += clamped;
}
