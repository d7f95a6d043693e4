/* calibrate.h: which values the maps of a network take on images: what its scales in 8 bits are chosen by.
 *
 *     yti_calibration *calibration;
 *     YT_TRY(yti_calibration_create(yti_graph_nodes(model->graph), &calibration, err));
 *     const yti_graph_observer observer = yti_calibration_observer(calibration);
 *     yti_model_forward(model, &model->state, &observer); // once per image
 *     yti_range range = yti_calibration_range(calibration, model->input, 0.9999);
 *     yti_calibration_destroy(calibration);
 */
#ifndef YT_EXPORT_CALIBRATE_H
#define YT_EXPORT_CALIBRATE_H

#include "graph/graph.h"

#include <stdbool.h>

typedef struct yti_range {
    float low, high; /* low > high: no value was seen */
} yti_range;

typedef struct yti_calibration yti_calibration;

yt_status yti_calibration_create(int n_nodes, yti_calibration **out, yt_err *err);
void yti_calibration_destroy(yti_calibration *calibration); /* NULL is fine */

/* Counts every map that is shown. The observer lives as long as the calibration; one thread at a time. */
yti_graph_observer yti_calibration_observer(yti_calibration *calibration);

/* Where the values of a node lie, but for the share 1 - kept at either end; kept 1: all of them. */
yti_range yti_calibration_range(const yti_calibration *calibration, yti_value node, double kept);

/* A value that was not finite was seen, or memory ended. */
yt_status yti_calibration_status(const yti_calibration *calibration, yt_err *err);

#endif
