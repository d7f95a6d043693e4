/* step_report.h: a step whose values are not all finite, reported on one page. Internal to src/train. */
#ifndef YT_STEP_REPORT_H
#define YT_STEP_REPORT_H

#include "train/diagnose/finding.h"

/* Where a step stands in its run. */
typedef struct yti_step_place {
    int epoch, epochs, batch, batches; /* from 0; epochs decide the weights of the branches */
    int64_t step;                      /* batches before it, of the run */
} yti_step_place;

/* What is reported of a step besides what is found in it. */
typedef struct yti_step_story {
    yti_step_place at;
    const char *noticed;       /* by which the run noticed it */
    const char *history;       /* the steps before, in lines */
    const char *const *images; /* [n_images] paths of all images in the batch */
    int n_images;
} yti_step_story;

/* The whole report: where the step stands, by what it was noticed, the finding, the steps before, the images.
 * malloc'd; NULL: no memory. */
char *yti_step_report(const yti_step_story *story, const yti_finding *finding, const yti_model *model);

#endif
