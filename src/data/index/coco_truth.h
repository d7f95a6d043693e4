/* coco_truth.h: the labels of a split from one COCO file in place of label files. */
#ifndef YT_DATA_COCO_TRUTH_H
#define YT_DATA_COCO_TRUTH_H

#include "data/index/coco_file.h"
#include "data/index/labels.h"
#include "data/index/listing.h"

/* An image that the file names and that exists. */
typedef struct yti_truth_image {
    char *path;
    int64_t id;
    int w, h;            /* as the file says; 0: it does not */
    size_t first, count; /* its annotations */
} yti_truth_image;

typedef struct yti_truth {
    char *path;              /* of the file */
    yti_truth_image *images; /* sorted by path */
    size_t n_images;
    int missing;                      /* images left out */
    yti_tally tally;                  /* of annotations of no image or class */
    yti_coco_annotation *annotations; /* grouped by image, in the order of the file; category_id is a class */
    yti_coco_object *objects;         /* beside the annotations */
    int64_t *category_ids;            /* [n_classes], -1: none */
    char *note;                       /* as yti_split.coco_note */
} yti_truth;

/* Reads the file, finds its images in `folders` (the first that has one) and its categories among the names of the
 * dataset. What is wrong with one image or annotation is reported and left out. *out is to be freed also after a
 * failure. */
yt_status yti_truth_load(const char *path, const yti_paths *folders, const yti_dataset *dataset, yti_truth *out,
                         yti_report *report, yt_err *err);
void yti_truth_free(yti_truth *truth);

/* The labels of image `index`, whose image has w x h pixels. Annotations that are left out of training by a rule
 * (bad ones, crowds, repeated boxes) are coco_only. False: the file speaks of another size; reported. */
bool yti_truth_labels(const yti_truth *truth, size_t index, int w, int h, yti_labels *out, yti_report *report,
                      yt_status *status);

/* The names of the categories by ascending id, for a dataset that gives none. Both malloc'd. A category 0 that only
 * groups others, as Roboflow adds one, is no class: *group is then its name, malloc'd, else NULL. */
yt_status yti_truth_names(const char *path, char ***names, int *count, char **group, yt_err *err);

#endif
