/* search.h: the search for the first value of a step that is not finite. Internal to src/train. */
#ifndef YT_SEARCH_H
#define YT_SEARCH_H

#include "train/diagnose/finding.h"
#include "train/step/step_loss.h"

/* Runs the step forwards and, where all is finite so far, backwards. model->state.buffers must be as before the
 * step; they move. The gradients are those of this batch and of those waiting afterwards. */
yt_status yti_find_non_finite(const yti_step *step, yti_finding *out, yt_err *err);

#endif
