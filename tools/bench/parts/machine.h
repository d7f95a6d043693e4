/* machine.h: what this machine can do at most: multiply-adds from registers, bytes from memory.
 *
 * Both are measured, not looked up: a virtual machine's clock and share of the memory are nowhere written down.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

/* Median seconds of one call, over 7 rounds of as many calls as take about 20 ms. With one thread the clock is the
 * thread's CPU time, so that other programs disturb less. */
double bench_time(void (*call)(void *), void *argument, int threads);

/* FLOP/s of `threads` threads that only multiply and add vectors of that many floats (at most 8: an AVX-512 CPU is
 * measured with 8 and counted twice). */
double bench_peak_flops(int vector_floats, int threads);

/* Bytes per second of a[i] = b[i] + s c[i] over arrays larger than any cache: two read, one written. */
double bench_bandwidth(int threads);

/* aligned_alloc for `count` floats and the slack that kernels may read, filled with values of [-1, 1); ends the
 * program when there is no memory. */
float *bench_floats(unsigned long count);

#endif
