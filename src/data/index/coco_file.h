/* coco_file.h: the records of a COCO ground-truth file as they stand in it. */
#ifndef YT_DATA_COCO_FILE_H
#define YT_DATA_COCO_FILE_H

#include "base/status.h"
#include "data/index/rules.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct yti_coco_image {
    int64_t id;
    char *file_name;
    int w, h; /* 0: not said */
} yti_coco_image;

typedef struct yti_coco_annotation {
    int64_t id; /* its number in the list where it has none */
    int64_t image_id, category_id;
    double box[4]; /* x, y of the upper left corner, width, height; in pixels */
    double area;   /* -1: not said */
    bool crowd;
} yti_coco_annotation;

typedef struct yti_coco_category {
    int64_t id;
    char *name;
    char *group; /* its supercategory; NULL: not said */
} yti_coco_category;

typedef struct yti_coco_file {
    yti_coco_image *images;
    yti_coco_annotation *annotations;
    yti_coco_category *categories;
    size_t n_images, n_annotations, n_categories;
    size_t image_capacity, annotation_capacity, category_capacity;
    yti_tally tally; /* of annotations that were left out */
    int bad_images;
} yti_coco_file;

/* Reads path. Annotations and images without what they need are reported as "path: annotation ID: reason" and left
 * out. With only_categories nothing else is kept or checked. *out is to be freed also after a failure. */
yt_status yti_coco_file_load(const char *path, bool only_categories, yti_coco_file *out, yti_report *report,
                             yt_err *err);
void yti_coco_file_free(yti_coco_file *file);

#endif
