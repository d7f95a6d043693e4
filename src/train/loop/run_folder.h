/* run_folder.h: where a run writes. Internal to src/train, and to the floors above for what they look for. */
#ifndef YT_RUN_FOLDER_H
#define YT_RUN_FOLDER_H

#include "train/loop/train.h"

/* malloc'd runs/detect/project/name; an absolute project stands alone. Makes nothing. */
yt_status yti_run_folder_name(const char *project, const char *name, char **out, yt_err *err);

/* The run that `resume` names: a checkpoint in the weights/ of a run, the run folder or its weights/ (then its
 * weights/last.safetensors). Both malloc'd. A checkpoint that lies elsewhere has no run to go on with: an error. */
yt_status yti_run_of(const char *resume, char **checkpoint, char **folder, yt_err *err);

/* A run that starts where one was before: its last and best weights get out of the way (weights/former-*), and what
 * shows their work is removed, so that nothing of it is taken for the new run's. */
yt_status yti_run_folder_retire(const char *folder, yt_err *err);

/* malloc'd path of RUN/weights/`file` written last among the runs below `root`; NULL: there is none. */
yt_status yti_newest_weights(const char *root, const char *file, char **out, yt_err *err);

#endif
