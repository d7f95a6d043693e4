/* sources.h: from the entries of a dataset YAML to a list of image files. */
#ifndef YT_DATA_SOURCES_H
#define YT_DATA_SOURCES_H

#include "data/listing.h"
#include "data/report.h"
#include "yt/yaml.h"

#include <stddef.h>

/* One folder, .txt list or picture that a split names. */
typedef struct yti_source {
    char *split; /* "train", "val" or "test" */
    char *text;  /* as written */
    size_t line; /* in the YAML */
} yti_source;

typedef struct yt_dataset_sources {
    char *yaml_path;
    char *roots[4]; /* folders that relative entries are tried in, in this order; the rest NULL */
    size_t count, capacity;
    yti_source *items;
} yt_dataset_sources;

/* Reads path:, train:, val: (validation:, valid:) and test:. *out is to be freed also after a failure. */
yt_status yti_sources_read(const yt_yaml *yaml, yt_dataset_sources *out, yt_err *err);
void yti_sources_free(yt_dataset_sources *sources);

/* All pictures of a split, sorted. A source that does not exist fails with every path that was tried; a line
 * of a list that names no file is reported and left out. *out is to be freed also after a failure. */
yt_status yti_sources_list(const yt_dataset_sources *sources, const char *split, yti_paths *out,
                           yti_report *report, yt_err *err);

#endif
