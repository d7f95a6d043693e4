/* run_folder.h: where a run writes, and which run a checkpoint belongs to. Internal to the library and the programs. */
#ifndef YT_BASE_RUN_FOLDER_H
#define YT_BASE_RUN_FOLDER_H

#include "base/status.h"

/* malloc'd runs/detect/project/name; an absolute project stands alone. Makes nothing. */
yt_status yti_run_folder_name(const char *project, const char *name, char **out, yt_err *err);

/* The run that `resume` names: a checkpoint in the weights/ of a run, the run folder or its weights/ (then its
 * weights/last.safetensors). Both malloc'd. A checkpoint that lies elsewhere has no run to continue: an error. */
yt_status yti_run_of(const char *resume, char **checkpoint, char **folder, yt_err *err);

/* malloc'd path of RUN/weights/`file` written last among the runs below `root`; NULL: there is none. */
yt_status yti_newest_weights(const char *root, const char *file, char **out, yt_err *err);

/* The newest weights/last.safetensors below runs/detect, malloc'd. IO: there is none. */
yt_status yti_newest_checkpoint(char **path, yt_err *err);

#endif
