/* sources.h: from the entries of a dataset YAML to a list of image files. */
#ifndef YT_DATA_SOURCES_H
#define YT_DATA_SOURCES_H

#include "base/yaml.h"
#include "data/index/listing.h"
#include "data/index/problems.h"

#include <stddef.h>

/* One folder, .txt list, image or .json file that a split names; or a folder for the images of the .json file,
 * named by train_images:, val_images: or test_images:. */
typedef struct yti_source {
    char *split; /* "train", "val", "test" or one of these with "_images" after it */
    char *text;  /* as written */
    size_t line; /* in the YAML */
} yti_source;

typedef struct yti_dataset_sources {
    char *yaml_path;
    bool is_model;     /* the YAML has the keys of a model */
    bool from_above;   /* darknet: a relative path may count from a folder that is not here */
    yti_report *notes; /* what the first scan has to tell; NULL: nothing, or it has */
    char *roots[4];    /* folders that relative entries are tried in, in this order; the rest NULL */
    size_t count, capacity;
    yti_source *items;
} yti_dataset_sources;

/* Without a YAML: entries are looked for beside the file `path` and above it, and added one by one. */
yt_status yti_sources_begin(const char *path, yti_dataset_sources *out, yt_err *err);
yt_status yti_sources_add(yti_dataset_sources *sources, const char *split, const char *text, size_t line, yt_err *err);

/* The first entry of a split, NULL: none; and where it lies, malloc'd. */
const yti_source *yti_sources_find(const yti_dataset_sources *sources, const char *split);
yt_status yti_sources_file(const yti_dataset_sources *sources, const char *split, char **out, yt_err *err);

/* Keeps a line for the first scan. */
yt_status yti_sources_note(yti_dataset_sources *sources, yt_err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads path:, train:, val: (validation:, valid:) and test:. *out is to be freed also after a failure. */
yt_status yti_sources_read(const yti_yaml *yaml, yti_dataset_sources *out, yt_err *err);
void yti_sources_free(yti_dataset_sources *sources);

/* All images of a split, sorted. A source that does not exist fails with every path that was tried; a line of a
 * list that names no file is reported and left out. *out is to be freed also after a failure. */
yt_status yti_sources_list(const yti_dataset_sources *sources, const char *split, yti_paths *out, yti_report *report,
                           yt_err *err);

/* Whether a split is one COCO file in place of images with label files. */
bool yti_sources_has_truth(const yti_dataset_sources *sources, const char *split);

/* The path of that file (malloc'd), and the folders in which its images may lie: those of `SPLIT_images:`, or
 * without it the file's own, `images` beside it, and `path:` and `images` below it. *folders is to be freed also
 * after a failure. */
yt_status yti_sources_truth(const yti_dataset_sources *sources, const char *split, char **path, yti_paths *folders,
                            yt_err *err);

/* Whether a split is COCO's own val2017 or test-dev2017, by the list it names. */
bool yti_sources_is_coco(const yti_dataset_sources *sources, const char *split);

#endif
