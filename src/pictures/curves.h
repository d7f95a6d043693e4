/* curves.h: the tables that a run and an evaluation write, as images beside them: results.png of results.csv,
 * BoxPR_curve.png of pr_curve.csv, BoxP_curve.png, BoxR_curve.png and BoxF1_curve.png of confidence_curves.csv,
 * confusion_matrix.png and confusion_matrix_normalized.png of confusion_matrix.csv; and labels.jpg of the boxes that
 * are trained on.
 */
#ifndef YT_CURVES_H
#define YT_CURVES_H

#include "data/index/dataset.h"

/* Draws the tables that are in a folder. names: of the classes that they are about. IO, SYNTAX, NO_MEMORY. */
yt_status yti_draw_tables(const char *folder, const char *const *names, int n_classes, yt_err *err);

/* How many boxes each class has, where they lie and how large they are. */
yt_status yti_draw_labels(const char *folder, const yti_split *split, const char *const *names, int n_classes,
                          yt_err *err);

#endif
