/* cpu.c: questions to the processor and the operating system. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "base/cpu.h"
#include "base/container.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

bool yti_cpu_supports(yti_isa isa) {
    switch (isa) {
    case YT_ISA_REF:
    case YT_ISA_GENERIC:
        return true;
#if defined(__x86_64__)
    /* __builtin_cpu_supports also asks the operating system (XGETBV) whether it keeps the wide registers. */
    case YT_ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case YT_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
               yti_cpu_supports(YT_ISA_AVX2);
#elif defined(__aarch64__)
    case YT_ISA_NEON:
        return true;
#endif
    default:
        return false;
    }
}

int yti_cpu_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    const int quota = yti_container_cpus(""); /* more threads than that would only wait for each other */
    if (quota > 0 && quota < count) count = quota;
    return count > 0 ? count : 1;
}

static char name[128];

static void read_name(void) {
    FILE *info = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (info && fgets(line, sizeof line, info)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon && colon[1]) {
            snprintf(name, sizeof name, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (info) fclose(info);
    if (!name[0]) snprintf(name, sizeof name, "unknown CPU");
}

const char *yti_cpu_name(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_name);
    return name;
}

size_t yti_peak_memory(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
}

double yti_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
