/* resume.h: a run that continues. Internal to src/train/loop. */
#ifndef YT_RESUME_H
#define YT_RESUME_H

#include "formats/safetensors.h"
#include "train/loop/train.h"

/* Reads the checkpoint config.resume into settings and progress, and opens the run's folder. The file, which starts as
 * {0}, is the caller's to free. Reports to problem when it is not the last one of its run. */
yt_status yti_resume_read(yti_training *training, yti_st_file *file, yti_problem_sink problem, void *context,
                          yt_err *err);

/* The epoch at which the run ends; ARGUMENT where that has passed already and nothing is left to write. */
yt_status yti_resume_settle_end(yti_training *training, yt_err *err);

#endif
