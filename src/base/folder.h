/* folder.h: folders that belong to one process: made fresh, locked, listed. Internal to the library and the programs.
 */
#ifndef YT_BASE_FOLDER_H
#define YT_BASE_FOLDER_H

#include "base/status.h"

#include <stdbool.h>

/* Makes a folder that was not there: `path`, else path-2, path-3, ..., with the folders above it. Its malloc'd name
 * through *out. */
yt_status yti_folder_fresh(const char *path, char **out, yt_err *err);

/* Held by one process at a time, and by nobody once that one is gone, however it went. Starts as YTI_UNLOCKED. */
typedef struct yti_lock {
    int fd;
    char *path;
} yti_lock;
#define YTI_UNLOCKED ((yti_lock){.fd = -1})

/* Takes a folder for this process, through a file .lock in it; fails where another one has it, naming it. On file
 * systems without locks there is none, and no failure: that is logged. A lock that is held is left as it is. */
yt_status yti_folder_lock(const char *folder, yti_lock *lock, yt_err *err);
void yti_folder_unlock(yti_lock *lock);

/* Calls visit with the name of each entry but those that begin with a dot, in no order, until it says no. A folder
 * that is not there is an empty one; a failure to read on is a failure. */
yt_status yti_folder_list(const char *folder, bool (*visit)(void *context, const char *name), void *context,
                          yt_err *err);

/* Removes what processes that are gone were writing when they died; nothing where the file system has no locks. Only
 * in a folder that is locked. */
yt_status yti_folder_sweep(const char *folder, yt_err *err);

#endif
