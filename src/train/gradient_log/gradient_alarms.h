/* gradient_alarms.h: telling of a sampled step what is not sound. Internal to src/train. */
#ifndef YT_GRADIENT_ALARMS_H
#define YT_GRADIENT_ALARMS_H

#include "train/gradient_log/gradient_files.h"

/* How far each alarm has spread. */
typedef struct yti_gradient_alarms {
    int places[YT_FLOW_ALARMS], told[YT_FLOW_ALARMS]; /* where it was raised so far; when a line said so */
    double *sorted;                                   /* [rows of the model], owned */
} yti_gradient_alarms;

/* One line for each alarm that is raised for the first time, or in twice as many places as when it was last told:
 *   step 0, row 0 Conv: vanishing, here and in 51 other places: mean_abs of activation_gradient is 1.2e-26, ...
 * of the place where it is worst. Each record's `raised` remembers its alarms. */
void yti_raise_alarms(yti_gradient_alarms *alarms, const yti_flow_step *step, yti_problem_sink sink, void *context);

#endif
