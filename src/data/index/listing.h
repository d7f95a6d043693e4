/* listing.h: the image files of a folder or of a .txt list. */
#ifndef YT_DATA_LISTING_H
#define YT_DATA_LISTING_H

#include "base/status.h"
#include "data/index/problems.h"

#include <stddef.h>

/* Zero-initialised; owns its items. */
typedef struct yti_paths {
    size_t count, capacity;
    char **items;
} yti_paths;

/* Takes path, also on failure; NULL stands for one that found no memory, and fails. */
yt_status yti_paths_add(yti_paths *paths, char *path, yt_err *err);
void yti_paths_sort(yti_paths *paths);
void yti_paths_free(yti_paths *paths);

/* Adds the images that `path` stands for: those in a folder and the folders below it (hidden ones and links back
 * to a folder above left out), those named in a .txt list, or itself. A line that names nothing is reported. */
yt_status yti_list_images(const char *path, yti_paths *out, yti_report *report, yt_err *err);

#endif
