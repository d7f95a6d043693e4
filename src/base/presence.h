/* presence.h: what lies at a path, and whose fault it is when that cannot be known.
 *
 * A file that is missing, or is none, is a fault of the data set: it costs an image and is reported. A disk that cannot
 * be read or a process without memory is a fault of the machine: going on would train on another data set than the one
 * that was named, so it ends the run.
 */
#ifndef YT_DATA_PRESENCE_H
#define YT_DATA_PRESENCE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether a failed call says something about the machine and not about the file. 0 (nothing failed) does not. */
bool yti_is_machine_fault(int error_number);

typedef enum yti_presence {
    YTI_ABSENT,  /* there is no such name */
    YTI_READY,   /* a file */
    YTI_UNUSABLE /* something else, or a link to nothing, or out of reach; `reason` says what */
} yti_presence;

/* Fails for faults of the machine only. Pipes and devices are not opened: they may never end, or never begin. */
yt_status yti_look_at_file(const char *path, yti_presence *presence, yt_err *reason);

/* yti_file_read of what is a file; links are followed, what is none is refused unopened. */
yt_status yti_read_file(const char *path, size_t max_bytes, char **data, size_t *bytes, yt_err *err);

#endif
