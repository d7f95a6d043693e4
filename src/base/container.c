/* container.c: limits of control groups, versions 1 and 2 (man 7 cgroups).
 *
 *     /proc/self/cgroup     4:memory:/docker/1f3a    version 1: one group per controller
 *                           0::/user.slice/a.service version 2: one for all
 *     /proc/self/mountinfo  ... ROOT MOUNTPOINT ... - cgroup cgroup rw,memory
 *
 * A group is the folder MOUNTPOINT/(its path below ROOT); a limit of any group above it holds too, so the walk goes
 * from there to the mount point. In a container the path may be one of the host that is not visible: then what is there
 * of it counts, in the end the mount point itself, which is the container's own group.
 */
#include "base/container.h"
#include "base/file.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 4096, MAX_PATH = 2 * MAX_LINE };

/* A file below root for reading; NULL: there is none. */
static FILE *open_below(const char *root, const char *path) {
    char name[MAX_PATH];
    const int length = snprintf(name, sizeof name, "%s%s", root, path);
    return length > 0 && (size_t)length < sizeof name ? fopen(name, "r") : NULL;
}

/* Whether a list "cpu,cpuacct" has a word. */
static bool has_word(const char *list, const char *word) {
    const size_t n = strlen(word);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, word, n) == 0 && strchr(", \n", at[n])) return true;
    return false;
}

/* The path of this process's group of a controller, NULL for version 2; false: it is in none. */
static bool find_group(const char *root, const char *controller, char path[MAX_LINE]) {
    FILE *file = open_below(root, "/proc/self/cgroup");
    char line[MAX_LINE];
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        char *names = strchr(line, ':'), *at = names ? strchr(names + 1, ':') : NULL;
        if (!at) continue;
        *names++ = *at++ = '\0';
        found = controller ? has_word(names, controller) : strcmp(line, "0") == 0 && names[0] == '\0';
        if (found) snprintf(path, MAX_LINE, "%.*s", (int)strcspn(at, "\n"), at);
    }
    if (file) fclose(file);
    return found;
}

/* Where the groups of a controller are mounted, and which group the mount shows as its root. */
static bool find_mount(const char *root, const char *controller, char top[MAX_LINE], char point[MAX_LINE]) {
    FILE *file = open_below(root, "/proc/self/mountinfo");
    char line[MAX_LINE];
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        char type[64], options[MAX_LINE];
        const char *rest = strstr(line, " - ");
        if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", top, point) != 2) continue;
        if (sscanf(rest, " - %63s %*s %4095s", type, options) != 2) continue;
        found = controller ? strcmp(type, "cgroup") == 0 && has_word(options, controller)
                           : strcmp(type, "cgroup2") == 0;
    }
    if (file) fclose(file);
    return found;
}

/* The part of a group's path below the group that the mount shows; "" where it is not below it. */
static const char *below(const char *path, const char *top) {
    const size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);
    return strncmp(path, top, n) == 0 && (path[n] == '/' || path[n] == '\0') ? path + n : "";
}

/* Calls visit for the folder of the group and each one above it, up to the mount point. */
static void walk(const char *root, const char *controller, void (*visit)(void *context, const char *folder),
                 void *context) {
    char path[MAX_LINE], top[MAX_LINE], point[MAX_LINE], folder[MAX_PATH * 2];
    if (!find_group(root, controller, path) || !find_mount(root, controller, top, point)) return;
    const int base = snprintf(folder, sizeof folder, "%s%s", root, point);
    snprintf(folder + base, sizeof folder - (size_t)base, "%s", below(path, top));
    for (;;) {
        visit(context, folder);
        char *slash = strrchr(folder + base, '/');
        if (!slash) return;
        *slash = '\0';
    }
}

/* The number that a file of a group begins with; false: no file, or the word max. */
static bool read_number(const char *folder, const char *name, double *out) {
    FILE *file = open_below(folder, name);
    const bool good = file && fscanf(file, "%lf", out) == 1 && isfinite(*out);
    if (file) fclose(file);
    return good;
}

/* A row "name value" of memory.stat; 0: it is not there. */
static double read_row(const char *folder, const char *name) {
    FILE *file = open_below(folder, "/memory.stat");
    char key[64];
    double value, found = 0;
    while (file && fscanf(file, "%63s %lf", key, &value) == 2)
        if (strcmp(key, name) == 0) found = value;
    if (file) fclose(file);
    return found;
}

/* ---- memory ---- */

/* What the system would give back on need, pages of files that were not used lately, is as good as free. */
static void see_memory(size_t *left, const char *folder, const char *limit_name, const char *usage_name,
                       const char *cache_row) {
    double limit, usage;
    if (!read_number(folder, limit_name, &limit) || !read_number(folder, usage_name, &usage)) return;
    if (limit >= 0x1p62) return; /* version 1 has a huge number for none */
    usage -= read_row(folder, cache_row);
    const double rest = limit > usage ? limit - usage : 0;
    if (rest < (double)*left) *left = (size_t)rest;
}

static void see_memory_1(void *context, const char *folder) {
    see_memory(context, folder, "/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file");
}

static void see_memory_2(void *context, const char *folder) {
    see_memory(context, folder, "/memory.max", "/memory.current", "inactive_file");
}

size_t yti_container_memory(const char *root) {
    size_t left = SIZE_MAX;
    walk(root, "memory", see_memory_1, &left);
    walk(root, NULL, see_memory_2, &left);
    return left;
}

/* ---- processors ---- */

static void see_quota(double *cpus, double quota, double period) {
    if (quota > 0 && period > 0 && quota / period < *cpus) *cpus = quota / period;
}

static void see_cpu_1(void *context, const char *folder) {
    double quota, period;
    if (read_number(folder, "/cpu.cfs_quota_us", &quota) && read_number(folder, "/cpu.cfs_period_us", &period))
        see_quota(context, quota, period); /* -1: none */
}

static void see_cpu_2(void *context, const char *folder) {
    double quota, period;
    FILE *file = open_below(folder, "/cpu.max"); /* "max 100000" where there is none */
    if (file && fscanf(file, "%lf %lf", &quota, &period) == 2) see_quota(context, quota, period);
    if (file) fclose(file);
}

int yti_container_cpus(const char *root) {
    double cpus = 1e6;
    walk(root, "cpu", see_cpu_1, &cpus);
    walk(root, NULL, see_cpu_2, &cpus);
    return cpus < 1e6 ? (int)ceil(cpus) : 0;
}

size_t yti_memory_available(void) {
    FILE *file = fopen("/proc/meminfo", "r");
    if (!file) return 0;
    char line[256];
    size_t kilobytes = 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "MemAvailable:", 13) == 0) kilobytes = strtoull(line + 13, NULL, 10);
    const bool good = !ferror(file);
    fclose(file);
    const size_t machine = good ? kilobytes * 1024 : 0, group = yti_container_memory("");
    return machine == 0 && group == SIZE_MAX ? 0 : machine && machine < group ? machine : group;
}
