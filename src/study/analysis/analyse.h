/* analyse.h: from the folders of the runs to every number of the study. Internal to src/study. */
#ifndef YT_STUDY_ANALYSE_H
#define YT_STUDY_ANALYSE_H

#include "study/comparison.h"

yt_status study_analyse(study_comparison *study, yt_err *err);

#endif
