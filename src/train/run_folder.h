/* run_folder.h: where a run writes. Internal to src/train. */
#ifndef YT_RUN_FOLDER_H
#define YT_RUN_FOLDER_H

#include "yt/train.h"

/* malloc'd runs/detect/project/name with the first free -2, -3, ...; an absolute project stands alone. Makes
 * nothing.
 */
yt_status yt_run_folder_choose(const char *project, const char *name, bool exist_ok, char **out, yt_err *err);

/* Makes the folder and its weights/. */
yt_status yt_run_folder_create(const char *folder, yt_err *err);

/* malloc'd folder of the run that folder/weights/last.safetensors belongs to. */
yt_status yt_run_folder_of(const char *checkpoint, char **out, yt_err *err);

#endif
