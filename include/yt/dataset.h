/* dataset.h: a dataset YAML, its image lists and labels (spec training 1).
 *
 * What differs from the family on purpose: a bad label row costs that box and never the image, a bad image
 * costs that image; both are reported as "file:line: reason" and counted. Nothing on disk is ever changed.
 *
 * A split may be a COCO ground-truth file in place of pictures with label files: `val: annotations/val.json`.
 * Its pictures are looked for in the folder that `val_images:` names, or without that key beside the file, in
 * `images` beside it, in `path:` and in `images` there. Its categories are found among names: by their name;
 * without names: they are the classes, by ascending id.
 */
#ifndef YT_DATASET_H
#define YT_DATASET_H

#include "yt/box.h"
#include "yt/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct yt_point {
    float x, y;
} yt_point;

/* A box as it stands in a COCO file: in pixels, not clipped to the image, every digit of it, so that COCO's
 * evaluation gives the numbers of its own tools. */
typedef struct yt_coco_object {
    double x, y, w, h;
    double area; /* of the object and not of its box; -1: not said */
} yt_coco_object;

typedef struct yt_label {
    int class_id;
    yt_cxcywh box;  /* normalised to the image */
    bool crowd;     /* COCO: a region of many objects */
    bool coco_only; /* in no batch, for COCO's evaluation only: a crowd, or no part of it is in the image */
    int first_point, n_points;    /* its outline among the points of the sample; n_points 0: a box only */
    const yt_coco_object *object; /* owned by the split; NULL: from a label file */
} yt_label;

typedef struct yt_sample {
    char *image_path;
    int w, h;         /* after EXIF rotation */
    int64_t image_id; /* in the COCO file; -1: none */
    int n_labels;     /* with those that are coco_only */
    yt_label *labels;
    yt_point *points; /* of the outlines, normalised to the image; NULL: none */
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
    int64_t *category_ids;   /* [n_classes] of the COCO file, -1: it lacks the class; NULL: label files */
    yt_coco_object *objects; /* that labels point to; NULL: label files */
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
    bool strict;         /* the first problem is an error (all are still reported first) */
    const bool *classes; /* [n_classes] boxes of which classes are kept; NULL: all. The images stay */
    bool single_class;   /* then every class becomes 0 */
    double fraction;     /* (0, 1]: keep the first round(n * fraction) images */
    yt_problem_sink problem;
    void *context;
    int threads; /* image headers are read in parallel; reports stay in order */
} yt_scan_options;

/* Reads the YAML and resolves its paths; looks at no image. Release with yt_dataset_close. */
yt_status yt_dataset_open(const char *path, yt_dataset *out, yt_err *err);
void yt_dataset_close(yt_dataset *dataset);

/* Which classes a text like "0,2" or "person,car" names: *out is malloc'd, [n_classes]. whose: for the message
 * about one that is not there. */
yt_status yt_classes_parse(const char *text, const char *const *names, int n_classes, const char *whose,
                           bool **out, yt_err *err);
yt_status yt_dataset_classes(const yt_dataset *dataset, const char *text, bool **out, yt_err *err);

/* Whether such a text is right as far as that shows without the names: no entry is empty. */
yt_status yt_classes_check(const char *text, yt_err *err);

/* Whether a split is COCO's own val2017 or test-dev2017, by the list it names (spec training 5.6). */
bool yt_dataset_is_coco(const yt_dataset *dataset, const char *split);

/* Lists and checks one split ("train", "val", "test"). A missing path lists every path tried. */
yt_status yt_dataset_scan(const yt_dataset *dataset, const char *split, const yt_scan_options *options,
                          yt_split *out, yt_err *err);
void yt_split_free(yt_split *split);

#endif
