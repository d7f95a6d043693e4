/* kernel_clock.h: a kernel table that times every call of a network's kernels, by kind and by shape.
 *
 * Linked with --wrap=yt_kernels_get, so the library itself knows nothing of it. Each call's least possible time
 * (roofline: Williams, Waterman, Patterson 2009) is the larger of its operations at the machine's peak and its
 * bytes, every map counted once per pass, at the machine's bandwidth.
 */
#ifndef BENCH_KERNEL_CLOCK_H
#define BENCH_KERNEL_CLOCK_H

#include <stdbool.h>

/* On: calls are timed from now on (counts begin at zero). Off: the plain table, with no cost. */
void kernel_clock(bool on);

/* What was counted, per step, as a table on stdout: by kind, and with `shapes` every shape too. */
void kernel_clock_print(int steps, double peak_flops, double bandwidth, bool shapes);

#endif
