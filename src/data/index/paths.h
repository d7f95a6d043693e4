/* paths.h: paths as other machines write them: backslashes, `~`, drives, folders that are not here. */
#ifndef YT_DATA_PATHS_H
#define YT_DATA_PATHS_H

#include "base/status.h"

#include <stdbool.h>

/* malloc'd: backslashes turned, a leading "~/" replaced by HOME. NULL: no memory. */
char *yti_path_turned(const char *text);

/* Whether the path begins at a root: "/", "C:/", "//server". Backslashes must be turned. */
bool yti_path_is_rooted(const char *path);

/* What the longest end of `path` that exists below `root` is called there ("root/train/a.jpg" for
 * "/home/else/set/train/a.jpg"), malloc'd; *out NULL: none. */
yt_status yti_find_tail(const char *root, const char *path, char **out, yt_err *err);

#endif
