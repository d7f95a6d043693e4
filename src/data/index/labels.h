/* labels.h: the text of one label file to boxes. */
#ifndef YT_DATA_LABELS_H
#define YT_DATA_LABELS_H

#include "data/index/dataset.h"
#include "data/index/rules.h"

#include <stddef.h>

typedef struct yti_labels {
    yti_label *items; /* malloc'd, NULL when there is none */
    int count;
    yti_point *points; /* malloc'd, of the outlines; NULL when there is none */
    size_t n_points;
    yti_tally tally;
} yti_labels;

/* What a row may hold. */
typedef struct yti_label_format {
    int n_classes;        /* class numbers must be below it */
    int keypoint_columns; /* after the box; 0: the data set has no keypoints */
} yti_label_format;

void yti_labels_free(yti_labels *labels);

/* Parses the text; `name` is the file's for "name:line: reason". Bad and repeated rows are reported, counted in
 * out->tally and left out; the rest stays in its order. */
yt_status yti_labels_parse(const char *name, const char *text, size_t bytes, yti_label_format format, yti_labels *out,
                           yti_report *report, yt_err *err);

/* malloc'd path of the label file of an image: the last folder "images" becomes "labels", the ending "txt". */
char *yti_label_path(const char *image_path);

#endif
