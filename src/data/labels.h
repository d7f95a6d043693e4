/* labels.h: the text of one label file to boxes. */
#ifndef YT_DATA_LABELS_H
#define YT_DATA_LABELS_H

#include "data/report.h"
#include "yt/dataset.h"

#include <stddef.h>

typedef struct yti_labels {
    yt_label *items; /* malloc'd, NULL when there is none */
    int count;
    yt_point *points; /* malloc'd, of the outlines; NULL when there is none */
    size_t n_points;
    int bad_rows, duplicates;
} yti_labels;

void yti_labels_free(yti_labels *labels);

/* Parses the text; `name` is the file's for "name:line: reason". Bad and repeated rows are reported and left
 * out; the rest stays in its order. Class numbers must be below n_classes. */
yt_status yti_labels_parse(const char *name, const char *text, size_t bytes, int n_classes, yti_labels *out,
                           yti_report *report, yt_err *err);

/* malloc'd path of the label file of an image: the last folder "images" becomes "labels", the ending "txt".
 */
char *yti_label_path(const char *image_path);

#endif
