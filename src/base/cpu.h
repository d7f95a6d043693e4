/* cpu.h: what the processor can do and how many cores it has. */
#ifndef YT_CPU_H
#define YT_CPU_H

#include <stdbool.h>
#include <stddef.h>

/* Ordered: a larger one implies what is before it on the same architecture. */
typedef enum yti_isa { YT_ISA_REF, YT_ISA_GENERIC, YT_ISA_NEON, YT_ISA_AVX2, YT_ISA_AVX512 } yti_isa;

/* Whether code of this ISA runs here (CPU and operating system). */
bool yti_cpu_supports(yti_isa isa);

/* Cores this process may use: its affinity mask, and a container's quota rounded up; at least 1. */
int yti_cpu_cores(void);

/* "AMD EPYC 7R13", or "unknown CPU". The storage is static. */
const char *yti_cpu_name(void);

/* Peak resident memory of this process so far, in bytes; 0 if unknown. */
size_t yti_peak_memory(void);

/* Seconds from an arbitrary fixed point (monotonic clock). */
double yti_seconds(void);

#endif
