/* points.h: the places of a network where dL/dx is compared. */
#ifndef YT_STUDY_POINTS_H
#define YT_STUDY_POINTS_H

#include "model/model.h"
#include "study/variant.h"

/* A place where dL/dx is looked at: the map that leaves a row with parameters, or a block inside a row. */
typedef struct study_point {
    int layer; /* row of the model YAML */
    bool is_block;
    bool in_backbone; /* its row is one of the YAML's `backbone` */
    char name[STUDY_TEXT];
    yti_value value;
    int depth;  /* convolutions on the longest way from the input */
    int before; /* the nearest point that it depends on; -1: none */
} study_point;

typedef struct study_points {
    study_point *at; /* by depth, then as they run */
    int count;
} study_points;

yt_status study_points_find(const yti_model *model, study_points *out, yt_err *err);
void study_points_free(study_points *points);

#endif
