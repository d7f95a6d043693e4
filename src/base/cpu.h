/* cpu.h: what the processor can do and how many cores it has. */
#ifndef YT_CPU_H
#define YT_CPU_H

#include <stdbool.h>
#include <stddef.h>

/* Ordered: a larger one implies what is before it on the same architecture. */
typedef enum yt_isa { YT_ISA_REF, YT_ISA_GENERIC, YT_ISA_NEON, YT_ISA_AVX2, YT_ISA_AVX512 } yt_isa;

/* Whether code of this ISA runs here (CPU and operating system). */
bool yt_cpu_supports(yt_isa isa);

/* Cores this process may use: its affinity mask, and a container's quota rounded up; at least 1. */
int yt_cpu_cores(void);

/* "AMD EPYC 7R13", or "unknown CPU". The storage is static. */
const char *yt_cpu_name(void);

/* Peak resident memory of this process so far, in bytes; 0 if unknown. */
size_t yt_peak_memory(void);

/* Seconds from an arbitrary fixed point (monotonic clock). */
double yt_seconds(void);

#endif
