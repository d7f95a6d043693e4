/* figures.h: the figures of a study. Internal to src/study. */
#ifndef YT_STUDY_FIGURES_H
#define YT_STUDY_FIGURES_H

#include "study/comparison.h"

typedef struct study_figure {
    char file[STUDY_TEXT]; /* "profile-0.svg" */
    char caption[STUDY_SENTENCE];
} study_figure;

enum { STUDY_MAX_FIGURES = 8 + STUDY_MAX_VARIANTS };

/* Draws every figure of the study into its folder, figures/, in place of those of a former report. */
yt_status study_figures_draw(const study_comparison *study, study_figure *out, int *count, yt_err *err);

#endif
