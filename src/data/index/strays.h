/* strays.h: label files that no image claims, and images whose labels lie where nobody looks. */
#ifndef YT_DATA_STRAYS_H
#define YT_DATA_STRAYS_H

#include "data/index/listing.h"
#include "data/index/problems.h"

/* Reports two images that share one label file; and, where images lack theirs, what lies about that may be it. */
yt_status yti_find_strays(const yti_paths *images, size_t count, bool lacking, yti_report *report, yt_err *err);

#endif
