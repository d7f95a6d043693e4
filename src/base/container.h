/* container.h: what a control group leaves to this process of the machine's memory and processors. Internal to the
 * library. */
#ifndef YT_BASE_CONTAINER_H
#define YT_BASE_CONTAINER_H

#include <stddef.h>

/* root: in front of every path that is read: "" but in tests. */

/* Bytes that may still be taken, in the tightest of the groups this process is in; SIZE_MAX: no limit. */
size_t yti_container_memory(const char *root);

/* Bytes that this process may still take: MemAvailable of the machine, or less where a control group (a container) is
 * given less; 0: unknown. */
size_t yti_memory_available(void);

/* Processors by the tightest quota, parts of one rounded up; 0: no quota. */
int yti_container_cpus(const char *root);

#endif
