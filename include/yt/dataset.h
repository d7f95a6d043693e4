/* dataset.h: a dataset YAML, its image lists and labels (spec training 1).
 *
 * What differs from the family on purpose: a bad label row costs that box and never the image, a bad image
 * costs that image; both are reported as "file:line: reason" and counted. Nothing on disk is ever changed.
 */
#ifndef YT_DATASET_H
#define YT_DATASET_H

#include "yt/box.h"
#include "yt/status.h"

#include <stdbool.h>

typedef struct yt_label {
    int class_id;
    yt_cxcywh box; /* normalised to the image */
} yt_label;

typedef struct yt_sample {
    char *image_path;
    int w, h; /* after EXIF rotation */
    int n_labels;
    yt_label *labels;
} yt_sample;

/* What a scan found; printed after it. */
typedef struct yt_scan_summary {
    int images;      /* usable */
    int backgrounds; /* of these, without a box (label file missing or empty) */
    int boxes;
    int bad_images; /* left out */
    int bad_rows;   /* boxes left out */
    int duplicates; /* equal rows left out */
} yt_scan_summary;

typedef struct yt_split {
    char *name; /* "train", "val", ... */
    int n_samples;
    yt_sample *samples;
    yt_scan_summary summary;
} yt_split;

typedef struct yt_dataset {
    char *path; /* of the YAML file */
    int n_classes;
    char **names;
    struct yt_dataset_sources *sources; /* where the images of each split are to be looked for */
} yt_dataset;

/* Receives every problem of a scan, "path:line: reason". */
typedef void (*yt_problem_sink)(void *context, const char *text);

typedef struct yt_scan_options {
    bool strict;       /* the first problem is an error (all are still reported first) */
    bool single_class; /* every class becomes 0 */
    double fraction;   /* (0, 1]: keep the first round(n * fraction) images */
    yt_problem_sink problem;
    void *context;
    int threads; /* image headers are read in parallel; reports stay in order */
} yt_scan_options;

/* Reads the YAML and resolves its paths; looks at no image. Release with yt_dataset_close. */
yt_status yt_dataset_open(const char *path, yt_dataset *out, yt_err *err);
void yt_dataset_close(yt_dataset *dataset);

/* Lists and checks one split ("train", "val", "test"). A missing path lists every path tried. */
yt_status yt_dataset_scan(const yt_dataset *dataset, const char *split, const yt_scan_options *options,
                          yt_split *out, yt_err *err);
void yt_split_free(yt_split *split);

#endif
