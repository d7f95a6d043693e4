/* dataset.h: a dataset YAML, its image lists and labels (spec training 1).
 *
 * What differs from the Ultralytics trainer on purpose: a bad label row costs that box and not the image (an image
 * whose rows are all bad is left out, since without them it would teach that its objects are background), a bad image
 * costs that image; both are reported as "file:line: reason" and counted. Nothing on disk is ever changed.
 *
 * A split may be a COCO ground-truth file in place of images with label files: `val: annotations/val.json`. Its
 * images are looked for in the folder that `val_images:` names, or without that key beside the file, in `images`
 * beside it, in `path:` and in `images` there. Its categories are found among names: by their name; without names: they
 * are the classes, by ascending id.
 */
#ifndef YT_DATASET_H
#define YT_DATASET_H

#include "base/status.h"
#include "tensor/box.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct yti_point {
    float x, y;
} yti_point;

/* A box as it stands in a COCO file: in pixels, not clipped to the image, every digit of it, so that COCO's
 * evaluation gives the numbers of its own tools. */
typedef struct yti_coco_object {
    double x, y, w, h;
    double area; /* of the object and not of its box; -1: not said */
} yti_coco_object;

typedef struct yti_label {
    int class_id;
    yti_cxcywh box;            /* normalised to the image */
    bool crowd;                /* COCO: a region of many objects */
    bool coco_only;            /* in no batch, for COCO's evaluation only: a crowd, or no part of it is in the image */
    int first_point, n_points; /* its outline among the points of the sample; n_points 0: a box only */
    const yti_coco_object *object; /* owned by the split; NULL: from a label file */
} yti_label;

typedef struct yti_sample {
    char *image_path;
    int w, h;            /* after EXIF rotation */
    size_t decode_bytes; /* what decoding takes at its peak; 0: not known */
    int64_t image_id;    /* in the COCO file; -1: none */
    int n_labels;        /* with those that are coco_only */
    yti_label *labels;
    yti_point *points; /* of the outlines, normalised to the image; NULL: none */
} yti_sample;

/* The rules by which a row of a label file and an annotation of a COCO file are judged, in one table:
 *
 * name, what becomes of the row, whether --strict counts it as a problem, what is said after the count of one, of many
 *
 * A box that reaches over the border is kept as it is while its centre is in the image and its sides are no longer
 * than the image's (1 % of tolerance: labelling tools round): so does the reference. Beyond that it is CLIPPED. */
#define YT_LABEL_RULE_MAP(X)                                                                                           \
    X(COLUMNS, DROPPED, true, "with a wrong number of columns", "with a wrong number of columns")                      \
    X(CONFIDENCE, DROPPED, true, "with a sixth column", "with a sixth column")                                         \
    X(SEPARATOR, DROPPED, true, "with commas", "with commas")                                                          \
    X(ENCODING, DROPPED, true, "in UTF-16", "in UTF-16")                                                               \
    X(NUMBER, DROPPED, true, "with something that is not a number", "with something that is not a number")             \
    X(CLASS, DROPPED, true, "of no class", "of no class")                                                              \
    X(KEYPOINTS, DROPPED, true, "with keypoints but no kpt_shape:", "with keypoints but no kpt_shape:")                \
    X(OUTSIDE, DROPPED, true, "outside the image", "outside the image")                                                \
    X(SIZE, DROPPED, true, "without a size", "without a size")                                                         \
    X(IMAGE, DROPPED, true, "of no image", "of no image")                                                              \
    X(DUPLICATE, FIXED, true, "duplicate left out", "duplicates left out")                                             \
    X(CLIPPED, FIXED, true, "box clipped to its image", "boxes clipped to their images")                               \
    X(MIXED, NOTED, true, "label file of both boxes and outlines", "label files of both boxes and outlines")           \
    X(CROWD, NOTED, false, "crowd left out", "crowds left out")                                                        \
    X(OUTLINE, NOTED, false, "box from an outline", "boxes from outlines")                                             \
    X(POSE, NOTED, false, "box of a row with keypoints", "boxes of rows with keypoints")

typedef enum yti_label_rule {
#define YT_LABEL_RULE_ENUM(name, action, strict, one, many) YT_LABEL_##name,
    YT_LABEL_RULE_MAP(YT_LABEL_RULE_ENUM)
#undef YT_LABEL_RULE_ENUM
        YT_LABEL_RULES
} yti_label_rule;

/* What a scan found; printed after it. */
typedef struct yti_scan_summary {
    int images;      /* usable */
    int backgrounds; /* of these, without a box (label file missing or empty) */
    int boxes;
    int bad_images;            /* left out: they cannot be read */
    int lost_images;           /* left out: all their rows are bad */
    int rules[YT_LABEL_RULES]; /* how often each was met */
} yti_scan_summary;

/* Rows that were left out as bad; those that --strict counts as problems. */
int yti_scan_bad_rows(const yti_scan_summary *summary);
int yti_scan_row_problems(const yti_scan_summary *summary);

/* One line for a person: "4 images, 13 boxes, 0 backgrounds, 3 bad boxes left out (2 outside the image, ...)". */
void yti_scan_summary_text(const yti_scan_summary *summary, char *text, size_t room);

typedef struct yti_split {
    char *name; /* "train", "val", ... */
    int n_samples;
    yti_sample *samples;
    int64_t *category_ids;    /* [n_classes] of the COCO file, -1: it lacks the class; NULL: label files */
    yti_coco_object *objects; /* that labels point to; NULL: label files */
    char *coco_note;          /* what COCO's own tools count otherwise in its file than we do; NULL: nothing */
    yti_scan_summary summary;
} yti_split;

typedef struct yti_dataset {
    char *path; /* of the YAML file */
    int n_classes;
    char **names;
    int keypoint_columns;                /* after the box of each row, by kpt_shape:; 0: none */
    struct yti_dataset_sources *sources; /* where the images of each split are to be looked for */
} yti_dataset;

/* Receives every problem of a scan, "path:line: reason". */
typedef void (*yti_problem_sink)(void *context, const char *text);

typedef struct yti_scan_options {
    bool strict;         /* the first problem is an error (all are still reported first) */
    const bool *classes; /* [n_classes] boxes of which classes are kept; NULL: all. The images stay */
    bool single_class;   /* then every class becomes 0 */
    double fraction;     /* (0, 1]: keep the first round(n * fraction) images */
    yti_problem_sink problem;
    void *context;
    int threads; /* image headers are read in parallel; reports stay in order */
} yti_scan_options;

/* Reads the YAML and resolves its paths; looks at no image. Release with yti_dataset_close. */
yt_status yti_dataset_open(const char *path, yti_dataset *out, yt_err *err);
void yti_dataset_close(yti_dataset *dataset);

/* Which classes a text like "0,2" or "person,car" names: *out is malloc'd, [n_classes]. whose: for the message about
 * one that is not there. */
yt_status yti_classes_parse(const char *text, const char *const *names, int n_classes, const char *whose, bool **out,
                            yt_err *err);
yt_status yti_dataset_classes(const yti_dataset *dataset, const char *text, bool **out, yt_err *err);

/* Whether such a text is right as far as that shows without the names: no entry is empty. */
yt_status yti_classes_check(const char *text, yt_err *err);

/* Whether a split is COCO's own val2017 or test-dev2017, by the list it names (spec training 5.6). */
bool yti_dataset_is_coco(const yti_dataset *dataset, const char *split);

/* Whether the YAML names any images for a split. */
bool yti_dataset_has_split(const yti_dataset *dataset, const char *split);

/* Lists and checks one split ("train", "val", "test"). A missing path lists every path tried. */
yt_status yti_dataset_scan(const yti_dataset *dataset, const char *split, const yti_scan_options *options,
                           yti_split *out, yt_err *err);
void yti_split_free(yti_split *split);

/* The largest number of boxes in an image. */
int yti_split_most_boxes(const yti_split *split);

#endif
