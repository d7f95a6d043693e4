/* kernel_clock.h: a kernel table that times every call of a network's kernels, by kind and by shape.
 *
 * Linked with --wrap=yti_kernels_get, so the library itself knows nothing of it. Each call's least possible time
 * (roofline: Williams, Waterman, Patterson 2009) is the larger of its operations at the machine's peak and its bytes,
 * every map counted once per pass, at the machine's bandwidth.
 */
#ifndef BENCH_KERNEL_CLOCK_H
#define BENCH_KERNEL_CLOCK_H

#include "kernels/kernels.h"

#include <stdbool.h>

/* On: calls are timed from now on (counts begin at zero). Off: the plain table, with no cost. */
void kernel_clock(bool on);

/* A convolution of the forward runs since the clock was started; h x w: of its input. */
typedef struct clock_conv {
    yti_conv_geometry conv;
    int n, h, w, count;
} clock_conv;

/* The distinct ones in the order they ran, at most `room`; returns how many. */
int kernel_clock_convs(clock_conv *out, int room);

/* What was counted, per step, as a table on stdout: by kind, and with `shapes` every shape too. */
void kernel_clock_print(int steps, double peak_flops, double bandwidth, bool shapes);

#endif
